"""glTF: every mode of a primitive with and without indices, places in the scene, and refusals."""

import base64
import json
import struct

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load

SQUARE = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], "<f4")


def document(primitive, indices=(), points=SQUARE, **more):
    data = points.tobytes() + np.array(indices, "<u2").tobytes()
    uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    accessors = [{"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"}]
    if len(indices):
        primitive = {**primitive, "indices": 1}
        accessors.append(
            {"bufferView": 1, "componentType": 5123, "count": len(indices), "type": "SCALAR"}
        )
    return {
        "asset": {"version": "2.0"},
        "buffers": [{"uri": uri, "byteLength": len(data)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": points.nbytes},
            {"buffer": 0, "byteOffset": points.nbytes, "byteLength": 2 * len(indices)},
        ],
        "accessors": accessors,
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, **primitive}]}],
        **more,
    }


def read(tmp_path, content, name="a.gltf"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return load(path)


RING = {(0, 1), (1, 2), (2, 3), (0, 3)}


@pytest.mark.parametrize(
    ("mode", "indices", "edges"),
    [
        (1, (0, 3, 3, 2, 2, 1, 1, 0), RING),
        (1, (), {(0, 1), (2, 3)}),
        (2, (), RING),
        (2, (0, 2, 1), {(0, 2), (1, 2), (0, 1)}),
        (3, (), RING - {(0, 3)}),
        (4, (0, 1, 2, 0, 2, 3), RING | {(0, 2)}),
        (None, (0, 1, 2, 0, 2, 3), RING | {(0, 2)}),
        (5, (0, 1, 3, 2), RING | {(1, 3)}),
        (6, (), RING | {(0, 2)}),
    ],
)
def test_modes(tmp_path, mode, indices, edges):
    graph = read(tmp_path, document({} if mode is None else {"mode": mode}, indices))
    order = graph.origin.points[graph.origin.node_of.argsort(kind="stable")]
    numbers = [int(np.flatnonzero((p == SQUARE).all(axis=1))[0]) for p in graph.points]
    assert {tuple(sorted((numbers[a], numbers[b]))) for a, b in graph.edges} == edges
    assert len(order) == 4


def test_nodes_place_their_meshes(tmp_path):
    half = 0.5**0.5
    nodes = [
        {"mesh": 0, "children": [1]},
        {
            "translation": [5, 0, 0],
            "scale": [2, 2, 2],
            "rotation": [0, 0, half, half],
            "children": [2],
        },
        {"mesh": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 3, 1]},
        {"mesh": 0},
    ]
    scenes = [{"nodes": [0]}, {"nodes": [3]}]
    graph = read(tmp_path, document({"mode": 3}, nodes=nodes, scenes=scenes))
    assert (graph.n, graph.component_count) == (8, 2)
    assert np.allclose(graph.points[4:], [(5, 0, 6), (5, 2, 6), (3, 2, 6), (3, 0, 6)])
    assert graph.repairs == ("1 other scene not read",)


def test_glb_and_sparse_numbers(tmp_path):
    scene = document({"mode": 2})
    data = (
        SQUARE.tobytes()
        + np.array([2], "<u2").tobytes()
        + b"\0\0"
        + np.float32([9, 9, 9]).tobytes()
    )
    scene["buffers"] = [{"byteLength": len(data)}]
    scene["bufferViews"] += [{"buffer": 0, "byteOffset": 48}, {"buffer": 0, "byteOffset": 52}]
    scene["accessors"][0]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": 2, "componentType": 5123},
        "values": {"bufferView": 3},
    }
    claims = document({})
    claims["accessors"][0] = claims["accessors"][0] | {"count": 10**13}
    del claims["accessors"][0]["bufferView"]
    claims["accessors"][0]["sparse"] = scene["accessors"][0]["sparse"] | {"count": 10**12}
    claims["bufferViews"] = scene["bufferViews"]
    with pytest.raises(InputError, match=r"1,000,000,000,000 numbers .* do not fit"):
        read(tmp_path, json.dumps(claims).encode(), "a.gltf")
    text = json.dumps(scene).encode()
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    chunks += struct.pack("<II", len(data), 0x004E4942) + data
    glb = b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks
    graph = read(tmp_path, glb, "a.glb")
    assert (graph.n, graph.m) == (4, 4) and graph.points[2].tolist() == [9, 9, 9]
    with pytest.raises(InputError, match="cut short"):
        read(tmp_path, glb[:-5], "a.glb")
    with pytest.raises(InputError, match=r"glTF 1\.0"):
        read(tmp_path, b"glTF" + struct.pack("<IIII", 1, 24, 4, 0) + b"{}  ", "a.glb")


def test_what_is_refused(tmp_path):
    draco = document({"extensions": {"KHR_draco_mesh_compression": {}}})
    del draco["accessors"][0]["bufferView"]
    packed = document({})
    packed["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {}}
    short = document({})
    short["accessors"][0]["count"] = 10**12
    beside = document({})
    beside["buffers"] = [{"uri": "none.bin", "byteLength": 48}]
    loop = document({}, nodes=[{"mesh": 0, "children": [0]}], scenes=[{"nodes": [0]}])
    for content, word in (
        (draco, "Draco"),
        (packed, "meshopt"),
        (short, "do not fit"),
        (beside, "not beside it"),
        (loop, "twice"),
        ({"asset": {"version": "1.0"}, "meshes": {}}, r"glTF 1\.0"),
        ({"asset": {"version": "2.0"}, "meshes": [{}]}, "'primitives' is missing"),
        (document({"mode": 9}), "mode 9"),
        (document({}, (0, 1, 7)), "names point 7"),
        (b"{", "is it a glTF file"),
    ):
        with pytest.raises(InputError, match=word):
            read(tmp_path, content)
