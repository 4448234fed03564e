"""Gradients spread over a cloud: what each form promises, and that the kernels keep to it."""

import numpy as np
import pytest

import meshrep
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.errors import InputError
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import Adam, GradientDescent
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.parametrizations.linear import kernel
from meshrep.parametrizations.linear.kernel import (
    KernelSmoothing,
    gaussians,
    kernel_root,
    spacing,
    spread,
)
from meshrep.solving.solver import Solver

NUMPY = NumpyBackend(jit=False)
BACKENDS = [
    pytest.param(name, marks=[] if installed(name) else pytest.mark.skip(reason=f"no {name}"))
    for name in ("numpy", "numba", "torch")
]
STEPS = ["interpolate", "average"]


def cloud(n, d, seed=0):
    return np.random.default_rng(seed).random((n, d))


def still(points):
    """An energy of positions that is flat, to build maps on."""
    graph = meshrep.Graph.from_edges(len(points), np.zeros((0, 2)))
    return meshrep.FunctionEnergy(graph, lambda w: (0.0, 0 * w), shape=points.shape)


def step(points, gradient, recipe, backend=NUMPY):
    """What the map pulls back at the points."""
    made = recipe.build(still(points), points, backend, seed=0)
    made.field(made.start)
    pulled = made.pull_back(backend.asarray(gradient))
    return backend.to_numpy(pulled).reshape(points.shape)


def sparse_gradient(n, d, support, seed=1):
    gradient = np.zeros((n, d))
    rng = np.random.default_rng(seed)
    gradient[rng.choice(n, support, replace=False)] = rng.standard_normal((support, d))
    return gradient


def k(x, y, sigma):
    return np.exp(-((x[:, None] - y[None]) ** 2).sum(-1) / (2 * sigma**2))


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_interpolation_passes_through_the_gradient(d):
    x, g = cloud(200, d), sparse_gradient(200, d, 12)
    on = g.any(axis=1)
    v = step(x, g, KernelSmoothing(bandwidth=0.5 * spacing(x[on]), ridge=1e-10))
    np.testing.assert_allclose(v[on], g[on], atol=1e-7)
    assert (v[~on] != 0).any()


def test_interpolation_is_the_formula():
    x, g = cloud(60, 2), sparse_gradient(60, 2, 20)
    on = g.any(axis=1)
    matrix = k(x[on], x[on], 0.2) + 0.03 * np.eye(20)
    expected = k(x, x[on], 0.2) @ np.linalg.solve(matrix, g[on])
    np.testing.assert_allclose(step(x, g, KernelSmoothing(bandwidth=0.2)), expected, atol=1e-12)


def test_the_average_is_the_formula():
    x, g = cloud(60, 2), sparse_gradient(60, 2, 20)
    on = g.any(axis=1)
    near = k(x, x[on], 0.2)
    expected = near @ g[on] / near.sum(1, keepdims=True)
    found = step(x, g, KernelSmoothing("average", bandwidth=0.2))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert abs(found).max() <= abs(g).max()


def test_the_average_of_a_constant_is_that_constant():
    x, g = cloud(300, 3), np.zeros((300, 3))
    g[::10] = [1.0, -2.0, 3.0]
    v = step(x, g, KernelSmoothing("average"))
    np.testing.assert_allclose(v, np.broadcast_to([1.0, -2.0, 3.0], v.shape), rtol=1e-6)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_the_root_squared_is_the_kernel(d):
    x = cloud(40, d)
    recipe = KernelSmoothing("root", bandwidth=0.1, rank=40, tolerance=0.0)
    made = recipe.build(still(x), x, NUMPY, seed=0)
    size = len(made.start)
    zero = made.field(made.start)
    np.testing.assert_array_equal(zero, x)
    J = np.stack([(made.field(e) - zero).ravel() for e in np.eye(size)], axis=1)
    expected = np.kron(k(x, x, 0.1), np.eye(d))
    np.testing.assert_allclose(J @ J.T, expected, atol=1e-12)
    pulled = np.stack([made.pull_back(e.reshape(x.shape)).copy() for e in np.eye(40 * d)], axis=1)
    np.testing.assert_allclose(pulled, J.T, atol=1e-14)


def test_the_root_is_a_parametrization():
    """The gradient in θ against differences of the energy."""
    target = cloud(30, 2, seed=3)
    energy = well(target, power=4)
    objective = Objective(energy, cloud(30, 2), NUMPY, KernelSmoothing("root", bandwidth=0.3))
    rng = np.random.default_rng(0)
    params = rng.standard_normal(objective.start.shape)
    direction = rng.standard_normal(params.shape)
    slope = objective.value_and_grad(params)[1] @ direction
    ends = [objective.value_and_grad(params + s * 1e-6 * direction)[0] for s in (1, -1)]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("rank", [1, 5, 20])
def test_a_root_of_low_rank_errs_by_no_more_than_its_worst_point(rank):
    x = cloud(50, 2)
    root = kernel_root(x, 0.2, rank, 0.0)
    error = k(x, x, 0.2) - root.T @ root
    assert len(root) == rank
    assert np.linalg.eigvalsh(error).min() > -1e-12
    assert abs(error).max() <= np.diag(error).max() + 1e-12


def test_a_root_ends_at_its_tolerance():
    x = cloud(50, 2)
    root = kernel_root(x, 1.0, 50, 1e-3)
    assert len(root) < 20
    assert abs(k(x, x, 1.0) - root.T @ root).max() <= 1e-3
    same = kernel_root(np.ones((6, 2)), 1.0, 6, 0.0)
    np.testing.assert_allclose(same, np.ones((1, 6)))


@pytest.mark.slow
@pytest.mark.skipif(not installed("numba"), reason="kernels need numba")
@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
@pytest.mark.parametrize("d, e", [(1, 1), (2, 2), (3, 1), (5, 5)])
@pytest.mark.parametrize("floor", [0.0, 1e-14])
def test_kernels_sum_as_arrays_do(parallel, d, e, floor):
    from meshrep.kernels import smoothing

    kernels = smoothing.PARALLEL if parallel else smoothing.SERIAL
    x, weights = cloud(1000, d), np.random.default_rng(0).standard_normal((30, e))
    for n in (1, 128, 129, 1000):
        for sigma in (0.05, 0.4):
            found = np.empty((n, e))
            kernels.spread(x[:n], x[:30] + 0.01, weights, sigma, floor, found)
            expected = spread(x[:n], x[:30] + 0.01, weights, sigma, floor, np)
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.skipif(not installed("numba"), reason="kernels need numba")
def test_threads_change_no_digit():
    import numba

    from meshrep.kernels import smoothing

    x, weights = cloud(1000, 3), np.random.default_rng(0).standard_normal((30, 3))
    found = []
    before = numba.get_num_threads()
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            found.append(np.empty((1000, 3)))
            smoothing.PARALLEL.spread(x, x[:30], weights, 0.1, 0.0, found[-1])
    finally:
        numba.set_num_threads(before)
    found.append(np.empty((1000, 3)))
    smoothing.SERIAL.spread(x, x[:30], weights, 0.1, 0.0, found[-1])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-14)


@pytest.mark.parametrize("chunk", [1, 50, 10**6])
def test_chunks_change_nothing(chunk, monkeypatch):
    x, weights = cloud(40, 2), np.ones((7, 1))
    monkeypatch.setattr(limits, "GAUSSIANS_HELD_UP_TO", chunk)
    np.testing.assert_allclose(
        spread(x, x[:7], weights, 0.3, 0.0, np), k(x, x[:7], 0.3).sum(1, keepdims=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("form", kernel.NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_back_ends_agree(name, form, dtype, monkeypatch):
    monkeypatch.setattr(limits, "GAUSSIAN_THREADS_FROM", 0)
    x, g = cloud(150, 3), sparse_gradient(150, 3, 15)
    backend = backend_for(name, "cpu", dtype)
    recipe = KernelSmoothing(form, bandwidth=0.2)
    made = recipe.build(still(x), x, backend, seed=0)
    assert (made.field(made.start).dtype, made.start.dtype) == (backend.zeros(1).dtype,) * 2
    made.field(made.start)
    pulled = made.pull_back(backend.asarray(g))
    assert pulled.dtype == made.start.dtype
    twin = recipe.build(still(x), x, NUMPY, seed=0)
    twin.field(twin.start)
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(backend.to_numpy(pulled), twin.pull_back(g), atol=tolerance)


@pytest.mark.skipif(not installed("torch"), reason="needs torch")
@pytest.mark.parametrize("form", STEPS)
def test_arrays_away_from_the_host(form, monkeypatch):
    """The path of a GPU, walked on the CPU."""
    x, g = cloud(150, 3), sparse_gradient(150, 3, 15)
    backend = backend_for("torch", "cpu", "float64")
    recipe = KernelSmoothing(form, bandwidth=0.2)
    made = recipe.build(still(x), x, backend, seed=0)
    made.cloud.hosted = False
    made.field(made.start)
    found = backend.to_numpy(made.pull_back(backend.asarray(g))).reshape(x.shape)
    np.testing.assert_allclose(found, step(x, g, recipe), atol=1e-12)


@pytest.mark.parametrize("form", STEPS)
def test_turning_the_cloud_turns_the_step(form):
    x, g = cloud(80, 3), sparse_gradient(80, 3, 9)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    v = step(x, g, KernelSmoothing(form))
    np.testing.assert_allclose(
        step(x @ turn + 5.0, g @ turn, KernelSmoothing(form)), v @ turn, atol=1e-10
    )


@pytest.mark.parametrize("form", STEPS)
def test_scaling_the_cloud_keeps_the_step(form):
    x, g = cloud(80, 3), sparse_gradient(80, 3, 9)
    v = step(x, g, KernelSmoothing(form))
    np.testing.assert_allclose(step(1e3 * x, g, KernelSmoothing(form)), v, atol=1e-10)


@pytest.mark.parametrize("form", kernel.NAMES)
def test_renumbering_the_points_renumbers_the_step(form):
    x, g = cloud(80, 2), sparse_gradient(80, 2, 9)
    order = np.random.default_rng(0).permutation(80)
    recipe = KernelSmoothing(form, bandwidth=0.3, rank=80, tolerance=0.0)
    if form != "root":
        v, w = step(x, g, recipe), step(x[order], g[order], recipe)
    else:
        made = [recipe.build(still(y), y, NUMPY, 0) for y in (x, x[order])]
        v, w = (m.field(m.pull_back(h)) - m.field(m.start) for m, h in
                zip(made, (g, g[order]), strict=True))  # fmt: skip
    np.testing.assert_allclose(w, v[order], atol=1e-10)


@pytest.mark.parametrize("form", STEPS)
@pytest.mark.parametrize("name", BACKENDS)
def test_no_gradient_no_step(form, name):
    x = cloud(20, 2)
    assert not step(x, 0 * x, KernelSmoothing(form), backend_for(name, "cpu")).any()


@pytest.mark.parametrize("form", kernel.NAMES)
def test_one_point(form):
    x, g = np.array([[0.3, 0.7]]), np.array([[1.0, -2.0]])
    found = step(x, g, KernelSmoothing(form))
    share = 1 / 1.03 if form == "interpolate" else 1.0
    np.testing.assert_allclose(found, share * g, rtol=1e-12)


@pytest.mark.parametrize("form", STEPS)
@pytest.mark.parametrize("ridge", [1e-10, 0.03])
def test_duplicates(form, ridge):
    x = np.repeat(cloud(5, 2), 4, axis=0)
    g = np.random.default_rng(0).standard_normal(x.shape)
    v = step(x, g, KernelSmoothing(form, ridge=ridge))
    assert np.isfinite(v).all()
    np.testing.assert_allclose(v, np.repeat(v[::4], 4, axis=0), atol=1e-9)
    if form == "interpolate" and ridge == 0.03:
        alone = step(np.ones((6, 2)), np.ones((6, 2)), KernelSmoothing())
        np.testing.assert_allclose(alone, 6 / 6.03)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("form", STEPS)
def test_points_out_of_reach_stay(form, name):
    x = np.array([[0.0, 0.0], [1.0, 0.0], [1e3, 0.0], [1e100, 1e100]])
    g = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    v = step(x, g, KernelSmoothing(form, bandwidth=0.5), backend_for(name, "cpu", "float64"))
    assert v[:2].any()
    np.testing.assert_array_equal(v[2:], 0.0)


@pytest.mark.parametrize("form", STEPS)
def test_a_diverged_field_is_handed_on(form):
    x, g = cloud(5, 2), np.full((5, 2), np.nan)
    assert np.isnan(step(x, g, KernelSmoothing(form))).all()


@pytest.mark.parametrize("form", kernel.NAMES)
def test_the_bandwidth_is_that_of_the_first_supports(form):
    """The median of ten spacings, whatever comes after and wherever there is no gradient."""
    x = cloud(80, 2)
    supports = [sparse_gradient(80, 2, 4, seed) for seed in range(30)]
    spacings = []
    for g in supports:
        places = x[g.any(axis=1)]
        apart = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(len(places))
        spacings.append(np.median(apart.min(0)))
    assert max(spacings) > 2 * min(spacings)
    recipe, energy = KernelSmoothing(form), still(x)
    multiple = kernel.MULTIPLES[form]
    if form == "root":
        draws = iter(supports)
        energy.function = lambda w: (0.0, next(draws))
        energy.stochastic = True
        made = recipe.build(energy, x, NUMPY, 0)
        expected = gaussians(x, x, multiple * np.median(spacings[:10]), np)
        np.testing.assert_allclose(made.root.T @ made.root, expected, atol=1e-5)
        return
    made = recipe.build(energy, x, NUMPY, 0)
    made.field(made.start)
    made.pull_back(0 * x)
    for number, g in enumerate(supports, 1):
        found = made.pull_back(g).reshape(x.shape)
        sigma = multiple * np.median(spacings[: min(number, 10)])
        fixed = KernelSmoothing(form, bandwidth=sigma)
        np.testing.assert_allclose(found, step(x, g, fixed), atol=1e-12)


def test_the_kernel_follows_the_points():
    x, g = cloud(30, 2), sparse_gradient(30, 2, 5)
    made = KernelSmoothing("average", bandwidth=0.2).build(still(x), x, NUMPY, 0)
    made.field(made.start)
    made.pull_back(g)
    y = cloud(30, 2, seed=9)
    made.field(y.ravel())
    expected = step(y, g, KernelSmoothing("average", bandwidth=0.2))
    np.testing.assert_array_equal(made.pull_back(g).reshape(30, 2), expected)


@pytest.mark.parametrize("form", kernel.NAMES)
def test_scalar_fields_are_smoothed_over_the_graphs_points(form, lattice):
    energy = meshrep.FunctionEnergy(lattice, lambda w: (float((w**2).sum()), 2 * w))
    g = np.zeros(lattice.n)
    g[[5, 70, 100]] = [1.0, 2.0, -1.0]
    recipe = KernelSmoothing(form, bandwidth=1.5, rank=lattice.n, tolerance=0.0)
    made = recipe.build(energy, energy.random_start(0), NUMPY, 0)
    made.field(made.start)
    near = k(lattice.points, lattice.points[[5, 70, 100]], 1.5)
    if form == "root":
        found = made.field(made.pull_back(g)) - made.field(made.start)
        np.testing.assert_allclose(found, near @ g[[5, 70, 100]], atol=1e-6)
        return
    weights = g[[5, 70, 100]]
    if form == "interpolate":
        weights = np.linalg.solve(near[[5, 70, 100]] + 0.03 * np.eye(3), weights)
    else:
        near = near / near.sum(1, keepdims=True)
    np.testing.assert_allclose(made.pull_back(g), near @ weights, atol=1e-5)


def well(target, power=2):
    """Σ |x − y|^p over the coordinates."""
    graph = meshrep.Graph.from_edges(len(target), np.zeros((0, 2)))
    return meshrep.FunctionEnergy(
        graph,
        lambda w: (float(((w - target) ** power).sum()), power * (w - target) ** (power - 1)),
        shape=target.shape,
    )


@pytest.mark.parametrize("form", kernel.NAMES)
@pytest.mark.parametrize("minimiser", [GradientDescent(lr=0.02), Adam(lr=0.02)], ids=["gd", "adam"])
@pytest.mark.parametrize("name", BACKENDS)
def test_it_solves(form, minimiser, name):
    x = cloud(40, 2)
    energy = well(x + np.array([0.5, -0.3]))
    solver = Solver(minimiser, KernelSmoothing(form, bandwidth=0.2), backend=name)
    found = meshrep.solve(energy, solver, start=x, max_steps=300, device="cpu")
    assert found.solver == f"{kernel.NAMES[form]}-{minimiser.name}"
    assert found.energy < 1e-3 * energy.value(x)


def test_a_root_serves_line_searches():
    x = cloud(40, 2)
    energy = well(x + np.array([0.5, -0.3]))
    found = meshrep.solve(energy, Solver(LBFGS(), KernelSmoothing("root")), start=x)
    assert found.energy < 1e-6 * energy.value(x)


def test_one_moving_point_drags_the_cloud():
    x, target = cloud(200, 2), np.array([0.5, 1.5])

    def pull(w):
        g = np.zeros_like(w)
        g[7] = 2 * (w[7] - target)
        return float(((w[7] - target) ** 2).sum()), g

    graph = meshrep.Graph.from_edges(200, np.zeros((0, 2)))
    energy = meshrep.FunctionEnergy(graph, pull, shape=(200, 2))
    for form in kernel.NAMES:
        solver = Solver(GradientDescent(lr=0.1), KernelSmoothing(form, bandwidth=5.0))
        found = meshrep.solve(energy, solver, start=x, max_steps=60)
        assert found.energy < 1e-6
        moved = found.field - x
        np.testing.assert_allclose(moved, np.broadcast_to(moved[7], x.shape), atol=0.15)


@pytest.mark.parametrize("form", kernel.NAMES)
def test_fixed_points_stay(form):
    x = cloud(30, 2)
    energy = well(x + 1.0)
    energy.fixed, energy.fixed_values = np.array([4, 9]), x[[4, 9]]
    made = KernelSmoothing(form, bandwidth=0.5).build(energy, x, NUMPY, 0)
    made.field(made.start)
    g = energy.gradient(x)
    g[energy.fixed] = 0.0
    step = made.pull_back(g)
    if form == "root":
        step = made.field(step) - x
    np.testing.assert_array_equal(step.reshape(30, 2)[[4, 9]], 0.0)
    assert abs(step).max() > 0.1


def test_too_many_to_interpolate(monkeypatch):
    monkeypatch.setattr(limits, "KERNEL_FACTORED_UP_TO", 10)
    x = cloud(30, 2)
    with pytest.raises(InputError, match="30 points, too many to interpolate"):
        step(x, np.ones((30, 2)), KernelSmoothing())


def test_a_graph_without_points_is_refused():
    graph = meshrep.Graph.from_edges(4, np.array([[0, 1]]))
    energy = meshrep.FunctionEnergy(graph, lambda w: (0.0, 0 * w))
    with pytest.raises(InputError, match="needs points"):
        KernelSmoothing().build(energy, energy.random_start(0), NUMPY, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"form": "cubic"}, {"bandwidth": 0.0}, {"bandwidth": -1.0}, {"bandwidth": np.nan},
     {"ridge": 0.0}, {"ridge": np.inf}, {"rank": 0}, {"tolerance": 1.0}, {"tolerance": -0.1}],
    ids=str,
)  # fmt: skip
def test_settings_are_checked(wrong):
    with pytest.raises(InputError):
        KernelSmoothing(**wrong)


def test_fixed_nodes_of_a_field_stay():
    graph = meshrep.graph_from("lattice:6x6")
    cold, hot = meshrep.ends(graph)
    energy = meshrep.HeatBath(graph, hot, cold, t_hot=2.0, kind="dirichlet")
    found = meshrep.solve(energy, "kernel", max_steps=50)
    assert found.energy < found.start_energy
    assert (found.field[hot] == 2.0).all() and (found.field[cold] == 0.0).all()
