"""SGD: the decaying step, momentum, kinks, and the named solvers sgd and kernel."""

import numpy as np
import pytest
from problems_of_tests import heat, named

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.minimisers.first_order import SGD, GradientDescent, HeavyBall
from meshrep.solving.catalogue import known_solvers


class Kinked(meshrep.FunctionEnergy):
    """Σ |w_i − t_i|, which is 0 at its minimum t."""

    smooth = False

    def __init__(self, shape=(16,)):
        self.target = np.random.default_rng(0).random(shape)
        graph = meshrep.graph_from(f"er:{shape[0]}:degree=4")
        super().__init__(graph, self.kinked, shape=shape)

    def kinked(self, w):
        return float(np.abs(w - self.target).sum()), np.sign(w - self.target)


def bowl(n=6):
    return meshrep.FunctionEnergy(
        meshrep.graph_from(f"ring:{n}"), lambda w: (float((w * w).sum()), 2 * w)
    )


@pytest.mark.parametrize("kind", ["numba", "numpy", "torch"])
@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_the_step_decays_inversely_with_time(kind, momentum):
    pytest.importorskip(kind)
    energy = bowl()
    start = energy.random_start(1)
    rule = SGD(0.1 * energy.scale, momentum=momentum, decay=10)  # the unit is 1
    solver = Solver(rule, stopping=Stopping(max_steps=25), backend=kind)
    w, velocity, states = start.copy(), 0.0, [start]
    for step in range(25):
        velocity = momentum * velocity - 0.1 / (1 + step / 10) * 2 * w
        w = w + velocity
        states.append(w)
    best = min(states, key=energy.value)
    np.testing.assert_allclose(meshrep.solve(energy, solver, start=start).field, best, rtol=1e-12)


def test_without_decay_it_is_gradient_descent_or_the_heavy_ball():
    """On this energy their steps run in fused kernels, while those of SGD do not."""
    energy = heat("lattice:8x8", power=2)
    for one, two in (
        (SGD(0.05, decay=np.inf), GradientDescent(0.05)),
        (SGD(0.05, 0.9, decay=np.inf), HeavyBall(0.05, 0.9)),
    ):
        fields = [
            meshrep.solve(energy, Solver(rule, stopping=Stopping(max_steps=50)), seed=1).field
            for rule in (one, two)
        ]
        np.testing.assert_allclose(*fields, rtol=1e-12)


def test_decay_settles_at_a_kink_where_a_constant_step_does_not():
    energy = Kinked()
    ends = {
        decay: meshrep.solve(
            energy, Solver(SGD(0.1, decay=decay), stopping=Stopping(max_steps=3000)), seed=2
        ).energy
        for decay in (10.0, np.inf)
    }
    assert ends[10.0] < 0.02 < ends[np.inf]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SGD("auto"), "no automatic step"),
        (lambda: SGD(-1.0), "positive number"),
        (lambda: SGD(momentum=1.0), "momentum must lie"),
        (lambda: SGD(decay=0), "decay must be"),
        (lambda: meshrep.solve(Kinked(), "sgd", decay=float("nan")), "decay must be"),
        (lambda: meshrep.solve(Kinked(), "sgd", momentum=1.5), "momentum must be a number"),
        (lambda: meshrep.solve(Kinked(), "kernel"), "kernel needs points"),
        (
            lambda: meshrep.solve(Kinked(), "kernel", form="square"),
            "form must be one of interpolate",
        ),
        (lambda: meshrep.solve(Kinked(), "kernel", bandwidth=-1.0), "bandwidth must be"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(build, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_named_solvers_pass_on_their_settings():
    rule = named("sgd", lr=0.3, momentum=0.5, decay=20.0).minimiser
    assert isinstance(rule, SGD) and (rule.lr, rule.beta1, rule.decay) == (0.3, 0.5, 20.0)
    solver = named("kernel", lr=0.3, form="average", bandwidth=0.2)
    assert solver.minimiser.lr == 0.3 and solver.label == "kernel"
    assert (solver.parametrization.form, solver.parametrization.bandwidth) == ("average", 0.2)
    default = named("sgd").minimiser
    assert (default.lr, default.beta1, default.decay) == (0.1, 0.0, 1000.0)
    assert {"sgd", "kernel", "gcn-prefit"} <= set(known_solvers())


@pytest.mark.parametrize("form", ["interpolate", "average", "root"])
def test_the_kernel_moves_a_cloud_to_its_targets(form):
    energy = Kinked((40, 2))
    smooth = meshrep.FunctionEnergy(
        energy.graph, lambda w: (float(((w - 0.5) ** 2).sum()), 2 * (w - 0.5)), shape=(40, 2)
    )
    found = meshrep.solve(smooth, "kernel", form=form, max_steps=500)
    assert found.energy < 0.5 * found.start_energy and np.isfinite(found.field).all()


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
def test_a_line_search_that_ends_at_a_kink_adds_a_note(solver):
    """Total variation has a kink where two neighbours are equal, as some are at the minimum."""
    data = np.random.default_rng(0).random(12)

    def variation(w):
        slope, d = np.sign(np.diff(w)), w - data
        gradient = d.copy()
        gradient[1:] += 0.2 * slope
        gradient[:-1] -= 0.2 * slope
        return float(0.2 * np.abs(np.diff(w)).sum() + 0.5 * d @ d), gradient

    ring = meshrep.graph_from("ring:12")
    smooth, kinked = meshrep.FunctionEnergy(ring, variation), Kinked((12,))
    kinked.function = variation
    found = meshrep.solve(kinked, solver, seed=1)
    assert found.result in (Result.STALLED, Result.FLAT)
    assert sum("not smooth" in note for note in found.notes) == 1
    assert not any("not smooth" in note for note in meshrep.solve(smooth, solver).notes)
    assert found.evaluations < 3000


def test_a_converged_run_has_no_note_about_kinks():
    energy = bowl()
    energy.smooth = False
    found = meshrep.solve(energy, "lbfgs")
    assert found.result is Result.CONVERGED and not any("smooth" in note for note in found.notes)


def test_auto_takes_adam_where_the_energy_is_not_smooth():
    assert Kinked().auto_solver[0] == "adam"
    assert bowl().auto_solver[0] == "lbfgs"


def test_sums_are_smooth_if_all_terms_are():
    kinked = Kinked()
    other = meshrep.FunctionEnergy(kinked.graph, lambda w: (float((w * w).sum()), 2 * w))
    assert (other + 2.0 * other).smooth and not (other + 0.1 * kinked).smooth
    assert not (0.5 * kinked).smooth
    assert meshrep.solve(other + 0.1 * kinked, "auto", max_steps=5).solver == "adam"
