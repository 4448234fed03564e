"""Run a job on many tasks in several processes, any of which may be killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import connection, get_context
from types import ModuleType
from typing import Any, Generic, TypeVar

from meshrep.base.interrupts import leave

Task = TypeVar("Task")
Answer = TypeVar("Answer")

ATTEMPTS = 2  # how often a task is tried if its worker dies
PATIENCE = 5.0  # seconds in which a worker may remove the file that it is writing
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS")  # fmt: skip


def spread(
    job: Callable[[Task], Answer],
    tasks: Sequence[Task],
    processes: int,
    lost: Callable[[Task, str], Answer],
    after: Callable[[Task], Task | None] = lambda task: None,
) -> Generator[Answer, None, None]:
    """Yield the job's answers in the order in which they arrive.

    Parameters
    ----------
    job : callable
        task -> answer. It must be importable by name, as must the types of its answers, from
        another module than the program itself, and it must not raise.
    tasks : sequence
        Hashable tasks, without repetitions.
    processes : int
        Number of workers. Each has one thread and ignores Ctrl-C.
    lost : callable
        (task, how the worker died) -> answer, for a task whose worker died in both attempts.
    after : callable
        task -> the task that must be answered before it, or None.

    Notes
    -----
    A dead worker is replaced, and its task goes to the end of the queue. Closing the iterator
    kills the workers, so close it on Ctrl-C.
    """
    crew = _Crew(job)
    known, deaths = set(tasks), Counter[Task]()
    waiting = deque(task for task in tasks if after(task) not in known)
    behind = defaultdict[Any, list[Task]](list)
    for task in tasks:
        behind[after(task)].append(task)
    busy: dict[Any, Task] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                task = waiting.popleft()
                busy[crew.start(task)] = task
            ready: list[Any] = connection.wait(list(busy))
            for pipe in ready:
                task = busy.pop(pipe)
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    deaths[task] += 1
                    how = crew.remove(pipe)
                    if deaths[task] < ATTEMPTS:
                        waiting.append(task)
                    else:
                        waiting.extendleft(reversed(behind[task]))
                        yield lost(task, how)
                    continue
                waiting.extendleft(reversed(behind[task]))  # a chain ends before others begin
                if waiting:
                    task = waiting.popleft()
                    busy[crew.send(pipe, task)] = task
                yield answer
    finally:
        crew.kill()


class _Crew(Generic[Task]):
    """The worker processes, each known by the pipe to it."""

    def __init__(self, job: Callable[[Task], Any]) -> None:
        self.job, self.context = job, get_context("spawn")
        self.process: dict[Any, Any] = {}

    def start(self, task: Task) -> Any:
        """Start a worker on a task; return the pipe that will carry its answer."""
        ours, theirs = self.context.Pipe()
        given = (theirs, self.job, bool(self.process))  # all workers would warn of the same
        process = self.context.Process(target=_serve, args=given, daemon=True)
        with _inherited():
            process.start()
        theirs.close()
        self.process[ours] = process
        return self.send(ours, task)

    def send(self, pipe: Any, task: Task) -> Any:
        """Send an idle worker a task; if it has died, reading the pipe will show it."""
        with contextlib.suppress(OSError):
            pipe.send(task)
        return pipe

    def remove(self, pipe: Any) -> str:
        """Remove a dead worker; return how it died."""
        process = self.process.pop(pipe)
        pipe.close()
        process.join()
        if process.exitcode >= 0:
            return f"exit {process.exitcode}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-process.exitcode).name
        return f"signal {-process.exitcode}"

    def kill(self) -> None:
        """End every worker."""
        for process in self.process.values():
            process.terminate()
        for process in self.process.values():
            process.join(PATIENCE)
            process.kill()
            process.join()


@contextlib.contextmanager
def _inherited() -> Iterator[None]:
    """Set what a child process must inherit: one thread for every library, signals blocked.

    A signal that came while a process is being started would leave one that is half told what to
    do. Workers unblock SIGTERM when they serve.

    It imports its job by name, and so the program that started it need not be imported again,
    which would run a script that has no guard a second time.
    """
    program, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    before = {name: os.environ.get(name) for name in _THREADS}
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # its start unblocks SIGINT, so start it first
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        yield
    finally:
        sys.modules["__main__"] = program
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(pipe: Any, job: Callable[[Any], Any], quiet: bool) -> None:
    """The loop of a worker: answer tasks until the other end of the pipe is closed."""
    if quiet:
        warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    signal.signal(signal.SIGTERM, lambda *_: leave(3))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(job(pipe.recv()))


def _end_with_parent() -> None:
    """End this process when its parent has ended, even if it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        leave(3)
