"""What the rows on oscillators share: the papers' solvers of phases, and where they end.

The papers run eager torch in float32. There a loss that changes by less than 1e-15 is one that does
not change at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from meshrep.base.backends import Array
from meshrep.base.outcome import Result
from meshrep.base.tables import spread
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.records import LEVELS
from meshrep.solving.solver import Solver
from meshrep.solving.standings import Mean, Standing
from papers import claims
from papers.claims import Verdict

RATE, HIDDEN, SWITCH = 0.01, 10, 100
WIDTH = 2 * np.pi / 12**0.5  # the standard deviation of latents drawn from U(0, 2π)
SYNCHRONISED = 0.99  # ρ above which phases count as equal
LEFT = 0.5  # vortices or turns of the phase above which there are some
ENOUGH = 3  # fewest seeds in which both must arrive
MARGIN = 1.05  # least ratio that counts as a gain


class Stepwise(Adam):
    """Adam in kernels, seen by the papers' rule as in torch.

    Each step is a call of its own, because the rule would see only the ends of a stretch of steps.
    Energies are rounded to float32, whose spacing is what ends the papers' runs.
    """

    def _fuses(self, objective: Objective) -> bool:
        return False

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Take steps until the monitor says stop."""
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
    """Return Adam in our kernels, step by step for the papers' rule, or one of ``torch.optim``."""
    if not torch:
        return (Stepwise if rule.patience else Adam)(lr=lr, settle=False)
    from meshrep.minimisers.torch.optimisers import TorchOptimiser

    return TorchOptimiser(method, name=f"{method.lower()}-torch", lr=lr)


def direct(
    torch: bool, rule: Stopping, lr: float = RATE, method: str = "Adam", name: str = ""
) -> Solver:
    """Return an optimiser on the phases themselves."""
    backend = "torch" if torch else "auto"
    return Solver(optimiser(torch, rule, lr, method), stopping=rule, name=name, backend=backend)


def network(
    torch: bool,
    rule: Stopping,
    *,
    switch: int = SWITCH,
    lr: float = RATE,
    later: float | None = None,
    method: str = "Adam",
    layers: int = 1,
    start: str = "network",
    readout: str = "value",
    propagation: str = "auto",
    autograd: bool = False,
) -> Solver:
    """Return the papers' network for ``switch`` steps, and then the same optimiser on the phases.

    The second stage has the rate ``later`` if it is given. With a switch at 0 it begins at the
    network's first output, and the network does nothing else. In torch the network's pullback is
    written out, which takes half the time of autograd; with ``autograd`` torch differentiates it,
    as it does for Adam on the phases.
    """
    variables = GraphNetwork(
        layers=layers, hidden=HIDDEN, network_start=start, readout=readout, propagation=propagation,
        spread=WIDTH,
    )  # fmt: skip
    mover = optimiser(torch, rule, lr, method)
    if torch and autograd:
        from papers.autograd import Recorded

        mover = Recorded(method, name=f"{method.lower()}-torch", lr=lr)
    return Solver(
        mover,
        variables,
        Stopping(max_steps=switch, gtol=0.0),
        then=direct(torch, rule, later or lr, method),
        name=f"gcn-{switch}",
        backend="torch" if torch else "auto",
    )


def defects(standing: Standing) -> np.ndarray:
    """Count the vortices, or turns of the phase round a circle, of each end (k,); NaN on a tree."""
    vortices, turns = standing.measured("vortices"), np.abs(standing.measured("winding"))
    return np.where(np.isnan(vortices), turns, vortices)


def synchronised(standing: Standing) -> float:
    """Return the share of the seeds that ended with equal phases, without vortices or turns."""
    free = ~(defects(standing) > LEFT)
    return float(np.mean(free & (standing.measured("rho") > SYNCHRONISED)))


def ends() -> dict[str, Callable[[Standing], str]]:
    """Return columns for tables: the share that synchronised, and the vortices or turns left."""
    return {
        "synchronised": lambda s: f"{synchronised(s):.0%}",
        "vortices or turns left": lambda s: spread(defects(s), 2),
    }


def one(cell: Mapping[str, Any], label: str) -> Standing:
    """Return an entrant's standing; for a group that of its member with the papers' rate."""
    runs = cell["runs"].get(label)
    return Standing(label, cell["runs"][f"{label}, rate {RATE:g}"] if runs is None else runs)


def at_stop(mine: Standing, other: Standing, what: str = "seconds") -> np.ndarray:
    """Return the time or steps of another until it stops over those of ``mine``, by seed (k,)."""
    return other.column(what) / np.maximum(mine.column(what), 1e-7)


def judged(gains: Sequence[Mean]) -> Verdict:
    """Return HOLDS if all gains are above 1, IN_PART if some are, OPEN if seeds are too few."""
    if not gains or min(gain.known for gain in gains) < ENOUGH:
        return Verdict.OPEN
    return claims.judged([gain.value > MARGIN for gain in gains])


def turned(ratios: np.ndarray) -> int:
    """Return 1 if the mean ratio is above 1 by more than twice its error, -1 if below, else 0."""
    logs = np.log(ratios[np.isfinite(ratios) & (ratios > 0)])
    if len(logs) < 2:
        return 0
    sure = abs(logs.mean()) > max(2 * logs.std(ddof=1) / len(logs) ** 0.5, np.log(MARGIN))
    return int(np.sign(logs.mean())) if sure else 0


def each(found: Mapping[str, str]) -> str:
    """Join values by their names, as in "lattice 3.6×, …"."""
    return ", ".join(f"{name} {value}" for name, value in found.items())


def falling(standing: Standing) -> list[tuple[float, float]]:
    """Return (median seconds, level) for the levels that more than half of the seeds reach."""
    points = []
    for level in LEVELS:
        seconds = standing.to(level)[:, 1]
        middle = np.sort(np.where(np.isnan(seconds), np.inf, seconds))[len(seconds) // 2]
        if 0 < middle < np.inf:
            points.append((float(middle), float(level)))
    return points
