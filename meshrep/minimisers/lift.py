"""Lift phases to unit vectors in R^h, where vortices can unwind, and return them to the plane."""

from __future__ import annotations

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array
from meshrep.base.outcome import Result
from meshrep.energies.phase_law import law_for
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.unit_vectors import Arrays, Jitted, Vectors, lifted

RECORDS = 30  # history entries of a descent
SHARE = 0.9  # share of max_seconds and max_steps; the rest is left for the next minimiser
PLANAR = 0.1  # last share of the first descent, with the extra components switched off
ROUND, ROUND_PLANAR = 60, 0.15  # sweeps of a round; last share with the extra components off
ROUND_PENALTY = 2.0  # penalty of a round / penalty of the first descent
PLANAR_OVER = 1.7  # largest over-relaxation once the extra components are off, to damp swings
KICK = 0.3  # size of a random component at the start of a round; the vector in the plane has 1
GENERATION, SUCCEEDED = 3, 0.25  # every 3 rounds the best replicas replace the worst quarter


class Lift(Minimiser):
    """Over-relaxed sweeps over unit vectors x_i ∈ R^h, whose extra components fade away.

    A phase φ_i becomes a unit vector x_i along (cos φ_i, sin φ_i, random components). In h > 2
    dimensions vortices can unwind and barriers are lower. The energy is that of the plane (see
    :mod:`meshrep.kernels.lift`), except that the couplings of the components beyond the second
    are multiplied by s(t) = 1/(1 + 2a t²). The time t runs from 0 to 1 during a descent. For its
    last sweeps s is 0.

    Rounds follow the first descent. Each lifts the phases slightly, descends for a short time and
    keeps the new state of every replica whose energy has fallen. The result is the angle
    atan2(x_2, x_1), which another minimiser should refine.

    Parameters
    ----------
    dimensions : int or "auto"
        h ≥ 3. "auto" is 4 if β = γ = 0, else 6.
    steps : int
        Sweeps of the first descent. A limit on steps or seconds shortens it.
    rounds : int
        Number of rounds of 60 sweeps after the first descent, as far as the limits allow.
    penalty : float
        a > 0.
    spread : float
        Size of a random component at the start, > 0. The vector in the plane has size 1.
    replicas : int or "auto"
        Number of runs side by side, from the same start with different random components. The
        lowest energy at the end wins.
    over : float
        Over-relaxation ω in [1, 2).
    dtype : str
        Precision of the vectors, whatever the field's. "float32" is enough if another minimiser
        refines the result.

    Raises
    ------
    InputError
        If a number is out of range, or the energy has no ``phase_law``.

    Notes
    -----
    A sweep over m edges and R replicas costs O(m h R). During the first descent the history shows
    the energy of the first replica.

    References
    ----------
    Sweeps on the sphere: Wang, Chang and Kolter, "The mixing method" (2017). Extra components to
    lower barriers: Burer, Monteiro and Zhang, "Rank-two relaxation heuristics for max-cut"
    (2002). Rounds: Möbius et al., "Optimization by thermal cycling" (1997).
    """

    name = "lift"
    backends = ("numba", "numpy", "torch")
    parametrizable = False

    def __init__(
        self,
        dimensions: int | str = "auto",
        steps: int = 300,
        rounds: int = 20,
        penalty: float = 0.05,
        spread: float = 1.0,
        replicas: int | str = "auto",
        over: float = 1.95,
        dtype: str = "float32",
    ) -> None:
        for name, number, least in (
            ("dimensions", dimensions, 3), ("steps", steps, 1), ("rounds", rounds, 0),
            ("replicas", replicas, 1),
        ):  # fmt: skip
            free = number == "auto" and name in ("dimensions", "replicas")
            if not free and not (isinstance(number, int) and number >= least):
                raise InputError(
                    f"{name} must be a whole number of {least} or more, not {number!r}"
                )
        for name, value in (("penalty", penalty), ("spread", spread)):
            if not 0 < value < np.inf:
                raise InputError(f"the lift's {name} must be a positive number, not {value}")
        if not 1 <= over < 2:
            raise InputError(f"the over-relaxation ω must lie in [1, 2), not {over}")
        if dtype not in ("float32", "float64"):
            raise InputError(f"unknown dtype {dtype!r}: choose float32 or float64")
        self.dimensions, self.steps, self.rounds = dimensions, steps, rounds
        self.penalty, self.spread, self.over = float(penalty), float(spread), float(over)
        self.replicas, self.dtype = replicas, dtype

    def warm_up(self, objective: Objective) -> None:
        """Compile by a call with no sweeps."""
        self._vectors(objective).sweep(np.zeros(0), np.zeros(0))
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Descend once, then in rounds, until all rounds are done or a limit is reached."""
        run = _Run(objective, monitor, self._vectors(objective), self.over)
        run.record_start()
        first = min(self.steps, max(1, int(SHARE * monitor.stopping.max_steps)))
        run.descend(first, SHARE * monitor.stopping.max_seconds, self.penalty, PLANAR)
        vectors, rng = run.vectors, np.random.default_rng([objective.seed, 1])
        best = vectors.plane()
        energies = vectors.energies(best)
        for number in range(self.rounds):
            run.record(int(energies.argmin()))
            if run.verdict or not run.has_time_for(ROUND):
                break
            if number % GENERATION == GENERATION - 1:
                ranks, heirs = energies.argsort(), int(SUCCEEDED * len(energies))
                losers, winners = ranks[len(ranks) - heirs :], ranks[:heirs]
                best[..., losers], energies[losers] = best[..., winners], energies[winners]
            vectors.raise_up(best, KICK, int(rng.integers(objective.energy.graph.n)))
            run.descend(ROUND, np.inf, ROUND_PENALTY * self.penalty, ROUND_PLANAR)
            found = vectors.plane()
            values = vectors.energies(found)
            lower = np.flatnonzero(values < energies)
            best[..., lower], energies[lower] = found[..., lower], values[lower]
        vectors.raise_up(best, 0.0, 0)
        winner = vectors.phases(int(energies.argmin()))
        late = monitor.seconds + ROUND * run.each > SHARE * monitor.stopping.max_seconds
        return run.verdict or (Result.TIME_LIMIT if late else Result.MAX_STEPS), winner, run.taken

    def _vectors(self, objective: Objective) -> Vectors:
        energy = objective.energy
        law = law_for("lift", energy)
        kind = Jitted if objective.backend.name == "numba" else Arrays
        replicas = self.replicas
        if replicas == "auto":
            replicas = next(
                (r for most, r in limits.LIFT_REPLICAS_UP_TO if energy.graph.n <= most), 1
            )
        h = self.dimensions
        if h == "auto":
            h = 4 if law.pairwise else 6
        phases, seed = objective.field(objective.start), objective.seed
        start = lifted(phases, int(h), int(replicas), self.spread, seed)
        return kind(law.dimensionless(), energy.fixed, objective.backend, start, self.dtype)


class _Run:
    """The state of one run. It sweeps in calls short enough for Ctrl-C and the time limit."""

    def __init__(
        self, objective: Objective, monitor: Monitor, vectors: Vectors, over: float
    ) -> None:
        self.objective, self.monitor, self.vectors = objective, monitor, vectors
        self.over = over
        self.taken, self.each = 0, 0.0  # sweeps so far, seconds a sweep
        self.verdict: Result | None = None

    def record_start(self) -> None:
        """Record the start as it was given, since the vectors round it to their precision."""
        start = self.objective.start
        self.verdict = self.monitor.record(0, float(self.objective.value_and_grad(start)[0]), start)

    def record(self, replica: int) -> None:
        """Record the energy of a replica's phases."""
        phases = self.vectors.phases(replica)
        energy = float(self.objective.value_and_grad(phases)[0])
        self.verdict = self.monitor.record(self.taken, energy, phases)

    def has_time_for(self, sweeps: int) -> bool:
        """Whether the limits allow ``sweeps`` more and leave time for the next minimiser."""
        rule, seconds = self.monitor.stopping, self.monitor.seconds + sweeps * self.each
        return self.taken + sweeps <= SHARE * rule.max_steps and seconds <= SHARE * rule.max_seconds

    def descend(self, sweeps: int, until: float, penalty: float, planar: float) -> None:
        """Descend until ``sweeps`` sweeps are done or the clock shows ``until`` seconds.

        The first replica is recorded between calls.
        """
        begun, done, t = self.monitor.seconds, 0, 0.0
        span = max(until - begun, 1e-9)
        while self.verdict is None and t < 1.0 and done < sweeps:
            if done:
                self.record(0)
            clock, pace = self.monitor.seconds, max(1.0 / sweeps, self.each / span)
            count = min(int((1.0 - t) / pace), int(1.0 / pace / RECORDS), sweeps - done)
            count = max(1, min(count, int(limits.CALL_SECONDS / self.each) if self.each else 1))
            shrink = fading(t + pace * np.arange(1, count + 1), penalty, planar)
            calm = min(self.over, PLANAR_OVER)
            self.vectors.sweep(shrink, np.where(shrink > 0, self.over, calm))
            self.objective.evaluations += count
            self.taken += count
            done += count
            self.each = (self.monitor.seconds - clock) / count
            t = max(t, done / sweeps, (self.monitor.seconds - begun) / span)


def fading(t: np.ndarray, penalty: float, planar: float) -> np.ndarray:
    """The factor s(t) of the extra components' couplings; 0 in the last share ``planar``."""
    return np.where(t < 1.0 - planar, 1.0 / (1.0 + 2.0 * penalty * (t / (1.0 - planar)) ** 2), 0.0)
