"""Node values under the names of the nodes: CSV, JSON and GraphML, and frames over time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.names import distinct
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view.as_networkx import with_names
from meshrep.view.dataset import checked_fields
from meshrep.view.meshes import write_mesh, write_series
from meshrep.view.write import replacing, write_csv, write_json

TABLES = (".csv", ".json", ".graphml")
_OF_FRAMES = (".csv", ".json", ".npz", ".pvd")


def write_fields(
    graph: Graph, fields: Mapping[str, np.ndarray], path: str | os.PathLike[str], **mesh: Any
) -> Path:
    """Write node values as a table under the names of the nodes, or with the mesh.

    Parameters
    ----------
    graph : Graph
    fields : mapping of str to (n,) or (n, k) array
    path : path
        A .csv has the column "node" and one for each number; a .json an object for each node by
        its name; a .graphml the network with its weights and the values as attributes. Other
        endings are those of :func:`meshrep.view.meshes.write_mesh`, to which ``mesh`` goes.

    Raises
    ------
    InputError
        If the values do not fit the graph, or the file cannot be written.
    MissingPart
        If networkx is needed and not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in TABLES:
        return write_mesh(graph, fields, path, **mesh)
    columns = _columns(checked_fields(graph, fields))
    names = distinct(graph.names)
    if suffix == ".csv":
        return write_csv({"node": names, **columns}, path)
    rows = [
        dict(zip(columns, row, strict=True))
        for row in zip(*(column.tolist() for column in columns.values()), strict=True)
    ]
    if suffix == ".json":
        return write_json(dict(zip(names, rows, strict=True)), path)
    return _write_graphml(graph, names, rows, path)


def _columns(fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One column (n,) for each number of a node."""
    columns: dict[str, np.ndarray] = {}
    for name, values in fields.items():
        if values.ndim == 1:
            columns[name] = values
        else:
            columns |= {f"{name}_{k}": column for k, column in enumerate(values.T)}
    return columns


def _write_graphml(
    graph: Graph, names: list[str], rows: list[dict[str, float]], path: Path
) -> Path:
    """Write the network, its places as "x", "y" and "z", as most programs read them."""
    network = with_names(graph, names)
    places = np.zeros((graph.n, 0)) if graph.points is None else graph.points
    for name, row, place in zip(names, rows, places.tolist(), strict=True):
        network.nodes[name].update(row | dict(zip("xyz", place, strict=False)))
    import networkx

    with replacing(path) as temporary:
        networkx.write_graphml(network, temporary)
    return path


def write_frames(
    graph: Graph,
    times: np.ndarray,
    fields: np.ndarray,
    path: str | os.PathLike[str],
    *,
    measures: Mapping[str, np.ndarray],
    field: str,
    symbols: Mapping[str, str] | None = None,
) -> Path:
    """Write fields over time, in the format of the suffix.

    Parameters
    ----------
    graph : Graph
    times : (k,) array
    fields : (k, n) or (k, n, d) array
    path : path
        A .csv or .json has a column for the time, each measure and each node under its name; a
        .npz arrays; a .pvd lists one mesh a frame.
    measures : mapping of str to (k,) array
    field : str
        The name of the values in the meshes of a .pvd.
    symbols : mapping of str to str
        Symbols of units by the names of fields, for the meshes of a .pvd.

    Raises
    ------
    InputError
        If the suffix is another one, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".pvd":
        frames = zip(times.tolist(), fields, strict=True)
        return write_series(
            graph, frames, path.parent, path.stem, field=field, symbols=symbols
        )  # fmt: skip
    if suffix == ".npz":
        names = np.array(distinct(graph.names), str)
        arrays = {"times": times, "fields": fields, **measures, "names": names}
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        return path
    if suffix not in _OF_FRAMES:
        raise InputError(f"{path}: frames can be written to {', '.join(_OF_FRAMES)}")
    columns: dict[str, Any] = {"time": times, **measures}
    nodes = distinct(graph.names, taken=columns)
    columns |= _columns({name: fields[:, k] for k, name in enumerate(nodes)})
    return write_csv(columns, path) if suffix == ".csv" else write_json(columns, path)
