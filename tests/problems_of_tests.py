"""Small energies of every kind, by name, for the contracts that cross them."""

import numpy as np

import meshrep


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
    graph = meshrep.graph_from(spec)
    if baths == "ends":
        cold, hot = meshrep.ends(graph)
    else:
        hot, cold = meshrep.random_split(graph)
    return meshrep.HeatBath(graph, hot, cold, **settings)


def weighted():
    graph = meshrep.graph_from("lattice:8x8")
    graph = graph.with_weights(np.random.default_rng(1).uniform(0.5, 2.0, graph.m))
    cold, hot = meshrep.ends(graph, 0.2)
    return meshrep.HeatBath(graph, hot, cold)


def function():
    graph = meshrep.graph_from("lattice:8x8")
    target = np.linspace(0.5, 1, graph.n)

    def value_and_grad(w):
        d = w - target
        return 1.0 + float((d**4 + d**2).sum()), 4 * d**3 + 2 * d

    return meshrep.FunctionEnergy(graph, value_and_grad, convex=True)


def mixed():
    base = heat("lattice:8x8", power=2)
    return base + 0.5 * meshrep.EdgeEnergy(base.graph, log_cosh, convex=True)


PROBLEMS = {
    "quartic ends": lambda: heat("lattice:12x12"),
    "quartic random": lambda: heat("lattice:12x12", "random"),
    "quadratic": lambda: heat("triangular:8x8", power=2),
    "cubic bath": lambda: heat("lattice:8x8", power=3),
    "dirichlet": lambda: heat("lattice:5x5x5", bath="dirichlet"),
    "hundred degrees": lambda: heat("lattice:12x12", power=2, t_hot=120.0, t_cold=20.0),
    "weighted": weighted,
    "edges and nodes": lambda: meshrep.EdgeEnergy(
        meshrep.graph_from("lattice:8x8"), log_cosh, exp_wall, convex=True
    ),
    "a function": function,
    "a sum": mixed,
}
