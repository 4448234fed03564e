"""Workers of a sweep end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

JOBS = """
import os, time
from pathlib import Path
from meshrep.base.interrupts import removed_at_end
def busy(task):
    with removed_at_end(Path(f"half-{task}")):
        Path(f"half-{task}").touch()
        Path(f"worker-{os.getpid()}").touch()
        time.sleep(600)
"""
PROGRAM = """
import jobs
from meshrep.sweeps.workers import spread
if __name__ == "__main__":
    list(spread(jobs.busy, [1, 2], 2, lambda task, how: None))
"""


def waited(ready, seconds=60.0):
    """Whether something became true in time."""
    limit = time.monotonic() + seconds
    while not ready() and time.monotonic() < limit:
        time.sleep(0.02)
    return ready()


def runs(pid):
    """Whether a process exists and is more than an entry that nobody has asked for yet."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux for processes")
def test_workers_end_when_their_parent_is_killed_and_leave_nothing(tmp_path):
    (tmp_path / "jobs.py").write_text(JOBS)
    (tmp_path / "program.py").write_text(PROGRAM)
    parent = subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert waited(lambda: len(list(tmp_path.glob("worker-*"))) == 2)
    workers = [int(path.name.partition("-")[2]) for path in tmp_path.glob("worker-*")]
    assert all(runs(pid) for pid in workers) and len(list(tmp_path.glob("half-*"))) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert waited(lambda: not any(runs(pid) for pid in workers))
    assert not list(tmp_path.glob("half-*"))
