"""The same work for several seeds at once, on as many threads as there are cores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


def for_each_seed(
    work: Callable[[int, Callable[[], None]], T],
    seeds: list[int],
    threads: int,
    cut_short: Callable[[T], bool],
) -> tuple[list[T], bool]:
    """``work(seed, check)`` for every seed, in order, and whether Ctrl-C cut it short.

    The first seed runs alone, so that compilers are done with when the others start; where it was
    ``cut_short`` there are no others. ``check`` raises KeyboardInterrupt in the work once Ctrl-C
    has come; work that has not begun by then is left out. Threads and not processes: jitted
    kernels let go of the interpreter, nothing need be copied, and a script needs no
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
            for seed in seeds[1:]:
                futures.append(pool.submit(guarded, seed))
            wait(futures)
        except KeyboardInterrupt:
            halted.set()
            wait(futures)
    rest = [future.result() for future in futures]
    return [first, *(result for result in rest if result is not None)], halted.is_set()
