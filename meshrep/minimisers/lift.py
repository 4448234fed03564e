"""Phases lifted to unit vectors in R^h, where vortices unwind, and pressed back into the plane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import Array
from meshrep.base.outcome import Result
from meshrep.base.rows import kernel_rows
from meshrep.energies.phase_law import PhaseLaw
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor
from meshrep.numerics.colouring import colours

RECORDS = 30  # entries of a descent's history
TIME_SHARE = 0.9  # of max_seconds; the rest is left to what follows
PLANAR = 0.1  # share of a descent at its end with the components beyond the second switched off
ROUND, ROUND_PENALTY, ROUND_PLANAR = 60, 2.0, 0.15  # sweeps of a round, penalty over the first's
PLANAR_OVER = 1.7  # most over-relaxation in the plane, where swings have to calm down
KICK = 0.3  # size of a random component at the start of a round, beside the plane's unit vector
GENERATION, SUCCEEDED = 3, 0.25  # rounds after which the best replicas replace this share


class Lift(Minimiser):
    """Over-relaxed sweeps over unit vectors x_i ∈ R^h, whose extra components fade away.

    A phase becomes x_i = (cos φ_i, sin φ_i, …) on the sphere, with random further components. The
    energy is the plane's (see :mod:`meshrep.kernels.lift`) but for the couplings of the components
    beyond the second, which are weakened by s(t) = 1/(1 + 2a t²) as t goes from 0 to 1 and are 0
    at the end. In h > 2 dimensions vortices are not protected and barriers are lower. Rounds
    follow, which lift the phases found a little, descend again shortly, and keep, replica by
    replica, what is lower. The angle read back is atan2(x_2, x_1), to be polished by a minimiser
    that follows.

    Parameters
    ----------
    dimensions : int or "auto"
        h ≥ 3; "auto" takes 4 where β = γ = 0, else 6.
    steps : int
        Sweeps of the first descent; a limit of steps or seconds speeds it up.
    rounds : int
        Rounds of 60 sweeps after it, as far as the limits allow.
    penalty : float
        a > 0.
    spread : float
        Size of a random component beside the plane's unit vector at the start, > 0.
    replicas : int or "auto"
        Runs from the same start with other random components, side by side; the best end counts.
    over : float
        ω in [1, 2).
    dtype : str
        Of the vectors, whatever the field's: "float32" is enough for what is polished afterwards.

    Raises
    ------
    InputError
        For a number out of range, or an energy without a ``phase_law``.

    Notes
    -----
    A sweep costs O(m h R). Until the first descent ends, the first replica's energy is recorded.

    References
    ----------
    Sweeps on the sphere: Wang, Chang and Kolter, "The mixing method" (2017). More components
    against barriers: Burer, Monteiro and Zhang, "Rank-two relaxation heuristics for max-cut"
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
        """Compile by a call of no sweeps."""
        self._vectors(objective).sweep(np.zeros(0), np.zeros(0))
        objective.warm_up()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Descend once, then in rounds, until these or the limits are at their end."""
        run = _Run(objective, monitor, self._vectors(objective), self.over)
        run.record_start()
        first = min(self.steps, monitor.stopping.max_steps)
        run.descend(first, TIME_SHARE * monitor.stopping.max_seconds, self.penalty, PLANAR)
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
        late = monitor.seconds + ROUND * run.each > TIME_SHARE * monitor.stopping.max_seconds
        return run.verdict or (Result.TIME_LIMIT if late else Result.MAX_STEPS), winner, run.taken

    def _vectors(self, objective: Objective) -> Vectors:
        energy = objective.energy
        law = energy.phase_law
        if law is None:
            raise InputError(
                f"lift works on oscillators, not on {type(energy).__name__}: take lbfgs"
            )
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
        return kind(law, energy.fixed, objective.backend, start, self.dtype)


class _Run:
    """Sweeps in calls that are short enough for Ctrl-C and the clock."""

    def __init__(
        self, objective: Objective, monitor: Monitor, vectors: Vectors, over: float
    ) -> None:
        self.objective, self.monitor, self.vectors = objective, monitor, vectors
        self.over = over
        self.taken, self.each = 0, 0.0  # sweeps so far, seconds of one
        self.verdict: Result | None = None

    def record_start(self) -> None:
        """Enter the start as it was given; vectors hold it to their own digits only."""
        start = self.objective.start
        self.verdict = self.monitor.record(0, float(self.objective.value_and_grad(start)[0]), start)

    def record(self, replica: int) -> None:
        """Enter the energy of a replica's phases."""
        phases = self.vectors.phases(replica)
        energy = float(self.objective.value_and_grad(phases)[0])
        self.verdict = self.monitor.record(self.taken, energy, phases)

    def has_time_for(self, sweeps: int) -> bool:
        """Whether the limits allow more sweeps and leave time for what follows."""
        rule, seconds = self.monitor.stopping, self.monitor.seconds + sweeps * self.each
        return self.taken + sweeps <= rule.max_steps and seconds <= TIME_SHARE * rule.max_seconds

    def descend(self, sweeps: int, until: float, penalty: float, planar: float) -> None:
        """One descent, whose schedule is at its end after so many sweeps or at ``until`` seconds.

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
    """The factor s of the extra components' couplings at times t of a descent."""
    return np.where(t < 1.0 - planar, 1.0 / (1.0 + 2.0 * penalty * (t / (1.0 - planar)) ** 2), 0.0)


def lifted(phases: np.ndarray, h: int, replicas: int, spread: float, seed: int) -> np.ndarray:
    """Unit vectors (n, h, R) whose angle is the phase and whose further components are random."""
    n = len(phases)
    x = np.empty((n, h, replicas))
    x[:, 0], x[:, 1] = np.cos(phases)[:, None], np.sin(phases)[:, None]
    x[:, 2:] = spread * np.random.default_rng([seed, h]).standard_normal((n, h - 2, replicas))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


class Vectors:
    """Unit vectors of all nodes, sorted by colour, and how to sweep over them.

    ``single`` says that β = γ = 0, where a node acts on its neighbours only, by −2αJ; else it acts
    on their neighbours too. Fixed nodes and those without neighbours come last, keep their phases
    and have no further components.
    """

    def __init__(
        self, law: PhaseLaw, fixed: np.ndarray, backend: Any, start: np.ndarray, dtype: str
    ) -> None:
        self.fields = backend
        self.backend = backend = replace(backend, dtype=dtype)
        self.single = law.pairwise
        n, self.h, self.replicas = start.shape
        coupling = law.coupling.copy()
        coupling.eliminate_zeros()  # a node whose edges all weigh nothing is a still one
        colour = colours(coupling, 1 if self.single else 2)
        rests = np.diff(coupling.indptr) == 0
        rests[fixed] = True
        colour[rests] = n
        self.order, still = np.argsort(colour, kind="stable"), np.flatnonzero(rests)
        self.bounds = np.concatenate([[0], np.cumsum(np.bincount(colour[~rests]))])
        self.still = self.fields.asarray(np.arctan2(start[still, 1, 0], start[still, 0, 0]))
        factor = -2.0 * law.alpha if self.single else 1.0
        self.law = (-0.5, 0.0, 0.0) if self.single else law.coefficients
        self.matrix = sparse.csr_array(factor * coupling[self.order][:, self.order])
        self.whole = backend.sparse(self.matrix)
        self.squares = backend.asarray((self.matrix * self.matrix).sum(axis=1))
        self.x = backend.asarray(start[self.order].reshape(n, -1))
        self.noise = self._wide(self.x)[:, 2:] * 1
        self._flatten(self._wide(self.x))
        self.places = self.fields.index(np.argsort(self.order))
        self.resting = self.fields.index(still)

    def sweep(self, shrink: np.ndarray, over: np.ndarray) -> None:
        """A sweep for each of the factors s with its ω."""
        raise NotImplementedError

    def plane(self) -> Array:
        """The unit vectors (n, 2, R) of the angles in the plane, in the order of the colours."""
        x = self._wide(self.x)[:, :2]
        return x / self._length(x)

    def raise_up(self, plane: Array, kick: float, shift: int) -> None:
        """Start from vectors in the plane with random further components, those of other nodes."""
        xp = self.backend.xp
        noise = xp.roll(self.noise, shift, 0)
        x = xp.concatenate([plane, kick * noise / (noise * noise).mean() ** 0.5], 1)
        self._flatten(x)
        self.x = (x / self._length(x)).reshape(len(x), -1)

    def energies(self, plane: Array) -> np.ndarray:
        """E (R,) of vectors in the plane, summed in float64."""
        alpha, beta, gamma = self.law
        z = (self.whole @ plane.reshape(len(plane), -1)).reshape(plane.shape)
        inner = (plane * z).sum(1)
        each = (alpha + (beta - gamma) * inner) * inner + gamma * (z * z).sum(1)
        return np.array(each.sum(0, dtype=self.backend.xp.float64).tolist())

    def phases(self, replica: int) -> Array:
        """The angles (n,) in the plane, in the graph's order; nodes that rest as they were."""
        x = self._wide(self.x)
        phases = self.fields.empty(len(x))
        phases[:] = self.fields.xp.arctan2(x[:, 1, replica], x[:, 0, replica])[self.places]
        phases[self.resting] = self.still
        return phases

    def _flatten(self, x: Array) -> None:
        """Take the further components (n, h, R) off the nodes that rest."""
        rest = x[int(self.bounds[-1]) :]
        rest[:, 2:] = 0.0
        rest[:, :2] /= self._length(rest)

    def _wide(self, x: Array) -> Array:
        return x.reshape(len(x), self.h, self.replicas)

    def _length(self, x: Array) -> Array:
        return ((x * x).sum(1)[:, None] + 1e-30) ** 0.5


class Jitted(Vectors):
    """By the kernels of :mod:`meshrep.kernels.lift`."""

    def __init__(self, *given: Any) -> None:
        from meshrep.kernels.lift import compiled

        super().__init__(*given)
        self.rows = kernel_rows(self.whole)
        self.kernels = compiled(self.h, self.replicas == 1, len(self.x) >= limits.LIFT_THREADS_FROM)

    def sweep(self, shrink: np.ndarray, over: np.ndarray) -> None:
        """All sweeps in one call."""
        x = self.x.reshape(-1)
        if self.single:
            self.kernels.pull(self.rows, self.bounds, x, self.replicas, shrink, over)
            return
        z = (self.whole @ self.x).reshape(-1)
        self.kernels.descend(
            self.rows, self.bounds, self.law, self.squares, x, z, self.replicas, shrink, over
        )


class Arrays(Vectors):
    """By sparse products on NumPy arrays or on torch tensors, wherever they live."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.parts = [slice(a, b) for a, b in zip(self.bounds, self.bounds[1:], strict=False)]
        self.rows = [self.backend.sparse(self.matrix[part]) for part in self.parts]
        if not self.single:
            columns = [sparse.csr_array(self.matrix[:, part]) for part in self.parts]
            self.columns = [self.backend.sparse(part) for part in columns]

    def sweep(self, shrink: np.ndarray, over: np.ndarray) -> None:
        """Colour by colour."""
        z = None if self.single else self.whole @ self.x
        fade = self.backend.zeros(self.x.shape[1]) + 1
        for s, ahead in zip(shrink.tolist(), over.tolist(), strict=True):
            fade[2 * self.replicas :] = s
            for number, part in enumerate(self.parts):
                if self.single:
                    p = fade * (self.rows[number] @ self.x)
                else:
                    p = self._shift(z, part) * self._wide(self.x[part])
                    p = p.reshape(-1, self.x.shape[1]) - self.slope(fade, z, number)
                p = self._wide(p)
                old = self._wide(self.x[part])
                new = (1.0 - ahead) * old + ahead * p / self._length(p)
                new = (new / self._length(new)).reshape(len(p), -1)
                if z is not None:
                    z += self.columns[number] @ (new - self.x[part])
                self.x[part] = new

    def slope(self, fade: Array, z: Array, number: int) -> Array:
        """∂E/∂x of a colour, D (u z + Σ_j J_ij (u_j x_j + 2γ z_j)), for Σ_j J_ij x_j = z."""
        alpha, beta, gamma = self.law
        u = alpha + 2 * (beta - gamma) * self._wide(fade * self.x * z).sum(1)
        u = self.backend.xp.concatenate([u] * self.h, 1)
        part = self.parts[number]
        around = self.rows[number] @ (u * self.x + 2 * gamma * z)
        return fade * (u[part] * z[part] + around)

    def _shift(self, z: Array, part: slice) -> Array:
        """λ of a colour (k, 1, R)."""
        _, beta, gamma = self.law
        squares = self.squares[part, None]
        convex = (self._wide(z[part]) ** 2).sum(1) + squares
        return (2 * gamma * squares + 2 * max(beta - gamma, 0.0) * convex)[:, None]
