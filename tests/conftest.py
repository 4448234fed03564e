"""What many tests share, and the options that run them in variants."""

import os
import signal

import numpy as np
import problems_of_tests
import pytest
import variants

import meshrep
from meshrep.cli.main import main


def pytest_addoption(parser):
    group = parser.getgroup("meshrep")
    for name, what in (
        ("--perturb", "move random starts and right-hand sides by a relative 1e-14"),
        ("--renumber", "put the nodes of the shared problems in another order"),
    ):
        group.addoption(name, type=int, metavar="SEED", help=what)
    group.addoption(
        "--interrupts", type=int, default=3, metavar="N", help="random ones of each program"
    )


def pytest_generate_tests(metafunc):
    if "interrupt" in metafunc.fixturenames:
        metafunc.parametrize("interrupt", range(metafunc.config.getoption("interrupts")))


def pytest_configure(config):
    problems_of_tests.NUMBERING = config.getoption("renumber")
    seed = config.getoption("perturb")
    if seed is not None:
        variants.perturb_everywhere(seed)


class Clock:
    """Seconds that pass by a tick whenever somebody looks, and otherwise when they are told to."""

    def __init__(self, tick=1e-3):
        self.now, self.tick = 0.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """A clock in place of ``time.perf_counter``, so that a busy machine changes nothing."""
    clock = Clock()
    monkeypatch.setattr("time.perf_counter", clock)
    return clock


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt here and in children.

    A process that a shell without job control starts in its background ignores it from birth, and
    so do its children.
    """
    if os.name == "nt":
        pytest.skip("signals are POSIX")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the program in an empty folder; gives exit code, output, errors and the out folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = main([*map(str, arguments), "--no-show", "--out", "results"])
        said = capsys.readouterr()
        return code, said.out, said.err, tmp_path / "results"

    return call


@pytest.fixture(scope="session")
def lattice():
    """A 12×12 lattice."""
    return meshrep.graph_from("lattice:12x12")


@pytest.fixture(scope="session")
def sphere():
    """An icosphere of radius 2 made by subdivision, without any mesh library."""
    golden = (1 + 5**0.5) / 2
    points = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0),
              (0, -1, golden), (0, 1, golden), (0, -1, -golden), (0, 1, -golden),
              (golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1)]  # fmt: skip
    faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4),
             (11, 10, 2), (10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8),
             (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]  # fmt: skip
    points, faces = np.array(points, float), np.array(faces)

    def build(levels):
        p, f = points, faces
        for _ in range(levels):
            middle, finer = {}, []
            p = list(p)
            for a, b, c in f:
                ids = []
                for i, j in ((a, b), (b, c), (c, a)):
                    key = (min(i, j), max(i, j))
                    if key not in middle:
                        middle[key] = len(p)
                        p.append((np.asarray(p[i]) + np.asarray(p[j])) / 2)
                    ids.append(middle[key])
                x, y, z = ids
                finer += [(a, x, z), (x, b, y), (z, y, c), (x, y, z)]
            p, f = np.array(p), np.array(finer)
        return meshrep.from_arrays(2 * p / np.linalg.norm(p, axis=1)[:, None], f, name="sphere")

    return build
