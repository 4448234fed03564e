"""A network as an input has it: nodes and edges by name, with their attributes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.sources.wording import counted

_WEIGHTS = ("weight", "Weight", "value")


@dataclass(frozen=True, eq=False)
class Links:
    """Nodes and edges by name.

    Attributes
    ----------
    nodes : dict
        The attributes of each node, in the input's order. Places are in "pos", or "x", "y", "z".
    edges : sequence of (source, target, attributes)
        Parallel edges stand each by itself.
    directed : sequence of bool
        Which edges have a direction.
    remarks : tuple of str
        What was left out while it was read.
    """

    nodes: Mapping[Hashable, Mapping[str, Any]]
    edges: Sequence[tuple[Hashable, Hashable, Mapping[str, Any]]]
    directed: Sequence[bool] = field(default_factory=tuple)
    remarks: tuple[str, ...] = ()

    def pairs(self) -> np.ndarray:
        """The numbers of both ends (k, 2) int64 of each edge, in the order of the nodes."""
        number = {name: k for k, name in enumerate(self.nodes)}
        ends = [(number[source], number[target]) for source, target, _ in self.edges]
        return np.array(ends, dtype=np.int64).reshape(-1, 2)

    def weights(self, where: str) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """The weight (k,) of each edge or None, and remarks on where it was taken from.

        A weight is the attribute "weight", or "value" (as in the GML files of Newman) where no
        edge has the former; an edge without it weighs 1.

        Raises
        ------
        InputError
            Where a weight is no finite number; names the edge.
        """
        key = next((key for key in _WEIGHTS if self._have(key)), None)
        if key is None:
            numeric = (name for *_, data in self.edges for name in data if _is_number(data[name]))
            others = sorted(set(numeric))
            names = ", ".join(repr(name) for name in others[:5])
            told = f"edges weigh 1: none of their attributes {names} is called weight"
            return None, (told,) if others else ()
        values = [_number(edge, key, where) for edge in self.edges]
        missing = sum(edge[2].get(key) is None for edge in self.edges)
        remarks = [] if key == "weight" else [f"weights are the attribute '{key}'"]
        if missing:
            remarks.append(f"{counted(missing, 'edge')} without a weight taken to weigh 1")
        return np.array(values), tuple(remarks)

    def _have(self, key: str) -> bool:
        """Whether edges have a weight of this name: some, or all where the name is a guess."""
        there = (edge[2].get(key) for edge in self.edges)
        if key == "weight":
            return any(value is not None for value in there)
        return bool(self.edges) and all(_is_number(value) for value in there)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _number(edge: tuple[Hashable, Hashable, Mapping[str, Any]], key: str, where: str) -> float:
    source, target, data = edge
    value = data.get(key)
    if value is None:
        return 1.0
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"{where}: the weight of edge {source!r}–{target!r} is no number: {str(value)[:60]!r}"
        ) from None
    if not np.isfinite(number):
        raise InputError(
            f"{where}: the weight of edge {source!r}–{target!r} is NaN or infinite: {number}"
        )
    return number
