"""The benchmark as a module, for the tests of its command line and of its suites."""

import benchmark
import pytest
from bench import machine, timing


@pytest.fixture
def program(tmp_path, monkeypatch):
    """The benchmark in an empty folder, with clocks that take no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(timing, "paired", lambda ways, rounds=7: dict.fromkeys(ways, 1e-6))
    monkeypatch.setattr(machine, "TRIAD_SIZE", 1000)
    return benchmark
