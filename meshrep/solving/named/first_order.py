"""Named solvers that use gradients only: descent, momentum, Adam, and the flow in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meshrep.base.settings import Setting
from meshrep.energies.base import Energy
from meshrep.minimisers.first_order import SGD, Adam, GradientDescent, HeavyBall, Nesterov
from meshrep.minimisers.gradient_flow import GradientFlow
from meshrep.minimisers.mfac import MFAC
from meshrep.parametrizations.linear.kernel import KernelSmoothing
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.named.shared import (
    DECAY,
    DECAYING,
    LONG,
    LR_BY_CURVATURE,
    WINDOW,
    lr,
    momentum,
)
from meshrep.solving.solver import Solver

# The step lengths of kernel: those of "root" add up over neighbours and must be shorter.
KERNEL_LR = {"interpolate": 0.3, "average": 0.3, "root": 0.03}


def adam(energy: Energy, **settings: Any) -> Solver:
    """Adam on the field, in one compiled loop with the energy."""
    return Solver(Adam(**settings), stopping=WINDOW, name="adam")


def _sgd(energy: Energy, **settings: Any) -> Solver:
    return Solver(SGD(**settings), stopping=DECAYING)


def _kernel(
    energy: Energy, lr: float | None = None, form: str = "interpolate",
    bandwidth: float | None = None, **settings: Any,
) -> Solver:  # fmt: skip
    smoothing = KernelSmoothing(form, bandwidth)
    stage = _sgd(energy, lr=lr or KERNEL_LR[form], **settings)
    return replace(stage, parametrization=smoothing)


def _rk4(energy: Energy, adaptive: bool = False) -> Solver:
    stopping = replace(LONG, window=200, ftol=1e-10) if adaptive else LONG
    return Solver(GradientFlow(adaptive=adaptive), stopping=stopping)


SOLVERS = (
    NamedSolver(
        "adam",
        "Adam on the field, in one compiled loop with the energy.",
        "As a baseline, and where curvatures differ much from node to node.",
        adam,
        (lr(0.02),),
        "first order",
    ),
    NamedSolver(
        "gd",
        "Gradient descent with the longest stable step, in one compiled loop with the energy.",
        "As a baseline.",
        lambda energy, **settings: Solver(GradientDescent(**settings), stopping=LONG),
        (LR_BY_CURVATURE,),
        "first order",
    ),
    NamedSolver(
        "nesterov",
        "Nesterov's accelerated descent, restarted where the energy rises, in one compiled loop "
        "with it.",
        "Well-conditioned problems, where it is often the first to reach engineering accuracy.",
        lambda energy, **settings: Solver(Nesterov(**settings), stopping=LONG),
        (LR_BY_CURVATURE,),
        "first order",
    ),
    NamedSolver(
        "heavy-ball",
        "Descent with Polyak's momentum, in one compiled loop with the energy.",
        "Well-conditioned problems, to compare with nesterov.",
        lambda energy, **settings: Solver(HeavyBall(**settings), stopping=LONG),
        (LR_BY_CURVATURE, momentum(0.97)),
        "first order",
    ),
    NamedSolver(
        "sgd",
        "Gradient descent whose steps shrink with inverse time, as Carrière et al. use it on "
        "topology.",
        "As a baseline for losses with kinks, at which L-BFGS stalls.",
        _sgd,
        (lr(0.1), momentum(0.0), DECAY),
        "first order",
    ),
    NamedSolver(
        "kernel",
        "sgd whose steps a Gaussian kernel spreads over the cloud (diffeomorphic interpolation).",
        "Large clouds of which every step sees a subsample; auto takes it for them.",
        _kernel,
        (
            lr(0.3, "0.3, or 0.03 with form=root"),
            momentum(0.0),
            DECAY,
            Setting(
                "form", str, "how a gradient is spread over the cloud", default="interpolate",
                choices=("interpolate", "average", "root"),
            ),
            Setting(
                "bandwidth", float, "width of the Gaussian", shown="by the spacing", above=0
            ),
        ),
        "first order",
    ),
    NamedSolver(
        "mfac",
        "M-FAC: steps by the inverse Fisher matrix of the last 32 gradients.",
        "Noisy gradients, for which it was made; try it on your own energy.",
        lambda energy, **settings: Solver(MFAC(**settings), stopping=LONG),
        (LR_BY_CURVATURE, momentum(0.9)),
        "first order",
    ),
    NamedSolver(
        "rk4",
        "The gradient flow in time, by Runge–Kutta steps of fourth order.",
        "When the path to the minimum matters too.",
        _rk4,
        (Setting("adaptive", bool, "let SciPy choose the steps", default=False),),
        "first order",
    ),
)  # fmt: skip
