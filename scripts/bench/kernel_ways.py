"""What the kernels suite times: our kernels with the bytes that each must move, torch and NumPy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.base.outcome import Result
from meshrep.energies.heat import HeatBath
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.flows.runge_kutta import runge_kutta4
from meshrep.graphs.graph import Graph
from meshrep.graphs.operators import propagation
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.first_order import Adam, GradientDescent, HeavyBall, Nesterov
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.numerics.rules import Memory, update_rule
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.catalogue import known_solvers
from meshrep.solving.peers import Enough, Recorder
from meshrep.solving.solve import solve

ADAM = "fused adam step"
STEPS = 4  # in one call of a fused stepper
PAIRS = 10  # of L-BFGS
WIDTH = 32
GCN_MOST = 200_000  # nodes: a network's arrays are 32 fields each
LBFGS_STEPS = 30
COUNT = (
    "the rows (32-bit offsets and neighbours, weights if they differ) and baths as the kernel "
    "holds them, and fields of n numbers: 2 for a gradient (w read, ∇E written), 2 for a step of "
    "gd, 4 of heavy ball and Nesterov, 6 of adam; 4 passes over the rows and 20 fields for RK4; "
    "cosines and sines twice more for phases; 14 fields of the network's width for a GCN step; "
    "for an L-BFGS iteration 4 per pair and 8 more (10 pairs; ours has 6 in single precision "
    "from 10⁵ nodes on), and one gradient."
)


@dataclass(frozen=True)
class Way:
    """Something to time: a call that does it ``steps`` times, and the bytes that one must move."""

    call: Callable[[], object]
    moved: float | None = None
    steps: int = 1


def held(*things: Any) -> float:
    """Count the bytes of the distinct arrays in (nested) tuples."""
    found: dict[int, int] = {}

    def walk(thing: Any) -> None:
        if isinstance(thing, np.ndarray):
            found[id(thing)] = thing.nbytes
        elif isinstance(thing, (tuple, list)):
            for part in thing:
                walk(part)

    walk(things)
    return float(sum(found.values()))


def ways(heat: HeatBath, kuramoto: Kuramoto) -> dict[str, Way]:
    """Return everything to time on one lattice by name, ours first."""
    found = {"heat, energy and gradient": gradient(heat)}
    found |= fused(heat)
    found["heat, RK4 step"] = flow(heat)
    found["heat, energy and gradient, float32"] = gradient(heat, "float32")
    found[f"{ADAM}, float32"] = stepper(heat, Adam(), 6, "float32")
    found["Kuramoto, energy and gradient"] = gradient(kuramoto)
    found["Kuramoto, adam step"] = stepper(kuramoto, Adam(), 6)
    found["Kuramoto, RK4 step"] = flow(kuramoto)
    found["CSR product, SciPy"] = product(heat)
    if heat.graph.n <= GCN_MOST:
        found[f"gcn step, width {WIDTH}"] = network(heat)
    found["heat, NumPy formula"] = formula(heat)
    if installed("torch"):
        found["torch Adam step, eager"] = eager(heat)
        if heat.graph.n <= GCN_MOST:
            found[f"gcn step by torch's autograd, width {WIDTH}"] = eager_network(heat)
    return found


def rows_of(evaluator: Any) -> float:
    """Return the bytes of the rows and baths that a fused evaluator gives to its kernels."""
    return held(evaluator.rows, getattr(evaluator, "baths", ()))


def spins_of(evaluator: Any) -> float:
    """Return the bytes of cosines and sines, written in one pass and read in the next."""
    return 2 * held(getattr(evaluator, "z", ()))


def gradient(energy: Any, dtype: str = "float64") -> Way:
    """Evaluate the energy and its gradient once."""
    backend = NumpyBackend(dtype)
    evaluator, w = energy.on(backend), backend.asarray(energy.random_start(0))
    moved = rows_of(evaluator) + spins_of(evaluator) + 2 * w.nbytes
    return Way(lambda: evaluator.value_and_grad(w), moved)


def fused(heat: HeatBath) -> dict[str, Way]:
    """Return the fused first-order steps."""
    return {
        "fused gd step": stepper(heat, GradientDescent(), 2),
        "fused heavy-ball step": stepper(heat, HeavyBall(), 4),
        "fused nesterov step": stepper(heat, Nesterov(), 4),
        ADAM: stepper(heat, Adam(), 6),
    }


def stepper(energy: Any, rule: Minimiser, fields: int, dtype: str = "float64") -> Way:
    """Return steps of a rule in one call of the evaluator's ``descend``."""
    objective = Objective(energy, energy.random_start(0), NumpyBackend(dtype))
    rule.warm_up(objective)
    memory = rule._memory(objective, Monitor(Stopping()))  # type: ignore[attr-defined]
    evaluator: Any = objective.evaluator
    w = objective.start.copy()
    moved = rows_of(evaluator) + spins_of(evaluator) + fields * w.nbytes
    return Way(lambda: evaluator.descend(w, memory, STEPS), moved, STEPS)


def flow(energy: Any) -> Way:
    """Return RK4 steps of the flow."""
    evaluator: Any = energy.on(NumpyBackend())
    w, ones = energy.random_start(0), np.ones(energy.graph.n)
    moved = 4 * (rows_of(evaluator) + spins_of(evaluator)) + 20 * w.nbytes
    return Way(lambda: runge_kutta4(evaluator, w, 1e-3, STEPS, ones), moved, STEPS)


def product(heat: HeatBath) -> Way:
    """Return SciPy's product with the Laplacian in CSR form."""
    matrix, w = NumpyBackend().sparse(heat.matrix), heat.random_start(0)
    return Way(
        lambda: matrix @ w, held((matrix.data, matrix.indices, matrix.indptr)) + 2 * w.nbytes
    )


def network(heat: HeatBath) -> Way:
    """Return a step of Adam on a graph network: forward pass, gradient of the energy, pullback."""
    backend = NumpyBackend()
    objective = Objective(
        heat, heat.random_start(0), backend, GraphNetwork(layers=1, hidden=WIDTH), seed=0
    )
    params = objective.start + 0
    zeros = params * 0
    memory = Memory(3, 0.01, 0.9, 0.999, 1e-8, zeros + 0, zeros + 0, zeros + 0, np.zeros(2))
    advance = update_rule(backend)

    def step() -> None:
        _, slope = objective.value_and_grad(params)
        advance(params, slope, memory)

    evaluator = heat.on(NumpyBackend())
    coupling = NumpyBackend().sparse(heat.coupling)
    rows = held((coupling.data, coupling.indices, coupling.indptr))
    moved = 2 * rows + rows_of(evaluator) + 14 * WIDTH * heat.graph.n * 8
    return Way(step, moved)


def formula(heat: HeatBath) -> Way:
    """Return the energy and gradient in NumPy, written as the formula."""
    w = heat.random_start(0)
    return Way(lambda: heat.judge.value_and_grad(w))


def eager(heat: HeatBath) -> Way:
    """Return eager torch on the same energy: autograd and ``torch.optim.Adam``."""
    import torch

    backend = backend_for("torch", "cpu", "float64")
    energy: Any = heat.formula(backend)
    w = backend.asarray(heat.random_start(0)).requires_grad_(True)
    optimiser = torch.optim.Adam([w], lr=0.02)

    def step() -> None:
        optimiser.zero_grad()
        energy.value(w).backward()
        optimiser.step()

    return Way(step)


def eager_network(heat: HeatBath) -> Way:
    """Return the network's step in good torch code: layers, autograd, ``torch.optim.Adam``."""
    import torch

    from bench.torch_layers import symmetric_product

    backend = backend_for("torch", "cpu", "float64")
    energy: Any = heat.formula(backend)
    spread = backend.sparse(propagation(heat.coupling, "sym"))
    draw = np.random.default_rng(0).standard_normal
    shapes = ((heat.graph.n, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))
    z, weights, readout = (backend.asarray(0.1 * draw(s)).requires_grad_(True) for s in shapes)
    w0 = backend.asarray(heat.random_start(0))
    optimiser = torch.optim.Adam([z, weights, readout], lr=0.01)

    def step() -> None:
        optimiser.zero_grad()
        hidden = torch.nn.functional.leaky_relu(symmetric_product(spread.csr, z) @ weights)
        energy.value(w0 + (hidden @ readout)[:, 0]).backward()
        optimiser.step()

    return Way(step)


def lbfgs_bytes(heat: HeatBath, ours: bool) -> float:
    """Count the bytes of an iteration: a gradient, two loops over the pairs, the new pair."""
    n = heat.graph.n
    pairs = LBFGS().pairs_for(n) if ours else PAIRS
    width = 4 if ours and n >= limits.SINGLE_PAIRS_FROM else 8
    return rows_of(heat.on(NumpyBackend())) + (4 * pairs * width + 10 * 8) * n


def lbfgs_iterations(heat: HeatBath) -> dict[str, float]:
    """Return the seconds per iteration of every L-BFGS, from the middle of a run on."""
    found: dict[str, list[float]] = {}
    start = heat.random_start(0)
    for _ in range(3):
        for name in ("lbfgs", "lbfgs-scipy"):
            if name in known_solvers():
                solution = solve(heat, name, start=start, max_steps=LBFGS_STEPS, gtol=0.0)
                found.setdefault(f"{name} iteration", []).append(_late(solution.history))
        if installed("torch"):
            found.setdefault("torch L-BFGS iteration", []).append(_torch_lbfgs(heat, start))
    return {name: float(np.median(times)) for name, times in found.items()}


def _late(history: Any) -> float:
    """Return the seconds per step after the memory of pairs has filled."""
    first = next(
        k for k, step in enumerate(history.step) if step >= min(PAIRS, history.step[-1] // 2)
    )
    steps = history.step[-1] - history.step[first]
    return (history.seconds[-1] - history.seconds[first]) / max(steps, 1)


def _torch_lbfgs(heat: HeatBath, start: np.ndarray) -> float:
    """Return the same for ``torch.optim.LBFGS`` with its strong-Wolfe search and autograd."""
    from bench.torch_peers import lbfgs

    class Steps(Recorder):
        """Records the time of a number of steps and judges nothing."""

        def look(self, step: int, field: Callable[[], np.ndarray]) -> None:
            self.history.append(step, self.seconds, 0.0)
            if step >= LBFGS_STEPS:
                raise Enough(Result.MAX_STEPS)

    recorder = Steps(heat)
    with contextlib.suppress(Enough):
        lbfgs(heat, start)(recorder)
    return _late(recorder.history)


def permuted(heat: HeatBath, order: np.ndarray) -> HeatBath:
    """Return the same problem with node k renamed ``order[k]``."""
    graph = heat.graph
    mixed = Graph.from_edges(graph.n, order[graph.edges], graph.weights, name="shuffled")
    return HeatBath(mixed, order[heat.hot], order[heat.cold])
