"""Names of files and nodes that are not UTF-8, or hold line ends and escape codes."""

import csv
import json
import os
from pathlib import Path

import pytest

from meshrep.base.backends import installed
from meshrep.cli.main import main
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources.files import load

BAD = b"a\xff\n\x1b[31m"
SHOWN = "a\\udcff\\n\\x1b[31m"
LABELS = ["Müller", "日本", "two\nlines", "red\x1b[31m"]
NETWORK = 'Müller,日本\n日本,"two\nlines"\n"two\nlines",red\x1b[31m\n'


def named(ending, content):
    """A file of that name in the current folder."""
    name = os.fsdecode(BAD + ending)
    try:
        Path(name).write_bytes(content)
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    return name


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX alone")
def test_any_name_is_written_and_printed_as_one_line(run, tmp_path):
    name = named(b".csv", NETWORK.encode())
    code, said, errors, out = run(name, "--solver", "newton", "--no-pictures")
    assert (code, errors) == (0, "")
    assert said.startswith(f"{SHOWN}: 4 nodes, 3 edges") and "\x1b" not in said
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["graph"]["name"] == SHOWN
    assert os.fsencode(report["problem"]["source"]) == os.fsencode(name)
    if installed("pyvista"):
        import pyvista as pv

        assert sorted(pv.read(out / "field.vtp").point_data["name"]) == sorted(LABELS)
    rows = csv.DictReader((out / "field.csv").open(encoding="utf-8", newline=""))
    assert sorted(row["node"] for row in rows) == sorted(LABELS)


def test_errors_about_any_name_are_one_line(run):
    Path("names.csv").write_text(NETWORK, encoding="utf-8")
    code, _, errors, _ = run("names.csv", "--hot", "\x1b[31m", "--cold", "Müller")
    assert code == 2 and errors.count("\n") == 1 and "\x1b" not in errors
    missing = os.fsdecode(b"none\xff\n.ply") if os.name != "nt" else "none.ply"
    code, _, errors, _ = run(missing)
    assert code == 2 and errors.count("\n") == 1 and "no such file here" in errors


@pytest.mark.parametrize(
    "arguments",
    [("~nosuchuser/a.ply",), ("~nosuchuser",), ("a" * 3000 + ".ply",), ("a/" * 2500 + "a.ply",),
     ("--graph", "lattice:8x8", "--start", "a" * 3000 + ".npy")],
)  # fmt: skip
def test_paths_that_no_system_has_are_one_line(run, arguments):
    code, _, errors, _ = run(*arguments, "--no-pictures")
    assert code == 2 and errors.startswith("meshrep: ") and errors.count("\n") == 1


def test_a_long_name_still_names_a_folder(monkeypatch, tmp_path):
    from meshrep.cli.outputs.collector import folder_of, writable

    monkeypatch.chdir(tmp_path)
    assert writable(folder_of("日" * 85, "hopf-kuramoto")).parent == Path("out")
    assert folder_of("lattice:8x8", "heat") == Path("out/lattice:8x8-heat")


def test_names_of_arrays_are_read_back(tmp_path):
    pv = pytest.importorskip("pyvista")
    from meshrep.view.meshes import write_mesh

    graph = Graph.from_edges(2, [[0, 1]], labels=("a\0b", "c\udcff"), name="x\ny")
    path = write_mesh(graph, {"two\nlines\x1b": [1.0, 2.0]}, tmp_path / "x.vtp", original=True)
    mesh = pv.read(path)
    assert graph.name == "x\\ny" and list(mesh.point_data["two\\nlines\\x1b"]) == [1, 2]
    assert list(mesh.point_data["name"]) == ["a\\x00b", "c\\udcff"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX alone")
@pytest.mark.parametrize("ending", ["vtp", "vtk", "vtu", "stl", "ply"])
def test_meshes_of_any_name_are_read(tmp_path, monkeypatch, ending):
    pv = pytest.importorskip("pyvista")
    monkeypatch.chdir(tmp_path)
    sphere = pv.Sphere(theta_resolution=6, phi_resolution=6)
    (sphere.cast_to_unstructured_grid() if ending == "vtu" else sphere).save(f"good.{ending}")
    name = named(f".{ending}".encode(), Path(f"good.{ending}").read_bytes())
    assert load(name).n == load(f"good.{ending}").n == 26
    broken = named(f"broken.{ending}".encode(), Path(name).read_bytes()[:300])
    with pytest.raises(InputError, match=r"^a\\udcff\\n\\x1b\[31mbroken"):
        load(broken)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX alone")
def test_every_kind_of_run_writes_into_a_folder_of_any_name(capsys, tmp_path):
    for package in ("matplotlib", "pyvista", "gudhi"):
        pytest.importorskip(package)
    out = os.fsdecode(os.fsencode(tmp_path) + b"/" + BAD)
    for arguments, film in (
        (("--graph", "lattice:6x6", "--solver", "newton", "--simplify", "0.1"), "f.gif"),
        (("--graph", "lattice:6x6", "--kuramoto", "--transient", "1", "--frames", "2"), "f.webp"),
        (("--topology", "cloud:20", "--solver", "adam", "--max-steps", "3"), "f.gif"),
    ):
        assert main([*arguments, "--film", f"{out}/{film}", "--out", out, "--no-show"]) == 0
        said = capsys.readouterr().out
        assert f"{SHOWN}/: report.json" in said and (Path(out) / film).stat().st_size
