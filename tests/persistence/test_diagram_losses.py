"""Losses of persistence diagrams: values, gradients, matchings."""

import json
from itertools import permutations

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.persistence.losses import DiagramLoss

PAIRS = np.array([[0.0, 1.0], [1.0, 3.0], [0.5, 0.5], [2.0, 2.5], [0.0, 2.0]])


def diagram(k, seed=0):
    rng = np.random.default_rng(seed)
    births = rng.uniform(0, 1, k)
    return np.stack([births, births + rng.uniform(0.05, 1, k)], axis=1)


def differences(loss, values, e=1e-6):
    slopes = np.empty_like(values)
    for place in np.ndindex(*values.shape):
        step = np.zeros_like(values)
        step[place] = e
        slopes[place] = (loss(values + step)[0] - loss(values - step)[0]) / (2 * e)
    return slopes


LOSSES = {
    "square": DiagramLoss(),
    "linear": DiagramLoss(power=1),
    "root": DiagramLoss(power=0.5),
    "cubes of three": DiagramLoss(power=3, top=3),
    "window": DiagramLoss(window=(0.2, 0.7)),
    "target": DiagramLoss(target=diagram(4, 1)),
    "target, order 1": DiagramLoss(target=diagram(4, 1), order=1),
    "target, order 3": DiagramLoss(target=diagram(9, 1), order=3, top=5),
    "far target": DiagramLoss(target=[[5.0, 9.0]]),
    "empty target": DiagramLoss(target=[]),
}


def test_known_values():
    assert DiagramLoss()(PAIRS)[0] == pytest.approx(0.25 + 1 + 0.0625 + 1)
    assert DiagramLoss(power=1)(PAIRS)[0] == pytest.approx(5.5 / 2)
    assert DiagramLoss(top=1)(PAIRS)[0] == pytest.approx(1)
    assert DiagramLoss()(np.zeros((0, 2)))[0] == 0


def test_equal_pairs_are_taken_in_their_order():
    loss = DiagramLoss(top=1)
    assert loss.chosen(PAIRS).tolist() == [1]
    assert loss.chosen(PAIRS[::-1]).tolist() == [0]


def test_top_beyond_all_is_all():
    assert DiagramLoss(top=99)(PAIRS)[0] == DiagramLoss()(PAIRS)[0]


def test_window_is_open_below_and_closed_above():
    assert sorted(DiagramLoss(window=(0.5, 2.0)).chosen(PAIRS)) == [0, 1, 4]
    low, high = DiagramLoss(window=(0, 1.0)), DiagramLoss(window=(1.0, np.inf))
    assert low(PAIRS)[0] + high(PAIRS)[0] == pytest.approx(DiagramLoss()(PAIRS)[0])


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_gradient_against_differences(loss, seed):
    values = diagram(8, seed + 10)
    found = loss(values)[1]
    np.testing.assert_allclose(found, differences(loss, values), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_births_may_be_the_higher_ends(loss):
    values = diagram(8)
    turned = DiagramLoss(**{
        **{name: getattr(loss, name) for name in ("power", "top", "window", "order")},
        "target": None if loss.target is None else loss.target[:, ::-1],
    })  # fmt: skip
    value, gradient = turned(values[:, ::-1])
    assert value == pytest.approx(loss(values)[0], rel=1e-12)
    np.testing.assert_allclose(gradient[:, ::-1], loss(values)[1], rtol=1e-12)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_no_persistence_no_gradient(power):
    value, gradient = DiagramLoss(power=power)(np.ones((2, 2)))
    assert value == 0 and not gradient.any()


def slow_transport(values, target, order):
    """The least cost over all matchings of both diagrams with their diagonal points."""
    k, m = len(values), len(target)

    def cost(i, j):
        if i < k and j < m:
            return np.linalg.norm(values[i] - target[j]) ** order
        if i >= k and j >= m:
            return 0.0
        birth, death = values[i] if i < k else target[j]
        return (abs(death - birth) / np.sqrt(2)) ** order

    return min(
        sum(cost(i, j) for i, j in enumerate(chosen)) for chosen in permutations(range(k + m))
    )


@pytest.mark.parametrize("order", [1, 2, 3.5])
@pytest.mark.parametrize("k, m", [(3, 4), (4, 2), (1, 5), (0, 3), (3, 0)])
def test_transport_against_all_matchings(order, k, m):
    values, target = diagram(k, 2), diagram(m, 3)
    found = DiagramLoss(target=target, order=order)(values)[0]
    assert found == pytest.approx(slow_transport(values, target, order), rel=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_transport_against_hera(order, seed):
    hera = pytest.importorskip("gudhi.hera")
    values, target = diagram(40, seed), diagram(25 + seed, 100 + seed)
    expected = hera.wasserstein_distance(values, target, order=order, internal_p=2, delta=1e-8)
    found = DiagramLoss(target=target, order=order)(values)[0]
    assert found ** (1 / order) == pytest.approx(expected, rel=1e-7)


def test_on_the_target_all_is_still():
    target = diagram(5)
    for order in (1, 2, 3):
        value, gradient = DiagramLoss(target=target, order=order)(target[::-1])
        assert value == 0 and not gradient.any()


def test_what_is_matched():
    loss = DiagramLoss(target=[[0.0, 2.1], [5.0, 5.1]], top=3)
    rows, columns = loss.matched(PAIRS)
    assert (rows.tolist(), columns.tolist()) == ([4], [0])
    with pytest.raises(InputError, match="without a target"):
        DiagramLoss().matched(PAIRS)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_settings_are_plain(loss):
    assert json.loads(json.dumps(loss.settings(), allow_nan=False)) == loss.settings()


def test_settings_say_what_was_asked():
    expected = {"power": 1.0, "top": 3, "window": [0.1, None]}
    assert DiagramLoss(1, 3, (0.1, np.inf)).settings() == expected
    expected = {"order": 2.0, "target": [[0.0, 1.0]], "top": None, "window": None}
    assert DiagramLoss(target=[[0, 1]]).settings() == expected


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"power": 0}, "power must be above 0"),
        ({"power": np.nan}, "power must be a finite"),
        ({"power": "two"}, "power must be a finite"),
        ({"order": 0.5}, "order must be 1 or more"),
        ({"order": 3}, "give a target"),
        ({"power": 1, "target": [[0, 1]]}, "give an order"),
        ({"top": 0}, "top must be"),
        ({"top": 1.5}, "top must be"),
        ({"top": True}, "top must be"),
        ({"window": 1}, "window must be"),
        ({"window": (1, 1)}, "window must be"),
        ({"window": (-1, 1)}, "window must be"),
        ({"window": (0, np.nan)}, "window must be"),
        ({"window": (np.inf, np.inf)}, "window must be"),
        ({"target": [0, 1]}, "of shape"),
        ({"target": [[0, 1, 2]]}, "of shape"),
        ({"target": [["a", "b"]]}, "array"),
        ({"target": [[0, 1], [0, np.nan]]}, "first at row 1"),
        ({"target": [[0, 1], [2, 1]]}, r"rows 0 and 1"),
    ],
)
def test_bad_settings(settings, words):
    with pytest.raises(InputError, match=words):
        DiagramLoss(**settings)


def test_bad_values():
    with pytest.raises(InputError, match="of shape"):
        DiagramLoss()(np.zeros(3))
    with pytest.raises(InputError, match="swap the target's columns"):
        DiagramLoss(target=[[0, 1]])(np.array([[1.0, 0.0]]))
