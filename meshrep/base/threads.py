"""How many threads a run uses: BLAS, torch and numba's kernels."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from meshrep.base import limits
from meshrep.base.backends import installed

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

LOOK = 0.1  # seconds over which the cores that a run gets are counted
SHORTEST_REST, LONGEST_REST = 0.4, 3.2  # seconds on fewer threads before more are tried again
BUSY = 0.6  # share of its threads' time that a run gets, below which it lacks cores or work
OFTEN = 60.0  # cores taken away a second above which it lacks cores: ten times what is usual alone
FREE = 0.9  # share above which more threads may help

_runs = threading.local()  # the fit of the run in this thread, since numba counts by thread


class FittedThreads:
    """Fits the number of numba's threads to the cores that the process gets.

    The threads of a kernel wait for each other. If other processes use the cores, one that lost its
    core holds up all, and fewer threads are faster. Results do not depend on their number. Threads
    that sleep because a solver works in one thread for a while are told from threads that lost
    their cores by the number of times that the system took a core away; Windows does not count it.

    Parameters
    ----------
    numba : module
        Gives ``get_num_threads`` and ``set_num_threads``.
    """

    def __init__(self, numba: Any) -> None:
        self.numba = numba
        self.most = numba.get_num_threads()
        self.rest = SHORTEST_REST
        self._begin(LOOK)

    def _begin(self, seconds: float) -> None:
        self.wall, self.cpu, self.seconds = time.perf_counter(), time.process_time(), seconds
        self.taken = cores_taken()

    def look(self) -> None:
        """Change the number of threads if the time since the last look says so."""
        passed = time.perf_counter() - self.wall
        if passed < self.seconds:
            return
        threads = self.numba.get_num_threads()
        got = (time.process_time() - self.cpu) / passed
        alone = (cores_taken() - self.taken) / passed < OFTEN  # false for NaN
        if threads > 1 and got < BUSY * threads and not alone:
            self.numba.set_num_threads(max(1, round(got)))
            self._begin(self.rest)
            self.rest = min(2 * self.rest, LONGEST_REST)
            return
        if threads == self.most:
            self.rest = SHORTEST_REST
        elif got > FREE * threads:
            self.numba.set_num_threads(min(2 * threads, self.most))
        self._begin(LOOK)

    def end(self) -> None:
        """Give the thread its number of threads back."""
        self.numba.set_num_threads(self.most)


def cores_taken() -> float:
    """How often the system took a core from a thread of this process; NaN where it does not count.

    On Linux and macOS these are the involuntary context switches.
    """
    if resource is None:
        return math.nan
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw)


def fit_threads() -> None:
    """Fit the threads of the run in this thread, if it has any; minimisers call it as they go."""
    fitted = getattr(_runs, "fitted", None)
    if fitted is not None:
        fitted.look()


@contextmanager
def calm_threads(nodes: int) -> Iterator[None]:
    """Keep thread pools from fighting over the cores while a solver runs.

    BLAS is limited to one thread, since only short vectors go through it, on which more threads
    mostly wait for each other. torch is limited to one thread on small graphs. numba's threads are
    fitted to the cores that are free: see :class:`FittedThreads`.
    """
    with ExitStack() as stack:
        if installed("threadpoolctl"):
            from threadpoolctl import threadpool_limits

            stack.enter_context(threadpool_limits(1, "blas"))
        torch = sys.modules.get("torch")
        if torch is not None and nodes < limits.TORCH_THREADS_FROM:
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
        outermost = getattr(_runs, "fitted", None) is None
        if nodes >= limits.THREADS_FROM and outermost and installed("numba"):
            import numba

            _runs.fitted = FittedThreads(numba)
            stack.callback(setattr, _runs, "fitted", None)
            stack.callback(_runs.fitted.end)
        yield
