"""A process that reads a file does not outlive the one that started it."""

import os
import select
import subprocess
import sys
import time

import pytest

READ = """
from pathlib import Path
from meshrep.sources.child import arrays_apart
arrays_apart(Path({!r}), "a pipe", "meshio", 0)
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_it_ends_with_its_parent(tmp_path):
    """The child waits for data from a pipe: when the child ends, the pipe loses its only reader."""
    pytest.importorskip("meshio")
    pipe = tmp_path / "a.msh"
    os.mkfifo(pipe)
    with subprocess.Popen([sys.executable, "-c", READ.format(str(pipe))]) as parent:
        try:
            end = _opened(pipe, within=60.0)
            readers = select.poll()
            readers.register(end, select.POLLERR)
            assert not readers.poll(0)
        finally:
            parent.kill()
        assert readers.poll(20_000), "the child still reads"
    os.close(end)


def _opened(pipe, within):
    """The end for writing of a pipe, once a process reads from it."""
    limit = time.monotonic() + within
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < limit, "no process reads"
            time.sleep(0.05)
