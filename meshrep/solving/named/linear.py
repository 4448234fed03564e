"""Named solvers in variables that the field depends on linearly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from meshrep.base.settings import Setting
from meshrep.energies.base import Energy
from meshrep.minimisers.first_order import Adam, UniformAdam
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.base import Parametrization
from meshrep.parametrizations.linear.deep_linear import DeepLinear
from meshrep.parametrizations.linear.kappa import Kappa
from meshrep.parametrizations.linear.multilevel import Multilevel
from meshrep.parametrizations.linear.sobolev import Sobolev
from meshrep.parametrizations.linear.spectral import Spectral
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.named.shared import WINDOW, lr
from meshrep.solving.solver import Solver

DEGREE = Setting("degree", int, "degree of the polynomial", least=1)
SERIES = Setting(
    "series", str, "the binomial series, or as the papers print it (to degree 2)", default="right",
    choices=("right", "printed"),
)  # fmt: skip
SMOOTHING = Setting("smoothing", float, "λ of w = w₀ + (1 + λL)⁻¹u", shown="by the graph", above=0)
DEPTH = Setting("depth", int, "factors of the product", default=2, least=2)
GROUP = "linear variables"


def renewed(stage: Solver, steps: tuple[int, ...]) -> Solver:
    """The stage several times, so that its variables are laid out anew after so many steps.

    The variables are made from a Hessian, which changes during a run: with soft baths it fades.
    """
    return chained([stage] * (len(steps) + 1), steps)


def chained(stages: list[Solver], steps: tuple[int, ...]) -> Solver:
    """Chains the stages; each but the last takes at most the given number of steps."""
    whole = stages[-1]
    for stage, count in zip(reversed(stages[:-1]), reversed(steps), strict=True):
        whole = replace(stage, stopping=Stopping(max_steps=count), then=whole, leg=True)
    return whole


def _by_lbfgs(
    name: str, variables: Callable[..., Parametrization], steps: tuple[int, ...] = ()
) -> Callable[..., Solver]:
    """Builds L-BFGS in variables, which take the settings."""

    def build(energy: Energy, **settings: Any) -> Solver:
        return renewed(Solver(LBFGS(), variables(**settings), name=name), steps)

    return build


def _by_adam(
    variables: Callable[..., Parametrization], steps: tuple[int, ...] = (), **rule: Any
) -> Callable[..., Solver]:
    """Builds Adam with one second moment for all variables; these take the other settings.

    Where the variables are laid out anew, Adam restarts with half the step length, since its first
    steps have their full length even near the minimum.
    """

    def build(energy: Energy, lr: float = 0.1, **settings: Any) -> Solver:
        made = variables(**settings)
        adams = [UniformAdam(lr=lr / 2**leg, **rule) for leg in range(len(steps) + 1)]
        return chained([Solver(adam, made, WINDOW) for adam in adams], steps)

    return build


def _half(**settings: Any) -> Sobolev:
    return Sobolev(**settings, power=0.5)


def _deep_linear(energy: Energy, depth: int | None = None, **settings: Any) -> Solver:
    variables = DeepLinear(**({} if depth is None else {"depth": depth}))
    return Solver(Adam(**settings), variables, WINDOW)


_QUICK: dict[str, Any] = {"steps": (20, 40, 80, 160), "beta1": 0.7, "beta2": 0.99}
_SPECTRAL, _KAPPA = replace(DEGREE, default=8), replace(DEGREE, default=2)

SOLVERS = (
    NamedSolver(
        "multilevel",
        "L-BFGS on the levels of a multigrid hierarchy, w = w₀ + Σ_l P_l D_l^-½ z_l: BPX "
        "preconditioning as a reparametrization.",
        "Large meshes with long or smooth solutions: its steps hardly grow with the mesh.",
        _by_lbfgs("multilevel", Multilevel, (10, 20, 40)),
        group=GROUP,
    ),
    NamedSolver(
        "multilevel-adam",
        "Adam in the variables of multilevel.",
        "To compare Adam with L-BFGS in these variables.",
        _by_adam(Multilevel, **_QUICK),
        (lr(0.1),),
        GROUP,
    ),
    NamedSolver(
        "spectral",
        "L-BFGS on w = w₀ + p(H)θ, with p a Chebyshev polynomial near λ^-½.",
        "Long or smooth problems of middle size, where no hierarchy is wanted.",
        _by_lbfgs("spectral", Spectral, (20, 40, 80)),
        (_SPECTRAL,),
        GROUP,
    ),
    NamedSolver(
        "spectral-adam",
        "Adam in the variables of spectral.",
        "To compare Adam with L-BFGS in these variables.",
        _by_adam(Spectral, **_QUICK),
        (_SPECTRAL, lr(0.1)),
        GROUP,
    ),
    NamedSolver(
        "kappa",
        "L-BFGS on w = w₀ + κ(H)θ with the papers' Hessian filter.",
        "To test the papers' theory; with as many products spectral does better.",
        _by_lbfgs("kappa", Kappa, (20, 40, 80)),
        (_KAPPA, SERIES),
        GROUP,
    ),
    NamedSolver(
        "kappa-adam",
        "Adam in the variables of kappa.",
        "To compare Adam with L-BFGS in these variables.",
        _by_adam(Kappa, **_QUICK),
        (_KAPPA, SERIES, lr(0.1)),
        GROUP,
    ),
    NamedSolver(
        "sobolev",
        "L-BFGS on w = w₀ + (1 + λL)⁻¹u, the variables of Nicolet et al. 2021.",
        "To see what smoothing alone brings.",
        _by_lbfgs("sobolev", Sobolev),
        (SMOOTHING,),
        GROUP,
    ),
    NamedSolver(
        "sobolev-half",
        "L-BFGS with the square root of that smoothing.",
        "To see what smoothing alone brings.",
        _by_lbfgs("sobolev-half", _half),
        (SMOOTHING,),
        GROUP,
    ),
    NamedSolver(
        "sobolev-adam",
        "The Adam of Nicolet et al. in the variables of sobolev.",
        "To see what smoothing alone brings.",
        _by_adam(Sobolev),
        (SMOOTHING, lr(0.1)),
        GROUP,
    ),
    NamedSolver(
        "deep-linear",
        "Adam on the field as a balanced product of several factors (Arora, Cohen, Hazan 2018).",
        "To see what depth alone brings.",
        _deep_linear,
        (DEPTH, lr(0.02)),
        GROUP,
    ),
)
