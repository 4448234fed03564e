"""Equations of motion with inertia and noise, and steps of fixed length that follow them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from meshrep.energies.evaluator import Evaluator
from meshrep.flows.runge_kutta import equal_steps, rk4_step

# RK4 is stable for λ dt in the left half of the complex plane with |λ dt| below this.
DISC = 2.6


class Motion(ABC):
    """dy/dt of a state y that begins with the field, and the noise that is added to it.

    Attributes
    ----------
    evaluations : int
        How often the energy's gradient was computed.
    """

    evaluations = 0

    @abstractmethod
    def slope(self, y: np.ndarray) -> np.ndarray:
        """dy/dt."""

    @abstractmethod
    def shaken(self, kick: np.ndarray) -> np.ndarray:
        """How a displacement of the field by noise, in its shape, changes the state."""


class FirstOrder(Motion):
    """M dw/dt = velocity: the state is w.

    Parameters
    ----------
    evaluator : Evaluator
    mass : (n,) array
    fixed : (k,) array
        Nodes that do not move.
    """

    def __init__(self, evaluator: Evaluator, mass: np.ndarray, fixed: np.ndarray) -> None:
        self.evaluator, self.mass, self.fixed = evaluator, mass, fixed

    def slope(self, y: np.ndarray) -> np.ndarray:
        """Velocity over mass."""
        self.evaluations += 1
        return self.evaluator.velocity(y) / _along(self.mass, y)

    def shaken(self, kick: np.ndarray) -> np.ndarray:
        """The kick, except at fixed nodes."""
        kick[self.fixed] = 0.0
        return kick


class SecondOrder(Motion):
    """m d²w/dt² + M dw/dt = velocity: the state is w and dw/dt, one after the other.

    Parameters
    ----------
    evaluator : Evaluator
    mass : (n,) array
        M, which damps.
    inertia : (n,) array
        m
    fixed : (k,) array
        Nodes that do not move.
    """

    def __init__(
        self, evaluator: Evaluator, mass: np.ndarray, inertia: np.ndarray, fixed: np.ndarray
    ) -> None:
        self.evaluator, self.mass, self.inertia, self.fixed = evaluator, mass, inertia, fixed

    def slope(self, y: np.ndarray) -> np.ndarray:
        """dw/dt and d²w/dt²."""
        self.evaluations += 1
        w, rate = np.split(y, 2)
        force = self.evaluator.velocity(w) - _along(self.mass, w) * rate
        force[self.fixed] = 0.0
        return np.concatenate([rate, force / _along(self.inertia, w)])

    def shaken(self, kick: np.ndarray) -> np.ndarray:
        """The kick times M/m, added to dw/dt: without inertia it would move w."""
        kick[self.fixed] = 0.0
        return np.concatenate([0.0 * kick, kick * _along(self.mass / self.inertia, kick)])

    def fastest(self, stiffness: float) -> float:
        """A bound of the rates λ: m λ² + M λ = −κ with |κ| up to the stiffness of the energy."""
        half = 0.5 * float((self.mass / self.inertia).max())
        return half + np.sqrt(half**2 + stiffness / float(self.inertia.min()))

    def heun_limit(self, stiffness: float) -> float:
        """The longest step in which Heun's method feeds a swing no more than M damps.

        A swing of frequency ν = √(κ/m) grows by (ν dt)⁴/8 in a step, as the method has order 2, and
        loses M dt/2m.
        """
        damped = 0.5 * float((self.mass / self.inertia).min())
        return np.cbrt(8 * damped) * (float(self.inertia.min()) / stiffness) ** (2 / 3)


def _along(values: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Values (n,) in a shape that multiplies a field (n,) or (n, d)."""
    return values.reshape(-1, *[1] * (w.ndim - 1))


def heun_step(motion: Motion, y: np.ndarray, dt: float, kick: np.ndarray) -> None:
    """Take a step of stochastic Heun in place.

    Parameters
    ----------
    motion : Motion
    y : array
        The state.
    dt : float
    kick : (n,) or (n, d) array
        √(2D) times the increment of Brownian motion, of variance dt. It is overwritten.

    Notes
    -----
    The noise does not depend on the state, so that the strong order is 1 and Itô and Stratonovich
    agree. Without noise the order is 2.

    References
    ----------
    Kloeden and Platen, "Numerical solution of stochastic differential equations" (1992), §8.2.
    """
    shaken = motion.shaken(kick)
    first = motion.slope(y)
    second = motion.slope(y + dt * first + shaken)
    y += 0.5 * dt * (first + second) + shaken


class ExplicitSteps:
    """A whole number of equal steps between two times.

    Parameters
    ----------
    motion : Motion
    y : array
        The state at the first time, which is moved.
    dt : float
        Longest step.
    noise : (n,) array, optional
        The diffusion D of each node; then steps are those of stochastic Heun, else of RK4.
    rng : numpy.random.Generator, optional
        Draws the noise, in the order of steps and nodes.
    """

    def __init__(
        self, motion: Motion, y: np.ndarray, dt: float, noise: np.ndarray | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        self.motion, self.y, self.dt, self.noise, self.rng = motion, y, dt, noise, rng
        self.name = "rk4" if noise is None else "heun"
        self.steps, self.longest = 0, 0.0

    @property
    def evaluations(self) -> int:
        """Evaluations of the gradient."""
        return self.motion.evaluations

    def advance(self, w: np.ndarray, begin: float, end: float) -> None:
        """Move the state from one time to another, and write its field to w."""
        count = equal_steps(begin, end, self.dt)
        dt = (end - begin) / count
        self.longest = max(self.longest, dt)
        for _ in range(count):
            if self.noise is None or self.rng is None:
                rk4_step(self.motion.slope, self.y, dt)
            else:
                size = np.sqrt(2 * dt * _along(self.noise, w))
                heun_step(self.motion, self.y, dt, size * self.rng.standard_normal(w.shape))
            self.steps += 1
        w[:] = self.y[: len(w)]

    def rates(self) -> np.ndarray | None:
        """A copy of dw/dt where it is part of the state, else None."""
        half = len(self.y) // 2
        return self.y[half:].copy() if isinstance(self.motion, SecondOrder) else None

    def notes(self) -> list[str]:
        """The length of a step."""
        return [f"step {self.longest:.3g}"]
