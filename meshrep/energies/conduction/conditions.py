"""Conditions at the boundary, from what a user writes to numbers at nodes and on patches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.materials import numbers_at
from meshrep.energies.conduction.patches import Patch
from meshrep.errors import InputError, kind_of
from meshrep.graphs.graph import Graph
from meshrep.sources.selection import select

STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m² K⁴)


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
    """

    name: str
    matrix: sparse.csr_array
    film: np.ndarray
    outside: np.ndarray
    radiates: bool


@dataclass(frozen=True, eq=False)
class Held:
    """Nodes (k,) that one condition holds at temperatures (k,)."""

    name: str
    nodes: np.ndarray
    values: np.ndarray


def held_nodes(graph: Graph, fixed: Any) -> list[Held]:
    """What ``fixed`` holds, condition by condition; a node belongs to the first that names it.

    Raises
    ------
    InputError
        Where two conditions hold a node at different temperatures, or one cannot be read.
    """
    if fixed is None:
        return []
    pairs = _pairs(fixed)
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
        nodes = select(graph, where)
        values = numbers_at(value, points[nodes], f"the temperature of {name}")
        clash = (holder[nodes] >= 0) & (everything[nodes] != values)
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
            found.append(Held(name, nodes[own], values[own]))
    return found


def _pairs(fixed: Any) -> list[tuple[Any, Any]] | None:
    """(where, temperature) of each condition; None where an array is given."""
    if isinstance(fixed, Mapping):
        return list(fixed.items())
    if isinstance(fixed, list | tuple) and fixed and all(isinstance(p, tuple) for p in fixed):
        if any(len(p) != 2 for p in fixed):
            raise InputError("fixed: each condition is (where, temperature)")
        return list(fixed)
    return None


def _given_at_nodes(graph: Graph, given: Any) -> np.ndarray:
    """An array of temperatures of nodes (n,) or of the input's points (N,), NaN where free."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"fixed: {kind_of(given)} is neither {{where: temperature}} nor an array with NaN "
            "where nodes are free"
        ) from None
    if values.shape != (graph.n,):
        origin = graph.origin
        if origin is None or values.shape != origin.node_of.shape:
            raise InputError(f"fixed: {values.shape} values for {graph.n} nodes of {graph.name}")
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
    if isinstance(given, tuple) and given and isinstance(given[0], str | os.PathLike):
        given = [given]
    form = f"(where, {', '.join(wanted)})"
    if not isinstance(given, Iterable) or isinstance(given, str | Mapping):
        raise InputError(f"{kind} is a list of {form}, not {kind_of(given)}")
    owners: dict[int, str] = {}
    for number, one in enumerate(given):
        if not isinstance(one, tuple | list) or len(one) != 1 + len(wanted):
            raise InputError(f"{kind}: each condition is {form}")
        name = _name(kind, one[0], number)
        patch = Patch(part, select(part.graph, one[0]), name, sides=sides)
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
        h = numbers_at(film, samples.positions, f"{wanted[0]} of {name}")
        if h.min() <= 0 or (radiates and h.max() > 1):
            limit = "lie within (0, 1]" if radiates else "be positive"
            bad = h.min() if h.min() <= 0 else h.max()
            raise InputError(f"{name}: the {wanted[0]} must {limit}, not {bad:g}")
        air = numbers_at(outside, samples.positions, f"{wanted[1]} of {name}")
        strength = (sigma if radiates else 1.0) * h * samples.weights
        found.append(Exchange(name, samples.matrix, strength, np.array(air), radiates))
    return found


def fluxes_of(part: Part, given: Any) -> list[tuple[str, np.ndarray]]:
    """The name of each flux, and ∫ q″ φ_i (n,), the heat that it brings to the nodes."""
    found = []
    for name, patch, (value,) in conditions_of(part, given, "flux", ("q",)):
        samples = patch.samples(False)
        q = numbers_at(value, samples.positions, f"q of {name}")
        found.append((name, samples.matrix.T @ (q * samples.weights)))
    return found


def _name(kind: str, where: Any, number: int) -> str:
    return f"{kind} '{where}'" if isinstance(where, str | os.PathLike) else f"{kind} {number + 1}"
