"""Phases in time by Möbius maps: a step is bound by how fields change, not by large frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.errors import SolveError

# Celledoni, Marthinsen and Owren, "Commutator-free Lie group methods" (2003), order 4: the fields
# of its stages, whose spins are moved by these combinations of the fields before.
SECOND = np.array([0.5, 0.0, 0.0, 0.0])  # from the start
THIRD = np.array([0.0, 0.5, 0.0, 0.0])  # from the start
FOURTH = np.array([-0.5, 0.0, 1.0, 0.0])  # from the second stage: a solution of order 2
FIRST_HALF = np.array([3.0, 2.0, 2.0, -1.0]) / 12
SECOND_HALF = np.array([-1.0, 2.0, 2.0, 3.0]) / 12
LEAST, MOST = 0.2, 4.0  # by how much a step changes
SAFETY = 0.9


class Moebius:
    """Adaptive steps of order 4 for phases that act in pairs or through fields.

    A phase in a field H obeys dφ/dt = ω + Im(H e^{−iφ}), which is solved exactly while H is
    constant, whatever ω is. Four fields are combined as in Runge–Kutta's method. The difference
    from the fourth stage, a solution of order 2, bounds the step.

    Parameters
    ----------
    evaluator : Evaluator
        With ``fields``, as that of ``Oscillators`` whose β and γ are 0.
    omega : (n,) array
        Natural frequencies over masses.
    inverse_mass : (n,) array
    rtol : float
        Largest root mean square, over the nodes, of what the two solutions of a step differ by, in
        radians.
    step : float
        Length of the first step.
    """

    name = "moebius"
    dt = None  # it chooses its steps

    def __init__(
        self, evaluator: Any, omega: np.ndarray, inverse_mass: np.ndarray, rtol: float, step: float
    ) -> None:
        n = len(omega)
        self.fields, self.omega, self.inverse_mass = evaluator.fields, omega, inverse_mass
        self.rtol, self.step = rtol, step
        self.steps = self.evaluations = self.refused = 0
        self.shortest, self.longest = np.inf, 0.0
        self.H = np.zeros((4, 2 * n))
        self.z, self.stage, self.fourth, self.new_z = (np.zeros(2 * n) for _ in range(4))
        self.new_w = np.zeros(n)
        if installed("numba"):
            from meshrep.kernels import moebius

            self.moves: Any = moebius.PARALLEL if n >= limits.THREADS_FROM else moebius.SERIAL
        else:
            self.moves = Formula

    def advance(self, w: np.ndarray, begin: float, end: float) -> None:
        """Move the phases w (n,) in place from one time to another.

        Raises
        ------
        SolveError
            Where no step is short enough.
        """
        spins(w, self.z)
        now, known, most = begin, False, MOST
        while now < end:
            if not known:
                self._field(0, self.z)
            left = end - now
            # Two equal steps rather than a whole and a tiny one.
            h = left if self.step >= left else min(self.step, 0.5 * left)
            error = self._try(w, h)
            share = self.rtol / error if error > 0 else np.inf
            if not np.isfinite(error) or h < 1e-14 * abs(end):
                raise SolveError(f"moebius gave up at t = {now:g}: no step is short enough")
            change = min(most, max(LEAST, SAFETY * share ** (1 / 3)))
            known = error > self.rtol
            most = 1.0 if known else MOST  # a step that follows a refused one does not grow
            if known:
                self.refused += 1
                self.step = h * change
                continue
            w[:] = self.new_w
            self.z, self.new_z = self.new_z, self.z
            self.steps += 1
            self.shortest, self.longest = min(self.shortest, h), max(self.longest, h)
            now = end if h == left else now + h
            self.step = max(h * change, self.step) if h < self.step else h * change

    def _try(self, w: np.ndarray, h: float) -> float:
        """A step of length h from w; returns the difference of its two solutions."""
        carry, omega, H = self.moves.carry, self.omega, self.H
        carry(self.z, omega, H, SECOND, h, self.fourth)  # which holds the second stage for now
        self._field(1, self.fourth)
        carry(self.z, omega, H, THIRD, h, self.stage)
        self._field(2, self.stage)
        carry(self.fourth, omega, H, FOURTH, h, self.fourth)
        self._field(3, self.fourth)
        apart = self.moves.finish(
            self.z, w, omega, H, FIRST_HALF, SECOND_HALF, h, self.fourth, self.new_z, self.new_w
        )
        return float(np.sqrt(apart / len(w)))

    def _field(self, stage: int, z: np.ndarray) -> None:
        self.fields(z, self.inverse_mass, self.H[stage])
        self.evaluations += 1

    def rates(self) -> None:
        """Nothing: dw/dt follows from w."""

    def notes(self) -> list[str]:
        """The lengths of the steps."""
        if not self.steps:
            return []
        return [
            f"steps of {self.shortest:.3g} to {self.longest:.3g}, {self.refused:,} more refused"
        ]


def spins(w: np.ndarray, z: np.ndarray) -> None:
    """Write cos w_0, sin w_0, cos w_1, … to z (2n,)."""
    np.cos(w, out=z[::2])
    np.sin(w, out=z[1::2])


class Formula:
    """What :mod:`meshrep.kernels.moebius` does, in NumPy."""

    @staticmethod
    def carry(
        z: np.ndarray, omega: np.ndarray, H: np.ndarray, weights: np.ndarray, h: float,
        out: np.ndarray,
    ) -> None:  # fmt: skip
        """Write the spins that Σ_k weights[k] (ω, H_k) moves z to in the time h."""
        a, b, _ = _element(h * weights.sum() * omega, h * _complex(weights @ H))
        _write(_carried(a, b, _complex(z))[0], out)

    @staticmethod
    def finish(
        z: np.ndarray, phi: np.ndarray, omega: np.ndarray, H: np.ndarray, first: np.ndarray,
        second: np.ndarray, h: float, other: np.ndarray, new_z: np.ndarray, new_phi: np.ndarray,
    ) -> float:  # fmt: skip
        """Write the end of a step, two maps one after the other; return Σ |new_z − other|²."""
        spin, turned = _complex(z), 0.0
        for weights in (first, second):
            a, b, angle = _element(h * weights.sum() * omega, h * _complex(weights @ H))
            spin, more = _carried(a, b, spin)
            turned = turned + angle + more
        _write(spin, new_z)
        new_phi[:] = phi + 2 * turned
        return float(((new_z - other) ** 2).sum())


def _complex(pairs: np.ndarray) -> np.ndarray:
    return pairs[::2] + 1j * pairs[1::2]


def _write(values: np.ndarray, pairs: np.ndarray) -> None:
    pairs[::2], pairs[1::2] = values.real, values.imag


def _element(omega: np.ndarray, H: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a and b of frequencies and fields, times positive numbers; and arg a."""
    square = 0.25 * (np.abs(H) ** 2 - omega**2)
    root = np.sqrt(np.maximum(abs(square), 1e-300))
    series = 1 - square / 3 + 2 * square**2 / 15 - 17 * square**3 / 315
    small, turns = abs(square) <= 3e-4, square < -3e-4
    share = 0.5 * np.where(
        small, series, np.where(turns, np.sin(root) / root, np.tanh(root) / root)
    )
    a = np.where(turns, np.cos(root), 1.0) + 1j * omega * share
    angle = np.angle(a)
    full = np.rint((np.copysign(root, omega) - angle) / (2 * np.pi))
    return a, H * share, angle + np.where(turns, 2 * np.pi * full, 0.0)


def _carried(a: np.ndarray, b: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The spins after the map, and by how much arg u exceeds arg a."""
    u = a + b * z.conj()
    return z * u / u.conj(), np.angle(u * a.conj())
