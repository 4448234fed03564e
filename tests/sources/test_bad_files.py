"""Every bad file ends in one sentence that names it: never a crash, a traceback or silence."""

import json
import os
import struct
import zipfile

import numpy as np
import pytest

from meshrep.errors import InputError, MissingPart
from meshrep.sources import child, files
from meshrep.sources.files import load

HEADER = (
    "ply\nformat {form} 1.0\nelement vertex {n}\nproperty float x\nproperty float y\n"
    "property float z\nelement face {f}\nproperty list uchar int vertex_indices\nend_header\n"
)


def refused(path, *words):
    """The one sentence in which a file is refused."""
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for word in words:
        assert word in message, message
    return message


def binary_ply(points, faces, mark="<", *, header_mark=None, n=None, f=None):
    forms = {"<": "binary_little_endian", ">": "binary_big_endian"}
    head = HEADER.format(
        form=forms[header_mark or mark],
        n=len(points) if n is None else n,
        f=len(faces) if f is None else f,
    )
    body = np.asarray(points, mark + "f4").tobytes()
    body += b"".join(b"\3" + np.asarray(face, mark + "i4").tobytes() for face in faces)
    return head.encode() + body


def ascii_ply(points, faces, *, n=None, f=None):
    n, f = len(points) if n is None else n, len(faces) if f is None else f
    lines = [" ".join(map(str, row)) for row in points]
    lines += [" ".join(map(str, (len(face), *face))) for face in faces]
    return (HEADER.format(form="ascii", n=n, f=f) + "\n".join(lines) + "\n").encode()


# Truncation --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("form", ["ply", "ascii.ply", "stl", "ascii.stl", "off", "glb"])
def test_cut_short(tmp_path, icosahedron, form, share):
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.Trimesh(*icosahedron, process=False)
    more = {"encoding": "ascii"} if form == "ascii.ply" else {}
    kind = {"ascii.ply": "ply", "ascii.stl": "stl_ascii"}.get(form, form)
    data = mesh.export(file_type=kind, **more)
    data = data.encode() if isinstance(data, str) else data
    path = tmp_path / f"cut.{form}"
    path.write_bytes(data)
    load(path)
    path.write_bytes(data[: int(share * len(data))])
    refused(path)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["vtp", "vtu", "vtk", "vti"])
@pytest.mark.parametrize("share", [0.2, 0.9])
@pytest.mark.parametrize("binary", [True, False])
def test_vtk_files_cut_short(tmp_path, form, share, binary, capfd):
    pv = pytest.importorskip("pyvista")
    mesh = {
        "vtp": pv.Sphere,
        "vtu": lambda: pv.Sphere().cast_to_unstructured_grid(),
        "vtk": pv.Sphere,
        "vti": lambda: pv.ImageData(dimensions=(9, 9, 9)),
    }[form]()
    path = tmp_path / f"cut.{form}"
    mesh.point_data["value"] = np.arange(float(mesh.n_points))
    mesh.save(path, binary=binary)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    capfd.readouterr()
    refused(path)
    assert capfd.readouterr() == ("", "")  # VTK's own noise stays in the child


@pytest.mark.slow
@pytest.mark.parametrize("form", ["msh", "inp", "mesh"])
def test_meshio_files_cut_short(tmp_path, form):
    meshio = pytest.importorskip("meshio")
    points = np.random.default_rng(0).normal(size=(40, 3))
    path = tmp_path / f"cut.{form}"
    tets = np.arange(40).reshape(10, 4)
    kind = "gmsh" if form == "msh" else None
    meshio.Mesh(points, [("tetra", tets)]).write(path, file_format=kind)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    refused(path)


# Headers that lie --------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", [10**12, 2 * 10**9, 13])
def test_ply_claims_more_than_it_has(tmp_path, icosahedron, claim):
    points, faces = icosahedron
    path = tmp_path / "claim.ply"
    for made in (ascii_ply, binary_ply):
        path.write_bytes(made(points, faces, n=claim, f=10**12))
        refused(path, "claims")
    path.write_bytes(ascii_ply(points, faces, f=21))
    refused(path, "claims", "21 faces")


def test_ply_claims_fewer_vertices_than_its_faces_use(tmp_path, icosahedron):
    path = tmp_path / "fewer.ply"
    path.write_bytes(ascii_ply(icosahedron[0][:11], icosahedron[1]))
    refused(path, "names point 11")


def test_wrong_byte_order(tmp_path, icosahedron):
    path = tmp_path / "order.ply"
    for mark, other in (("<", ">"), (">", "<")):
        path.write_bytes(binary_ply(*icosahedron, mark, header_mark=other))
        refused(path, "byte order")
        path.write_bytes(binary_ply(icosahedron[0], [], mark, header_mark=other))
        refused(path, "byte order")


def test_a_list_that_runs_past_the_end(tmp_path):
    path = tmp_path / "list.ply"
    data = binary_ply([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 1, 2), (0, 2, 1)])
    at = data.index(b"end_header\n") + 11 + 36
    path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    refused(path, "runs past the end")


def test_stl_claims_more_triangles(tmp_path):
    path = tmp_path / "claim.stl"
    path.write_bytes(b"\0" * 80 + struct.pack("<I", 10**9) + b"\0" * 100)
    refused(path, "claims 1,000,000,000 triangles", "room for 2")


def test_off_claims_more(tmp_path):
    path = tmp_path / "claim.off"
    path.write_text("OFF\n1000000000000 1 0\n0 0 0\n1 0 0\n")
    refused(path, "1,000,000,000,000 vertices")


def test_vtu_claims_a_trillion_points(tmp_path):
    pytest.importorskip("vtkmodules")
    path = tmp_path / "claim.vtu"
    path.write_text(
        '<VTKFile type="UnstructuredGrid" version="0.1" byte_order="LittleEndian">'
        '<UnstructuredGrid><Piece NumberOfPoints="1000000000000" NumberOfCells="1"><Points>'
        '<DataArray type="Float64" NumberOfComponents="3" format="ascii">0 0 0</DataArray>'
        '</Points><Cells><DataArray type="Int64" Name="connectivity" format="ascii">0 1 2'
        '</DataArray><DataArray type="Int64" Name="offsets" format="ascii">3</DataArray>'
        '<DataArray type="UInt8" Name="types" format="ascii">5</DataArray></Cells></Piece>'
        "</UnstructuredGrid></VTKFile>"
    )
    refused(path)


def test_npy_and_mtx_claim_more(tmp_path):
    path = tmp_path / "claim.npy"
    np.save(path, np.array(3.0))
    refused(path, "a table of numbers")
    np.save(path, np.zeros((10, 3)))
    path.write_bytes(path.read_bytes().replace(b"(10, 3)", b"(10**9,3)"[:7]))
    refused(path)
    np.save(path, np.zeros((10, 3)))
    path.write_bytes(path.read_bytes().replace(b"(10, 3), }     ", b"(1000000000, 3)"))
    refused(path)
    path = tmp_path / "claim.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real general\n5 5 1000000000\n1 2 1\n")
    refused(path, "claims 1,000,000,000 entries")
    path.write_text("%%MatrixMarket matrix coordinate real general\n900000000000 5 1\n1 2 1\n")
    refused(path, "GiB")


def test_glb_claims_more_bytes(tmp_path):
    path = tmp_path / "claim.glb"
    path.write_bytes(b"glTF" + struct.pack("<IIII", 2, 10**9, 10**8, 0x4E4F534A) + b"{}")
    refused(path, "claims 1,000,000,000 bytes")


# Numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_coordinates_that_are_not_finite(tmp_path, icosahedron, value):
    points, faces = icosahedron
    points[7, 1] = float(value)
    points[9, 0] = float(value)
    for data in (ascii_ply(points, faces), binary_ply(points, faces)):
        path = tmp_path / "nan.ply"
        path.write_bytes(data)
        refused(path, "vertex 7", "2 vertices")


def test_nan_in_vtk(tmp_path):
    pv = pytest.importorskip("pyvista")
    sphere = pv.Sphere()
    sphere.points[5] = np.nan
    sphere.save(tmp_path / "nan.vtp")
    refused(tmp_path / "nan.vtp", "vertex 5")


@pytest.mark.parametrize("index", [-1, 12, 2**31 - 1, -(2**31)])
def test_face_index_out_of_range(tmp_path, icosahedron, index):
    points, faces = icosahedron
    faces = [*map(tuple, faces), (0, 1, index)]
    path = tmp_path / "index.ply"
    for made in (ascii_ply, binary_ply):
        path.write_bytes(made(points, faces))
        refused(path, "cell 20", str(index))


@pytest.mark.slow
@pytest.mark.parametrize("index", [-1, 3, 10**9])
def test_cell_index_out_of_range_in_vtk(tmp_path, index):
    pytest.importorskip("vtkmodules")
    path = tmp_path / "index.vtp"
    path.write_text(
        '<VTKFile type="PolyData" version="0.1" byte_order="LittleEndian"><PolyData>'
        '<Piece NumberOfPoints="3" NumberOfPolys="1"><Points><DataArray type="Float64" '
        'NumberOfComponents="3" format="ascii">0 0 0 1 0 0 0 1 0</DataArray></Points><Polys>'
        f'<DataArray type="Int64" Name="connectivity" format="ascii">0 1 {index}</DataArray>'
        '<DataArray type="Int64" Name="offsets" format="ascii">3</DataArray></Polys></Piece>'
        "</PolyData></VTKFile>"
    )
    refused(path, str(index))


@pytest.mark.parametrize(
    "face", ["1 2 0", "1 2 5", "1 2 -5", "1 2 x", "1 2 99999999999999999999", ""]
)
def test_obj_faces_that_are_wrong(tmp_path, face):
    path = tmp_path / "face.obj"
    path.write_text(f"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3\nf {face}\n")
    refused(path, "line 6")


@pytest.mark.parametrize("vertex", ["0 0", "0 0 a", ""])
def test_obj_vertices_that_are_wrong(tmp_path, vertex):
    path = tmp_path / "vertex.obj"
    path.write_text(f"v 0 0 0\n\nv {vertex}\nf 1 2 2\n")
    refused(path, "line 3")


def test_coordinates_that_are_absurd(tmp_path):
    path = tmp_path / "far.obj"
    path.write_text("v 0 0 0\nv 1e40 0 0\nv 0 1 0\nf 1 2 3\n")
    refused(path, "absurd", "vertex 1")


# Nothing there -----------------------------------------------------------------------------------

ENDINGS = [e for e in files.READ if e not in (".3mf", ".dae")]


@pytest.mark.parametrize("ending", files.READ)
def test_zero_bytes(tmp_path, ending):
    path = tmp_path / f"zero{ending}"
    path.touch()
    refused(path, "empty")


@pytest.mark.parametrize("ending", [e for e in ENDINGS if e not in files._APART])
def test_binary_garbage(tmp_path, ending):
    path = tmp_path / f"noise{ending}"
    path.write_bytes(np.random.default_rng(3).bytes(5000))
    refused(path)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".vtu", ".vtk", ".e", ".xdmf", ".glb", ".gltf", ".msh", ".inp"])
def test_binary_garbage_for_libraries(tmp_path, ending, capfd):
    path = tmp_path / f"noise{ending}"
    path.write_bytes(np.random.default_rng(3).bytes(5000))
    refused(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ply", "ply\nformat ascii 1.0\nend_header\n"),
        ("b.ply", HEADER.format(form="ascii", n=0, f=0)),
        ("c.ply", "ply\nformat ascii 1.0\nelement vertex 3\n"),
        ("d.ply", "ply\nformat ebcdic 1.0\nend_header\n"),
        ("e.ply", "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n"),
        ("f.ply", "ply\nformat ascii 1.0\nproperty float x\nend_header\n0\n"),
        ("g.ply", "ply\nformat ascii 1.0\nelement vertex -4\nend_header\n0\n"),
        ("a.obj", "# nothing\n"),
        ("a.off", "OFF\n0 0 0\n"),
        ("b.off", "OFF\n"),
        ("c.off", "NOT\n1 1 1\n"),
        ("a.stl", "solid nothing\nendsolid nothing\n"),
        ("a.csv", "x,y,z\n"),
        ("a.edgelist", "# nothing\n"),
        ("b.edgelist", "1\n2\n"),
        ("a.txt", "1\n2\n3\n"),
        ("a.graphml", "<graphml"),
        ("b.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"></graphml>'),
        ("a.gexf", "<gexf></gexf>"),
        ("a.gml", "graph [ node [ id 1 "),
        ("a.mtx", "%%MatrixMarket matrix coordinate real general\n2 3 1\n1 2 1\n"),
        ("b.mtx", "%%MatrixMarket\n"),
        ("a.vtp", "<VTKFile"),
        ("a.vtk", "# vtk DataFile Version 3.0\n"),
        ("a.gltf", "{}"),
        ("a.msh", "$MeshFormat\n"),
    ],
)
def test_nothing_in_it(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    refused(path)


def test_every_face_degenerate(tmp_path):
    path = tmp_path / "flat.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 1 0 0\nf 1 2 3\nf 1 1 2\n")
    refused(path, "degenerate")


# Files that are no files, and references ---------------------------------------------------------


def test_what_is_no_regular_file(tmp_path):
    refused(tmp_path / "missing.ply", "no such file")
    refused(tmp_path, "folder")
    os.mkfifo(tmp_path / "pipe.ply")
    refused(tmp_path / "pipe.ply", "pipe")
    refused("/dev/null", "device")
    (tmp_path / "gone.ply").symlink_to(tmp_path / "nowhere.ply")
    refused(tmp_path / "gone.ply")
    (tmp_path / "loop.ply").symlink_to(tmp_path / "loop.ply")
    refused(tmp_path / "loop.ply")
    (tmp_path / "mesh.doc").write_text("hello")
    refused(tmp_path / "mesh.doc", ".ply", ".vtu", ".graphml")
    (tmp_path / "mesh").write_text("hello")
    refused(tmp_path / "mesh", ".ply")


def test_a_name_on_two_lines_stays_on_one(tmp_path):
    path = tmp_path / "two\nlines.ply"
    path.write_text("ply\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["../secret.bin", "/etc/hosts", "file:///etc/hosts", "a/%2e%2e/../../b"]
)
def test_gltf_that_refers_elsewhere(tmp_path, uri):
    path = tmp_path / "scene.gltf"
    scene = {"asset": {"version": "2.0"}, "buffers": [{"uri": uri, "byteLength": 4}]}
    path.write_text(json.dumps(scene))
    refused(path, "outside its own folder")


@pytest.mark.parametrize("form", ["HDF", "Binary"])
@pytest.mark.parametrize("where", ["/etc/hosts", "../points.bin"])
def test_xdmf_that_refers_elsewhere(tmp_path, xdmf, form, where):
    path = tmp_path / "grid.xdmf"
    path.write_text(xdmf.format(form=form, points=where + ":/x" * (form == "HDF")))
    refused(path, "outside its own folder")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xdmf", '<Xdmf xmlns:xi="x"><xi:include href="../other.xdmf"/></Xdmf>'),
        ("b.xdmf", '<!DOCTYPE Xdmf [<!ENTITY a SYSTEM "/etc/hosts">]><Xdmf>&a;</Xdmf>'),
        ("a.pvtu", '<VTKFile><PUnstructuredGrid><Piece Source="/etc/hosts"/></PUnstructuredGrid>'),
        ("a.vtm", '<VTKFile><vtkMultiBlockDataSet><DataSet index="0" file="../a.vtp"/>'),
        ("a.pvd", '<VTKFile><Collection><DataSet timestep="0" file="/tmp/a.vtp"/></Collection>'),
        ("a.inp", "*HEADING\n*INCLUDE, INPUT=../other.inp\n"),
        ("a.bdf", "BEGIN BULK\nINCLUDE '/etc/hosts'\n"),
        ("a.case", "FORMAT\ntype: ensight gold\nGEOMETRY\nmodel: 1 ../a.geo\n"),
    ],
)
def test_references_elsewhere(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    refused(path)


def test_pickles_are_never_read(tmp_path):
    path = tmp_path / "object.npy"
    np.save(path, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    refused(path, "Python objects")
    path = tmp_path / "object.npz"
    np.savez(path, points=np.array([{"a": 1}], dtype=object))
    refused(path)


def test_an_archive_that_unpacks_to_a_thousand_times_its_size(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", b"\0" * 5 * 10**7)
    refused(path, "it holds 50,000,000 bytes of numbers in 48,")


# The child process -------------------------------------------------------------------------------


def played(monkeypatch, code):
    """Have the child run ``code`` in place of reading."""
    monkeypatch.setattr(child, "_RUN", code)


def test_a_crash_is_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "any.vtu"
    path.write_text("<VTKFile>")
    played(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    refused(path, "crashed", "SIGSEGV")
    played(monkeypatch, "raise SystemExit(3)")
    refused(path, "exit 3")
    played(monkeypatch, "raise ValueError('two' + chr(10) + 'lines')")
    refused(path, "lines")
    played(monkeypatch, 'print(\'{"meshrep": {"missing": "vtkmodules"}}\'); raise SystemExit(3)')
    with pytest.raises(MissingPart, match="vtkmodules is needed"):
        load(path)
    played(monkeypatch, 'print(\'{"meshrep": {"missing": "collada"}}\'); raise SystemExit(3)')
    refused(path, "pip install pycollada")


def test_a_child_that_takes_too_long(tmp_path, monkeypatch):
    path = tmp_path / "any.vtu"
    path.write_text("<VTKFile>")
    monkeypatch.setattr(child, "TIME_LIMIT", 0.3)
    played(monkeypatch, "import time; time.sleep(60)")
    refused(path, "still reading")


def test_a_child_that_takes_too_much_memory(tmp_path, monkeypatch):
    path = tmp_path / "any.vtu"
    path.write_text("<VTKFile>")
    code = "from meshrep.sources import child; "
    code += "child._READERS['vtk'] = lambda p: {'points': child.np.ones(10**11)}; "
    played(monkeypatch, code + "child.main(*sys.argv[3:])")
    refused(path, "needs more memory", "MESHREP_TRUST_FILES=1")


def test_the_child_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    path = tmp_path / "any.vtu"
    path.write_text("<VTKFile>")
    refused(path)
    assert not list((tmp_path / "temporary").iterdir())
