"""Phases by Möbius maps: exact in constant fields, of order 4, long steps at broad frequencies."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import meshrep
from meshrep.base.backends import NumpyBackend
from meshrep.flows import moebius, runs
from meshrep.flows.moebius import Formula, Moebius, spins


def empty(n):
    return meshrep.Graph.from_edges(n, [])


def by_loops(J, omega, lag, mass, start, t):
    """The phases at t by SciPy's eighth-order method: mass dφ/dt = ω + Σ J sin(φ_j − φ_i − lag)."""

    def rate(_, phi):
        return (omega + (J * np.sin(phi - phi[:, None] - lag)).sum(axis=1)) / mass

    return solve_ivp(rate, (0, t), start, "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]


def stepped(energy, start, t, steps, moves=None):
    """The phases after equal steps, whatever their errors."""
    mover = Moebius(energy.on(NumpyBackend()), energy.omega, np.ones(len(start)), np.inf, 1.0)
    mover.moves = moves or mover.moves
    w = start.copy()
    for k in range(steps):
        mover.step = 1.5 * t / steps
        mover.advance(w, k * t / steps, (k + 1) * t / steps)
    assert mover.steps == steps
    return w


@pytest.mark.parametrize("moves", ["kernels", "formula"])
def test_a_phase_in_a_constant_field_is_exact(moves):
    """Drifting, locked and at the border between, over one long step with many turns."""
    if moves == "kernels":
        pytest.importorskip("numba")
        from meshrep.kernels.moebius import SERIAL
    omega = np.array([0.0, 0.7, -0.7, 1.0, 1.0 + 1e-9, -1.5, 8.0, -40.0, 0.3])
    H = np.array([1.0, 1j, -1.0, 1.0, 1.0, 0.6 + 0.8j, 0.6 - 0.8j, 1.0, 0.0])
    start = np.linspace(-2.0, 9.0, 9)
    field, z, new_z, phi = (np.zeros((4, 18)), np.zeros(18), np.zeros(18), np.zeros(9))
    field[:, ::2], field[:, 1::2] = H.real, H.imag
    spins(start, z)
    h, half = 6.3, np.array([0.5, 0.0, 0.0, 0.0])
    use = SERIAL if moves == "kernels" else Formula
    apart = use.finish(z, start, omega, field, half, half, h, z, new_z, phi)
    exact = solve_ivp(
        lambda _, p: omega + (H * np.exp(-1j * p)).imag, (0, h), start, "DOP853",
        rtol=1e-13, atol=1e-13,
    ).y[:, -1]  # fmt: skip
    np.testing.assert_allclose(phi, exact, atol=1e-9)
    np.testing.assert_allclose(new_z[::2] + 1j * new_z[1::2], np.exp(1j * phi), atol=1e-12)
    assert apart == pytest.approx((abs(np.exp(1j * phi) - np.exp(1j * start)) ** 2).sum())
    moved = np.zeros(18)
    use.carry(z, omega, field, 2 * half, h, moved)
    np.testing.assert_allclose(moved, new_z, atol=1e-12)


@pytest.mark.parametrize("moves", [None, Formula])
def test_the_order_is_4(moves):
    energy = meshrep.Kuramoto(empty(30), 3.0, "normal", coupling="mean-field", lag=0.3)
    start = energy.random_start(1)
    exact = by_loops(energy.couplings.acting.toarray(), energy.omega, 0.3, 1.0, start, 2.0)
    errors = [abs(stepped(energy, start, 2.0, k, moves) - exact).max() for k in (20, 40, 80)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.3)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4, abs=0.3)


WEIGHTED = meshrep.graph_from("er:30:degree=4")
WEIGHTED = WEIGHTED.with_weights(np.linspace(0.2, 1.5, WEIGHTED.m))
FLOWS = {
    "a network": lambda: meshrep.Kuramoto(WEIGHTED, 0.8, "lorentz", lag=-0.5),
    "by degree": lambda: meshrep.Kuramoto(WEIGHTED, 2.0, "lorentz", normalisation="degree"),
    "a mean field": lambda: meshrep.Kuramoto(empty(30), 1.5, "lorentz", coupling="mean-field"),
    "blocks": lambda: meshrep.Kuramoto(
        empty(30), 2.0, "uniform", lag=1.4,
        coupling=meshrep.Blocks(np.arange(30) % 2, [[0.6, 0.4], [0.3, 0.6]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("numba", [True, False])
def test_flows_agree_with_an_eighth_order_method(name, numba, monkeypatch):
    energy, mass = FLOWS[name](), np.linspace(0.7, 1.6, 30)
    start = energy.random_start(2)
    J = energy.couplings.acting.toarray()
    exact = by_loops(J, energy.omega, energy.lag, mass, start, 1.0)
    if not numba:
        for module in (moebius, runs):
            monkeypatch.setattr(module, "installed", lambda _: False)
    path = meshrep.integrate(
        energy, 1.0, start=start, mass=mass, method="moebius", rtol=1e-7, frames=3
    )
    np.testing.assert_allclose(path.fields[-1], exact, atol=1e-8)
    loose = meshrep.integrate(energy, 1.0, start=start, mass=mass, method="moebius", frames=1)
    assert 1e-8 < abs(loose.fields[-1] - exact).max() < 1e-2
    assert loose.steps < 0.3 * path.steps and "steps of" in loose.notes[0]


def test_broad_frequencies_take_maps_by_themselves():
    broad = meshrep.Kuramoto(empty(500), 2.0, "lorentz:0.5", coupling="mean-field")
    path = meshrep.integrate(broad, 60.0, start=np.zeros(500), frames=120)
    assert path.method == "moebius" and path.steps < 1000
    assert path.order[60:].mean() == pytest.approx(np.sqrt(0.5), abs=2e-3)
    narrow = meshrep.Kuramoto(empty(500), 2.0, "normal", coupling="mean-field")
    assert meshrep.integrate(narrow, 0.1, frames=1).method == "rk4"
    assert meshrep.integrate(broad, 1e-3, frames=1, dt=1e-3).method == "rk4"


@pytest.mark.slow
@pytest.mark.parametrize("K", [1.25, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("n", [500, 2000])
def test_lorentzian_order_is_that_of_theory(n, K):
    """r = √(1 − 2γ/K) for K > 2γ = 1."""
    energy = meshrep.Kuramoto(empty(n), K, "lorentz:0.5", coupling="mean-field")
    path = meshrep.integrate(energy, 300.0, start=np.zeros(n), frames=600)
    assert path.order[200:].mean() == pytest.approx(np.sqrt(1 - 1 / K), abs=2e-3)


@pytest.mark.slow
def test_a_hundred_thousand_oscillators():
    energy = meshrep.Kuramoto(empty(100_000), 2.0, "lorentz:0.5", coupling="mean-field")
    path = meshrep.integrate(energy, 40.0, start=np.zeros(100_000), frames=40)
    assert path.method == "moebius" and path.steps < 500
    assert path.order[20:].mean() == pytest.approx(np.sqrt(0.5), abs=5e-4)


def test_what_maps_cannot_follow():
    ring = meshrep.graph_from("ring:8")
    for energy in (meshrep.HopfKuramoto(ring), meshrep.HeatBath(ring, [0], [4])):
        with pytest.raises(meshrep.InputError, match="moebius follows phases that") as caught:
            meshrep.integrate(energy, 1.0, method="moebius")
        assert "\n" not in str(caught.value)
    for rtol in (0.0, 1e-13, 1.5, np.nan):
        with pytest.raises(meshrep.InputError, match=r"rtol (of moebius )?must lie between"):
            meshrep.integrate(meshrep.Kuramoto(ring), 1.0, method="moebius", rtol=rtol)
