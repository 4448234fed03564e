"""Files that are written whole or not at all: text, JSON, CSV."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from meshrep.base.outcome import Result
from meshrep.errors import InputError
from meshrep.view.write import replacing, write_csv, write_json, write_text


def only(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_failure_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("old")
    for failure, seen in ((OSError(28, "No space left on device"), InputError),
                          (ValueError("ours"), ValueError),
                          (KeyboardInterrupt(), KeyboardInterrupt)):  # fmt: skip
        with pytest.raises(seen), replacing(path) as temporary:
            temporary.write_text("half")
            assert temporary.suffix == ".txt"
            raise failure
        assert path.read_text() == "old"
        assert only(tmp_path) == ["kept.txt"]


def test_success_replaces_makes_folders_and_follows_links(tmp_path):
    target = tmp_path / "a" / "b" / "new.txt"
    with replacing(target) as temporary:
        temporary.write_text("one")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    with replacing(link) as temporary:
        temporary.write_text("two")
    assert link.is_symlink()
    assert target.read_text() == "two"
    assert only(target.parent) == ["new.txt"]


def test_what_is_not_a_plain_file_is_left_alone(tmp_path):
    for path in (tmp_path, Path("/dev/null")):
        with pytest.raises(InputError, match="not a plain file"), replacing(path):
            pass
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="cannot be written"), replacing(blocked / "under"):
        pass


def test_text_is_written_in_utf8(tmp_path):
    path = write_text("ρ → 1\n", tmp_path / "a" / "b.txt")
    assert path.read_bytes() == b"\xcf\x81 \xe2\x86\x92 1\n"


def test_json_holds_only_json(tmp_path):
    data = {
        "gap": np.float64(0.1), "count": np.int64(3), "bad": [np.nan, np.inf], "on": np.bool_(True),
        "array": np.arange(4).reshape(2, 2), 5: None, "path": Path("a/b"), "result": Result.FLAT,
    }  # fmt: skip
    text = write_json(data, tmp_path / "a.json").read_text()
    read = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert read["bad"] == [None, None]
    assert read["array"] == [[0, 1], [2, 3]]
    assert (read["gap"], read["count"], read["on"], read["5"]) == (0.1, 3, True, None)
    assert read["result"] == Result.FLAT.value
    with pytest.raises(InputError, match="JSON"):
        write_json({"f": len}, tmp_path / "b.json")
    assert only(tmp_path) == ["a.json"]


def test_csv_reads_back_exactly(tmp_path):
    energy = [0.1 + 0.2, np.nan, 1e-300]
    path = write_csv({"step": [0, 1, 2], "energy": energy}, tmp_path / "h.csv")
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["step", "energy"]
    assert [row[1] for row in rows[1:]] == ["0.30000000000000004", "", "1e-300"]
    with pytest.raises(InputError, match="length"):
        write_csv({"a": [1], "b": []}, tmp_path / "h.csv")
