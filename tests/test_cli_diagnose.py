"""``--diagnose`` end to end: what it says and writes, and how it refuses and is interrupted."""

import json

import pytest

from meshrep.backends import installed
from meshrep.diagnosis.diagnosing import Examination


def test_diagnosis_of_what_took_part(run):
    """H once for the field itself and for each set of variables, with the steps beside it."""
    code, said, errors, out = run(
        "--graph", "lattice:9x9", "--bath-kind", "quadratic", "--diagnose",
        "--compare", "gcn,multilevel,gd,lbfgs", "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    for name in ("identity", "gcn", "multilevel"):
        assert f"diagnosis of lattice:9x9 in the variables of {name}" in said
    assert "κ(H) = " in said and "take lbfgs-newton, as auto does" in said
    assert "gd to a gap of 1e-06: at worst" in said and "lbfgs to a gap" in said
    assert "wrote results/: diagnosis.json" in said
    found = json.loads((out / "diagnosis.json").read_text())
    assert [entry["parametrization"] for entry in found["diagnoses"]] == [
        "identity", "gcn", "multilevel"
    ]  # fmt: skip
    plain, _, levels = found["diagnoses"]
    assert plain["end"]["H"]["condition"] == levels["end"]["H"]["condition"] > 10
    assert levels["end"]["KH"]["condition"] < plain["end"]["H"]["condition"]
    gd = plain["rates"][0]
    assert gd["observed"] == pytest.approx(gd["predicted"], rel=1e-3)
    assert found["observed"]["lbfgs"] <= plain["steps"]["lbfgs"]
    assert not found["interrupted"] and found["left out"] == []


def test_settings_of_solvers_reach_their_variables(run):
    code, _, errors, out = run(
        "--graph", "lattice:7x7", "--solver", "spectral", "--degree", "30", "--diagnose",
        "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    found = json.loads((out / "diagnosis.json").read_text())["diagnoses"][1]
    assert found["parametrization"] == "spectral" and found["end"]["KH"]["condition"] < 1.2


def test_the_picture(run):
    image = pytest.importorskip("matplotlib.image")
    code, said, errors, out = run(
        "--graph", "ring:24", "--kuramoto", "--solver", "lbfgs", "--diagnose"
    )
    assert code == 0, errors
    assert "diagnosis.json, diagnosis.png" in said and "take lift, as auto does" in said
    assert image.imread(out / "diagnosis.png").shape[1] > 1000


def test_what_is_no_map_is_left_out(run):
    if not installed("numba"):
        pytest.skip("numba is not installed")
    code, said, errors, out = run(
        "--graph", "lattice:6x6", "--solver", "kernel", "--max-steps", "20", "--diagnose",
        "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    assert "no diagnosis of kernel: kernel smooths steps" in said
    assert len(json.loads((out / "diagnosis.json").read_text())["diagnoses"]) == 1


def test_an_interruption_keeps_what_was_found(run, monkeypatch):
    whole = Examination.of

    def interrupted(self, recipe=None):
        if recipe is not None and recipe.name == "gcn":
            raise KeyboardInterrupt
        return whole(self, recipe)

    monkeypatch.setattr(Examination, "of", interrupted)
    code, _, errors, out = run(
        "--graph", "lattice:6x6", "--compare", "gcn,lbfgs", "--diagnose", "--no-pictures"
    )
    assert code == 130 and "interrupted" in errors
    found = json.loads((out / "diagnosis.json").read_text())
    assert found["interrupted"] and len(found["diagnoses"]) == 1
    assert (out / "report.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--graph", "lattice:5x5", "--transient", "2"), "--diagnose is for minimising"),
        (("--graph", "cloud:30", "--topology"), "--diagnose is for heat and phases"),
    ],
)
def test_refusals(run, arguments, message):
    code, _, errors, _ = run(*arguments, "--diagnose")
    assert code == 2 and message in errors
