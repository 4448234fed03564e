"""The numba kernels against slow twins; CI runs this file without numba's compiler as well."""

import numpy as np
import pytest
from problems_of_tests import heat

from meshrep.backends import NumpyBackend
from meshrep.flows import runge_kutta4
from meshrep.kernels import rules

pytest.importorskip("numba")
from meshrep.kernels import heat as kernels

RULES = {
    "gd": (rules.DESCENT, 0.05),
    "heavy ball": (rules.HEAVY_BALL, 0.02),
    "nesterov": (rules.NESTEROV, 0.02),
    "adam": (rules.ADAM, 0.02),
}


def memory(rule, lr, w):
    return rules.Memory(
        rule, lr, 0.9, 0.999, 1e-8,
        m=w.copy() if rule == rules.NESTEROV else w * 0, v=w * 0, spare=w * 0,
        taken=np.zeros(2),
    )  # fmt: skip


@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("power", [2, 3, 4])
def test_value_and_gradient(version, power):
    energy = heat("lattice:6x6", power=power)
    evaluator = energy.on(NumpyBackend())
    evaluator.kernels = version
    w = energy.random_start(1) * 2 - 0.5
    value, gradient = evaluator.value_and_grad(w)
    expected = energy.judge.value_and_grad(w)
    assert value == pytest.approx(float(expected[0]), rel=1e-13)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("bath", ["power", "dirichlet"])
def test_fused_steps_are_the_plain_rule(version, name, bath):
    energy = heat("lattice:6x6", bath=bath)
    evaluator = energy.on(NumpyBackend())
    evaluator.kernels = version
    start, steps = energy.random_start(2), 51 if version is kernels.SERIAL else 9
    fused, m = start.copy(), memory(*RULES[name], start)
    energies, norms = evaluator.descend(fused, m, steps)
    plain, twin = start.copy(), memory(*RULES[name], start)
    for k in range(steps):
        value, gradient = energy.judge.value_and_grad(plain)
        assert energies[k] == pytest.approx(float(value), rel=1e-12)
        assert norms[k] == pytest.approx(float(gradient @ gradient), rel=1e-10)
        before = plain.copy()
        rules.advance_arrays(plain, gradient, twin)
        if name == "nesterov" and k and energies[k] > energies[k - 1]:
            twin.taken[1] = 0.0  # the kernel's momentum starts anew
    np.testing.assert_allclose(fused, plain, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(m.spare, before, rtol=1e-11, atol=1e-12)  # the last energy's field


@pytest.mark.parametrize("name", RULES)
def test_the_array_kernel_is_the_plain_rule(name):
    from meshrep.kernels.updates import advance

    rng = np.random.default_rng(0)
    x = rng.standard_normal(20)
    y, a, b = x.copy(), memory(*RULES[name], x), memory(*RULES[name], x)
    for _ in range(4):
        g = rng.standard_normal(20)
        rules.advance_arrays(x, g, a)
        advance(y, g, b.m, b.v, b.rule, b.lr, b.beta1, b.beta2, b.eps, b.taken)
    np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
def test_fused_flow_is_the_plain_one(version):
    energy = heat("lattice:6x6")
    evaluator = energy.on(NumpyBackend())
    evaluator.kernels = version
    inverse_mass = np.random.default_rng(0).uniform(0.5, 1.5, energy.graph.n)
    fused, plain = energy.random_start(5), energy.random_start(5)
    a = runge_kutta4(evaluator, fused, 0.05, 5, inverse_mass)
    b = runge_kutta4(energy.judge, plain, 0.05, 5, inverse_mass)
    np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(fused, plain, rtol=1e-12)


def test_the_number_of_threads_changes_nothing():
    import numba

    if numba.config.DISABLE_JIT:
        pytest.skip("threads need the compiler")
    energy = heat("lattice:150x150")
    evaluator = energy.on(NumpyBackend())
    w = energy.random_start(0)
    most = numba.get_num_threads()
    results = []
    for count in {1, most}:
        numba.set_num_threads(count)
        results.append(evaluator.value_and_grad(w)[0])
    numba.set_num_threads(most)
    assert len(set(results)) == 1
