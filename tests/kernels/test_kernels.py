"""The numba kernels against slow twins; CI runs this file without numba's compiler as well."""

import numpy as np
import pytest
from problems_of_tests import heat
from scipy import sparse

import meshrep
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend
from meshrep.flows.runge_kutta import runge_kutta4
from meshrep.numerics import rules

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
@pytest.mark.parametrize("kind", ["quartic", "dirichlet"])
def test_fused_steps_are_the_plain_rule(version, name, kind):
    energy = heat("lattice:6x6", kind=kind)
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


@pytest.mark.slow
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


def uneven(evaluator):
    """The evaluator with its couplings written out one by one, as if they were not all equal."""
    indptr, indices, a = evaluator.rows
    evaluator.rows = indptr, indices, np.full(len(indices), a[0])
    return evaluator


@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("kind", ["quartic", "dirichlet"])
def test_equal_couplings_need_not_be_read(version, kind):
    graph = meshrep.graph_from("lattice:6x6")
    graph = graph.with_weights(np.full(graph.m, 0.7))
    hot, cold = meshrep.random_split(graph)
    energy = meshrep.HeatBath(graph, hot, cold, kind=kind)
    short, long = energy.on(NumpyBackend()), uneven(energy.on(NumpyBackend()))
    short.kernels = long.kernels = version
    assert len(short.rows[2]) == 1 and len(long.rows[2]) == 2 * graph.m
    w, v = energy.random_start(1), energy.random_start(2)
    (value, gradient), (other, slope) = short.value_and_grad(w), long.value_and_grad(w)
    assert value == pytest.approx(other, rel=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(short.hvp(w, v), long.hvp(w, v), rtol=1e-13, atol=1e-14)
    x, y = w.copy(), w.copy()
    short.descend(x, memory(*RULES["adam"], x), 6)
    long.descend(y, memory(*RULES["adam"], y), 6)
    np.testing.assert_allclose(x, y, rtol=1e-11)


def test_row_arrays_share_what_they_can():
    from meshrep.base.rows import kernel_rows

    matrix = meshrep.graph_from("lattice:4x4").adjacency
    indptr, indices, a = kernel_rows(matrix, equal_once=True)
    assert np.shares_memory(indices, matrix.indices) and indices.dtype == np.uint32
    np.testing.assert_array_equal(indptr, matrix.indptr)
    np.testing.assert_array_equal(a, [1.0])
    matrix = matrix.copy()
    matrix.data[3] = 2.0
    assert len(kernel_rows(matrix, equal_once=True)[2]) == matrix.nnz
    empty = kernel_rows(sparse.csr_array((3, 3)), "float32", equal_once=True)
    assert empty[2].dtype == np.float32 and len(empty[2]) == 0


@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("baths", ["ends", "random"])
def test_blocks_of_rows_add_up(version, baths):
    """More nodes than a block has rows, with baths in some blocks and in all."""
    import numba

    if numba.config.DISABLE_JIT and version is kernels.SERIAL:
        pytest.skip("without the compiler one of the two is enough")
    energy = heat("lattice:47x47", baths)
    evaluator = energy.on(NumpyBackend())
    evaluator.kernels = version
    w, v = energy.random_start(1), energy.random_start(2)
    value, gradient = evaluator.value_and_grad(w)
    expected = energy.judge.value_and_grad(w)
    assert value == pytest.approx(float(expected[0]), rel=1e-12)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-12)
    np.testing.assert_allclose(evaluator.hvp(w, v), energy.judge.hvp(w, v), atol=1e-12)


@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("bath", [{"power": 2}, {"power": 3}, {"power": 4}, {"kind": "dirichlet"}])
def test_products_with_the_hessian(version, bath):
    energy = heat("lattice:6x6", "random", **bath)
    evaluator = energy.on(NumpyBackend())
    evaluator.kernels = version
    w, v = energy.random_start(1), np.random.default_rng(2).standard_normal(energy.graph.n)
    np.testing.assert_allclose(evaluator.hvp(w, v), energy.judge.hvp(w, v), atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("version", [kernels.SERIAL, kernels.PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("weighted", [False, True])
def test_single_precision_stays_near(version, weighted):
    import numba

    if numba.config.DISABLE_JIT:
        pytest.skip("without the compiler sums of float32 are float32")
    graph = meshrep.graph_from("lattice:20x20")
    if weighted:
        graph = graph.with_weights(np.random.default_rng(0).uniform(0.5, 2.0, graph.m))
    energy = meshrep.HeatBath(graph, *meshrep.random_split(graph))
    evaluator = energy.on(NumpyBackend("float32"))
    evaluator.kernels = version
    assert {x.dtype.itemsize for x in (*evaluator.rows, *evaluator.baths[:2])} == {4}
    start = energy.random_start(3).astype(np.float32)
    w = start.astype(np.float64)
    value, gradient = evaluator.value_and_grad(start)
    assert gradient.dtype == np.float32
    assert value == pytest.approx(energy.value(w), rel=2e-7)  # the sum itself is in float64
    np.testing.assert_allclose(gradient, energy.gradient(w), rtol=2e-6, atol=2e-6)
    moved, m = start.copy(), memory(*RULES["gd"], start)
    energies, _ = evaluator.descend(moved, m, 4)
    twin = energy.on(NumpyBackend())
    m = memory(*RULES["gd"], w)
    expected, _ = twin.descend(w, m, 4)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(energies, expected, rtol=1e-6)
    np.testing.assert_allclose(moved, w, atol=1e-6)


def test_the_first_call_on_a_large_field_is_short(monkeypatch):
    """Ctrl-C waits for a call to return, and how long one takes is not known before the first."""

    def calls(moved_at_first):
        monkeypatch.setattr(limits, "FIRST_CALL_UP_TO", moved_at_first)
        energy, counts = heat("lattice:6x6"), []
        on = energy.on

        def watched(backend):
            evaluator = on(backend)
            if not backend.jit:
                return evaluator
            descend = evaluator.descend

            def counted(w, m, steps):
                counts.append(steps)
                return descend(w, m, steps)

            evaluator.descend = counted
            return evaluator

        energy.on = watched
        meshrep.solve(energy, "gd", max_steps=40, gtol=0.0)
        return [count for count in counts if count]

    n = 36
    assert calls(6 * n)[0] == 6
    assert calls(5 * n)[0] == 4  # an even number leaves the result where it is wanted
    assert calls(n // 2)[0] == 2
    assert calls(10**9)[0] == 16
    assert limits.CALL_SECONDS < 0.5


@pytest.mark.slow
def test_the_number_of_threads_changes_nothing():
    import numba

    if numba.config.DISABLE_JIT:
        pytest.skip("threads need the compiler")
    energy = heat("lattice:150x150")
    evaluator = energy.on(NumpyBackend())
    w = energy.random_start(0)
    most = numba.get_num_threads()
    results = []
    for count in (1, most):
        numba.set_num_threads(count)
        value, gradient = evaluator.value_and_grad(w)
        x, gradient = w.copy(), gradient.copy()
        energies, norms = evaluator.descend(x, memory(*RULES["adam"], x), 5)
        evaluator.flow(x, 0.02, 3, np.ones(len(x)))
        results.append([np.array(value), gradient, energies, norms, x, evaluator.hvp(w, x)])
    numba.set_num_threads(most)
    for alone, together in zip(*results, strict=True):
        np.testing.assert_array_equal(alone, together)
