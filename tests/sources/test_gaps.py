"""What a library leaves out is refused or told, and what it cannot read is named truly."""

import zipfile

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.dat", "TITLE\nVARIABLES = X Y\nZONE N=3\n0 0\nZONE N=3\n"),
        ("a.su2", "NZONE= 2\nIZONE= 1\nNDIME= 2\n"),
    ],
)
def test_several_zones(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="it has 2 zones, and one is read"):
        load(tmp_path / name)


@pytest.mark.parametrize(("name", "word"), [("a.dat", "no Tecplot"), ("a.ele", "no line of num")])
def test_files_of_another_kind(tmp_path, name, word):
    (tmp_path / name).write_text("# a comment\n")
    with pytest.raises(InputError, match=word):
        load(tmp_path / name)


def test_parts_of_3mf(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.3mf", "w") as archive:
        archive.writestr("3D/3dmodel.model", '<build><item objectid="1" p:path="/3D/b.model"/>')
    with pytest.raises(InputError, match="production extension"):
        load(tmp_path / "a.3mf")


def test_gmsh_with_data_for_some_cells(tmp_path):
    meshio = pytest.importorskip("meshio")
    path = tmp_path / "a.msh"
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)], float)
    mesh = meshio.Mesh(points, [("triangle", [[0, 1, 2], [1, 3, 2]])])
    mesh.write(path, file_format="gmsh22", binary=False)
    data = '$ElementData\n1\n"t"\n1\n0.0\n3\n0\n1\n1\n1 5.0\n$EndElementData\n'
    path.write_text(path.read_text() + data)
    graph = load(path)
    assert (graph.n, graph.m) == (4, 5)


def test_pieces_and_blocks(tmp_path):
    pv = pytest.importorskip("pyvista")
    for k in range(2):
        plane = pv.Plane(center=(5 * k, 0, 0), i_resolution=1, j_resolution=1)
        plane.save(tmp_path / f"{k}.vtp")
    pieces = "<DataSet index='0' {0} file='0.vtp'/><DataSet index=\"1\" {1} file=\"{2}.vtp\"/>"
    inner = pieces.format("", "", 1)
    blocks = (
        '<VTKFile type="vtkMultiBlockDataSet" version="1.0"><vtkMultiBlockDataSet><Block index="0">'
        f'<Piece index="0">{inner}</Piece></Block></vtkMultiBlockDataSet></VTKFile>'
    )
    (tmp_path / "a.vtm").write_text(blocks)
    whole = (
        '<VTKFile type="PPolyData" version="1.0"><PPolyData GhostLevel="0"><PPoints><PDataArray '
        'type="Float32" NumberOfComponents="3"/></PPoints><Piece Source="0.vtp"/>'
        '<Piece Source="1.vtp"/></PPolyData></VTKFile>'
    )
    (tmp_path / "a.pvtp").write_text(whole)
    for name in ("a.vtm", "a.pvtp"):
        graph = load(tmp_path / name)
        assert (graph.n, graph.m, graph.component_count) == (8, 8, 2)
    (tmp_path / "a.pvtp").write_text(whole.replace("1.vtp", "2.vtp"))
    with pytest.raises(InputError, match=r"refers to '2\.vtp', which is not beside it"):
        load(tmp_path / "a.pvtp")
    steps = pieces.format("timestep='0'", 'timestep="1"', 1)
    (tmp_path / "a.pvd").write_text(
        f'<VTKFile type="Collection" version="0.1"><Collection>{steps}</Collection></VTKFile>'
    )
    graph = load(tmp_path / "a.pvd")
    assert (graph.n, graph.repairs) == (4, ("the first of 2 time steps read",))


def test_a_grid_beyond_memory(tmp_path, monkeypatch):
    """A compressed image of 32 million equal points is a small file."""
    pytest.importorskip("pyvista")
    path = tmp_path / "image.vti"
    path.write_text('<VTKFile type="ImageData"><ImageData WholeExtent="0 499 0 469 0 135">')
    monkeypatch.setattr("meshrep.sources.formats.gaps.available_memory", lambda: 1 << 30)
    with pytest.raises(InputError, match=r"grid of 31,960,000 points needs about 23\.8 GiB"):
        load(path)


CASE = """FORMAT
type: ensight gold
GEOMETRY
model: square.geo
VARIABLE
scalar per node:\theat \tsquare.heat
complex scalar per node: 1 wave square.re square.im 2.
TIME
time set: 1
number of steps: 1
time values: 0
"""
GEO = """a square
for a test
node id off
element id off
part
1
one part
coordinates
4
0.
1.
1.
0.
0.
0.
1.
1.
0.
0.
0.
0.
quad4
1
1 2 3 4
"""


def test_ensight_with_variables(tmp_path):
    """A variable's line names the variable before its file, and a complex one two files."""
    pytest.importorskip("pyvista")
    path = tmp_path / "square.case"
    path.write_text(CASE)
    (tmp_path / "square.geo").write_text(GEO)
    values = "a variable\npart\n1\ncoordinates\n1.\n2.\n3.\n4.\n"
    (tmp_path / "square.heat").write_text(values)
    (tmp_path / "square.re").write_text(values)
    with pytest.raises(InputError, match=r"refers to 'square\.im', which is not beside it"):
        load(path)
    (tmp_path / "square.im").write_text(values)
    graph = load(path)
    assert (graph.n, graph.m, graph.component_count) == (4, 4, 1)
