"""glTF 2.0, as .gltf and .glb: the meshes of a scene where its nodes place them.

Read here because trimesh drops the indices of lines and knows neither strips nor fans. Numbers in
comments are sections of Khronos's glTF 2.0 specification.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import LINE, TRIANGLE, VERTEX, Cells
from meshrep.sources.normalise import Raw
from meshrep.sources.references import inside, read_beside
from meshrep.sources.room import NODES_PER_POINT, most_points, refuse_many_points
from meshrep.sources.wording import brief, counted

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_OF_PRIMITIVE = {"attributes", "indices", "material", "mode", "targets", "extensions", "extras"}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942


def read_gltf(path: str, data: bytes, folder: Path) -> Raw:
    """The triangles, lines and points of the default scene, each mesh where its nodes put it."""
    text, binary = _chunks(path, data) if data[:4] == b"glTF" else (data, None)
    try:
        document = json.loads(text)
        asset = document.get("asset", {})
        if str(asset.get("version", "")).startswith("1") or isinstance(
            document.get("meshes"), dict
        ):
            raise _old(path)
    except InputError:
        raise
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise InputError(f"{path}: its JSON part is damaged: is it a glTF file?") from None
    scene = _Scene(path, document, folder, binary, len(data))
    try:
        scene.read()
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        told = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else error
        raise InputError(f"{path}: its JSON part is damaged ({told}): write it again") from None
    if not scene.count:
        raise InputError(f"{path}: its scene has no meshes with points: check that it is complete")
    return Raw(path, np.concatenate(scene.points), Cells.join(scene.cells), tuple(scene.remarks))


def _old(path: str) -> InputError:
    return InputError(f"{path}: it is glTF 1.0, which is not read: convert it to glTF 2.0")


def _chunks(path: str, data: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and the binary chunk of a GLB (4.4)."""
    version, total = (int.from_bytes(data[at : at + 4], "little") for at in (4, 8))
    if version == 1:
        raise _old(path)
    found: dict[int, bytes] = {}
    at = 12
    while at + 8 <= min(total, len(data)):
        size, kind = (int.from_bytes(data[at + k : at + k + 4], "little") for k in (0, 4))
        if at + 8 + size > len(data):
            total = max(total, at + 8 + size)
            break
        found.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    if total > len(data) or _JSON not in found:
        raise InputError(
            f"{path}: its header claims {total:,} bytes and the file has {len(data):,}: "
            "it is cut short or damaged"
        )
    return found[_JSON], found.get(_BINARY)


@dataclass
class _Scene:
    """A document, and what has been read of it."""

    path: str
    document: dict[str, Any]
    folder: Path
    binary: bytes | None
    size: int  # of all files, in bytes
    points: list[np.ndarray] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    count: int = 0
    listed: int = 0  # nodes of cells
    remarks: list[str] = field(default_factory=list)
    _buffers: dict[int, bytes] = field(default_factory=dict)

    def read(self) -> None:
        for buffer in self.document.get("buffers", []):
            uri = buffer.get("uri", "data:")
            if not uri.startswith("data:"):
                file = inside(self.folder, _reference(uri), self.path)
                self.size += os.path.getsize(file) if os.path.isfile(file) else 0
        scenes, nodes = self.document.get("scenes", []), self.document.get("nodes", [])
        if scenes:
            roots = scenes[self.document.get("scene", 0)].get("nodes", [])
            if len(scenes) > 1:
                self.remarks.append(f"{counted(len(scenes) - 1, 'other scene')} not read")
        else:
            children = {child for node in nodes for child in node.get("children", [])}
            roots = [k for k in range(len(nodes)) if k not in children]
        for mesh, matrix in self._placed(roots) if nodes else self._unplaced():
            shared: dict[int, int] = {}  # an accessor's points are put down once for a mesh
            for primitive in self._item("meshes", mesh)["primitives"]:
                self._primitive(primitive, matrix, shared)

    def _item(self, kind: str, number: int) -> dict[str, Any]:
        if number < 0:
            raise IndexError(f"{kind} {number}")
        item: dict[str, Any] = self.document[kind][number]
        return item

    def _unplaced(self) -> Iterator[tuple[int, np.ndarray]]:
        for number in range(len(self.document.get("meshes", []))):
            yield number, np.eye(4)

    def _placed(self, roots: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Every mesh of the scene with the matrix of its node (3.5)."""
        left = [(root, np.eye(4)) for root in roots]
        seen: set[int] = set()
        while left:
            number, above = left.pop()
            if number in seen:
                raise ValueError(f"node {number} stands in the scene twice")
            seen.add(number)
            node = self._item("nodes", number)
            matrix = above @ _matrix(node)
            if "mesh" in node:
                yield node["mesh"], matrix
            if "EXT_mesh_gpu_instancing" in node.get("extensions", {}):
                self.remarks.append("copies by EXT_mesh_gpu_instancing not read")
            left += [(child, matrix) for child in reversed(node.get("children", []))]

    def _primitive(
        self, primitive: dict[str, Any], matrix: np.ndarray, shared: dict[int, int]
    ) -> None:
        number = primitive["attributes"]["POSITION"]
        strange = sorted(primitive.keys() - _OF_PRIMITIVE)
        if strange:
            self.remarks.append(f"not read: '{brief(str(strange[0]), 20)}' of a primitive")
        accessor = self._item("accessors", number)
        compressed = "KHR_draco_mesh_compression" in primitive.get("extensions", {})
        if compressed and "bufferView" not in accessor:
            raise InputError(
                f"{self.path}: its meshes are compressed by Draco, which is not read: "
                "export it without compression"
            )
        if number not in shared:
            with np.errstate(invalid="ignore"):  # some NaNs warn when they are converted
                points = self._numbers(number).astype(np.float64)
            if accessor["type"] != "VEC3":
                raise ValueError(f"POSITION is of type {accessor['type']}")
            if accessor.get("normalized") and accessor["componentType"] != 5126:
                stored = np.dtype(_COMPONENTS[accessor["componentType"]])
                points = np.maximum(points / np.iinfo(stored).max, -1.0)  # 3.6.2.2
            shared[number] = self.count
            self.count += len(points)
            if not np.array_equal(matrix, np.eye(4)):
                with np.errstate(invalid="ignore", over="ignore"):  # told when points are checked
                    points = points @ matrix[:3, :3].T + matrix[:3, 3]
            self.points.append(points)
        size = accessor["count"]
        listed = primitive.get("indices")
        nodes = np.arange(size) if listed is None else self._numbers(listed).ravel()
        if nodes.dtype.kind not in "iu" or (len(nodes) and int(nodes.max()) >= size):
            raise InputError(f"{self.path}: a mesh names point {nodes.max()}, but it has {size}")
        self.listed += len(nodes)
        refuse_many_points(
            self.path, max(self.count, self.listed // NODES_PER_POINT), most_points(self.size)
        )
        kind, table = _cells_of_mode(primitive.get("mode", 4), nodes.astype(np.int64))
        size = {1: 2, 4: 3}.get(primitive.get("mode", 4), 1)
        if len(nodes) % size:
            self.remarks.append(
                f"{counted(len(nodes) % size, 'index', 'indices')} beyond the last cell of a "
                "primitive not read"
            )
        self.cells.append(Cells.of_kind(kind, table + shared[number]))

    def _numbers(self, number: int) -> np.ndarray:
        """An accessor's numbers, shape (count, width), its sparse ones put in (3.6.2)."""
        accessor = self._item("accessors", number)
        count, width = accessor["count"], _WIDTHS[accessor["type"]]
        kind = np.dtype(_COMPONENTS[accessor["componentType"]])
        which = np.zeros(0, dtype=np.int64)
        if sparse := accessor.get("sparse"):
            indices = sparse["indices"]
            index_kind = np.dtype(_COMPONENTS[indices["componentType"]])
            which = self._view(indices, index_kind, sparse["count"], 1).ravel()
            values = self._view(sparse["values"], kind, sparse["count"], width)
        if "bufferView" in accessor:
            found = self._view(accessor, kind, count, width)
        elif count <= 64 * max(1, len(which)):
            found = np.zeros((count, width), kind)
        else:
            raise ValueError(f"accessor {number} of {count:,} has no numbers")
        if len(which):
            found = found.copy()
            found[which] = values
        return found

    def _view(self, source: dict[str, Any], kind: np.dtype, count: int, width: int) -> np.ndarray:
        """``count`` rows of a buffer's view."""
        view = self._item("bufferViews", source["bufferView"])
        if "EXT_meshopt_compression" in view.get("extensions", {}):
            raise InputError(
                f"{self.path}: its meshes are compressed by meshopt, which is not read: "
                "export it without compression"
            )
        buffer = self._buffer(view["buffer"])
        begin = view.get("byteOffset", 0) + source.get("byteOffset", 0)
        stride = view.get("byteStride", 0) or kind.itemsize * width
        end = begin + stride * (count - 1) + kind.itemsize * width
        if count < 1 or begin < 0 or stride < 1 or end > len(buffer):
            raise InputError(
                f"{self.path}: {count:,} numbers from byte {begin:,} on do not fit into a buffer "
                f"of {len(buffer):,} bytes: the file is cut short or damaged"
            )
        return np.ndarray((count, width), kind, buffer, begin, (stride, kind.itemsize))

    def _buffer(self, number: int) -> bytes:
        if number not in self._buffers:
            uri = self._item("buffers", number).get("uri")
            self._buffers[number] = (self.binary or b"") if uri is None else self._content(uri)
        return self._buffers[number]

    def _content(self, uri: str) -> bytes:
        """The bytes that a URI names: those in itself, or those of a file in the folder."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except binascii.Error:
                raise ValueError("a data URI is no base64") from None
        return read_beside(self.folder, _reference(uri), self.path)


def _reference(uri: str) -> str:
    """The path of the file that a URI names; a URI with a scheme becomes an absolute path."""
    return "/" + uri if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri) else unquote(uri)


def _matrix(node: dict[str, Any]) -> np.ndarray:
    """A node's transformation: its matrix, stored by columns, or translation, rotation, scale."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), dtype=np.float64)
    rotation = np.array(
        [
            (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
            (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
            (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _cells_of_mode(mode: int, nodes: np.ndarray) -> tuple[int, np.ndarray]:
    """The kind and the table of the cells that a primitive's mode makes of its nodes (3.7.2.1)."""
    if mode == 0:
        return VERTEX, nodes[:, None]
    if mode == 1:
        return LINE, nodes[: len(nodes) // 2 * 2].reshape(-1, 2)
    if mode in (2, 3):
        pairs = np.stack([nodes, np.roll(nodes, -1)], axis=1)
        return LINE, pairs if mode == 2 else pairs[:-1]
    if mode == 4:
        return TRIANGLE, nodes[: len(nodes) // 3 * 3].reshape(-1, 3)
    steps = np.arange(max(0, len(nodes) - 2))
    if mode == 5:
        # Every second triangle of a strip runs backwards.
        local = np.stack([steps, steps + 1 + steps % 2, steps + 2 - steps % 2], axis=1)
        return TRIANGLE, nodes[local]
    if mode == 6:
        return TRIANGLE, nodes[np.stack([steps + 1, steps + 2, 0 * steps], axis=1)]
    raise ValueError(f"mode {mode} of a mesh is unknown")
