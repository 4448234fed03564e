"""Flows in time against known solutions, how oscillators move, and what cannot be used."""

import numpy as np
import pytest
from problems_of_tests import heat, phases
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.sparse import eye_array

import meshrep
from meshrep.base.backends import backend_for
from meshrep.flows.runge_kutta import runge_kutta4, stable_step


def linear():
    """Linear heat with a mass, its start, and the exact field at t = 1."""
    energy = heat("lattice:5x5", power=2)
    mass = np.random.default_rng(0).uniform(0.5, 2.0, energy.graph.n)
    H = energy.hessian(np.zeros(energy.graph.n)).toarray()
    equilibrium = np.linalg.solve(H, -energy.gradient(np.zeros(energy.graph.n)))
    start = energy.random_start(1)
    exact = equilibrium + expm(-H / mass[:, None]) @ (start - equilibrium)
    return energy, mass, start, exact


def test_rk4_has_order_4():
    energy, mass, start, exact = linear()
    errors = []
    for steps in (10, 20, 40):
        w = start.copy()
        runge_kutta4(energy.judge, w, 1.0 / steps, steps, 1 / mass)
        errors.append(np.abs(w - exact).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 4) < 0.4)


@pytest.mark.parametrize("method", ["rk4", "rk45", "lsoda", "bdf", "radau"])
def test_every_method_finds_the_exact_field(method):
    energy, mass, start, exact = linear()
    seen = []
    path = meshrep.integrate(
        energy, 1.0, start=start, mass=mass, method=method, frames=7, rtol=1e-8, atol=1e-10,
        observe=lambda now, end: seen.append(now),
    )  # fmt: skip
    tolerance = 2e-4 if method == "rk4" else 1e-5
    np.testing.assert_allclose(path.fields[-1], exact, atol=tolerance)
    np.testing.assert_allclose(path.times, np.linspace(0, 1, 8))
    assert path.fields.shape == (8, 25) and len(seen) >= 7 and seen[-1] == 1.0
    assert (np.diff(path.energies) < 0).all() and path.evaluations > 0


def test_the_flow_ends_at_the_minimum():
    energy = heat("lattice:8x8", kind="dirichlet")
    path = meshrep.integrate(energy, 300.0, frames=3, method="bdf", rtol=1e-8)
    best = meshrep.solve(energy, "newton")
    np.testing.assert_allclose(path.fields[-1], best.field, atol=1e-5)
    np.testing.assert_array_equal(path.fields[1][energy.fixed], energy.fixed_values)


def test_the_stable_step_is_stable_and_hardly_too_small():
    energy = heat("lattice:10x10", power=2)
    ones, start = np.ones(100), energy.random_start(0)
    limit = stable_step(energy, start, ones)
    exact = 2.785 / np.linalg.eigvalsh(energy.hessian(start).toarray()).max()
    assert 0.5 * exact < limit <= exact
    with pytest.raises(meshrep.InputError, match="not a stable step"):
        meshrep.integrate(energy, 1.0, dt=2 * limit)
    with np.errstate(all="ignore"):
        w = start.copy()
        energies = runge_kutta4(energy.judge, w, 3 * exact, 200, ones)
    assert not energies[-1] < energies[0]


def test_ctrl_c_keeps_the_frames_so_far():
    def stop(now, end):
        if now > 0.5:
            raise KeyboardInterrupt

    path = meshrep.integrate(heat("lattice:8x8"), 1.0, frames=10, observe=stop)
    assert path.interrupted and 5 < len(path.times) < 11
    with pytest.raises(KeyboardInterrupt):
        path.raise_if_interrupted()
    whole = meshrep.integrate(heat("lattice:8x8"), 0.1, frames=2)
    assert whole.raise_if_interrupted() is whole
    assert len(path.fields) == len(path.times) == len(path.energies)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"t": -1.0}, "positive and finite"),
        ({"t": float("nan")}, "positive and finite"),
        ({"t": 1.0, "frames": 0}, "at least one frame"),
        ({"t": 1.0, "frames": 10**9}, "keep fewer frames"),
        ({"t": 1.0, "method": "euler"}, "unknown integrator"),
        ({"t": 1.0, "mass": np.zeros(64)}, "positive number a node"),
        ({"t": 1.0, "mass": np.ones(3)}, "positive number a node"),
        ({"t": 1.0, "mass": eye_array(64)}, "needs an implicit method"),
        ({"t": 1.0, "mass": eye_array(3), "method": "bdf"}, "matrix of shape"),
        ({"t": 1.0, "dt": 0.0, "method": "backward-euler"}, "dt must be positive"),
        ({"t": 1.0, "dt": 0.1, "method": "bdf"}, "bdf chooses its own"),
        ({"t": 1.0, "rtol": 0.0}, "rtol must lie"),
        ({"t": 1.0, "atol": -1.0}, "atol must not"),
        ({"t": 1.0, "at": [0.5, 2.0]}, "must lie between 0 and 1"),
        ({"t": 1.0, "at": "soon"}, "is a list of times"),
        ({"t": 1.0, "frames": 2.5}, "a whole number, not 2.5"),
        ({"t": 1.0, "dt": "short"}, "dt must be a number, not 'short'"),
        ({"t": 1.0, "rtol": "low", "method": "rk45"}, "rtol must be a number"),
        ({"t": 1.0, "mass": "heavy"}, "positive number a node"),
        ({"t": 1.0, "noise": "loud"}, "noise must be a number"),
        ({"t": 1.0, "inertia": 1.0, "start_velocity": "fast"}, "start_velocity must be"),
        ({"t": 1.0, "inertia": 1e-320}, "would take inf steps"),
    ],
)
def test_unusable_settings(settings, message):
    with pytest.raises(meshrep.InputError, match=message):
        meshrep.integrate(heat("lattice:8x8"), **settings)


# Oscillators in time


def driven(graph="lattice:4x4", **settings):
    """Hopf–Kuramoto oscillators with frequencies, a torque and both couplings, and a start."""
    omega = np.random.default_rng(1).standard_normal(meshrep.graph_from(graph).n)
    energy = phases("HopfKuramoto", graph, 0.8, 0.15, 0.7, omega=omega, **settings)
    return energy, energy.random_start(3)


@pytest.fixture(scope="module")
def fine():
    """The driven oscillators at t = 2 with mass, by SciPy's eighth-order method."""
    energy, start = driven()
    mass = np.random.default_rng(0).uniform(0.5, 2.0, energy.graph.n)

    def slope(_, w):
        return energy.judge.velocity(w) / mass

    path = solve_ivp(slope, (0, 2), start, "DOP853", rtol=1e-13, atol=1e-13)
    return energy, start, mass, path.y[:, -1]


@pytest.mark.parametrize("fused", [False, True])
def test_rk4_has_order_4_on_driven_oscillators(fine, fused):
    energy, start, mass, exact = fine
    if fused:
        pytest.importorskip("numba")
    evaluator = energy.on(backend_for("numba" if fused else "numpy")) if fused else energy.judge
    errors = []
    for steps in (40, 80, 160):
        w = start.copy()
        runge_kutta4(evaluator, w, 2.0 / steps, steps, 1 / mass, driven=True)
        errors.append(np.abs(w - exact).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert errors[0] < 0.02 and np.all(np.abs(orders - 4) < 0.5)


@pytest.mark.parametrize("method", ["rk4", "rk45", "lsoda", "bdf", "radau"])
def test_every_method_follows_driven_oscillators(fine, method):
    energy, start, mass, exact = fine
    path = meshrep.integrate(
        energy, 2.0, start=start, mass=mass, method=method, frames=4, rtol=1e-9, atol=1e-11
    )
    np.testing.assert_allclose(path.fields[-1], exact, atol=1e-4 if method == "rk4" else 1e-6)
    np.testing.assert_array_equal(path.fields[0], start)
    assert path.energies[-1] == energy.value(path.fields[-1])


def test_driven_is_what_integrate_follows_and_not_what_rk4_minimises():
    energy, start = driven()
    loose = phases("HopfKuramoto", "lattice:4x4", 0.8, 0.15, 0.7)
    ones = np.ones(16)
    a, b = start.copy(), start.copy()
    for w, problem in ((a, energy), (b, loose)):
        runge_kutta4(problem.judge, w, 0.01, 20, ones)
    np.testing.assert_array_equal(a, b)  # down the potential, which both share
    runge_kutta4(energy.judge, b, 0.01, 20, ones, driven=True)
    assert np.abs(a - b).max() > 0.05


def test_sines_cancel_so_the_mean_frequency_stays():
    """Σ dφ/dt = Σ ω for Kuramoto, in each component."""
    omega = np.random.default_rng(3).standard_normal(11)
    energy = phases("Kuramoto", "pieces", 1.3, omega=omega)
    path = meshrep.integrate(energy, 5.0, seed=1, frames=10)
    parts = np.eye(energy.graph.component_count)[energy.graph.component_of]
    moved = (path.fields - path.fields[0]) @ parts
    np.testing.assert_allclose(moved, np.outer(path.times, omega @ parts), atol=1e-9)


def test_without_drive_energy_falls_and_the_end_is_a_minimum():
    energy = phases("Kuramoto", "lattice:6x6", omega=0.5)
    path = meshrep.integrate(energy, 200.0, seed=3, frames=50)
    assert (np.diff(path.energies) <= 1e-12).all()
    assert np.abs(energy.gradient(path.fields[-1])).max() < 1e-6
    np.testing.assert_allclose(path.frequencies, 0.5, atol=1e-4)
    assert path.locked()
    np.testing.assert_allclose(path.order, [energy.watched(w) for w in path.fields])
    assert path.order.shape == (51,) and path.order[-1] > path.order[0]


def test_phases_count_their_turns():
    energy = phases("Kuramoto", "ring:5", 2.0, omega=3.0)
    path = meshrep.integrate(energy, 20.0, start=np.zeros(5), frames=20)
    np.testing.assert_allclose(path.fields[-1], 60.0, rtol=1e-12)
    np.testing.assert_allclose(path.frequencies, 3.0)
    np.testing.assert_allclose(path.order, 1.0)


def test_strong_coupling_locks_and_weak_does_not():
    omega = np.random.default_rng(0).standard_normal(36)
    for coupling, locked in ((8.0, True), (0.05, False)):
        energy = phases("Kuramoto", "lattice:6x6", coupling, omega=omega)
        path = meshrep.integrate(energy, 60.0, start=np.zeros(36), frames=60)
        assert path.locked() == locked
        assert (path.order[-1] > 0.9) == locked
    assert path.locked(within=10.0)


def test_heat_has_no_order():
    path = meshrep.integrate(heat("lattice:4x4"), 1.0, frames=3)
    assert path.order is None


@pytest.mark.parametrize("kind", ["Kuramoto", "HopfKuramoto", "HopfKuramotoPrinted"])
def test_a_step_beyond_the_stable_one_is_refused(kind):
    energy = phases(kind)
    start = energy.random_start(0)
    limit = stable_step(energy, start, np.ones(25))
    for dt in (1.01 * limit, 0.0, -0.1, np.nan):
        with pytest.raises(meshrep.InputError, match="not a stable step") as caught:
            meshrep.integrate(energy, 1.0, dt=dt, start=start)
        assert "\n" not in str(caught.value)
    assert meshrep.integrate(energy, 0.1, dt=0.5 * limit, start=start).steps >= 2


def test_a_torque_tightens_the_stable_step():
    ones, start = np.ones(16), np.zeros(16)
    steps = [
        stable_step(phases("HopfKuramoto", "lattice:4x4", s1, 0.0, c), start, ones)
        for s1, c in ((1.0, 1.0), (0.1, 10.0))
    ]
    assert steps[1] < 0.5 * steps[0]


def test_a_sum_of_oscillators_flows():
    energy, start = driven()
    other = phases("Kuramoto", "lattice:4x4")
    both = energy + 0.5 * type(other)(energy.graph, 1.0, 2.0)
    fixed, exact = (
        meshrep.integrate(both, 1.0, start=start, method=method, frames=2, rtol=1e-10, atol=1e-12)
        for method in ("rk4", "radau")
    )
    np.testing.assert_allclose(fixed.fields[-1], exact.fields[-1], atol=1e-4)
    turned = meshrep.integrate(energy + 0.5 * type(other)(energy.graph), 1.0, start=start, frames=2)
    np.testing.assert_allclose(fixed.fields[-1], turned.fields[-1] + 1.0, atol=1e-4)


@pytest.mark.parametrize("apart", [5.0, 5.13, 20.0])
def test_the_step_is_short_enough_for_the_natural_frequencies(apart):
    """Two oscillators beyond locking turn at √(Δω² − 4K²) against each other."""
    pair = meshrep.Graph.from_edges(2, [[0, 1]])
    energy = meshrep.Kuramoto(pair, omega=[apart / 2, -apart / 2])
    turns = 40 * 2 * np.pi / np.sqrt(apart**2 - 4)
    path = meshrep.integrate(energy, turns, start=np.zeros(2), frames=2)
    found = -float(np.diff(path.frequencies)[0])
    assert found == pytest.approx(np.sqrt(apart**2 - 4), rel=2e-3)
    assert len(path.notes) == 1


def test_a_step_that_turns_too_far_is_noted():
    energy = phases("Kuramoto", "ring:8", omega=np.linspace(0, 30, 8))
    path = meshrep.integrate(energy, 2.0, dt=0.2)
    assert "radians a step" in path.notes[1]


def test_hopf_oscillators_without_their_torque_follow_the_gradient():
    energy = phases("HopfKuramoto", "lattice:6x6", 1.0, 0.3, torque=0.0)
    w = energy.random_start(0)
    np.testing.assert_allclose(energy.judge.velocity(w), -energy.gradient(w), atol=1e-13)


@pytest.mark.parametrize(
    ("time", "settings"),
    [(1e300, {}), (1.0, {"dt": 1e-300}), (1e300, {"method": "rk45"}), (1e308, {"method": "bdf"})],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of a time near infinity
def test_a_flow_that_would_never_end_is_refused(time, settings):
    energy = meshrep.HeatBath(meshrep.graph_from("lattice:4x4"), [0], [15], strength=1e3)
    if "method" in settings and settings["method"] == "bdf":
        energy = meshrep.HeatBath(energy.graph.with_weights(np.full(24, 1e6)), [0], [15])
    with pytest.raises(meshrep.InputError, match=r"most: take a shorter time|is too long for bdf"):
        meshrep.integrate(energy, time, **settings)
