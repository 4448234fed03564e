"""Flows with inertia and with noise, and every flow of phases against an independent method."""

import numpy as np
import pytest
from problems_of_tests import heat
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import iv

import meshrep
from meshrep.flows.motion import FirstOrder, SecondOrder, heun_step
from meshrep.flows.runge_kutta import rk4_step

GRAPH = meshrep.graph_from("er:30:degree=4")
OMEGA = np.linspace(-1, 1, 30)


def empty(n):
    return meshrep.Graph.from_edges(n, [])


def eighth(rate, start, t):
    """The state at t by SciPy's eighth-order method."""
    return solve_ivp(rate, (0, t), start, "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]


# Against the eighth-order method, on right-hand sides written anew


def sines(J, lag=0.0):
    return lambda phi: OMEGA + (J * np.sin(phi - phi[:, None] - lag)).sum(axis=1)


def hopf(A, s1, s2, c):
    def rate(phi):
        C, S = (
            np.array([(A[j] * part(phi - phi[j])).sum() for j in range(len(phi))])
            for part in (np.cos, np.sin)
        )
        gradient = np.zeros(len(phi))
        for j in range(len(phi)):  # of s₂ Σ S_j²
            gradient[j] -= 2 * s2 * S[j] * C[j]
            for k in np.flatnonzero(A[j]):
                gradient[k] += 2 * s2 * S[j] * A[j, k] * np.cos(phi[k] - phi[j])
        return OMEGA + c * C + c * s1 * S - gradient

    return rate


A = GRAPH.adjacency.toarray()
WEIGHTS = np.linspace(0.2, 1.5, GRAPH.m)
W = GRAPH.with_weights(WEIGHTS).adjacency.toarray()
K = meshrep.Kuramoto
DEGREE = np.maximum(A.sum(axis=1, keepdims=True), 1)
ALL = np.ones((30, 30)) - np.eye(30)
GROUP = np.arange(30) // 15
BLOCKS = np.where(GROUP[:, None] == GROUP, 0.6, 0.4) * ALL / 15
FLOWS = {
    "plain": (lambda: K(GRAPH, 1.2, OMEGA), sines(1.2 * A)),
    "weighted": (lambda: K(GRAPH.with_weights(WEIGHTS), 0.8, OMEGA), sines(0.8 * W)),
    "lag": (lambda: K(GRAPH, 1.2, OMEGA, lag=0.7), sines(1.2 * A, 0.7)),
    "degree": (lambda: K(GRAPH, 2.0, OMEGA, normalisation="degree"), sines(2 * A / DEGREE)),
    "mean field": (lambda: K(empty(30), 2.0, OMEGA, coupling="mean-field"), sines(ALL / 15)),
    "blocks": (
        lambda: K(
            empty(30), 1.0, OMEGA, lag=1.47,
            coupling=meshrep.Blocks(GROUP, [[0.6, 0.4], [0.4, 0.6]]),
        ),
        sines(BLOCKS, 1.47),
    ),
    "hopf": (
        lambda: meshrep.HopfKuramoto(GRAPH, 0.7, 0.1, 0.9, omega=OMEGA), hopf(A, 0.7, 0.1, 0.9)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOWS)
def test_flows_agree_with_an_eighth_order_method(name):
    energy, rate = FLOWS[name][0](), FLOWS[name][1]
    start = energy.random_start(2)
    exact = eighth(lambda _, phi: rate(phi), start, 2.0)
    path = meshrep.integrate(energy, 2.0, start=start, dt=2e-3, frames=2)
    np.testing.assert_allclose(path.fields[-1], exact, atol=1e-8)


@pytest.mark.parametrize("name", ["lag", "mean field"])
def test_inertia_agrees_with_an_eighth_order_method(name):
    energy, rate = FLOWS[name][0](), FLOWS[name][1]
    mass, inertia = np.linspace(0.8, 1.5, 30), np.linspace(3.0, 0.5, 30)
    start, turning = energy.random_start(2), np.linspace(1, -1, 30)

    def swing(_, y):
        return np.concatenate([y[30:], (rate(y[:30]) - mass * y[30:]) / inertia])

    exact = eighth(swing, np.concatenate([start, turning]), 4.0)
    given = {"start": start, "mass": mass, "inertia": inertia, "start_velocity": turning}
    path = meshrep.integrate(energy, 4.0, dt=4e-3, frames=2, **given)
    np.testing.assert_allclose(path.fields[-1], exact[:30], atol=1e-8)
    np.testing.assert_allclose(path.velocities[-1], exact[30:], atol=1e-8)
    np.testing.assert_array_equal(path.velocities[0], turning)
    rough = meshrep.integrate(energy, 4.0, frames=2, **given)
    np.testing.assert_allclose(rough.fields[-1], exact[:30], atol=1e-3)
    again = meshrep.integrate(
        energy, 2.0, dt=4e-3, frames=1, mass=mass, inertia=inertia, start=path.fields[1],
        start_velocity=path.velocities[1],
    )  # fmt: skip
    np.testing.assert_allclose(again.fields[-1], exact[:30], atol=1e-8)


def test_rk4_with_inertia_has_order_4():
    energy, _ = FLOWS["lag"][0](), None
    y = np.concatenate([energy.random_start(2), np.zeros(30)])
    motion = SecondOrder(energy.judge, np.ones(30), np.full(30, 1.5), energy.fixed)
    exact = eighth(lambda _, y: motion.slope(y), y, 2.0)
    errors = []
    for steps in (20, 40, 80):
        moved = y.copy()
        for _ in range(steps):
            rk4_step(motion.slope, moved, 2.0 / steps)
        errors.append(abs(moved - exact).max())
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 4, atol=0.4)


def test_the_stable_step_with_inertia_is_stable():
    """A swing of low damping, and one of high damping, far from both borders of RK4."""
    pair = meshrep.Kuramoto(meshrep.Graph.from_edges(2, [[0, 1]]), 4.0)
    for inertia in (1e-3, 1.0, 1e3):
        with pytest.raises(meshrep.InputError, match="not a stable step") as caught:
            meshrep.integrate(pair, 1.0, inertia=inertia, dt=1e3)
        limit = float(str(caught.value).split(", ")[1].rstrip("]"))
        path = meshrep.integrate(
            pair, 400 * limit, start=[0.0, 0.3], inertia=inertia, dt=0.99 * limit
        )
        assert abs(path.fields[-1]).max() < 1


# Noise


def test_heun_has_strong_order_1_and_order_2_without_noise():
    """By one Brownian path, refined, of 60 copies of 20 oscillators."""
    n, finest = 1200, 1024
    copies = meshrep.Blocks(np.repeat(np.arange(60), 20), 2.0 * np.eye(60))
    energy = meshrep.Kuramoto(empty(n), 1.0, "normal", coupling=copies, lag=0.5)
    motion = FirstOrder(energy.judge, np.ones(n), energy.fixed)
    start = energy.random_start(1)
    path = np.random.default_rng(0).standard_normal((finest, n)) / np.sqrt(finest)

    def end(steps, size):
        w = start.copy()
        for kick in path.reshape(steps, -1, n).sum(axis=1):
            heun_step(motion, w, 1.0 / steps, size * kick)
        return w

    for size, order in ((0.7, 1.0), (0.0, 2.0)):
        exact = end(finest, size)
        errors = np.array([np.sqrt(np.mean((end(k, size) - exact) ** 2)) for k in (16, 32, 64)])
        np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), order, atol=0.2)


def test_free_phases_diffuse():
    """The variance of a phase without couplings is 2 D t; with inertia it is less at first."""
    energy, D = meshrep.Kuramoto(empty(4000), 0.0), 0.3
    start = np.zeros(4000)
    path = meshrep.integrate(energy, 2.0, start=start, noise=D, frames=2, seed=5)
    np.testing.assert_allclose(path.fields.var(axis=1)[1:], [0.6, 1.2], rtol=0.07)
    assert path.method == "heun" and path.velocities is None
    m = 0.5  # the velocity has variance D/m at rest: Ornstein and Uhlenbeck
    heavy = meshrep.integrate(
        energy, 6.0, start=start, noise=D, inertia=m, frames=2, seed=5, dt=0.02
    )
    assert heavy.velocities[-1].var() == pytest.approx(D / m, rel=0.07)
    x = 6.0 / m
    spread = 2 * D * m * (x - 1.5 + 2 * np.exp(-x) - 0.5 * np.exp(-2 * x))
    assert heavy.fields[-1].var() == pytest.approx(spread, rel=0.07)


def test_noise_depends_on_the_seed_alone():
    energy = meshrep.Kuramoto(empty(50), 1.0, coupling="mean-field")
    one, same, other = (
        meshrep.integrate(energy, 1.0, start=np.zeros(50), noise=0.5, frames=2, seed=s).fields
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one[1:] != other[1:]).any()
    still = np.arange(50) < 10
    some = meshrep.integrate(
        meshrep.Kuramoto(empty(50), 0.0), 1.0, start=np.zeros(50), noise=np.where(still, 0.0, 0.5)
    )
    assert (some.fields[-1][still] == 0).all() and (some.fields[-1][~still] != 0).all()


def test_noise_leaves_fixed_nodes_alone():
    energy = heat("lattice:5x5", kind="dirichlet")
    for inertia in (0.0, 1.0):
        path = meshrep.integrate(energy, 1.0, noise=1e-3, inertia=inertia)
        np.testing.assert_array_equal(path.fields[-1][energy.fixed], energy.fixed_values)
        assert path.fields[-1][energy.free].std() > 0


@pytest.mark.parametrize(
    ("strength", "n"),
    [(0.7, 1000), (1.5, 1000), pytest.param(2.0, 20_000, marks=pytest.mark.slow)],
)
def test_identical_oscillators_order_above_twice_the_diffusion(strength, n):
    """r = I₁(Kr/D)/I₀(Kr/D) for K > K_c = 2D: the stationary density of a phase is von Mises'."""
    D = 0.5
    energy = meshrep.Kuramoto(empty(n), strength, coupling="mean-field")
    path = meshrep.integrate(energy, 60.0, start=np.zeros(n), noise=D, frames=240)
    found = np.sqrt((path.order[80:] ** 2).mean())
    if strength < 2 * D:
        assert found < 2.5 / np.sqrt(n * (1 - strength / (2 * D)))
        return
    r = brentq(lambda r: iv(1, strength * r / D) / iv(0, strength * r / D) - r, 0.05, 0.999)
    assert found == pytest.approx(r, abs=0.02 if n == 1000 else 2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": -0.1}, "must not be negative"),
        ({"noise": np.ones(3)}, "noise must be a number or one for each node"),
        ({"noise": 0.1, "method": "rk4"}, "rk4 cannot follow noise: take heun"),
        ({"noise": 0.1, "dt": 10.0}, "not a stable step"),
        ({"method": "heun"}, "heun is for noise"),
        ({"inertia": -1.0}, "inertia must be positive at every node"),
        ({"inertia": np.linspace(0, 1, 30)}, "inertia must be positive at every node"),
        ({"inertia": np.nan}, "inertia holds a NaN"),
        ({"inertia": 1.0, "method": "bdf"}, "bdf cannot follow inertia: take rk4"),
        ({"start_velocity": np.zeros(30)}, "without inertia there is no velocity"),
        ({"inertia": 1.0, "start_velocity": np.zeros(3)}, "of shape (30,), not"),
        ({"inertia": 1.0, "start_velocity": np.full(30, np.nan)}, "has a NaN or infinite entry"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(meshrep.InputError) as caught:
        meshrep.integrate(K(GRAPH), 1.0, **settings)
    assert message in str(caught.value) and "\n" not in str(caught.value)


# Known thresholds


@pytest.mark.parametrize("leaves", [3, 8])
def test_a_star_locks_at_its_threshold(leaves):
    """Hub ω = k, leaves ω = 1: a locked state exists for K ≥ (k − 1)/(k + 1) and not below."""
    star = meshrep.Graph.from_edges(leaves + 1, [(0, leaf) for leaf in range(1, leaves + 1)])
    border = (leaves - 1) / (leaves + 1)
    ahead = np.r_[0.5 * np.pi, np.zeros(leaves)]  # near the locked state of the border
    for factor, locked in ((1.002, True), (0.998, False)):
        energy = K(star, factor * border, "degree")
        path = meshrep.integrate(energy, 1500.0, start=ahead, frames=300)
        assert path.locked() == locked
        if locked:
            mean = 2 * leaves / (leaves + 1)
            np.testing.assert_allclose(path.frequencies, mean, atol=1e-6)


def test_two_populations_make_a_chimera():
    """Abrams, Mirollo, Strogatz and Wiley (2008): one of two equal groups stays in disorder.

    Coupling (1 + A)/2 within and (1 − A)/2 across, lag π/2 − β, with A = 0.2 and β = 0.1.
    """
    n, group = 128, np.repeat([0, 1], 128)
    blocks = meshrep.Blocks(group, [[0.6, 0.4], [0.4, 0.6]])
    energy = K(empty(2 * n), 1.0, coupling=blocks, lag=np.pi / 2 - 0.1)
    start = np.r_[np.zeros(n), np.random.default_rng(1).normal(0.0, 1.0, n)]
    path = meshrep.integrate(energy, 300.0, start=start, frames=300)
    one, other = (abs(np.exp(1j * half).mean(axis=1)) for half in np.split(path.fields, 2, axis=1))
    assert one[100:].min() > 0.999
    assert other[100:].min() > 0.5 and other[100:].max() < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("strength", [1.95, 2.5, 4.0])
def test_normal_order_is_that_of_theory(strength):
    """1 = K ∫ cos²θ g(K r sin θ) dθ, for K above 1.2 K_c = 1.915."""
    theta, weight = np.polynomial.legendre.leggauss(200)
    theta, weight = 0.5 * np.pi * theta, 0.5 * np.pi * weight

    def excess(r):
        g = np.exp(-0.5 * (strength * r * np.sin(theta)) ** 2) / np.sqrt(2 * np.pi)
        return strength * (weight * np.cos(theta) ** 2 * g).sum() - 1

    energy = K(empty(1000), strength, "normal", coupling="mean-field")
    path = meshrep.integrate(energy, 300.0, start=np.zeros(1000), frames=600)
    assert path.order[200:].mean() == pytest.approx(brentq(excess, 0.05, 1.0), abs=2e-3)


def test_noise_does_not_heat_a_swing_that_is_hardly_damped():
    class Spring:
        def velocity(self, w):
            return -4.0 * w

    motion = SecondOrder(Spring(), np.ones(1), np.full(1, 1e4), np.zeros(0, dtype=int))
    limit, largest = motion.heun_limit(4.0), []
    for dt in (0.8 * limit, 1.25 * limit):
        y = np.array([1.0, 0.0])
        for _ in range(4000):
            heun_step(motion, y, dt, np.zeros(1))
        largest.append(4.0 * y[0] ** 2 + 1e4 * y[1] ** 2)
    assert largest[0] < 0.5 * 4.0 and largest[1] > 2 * 4.0
    energy = K(meshrep.graph_from("ring:10"), 1.0)
    with pytest.raises(meshrep.InputError, match="not a stable step"):
        meshrep.integrate(energy, 1.0, noise=0.1, inertia=1e8, dt=1000.0)


def test_values_of_nodes_by_label():
    pairs = [("a", "b"), ("b", "c")]
    noise, heavy = {"c": 0.1, "b": 0.0, "a": 0.3}, {"a": 1.0, "c": 3.0, "b": 2.0}
    by_label = meshrep.integrate(K(pairs), 1.0, noise=noise, inertia=heavy, start_velocity=heavy)
    by_order = meshrep.integrate(
        K(pairs), 1.0, noise=[0.3, 0.0, 0.1], inertia=[1, 2, 3], start_velocity=[1, 2, 3]
    )
    np.testing.assert_array_equal(by_label.fields, by_order.fields)
    blocks = meshrep.Blocks({"c": 1, "b": 0, "a": 0}, np.eye(2))
    groups = K(pairs, coupling=blocks).couplings.groups
    assert groups.tolist() == [0, 0, 1]


def test_couplings_that_are_nearly_nothing():
    path = meshrep.integrate(K(GRAPH, 1e-320, omega=1.0), 1.0, frames=2)
    np.testing.assert_allclose(path.fields[-1], path.fields[0] + 1.0)


@pytest.mark.parametrize(
    "strengths", ["strong", [["x"]], [[1], [1, 2]], [[1, 2]], np.zeros((0, 0)), [[np.inf]]]
)
def test_strengths_that_cannot_be_used(strengths):
    with pytest.raises(meshrep.InputError, match="square table of finite numbers"):
        K(GRAPH, coupling=meshrep.Blocks(np.zeros(30, int), strengths))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"coupling": np.ones(3)}, "unknown coupling"),
        ({"normalisation": np.ones(3)}, "unknown normalisation"),
        ({"directed": "yes"}, "directed must be True, False or None"),
        ({"directed": True, "coupling": "mean-field"}, "a mean field has no directed edges"),
    ],
)
def test_settings_of_the_wrong_kind(settings, message):
    web = meshrep.from_edge_list([("a", "b"), ("b", "c")], directed=True)
    with pytest.raises(meshrep.InputError, match=message):
        K(web, **settings)
