"""Read-only arrays, which can be shared."""

from __future__ import annotations

from typing import Any

import numpy as np


def frozen(values: Any, dtype: Any) -> np.ndarray:
    """The values as a read-only array of the given type, safe from whoever handed them over.

    Copied, unless they are an array of that type that is read-only already and owns its data:
    whoever makes a large array for keeps calls ``setflags(write=False)`` on it and saves a copy.

    >>> fresh = np.arange(3)
    >>> frozen(fresh, np.int64) is fresh
    False
    >>> fresh.setflags(write=False)
    >>> frozen(fresh, np.int64) is fresh
    True
    """
    settled = (
        isinstance(values, np.ndarray)
        and values.dtype == np.dtype(dtype)
        and values.base is None
        and values.flags.c_contiguous
        and not values.flags.writeable
    )
    array: np.ndarray = values if settled else np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def for_keeps(array: np.ndarray) -> np.ndarray:
    """A fresh array, made read-only, which :func:`frozen` then takes without a copy."""
    array.setflags(write=False)
    return array
