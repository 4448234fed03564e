"""Conditions at the boundary, from what a user writes to numbers at nodes and on patches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.schedules import Schedule, value_at
from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.materials import numbers_at
from meshrep.energies.conduction.patches import Facets, Patch, Samples
from meshrep.errors import InputError, kind_of
from meshrep.graphs.graph import Graph
from meshrep.sources.conditions import names_normals
from meshrep.sources.selection import select

STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m² K⁴)


@dataclass(frozen=True, eq=False)
class Given:
    """What a condition is given at positions (p, 3): a number, a function, or a schedule of them.

    Values that do not lie within ``above`` (exclusive) and ``most`` are refused by ``name``.
    """

    value: Any
    positions: np.ndarray
    name: str
    above: float = -np.inf
    most: float = np.inf
    allowed: str = ""

    @property
    def schedules(self) -> list[Schedule]:
        """The schedule that it follows, if it changes in time."""
        return [self.value] if isinstance(self.value, Schedule) else []

    def at(self, time: float) -> np.ndarray:
        """Values (p,) at a time.

        Raises
        ------
        InputError
            Where one cannot be used.
        """
        values = np.array(numbers_at(value_at(self.value, time), self.positions, self.name))
        bad = ~((values > self.above) & (values <= self.most))
        if bad.any():
            when = f" at t = {time:g}" if self.schedules else ""
            raise InputError(f"{self.name} must {self.allowed}, not {values[bad][0]:g}{when}")
        return values


@dataclass(frozen=True, eq=False)
class Exchange:
    """Heat that a patch exchanges with its surroundings, at its quadrature points.

    At temperature T it gives off film·(T − outside), where it convects, or
    film·(|T|³T − outside⁴), where it radiates, with T and outside absolute.

    Attributes
    ----------
    name : str
    matrix : (p, n) csr_array
        From the field to T at the points.
    film : (p,) float64
        h or εσ, times area.
    outside : (p,) float64
        Temperature of the air or of the surroundings.
    radiates : bool
    given : tuple of Given
        h or the emissivity, and the temperature outside.
    sizes : (p,) float64
        The area of each point, times σ where it radiates.
    facets : list of (Facets, int)
        Where the points are: see :class:`meshrep.energies.conduction.patches.Samples`.
    """

    name: str
    matrix: sparse.csr_array
    film: np.ndarray
    outside: np.ndarray
    radiates: bool
    given: tuple[Given, ...] = ()
    sizes: np.ndarray = field(default_factory=lambda: np.zeros(0))
    facets: Sequence[tuple[Facets, int]] = ()

    @property
    def schedules(self) -> list[Schedule]:
        """What it follows in time."""
        return [schedule for given in self.given for schedule in given.schedules]

    def at(self, time: float) -> Exchange:
        """The same exchange with the values of a time."""
        if not self.schedules:
            return self
        film, outside = (given.at(time) for given in self.given)
        return replace(self, film=self.sizes * film, outside=outside)

    def entering(self, w: np.ndarray, absolute: float) -> np.ndarray:
        """Heat (p,) in W that enters at the points, where ``w + absolute`` is absolute."""
        t, out = self.matrix @ w + absolute, self.outside + absolute
        fall = out - t
        if self.radiates:
            below = 0.5 * (abs(t) - t)
            fall = fall * (out + t) * (out**2 + t**2) + 2.0 * below**4
        return self.film * fall


@dataclass(frozen=True, eq=False)
class Flux:
    """Heat (p,) in W that a condition brings at its points, and (n,) to the nodes."""

    name: str
    given: Given
    samples: Samples
    heat: np.ndarray

    @property
    def load(self) -> np.ndarray:
        """∫ q″ φ_i, shape (n,)."""
        return self.samples.matrix.T @ self.heat

    def at(self, time: float) -> Flux:
        """The same flux with the values of a time."""
        return replace(self, heat=self.samples.weights * self.given.at(time))


@dataclass(frozen=True, eq=False)
class Held:
    """Nodes (k,) that one condition holds at temperatures (k,)."""

    name: str
    nodes: np.ndarray
    values: np.ndarray
    given: Given | None = None

    @property
    def schedules(self) -> list[Schedule]:
        """What it follows in time."""
        return [] if self.given is None else self.given.schedules

    def at(self, time: float) -> Held:
        """The same nodes with their temperatures at a time."""
        return self if self.given is None else replace(self, values=self.given.at(time))


def held_nodes(part: Part, fixed: Any) -> list[Held]:
    """What ``fixed`` holds, condition by condition; a node belongs to the first that names it.

    A condition on normals holds the nodes of the facets that satisfy it.

    Raises
    ------
    InputError
        Where two conditions hold a node at different temperatures, or one cannot be read.
    """
    if fixed is None:
        return []
    graph, pairs = part.graph, pairs_of(fixed)
    if pairs is None:
        values = _given_at_nodes(graph, fixed)
        nodes = np.flatnonzero(~np.isnan(values))
        return [Held("fixed", nodes, values[nodes])] if len(nodes) else []
    found: list[Held] = []
    holder = np.full(graph.n, -1)
    everything = np.zeros(graph.n)
    points = np.zeros((graph.n, 3)) if graph.points is None else graph.points
    for number, (where, value) in enumerate(pairs):
        name = _name("fixed", where, number)
        nodes = Patch(part, where, name).nodes if names_normals(where) else select(graph, where)
        given = Given(value, points[nodes], f"the temperature of {name}")
        values = given.at(0.0)
        apart = np.array([_differ(one.given, given) for one in found], dtype=bool)
        clash = holder[nodes] >= 0
        clash[clash] = (everything[nodes] != values)[clash] | apart[holder[nodes][clash]]
        if clash.any():
            node = int(nodes[clash.argmax()])
            raise InputError(
                f"node {graph.called(node)} is held at {everything[node]:g} by "
                f"{found[holder[node]].name} and at {values[clash.argmax()]:g} by {name}: choose "
                "nodes that do not overlap"
            )
        own = holder[nodes] < 0
        if own.any():
            holder[nodes[own]], everything[nodes] = len(found), values
            given = replace(given, positions=points[nodes[own]])
            found.append(Held(name, nodes[own], values[own], given))
    return found


def _differ(one: Given | None, other: Given) -> bool:
    """Whether two values that change in time are not the same one."""
    return (
        one is not None and one.value is not other.value and bool(one.schedules + other.schedules)
    )


def pairs_of(fixed: Any) -> list[tuple[Any, Any]] | None:
    """(where, temperature) of each condition; None where an array is given."""
    fixed = listed(fixed)
    if isinstance(fixed, Mapping):
        return list(fixed.items())
    if isinstance(fixed, list | tuple) and fixed and all(isinstance(p, tuple) for p in fixed):
        if any(len(p) != 2 for p in fixed):
            raise InputError("fixed: each condition is (where, temperature)")
        return list(fixed)
    return None


def _given_at_nodes(graph: Graph, given: Any) -> np.ndarray:
    """Temperatures of nodes (n,) or of the input's points (N,), NaN where free; or their name."""
    if isinstance(given, str) and graph.origin is not None:
        given = graph.origin.point_data.get(given, given)
    if isinstance(given, str):
        names = "none" if graph.origin is None else ", ".join(graph.origin.point_data) or "none"
        raise InputError(
            f"fixed: {graph.name} has no array of points called '{given}' (there are: {names}): "
            "give {where: temperature}, or an array with NaN where nodes are free"
        )
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"fixed: {kind_of(given)} is neither {{where: temperature}} nor an array with NaN "
            "where nodes are free, nor the name of such an array of points"
        ) from None
    if values.shape != (graph.n,):
        origin = graph.origin
        if origin is None or values.shape != origin.node_of.shape:
            count = f"{len(values)} values" if values.ndim == 1 else kind_of(given)
            raise InputError(
                f"fixed: {count} for {graph.n} nodes of {graph.name}: give {{where: temperature}}, "
                "or a temperature for each node, NaN where it is free"
            )
        # Points of one node may leave all but one of its values away.
        known = (origin.node_of >= 0) & ~np.isnan(values)
        spread = np.full(graph.n, np.nan)
        spread[origin.node_of[known]] = values[known]
        if (spread[origin.node_of[known]] != values[known]).any():
            raise InputError("fixed: points at one position, and so one node, have two values")
        values = spread
    if np.isinf(values).any():
        raise InputError("fixed: temperatures must be finite, or NaN where nodes are free")
    return values


def listed(given: Any) -> Any:
    """Conditions as a list, where one stands alone: (where, values …)."""
    alone = isinstance(given, tuple) and given and isinstance(given[0], str | os.PathLike)
    return [given] if alone else given


def conditions_of(
    part: Part, given: Any, kind: str, wanted: tuple[str, ...], *, sides: bool = False
) -> Iterator[tuple[str, Patch, tuple[Any, ...]]]:
    """Yield name, patch and values of each condition of a kind.

    Raises
    ------
    InputError
        Where a condition is no (where, values …), has an empty patch, or shares a facet with
        another one of its kind.
    """
    given = listed(given)
    form = f"(where, {', '.join(wanted)})"
    if not isinstance(given, Iterable) or isinstance(given, str | Mapping):
        raise InputError(f"{kind} is a list of {form}, not {kind_of(given)}")
    owners: dict[int, str] = {}
    for number, one in enumerate(given):
        if not isinstance(one, tuple | list) or len(one) != 1 + len(wanted):
            raise InputError(f"{kind}: each condition is {form}")
        name = _name(kind, one[0], number)
        patch = Patch(part, one[0], name, sides=sides)
        for facet in np.unique(patch.numbers).tolist():
            if facet in owners:
                raise InputError(
                    f"{owners[facet]} and {name} share a part of the boundary: choose patches of "
                    f"one kind that do not overlap (all nodes of a face count)"
                )
            owners[facet] = name
        yield name, patch, tuple(one[1:])


def exchanges_of(
    part: Part, given: Any, kind: str, *, perimeter: Any = None, sigma: float = STEFAN_BOLTZMANN
) -> list[Exchange]:
    """Conditions of kind "convection", "sides" or "radiation" on their quadrature points.

    Raises
    ------
    InputError
        Where a film coefficient is not positive, or an emissivity not within (0, 1].
    """
    radiates = kind == "radiation"
    wanted = ("emissivity", "surroundings") if radiates else ("h", "air")
    found: list[Exchange] = []
    for name, patch, (film, outside) in conditions_of(
        part, given, kind, wanted, sides=kind == "sides"
    ):
        samples = patch.samples(radiates, perimeter)
        limit = "lie within (0, 1]" if radiates else "be positive"
        given = (
            Given(film, samples.positions, f"{name}: {wanted[0]}", 0.0,
                  1.0 if radiates else np.inf, limit),
            Given(outside, samples.positions, f"{wanted[1]} of {name}"),
        )  # fmt: skip
        h, air = (one.at(0.0) for one in given)
        sizes = (sigma if radiates else 1.0) * samples.weights
        found.append(
            Exchange(name, samples.matrix, sizes * h, air, radiates, given, sizes, samples.facets)
        )
    return found


def fluxes_of(part: Part, given: Any) -> list[Flux]:
    """Each flux, with its values at the time 0."""
    found = []
    for name, patch, (value,) in conditions_of(part, given, "flux", ("q",)):
        samples = patch.samples(False)
        q = Given(value, samples.positions, f"q of {name}")
        found.append(Flux(name, q, samples, samples.weights * q.at(0.0)))
    return found


def _name(kind: str, where: Any, number: int) -> str:
    return f"{kind} '{where}'" if isinstance(where, str | os.PathLike) else f"{kind} {number + 1}"
