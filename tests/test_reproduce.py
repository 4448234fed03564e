"""The program of the papers' rows, on made-up rows: what it runs, keeps, writes and refuses."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import meshrep
from meshrep.errors import InputError, SolveError
from meshrep.outcome import History, Result

SCRIPTS = Path(__file__).parent.parent / "scripts"
MACHINE = {
    "date": "2026-01-01T10:00+00:00", "processor": "p", "cores": 2, "memory_gb": 1.0,
    "caches": [], "system": "s", "versions": {"numpy": "2"}, "triad_gb_s": None,
}  # fmt: skip


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    """Call the program with made-up rows in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import reproduce
    from suites import machine

    monkeypatch.setattr(machine, "describe", lambda: MACHINE)
    monkeypatch.setattr(reproduce, "DOCS", tmp_path / "docs" / "papers.md")

    def call(rows, *arguments):
        monkeypatch.setattr(reproduce, "ROWS", {row.name: row for row in rows})
        code = reproduce.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    del sys.modules["reproduce"]


@pytest.fixture
def contests(monkeypatch):
    """The module of contests."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from papers import contest

    return contest


class Fake:
    """A row of three pieces that remembers which were run, and fails or stops where it is told."""

    def __init__(self, name="fake", **row):
        from papers.row import Finding, Row, Verdict

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
    assert "3 of 3 pieces" in page and "A quick run" in page and "2026-01-01" in page
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
    assert "1 of 3 pieces" in page and "holds in part" in page
    fake.wrong.clear()
    code, out, _ = program([fake.row], "fake", "--out", "o")
    assert code == 0 and fake.ran == ["a", "b", "c"] and "2 of them now" in out
    assert "**The claim holds:** the sum is 6." in out
    assert program([fake.row], "fake", "--out", "o")[0] == 0 and len(fake.ran) == 3


def test_on_a_terminal_one_line_says_what_runs_now(program, fake, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    err = program([fake.row], "fake", "--out", "o")[2]
    assert "\r\033[Kfake 2/3, b: a step" in err
    assert "\r\033[Kfake 2/3, b: 0.0 s\n" in err  # and then for good


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
    assert "fake   holds in part (1 piece failed)" in out and "other  holds" in out
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
    assert code == 2 and "is of a quick run: choose another --out for a full one" in err
    assert program([fake.row], "--docs", "--out", "o")[0] == 2
    assert program([fake.row], "fake", "--out", "o", "--fresh")[0] == 0
    assert "is of a full run" in program([fake.row], "fake", "--quick", "--out", "o")[2]


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
    assert program([fake.row, other.row], "fake", "--docs", "--out", "o")[0] == 0
    page = Path("docs/papers.md").read_text(encoding="utf-8")
    assert "| [The fake row](#the-fake-row) | P2 §1 | holds |" in page
    assert "| [The other row](#the-other-row) | P2 §1 | not run yet |" in page
    assert "![A picture.](papers/fake/picture.png)" in page and "p, 2 cores, 1.0 GB" in page
    assert Path("docs/papers/fake/picture.png").exists()
    assert page.index("| row |") < page.index("## The fake row") < page.index("Not run yet.")


def test_without_matplotlib_there_are_no_figures(program, fake, monkeypatch):
    from suites import figures

    monkeypatch.setattr(figures, "installed", lambda name: False)
    code, out, _ = program([fake.row], "fake", "--quick", "--out", "o")
    assert code == 0 and "picture" not in out and "holds" in out


def end(energies, seconds=None, begun=None):
    steps = list(range(len(energies)))
    history = History(
        steps, seconds or [float(s) for s in steps], list(energies), [np.nan] * len(steps)
    )
    return SimpleNamespace(
        history=history, start_energy=begun or energies[0], energy=min(energies),
        steps=steps[-1], solve_s=history.seconds[-1], setup_s=0.0, prefit_s=0.0,
        result=Result.FLAT, measures={},
    )  # fmt: skip


def test_levels_are_shares_of_the_fall_that_is_left(contests):
    found = contests.record(end([101.0, 50.0, 10.9, 1.5, 1.0]), 101.0, 1.0)
    assert found["to"]["1e-1"] == [2, 2.0]  # 1 + a tenth of 100
    assert found["to"]["1e-2"] == [3, 3.0] and found["to"]["1e-6"] == [4, 4.0]
    assert found["curve"][0] == [0, 0.0, 101.0] and found["curve"][-1][2] == 1.0
    assert contests.record(end([101.0, 50.0]), 101.0, 1.0)["to"]["1e-1"] is None


def cell_of(contests, runs, groups=()):
    """A contest from 101 down to 1, of which only energies by step are given."""
    return {
        "begun": [101.0] * len(next(iter(runs.values()))), "reference": 1.0,
        "groups": dict(groups),
        "runs": {
            label: [contests.record(end(energies), 101.0, 1.0) for energies in several]
            for label, several in runs.items()
        },
    }  # fmt: skip


FAST, SLOW, NEVER = [101.0, 1.0], [101.0, 80.0, 60.0, 40.0, 1.0], [101.0, 90.0]


def test_the_best_of_a_tuned_group_is_shown(contests):
    groups = {"adam, rate 1": "adam", "adam, rate 2": "adam", "adam, rate 3": "adam"}
    runs = {"adam, rate 1": [NEVER, FAST], "adam, rate 2": [SLOW, SLOW],
            "adam, rate 3": [NEVER, NEVER], "lbfgs": [FAST, FAST]}  # fmt: skip
    found = contests.standings(cell_of(contests, runs, groups.items()), "1e-2")
    assert list(found) == ["adam", "lbfgs"]
    assert found["adam"].label == "adam, rate 2" and found["adam"].reached("1e-2") == 2
    assert found["adam"].to("1e-2").tolist() == [[4.0, 4.0], [4.0, 4.0]]
    lower = {"adam, rate 1": [NEVER], "adam, rate 3": [[101.0, 70.0]]}  # nobody gets there
    found = contests.standings(cell_of(contests, lower, groups.items()), "1e-2")
    assert found["adam"].label == "adam, rate 3"


def test_gains_are_geometric_means_over_seeds_that_both_reach(contests):
    runs = {"mine": [FAST, FAST, FAST], "other": [SLOW, FAST, NEVER], "lost": [NEVER] * 3}
    rows = contests.standings(cell_of(contests, runs), "1e-2")
    assert contests.gain(rows["mine"], rows["other"], "1e-2", "steps") == pytest.approx(2.0)
    assert contests.gain(rows["other"], rows["mine"], "1e-2", "seconds") == pytest.approx(0.5)
    assert np.isnan(contests.gain(rows["mine"], rows["lost"], "1e-2", "steps"))


def test_a_contest_as_a_table(contests):
    runs = {"mine": [FAST, FAST], "other": [SLOW, NEVER]}
    lines = contests.table(cell_of(contests, runs), "1e-2", "other").splitlines()
    assert len({line.count("|") for line in lines}) == 1 and len(lines) == 4
    assert lines[2].startswith("| mine | 101 ± 0 | 1 ± 0 | 1 ± 0 |")
    assert "2 of 2" in lines[2] and lines[2].endswith("| 4× | 4× |") and "1 of 2" in lines[3]
    with pytest.raises(InputError, match="no entrant 'nobody' in this contest"):
        contests.table(cell_of(contests, runs), "1e-2", "nobody")


def test_numbers_are_read_without_powers_of_ten(contests):
    assert contests.spread(np.array([1.0, 3.0])) == "2 ± 1.4"
    assert contests.spread(np.array([30123.0])) == "30,100"
    assert contests.spread(np.array([np.nan])) == "–"
    assert contests.number(130.4, 2) == "130" and contests.number(0.00123, 2) == "0.0012"


def test_every_entrant_runs_on_every_seed_from_the_same_start(contests):
    ring = meshrep.graph_from("ring:8")
    energy = meshrep.HeatBath(ring, hot=[4], cold=[0], power=2)
    entrants = [
        *contests.rates("gd, tuned", lambda lr: ("gd", {"lr": lr}), (0.01, 0.2)),
        contests.Entrant("newton", "newton"),
    ]
    said = []
    cell = contests.contest(energy, entrants, (0, 1), said.append, max_steps=2000)
    assert said == ["gd, tuned, rate 0.01", "gd, tuned, rate 0.2", "newton"]
    begun = [energy.value(energy.random_start(seed)) for seed in (0, 1)]
    assert cell["begun"] == begun and cell["nodes"] == cell["edges"] == 8
    assert all([run["begun"] for run in runs] == begun for runs in cell["runs"].values())
    rows = contests.standings(cell, "1e-6")
    assert rows["gd, tuned"].label == "gd, tuned, rate 0.2" and rows["newton"].reached("1e-6") == 2
    assert contests.gain(rows["newton"], rows["gd, tuned"], "1e-6", "steps") > 1
    assert cell["reference"] == pytest.approx(rows["newton"].column("energy")[0], abs=1e-12)


def test_ctrl_c_in_a_solver_ends_the_piece(contests):
    with pytest.raises(KeyboardInterrupt):
        contests.whole(SimpleNamespace(result=Result.INTERRUPTED))
