"""Which nodes: lists, ranges, files of numbers, conditions; the two ends; random shares."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.sources.expressions import FUNCTIONS, evaluate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LIST = re.compile(r"\s*\d+\s*(-\s*\d+\s*)?(,\s*\d+\s*(-\s*\d+\s*)?)*,?\s*")
_FILES = (".txt", ".npy", ".csv", ".dat")


def select(graph: GraphLike, what: str | os.PathLike[str] | ArrayLike) -> np.ndarray:
    """The nodes that a text or an array names.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the graph came from a file, numbers are those of the file's points, counted from 0;
        in a network whose nodes are named by whole numbers they are those names.
    what : str, path or array
        ``"0,5,7-12"`` (ranges with both ends); a ``.txt`` or ``.npy`` file of numbers; a condition
        over ``x y z degree index n component`` and ``xmin xmax xmean`` (also of y, z), such as
        ``"z < 0.06"``, ``"(x > 0) & (degree > 5)"``, ``"0.1 < x < 0.2"``; a boolean array (n,),
        or an array of numbers.

    Returns
    -------
    (k,) int64
        Node numbers, each once, in order; never empty.

    Raises
    ------
    InputError
        Where a number is outside the file or names a point that was dropped, the text cannot be
        read, or nothing is selected.
    """
    graph = Graph.of(graph)
    if not isinstance(what, str | os.PathLike):
        return _of_array(graph, what, "the selection")
    text = os.fspath(what).strip()
    if not text:
        raise InputError("the selection is empty: give numbers, a file or a condition")
    if _LIST.fullmatch(text):
        return _of_array(graph, _ranges(graph, text), f"'{_short(text)}'")
    path = Path(text)
    if isinstance(what, os.PathLike) or path.suffix.lower() in _FILES or _is_file(path):
        return _of_array(graph, _numbers_in(path), _short(text))
    return _of_condition(graph, text)


def ends(graph: GraphLike, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in the lowest and in the highest ``share`` of the extent along the longest axis.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        With points.
    share : float
        Within (0, 0.5).

    Returns
    -------
    low, high : (k,) int64
        Disjoint, neither empty.

    Raises
    ------
    InputError
        Where the graph has no points or no extent, or the share is not within (0, 0.5).
    """
    graph = Graph.of(graph)
    if not 0 < share < 0.5:
        raise InputError(f"the share of an end lies between 0 and 0.5, not {share}")
    if graph.points is None:
        raise InputError(
            f"{graph.name}: it has no points and so no ends: choose random nodes or give numbers"
        )
    low, high = graph.points.min(axis=0), graph.points.max(axis=0)
    axis = int(np.argmax(high - low))
    extent = high[axis] - low[axis]
    if not extent > 0:
        raise InputError(f"{graph.name}: all its points coincide: it has no ends")
    along = graph.points[:, axis]
    return (
        np.flatnonzero(along <= low[axis] + share * extent),
        np.flatnonzero(along >= high[axis] - share * extent),
    )


def random_split(
    graph: GraphLike, share: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two disjoint random sets of nodes, each ``share`` of all and one node at least.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        With two nodes or more.
    share : float
        Within (0, 0.5].
    seed : int
        Of the draw.

    Returns
    -------
    hot, cold : (k,) int64
        Node numbers, in order.

    Raises
    ------
    InputError
        Where the share is not within (0, 0.5], or there are fewer than two nodes.
    """
    graph = Graph.of(graph)
    if not 0 < share <= 0.5:
        raise InputError(f"the share lies between 0 and 0.5, not {share}")
    if graph.n < 2:
        raise InputError(f"{graph.name}: one node cannot be both hot and cold")
    count = max(1, int(share * graph.n))
    order = np.random.default_rng(seed).permutation(graph.n)
    return np.sort(order[:count]), np.sort(order[count : 2 * count])


def baths(
    graph: GraphLike,
    bath: str = "ends",
    *,
    hot: str | os.PathLike[str] | ArrayLike | None = None,
    cold: str | os.PathLike[str] | ArrayLike | None = None,
    share: float = 0.1,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Where the hot and the cold bath are.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    bath : {"ends", "random"}
        The two ends of the longest axis (:func:`ends`; the high end is hot), or random nodes
        (:func:`random_split`). Not used where ``hot`` or ``cold`` is given.
    hot, cold : optional
        What :func:`select` takes. Where one of them is given, the other may be left empty.
    share : float
        Of the extent, or of the nodes, that each bath takes.
    seed : int
        Of the random nodes.

    Returns
    -------
    hot, cold : (k,) int64
        Node numbers; at most one of the two is empty.
    notes : list of str
        What was chosen in place of what was asked for: a graph without coordinates has no ends,
        and gets random baths.

    Raises
    ------
    InputError
        For another word, or as the three functions above.

    Examples
    --------
    >>> import meshrep
    >>> hot, cold, notes = meshrep.baths(meshrep.graph_from("lattice:8x8"))
    >>> hot.tolist(), len(cold), notes
    ([7, 15, 23, 31, 39, 47, 55, 63], 8, [])
    """
    graph = Graph.of(graph)
    if bath not in ("ends", "random"):
        kinds = ("quartic", "quadratic", "dirichlet")
        hint = f" (how a bath acts on its nodes is kind={bath!r})" if bath in kinds else ""
        raise InputError(f"unknown bath {bath!r}: choose ends or random{hint}")
    if hot is not None or cold is not None:
        none = np.zeros(0, dtype=np.int64)
        high = none if hot is None else select(graph, hot)
        low = none if cold is None else select(graph, cold)
        return high, low, []
    if bath == "ends" and graph.points is not None:
        low, high = ends(graph, share)
        return high, low, []
    notes = []
    if bath == "ends":
        notes = [f"{graph.name} has no coordinates and so no ends: random baths are taken"]
    return *random_split(graph, share, seed), notes


def _of_array(graph: Graph, numbers: Any, who: str) -> np.ndarray:
    """Nodes from a boolean mask or from numbers of the file, or of the graph without one."""
    numbers = np.asarray(numbers)
    if numbers.dtype.kind == "b":
        if numbers.shape != (graph.n,):
            raise InputError(f"{who}: a mask has one value a node ({graph.n}): {numbers.shape}")
        return _not_empty(np.flatnonzero(numbers), who)
    if numbers.dtype.kind == "f" and (numbers == np.floor(numbers)).all():
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind not in "iu":
        raise InputError(f"{who}: node numbers are whole numbers")
    numbers = np.unique(numbers.ravel())
    _not_empty(numbers, who)
    if graph.labels is not None and all(isinstance(label, int) for label in graph.labels):
        return _labelled(graph, numbers, who)
    node_of = np.arange(graph.n) if graph.origin is None else graph.origin.node_of
    outside = numbers[(numbers < 0) | (numbers >= len(node_of))]
    if len(outside):
        raise InputError(
            f"{who}: there is no node {outside[0]}: {graph.name} has 0 … {len(node_of) - 1}"
        )
    nodes = node_of[numbers.astype(np.int64)]
    if (nodes < 0).any():
        gone = numbers[nodes < 0]
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise InputError(
            f"{who}: point {gone[0]}{more} of {graph.name} was dropped on reading, "
            "since no cell uses it: leave it out"
        )
    return np.unique(nodes)


def _labelled(graph: Graph, numbers: np.ndarray, who: str) -> np.ndarray:
    labels = np.array(graph.labels, dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    spot = np.minimum(np.searchsorted(labels, numbers, sorter=order), len(labels) - 1)
    nodes = order[spot]
    strange = labels[nodes] != numbers
    if strange.any():
        raise InputError(f"{who}: no node of {graph.name} is called {numbers[strange][0]}")
    return np.unique(nodes)


def _ranges(graph: Graph, text: str) -> np.ndarray:
    """Numbers of "0,5,7-12"; a range is bounded before it is written out."""
    most = graph.n if graph.origin is None else len(graph.origin.node_of)
    if graph.labels is not None:
        most = max([most, *(k + 1 for k in graph.labels if isinstance(k, int))])
    parts = []
    for word in text.split(","):
        low, dash, high = (part.strip() for part in word.partition("-"))
        if not low:
            continue
        first, last = int(low[:20]), int((high if dash else low)[:20])
        if last < first:
            raise InputError(f"'{_short(text)}': the range {word.strip()} runs backwards")
        if last >= most:
            raise InputError(
                f"'{_short(text)}': there is no node {last}: {graph.name} has 0 … {most - 1}"
            )
        parts.append(np.arange(first, last + 1))
    return np.concatenate(parts)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _numbers_in(path: Path) -> np.ndarray:
    """Node numbers in a text (blanks, commas, ranges, # comments) or NumPy file."""
    name = _short(str(path))
    if not _is_file(path):
        raise InputError(f"{name}: there is no such file of node numbers")
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False)
        lines = path.read_text().splitlines()
    except (OSError, ValueError, EOFError):
        raise InputError(f"{name}: it is no file of node numbers") from None
    words = " ".join(line.partition("#")[0] for line in lines).replace(",", " ").split()
    parts = []
    for word in words:
        low, dash, high = word.partition("-")
        plain = low.isdigit() and (not dash or high.isdigit()) and len(word) < 30
        if not plain or (dash and not 0 <= int(high) - int(low) < 10**9) or len(low) > 18:
            raise InputError(f"{name}: '{word[:40]}' is no node number")
        parts.append(np.arange(int(low), int(high if dash else low) + 1))
    if not parts:
        raise InputError(f"{name}: it holds no node numbers")
    return np.concatenate(parts)


def _of_condition(graph: Graph, text: str) -> np.ndarray:
    names = _names(graph)
    chosen = evaluate(text, names)
    if np.asarray(chosen).dtype.kind != "b":
        raise InputError(f"'{_short(text)}' is a number, not a condition: compare it, as in z < 1")
    nodes = np.flatnonzero(np.broadcast_to(chosen, graph.n))
    if len(nodes):
        return nodes.astype(np.int64)
    told = []
    for name in dict.fromkeys(re.findall(r"[A-Za-z_]\w*", text)):
        if name in names and np.ndim(names[name]()):
            values = names[name]()
            told.append(f"{name} is {values.min():.6g} … {values.max():.6g}")
    ranges = f": {', '.join(told)}" if told else ""
    raise InputError(f"'{_short(text)}' selects no node of {graph.name}{ranges}")


def _names(graph: Graph) -> dict[str, Callable[[], Any]]:
    """What a condition may name, each made when it is first asked for."""
    names: dict[str, Callable[[], Any]] = {}
    columns = {} if graph.points is None else dict(zip("xyz", graph.points.T, strict=True))
    for axis, column in columns.items():
        names[axis] = partial(np.asarray, column)
    names["degree"] = cache(lambda: np.bincount(graph.edges.ravel(), minlength=graph.n))
    names["index"] = cache(lambda: np.arange(graph.n))
    names["component"] = lambda: graph.component_of
    names["n"] = lambda: graph.n
    for axis, column in columns.items():
        for word in ("min", "max", "mean"):
            names[axis + word] = partial(FUNCTIONS[word], column)
    return names


def _not_empty(numbers: np.ndarray, who: str) -> np.ndarray:
    if not len(numbers):
        raise InputError(f"{who}: it selects no node")
    return numbers


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 80 else text[:79] + "…"
