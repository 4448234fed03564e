"""Simulated annealing of oscillators: it finds deep basins for a local minimiser to finish."""

from __future__ import annotations

from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.base.outcome import Result
from meshrep.base.rows import kernel_rows
from meshrep.energies.base import Energy
from meshrep.energies.phase_law import PhaseLaw, law_for
from meshrep.errors import InputError, MissingPart
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.colouring import colours

HOT, COLD, COLD_LAW = 0.3, 0.03, 0.01  # automatic temperatures, in units of the field on a site
FROZEN, FREEZING = 1e-3, 0.05  # last temperature / t_cold; share of the run that the quench takes
RESERVED = 0.1  # share of the time limit that is left for the next minimiser
ENTRIES = 100  # minimum number of history entries of a run


class Annealing(Minimiser):
    """Simulated annealing with over-relaxation (Kirkpatrick, Gelatt and Vecchi 1983).

    The temperature falls geometrically from ``t_hot`` to ``t_cold``. In the last twentieth of the
    run, the quench, it falls to a thousandth of ``t_cold``. If the time limit is too short for
    all sweeps, the temperature falls faster, so that the run ends after nine tenths of the limit.

    Parameters
    ----------
    sweeps : int
        Number of sweeps. Each is a thermal update of every site, followed by over-relaxations.
    t_hot, t_cold : float or "auto"
        Temperatures in units of energy. "auto" is 0.3 F for t_hot and 0.03 F for t_cold (0.01 F
        if β or γ is not 0), where F is the typical field on a site among random phases,
        F = mean_i 2|α|√q_i + √2 (|β| + |γ|) q_i with q_i = Σ_j J_ij². If one of them is automatic
        and t_cold would be above t_hot, t_cold is set to t_hot.
    over_relaxation : int or "auto"
        Number of over-relaxations a sweep: reflections of every site about its local field.
        "auto" is 16, or 4 if β or γ is not 0, since a reflection then conserves the energy only
        approximately.
    seed : int
        Used together with the run's own seed. The same two seeds give the same phases on any
        number of threads.

    Raises
    ------
    InputError
        If a number is out of range, or the energy has no ``phase_law``.
    MissingPart
        If numba is not installed.

    Notes
    -----
    The quench ends near a minimum but not in it, so L-BFGS should follow. At equal time, 16
    reflections found deeper states of ±1 glasses than 0 to 4 did, on 32×32 and on 10×10×10. It
    mattered little whether the thermal update was a heat bath or Metropolis'.

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
        """The temperatures t_hot and t_cold of an energy."""
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
        """Compile the kernels by a call with no sweeps."""
        self._spins(objective).sweep(np.zeros(0), 0)
        objective.warm_up()

    def _spins(self, objective: Objective) -> Spins:
        energy = objective.energy
        law = law_for("anneal", energy)
        if not installed("numba"):
            raise MissingPart("numba", "anneal", "fast")
        seeds = self.seed, objective.seed
        return Spins(energy, law, np.asarray(objective.start), seeds, self.over_relaxation)

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, np.ndarray, int]:
        """Cool until all sweeps are done or nine tenths of the time limit have passed."""
        start = objective.start
        spins = self._spins(objective)
        hot, cold = self.temperatures(spins.law)
        monitor.notes.append(f"annealed from temperature {hot:.3g} to {cold:.3g}")
        total = min(self.sweeps, int((1 - RESERVED) * monitor.stopping.max_steps))
        limit = (1 - RESERVED) * monitor.stopping.max_seconds
        phases, done, count = start, 0, 1
        while True:
            verdict = monitor.record(done, float(objective.value_and_grad(phases)[0]), phases)
            begun = monitor.seconds
            if verdict not in (None, Result.FLAT):  # at a high temperature the energy may stay flat
                return verdict, phases, done
            if done >= total or begun >= limit:
                return (Result.MAX_STEPS if done >= total else Result.TIME_LIMIT), phases, done
            count = min(count, total - done)
            spent = begun / max(done, 1)  # seconds a sweep, including the time outside the kernel
            by_sweeps = np.arange(done + 1, done + count + 1) / total
            by_clock = (begun + spent * np.arange(1, count + 1)) / limit
            progress = np.minimum(np.maximum(by_sweeps, by_clock), 1.0)
            spins.sweep(temperature(progress, hot, cold), done)
            done += count
            phases = spins.phases().astype(start.dtype)
            longest = int(limits.CALL_SECONDS * count / max(monitor.seconds - begun, 1e-9))
            count = max(1, min(longest, -(-total // ENTRIES)))


def temperature(progress: np.ndarray, hot: float, cold: float) -> np.ndarray:
    """Temperatures at ``progress`` (0 to 1): a geometric fall to ``cold``, then the quench."""
    if hot <= 0:
        return progress * 0
    cooling = np.minimum(progress / (1 - FREEZING), 1)
    freezing = np.maximum(progress - (1 - FREEZING), 0) / FREEZING
    return hot * (max(cold, FROZEN * hot) / hot) ** cooling * FROZEN**freezing


class Spins:
    """The phases as spins, in the order and layout of :mod:`meshrep.kernels.annealing`.

    Parameters
    ----------
    energy : Energy
        Gives the fixed nodes and their values.
    law : PhaseLaw
        The interaction of the phases.
    start : (n,) array
        Phases at the start. Fixed nodes and nodes without neighbours keep them.
    seeds : tuple of int
        Seeds of the random numbers.
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
        # Within a colour, sort by degree: the processor then predicts the length of inner loops.
        self.order = np.lexsort((degree, colour))
        sizes = np.bincount(colour[~still])
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        J = J[self.order][:, self.order]
        self.rows = kernel_rows(-2 * law.alpha * J if self.single else J)
        self.spins = tuple(f(self.start[self.order]) for f in (np.cos, np.sin))
        self.sums = tuple(np.zeros(0 if self.single else len(self.order)) for _ in range(2))
        many = self.starts[-1] >= limits.ANNEAL_THREADS_FROM * len(sizes)
        self.kernels: Any = annealing.PARALLEL if many else annealing.SERIAL

    def sweep(self, temperatures: np.ndarray, first: int) -> None:
        """One sweep for each temperature; ``first`` is the number of the first sweep in the run."""
        schedule = temperatures, self.key, first, self.reflections
        if self.single:
            self.kernels.heat_bath(*self.rows, self.starts, *self.spins, *schedule)
        else:
            self.kernels.metropolis(
                *self.rows, self.law.coefficients, self.starts, *self.spins, *self.sums, *schedule
            )

    def phases(self) -> np.ndarray:
        """Phases (n,), with the multiple of 2π that brings each closest to its start."""
        phi = np.empty(len(self.order))
        phi[self.order] = np.arctan2(self.spins[1], self.spins[0])
        return phi + 2 * np.pi * np.round((self.start - phi) / (2 * np.pi))
