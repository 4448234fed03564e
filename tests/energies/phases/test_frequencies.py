"""Natural frequencies by name, by label and from files."""

import numpy as np
import pytest
from scipy import stats

import meshrep
from meshrep.energies.phases.frequencies import natural_frequencies

DISTRIBUTIONS = {
    "normal:0.5": stats.norm(0, 0.5),
    "lorentz:0.3": stats.cauchy(0, 0.3),
    "uniform:2": stats.uniform(-2, 4),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_stand_in_any_order(name):
    ring = meshrep.graph_from("ring:101")
    omega = natural_frequencies(ring, name, seed=3)
    expected = DISTRIBUTIONS[name].ppf((np.arange(101) + 0.5) / 101)
    np.testing.assert_allclose(np.sort(omega), expected, rtol=1e-9, atol=1e-12)
    assert (np.sort(omega) != omega).any()
    np.testing.assert_array_equal(omega, natural_frequencies(ring, name, seed=3))
    assert (omega != natural_frequencies(ring, name, seed=4)).any()
    shifted = natural_frequencies(ring, name, seed=3, centre=1.5)
    np.testing.assert_allclose(shifted, omega + 1.5)
    base, _, spread = name.partition(":")
    np.testing.assert_array_equal(
        natural_frequencies(ring, base, spread=float(spread), seed=3), omega
    )


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_random_draws_follow_the_distribution(name):
    draws = natural_frequencies(meshrep.graph_from("ring:2000"), name, random=True)
    assert stats.kstest(draws, DISTRIBUTIONS[name].cdf).pvalue > 0.01
    quantiles = DISTRIBUTIONS[name].ppf((np.arange(2000) + 0.5) / 2000)
    assert np.abs(np.sort(draws) - quantiles).max() > 1e-3


def test_frequencies_by_degree_label_number_and_file(tmp_path):
    networkx = pytest.importorskip("networkx")
    star = networkx.star_graph(4)
    star = networkx.relabel_nodes(star, {0: "hub"})
    graph = meshrep.Graph.of(star)
    np.testing.assert_array_equal(natural_frequencies(star, "degree"), graph.degree)
    np.testing.assert_array_equal(natural_frequencies(star, "degree:0.5"), 0.5 * graph.degree)
    values = {label: 0.1 * place for place, label in enumerate(graph.labels)}
    np.testing.assert_allclose(natural_frequencies(star, values), 0.1 * np.arange(5))
    np.testing.assert_array_equal(meshrep.Kuramoto(star, omega=values).omega, 0.1 * np.arange(5))
    np.testing.assert_array_equal(natural_frequencies(star, "0.25"), np.full(5, 0.25))
    np.save(tmp_path / "omega.npy", np.arange(5.0))
    found = natural_frequencies(star, str(tmp_path / "omega.npy"))
    np.testing.assert_array_equal(found, np.arange(5.0))
    by_number = natural_frequencies(meshrep.graph_from("ring:3"), {0: 1.0, 1: 2.0, 2: 3.0})
    np.testing.assert_array_equal(by_number, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("what", "settings", "message"),
    [
        ("normal:-1", {}, "the spread must be 0 or more, not -1"),
        ("normal:wide", {}, "spread of omega 'normal:wide' must be a finite number"),
        ("normal:1", {"spread": 2.0}, "not twice"),
        ("gauss", {}, r"neither a number, a distribution \(normal, lorentz, uniform or degree"),
        ("normal", {"seed": -1}, "seed must be a whole number"),
        ({0: 1.0}, {}, "no value to 3 of 4 nodes, such as 1"),
        (dict.fromkeys(range(5), 1.0), {}, "not in the graph: 4"),
        (dict.fromkeys(range(4), np.nan), {}, "omega of node 0 must be a finite number, not nan"),
        ("nan", {}, "omega nan holds a NaN"),
    ],
)
def test_frequencies_that_cannot_be_used(what, settings, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        natural_frequencies(meshrep.graph_from("ring:4"), what, **settings)
    assert "\n" not in str(caught.value)


def test_a_series_is_taken_by_its_labels():
    pandas = pytest.importorskip("pandas")
    pairs = [("a", "b"), ("b", "c")]
    moved = pandas.Series({"c": 1.0, "b": 2.0, "a": 3.0})
    assert natural_frequencies(pairs, moved).tolist() == [3.0, 2.0, 1.0]
    assert natural_frequencies(pairs, pandas.Series([3.0, 2.0, 1.0])).tolist() == [3.0, 2.0, 1.0]
    with pytest.raises(meshrep.InputError, match="gives no value to 1 of 3 nodes, such as 'a'"):
        natural_frequencies(pairs, moved.iloc[:2])
    with pytest.raises(
        meshrep.InputError, match="omega of node 'a' must be a finite number, not 'x'"
    ):
        natural_frequencies(pairs, {"a": "x", "b": 1, "c": 1})
