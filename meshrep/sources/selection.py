"""Which nodes: names and numbers, masks, files, conditions; the two ends; random shares."""

from __future__ import annotations

import os
import re
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from meshrep.base.randomness import random_from
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.sources.conditions import (
    array_called,
    holds,
    names_at,
    places_of_nodes,
    ranges,
)
from meshrep.sources.formats.numpy_files import read_array
from meshrep.sources.naming import Names, nodes_called, nodes_in_words
from meshrep.sources.wording import brief

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_LIST = re.compile(r"\s*\d+\s*(-\s*\d+\s*)?(,\s*\d+\s*(-\s*\d+\s*)?)*,?\s*")
_CONDITION = re.compile(r"[<>=]|\b(and|or|not|True|False)\b")
_FILES = (".txt", ".npy", ".csv", ".dat")


def select(graph: GraphLike, what: str | os.PathLike[str] | ArrayLike) -> np.ndarray:
    """The nodes that a text or an array names.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Numbers are those of the input's points, counted from 0. In a network whose nodes have
        names, names are taken, and a number is a name too: 7 is the node called 7 or "7".
    what : str, path, array or list
        ``"0,5,7-12"`` (ranges with both ends) or ``"Ann,Bob"``; a ``.txt`` or ``.npy`` file of
        these; a condition over ``x y z degree index n component`` and ``xmin xmax xmean`` (also
        of y, z), such as ``"z < 0.06"``, ``"(x > 0) & (degree > 5)"``, ``"0.1 < x < 0.2"``, and
        over the input's arrays of points and cells, as in ``"MaterialIds == 3"``, in quotes where
        the name is no word or one of the above: a node is chosen where the condition holds at one
        of its points, or at one of its corners of a cell where an array of cells is named. An
        array of zeros and ones is a condition by its name alone, as in ``"inlet"``. Or a
        mask (n,) of nodes or (N,) of the input's points, which chooses a node where one of its
        points is chosen, or of the input's cells, which chooses their nodes; a list or array of
        numbers or names. Three or more zeros and ones, some of them alike, are a mask.

    Returns
    -------
    (k,) int64
        Node numbers, each once, in order; never empty.

    Raises
    ------
    InputError
        Where a number or name is not there or names a point that was dropped, the text cannot be
        read, a mask has another length, or nothing is selected.
    """
    graph = Graph.of(graph)
    if not isinstance(what, str | os.PathLike):
        return nodes_called(graph, what, "the selection")
    text = os.fspath(what).strip()
    if not text:
        raise InputError("the selection is empty: give numbers, a file or a condition")
    path = Path(text)
    if isinstance(what, os.PathLike):
        return _in_file(graph, path)
    if words := _words(graph, text):
        return nodes_in_words(graph, words, f"'{brief(text)}'")
    is_file = path.suffix.lower() in _FILES or _is_file(path)
    if is_file and not array_called(graph, text):
        return _in_file(graph, path)
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
    if not isinstance(share, Real) or not 0 < share < 0.5:
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
    if not isinstance(share, Real) or not 0 < share <= 0.5:
        raise InputError(f"the share lies between 0 and 0.5, not {share}")
    if graph.n < 2:
        raise InputError(f"{graph.name}: one node cannot be both hot and cold")
    count = max(1, int(share * graph.n))
    order = random_from(seed).permutation(graph.n)
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


def _words(graph: Graph, text: str) -> list[str]:
    """The names, numbers and ranges that a text lists; none where it is a file or a condition."""
    names = Names(graph)
    if names.find(text) is not None:
        return [text]
    words = [word.strip() for word in text.split(",") if word.strip()]
    if _LIST.fullmatch(text) or any(names.find(word) is not None for word in words):
        return words
    plain = graph.labels is not None and not _CONDITION.search(text)
    is_file = Path(text).suffix.lower() in _FILES or _is_file(Path(text))
    return words if plain and not is_file else []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _in_file(graph: Graph, path: Path) -> np.ndarray:
    """Nodes in a text (names or numbers, ranges, # comments) or NumPy file (what arrays may be)."""
    name = brief(str(path))
    if not _is_file(path):
        raise InputError(f"{name}: there is no such file of nodes")
    if path.suffix.lower() == ".npy":
        return nodes_called(graph, read_array(path, name), name)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        raise InputError(f"{name}: it is no file of nodes") from None
    names, words = Names(graph), []
    for line in lines:
        if names.find(line.strip()) is not None:
            words.append(line.strip())
        else:
            words += line.partition("#")[0].replace(",", " ").split()
    if not words:
        raise InputError(f"{name}: it names no nodes")
    return nodes_in_words(graph, words, name)


def _of_condition(graph: Graph, text: str) -> np.ndarray:
    places = places_of_nodes(graph, text)
    names = names_at(graph, places)
    found = np.unique(places.node[holds(graph, text, names, len(places.node))])
    if len(found):
        return found.astype(np.int64)
    raise InputError(f"'{brief(text)}' selects no node of {graph.name}{ranges(text, names)}")
