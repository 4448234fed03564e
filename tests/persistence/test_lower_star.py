"""Persistence of fields: pairs, the energy on them, and fields without their small extrema."""

from collections import Counter

import numpy as np
import pytest
from problems_of_tests import heat, mostly_slow

import meshrep
from meshrep.base.backends import backend_for
from meshrep.energies.lower_star import LowerStar
from meshrep.errors import InputError, MissingPart
from meshrep.kernels import components
from meshrep.minimisers.monitor import Stopping
from meshrep.persistence import lower_star
from meshrep.persistence.losses import DiagramLoss
from meshrep.persistence.lower_star import LowerStarFiltration, by_gudhi
from meshrep.solving import simplify as simplification
from meshrep.solving.simplify import simplify

LEVELS = (False, True)


def torus(k=9, m=7):
    """A torus of triangles, without points in space that mean anything."""
    i, j = (a.ravel() for a in np.meshgrid(np.arange(k), np.arange(m), indexing="ij"))
    here, right = i * m + j, (i + 1) % k * m + j
    up, across = i * m + (j + 1) % m, (i + 1) % k * m + (j + 1) % m
    faces = np.concatenate([np.stack([here, right, across], 1), np.stack([here, across, up], 1)])
    return meshrep.from_arrays(np.random.default_rng(0).random((k * m, 3)), faces)


def chain(n):
    return meshrep.Graph.from_edges(n, np.stack([np.arange(n - 1), np.arange(1, n)], axis=1))


def random_graph(seed, n=40, m=70):
    return meshrep.Graph.from_edges(n, np.random.default_rng(seed).integers(0, n, (m, 2)))


def soup(seed, n=12, faces=40):
    """Triangles at random, many on one edge."""
    rng = np.random.default_rng(seed)
    faces = [rng.choice(n, 3, replace=False) for _ in range(faces)]
    return meshrep.from_arrays(rng.random((n, 3)), np.array(faces))


@pytest.fixture(scope="module")
def graphs(lattice, sphere):
    return {
        "lattice": lattice,
        "sphere": sphere(1),
        "torus": torus(),
        "triangular": meshrep.graph_from("triangular:6x7"),
        "random": random_graph(1),
        "soup": soup(0),
        "no edges": meshrep.Graph.from_edges(3, np.zeros((0, 2))),
    }


def fields(n, seeds=6):
    """Generic fields, and fields of few values, of which the last is flat."""
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        yield rng.standard_normal(n) if seed % 2 else rng.integers(0, 1 + seed, n).astype(float)
    yield np.zeros(n)


def pairs(diagram):
    return Counter(zip(diagram.births[:, 0].tolist(), diagram.deaths[:, 0].tolist(), strict=True))


def extrema(graph, w, least=1e-6):
    """Persistence of minima and of maxima above some part of the range."""
    filtration = LowerStarFiltration(graph)
    found = [filtration.diagrams(w, level)[0].persistence for level in LEVELS]
    return [np.sort(p[p > least * np.ptp(w)]) for p in found]


def hills(points, low=0.03):
    """A hill of height 1 and one of height ``low`` on a slope of none."""
    high, lower = points[points[:, 0].argmax()], points[points[:, 0].argmin()]
    size = np.ptp(points, axis=0).max()
    bump = [np.exp(-16 * ((points - at) ** 2).sum(1) / size**2) for at in (high, lower)]
    return bump[0] + low * bump[1]


def test_pairs_of_a_path():
    path = chain(7)
    w = np.array([2.0, 0.0, 5.0, 1.0, 3.0, 2.0, 4.0])
    below = LowerStarFiltration(path).diagrams(w)[0]
    assert pairs(below) == {(3, 2): 1, (5, 4): 1}
    assert sorted(below.values.tolist()) == [[1, 5], [2, 3]]
    above = LowerStarFiltration(path).diagrams(w, superlevel=True)[0]
    assert pairs(above) == {(0, 1): 1, (4, 5): 1, (6, 3): 1}
    assert (above.values[:, 0] >= above.values[:, 1]).all()
    assert below.births.shape == (2, 1)
    assert below.pull_back(np.array([[1.0, 10.0], [2.0, 20.0]])).tolist() == [0, 0, 10, 1, 20, 2, 0]


def test_a_loop_round_a_hill_dies_at_its_top(lattice):
    w = hills(lattice.points)
    loops = LowerStarFiltration(lattice, (0, 1)).diagrams(w)[1]
    assert len(loops) == 0  # on the boundary nothing goes round a hill
    middle = np.exp(-((lattice.points - lattice.points.mean(0)) ** 2).sum(1))
    loops = LowerStarFiltration(lattice, (1,)).diagrams(middle)[1]
    assert loops.values[:, 1].tolist() == [middle.max()]
    assert 1 not in LowerStarFiltration(lattice).diagrams(w)


def test_loops_of_a_closed_surface_are_its_maxima(sphere):
    graph = sphere(2)
    w = np.random.default_rng(0).standard_normal(graph.n)
    found = LowerStarFiltration(graph, (0, 1)).diagrams(w)
    assert pairs(found[1]) == Counter(
        {(s, m): k for (m, s), k in pairs(LowerStarFiltration(graph).diagrams(w, True)[0]).items()}
    )


@pytest.mark.parametrize(
    "name", ["lattice", "sphere", "torus", "triangular", "random", "soup", "no edges"]
)
def test_pairs_are_those_of_gudhi(graphs, name):
    pytest.importorskip("gudhi")
    graph = graphs[name]
    filtration = LowerStarFiltration(graph, (0, 1))
    assert filtration._faces.crowded == (name == "soup")
    for w in fields(graph.n):
        for level in LEVELS:
            expected = by_gudhi(graph, *lower_star._ranks(w, level))
            for dimension, found in filtration.diagrams(w, level).items():
                births, deaths = expected[dimension]
                kept = w[births] != w[deaths]
                ends = zip(births[kept].tolist(), deaths[kept].tolist(), strict=True)
                assert pairs(found) == Counter(ends)
                np.testing.assert_array_equal(found.values[:, 0], w[found.births[:, 0]])
                np.testing.assert_array_equal(found.values[:, 1], w[found.deaths[:, 0]])


def test_pairs_without_numba_are_the_same(graphs, monkeypatch):
    pytest.importorskip("numba")
    for graph in (graphs["torus"], graphs["lattice"], graphs["random"]):
        monkeypatch.setattr(lower_star, "installed", lambda package: True)
        compiled = LowerStarFiltration(graph, (0, 1))
        monkeypatch.setattr(lower_star, "installed", lambda package: False)
        plain = LowerStarFiltration(graph, (0, 1))
        assert plain._merge is components.merge and compiled._merge is not components.merge
        for w in fields(graph.n):
            for one, other in zip(
                compiled.diagrams(w).values(), plain.diagrams(w).values(), strict=True
            ):
                np.testing.assert_array_equal(one.births, other.births)
                np.testing.assert_array_equal(one.deaths, other.deaths)


def test_what_cannot_be_filtered(lattice, monkeypatch):
    for wrong in ((), (2,), (0, -1)):
        with pytest.raises(InputError, match="dimensions 0 and 1"):
            LowerStarFiltration(lattice, wrong)
    filtration = LowerStarFiltration(lattice)
    with pytest.raises(InputError, match="shape"):
        filtration.diagrams(np.zeros(3))
    with pytest.raises(InputError, match="NaN"):
        filtration.tree(np.full(lattice.n, np.nan))
    monkeypatch.setattr(lower_star, "installed", lambda package: False)
    with pytest.raises(MissingPart, match="topology"):
        LowerStarFiltration(soup(0), (1,)).diagrams(np.arange(12.0))


SETTINGS = {
    "all": {},
    "threshold": {"threshold": 0.3},
    "linear": {"threshold": 0.3, "power": 1},
    "kept": {"keep": 2, "levels": "super"},
    "loops": {"threshold": 0.4, "keep": 1, "dimensions": (0, 1)},
    "create": {"mode": "create", "threshold": 1.2, "keep": 4},
    "separate": {"mode": "separate", "threshold": 0.7, "keep": {"sub": 3, "super": 5}, "power": 3},
    "separate loops": {"mode": "separate", "threshold": 0.7, "keep": 3, "dimensions": (1,)},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", ["lattice", "sphere", "random"])
def test_gradient_against_differences(graphs, name, settings):
    graph = graphs[name]
    energy = LowerStar(graph, **settings)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        w, direction = rng.random(graph.n), rng.standard_normal(graph.n)
        h = 1e-7
        slope = (energy.value(w + h * direction) - energy.value(w - h * direction)) / (2 * h)
        assert energy.gradient(w) @ direction == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_energy_is_the_sum_over_the_diagrams(graphs):
    graph, w = graphs["torus"], np.random.default_rng(2).random(63)
    found = [LowerStarFiltration(graph, (0, 1)).diagrams(w, level) for level in LEVELS]
    loss = DiagramLoss(power=1.5)
    everything = sum(loss(d.values)[0] for of_level in found for d in of_level.values())
    assert LowerStar(graph, power=1.5, dimensions=(0, 1)).value(w) == pytest.approx(everything)
    longest = np.sort(found[1][0].persistence)
    energy = LowerStar(graph, keep=3, levels=["super"])
    assert energy.value(w) == pytest.approx(0.25 * (longest[:-3] ** 2).sum())
    energy = LowerStar(graph, keep=3, levels=["super"], mode="create", threshold=2.0)
    assert energy.value(w) == pytest.approx(0.25 * ((2 - longest[-3:]) ** 2).sum())


def test_measures_and_settings(sphere):
    graph = sphere(2)
    w = hills(graph.points) + 1e-9 * np.random.default_rng(0).random(graph.n)
    energy = LowerStar(graph, threshold=0.1)
    assert energy.measures(w)["maxima"] == 2
    assert energy.measures(np.zeros(graph.n)) == {"minima": 1, "maxima": 1}
    assert energy.settings()["threshold"] == 0.1
    assert not energy.convex and not energy.smooth


@pytest.mark.parametrize("kind", ["numpy", "numba", "torch"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_it_adds_to_heat_on_every_back_end(kind, dtype):
    if kind != "numpy":
        pytest.importorskip(kind)
    base = heat("lattice:8x8", "random")
    topology = LowerStar(base.graph, threshold=0.5)
    total = base + 0.1 * topology
    w = total.random_start(0)
    backend = backend_for(kind, "cpu", dtype)
    value, gradient = total.on(backend).value_and_grad(backend.asarray(w))
    exact = dtype == "float64"
    expected = base.gradient(w) + 0.1 * topology.gradient(w)
    assert float(value) == pytest.approx(
        base.value(w) + 0.1 * topology.value(w), rel=1e-12 if exact else 1e-5
    )
    np.testing.assert_allclose(
        backend.to_numpy(gradient),
        expected,
        rtol=1e-12 if exact else 1e-3,
        atol=1e-5 - exact * 1e-5,
    )
    nothing = LowerStar(base.graph).on(backend).value_and_grad(backend.asarray(w * np.nan))
    assert np.isnan(float(nothing[0]))


def test_heat_and_topology_together_have_fewer_extrema():
    base = heat("lattice:12x12", "random")
    alone = meshrep.solve(base, "newton").field
    topology = LowerStar(base.graph, threshold=0.1, power=1)
    together = meshrep.solve(base + topology, "adam", start=alone, max_steps=2000).field
    assert topology.value(together) < 0.1 * topology.value(alone)
    assert sum(map(len, extrema(base.graph, together, 0.01))) < sum(
        map(len, extrema(base.graph, alone, 0.01))
    )


def test_creation_raises_a_hill():
    path = chain(9)
    w = np.array([3.0, 2.5, 2, 1.5, 1.6, 1.2, 1, 0.5, 0])
    energy = LowerStar(path, mode="create", threshold=0.5, levels="super")
    end = meshrep.solve(energy, "nesterov", start=w).field
    (raised,) = extrema(path, end)[1]
    assert 0.5 - 1e-6 < raised < 0.7  # from 0.1; momentum may go beyond what is asked


@pytest.mark.parametrize("solver", ["gd", "nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["lattice", "sphere"])
def test_of_two_hills_the_high_one_stays(lattice, sphere, kind, solver):
    graph = lattice if kind == "lattice" else sphere(2)
    w = hills(graph.points)
    assert len(extrema(graph, w)[1]) == 1
    solution = simplify(graph, w, 0.05, solver=solver)
    assert [len(found) for found in extrema(graph, solution.field, 1e-12)] == [0, 0]
    assert solution.field.argmax() == w.argmax()
    assert abs(solution.field - w).max() < 0.05
    assert "2 maxima before, 1 minimum and 1 maximum after" in solution.notes[0]
    assert not any("step length" in note for note in solution.notes)
    assert solution.measures == {"minima": 1, "maxima": 1}
    assert solution.energy == energy_of(solution)


def energy_of(solution):
    return solution.problem.value(solution.field)


@pytest.mark.parametrize("solver", ["gd", "nesterov"])
@pytest.mark.parametrize("name", mostly_slow(1, ["lattice", "sphere", "torus", "random"]))
def test_simplified_fields_have_what_was_above_the_threshold_and_nothing_else(graphs, name, solver):
    graph, threshold = graphs[name], 0.8
    w = np.random.default_rng(5).random(graph.n)
    before = [found[found > threshold] for found in extrema(graph, w)]
    field = simplify(graph, w, threshold, solver=solver).field
    for then, now in zip(before, extrema(graph, field, 1e-12), strict=True):
        assert len(then) == len(now)
        assert (now > threshold).all()
        assert (abs(then - now) < threshold).all()


def test_a_run_cut_short_is_finished_by_filling(sphere):
    graph = sphere(2)
    w = np.random.default_rng(1).random(graph.n)
    solution = simplify(graph, w, 0.6, max_steps=1)
    assert any("filled up" in note for note in solution.notes)
    for found in extrema(graph, solution.field, 1e-12):
        assert not (found < 0.6).any()


def test_filling_ends_every_small_extremum_and_moves_nodes_by_the_threshold_at_most(graphs):
    for name in ("lattice", "sphere", "random"):
        graph = graphs[name]
        w = np.random.default_rng(3).random(graph.n)
        for level, down, up in (("sub", 0.0, 0.3), ("super", -0.3, 0.0)):
            filled = LowerStar(graph, threshold=0.3, levels=level).flooded(w)
            assert (filled - w).min() >= down and (filled - w).max() <= up
            left = LowerStarFiltration(graph).diagrams(filled, level == "super")[0].persistence
            former = LowerStarFiltration(graph).diagrams(w, level == "super")[0].persistence
            np.testing.assert_allclose(np.sort(left), np.sort(former[former > 0.3]))
        both = LowerStar(graph, threshold=0.3).flooded(w)
        assert all((found > 0.3).all() for found in extrema(graph, both, 0.0))


def test_simplification_takes_an_energy_and_leaves_simple_fields_alone():
    base = heat("lattice:12x12")
    w = base.graph.points[:, 0]
    solution = simplify(base.graph, w, 0.1)
    np.testing.assert_array_equal(solution.field, w)
    assert solution.energy == 0.0
    note, _ = solution.notes
    assert "(0.909% of the range): the field stays as it is" in note and "removed" not in note
    with pytest.raises(InputError, match="threshold"):
        simplify(base.graph, w, 0.0)
    with pytest.raises(InputError, match="shape"):
        simplify(base.graph, w[1:], 0.1)
    assert simplification.MARGIN > 0 and Stopping().gtol < simplification.MARGIN


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"mode": "smooth"}, "unknown mode"),
        ({"levels": ()}, "levels"),
        ({"levels": "middle"}, "levels"),
        ({"threshold": 0.0}, "threshold"),
        ({"threshold": np.nan}, "threshold"),
        ({"mode": "create"}, "needs a threshold"),
        ({"mode": "separate", "keep": 3}, "needs a threshold"),
        ({"keep": -1}, "keep"),
        ({"keep": 1.5}, "keep"),
        ({"keep": {"sub": 1}}, "keep names"),
        ({"power": 0}, "power"),
        ({"dimensions": (3,)}, "dimensions"),
    ],
)
def test_settings_that_do_not_fit(lattice, settings, says):
    with pytest.raises(InputError, match=says):
        LowerStar(lattice, **settings)


def test_diagrams_of_a_field_in_one_call():
    field = np.array([3.0, 1.0, 4.0, 0.0, 2.0])
    below = meshrep.lower_star_diagrams(chain(5), field)
    assert below[0].values.tolist() == [[1, 4]]
    assert (below[0].births.tolist(), below[0].deaths.tolist()) == ([[1]], [[2]])
    above = meshrep.lower_star_diagrams(chain(5), field.tolist(), superlevel=True)[0].values
    assert sorted(above.tolist()) == [[2, 0], [3, 1]]
    lattice = meshrep.graph_from("lattice:3x3")
    bowl = np.array([0.0, 1, 2, 3, 9, 4, 5, 6, 7])  # the rim is a loop until its middle comes
    assert meshrep.lower_star_diagrams(lattice, bowl, (0, 1))[1].values.tolist() == [[7, 9]]
    with pytest.raises(InputError, match="dimensions 0 and 1"):
        meshrep.lower_star_diagrams(chain(5), field, (2,))
