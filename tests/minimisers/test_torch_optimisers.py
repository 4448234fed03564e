"""Torch optimisers as minimisers lower energies, and notes say what they leave out."""

import itertools
import json

import numpy as np
import pytest
from problems_of_tests import PROBLEMS, heat, phases

import meshrep
from meshrep import InputError, Result, Solver, Stopping
from meshrep.base.backends import backend_for
from meshrep.errors import MissingPart
from meshrep.minimisers.base import Objective
from meshrep.minimisers.first_order import Adam, GradientDescent
from meshrep.minimisers.monitor import Monitor
from meshrep.parametrizations.linear.sobolev import Sobolev
from meshrep.parametrizations.networks.gcn import GraphNetwork

torch = pytest.importorskip("torch")

from meshrep.minimisers.torch import classes as torch_classes  # noqa: E402
from meshrep.minimisers.torch.optimisers import Sheet, TorchOptimiser, hutchinson  # noqa: E402

PACKAGE = "pytorch_optimizer"
LATTICE = ("--graph", "lattice:8x8")
OF_TORCH = {"rmsprop": 0.02, "sgd": 0.02, "adagrad": 0.1, "adadelta": 1.0, "adam": 0.02,
            "nadam": 0.02, "lbfgs": 1.0, "muon": 0.1}  # fmt: skip
OF_PACKAGE = {"shampoo": 0.3, "scalable-shampoo": 0.01, "AdaHessian": 0.1, "SophiaH": 1.0,
              "adamp": 0.02, "soap": 0.02, "ScheduleFreeAdamW": 0.1}  # fmt: skip


def needs(name):
    if name in OF_PACKAGE:
        pytest.importorskip(PACKAGE)


def path(energy, minimiser, steps, seed=3, **settings):
    stopping = Stopping(max_steps=steps, gtol=0.0)
    return meshrep.solve(energy, Solver(minimiser, stopping=stopping, **settings), seed=seed)


# Every optimiser in the lists above lowers an energy


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["field", "square"])
@pytest.mark.parametrize("name", [*OF_TORCH, *OF_PACKAGE])
def test_lowers_an_energy_of_heat(name, layout):
    needs(name)
    energy = heat("lattice:6x7", "random")
    exact = meshrep.solve(energy, "newton").energy
    lr = (OF_TORCH | OF_PACKAGE)[name]
    steps = 10 if name == "lbfgs" else 150
    found = meshrep.solve(energy, f"{name}-torch", layout=layout, lr=lr, max_steps=steps)
    assert found.solver == f"{name}-torch" and found.backend == "torch"
    assert 0 <= found.energy - exact < 0.2 * (found.start_energy - exact)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OF_TORCH, *OF_PACKAGE])
def test_lowers_an_energy_of_phases(name):
    needs(name)
    energy = phases("Kuramoto", "lattice:6x6")
    lr = (OF_TORCH | OF_PACKAGE | {"lbfgs": 0.3})[name]  # with full steps L-BFGS may diverge
    steps = 10 if name == "lbfgs" else 200
    found = meshrep.solve(energy, f"{name}-torch", lr=lr, max_steps=steps, seed=1)
    assert found.energy < found.start_energy - 10  # the minimum is −60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rmsprop", "adam", "lbfgs", "muon", "shampoo", "soap", "adamp"])
def test_trains_networks(name):
    needs(name)
    energy = heat("lattice:4x4")
    for layout in ("field", "square"):
        optimiser = TorchOptimiser(name, layout=layout, lr=(OF_TORCH | OF_PACKAGE)[name])
        found = path(energy, optimiser, 20, parametrization=GraphNetwork())
        assert found.energy < 0.9 * found.start_energy


# An optimiser does what its name says


@pytest.mark.parametrize("layout", ["field", "square"])
@pytest.mark.parametrize("name", ["quartic ends", "dirichlet", "hundred degrees", "a function"])
def test_adam_takes_the_steps_of_our_adam(name, layout):
    energy = PROBLEMS[name]()
    theirs = path(energy, TorchOptimiser("adam", lr=0.03, betas=(0.8, 0.99), layout=layout), 60)
    ours = path(energy, Adam(0.03, 0.8, 0.99, settle=False), 60)
    assert theirs.steps == ours.steps == 60
    energies = (run.history.energy[:61] for run in (theirs, ours))
    np.testing.assert_allclose(*energies, rtol=1e-9)
    np.testing.assert_allclose(theirs.field, ours.field, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("variables", [Sobolev(smoothing=2.0), GraphNetwork()])
def test_adam_takes_the_steps_of_our_adam_in_other_variables(variables):
    energy = heat("lattice:6x6")
    rules = TorchOptimiser("adam", lr=0.01), Adam(0.01, settle=False)
    theirs, ours = (path(energy, rule, 40, parametrization=variables) for rule in rules)
    np.testing.assert_allclose(theirs.field, ours.field, rtol=1e-7)


def test_sgd_takes_the_steps_of_our_gradient_descent_in_any_unit():
    energy = PROBLEMS["hundred degrees"]()
    theirs = path(energy, TorchOptimiser("sgd", lr=0.05), 30)
    np.testing.assert_allclose(theirs.field, path(energy, GradientDescent(0.05), 30).field)


def test_weight_decay_is_off_unless_it_is_given():
    energy = heat("lattice:6x6")
    plain = path(energy, TorchOptimiser("adam", lr=0.02), 30)
    quiet = path(energy, TorchOptimiser("adamw", lr=0.02), 30)
    np.testing.assert_array_equal(quiet.field, plain.field)
    assert quiet.notes[:-1] == ["weight_decay of AdamW is off, because it would move the minimum"]
    decayed = path(energy, TorchOptimiser("adamw", lr=0.02, weight_decay=0.5), 30)
    assert abs(decayed.field - plain.field).max() > 1e-3
    assert len(decayed.notes) == 1 and "above its minimum" in decayed.notes[0]


def test_lbfgs_gets_its_closure():
    energy = heat("lattice:8x8")
    found = meshrep.solve(energy, "lbfgs-torch", max_steps=12)
    assert found.energy == pytest.approx(meshrep.solve(energy, "newton").energy, rel=1e-8)
    assert found.evaluations > 3 * found.steps


def test_an_optimiser_that_uses_the_energy_gets_it():
    pytest.importorskip(PACKAGE)
    found = path(heat("lattice:6x6"), TorchOptimiser("alig"), 100)
    assert found.energy < 0.2 * found.start_energy
    with pytest.raises(InputError, match="AliG has no setting 'lr'"):
        TorchOptimiser("alig", lr=0.1)


def test_schedule_free_optimisers_return_the_average():
    pytest.importorskip(PACKAGE)
    energy, steps = heat("lattice:6x6"), 40
    start = torch.tensor(energy.random_start(3)).reshape(-1, 1).requires_grad_(True)
    optimiser = torch_classes.optimiser_class("schedulefreesgd")([start], lr=0.02)
    optimiser.train()
    for _ in range(steps):
        start.grad = torch.from_numpy(energy.gradient(start.detach().numpy().ravel()))[:, None]
        optimiser.step()
    optimiser.eval()
    objective = Objective(energy, energy.random_start(3), backend_for("torch", "cpu"))
    monitor = Monitor(Stopping(max_steps=steps, gtol=0.0))
    _, params, _ = TorchOptimiser("schedulefreesgd", lr=0.02).run(objective, monitor)
    np.testing.assert_allclose(params, start.detach().numpy().ravel(), rtol=1e-9)


# Fixed nodes


class Watching(Monitor):
    """Keep a copy of every recorded state."""

    def __init__(self, steps):
        super().__init__(Stopping(max_steps=steps, gtol=0.0))
        self.seen = []

    def record(self, step, energy, params, *rest):
        self.seen.append((energy, params.numpy().copy()))
        return super().record(step, energy, params, *rest)


@pytest.mark.parametrize("layout", ["field", "square"])
@pytest.mark.parametrize(
    ("name", "settings"),
    [("soap", {}), ("muon", {}), ("adamw", {"weight_decay": 0.5}), ("lbfgs", {})],
)
def test_energies_are_evaluated_with_fixed_nodes_at_their_values(name, settings, layout):
    needs(name)
    energy = heat("lattice:6x7", kind="dirichlet")
    objective = Objective(energy, energy.random_start(3), backend_for("torch", "cpu"))
    lr = (OF_TORCH | OF_PACKAGE).get(name, 0.05)
    monitor = Watching(20)
    TorchOptimiser(name, layout=layout, lr=lr, **settings).run(objective, monitor)
    assert len(monitor.seen) == 21
    for value, params in monitor.seen:
        np.testing.assert_array_equal(params[energy.fixed], energy.fixed_values)
        assert value == pytest.approx(energy.value(params), rel=1e-12)


# The layout


@pytest.mark.parametrize("count", [1, 2, 16, 17, 63])
def test_a_sheet_folds_and_unfolds_its_variables(count):
    energy = meshrep.FunctionEnergy(
        meshrep.graph_from(f"ring:{count}") if count > 2 else meshrep.Graph.from_edges(count, []),
        lambda w: (0.0, w * 0),
    )
    objective = Objective(energy, np.arange(count), backend_for("torch", "cpu"))
    for layout in ("field", "square"):
        sheet = Sheet.of(objective, layout)
        folded = sheet.fold(objective.start)
        assert folded.shape == (sheet.rows, sheet.columns)
        assert folded.numel() == count + sheet.padding and folded.sum() == objective.start.sum()
        np.testing.assert_array_equal(sheet.flat(folded), objective.start)
        assert 0 <= sheet.rows - sheet.columns <= 1 or layout == "field"
    assert Sheet.of(objective, "field").columns == 1


def test_shampoo_depends_on_the_layout_and_a_note_gives_it():
    pytest.importorskip(PACKAGE)
    energy = heat("lattice:7x9")
    ends = {}
    square = "8 × 8 entries, of which 1 are padding"
    for layout, words in {"field": "63 × 1 entries", "square": square}.items():
        found = path(energy, TorchOptimiser("shampoo", layout=layout, lr=0.1), 10)
        assert found.notes[0] == f"Shampoo sees a matrix of {words}"
        ends[layout] = found.field
    assert abs(ends["field"] - ends["square"]).max() > 1e-3
    assert not any("matrix" in note for note in path(energy, TorchOptimiser("rmsprop"), 3).notes)


@pytest.mark.slow
def test_large_matrices_are_refused_with_their_size():
    pytest.importorskip(PACKAGE)
    energy = heat("lattice:100x100")
    with pytest.raises(InputError, match=r"10,000 rows of variables these take 1\.6 GB: fold the"):
        meshrep.solve(energy, "soap-torch", max_steps=1)
    assert meshrep.solve(energy, "soap-torch", layout="square", max_steps=2).steps == 2


# The Hessian's diagonal


@pytest.mark.parametrize("name", ["quartic random", "dirichlet", "hopf"])
def test_hutchinsons_estimate_averaged_over_all_signs_is_the_diagonal(name):
    graph = "lattice:3x3"
    energy = {
        "quartic random": lambda: heat(graph, "random"),
        "dirichlet": lambda: heat(graph, kind="dirichlet"),
        "hopf": lambda: phases("HopfKuramoto", graph),
    }[name]()
    objective = Objective(energy, energy.random_start(1), backend_for("torch", "cpu"))
    signs = [torch.tensor(s, dtype=torch.float64) for s in itertools.product((-1, 1), repeat=9)]
    drawn = iter(signs)
    estimate = hutchinson(objective, objective.start, len(signs), lambda like: next(drawn).clone())
    exact = energy.hessian(energy.random_start(1)).diagonal()
    exact[energy.fixed] = 0.0
    np.testing.assert_allclose(estimate, exact, atol=1e-12)
    assert objective.evaluations == len(signs)


def test_hutchinsons_error_falls_with_the_number_of_draws():
    energy = heat("lattice:5x5")
    objective = Objective(energy, energy.random_start(1), backend_for("torch", "cpu"))
    generator = torch.Generator().manual_seed(0)
    exact = energy.hessian(energy.random_start(1)).diagonal()

    def draw(like):
        return torch.randn(like.shape, dtype=like.dtype, generator=generator)

    errors = [
        np.linalg.norm(hutchinson(objective, objective.start, count, draw).numpy() - exact)
        for count in (1, 100, 5_000)
    ]
    assert errors[2] < errors[1] / 4 < errors[0] / 16


def test_second_order_optimisers_need_the_field_itself():
    pytest.importorskip(PACKAGE)
    optimiser = TorchOptimiser("adahessian")
    assert not optimiser.parametrizable and not optimiser.follows_noise
    energy, variables = heat("lattice:4x4"), Sobolev(smoothing=1.0)
    with pytest.raises(InputError, match="adahessian works on the field itself"):
        path(energy, optimiser, 3, parametrization=variables)
    start, backend = energy.random_start(0), backend_for("torch", "cpu")
    with pytest.raises(InputError, match="AdaHessian needs the Hessian's diagonal"):
        optimiser.run(Objective(energy, start, backend, variables), Monitor(Stopping()))


@pytest.mark.parametrize("name", ["adahessian", "sophiah"])
def test_the_seed_fixes_the_draws_of_hutchinsons_estimate(name):
    pytest.importorskip(PACKAGE)
    energy = heat("lattice:5x5")
    start = energy.random_start(0)
    ends = [
        meshrep.solve(energy, f"{name}-torch", start=start, seed=seed, lr=1.0, max_steps=40).field
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(ends[0], ends[1])
    assert abs(ends[0] - ends[2]).max() > 0


class Wandering(torch.optim.SGD):
    """Add noise from torch's global generator."""

    def step(self, closure=None):
        super().step(closure)
        with torch.no_grad():
            for variable in self.param_groups[0]["params"]:
                variable += 0.01 * torch.randn_like(variable)


@pytest.mark.parametrize("method", [Wandering, "kron", "spam"])
def test_the_seed_fixes_draws_from_global_generators(method):
    if isinstance(method, str):
        pytest.importorskip(PACKAGE)
    energy = heat("lattice:5x5")
    start, ends = energy.random_start(0), []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        np.random.seed(number)
        before, of_numpy = torch.get_rng_state(), np.random.get_state()[1].tolist()
        solver = Solver(TorchOptimiser(method, lr=0.02), stopping=Stopping(max_steps=30, gtol=0.0))
        ends.append(meshrep.solve(energy, solver, start=start, seed=seed).field)
        assert torch.equal(torch.get_rng_state(), before)
        assert np.random.get_state()[1].tolist() == of_numpy
    np.testing.assert_array_equal(ends[0], ends[1])
    assert method == "spam" or abs(ends[0] - ends[2]).max() > 0


def test_parallel_restarts_draw_the_same_numbers_as_single_runs():
    energy = heat("lattice:5x5")
    solver = Solver(TorchOptimiser(Wandering), stopping=Stopping(max_steps=20, gtol=0.0))
    alone = [meshrep.solve(energy, solver, seed=seed).energy for seed in (4, 5, 6)]
    assert meshrep.solve(energy, solver, seed=4, restarts=3).restart_energies == alone


# Names


@pytest.mark.parametrize("spelling", ["RMSProp", "rmsprop", "rms-prop", "torch.optim:RMSprop"])
def test_names_are_found_however_they_are_written(spelling):
    assert torch_classes.optimiser_class(spelling) is torch.optim.RMSprop


class Signed:
    """Step by a fixed length against the sign of the gradient."""

    def __init__(self, params, lr, **anything):
        (self.variable,), self.lr = params, lr

    def step(self):
        with torch.no_grad():
            self.variable -= self.lr * self.variable.grad.sign()


def test_a_class_of_the_user():
    energy = PROBLEMS["hundred degrees"]()
    found = path(energy, TorchOptimiser(Signed, whatever=1), 1)
    start = energy.random_start(3)
    step = 0.02 * energy.unit * np.sign(energy.gradient(start))  # 0.02 is the least step length
    np.testing.assert_allclose(found.field, start - step)
    assert TorchOptimiser(Signed).name == "Signed"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("no.such.package:Adam", "cannot be imported"),
        ("torch.optim:Adem", "did you mean Adam"),
        ("math:pi", "math:pi is not an optimiser"),
        (int, "int is not an optimiser"),
    ],
)
def test_wrong_classes_are_refused(method, words):
    with pytest.raises(InputError, match=words):
        TorchOptimiser(method)


def test_errors_suggest_similar_names(monkeypatch):
    pytest.importorskip(PACKAGE)
    with pytest.raises(InputError, match=r"no optimiser 'shampo' in .* did you mean Shampoo"):
        meshrep.solve(heat("lattice:4x4"), "shampo-torch")
    with pytest.raises(InputError, match="NAME-torch for any optimiser"):
        meshrep.solve(heat("lattice:4x4"), "shampoo")


def test_errors_name_the_missing_package(monkeypatch):
    monkeypatch.setattr(torch_classes, "installed", lambda package: package == "torch")
    assert torch_classes.optimiser_class("adam") is torch.optim.Adam
    with pytest.raises(MissingPart, match=r"'soap', .* pip install 'meshrep\[optimisers\]'"):
        meshrep.solve(heat("lattice:4x4"), "soap-torch")
    monkeypatch.setattr(torch_classes, "installed", lambda package: False)
    with pytest.raises(MissingPart, match=r"pip install 'meshrep\[torch\]'"):
        meshrep.solve(heat("lattice:4x4"), "rmsprop-torch")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"beta": 0.9}, "Adam has no setting 'beta': did you mean betas"),
        ({"momentum": 0.9}, "Adam has no setting 'momentum': it takes lr, betas"),
        ({"betas": (2, 3)}, "Adam cannot be used here: Invalid beta"),
        ({"lr": 0.0}, "step length must be a positive number"),
        ({"layout": "round"}, "choose field or square"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        path(heat("lattice:4x4"), TorchOptimiser("adam", **settings), 1)


def test_a_wrapper_of_another_optimiser_is_refused():
    pytest.importorskip(PACKAGE)
    with pytest.raises(InputError, match=r"SAM cannot be used here: .*base_optimizer"):
        path(heat("lattice:4x4"), TorchOptimiser("sam"), 1)


class Trains(torch.optim.SGD):
    """Refuse to step outside ``train`` and ``eval``."""

    trains = False

    def train(self):
        self.trains = True

    def eval(self):
        self.trains = False

    def step(self, closure=None):
        if not self.trains:
            raise RuntimeError("call train first")
        return super().step(closure)


def test_train_is_called_where_an_optimiser_has_it():
    energy = heat("lattice:6x6")
    trained = path(energy, TorchOptimiser(Trains, lr=0.05), 20)
    np.testing.assert_array_equal(
        trained.field, path(energy, TorchOptimiser("sgd", lr=0.05), 20).field
    )


class Breaks(torch.optim.SGD):
    """Fail on more numbers than a rehearsal has."""

    def step(self):
        if self.param_groups[0]["params"][0].numel() > 16:
            raise RuntimeError("no more")
        return super().step()


def test_an_error_names_the_step_that_failed():
    with pytest.raises(meshrep.SolveError, match="Breaks failed in step 1: no more"):
        path(heat("lattice:6x6"), TorchOptimiser(Breaks), 3)


def test_too_long_steps_diverge_and_keep_the_best():
    found = path(heat("lattice:6x6", power=2), TorchOptimiser("sgd", lr=1e3), 5000)
    assert found.result is Result.DIVERGED and found.energy <= found.start_energy


# On the command line


def names_of(out):
    return [row["name"] for row in json.loads((out / "report.json").read_text())["solvers"]]


def test_optimisers_run_with_other_solvers_or_alone(run):
    asked = "--optimiser", "rmsprop, NAdam", "--no-pictures", "--max-steps", "30"
    code, _, errors, out = run(*LATTICE, *asked, "--solver", "newton")
    assert code == 0 and names_of(out) == ["newton", "rmsprop-torch", "NAdam-torch"], errors
    code, _, errors, out = run(*LATTICE, *asked, "--set", "lr=0.5")
    assert code == 0 and names_of(out) == ["rmsprop-torch", "NAdam-torch"], errors


def test_the_layout_is_a_setting_and_is_noted(run):
    asked = "--optimizer", "muon", "--set", "layout=square", "--no-pictures", "--max-steps", "5"
    code, said, errors, _ = run(*LATTICE, *asked)
    assert code == 0 and "Muon sees a matrix of 8 × 8 entries" in said, errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--optimiser", "torch.optim:Adem"), "did you mean Adam"),
        (
            ("--set", "layout=square"),
            "--set layout: gcn, adam, gd, lbfgs, newton, rk4 has lr, layers",
        ),
        (("--optimiser", "adam", "--transient", "2"), "--optimiser is for minimising"),
    ],
)
def test_wrong_arguments_are_refused(run, arguments, words):
    code, _, errors, out = run(*LATTICE, *arguments)
    assert code == 2 and words in errors and errors.count("\n") == 1 and not out.exists()
