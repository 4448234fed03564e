"""Matrices of a graph: incidence, Laplacians, mass, and propagation."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart
from meshrep.graphs.cells import TETRAHEDRON
from meshrep.graphs.graph import Graph, GraphLike

CONDUCTANCE_KINDS = ("graph", "cotan", "robust")
PROPAGATION_KINDS = ("sym", "self", "square")

_FLAT = 1e-6  # a triangle whose doubled area is below this share of longest edge² counts as flat
_SWELLING = 1e-3  # by which share of its longest edge the edges of a flat triangle are lengthened


def incidence(graph: GraphLike) -> sparse.csr_array:
    """Incidence matrix B (m, n), (Bw)_e = w_i − w_j for the edge e = (i, j), i < j.

    >>> import numpy as np
    >>> path = Graph.from_edges(3, np.array([[0, 1], [1, 2]]))
    >>> incidence(path).toarray()
    array([[ 1., -1.,  0.],
           [ 0.,  1., -1.]])
    """
    graph = Graph.of(graph)
    signs = np.tile([1.0, -1.0], graph.m)
    starts = np.arange(0, 2 * graph.m + 1, 2, dtype=np.int32)
    columns = graph.edges.reshape(-1).astype(np.int32)
    return sparse.csr_array((signs, columns, starts), shape=(graph.m, graph.n))


def laplacian(adjacency: sparse.csr_array) -> sparse.csr_array:
    """L = D − A (n, n) of a symmetric matrix of conductances, D the diagonal of row sums of A.

    L·1 = 0; L is positive semidefinite where no conductance is negative, and for cotan weights.
    """
    adjacency = sparse.csr_array(adjacency)
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    matrix = sparse.csr_array(sparse.diags_array(degree) - adjacency)
    matrix.sort_indices()
    return matrix


def conductances(graph: GraphLike, laplacian: str = "graph") -> sparse.csr_array:
    """Symmetric conductances a_ij ≥ 0 or, for "cotan", of either sign; shape (n, n), no diagonal.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    laplacian : {"graph", "cotan", "robust"}
        "graph": the graph's weights. "cotan": linear finite elements on the triangles,
        a_ij = ½(cot α_ij + cot β_ij), or on the tetrahedra where there are any,
        a_ij = −Σ_T |T| ∇φ_i·∇φ_j. "robust": intrinsic Delaunay triangles on a tufted cover, or
        the point cloud where there are no faces.

    Raises
    ------
    InputError
        For an unknown word, a graph without points or faces where they are needed, solid cells
        other than tetrahedra, or nodes that lie on no face.
    MissingPart
        For "robust" without robust_laplacian.

    Warns
    -----
    UserWarning
        One sentence where cotan weights are negative, and one where triangles have no area.

    References
    ----------
    Pinkall and Polthier, "Computing discrete minimal surfaces and their conjugates" (1993).
    Sharp and Crane, "A Laplacian for nonmanifold triangle meshes" (2020).
    """
    graph = Graph.of(graph)
    _check_laplacian(laplacian)
    if laplacian == "graph":
        return graph.adjacency
    matrix = _robust(graph)[0] if laplacian == "robust" else _stiffness(graph)
    coupling = sparse.csr_array(-matrix)
    coupling.setdiag(0.0)
    if laplacian == "robust":
        coupling.data = np.maximum(coupling.data, 0.0)
    coupling.eliminate_zeros()
    _check_cover(graph, coupling)
    if laplacian == "cotan":
        negative = int((coupling.data < -1e-12 * abs(coupling.data).max(initial=0.0)).sum()) // 2
        if negative:
            warnings.warn(
                f"{graph.name}: {negative} cotan weights are negative (obtuse triangles), so that "
                "the maximum principle may fail: laplacian='robust' has none",
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
    A node without area (isolated, or on flat triangles only) is given the mean mass, so that the
    mass can be divided by.
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


def propagation(coupling: sparse.csr_array, kind: str = "sym") -> sparse.csr_array:
    """The matrix P (n, n) by which a graph network averages over neighbours.

    P = I − D^{-1/2} L D^{-1/2} with L = D − A and D the diagonal of L, which is
    D^{-1/2} A D^{-1/2}; with non-negative weights its spectrum lies in [−1, 1].

    Parameters
    ----------
    coupling : (n, n) symmetric
        Conductances A; of either sign, as cotan weights are.
    kind : {"sym", "self", "square"}
        "sym": P. "self": the same with Â = A + I and D̂ = D + I (Kipf and Welling 2017).
        "square": P².

    Notes
    -----
    Conventions: an isolated node has P_ii = 1, so it keeps its value. Where some row of a signed
    A sums to nothing or less (spin glasses), D_ii = Σ_j |a_ij| is taken for every row.
    """
    if kind not in PROPAGATION_KINDS:
        raise InputError(f"unknown propagation {kind!r}: choose {', '.join(PROPAGATION_KINDS)}")
    coupling = sparse.csr_array(coupling, dtype=np.float64)
    total = absolute_row_sums(coupling)
    degree = np.asarray(coupling.sum(axis=1)).ravel()
    if (degree[total > 0] < 1e-8 * total[total > 0]).any():
        degree = total
    own = np.ones(len(total)) if kind == "self" else (total == 0.0).astype(float)
    scale = 1.0 / np.sqrt(degree + own)
    matrix = sparse.csr_array(coupling + sparse.diags_array(own))
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    matrix.data = matrix.data * scale[rows] * scale[matrix.indices]
    matrix.eliminate_zeros()
    if kind == "square":
        matrix = sparse.csr_array(matrix @ matrix)
    matrix.sort_indices()
    return matrix


def absolute_row_sums(matrix: sparse.csr_array) -> np.ndarray:
    """Σ_j |a_ij| of each row, shape (n,)."""
    sizes = (np.abs(matrix.data), matrix.indices, matrix.indptr)
    return np.asarray(sparse.csr_array(sizes, shape=matrix.shape).sum(axis=1)).ravel()


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
        tables = {kind: nodes for kind, _, nodes in graph.cells.tables()}
        solids = graph.cells.subset(np.isin(graph.cells.kinds, TETRAHEDRON))
        others = [k for k in tables if k >= TETRAHEDRON and k not in (TETRAHEDRON, 21, 22, 23, 28)]
        if others:
            raise InputError(
                f"{graph.name}: the cotan Laplacian knows triangles and linear tetrahedra, not "
                f"solid cells of VTK kind {others[0]}: triangulate them or use laplacian='graph'"
            )
        cells = solids.connectivity.reshape(-1, 4)
        a, b, c = (points[cells[:, k]] - points[cells[:, 0]] for k in (1, 2, 3))
        return cells, abs(np.einsum("ij,ij->i", a, np.cross(b, c))) / 6.0
    if len(graph.triangles) == 0:
        raise InputError(f"{graph.name}: the cotan Laplacian needs faces; use laplacian='graph'")
    cells = graph.triangles
    a, b = (points[cells[:, k]] - points[cells[:, 0]] for k in (1, 2))
    return cells, 0.5 * np.linalg.norm(np.cross(a, b), axis=1)


def _stiffness(graph: Graph) -> sparse.csr_array:
    """Stiffness matrix (n, n) of linear finite elements, −a_ij off the diagonal."""
    cells, sizes = _elements(graph)
    local = _triangle_weights(graph, cells, sizes)
    if cells.shape[1] == 4:
        local = _tetrahedron_weights(graph, cells, sizes)
    rows, columns, values = (np.concatenate(part) for part in zip(*local, strict=True))
    matrix = sparse.coo_array((-values, (rows, columns)), shape=(graph.n, graph.n))
    return sparse.csr_array(matrix + matrix.T)


Weights = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


def _triangle_weights(graph: Graph, cells: np.ndarray, areas: np.ndarray) -> Weights:
    """(i, j, ½ cot of the angle opposite ij) for the three edges of every triangle.

    From edge lengths, cot α = (b² + c² − a²) / 4|T|. The edges of flat triangles are lengthened
    by a little first (Sharp and Crane 2020, §4.5), which makes them triangles again.
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
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    return [(cells[:, i], cells[:, j], -stiff[:, i, j]) for i, j in pairs]


def _check_cover(graph: Graph, coupling: sparse.csr_array) -> None:
    """Nodes that have edges must have conductances too."""
    bare = (np.diff(graph.adjacency.indptr) > 0) & (np.diff(coupling.indptr) == 0)
    if bare.any():
        raise InputError(
            f"{graph.name}: {int(bare.sum())} nodes have edges but lie on no face (node "
            f"{int(bare.argmax())} is one), so weights by faces leave them alone: "
            "use laplacian='graph'"
        )


def _robust(graph: Graph) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Laplacian and lumped mass of robust_laplacian, of the faces or else of the points."""
    points = _points(graph, "the robust Laplacian")
    if not installed("robust_laplacian"):
        raise MissingPart("robust_laplacian", "build the robust Laplacian", "geometry")
    import robust_laplacian

    triangles = graph.triangles
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
    return matrix, lumped
