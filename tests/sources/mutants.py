"""Damage small sound files of every format, load them, and tell what came of it.

A program, so that its processes start from a small one: ``python mutants.py COUNT SEED own`` or
``libraries`` prints a line of JSON for each format: its name, the outcomes, what is wrong, and the
most memory (MB) and time (s) that one file took. Formats that libraries read are read in forks of a
process that has the libraries already, by the same code as in the program.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

MEGABYTES, SECONDS = 500, 10.0
WORDS = [b"9", b"-1", b"nan ", b"\n", b" ", b"1e999", b"#", b"99999999999", b"{", b"\xff", b"\0",
         b"\xc2\xb2", b"<", b'"', b"1000000000", b"0", b"2.5"]  # fmt: skip
NUMBER = re.compile(rb"(?<![\w.])[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
NUMBERS = [b"0", b"-1", b"1", b"2", b"2147483648", b"99999999", b"9" * 30, b"1.5", b"nan", b""]
WIDE = [b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\0\0\xc0\x7f", b"\0\xca\x9a;", b"\0\0\0\0"]


# Sound files -------------------------------------------------------------------------------------


def own(folder: Path) -> dict[str, bytes]:
    """A file of each format that is read in the same process, by name."""
    import networkx as nx
    from scipy import sparse

    from meshrep.sources.lattices import triangular

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
    numbered = "".join(f"{k}, {x}, {y}, {z}\n" for k, (x, y, z) in enumerate(points.tolist(), 1))
    elements = "".join(f"{k}, {a + 1}, {b + 1}, {c + 1}\n" for k, (a, b, c) in enumerate(faces, 1))
    grid = "".join(f"GRID,{k},,{x:.4f},{y:.4f},{z}\n" for k, (x, y, z) in enumerate(points, 1))
    shells = "".join(f"CTRIA3,{k},1,{a + 1},{b + 1},{c + 1}\n" for k, (a, b, c) in enumerate(faces))
    ucd = f"{len(points)} {len(faces)} 0 0 0\n" + numbered.replace(",", "")
    ucd += "".join(f"{k} 1 tri {a + 1} {b + 1} {c + 1}\n" for k, (a, b, c) in enumerate(faces, 1))
    lines = "".join(
        f"0\nLINE\n10\n{x}\n20\n{y}\n11\n{x + 1}\n21\n{y}\n" for x, y, _ in points.tolist()
    )
    network = nx.Graph()
    network.add_weighted_edges_from((f"n{i}", f"n{j}", 1.5) for i, j in mesh.edges.tolist())
    for ending, write in (("gml", nx.write_gml), ("gexf", nx.write_gexf)):
        write(network, folder / f"a.{ending}")
    nx.write_graphml_xml(network, folder / "a.graphml")
    np.save(folder / "a.npy", points)
    np.savez(folder / "mesh.npz", points=points, faces=faces)
    matrix = sparse.csr_matrix(nx.to_scipy_sparse_array(network))
    for form in ("csr", "coo", "bsr", "dia"):
        sparse.save_npz(folder / f"{form}.npz", matrix.asformat(form), compressed=False)
    pairs = "".join(f"{i} {j} 1.5\n" for i, j in mesh.edges.tolist())
    made = {
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
        "a.csv": b"source,target,weight\n" + pairs.replace(" ", ",").encode(),
        "a.edges": pairs.encode(),
        "a.inp": f"*NODE\n{numbered}*ELEMENT, TYPE=S3\n{elements}".encode(),
        "a.bdf": f"BEGIN BULK\n{grid}{shells}ENDDATA\n".encode(),
        "a.avs": ucd.encode(),
        "a.dxf": f"0\nSECTION\n2\nENTITIES\n{lines}0\nENDSEC\n0\nEOF\n".encode(),
    }
    written = ["a.gml", "a.gexf", "a.graphml", "a.npy", "mesh.npz"]
    written += ["csr.npz", "coo.npz", "bsr.npz", "dia.npz"]
    return made | {name: (folder / name).read_bytes() for name in written}


def of_libraries(folder: Path) -> dict[str, bytes]:
    """A file of each format that a library reads, by name."""
    import meshio
    import pyvista as pv
    import trimesh
    from vtkmodules.vtkIOLegacy import vtkPolyDataWriter, vtkUnstructuredGridWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter, vtkXMLUnstructuredGridWriter

    ball = trimesh.creation.icosphere(1)
    surface = pv.wrap(ball)
    solid = pv.ImageData(dimensions=(4, 3, 3)).cast_to_unstructured_grid()
    surface["height"] = surface.points[:, 2]
    made = {}
    for data, legacy, xml, ending in (
        (surface, vtkPolyDataWriter, vtkXMLPolyDataWriter, "vtp"),
        (solid, vtkUnstructuredGridWriter, vtkXMLUnstructuredGridWriter, "vtu"),
    ):
        for version in (42, 51):
            for form in ("ASCII", "Binary"):
                writer = legacy()
                getattr(writer, f"SetFileTypeTo{form}")()
                writer.SetFileVersion(version)
                made[f"{ending}-{form.lower()}{version}.vtk"] = _written(writer, data, folder)
        for mode in ("Ascii", "Binary", "Appended"):
            writer = xml()
            getattr(writer, f"SetDataModeTo{mode}")()
            made[f"{mode.lower()}.{ending}"] = _written(writer, data, folder)
    for grid, name in (
        (pv.ImageData(dimensions=(4, 4, 4)), "a.vti"),
        (pv.RectilinearGrid(*[np.arange(3.0)] * 3), "a.vtr"),
        (pv.ImageData(dimensions=(4, 4, 4)).cast_to_structured_grid(), "a.vts"),
    ):
        grid.save(folder / name)
        made[name] = (folder / name).read_bytes()
    mesh = meshio.Mesh(np.asarray(ball.vertices), [("triangle", np.asarray(ball.faces))])
    for name, form, more in (
        ("text2.msh", "gmsh22", {"binary": False}), ("binary2.msh", "gmsh22", {"binary": True}),
        ("text4.msh", "gmsh", {"binary": False}), ("binary4.msh", "gmsh", {"binary": True}),
        ("a.mesh", "medit", {}), ("a.vol", "netgen", {}), ("a.xml", "dolfin-xml", {}),
        ("a.dat", "tecplot", {}), ("a.mdpa", "mdpa", {}), ("a.wkt", "wkt", {}),
    ):  # fmt: skip
        meshio.write(folder / name, mesh, file_format=form, **more)
        made[name] = (folder / name).read_bytes()
    rows = "".join(f"{x} {y} {z}\n" for x, y, z in ball.vertices.tolist())
    threes = "".join(f"{a} {b} {c}\n" for a, b, c in ball.faces.tolist())
    made["a.xdmf"] = (
        '<Xdmf Version="2.0"><Domain><Grid><Topology TopologyType="Triangle" NumberOfElements='
        f'"{len(ball.faces)}"><DataItem DataType="Int" Dimensions="{len(ball.faces)} 3" '
        f'Format="XML">\n{threes}</DataItem></Topology><Geometry GeometryType="XYZ"><DataItem '
        f'DataType="Float" Dimensions="{len(ball.vertices)} 3" Format="XML">\n{rows}</DataItem>'
        "</Geometry></Grid></Domain></Xdmf>"
    ).encode()
    made["a.3mf"] = ball.export(file_type="3mf")
    pairs = "".join(f"{i + 1} {j + 1} 1.5\n" for i, j in ball.edges_unique.tolist())
    head = "%%MatrixMarket matrix coordinate real general\n"
    made["a.mtx"] = f"{head}42 42 {len(ball.edges_unique)}\n{pairs}".encode()
    return made


def _written(writer, data, folder: Path) -> bytes:
    writer.SetInputData(data)
    writer.SetFileName(str(folder / "written"))
    writer.Write()
    return (folder / "written").read_bytes()


# Damage ------------------------------------------------------------------------------------------


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """The bytes after one to three accidents; members of an archive keep right checksums."""
    if data[:2] == b"PK" and random.random() < 0.6:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = sorted(members)[random.integers(len(members))]
        members[name] = damaged(members[name], random)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, member in members.items():
                archive.writestr(name, member)
        return out.getvalue()
    changed = bytearray(data)
    for _ in range(random.integers(1, 4)):
        at = int(random.integers(max(1, len(changed) if random.random() < 0.5 else 300)))
        at = min(at, max(0, len(changed) - 1))
        accident = random.integers(8)
        if accident == 0 and changed:
            changed[at] ^= 1 << int(random.integers(8))
        elif accident == 1:
            del changed[at : at + int(random.integers(1, 30))]
        elif accident == 2:
            changed[at:at] = WORDS[random.integers(len(WORDS))]
        elif accident == 3:
            changed[at:at] = changed[int(random.integers(len(changed) + 1)) :][:40]
        elif accident == 4:
            wide = WIDE[random.integers(len(WIDE))]
            changed[at : at + len(wide)] = wide
        elif accident == 5:
            del changed[at + 1 :]
        else:  # a number
            found = list(NUMBER.finditer(bytes(changed[: 700 if accident == 6 else None])))
            if found:
                one = found[random.integers(len(found))]
                changed[one.start() : one.end()] = NUMBERS[random.integers(len(NUMBERS))]
    return bytes(changed)


# Reading -----------------------------------------------------------------------------------------


def forked(command, *, stdin, timeout, cwd, **_) -> subprocess.CompletedProcess:
    """What ``subprocess.run`` does in meshrep, with a fork in place of a new Python."""
    from meshrep.sources import child

    work, library, path, out, room = command[-5:]
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = os.fork()
        if not process:
            os.chdir(cwd)
            for source, target in ((stdin, 0), (stdout.fileno(), 1), (stderr.fileno(), 2)):
                os.dup2(source, target)
            sys.stdout = os.fdopen(1, "w", closefd=False)
            sys.stderr = os.fdopen(2, "w", closefd=False)
            with open("/proc/self/status") as status:
                data = next(int(line.split()[1]) for line in status if line.startswith("VmData"))
            child.main(library, path, out, str(int(room) + (data << 10) - (80 << 20)), work)
        ended = os.wait4(process, 0)[1]
        stdout.seek(0)
        stderr.seek(0)
        code = os.waitstatus_to_exitcode(ended)
        return subprocess.CompletedProcess(command, code, stdout.read(), stderr.read())


def wrong_with(graph) -> str:
    """What is not sound about a graph."""
    cells = graph.cells
    sound = {
        "no nodes": graph.n > 0,
        "edges": not graph.m or 0 <= graph.edges.min() <= graph.edges.max() < graph.n,
        "order": (graph.edges[:, 0] < graph.edges[:, 1]).all(),
        "weights": np.isfinite(graph.weights).all(),
        "points": graph.points is None or np.isfinite(graph.points).all(),
        "cells": not len(cells) or cells.connectivity.min() >= 0,
        "nodes of cells": not len(cells) or cells.connectivity.max() < graph.n,
    }
    return ", ".join(name for name, is_so in sound.items() if not is_so)


def outcome(path: Path) -> tuple[str, str]:
    """What came of a file, and what is wrong with that."""
    import meshrep

    try:
        graph = meshrep.load(path)
    except meshrep.errors.MeshrepError as error:
        told = str(error)
        sound = "\n" not in told and len(told) <= 600 and path.name in told
        return "refused", "" if sound else f"says {told[:200]!r}"
    except BaseException as error:
        return "raised", f"{type(error).__name__}: {error}"[:200]
    return "read", wrong_with(graph)


def damage(name: str, data: bytes, count: int, seed: int, tell) -> None:
    """Load mutants of a file one after the other, and tell the outcomes."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    path = folder / f"mutant{Path(name).suffix}"
    random = np.random.default_rng([seed, *name.encode()])
    path.write_bytes(data)
    result, wrong = outcome(path)
    tell(number=-1, outcome=result, wrong=wrong or "" if result == "read" else f"{result} {wrong}")
    for number in range(count):
        path.write_bytes(damaged(data, random))
        tell(number=number)
        begun = _worked()
        result, wrong = outcome(path)
        took = _worked() - begun
        if took > SECONDS:
            wrong = f"{wrong} took {took:.0f} s"
        tell(number=number, outcome=result, wrong=wrong, seconds=took)


def _worked() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(of.ru_utime + of.ru_stime for of in used)


def watched(name: str, data: bytes, count: int, seed: int) -> dict:
    """The outcomes of mutants that were loaded in a process of their own."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        os.close(reading)

        def tell(**row) -> None:
            os.write(writing, (json.dumps(row) + "\n").encode())

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            damage(name, data, count, seed, tell)
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        tell(megabytes=max(of.ru_maxrss for of in used) / 1024)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        rows = [json.loads(line) for line in pipe]
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    wrong = [f"mutant {row['number']}: {row['wrong']}" for row in rows if row.get("wrong")]
    if code:
        why = signal.Signals(-code).name if code < 0 else f"exit {code}"
        wrong.append(f"mutant {rows[-1].get('number') if rows else 0}: {why}")
    megabytes = rows[-1].get("megabytes", 0) if rows else 0
    if megabytes > MEGABYTES:
        wrong.append(f"{megabytes:.0f} MB")
    return {
        "name": name,
        "outcomes": Counter(row["outcome"] for row in rows if "outcome" in row),
        "wrong": wrong,
        "megabytes": megabytes,
        "seconds": max((row.get("seconds", 0.0) for row in rows), default=0.0),
    }


def main(count: int, seed: int, which: str) -> None:
    """Damage the own formats, or those of libraries."""
    from meshrep.sources import child

    with tempfile.TemporaryDirectory() as folder:
        made = own(Path(folder)) if which == "own" else of_libraries(Path(folder))
    child.subprocess.run = forked
    child._LEAST_WORK = 1.0  # some libraries read on for ever: they are stopped the sooner
    for name, data in made.items():
        print(json.dumps(watched(name, data, count, seed)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
