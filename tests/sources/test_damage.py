"""Files damaged at random: a graph or one sentence, never anything else."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.lattices import triangular

WORDS = (b"9", b"-1", b"nan ", b"\n", b" ", b"1e999", b"#", b"99999999999", b"{", b"\xff", b"\0")


def sound_files(tmp_path):
    """A small sound file of each format that is read in this process, by ending."""
    mesh = triangular(5, 6)
    points, faces = mesh.points, mesh.triangles
    rows = "".join(f"{x} {y} {z}\n" for x, y, z in points.tolist())
    head = (
        f"element vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    threes = "".join(f"3 {a} {b} {c}\n" for a, b, c in faces.tolist())
    record = np.zeros(len(faces), [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")])
    record["c"] = points[faces]
    listed = np.zeros(len(faces), [("k", "u1"), ("f", "<i4", 3)])
    listed["k"], listed["f"] = 3, faces
    loops = "".join(
        "facet normal 0 0 1\nouter loop\n"
        + "".join(f"vertex {x} {y} {z}\n" for x, y, z in corners)
        + "endloop\nendfacet\n"
        for corners in points[faces].tolist()
    )
    np.save(tmp_path / "a.npy", points)
    np.savez(tmp_path / "a.npz", points=points, faces=faces)
    pairs = "".join(f"{i} {j}\n" for i, j in mesh.edges.tolist())
    return {
        "text.ply": ("ply\nformat ascii 1.0\n" + head + rows + threes).encode(),
        "binary.ply": ("ply\nformat binary_little_endian 1.0\n" + head).encode()
        + points.astype("<f4").tobytes()
        + listed.tobytes(),
        "a.obj": "".join(f"v {row}\n" for row in rows.splitlines()).encode()
        + "".join(f"f {a + 1}/1 {b + 1}/2 {c + 1}/3\n" for a, b, c in faces.tolist()).encode(),
        "a.off": f"OFF\n{len(points)} {len(faces)} 0\n{rows}{threes}".encode(),
        "text.stl": f"solid s\n{loops}endsolid s\n".encode(),
        "binary.stl": b"\0" * 80 + len(faces).to_bytes(4, "little") + record.tobytes(),
        "a.xyz": rows.encode(),
        "a.csv": b"source,target\n" + pairs.replace(" ", ",").encode(),
        "a.edges": pairs.encode(),
        "a.npy": (tmp_path / "a.npy").read_bytes(),
        "a.npz": (tmp_path / "a.npz").read_bytes(),
    }


def damaged(data, random):
    """The bytes after one to three accidents."""
    data = bytearray(data)
    for _ in range(random.integers(1, 4)):
        at = int(random.integers(len(data) if random.random() < 0.5 else min(len(data), 300)))
        accident = random.integers(5)
        if accident == 0:
            data[at] = random.integers(256)
        elif accident == 1:
            del data[at : at + int(random.integers(1, 30))]
        elif accident == 2:
            data[at:at] = WORDS[random.integers(len(WORDS))]
        elif accident == 3:
            data[at:at] = data[int(random.integers(len(data))) :][:40]
        else:
            data = data[: at + 1]
    return bytes(data)


@pytest.mark.filterwarnings("error")
def test_damage_is_a_graph_or_a_sentence(tmp_path):
    random = np.random.default_rng(0)
    for name, data in sound_files(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(data)
        assert load(path).n == 24
        for _ in range(40):
            path.write_bytes(damaged(data, random))
            try:
                load(path)
            except InputError as error:
                assert str(path) in str(error)
                assert "\n" not in str(error)
