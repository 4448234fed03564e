"""The times of fairing: every method reaches the loss."""

import pytest

pytest.importorskip("torch")
from bench import fairing


def test_multilevel_takes_a_third_of_the_steps():
    problem = fairing.Fairing("bunny.ply")
    found = {
        way: problem.steps(*way(problem, lr), most=1000)
        for way, lr in ((fairing.plain, 0.01), (fairing.multilevel, 0.1))
    }
    assert 3 * found[fairing.multilevel] <= found[fairing.plain] < 1000
    best = fairing.measured(problem, fairing.large_steps, (0.3,))
    assert best is None or best[1] < 1000
