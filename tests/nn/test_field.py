"""Modules: their field, its derivatives, and what torch does with modules."""

import copy
import io

import numpy as np
import pytest
from problems_of_tests import heat, phases

import meshrep
from meshrep.errors import InputError

pytest.importorskip("torch")
import torch
from torch.utils.checkpoint import checkpoint

from meshrep import nn
from meshrep.base.torch_backend import TorchBackend

GRAPH = meshrep.graph_from("lattice:4x3")
N = GRAPH.n
KINDS = {
    "GraphNetwork": {"hidden": 3},
    "GAT": {"hidden": 3, "heads": 2},
    "GN": {"hidden": 3},
    "Multilevel": {"coarsest": 2},
    "Spectral": {"degree": 3},
    "Sobolev": {"smoothing": 5.0},
    "Kappa": {"degree": 2},
    "DeepLinear": {"depth": 3},
    "KernelSmoothing": {"form": "root", "bandwidth": 2.0},
}
SHAPES = [(N,), (N, 3), (2, N, 3)]


def made(kind, shape=(N, 3), **settings):
    """A module in float64 that begins at random numbers."""
    start = np.random.default_rng(0).random(shape)
    given = {"start": start, "dtype": torch.float64, **KINDS[kind], **settings}
    return getattr(nn, kind)(GRAPH, shape, **given)


def moved(field):
    """Parameters off the start, by name; the module gets them too."""
    generator = torch.Generator().manual_seed(0)
    for values in field.parameters():
        values.data += 0.1 * torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return {name: values.detach().clone() for name, values in field.named_parameters()}


def call(field):
    """The field as a function of its parameters."""
    return lambda params: torch.func.functional_call(field, params, ())


def cube(field):
    return lambda params: (call(field)(params) ** 3).sum()


def gradients(field):
    """The gradients of the sum of cubes, by ``backward``."""
    field.zero_grad()
    (field() ** 3).sum().backward()
    return {name: values.grad for name, values in field.named_parameters()}


def same(found, wanted, **bound):
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], **bound)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_it_begins_at_the_start_and_has_its_derivatives(kind, shape):
    field = made(kind, shape)
    assert field().shape == shape and field.misfit < 1e-14
    values = moved(field)
    names, values = list(values), [part.requires_grad_() for part in values.values()]

    def of(*parts):
        return call(field)(dict(zip(names, parts, strict=True)))

    assert torch.autograd.gradcheck(of, values, fast_mode=True)
    assert torch.autograd.gradgradcheck(of, values, fast_mode=True)


@pytest.mark.parametrize("kind", KINDS)
def test_its_derivative_is_the_pullback_that_is_written_out(kind):
    """The maps of ``solve`` have their own way back, which keeps no graph of the computation."""
    field, shape = made(kind), (N, 3)
    moved(field)
    out = field()
    weights = torch.linspace(-1, 1, out.numel(), dtype=torch.float64).reshape(shape)
    (out * weights).sum().backward()
    layout = field._layout
    # On the same back end: elsewhere sobolev is an exact solve.
    again = layout.recipe.build(layout.energy, layout.starts[0], layout.backend, 0)
    flat = again.start * 0.0
    for place, values in zip(again.parted(flat), field.parameters(), strict=True):
        place[:] = values.detach()
    torch.testing.assert_close(again.field(flat), out.detach(), rtol=1e-12, atol=1e-12)
    pulled = again.parted(again.pull_back(weights))
    for found, wanted in zip(field.parameters(), pulled, strict=True):
        torch.testing.assert_close(found.grad, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_func_and_checkpoints_see_the_same_derivative(kind):
    field = made(kind, (2, N, 3))
    params = moved(field)
    wanted = gradients(field)
    same(torch.func.grad(cube(field))(params), wanted)
    twice = {name: torch.stack([part, 1.1 * part]) for name, part in params.items()}
    same({k: v[0] for k, v in torch.vmap(torch.func.grad(cube(field)))(twice).items()}, wanted)
    together = torch.vmap(call(field))(twice)
    torch.testing.assert_close(together[1], call(field)({k: v[1] for k, v in twice.items()}))
    along = torch.func.jvp(cube(field), (params,), (params,))[1]
    torch.testing.assert_close(along, sum((wanted[k] * params[k]).sum() for k in params))
    field.zero_grad()
    (checkpoint(field, use_reentrant=False) ** 3).sum().backward()
    same({name: part.grad for name, part in field.named_parameters()}, wanted)


@pytest.mark.parametrize(
    "kind", [k if k == "GraphNetwork" else pytest.param(k, marks=pytest.mark.slow) for k in KINDS]
)
def test_it_compiles_whole(kind):
    field = made(kind, (2, N, 3))
    moved(field)
    wanted = {name: part.clone() for name, part in gradients(field).items()}
    torch._dynamo.reset()
    quick = torch.compile(field, fullgraph=True, backend="aot_eager")
    field.zero_grad()
    (quick() ** 3).sum().backward()
    same({name: part.grad for name, part in field.named_parameters()}, wanted)


@pytest.mark.slow
def test_it_compiles_to_machine_code():
    field = made("Multilevel")
    moved(field)
    torch.testing.assert_close(torch.compile(field, fullgraph=True)(), field())


@pytest.mark.parametrize("kind", KINDS)
def test_states_copies_and_types(kind):
    field = made(kind)
    moved(field)
    out = field()
    other = made(kind, start=np.ones((N, 3))) if kind != "KernelSmoothing" else made(kind)
    other.load_state_dict(field.state_dict())
    torch.testing.assert_close(other(), out, rtol=0, atol=0)
    torch.testing.assert_close(copy.deepcopy(field)(), out, rtol=0, atol=0)
    kept = io.BytesIO()
    torch.save(field, kept)
    kept.seek(0)
    torch.testing.assert_close(torch.load(kept, weights_only=False)(), out, rtol=0, atol=0)
    for dtype, close in ((torch.float32, 1e-5), (torch.bfloat16, 0.1)):
        less = copy.deepcopy(field).to(dtype)
        assert less().dtype == dtype
        torch.testing.assert_close(less().double(), out, rtol=close, atol=close)


def test_what_it_is_made_from():
    assert nn.Multilevel(GRAPH)().shape == (N,)
    assert not nn.Multilevel(GRAPH, (N, 2))().any()
    assert nn.GraphNetwork(GRAPH, (N, 2))().any()  # its own output
    warm = heat("lattice:6x6", kind="dirichlet")
    field = nn.Multilevel(warm, dtype=torch.float64)
    np.testing.assert_allclose(field().detach()[warm.fixed], warm.fixed_values)
    moved(field)
    np.testing.assert_allclose(field().detach()[warm.fixed], warm.fixed_values)
    turned = nn.GraphNetwork(phases("Kuramoto"), start=np.linspace(0, 6, 25), dtype=torch.float64)
    assert turned.readout.shape[-1] == 2 and turned.misfit < 1e-14  # vectors in the plane
    batch = nn.GN(GRAPH, (3, N, 2), start=np.ones((N, 2)), dtype=torch.float64)
    assert not torch.equal(batch.latents[0], batch.latents[1]) and batch.misfit < 1e-14


@pytest.mark.parametrize("kind", KINDS)
def test_held_nodes_keep_their_values(kind):
    field = made(kind, held=[0, 5])
    before = field().detach().clone()
    moved(field)
    after = field()
    torch.testing.assert_close(after[[0, 5]], before[[0, 5]], rtol=0, atol=0)
    assert (after - before).abs().sum() > 0.01


def test_it_begins_anew_elsewhere():
    field = made("Multilevel", (2, N, 3))
    moved(field)
    field.begin_at(np.full((N, 3), 7.0))
    assert field.misfit == 0.0 and (field() == 7.0).all()
    with pytest.raises(InputError, match="shape"):
        field.begin_at(np.zeros(3))


def test_a_fit_tells_how_far_it_came():
    start = np.random.default_rng(0).random(N)
    field = nn.GraphNetwork(
        GRAPH, start=start, network_start="prefit", prefit_steps=50, dtype=torch.float64
    )
    away = np.abs(field().detach().numpy() - start).max()
    assert field.misfit == pytest.approx(away) and 0 < away < 1
    assert "misses it by" in field.notes[0]
    parameters = [part.clone() for part in field.parameters()]
    field.double()
    for before, after in zip(parameters, field.parameters(), strict=True):
        assert torch.equal(before, after)


class Scaled(meshrep.Parametrization):
    """w = 3 θ, without a formula that torch could differentiate."""

    def build(self, energy, start, backend, seed):
        return Thrice(backend.asarray(start / 3), energy.shape)


class Thrice(meshrep.Map):
    def __init__(self, start, shape):
        self.start, self.shape = start.reshape(-1), shape

    def field(self, params):
        return 3 * params.reshape(self.shape)

    def pull_back(self, gradient):
        return 3 * gradient.reshape(-1)


class OnNumpy(Thrice):
    def field(self, params):
        return params.numpy()


@pytest.mark.parametrize("shape", SHAPES)
def test_variables_of_ones_own(shape):
    start = np.random.default_rng(0).random(shape)
    field = nn.Field(Scaled(), GRAPH, start=start, dtype=torch.float64)
    assert field.misfit < 1e-15
    field().square().sum().backward()
    torch.testing.assert_close(field.params.grad.reshape(shape), 6 * field().detach())
    with pytest.raises(InputError, match="laid out for one start"):
        field.begin_at(start)


def test_smoothed_steps_take_neighbours_along():
    points = np.random.default_rng(0).random((30, 2))
    energy = meshrep.RipsPersistence(points)
    field = nn.KernelSmoothing(energy, start=points, bandwidth=0.3, dtype=torch.float64)
    torch.testing.assert_close(field().detach().numpy(), points)
    field()[3, 0].backward()
    step = field.params.grad.reshape(30, 2)
    assert (step[:, 0] > 0.01).sum() > 3 and not step[:, 1].any()


def test_what_it_refuses(monkeypatch):
    for shape in ((N + 1,), (3, N), (0, N, 1), (1, 2, N, 3)):
        with pytest.raises(InputError, match="has the shape"):
            nn.Multilevel(GRAPH, shape)
    with pytest.raises(InputError, match="the start must have the shape"):
        nn.Multilevel(GRAPH, (N, 3), start=np.zeros(N))
    with pytest.raises(InputError, match="positive"):
        nn.Multilevel(GRAPH, unit=-1.0)
    monkeypatch.setattr(Scaled, "build", lambda *given: OnNumpy(torch.zeros(N), (N,)))
    with pytest.raises(InputError, match=r"OnNumpy.field gave a ndarray for a tensor"):
        nn.Field(Scaled(), GRAPH)()


def test_a_product_of_a_sparse_matrix():
    from scipy import sparse

    matrix = sparse.random_array((7, 5), density=0.4, random_state=0, format="csr")
    dense = torch.from_numpy(matrix.toarray())
    product = TorchBackend().sparse(matrix)
    for x in (torch.rand(5, dtype=torch.float64), torch.rand(5, 2, dtype=torch.float64)):
        torch.testing.assert_close(product @ x, dense @ x)
        torch.testing.assert_close(product.gathered(x), dense @ x)
        torch.testing.assert_close(product.transposed @ (dense @ x), dense.T @ (dense @ x))
    x = torch.rand(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(product.dot, x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(product.dot, x)
    torch.testing.assert_close(torch.func.hessian(lambda x: product.dot(x).square().sum())(x),
                               2 * dense.T @ dense)  # fmt: skip
    symmetric = TorchBackend().sparse(sparse.csr_array(matrix.T @ matrix))
    assert symmetric.transposed is symmetric
