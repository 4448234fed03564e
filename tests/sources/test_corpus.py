"""Files that other libraries ship or write: the graph is the known one, and the one they read."""

from fnmatch import fnmatch
from pathlib import Path

import pytest
from corpus.peers import PEERS
from meshes_of_peers import MESHES
from read_corpus import alike, ours

for library in ("meshio", "trimesh", "pyvista"):
    pytest.importorskip(library)

# Where a library reads something else than what is in the file: (library, files, reason).
DIFFERENCES = [
    ("meshio", "pyvista-grid-*", "it knows no voxels and drops them"),
    ("meshio", "pyvista-Voxel.vtu", "it knows no voxels and drops them"),
    ("meshio", "pyvista-PolyLine.vtu", "it knows no lines of several segments and drops them"),
    ("meshio", "pyvista-TriangleStrip.vtu", "it knows no strips of triangles and drops them"),
    ("meshio", "pyvista-TriQuadraticPyramid.vtu", "it knows no pyramids of order 2 of 19 nodes"),
    ("meshio", "pyvista-BiQuadraticQuadril*", "the node inside has four edges in meshrep"),
    ("pyvista", "pyvista-BiQuadraticQuadril*", "the node inside has four edges in meshrep"),
    ("pyvista", "pyvista-QuadraticLinear*", "meshrep drops the nodes that two of four edges have"),
    ("meshio", "pyvista-LagrangeCurve.vtu", "meshrep keeps the ends of curves of high order"),
    ("pyvista", "pyvista-LagrangeCurve.vtu", "meshrep keeps the ends of curves of high order"),
    ("pyvista", "pyvista-BezierCurve.vtu", "meshrep keeps the ends of curves of high order"),
]
# meshrep reads a format by itself in milliseconds; where a library does it, a process starts.
QUICK = (".ply", ".obj", ".off", ".stl")
SAMPLES = ("gmsh-binary-True-tetra.msh", "vtu-binary-True-mixed.vtu", "trimesh-scene.glb")
SAMPLES += ("pyvista-blocks-ascii.vtm",)


def readings(path):
    """What every other library that knows the ending reads, if it does."""
    found = {}
    for name, (endings, read) in PEERS.items():
        if path.suffix in endings():
            try:
                found[name] = read(path)
            except (Exception, SystemExit):
                continue
    return {name: counts for name, counts in found.items() if counts.nodes}


def marked(written):
    quick = written.ending in QUICK or str(written).endswith(SAMPLES)
    return pytest.param(written, id=str(written), marks=[] if quick else pytest.mark.slow)


@pytest.mark.parametrize("written", [marked(written) for written in MESHES])
def test_what_another_library_writes(written, tmp_path):
    path = tmp_path / f"mesh{written.ending}"
    written.write(path)
    own = ours(path)
    assert alike(own["counts"], written.counts), own
    found = readings(path)
    agreeing = [
        lib for lib, counts in found.items() if alike(written.counts, counts, own["diagonals"])
    ]
    apart = [library for library, what, _ in DIFFERENCES if fnmatch(str(written), what)]
    assert agreeing or apart
    assert sorted({*found} - {*agreeing}) == sorted(apart), found


SHIPPED = ("airplane.ply", "ant.ply", "nut.ply", "sphere.ply", "globe.vtk", "hexbeam.vtk")
SHIPPED += ("rectilinear.vtk", "uniform.vtk")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_pyvista_ships(name):
    from pyvista.examples import dir_path

    path = Path(dir_path) / name
    own, found = ours(path), readings(path)
    assert found
    assert all(alike(own["counts"], counts) for counts in found.values()), (own, found)
