"""The program of the papers' rows, on made-up rows: what it runs, keeps, writes and refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from meshrep.errors import SolveError

MACHINE = {
    "date": "2026-01-01T10:00+00:00", "processor": "p", "cores": 2, "memory_gb": 1.0,
    "caches": [], "system": "s", "versions": {"numpy": "2"}, "triad_gb_s": None,
}  # fmt: skip


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    """Call the program with made-up rows in an empty folder: exit code, output, errors."""
    import reproduce
    from bench import machine

    monkeypatch.setattr(machine, "describe", lambda: MACHINE)
    monkeypatch.setattr(reproduce, "DOCS", tmp_path / "docs" / "papers.md")

    def call(rows, *arguments):
        monkeypatch.setattr(reproduce, "ROWS", {row.name: row for row in rows})
        code = reproduce.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    del sys.modules["reproduce"]


class Fake:
    """A row of three pieces that records which were run, and fails or stops on request."""

    def __init__(self, name="fake", **row):
        from papers.claims import Verdict
        from papers.row import Finding, Row

        self.ran, self.wrong = [], {}

        def piece(key, quick):
            def run(say):
                say("a step")
                if key in self.wrong:
                    raise self.wrong[key]
                self.ran.append(key)
                return {"value": 1 if quick else 2, "not a number": np.nan}

            return run

        def findings(pieces):
            verdict = Verdict.HOLDS if len(pieces) == 3 else Verdict.IN_PART
            total = sum(piece["value"] for piece in pieces.values())
            return Finding(verdict, f"the sum is {total}.", "### A table\n\n| a |\n|---|")

        def draw(pieces, place):
            (place / "picture.png").write_bytes(b"")
            return [("picture.png", "A picture.")]

        self.row = Row(
            name=name, title=f"The {name} row", source="P2 §1", claim="It is so.",
            setting="With care.", pieces=lambda quick: {k: piece(k, quick) for k in "abc"},
            findings=findings, draw=draw, **row,
        )  # fmt: skip


@pytest.fixture
def fake(program):
    return Fake()


def held(folder="o", name="fake"):
    return json.loads(Path(folder, name, "pieces.json").read_text(encoding="utf-8"))["pieces"]


def test_without_rows_it_lists_them(program, fake):
    code, out, _ = program([fake.row])
    assert code == 0 and fake.ran == []
    assert "fake  (P2 §1; 0 of 3 pieces done)" in out and "It is so." in out
    program([fake.row], "fake", "--quick", "--out", "o")
    assert "3 of 3 pieces done" in program([fake.row], "--quick", "--out", "o")[1]


def test_every_row_of_the_project_can_be_listed(program, capsys):
    from papers.rows import ROWS

    code, out, _ = program(ROWS.values())
    assert code == 0 and all(f"{name}  (" in out for name in ROWS)
    for row in ROWS.values():
        quick, full = (set(row.pieces(quick)) for quick in (True, False))
        assert quick and full and row.claim and row.setting and row.title.isprintable()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fak",), "unknown row 'fak': choose fake"),
        (("fake", "--all"), "name rows or give --all, not both"),
        (("--docs", "--quick"), "--docs is made of full runs: drop --quick"),
        (("--fresh",), "--fresh of which rows? Name them, or give --all"),
        (("fake", "--fast"), "unrecognized arguments: --fast"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(program, fake, arguments, sentence):
    code, _, err = program([fake.row], *arguments)
    assert code == 2 and sentence in err and len(err.strip().splitlines()) == 1
    assert fake.ran == []


def test_a_row_leaves_page_data_and_figures(program, fake):
    code, out, err = program([fake.row], "fake", "--quick", "--out", "o")
    page = Path("o/fake/README.md").read_text(encoding="utf-8")
    assert code == 0 and fake.ran == list("abc") and page in out
    assert "**The claim holds:** the sum is 3." in page and "### A table" in page
    assert "![A picture.](picture.png)" in page and Path("o/fake/picture.png").exists()
    assert "`python scripts/reproduce.py fake --quick`" in page
    assert "3 of 3 pieces" in page and "A quick run" in page
    assert "### How to read this" in page and "*Tuned* means" in page
    result = json.loads(Path("o/fake/result.json").read_text(encoding="utf-8"))
    assert result["verdict"] == "holds"
    assert result["pieces"]["a"] == {"value": 1, "not a number": None}
    assert err.splitlines()[0].startswith("fake 1/3, a: ")
    assert "3 of 3 pieces done, 3 of them now" in out


def test_it_goes_on_where_ctrl_c_stopped_it(program, fake):
    fake.wrong["b"] = KeyboardInterrupt()
    code, _, err = program([fake.row], "fake", "--out", "o")
    assert code == 130 and "the same command goes on" in err
    assert list(held()) == ["a"]
    page = Path("o/fake/README.md").read_text(encoding="utf-8")
    assert "1 of 3 pieces" in page
    assert "not settled by what was run:** only 1 of 3 pieces are done. So far: the sum" in page
    fake.wrong.clear()
    code, out, _ = program([fake.row], "fake", "--out", "o")
    assert code == 0 and fake.ran == ["a", "b", "c"] and "2 of them now" in out
    assert "**The claim holds:** the sum is 6." in out
    assert program([fake.row], "fake", "--out", "o")[0] == 0 and len(fake.ran) == 3


def test_on_a_terminal_one_line_says_what_runs_now(program, fake, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    err = program([fake.row], "fake", "--out", "o")[2]
    assert "\rfake 2/3, b: a step" in err
    assert "\rfake 2/3, b: 0.0 s\n" in err  # and then for good


def test_fresh_begins_anew(program, fake):
    program([fake.row], "fake", "--out", "o")
    program([fake.row], "fake", "--out", "o", "--fresh")
    assert fake.ran == list("abcabc")


def test_a_failing_piece_does_not_stop_the_others(program, fake):
    other = Fake("other")
    fake.wrong["b"] = SolveError("no step lowers it")
    code, out, err = program([fake.row, other.row], "--all", "--out", "o")
    assert code == 1 and list(held()) == ["a", "c"] and other.ran == list("abc")
    assert "fake 2/3, b: failed: no step lowers it" in err and "Traceback" not in err
    assert "fake   is not settled by what was run (1 piece failed)" in out and "other  holds" in out
    assert "### A table" not in out  # pages of several rows would be long
    fake.wrong["b"] = ZeroDivisionError("unforeseen")
    code, _, err = program([fake.row], "fake", "--out", "o")
    assert code == 1 and "Traceback" in err and "ZeroDivisionError: unforeseen" in err
    fake.wrong.clear()
    assert program([fake.row], "fake", "--out", "o")[0] == 0 and fake.ran == list("acb")


def test_findings_that_fail_on_a_part_leave_the_pieces(program, fake):
    row = fake.row
    broken = type(row)(**{**vars(row), "findings": lambda pieces: pieces["none"]})
    code, out, err = program([broken], "fake", "--out", "o")
    assert code == 1 and len(held()) == 3 and "no page of these pieces" in err
    assert "3 of 3 pieces done" in out


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pieces": [1]}', '{"pieces": {"a": {"data": {}}}}', '{"a": 1}']
)
def test_a_damaged_ledger_is_refused_in_a_sentence(program, fake, text):
    path = Path("o/fake/pieces.json")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    code, _, err = program([fake.row], "fake", "--out", "o")
    assert code == 2 and f"{path} is not a file of this program" in err
    assert len(err.strip().splitlines()) == 1 and path.read_text(encoding="utf-8") == text
    assert program([fake.row], "fake", "--out", "o", "--fresh")[0] == 0 and len(held()) == 3


def test_quick_and_full_pieces_are_not_mixed(program, fake):
    program([fake.row], "fake", "--quick", "--out", "o")
    code, _, err = program([fake.row], "fake", "--out", "o")
    assert code == 2 and "belongs to a quick run: choose another --out for a full one" in err
    assert program([fake.row], "--docs", "--out", "o")[0] == 2
    assert program([fake.row], "fake", "--out", "o", "--fresh")[0] == 0
    assert "belongs to a full run" in program([fake.row], "fake", "--quick", "--out", "o")[2]


def test_pieces_of_other_settings_are_refused(program, fake):
    program([fake.row], "fake", "--out", "o")
    later = type(fake.row)(**{**vars(fake.row), "version": 2})
    code, _, err = program([later], "fake", "--out", "o")
    assert code == 2 and "was made with other settings of the row" in err and "--fresh" in err
    assert program([later], "--docs", "--out", "o")[0] == 2
    assert program([later], "fake", "--out", "o", "--fresh")[0] == 0
    assert held()["a"]["version"] == 2
    path = Path("o/fake/pieces.json")
    old = {key: {k: v for k, v in piece.items() if k != "version"} for key, piece in held().items()}
    path.write_text(json.dumps({"pieces": old}), encoding="utf-8")  # of before there were versions
    assert program([later], "fake", "--out", "o")[0] == 2
    assert program([fake.row], "fake", "--out", "o")[0] == 0


def test_pieces_that_the_row_no_longer_has_are_left_out(program, fake):
    program([fake.row], "fake", "--out", "o")
    path = Path("o/fake/pieces.json")
    pieces = held()
    path.write_text(json.dumps({"pieces": pieces | {"old": pieces["a"]}}), encoding="utf-8")
    out = program([fake.row], "fake", "--out", "o")[1]
    assert "the sum is 6." in out and "old" in held()
    assert "old" not in json.loads(Path("o/fake/result.json").read_text(encoding="utf-8"))["pieces"]


def test_every_piece_has_its_own_date(program, fake, monkeypatch):
    program([fake.row], "fake", "--out", "o")
    assert all(piece["machine"]["date"] > MACHINE["date"] for piece in held().values())


def test_an_out_that_cannot_be_written_is_refused_before_anything_runs(program, fake):
    Path("o").write_text("", encoding="utf-8")
    code, _, err = program([fake.row], "fake", "--out", "o")
    assert code == 2 and "--out o" in err and fake.ran == []


def test_a_missing_package_is_named_and_other_rows_run(program, fake):
    wanting = Fake("wanting", needs=("no_such_package",))
    code, out, err = program([wanting.row, fake.row], "--all", "--out", "o")
    assert code == 1 and wanting.ran == [] and fake.ran == list("abc")
    assert "wanting: needs no_such_package: pip install no_such_package" in err
    assert "wanting  not run, for want of no_such_package" in out


def test_docs_are_made_of_what_is_there(program, fake, monkeypatch):
    other = Fake("other")
    code, _, err = program([fake.row, other.row], "--docs", "--out", "o")
    assert code == 2 and "nothing was run in o to make docs of" in err
    assert not Path("docs/papers.md").exists()
    assert program([fake.row, other.row], "fake", "--docs", "--out", "o")[0] == 0
    page = Path("docs/papers.md").read_text(encoding="utf-8")
    assert "| [The fake row](#the-fake-row) | holds | " in page
    assert "| [The other row](#the-other-row) | not run yet |  |" in page
    assert "![A picture.](papers/fake/picture.png)" in page and "p, 2 cores, 1.0 GB" in page
    assert Path("docs/papers/fake/picture.png").exists()
    assert page.index("| row |") < page.index("## The fake row") < page.index("Not run yet.")


def test_without_matplotlib_there_are_no_figures(program, fake, monkeypatch):
    from papers import page

    monkeypatch.setattr(page, "installed", lambda name: False)
    code, out, _ = program([fake.row], "fake", "--quick", "--out", "o")
    assert code == 0 and "picture" not in out and "holds" in out


def test_a_reader_who_has_left_is_no_error():
    script = Path(__file__).parents[2] / "scripts" / "reproduce.py"
    reads, writes = os.pipe()
    os.close(reads)
    run = subprocess.run([sys.executable, str(script)], stdout=writes, stderr=subprocess.PIPE)
    os.close(writes)
    assert run.returncode == 0 and run.stderr == b""
