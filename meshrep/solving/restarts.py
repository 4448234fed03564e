"""Runs the same work for several seeds, in parallel threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from meshrep.base.interrupts import interruptible

T = TypeVar("T")


def for_each_seed(
    work: Callable[[int, Callable[[], None]], T],
    seeds: list[int],
    threads: int,
    cut_short: Callable[[T], bool],
) -> tuple[list[T], bool]:
    """The results of ``work(seed, check)`` in the order of the seeds, and whether Ctrl-C came.

    The first seed runs alone, so that everything is compiled when the others start. If its result
    was ``cut_short``, the others are not run. After Ctrl-C, ``check`` raises KeyboardInterrupt in
    the work that is running, and the other seeds are skipped. Threads suffice, since jitted
    kernels release the interpreter; nothing is copied, and scripts need no
    ``if __name__ == "__main__"``.
    """
    halted = threading.Event()

    def check() -> None:
        if halted.is_set():
            raise KeyboardInterrupt

    def guarded(seed: int) -> T | None:
        return None if halted.is_set() else work(seed, check)

    first = work(seeds[0], check)
    if cut_short(first):
        return [first], True
    futures: list[Future[T | None]] = []
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        try:
            with interruptible():
                for seed in seeds[1:]:
                    futures.append(pool.submit(guarded, seed))
                wait(futures)
        except KeyboardInterrupt:
            halted.set()
            wait(futures)
    rest = [future.result() for future in futures]
    return [first, *(result for result in rest if result is not None)], halted.is_set()
