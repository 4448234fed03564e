"""What the temperature of a part answers, and where its mesh is too coarse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from meshrep.base import limits
from meshrep.base.tables import number
from meshrep.energies.answers import Answer
from meshrep.energies.conduction.elements import LINEAR
from meshrep.graphs.graph import Graph

if TYPE_CHECKING:
    from meshrep.energies.conduction.energy import Conduction

_COARSE = 0.15  # relative error of the heat flux from which a mesh is called coarse
_UNBALANCED = 1e-3  # share of the heat that flows from which a balance is told
_UNIFORM = 1e-9  # share of the natural unit up to which a temperature is uniform


def answers_of(energy: Conduction, w: np.ndarray) -> list[Answer]:
    """Heat through each condition and its balance, the extremes and where they are."""
    graph, heat = energy.graph, energy.heat_through(w)
    balance = heat.pop("balance")
    found = [Answer(f"heat in, {name}", value, "W") for name, value in heat.items()]
    if not energy.conducts:
        return found
    found.append(Answer("balance of heat", balance, "W"))
    degree = energy.symbols["temperature"]
    for name, node in (("highest", int(w.argmax())), ("lowest", int(w.argmin()))):
        place = _middle(graph, np.array([node]))
        value = float(w[node])
        found.append(Answer(f"{name} temperature", value, degree, graph.called(node), place))
    size = np.nan_to_num(np.linalg.norm(energy.heat_flux(w), axis=1))
    place = _middle_of_cell(graph, int(size.argmax()))
    found.append(Answer("largest heat flux", float(size.max()), "W/m²", position=place))
    return found


def remarks_of(energy: Conduction, w: np.ndarray) -> list[str]:
    """That the heat does not balance; if it does, that the mesh is coarse for the temperature."""
    if np.ptp(w) <= _UNIFORM * energy.unit:  # what flows is rounding
        return []
    heat = np.concatenate([np.zeros(0), *energy.heat_by_place(w).values()])
    balance, all_of_it = abs(math.fsum(heat)), 0.5 * float(abs(heat).sum())
    if balance > _UNBALANCED * all_of_it:
        return [
            f"the heat does not balance: {number(balance, 3)} W are left of "
            f"{number(all_of_it, 3)} W. "
            "The solver has not arrived, or the numbers of the problem are too far apart for it: "
            "take newton, with more steps if these were limited"
        ]
    large = len(energy.graph.cells) > limits.MESH_ERROR_UP_TO
    if large or not (error := energy.mesh_error(w)).relative > _COARSE:
        return []
    squares = np.nan_to_num(error.squares)
    most = np.cumsum(np.sort(squares)[::-1])
    half = int(np.searchsorted(most, 0.5 * most[-1])) + 1
    worst = ", ".join(number(x, 4) for x in _middle_of_cell(energy.graph, int(squares.argmax())))
    linear = any(block.kind == LINEAR[block.kind] for block in energy.part.blocks)
    return [
        f"the mesh is coarse for this temperature: the heat flux is off by about "
        f"{error.relative:.0%} in the mean square, half of that in {half:,} of {len(squares):,} "
        f"cells, the worst of which is at ({worst}): use smaller cells there"
        + ", or quadratic ones"
        * linear
    ]


def _middle_of_cell(graph: Graph, cell: int) -> tuple[float, ...]:
    return _middle(graph, graph.cells.subset(np.array([cell])).connectivity)


def _middle(graph: Graph, nodes: np.ndarray) -> tuple[float, ...]:
    """The mean position of nodes, in the mesh's own coordinates."""
    assert graph.points is not None
    return tuple(graph.points[nodes].mean(axis=0).tolist())
