"""Named solvers for phases, which look beyond the nearest minimum."""

from __future__ import annotations

from typing import Any

from meshrep.base.settings import Setting
from meshrep.energies.base import Energy
from meshrep.minimisers.annealing import Annealing
from meshrep.minimisers.lift import Lift
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.named.second_order import lbfgs
from meshrep.solving.solver import Solver


def _anneal(energy: Energy, **settings: Any) -> Solver:
    return Solver(Annealing(**settings), then=lbfgs(energy))


def _lift(energy: Energy, **settings: Any) -> Solver:
    return Solver(Lift(**settings), then=lbfgs(energy))


SOLVERS = (
    NamedSolver(
        "lift",
        "Sweeps phases as unit vectors in more dimensions and presses them back into the plane, "
        "many replicas at once, in rounds; then L-BFGS.",
        "Phases: it finds the lowest energies that we know of, and finds them first; auto takes "
        "it for them.",
        _lift,
        (
            Setting("steps", int, "sweeps of the first descent", default=300, least=1),
            Setting("rounds", int, "rounds of sweeps after the first descent", default=20, least=1),
            Setting(
                "dimensions", int, "dimensions of the vectors", shown="4, or 6 with next-nearest "
                "coupling", least=3,
            ),
        ),
        "phases",
    ),
    NamedSolver(
        "anneal",
        "Annealing by heat-bath and over-relaxation sweeps, then L-BFGS.",
        "Phases, to check lift by the classical method.",
        _anneal,
        (Setting("sweeps", int, "sweeps in all", default=1000, least=1),),
        "phases",
        needs=("numba",),
    ),
)  # fmt: skip
