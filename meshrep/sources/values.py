"""Numbers from .npy files: one a node, or a persistence diagram."""

from __future__ import annotations

from pathlib import Path

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


def diagram(text: str, option: str) -> np.ndarray:
    """Births and deaths (m, 2) from a .npy file; raises InputError when it cannot be read."""
    try:
        return read_array(Path(text), text)
    except InputError as error:
        raise InputError(f"{option} {text}: no readable .npy file of births and deaths") from error
