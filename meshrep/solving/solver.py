"""What a solver is made of: a minimiser, variables, a stopping rule, what follows; and settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, check_momentum
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.base import Identity, Parametrization


@dataclass(frozen=True)
class Solver:
    """A minimiser in some variables, and what follows it.

    Attributes
    ----------
    minimiser : Minimiser
        What moves.
    parametrization : Parametrization
        The variables it moves in.
    stopping : Stopping
        When this stage ends.
    then : Solver or None
        The next stage, which starts from this one's field.
    name : str
        What reports call it.
    backend : str
        "numpy", "numba", "torch", or "auto": the first of the minimiser's that is installed, torch
        for a network on a GPU.
    leg : bool
        Whether the stage ends only for its variables to be laid out anew: legs and what follows
        them share a limit on steps.
    """

    minimiser: Minimiser
    parametrization: Parametrization = field(default_factory=Identity)
    stopping: Stopping = field(default_factory=Stopping)
    then: Solver | None = None
    name: str = ""
    backend: str = "auto"
    leg: bool = False

    def __post_init__(self) -> None:
        if not (self.minimiser.parametrizable or isinstance(self.parametrization, Identity)):
            raise InputError(
                f"{self.minimiser.name} works on the field itself: drop the parametrization "
                f"{self.parametrization.name}, or take lbfgs or adam"
            )

    @property
    def label(self) -> str:
        """The name, or one made of the parts."""
        if self.name:
            return self.name
        inner = self.minimiser.name
        if not isinstance(self.parametrization, Identity):
            inner = f"{self.parametrization.name}-{inner}"
        return inner if self.then is None else f"{inner}+{self.then.label}"

    @property
    def stages(self) -> list[Solver]:
        """This stage and all that follow."""
        return [self, *(self.then.stages if self.then else [])]

    def limited(self, **limits: Any) -> Solver:
        """The solver with every stage's stopping rule changed where a limit is not None."""
        given = {name: limit for name, limit in limits.items() if limit is not None}
        later = dict(given)
        if self.leg and "max_steps" in given:
            given["max_steps"] = min(self.stopping.max_steps, given["max_steps"])
            later["max_steps"] -= given["max_steps"]
        return replace(
            self,
            stopping=replace(self.stopping, **given),
            then=self.then.limited(**later) if self.then else None,
        )


@dataclass(frozen=True)
class Choices:
    """Settings that presets share; None means the preset's own default.

    ``switch`` is when a network hands over to the field itself: "auto" (when its fall flattens)
    or a number of steps; ``sweeps`` are anneal's; ``lift_steps``, ``lift_rounds`` and
    ``dimensions`` lift's; ``momentum`` and ``decay`` those of sgd and kernel, momentum that of
    heavy-ball and mfac too; ``layout`` is that of torch's optimisers; ``form`` and
    ``bandwidth`` those of
    :class:`meshrep.parametrizations.linear.kernel.KernelSmoothing`; ``hidden`` is one width or all
    of them, and ``network_start`` the ``start``, of
    :class:`meshrep.parametrizations.networks.network.Network`; ``propagation`` is that of
    :class:`meshrep.parametrizations.networks.gcn.GraphNetwork`; ``degree`` is that of
    :class:`meshrep.parametrizations.linear.spectral.Spectral` and of
    :class:`meshrep.parametrizations.linear.kappa.Kappa`, whose ``series`` is "right" or "printed";
    ``depth`` is that of :class:`meshrep.parametrizations.linear.deep_linear.DeepLinear`, and
    ``smoothing`` the λ of :class:`meshrep.parametrizations.linear.sobolev.Sobolev`.
    """

    lr: float | None = None
    layers: int | None = None
    hidden: int | tuple[int, ...] | None = None
    propagation: str | None = None
    readout: str | None = None
    network_start: str = "shared"
    switch: str | int = "auto"
    momentum: float | None = None
    decay: float | None = None
    form: str | None = None
    bandwidth: float | None = None
    adaptive: bool = False
    sweeps: int | None = None
    lift_steps: int | None = None
    lift_rounds: int | None = None
    dimensions: int | None = None
    degree: int | None = None
    series: str | None = None
    depth: int | None = None
    smoothing: float | None = None
    layout: str | None = None

    def __post_init__(self) -> None:
        for name in ("layers", "sweeps", "lift_steps", "lift_rounds", "dimensions", "degree",
                     "depth"):  # fmt: skip
            number = getattr(self, name)
            if number is not None and not (isinstance(number, int) and number >= 1):
                raise InputError(f"{name} must be a whole number of 1 or more, not {number!r}")
        widths = self.hidden if isinstance(self.hidden, tuple) else (self.hidden or 1,)
        if self.hidden in (0, ()) or not all(isinstance(h, int) and h >= 1 for h in widths):
            raise InputError(
                "hidden must be a whole number of 1 or more, or a tuple of such, "
                f"not {self.hidden!r}"
            )
        if self.switch != "auto" and not (isinstance(self.switch, int) and self.switch >= 1):
            raise InputError(f"switch must be 'auto' or a number of steps, not {self.switch!r}")
        if self.momentum is not None:
            check_momentum(self.momentum)

    def given(self, **names: str) -> dict[str, Any]:
        """Keyword arguments {name: value} for the choices that are not None."""
        pairs = ((name, getattr(self, choice)) for name, choice in names.items())
        return {name: value for name, value in pairs if value is not None}
