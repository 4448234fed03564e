"""Drawings: the length and the shape of every kind of curve, and where blocks put them."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.formats import dxf

CIRCLE = "0 CIRCLE 10 1 20 2 30 3 40 1"


def drawn(tmp_path, entities, blocks=""):
    """The graph of a drawing whose groups are written one after the other on a line."""
    words = f"0 SECTION 2 BLOCKS {blocks} 0 ENDSEC 0 SECTION 2 ENTITIES {entities} 0 ENDSEC 0 EOF"
    path = tmp_path / "a.dxf"
    path.write_text("\n".join(words.split()) + "\n")
    return load(path)


def length(graph):
    first, second = graph.points[graph.edges[:, 0]], graph.points[graph.edges[:, 1]]
    return np.linalg.norm(first - second, axis=1).sum()


def test_a_circle_is_closed_and_long_enough(tmp_path):
    graph = drawn(tmp_path, CIRCLE)
    assert graph.n == graph.m == 128 and (graph.degree == 2).all()
    assert length(graph) == pytest.approx(2 * np.pi, rel=2e-4)
    assert np.allclose(graph.points.mean(axis=0), (1, 2, 3))
    assert graph.repairs == ("1 curve drawn as chords, 128 to a full circle",)


def test_curves_have_their_lengths(tmp_path):
    knots = "".join(f" 40 {k}" for k in (0, 0, 0, 1, 1, 1))
    quarter = "".join(f" 10 {x} 20 {y}" for x, y in ((1, 0), (1, 1), (0, 1)))
    weights = f" 41 1 41 {0.5**0.5} 41 1"  # this rational spline is a quarter of a circle
    curves = {
        "0 ARC 10 0 20 0 40 2 50 350 51 80": np.pi,
        f"0 SPLINE 70 4 71 2{knots}{quarter}{weights}": np.pi / 2,
        "0 ELLIPSE 10 0 20 0 11 3 21 0 40 1 41 0 42 3.14159265358979": 3 * np.pi,
        "0 ELLIPSE 10 0 20 0 11 0 21 2 40 1 41 0 42 6.28318530717959": 4 * np.pi,
        "0 LWPOLYLINE 90 2 70 1 10 0 20 0 42 1 10 2 20 0 42 1": 2 * np.pi,
        "0 LWPOLYLINE 90 3 70 0 10 0 20 0 10 1 20 0 42 -0.41421356237309503 10 2 20 1": 1
        + np.pi / 2,
        "0 POLYLINE 66 1 70 1 0 VERTEX 10 0 20 0 42 1 0 VERTEX 10 2 20 0 42 0 0 SEQEND": np.pi + 2,
    }
    for entity, right in curves.items():
        graph = drawn(tmp_path, entity)
        assert length(graph) == pytest.approx(right, rel=2e-4), entity
        assert graph.component_count == 1


def test_lines_and_arcs_meet(tmp_path):
    """A slot whose arcs end where its lines do, but for the digits that were written."""
    graph = drawn(
        tmp_path,
        "0 LINE 10 0 20 0.3333333 11 5 21 0.3333333 0 LINE 10 5 20 -0.3333333 11 0 21 -0.3333333 "
        "0 ARC 10 0 20 0 40 0.33333331 50 90 51 270 0 ARC 10 5 20 0 40 0.33333331 50 270 51 90",
    )
    assert (graph.component_count, graph.n) == (1, graph.m)
    assert length(graph) == pytest.approx(10 + 2 * np.pi / 3, rel=2e-4)
    assert "4 ends of curves moved onto others by rounding" in graph.repairs


def test_blocks_and_axes_of_their_own(tmp_path):
    block = "0 BLOCK 2 B 10 1 20 0 30 0 0 LINE 10 1 20 0 11 2 21 0 0 ENDBLK"
    graph = drawn(tmp_path, "0 INSERT 2 B 10 5 20 5 41 2 42 2 43 2 50 90", block)
    assert np.allclose(graph.points, [(5, 5, 0), (5, 7, 0)])
    graph = drawn(tmp_path, "0 INSERT 2 B 70 3 71 2 44 10 45 20", block)
    assert (graph.n, graph.component_count) == (12, 6)
    assert np.allclose(graph.points.max(axis=0), (21, 20, 0))
    mirrored = drawn(tmp_path, "0 ARC 10 1 20 0 40 1 50 0 51 90 210 0 220 0 230 -1")
    assert np.allclose(mirrored.points[[0, -1]], [(-2, 0, 0), (-1, 1, 0)])
    for entities, word in (
        ("0 INSERT 2 C", "'C', which is not there"),
        ("0 INSERT 2 B", "has itself inside"),
    ):
        with pytest.raises(InputError, match=word):
            drawn(tmp_path, entities, "0 BLOCK 2 B 10 0 0 INSERT 2 B 0 ENDBLK")


def test_blocks_that_unfold_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(dxf, "most_points", lambda size: 1000)
    many = "".join(
        f"0 BLOCK 2 B{k} 10 0 {f'0 INSERT 2 B{k + 1} 70 999 ' * 9}0 ENDBLK " for k in range(9)
    )
    with pytest.raises(InputError, match="makes 1,998 points or more"):
        drawn(tmp_path, "0 INSERT 2 B0", many + "0 BLOCK 2 B9 10 0 0 POINT 10 0 0 ENDBLK")


def test_faces_and_points(tmp_path):
    corners = "10 0 20 0 11 1 21 0 12 1 22 1 13 {} 23 1"
    assert drawn(tmp_path, "0 3DFACE " + corners.format(0)).m == 4
    assert drawn(tmp_path, "0 3DFACE " + corners.format(1)).m == 3
    assert length(drawn(tmp_path, "0 SOLID " + "10 0 20 0 11 1 21 0 12 0 22 1 13 1 23 1")) == 4
    vertices = "".join(
        f"0 VERTEX 10 {x} 20 {y} 30 {x * y} 70 {{}} " for x in range(3) for y in range(3)
    )
    grid = drawn(tmp_path, f"0 POLYLINE 70 16 71 3 72 3 {vertices.format(*[64] * 9)}0 SEQEND")
    assert (grid.n, grid.m, grid.points[:, 2].max()) == (9, 12, 4)
    faces = "0 VERTEX 70 128 71 1 72 2 73 -5 0 VERTEX 70 128 71 2 72 5 73 6 74 3 "
    mesh = drawn(tmp_path, f"0 POLYLINE 70 64 {vertices.format(*[192] * 9)}{faces}0 SEQEND")
    assert (mesh.n, mesh.m) == (5, 6)
    mesh = drawn(tmp_path, "0 MESH 92 3 10 0 20 0 10 1 20 0 10 0 20 1 93 4 90 3 90 0 90 1 90 2")
    assert (mesh.n, mesh.m) == (3, 3)
    assert drawn(tmp_path, "0 POINT 10 0 20 0 0 POINT 10 1 20 0").n == 2


def test_what_is_not_drawn_is_told(tmp_path):
    graph = drawn(tmp_path, f"{CIRCLE} 0 TEXT 1 a 0 LINE 67 1 10 0 20 0 11 9 21 9")
    assert graph.n == 128 and graph.repairs[-1] == "not read: 1 TEXT, 1 of paper space"
    assert drawn(tmp_path, "0 LINE 67 1 10 0 20 0 11 9 21 9").n == 2
    with pytest.raises(InputError, match=r"draws no .* but 1 TEXT"):
        drawn(tmp_path, "0 TEXT 1 a")
    with pytest.raises(InputError, match="an entity is damaged"):
        drawn(tmp_path, "0 SPLINE 71 3 10 0 20 0 10 1 20 0 40 0")
    for data, word in (
        (b"AutoCAD Binary DXF\r\n\x1a\0", "binary DXF"),
        (b"0\nSECTION\n2\nENTITIES\n0\nLINE\n10\n", "cut short"),
        (b"hello\nworld\n", "line 1 should hold a group code"),
    ):
        (tmp_path / "b.dxf").write_bytes(data)
        with pytest.raises(InputError, match=word):
            load(tmp_path / "b.dxf")
