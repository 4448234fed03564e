"""Solvers by name: each a composition of a minimiser, a parametrization and what follows.

A preset is a function of :class:`Choices` and of the quantity that is solved for, since what suits
temperatures does not suit phases; a solver of one's own needs none of this file, only
``Solver(minimiser=…, parametrization=…, then=…)``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from meshrep.energies.base import Energy
from meshrep.energies.oscillators import Oscillators
from meshrep.errors import InputError
from meshrep.minimisers.annealing import Annealing
from meshrep.minimisers.first_order import (
    SGD,
    Adam,
    GradientDescent,
    HeavyBall,
    Nesterov,
    UniformAdam,
)
from meshrep.minimisers.gradient_flow import GradientFlow
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.lift import Lift
from meshrep.minimisers.mfac import MFAC
from meshrep.minimisers.monitor import Stopping
from meshrep.minimisers.newton import Newton
from meshrep.minimisers.scipy_lbfgs import ScipyLBFGS
from meshrep.parametrizations.linear.deep_linear import DeepLinear
from meshrep.parametrizations.linear.kappa import Kappa
from meshrep.parametrizations.linear.kernel import KernelSmoothing
from meshrep.parametrizations.linear.multilevel import Multilevel
from meshrep.parametrizations.linear.sobolev import Sobolev
from meshrep.parametrizations.linear.spectral import Spectral
from meshrep.parametrizations.networks.gat import GraphAttention
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.parametrizations.networks.gn import MessagePassing
from meshrep.parametrizations.networks.network import Network
from meshrep.solving.solver import Choices, Solver

Preset = Callable[..., Solver]

TORCH = "-torch"  # ends the names of solvers that are optimisers of torch's kind: soap-torch


def _adam(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(Adam(**choices.given(lr="lr")), stopping=_WINDOW, name="adam")


def _torch(method: str) -> Preset:
    def preset(choices: Choices, quantity: str = "field") -> Solver:
        from meshrep.minimisers.torch.optimisers import TorchOptimiser

        name = f"{method}{TORCH}"
        optimiser = TorchOptimiser(method, name=name, **choices.given(lr="lr", layout="layout"))
        return Solver(optimiser, stopping=_WINDOW, name=name, backend="torch")

    return preset


@dataclass(frozen=True)
class _NetworkSettings:
    """What was found to serve networks on one quantity.

    ``benchmark.py basins`` measures it for phases, ``benchmark.py topology`` for positions.
    """

    lr: float
    spread: float
    switch: Stopping


_PHASES = _NetworkSettings(0.2, 1.0, Stopping(window=20, ftol=0.02, gtol=0.0))
_OTHERS = _NetworkSettings(0.05, 0.1, Stopping(window=5, ftol=0.3, gtol=0.0))
_POSITIONS = _NetworkSettings(0.03, 0.1, Stopping(max_steps=100, gtol=0.0))
_SETTINGS = {"phase": _PHASES, "position": _POSITIONS}
_OTHER_NETWORKS: dict[str, type[Network]] = {"gat": GraphAttention, "gn": MessagePassing}
_PREFIT_LR = 0.01  # the papers' rate, since their network begins in the same state


def _network(kind: str) -> Preset:
    residual, graph, square = "-res" in kind, kind.startswith("gcn"), kind.endswith("-a2")

    def network(choices: Choices, **named: Any) -> Network:
        if kind in _OTHER_NETWORKS:
            return _OTHER_NETWORKS[kind](**named)
        wanted = choices.propagation or ("square" if square else "auto")
        return GraphNetwork(residual=residual, propagation=wanted if graph else "none", **named)

    def preset(choices: Choices, quantity: str = "field") -> Solver:
        named = choices.given(
            layers="layers", hidden="hidden", start="network_start", readout="readout"
        )
        if kind == "gcn-prefit":
            named = {"hidden": (8,) + (6,) * named.get("layers", 1)} | named | {"start": "prefit"}
        best = _SETTINGS.get(quantity, _OTHERS)
        lr = choices.lr or (_PREFIT_LR if kind == "gcn-prefit" else best.lr)
        stopping = best.switch
        if choices.switch != "auto":
            stopping = Stopping(max_steps=int(choices.switch), gtol=0.0)
        return Solver(
            Adam(lr=lr, beta1=0.7, beta2=0.99, settle=False),
            network(choices, spread=best.spread, **named),
            stopping,
            then=_adam(replace(choices, lr=None)),
            name=kind,
        )

    return preset


def _gd(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(GradientDescent(**choices.given(lr="lr")), stopping=_LONG, name="gd")


def _heavy_ball(choices: Choices, quantity: str = "field") -> Solver:
    parts = choices.given(lr="lr", momentum="momentum")
    return Solver(HeavyBall(**parts), stopping=_LONG, name="heavy-ball")


def _sgd(choices: Choices, quantity: str = "field") -> Solver:
    parts = choices.given(lr="lr", momentum="momentum", decay="decay")
    return Solver(SGD(**parts), stopping=_DECAYING, name="sgd")


# Steps together may be longer than steps alone; those of root add up over neighbours.
_KERNEL_LR = {"interpolate": 0.3, "average": 0.3, "root": 0.03}


def _kernel(choices: Choices, quantity: str = "field") -> Solver:
    smoothing = KernelSmoothing(**choices.given(form="form", bandwidth="bandwidth"))
    lr = choices.lr or _KERNEL_LR[smoothing.form]
    return replace(_sgd(replace(choices, lr=lr)), parametrization=smoothing, name="kernel")


def _nesterov(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(Nesterov(**choices.given(lr="lr")), stopping=_LONG, name="nesterov")


def _lbfgs(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(LBFGS(), name="lbfgs")


def _lbfgs_newton(choices: Choices, quantity: str = "field") -> Solver:
    newton = replace(_newton(choices), name="lbfgs-newton")
    return Solver(
        LBFGS(), stopping=Stopping(max_steps=PATIENCE), then=newton, name="lbfgs-newton", leg=True
    )


def _lbfgs_scipy(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(ScipyLBFGS(), name="lbfgs-scipy")


def _renewed(stage: Solver, steps: tuple[int, ...]) -> Solver:
    """The stage again and again, so that its variables are laid out anew after so many steps.

    The Hessian that they are made from is another one by then: that of soft baths fades. For
    L-BFGS only, since Adam begins anew with steps of full length, which throw it back.
    """
    for count in reversed(steps):
        stage = replace(stage, stopping=Stopping(max_steps=count), then=stage, leg=True)
    return stage


def _multilevel(choices: Choices, quantity: str = "field") -> Solver:
    variables = Multilevel()
    return _renewed(Solver(LBFGS(), variables, name="multilevel"), (10, 20, 40))


def _multilevel_adam(choices: Choices, quantity: str = "field") -> Solver:
    variables = Multilevel()
    adam = UniformAdam(lr=choices.lr or 0.1, beta1=0.7, beta2=0.99)
    return Solver(adam, variables, _WINDOW, name="multilevel-adam")


def _spectral(choices: Choices, quantity: str = "field") -> Solver:
    variables = Spectral(**choices.given(degree="degree"))
    return _renewed(Solver(LBFGS(), variables, name="spectral"), (20, 40, 80))


def _spectral_adam(choices: Choices, quantity: str = "field") -> Solver:
    variables = Spectral(**choices.given(degree="degree"))
    adam = UniformAdam(lr=choices.lr or 0.1, beta1=0.7, beta2=0.99)
    return Solver(adam, variables, _WINDOW, name="spectral-adam")


def _kappa(choices: Choices, quantity: str = "field") -> Solver:
    variables = Kappa(**choices.given(degree="degree", series="series"))
    return _renewed(Solver(LBFGS(), variables, name="kappa"), (20, 40, 80))


def _kappa_adam(choices: Choices, quantity: str = "field") -> Solver:
    variables = Kappa(**choices.given(degree="degree", series="series"))
    adam = UniformAdam(lr=choices.lr or 0.1, beta1=0.7, beta2=0.99)
    return Solver(adam, variables, _WINDOW, name="kappa-adam")


def _deep_linear(choices: Choices, quantity: str = "field") -> Solver:
    variables = DeepLinear(**choices.given(depth="depth"))
    return Solver(Adam(**choices.given(lr="lr")), variables, _WINDOW, name="deep-linear")


def _sobolev(choices: Choices, quantity: str = "field") -> Solver:
    variables = Sobolev(**choices.given(smoothing="smoothing"))
    return Solver(LBFGS(), variables, name="sobolev")


def _sobolev_adam(choices: Choices, quantity: str = "field") -> Solver:
    variables = Sobolev(**choices.given(smoothing="smoothing"))
    return Solver(UniformAdam(lr=choices.lr or 0.1), variables, _WINDOW, name="sobolev-adam")


def _sobolev_half(choices: Choices, quantity: str = "field") -> Solver:
    variables = Sobolev(**choices.given(smoothing="smoothing"), power="half")
    return Solver(LBFGS(), variables, name="sobolev-half")


def _mfac(choices: Choices, quantity: str = "field") -> Solver:
    parts = choices.given(lr="lr", momentum="momentum")
    return Solver(MFAC(**parts), stopping=_LONG, name="mfac")


def _newton(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(Newton(), stopping=Stopping(max_steps=5000, gtol=1e-10), name="newton")


def _rk4(choices: Choices, quantity: str = "field") -> Solver:
    stopping = replace(_LONG, window=200, ftol=1e-10) if choices.adaptive else _LONG
    return Solver(GradientFlow(adaptive=choices.adaptive), stopping=stopping, name="rk4")


def _anneal(choices: Choices, quantity: str = "field") -> Solver:
    return Solver(Annealing(**choices.given(sweeps="sweeps")), then=_lbfgs(choices), name="anneal")


def _lift(choices: Choices, quantity: str = "field") -> Solver:
    named = {"steps": "lift_steps", "rounds": "lift_rounds", "dimensions": "dimensions"}
    lift = Lift(**choices.given(**named))
    return Solver(lift, then=_lbfgs(choices), name="lift")


PATIENCE = 300  # steps of L-BFGS that cost about as much as Newton's method from the start
_WINDOW = Stopping(window=100, ftol=1e-7)
_DECAYING = Stopping(window=500, ftol=1e-5)  # a step that shrinks ends slowly
_LONG = Stopping(max_steps=10_000_000, gtol=1e-7, window=5000, ftol=1e-14)

PRESETS: dict[str, Preset] = {
    "gcn": _network("gcn"),
    "gcn-res": _network("gcn-res"),
    "gcn-a2": _network("gcn-a2"),
    "gcn-prefit": _network("gcn-prefit"),
    "nograph": _network("nograph"),
    "nograph-res": _network("nograph-res"),
    "gat": _network("gat"),
    "gn": _network("gn"),
    "adam": _adam,
    "adam-torch": _torch("adam"),
    "gd": _gd,
    "sgd": _sgd,
    "kernel": _kernel,
    "heavy-ball": _heavy_ball,
    "nesterov": _nesterov,
    "mfac": _mfac,
    "lbfgs": _lbfgs,
    "lbfgs-newton": _lbfgs_newton,
    "lbfgs-scipy": _lbfgs_scipy,
    "multilevel": _multilevel,
    "multilevel-adam": _multilevel_adam,
    "spectral": _spectral,
    "spectral-adam": _spectral_adam,
    "kappa": _kappa,
    "kappa-adam": _kappa_adam,
    "deep-linear": _deep_linear,
    "sobolev": _sobolev,
    "sobolev-adam": _sobolev_adam,
    "sobolev-half": _sobolev_half,
    "newton": _newton,
    "rk4": _rk4,
    "anneal": _anneal,
    "lift": _lift,
}


def choose(energy: Energy) -> tuple[str, str]:
    """The name that "auto" stands for on a problem, and why."""
    if energy.has_hessian and energy.convex and energy.smooth and not energy.stochastic:
        return "lbfgs-newton", (
            "convex with a sparse Hessian: L-BFGS arrives first on most meshes, and where it has "
            f"not after {PATIENCE} steps Newton's method goes on"
        )
    if isinstance(energy, Oscillators):
        return "lift", "phases have many minima, of which lift finds the lowest ones soonest"
    if energy.stochastic and energy.quantity == "position":
        return "kernel", "a few points of a large cloud move at a time, and take the others along"
    if energy.stochastic:
        return "adam", "a fresh subsample at every step, which a line search cannot follow"
    if energy.quantity == "position" and not energy.smooth:
        return "gcn", "points under a loss on topology, where networks end lowest most often"
    if not energy.smooth:
        return "adam", "not smooth, where a line search stalls"
    return "lbfgs", "not known to be convex, or without a sparse Hessian"


def known(names: list[str]) -> None:
    """Check that every name is a preset's, "auto" or an optimiser's with "-torch" after it.

    Raises
    ------
    InputError
        When one is not; says what is near, and all names.
    MissingPart
        For an optimiser with "-torch" after it, adam-torch apart, where torch, or the package
        that it may be of, is not installed.
    """
    for name in names:
        if name in PRESETS or name == "auto":
            continue
        if name.endswith(TORCH):
            from meshrep.minimisers.torch.classes import optimiser_class

            optimiser_class(name.removesuffix(TORCH))
        else:
            near = difflib.get_close_matches(name, PRESETS, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(
                f"unknown solver {name!r}: {hint}known are auto, {', '.join(PRESETS)}, and "
                f"NAME{TORCH} for any optimiser of torch"
            )


def preset(name: str, choices: Choices | None = None, quantity: str = "field") -> Solver:
    """The solver of a name for a quantity; raises as :func:`known` does."""
    known([name])
    recipe = PRESETS.get(name) or _torch(name.removesuffix(TORCH))
    return recipe(choices or Choices(), quantity)
