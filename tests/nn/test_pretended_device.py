"""Every path of a device, run on a pretended one: no tensor strays, and no step waits."""

import numpy as np
import pytest
from problems_of_tests import OSCILLATORS, PROBLEMS, heat, mostly_slow

import meshrep
from meshrep import GraphNetwork, Multilevel, Sobolev

pytest.importorskip("torch")
import torch
from pretended import device, never_asking, pretending
from test_field import GRAPH, KINDS, N, made

from meshrep import nn
from meshrep.base import torch_backend
from meshrep.minimisers import first_order
from meshrep.minimisers.base import Minimiser, Objective
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.minimisers.torch.capture import StaticWalk
from meshrep.numerics import rules
from meshrep.parametrizations.base import Identity

DOUBLE = torch.float64
ENERGIES = {
    name: (PROBLEMS | OSCILLATORS)[name]
    for name in ("quartic ends", "dirichlet", "edges and nodes", "a sum", "kuramoto", "hopf")
}


@pytest.fixture
def watch(monkeypatch):
    """The pretended device, which ``solve`` takes for "cuda"; what it asked of the host."""
    place = str(device())

    def backend(where="auto", dtype=None):
        return torch_backend.TorchBackend(place, dtype or "float64")

    monkeypatch.setattr(torch_backend, "torch_backend", backend)
    with pretending() as found:
        yield found


def trained(field, steps=3):
    """Steps of Adam on the sum of cubes, the second and later ones without any wait."""
    optimiser = torch.optim.Adam(field.parameters(), lr=0.01)

    def step():
        optimiser.zero_grad()
        (field() ** 3).sum().backward()
        optimiser.step()

    step()
    with never_asking():
        for _ in range(steps - 1):
            step()
    return field().detach().cpu().numpy()


@pytest.mark.parametrize("shape", [(N, 3), (2, N, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_training_a_module_never_waits(watch, kind, shape):
    with_device = trained(made(kind, shape, held=[0, 3], device=device()))
    np.testing.assert_allclose(
        with_device, trained(made(kind, shape, held=[0, 3])), rtol=1e-9, atol=1e-12
    )


def test_a_module_moves_to_the_device(watch):
    field = made("GraphNetwork")
    out = field().detach()
    field.to(device())
    assert field().device == device()
    np.testing.assert_allclose(field().detach().cpu(), out, rtol=1e-12)


@pytest.mark.parametrize("name", ENERGIES)
def test_energies_and_their_derivatives_never_wait(watch, name):
    energy = ENERGIES[name]()
    starts = np.stack([energy.random_start(seed) for seed in (0, 1)])
    value = nn.energy(energy, device=device(), dtype=DOUBLE)
    w = torch.tensor(starts).to(device()).requires_grad_()

    def both():
        (gradient,) = torch.autograd.grad(value(w).sum(), w, create_graph=True)
        (product,) = torch.autograd.grad(gradient, w, torch.ones_like(w))
        return gradient, product

    both()
    with never_asking():
        gradient, product = both()
    for k, field in enumerate(map(energy.clamp, starts)):
        wanted = energy.gradient(field)
        np.testing.assert_allclose(gradient[k].detach().cpu(), wanted, rtol=1e-9, atol=1e-10)
        ones = np.ones(energy.shape)
        ones[energy.fixed] = 0.0
        wanted = energy.hvp(field, ones)
        wanted[energy.fixed] = 0.0
        np.testing.assert_allclose(product[k].cpu(), wanted, rtol=1e-7, atol=1e-7)


def test_a_loss_on_the_host_is_copied_down_and_up_once(watch):
    pytest.importorskip("gudhi")
    energy = meshrep.LowerStar(meshrep.graph_from("lattice:5x5"), threshold=0.5)
    w = torch.tensor(energy.random_start(0)).to(device()).requires_grad_()
    value = nn.energy(energy, device=device(), dtype=DOUBLE)
    value(w)
    watch.asked.clear()
    value(w).backward()
    assert len(watch.asked) <= 3 and w.grad.device == device()


RULES = {
    "gd": first_order.GradientDescent, "nesterov": first_order.Nesterov,
    "heavy-ball": first_order.HeavyBall, "adam": first_order.Adam,
    "uniform-adam": first_order.UniformAdam,
}  # fmt: skip
VARIABLES = {
    "field": Identity, "gcn": lambda: GraphNetwork(hidden=4), "multilevel": Multilevel,
    "sobolev": Sobolev,
}  # fmt: skip


def walk_on_device(name="quartic ends", rule="adam", variables="field"):
    """The step that a CUDA graph would capture."""
    energy, backend = ENERGIES[name](), torch_backend.TorchBackend(str(device()))
    made = Objective(energy, energy.random_start(1), backend, VARIABLES[variables](), seed=2)
    memory = RULES[rule](1e-3)._memory(made, Monitor(Stopping()))
    walk = rules.Walk(made.value_and_grad, rules.advance_arrays, made.start + 0, memory)
    return StaticWalk(walk), made


CASES = mostly_slow(
    6,
    [("quartic ends", "adam", v) for v in VARIABLES]
    + [("dirichlet", "nesterov", "field"), ("hopf", "uniform-adam", "field")]
    + [(e, r, v) for e in ENERGIES for r in RULES for v in VARIABLES],
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_body_of_the_captured_step_never_waits(watch, case):
    walk, _ = walk_on_device(*case)
    before = walk.value.clone()
    with never_asking():
        for _ in range(3):
            walk.step()
    assert float(walk.value) < float(before)


@pytest.mark.parametrize(
    "what", ["a number read", "a branch", "a mask", "a number sent", "a stray"]
)
def test_a_wait_or_a_stray_tensor_put_in_on_purpose_is_found(watch, monkeypatch, what):
    walk, objective = walk_on_device()
    inner, nodes = objective.evaluator.value_and_grad, torch.tensor([1, 2]).to(device())
    stray = torch.ones(objective.energy.shape, dtype=DOUBLE)

    def spoiled(w):
        value, gradient = inner(w)
        if what == "a number read":
            value = value * 0 + float(value)
        elif what == "a branch" and value > 0:
            gradient = gradient * 1.0
        elif what == "a mask":
            gradient[gradient > 1e9] = 0.0
        elif what == "a number sent":
            gradient[nodes] = torch.tensor(0.0, dtype=DOUBLE)
        elif what == "a stray":
            gradient = gradient * stray
        return value, gradient

    walk.step()
    monkeypatch.setattr(objective.evaluator, "value_and_grad", spoiled)
    word = "both devices" if what == "a stray" else "the host waits"
    with never_asking(), pytest.raises((AssertionError, RuntimeError), match=word):
        walk.step()


SOLVERS = ["adam", "gcn", "adam-torch", "nesterov", "multilevel-adam", "sobolev-adam"]


@pytest.mark.parametrize("solver", mostly_slow(3, SOLVERS))
@pytest.mark.parametrize("name", ["quartic ends", "kuramoto"])
def test_a_run_asks_once_in_ten_steps(watch, monkeypatch, solver, name):
    energy, minimise = ENERGIES[name](), Minimiser.minimise
    asked, stages = [], []

    def counted(self, objective, monitor):
        before = len(watch.asked)
        found = minimise(self, objective, monitor)
        asked.append(len(watch.asked) - before)
        stages.append(self)
        return found

    monkeypatch.setattr(Minimiser, "minimise", counted)
    found = meshrep.solve(energy, solver, device="cuda", max_steps=90)
    assert found.device == str(device()) and found.backend == "torch"
    assert found.energy < found.start_energy
    assert sum(asked) <= found.steps / 10 + 10 * len(stages)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_solve_on_the_device_ends_where_it_does_on_the_cpu(watch, solver):
    energy = heat("lattice:8x8", power=2)
    there = meshrep.solve(energy, solver, device="cuda")
    here = meshrep.solve(energy, solver, device="cpu")
    assert there.energy == pytest.approx(here.energy, rel=1e-5)


def test_what_has_no_form_for_the_device_says_so(watch):
    found = meshrep.solve(heat("lattice:8x8"), "newton", device="cuda")
    assert found.device == "cpu"
    assert any("newton has no form for cuda and runs on the CPU" in note for note in found.notes)


def test_a_function_of_torch_stays_on_its_device(watch):
    target = torch.linspace(0, 1, N, dtype=DOUBLE).to(device())
    energy = nn.TorchEnergy(
        GRAPH, lambda w: ((w - target.to(w.dtype)) ** 2).sum(), convex=True, device=device()
    )
    found = meshrep.solve(energy, "adam", max_steps=300)
    assert found.device == str(device()) and found.energy < 1e-3
    solver = meshrep.Solver(meshrep.LBFGS(), nn.Variables(nn.Multilevel(GRAPH, dtype=DOUBLE)))
    assert meshrep.solve(energy, solver).energy < 1e-8
