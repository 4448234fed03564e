"""What a small file may take: 500 MB and 10 seconds, whatever it says."""

import io
import json
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

import meshrep
from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.room import available_memory, room_for

MEGABYTES, SECONDS = 500, 10.0
MEASURE = """
import json, pathlib, resource, sys
import meshrep
told = ""
try:
    meshrep.load(sys.argv[1])
except meshrep.errors.InputError as error:
    told = str(error)
used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
most = [used[0].ru_maxrss / 1024]
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss of this process includes what its parent took before the fork
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    most.append(int(line.split()[1]) / 1024)
print(json.dumps([told, most, [of.ru_utime for of in used]]))
"""


def measured(path):
    """The sentence in which a file is refused, within the bounds of memory and of time."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told, memory, seconds = json.loads(done.stdout)
    if sys.platform == "linux":  # where a limit of memory holds
        assert max(memory) < MEGABYTES, told
    assert sum(seconds) < SECONDS, told
    assert "\n" not in told and len(told) < 600
    return told


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name.replace("__", "/").replace("_", "."), data)


def header(shape, kind):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return out.getvalue()


LEGACY = "# vtk DataFile Version 5.1\nx\nBINARY\nDATASET "
MODEL = (
    '<model xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources>'
    '<object id="1" type="model"><mesh><vertices>'
    + '<vertex x="0" y="0" z="0"/>' * 3
    + "</vertices><triangles>"
    + '<triangle v1="0" v2="1" v3="2"/>' * 2_000_000
    + '</triangles></mesh></object></resources><build><item objectid="1"/></build></model>'
)


def write(path, name):
    """One of the files that declare more than they hold, or unpack to more than they are."""
    if name == "bomb.npz":
        archive(path, points_npy=header((16_000_000, 3), "|u1") + b"\0" * 48_000_000)
    elif name == "bomb.3mf":
        archive(path, **{"3D__3dmodel_model": MODEL, "_rels__": ""})
    elif name == "nodes.mtx":
        path.write_text(
            "%%MatrixMarket matrix coordinate pattern general\n100000000 100000000 1\n1 2"
        )
    elif name == "coo.npz":
        ends = {"row": np.array([0]), "col": np.array([1]), "data": np.ones(1)}
        np.savez(path, format=np.bytes_("coo"), shape=np.array([10**8] * 2), **ends)
    elif name == "components.vtk":
        path.write_text(LEGACY + "POLYDATA\nFIELD FieldData 1\nx 30000 30000 double\n")
    elif name == "cells.vtk":
        path.write_text(LEGACY + "UNSTRUCTURED_GRID\nCELLS 100000000 400000000\n")
    elif name == "grid.vti":
        ends = "0 499 0 469 0 135"
        path.write_text(
            f'<?xml version="1.0" encoding="UTF-16"?><VTKFile type="ImageData" version="1.0">'
            f'<ImageData WholeExtent="{ends}" Origin="0 0 0" Spacing="1 1 1">'
            f'<Piece Extent="{ends}"/></ImageData></VTKFile>',
            encoding="utf-16",
        )
    elif name == "points.msh":
        path.write_text("$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n1000000000\n1 0 0 0\n")
    elif name == "zone.dat":
        path.write_text(
            'VARIABLES="X","Y","Z"\nZONE N=1000000000, E=1, ZONETYPE=FETRIANGLE\n0 0 0\n'
        )
    elif name == "items.xdmf":
        item = '<DataItem Dimensions="1000000000 3" Format="XML">0 1 2</DataItem>'
        path.write_text(
            '<Xdmf Version="2.0"><Domain><Grid><Topology TopologyType="Triangle" '
            f'NumberOfElements="1000000000">{item}</Topology><Geometry GeometryType="XYZ">{item}'
            "</Geometry></Grid></Domain></Xdmf>"
        )


@pytest.mark.parametrize("name", ["bomb.npz", "bomb.3mf", "cells.vtk"])
def test_a_small_file_takes_little(tmp_path, name):
    write(tmp_path / name, name)
    assert measured(tmp_path / name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["nodes.mtx", "coo.npz", "components.vtk", "grid.vti", "points.msh", "zone.dat", "items.xdmf"],
)
def test_other_small_files_take_little(tmp_path, name):
    write(tmp_path / name, name)
    assert measured(tmp_path / name)


def test_the_room_grows_with_the_file():
    assert room_for(0) == room_for(2_000_000) <= 420e6
    free = available_memory()
    assert room_for(3_000_000) - room_for(0) == 10**9 or room_for(3_000_000) < 0.81 * free


@pytest.mark.parametrize("name", ["grid.vti", "points.npz"])
def test_a_sound_file_of_much_content_is_read_where_it_is_trusted(tmp_path, name, monkeypatch):
    path = tmp_path / name
    monkeypatch.setattr("meshrep.sources.room._FOR_A_SMALL_FILE", 1 << 20)
    if name == "grid.vti":
        pytest.importorskip("pyvista").ImageData(dimensions=(40, 30, 9)).save(path)
    else:
        np.savez_compressed(path, points=np.arange(30_000.0).reshape(-1, 3))
    with pytest.raises(InputError, match="MESHREP_TRUST_FILES=1"):
        load(path)
    monkeypatch.setenv("MESHREP_TRUST_FILES", "1")
    assert load(path).n in (40 * 30 * 9, 10_000)


def test_a_child_that_computes_too_long(tmp_path, monkeypatch):
    pytest.importorskip("resource")
    path = tmp_path / "any.vtu"
    path.write_text("<VTKFile>")
    monkeypatch.setattr("meshrep.sources.child._LEAST_WORK", 0.1)
    endless = "from meshrep.sources import child\ndef read(path):\n    while True:\n        pass\n"
    endless += "child._READERS['vtk'] = read\nchild.main(*sys.argv[3:], sys.argv[2])"
    monkeypatch.setattr("meshrep.sources.child._WHERE", "import json, sys\n")
    monkeypatch.setattr(
        "meshrep.sources.child._RUN", "sys.path[:] = json.loads(sys.argv[1])\n" + endless
    )
    with pytest.raises(InputError, match="needs longer"):
        load(path)


# What a small file unfolds to --------------------------------------------------------------------

CIRCLE = "0\nCIRCLE\n10\n0\n20\n0\n40\n1\n"
ROWS = "0\nINSERT\n2\nB\n70\n900\n71\n900\n"
DXF = "0\nSECTION\n2\nBLOCKS\n0\nBLOCK\n2\nB\n{}0\nENDBLK\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n{}"
INSTANCES = "".join(f"*INSTANCE, NAME=I{k}, PART=P\n*END INSTANCE\n" for k in range(2000))
NODES = "".join(f"{k},{k},0,0\n" for k in range(1, 2001))
PRIMITIVE = '{"attributes":{"POSITION":0}}'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("curves.dxf", DXF.format("", CIRCLE * 6000) + "0\nENDSEC\n0\nEOF\n"),
        ("rows.dxf", DXF.format(CIRCLE, ROWS) + "0\nENDSEC\n0\nEOF\n"),
        ("instances.inp", f"*PART, NAME=P\n*NODE\n{NODES}*END PART\n{INSTANCES}"),
        ("primitives.gltf", '{"asset":{"version":"2.0"},"meshes":[{"primitives":['
         + ",".join([PRIMITIVE] * 9000) + ']}],"accessors":[{"count":500,"type":"VEC3",'
         '"componentType":5121,"bufferView":0}],"bufferViews":[{"buffer":0}],'
         '"buffers":[{"uri":"data:;base64,' + "AAAA" * 500 + '"}]}'),
    ],
)  # fmt: skip
def test_what_a_file_unfolds_to_is_bounded(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=r"it makes .* points"):
        load(path)


# Sizes of polygons -------------------------------------------------------------------------------

PLY = (
    "ply\nformat binary_little_endian 1.0\nelement vertex 9\nproperty float x\nproperty float y\n"
    "property float z\nelement face {}\nproperty uchar before\nproperty list uchar int "
    "vertex_indices\nproperty list uchar short others\nproperty short after\nend_header\n"
)


def test_polygons_of_ply_in_any_order_of_sizes(tmp_path):
    random = np.random.default_rng(0)
    points = random.normal(size=(9, 3)).astype("<f4")
    sizes = random.integers(3, 9, 20_000)
    faces = [random.permutation(9)[:size].astype("<i4") for size in sizes]
    body = b"".join(
        b"\7" + bytes([len(face)]) + face.tobytes() + bytes([size % 3]) + b"\1\1" * (size % 3)
        + b"\2\2" for face, size in zip(faces, sizes, strict=True)
    )  # fmt: skip
    path = tmp_path / "mixed.ply"
    path.write_bytes(PLY.format(len(faces)).encode() + points.tobytes() + body)
    begun = time.process_time()
    read = load(path).origin.cells
    assert time.process_time() - begun < 20e-6 * len(faces)
    assert np.array_equal(read.connectivity, np.concatenate(faces))
    assert np.array_equal(np.diff(read.offsets), sizes)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="runs past the end"):
        load(path)


# Meshes in memory --------------------------------------------------------------------------------


def test_an_image_beyond_memory_is_refused_before_anything_is_made():
    pv = pytest.importorskip("pyvista")
    image = pv.ImageData(dimensions=(3000, 3000, 3000))
    for made in (image.meshrep.graph, image.meshrep.heat, lambda: meshrep.Graph.of(image)):
        with pytest.raises(InputError, match=r"grid of 27,000,000,000 points needs about 2\.01e"):
            made()
    with pytest.raises(InputError, match="27,000,000,000"):
        meshrep.Graph.of(pv.MultiBlock([image]))
