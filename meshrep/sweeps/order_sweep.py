"""The points of r(K): oscillators at one coupling K, which start where the K before has ended."""

from __future__ import annotations

import pickle
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from meshrep.base.pickling import Lean
from meshrep.base.randomness import random_from
from meshrep.energies.phases.frequencies import natural_frequencies
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.errors import InputError
from meshrep.flows.integrate import integrate
from meshrep.flows.trajectory import Trajectory
from meshrep.graphs.graph import Graph

if TYPE_CHECKING:
    pass

BLOCKS = 10  # parts of the time of averages, whose means tell the error
SAMPLES = 20  # of r in each part
SETTLING, AVERAGING = 50.0, 100.0  # in the time scale of the frequencies
# Of the mean over time: phases need not follow one path, and steps of 1e-2 radians change r by
# less than 1e-3 where those of 1e-3 take two to four times as long.
RTOL = 1e-2


@dataclass(frozen=True, order=True)
class Point:
    """A step of one seed on its way up to the largest K and down again, from 0."""

    seed: int
    step: int

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"seed={self.seed},step={self.step:04d}.npz"

    @property
    def after(self) -> Point | None:
        """The step before, whose last phases it starts from."""
        return Point(self.seed, self.step - 1) if self.step else None


@dataclass(frozen=True)
class Row:
    """The measurements at a point. A value is None if the point failed.

    Attributes
    ----------
    K : float
    r : float
        The mean of the order parameter over time.
    error : float
        Its standard error, from the means of 10 parts of the time.
    drift : float
        The mean over the second half of the time minus that over the first.
    result : str
        How the run ended.
    seconds : float
    """

    seed: int
    step: int
    K: float | None = None
    r: float | None = None
    error: float | None = None
    drift: float | None = None
    result: str = ""
    seconds: float | None = None

    @property
    def point(self) -> Point:
        """The point of the measurements."""
        return Point(self.seed, self.step)

    @property
    def failed(self) -> bool:
        """Whether the point failed."""
        return self.result.startswith("failed")


@dataclass(frozen=True, eq=False)
class Settings(Lean):
    """What all points of r(K) share.

    Attributes
    ----------
    graph : Graph
    K : (k,) float64
        Increasing.
    frequencies : float, array, mapping or str
        What ``Kuramoto`` takes as omega. Their order, where they have a random one, and the first
        phases are those of the point's seed.
    options : mapping
        Keywords of ``Kuramoto``: coupling, normalisation and lag.
    noise, inertia : (n,) float64
    settle, average : float or None
        Times before and during the average. None stands for 50 and 100 times ``time_scale``.
    rtol : float
        Of Möbius steps.
    """

    rows: ClassVar[type[Row]] = Row

    graph: Graph
    K: np.ndarray
    frequencies: Any
    options: Mapping[str, Any]
    noise: np.ndarray
    inertia: np.ndarray
    settle: float | None = None
    average: float | None = None
    rtol: float = RTOL

    def __post_init__(self) -> None:
        for name in ("settle", "average"):
            given = getattr(self, name)
            if given is not None and not 0 < given < np.inf:
                raise InputError(f"{name} must be a positive time, not {given}")
        for name in ("noise", "inertia"):
            if (getattr(self, name) < 0).any():
                raise InputError(f"{name} must not be negative")

    @property
    def shape(self) -> tuple[int, ...]:
        """(n,) phases; with inertia (2, n), phases and their rates."""
        return (2, self.graph.n) if self.heavy else (self.graph.n,)

    @property
    def heavy(self) -> bool:
        """Whether oscillators have inertia."""
        return bool(np.any(self.inertia))

    @cached_property
    def times(self) -> tuple[float, float]:
        """The time before and the time of the average."""
        scale = self.time_scale if None in (self.settle, self.average) else 0.0
        settle = SETTLING * scale if self.settle is None else self.settle
        return settle, AVERAGING * scale if self.average is None else self.average

    @property
    def time_scale(self) -> float:
        """1 / (half the interquartile range of ω + the mean noise), plus the largest inertia.

        The range is the spread of Lorentzian frequencies. Where all frequencies are equal and
        there is no noise, 1 over the rate at which phases are drawn together at the largest K.
        """
        low, high = np.quantile(natural_frequencies(self.graph, self.frequencies), [0.25, 0.75])
        rate = 0.5 * (high - low) + float(self.noise.mean())
        if rate <= 0:
            energy = self.energy(0, int(abs(self.K).argmax()))
            rate = energy.stiffness(energy.random_start(0)) or 1.0
        return 1.0 / float(rate) + float(self.inertia.max())

    def energy(self, seed: int, index: int) -> Kuramoto:
        """The oscillators of a seed at one K, seen from a frame that turns at their mean frequency.

        r is the same there, and the mean field turns least, so that steps are longest.
        """
        omega = natural_frequencies(self.graph, self.frequencies, seed=seed)
        return Kuramoto(self.graph, float(self.K[index]), omega - omega.mean(), **self.options)

    def index(self, step: int) -> int:
        """The place in K of a step up or down."""
        return step if step < len(self.K) else 2 * len(self.K) - 1 - step

    def record(self) -> dict[str, Any]:
        """What determines the results; arrays and the graph by their checksums."""
        arrays = [self.graph.edges, self.graph.weights]
        if self.graph.arrows is not None:
            arrays += [self.graph.arrows.indptr, self.graph.arrows.indices, self.graph.arrows.data]
        options = {name: _told(value) for name, value in self.options.items()}
        return {
            "K": self.K.tolist(), "frequencies": _told(self.frequencies),
            "frequencies' checksum": zlib.crc32(
                natural_frequencies(self.graph, self.frequencies).tobytes()
            ),
            **options,
            "noise": _told(self.noise), "inertia": _told(self.inertia),
            "settle": self.times[0], "average": self.times[1], "rtol": self.rtol,
            "nodes": self.graph.n,
            "graph's checksum": zlib.crc32(b"".join(array.tobytes() for array in arrays)),
        }  # fmt: skip


def _told(value: Any) -> Any:
    """A value as plain data: texts and numbers as they are, others by a checksum."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, np.ndarray) and value.size and np.ptp(value) == 0:
        return float(value.flat[0])
    return f"checksum {zlib.crc32(pickle.dumps(value))}"


def evaluate(
    settings: Settings, point: Point, before: np.ndarray | None = None
) -> tuple[Row, np.ndarray]:
    """Measure r at one K; return the measurements and the last state.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C ended it, since a half-measured point must not be saved.
    """
    begun = time.perf_counter()
    index = settings.index(point.step)
    energy = settings.energy(point.seed, index)
    flow = _Flow(settings, point, energy, before)
    settle, average = settings.times
    flow.to(settle, 1)
    marks = settle + average * np.arange(1, BLOCKS + 1) / BLOCKS
    means = np.array([flow.to(float(mark), SAMPLES).mean() for mark in marks])
    half = BLOCKS // 2
    row = Row(
        **asdict(point), K=float(settings.K[index]), r=float(means.mean()),
        error=float(means.std(ddof=1) / np.sqrt(BLOCKS)),
        drift=float(means[half:].mean() - means[:half].mean()), result="measured",
        seconds=round(time.perf_counter() - begun, 3),
    )  # fmt: skip
    return row, flow.state


class _Flow:
    """The motion at one K, part by part."""

    def __init__(
        self, settings: Settings, point: Point, energy: Kuramoto, before: np.ndarray | None
    ) -> None:
        self.energy, self.settings = energy, settings
        start = energy.random_start(point.seed) if before is None else before
        self.start: Any = start[0] if settings.heavy and before is not None else start
        self.options: dict[str, Any] = {"noise": settings.noise, "inertia": settings.inertia}
        if settings.heavy and before is not None:
            self.options["start_velocity"] = before[1]
        if not settings.heavy and not np.any(settings.noise):
            self.options = {"method": "moebius", "rtol": settings.rtol}
        self.rng = random_from(point.seed, 3, point.step)  # noise that no other part has

    def to(self, t: float, frames: int) -> np.ndarray:
        """Go on to a time; return r of so many frames on the way."""
        path: Trajectory = integrate(
            self.energy, t, start=self.start, frames=frames,
            seed=int(self.rng.integers(2**31)), **self.options,
        ).raise_if_interrupted()  # fmt: skip
        self.options.pop("start_velocity", None)
        self.start, order = path, path.order
        assert order is not None
        return order[1:]

    @property
    def state(self) -> np.ndarray:
        """The last phases in [0, 2π), and with inertia their rates."""
        phi = np.remainder(self.start.fields[-1], 2 * np.pi)
        rates = self.start.velocities
        return phi if rates is None else np.stack([phi, rates[-1]])
