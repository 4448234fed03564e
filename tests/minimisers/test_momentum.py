"""Heavy ball and Nesterov on quadratics converge at their theoretical rates."""

import numpy as np
import pytest

import meshrep
from meshrep import Solver, Stopping
from meshrep.minimisers.first_order import GradientDescent, HeavyBall, Nesterov

LOW, HIGH = 1e-3, 1.0
KAPPA = HIGH / LOW
ROOT = KAPPA**0.5
CURVATURES = np.geomspace(LOW, HIGH, 24)
STRONG = (ROOT - 1) / (ROOT + 1)


def quadratic():
    """½ Σ c_i w_i² with curvatures c_i from μ to L."""
    graph = meshrep.graph_from("ring:24")
    return meshrep.FunctionEnergy(
        graph,
        lambda w: (0.5 * float(CURVATURES @ (w * w)), CURVATURES * w),
        convex=True,
    )


def energies(minimiser, steps):
    solver = Solver(minimiser, stopping=Stopping(max_steps=steps, gtol=0.0))
    found = meshrep.solve(quadratic(), solver, start=np.ones(24))
    return np.array(found.history.energy[: steps + 1])


def rate(minimiser, steps=3000, double=False):
    """The factor by which the energy falls a step, over the second half of the run.

    If the recursion has a double root r, the error after k steps is k rᵏ; pass ``double``.
    """
    fell = energies(minimiser, steps)
    half = steps // 2
    powers = (half / steps) ** 2 if double else 1.0
    return float((fell[steps] / fell[half] * powers) ** (1 / (steps - half)))


def spectral(matrix_of):
    """The square of the largest eigenvalue among the recursion's matrices of all curvatures."""
    return max(np.abs(np.linalg.eigvals(matrix_of(c))).max() for c in CURVATURES) ** 2


def heavy(c, lr, beta):
    return np.array([[1 - lr * c + beta, -beta], [1, 0]])


def accelerated(c, lr, beta):
    return np.array([[(1 + beta) * (1 - lr * c), -beta * (1 - lr * c)], [1, 0]])


def test_gradient_descent():
    lr = 2 / (LOW + HIGH)
    assert rate(GradientDescent(lr)) == pytest.approx(((KAPPA - 1) / (KAPPA + 1)) ** 2, abs=1e-5)


def test_heavy_ball_with_the_best_step_and_momentum():
    lr, beta = 4 / (LOW**0.5 + HIGH**0.5) ** 2, STRONG**2
    assert spectral(lambda c: heavy(c, lr, beta)) == pytest.approx(beta, abs=1e-6)
    assert rate(HeavyBall(lr, beta), double=True) == pytest.approx(beta, abs=1e-4)


def test_heavy_ball_with_another_step_and_momentum():
    lr, beta = 0.5, 0.95
    expected = spectral(lambda c: heavy(c, lr, beta))
    assert rate(HeavyBall(lr, beta)) == pytest.approx(expected, abs=1e-5)


def test_nesterov_with_the_best_constant_momentum():
    expected = spectral(lambda c: accelerated(c, 1 / HIGH, STRONG))
    assert expected == pytest.approx((1 - 1 / ROOT) ** 2, abs=1e-6)
    found = rate(Nesterov(1 / HIGH, momentum=STRONG), double=True)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_constant_momentum_follows_its_recursion():
    """y = x − lr g, then y + β (y − y⁻), even when the energy rises."""
    lr, beta, x, before, expected = 0.7, 0.999, np.ones(24), np.ones(24), []
    for _ in range(300):
        expected.append(0.5 * float(CURVATURES @ (x * x)))
        y = x - lr * CURVATURES * x
        x, before = y + beta * (y - before), y
    assert (np.diff(expected) > 0).any()
    found = energies(Nesterov(lr, momentum=beta), 299)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_the_sequence_of_momenta_without_restarts():
    lr, x, before, expected = 0.9, np.ones(24), np.ones(24), []
    for k in range(1, 301):
        expected.append(0.5 * float(CURVATURES @ (x * x)))
        y = x - lr * CURVATURES * x
        x, before = y + k / (k + 3) * (y - before), y
    assert (np.diff(expected) > 0).any()
    found = energies(Nesterov(lr, restart=False), 299)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-13)
    counted = np.arange(1, 301)
    assert (found <= 2 / lr * 24 / counted**2).all()  # 2 |x₀|² / (lr k²)


def test_restarts_help_where_the_energy_is_strongly_convex():
    kept, restarted = (energies(Nesterov(1.0, restart=r), 600)[-1] for r in (False, True))
    assert restarted < 1e-3 * kept


@pytest.mark.slow
def test_momentum_takes_steps_in_proportion_to_the_root_of_the_condition_number():
    """Steps to a given gap: about κ for descent, about √κ for both momenta."""
    counts = {}
    for name, minimiser in {
        "gd": GradientDescent(2 / (LOW + HIGH)),
        "nesterov": Nesterov(1 / HIGH, momentum=STRONG),
        "heavy-ball": HeavyBall(4 / (LOW**0.5 + HIGH**0.5) ** 2, STRONG**2),
    }.items():
        fell = energies(minimiser, 9000)
        counts[name] = int(np.argmax(fell < 1e-14 * fell[0]))
    assert 0 < counts["heavy-ball"] < counts["nesterov"] < counts["gd"] / 8


@pytest.mark.parametrize("make", [HeavyBall, Nesterov])
@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan")])
def test_momentum_out_of_range_is_refused(make, momentum):
    with pytest.raises(meshrep.InputError, match="momentum must lie in"):
        make(0.1, momentum=momentum)
