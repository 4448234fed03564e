"""What functions that users wrote return, checked: numbers, arrays, matrices, evaluators."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array
from meshrep.energies.evaluator import Evaluator
from meshrep.errors import InputError, kind_of


def real_number(value: Any, who: str) -> float:
    """A returned number as a float; it may be NaN.

    Parameters
    ----------
    value : number, or array or tensor without axes
    who : str
        Begins the sentence, such as "value_and_grad must return".

    Raises
    ------
    InputError
        When it is no real number.
    """
    if type(value) is float:
        return value
    value = _on_host(value)
    try:
        if np.ndim(value) == 0 and not _is_complex(value) and not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise InputError(f"{who} a real number first, not {described(value)}")


def real_array(values: Any, shape: tuple[int, ...], who: str) -> np.ndarray:
    """A returned array as float64; it is the same array where nothing has to be changed.

    Parameters
    ----------
    values : array, tensor or list
    shape : tuple
        The shape that it must have.
    who : str
        Begins the sentence, such as "hvp must return".

    Raises
    ------
    InputError
        When it is no array of real numbers, or has another shape.
    """
    try:
        found = np.asarray(_on_host(values))
    except (TypeError, ValueError):  # such as lists of different lengths
        found = np.zeros(())
    if found.shape != shape or found.dtype.kind not in "biuf":
        raise InputError(
            f"{who} an array of real numbers of shape {shape}, not {described(values)}"
        )
    return np.require(found, np.float64, ["C", "W"])


def real_matrix(matrix: Any, size: int, who: str) -> sparse.csr_array:
    """A returned matrix, sparse or dense, as a sparse one in float64.

    Raises
    ------
    InputError
        When it is no matrix of real numbers, or has another shape.
    """
    shape = size, size
    if not sparse.issparse(matrix):
        return sparse.csr_array(real_array(matrix, shape, who))
    if matrix.shape != shape or matrix.dtype.kind not in "biuf":
        raise InputError(
            f"{who} a matrix of real numbers of shape {shape}, not {described(matrix)}"
        )
    return sparse.csr_array(matrix, dtype=np.float64)


def tried(evaluator: Evaluator, w: Array) -> tuple[Any, Array]:
    """Energy and gradient at a field, and a check of what the evaluator does.

    Raises
    ------
    InputError
        When the energy is no real number, the gradient no real array of the field's shape, or
        when the evaluator changes the field.
    """
    before = w + 0
    found: Any = evaluator.value_and_grad(w)
    who = f"{type(evaluator).__name__}.value_and_grad"
    value, gradient = pair(found, f"{who} must return")
    if getattr(value, "shape", ()) != () or _is_complex(value) or not hasattr(value, "__float__"):
        raise InputError(f"{who} must return a real number first, not {described(value)}")
    alike = isinstance(gradient, type(w)) and gradient.shape == w.shape
    if not alike or _is_complex(gradient):
        raise InputError(
            f"{who} must return {kind_of(w)} of real numbers of shape {tuple(w.shape)} second, not "
            f"{described(gradient)}"
        )
    finite = float((before * 0).sum()) == 0.0  # a NaN differs from itself
    if finite and bool((w != before).any()):
        raise InputError(
            f"{who} changed the field that it was given: let it work on a copy, such as w = w + 0"
        )
    return value, gradient


def pair(found: Any, who: str) -> tuple[Any, Any]:
    """The two things that were returned; InputError, which ``who`` begins, where they are not."""
    try:
        value, gradient = found
    except (TypeError, ValueError):
        raise InputError(f"{who} a number and an array, not {described(found)}") from None
    return value, gradient


def described(thing: Any) -> str:
    """What a thing is, for a message: an array by its shape and type.

    >>> described(np.zeros((2, 3))), described(None), described(1j)
    ('an array of shape (2, 3) and type float64', 'None', 'a complex')
    """
    shape = getattr(thing, "shape", None)
    if isinstance(shape, tuple):
        return f"an array of shape {tuple(shape)} and type {getattr(thing, 'dtype', 'unknown')}"
    if isinstance(thing, tuple | list):
        return f"{kind_of(thing)} of {len(thing)}"
    return kind_of(thing)


def _is_complex(thing: Any) -> bool:
    return "complex" in str(getattr(thing, "dtype", type(thing).__name__))


def _on_host(values: Any) -> Any:
    """A tensor's entries as a NumPy array, in float64 where they are real; anything else as it is.

    An array that is no tensor has no method ``detach``.
    """
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return (values if values.is_complex() else values.double()).numpy()
