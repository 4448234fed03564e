"""Files that name other files: however it is written, nothing outside the folder is read."""

import os
import subprocess
import sys

import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load
from meshrep.sources.references import files_named_by

VTM = (
    '<VTKFile type="vtkMultiBlockDataSet" version="1.0"><vtkMultiBlockDataSet>'
    '<DataSet index="0" file="{}"/></vtkMultiBlockDataSet></VTKFile>'
)
PVD = (
    '<VTKFile type="Collection" version="0.1"><Collection>'
    '<DataSet timestep="0" file="{}"/></Collection></VTKFile>'
)
ENTITY = '<!DOCTYPE x [<!ENTITY e "../secret.vtu">]>'
INCLUDE = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}" parse="text"/>'
UTF16 = '<?xml version="1.0" encoding="UTF-16"?>'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.vtm", VTM.format("../secret.vtu")),
        ("a.vtm", VTM.format("&#46;&#x2e;/secret.vtu")),
        ("a.vtm", VTM.replace('"{}"', "'../secret.vtu'").replace('index="0"', 'name="a>b"')),
        ("a.vtm", "<!--" + " " * (1 << 24) + "-->" + VTM.format("../secret.vtu")),
        ("a.pvd", PVD.format("link.vtu")),
        ("a.pvd", "<VTKFile><AppendedData/><Collection><D file='../s'/></Collection></VTKFile>"),
        ("a.pvtu", '<VTKFile><PUnstructuredGrid><Piece Source="..&#47;s"/></PUnstructuredGrid>'
                   "</VTKFile>"),
        ("a.case", "FORMAT\ntype: ensight gold\nGEOMETRY\nmodel: '../secret.geo'\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_reference_that_leaves_the_folder(tmp_path, name, text, encoding):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.vtu").write_text("secret")
    (inside / "link.vtu").symlink_to(tmp_path / "secret.vtu")
    if encoding == "utf-16":
        if name == "a.case":
            pytest.skip("a file of EnSight is ASCII")
        text = UTF16 + text
    (inside / name).write_text(text, encoding=encoding)
    with pytest.raises(InputError, match="outside its own folder"):
        load(inside / name)


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("Binary", "../secret.bin"),
        ("B&#105;nary", "<![CDATA[../secret.bin]]>"),
        ("binary", "<!-- a comment -->../secret.bin"),
        ("HDF", "../secret.h5:/points"),
        ("HDF", "FILE:../secret.h5:/points"),
        ("XML", INCLUDE.format("../secret.txt")),
        ("XML", INCLUDE.format("part.xml")),
    ],
)
def test_an_item_of_xdmf_that_leaves_the_folder(tmp_path, xdmf, form, content):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.xdmf").write_text(xdmf.format(form=form, points=content))
    (inside / "part.xml").write_text('<DataItem Format="Binary">../secret.bin</DataItem>')
    with pytest.raises(InputError, match="outside its own folder"):
        load(inside / "a.xdmf")


@pytest.mark.parametrize("name", ["a.vtm", "a.pvd", "a.xdmf", "a.graphml", "a.gexf"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_not_followed(tmp_path, name, encoding):
    text = ENTITY + "<x>&e;</x>"
    (tmp_path / name).write_text(UTF16 + text if encoding == "utf-16" else text, encoding=encoding)
    with pytest.raises(InputError, match="XML entities"):
        load(tmp_path / name)


def test_references_of_references(tmp_path):
    """A collection in a folder below may step up, but not out of the first one's folder."""
    inside = tmp_path / "inside"
    (inside / "below").mkdir(parents=True)
    (tmp_path / "secret.vtu").write_text("secret")
    (inside / "part.vtu").write_text("<VTKFile/>")
    (inside / "a.pvd").write_text(PVD.format("below/b.vtm"))
    (inside / "below" / "b.vtm").write_text(VTM.format("../part.vtu"))
    named = files_named_by(inside / "a.pvd", "a.pvd")
    assert [file.name for file in named] == ["b.vtm", "part.vtu"]
    (inside / "below" / "b.vtm").write_text(VTM.format("../../secret.vtu"))
    with pytest.raises(InputError, match="outside its own folder"):
        load(inside / "a.pvd")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_reference_to_no_file(tmp_path):
    (tmp_path / "a.vtm").write_text(VTM.format("part.vtu"))
    with pytest.raises(InputError, match="not beside it"):
        load(tmp_path / "a.vtm")
    os.mkfifo(tmp_path / "part.vtu")
    with pytest.raises(InputError, match="not beside it"):
        load(tmp_path / "a.vtm")


def test_what_an_included_file_holds_is_not_told(tmp_path):
    (tmp_path / "a.inp").write_text("*NODE, INPUT=notes.txt\n")
    (tmp_path / "notes.txt").write_text("a secret\n")
    with pytest.raises(InputError, match=r"notes\.txt, line 1") as caught:
        load(tmp_path / "a.inp")
    assert "secret" not in str(caught.value)


READ = """
import sys
from pathlib import Path
from meshrep.sources.confined import confine
if not confine(Path(sys.argv[1])):
    raise SystemExit(77)
import vtkmodules.vtkIOXML, scipy.io
print(Path(sys.argv[1]).read_text())
for name in sys.argv[2:]:
    try:
        print(Path(name).read_text())
    except PermissionError:
        print("denied")
"""


def test_the_reading_process_cannot_open_files_elsewhere(tmp_path):
    """HDF5 and others can name files in ways that are not parsed; libraries still load."""
    pytest.importorskip("vtkmodules")
    (tmp_path / "inside").mkdir()
    secret, beside, target = (tmp_path / name for name in ("secret", "inside/b", "target"))
    for file in (secret, beside, target):
        file.write_text(file.name)
    link = tmp_path / "inside" / "a"
    link.symlink_to(target)  # the file itself may be a link
    command = [sys.executable, "-c", READ, link, beside, secret, "/etc/passwd"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this system has no Landlock")
    assert done.stdout.split() == ["target", "b", "denied", "denied"], done.stderr
