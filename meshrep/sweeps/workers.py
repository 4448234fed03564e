"""A job done in many processes, of which each may be killed without harm to the others."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing import connection, get_context
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")

ATTEMPTS = 2  # at a task whose worker dies
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS")  # fmt: skip


def spread(
    job: Callable[[Task], Answer],
    tasks: Sequence[Task],
    processes: int,
    lost: Callable[[Task, str], Answer],
) -> Generator[Answer, None, None]:
    """Yield the job's answers as they come, in any order.

    Parameters
    ----------
    job : callable
        Importable by name, as its answers are; must not raise.
    tasks : sequence
        Hashable and each once.
    processes : int
        Workers at a time, each with one thread and deaf to Ctrl-C.
    lost : callable
        Answers for a task whose worker died at every one of two attempts, given how it died.

    Notes
    -----
    A dead worker is replaced by a fresh one, and its task waits till last. Closing the iterator
    kills the workers: close it when Ctrl-C comes.
    """
    crew = _Crew(job)
    waiting, deaths = deque(tasks), Counter[Task]()
    busy: dict[Any, Task] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                task = waiting.popleft()
                busy[crew.hire(task)] = task
            ready: list[Any] = connection.wait(list(busy))
            for pipe in ready:
                task = busy.pop(pipe)
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    deaths[task] += 1
                    how = crew.bury(pipe)
                    if deaths[task] < ATTEMPTS:
                        waiting.append(task)
                    else:
                        yield lost(task, how)
                    continue
                if waiting:
                    task = waiting.popleft()
                    busy[crew.hand(pipe, task)] = task
                yield answer
    finally:
        crew.dismiss()


class _Crew(Generic[Task]):
    """Worker processes by the pipes to them."""

    def __init__(self, job: Callable[[Task], Any]) -> None:
        self.job, self.context = job, get_context("spawn")
        self.process: dict[Any, Any] = {}

    def hire(self, task: Task) -> Any:
        """Start a worker on a task; the pipe on which its answer will come."""
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.job), daemon=True)
        with _quiet_birth():
            process.start()
        theirs.close()
        self.process[ours] = process
        return self.hand(ours, task)

    def hand(self, pipe: Any, task: Task) -> Any:
        """Give an idle worker a task; should it be dead, reading its pipe will tell."""
        with contextlib.suppress(OSError):
            pipe.send(task)
        return pipe

    def bury(self, pipe: Any) -> str:
        """Forget a dead worker; how it died."""
        process = self.process.pop(pipe)
        pipe.close()
        process.join()
        if process.exitcode >= 0:
            return f"exit {process.exitcode}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-process.exitcode).name
        return f"signal {-process.exitcode}"

    def dismiss(self) -> None:
        """Kill every worker."""
        for process in self.process.values():
            process.terminate()
        for process in self.process.values():
            process.join()


@contextlib.contextmanager
def _quiet_birth() -> Iterator[None]:
    """What a child should inherit: one thread for every library, and SIGINT blocked."""
    before = {name: os.environ.get(name) for name in _THREADS}
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # it would unblock SIGINT when it is started
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(pipe: Any, job: Callable[[Any], Any]) -> None:
    """In a worker: answer task after task until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(job(pipe.recv()))
