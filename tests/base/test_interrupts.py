"""Signals that a program listens to: where they end it, where they wait, what they leave behind."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.usefixtures("interruptible")

HEAD = """
import os, signal, sys, time
from meshrep.base import interrupts
from meshrep.base.interrupts import hold, interruptible, listen, pending, removed_at_end
def sent(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    for _ in range(1000): pass
listen("program", "interrupted early")
"""


def ran(code, folder):
    """Exit code, output and errors of a program that listens."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code], capture_output=True, text=True, cwd=folder,
        timeout=60, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_with_nothing_to_lose_it_ends_at_once_and_leaves_nothing(name, tmp_path):
    code = f"""
with removed_at_end("half"), removed_at_end("folder"):
    open("half", "w").close()
    os.mkdir("folder")
    open("folder/file", "w").close()
    print("printed before")
    try:
        sent(signal.{name})
    except BaseException:
        print("never here")
"""
    assert ran(code, tmp_path) == (130, "printed before\n", "program: interrupted early\n")
    assert not list(tmp_path.iterdir())


def test_what_is_held_is_finished(tmp_path):
    code = """
hold()
sent()
print("finished", pending())
"""
    assert ran(code, tmp_path) == (0, "finished True\n", "")


def test_only_an_interruptible_block_is_ended(tmp_path):
    code = """
hold()
try:
    with interruptible():
        sent()
        print("never here")
except KeyboardInterrupt:
    print("kept")
sent()  # an echo of the first, as of a wrapper that passes it on
try:
    with interruptible():
        print("never here")
except KeyboardInterrupt:
    print("not begun")
"""
    assert ran(code, tmp_path) == (0, "kept\nnot begun\n", "")


def test_a_second_signal_stops_what_is_still_writing(tmp_path):
    code = """
interrupts.ECHO = 0.0
hold()
sent()
print("writing")
time.sleep(0.01)
sent()
print("never here")
"""
    code, said, errors = ran(code, tmp_path)
    assert (code, said) == (130, "writing\n")
    assert errors == "program: stopped at once; files that were written are whole\n"


def test_an_import_is_not_torn(tmp_path):
    (tmp_path / "half.py").write_text("from __main__ import sent\nsent()\nwhole = True\n")
    code = """
hold()
sys.path.insert(0, ".")
try:
    with interruptible():
        import half
        time.sleep(30)
        print("never here")
except KeyboardInterrupt:
    print("after the import", sys.modules["half"].whole)
"""
    assert ran(code, tmp_path) == (0, "after the import True\n", "")


def test_an_interrupt_that_a_callback_drops_is_raised_again(tmp_path):
    code = """
import ctypes
hold()
try:
    with interruptible():
        ctypes.CFUNCTYPE(None)(sent)()
        time.sleep(30)
        print("never here")
except KeyboardInterrupt:
    print("kept")
"""
    assert ran(code, tmp_path) == (0, "kept\n", "")


def test_a_program_that_does_not_listen_is_as_python_has_it():
    from meshrep.base.interrupts import hold, interruptible, pending

    hold()
    with interruptible():
        assert not pending()
    with pytest.raises(KeyboardInterrupt), interruptible():
        raise KeyboardInterrupt


def test_a_signal_that_is_ignored_from_birth_stays_ignored(tmp_path):
    code = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
listen("program", "interrupted early")
sent()
print("went on")
"""
    assert ran(code, tmp_path) == (0, "went on\n", "")


def test_a_signal_while_python_ends_does_not_kill(tmp_path):
    code = """
import atexit
class Late:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
late = [Late()]
late.append(late)  # a cycle: it goes when Python has given the signals back
hold()
interrupts.stop_listening()
print("all done")
"""
    assert ran(code, tmp_path) == (0, "all done\n", "")
