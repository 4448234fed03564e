"""Phases lifted to R^h: their energies and gradients, sweeps, and the energies that runs reach."""

import numpy as np
import pytest
from problems_of_tests import heat

import meshrep
from meshrep.base import limits
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.base.outcome import Result
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.errors import InputError
from meshrep.minimisers.base import Objective
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.lift import Lift
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.minimisers.unit_vectors import Arrays, Jitted, lifted
from meshrep.solving.solver import Solver

LAWS = {
    "xy": (-0.5, 0.0, 0.0),
    "xy of the other sign": (0.7, 0.0, 0.0),
    "hopf": (-0.5, 0.0, 0.5),
    "printed": (1.0, 0.5, 0.0),
    "all": (0.3, 0.4, -0.2),
    "concave": (0.3, -0.4, 0.2),
}
NUMPY = NumpyBackend(jit=False)


def oscillators(law, spec="lattice:7x6"):
    graph = meshrep.graph_from(spec)
    return Oscillators(graph, np.random.default_rng(3).standard_normal(graph.m), law)


def vectors(kind, energy, h=3, replicas=2, backend=NUMPY, seed=0):
    start = lifted(energy.random_start(seed), h, replicas, 1.0, seed)
    return kind(energy.phase_law, energy.fixed, backend, start, "float64")


def lifted_energy(energy, x, s):
    """E (R,) of vectors (n, h, R), and its gradient with respect to them."""
    fade = np.where(np.arange(x.shape[1]) < 2, 1.0, s)[None, :, None]
    z = np.einsum("ij,jcr->icr", energy.coupling.toarray(), x)
    inner, square = (fade * x * z).sum(1), (fade * z * z).sum(1)
    b = energy.beta - energy.gamma
    return (energy.alpha * inner + b * inner**2 + energy.gamma * square).sum(0), z, fade


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_lifted_energy_in_the_plane_is_the_energy(law):
    energy = oscillators(law)
    x = lifted(energy.random_start(1), 4, 1, 1.0, 0)
    x[:, 2:] = 0
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    expected = energy.value(energy.random_start(1))
    assert lifted_energy(energy, x, 0.3)[0][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("h", [3, 4])
@pytest.mark.parametrize("name", [name for name in LAWS if "xy" not in name])
def test_gradient_against_differences(name, h):
    energy, s = oscillators(LAWS[name]), 0.6
    state = vectors(Arrays, energy, h)
    order, n = state.order, energy.graph.n
    fade = np.repeat(np.where(np.arange(h) < 2, 1.0, s), 2)
    z = state.whole @ state.x
    slopes = np.concatenate([state.slope(fade, z, k) for k in range(len(state.parts))])
    direction = np.random.default_rng(0).standard_normal((n, h, 2))
    x = np.empty((n, h, 2))
    x[order] = state.x.reshape(n, h, 2)
    e = 1e-5
    ends = [lifted_energy(energy, x + sign * e * direction, s)[0] for sign in (1, -1)]
    expected = (ends[0] - ends[1]) / (2 * e)
    found = (slopes.reshape(n, h, 2) * direction[order]).sum((0, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("s", [1.0, 0.6, 0.0])
def test_plain_sweeps_never_raise_the_energy(law, s):
    energy = oscillators(law)
    state = vectors(Arrays, energy)
    before = np.inf
    for _ in range(20):
        x = np.empty((energy.graph.n, 3, 2))
        x[state.order] = state.x.reshape(-1, 3, 2)
        now = lifted_energy(energy, x, s)[0]
        assert (now <= before + 1e-9).all()
        before = now
        state.sweep(np.array([s]), np.ones(1))


@pytest.mark.slow
@pytest.mark.skipif(not installed("numba"), reason="kernels need numba")
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("h, replicas", [(3, 1), (4, 5)])
@pytest.mark.parametrize("parallel", [False, True], ids=["serial", "parallel"])
def test_kernels_agree_with_arrays(law, h, replicas, parallel, monkeypatch):
    monkeypatch.setattr(limits, "LIFT_THREADS_FROM", 0 if parallel else 10**9)
    energy = oscillators(law)
    shrink = np.array([1.0, 0.9, 0.5, 0.2, 0.0])
    plain = vectors(Arrays, energy, h, replicas)
    fused = vectors(Jitted, energy, h, replicas, NumpyBackend())
    for state in (plain, fused):
        state.sweep(shrink, np.linspace(1.9, 1.0, len(shrink)))
    np.testing.assert_allclose(fused.x, plain.x, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(fused.phases(0), plain.phases(0), atol=1e-8)


@pytest.mark.skipif(not installed("torch"), reason="needs torch")
@pytest.mark.parametrize("law", [LAWS["xy"], LAWS["all"]], ids=["xy", "all"])
def test_torch_agrees_with_numpy(law):
    energy, shrink = oscillators(law), np.array([1.0, 0.5, 0.0])
    tensors = vectors(Arrays, energy, backend=backend_for("torch", "cpu", "float64"))
    plain = vectors(Arrays, energy)
    for state in (plain, tensors):
        state.sweep(shrink, np.linspace(1.9, 1.0, len(shrink)))
    np.testing.assert_allclose(np.asarray(tensors.phases(1)), plain.phases(1), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numba", "numpy", "torch"])
@pytest.mark.parametrize("kind", [XYGlass, HopfKuramoto])
def test_a_whole_run_on_every_back_end(backend, kind):
    if backend != "numpy":
        pytest.importorskip(backend)
    energy = kind(meshrep.graph_from("lattice:6x6"))
    minimiser = Lift(steps=40, rounds=4, replicas=4)
    solver = Solver(minimiser, then=Solver(LBFGS()), backend=backend)
    found = meshrep.solve(energy, solver, device="cpu")
    assert found.backend == backend
    assert found.steps >= 40 + 4 * 60
    assert found.energy < min(meshrep.solve(energy, "lbfgs", seed=k).energy for k in range(2))


@pytest.mark.parametrize("kind", [Arrays, Jitted])
def test_phases_of_the_lifted_start_are_those_of_the_start(kind):
    if kind is Jitted:
        pytest.importorskip("numba")
    energy = oscillators(LAWS["xy"])
    state = vectors(kind, energy, backend=NumpyBackend(jit=kind is Jitted))
    for phases in (state.phases(0), state.phases(1)):
        np.testing.assert_allclose(np.exp(1j * phases), np.exp(1j * energy.random_start(0)))


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_lifting_again_keeps_phases_and_energies(law):
    energy = oscillators(law)
    state = vectors(Arrays, energy)
    before = [state.phases(k) for k in (0, 1)]
    values = state.energies(state.plane())
    assert values == pytest.approx([energy.value(phases) for phases in before], rel=1e-12)
    state.raise_up(state.plane(), 0.3, 5)
    np.testing.assert_allclose(np.linalg.norm(state.x.reshape(-1, 3, 2), axis=1), 1.0)
    np.testing.assert_allclose(state.phases(1), before[1], atol=1e-12)


def test_rounds_never_raise_the_energy():
    energy = XYGlass(meshrep.graph_from("lattice:12x12"))
    found = [
        meshrep.solve(energy, Solver(Lift(steps=50, rounds=rounds, replicas=4))).energy
        for rounds in (0, 5, 30)
    ]
    assert found[0] > found[1] > found[2]


def test_isolated_nodes_stay_and_components_are_independent():
    pairs = np.array([[0, 1], [1, 2], [0, 2], [4, 5]])
    energy = Kuramoto(meshrep.Graph.from_edges(7, pairs), -1.0)
    start = energy.random_start(0)
    found = meshrep.solve(energy, Solver(Lift(steps=100), then=Solver(LBFGS())), start=start)
    assert found.energy == pytest.approx(-1.5 - 1.0)  # a frustrated triangle and a pair
    np.testing.assert_allclose(np.exp(1j * found.field[[3, 6]]), np.exp(1j * start[[3, 6]]))


def test_a_graph_without_edges_is_left_alone():
    energy = Kuramoto(meshrep.Graph.from_edges(3, np.zeros((0, 2))))
    found = meshrep.solve(energy, Solver(Lift(steps=10)))
    np.testing.assert_allclose(
        np.exp(1j * found.field), np.exp(1j * energy.random_start(0)), atol=1e-6
    )


def solved(energy, seed, **settings):
    return meshrep.solve(energy, Solver(Lift(**settings), then=Solver(LBFGS())), seed=seed)


@pytest.mark.slow
def test_a_ferromagnet_loses_its_vortices():
    energy = Kuramoto(meshrep.graph_from("lattice:30x30"))
    seeds = range(4)
    plain = [meshrep.solve(energy, "lbfgs", seed=seed).energy for seed in seeds]
    found = [solved(energy, seed, replicas=1).energy for seed in seeds]
    assert found == pytest.approx([-energy.graph.m] * 4)
    assert np.mean(plain) > -energy.graph.m + 5  # the problem is hard for descent


@pytest.mark.slow
@pytest.mark.parametrize("energy", [XYGlass, HopfKuramoto])
def test_frustrated_energies_end_lower_than_by_descent(energy):
    energy = energy(meshrep.graph_from("lattice:16x16"))
    plain = [meshrep.solve(energy, "lbfgs", seed=seed).energy for seed in range(6)]
    found = [solved(energy, seed, replicas=1).energy for seed in range(6)]
    assert max(found) < min(plain)


def test_the_same_seed_gives_the_same_run():
    energy = XYGlass(meshrep.graph_from("lattice:8x8"))
    runs = [solved(energy, 1, steps=60).field for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    start = energy.random_start(0)
    x = [lifted(start, 4, 2, 1.0, seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(x[0], x[1])
    assert not np.allclose(x[0], x[2])
    assert not np.allclose(x[0][:, :, 0], x[0][:, :, 1])


@pytest.mark.parametrize("limit", [{"max_steps": 40}, {"max_seconds": 0.2}], ids=str)
def test_limits_shorten_the_schedule(limit, clock, monkeypatch):
    """On the clock a sweep takes 2 ms."""
    for kind in (Arrays, Jitted):
        sweep = kind.sweep

        def slow(vectors, shrink, over, sweep=sweep):
            clock.now += 2e-3 * len(shrink)
            sweep(vectors, shrink, over)

        monkeypatch.setattr(kind, "sweep", slow)
    energy = Kuramoto(meshrep.graph_from("lattice:30x30"))
    minimiser = Lift(steps=10**9)
    objective = Objective(energy, energy.random_start(0), NumpyBackend())
    outcome = minimiser.minimise(objective, monitor := Monitor(Stopping(**limit)))
    assert outcome.result is (Result.MAX_STEPS if "max_steps" in limit else Result.TIME_LIMIT)
    assert outcome.steps <= limit.get("max_steps", 100)
    assert 10 <= len(monitor.history) < 200
    assert energy.value(outcome.params) < -0.8 * energy.graph.m


def test_no_steps_give_the_start():
    energy = XYGlass(meshrep.graph_from("lattice:8x8"))
    found = meshrep.solve(energy, Solver(Lift()), max_steps=0)
    assert found.energy == pytest.approx(energy.value(energy.random_start(0)), rel=1e-5)


def test_other_energies_are_refused():
    with pytest.raises(InputError, match="lift works on oscillators, not on HeatBath"):
        meshrep.solve(heat("lattice:4x4"), Solver(Lift()))


@pytest.mark.parametrize(
    "wrong",
    [{"dimensions": 2}, {"steps": 0}, {"replicas": 0}, {"replicas": "many"}, {"penalty": 0.0},
     {"spread": -1.0}, {"over": 2.0}, {"dtype": "float16"}],
    ids=str,
)  # fmt: skip
def test_settings_are_checked(wrong):
    with pytest.raises(InputError):
        Lift(**wrong)
