"""Which steps follow phases of broad frequencies, noise and inertia."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from meshrep.base.randomness import random_from
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.phases.couplings import numbers
from meshrep.errors import InputError
from meshrep.flows.moebius import Moebius
from meshrep.flows.motion import DISC, FirstOrder, FixedSteps, Motion, SecondOrder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Steps of rk4 that the frequencies ask for, per step that the couplings ask for, from which
# Möbius maps take less time. One of their steps takes three to four times as long as one of rk4.
BROAD = 8.0
MOEBIUS_RTOL = 1e-3


class Stepper(Protocol):
    """What moves a field from one time to another."""

    name: str

    @property
    def steps(self) -> int:
        """Steps that were taken."""

    @property
    def evaluations(self) -> int:
        """Evaluations of the gradient or of fields."""

    def advance(self, w: np.ndarray, begin: float, end: float) -> None:
        """Move the field w in place from one time to another."""

    def rates(self) -> np.ndarray | None:
        """A copy of dw/dt where it is part of the state, else None."""

    def notes(self) -> list[str]:
        """Sentences about the steps."""


def is_broad(energy: Energy, stable: float, mass: np.ndarray) -> bool:
    """Whether frequencies, and not couplings, would make the steps of rk4 very short."""
    return energy.by_fields and energy.frequency_spread * stable > BROAD * float(mass.min())


def by_maps(
    energy: Energy, evaluator: Evaluator, mass: np.ndarray, rtol: float, between: float
) -> Moebius:
    """Möbius maps, whose first step is short beside couplings and times that are kept.

    Raises
    ------
    InputError
        Where the phases do not act in pairs, or the tolerance is out of range.
    """
    if not energy.by_fields:
        raise InputError(
            f"moebius follows phases that act on each other by sines alone, and not this "
            f"{type(energy).__name__}: choose rk4"
        )
    if not 1e-12 <= rtol <= 1:  # a step that errs by less differs by rounding alone
        raise InputError(f"rtol of moebius must lie between 1e-12 and 1 radian, not {rtol}")
    omega: np.ndarray = energy.omega / mass  # type: ignore[attr-defined]
    first = 0.5 * float(mass.min()) / energy.stiffness(omega)
    return Moebius(evaluator, omega, 1.0 / mass, rtol, min(first, between))


def by_fixed_steps(
    energy: Energy,
    evaluator: Evaluator,
    w: np.ndarray,
    mass: np.ndarray,
    dt: float | None,
    *,
    noise: ArrayLike,
    inertia: ArrayLike,
    start_velocity: ArrayLike | None,
    seed: int,
) -> FixedSteps:
    """Equal steps for noise, inertia or both.

    Raises
    ------
    InputError
        For a noise, an inertia, a velocity or a step that cannot be used.
    """
    n = energy.graph.n
    D, heavy = numbers(noise, n, "noise", "node"), numbers(inertia, n, "inertia", "node")
    if (D < 0).any():
        raise InputError("noise is a diffusion constant and must not be negative")
    stiffness, apart = energy.stiffness(w), energy.frequency_spread / float(mass.min())
    motion: Motion
    if heavy.any():
        if not (heavy > 0).all():
            raise InputError("inertia must be positive at every node, or 0 at all")
        motion = SecondOrder(evaluator, mass, heavy, energy.fixed)
        rate = motion.fastest(stiffness)
        swing = np.sqrt(stiffness / float(heavy.min()))
        rates = np.zeros(w.shape) if start_velocity is None else np.asarray(start_velocity, float)
        if rates.shape != w.shape or not np.isfinite(rates).all():
            raise InputError(f"start_velocity must be {w.shape} finite numbers")
        rates = rates.copy()
        rates[energy.fixed] = 0.0
        state = np.concatenate([w, rates])
    else:
        if start_velocity is not None:
            raise InputError("without inertia there is no velocity to start from")
        motion = FirstOrder(evaluator, mass, energy.fixed)
        rate = swing = stiffness / float(mass.min())
        state = w.copy()
    stable = (2.0 if D.any() else DISC) / rate
    # A quarter of a radian of noisy motion, or half a radian of motion that rk4 follows.
    fine = 0.25 if D.any() else 0.5
    limits = [0.9 * stable, fine / swing, *([fine / apart] if apart else [])]
    if dt is not None and not 0 < dt <= stable:
        raise InputError(f"dt = {dt:g} is not a stable step: take one in (0, {stable:.3g}]")
    step = min(limits) if dt is None else dt
    shaken = (D, random_from(seed, 2)) if D.any() else (None, None)
    return FixedSteps(motion, state, step, *shaken)
