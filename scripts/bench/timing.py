"""Times of several functions, called in turn so that a busy machine slows them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

SLOW = 1.0  # seconds per call from which on a function gets fewer rounds
SLOW_ROUNDS = 2


def paired(ways: Mapping[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """Return the median seconds of each function, called in turn round by round after a warm-up.

    Functions that take over a second per call are warmed up by one call and timed in two rounds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    repeats, least = {}, {}
    for name, way in ways.items():
        took = _call(way)
        if took < SLOW:
            took = _call(way)
        repeats[name] = max(1, int(0.05 / max(took, 1e-7)))
        least[name] = rounds if took < SLOW else min(rounds, SLOW_ROUNDS)
    for number in range(rounds):
        for name, way in ways.items():
            if number < least[name]:
                seconds[name].append(_call(way, repeats[name]))
    return {name: float(np.median(times)) for name, times in seconds.items()}


def _call(way: Callable[[], object], times: int = 1) -> float:
    """Return the mean seconds of a number of calls."""
    begun = time.perf_counter()
    for _ in range(times):
        way()
    return (time.perf_counter() - begun) / times
