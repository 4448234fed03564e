"""The line of progress: on a terminal it replaces itself, elsewhere it is rare or silent."""

import io
import os

import pytest

import meshrep
from meshrep.base.progress import ProgressLine
from meshrep.minimisers.monitor import Monitor


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def screen(self):
        """What the terminal's last line shows after all that was written."""
        cells, place = [" "] * 200, 0
        for letter in self.getvalue():
            if letter == "\r":
                place = 0
            else:
                cells[place] = letter
                place += 1
        return "".join(cells).rstrip()


@pytest.fixture
def wide(monkeypatch):
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((40, 24)))
    monkeypatch.delenv("COLUMNS", raising=False)


def test_each_text_takes_the_place_of_the_one_before(wide):
    stream = Terminal()
    line = ProgressLine(stream=stream)
    line.show("a long text at first")
    assert stream.screen() == "a long text at first"
    line.show("short")
    assert stream.screen() == "short"
    line.show("x" * 100)
    assert stream.screen() == "x" * 39  # a longer one would wrap, and then could not be replaced
    line.clear()
    assert stream.screen() == "" and "\n" not in stream.getvalue()
    before = stream.getvalue()
    line.clear()
    assert stream.getvalue() == before


@pytest.mark.slow
def test_solvers_integrations_and_sweeps_say_how_far_they_are(wide, monkeypatch):
    monkeypatch.setattr(Monitor, "observe_every", 0.0)
    graph = meshrep.graph_from("lattice:6x6")
    cold, hot = meshrep.ends(graph)
    energy = meshrep.HeatBath(graph, hot, cold)
    stream = Terminal()
    with ProgressLine(stream=stream) as line:
        meshrep.solve(energy, "lbfgs", observe=line)
        assert stream.screen().startswith("lbfgs: step ") and ", E " in stream.screen()
        meshrep.integrate(energy, 2.0, frames=3, observe=line.time)
        assert stream.screen() == "t = 2 of 2"
        line.points(3, 1200, 61.4)
        assert stream.screen() == "3 of 1,200 points, 61 s left"
    assert stream.screen() == ""


def test_elsewhere_it_prints_whole_lines_as_often_as_asked():
    for every, lines in ((0.0, ["a", "b"]), (1e9, []), (None, [])):
        stream = io.StringIO()
        line = ProgressLine(every, stream)
        line.show("a")
        line.show("b")
        line.clear()
        assert stream.getvalue().splitlines() == lines


def test_quiet_prints_nothing():
    for stream in (Terminal(), io.StringIO()):
        with ProgressLine(0.0, stream, quiet=True) as line:
            line.show("a")
        assert stream.getvalue() == ""


def test_a_line_without_an_owner_is_removed(wide):
    stream = Terminal()
    ProgressLine(stream=stream).show("gone")
    assert "gone" in stream.getvalue() and stream.screen() == ""


@pytest.mark.slow
def test_nothing_is_printed_unless_asked(capsys):
    graph = meshrep.graph_from("lattice:6x6")
    cold, hot = meshrep.ends(graph)
    meshrep.solve(meshrep.HeatBath(graph, hot, cold), "lbfgs")
    assert capsys.readouterr() == ("", "")
