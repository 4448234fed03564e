"""An energy on the arrays of one back end: what minimisers call in their loops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend
from meshrep.energies.fixed import Fixed
from meshrep.errors import InputError


class Evaluator(ABC):
    """An energy on the arrays of one back end. A subclass writes :meth:`value_and_grad`.

    With ``fused = True`` an evaluator also has ``descend`` and ``flow``, which take many steps in
    one call: see :class:`meshrep.energies.fused.Fused`. ``unit`` is that of the energy. With
    ``maps = True`` all that it does are operations of the back end that neither wait for the host
    nor depend on values, so that ``torch.vmap`` can map it over a batch of fields. ``notes`` are
    sentences for the solution, on what was chosen.
    """

    fused = False
    maps = False
    unit = 1.0
    notes: tuple[str, ...] = ()

    @abstractmethod
    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Energy and gradient of a field.

        Parameters
        ----------
        w : array (n,) or (n, d)
            The field, which must not be changed.

        Returns
        -------
        value : float or 0-d array
        gradient : array, shaped as w
            0 at fixed nodes. The next call may overwrite it.
        """

    def velocity(self, w: Array) -> Array:
        """dw/dt of the flow at unit mass: −∇E, and what drives the field in addition."""
        return -self.value_and_grad(w)[1]

    def hvp(self, w: Array, v: Array) -> Array:
        """Hessian at w times v, by central differences of the gradient where not overridden."""
        scale = float((v * v).sum()) ** 0.5
        if scale == 0.0:
            return v * 0.0
        h = 6e-6 * max(self.unit, float((w * w).sum()) ** 0.5) / scale
        ahead = self.value_and_grad(w + h * v)[1] + 0.0  # a copy
        return (ahead - self.value_and_grad(w - h * v)[1]) / (2 * h)


class ByHost(Evaluator):
    """A NumPy evaluator for the arrays of another back end.

    Tensors on the CPU are shared with NumPy; others are copied to the host and back.
    """

    def __init__(self, inner: Evaluator, backend: Backend) -> None:
        self.inner, self.backend = inner, backend
        self.shared = backend.device == "cpu" and hasattr(backend.xp, "from_numpy")

    def _down(self, w: Array) -> np.ndarray:
        return w.detach().numpy() if self.shared else self.backend.to_numpy(w)

    def _up(self, values: np.ndarray) -> Array:
        return self.backend.xp.from_numpy(values) if self.shared else self.backend.asarray(values)

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """The host's energy and gradient."""
        value, gradient = self.inner.value_and_grad(self._down(w))
        return value, self._up(gradient)

    def velocity(self, w: Array) -> Array:
        """The host's dw/dt."""
        return self._up(self.inner.velocity(self._down(w)))

    def hvp(self, w: Array, v: Array) -> Array:
        """The host's Hessian times v."""
        self.inner.unit = self.unit
        return self._up(self.inner.hvp(self._down(w), self._down(v)))


class SumEvaluator(Evaluator):
    """Σ_k c_k E_k of evaluators on one back end."""

    def __init__(self, terms: list[tuple[float, Evaluator]], fixed: Fixed) -> None:
        self.terms, self.fixed = terms, fixed
        self.notes = tuple(dict.fromkeys(note for _, one in terms for note in one.notes))

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        """Σ c_k times both of each; the gradient is 0 at the nodes that any of them fixes."""
        total: Any = 0.0
        gradient = w * 0.0
        for factor, evaluator in self.terms:
            value, part = evaluator.value_and_grad(w)
            if part.shape != w.shape:  # which adding would spread over the nodes
                raise InputError(
                    f"{type(evaluator).__name__} gave a gradient of shape {tuple(part.shape)} for "
                    f"a field of shape {tuple(w.shape)}"
                )
            total = total + factor * value
            gradient += factor * part
        self.fixed.clear(gradient)
        return total, gradient

    def velocity(self, w: Array) -> Array:
        """Σ c_k times dw/dt of each."""
        result = w * 0.0
        for factor, evaluator in self.terms:
            result += factor * evaluator.velocity(w)
        self.fixed.clear(result)
        return result

    def hvp(self, w: Array, v: Array) -> Array:
        """Σ c_k times H v of each."""
        result = v * 0.0
        for factor, evaluator in self.terms:
            result += factor * evaluator.hvp(w, v)
        self.fixed.clear(result)
        return result
