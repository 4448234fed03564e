"""scripts/read_corpus.py sorts the files of a folder by what meshrep and others read."""

import json
import sys

import pytest
import read_corpus
from corpus.peers import Counts

OFF = "OFF\n4 1 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n4 0 1 2 3\n"


@pytest.mark.slow
def test_a_folder(tmp_path, monkeypatch, capsys):
    pytest.importorskip("trimesh")
    folder = tmp_path / "meshes"
    folder.mkdir()
    (folder / "square.off").write_text(OFF)
    (folder / "short.off").write_text(OFF[:-4])
    (folder / "points.csv").write_text("x,y\n0,0\n1,0\n0,1\n")
    (folder / "notes.md").write_text("no mesh")
    out = tmp_path / "readings.jsonl"
    monkeypatch.setattr(sys, "argv", ["read_corpus.py", str(folder), "--out", str(out)])
    read_corpus.main()
    records = {r["file"]: r for r in map(json.loads, out.read_text().splitlines())}
    assert {name: record["verdict"] for name, record in records.items()} == {
        "square.off": "agrees",
        "short.off": "refused, read by others",  # trimesh takes its points
        "points.csv": "read by meshrep alone",
    }
    assert records["square.off"]["meshrep"]["counts"] == [4, 4, 1, 4.0]
    assert "| all | 3 | 1 |" in capsys.readouterr().out


def test_a_reading_that_does_not_end(tmp_path):
    found = read_corpus.apart(lambda path: read_corpus.time.sleep(60), tmp_path, 0.2)
    assert found == {"crashed": "over 0.2 s"}


def test_verdicts():
    own = {"counts": Counts(4, 4, 1, 4.0), "remarks": [], "diagonals": 1}
    cut = {"trimesh": {"counts": Counts(4, 5, 1, 5.4)}}
    other = {"meshio": {"counts": Counts(3, 3, 1, 3.0)}}
    assert read_corpus.verdict(own, cut) == "agrees"
    assert read_corpus.verdict(own, other) == "differs in silence"
    assert read_corpus.verdict(own | {"remarks": ["1 point dropped"]}, other).endswith("remark")
    assert read_corpus.verdict({"refused": "why"}, other) == "refused, read by others"
    assert read_corpus.verdict({"crashed": "exit code -11"}, cut) == "crashed"
