"""Random numbers from the seed that a user gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.errors import InputError


def random_from(seed: Any, *more: int) -> np.random.Generator:
    """NumPy's generator for a seed, and for further numbers that tell one use of it from another.

    Raises
    ------
    InputError
        Where the seed is no whole number of 0 or more.

    Examples
    --------
    >>> bool(random_from(3).random() == random_from(3).random())
    True
    >>> random_from(-1)
    Traceback (most recent call last):
    meshrep.errors.InputError: seed must be a whole number of 0 or more, not -1
    """
    if not (isinstance(seed, int | np.integer) and seed >= 0):
        raise InputError(f"seed must be a whole number of 0 or more, not {seed!r}")
    return np.random.default_rng([int(seed), *more] if more else int(seed))
