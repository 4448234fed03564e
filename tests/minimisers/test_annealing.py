"""Annealing: its kernels against closed forms and slow twins, and the energies it reaches."""

import numpy as np
import pytest

import meshrep
from meshrep.base.backends import NumpyBackend
from meshrep.base.outcome import Result
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.errors import InputError, MissingPart
from meshrep.minimisers import annealing
from meshrep.minimisers.annealing import Annealing, Spins, temperature
from meshrep.minimisers.base import Objective
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor, Stopping

pytest.importorskip("numba")
import numba

from meshrep.kernels import annealing as kernels

INTERPRETED = bool(numba.config.DISABLE_JIT)
VERSIONS = {"serial": kernels.SERIAL, "parallel": kernels.PARALLEL}
LAWS = {"single": (-0.5, 0.0, 0.0), "squares": (-0.3, 0.4, 0.7)}


def oscillators(spec, law, seed=0):
    graph = meshrep.graph_from(spec)
    return Oscillators(graph, np.random.default_rng(seed).standard_normal(graph.m), law)


def pairs(n, edges, law, coupling=1.0):
    return Oscillators(meshrep.Graph.from_edges(n, np.array(edges)), coupling, law)


def spins_of(energy, seed=0, reflections="auto", version="serial"):
    made = Spins(energy, energy.phase_law, energy.random_start(seed), (seed,), reflections)
    made.kernels = VERSIONS[version]
    return made


def objective(energy, seed=0, start=None):
    made = Objective(energy, energy.random_start(seed) if start is None else start, NumpyBackend())
    made.seed = seed
    return made


def anneal(energy, seed=0, start=None, max_seconds=np.inf, max_steps=100_000, **settings):
    problem = objective(energy, seed, start)
    stopping = Stopping(max_seconds=max_seconds, max_steps=max_steps)
    return Annealing(**settings).minimise(problem, Monitor(stopping)), problem


def polished(energy, seed, **settings):
    outcome, _ = anneal(energy, seed, **settings)
    end = LBFGS().minimise(objective(energy, start=outcome.params), Monitor(Stopping()))
    return energy.value(end.params)


def test_random_numbers_are_uniform_and_uncorrelated():
    key, count = np.uint64(5), 20_000 if not INTERPRETED else 2_000
    with np.errstate(over="ignore"):
        drawn = np.array([kernels.draw(key, np.uint64(k)) for k in range(count)])
    assert ((drawn > 0) & (drawn < 1)).all()
    assert np.abs(drawn.mean(0) - 0.5).max() < 5 / np.sqrt(12 * count)
    assert np.abs((drawn**2).mean(0) - 1 / 3).max() < 5 * 0.3 / np.sqrt(count)
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 5 / np.sqrt(count)
    assert abs(np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]) < 5 / np.sqrt(count)


def test_the_fast_exponential_is_accurate():
    x = np.linspace(0, 20, 400)
    ratio = np.array([kernels.decay(v) for v in x]) / np.exp(-x)
    np.testing.assert_allclose(ratio[x <= 5], 1, rtol=1e-9)
    np.testing.assert_allclose(ratio, 1, rtol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_the_proposed_angle_is_near_the_lowest_energy(seed):
    x, y, u, v = np.random.default_rng(seed).standard_normal(4)
    phi = np.linspace(0, 2 * np.pi, 20_001)
    energies = kernels.seen(np.cos(phi), np.sin(phi), x, y, u, v)
    p, q = kernels.bottom(x, y, u, v)
    assert p * p + q * q == pytest.approx(1, abs=1e-12)
    assert kernels.seen(p, q, x, y, u, v) < energies.min() + 0.1 * np.ptp(energies)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_reflections_keep_the_energy(version):
    energy = oscillators("lattice:6x5", LAWS["single"])
    one, many = (spins_of(energy, 3, k, version) for k in (0, 20))
    for each in (one, many):
        each.sweep(np.array([0.7]), 0)
    assert energy.value(many.phases()) == pytest.approx(energy.value(one.phases()), abs=1e-10)
    assert not np.allclose(many.phases(), one.phases())


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_updated_sums_agree_with_recomputed_ones(version):
    energy = oscillators("triangular:5x6", LAWS["squares"])
    s = spins_of(energy, 1, 3, version)
    s.sweep(np.full(30, 0.8), 0)
    kept = [part.copy() for part in s.sums]
    assert min(np.abs(part).max() for part in kept) > 0.1
    s.kernels.fields(*s.rows, *s.spins, *s.sums)
    for a, b in zip(kept, s.sums, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    alpha, beta, gamma = LAWS["squares"]
    C, S = kept
    total = (alpha * C + beta * C * C + gamma * S * S).sum()
    assert total == pytest.approx(energy.value(s.phases()), abs=1e-10)


def mean_energy(energy, temperature, sweeps, seed=0, reflections=1):
    """The mean energy of a run, and its standard error from the means of 20 parts of it."""
    s = spins_of(energy, seed, reflections)
    s.sweep(np.full(50, temperature), 0)
    energies = np.empty(sweeps)
    evaluator = energy.on(NumpyBackend())
    for k in range(sweeps):
        s.sweep(np.array([temperature]), 50 + k)
        energies[k] = evaluator.value_and_grad(s.phases())[0]
    means = energies.reshape(20, -1).mean(1)
    return means.mean(), means.std(ddof=1) / np.sqrt(20)


def quadrature(energy, temperature, points=120):
    """⟨E⟩ of three nodes, the third fixed, by the trapezoidal rule on periodic functions."""
    grid = np.arange(points) * 2 * np.pi / points
    a, b = np.meshgrid(grid, grid)
    values = np.array(
        [energy.value(np.array([x, y, 0.0])) for x, y in zip(a.flat, b.flat, strict=True)]
    )
    weights = np.exp(-(values - values.min()) / temperature)
    return (values * weights).sum() / weights.sum()


@pytest.mark.slow
@pytest.mark.parametrize("reflections", [0, 2])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 3.0])
def test_two_spins_have_the_exact_mean_energy(temperature, reflections):
    from scipy.special import ive

    J = 1.3
    energy = pairs(2, [[0, 1]], LAWS["single"], J)
    mean, error = mean_energy(energy, temperature, 400 if INTERPRETED else 20_000, 0, reflections)
    expected = -J * ive(1, J / temperature) / ive(0, J / temperature)
    assert abs(mean - expected) < 4.5 * error
    assert INTERPRETED or error < 0.02 * J


@pytest.mark.slow
@pytest.mark.parametrize("law", [*LAWS.values(), (0.5, 0.0, 1.0), (1.0, 0.5, 0.0)])
@pytest.mark.parametrize("temperature", [0.7, 2.0])
def test_three_spins_have_the_mean_energy_found_by_quadrature(law, temperature):
    energy = pairs(3, [[0, 1], [1, 2], [0, 2]], law, np.array([1.0, -0.6, 0.8]))
    mean, error = mean_energy(energy, temperature, 400 if INTERPRETED else 20_000)
    expected = quadrature(energy, temperature, 40 if INTERPRETED else 120)
    assert abs(mean - expected) < 4.5 * error
    assert INTERPRETED or error < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_serial_and_parallel_kernels_agree(law):
    energy = oscillators("lattice:5x5" if INTERPRETED else "triangular:60x60", LAWS[law])
    ends = []
    for version in VERSIONS:
        s = spins_of(energy, 2, 2, version)
        s.sweep(np.geomspace(1, 0.1, 5), 0)
        ends.append(s.phases())
    np.testing.assert_array_equal(*ends)


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="threads need the compiler")
@pytest.mark.parametrize("law", LAWS)
def test_the_number_of_threads_changes_nothing(law):
    energy = oscillators("lattice:120x120", LAWS[law])
    most = numba.get_num_threads()
    ends = []
    for count in (1, most):
        numba.set_num_threads(count)
        s = spins_of(energy, 2, 2, "parallel")
        s.sweep(np.geomspace(1, 0.1, 5), 0)
        ends.append(s.phases())
    numba.set_num_threads(most)
    np.testing.assert_array_equal(*ends)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_cutting_a_run_into_calls_changes_nothing(law):
    energy = oscillators("lattice:5x4", LAWS[law])
    t = np.geomspace(1, 0.1, 7)
    whole, parts = spins_of(energy, 4), spins_of(energy, 4)
    whole.sweep(t, 0)
    for first, last in ((0, 1), (1, 4), (4, 7)):
        parts.sweep(t[first:last], first)
    np.testing.assert_array_equal(whole.phases(), parts.phases())


def test_the_same_seeds_give_the_same_phases():
    energy = XYGlass(meshrep.graph_from("lattice:6x6"))
    start = energy.random_start(0)

    def end(objective_seed, own_seed=0):
        minimiser = Annealing(sweeps=20, over_relaxation=2, seed=own_seed)
        problem = objective(energy, objective_seed, start)
        return minimiser.minimise(problem, Monitor(Stopping())).params

    first, again, other, own = end(0), end(0), end(1), end(0, 1)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert not np.allclose(first, own)


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="too long without the compiler")
def test_a_ferromagnet_reaches_its_ground_state():
    energy = Kuramoto(meshrep.graph_from("lattice:20x20"))
    ends = np.array([polished(energy, seed) for seed in range(6)])
    assert (ends < -energy.graph.m + 1e-6).sum() >= 5


@pytest.mark.skipif(INTERPRETED, reason="too long without the compiler")
def test_annealing_a_glass_beats_descent_from_the_start():
    energy = XYGlass(meshrep.graph_from("lattice:16x16"))
    descended = [
        energy.value(LBFGS().minimise(objective(energy, seed), Monitor(Stopping())).params)
        for seed in range(5)
    ]
    assert max(polished(energy, seed, sweeps=300) for seed in range(5)) < min(descended)


@pytest.mark.skipif(INTERPRETED, reason="too long without the compiler")
def test_hopf_kuramoto_finds_synchrony():
    energy = HopfKuramoto(meshrep.graph_from("lattice:8x8"))
    ends = np.array([polished(energy, seed) for seed in range(5)])
    assert (ends < -energy.graph.m + 1e-6).sum() >= 3


@pytest.mark.parametrize("law", LAWS)
def test_isolated_nodes_keep_their_phases_and_every_component_is_annealed(law):
    energy = pairs(7, [[0, 1], [1, 2], [4, 5]], LAWS[law])
    start = energy.random_start(1)
    outcome, _ = anneal(energy, 1, start, sweeps=60)
    np.testing.assert_allclose(outcome.params[[3, 6]], start[[3, 6]], atol=1e-12)
    assert energy.value(outcome.params) < energy.value(start)
    assert np.abs(outcome.params - start).max() <= np.pi + 1e-9
    if law == "single":
        assert energy.value(outcome.params) == pytest.approx(-3, abs=0.01)


def test_a_graph_without_edges_is_left_alone():
    energy = pairs(3, np.zeros((0, 2), dtype=int), LAWS["single"])
    outcome, problem = anneal(energy, sweeps=3)
    np.testing.assert_allclose(outcome.params, problem.start, atol=1e-12)


def test_at_temperature_zero_the_energy_only_falls():
    energy = oscillators("lattice:5x5", LAWS["squares"])
    outcome, _ = anneal(energy, t_hot=0.0, sweeps=20)
    assert (np.diff(outcome.history.energy) < 1e-10).all()
    assert outcome.history.energy[-1] < outcome.history.energy[0] - 1


def test_the_schedule_of_the_temperature():
    t = temperature(np.linspace(0, 1, 1001), 2.0, 0.1)
    assert (np.diff(t) < 0).all()
    assert t[0] == 2.0
    assert t[950] == pytest.approx(0.1)
    assert t[-1] == pytest.approx(1e-4)
    assert (temperature(np.linspace(0, 1, 5), 0.0, 0.0) == 0).all()


def test_automatic_temperatures_scale_with_the_coupling():
    graph = meshrep.graph_from("ring:8")
    hot, cold = Annealing().temperatures(Kuramoto(graph).phase_law)
    assert hot == pytest.approx(0.3 * np.sqrt(2))
    assert Annealing().temperatures(Kuramoto(graph, 5.0).phase_law) == pytest.approx(
        (5 * hot, 5 * cold)
    )
    assert Annealing(t_hot=0.01, t_cold=0.005).temperatures(Kuramoto(graph).phase_law) == (
        0.01,
        0.005,
    )


@pytest.mark.parametrize("law", LAWS)
def test_a_time_limit_is_kept_and_the_run_still_cools(law, clock, monkeypatch):
    """On the clock a sweep takes 10 ms, so that about 45 of them fit into nine tenths of it."""
    sweep = Spins.sweep

    def slow(spins, temperatures, first):
        sweep(spins, temperatures, first)
        clock.now += 0.01 * len(temperatures)

    monkeypatch.setattr(Spins, "sweep", slow)
    energy = oscillators("lattice:12x12", LAWS[law])
    outcome, _ = anneal(energy, max_seconds=0.5, sweeps=10**7, max_steps=10**8)
    assert outcome.result is Result.TIME_LIMIT and 40 <= outcome.steps <= 50
    plenty, _ = anneal(energy, sweeps=outcome.steps)
    begun, ended = outcome.history.energy[0], plenty.history.energy[-1]
    assert outcome.history.energy[-1] == pytest.approx(ended, abs=0.02 * (begun - ended))


def test_steps_are_sweeps():
    outcome, _ = anneal(oscillators("lattice:4x4", LAWS["single"]), max_steps=7)
    assert (outcome.steps, outcome.result) == (6, Result.MAX_STEPS)  # a tenth is left over
    assert list(outcome.history.step) == list(range(7))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sweeps": 0}, "sweeps"),
        ({"seed": -1}, "seed"),
        ({"over_relaxation": -1}, "over_relaxation"),
        ({"t_hot": -1.0}, "t_hot"),
        ({"t_cold": "cold"}, "t_cold"),
        ({"t_hot": 1.0, "t_cold": 2.0}, "above"),
    ],
)
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        Annealing(**settings)


def test_other_energies_are_refused():
    graph = meshrep.graph_from("lattice:4x4")
    heat = meshrep.HeatBath(graph, [0], [15])
    with pytest.raises(InputError, match=r"oscillators.*HeatBath.*lbfgs"):
        Annealing().warm_up(objective(heat))


def test_without_numba_the_error_names_the_extra_to_install(monkeypatch):
    energy = Kuramoto(meshrep.graph_from("lattice:4x4"))
    problem = objective(energy)
    monkeypatch.setattr(annealing, "installed", lambda package: False)
    with pytest.raises(MissingPart, match="fast"):
        Annealing().warm_up(problem)
