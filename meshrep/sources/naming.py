"""What numbers, names and masks mean: the nodes of a graph as its input calls them.

In a network whose nodes have names (``graph.labels``), nodes are chosen by those names, and a
number is a name too. In any other graph they are chosen by the numbers of the input's points,
counted from 0. Masks have one value for each node or one for each point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from meshrep.errors import InputError, kind_of
from meshrep.graphs.graph import Graph
from meshrep.sources.wording import brief

_RANGE = re.compile(r"(\d{1,18})\s*-\s*(\d{1,18})")


def nodes_called(
    graph: Graph, given: Any, who: str, *, numbers_of: Literal["input", "graph", "?"] = "input"
) -> np.ndarray:
    """The nodes that an array, a list or a single name stands for.

    Parameters
    ----------
    graph : Graph
    given : array, list, set, Series, number or name
        A mask (n,) of nodes or (N,) of the input's points, boolean or of zeros and ones with one
        of them repeated; or names; or whole numbers, floats among them.
    who : str
        What errors begin with.
    numbers_of : {"input", "graph", "?"}
        Whether whole numbers are what the input calls the nodes, or the graph's own node numbers
        0 … n-1; with "?" they are refused where these differ.

    Returns
    -------
    (k,) int64
        Node numbers, each once, in order; never empty.

    Raises
    ------
    InputError
        Where nothing is chosen, an item is no node, a mask has another length, or true and false
        are mixed with numbers or names.
    """
    items = _items(graph, given, who)
    if items.dtype.kind == "b":
        return _not_empty(_of_mask(graph, items, who), who)
    items = _not_empty(items.ravel(), who)
    numbers = _whole(items)
    if numbers is not None:
        mask = _zeros_and_ones(graph, numbers, who)
        if mask is not None:
            return _not_empty(_of_mask(graph, mask, who), who)
    if numbers_of != "input" and items.dtype.kind in "iuf" and numbers is not None:
        if numbers_of == "?" and not _is_numbered_alike(graph):
            raise InputError(
                f"{who}: {numbers[0]} could be a node of the graph, or what {graph.name} calls "
                "another one: make graph = meshrep.Graph.of(…) first, and choose nodes of it by "
                "meshrep.select(graph, …)"
            )
        return np.unique(_of_numbers(np.arange(graph.n), numbers, who, graph.name))
    if graph.labels is not None:
        return _of_names(graph, items, who)
    if numbers is None:
        raise InputError(f"{who}: node numbers are whole numbers: {graph.name} has no names")
    nodes = _of_numbers(_node_of(graph), numbers, who, graph.name)
    return _kept(graph, numbers, nodes, who)


def _is_numbered_alike(graph: Graph) -> bool:
    """Whether the graph's node numbers are what its input calls the nodes."""
    node_of = _node_of(graph)
    return graph.labels is None and np.array_equal(node_of, np.arange(graph.n))


def nodes_in_words(graph: Graph, words: Iterable[str], who: str) -> np.ndarray:
    """The nodes that words stand for: names, numbers, and ranges such as ``7-12``.

    A range has both ends. In a network with names it holds the nodes whose names are whole numbers
    in the range. Time and memory grow with the words and the nodes, not with the length of ranges.

    Raises
    ------
    InputError
        As :func:`nodes_called`, and for a range that runs backwards or holds no node.
    """
    singles, ranges = [], []
    names = Names(graph)
    for word in words:
        if (found := None if names.find(word) is not None else _RANGE.fullmatch(word)) is None:
            singles.append(word)
            continue
        low, high = int(found[1]), int(found[2])
        if high < low:
            raise InputError(f"{who}: the range {word} runs backwards")
        ranges.append((low, high))
    if not ranges:
        return nodes_called(graph, singles, who)
    chosen = np.zeros(graph.n, dtype=bool)
    if singles:
        chosen[nodes_called(graph, singles, who)] = True
    chosen[names.between(ranges, who)] = True
    return np.flatnonzero(chosen)


class Names:
    """What the input calls the nodes: names, or the numbers of points."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self._by_name = graph, dict[Any, int]()
        self._by_text = dict[str, int]()
        if graph.labels is not None:
            self._by_name = {label: k for k, label in enumerate(graph.labels)}
            self._by_text = {str(label): k for k, label in enumerate(graph.labels)}

    def find(self, name: Any) -> int | None:
        """The node of a name, or of a text that a name is written as; None where there is none."""
        if isinstance(name, np.generic):
            name = name.item()
        try:
            found = self._by_name.get(name)
        except TypeError:  # a list: names are tuples
            return None
        if found is None:
            whole = isinstance(name, float) and name.is_integer()
            found = self._by_text.get(str(int(name)) if whole else str(name))
        return found

    def between(self, ranges: list[tuple[int, int]], who: str) -> np.ndarray:
        """The nodes whose numbers are in one of the ranges, each of which holds one at least."""
        graph = self.graph
        if graph.labels is None:
            node_of = _node_of(graph)
            numbers, nodes = np.arange(len(node_of)), node_of
        else:
            pairs = [(int(t), k) for t, k in self._by_text.items() if t.isdecimal() and len(t) < 19]
            numbers, nodes = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2).T
        low, high = np.array(ranges, dtype=np.int64).T
        first, last = np.searchsorted(numbers, low), np.searchsorted(numbers, high, side="right")
        short = (first == last) if graph.labels is not None else (high >= len(numbers))
        if short.any():
            which = int(short.argmax())
            raise InputError(
                f"{who}: there is no node {high[which]}: {graph.name} has 0 … {len(numbers) - 1}"
                if graph.labels is None
                else f"{who}: no node of {graph.name} is called {low[which]} to {high[which]}"
            )
        steps = np.zeros(len(numbers) + 1, dtype=np.int64)
        np.add.at(steps, first, 1)
        np.subtract.at(steps, last, 1)
        chosen = np.cumsum(steps[:-1]) > 0
        return _kept(graph, numbers[chosen], nodes[chosen], who)


def _items(graph: Graph, given: Any, who: str) -> np.ndarray:
    """What was given as an array: booleans, numbers, or names as objects."""
    if isinstance(given, Mapping | bytes):
        raise InputError(f"{who}: {kind_of(given)} is no selection: give a list or a mask")
    tuples = graph.labels is not None and isinstance(graph.labels[0], tuple)
    if hasattr(given, "to_numpy"):
        items = _of_series(given)
    elif hasattr(given, "__array__") and not tuples:
        items = np.asarray(given)
    else:
        items = _listed(graph, given.tolist() if isinstance(given, np.ndarray) else given, who)
    if items.dtype.kind not in "biufUO":
        raise InputError(f"{who}: nodes are named by whole numbers or texts, not {items.dtype}")
    if items.dtype.kind == "O":
        truths = [isinstance(item, bool | np.bool_) for item in items.ravel()]
        if any(truths) and not all(truths):
            raise InputError(f"{who}: it mixes true and false with numbers or names")
        return items.astype(bool) if truths and all(truths) else items
    return items.astype(object) if items.dtype.kind == "U" else items


def _of_series(given: Any) -> np.ndarray:
    """The values of a Series; for a mask whose index is not 0, 1, …, the index of what is true."""
    values = np.asarray(given.to_numpy())
    index: Any = getattr(given, "index", None)
    if values.dtype.kind == "b" and hasattr(index, "to_numpy"):
        of = np.asarray(index.to_numpy())  # which node each value is for
        if not np.array_equal(of, np.arange(len(of))):
            return of[values]
    return values


def _listed(graph: Graph, given: Any, who: str) -> np.ndarray:
    """An array of what was given; a number, a text, or a tuple that is a name, is one item."""
    names = [name for name in graph.labels or () if isinstance(name, tuple)]
    one = isinstance(given, tuple) and given in names
    listed = [given] if one or not isinstance(given, Iterable) else list(given)
    kinds = set(map(type, listed))
    if list in kinds and isinstance((graph.labels or (0,))[0], tuple):
        listed = [tuple(item) if isinstance(item, list) else item for item in listed]
    elif len(kinds) == 1 and not issubclass(kinds.pop(), str | tuple):
        try:
            return np.asarray(listed)
        except ValueError:
            raise InputError(f"{who}: a selection is one list, not lists of lists") from None
    items = np.empty(len(listed), dtype=object)
    for k, item in enumerate(listed):
        items[k] = item
    return items


def _whole(items: np.ndarray) -> np.ndarray | None:
    """The whole numbers that items are, be they floats or texts; None where one is none."""
    if items.dtype.kind in "iu":
        return items
    if items.dtype.kind == "O":
        try:
            numbers = [int(item) if _is_decimal(item) else _real(item) for item in items]
        except (TypeError, ValueError):
            return None
        items = np.array(numbers)
        if items.dtype.kind != "f":
            return items
    sound = np.isfinite(items) & (items == np.floor(items)) & (abs(items) < 2**53)
    return items.astype(np.int64) if sound.all() else None


def _real(item: Any) -> float:
    if isinstance(item, str) and "_" in item:  # Python's own spelling, in which 1_0 is 10
        raise ValueError
    return float(item)


def _is_decimal(item: Any) -> bool:
    """Whether an item is a whole number or a text of digits."""
    return isinstance(item, int | np.integer) or (isinstance(item, str) and item.isdecimal())


def _zeros_and_ones(graph: Graph, numbers: np.ndarray, who: str) -> np.ndarray | None:
    """The mask that three or more zeros and ones are; None for a list of numbers.

    As many numbers as nodes or points, some of them alike, are no list of nodes.
    """
    known = np.unique(numbers)
    if len(known) == len(numbers):
        return None
    if np.isin(known, (0, 1)).all():
        return numbers == 1 if len(numbers) > 2 or graph.n == 2 else None
    if len(numbers) in (graph.n, len(_node_of(graph))):
        raise InputError(
            f"{who}: {len(numbers):,} numbers, one a node, with repetitions: if they are a mask, "
            "compare them, as in values > 0; if they are nodes, give each once"
        )
    return None


def _of_mask(graph: Graph, mask: np.ndarray, who: str) -> np.ndarray:
    """The nodes of a mask of nodes, of points, or of cells.

    A node is chosen where one of its points is, or one of its cells.
    """
    if mask.shape == (graph.n,):
        return np.flatnonzero(mask)
    node_of = _node_of(graph)
    if mask.shape == node_of.shape:
        nodes = np.unique(node_of[mask])
        return nodes[nodes >= 0]
    cells = graph.cells if graph.origin is None else graph.origin.cells
    if len(cells) and mask.shape == (len(cells),):
        nodes = np.unique(node_of[cells.subset(mask).connectivity])
        return nodes[nodes >= 0]
    points = f", or one a point ({len(node_of)})" if len(node_of) != graph.n else ""
    of_cells = f", or one a cell ({len(cells)})" if len(cells) else ""
    raise InputError(
        f"{who}: a mask has one value a node ({graph.n}){points}{of_cells}, not the shape "
        f"{mask.shape}"
    )


def _of_names(graph: Graph, items: np.ndarray, who: str) -> np.ndarray:
    """The nodes of names; whole numbers among whole numbers without a loop."""
    labels = graph.labels
    assert labels is not None
    table = _whole_names(labels) if items.dtype.kind in "iu" else None
    if table is not None:
        order = np.argsort(table, kind="stable")
        at = np.minimum(np.searchsorted(table, items, sorter=order), len(table) - 1)
        nodes = order[at]
        strange = np.flatnonzero(table[nodes] != items)
    else:
        names = Names(graph)
        found = [names.find(item) for item in items]
        nodes = np.array([-1 if node is None else node for node in found], dtype=np.int64)
        strange = np.flatnonzero(nodes < 0)
    if len(strange):
        name = items[strange[0]]
        name = name.item() if isinstance(name, np.generic) else name
        some = ", ".join(str(label) for label in labels[:3])
        raise InputError(
            f"{who}: no node of {graph.name} is called {brief(str(name))}: it has {brief(some)}"
            f"{', …' if len(labels) > 3 else ''} (a place in their order is chosen as in "
            "'index == 0')"
        )
    return np.unique(nodes)


def _whole_names(labels: tuple) -> np.ndarray | None:
    """Names as int64, or None where one is no whole number of 64 bits."""
    if not all(issubclass(kind, int | np.integer) for kind in set(map(type, labels))):
        return None
    try:
        return np.array(labels, dtype=np.int64)
    except OverflowError:
        return None


def _of_numbers(node_of: np.ndarray, numbers: np.ndarray, who: str, name: str) -> np.ndarray:
    """The node of each number; -1 where the point was dropped."""
    outside = (numbers < 0) | (numbers >= len(node_of))
    if outside.any():
        wrong = numbers[outside.argmax()]
        raise InputError(f"{who}: there is no node {wrong}: {name} has 0 … {len(node_of) - 1}")
    return node_of[numbers.astype(np.int64)]


def _kept(graph: Graph, numbers: np.ndarray, nodes: np.ndarray, who: str) -> np.ndarray:
    """The distinct nodes of numbered points, refused where a point was dropped."""
    gone = numbers[nodes < 0]
    if len(gone):
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise InputError(
            f"{who}: point {gone[0]}{more} of {graph.name} was dropped on reading, "
            "since no cell uses it: leave it out"
        )
    return np.unique(nodes)


def _node_of(graph: Graph) -> np.ndarray:
    return np.arange(graph.n) if graph.origin is None else graph.origin.node_of


def _not_empty(numbers: np.ndarray, who: str) -> np.ndarray:
    if not len(numbers):
        raise InputError(f"{who}: it selects no node")
    return numbers
