"""Settings and stopping rules that several families of named solvers share."""

from __future__ import annotations

from dataclasses import replace

from meshrep.base.settings import Setting
from meshrep.minimisers.monitor import Stopping

LR = Setting("lr", float, "step length, in natural units", above=0)
LR_BY_CURVATURE = Setting(
    "lr", float, "step length, in units of field² / energy", shown="by the curvature", above=0
)
MOMENTUM = Setting("momentum", float, "share of the last step kept", least=0, below=1)
DECAY = Setting("decay", float, "steps in which the step length halves", above=0)

WINDOW = Stopping(window=100, ftol=1e-7)
DECAYING = Stopping(window=500, ftol=1e-5)  # a step length that shrinks falls slowly at the end
LONG = Stopping(max_steps=10_000_000, gtol=1e-7, window=5000, ftol=1e-14)


def lr(default: float | None = None, shown: str = "") -> Setting:
    """The step length, with the default of one solver."""
    return replace(LR, default=default, shown=shown)


def momentum(default: float) -> Setting:
    """The momentum, with the default of one solver."""
    return replace(MOMENTUM, default=default)
