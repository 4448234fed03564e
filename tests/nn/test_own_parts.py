"""Functions, modules and optimisers of one's own in ``solve``, and minima as functions."""

import numpy as np
import pytest
from problems_of_tests import heat, log_cosh, phases
from scipy import sparse

import meshrep
from meshrep.errors import InputError, SolveError

pytest.importorskip("torch")
import torch

from meshrep import nn

DOUBLE = torch.float64


def bowl(shape=(25,), **settings):
    graph = meshrep.graph_from("lattice:5x5")
    target = torch.linspace(0, 1, 25, dtype=DOUBLE).reshape(25, *[1] * (len(shape) - 1))
    i, j = torch.tensor(graph.edges.T)

    def function(w):
        return ((w - target.to(w)) ** 2).sum() + ((w[i] - w[j]) ** 4).sum()

    return nn.TorchEnergy(graph, function, shape=shape, convex=True, **settings)


@pytest.mark.parametrize("shape", [(25,), (25, 3)])
def test_every_kind_of_solver_takes_a_function_of_torch(shape):
    energy = bowl(shape)
    ends = {
        solver: meshrep.solve(energy, solver, max_steps=3000)
        for solver in ("lbfgs", "newton", "adam", "gcn", "multilevel", torch.optim.Adam)
    }
    best = ends["newton"].energy
    assert ends["newton"].result.word == "converged"
    for solver, end in ends.items():
        assert end.energy <= best + 1e-4 * abs(best), solver
        assert end.backend == ("torch" if solver != "newton" else end.backend)


class Waves(torch.nn.Module):
    """Sums of cosines over the nodes of a lattice."""

    def __init__(self, n=25, count=25):
        super().__init__()
        at = torch.arange(n, dtype=DOUBLE) + 0.5
        modes = torch.cos(torch.outer(torch.arange(count, dtype=DOUBLE), at * torch.pi / n))
        self.sizes = torch.nn.Parameter(torch.zeros(count, dtype=DOUBLE))
        self.register_buffer("modes", modes)

    def forward(self):
        return self.sizes @ self.modes


@pytest.mark.parametrize("begin", ["start", "module"])
def test_a_module_of_ones_own_is_the_variables(begin):
    energy, module = bowl(), Waves()
    solver = meshrep.Solver(meshrep.LBFGS(), nn.Variables(module, begin))
    found = meshrep.solve(energy, solver)
    assert found.energy == pytest.approx(meshrep.solve(energy, "newton").energy, rel=1e-9)
    assert found.backend == "torch" and not module.sizes.any()  # a copy moved
    if begin == "start":
        start = energy.random_start(0)
        assert found.start_energy == pytest.approx(energy.value(start))
    ours = nn.Multilevel(energy.graph, dtype=DOUBLE)
    solver = meshrep.Solver(meshrep.LBFGS(), nn.Variables(ours))
    assert meshrep.solve(energy, solver).energy == pytest.approx(found.energy, rel=1e-9)


def test_a_batch_of_starts():
    energy = phases("Kuramoto", "lattice:4x4")
    starts = np.stack([energy.random_start(seed) for seed in (5, 8, 11)])
    alone = [meshrep.solve(energy, "lbfgs", start=start).energy for start in starts]
    for given in (starts, torch.tensor(starts)):
        together = meshrep.solve(energy, "lbfgs", start=given)
        np.testing.assert_allclose(together.restart_energies, alone, rtol=1e-9)
        assert together.energy == pytest.approx(min(alone), rel=1e-9)
    with pytest.raises(InputError, match="3 starts are that many restarts, not 2"):
        meshrep.solve(energy, "lbfgs", start=starts, restarts=2)


def test_what_own_parts_refuse():
    graph = meshrep.graph_from("lattice:5x5")
    with pytest.raises(InputError, match="one real number"):
        nn.TorchEnergy(graph, lambda w: w)
    with pytest.raises(InputError, match="does not depend"):
        nn.TorchEnergy(graph, lambda w: torch.tensor(1.0))
    with pytest.raises(InputError, match="no shape"):
        nn.TorchEnergy(graph, lambda w: w.sum(), shape=(3,))
    with pytest.raises(InputError, match=r"not of a list"):
        nn.Variables([1])
    with pytest.raises(InputError, match="no parameters"):
        nn.Variables(torch.nn.ReLU())
    with pytest.raises(InputError, match="has no form for it"):
        meshrep.solve(bowl(), meshrep.Solver(meshrep.ScipyLBFGS(), nn.Variables(Waves())))
    with pytest.raises(InputError, match=r"shape \(9,\) for a field of shape \(25,\)"):
        meshrep.solve(bowl(), meshrep.Solver(meshrep.LBFGS(), nn.Variables(Waves(9))))


def check_by_differences(run, *theta, h=1e-5):
    """The derivative of a number along a direction of each tensor, to 1e-6."""
    theta = [part.clone().requires_grad_() for part in theta]
    found = torch.autograd.grad(run(*theta), theta)
    generator = torch.Generator().manual_seed(1)
    for k, part in enumerate(theta):
        way = torch.randn(part.shape, generator=generator, dtype=part.dtype)
        ends = []
        for sign in (1, -1):
            moved = [p.detach() + sign * h * way if j == k else p.detach()
                     for j, p in enumerate(theta)]  # fmt: skip
            ends.append(float(run(*moved)))
        wanted = (ends[0] - ends[1]) / (2 * h)
        assert abs(wanted) > 1e-4
        assert float((found[k] * way).sum()) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("kind", ["quartic", "quadratic", "dirichlet"])
def test_temperatures_and_conductances_of_heat(kind):
    energy = heat("lattice:5x5", kind=kind)
    a = torch.tensor(np.random.default_rng(0).uniform(0.5, 2, energy.graph.m))
    count = len(energy.hot)
    T = torch.tensor(np.r_[np.linspace(1, 2, count), np.zeros(len(energy.cold))])
    weights = torch.linspace(0, 1, 25, dtype=DOUBLE) ** 2

    def run(a, T):
        w = nn.minimum(energy, conductances=a, temperatures=T)
        return (weights * w**2).sum()

    check_by_differences(run, a, T)


def test_couplings_of_oscillators():
    energy = phases("Kuramoto", "lattice:4x4")
    K = torch.tensor(np.random.default_rng(0).uniform(0.5, 2, energy.graph.m))
    K[3] = -1.0  # frustrated, so that the phases differ
    K[8] = -0.7
    start = meshrep.solve(energy.with_numbers(K=K.numpy()), "newton", seed=2).field
    i, j = torch.tensor(energy.graph.edges.T)

    def run(K):
        w = nn.minimum(energy, "newton", start=start, K=K)
        return (torch.cos(w[i] - w[j]) * torch.linspace(0, 1, len(i), dtype=DOUBLE)).sum()

    check_by_differences(run, K)


def test_weights_of_edges():
    graph = meshrep.graph_from("lattice:4x4")
    pull = (lambda w: (w - 2) ** 2 + w**4 / 9, lambda w: 2 * (w - 2) + 4 * w**3 / 9,
            lambda w: 2 + 4 * w**2 / 3)  # fmt: skip
    energy = meshrep.EdgeEnergy(graph, log_cosh, pull)
    ends = heat("lattice:4x4", power=2)
    a = torch.linspace(0.5, 1.5, graph.m, dtype=DOUBLE)
    with pytest.raises(InputError, match="Sum has no numbers"):
        nn.minimum(energy + ends, weights=a)

    def run(a):
        return (nn.minimum(energy, weights=a) ** 3).sum() + (a**2).sum()

    check_by_differences(run, a)


def test_numbers_of_a_function():
    graph = meshrep.graph_from("lattice:4x4")
    i, j = torch.tensor(graph.edges.T)
    target = torch.linspace(0, 2, 16, dtype=DOUBLE)

    def function(w, *, stiff, pull):
        return (stiff * torch.cosh(w[i] - w[j])).sum() + pull[0] * ((w - target) ** 2).sum()

    stiff = torch.linspace(0.5, 1.5, len(i), dtype=DOUBLE)
    pull = torch.ones(2, dtype=DOUBLE)
    energy = nn.TorchEnergy(graph, function, numbers={"stiff": stiff, "pull": pull})

    def run(stiff, pull):
        return (nn.minimum(energy, "lbfgs", stiff=stiff, pull=pull)[::3] ** 3).sum()

    check_by_differences(run, stiff, pull)


def test_a_part_of_two_ends():
    import pyvista

    box = pyvista.ImageData(dimensions=(4, 2, 2)).cast_to_unstructured_grid()
    part = meshrep.Conduction(
        box, 50.0, fixed=[("x < 0.01", 400.0)], convection=[("y < 0.01", 10.0, 300.0)],
        radiation=[("x > 2.9", 0.8, 250.0)], kelvin=True,
    )  # fmt: skip
    T = torch.linspace(390, 410, len(part.fixed), dtype=DOUBLE)
    a = torch.tensor(sparse.triu(part.coupling, k=1, format="coo").data) * 1.1
    weights = torch.linspace(0, 1, part.graph.n, dtype=DOUBLE)

    def run(a, T):
        return (nn.minimum(part, conductances=a, temperatures=T) * weights).sum() / 100

    check_by_differences(run, a, T, h=1e-4)


def test_minima_that_have_no_derivative_and_wrong_numbers():
    energy = heat("lattice:4x4", power=2)
    a = torch.ones(energy.graph.m, dtype=DOUBLE, requires_grad=True)
    with pytest.raises(InputError, match="no numbers 'K'"):
        nn.minimum(energy, K=a)
    with pytest.raises(InputError, match="name the numbers"):
        nn.minimum(energy)
    with pytest.raises(InputError, match="must have the shape"):
        nn.minimum(energy, conductances=a[1:])
    flat = nn.TorchEnergy(
        energy.graph, lambda w, *, k: (k * w**4).sum(), numbers={"k": torch.ones(1)}
    )
    k = torch.ones(1, dtype=DOUBLE, requires_grad=True)
    with pytest.raises(SolveError, match="not found"):
        nn.minimum(flat, "lbfgs", start=np.zeros(16), k=k).sum().backward()
