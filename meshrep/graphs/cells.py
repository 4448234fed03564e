"""Cells of mixed kinds, stored flat as in VTK, with their edges, faces and triangles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from meshrep.base.arrays import frozen, read_only
from meshrep.base.pickling import Lean
from meshrep.errors import InputError

IntArray = np.ndarray

VERTEX, LINE, POLYLINE, TRIANGLE, POLYGON, QUAD = 1, 3, 4, 5, 7, 9
TETRAHEDRON, VOXEL, HEXAHEDRON, WEDGE, PYRAMID = 10, 11, 12, 13, 14

# Edges of each kind of cell, by local node numbers in VTK's order. A quadratic edge a-m-b
# counts as its two halves, so that mid-edge nodes are ordinary nodes of the graph.
_TRIANGLE = ((0, 1), (1, 2), (2, 0))
_QUAD = ((0, 1), (1, 2), (2, 3), (3, 0))
_TETRAHEDRON = ((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3))
_HEXAHEDRON = (*_QUAD, (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
_WEDGE = ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5))
_PYRAMID = (*_QUAD, (0, 4), (1, 4), (2, 4), (3, 4))


def _halved(corners: tuple[tuple[int, int], ...], first_mid: int) -> tuple[tuple[int, int], ...]:
    """Split each corner edge at its mid node; mid nodes are numbered in the order of the edges."""
    halves = []
    for k, (a, b) in enumerate(corners):
        halves += [(a, first_mid + k), (first_mid + k, b)]
    return tuple(halves)


EDGES_OF_KIND: dict[int, tuple[tuple[int, int], ...]] = {
    VERTEX: (),
    LINE: ((0, 1),),
    TRIANGLE: _TRIANGLE,
    8: ((0, 1), (1, 3), (3, 2), (2, 0)),  # pixel
    QUAD: _QUAD,
    TETRAHEDRON: _TETRAHEDRON,
    VOXEL: (
        (0, 1), (1, 3), (3, 2), (2, 0), (4, 5), (5, 7), (7, 6), (6, 4),
        (0, 4), (1, 5), (2, 6), (3, 7),
    ),
    HEXAHEDRON: _HEXAHEDRON,
    WEDGE: _WEDGE,
    PYRAMID: _PYRAMID,
    21: ((0, 2), (2, 1)),  # quadratic line
    22: _halved(_TRIANGLE, 3),
    23: _halved(_QUAD, 4),
    24: _halved(_TETRAHEDRON, 4),
    25: _halved(_HEXAHEDRON, 8),
    26: _halved(_WEDGE, 6),
    27: _halved(_PYRAMID, 5),
    28: (*_halved(_QUAD, 4), (4, 8), (5, 8), (6, 8), (7, 8)),  # nine-node quad: mids to the centre
}  # fmt: skip

KIND_NAMES = {
    VERTEX: "vertex", LINE: "line", POLYLINE: "polyline", TRIANGLE: "triangle", 8: "pixel",
    POLYGON: "polygon", QUAD: "quad", TETRAHEDRON: "tetrahedron", VOXEL: "voxel",
    HEXAHEDRON: "hexahedron", WEDGE: "wedge", PYRAMID: "pyramid", 21: "quadratic line",
    22: "quadratic triangle", 23: "quadratic quad", 24: "quadratic tetrahedron",
    25: "quadratic hexahedron", 26: "quadratic wedge", 27: "quadratic pyramid",
    28: "nine-node quad",
}  # fmt: skip

# Surface kinds as triangles of their corner nodes, the mid nodes of quadratic cells included.
TRIANGLES_OF_KIND: dict[int, tuple[tuple[int, int, int], ...]] = {
    TRIANGLE: ((0, 1, 2),),
    8: ((0, 1, 3), (0, 3, 2)),
    QUAD: ((0, 1, 2), (0, 2, 3)),
    22: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
    23: ((0, 4, 7), (4, 1, 5), (5, 2, 6), (6, 3, 7), (4, 5, 6), (4, 6, 7)),
    28: (
        (0, 4, 8), (4, 1, 8), (1, 5, 8), (5, 2, 8), (2, 6, 8), (6, 3, 8), (3, 7, 8), (7, 0, 8),
    ),
}  # fmt: skip

# Faces of each kind by their corner nodes, in order round the face. The faces of a solid all point
# outward (or all inward, where a cell is inside out): each edge of a solid then belongs to two
# faces that run along it in opposite directions.
_SIDES_TETRAHEDRON = ((0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3))
_SIDES_HEXAHEDRON = (
    (0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7),
)  # fmt: skip
_SIDES_WEDGE = ((0, 1, 2), (3, 5, 4), (0, 3, 4, 1), (1, 4, 5, 2), (2, 5, 3, 0))
_SIDES_PYRAMID = ((0, 3, 2, 1), (0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4))
FACES_OF_KIND: dict[int, tuple[tuple[int, ...], ...]] = {
    TRIANGLE: ((0, 1, 2),),
    8: ((0, 1, 3, 2),),
    QUAD: ((0, 1, 2, 3),),
    22: ((0, 1, 2),),
    23: ((0, 1, 2, 3),),
    28: ((0, 1, 2, 3),),
    TETRAHEDRON: _SIDES_TETRAHEDRON,
    VOXEL: ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)),
    HEXAHEDRON: _SIDES_HEXAHEDRON,
    WEDGE: _SIDES_WEDGE,
    PYRAMID: _SIDES_PYRAMID,
    24: _SIDES_TETRAHEDRON,
    25: _SIDES_HEXAHEDRON,
    26: _SIDES_WEDGE,
    27: _SIDES_PYRAMID,
}

SOLID_KINDS = frozenset({TETRAHEDRON, VOXEL, HEXAHEDRON, WEDGE, PYRAMID, 24, 25, 26, 27})


def _are_whole(values: np.ndarray) -> bool:
    if values.dtype.kind != "f":
        return not values.size
    return bool((np.isfinite(values) & (values == np.floor(values))).all())


@dataclass(frozen=True, eq=False)
class Cells(Lean):
    """Cells of mixed kinds.

    Attributes
    ----------
    connectivity : (k,) int64
        Node numbers of all cells, one cell after the other.
    offsets : (c+1,) int64
        Cell i owns ``connectivity[offsets[i]:offsets[i+1]]``.
    kinds : (c,) uint8
        VTK's code of each cell's kind.
    """

    connectivity: IntArray
    offsets: IntArray
    kinds: IntArray

    def __post_init__(self) -> None:
        for name, kind in (("connectivity", np.int64), ("offsets", np.int64), ("kinds", np.uint8)):
            given = np.asarray(getattr(self, name))
            if given.dtype.kind not in "iub" and not _are_whole(given):
                raise InputError(f"the {name} of cells are whole numbers, and these are not")
            if name == "kinds" and len(given) and not 0 <= given.min() <= given.max() < 256:
                raise InputError("the kinds of cells are VTK's codes, from 0 to 255")
            object.__setattr__(self, name, frozen(given, kind))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for array in (self.connectivity, self.offsets, self.kinds):  # pickle's arrays can change
            read_only(array)

    def __len__(self) -> int:
        return len(self.kinds)

    @classmethod
    def none(cls) -> Cells:
        """No cells at all."""
        return cls(np.zeros(0), np.zeros(1), np.zeros(0))

    @classmethod
    def of_kind(cls, kind: int, table: IntArray) -> Cells:
        """Cells of one kind from a (c, k) table of node numbers."""
        table = np.asarray(table)
        count, size = table.shape
        nodes = np.empty(count * size, dtype=np.int64)
        nodes.reshape(count, size)[:] = table
        offsets = size * np.arange(count + 1)
        return cls(read_only(nodes), read_only(offsets), np.full(count, kind))

    @classmethod
    def of_cloud(cls, count: int) -> Cells:
        """A vertex for each of ``count`` points."""
        return cls.of_kind(VERTEX, np.arange(count)[:, None])

    @classmethod
    def join(cls, parts: Iterable[Cells]) -> Cells:
        """The cells of all parts, in order."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.none()
        shifts = np.cumsum([0] + [len(part.connectivity) for part in parts])
        offsets = [part.offsets[1:] + shift for part, shift in zip(parts, shifts, strict=False)]
        if len(parts) == 1:
            return parts[0]
        return cls(
            read_only(np.concatenate([part.connectivity for part in parts])),
            read_only(np.concatenate([[0], *offsets])),
            read_only(np.concatenate([part.kinds for part in parts])),
        )

    def tables(self) -> Iterator[tuple[int, IntArray, IntArray]]:
        """Yield (kind, cell numbers (c,), node numbers (c, k)) for each kind and size present."""
        if not len(self):
            return
        sizes = np.diff(self.offsets)
        if len(sizes) != len(self) or self.offsets[0] or (sizes < 0).any():
            raise InputError("the offsets of cells begin with 0, never fall, and are one more")
        if self.offsets[-1] != len(self.connectivity):
            raise InputError(
                f"the cells need {self.offsets[-1]} node numbers and {len(self.connectivity)} "
                "are given"
            )
        if (sizes == sizes[0]).all() and (self.kinds == self.kinds[0]).all():
            table = self.connectivity.reshape(len(self), int(sizes[0]))
            yield int(self.kinds[0]), np.arange(len(self)), table
            return
        stride = int(sizes.max()) + 1
        keys = self.kinds.astype(np.int64) * stride + sizes
        for key in np.unique(keys).tolist():
            kind, size = divmod(key, stride)
            which = np.flatnonzero(keys == key)
            yield kind, which, self.connectivity[self.offsets[which, None] + np.arange(size)]

    def renumbered(self, number: IntArray) -> Cells:
        """The same cells, where node k has the number ``number[k]``."""
        nodes = read_only(np.asarray(number, dtype=np.int64)[self.connectivity])
        return Cells(nodes, self.offsets, self.kinds)

    def subset(self, which: IntArray) -> Cells:
        """The cells of the given numbers, or of a boolean mask, in order."""
        which = np.arange(len(self))[which]
        sizes = np.diff(self.offsets)[which]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        gather = np.repeat(self.offsets[which] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return Cells(self.connectivity[gather], offsets, self.kinds[which])

    def turned(self, over: IntArray) -> Cells:
        """The same cells, where those of a boolean mask have their nodes in reverse order."""
        where = np.arange(len(self.connectivity))
        ends = np.repeat((self.offsets[:-1] + self.offsets[1:] - 1), np.diff(self.offsets))
        reverse = np.repeat(over, np.diff(self.offsets))
        nodes = self.connectivity[np.where(reverse, ends - where, where)]
        return Cells(nodes, self.offsets, self.kinds)

    def distinct(self) -> Cells:
        """The cells, and of several of one kind on the same nodes only the first."""
        kept = [np.zeros(0, dtype=np.int64)]
        for _, which, nodes in self.tables():
            stride = int(nodes.max(initial=0)) + 1
            key, *columns = np.sort(nodes, axis=1).T
            for column in columns:
                key = np.unique(key * stride + column, return_inverse=True)[1]
            kept.append(which[np.unique(key, return_index=True)[1]])
        return self.subset(np.sort(np.concatenate(kept)))

    @property
    def has_solids(self) -> bool:
        """Whether any cell is three-dimensional."""
        return bool(np.isin(self.kinds, list(SOLID_KINDS)).any())

    @property
    def are_points(self) -> bool:
        """Whether the cells are those of a cloud: one vertex or more, and nothing else."""
        return bool(len(self)) and bool((self.kinds == VERTEX).all())

    def faces(self) -> tuple[IntArray, Cells]:
        """The two-dimensional cells as polygons of their corners, and the number of each (f,)."""
        return self._polygons(solid=False)

    def sides(self) -> tuple[IntArray, Cells]:
        """The faces of the solids as polygons of their corners, and the number of each's solid."""
        return self._polygons(solid=True)

    def _polygons(self, *, solid: bool) -> tuple[IntArray, Cells]:
        numbers, parts = [np.zeros(0, dtype=np.int64)], []
        for kind, which, nodes in self.tables():
            if (kind in SOLID_KINDS) != solid or nodes.shape[1] < 3:
                continue
            whole = (tuple(range(nodes.shape[1])),)
            for local in whole if kind == POLYGON else FACES_OF_KIND.get(kind, ()):
                numbers.append(which)
                parts.append(Cells.of_kind(POLYGON, nodes[:, local]))
        number = np.concatenate(numbers)
        order = np.argsort(number, kind="stable")
        return number[order], Cells.join(parts).subset(order)

    def following(self) -> IntArray:
        """The place in ``connectivity`` of the next node round the same cell, shape (k,)."""
        after = np.arange(1, len(self.connectivity) + 1)
        filled = np.diff(self.offsets) > 0
        after[self.offsets[1:][filled] - 1] = self.offsets[:-1][filled]
        return after

    @cached_property
    def orientation(self) -> IntArray:
        """−1 for the faces to turn over so that neighbouring faces run the same way round, else +1.

        Shape (c,). Two faces are neighbours if they share an edge with no third one. In each patch
        of neighbours the smaller part of the faces is turned over. All are +1 on a patch with only
        one side, such as Möbius's, and for cells that are not faces.
        """
        number, faces = self.faces()
        sign = np.ones(len(self), dtype=np.int8)
        sign[number[_against_the_patch(faces)]] = -1
        return sign

    def edges(self) -> IntArray:
        """Pairs of nodes (e, 2) joined by the edge of some cell; unsorted, with repetitions."""
        found = [np.zeros((0, 2), dtype=np.int64)]
        for kind, _, nodes in self.tables():
            if kind in (POLYLINE, POLYGON):
                last = nodes.shape[1] - (kind == POLYLINE)
                local = [(k, (k + 1) % nodes.shape[1]) for k in range(last)]
            elif kind in EDGES_OF_KIND:
                local = list(EDGES_OF_KIND[kind])
                need = 1 + max((max(pair) for pair in local), default=0)
                if nodes.shape[1] != need:
                    raise InputError(
                        f"a {KIND_NAMES[kind]} has {need} nodes, and one lists {nodes.shape[1]}"
                    )
            else:
                raise InputError(
                    f"cells of VTK kind {kind} are not supported: "
                    f"convert them to one of {', '.join(KIND_NAMES.values())}"
                )
            if local:
                found.append(nodes[:, np.array(local)].reshape(-1, 2))
        return np.concatenate(found)

    def triangles(self) -> IntArray:
        """Triangles (t, 3) that cover the two-dimensional cells; a polygon becomes a fan."""
        found = [np.zeros((0, 3), dtype=np.int64)]
        for kind, _, nodes in self.tables():
            if kind == POLYGON:
                local = [(0, k, k + 1) for k in range(1, nodes.shape[1] - 1)]
            else:
                local = list(TRIANGLES_OF_KIND.get(kind, ()))
            if local:
                found.append(nodes[:, np.array(local)].reshape(-1, 3))
        return np.concatenate(found)


class LazyCells(Cells):
    """Cells that are made when they are first used, and then kept.

    They serve lattices: most runs on a large lattice never draw it, and its cells take a large part
    of its memory.

    Parameters
    ----------
    make : function without arguments
        Returns the cells.
    """

    _make: Callable[[], Cells]

    def __init__(self, make: Callable[[], Cells]) -> None:
        object.__setattr__(self, "_make", make)

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def __getattr__(self, name: str) -> IntArray:
        if name not in ("connectivity", "offsets", "kinds"):
            raise AttributeError(name)
        made = self._make()
        for part in ("connectivity", "offsets", "kinds"):
            object.__setattr__(self, part, getattr(made, part))
        return self.__dict__[name]


def _against_the_patch(faces: Cells) -> IntArray:
    """Mask (f,) of the faces that run round the other way than most faces of their patch."""
    count = len(faces)
    if not count:
        return np.zeros(0, dtype=bool)
    tail, head = faces.connectivity, faces.connectivity[faces.following()]
    proper = (tail != head) & (np.minimum(tail, head) >= 0)
    face = np.repeat(np.arange(count), np.diff(faces.offsets))[proper]
    tail, head = tail[proper], head[proper]
    key = np.minimum(tail, head) * (tail.max(initial=0) + 1) + np.maximum(tail, head)
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    starts = starts[np.diff(starts, append=len(order)) == 2]
    one, other = order[starts], order[starts + 1]
    shared = face[one] != face[other]
    one, other = one[shared], other[shared]
    clash = (tail[one] < head[one]) == (tail[other] < head[other])
    # Each face has two vertices of a graph: as it is (f) and turned over (f + count). They are
    # joined to the vertices of its neighbours that run the same way round. A patch with two sides
    # then has two components.
    a, b = face[one], face[other]
    rows = np.concatenate([a, a + count])
    columns = np.concatenate([b + count * clash, b + count * ~clash])
    links = sparse.coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(2 * count,) * 2)
    side = connected_components(links, directed=False)[1]
    as_is, over = side[:count], side[count:]
    kept = np.bincount(as_is, minlength=2 * count)
    return (kept[as_is] < kept[over]) | ((kept[as_is] == kept[over]) & (as_is > over))
