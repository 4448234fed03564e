"""Variants of the tests, to show that neither rounding nor a numbering decides an outcome.

    pytest --perturb 1      random starts and right-hand sides are moved by a relative 1e-14
    pytest --renumber 1     the graphs of the shared problems have their nodes in another order

The numbers are seeds.
"""

import functools
import importlib
import pkgutil

import numpy as np

import meshrep
from meshrep.graphs.cells import Cells
from meshrep.numerics.linear_solvers import ShiftedSystem

SIZE = 1e-14


def perturbed(values, seed):
    """The values, each moved by a relative 1e-14 at most; the same for the same seed."""
    values = np.array(values, dtype=np.float64)
    rng = np.random.default_rng([seed, values.size])
    return values * (1.0 + SIZE * rng.uniform(-1.0, 1.0, values.shape))


def perturb_everywhere(seed):
    """Perturb the random starts of all energies and the right-hand sides of linear systems."""
    for kind in _energies():
        if "random_start" in vars(kind):
            kind.random_start = _perturbed_start(vars(kind)["random_start"], seed)
    solve = ShiftedSystem.solve
    ShiftedSystem.solve = lambda system, right, *settings: solve(
        system, perturbed(right, seed), *settings
    )


def _energies():
    """Every class of energies, whose modules are imported first."""
    package = importlib.import_module("meshrep.energies")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"meshrep.energies.{module.name}")
    kinds = [meshrep.Energy]
    for kind in kinds:
        kinds += [more for more in kind.__subclasses__() if more not in kinds]
    return kinds


def _perturbed_start(draw, seed):
    @functools.wraps(draw)
    def random_start(energy, *given, **named):
        return energy.clamp(perturbed(draw(energy, *given, **named), seed))

    return random_start


def renumbered(graph, seed):
    """The graph with its nodes in a random order."""
    old = np.random.default_rng(seed).permutation(graph.n)
    new = np.argsort(old)
    cells = graph.cells
    if len(cells):
        cells = Cells(new[cells.connectivity], cells.offsets, cells.kinds)
    points = None if graph.points is None else graph.points[old]
    return meshrep.Graph.from_edges(
        graph.n, new[graph.edges], graph.weights, points=points, cells=cells, name=graph.name
    )
