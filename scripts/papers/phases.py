"""What the rows on oscillators share: the papers' solvers of phases, and where these end.

The papers' practice is eager torch in float32, in which a loss that changes by less than 1e-15 is
one that does not change at all. There the network's pass is ours, with its pullback written out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from meshrep.backends import Array
from meshrep.composition import Solver
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.outcome import Result
from meshrep.parametrizations.gcn import GraphNetwork
from papers.contest import Standing, spread

RATE, HIDDEN, SWITCH = 0.01, 10, 100
WIDTH = 2 * np.pi / 12**0.5  # the standard deviation of latents drawn from U(0, 2π)
SYNCHRONISED = 0.99  # ρ from which on phases count as one
FLOOR = 1e-8  # of the fall, below which curves are not drawn
LEFT = 0.5  # vortices or turns of the phase from which on there are some


class Stepwise(Adam):
    """Adam in kernels as the papers' rule would see it in torch.

    Steps are calls of their own, since stretches of many would show the rule their ends alone,
    and energies are rounded to float32, whose spacing is what ends the papers' runs.
    """

    def _fuses(self, objective: Objective) -> bool:
        return False

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Steps until the monitor says stop."""
        exact = objective.value_and_grad

        def rounded(params: Array) -> tuple[float, Array]:
            value, gradient = exact(params)
            return float(np.float32(value)), gradient

        objective.value_and_grad = rounded  # type: ignore[method-assign]
        try:
            return super().run(objective, monitor)
        finally:
            del objective.value_and_grad


def optimiser(torch: bool, rule: Stopping, lr: float = RATE, method: str = "Adam") -> Minimiser:
    """Adam in our kernels, step by step for the papers' rule; or one of ``torch.optim``, eager."""
    if not torch:
        return (Stepwise if rule.patience else Adam)(lr=lr, settle=False)
    from meshrep.minimisers.torch_optimisers import TorchOptimiser

    return TorchOptimiser(method, name=f"{method.lower()}-torch", lr=lr)


def direct(
    torch: bool, rule: Stopping, lr: float = RATE, method: str = "Adam", name: str = ""
) -> Solver:
    """An optimiser on the phases themselves."""
    backend = "torch" if torch else "auto"
    return Solver(optimiser(torch, rule, lr, method), stopping=rule, name=name, backend=backend)


def network(
    torch: bool,
    rule: Stopping,
    *,
    switch: int = SWITCH,
    lr: float = RATE,
    method: str = "Adam",
    layers: int = 1,
    start: str = "network",
    readout: str = "value",
    propagation: str = "auto",
) -> Solver:
    """The papers' network for ``switch`` steps, then the same optimiser on the phases.

    With a switch at 0 the second stage begins at the network's first output, and the network
    does nothing else.
    """
    variables = GraphNetwork(
        layers=layers, hidden=HIDDEN, start=start, readout=readout, propagation=propagation,
        spread=WIDTH,
    )  # fmt: skip
    return Solver(
        optimiser(torch, rule, lr, method),
        variables,
        Stopping(max_steps=switch, gtol=0.0),
        then=direct(torch, rule, lr, method),
        name=f"gcn-{switch}",
        backend="torch" if torch else "auto",
    )


def defects(standing: Standing) -> np.ndarray:
    """Vortices, or turns of the phase round a circle, that each end has (k,); NaN on a tree."""
    vortices, turns = standing.measured("vortices"), np.abs(standing.measured("winding"))
    return np.where(np.isnan(vortices), turns, vortices)


def synchronised(standing: Standing) -> float:
    """In which share of the seeds the phases ended as one, without vortices or turns."""
    free = ~(defects(standing) > LEFT)
    return float(np.mean(free & (standing.measured("rho") > SYNCHRONISED)))


def ends() -> dict[str, Callable[[Standing], str]]:
    """Columns for tables: the share that ended as one, and what vortices or turns are left."""
    return {
        "synchronised": lambda s: f"{synchronised(s):.0%}",
        "vortices or turns left": lambda s: spread(defects(s), 2),
    }


def with_copy(cell: Mapping[str, Any], label: str, name: str) -> dict[str, Any]:
    """The contest with one member of a tuned group also under its own name, first of all."""
    return {**cell, "runs": {name: cell["runs"][label], **cell["runs"]}}


def at_stop(mine: Standing, other: Standing, what: str = "seconds") -> np.ndarray:
    """How many times the time or steps of ``mine`` another takes until it stops, (k,)."""
    return other.column(what) / np.maximum(mine.column(what), 1e-7)


def mean_ratio(ratios: np.ndarray) -> float:
    """The geometric mean of what is finite and positive; NaN where nothing is."""
    known = ratios[np.isfinite(ratios) & (ratios > 0)]
    return float(np.exp(np.mean(np.log(known)))) if len(known) else float("nan")


def falling(standing: Standing, cell: Mapping[str, Any]) -> list[tuple[float, float]]:
    """(seconds, share of the fall from the shared start that is left) on the first seed."""
    high, least = cell["begun"][0], cell["reference"]
    points = [
        (at, (energy - least) / (high - least)) for _, at, energy in standing.runs[0]["curve"]
    ]
    return [(at, max(left, FLOOR)) for at, left in points if at > 0]
