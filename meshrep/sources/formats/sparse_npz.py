"""Sparse matrices that SciPy saves in .npz, checked before anything is built from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.errors import InputError
from meshrep.sources.room import refuse_beyond_memory
from meshrep.sources.wording import one_line

MARKS = {"format", "shape", "data"}  # arrays that every such file holds
_INDICES = {
    "csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "bsr": ("indices", "indptr"),
    "coo": ("row", "col"), "dia": ("offsets",),
}  # fmt: skip
_DIMENSIONS = {"dia": 2, "bsr": 3}  # of the data; 1 for the others


def matrix_of(arrays: Mapping[str, np.ndarray], shown: str, size: int) -> Any:
    """The matrix that the arrays of a file of ``size`` bytes describe.

    SciPy does not check indices and pointers: wrong ones can make it crash or run without end.

    Raises
    ------
    InputError
        If they do not fit each other or the shape, or the matrix would not fit into the memory.
    """
    form = _form(arrays["format"])
    if form not in _INDICES:
        known = ", ".join(_INDICES)
        raise InputError(f"{shown}: its matrix has the format {form!r}: save it as {known}")
    shape, data = arrays["shape"], arrays["data"]
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or shape.min() < 0:
        raise InputError(f"{shown}: the shape of its matrix is not two whole numbers")
    rows, columns = (int(size) for size in shape)
    refuse_beyond_memory(shown, max(rows, columns), data.size, size=size)
    if data.ndim != _DIMENSIONS.get(form, 1) or data.dtype.kind not in "biuf":
        raise InputError(f"{shown}: the data of its {form} matrix are no real numbers of {form}")
    indices = []
    for name in _INDICES[form]:
        if name not in arrays:
            raise InputError(f"{shown}: its {form} matrix has no array {name!r}")
        if arrays[name].ndim != 1 or arrays[name].dtype.kind not in "iu":
            raise InputError(f"{shown}: {name!r} is not a list of whole numbers")
        _refuse_outside(arrays[name], _ends(form, name, rows, columns, data), name, shown)
        indices.append(arrays[name])
    try:
        if form == "coo":
            return sparse.coo_array((data, tuple(indices)), shape=(rows, columns))
        if form == "dia":
            return sparse.dia_array((data, indices[0]), shape=(rows, columns)).tocoo()
        kind = {"csr": sparse.csr_array, "csc": sparse.csc_array, "bsr": sparse.bsr_array}[form]
        matrix = kind((data, *indices), shape=(rows, columns))
        matrix.check_format(full_check=True)
        return matrix
    except Exception as error:
        raise InputError(f"{shown}: its {form} matrix is damaged ({one_line(error)})") from None


def _ends(form: str, name: str, rows: int, columns: int, data: np.ndarray) -> tuple[int, int]:
    """The least and the largest value that an array of indices may hold."""
    if name == "offsets":
        return -rows, columns
    if name == "indptr":
        return 0, len(data)
    across = rows if name == "row" or form == "csc" else columns
    if form == "bsr":
        across //= max(1, data.shape[2])
    return 0, across - 1


def _refuse_outside(values: np.ndarray, ends: tuple[int, int], name: str, shown: str) -> None:
    """SciPy narrows indices to 32 bits where the shape allows it, whatever they are."""
    if values.size and not ends[0] <= int(values.min()) <= int(values.max()) <= ends[1]:
        raise InputError(
            f"{shown}: its matrix is damaged: {name!r} holds {values.min()} … {values.max()}, and "
            f"its shape and data allow {ends[0]} … {ends[1]}"
        )


def _form(value: np.ndarray) -> str:
    """The name of the format, which SciPy saves as bytes."""
    item = value.item() if value.size == 1 else ""
    return item.decode("latin-1") if isinstance(item, bytes) else str(item)
