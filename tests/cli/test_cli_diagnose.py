"""``--diagnose`` end to end: what it says and writes, and how it refuses and is interrupted."""

import json
from dataclasses import replace

import numpy as np
import pytest
from problems_of_tests import heat

import meshrep
from meshrep.base.backends import installed
from meshrep.cli.outputs import diagnosis as diagnosis_outputs
from meshrep.diagnosis.diagnosing import Examination
from meshrep.errors import SolveError


def test_diagnosis_of_what_took_part(run):
    """H once for the field itself and for each set of variables, with the steps beside it."""
    code, said, errors, out = run(
        "--graph", "lattice:9x9", "--kind", "quadratic", "--diagnose",
        "--compare", "gcn,multilevel,gd,lbfgs", "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    for name in ("identity", "gcn", "multilevel"):
        assert f"diagnosis of lattice:9x9 in the variables of {name}" in said
    assert "κ(H) = " in said and "use lbfgs-newton, as auto does" in said
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


def test_solvers_of_one_kind_are_told_apart(run):
    """gcn and gcn-a2 are both networks called gcn; the legs of one solver are diagnosed once."""
    code, said, errors, out = run(
        "--graph", "lattice:6x6", "--diagnose", "--max-steps", "30",
        "--compare", "gcn,gcn-a2,spectral,spectral-adam,kappa,kappa-adam", "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    found = json.loads((out / "diagnosis.json").read_text())
    names = [entry["parametrization"] for entry in found["diagnoses"]]
    assert names == ["identity", "gcn", "gcn-a2", "spectral", "kappa"]
    assert found["left out"] == []
    _, near, wide, *_ = found["diagnoses"]
    assert near["end"]["K"]["largest"] != wide["end"]["K"]["largest"]
    assert "in the variables of gcn-a2" in said


@pytest.mark.parametrize(
    "error",
    [
        SolveError("no step\nlowers it"),
        np.linalg.LinAlgError("did not converge"),
        ValueError("the start has no length in the metric"),
        ZeroDivisionError("float division by zero"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_in_the_middle_keeps_what_was_found(run, monkeypatch, error):
    whole = Examination.of

    def failing(self, recipe=None, name=""):
        if name == "gcn":
            raise error
        return whole(self, recipe, name)

    monkeypatch.setattr(Examination, "of", failing)
    code, said, errors, out = run(
        "--graph", "lattice:5x5", "--compare", "gcn,multilevel,lbfgs", "--diagnose",
        "--no-pictures", "--max-steps", "20",
    )  # fmt: skip
    assert code == 0, errors
    found = json.loads((out / "diagnosis.json").read_text())
    names = [entry["parametrization"] for entry in found["diagnoses"]]
    assert names == ["identity", "multilevel"]
    reason = f"no diagnosis of gcn: {' '.join(str(error).split())}"
    assert found["left out"] == [reason] and reason in said
    assert (out / "report.json").is_file()


def test_an_error_at_the_beginning_is_told(run, monkeypatch):
    def failing(*_, **__):
        raise SolveError("Newton's method came to no end")

    monkeypatch.setattr(diagnosis_outputs, "Examination", failing)
    code, said, errors, out = run(
        "--graph", "lattice:5x5", "--solver", "lbfgs", "--diagnose", "--no-pictures"
    )
    assert code == 0, errors
    assert "no diagnosis: Newton's method came to no end" in said
    assert json.loads((out / "diagnosis.json").read_text())["diagnoses"] == []


def test_predictions_beside_what_solvers_took(monkeypatch):
    """By a bound they are "at least", without a rate there is none, and of the field itself."""
    energy = heat("lattice:6x6", power=2)
    compared = meshrep.compare(energy, ["gd", "heavy-ball", "lbfgs"], max_steps=3)
    examined = Examination(energy, end=meshrep.solve(energy, "newton").field)
    plain, mapped = examined.of(), examined.of(meshrep.GraphNetwork())
    lr, momentum = plain.rates[1].lr, plain.rates[1].momentum
    gd, ball, lbfgs = diagnosis_outputs._against([mapped, plain], compared)
    assert f"at worst {plain.steps['gd']:,.0f} steps predicted" in gd and "not reached" in gd
    assert f"--set lr={plain.rates[0].lr:.3g})" in gd
    assert f"--set lr={lr:.3g} --set momentum={momentum:.9g})" in ball and "--set" not in lbfgs
    assert diagnosis_outputs._against([mapped], compared) == []
    blurred = replace(plain.end.hessian, least_residual=plain.end.hessian.least)
    bound = replace(plain, end=replace(plain.end, hessian=blurred), rates=[])
    gd, _, _ = diagnosis_outputs._against([bound], compared)
    assert "in the worst case at least" in gd and "--set" not in gd
    flat = replace(bound, steps=dict.fromkeys(plain.steps, np.inf))
    gd, _, _ = diagnosis_outputs._against([flat], compared)
    assert "no number is predicted; not reached" in gd and "inf" not in gd
    steep = replace(plain.start.hessian, largest=4 / plain.rates[0].lr)
    late = replace(plain, start=replace(plain.start, hessian=steep))
    gd, _, _ = diagnosis_outputs._against([late], compared)
    assert "longer than what the start bears" in gd


def test_settings_of_solvers_reach_their_variables(run):
    code, _, errors, out = run(
        "--graph", "lattice:7x7", "--solver", "spectral", "--set", "degree=30", "--diagnose",
        "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    found = json.loads((out / "diagnosis.json").read_text())["diagnoses"][1]
    assert found["parametrization"] == "spectral" and found["end"]["KH"]["condition"] < 1.2


@pytest.mark.slow
def test_the_picture(run):
    image = pytest.importorskip("matplotlib.image")
    code, said, errors, out = run(
        "--graph", "ring:24", "--kuramoto", "--solver", "lbfgs", "--diagnose"
    )
    assert code == 0, errors
    assert "diagnosis.json, diagnosis.png" in said and "use lift, as auto does" in said
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

    def interrupted(self, recipe=None, name=""):
        if name == "gcn":
            raise KeyboardInterrupt
        return whole(self, recipe, name)

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
