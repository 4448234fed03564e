"""Every test of the scripts runs in an empty folder; the benchmark is a fixture."""

import benchmark
import pytest
from bench import machine, timing


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program(monkeypatch):
    """The benchmark as a module, with clocks that take no time."""
    monkeypatch.setattr(timing, "paired", lambda ways, rounds=7: dict.fromkeys(ways, 1e-6))
    monkeypatch.setattr(machine, "TRIAD_SIZE", 1000)
    return benchmark
