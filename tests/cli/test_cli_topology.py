"""The command line on topology: moved clouds, simplified fields, and how it refuses."""

import csv
import json

import numpy as np
import pytest

from meshrep.base.backends import installed

pytest.importorskip("gudhi")
pytest.importorskip("sklearn")

CLOUD = ("--graph", "cloud:40", "--topology")
BRIEF = ("--solver", "adam", "--max-steps", "20", "--no-pictures")
VALUES = {
    "maximise": "h1", "minimise": "h0", "penalty": "ball", "window": "0.1,0.5",
    "filtration": "alpha", "links": "graph", "target": "target.npy",
}  # fmt: skip


def report_of(out):
    return json.loads((out / "report.json").read_text())


def rows(path):
    return list(csv.DictReader(path.open()))


@pytest.mark.slow
@pytest.mark.skipif(not (installed("pyvista") and installed("torch")), reason="viz and torch")
def test_the_main_job(run):
    import pyvista as pv

    code, said, errors, out = run(
        *CLOUD, "--bound", "2", "--compare", "gcn,adam,lbfgs", "--max-steps", "60",
        "--film", "moves.gif",
    )  # fmt: skip
    assert code == 0, errors
    assert "over H1" in said and "box of half width 2" in said
    assert "wrote moves.gif" in said and "png, moves.gif" not in said
    names = {"report.json", "history.csv", "diagrams.csv", "cloud.vtp", "cloud.png",
             "diagrams.png", "solvers.png", "convergence.png"}  # fmt: skip
    assert names == {path.name for path in out.iterdir()}
    assert (out.parent / "moves.gif").stat().st_size > 1000
    report = report_of(out)
    assert not any(name.endswith("_choice") for name in report["problem"])
    assert report["problem"]["bound"] == 2 and report["problem"]["centre"] == [0, 0]
    best = min(report["solvers"], key=lambda entry: entry["energy"])
    assert best["energy"] < best["start_energy"] < 0
    cloud = pv.read(out / "cloud.vtp")
    assert cloud.n_points == 40
    assert {"start", "position_gcn", "position_adam", "position_lbfgs"} <= set(cloud.point_data)
    np.testing.assert_allclose(cloud.points, cloud.point_data[f"position_{best['name']}"])
    assert not np.allclose(cloud.points, cloud.point_data["start"])
    lasting = {"before": 0.0}
    for row in rows(out / "diagrams.csv"):
        when, length = row["cloud"], float(row["death"]) - float(row["birth"])
        lasting[when] = max(lasting.get(when, 0.0), length)
    assert (
        lasting.pop("before")
        < max(lasting.values())
        == pytest.approx(best["measures"]["longest H1"])
    )


def test_a_file_of_points_has_its_box_about_its_middle(run, tmp_path):
    points = np.random.default_rng(0).uniform([9, 19, 29], [11, 21, 31], (40, 3))
    np.savetxt(tmp_path / "points.xyz", points)
    code, _said, errors, out = run("points.xyz", "--topology", "--maximise", "h1", *BRIEF)
    assert code == 0, errors
    problem = report_of(out)["problem"]
    assert problem["centre"] == pytest.approx((points.min(axis=0) + points.max(axis=0)) / 2)
    assert problem["bound"] == pytest.approx(np.ptp(points, axis=0).max() / 2)


def test_every_option_reaches_the_energy(run):
    code, _said, errors, out = run(
        *CLOUD, "--maximise", "h1", "--minimise", "h0", "--penalty", "ball", "--bound", "1.5",
        "--power", "1.5", "--top", "4", "--window", "0.01,inf", "--max-length", "1",
        "--links", "graph", "--strength", "3", *BRIEF,
    )  # fmt: skip
    assert code == 0, errors
    problem = report_of(out)["problem"]
    assert problem["signs"] == {"h0": 1, "h1": -1}
    assert problem["penalty"] == "ball" and problem["bound"] == 1.5
    assert problem["losses"]["h1"]["power"] == 1.5 and problem["losses"]["h1"]["top"] == 4
    assert problem["losses"]["h1"]["window"] == [0.01, None]
    assert problem["strength"] == 3
    assert problem["max_length"] == 1 and problem["links"] == "graph"


def test_a_target_is_approached(run, tmp_path):
    np.save(tmp_path / "target.npy", [[0.3, 0.9], [8, 9]])
    code, said, errors, out = run(*CLOUD, "--target", "target.npy", *BRIEF)
    assert code == 0, errors
    assert "1 of 2 target pairs is matched by an H1 pair" in said and "out of reach" in said
    (entry,) = report_of(out)["solvers"]
    assert 0 < entry["energy"] < entry["start_energy"]


@pytest.mark.parametrize("filtration", ["rips", "alpha"])
def test_filtrations_by_name(run, filtration):
    code, _said, errors, out = run(*CLOUD, "--filtration", filtration, *BRIEF)
    assert code == 0, errors
    assert report_of(out)["problem"]["filtration"] == filtration


@pytest.mark.slow
def test_large_clouds_go_by_subsamples(run):
    code, said, errors, out = run(
        "--graph", "cloud:500", "--topology", "--subsample", "60", "--max-steps", "20",
        "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    assert "60 of them drawn for every step" in said
    assert [entry["name"] for entry in report_of(out)["solvers"]] == ["kernel", "adam", "sgd"]


def test_settings_of_the_kernel_and_of_sgd(run):
    words = (
        "--set",
        "form=average",
        "--set",
        "bandwidth=0.3",
        "--set",
        "decay=50",
        "--set",
        "lr=0.2",
    )
    code, _, errors, _ = run(*CLOUD, "--solver", "kernel", *words, *BRIEF[2:])
    assert code == 0, errors


def test_the_papers_network(run):
    words = ("--solver", "gcn", "--set", "hidden=8,6", "--set", "network_start=prefit")
    code, said, errors, _out = run(*CLOUD, *words, *BRIEF[2:])
    assert code == 0, errors
    assert "fit" in said


@pytest.mark.slow
def test_a_temperature_is_simplified(run):
    code, said, errors, out = run(
        "bunny.ply", "--bath", "random", "--simplify", "0.05", "--solver", "newton"
    )
    assert code == 0, errors
    assert "persistence up to" in said and "(5% of the range) removed" in said
    entry = report_of(out)["simplification"]
    assert entry["share"] == 0.05 and entry["solver"] == "nesterov" and entry["steps"] > 0
    assert entry["after"]["minima"] < entry["before"]["minima"]
    assert entry["energy_after"] > entry["energy_before"] > 0 < entry["largest_move"]
    if installed("matplotlib") and installed("pyvista"):
        import pyvista as pv

        assert {"simplified.png", "extrema.png"} <= {path.name for path in out.iterdir()}
        mesh = pv.read(out / "field.vtp")
        before = mesh.point_data["temperature_newton"]
        after = mesh.point_data["temperature_simplified"]
        assert 0 < np.abs(after - before).max() < 0.1 * np.ptp(before)
        reach = 0.05 * np.ptp(before)
        found = rows(out / "extrema.csv")
        lengths: dict = {"before": [], "after": []}
        for row in found:
            when = row["extrema"].split()[-1]
            lengths[when].append(abs(float(row["death"]) - float(row["birth"])))
        assert min(lengths["before"]) < reach <= min(lengths["after"]) * 1.0001
        assert sum(x > reach for x in lengths["before"]) == len(lengths["after"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--bath",), "--bath is for heat and not for --topology"),
        (("--simplify", "0.1"), "--simplify is for heat"),
        (("--kuramoto",), "choose one of --kuramoto and --topology"),
        (("--transient", "3"), "--transient is for heat and phases"),
        (("--cmap", "hsv"), "--cmap is for heat and phases"),
        (("--arrows",), "--arrows draws phases"),
        (("--start", "mean"), "one place"),
        (("--maximise", "h7"), "--maximise h7: there is no homology '7'"),
        (("--maximize", "h0", "--minimize", "loops"), "--minimise loops: there is no homology"),
        (("--strength", "-2"), "--strength must be a number, 0 or more, not -2.0"),
        (("--strength", "2", "--penalty", "none"), "--strength belongs to a penalty"),
        (("--maximise", "h1", "--minimise", "h1"), "asked for twice"),
        (("--window", "1"), "--window is LOW,HIGH"),
        (("--window", "0.5,0.1"), "meshrep: window"),
        (("--target", "nothing.npy"), "--target nothing.npy"),
        (("--bound", "-1"), "--bound must be a positive number"),
        (("--bound", "1", "--penalty", "none"), "--bound"),
        (("--bound", "1", "--penalty", "tether"), "--bound"),
        (("--subsample", "2"), "--subsample must be a whole number, 3 or more"),
        (("--subsample", "20", "--solver", "lbfgs"), "lbfgs cannot follow"),
        (("--filtration", "alpha", "--max-length", "1"), "--max-length is for the Rips filtration"),
        (("--set", "hidden=wide"), "hidden must be a whole number"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(run, words, message):
    code, _, errors, _ = run(*CLOUD, *words)
    assert code == 2, errors
    assert message in errors and errors.count("\n") == 1


def test_a_network_without_coordinates_is_refused(run):
    code, _, errors, _ = run("--graph", "er:20", "--topology")
    assert code == 2 and "no coordinates" in errors


@pytest.mark.parametrize(
    ("share", "message"),
    [("0", "must be a number between 0 and 1, not 0"), ("1", "between 0 and 1, not 1")],
)
def test_only_shares_between_0_and_1_are_simplified(run, share, message):
    code, _, errors, _ = run("--graph", "lattice:8x8", "--bath", "--simplify", share)
    assert code == 2 and errors.startswith("meshrep: --simplify") and message in errors


def test_a_simple_temperature_stays_as_it_is(run):
    code, said, errors, out = run(
        "--graph", "lattice:12x12", "--bath", "--simplify", "0.05", "--solver", "newton",
        "--no-pictures",
    )  # fmt: skip
    assert code == 0, errors
    assert "the field stays as it is" in said
    assert "removed" not in said and "simplified by" not in said
    entry = report_of(out)["simplification"]
    assert entry["before"] == entry["after"] == {"minima": 1, "maxima": 1}


def test_a_cloud_that_cannot_move_is_told_so(run):
    code, said, errors, _ = run(*CLOUD, "--max-length", "0.01", *BRIEF)
    assert code == 0, errors
    assert "no H1 pair to begin with" in said and "raise max_length" in said
    code, said, errors, _ = run(*CLOUD, "--window", "50,inf", *BRIEF)
    assert code == 0 and "no H1 pair in the window" in said, errors


def test_loops_are_drawn_where_they_count_and_can_be_found(monkeypatch):
    from meshrep.cli.outputs import clouds as topology_outputs
    from meshrep.energies.topology import RipsPersistence
    from meshrep.errors import InputError

    points = np.random.default_rng(0).uniform(-1, 1, (30, 3))
    energy = RipsPersistence(points)
    assert topology_outputs.loops(energy, points)
    assert not topology_outputs.loops(RipsPersistence(points, maximise="h2"), points)

    def too_large(*_, **__):
        raise InputError("too large")

    monkeypatch.setattr(topology_outputs, "longest_loops", too_large)
    assert not topology_outputs.loops(energy, points)


@pytest.mark.skipif(not installed("matplotlib"), reason="matplotlib is not installed")
def test_a_picture_that_cannot_be_drawn_is_told_and_the_rest_stands(run, monkeypatch):
    from meshrep.errors import InputError
    from meshrep.view import cloud

    def refuse(*_, **__):
        raise InputError("no extent")

    monkeypatch.setattr(cloud, "cloud_panels", refuse)
    code, said, errors, out = run(*CLOUD, *BRIEF[:4])
    assert code == 2
    assert errors == "meshrep: no cloud.png: no extent\n"
    assert (out / "diagrams.png").exists() and "diagrams.png" in said
    assert not (out / "cloud.png").exists()


def test_ctrl_c_keeps_the_best_cloud(run, monkeypatch):
    from meshrep.minimisers.first_order_loop import FirstOrder

    def one_step(self, objective, monitor):
        monitor.record(0, -1.0, objective.start)
        raise KeyboardInterrupt

    monkeypatch.setattr(FirstOrder, "run", one_step)
    code, said, errors, out = run(*CLOUD, "--compare", "adam,lbfgs,sgd")
    assert code == 130 and "the best points so far were saved" in errors
    assert "skipped: lbfgs, sgd" in said and "interrupted: writing" in said
    assert (out / "diagrams.csv").exists() and not (out / "cloud.png").exists()


def test_ctrl_c_before_the_first_step_claims_nothing(run, monkeypatch):
    from meshrep.minimisers.first_order_loop import FirstOrder

    def none(self, objective, monitor):
        raise KeyboardInterrupt

    monkeypatch.setattr(FirstOrder, "run", none)
    code, said, errors, out = run(*CLOUD, "--compare", "adam,sgd")
    assert code == 130 and errors == "meshrep: interrupted before there was a result to save\n"
    assert "reference" not in said and "gradient" not in said
    assert not list(out.iterdir())
