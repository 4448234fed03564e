"""The oscillators' kernels against slow twins; CI runs this file without numba's compiler too."""

import numpy as np
import pytest
from problems_of_tests import phases

import meshrep
from meshrep.base.backends import NumpyBackend
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.flows.runge_kutta import runge_kutta4
from meshrep.numerics import rules

numba = pytest.importorskip("numba")
kernels = pytest.importorskip("meshrep.kernels.oscillators")

RULES = {
    "gd": (rules.DESCENT, 0.05),
    "heavy ball": (rules.HEAVY_BALL, 0.02),
    "nesterov": (rules.NESTEROV, 0.05),
    "adam": (rules.ADAM, 0.05),
}
LAWS = {  # the kernels take one pass for the first kind and two for the others
    "one pass": (-0.7, 0.0, 0.0),
    "two passes": (-0.3, 0.1, 0.2),
    "sines alone": (0.0, 0.0, 0.3),
    "cosines alone": (0.2, 0.2, 0.0),
}
VERSIONS = pytest.mark.parametrize(
    "version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"]
)


def problem(law, **settings):
    """Any law on a graph with signed couplings and nodes without edges, and its kernels."""
    m = meshrep.graph_from("er:40:degree=3").m
    couplings = np.random.default_rng(9).choice([-1.0, 1.0], m) * np.linspace(0.7, 1.6, m)
    return phases("Oscillators", "er:40:degree=3", couplings, LAWS[law], **settings)


def jitted(energy, version, dtype="float64"):
    evaluator = energy.on(NumpyBackend(dtype))
    evaluator.kernels = version
    return evaluator


def plain(energy):
    return energy.formula(NumpyBackend())


def memory(rule, lr, w):
    return rules.Memory(
        rule, lr, 0.9, 0.999, 1e-8,
        m=w.copy() if rule == rules.NESTEROV else w * 0, v=w * 0, spare=w * 0,
        taken=np.zeros(2),
    )  # fmt: skip


def both(angles):
    return np.array([kernels.cos_sin(float(angle)) for angle in angles])


def exact(angles):
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def test_cosine_and_sine_of_any_angle():
    rng = np.random.default_rng(0)
    for most in (1e-3, 1.0, 10.0, 1e3, 1e6):
        angles = rng.uniform(-most, most, 2000)
        np.testing.assert_allclose(both(angles), exact(angles), atol=2.3e-16, rtol=0)


def test_cosine_and_sine_near_multiples_of_a_quarter_turn():
    """There one of the two is tiny, and its relative error is small too."""
    numbers = np.r_[-40:41, 10**5 : 10**5 + 8, -636000:-635992]
    for shift in (0.0, 1e-9, -1e-5):
        angles = numbers * (np.pi / 2) + shift
        np.testing.assert_allclose(both(angles), exact(angles), rtol=1e-14, atol=0)
    halves = (numbers[:80] + 0.5) * (np.pi / 2)  # where the reduction changes over
    for angles in (halves, np.nextafter(halves, 9e9), np.nextafter(halves, -9e9)):
        np.testing.assert_allclose(both(angles), exact(angles), rtol=1e-15)


def test_cosine_and_sine_of_tiny_angles_and_of_none():
    tiny = np.array([1e-5, -1e-8, 1e-100, -1e-300, 5e-324, 0.0])
    np.testing.assert_allclose(both(tiny), exact(tiny), rtol=2.3e-16, atol=0)
    assert np.isnan(kernels.cos_sin(np.nan)).all()


@VERSIONS
def test_turning_takes_the_long_way_beyond_its_limit(version):
    w = np.r_[np.linspace(-5, 5, 700), 3e7, -2.5e9, 1e15]
    z = np.empty(2 * len(w))
    version.turn(w, z)
    np.testing.assert_allclose(z.reshape(-1, 2), exact(w), atol=2.3e-16)


@VERSIONS
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("law", ["one pass", "two passes"])
def test_a_field_with_a_hole_has_no_energy(law, wrong, version):
    energy = problem(law)
    w = energy.random_start(0)
    w[np.argmax(energy.graph.degree)] = wrong
    with np.errstate(invalid="ignore"):
        value, gradient = jitted(energy, version).value_and_grad(w)
    assert np.isnan(value) and np.isnan(gradient).any()


@VERSIONS
@pytest.mark.parametrize("law", LAWS)
def test_value_and_gradient(law, version):
    energy = problem(law)
    for w in (energy.random_start(1), 1e4 * energy.random_start(2)):
        value, gradient = jitted(energy, version).value_and_grad(w)
        expected = plain(energy).value_and_grad(w)
        assert value == pytest.approx(float(expected[0]), rel=1e-12)
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-11, atol=1e-11)


@VERSIONS
def test_blocks_of_rows_add_up(version):
    """More nodes than a block has rows."""
    energy = phases("HopfKuramoto", "lattice:47x47")
    w = energy.random_start(0)
    if numba.config.DISABLE_JIT and version is kernels.SERIAL:
        pytest.skip("without the compiler one of the two is enough")
    value, gradient = jitted(energy, version).value_and_grad(w)
    expected = plain(energy).value_and_grad(w)
    assert value == pytest.approx(float(expected[0]), rel=1e-12)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-12)


@pytest.mark.slow
@VERSIONS
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("law", LAWS)
def test_fused_steps_are_the_plain_rule(law, name, version):
    energy = problem(law)
    evaluator, formula = jitted(energy, version), plain(energy)
    start, steps = energy.random_start(2), 31 if version is kernels.SERIAL else 9
    fused, m = start.copy(), memory(*RULES[name], start)
    energies, norms = evaluator.descend(fused, m, steps)
    slow, twin = start.copy(), memory(*RULES[name], start)
    for k in range(steps):
        value, gradient = formula.value_and_grad(slow)
        assert energies[k] == pytest.approx(float(value), rel=1e-10, abs=1e-10)
        assert norms[k] == pytest.approx(float(gradient @ gradient), rel=1e-9)
        before = slow.copy()
        rules.advance_arrays(slow, gradient, twin)
        if name == "nesterov" and k and energies[k] > energies[k - 1]:
            twin.taken[1] = 0.0  # the kernel's momentum starts anew
    assert np.abs(fused - start).max() > 0.05
    np.testing.assert_allclose(fused, slow, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(m.spare, before, rtol=1e-9, atol=1e-10)  # the last energy's field


@pytest.mark.slow
@VERSIONS
@pytest.mark.parametrize("law", ["one pass", "two passes"])
def test_two_calls_are_one(law, version):
    """Memory and spins are carried over."""
    energy = problem(law)
    whole, parts = energy.random_start(2), energy.random_start(2)
    a, b = memory(*RULES["adam"], whole), memory(*RULES["adam"], whole)
    at_once = jitted(energy, version).descend(whole, a, 7)[0]
    evaluator = jitted(energy, version)
    in_parts = [evaluator.descend(parts, b, steps)[0] for steps in (3, 4)]
    np.testing.assert_array_equal(np.concatenate(in_parts), at_once)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.slow
@VERSIONS
@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("law", LAWS)
def test_fused_flow_is_the_plain_one(law, driven, version):
    n = 40
    omega = np.random.default_rng(1).standard_normal(n)
    energy = problem(law, omega=omega, torque=0.6)
    inverse_mass = np.random.default_rng(0).uniform(0.5, 1.5, n)
    fused, slow = energy.random_start(5), energy.random_start(5)
    a = runge_kutta4(jitted(energy, version), fused, 0.03, 6, inverse_mass, driven)
    b = runge_kutta4(plain(energy), slow, 0.03, 6, inverse_mass, driven)
    np.testing.assert_allclose(a, b, rtol=1e-11)
    np.testing.assert_allclose(fused, slow, rtol=1e-11, atol=1e-11)
    alone = np.flatnonzero(energy.graph.degree == 0)
    drift = 6 * 0.03 * (omega * inverse_mass)[alone] if driven else 0.0
    assert len(alone)
    np.testing.assert_allclose(fused[alone], energy.random_start(5)[alone] + drift, rtol=1e-13)


@pytest.mark.slow
@VERSIONS
@pytest.mark.parametrize("law", ["one pass", "two passes"])
def test_single_precision_stays_near(law, version):
    if numba.config.DISABLE_JIT:
        pytest.skip("without the compiler sums of float32 are float32")
    energy = problem(law)
    w = energy.random_start(3)
    value, gradient = jitted(energy, version, "float32").value_and_grad(w.astype(np.float32))
    assert gradient.dtype == np.float32 and value == pytest.approx(energy.value(w), rel=1e-5)
    np.testing.assert_allclose(gradient, energy.gradient(w), atol=1e-5)


@pytest.mark.slow
@VERSIONS
@pytest.mark.parametrize("law", ["one pass", "two passes"])
def test_equal_couplings_need_not_be_read(law, version):
    energy = phases("Oscillators", "er:40:degree=3", -0.7, LAWS[law], torque=0.6)
    short, long = jitted(energy, version), jitted(energy, version)
    indptr, indices, a = long.rows
    assert len(a) == 1
    long.rows = indptr, indices, np.full(len(indices), a[0])
    w, v = energy.random_start(1), np.random.default_rng(2).standard_normal(40)
    value, gradient = short.value_and_grad(w)
    other, slope = long.value_and_grad(w)
    assert value == pytest.approx(other, rel=1e-13)
    np.testing.assert_allclose(gradient, slope, atol=1e-13)
    np.testing.assert_allclose(short.hvp(w, v), long.hvp(w, v), atol=1e-13)
    np.testing.assert_allclose(short.velocity(w), long.velocity(w), atol=1e-13)
    x, y = w.copy(), w.copy()
    short.descend(x, memory(*RULES["nesterov"], x), 5)
    long.descend(y, memory(*RULES["nesterov"], y), 5)
    np.testing.assert_allclose(x, y, atol=1e-12)


def large(kind):
    """Oscillators of more nodes than one core serves, and their kernels."""
    if numba.config.DISABLE_JIT:
        pytest.skip("threads need the compiler")
    energy = kind(meshrep.graph_from("lattice:150x150"))
    evaluator = energy.on(NumpyBackend())
    assert evaluator.kernels is kernels.PARALLEL
    return energy, evaluator


def by_threads(work):
    """What ``work`` gives on one thread and on all."""
    most = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = work()
        numba.set_num_threads(most)
        return alone, work()
    finally:
        numba.set_num_threads(most)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kuramoto, HopfKuramoto])
def test_the_number_of_threads_does_not_change_the_path(kind):
    energy, evaluator = large(kind)

    def path():
        w = energy.random_start(0)
        gradient = evaluator.value_and_grad(w)[1]
        evaluator.descend(w, memory(*RULES["adam"], w), 3)
        evaluator.flow(w, 0.02, 3, np.ones(energy.graph.n), driven=True)
        return np.append(w, gradient)

    np.testing.assert_array_equal(*by_threads(path))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kuramoto, HopfKuramoto])
def test_the_number_of_threads_does_not_change_energies(kind):
    energy, evaluator = large(kind)
    starts = [energy.random_start(seed) for seed in range(20)]
    alone, together = by_threads(lambda: [evaluator.value_and_grad(w)[0] for w in starts])
    assert alone == together


@VERSIONS
@pytest.mark.parametrize("law", LAWS)
def test_rates_and_products_are_the_plain_ones(law, version):
    energy = problem(law, omega=np.linspace(-1, 1, 40), torque=0.6)
    evaluator, twin = jitted(energy, version), plain(energy)
    rng = np.random.default_rng(4)
    for seed in range(3):
        w, v = energy.random_start(seed), rng.standard_normal(40)
        np.testing.assert_allclose(evaluator.velocity(w), twin.velocity(w), atol=1e-12)
        np.testing.assert_allclose(evaluator.hvp(w, v), twin.hvp(w, v), atol=1e-12)
