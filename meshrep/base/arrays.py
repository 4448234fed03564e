"""Read-only arrays, which can be shared."""

from __future__ import annotations

from typing import Any

import numpy as np


def frozen(values: Any, dtype: Any) -> np.ndarray:
    """The values as a read-only array of the given type, which the caller cannot change later.

    The values are copied, unless they are a read-only array of that type that owns its data. Mark
    a new array read-only, by :func:`read_only`, to avoid the copy.

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


def read_only(array: np.ndarray) -> np.ndarray:
    """Mark a new array read-only, so that :func:`frozen` takes it without a copy; return it."""
    array.setflags(write=False)
    return array
