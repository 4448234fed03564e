"""Flows in time on the command line: implicit methods, probes, and what they write."""

import csv
import json

import pytest


@pytest.mark.parametrize("method", ["crank-nicolson", "bdf"])
def test_values_at_probes_are_written_and_drawn(run, method):
    code, said, errors, out = run(
        "--graph", "triangular:8x8", "--transient", "3", "--frames", "4", "--method", method,
        "--probe", "0.5,0.5;30,-2",
    )  # fmt: skip
    assert code == 0, errors
    assert "probe 2 (30, -2, 0) lies" in said and "factorisation" in said
    pytest.importorskip("matplotlib")
    with open(out / "probe.csv", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["time", "(0.5, 0.5, 0)", "(30, -2, 0)"] and len(rows) == 6
    assert json.loads((out / "report.json").read_text())["flow"]["factorisations"] > 0
    assert (out / "probe.png").stat().st_size > 1000


@pytest.mark.parametrize("arguments, message", [
    (("--probe", "0,0,0"), "--probe needs --transient T"),
    (("--transient", "1", "--probe", "0,zero"), "--probe is x,y,z or several"),
    (("--transient", "1", "--probe", "1;2"), "--probe is x,y,z or several"),
])  # fmt: skip
def test_probes_that_cannot_be_read(run, arguments, message):
    code, _, errors, _ = run("--graph", "triangular:8x8", *arguments)
    assert code == 2 and message in errors
