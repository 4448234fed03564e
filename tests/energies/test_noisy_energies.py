"""Energies that draw a fresh subsample at every evaluation, and energies added to them."""

from functools import cached_property

import numpy as np
import pytest
from problems_of_tests import heat

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import NumpyBackend, installed
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.minimisers import first_order_loop
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import SGD, Adam, GradientDescent, HeavyBall, Nesterov
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Monitor
from meshrep.solving import solve as solving
from meshrep.solving.catalogue import known_solvers, solver_named


class Drawn(Evaluator):
    def __init__(self, energy, draws):
        self.energy, self.draws = energy, draws

    def value_and_grad(self, w):
        d = w - self.energy.target
        parts = [self.part(d, rng) for rng in self.draws()]
        return sum(e for e, _ in parts) / len(parts), sum(g for _, g in parts) / len(parts)

    def part(self, d, rng):
        """Σ |w_i − t_i|² over a quarter of the nodes, scaled up."""
        chosen = rng.choice(len(d), len(d) // 4, replace=False)
        gradient = np.zeros_like(d)
        gradient[chosen] = 8 * d[chosen]
        return 1.0 + 4 * float((d[chosen] ** 2).sum()), gradient


class Subsampled(Energy):
    quantity, stochastic = "position", True

    def __init__(self, graph=None):
        super().__init__(graph or meshrep.graph_from("ring:40"))
        self.target = np.random.default_rng(0).random(self.shape)

    @property
    def shape(self):
        return (self.graph.n, 2)

    def on(self, backend):
        rng = np.random.default_rng(5)
        inner = Drawn(self, lambda: [rng])
        return inner if backend.xp is np else ByHost(inner, backend)

    @cached_property
    def judge(self):
        return Drawn(self, lambda: [np.random.default_rng(k) for k in range(64)])

    def measures(self, w):
        return {"spread": float(w.std()), "first": 1.0}


def still(graph):
    energy = meshrep.FunctionEnergy(
        graph, lambda w: (float((w * w).sum()), 2 * w), shape=(graph.n, 2)
    )
    energy.measures = lambda w: {"second": 2.0, "first": 3.0}
    return energy


CANNOT = {
    "lbfgs": LBFGS(),
    "gd with lr='auto'": GradientDescent(),
    "heavy-ball with lr='auto'": HeavyBall(),
    "nesterov": Nesterov(0.01),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_compares_energies_is_refused_before_anything_runs(name):
    energy = Subsampled()
    energy.on = lambda backend: pytest.fail("something ran")
    stages = Solver(Adam(), stopping=Stopping(max_steps=3), then=Solver(CANNOT[name]))
    for solver in (Solver(CANNOT[name]), stages):
        with pytest.raises(meshrep.InputError, match=f"{name} cannot follow: take sgd"):
            meshrep.solve(energy, solver)


@pytest.mark.parametrize("name", ["lbfgs", "newton", "rk4", "gd", "nesterov", "lift", "anneal"])
def test_presets_that_cannot_follow_end_a_comparison(name):
    with pytest.raises(meshrep.InputError, match="cannot follow"):
        meshrep.compare(Subsampled(), [name])


def test_who_follows():
    for name in known_solvers():
        if name == "adam-torch" and not installed("torch"):
            continue
        follows = all(s.minimiser.follows_noise for s in solver_named(name, Subsampled()).stages)
        heads = ("adam", "sgd", "kernel", "gcn", "nograph", "gat", "gn", "deep-linear")
        assert follows == (name.startswith(heads) or name.endswith("-adam")), name
    assert GradientDescent(0.1).follows_noise and HeavyBall(0.1).follows_noise
    assert Subsampled().auto_solver[0] == "kernel"


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["sgd", "adam", "kernel", "gcn"])
def test_the_cloud_arrives_and_the_judge_is_the_same_every_time(solver):
    if solver == "gcn":
        pytest.importorskip("torch")
    energy = Subsampled()
    rate = {"lr": 0.1} if solver == "kernel" else {}
    found = meshrep.solve(energy, solver, seed=1, max_steps=1500, **rate)
    assert found.result is not Result.CONVERGED
    assert found.energy == energy.value(found.field) == energy.value(found.field)
    assert found.start_energy == energy.value(energy.random_start(1))
    left = 0.2 if solver == "kernel" else 0.02  # the kernel moves neighbours alike
    assert found.energy - 1 < left * (found.start_energy - 1)


def test_the_last_state_is_kept_and_not_the_luckiest():
    params = np.arange(3.0)
    noisy, exact = (Monitor(Stopping(), stochastic=drawn) for drawn in (True, False))
    for monitor in (noisy, exact):
        for step, energy in enumerate([5.0, 1.0, 4.0, 3.0]):
            assert monitor.record(10 * step, energy, params + step) is None
        assert monitor.record(40, np.nan, params * np.nan) is Result.DIVERGED
    np.testing.assert_array_equal(noisy._best, params + 3)
    np.testing.assert_array_equal(exact._best, params + 1)


def test_the_outcome_is_the_last_finite_state():
    energy = Subsampled()
    objective = Objective(energy, energy.random_start(0), NumpyBackend())
    end = energy.target.ravel() + 10.0
    monitor = Monitor(Stopping(), stochastic=True)
    monitor.record(0, 1.0, objective.start)
    entries = len(monitor.history)
    kept = monitor.outcome(Result.MAX_STEPS, objective, end, 3)
    np.testing.assert_array_equal(kept.params, end)
    assert len(kept.history) == entries  # another draw is no news
    lost = monitor.outcome(Result.DIVERGED, objective, end * np.nan, 3)
    np.testing.assert_array_equal(lost.params, objective.start)


def test_flat_is_when_the_mean_no_longer_falls():
    """One lucky draw must not make all that follows look flat, nor noise keep a run going."""
    rule = Stopping(window=10, ftol=1e-3)
    rng = np.random.default_rng(0)

    def ends(energies, stochastic):
        monitor = Monitor(rule, stochastic=stochastic)
        for step, energy in enumerate(energies):
            if monitor.record(step, energy, np.zeros(1)):
                return step
        return None

    falling = 100.0 - np.arange(60) + rng.standard_normal(60)
    falling[3] = 0.0
    assert ends(falling, True) is None and ends(falling, False) == 20
    slowly = 100.0 - 0.1 * np.arange(60) + 0.3 * rng.standard_normal(60)
    assert ends(slowly, True) is None
    level = 10 - 0.01 * rng.random(200)
    first = ends(level, True)
    assert first <= 100
    again = Monitor(rule, stochastic=True)
    for step, energy in enumerate(level[: first + 1]):
        again.record(step, energy, np.zeros(1))
    assert again.record(first + 1, level[first + 1], np.zeros(1)) is None  # goes on when told to


def test_a_draw_without_gradient_is_no_end():
    monitor, exact = Monitor(Stopping(), stochastic=True), Monitor(Stopping())
    assert monitor.record(0, 1.0, np.zeros(2), 0.0) is None
    assert exact.record(0, 1.0, np.zeros(2), 0.0) is Result.CONVERGED


def test_a_sum_draws_if_a_term_does_and_is_judged_by_judges():
    noisy = Subsampled()
    both = noisy + 0.5 * still(noisy.graph)
    assert both.stochastic and (2.0 * noisy).stochastic
    assert not (2.0 * still(noisy.graph)).stochastic
    w = both.random_start(3)
    assert (
        both.value(w)
        == both.value(w)
        == pytest.approx(noisy.value(w) + 0.5 * float((w * w).sum()), rel=1e-13)
    )
    evaluator = both.on(NumpyBackend())
    assert evaluator.value_and_grad(w)[0] != evaluator.value_and_grad(w)[0]
    with pytest.raises(meshrep.InputError, match="fresh subsample"):
        meshrep.solve(both, "lbfgs")


def test_a_sum_has_the_measures_of_all_terms():
    noisy = Subsampled()
    w = noisy.random_start(0)
    both = 2.0 * noisy + still(noisy.graph)
    assert list(both.measures(w)) == ["spread", "first", "second"]
    assert both.measures(w) == {"spread": w.std(), "first": 1.0, "second": 2.0}


def test_without_torch_sgd_takes_the_place_of_its_adam(monkeypatch):
    monkeypatch.setattr(solving, "installed", lambda name: name != "torch" and installed(name))
    with pytest.warns(UserWarning, match="sgd takes the place of adam-torch"):
        found = meshrep.solve(Subsampled(), "adam-torch", max_steps=5)
    assert found.solver == "sgd"
    kept = solving.without_stand_ins(["adam-torch", "sgd", "adam"], Subsampled())
    assert kept == ["adam-torch", "adam"]
    assert solving.without_stand_ins(["adam-torch", "lbfgs", "gcn"], heat("lattice:6x6")) == [
        "adam-torch",
        "gcn",
    ]


def test_ctrl_c_keeps_a_late_state():
    energy, seen = Subsampled(), []

    def observe(name, progress):
        seen.append(progress.step)
        if progress.step > 100:
            raise KeyboardInterrupt

    found = meshrep.solve(
        energy, Solver(SGD(0.02), stopping=Stopping(max_steps=10**7)), seed=1, observe=observe
    )
    assert found.result is Result.INTERRUPTED
    assert found.energy < found.start_energy


@pytest.mark.parametrize("solver", ["sgd", "adam", "kernel"])
@pytest.mark.parametrize("noisy", [True, False])
def test_a_slow_warm_up_does_not_change_the_path(solver, noisy, monkeypatch):
    """Its evaluations take draws, and kernel chooses its width by the first gradients."""
    ring = meshrep.graph_from("ring:40")
    field = np.random.default_rng(2).random((ring.n, 2))

    def value_and_grad(w):
        off = w * (np.arange(ring.n) % 7 == 0)[:, None]
        return float((off**4).sum()), 4 * off**3

    still = meshrep.FunctionEnergy(ring, value_and_grad, shape=(ring.n, 2))
    ends = []
    for seconds in (np.inf, 0.0):
        monkeypatch.setattr(first_order_loop, "WARM_SECONDS", seconds)
        energy = Subsampled() if noisy else still
        ends.append(meshrep.solve(energy, solver, start=field, max_steps=30).field)
    np.testing.assert_array_equal(*ends)
