"""Conductances and masses of a mesh: linear finite elements, and intrinsic Delaunay triangles."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
from scipy import sparse

from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart
from meshrep.graphs.cells import POLYGON, QUAD, SOLID_KINDS, TETRAHEDRON, TRIANGLES_OF_KIND
from meshrep.graphs.graph import Graph, GraphLike

CONDUCTANCE_KINDS = ("graph", "cotan", "robust")
_FLAT = 1e-6  # doubled area over the squared longest edge, below which a triangle counts as flat
_SWELLING = 1e-3  # share of its longest edge by which the edges of a flat triangle are lengthened
Weights = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


def conductances(graph: GraphLike, laplacian: str = "graph") -> sparse.csr_array:
    """Symmetric conductances a_ij ≥ 0 or, for "cotan", of either sign; shape (n, n), no diagonal.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    laplacian : {"graph", "cotan", "robust"}
        "graph": the graph's weights. "cotan": linear finite elements on the triangles,
        a_ij = ½(cot α_ij + cot β_ij), or on the tetrahedra where there are any,
        a_ij = −Σ_T |T| ∇φ_i·∇φ_j. "robust": intrinsic Delaunay triangles on a tufted cover, or
        on the point cloud, taken as samples of a surface, where there are no cells.

    Raises
    ------
    InputError
        For an unknown word, a graph without points or faces where they are needed, cells that the
        weights do not fit (solids other than tetrahedra; for "robust" any solid, and lines without
        faces; faces that no fan of triangles covers), or nodes that lie on no face.
    MissingPart
        For "robust" without robust_laplacian.

    Warns
    -----
    UserWarning
        One sentence where cotan weights are negative, where triangles have no area, where edges
        lie on no face and so get no weight, and where a cloud has edges that are not used.

    References
    ----------
    Pinkall and Polthier, "Computing discrete minimal surfaces and their conjugates" (1993).
    Sharp and Crane, "A Laplacian for nonmanifold triangle meshes" (2020).
    """
    graph = Graph.of(graph)
    _check_laplacian(laplacian)
    if laplacian == "graph":
        return graph.adjacency
    matrix, elements = _robust(graph)[::2] if laplacian == "robust" else _stiffness(graph)
    coupling = sparse.csr_array(-matrix)
    coupling.setdiag(0.0)
    if laplacian == "robust":
        coupling.data = np.maximum(coupling.data, 0.0)
    coupling.eliminate_zeros()
    _check_cover(graph, coupling, elements)
    if laplacian == "cotan":
        negative = int((coupling.data < -1e-12 * abs(coupling.data).max(initial=0.0)).sum()) // 2
        if negative:
            solid = elements.shape[1] == 4
            advice = "Delaunay tetrahedra have fewer" if solid else "laplacian='robust' has none"
            warnings.warn(
                f"{graph.name}: {negative} cotan weights are negative (obtuse angles), so that "
                f"the maximum principle may fail: {advice}",
                stacklevel=2,
            )
    coupling.sort_indices()
    return coupling


def mass(graph: GraphLike, laplacian: str = "graph") -> np.ndarray:
    """Lumped mass of each node, shape (n,), all positive.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    laplacian : {"graph", "cotan", "robust"}
        "graph": ones. "cotan": a third of the area of the adjacent triangles, or a quarter of
        the volume of the tetrahedra. "robust": as robust_laplacian lumps it.

    Raises
    ------
    InputError, MissingPart
        As :func:`conductances`.

    Notes
    -----
    A node without area (isolated, or on flat triangles only) has the mean mass of the others, so
    that it is safe to divide by the mass.
    """
    graph = Graph.of(graph)
    _check_laplacian(laplacian)
    if laplacian == "graph":
        return np.ones(graph.n)
    if laplacian == "robust":
        lumped = np.asarray(_robust(graph)[1].diagonal(), dtype=np.float64)
    else:
        cells, sizes = _elements(graph)
        share = np.repeat(sizes / cells.shape[1], cells.shape[1])
        lumped = np.bincount(cells.ravel(), share, minlength=graph.n).astype(np.float64)
    sound = np.isfinite(lumped) & (lumped > 0)
    if not sound.any():
        raise InputError(f"{graph.name}: no face has any area, so there is no mass to lump")
    return np.where(sound, lumped, lumped[sound].mean())


def _check_laplacian(laplacian: str) -> None:
    if laplacian not in CONDUCTANCE_KINDS:
        raise InputError(f"unknown laplacian {laplacian!r}: choose {', '.join(CONDUCTANCE_KINDS)}")


def _points(graph: Graph, purpose: str) -> np.ndarray:
    if graph.points is None:
        raise InputError(f"{graph.name}: {purpose} needs points; use laplacian='graph'")
    if not np.isfinite(graph.points).all():
        raise InputError(f"{graph.name}: a point has a NaN or infinite coordinate")
    return graph.points


def _elements(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Tetrahedra (c, 4) where there are solids, else triangles (c, 3), and their sizes (c,)."""
    points = _points(graph, "the cotan Laplacian")
    if graph.cells.has_solids:
        solids = graph.cells.subset(graph.cells.kinds == TETRAHEDRON)
        others = SOLID_KINDS.intersection(np.unique(graph.cells.kinds).tolist()) - {TETRAHEDRON}
        if others:
            raise InputError(
                f"{graph.name}: the cotan Laplacian knows triangles and linear tetrahedra, not "
                f"solid cells of VTK kind {min(others)}: triangulate them or use laplacian='graph'"
            )
        cells = solids.connectivity.reshape(-1, 4)
        a, b, c = (points[cells[:, k]] - points[cells[:, 0]] for k in (1, 2, 3))
        return cells, abs(np.einsum("ij,ij->i", a, np.cross(b, c))) / 6.0
    cells = _triangles(graph, points)
    if not len(cells):
        raise InputError(f"{graph.name}: the cotan Laplacian needs faces; use laplacian='graph'")
    a, b = (points[cells[:, k]] - points[cells[:, 0]] for k in (1, 2))
    return cells, 0.5 * np.linalg.norm(np.cross(a, b), axis=1)


def _triangles(graph: Graph, points: np.ndarray) -> np.ndarray:
    """Triangles (t, 3) that cover every face once, none with a node twice.

    A face of four or more corners becomes the first fan, over the choices of its apex, whose
    triangles all face the same way: a face that is not convex may have one such fan or none.

    Raises
    ------
    InputError
        Where the triangles of a face overlap whatever the apex.
    """
    found = [np.zeros((0, 3), dtype=np.int64)]
    for kind, which, nodes in graph.cells.tables():
        local = np.array(TRIANGLES_OF_KIND.get(kind, ()), dtype=np.int64).reshape(-1, 3)
        size = nodes.shape[1]
        if kind in (QUAD, POLYGON):
            spokes = np.arange(1, size - 1)
            local = np.stack([0 * spokes, spokes, spokes + 1], axis=1)
        split = nodes[:, local]
        folded = _folded(points[split])
        for apex in range(1, size) if kind in (QUAD, POLYGON) else ():
            if not folded.any():
                break
            split[folded] = nodes[folded][:, (local + apex) % size]
            folded[folded] = _folded(points[split[folded]])
        if folded.any():
            raise InputError(
                f"{graph.name}: {int(folded.sum())} faces are folded or far from convex (cell "
                f"{int(which[folded.argmax()])} is one), so that their triangles overlap: "
                "triangulate the mesh first, or use laplacian='graph'"
            )
        found.append(split.reshape(-1, 3))
    triangles = np.concatenate(found)
    a, b, c = triangles.T
    return triangles[(a != b) & (b != c) & (c != a)]


def _folded(corners: np.ndarray) -> np.ndarray:
    """Whether some triangle of a cell (c, t, 3, 3) faces away from its largest one; shape (c,)."""
    if corners.shape[1] < 2:
        return np.zeros(len(corners), dtype=bool)
    normals = np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    largest = (normals**2).sum(axis=2).argmax(axis=1)
    facing = (normals * normals[np.arange(len(normals)), largest][:, None]).sum(axis=2)
    rounding = 1e-12 * facing.max(axis=1, keepdims=True)
    return (facing < -rounding).any(axis=1)


def _stiffness(graph: Graph) -> tuple[sparse.csr_array, np.ndarray]:
    """Stiffness matrix (n, n) of linear finite elements, −a_ij off the diagonal; the elements."""
    cells, sizes = _elements(graph)
    local = _triangle_weights(graph, cells, sizes)
    if cells.shape[1] == 4:
        local = _tetrahedron_weights(graph, cells, sizes)
    rows, columns, values = (np.concatenate(part) for part in zip(*local, strict=True))
    matrix = sparse.coo_array((-values, (rows, columns)), shape=(graph.n, graph.n))
    return sparse.csr_array(matrix + matrix.T), cells


def _triangle_weights(graph: Graph, cells: np.ndarray, areas: np.ndarray) -> Weights:
    """(i, j, ½ cot of the angle opposite ij) for the three edges of every triangle.

    From edge lengths, cot α = (b² + c² − a²) / 4|T|. The edges of flat triangles are first
    lengthened a little (Sharp and Crane 2020, §4.5), so that they have an area.
    """
    if cells.shape[1] != 3:
        return []
    points = graph.points
    assert points is not None
    lengths = np.stack(
        [
            np.linalg.norm(points[cells[:, k - 2]] - points[cells[:, k - 1]], axis=1)
            for k in range(3)
        ]
    )
    longest = lengths.max(axis=0)
    flat = 2.0 * areas <= _FLAT * longest**2
    if flat.any():
        warnings.warn(
            f"{graph.name}: {int(flat.sum())} triangles have no area; their edges were lengthened "
            f"by {_SWELLING:g} of the longest one for the cotan weights",
            stacklevel=4,
        )
        lengths[:, flat] += np.where(longest[flat] > 0, _SWELLING * longest[flat], 1.0)
        a, b, c = lengths[:, flat]
        half = 0.5 * (a + b + c)
        areas = areas.copy()
        areas[flat] = np.sqrt(half * (half - a) * (half - b) * (half - c))
    square = lengths**2
    total = square.sum(axis=0)
    return [
        (cells[:, k - 2], cells[:, k - 1], 0.5 * (total - 2 * square[k]) / (4 * areas))
        for k in range(3)
    ]


def _tetrahedron_weights(graph: Graph, cells: np.ndarray, volumes: np.ndarray) -> Weights:
    """(i, j, −|T| ∇φ_i·∇φ_j) for the six edges of every tetrahedron that has a volume."""
    points = graph.points
    assert points is not None
    sides = points[cells[:, 1:]] - points[cells[:, :1]]
    flat = 6.0 * volumes <= 1e-9 * np.linalg.norm(sides, axis=2).max(axis=1) ** 3
    if flat.any():
        warnings.warn(
            f"{graph.name}: {int(flat.sum())} tetrahedra have no volume and are left out of the "
            "cotan weights",
            stacklevel=4,
        )
    cells, sides, volumes = cells[~flat], sides[~flat], volumes[~flat]
    inner = np.linalg.inv(sides).transpose(0, 2, 1)  # rows: gradients of φ_1, φ_2, φ_3
    slopes = np.concatenate([-inner.sum(axis=1, keepdims=True), inner], axis=1)
    stiff = volumes[:, None, None] * (slopes @ slopes.transpose(0, 2, 1))
    pairs = combinations(range(4), 2)
    return [(cells[:, i], cells[:, j], -stiff[:, i, j]) for i, j in pairs]


def _check_cover(graph: Graph, coupling: sparse.csr_array, elements: np.ndarray) -> None:
    """Refuse nodes with edges but no conductances; warn of edges that are part of no element."""
    bare = (np.diff(graph.adjacency.indptr) > 0) & (np.diff(coupling.indptr) == 0)
    if bare.any():
        raise InputError(
            f"{graph.name}: {int(bare.sum())} nodes have edges but lie on no face (node "
            f"{int(bare.argmax())} is one), so that weights by faces do not couple them: "
            "use laplacian='graph'"
        )
    if not len(elements):
        return
    keys = graph.edges @ np.array([graph.n, 1])  # in ascending order, as the edges are
    outside = np.ones(graph.m, dtype=bool)
    for i, j in combinations(range(elements.shape[1]), 2):
        low, high = np.sort(elements[:, [i, j]], axis=1).T
        key = low * graph.n + high
        at = np.minimum(np.searchsorted(keys, key), graph.m - 1)
        outside[at[keys[at] == key]] = False
    if outside.any():
        i, j = graph.edges[outside.argmax()].tolist()
        warnings.warn(
            f"{graph.name}: {int(outside.sum())} edges lie on no face ({i}–{j} is one), so that "
            "weights by faces let no heat flow along them",
            stacklevel=3,
        )


def _robust(graph: Graph) -> tuple[sparse.csr_array, sparse.csr_array, np.ndarray]:
    """Laplacian, lumped mass and triangles of robust_laplacian, of the faces or of a cloud."""
    points = _points(graph, "the robust Laplacian")
    if graph.cells.has_solids:
        raise InputError(
            f"{graph.name}: the robust Laplacian is for surfaces and clouds of points, and this "
            "is a solid: use laplacian='cotan' on tetrahedra, or laplacian='graph'"
        )
    triangles = _triangles(graph, points)
    if not len(triangles) and not graph.cells.are_points:
        raise InputError(
            f"{graph.name}: the robust Laplacian is for surfaces and clouds of points, and these "
            "are lines or edges without faces: use laplacian='graph'"
        )
    if not installed("robust_laplacian"):
        raise MissingPart("robust_laplacian", "build the robust Laplacian", "geometry")
    import robust_laplacian

    try:
        if len(triangles):
            used = np.unique(triangles)
            number = np.full(graph.n, -1)
            number[used] = np.arange(len(used))
            parts = robust_laplacian.mesh_laplacian(points[used], number[triangles])
        else:
            if graph.n < 4:
                raise InputError(f"{graph.name}: a cloud needs four points for a Laplacian")
            used = np.arange(graph.n)
            parts = robust_laplacian.point_cloud_laplacian(points, n_neighbors=min(30, graph.n - 1))
    except RuntimeError as error:
        raise InputError(
            f"{graph.name}: the robust Laplacian could not be built ({error}); "
            "use laplacian='graph'"
        ) from error
    spread = sparse.csr_array(
        (np.ones(len(used)), (used, np.arange(len(used)))), shape=(graph.n, len(used))
    )
    matrix, lumped = (sparse.csr_array(spread @ sparse.csr_array(p) @ spread.T) for p in parts)
    if not np.isfinite(matrix.data).all():
        raise InputError(f"{graph.name}: the robust Laplacian has entries that are not numbers")
    return matrix, lumped, triangles
