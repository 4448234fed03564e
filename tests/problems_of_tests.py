"""Small energies of every kind, by name, for the contracts that cross them."""

from types import SimpleNamespace

import numpy as np
import pytest
from variants import renumbered

import meshrep
from meshrep.base.backends import installed
from meshrep.solving.catalogue import known_solvers, solver_named

PRESETS = known_solvers()
NETWORKS = {name for name in PRESETS if name.startswith(("gcn", "nograph", "gat", "gn"))}
FOR_PHASES = {"anneal", "lift"}
FOR_CLOUDS = {"kernel"}  # needs points to act on, which not every problem has
TELLING = {
    "gcn", "adam", "adam-torch", "gd", "nesterov", "rk4", "lbfgs", "lbfgs-newton", "newton",
    "multilevel", "multilevel-adam", "spectral", "spectral-adam", "anneal", "lift",
}  # one of each mechanism; the contracts of the others are slow tests  # fmt: skip


def missing(name):
    """What a named solver needs and is not installed; empty where nothing is missing."""
    needs = ("torch",) if name.endswith("-torch") else PRESETS[name].needs
    return next((f"{package} is not installed" for package in needs if not installed(package)), "")


def solvers(names):
    """Named solvers as parameters of a test; skipped where something they need is missing."""
    params = []
    for name in names:
        marks = [pytest.mark.skip(reason=missing(name))] if missing(name) else []
        slow = [] if name in TELLING else [pytest.mark.slow]
        params.append(pytest.param(name, marks=marks + slow))
    return params


def mostly_slow(quick, items):
    """Parameters of a test, of which only the first ``quick`` are run by ``make test``."""
    return [
        pytest.param(item, marks=[] if number < quick else pytest.mark.slow)
        for number, item in enumerate(items)
    ]


SOLVERS = solvers(name for name in PRESETS if name not in FOR_PHASES | FOR_CLOUDS)
SOLVERS_OF_PHASES = solvers(name for name in PRESETS if name not in FOR_CLOUDS)


def named(name, quantity="temperature", **settings):
    """What a name builds for an energy of a quantity."""
    return solver_named(name, SimpleNamespace(quantity=quantity), **settings)


NUMBERING = None  # the seed of another order of the nodes, set by pytest --renumber


def graph_of(spec):
    """The graph of a spec, in the order of nodes that the tests are run with."""
    graph = meshrep.graph_from(spec)
    return graph if NUMBERING is None else renumbered(graph, NUMBERING)


def log_cosh(xp):
    return (
        lambda d: xp.log(xp.cosh(d)),
        lambda d: xp.tanh(d),
        lambda d: 1 - xp.tanh(d) ** 2,
    )


def exp_wall(xp):
    return (
        lambda w: xp.exp(w - 1) + (w - 0.5) ** 2,
        lambda w: xp.exp(w - 1) + 2 * (w - 0.5),
        lambda w: xp.exp(w - 1) + 2,
    )


def heat(spec, baths="ends", **settings):
    graph = graph_of(spec)
    if baths == "ends":
        cold, hot = meshrep.ends(graph)
    else:
        hot, cold = meshrep.random_split(graph)
    return meshrep.HeatBath(graph, hot, cold, **settings)


def weighted():
    graph = graph_of("lattice:8x8")
    graph = graph.with_weights(np.random.default_rng(1).uniform(0.5, 2.0, graph.m))
    cold, hot = meshrep.ends(graph, 0.2)
    return meshrep.HeatBath(graph, hot, cold)


def function():
    graph = graph_of("lattice:8x8")
    target = np.linspace(0.5, 1, graph.n)

    def value_and_grad(w):
        d = w - target
        return 1.0 + float((d**4 + d**2).sum()), 4 * d**3 + 2 * d

    return meshrep.FunctionEnergy(graph, value_and_grad, convex=True)


def fails(graph, after, error):
    """Σ w², whose function raises the error once it has been called so many times."""
    left = iter(range(after))

    def value_and_grad(w):
        if next(left, None) is None:
            raise error
        return float((w * w).sum()), 2 * w

    return meshrep.FunctionEnergy(graph, value_and_grad)


def nan_beyond(graph, least, level):
    """½ |w − least|²; NaN where the first entry is above a level, which may lie below least."""

    def value_and_grad(w):
        off = w - least
        return (np.nan if w[0] > level else 0.5 * float(off @ off)), off

    return meshrep.FunctionEnergy(graph, value_and_grad, convex=True)


def mixed():
    base = heat("lattice:8x8", power=2)
    return base + 0.5 * meshrep.EdgeEnergy(base.graph, log_cosh, convex=True)


PROBLEMS = {
    "quartic ends": lambda: heat("lattice:12x12"),
    "quartic random": lambda: heat("lattice:12x12", "random"),
    "quadratic": lambda: heat("triangular:8x8", power=2),
    "cubic bath": lambda: heat("lattice:8x8", power=3),
    "dirichlet": lambda: heat("lattice:5x5x5", kind="dirichlet"),
    "hundred degrees": lambda: heat("lattice:12x12", power=2, t_hot=120.0, t_cold=20.0),
    "weighted": weighted,
    "edges and nodes": lambda: meshrep.EdgeEnergy(
        graph_of("lattice:8x8"), log_cosh, exp_wall, convex=True
    ),
    "a function": function,
    "a sum": mixed,
}


def pieces():
    """A path of four, a triangle, a pair and two nodes without an edge."""
    return meshrep.Graph.from_edges(11, [[0, 1], [1, 2], [2, 3], [4, 5], [5, 6], [4, 6], [8, 9]])


def phases(kind, graph="lattice:5x5", *args, **settings):
    graph = pieces() if graph == "pieces" else graph_of(graph)
    return getattr(meshrep, kind)(graph, *args, **settings)


def couplings(graph, seed=0):
    """Normal ones, one an edge."""
    return np.random.default_rng(seed).standard_normal(graph_of(graph).m)


# Not among PROBLEMS: these are not convex, and most have many minima.
OSCILLATORS = {
    "kuramoto": lambda: phases("Kuramoto", K=1.5),
    "kuramoto against": lambda: phases("Kuramoto", "triangular:4x4", K=-0.7),
    "kuramoto by edges": lambda: phases("Kuramoto", K=couplings("lattice:5x5")),
    "binary glass": lambda: phases("XYGlass", seed=3),
    "gaussian glass": lambda: phases("XYGlass", "er:40:degree=2", "gaussian", 4),
    "hopf": lambda: phases("HopfKuramoto"),
    "hopf, s1 < 0": lambda: phases("HopfKuramoto", "triangular:4x4", -0.7, 0.3, 1.4),
    "hopf, s2 < 0": lambda: phases("HopfKuramoto", "er:40:degree=2", 0.6, -0.2, -0.5),
    "hopf, s1 = 0": lambda: phases("HopfKuramoto", "pieces", 0.0, 0.8, 2.0),
    "printed": lambda: phases("HopfKuramotoPrinted", s1=0.8, s2=0.3),
    "any law": lambda: phases(
        "Oscillators", "er:40:degree=2", couplings("er:40:degree=2"), (0.3, -0.2, 0.4)
    ),
    "any law in pieces": lambda: phases("Oscillators", "pieces", 0.9, (-0.4, 0.5, -0.3)),
}
