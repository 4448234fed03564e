"""Conduction as an energy: derivatives, back ends, solvers, units, order of nodes."""

import numpy as np
import pytest
from parts_of_tests import box, exact, mesh
from taylor import taylor_slopes

import meshrep
from meshrep.base.backends import backend_for, installed
from meshrep.flows.runge_kutta import runge_kutta4
from meshrep.graphs.ordering import Order

CELLS = {"tetrahedra": 10, "triangles": 5}
if installed("skfem"):
    CELLS |= {"hexahedra": 12, "pyramids": 27}


def part(kind, *, radiates=False, n=2, length=1.0, watt=1.0, seed=0):
    """A part with every condition; lengths, and so the heat that flows, in other units."""
    points, cells = box(kind, n, distort=0.1, seed=seed)
    graph = mesh(kind, length * points, cells)
    area = watt / length**2
    far = f"> {length * (1 - 1e-9)}"
    radiation = [(f"x {far}", 0.8, 10.0)] if radiates else ()
    return meshrep.Conduction(
        graph, 3.0 * watt / length, fixed={f"x < {1e-9 * length}": 80.0},
        convection=[(f"y {far}", 25.0 * area, 20.0)], flux=[(f"y < {1e-9 * length}", 300.0 * area)],
        source=100.0 * area / length, radiation=radiation, kelvin=False,
        stefan_boltzmann=5.67e-8 * area, thickness=length if kind == 5 else None,
    )  # fmt: skip


@pytest.mark.parametrize("radiates", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_taylor_slopes(name, radiates):
    energy = part(CELLS[name], radiates=radiates)
    rng = np.random.default_rng(3)
    w = energy.clamp(energy.random_start(1) + 40 * rng.standard_normal(energy.shape))
    v = 100 * rng.standard_normal(energy.shape)
    v[energy.fixed] = 0.0
    gradient, hessian = taylor_slopes(energy, w, v)
    assert gradient == pytest.approx(2.0, abs=0.05)
    if radiates:  # else the rest is rounding
        assert hessian == pytest.approx(3.0, abs=0.2)
    product = energy.hessian(w) @ v
    np.testing.assert_allclose(
        product[energy.free], energy.hvp(w, v)[energy.free], rtol=1e-11, atol=1e-9
    )


def test_radiation_is_smooth_and_convex_below_absolute_zero():
    energy = part(10, radiates=True)
    w = np.linspace(-600, 100, energy.graph.n)
    gradient = energy.gradient(w)
    for node in energy.free:
        step = np.zeros_like(w)
        step[node] = 1e-3
        ahead, behind = energy.value(w + step), energy.value(w - step)
        assert (ahead - behind) / 2e-3 == pytest.approx(gradient[node], rel=1e-6, abs=1e-4)
    assert np.linalg.eigvalsh(energy.hessian(w).toarray())[0] > -1e-9


@pytest.mark.parametrize("kind", ["numpy", "numba", "torch"])
@pytest.mark.parametrize("radiates", [False, True])
def test_backends_agree(kind, radiates):
    pytest.importorskip(kind)
    energy = part(10, radiates=radiates)
    backend = backend_for(kind, "cpu")
    w, v = energy.random_start(1), energy.random_start(2)
    evaluator = energy.formula(backend)
    value, gradient = energy.on(backend).value_and_grad(backend.asarray(w))
    assert float(value) == pytest.approx(energy.value(w), rel=1e-13)
    assert float(evaluator.value(backend.asarray(w))) == pytest.approx(energy.value(w), rel=1e-13)
    scale = abs(energy.gradient(w)).max()
    np.testing.assert_allclose(
        backend.to_numpy(gradient), energy.gradient(w), rtol=1e-12, atol=1e-13 * scale
    )
    product = evaluator.hvp(backend.asarray(w), backend.asarray(v))
    np.testing.assert_allclose(
        backend.to_numpy(product), energy.hvp(w, v), rtol=1e-11, atol=1e-12 * scale
    )


@pytest.mark.parametrize("threads", [False, True])
def test_the_fused_energy_is_the_formula_with_all_linear_conditions(threads, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr("meshrep.base.limits.THREADS_FROM", 0 if threads else 10**9)
    points, cells = box(10, 4, distort=0.1)
    energy = meshrep.Conduction(
        mesh(10, points, cells), 3.0, fixed={"x < 1e-9": 80.0}, source=lambda x, y, z: 100 * y,
        convection=[("y > 1 - 1e-9", lambda x, y, z: 25 + 9 * x, 20.0), ("z < 1e-9", 5.0, 10.0)],
        flux=[("y < 1e-9", 300.0)],
    )  # fmt: skip
    for dtype, close in (("float64", 1e-12), ("float32", 2e-5)):
        backend = backend_for("numba", "cpu", dtype)
        fast, slow = energy.on(backend), energy.formula(backend_for("numpy", "cpu"))
        w, v = energy.random_start(1), energy.random_start(2)
        mine = backend.asarray(w)
        value, gradient = slow.value_and_grad(w)
        size = abs(gradient).max()
        found, slope = fast.value_and_grad(mine)
        assert found == pytest.approx(value, rel=close)
        np.testing.assert_allclose(slope, gradient, atol=close * size)
        product = fast.hvp(mine, backend.asarray(v))
        np.testing.assert_allclose(product, slow.hvp(w, v), atol=10 * close * size)
        mass = backend.asarray(np.ones(energy.graph.n))
        dt = 1.0 / energy.steepest(w)
        (begun, before), moved = fast.flow(mine, dt, 2, mass), w.copy()
        assert begun == pytest.approx(value, rel=close)
        for _ in range(2):
            runge_kutta4(slow, moved, dt, 1, np.ones(energy.graph.n))
        np.testing.assert_allclose(mine, moved, rtol=10 * close)
        assert before < begun


def test_torch_differentiates_the_value():
    torch = pytest.importorskip("torch")
    energy = part(10, radiates=True)
    w = torch.tensor(energy.random_start(1), requires_grad=True)
    energy.formula(backend_for("torch", "cpu", "float64")).value(w).backward()
    found = w.grad.numpy()[energy.free]
    wanted = energy.gradient(w.detach().numpy())[energy.free]
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-11 * abs(wanted).max())


@pytest.mark.parametrize("radiates", [False, True])
@pytest.mark.parametrize("solver", ["gcn-res", "gd", "lbfgs", "multilevel", "rk4"])
def test_solvers_find_the_same_temperature(solver, radiates):
    energy = part(10, radiates=radiates, n=3)
    best = meshrep.solve(energy)
    found = meshrep.solve(energy, solver)
    assert best.result.word == "converged"
    assert abs(found.field - best.field).max() < 1e-3 * energy.unit
    assert found.energy - best.energy < 1e-6 * energy.scale


@pytest.mark.parametrize("length, watt", [(1e3, 1.0), (39.37, 1e-3), (1e-6, 1e6)])
@pytest.mark.parametrize("radiates", [False, True])
def test_nothing_depends_on_the_units_of_length_and_power(radiates, length, watt):
    here, there = part(10, radiates=radiates), part(10, radiates=radiates, length=length, watt=watt)
    ours, theirs = meshrep.solve(here), meshrep.solve(there)
    assert len(ours.history) == len(theirs.history)
    np.testing.assert_allclose(theirs.field, ours.field, rtol=1e-9)
    assert theirs.energy == pytest.approx(watt * ours.energy, rel=1e-9)
    assert there.unit == pytest.approx(here.unit, rel=1e-9)


def test_a_level_far_from_zero_costs_no_digits():
    points, cells = box(10, 3)
    graph = mesh(10, points, cells)
    low, high = (
        meshrep.Conduction(
            graph, 2.0, fixed={"x < 1e-9": level + 1.0}, source=7.0,
            convection=[("x > 1 - 1e-9", 3.0, level)],
        )
        for level in (0.0, 2.0**30)
    )  # fmt: skip
    field = exact(low)
    assert high.value(field + 2.0**30) == pytest.approx(low.value(field), rel=1e-12)
    assert abs(high.gradient(field + 2.0**30)).max() < 1e-6


def test_heat_of_a_minimum_balances_and_another_order_of_nodes_changes_nothing():
    energy = part(10, radiates=True, n=3)
    solution = meshrep.solve(energy)
    heat = energy.heat_through(solution.field)
    balance = heat.pop("balance")
    assert set(heat) == {
        "fixed 'x < 1e-09'", "flux 'y < 1e-09'", "source", "convection 'y > 0.999999999'",
        "radiation 'x > 0.999999999'",
    }  # fmt: skip
    assert heat["flux 'y < 1e-09'"] == pytest.approx(300, rel=1e-12)
    assert heat["source"] == pytest.approx(100, rel=1e-12)
    assert abs(balance) < 1e-10 * max(map(abs, heat.values()))
    order = Order(energy.graph, np.random.default_rng(0).permutation(energy.graph.n))
    moved = energy.reordered(order)
    w, v = energy.random_start(1), energy.random_start(2)
    assert moved.value(order.moved(w)) == pytest.approx(energy.value(w), rel=1e-13)
    wanted = energy.gradient(w)
    np.testing.assert_allclose(
        order.back(moved.gradient(order.moved(w))), wanted, atol=1e-12 * abs(wanted).max()
    )
    product = energy.hessian(w) @ v
    np.testing.assert_allclose(
        order.back(moved.hessian(order.moved(w)) @ order.moved(v)), product,
        atol=1e-12 * abs(product).max(),
    )  # fmt: skip


def test_it_adds_to_other_energies_and_follows_time():
    """A bar that conducts well cools by convection at nearly one temperature, exponentially."""
    graph = mesh(3, *box(3, 2))
    energy = meshrep.Conduction(
        graph, 200.0, convection=[("x > 1 - 1e-9", 2.0, 20.0)], capacity=4.0
    )
    course = meshrep.integrate(energy, t=1.0, start=np.full(graph.n, 100.0), mass=energy.capacity)
    np.testing.assert_allclose(course.fields[-1], 20 + 80 * np.exp(-2 / 4), rtol=0.01)
    both = energy + 2.0 * energy
    assert both.value(np.zeros(3)) == pytest.approx(3 * energy.value(np.zeros(3)), rel=1e-14)
    assert meshrep.solve(both).result.word == "converged"
