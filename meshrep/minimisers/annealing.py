"""Simulated annealing of oscillators, to find deep basins; a local minimiser finds their floors."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.base.outcome import Result
from meshrep.base.rows import kernel_rows
from meshrep.energies.base import Energy
from meshrep.energies.phase_law import PhaseLaw
from meshrep.errors import InputError, MissingPart
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.colouring import colours

HOT, COLD, COLD_LAW = 0.3, 0.03, 0.01  # automatic temperatures over the field on a site
FROZEN, FREEZING = 1e-3, 0.05  # last temperature over t_cold, and the share of the run to get there
RESERVED = 0.1  # share of a time limit that is left to what follows
ENTRIES = 100  # history entries of a run, at least


class Annealing(Minimiser):
    """Simulated annealing with over-relaxation (Kirkpatrick, Gelatt and Vecchi 1983).

    The temperature falls geometrically from ``t_hot`` to ``t_cold``, and to a thousandth of it in
    the last twentieth of the run. Under a time limit it falls faster where need be, so that the
    run is cold after nine tenths of that time.

    Parameters
    ----------
    sweeps : int
        Sweeps of the whole run, each a thermal update of every site and its over-relaxations.
    t_hot, t_cold : float or "auto"
        Temperatures in units of energy, t_cold cut to t_hot; "auto" takes 0.3 and 0.03 (0.01 where
        β or γ is not 0) of the field that a site sees among random phases,
        mean_i 2|α|√q_i + √2 (|β| + |γ|) q_i with q_i = Σ_j J_ij².
    over_relaxation : int or "auto"
        Reflections of every site about the field it sees, in a sweep: 16, or 4 where β or γ is
        not 0 and a reflection keeps the energy only nearly.
    seed : int
        Added to the run's own seed; the same seeds give the same phases on any number of threads.

    Raises
    ------
    InputError
        For a number out of range, or an energy without a ``phase_law``.
    MissingPart
        Without numba.

    Notes
    -----
    The last quench ends near a minimum, not in it: follow it with L-BFGS. At equal time 16
    reflections found deeper states of ±1 glasses than 0 to 4, on 32×32 and on 10×10×10; whether
    the thermal update is a heat bath or Metropolis' mattered little beside them.

    References
    ----------
    Creutz, "Overrelaxation and Monte Carlo simulation" (1987).
    """

    name = "anneal"
    backends = ("numba",)
    parametrizable = False

    def __init__(
        self,
        sweeps: int = 1000,
        t_hot: float | str = "auto",
        t_cold: float | str = "auto",
        over_relaxation: int | str = "auto",
        seed: int = 0,
    ) -> None:
        if sweeps < 1 or seed < 0:
            raise InputError(f"annealing needs sweeps ≥ 1 and a seed ≥ 0, not {sweeps}, {seed}")
        if over_relaxation != "auto" and not (
            isinstance(over_relaxation, int) and over_relaxation >= 0
        ):
            raise InputError(f"over_relaxation must be 0, 1, … or 'auto', not {over_relaxation!r}")
        for name, t in (("t_hot", t_hot), ("t_cold", t_cold)):
            if t != "auto" and not (isinstance(t, (int, float)) and 0 <= t < np.inf):
                raise InputError(f"{name} must be 'auto' or a temperature of 0 or more, not {t!r}")
        if not isinstance(t_hot, str) and not isinstance(t_cold, str) and t_cold > t_hot:
            raise InputError(f"t_cold {t_cold} is above t_hot {t_hot}")
        self.sweeps, self.t_hot, self.t_cold = int(sweeps), t_hot, t_cold
        self.over_relaxation, self.seed = over_relaxation, int(seed)

    def temperatures(self, law: PhaseLaw) -> tuple[float, float]:
        """The first temperature and the one before the last quench."""
        J = law.coupling
        q = np.asarray(J.multiply(J).sum(axis=1)).ravel()
        q = q[q > 0]
        several = np.sqrt(2) * (abs(law.beta) + abs(law.gamma))
        scale = float((2 * abs(law.alpha) * np.sqrt(q) + several * q).mean()) if len(q) else 0.0
        hot = HOT * scale if isinstance(self.t_hot, str) else float(self.t_hot)
        share = COLD if several == 0 else COLD_LAW
        cold = share * scale if isinstance(self.t_cold, str) else float(self.t_cold)
        return hot, min(cold, hot)

    def warm_up(self, objective: Objective) -> None:
        """Compile the kernels by a call of no sweeps."""
        self._sampler(objective).sweep(np.zeros(0), 0)
        objective.warm_up()

    def _sampler(self, objective: Objective) -> Sampler:
        energy = objective.energy
        law = energy.phase_law
        if law is None:
            kind = type(energy).__name__
            raise InputError(f"anneal works on oscillators, not on {kind}: take lbfgs")
        if not installed("numba"):
            raise MissingPart("numba", "anneal", "fast")
        seeds = self.seed, objective.seed
        return Sampler(energy, law, np.asarray(objective.start), seeds, self.over_relaxation)

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Cool until the sweeps or nine tenths of the seconds are spent."""
        start = objective.start
        sampler = self._sampler(objective)
        hot, cold = self.temperatures(sampler.law)
        monitor.notes.append(f"annealed from temperature {hot:.3g} to {cold:.3g}")
        total = min(self.sweeps, monitor.stopping.max_steps)
        limit = (1 - RESERVED) * monitor.stopping.max_seconds
        phases, done, count = start, 0, 1
        while True:
            verdict = monitor.record(done, float(objective.value_and_grad(phases)[0]), phases)
            begun = monitor.seconds
            if verdict not in (None, Result.FLAT):  # a hot run's energy need not fall
                return verdict, phases, done
            if done >= total or begun >= limit:
                return (Result.MAX_STEPS if done >= total else Result.TIME_LIMIT), phases, done
            count = min(count, total - done)
            spent = begun / max(done, 1)  # seconds a sweep, with what is paid beside the kernel
            by_sweeps = np.arange(done + 1, done + count + 1) / total
            by_clock = (begun + spent * np.arange(1, count + 1)) / limit
            progress = np.minimum(np.maximum(by_sweeps, by_clock), 1.0)
            sampler.sweep(temperature(progress, hot, cold), done)
            done += count
            phases = sampler.phases().astype(start.dtype)
            longest = int(limits.CALL_SECONDS * count / max(monitor.seconds - begun, 1e-9))
            count = max(1, min(longest, -(-total // ENTRIES)))


def temperature(progress: np.ndarray, hot: float, cold: float) -> np.ndarray:
    """Temperatures at shares of a run: a geometric fall to ``cold``, then a steeper one."""
    if hot <= 0:
        return progress * 0
    cooling = np.minimum(progress / (1 - FREEZING), 1)
    freezing = np.maximum(progress - (1 - FREEZING), 0) / FREEZING
    return hot * (max(cold, FROZEN * hot) / hot) ** cooling * FROZEN**freezing


class Sampler:
    """Phases of an energy as spins in the order and layout of :mod:`meshrep.kernels.annealing`.

    Parameters
    ----------
    energy : Energy
        Says which nodes are fixed.
    law : PhaseLaw
        How they act on each other.
    start : (n,) array
        Phases; fixed nodes and nodes without neighbours keep theirs.
    seeds : tuple of int
        Of the random numbers.
    reflections : int or "auto"
        Over-relaxations in a sweep.
    """

    def __init__(
        self,
        energy: Energy,
        law: PhaseLaw,
        start: np.ndarray,
        seeds: tuple[int, ...],
        reflections: int | str,
    ) -> None:
        from meshrep.kernels import annealing

        self.law, self.start = law, energy.clamp(start)
        self.single = law.pairwise
        auto = 16 if self.single else 4
        self.reflections = auto if isinstance(reflections, str) else reflections
        self.key = np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]
        J = law.coupling
        degree = np.diff(J.indptr)
        colour = colours(J, 1 if self.single else 2)
        still = degree == 0
        still[energy.fixed] = True
        colour[still] = energy.graph.n
        self.order = np.lexsort((degree, colour))  # equal degrees: loops whose length is foreseen
        sizes = np.bincount(colour[~still])
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        J = J[self.order][:, self.order]
        self.rows = kernel_rows(-2 * law.alpha * J if self.single else J)
        self.spins = tuple(f(self.start[self.order]) for f in (np.cos, np.sin))
        self.sums = tuple(np.zeros(0 if self.single else len(self.order)) for _ in range(2))
        many = self.starts[-1] >= limits.ANNEAL_THREADS_FROM * len(sizes)
        self.kernels: Any = annealing.PARALLEL if many else annealing.SERIAL

    def sweep(self, temperatures: np.ndarray, first: int) -> None:
        """One sweep a temperature, the first being number ``first`` of the run."""
        end = temperatures, self.key, first, self.reflections
        if self.single:
            self.kernels.heat_bath(*self.rows, self.starts, *self.spins, *end)
        else:
            self.kernels.metropolis(
                *self.rows, self.law.coefficients, self.starts, *self.spins, *self.sums, *end
            )  # fmt: skip

    def phases(self) -> np.ndarray:
        """Phases (n,), each within π of its start."""
        phi = np.empty(len(self.order))
        phi[self.order] = np.arctan2(self.spins[1], self.spins[0])
        return phi + 2 * np.pi * np.round((self.start - phi) / (2 * np.pi))
