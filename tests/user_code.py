"""What users write, checked by ``mypy --strict`` and run: the public names have their types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import meshrep

if TYPE_CHECKING:
    from typing import assert_type
else:

    def assert_type(value, kind):
        """The value; only type checkers look at the kind."""
        return value


Floats = npt.NDArray[np.float64]


class Springs(meshrep.Energy):
    """E(w) = ½ Σ_i (w_i − i)²."""

    convex = True

    def on(self, backend: meshrep.Backend) -> meshrep.Evaluator:
        """On any back end."""
        return Pulled(backend, self.graph.n)


class Pulled(meshrep.Evaluator):
    """The energy on the arrays of one back end."""

    def __init__(self, backend: meshrep.Backend, n: int) -> None:
        self.target = backend.asarray(np.arange(n))

    def value_and_grad(self, w: meshrep.Array) -> tuple[float, meshrep.Array]:
        """Energy and gradient."""
        off = w - self.target
        return 0.5 * float((off * off).sum()), off


class Descent(meshrep.Minimiser):
    """Steps of fixed length."""

    name = "descent"

    def __init__(self, lr: float = 0.5) -> None:
        self.lr = lr

    def run(
        self, objective: meshrep.Objective, monitor: meshrep.Monitor
    ) -> tuple[meshrep.Result, meshrep.Array, int]:
        """Until the monitor ends it."""
        params, step = objective.start, 0
        while True:
            value, gradient = objective.value_and_grad(params)
            stop = monitor.record(step, value, params, float(np.linalg.norm(gradient)))
            if stop is not None:
                return stop, params, step
            params, step = params - self.lr * gradient, step + 1


class Scaled(meshrep.Parametrization):
    """w = w₀ + 2θ."""

    name = "scaled"

    def build(
        self, energy: meshrep.Energy, start: Floats, backend: meshrep.Backend, seed: int
    ) -> meshrep.Map:
        """The map for one energy."""
        return ScaledMap(start, backend)


class ScaledMap(meshrep.Map):
    """w₀ and the factor 2."""

    def __init__(self, start: Floats, backend: meshrep.Backend) -> None:
        self.first, self.start = backend.asarray(start), backend.zeros(start.size)

    def field(self, params: meshrep.Array) -> meshrep.Array:
        """w₀ + 2θ."""
        return self.first + 2.0 * params

    def pull_back(self, gradient: meshrep.Array) -> meshrep.Array:
        """2g."""
        return 2.0 * gradient


def told(name: str, progress: meshrep.Progress) -> None:
    """What ``observe`` is given."""
    assert name and progress.step >= 0


def own_parts() -> list[float]:
    """An energy, a minimiser and variables of one's own: energies, 0 each."""
    energy: meshrep.Energy = Springs(meshrep.graph_from("ring:6"))
    solver = meshrep.Solver(Descent(0.1), Scaled(), meshrep.Stopping(gtol=1e-10))
    first = meshrep.solve(energy, Descent(), observe=told, max_steps=200)
    second = meshrep.solve(energy, solver, start=[0.0] * 6)
    assert_type(first, meshrep.Solution)
    assert_type(first.history, meshrep.History)
    assert_type(first.result.word, str)
    assert first.result is second.result is meshrep.Result.CONVERGED and len(first.history) > 1
    return [assert_type(first.energy, float), second.energy]


def heat() -> meshrep.Comparison:
    """Heat between two ends, by four solvers."""
    graph = assert_type(meshrep.graph_from("lattice:8x8"), meshrep.Graph)
    hot, cold, notes = meshrep.baths(graph, "ends", share=0.2)
    energy = meshrep.HeatBath(graph, hot, cold, t_hot=2.0, kind="quadratic")
    both = assert_type(0.5 * energy + meshrep.HeatBath(graph, [0, 1], power=2), meshrep.Energy)
    comparison = meshrep.compare(both, ["lbfgs", meshrep.Newton(), Descent(0.05)], seed=1)
    best = assert_type(comparison.best, meshrep.Solution)
    mass = meshrep.mass(graph, laplacian="graph")
    assert best.field.shape == mass.shape and assert_type(notes, list[str]) == []
    assert comparison["lbfgs"].energy >= best.energy
    return comparison


def phases() -> float:
    """Oscillators in time, and their vortices."""
    graph = meshrep.graph_from("triangular:6x6")
    energy = meshrep.Kuramoto(graph, K=np.ones(graph.m), omega=0.0)
    way = assert_type(meshrep.integrate(energy, 2.0, frames=4), meshrep.Trajectory)
    found = assert_type(meshrep.vortices(graph, way.fields[-1]), meshrep.Vortices)
    assert len(found.charge) and meshrep.local_order(graph, way.fields[-1]).mean() <= 1
    return float(meshrep.order_parameter([0.0, 0.1, 0.2]))


def register() -> None:
    """A name for one's own solver."""
    meshrep.register(
        meshrep.NamedSolver(
            "descent-of-a-user",
            "Steps of fixed length.",
            "Never.",
            lambda energy, lr=0.1: meshrep.Solver(Descent(lr)),
            (meshrep.Setting("lr", float, "step length", default=0.1, above=0),),
        )
    )
    known = assert_type(meshrep.known_solvers(), dict[str, meshrep.NamedSolver])
    assert "descent-of-a-user" in known


if __name__ == "__main__":
    assert max(own_parts()) < 1e-12
    print(heat().table())
    assert phases() > 0.9
    register()
