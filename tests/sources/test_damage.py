"""Files damaged at random: a graph or one sentence, within 500 MB and 10 seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux")
PROGRAM = Path(__file__).with_name("mutants.py")


def damage(count, seed, which):
    """Nothing is wrong with what came of mutants of each format; how many were loaded."""
    command = [sys.executable, str(PROGRAM), str(count), str(seed), which]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    formats = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["name"]: row["wrong"] for row in formats if row["wrong"]} == {}
    for row in formats:
        assert row["outcomes"]["read"] >= 1, row["name"]  # the sound file
    total = sum(sum(row["outcomes"].values()) for row in formats)
    assert total == (count + 1) * len(formats)
    return len(formats)


def test_own_formats():
    assert damage(15, 0, "own") == 22


def test_formats_of_libraries():
    for library in ("meshio", "pyvista", "trimesh", "lxml"):
        pytest.importorskip(library)
    assert damage(2, 0, "libraries") == 30


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_own_formats_at_length(seed):
    damage(300, seed, "own")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_formats_of_libraries_at_length(seed):
    damage(60, seed, "libraries")
