"""What a library leaves out is refused or told, and what it cannot read is named truly."""

import re
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


def test_a_grid_beyond_what_its_file_justifies(tmp_path):
    """A compressed image of 32 million equal points can be a small file."""
    pytest.importorskip("pyvista")
    path = tmp_path / "image.vti"
    path.write_text('<VTKFile type="ImageData"><ImageData WholeExtent="0 499 0 469 0 135">')
    with pytest.raises(InputError, match=r"grid of 31,960,000 points needs about 23\.8 GiB"):
        load(path)


PIECE = (
    '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian"><UnstructuredGrid>'
    '<Piece NumberOfPoints="3" NumberOfCells="1"><Points>'
    '<DataArray type="Float64" NumberOfComponents="3" format="ascii">0 0 0 1 0 0 0 1 0</DataArray>'
    '</Points><Cells><DataArray type="Int64" Name="connectivity" format="ascii">0 1 2</DataArray>'
    '<DataArray type="Int64" Name="offsets" format="ascii">3</DataArray><DataArray type="UInt8" '
    'Name="types" format="ascii">5</DataArray></Cells></Piece></UnstructuredGrid></VTKFile>'
)


@pytest.mark.parametrize("name", ["NumberOfComponents", "NumberOfCells"])
@pytest.mark.parametrize("claim", ["3000000000", "9" * 5000])
def test_claims_beyond_the_size_of_the_file(tmp_path, name, claim):
    """VTK would take minutes and all memory before it finds that the numbers are missing."""
    pytest.importorskip("vtkmodules")
    path = tmp_path / "a.vtu"
    path.write_text(re.sub(f'{name}="[0-9]"', f'{name}="{claim}"', PIECE))
    with pytest.raises(InputError, match=f"its attribute {name} is [0-9,]+, too many"):
        load(path)


def test_claims_that_are_true(tmp_path):
    pytest.importorskip("vtkmodules")
    (tmp_path / "a.vtu").write_text(PIECE)
    assert load(tmp_path / "a.vtu").m == 3


@pytest.mark.slow
@pytest.mark.parametrize("extent", ["0 1-2 0 1 0 1", "- 1", "0 " + "9" * 5000])
def test_an_extent_that_is_damaged(tmp_path, extent):
    pytest.importorskip("vtkmodules")
    path = tmp_path / "a.vti"
    path.write_text(f'<VTKFile type="ImageData"><ImageData WholeExtent="{extent}">')
    with pytest.raises(InputError):
        load(path)


def test_a_name_of_data_that_is_not_utf8(tmp_path):
    pytest.importorskip("vtkmodules")
    text = "# vtk DataFile Version 3.0\n\nASCII\nDATASET POLYDATA\nPOINTS 3 float\n"
    text += "0 0 0 1 0 0 0 1 0\nPOLYGONS 1 4\n3 0 1 2\n"
    text += "POINT_DATA 3\nSCALARS hét float\nLOOKUP_TABLE default\n1 2 3\n"
    path = tmp_path / "a.vtk"
    path.write_bytes(text.encode("latin-1"))
    assert load(path).origin.point_data["hét"].tolist() == [1, 2, 3]


LONG = "a" * 300  # longer than a name may be


@pytest.mark.parametrize("name", [LONG, "loop", "sub"])
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.inp", "*Include, input={}\n"),
        ("a.bdf", "INCLUDE '{}'\n"),
        ("a.gltf", '{{"asset": {{"version": "2.0"}}, "buffers": [{{"uri": "{0}"}}], "meshes": [{{'
        '"primitives": [{{"attributes": {{"POSITION": 0}}}}]}}], "accessors": [{{"count": 1, '
        '"type": "VEC3", "componentType": 5126, "bufferView": 0}}], "bufferViews": [{{"buffer": 0'
        "}}]}}"),
        ("a.pvd", '<VTKFile><Collection><DataSet file="{}/b.vtu"/></Collection></VTKFile>'),
    ],
)  # fmt: skip
def test_a_reference_to_no_file(tmp_path, file, text, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "sub").mkdir()
    (tmp_path / file).write_text(text.format(name))
    with pytest.raises(InputError, match=f"'{name[:79]}.*', which is not beside it"):
        load(tmp_path / file)


@pytest.mark.parametrize(("file", "line"), [("a.inp", "*Include, input="), ("a.bdf", "INCLUDE ")])
def test_a_file_that_includes_itself(tmp_path, file, line):
    (tmp_path / file).write_text(100 * f"{line}{file}\n")
    with pytest.raises(InputError, match="includes itself"):
        load(tmp_path / file)


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


@pytest.mark.parametrize("mode", ["Ascii", "Binary", "Appended"])
@pytest.mark.parametrize("header", [32, 64])
@pytest.mark.parametrize("compressed", [False, True])
def test_pieces_that_count_fewer_than_their_arrays_hold(tmp_path, mode, header, compressed):
    pv = pytest.importorskip("pyvista")
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    from meshrep.sources.formats.gaps import look_before_reading

    for coded in (True, False):
        writer = vtkXMLPolyDataWriter()
        writer.SetInputData(pv.Plane(i_resolution=3, j_resolution=2))
        writer.SetFileName(str(tmp_path / "a.vtp"))
        getattr(writer, f"SetDataModeTo{mode}")()
        getattr(writer, f"SetHeaderTypeToUInt{header}")()
        getattr(writer, f"SetCompressorTypeTo{'ZLib' if compressed else 'None'}")()
        writer.SetEncodeAppendedData(coded)
        writer.Write()
        data = (tmp_path / "a.vtp").read_bytes()
        assert look_before_reading(tmp_path / "a.vtp", "a") == ()
        for count, told in ((b'Polys="6"', "'offsets' holds 6"), (b'Points="12"', "holds 36")):
            assert count in data
            fewer = count.replace(b"6", b"5").replace(b"12", b"11")
            (tmp_path / "b.vtp").write_bytes(data.replace(count, fewer, 1))
            with pytest.raises(InputError, match=told):
                look_before_reading(tmp_path / "b.vtp", "b")


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("name", ["a.vtr", "a.vtk", "binary.vtr", "binary.vtk"])
def test_axes_of_a_grid_hold_as_many_coordinates_as_points(tmp_path, name, change, axis):
    pv = pytest.importorskip("pyvista")
    sizes = (3, 4, 5)
    path = tmp_path / name
    pv.RectilinearGrid(*(np.arange(float(size)) for size in sizes)).save(
        path, binary="binary" in name
    )
    assert load(path).n == 60
    data = path.read_bytes()
    if name == "a.vtr":
        numbers = b" ".join(b"%d" % k for k in range(sizes[axis]))
        assert data.count(b"\n        " + numbers + b"\n") == 1
        other = b" ".join(b"%d" % k for k in range(sizes[axis] + change))
        data = data.replace(b"\n        " + numbers + b"\n", b"\n" + other + b"\n")
    elif name == "binary.vtr":
        for word in (b"WholeExtent", b"Piece Extent"):
            ends = [0, 2, 0, 3, 0, 4]
            before = b'%s="%s"' % (word, " ".join(map(str, ends)).encode())
            ends[2 * axis + 1] -= change
            assert before in data
            data = data.replace(before, b'%s="%s"' % (word, " ".join(map(str, ends)).encode()))
    else:
        dimensions = list(sizes)
        dimensions[axis] -= change
        assert b"DIMENSIONS 3 4 5" in data
        data = data.replace(b"DIMENSIONS 3 4 5", b"DIMENSIONS %d %d %d" % tuple(dimensions))
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"coordinates there|its piece counts|read it whole"):
        load(path)
