"""The same problem in other units: energies times s and fields times u."""

import numpy as np

import meshrep

GRID = meshrep.graph_from("lattice:6x6")
COLD, HOT = meshrep.ends(GRID)
TARGET = np.linspace(0.5, 1.0, GRID.n)


def ring(n=30):
    """A noisy ring of points in the plane."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((n, 2))
    points /= np.linalg.norm(points, axis=1)[:, None]
    return points * (1 + 0.1 * rng.standard_normal((n, 1)))


def heat(kind, power):
    def make(s, u):
        graph = GRID.with_weights(np.full(GRID.m, s / u**2))
        return meshrep.HeatBath(graph, HOT, COLD, t_hot=u, strength=s / u**power, kind=kind)

    return make


def edge(s, u, unit=True):
    def pair(xp):
        return (
            lambda d: s * xp.log(xp.cosh(d / u)),
            lambda d: s / u * xp.tanh(d / u),
            lambda d: s / u / u * (1 - xp.tanh(d / u) ** 2),
        )

    def node(xp):
        return (
            lambda w: s * (w / u - 0.5) ** 2,
            lambda w: s / u * 2 * (w / u - 0.5),
            lambda w: s / u / u * 2 + 0 * w,
        )

    return meshrep.EdgeEnergy(GRID, pair, node, convex=True, unit=u if unit else None)


def function(s, u, unit=True):
    def value_and_grad(w):
        d = w / u - TARGET
        return s * float((d**4 + d**2).sum()), s / u * (4 * d**3 + 2 * d)

    return meshrep.FunctionEnergy(GRID, value_and_grad, convex=True, unit=u if unit else None)


def heat_and_edges(s, u):
    """A sum, whose terms share one graph."""
    bath = meshrep.HeatBath(GRID, HOT, COLD, t_hot=u, strength=u**-2)
    return (s / u**2) * bath + 0.5 * edge(s, u)


def cloud(**settings):
    return lambda s, u: (s / u**2) * meshrep.RipsPersistence(u * ring(), **settings)


# name: (energy of s and u, whether its field has a unit)
SCALED = {
    "quartic": (heat("quartic", 4), True),
    "quadratic": (heat("quadratic", 2), True),
    "dirichlet": (heat("dirichlet", 2), True),
    "a multiple of heat": (lambda s, u: s * heat("quartic", 4)(1.0, u), True),
    "kuramoto": (lambda s, u: meshrep.Kuramoto(GRID, s), False),
    "a multiple of phases": (lambda s, u: s * meshrep.XYGlass(GRID, seed=2), False),
    "any law": (lambda s, u: meshrep.Oscillators(GRID, s, (-0.5, 0.2 / s, 0.4 / s)), False),
    "hopf": (lambda s, u: s * meshrep.HopfKuramoto(GRID), False),
    "edges": (edge, True),
    "edges without a unit": (lambda s, u: edge(s, u, unit=False), True),
    "a function": (function, True),
    "a function without a unit": (lambda s, u: function(s, u, unit=False), True),
    "a sum": (heat_and_edges, True),
    "a cloud": (cloud(), True),
    "a cloud by subsamples": (cloud(subsample=20), True),
    "lower star": (lambda s, u: (s / u**2) * meshrep.LowerStar(GRID, threshold=0.5 * u), True),
}
WITHOUT_UNIT = {name for name in SCALED if "without a unit" in name}
NOISY = {"a cloud by subsamples"}


def solved(name, solver, s=1.0, u=1.0, **settings):
    """The solution of a scaled problem from a scaled start."""
    make, has_unit = SCALED[name]
    rng = np.random.default_rng(3)
    energy = make(s, u)
    start = None
    if energy.quantity != "position":
        start = u * rng.random(GRID.n) if has_unit else rng.uniform(0, 2 * np.pi, GRID.n)
    return meshrep.solve(energy, solver, start=start, seed=1, **settings)
