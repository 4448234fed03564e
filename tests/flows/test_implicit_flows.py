"""Implicit flows in time: orders, tolerances, jumps, restarts, and how often they factor."""

import numpy as np
import pytest
from parts_of_tests import box, grid, mesh
from problems_of_tests import heat
from scipy.integrate import solve_ivp

import meshrep
from meshrep import Schedule
from meshrep.base import limits
from meshrep.cli import declared
from meshrep.flows import integrate as flows

METHODS = ["backward-euler", "crank-nicolson", "bdf"]


def bar(n=10, length=1.0):
    points, cells = grid(n)
    return mesh(3, np.pad(length * points, ((0, 0), (0, 2))), cells)


def manufactured(n=5):
    """T = 2 + sin 3t everywhere, though nothing but one end and a source follow it."""
    return meshrep.Conduction(
        bar(n), 0.1, fixed={"x < 1e-9": Schedule(lambda t: 2 + np.sin(3 * t))},
        source=Schedule(lambda t: 6 * np.cos(3 * t)), capacity=2.0,
    )  # fmt: skip


@pytest.mark.parametrize("method, order", [("backward-euler", 1), ("crank-nicolson", 2)])
def test_orders_on_a_manufactured_problem(method, order):
    errors = [
        abs(meshrep.integrate(manufactured(), 1.5, start=2.0, method=method, dt=dt).fields[-1]
            - 2 - np.sin(4.5)).max() for dt in (0.02, 0.01)
    ]  # fmt: skip
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.15 and errors[0] < 0.05


def test_the_error_of_bdf_follows_its_tolerance():
    steps, errors = [], []
    for rtol in (1e-3, 1e-5, 1e-7):
        path = meshrep.integrate(manufactured(), 1.5, start=2.0, rtol=rtol)
        assert path.method == "bdf"
        np.testing.assert_allclose(path.fields[:, 0], 2 + np.sin(3 * path.times), rtol=1e-14)
        errors.append(abs(path.fields - 2 - np.sin(3 * path.times)[:, None]).max() / rtol)
        steps.append(path.steps)
    assert max(errors) < 100 and steps[0] < steps[1] < steps[2] < 400


def slab(n=40):
    """Both faces of a slab at 0, from 1 everywhere else."""
    faces = {"(x < 1e-9) | (x > 1 - 1e-9)": 0.0}
    energy = meshrep.Conduction(bar(n), 1.0, fixed=faces, capacity=1.0)
    k = np.arange(1, 60, 2)[:, None]
    x = energy.graph.points[:, 0]
    series = (4 / (np.pi * k) * np.sin(np.pi * k * x) * np.exp(-(np.pi**2) * k**2 * 0.1)).sum(
        axis=0
    )
    return energy, series


@pytest.mark.parametrize("method, order", [("backward-euler", 1), ("crank-nicolson", 2)])
def test_a_slab_that_cools_suddenly(method, order):
    """Fourier's series at t = 0.1; the time's part of the error by two steps on one mesh."""
    energy, series = slab()
    found = [
        meshrep.integrate(energy, 0.1, start=1.0, method=method, dt=dt, frames=1).fields[-1]
        for dt in (0.01, 0.005, 0.0025)
    ]
    rate = np.log2(abs(found[0] - found[1]).max() / abs(found[1] - found[2]).max())
    assert abs(rate - order) < 0.25
    tolerance = 0.02 if order == 1 else 1e-3
    np.testing.assert_allclose(found[-1], series, atol=tolerance)
    assert found[-1].min() >= -1e-12  # Crank–Nicolson is damped at the start


def test_bdf_on_a_slab_that_cools_suddenly():
    energy, series = slab(100)
    path = meshrep.integrate(energy, 0.1, start=1.0, frames=1)
    np.testing.assert_allclose(path.fields[-1], series, atol=1e-4)
    assert path.factorisations < 0.4 * path.steps < 100


def test_the_nafems_bar_t3():
    """36.60 °C at x = 0.08 m after 32 s, where the other end follows 100 sin(πt/40)."""
    end = Schedule(lambda t: 100 * np.sin(np.pi * t / 40))
    energy = meshrep.Conduction(
        bar(200, 0.1), 35.0, capacity=7200 * 440.5, fixed=[("x < 1e-9", 0.0), ("x > 0.0999", end)]
    )
    at = int(np.flatnonzero(abs(energy.graph.points[:, 0] - 0.08) < 1e-9)[0])
    for method, dt in (("crank-nicolson", 0.2), ("bdf", None)):
        path = meshrep.integrate(energy, 32.0, start=0.0, method=method, dt=dt, frames=1)
        assert path.fields[-1, at] == pytest.approx(36.60, abs=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_a_radiating_body_of_one_temperature(method):
    """c V dT/dt = −εσA (T⁴ − T_s⁴), by an accurate integrator of ordinary equations."""
    points, cells = box(10, 1)
    energy = meshrep.Conduction(
        mesh(10, points, cells), 1e7, capacity=4e4, kelvin=True,
        radiation=[("x > -1", 0.8, Schedule([0, 50, 50, 100], [300, 300, 900, 600]))],
    )  # fmt: skip

    def slope(t, T):
        around = 300 if t < 50 else 900 - 6 * (t - 50)
        return -0.8 * 5.670374419e-8 * 6 * (T**4 - around**4) / 4e4

    wanted = [1000.0]
    for span in ((0, 50), (50, 100)):
        wanted.append(solve_ivp(slope, span, [wanted[-1]], rtol=1e-10, atol=1e-8).y[0, -1])
    path = meshrep.integrate(energy, 100.0, start=1000.0, method=method, at=[50, 100])
    tolerance = {"backward-euler": 2.0, "crank-nicolson": 0.01, "bdf": 0.02}[method]
    np.testing.assert_allclose(path.fields.mean(axis=1), wanted, atol=tolerance)
    assert np.ptp(path.fields[-1]) < 0.1 and path.factorisations < 0.5 * path.steps


def test_the_heat_that_is_stored_is_the_heat_that_came_in():
    """By backward Euler exactly: the balance at the end of a step is what the step stores."""
    graph = mesh(10, *box(10, 2))
    energy = meshrep.Conduction(
        graph, 3.0, convection=[("x < 1e-9", 8.0, Schedule([0, 1], [0, 60]))], source=5.0,
        flux=[("x > 1 - 1e-9", 40.0)], capacity=7.0, radiation=[("z < 1e-9", 0.9, 20.0)],
        kelvin=False,
    )  # fmt: skip
    path = meshrep.integrate(
        energy, 2.0, start=10.0, method="backward-euler", dt=0.1, frames=20, rtol=1e-9
    )
    heat_in = [
        0.1 * energy.at(t).heat_through(w)["balance"]
        for t, w in zip(path.times[1:], path.fields[1:], strict=True)
    ]
    stored = np.diff(path.fields @ np.asarray(energy.capacity_matrix.sum(axis=0)).ravel())
    np.testing.assert_allclose(stored, heat_in, rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_a_run_goes_on_where_an_earlier_one_ended(method):
    energy = manufactured()
    whole = meshrep.integrate(energy, 2.0, start=2.0, method=method, frames=20)
    half = meshrep.integrate(energy, 1.0, start=2.0, method=method, frames=10, **dt_of(method))
    rest = meshrep.integrate(energy, 2.0, start=half, method=method, frames=10, **dt_of(method))
    assert rest.times[0] == 1.0 and (rest.fields[0] == half.fields[-1]).all()
    both = np.concatenate([half.fields, rest.fields[1:]])
    tolerance = 20 * 1e-6 * 4.5 if method == "bdf" else 1e-9
    np.testing.assert_allclose(both, whole.fields, atol=tolerance)
    with pytest.raises(meshrep.InputError, match="has reached t = 1"):
        meshrep.integrate(energy, 1.0, start=half)


def dt_of(method):
    return {} if method == "bdf" else {"dt": 0.01}


@pytest.mark.parametrize("method", METHODS)
def test_conditions_that_jump_are_followed_stage_by_stage(method):
    graph = bar()

    def posed(air, end):
        return meshrep.Conduction(
            graph,
            1.0,
            convection=[("x > 1 - 1e-9", 5.0, air)],
            fixed={"x < 1e-9": end},
            capacity=1.0,
        )

    jumping = posed(Schedule([1, 1], [0, 50]), Schedule([1, 1], [20, 0]))
    settings = {"method": method, **dt_of(method)}
    path = meshrep.integrate(jumping, 2.0, start=20.0, at=[1.0], **settings)
    first = meshrep.integrate(posed(0.0, 20.0), 1.0, start=20.0, frames=1, **settings)
    then = posed(50.0, 0.0)
    second = meshrep.integrate(then, 2.0, start=first, frames=1, **settings)
    tolerance = 1e-4 if method == "bdf" else 1e-8
    np.testing.assert_allclose(path.fields[-1], second.fields[-1], atol=tolerance)
    assert path.fields[1, 0] == 0 and path.energies[1] == pytest.approx(then.value(path.fields[1]))


def test_a_peak_between_long_steps_is_not_missed():
    def heated(*times):
        return meshrep.Conduction(
            bar(), 1.0, convection=[("x > 1 - 1e-9", 1.0, 0.0)], capacity=1.0,
            flux=[("x < 1e-9", Schedule([*times, 100], [0, 100, 0, 0]))],
        )  # fmt: skip

    fine = meshrep.integrate(
        heated(0, 0.1, 0.2), 1.0, start=0.0, method="crank-nicolson", dt=0.005, frames=1
    )
    path = meshrep.integrate(heated(50, 50.1, 50.2), 51.0, start=0.0, frames=1)
    assert fine.fields[-1].max() > 1
    np.testing.assert_allclose(path.fields[-1], fine.fields[-1], atol=1e-2)


def test_matrices_are_factored_once_for_each_length_of_the_steps():
    energy, _ = slab()
    for method in METHODS[:2]:
        path = meshrep.integrate(energy, 1.0, start=1.0, method=method, dt=0.01, frames=7)
        assert path.factorisations == 1 and path.steps >= 100
        assert "1 factorisation for" in " ".join(path.notes)


def test_multigrid_follows_what_factors_follow(monkeypatch):
    pytest.importorskip("numba")
    points, cells = box(5, 20, distort=0.2)
    energy = meshrep.Conduction(
        mesh(5, points, cells), 2.0, fixed={"x < 1e-9": Schedule([0, 1], [0, 30])},
        radiation=[("x > 1 - 1e-9", 1.0, 100.0)], kelvin=False, capacity=1.0,
    )  # fmt: skip
    settings = {"start": 0.0, "frames": 3}
    direct = [
        meshrep.integrate(energy, 1.0, method=method, dt=dt, **settings)
        for method, dt in (("crank-nicolson", 0.1), ("bdf", None))
    ]
    monkeypatch.setattr(limits, "KEPT_DIRECT_WORK_UP_TO", 0)
    monkeypatch.setattr(limits, "DIRECT_WORK_UP_TO", 0)
    for one in direct:
        dt = None if one.method == "bdf" else 0.1
        path = meshrep.integrate(energy, 1.0, method=one.method, dt=dt, **settings)
        np.testing.assert_allclose(
            path.fields, one.fields, atol=1e-4 if one.method == "bdf" else 1e-7
        )
        assert any("AMG" in note for note in path.notes)


@pytest.mark.parametrize("method", METHODS)
def test_the_quartic_bath_and_phases_are_followed_implicitly(method):
    for energy in (heat("lattice:5x5"), meshrep.Kuramoto(meshrep.graph_from("lattice:5x5"))):
        fine = meshrep.integrate(energy, 2.0, method="rk4", dt=0.01, frames=1)
        path = meshrep.integrate(energy, 2.0, method=method, frames=1, **dt_of(method))
        tolerance = {"backward-euler": 0.02, "crank-nicolson": 1e-3, "bdf": 1e-4}[method]
        np.testing.assert_allclose(path.fields[-1], fine.fields[-1], atol=tolerance)


def test_ctrl_c_keeps_the_frames_so_far():
    def stop(now, end):
        if now > 0.5:
            raise KeyboardInterrupt

    energy = manufactured()
    path = meshrep.integrate(energy, 1.0, start=2.0, frames=10, observe=stop)
    assert path.interrupted and 5 <= len(path.times) < 11 and path.steps > 0
    rest = meshrep.integrate(energy, 1.0, start=path, frames=10)
    np.testing.assert_allclose(rest.fields[-1], 2 + np.sin(3), atol=1e-4)


def test_the_start_may_be_a_number_or_a_solution():
    energy = manufactured()
    steady = meshrep.solve(energy)
    path = meshrep.integrate(energy, 0.1, start=steady)
    np.testing.assert_array_equal(path.fields[0], steady.field)
    assert (meshrep.integrate(energy, 0.1, start=7).fields[0, 1:] == 7).all()


def test_the_command_line_offers_every_method():
    assert set(declared.FLOW_METHODS) == set(flows.METHODS)
    assert declared.FIXED_METHODS == flows.FIXED_METHODS


def test_conduction_starts_at_the_lowest_temperature_unless_told():
    path = meshrep.integrate(manufactured(), 0.1)
    assert (path.fields[0] == 2).all() and "the start is 2 everywhere" in path.notes[0]
    assert meshrep.integrate(manufactured(), 0.1, dt=0.01).method == "crank-nicolson"


def test_what_cannot_follow_changes_says_so():
    for method in ("rk4", "rk45", "radau"):
        with pytest.raises(meshrep.InputError, match="cannot follow conditions that change"):
            meshrep.integrate(manufactured(), 1.0, start=0.0, method=method)
    pytest.importorskip("gudhi")
    moving = meshrep.RipsPersistence(meshrep.graph_from("cloud:20"))
    with pytest.raises(meshrep.InputError, match="needs a sparse Hessian"):
        meshrep.integrate(moving, 1.0, method="backward-euler")
