"""Which explicit steps follow a field, phases of broad frequencies, noise and inertia."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from meshrep.base.randomness import random_from
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.given import real_array
from meshrep.errors import InputError
from meshrep.flows.moebius import Moebius
from meshrep.flows.motion import DISC, ExplicitSteps, FirstOrder, Motion, SecondOrder
from meshrep.flows.runge_kutta import Rk4, default_step
from meshrep.sources.values import by_name

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Steps of rk4 that the frequencies ask for, per step that the couplings ask for, from which
# Möbius maps take less time. One of their steps takes three to four times as long as one of rk4.
BROAD = 8.0
MOEBIUS_RTOL = 1e-3
TEMPERATE = 0.05  # share of the damping that Heun's method may undo, and so heat a swing


class Stepper(Protocol):
    """What moves a field from one time to another."""

    name: str

    @property
    def dt(self) -> float | None:
        """The longest step, where steps are equal."""

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


def by_rk4(
    energy: Energy, evaluator: Evaluator, w: np.ndarray, mass: np.ndarray, dt: float | None
) -> Rk4:
    """Equal steps of rk4 that stay stable.

    Raises
    ------
    InputError
        For a step that cannot be used.
    """
    chosen, limit = default_step(energy, w, mass)
    if dt is not None and not 0 < dt <= limit:
        raise InputError(
            f"dt = {dt:g} is not a stable step for RK4: take one in (0, {limit:.3g}], or an "
            "implicit method (bdf, radau)"
        )
    return Rk4(energy, evaluator, mass, chosen if dt is None else dt, limit)


def by_motion(
    energy: Energy,
    evaluator: Evaluator,
    w: np.ndarray,
    mass: np.ndarray,
    dt: float | None,
    *,
    noise: np.ndarray,
    inertia: np.ndarray,
    start_velocity: ArrayLike | None,
    seed: int,
) -> ExplicitSteps:
    """Equal steps for noise (n,), inertia (n,) or both.

    Raises
    ------
    InputError
        For an inertia, a velocity or a step that cannot be used.
    """
    shaken, heavy = bool(noise.any()), bool(inertia.any())
    stiffness, apart = energy.stiffness(w), energy.frequency_spread / float(mass.min())
    motion: Motion
    if heavy:
        if not (inertia > 0).all():
            raise InputError("inertia must be positive at every node, or 0 at all")
        motion = SecondOrder(evaluator, mass, inertia, energy.fixed)
        with np.errstate(over="ignore"):  # endless steps are refused later
            rate = motion.fastest(stiffness)
        swing = np.sqrt(stiffness / float(inertia.min()))
        state = np.concatenate([w, _velocity(energy, start_velocity)])
    else:
        if start_velocity is not None:
            raise InputError("without inertia there is no velocity to start from")
        motion = FirstOrder(evaluator, mass, energy.fixed)
        rate = swing = stiffness / float(mass.min())
        state = w.copy()
    stable = (2.0 if shaken else DISC) / rate
    # A quarter of a radian of noisy motion, or half a radian of motion that rk4 follows.
    fine = 0.25 if shaken else 0.5
    limits = [0.9 * stable, fine / swing, *([fine / apart] if apart else [])]
    if isinstance(motion, SecondOrder) and shaken:
        fed = motion.heun_limit(stiffness)
        stable = min(stable, fed)
        limits.append(TEMPERATE ** (1 / 3) * fed)
    if dt is not None and not 0 < dt <= stable:
        raise InputError(f"dt = {dt:g} is not a stable step: take one in (0, {stable:.3g}]")
    step = min(limits) if dt is None else dt
    return ExplicitSteps(motion, state, step, *((noise, random_from(seed, 2)) if shaken else ()))


def _velocity(energy: Energy, start_velocity: ArrayLike | None) -> np.ndarray:
    """dw/dt at the start, checked; 0 at fixed nodes."""
    if start_velocity is None:
        return np.zeros(energy.shape)
    given = by_name(energy.graph, start_velocity, "start_velocity")
    rates = np.array(real_array(given, energy.shape, "start_velocity must be"))
    if not np.isfinite(rates).all():
        raise InputError("start_velocity has a NaN or infinite entry")
    rates[energy.fixed] = 0.0
    return rates
