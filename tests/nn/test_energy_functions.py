"""Energies as functions of tensors: values and derivatives are the energy's own."""

import numpy as np
import pytest
from linear_variables import Positions
from problems_of_tests import OSCILLATORS, PROBLEMS, graph_of, mostly_slow

import meshrep
from meshrep.base.backends import installed
from meshrep.errors import InputError

pytest.importorskip("torch")
import torch

from meshrep import nn
from meshrep.base.torch_backend import TorchBackend

SMOOTH = {
    **PROBLEMS,
    **OSCILLATORS,
    "mean field": lambda: meshrep.Kuramoto(graph_of("lattice:3x3"), 2.0, coupling="mean-field"),
    "positions": Positions,
}
QUICK = [
    "conduction",
    "quartic ends",
    "dirichlet",
    "edges and nodes",
    "a function",
    "a sum",
    "kuramoto",
    "hopf",
]


def radiating():
    """A bar of steel between a held end, air and a radiating end."""
    import pyvista

    box = pyvista.ImageData(dimensions=(4, 3, 3)).cast_to_unstructured_grid()
    return meshrep.Conduction(
        box, 50.0, fixed=[("x < 0.01", 400.0)], convection=[("y < 0.01", 10.0, 300.0)],
        radiation=[("x > 2.9", 0.8, 250.0)], kelvin=True,
    )  # fmt: skip


SMOOTH["conduction"] = radiating
NAMES = mostly_slow(len(QUICK), [*QUICK, *(name for name in SMOOTH if name not in QUICK)])


def starts(energy, count=2):
    return torch.tensor(np.stack([energy.random_start(k) for k in range(count)]))


def by_formula(energy, fields):
    """The function on the formula that a device would take."""
    value = nn.energy(energy)
    value.on(fields).evaluator = energy.formula(TorchBackend())
    return value


@pytest.mark.parametrize("ways", [lambda e, w: nn.energy(e), by_formula], ids=["own", "formula"])
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_the_energy(name, ways):
    energy = SMOOTH[name]()
    w = starts(energy)
    value = ways(energy, w)
    fields = [energy.clamp(field) for field in w.numpy()]
    wanted = [energy.value(field) for field in fields]
    np.testing.assert_allclose(value(w), wanted, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(value(w[0]), wanted[0], rtol=1e-10, atol=1e-12)
    w.requires_grad_()
    (gradient,) = torch.autograd.grad(value(w).sum(), w)
    wanted = np.stack([energy.gradient(field) for field in fields])
    np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-10)
    assert torch.autograd.gradcheck(value, w, fast_mode=True)
    assert torch.autograd.gradgradcheck(value, w, fast_mode=True)
    mapped = torch.vmap(torch.func.grad(value))(w.detach())
    torch.testing.assert_close(mapped, gradient, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["edges and nodes", "dirichlet", "hopf"])
def test_hessians_by_torch_are_those_of_the_energy(name):
    energy = SMOOTH[name]()
    w, value = starts(energy), nn.energy(energy)
    found = torch.vmap(torch.func.hessian(value))(w)
    for field, matrix in zip(w.numpy(), found.numpy(), strict=True):
        wanted = energy.hessian(energy.clamp(field)).toarray()
        wanted[energy.fixed] = wanted[:, energy.fixed] = 0.0
        np.testing.assert_allclose(matrix, wanted, rtol=1e-10, atol=1e-12)
    with pytest.raises(InputError, match="twice at most"):
        torch.func.grad(lambda field: torch.func.hessian(value)(field).sum())(w[0])


@pytest.mark.skipif(not installed("gudhi"), reason="needs gudhi")
@pytest.mark.parametrize("kind", ["cloud", "field", "a sum"])
def test_losses_of_topology(kind):
    if kind == "cloud":
        energy = meshrep.RipsPersistence(np.random.default_rng(0).random((20, 2)))
    else:
        energy = meshrep.LowerStar(meshrep.graph_from("lattice:5x5"), threshold=0.5)
    if kind == "a sum":
        energy = energy + 0.1 * meshrep.EdgeEnergy(
            energy.graph, lambda xp: (xp.square, lambda d: 2 * d)
        )
    w = starts(energy)
    w[1] += 0.01
    w.requires_grad_()
    value = nn.energy(energy)
    assert torch.autograd.gradcheck(value, w, fast_mode=True, eps=1e-7, atol=1e-5)
    less = value(w.detach().float())
    assert less.dtype == torch.float32
    torch.testing.assert_close(less.double(), value(w).detach(), rtol=1e-4, atol=1e-5)


def test_it_begins_a_training_loop_with_a_module():
    energy = PROBLEMS["quadratic"]()
    value, field = nn.energy(energy), nn.Multilevel(energy, dtype=torch.float64)
    optimiser = torch.optim.LBFGS(field.parameters(), line_search_fn="strong_wolfe", max_iter=100)

    def closure():
        optimiser.zero_grad()
        loss = value(field())
        loss.backward()
        return loss

    optimiser.step(closure)
    best = meshrep.solve(energy, "newton").energy
    assert float(value(field())) == pytest.approx(best, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quartic ends", "dirichlet", "hopf", "mean field", "a function"])
def test_it_compiles(name):
    energy = SMOOTH[name]()
    w, value = starts(energy).requires_grad_(), nn.energy(energy)
    (wanted,) = torch.autograd.grad(value(w).sum(), w)
    torch._dynamo.reset()
    whole = name != "a function"
    quick = torch.compile(lambda w: value(w).sum(), backend="aot_eager", fullgraph=whole)
    (found,) = torch.autograd.grad(quick(w), w)
    torch.testing.assert_close(found, wanted)


def test_half_precision_and_what_is_refused():
    energy = PROBLEMS["quadratic"]()
    w = starts(energy)
    half = nn.energy(energy)(w.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.double(), nn.energy(energy)(w), rtol=0.05, atol=0.05)
    with pytest.raises(InputError, match="must be a tensor of shape"):
        nn.energy(energy)(w[:, :3])
    with pytest.raises(InputError, match="must be a tensor of shape"):
        nn.energy(energy)(w.numpy())
    with pytest.raises(InputError, match="not an energy"):
        nn.energy(len)
