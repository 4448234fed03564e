"""Solvers of every family reach one temperature in steel beside rubber, on every back end."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from parts_of_tests import box, mesh

import meshrep
from meshrep.solving.catalogue import compose

SOLVERS = ["gd", "adam", "nesterov", "lbfgs", "newton", "gcn", "sobolev", "spectral", "multilevel"]


@cache
def part():
    """A held and a cooled face, and one that radiates; the energy and its minimum."""
    points, cells = box(10, 2, distort=0.1)
    k = np.where(points[cells][:, :, 0].mean(axis=1) < 0.5, 50.0, 0.3)
    energy = meshrep.Conduction(
        mesh(10, points, cells), k, fixed={"x < 1e-9": 80.0},
        convection=[("x > 1 - 1e-9", 25.0, 20.0)], radiation=[("y > 1 - 1e-9", 0.9, 20.0)],
        kelvin=False,
    )  # fmt: skip
    return energy, meshrep.solve(energy)


@pytest.mark.parametrize("backend", ["numpy", "numba", "torch"])
@pytest.mark.parametrize("name", SOLVERS)
def test_the_temperature_is_the_same(name, backend):
    pytest.importorskip(backend)
    energy, best = part()
    solver, _ = compose(energy, name, {})
    if backend not in solver.minimiser.backends:
        pytest.skip(f"{name} does not run on {backend}")
    found = meshrep.solve(energy, replace(solver, backend=backend))
    assert found.backend == backend
    assert best.result.word == "converged"
    assert abs(found.field - best.field).max() < 1e-4 * energy.unit
    assert found.energy - best.energy < 1e-9 * energy.scale
