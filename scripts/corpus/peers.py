"""The graph of a file in four numbers, as meshio, trimesh, PyVista and networkx read it.

Nothing of meshrep is used: which edges a cell has is asked of VTK's own cells.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


class Counts(NamedTuple):
    """A graph in four numbers: of a mesh ``size`` is the edges' length, of a network their weight.

    A cloud of points has nodes alone.
    """

    nodes: int
    edges: int = 0
    components: int = 0
    size: float = 0.0


def counts_of(points: np.ndarray, kinds: Any, offsets: Any, connectivity: Any) -> Counts:
    """The counts of VTK cells, points at the same position merged and unused ones dropped."""
    points = np.asarray(points, dtype=np.float64)
    places, number = np.unique(points + 0.0, axis=0, return_inverse=True)
    number = number.ravel()
    kinds, offsets = np.asarray(kinds), np.asarray(offsets, dtype=np.int64)
    sizes = np.diff(offsets)
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for kind, size in sorted(set(zip(kinds.tolist(), sizes.tolist(), strict=True))):
        starts = offsets[:-1][(kinds == kind) & (sizes == size)]
        local = np.array(_edges_of(kind, size), dtype=np.int64).reshape(-1, 2)
        pairs.append(np.asarray(connectivity)[starts[:, None, None] + local].reshape(-1, 2))
    edges = np.concatenate(pairs)
    if not len(edges):
        return Counts(len(places))
    used, edges = np.unique(number[edges], return_inverse=True)
    edges = np.sort(edges.reshape(-1, 2), axis=1)
    edges = np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0)
    n = len(used)
    matrix = coo_array((np.ones(len(edges)), tuple(edges.T)), shape=(n, n))
    components = int(connected_components(matrix, directed=False)[0])
    ends = places[used][edges]
    length = float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).sum())
    return Counts(n, len(edges), components, length)


@cache
def _edges_of(kind: int, size: int) -> tuple[tuple[int, int], ...]:
    """The edges of a VTK cell in its own numbering; one with a node inside it counts as two."""
    from vtkmodules.vtkCommonDataModel import vtkGenericCell

    if kind == 6:  # VTK gives the border of a triangle strip only
        return tuple((k, k + step) for step in (1, 2) for k in range(size - step))
    if kind in (0, 1, 2):
        return ()
    if kind in (3, 4):
        return tuple((k, k + 1) for k in range(size - 1))
    cell = vtkGenericCell.InstantiateCell(kind)
    cell.GetPointIds().SetNumberOfIds(size)
    cell.GetPoints().SetNumberOfPoints(size)
    for k in range(size):
        cell.GetPointIds().SetId(k, k)
    if cell.GetCellDimension() == 1:
        chains = [list(range(size))]
    else:
        chains = []
        for k in range(cell.GetNumberOfEdges()):
            ids = cell.GetEdge(k).GetPointIds()
            chains.append([ids.GetId(j) for j in range(ids.GetNumberOfIds())])
    pairs = []
    for first, last, *inner in chains:
        along = [first, *inner, last]
        pairs += pairwise(along)
    return tuple(pairs)


def of_dataset(dataset: Any) -> Counts:
    """The counts of a PyVista dataset or a block of them."""
    import pyvista as pv

    if isinstance(dataset, pv.MultiBlock):
        dataset = dataset.combine() if dataset.n_blocks else pv.UnstructuredGrid()
    grid = dataset.cast_to_unstructured_grid()
    if not grid.n_cells:
        return counts_of(grid.points, [], [0], [])
    return counts_of(grid.points, grid.celltypes, grid.cell_offsets, grid.cell_connectivity)


def by_pyvista(path: Path) -> Counts:
    import pyvista as pv

    return of_dataset(pv.read(path))


def by_meshio(path: Path) -> Counts:
    import meshio
    from meshio._vtk_common import meshio_to_vtk_type

    mesh = meshio.read(path)
    kinds, sizes, nodes = [], [], [np.zeros(0, dtype=np.int64)]
    for block in mesh.cells:
        kind = 7 if block.type.startswith("polygon") else meshio_to_vtk_type[block.type]
        kinds += [kind] * len(block.data)
        sizes += [len(row) for row in block.data]
        nodes += [np.ravel(row) for row in block.data] if kind == 7 else [np.ravel(block.data)]
    points = np.asarray(mesh.points, dtype=np.float64)
    return counts_of(points, kinds, np.cumsum([0, *sizes]), np.concatenate(nodes).astype(np.int64))


def by_trimesh(path: Path) -> Counts:
    import trimesh

    scene = trimesh.load_scene(path, process=False)
    points, kinds, sizes, nodes, shift = [np.zeros((0, 3))], [], [], [], 0
    for part in scene.dump():
        if isinstance(part, trimesh.Trimesh):
            here, cells, kind = part.vertices, part.faces.tolist(), 5
        elif hasattr(part, "entities"):  # ``part.discrete`` would omit open lines
            runs = [entity.discrete(part.vertices) for entity in part.entities]
            here = np.concatenate(runs) if runs else np.zeros((0, 2))
            ends = np.cumsum([0, *map(len, runs)])
            cells = [list(range(a, b)) for a, b in pairwise(ends)]
            kind = 4
        else:
            here, cells, kind = part.vertices, [], 1
        here = np.asarray(here, dtype=np.float64)
        here = np.pad(here, ((0, 0), (0, 3 - here.shape[1])))
        points.append(here)
        kinds += [kind] * len(cells)
        sizes += [len(cell) for cell in cells]
        nodes += [node + shift for cell in cells for node in cell]
        shift += len(here)
    return counts_of(
        np.concatenate(points), kinds, np.cumsum([0, *sizes]), np.array(nodes, dtype=np.int64)
    )


def by_networkx(path: Path) -> Counts:
    import networkx as nx

    if path.suffix.lower() == ".mtx":
        from scipy.io import mmread

        return of_network(nx.from_scipy_sparse_array(coo_array(mmread(path)).tocsr()))
    read = {
        ".graphml": nx.read_graphml, ".gexf": nx.read_gexf,
        ".gml": lambda file: nx.read_gml(file, label="id"),
        ".edgelist": nx.read_weighted_edgelist,
    }[path.suffix.lower()]  # fmt: skip
    return of_network(read(path))


def of_network(network: Any) -> Counts:
    """The counts of a networkx graph: parallel edges add, the two directions are averaged."""
    import networkx as nx

    weights: dict[frozenset, dict[tuple, float]] = {}
    for u, v, weight in network.edges(data="weight", default=1.0):
        if u != v:
            way = (u, v) if network.is_directed() else ()
            ways = weights.setdefault(frozenset((u, v)), {})
            ways[way] = ways.get(way, 0.0) + float(weight)
    simple = nx.Graph()
    simple.add_nodes_from(network)
    simple.add_edges_from(tuple(pair) for pair in weights)
    parts = nx.number_connected_components(simple) if len(simple) else 0
    total = sum(sum(ways.values()) / len(ways) for ways in weights.values())
    return Counts(len(simple), len(weights), parts, total)


def _meshio_endings() -> set[str]:
    import meshio

    return set(meshio.extension_to_filetypes)


def _trimesh_endings() -> set[str]:
    # It hands every other ending to meshio.
    return {".stl", ".obj", ".off", ".ply", ".glb", ".gltf", ".3mf", ".dae", ".dxf", ".xyz"}


def _pyvista_endings() -> set[str]:
    from pyvista.core.utilities.reader import CLASS_READERS

    return set(CLASS_READERS)


# A library's name: the endings that it knows, and how it reads a file.
PEERS: dict[str, tuple[Callable[[], set[str]], Callable[[Path], Counts]]] = {
    "meshio": (_meshio_endings, by_meshio),
    "trimesh": (_trimesh_endings, by_trimesh),
    "pyvista": (_pyvista_endings, by_pyvista),
    "networkx": (lambda: {".graphml", ".gexf", ".gml", ".mtx", ".edgelist"}, by_networkx),
}
