"""What users bring of their own works as documented, or is refused by a sentence that names what
is missing."""

import numpy as np
import pytest

import meshrep
from meshrep.base.backends import installed

torch_only = pytest.mark.skipif(not installed("torch"), reason="needs torch")


def bowl():
    ring = meshrep.graph_from("ring:6")
    return meshrep.FunctionEnergy(ring, lambda w: (float(((w - 2) ** 2).sum()), 2 * (w - 2)))


class Descent(meshrep.Minimiser):
    """A minimiser with only ``run``."""

    def __init__(self, lr=0.2):
        self.lr = lr

    def run(self, objective, monitor):
        x, step = objective.start, 0
        while True:
            value, gradient = objective.value_and_grad(x)
            stop = monitor.record(step, value, x, np.linalg.norm(gradient))
            if stop is not None:
                return stop, x, step
            x, step = x - self.lr * gradient, step + 1


class Nothing(meshrep.Minimiser):
    """A minimiser that does not write ``run``."""


class Forgetful(meshrep.Minimiser):
    def run(self, objective, monitor):
        monitor.record(0, 1.0, objective.start)


class Duck:
    """Has ``run`` and is no Minimiser."""

    def run(self, objective, monitor):
        raise AssertionError


class Plain:
    """Has nothing."""


class Doubled(meshrep.Parametrization):
    """w = w₀ + 2θ, or what ``spoiled`` makes of it."""

    name = "doubled"

    def __init__(self, spoiled=""):
        self.spoiled = spoiled

    def build(self, energy, start, backend, seed):
        if self.spoiled == "nothing":
            return None
        if self.spoiled == "array":
            return start
        return DoubledMap(start, self.spoiled)


class DoubledMap(meshrep.Map):
    def __init__(self, first, spoiled):
        self.first, self.spoiled = first, spoiled
        if spoiled != "start":
            self.start = np.zeros((1, 6) if spoiled == "square" else 6)

    def field(self, params):
        return (self.first + 2 * params)[: 5 if self.spoiled == "field" else 6]

    def pull_back(self, gradient):
        return 2 * gradient[: 5 if self.spoiled == "gradient" else 6]


class Sgd:
    """An optimiser of torch's kind that does not derive from torch's class."""

    def __init__(self, params, lr=0.1, factor=1.0):
        self.params, self.rate = list(params), lr * factor
        self.param_groups = [{"params": self.params, "lr": lr}]

    def zero_grad(self, set_to_none=True):
        for p in self.params:
            p.grad = None

    def step(self):
        for p in self.params:
            p.data -= self.rate * p.grad


def test_a_minimiser_with_only_run_goes_wherever_a_solver_goes():
    for solver in (Descent(), Descent, meshrep.Solver(Descent(0.05), Doubled())):
        solution = meshrep.solve(bowl(), solver)
        assert solution.result is meshrep.Result.CONVERGED
        np.testing.assert_allclose(solution.field, 2.0, atol=1e-8)
    assert meshrep.solve(bowl(), Descent, lr=0.4).steps < meshrep.solve(bowl(), Descent).steps
    comparison = meshrep.compare(bowl(), [Descent(), "lbfgs"])
    assert [row.result.word for row in comparison.rows] == ["converged"] * 2


@torch_only
def test_an_optimiser_is_given_by_its_class_or_by_its_path_with_its_settings():
    import torch

    for solver in (Sgd, f"{__name__}:Sgd", torch.optim.SGD, "torch.optim:SGD"):
        solution = meshrep.solve(bowl(), solver, lr=0.3)
        np.testing.assert_allclose(solution.field, 2.0, atol=1e-6)
    quick = meshrep.solve(bowl(), Sgd, lr=0.1, factor=3.0, max_steps=10)
    slow = meshrep.solve(bowl(), Sgd, lr=0.1, max_steps=10)
    assert quick.energy < slow.energy
    with pytest.raises(meshrep.InputError, match="Sgd has no setting 'factr': did you mean factor"):
        meshrep.solve(bowl(), Sgd, factr=3.0)


@torch_only
def test_an_optimiser_that_is_made_already_is_refused():
    import torch

    made = torch.optim.Adam([torch.zeros(3, requires_grad=True)])
    with pytest.raises(meshrep.InputError, match=r"give its class and its settings, as in .*Adam"):
        meshrep.solve(bowl(), made)
    with pytest.raises(meshrep.InputError, match=r"write meshrep.TorchOptimiser\(Adam\)"):
        meshrep.Solver(torch.optim.Adam)
    with pytest.raises(meshrep.InputError, match=r"a Linear is not a meshrep.Parametrization: "
                       "give a subclass of it, which writes build"):  # fmt: skip
        meshrep.Solver(meshrep.LBFGS(), torch.nn.Linear(6, 6))


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (Nothing, "Nothing has no method run"),
        (Duck(), "Duck has a method run but is not a meshrep.Minimiser: make it a subclass"),
        (Duck, "Duck has a method run but is not a meshrep.Minimiser: make it a subclass"),
        (Plain, "the class Plain has neither run, .* nor step"),
        (Plain(), "is not a solver: give a name"),
        (None, "None is not a solver"),
        (meshrep.Spectral(), r"Spectral is a parametrization .* write meshrep.Solver\("),
        (Forgetful(), r"Forgetful.run must return \(result, params, steps\).* gave None"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_what_is_no_solver_is_one_sentence(solver, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.solve(bowl(), solver)
    assert "\n" not in str(caught.value)


def test_settings_that_a_minimisers_class_does_not_take():
    with pytest.raises(meshrep.InputError, match=r"Descent cannot be made with .* 'rate'"):
        meshrep.solve(bowl(), Descent, rate=0.1)
    with pytest.raises(meshrep.InputError, match="lr only apply to a solver given by name"):
        meshrep.solve(bowl(), Descent(), lr=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: meshrep.Solver("lbfgs"), "minimiser: 'lbfgs' is not a meshrep.Minimiser"),
        (lambda: meshrep.Solver(Descent), r"minimiser: Descent is a class: write Descent\("),
        (lambda: meshrep.Solver(Duck()), "a Duck is not a meshrep.Minimiser: .* writes run"),
        (lambda: meshrep.Solver(Descent(), Plain()), "a Plain is not a meshrep.Parametrization"),
        (lambda: meshrep.Solver(Descent(), Doubled), r"Doubled is a class: write Doubled\("),
        (
            lambda: meshrep.Solver(Descent(), stopping=5),
            "stopping: an int is not a meshrep.Stopping",
        ),
        (lambda: meshrep.Solver(Descent(), then=Descent()), "then: a Descent is not a meshrep.S"),
    ],
)
def test_what_is_no_part_of_a_solver_is_one_sentence(make, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        ("nothing", "Doubled.build gave None and not a meshrep.Map"),
        ("array", "Doubled.build gave a ndarray and not a meshrep.Map: .* field.* and pull_back"),
        ("start", "DoubledMap.start must be one flat array"),
        ("square", "DoubledMap.start must be one flat array"),
        ("field", r"DoubledMap.field gave an array of shape \(5,\) for a field of shape \(6,\)"),
        ("gradient", r"DoubledMap.pull_back gave an array of shape \(5,\) for parameters of shape"),
    ],
)
def test_what_is_wrong_with_variables_is_one_sentence(spoiled, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.solve(bowl(), meshrep.Solver(meshrep.LBFGS(), Doubled(spoiled)))
    assert "\n" not in str(caught.value)


class Own(meshrep.Energy):
    """Σ_i (w_i − 2)², or what ``spoiled`` makes of it."""

    def __init__(self, spoiled=""):
        if spoiled != "graph":
            super().__init__(meshrep.graph_from("ring:6"))
        self.spoiled = spoiled

    def on(self, backend):
        return None if self.spoiled == "nothing" else Plain() if self.spoiled else Pulled()


class Pulled(meshrep.Evaluator):
    def value_and_grad(self, w):
        return ((w - 2) ** 2).sum(), 2 * (w - 2)


class Unfinished(meshrep.Energy):
    """Does not write ``on``."""


def test_an_own_energy_goes_wherever_an_energy_goes():
    energy = Own()
    for solver in ("auto", "adam", "gcn", Descent()):
        np.testing.assert_allclose(meshrep.solve(energy, solver).field, 2.0, atol=1e-4)
    assert meshrep.compare(2 * energy, ["lbfgs", "gd"]).best.energy < 1e-12
    assert meshrep.integrate(energy, 5.0).energies[-1] < 1e-6
    with pytest.raises(TypeError, match=r"abstract method '?on'?"):
        Unfinished(meshrep.graph_from("ring:6"))


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        (Own("graph"), r"Own has no graph: call super\(\).__init__\(graph\)"),
        (Own("nothing"), "Own.on gave None and not a meshrep.Evaluator: .* value_and_grad"),
        (Own("plain"), "Own.on gave a Plain and not a meshrep.Evaluator"),
        (meshrep.HeatBath, r"HeatBath is a class and not an energy: write HeatBath\(graph"),
        (np.sum, r"sum is a function and not an energy: write meshrep.FunctionEnergy\(graph, sum"),
        (Plain(), "make Plain a subclass of meshrep.Energy, which writes on"),
        (None, "None is not an energy"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
@pytest.mark.parametrize("call", [
    meshrep.solve, lambda e: meshrep.compare(e, ["lbfgs"]), lambda e: meshrep.integrate(e, 1.0),
    meshrep.diagnose,
])  # fmt: skip
def test_what_is_no_energy_is_one_sentence(energy, message, call):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        call(energy)
    assert "\n" not in str(caught.value)


def test_a_declaration_that_builds_no_solver():
    odd = meshrep.NamedSolver("odd", "Builds a minimiser.", "Never.", lambda energy: Descent())
    with pytest.raises(
        meshrep.InputError, match=r"odd: its build gave a Descent and not a meshrep"
    ):
        meshrep.solve(bowl(), odd)
