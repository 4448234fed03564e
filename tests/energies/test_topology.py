"""The energy of a cloud's persistence: known answers, gradients, penalties, subsamples."""

import numpy as np
import pytest

import meshrep
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.energies.topology import RipsPersistence
from meshrep.errors import InputError

pytest.importorskip("gudhi")
pytest.importorskip("sklearn")


def hexagon():
    turn = np.arange(6) * np.pi / 3
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def uniform(n, d=2, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, d))


def test_a_hexagons_energy():
    points = hexagon()
    half = (3**0.5 - 1) / 2
    grow = RipsPersistence(points, penalty="none")
    assert grow.value(points) == pytest.approx(-(half**2))
    assert RipsPersistence(points, minimise=1, penalty="none").value(points) == pytest.approx(
        half**2
    )
    assert RipsPersistence(points, power=3, penalty="none").value(points) == pytest.approx(
        -(half**3)
    )
    american = RipsPersistence(points, maximize=1, minimize=0, center=0.5).settings()
    assert american == RipsPersistence(points, maximise=1, minimise=0, centre=0.5).settings()
    components = RipsPersistence(points, minimise="h0", power=1, penalty="none")
    assert components.value(points) == pytest.approx(5 / 2)


def test_what_counts_of_a_target_can_be_narrowed():
    points, target = uniform(30), {"h1": [[0.2, 0.9]]}
    every = RipsPersistence(points, targets=target, penalty="none")
    longest = RipsPersistence(points, targets=target, top=1, penalty="none")
    assert every.losses[1].target is not None and every.signs == {1: 1.0}
    assert longest.value(points) < every.value(points)


def test_growth_without_an_end_is_refused():
    with pytest.raises(InputError, match="no minimum"):
        meshrep.solve(RipsPersistence(uniform(20), penalty="none"), "adam")
    with pytest.raises(InputError, match="no minimum"):
        meshrep.solve(RipsPersistence(uniform(20), strength=0.0), "adam")
    shrinking = RipsPersistence(uniform(20), minimise=1, penalty="none")
    assert meshrep.solve(shrinking, "adam", max_steps=5).steps == 5


def test_restarts_that_would_all_be_the_same_are_refused():
    with pytest.raises(InputError, match="end alike"):
        meshrep.solve(RipsPersistence(uniform(20)), "adam", restarts=3)


@pytest.mark.slow
def test_a_comparison_of_subsamples_is_judged_along_the_way():
    energy = RipsPersistence(uniform(120), subsample=30)
    found = meshrep.compare(energy, ["kernel", "sgd"], max_steps=20)
    for row in found.solutions:
        assert row.history.energy[0] == pytest.approx(energy.value(energy.points))
        assert row.history.energy[-1] == pytest.approx(row.energy)


def test_a_hexagon_with_its_own_diagram_as_target_is_at_rest():
    energy = RipsPersistence(hexagon(), targets={1: [[1.0, 3**0.5]]}, penalty="none")
    assert energy.value(hexagon()) == pytest.approx(0, abs=1e-12)
    assert np.abs(energy.gradient(hexagon())).max() < 1e-7


PENALTIES = {
    "box": (0.5, lambda x: (np.maximum(np.abs(x) - 0.5, 0) ** 2).sum()),
    "ball": (0.5, lambda x: (np.maximum(np.linalg.norm(x, axis=1) - 0.5, 0) ** 2).sum()),
}


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalties_are_squared_distances(penalty):
    bound, formula = PENALTIES[penalty]
    points = uniform(30)
    free = RipsPersistence(points, penalty="none").value(points)
    held = RipsPersistence(points, penalty=penalty, bound=bound, centre=0.0, strength=3.0)
    assert held.value(points) - free == pytest.approx(3 * formula(points))
    moved = RipsPersistence(points + 7.0, penalty=penalty, bound=bound, centre=7.0, strength=3.0)
    assert moved.value(points + 7.0) == pytest.approx(held.value(points))


def test_a_tether_is_the_squared_way_from_the_start():
    points, moved = uniform(30), uniform(30, seed=1)
    free = RipsPersistence(points, penalty="none").value(moved)
    held = RipsPersistence(points, penalty="tether", strength=0.5).value(moved)
    assert held - free == pytest.approx(0.5 * ((moved - points) ** 2).sum())


ENERGIES = {
    "loops": (2, {}),
    "loops and components": (2, {"maximise": "h1", "minimise": "h0"}),
    "components, apart": (5, {"maximise": 0, "power": 1.5}),
    "the five longest": (2, {"top": 5}),
    "a window": (2, {"window": (0.05, 0.3)}),
    "cavities in a ball": (3, {"maximise": "h1,h2", "penalty": "ball", "bound": 0.5}),
    "a target": (2, {"targets": {1: [[0.2, 0.6], [0.1, 0.3]]}}),
    "tethered": (3, {"power": 1.0, "penalty": "tether"}),
    "alpha": (2, {"filtration": "alpha"}),
    "alpha in space": (3, {"filtration": "alpha", "maximise": "h1,h2"}),
    "truncated": (2, {"max_length": 0.4}),
    "subsamples": (2, {"subsample": 20}),
}


@pytest.mark.parametrize("name", ENERGIES)
def test_gradients_are_derivatives(name):
    d, settings = ENERGIES[name]
    energy = RipsPersistence(uniform(40, d), **settings)
    rng = np.random.default_rng(5)
    w = energy.random_start() + 0.05 * rng.standard_normal(energy.shape)
    way, h = rng.standard_normal(energy.shape), 1e-6
    rise = (energy.value(w + h * way) - energy.value(w - h * way)) / (2 * h)
    assert (energy.gradient(w) * way).sum() == pytest.approx(rise, rel=1e-6)


@pytest.mark.skipif(not installed("torch"), reason="torch is not installed")
@pytest.mark.parametrize("name", ["loops", "cavities in a ball"])
def test_torch_sees_the_same(name):
    d, settings = ENERGIES[name]
    energy = RipsPersistence(uniform(40, d), **settings)
    backend = backend_for("torch", "cpu", "float64")
    value, gradient = energy.on(backend).value_and_grad(backend.asarray(energy.points))
    assert float(value) == pytest.approx(energy.value(energy.points))
    assert np.allclose(backend.to_numpy(gradient), energy.gradient(energy.points))


def test_single_precision_comes_back_in_single_precision():
    energy = RipsPersistence(uniform(40))
    value, gradient = energy.on(NumpyBackend("float32")).value_and_grad(
        energy.points.astype(np.float32)
    )
    assert gradient.dtype == np.float32
    assert value == pytest.approx(energy.value(energy.points), rel=1e-4)


def test_energies_add_and_scale():
    points = uniform(40)
    both = RipsPersistence(points, maximise=1, minimise=0, penalty="none")
    loops = RipsPersistence(both.graph, penalty="none")
    components = RipsPersistence(both.graph, minimise=0, penalty="none")
    total = loops + 1.0 * components
    assert not total.smooth
    assert total.value(points) == pytest.approx(both.value(points))
    assert np.allclose(total.gradient(points), both.gradient(points))


def test_every_draw_is_another_and_the_judge_keeps_to_his():
    energy = RipsPersistence(uniform(200), subsample=40)
    assert energy.stochastic
    evaluator = energy.on(NumpyBackend())
    values = {evaluator.value_and_grad(energy.points)[0] for _ in range(5)}
    assert len(values) == 5
    assert energy.value(energy.points) == energy.value(energy.points)
    again = energy.on(NumpyBackend())
    assert again.value_and_grad(energy.points)[0] in values
    assert len(energy.shown) == len(set(energy.shown)) == 40
    _, gradient = evaluator.value_and_grad(energy.points)
    assert np.count_nonzero(gradient.any(axis=1)) <= 40


def test_a_subsample_of_all_is_none():
    assert not RipsPersistence(uniform(30), subsample=30).stochastic


def test_networks_propagate_along_the_rips_graph_amid_the_births():
    energy = RipsPersistence(uniform(60))
    births = energy.diagrams(energy.points)[1].values[:, 0]
    middle = (births.min() + births.max()) / 2
    apart = np.linalg.norm(energy.points[:, None] - energy.points, axis=2)
    expected = (apart <= middle) & ~np.eye(60, dtype=bool)
    assert ((energy.coupling.toarray() != 0) == expected).all()
    graph = RipsPersistence(uniform(60), links="graph")
    assert graph.coupling is graph.graph.adjacency
    line = RipsPersistence(np.outer(np.arange(9.0), [1.0, 1.0]))  # has no loop
    assert line.coupling is line.graph.adjacency


def test_a_flat_graph_is_a_cloud_in_the_plane():
    graph = meshrep.graph_from("cloud:50")
    assert RipsPersistence(graph).shape == (50, 2)
    assert RipsPersistence(meshrep.graph_from("cloud:50:dim=3")).shape == (50, 3)
    assert RipsPersistence(uniform(20, 6)).shape == (20, 6)


def test_measures_are_of_every_dimension_that_counts():
    measured = RipsPersistence(hexagon(), maximise="h1", minimise="h0").measures(hexagon())
    assert measured == {
        "H0 pairs": 5, "longest H0": pytest.approx(1),
        "H1 pairs": 1, "longest H1": pytest.approx(3**0.5 - 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    "cloud",
    [np.zeros((1, 2)), np.zeros((6, 2)), np.outer(np.arange(5.0), [1.0, 2.0, 0.5])],
    ids=["one point", "all in one place", "on a line"],
)
def test_clouds_without_loops_are_at_rest(cloud):
    solution = meshrep.solve(RipsPersistence(cloud), "adam", max_steps=20)
    assert solution.energy == 0
    assert np.isfinite(solution.field).all()


def test_duplicates_do_no_harm():
    cloud = np.repeat(uniform(20), 2, axis=0)
    solution = meshrep.solve(RipsPersistence(cloud, maximise="h0,h1"), "adam", max_steps=20)
    assert np.isfinite(solution.field).all()
    assert solution.energy < solution.start_energy


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"maximise": "h3"}, "'3'"),
        ({"maximise": "loops"}, "choose h0, h1 or h2"),
        ({"maximise": 1, "minimise": "h1"}, "twice"),
        ({"penalty": "wall"}, "unknown penalty 'wall'"),
        ({"filtration": "čech"}, "unknown filtration"),
        ({"links": "all"}, "unknown links"),
        ({"bound": -1.0}, "bound"),
        ({"strength": np.inf}, "strength"),
        ({"subsample": 2}, "3 points"),
        ({"subsample": 5.5}, "whole number"),
        ({"subsample": 10, "links": "births"}, "whole diagrams"),
        ({"centre": np.nan}, "centre"),
        ({"centre": [0.0, 0.0, 0.0]}, "centre"),
        ({"penalty": "tether", "bound": 2.0}, "bound is for a box"),
        ({"penalty": "none", "centre": 0.0}, "centre is for a box"),
        ({"filtration": "alpha", "maximise": 2}, "no H2 in 2 dimensions"),
        ({"targets": {1: [[0.1, 0.5]]}, "power": 3.0}, "power"),
        ({"targets": {"h1": [[0.1, 0.5]]}, "maximise": 1}, "twice"),
        ({"filtration": "alpha", "max_length": 1.0}, "Rips"),
        ({"power": 0.0}, "power"),
        ({"top": 0}, "top"),
        ({"window": (0.5, 0.1)}, "window"),
        ({"targets": {1: [[0.5, np.nan]]}}, "target"),
    ],
)
def test_bad_settings_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        RipsPersistence(uniform(20), **settings)


@pytest.mark.parametrize("cloud", [np.zeros(4), [[0.0, np.nan]], np.zeros((0, 2))])
def test_bad_clouds_are_refused(cloud):
    with pytest.raises(InputError, match="cloud"):
        RipsPersistence(np.asarray(cloud))


def test_a_network_without_coordinates_is_refused():
    with pytest.raises(InputError, match="no coordinates"):
        RipsPersistence(meshrep.graph_from("er:20"))


def test_alpha_is_for_the_plane_and_for_space():
    with pytest.raises(InputError, match="alpha"):
        RipsPersistence(uniform(20, 5), filtration="alpha").value(uniform(20, 5))


@pytest.mark.parametrize("package", ["gudhi", "sklearn"])
def test_a_missing_package_is_named_with_its_extra(package, monkeypatch):
    from meshrep.persistence import rips

    monkeypatch.setattr(rips, "installed", lambda name: name != package)
    with pytest.raises(meshrep.MissingPart, match=r"meshrep\[topology\]"):
        RipsPersistence(uniform(20))
