"""Phase diagrams: Hopf oscillators at each (s₁, s₂) from random starts."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from meshrep.base.settings import british
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto, HopfKuramotoPrinted
from meshrep.energies.phases.measures import frequency_spread, local_order, order_parameter
from meshrep.energies.phases.vortices import vortices
from meshrep.errors import InputError
from meshrep.flows.integrate import integrate
from meshrep.graphs.graph import Graph
from meshrep.graphs.plaquettes import plaquettes
from meshrep.solving.catalogue import check_names
from meshrep.solving.solve import solve
from meshrep.sources.spec import graph_from
from meshrep.sweeps.store import Store
from meshrep.sweeps.sweep import Swept
from meshrep.view.diagram import raster

FRAMES = 20  # frames of an integration; Ctrl-C takes effect between two of them


@dataclass(frozen=True, order=True)
class Point:
    """One (s₁, s₂) of the diagram and one random start."""

    s1: float
    s2: float
    seed: int
    after: ClassVar[None] = None  # it starts from phases of its own

    @property
    def file(self) -> str:
        """The name of its file, with all digits of its numbers."""
        return f"s1={self.s1!r},s2={self.s2!r},seed={self.seed}.npz"


@dataclass(frozen=True)
class Row:
    """The measurements at a point. A value is None if the point failed or it does not apply.

    Attributes
    ----------
    rho, local_order : float
        The order parameter, and the mean over all nodes of that of a node with its neighbours.
    vortices : int
    energy : float
        The potential or the printed loss.
    frequency_spread : float
        Radians per unit of time, over the second half of an integration.
    result : str
        How the run ended.
    seconds : float
        The time that the point took.
    """

    s1: float
    s2: float
    seed: int
    rho: float | None = None
    local_order: float | None = None
    vortices: int | None = None
    energy: float | None = None
    frequency_spread: float | None = None
    result: str = ""
    seconds: float | None = None

    @property
    def point(self) -> Point:
        """The point of the measurements."""
        return Point(self.s1, self.s2, self.seed)

    @property
    def failed(self) -> bool:
        """Whether the point failed."""
        return self.result.startswith("failed")


@dataclass(frozen=True)
class Settings:
    """The settings that all points of a sweep share.

    Attributes
    ----------
    graph : str
        A graph as in :func:`meshrep.graph_from`. It must have plaquettes, to count vortices.
    how : {"minimise", "integrate"}
        Minimise the potential (which leaves out the term c Σ cos), or integrate the full dynamics.
    c : float
        Cosine coupling.
    printed : bool
        Minimise the papers' printed loss instead, which has no c.
    solver, max_seconds : str, float
        The named solver that minimises, and its time limit for a point.
    time : float
        The end of an integration, which starts from random phases at time 0.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    rows: ClassVar[type[Row]] = Row

    graph: str
    how: str = "minimise"
    c: float = 1.0
    printed: bool = False
    solver: str = "lbfgs"
    max_seconds: float = 5.0
    time: float = 200.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "how", british(self.how))
        if self.how not in ("minimise", "integrate"):
            raise InputError(f"a sweep can minimise or integrate, not {self.how!r}")
        if self.printed and self.how == "integrate":
            raise InputError(
                "the printed loss is not a potential of the dynamics, so it can only be minimised"
            )
        if not math.isfinite(self.c):
            raise InputError(f"c must be a finite number, not {self.c}")
        for name in ("max_seconds", "time"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} must be a positive number, not {getattr(self, name)}")
        check_names([self.solver])
        if not len(plaquettes(self.loaded)):
            raise InputError(
                f"{self.graph} has no faces, so vortices cannot be counted: use a lattice or a "
                "surface"
            )

    @property
    def loaded(self) -> Graph:
        """The graph, which each process reads once."""
        return _graph(self.graph)

    @property
    def shape(self) -> tuple[int]:
        """The shape (n,) of the phases at a point."""
        return (self.loaded.n,)

    @property
    def title(self) -> str:
        """A title for the figure."""
        if self.how == "integrate":
            return f"dynamics with c = {self.c:g} at t = {self.time:g}"
        return "printed loss minimised" if self.printed else f"potential at c = {self.c:g}"

    def record(self) -> dict[str, Any]:
        """The settings that determine the points' results, and a checksum of the graph."""
        used = {"integrate": ("c", "time"), "minimise": ("c", "solver", "max_seconds")}[self.how]
        if self.printed:
            used = ("printed", *used[1:])
        edges, weights = self.loaded.edges, self.loaded.weights
        checksum = zlib.crc32(weights.tobytes(), zlib.crc32(edges.tobytes()))
        record = {name: getattr(self, name) for name in ("graph", "how", *used)}
        return {**record, "graph's checksum": checksum}


@lru_cache(maxsize=1)
def _graph(text: str) -> Graph:
    return graph_from(text)


def grid(s1: Sequence[float], s2: Sequence[float], seeds: int, first_seed: int = 0) -> list[Point]:
    """All points, ordered by seed, so that the first seed's diagram is complete early.

    Raises
    ------
    InputError
        If there is no seed, or a negative one.
    """
    if seeds < 1:
        raise InputError(f"a sweep needs 1 seed or more, not {seeds}")
    if first_seed < 0:
        raise InputError(f"seeds must be 0 or more, not {first_seed}")
    numbered = range(first_seed, first_seed + seeds)
    return [Point(x, y, seed) for seed in numbered for y in s2 for x in s1]


def evaluate(settings: Settings, point: Point) -> tuple[Row, np.ndarray]:
    """Solve one point from random phases; return the measurements and the phases (n,).

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C ended the solve, since a half-solved point must not be saved.
    """
    graph, begun, spread = settings.loaded, time.perf_counter(), None
    energy: HopfKuramoto | HopfKuramotoPrinted
    if settings.printed:
        energy = HopfKuramotoPrinted(graph, point.s1, point.s2)
    else:
        energy = HopfKuramoto(graph, point.s1, point.s2, settings.c)
    if settings.how == "integrate":
        flow = integrate(energy, settings.time, frames=FRAMES, seed=point.seed)
        flow.raise_if_interrupted()
        phi, value = flow.fields[-1], float(flow.energies[-1])
        spread = frequency_spread(flow.frequencies)
        result = "locked" if flow.locked() else "moving"
    else:
        solution = solve(
            energy, settings.solver, seed=point.seed, device="cpu",
            max_seconds=settings.max_seconds,
        ).raise_if_interrupted()  # fmt: skip
        phi, value, result = solution.field, solution.energy, solution.result.word
    signs = energy.attraction
    row = Row(
        **asdict(point), rho=float(order_parameter(phi)),
        local_order=float(local_order(graph, phi, signs).mean()),
        vortices=vortices(graph, phi, signs).count,
        energy=value, frequency_spread=spread, result=result,
        seconds=round(time.perf_counter() - begun, 3),
    )  # fmt: skip
    return row, phi


def cells(
    done: Swept, store: Store[Settings], value: str = "rho"
) -> dict[tuple[float, float], tuple[float, np.ndarray | None]]:
    """For each (s₁, s₂), the mean of a column over the seeds and a picture of the phases.

    Only finite numbers count. The mean is NaN if there is none. The picture is made by
    :func:`meshrep.view.diagram.raster` from the first seed that did not fail.
    """
    graph = store.settings.loaded
    found: dict[tuple[float, float], list[Row]] = {}
    for row in done.rows:
        found.setdefault((row.s1, row.s2), []).append(row)
    drawn = {}
    for place, rows in found.items():
        whole = [row for row in rows if not row.failed]
        known = [getattr(row, value) for row in whole if getattr(row, value) is not None]
        known = [number for number in known if math.isfinite(number)]
        mean = float(np.mean(known)) if known else math.nan
        kept = store.load(whole[0].point) if whole else None
        drawn[place] = mean, None if kept is None else raster(graph, kept[1])
    return drawn
