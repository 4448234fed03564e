"""Token formats are read whatever their lines are, and counts that lie are told."""

import struct

import numpy as np
import pytest
from problems_of_tests import mostly_slow

from meshrep.errors import InputError
from meshrep.graphs.cells import TETRAHEDRON, TRIANGLE, Cells
from meshrep.sources.files import load
from meshrep.sources.memory import from_arrays

POINTS = "0 0 0\n1 0 0\n0 1 0\n0 0 1\n"
FACES = "3 0 1 2\n3 0 1 3\n3 1 2 3\n3 0 2 3\n"
LONG = ["0 0 0 9 9 9\n1 0 0 9 9 9\n0 1 0 9 9 9\n0 0 1 9 9 9\n", FACES]
PLY = (
    "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
    "property float z\nelement face 4\nproperty list uchar int vertex_indices\nend_header\n"
)
VTK = "# vtk DataFile Version 3.0\na title\nASCII\nDATASET POLYDATA\n"


def tetrahedron(path, content):
    """Whether a file holds the tetrahedron of POINTS and FACES."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    graph = load(path)
    assert (graph.n, graph.m, len(graph.cells)) == (4, 6, 4), content
    assert np.array_equal(graph.points, [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)])
    return graph


@pytest.mark.parametrize(
    "text",
    [
        "OFF4 4 6\n" + POINTS + FACES,
        "  OFF # a comment\n\n4 4\n6\n" + POINTS + FACES,
        "OFF 4 4 6 " + (POINTS + FACES).replace("\n", " "),
        "OFF\n4 4 0\n" + POINTS.replace(" ", "\n") + FACES.replace(" 2", "\n2"),
        "OFF\n4 4 0\n" + POINTS + FACES.replace("\n", " 255 0 0\n").replace(" 1 ", " 1\n"),
        "4 4 6\n" + POINTS + FACES,
        "NOFF\n4 4 6\n" + "".join(LONG),
        "COFF\n4 4 6\n" + LONG[0].replace("\n", " 1\n") + FACES,
        "STOFF\n4 4 6\n" + LONG[0].replace(" 9\n", "\n") + FACES,
        "STCNOFF 4 4 6\n" + POINTS.replace("\n", " 1 2 3 4 5 6 7 8 9\n") + FACES,
        "4OFF\n4 4 6\n0 0 0 2\n2 0 0 2\n0 2 0 2\n0 0 2 2\n" + FACES,
        "nOFF 3\n4 4 6\n" + POINTS + FACES,
        "4nOFF\n3\n4 4 6\n0 0 0 1\n1 0 0 1\n0 1 0 1\n0 0 .5 .5\n" + FACES,
    ],
)
def test_off_in_all_its_variants(tmp_path, text):
    tetrahedron(tmp_path / "a.off", text)
    tetrahedron(tmp_path / "b.off", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("OFF BINARY\n\0\0\0\4", "binary OFF"),
        ("nOFF 5\n1 0 0\n0 0 0 0 0\n", "5 dimensions"),
        ("4OFF\n1 0 0\n0 0 0 0\n", "infinity"),
        ("OFF\n4 4 0\n" + POINTS.replace("1 0 0", "1 0") + FACES, "line 4"),
        ("OFF\n4 4 0\n" + POINTS + FACES[:-8] + "3 0 2\n", "line 10"),
    ],
)
def test_off_that_is_refused(tmp_path, text, word):
    (tmp_path / "a.off").write_text(text)
    with pytest.raises(InputError, match=word):
        load(tmp_path / "a.off")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_ply_whatever_its_lines_are(tmp_path, line_end):
    path = tmp_path / "a.ply"
    for body in (
        POINTS + FACES,
        (POINTS + FACES).replace("\n", " "),
        POINTS.replace(" ", "\n") + FACES,
    ):
        tetrahedron(path, (PLY + body).replace("\n", line_end))
    tetrahedron(path, b"\xef\xbb\xbf" + (PLY + POINTS + FACES).encode())
    header = PLY.replace("ascii", "binary_little_endian").replace("\n", line_end)
    points = np.array(POINTS.split(), "<f4").tobytes()
    faces = b"".join(struct.pack("<B3i", *map(int, row.split())) for row in FACES.splitlines())
    tetrahedron(path, header.encode() + points + faces)


def test_ply_with_a_list_before_what_is_wanted(tmp_path):
    header = PLY.replace("element face 4\n", "element face 4\nproperty list uchar float uv\n")
    tetrahedron(tmp_path / "a.ply", header + POINTS + FACES.replace("3 ", "2 0.5 0.5 3 "))


def test_obj_in_other_encodings(tmp_path):
    text = "".join(f"v {row}\n" for row in POINTS.splitlines())
    text += "".join(f"f {row}\n" for row in ("1 2 3", "1 2 4", "2 3 4", "1 3 4"))
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        tetrahedron(tmp_path / "a.obj", text.encode(encoding))


def test_stl_text_and_binary_in_disguise(tmp_path):
    corners = np.array(POINTS.split(), "f4").reshape(-1, 3)
    faces = np.array([row.split()[1:] for row in FACES.splitlines()], int)
    body = b"".join(b"\0" * 12 + corners[face].astype("<f4").tobytes() + b"\0\0" for face in faces)
    path = tmp_path / "a.stl"
    binary = b"solid of some CAD".ljust(80) + struct.pack("<I", 4) + body
    tetrahedron(path, binary)
    graph = tetrahedron(path, binary + b"\0\1\2")
    assert graph.repairs[0] == "3 bytes after the triangles that its header counts not read"
    facets = ""
    for face in faces:
        rows = "".join("vertex {:g} {:g} {:g}\n".format(*corners[k]) for k in face)
        facets += f"facet normal 0 0 1\nouter loop\n{rows}endloop\nendfacet\n"
    text = f"solid a name\n{facets}endsolid a name\n"
    for written in (
        text,
        text.replace("\n", " "),
        f"solid\n{facets}endsolid".replace(" ", "\n"),
        "\ufeff" + text.upper(),
    ):
        tetrahedron(path, written)


@pytest.mark.parametrize(
    "polygons",
    mostly_slow(
        1,
        [
            "POLYGONS 4 16\n" + FACES,
            "POLYGONS 4 16 " + FACES.replace("\n", " ") + "\n",
            "POLYGONS\n4\n16\n" + FACES.replace(" ", "\n"),
            "METADATA\nINFORMATION 0\n\npolygons 4 16\n" + FACES,
            "POLYGONS 4 16\n" + FACES + "POINT_DATA 4\nFIELD all 2\nNORMALS 1 2 float 1 nan\n"
            "t 1 1 string\nPOINTS 9 float\nSCALARS s float\nLOOKUP_TABLE default 1 2\n3 4\n",
        ],
    ),
)
def test_legacy_vtk_whatever_its_lines_are(tmp_path, polygons):
    pytest.importorskip("vtkmodules")
    tetrahedron(tmp_path / "a.vtk", f"{VTK}POINTS 4 float {POINTS}{polygons}")


def test_counts_that_are_too_small(tmp_path):
    left = "2 lines beyond the counts of its header not read"
    for name, text in (
        ("a.ply", PLY.replace("face 4", "face 2") + POINTS + FACES),
        ("a.off", "OFF\n4 2 0\n" + POINTS + FACES),
    ):
        (tmp_path / name).write_text(text)
        graph = load(tmp_path / name)
        assert (len(graph.cells), graph.repairs[0]) == (2, left)
    (tmp_path / "a.vtk").write_text(f"{VTK}POINTS 4 float\n{POINTS}POLYGONS 2 8\n{FACES}")
    with pytest.raises(InputError, match=r"POLYGONS declares 8 numbers and holds 16"):
        load(tmp_path / "a.vtk")
    (tmp_path / "a.vtk").write_bytes(
        VTK.replace("ASCII", "BINARY").encode() + b"POINTS 100000000 float\n" + b"\0" * 48
    )
    with pytest.raises(InputError, match=r"POINTS declares 300,000,000 numbers and holds 12"):
        load(tmp_path / "a.vtk")


def test_off_whose_face_has_a_size_of_too_many_digits(tmp_path):
    path = tmp_path / "a.off"
    path.write_text(f"OFF\n4 1 0\n{POINTS}{'9' * 5000} 0 1 2\n")  # Python converts 4,300 digits
    with pytest.raises(InputError, match="line 7 is no list"):
        load(path)


@pytest.mark.parametrize("count", [2.5, float("nan")])
def test_ply_whose_lists_have_no_whole_size(tmp_path, count):
    header = PLY.replace("ascii", "binary_little_endian").replace("uchar", "float")
    points = np.array(POINTS.split(), "<f4").tobytes()
    path = tmp_path / "a.ply"
    path.write_bytes(header.encode() + points + struct.pack("<f3i", count, 0, 1, 2) * 4)
    with pytest.raises(InputError, match=f"a list of 'face' has {count} numbers"):
        load(path)


def test_cells_of_more_or_fewer_nodes_than_their_kind():
    points = np.random.default_rng(0).normal(size=(8, 3))
    wrong = ((TRIANGLE, 6, "triangle"), (9, 3, "quad"), (3, 3, "line"), (11, 4, "voxel"),
             (TETRAHEDRON, 5, "tetrahedron"), (29, 8, "29"))  # fmt: skip
    for kind, size, name in wrong:
        table = np.arange(size)[None]
        with pytest.raises(InputError, match=rf"cell 0 .* {name} and lists {size} nodes"):
            from_arrays(points, Cells.of_kind(kind, table))
    empty = Cells(np.arange(3), np.array([0, 0, 3]), np.array([0, TRIANGLE]))
    assert from_arrays(points, empty).m == 3
