"""Numbers of nodes by the nodes' names, and from .npy files; a persistence diagram from one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources.formats.numpy_files import read_array


def node_values(graph: Graph, text: str, option: str, others: str) -> np.ndarray:
    """Values (n, …) of a .npy file, one a node or one a point of the graph's input.

    Parameters
    ----------
    graph : Graph
    text : str
        The file's name.
    option : str
        The option that the file was given to, which errors begin with.
    others : str
        What else the option takes, for the error.

    Raises
    ------
    InputError
        When the file cannot be read, or holds no numbers.
    """
    try:
        values = read_array(Path(text), text)
    except InputError as error:
        raise InputError(
            f"{option} {text}: neither {others} nor a readable .npy file of node values"
        ) from error
    if values.dtype.kind not in "fiu":
        raise InputError(f"{option} {text}: it does not hold an array of numbers")
    origin = graph.origin
    if origin is not None and values.shape[:1] == origin.node_of.shape != (graph.n,):
        values = origin.gather(values, f"{option} {text}")
    return values


def by_name(graph: Graph, values: Any, what: str) -> Any:
    """Values (n,) of a mapping or a Series of pandas by the names of the nodes, in their order.

    Other values are returned as they are, and so is a Series that is numbered 0 … n-1 although the
    nodes have other names.

    Parameters
    ----------
    graph : Graph
    values : object
    what : str
        What the values are, which errors begin with.

    Raises
    ------
    InputError
        When a node has no value or one that is no finite number, or a name is not that of a node.
    """
    if not isinstance(values, Mapping):
        if not (hasattr(values, "to_dict") and hasattr(values, "index") and np.ndim(values) == 1):
            return values
        values = values.to_dict()
        if graph.labels is not None and list(values) == list(range(graph.n)):
            return list(values.values())
    missing = [name for name in graph.names if name not in values]
    if missing:
        raise InputError(
            f"{what} gives no value to {len(missing):,} of {graph.n:,} nodes, such as "
            f"{missing[0]!r}"
        )
    if len(values) > graph.n:
        known = set(graph.names)
        other = next(name for name in values if name not in known)
        raise InputError(f"{what} names a node that is not in the graph: {other!r}")
    found = np.empty(graph.n)
    for k, name in enumerate(graph.names):
        try:
            found[k] = values[name]
        except (TypeError, ValueError):
            found[k] = np.nan
        if not np.isfinite(found[k]):
            raise InputError(
                f"{what} of node {name!r} must be a finite number, not {values[name]!r}"
            )
    return found


def diagram(text: str, option: str) -> np.ndarray:
    """Births and deaths (m, 2) from a .npy file; raises InputError when it cannot be read."""
    try:
        return read_array(Path(text), text)
    except InputError as error:
        raise InputError(f"{option} {text}: no readable .npy file of births and deaths") from error
