"""The numba passes of graph networks against their formula and against autograd.

CI runs this file without numba's compiler as well.
"""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from problems_of_tests import heat

import meshrep
from meshrep import GraphNetwork
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.graphs.operators import propagation
from meshrep.minimisers.base import Objective
from meshrep.solving import stages

pytest.importorskip("numba")
from meshrep.kernels import convolution as kernels
from meshrep.kernels import network

VERSIONS = {"serial": kernels.SERIAL, "parallel": kernels.PARALLEL}
WIDTHS = [(8, 8), (3, 5), (8, 6, 4), (2, 20, 7, 3)]
NOT_A_TILE = "rgg:300"  # more rows than two tiles, and not a whole number of them


@pytest.fixture(scope="module")
def graph():
    return meshrep.graph_from(NOT_A_TILE, seed=1)


def temperatures(graph):
    return meshrep.HeatBath(graph, [0, 1], [5], t_hot=80.0, t_cold=20.0, unbathed="hold")


def positions(graph):
    target = np.random.default_rng(0).standard_normal((graph.n, 3))
    energy = meshrep.FunctionEnergy(
        graph, lambda w: (float(((w - target) ** 2).sum()), 2 * (w - target)), shape=(graph.n, 3)
    )
    energy.unit = 7.0
    return energy


ENERGIES = {
    "temperatures": temperatures,
    "phases": lambda graph: meshrep.Kuramoto(graph, 1.0),
    "positions": positions,
}


def objective(energy, recipe, backend, version=None):
    """The objective at a start of its own network, in one version of the kernels."""
    made = Objective(energy, energy.random_start(1), backend, recipe, seed=2)
    if version:
        made.map.net.kernels = version
        if made.map.circle:
            made.map.circle.kernels = version
    return made


def away(made, backend):
    noise = np.random.default_rng(3).standard_normal(made.start.shape)
    return made.start + backend.asarray(0.1 * noise)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
@pytest.mark.parametrize("kind", ["none", "sym", "self", "square"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("physics", ENERGIES)
def test_kernels_are_the_formula(graph, physics, widths, residual, kind, version):
    energy = ENERGIES[physics](graph)
    recipe = GraphNetwork(
        hidden=widths, residual=residual, propagation=kind, network_start="network"
    )
    plain, backend = objective(energy, recipe, NumpyBackend(jit=False)), NumpyBackend()
    fast = objective(energy, recipe, backend, version)
    params = away(fast, backend)
    np.testing.assert_allclose(fast.field(params), plain.field(params), rtol=1e-11, atol=1e-11)
    value, gradient = fast.value_and_grad(params)
    expected, slow = plain.value_and_grad(params)
    assert float(value) == pytest.approx(float(expected), rel=1e-11)
    np.testing.assert_allclose(gradient, slow, rtol=1e-9, atol=1e-11 * np.abs(slow).max())


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
@pytest.mark.parametrize("physics", ["temperatures", "phases"])
def test_single_precision_stays_and_is_near(graph, physics, version):
    energy, recipe = ENERGIES[physics](graph), GraphNetwork(2, 9, residual=True)
    double, single = NumpyBackend(), NumpyBackend("float32")
    exact, fast = objective(energy, recipe, double), objective(energy, recipe, single, version)
    pull = np.random.default_rng(4).standard_normal(graph.n)
    wanted = exact.map.field(away(exact, double)), exact.map.pull_back(pull)
    found = fast.map.field(away(fast, single)), fast.map.pull_back(pull.astype(np.float32))
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == np.float32
        assert np.abs(a - b).max() < 1e-5 * np.abs(b).max()


@pytest.mark.slow
def test_an_energy_may_answer_in_another_type(graph):
    energy, recipe = positions(graph), GraphNetwork(residual=True)
    gradients = []
    for jit in (True, False):
        backend = NumpyBackend("float32", jit=jit)
        made = objective(energy, recipe, backend)
        made.map.field(made.start)
        pull = np.asfortranarray(np.random.default_rng(0).standard_normal((graph.n, 3)))
        gradients.append(made.map.pull_back(pull))
    assert gradients[0].dtype == np.float32
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-4)


def test_blocks_cover_every_row_and_are_few():
    for n in (1, 511, 512, 513, 40_000, 10**6, 10**7 + 1):
        rows = network.block_rows(n)
        assert rows % 128 == 0 and 1 <= -(-n // rows) <= network.BLOCKS


@pytest.mark.slow
def test_the_number_of_threads_does_not_change_a_bit():
    import numba

    energy = heat("lattice:60x60")  # eight blocks
    backend = NumpyBackend()
    made = objective(energy, GraphNetwork(2, 11, residual=True), backend, kernels.PARALLEL)
    params, ends = away(made, backend), []
    most = numba.get_num_threads()
    try:
        for threads in (1, min(2, most), most):
            numba.set_num_threads(threads)
            ends.append(made.value_and_grad(params)[1].copy())
    finally:
        numba.set_num_threads(most)
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numpy", "numba", "torch"])
@pytest.mark.parametrize("widths", [(32, 32), (8, 6, 4)], ids=str)
def test_the_gradient_is_that_of_autograd(widths, kind):
    torch = pytest.importorskip("torch")
    energy, backend = heat("lattice:12x12", t_hot=80.0, t_cold=20.0), backend_for(kind, "cpu")
    made = objective(energy, GraphNetwork(hidden=widths), backend)
    params = away(made, backend)
    value, gradient = made.value_and_grad(params)
    there = backend_for("torch", "cpu")
    flat = there.asarray(backend.to_numpy(params)).requires_grad_()
    x, *weights = made.map.net.split(flat)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that CSR is in beta
        for weight in weights[:-1]:
            spread = there.sparse(propagation(energy.coupling)).dot(x @ weight)
            x = torch.nn.functional.leaky_relu(spread, 0.1)
        offset = there.asarray(backend.to_numpy(made.map.net.offset))
        field = energy.unit * (x @ weights[-1] + offset).reshape(-1)
        loss = energy.formula(there).value(field)
        loss.backward()
    assert float(value) == pytest.approx(float(loss.detach()), rel=1e-11)
    expected = flat.grad.numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(backend.to_numpy(gradient), expected, rtol=1e-10, atol=1e-12 * scale)


def test_passes_allocate_nothing_that_grows(graph):
    made = objective(temperatures(graph), GraphNetwork(2, 5), NumpyBackend())
    for _ in range(2):
        first, pulled = made.map.field(made.start), made.map.pull_back(np.ones(graph.n))
    assert np.shares_memory(first, made.map.field(made.start))
    assert np.shares_memory(pulled, made.map.pull_back(np.ones(graph.n)))


@pytest.mark.slow
def test_networks_run_without_torch_and_do_not_import_it():
    code = (
        "import sys, meshrep; g = meshrep.graph_from('lattice:8x8'); "
        "s = meshrep.solve(meshrep.HeatBath(g, *meshrep.ends(g)), 'gcn', max_steps=20); "
        "assert s.backend == 'numba', s.backend; assert 'torch' not in sys.modules"
    )
    hidden = {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | hidden, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_torch_is_asked_for_a_gpu_only_where_a_driver_is(monkeypatch, tmp_path):
    from meshrep.base import backends

    monkeypatch.setattr(backends, "DRIVERS", (str(tmp_path / "none"),))
    monkeypatch.setattr(backends.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "meshrep.base.torch_backend", None)  # an import would raise
    assert not backends.gpu_seen()
    monkeypatch.setattr(backends, "DRIVERS", (str(tmp_path),))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert not backends.gpu_seen()
    if installed("torch"):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
        with pytest.raises(ImportError):
            backends.gpu_seen()


def test_only_networks_take_the_gpu(monkeypatch):
    asked = []

    def backend(kind, device, dtype):
        asked.append((kind, device))
        return NumpyBackend()

    monkeypatch.setattr(stages, "gpu_seen", lambda: True)
    monkeypatch.setattr(stages, "backend_for", backend)
    meshrep.solve(heat("lattice:4x4"), "gcn", max_steps=1)
    assert asked == [("torch", "auto"), ("numba", "cpu")]
    asked.clear()
    meshrep.solve(heat("lattice:4x4"), "gcn", max_steps=1, device="cpu")
    assert asked == [("numba", "cpu")] * 2


def test_adam_in_threads_is_adam():
    from meshrep.numerics import rules

    rng, ends = np.random.default_rng(0), []
    gradients = rng.standard_normal((3, 5000))
    for threads in (False, True):
        x, zeros = np.ones(5000), np.zeros(5000)
        memory = rules.Memory(
            rules.ADAM, 0.1, 0.9, 0.99, 1e-8, zeros, zeros + 0, zeros + 0, np.zeros(2)
        )
        for gradient in gradients:
            rules.update_rule(NumpyBackend(), threads)(x, gradient, memory)
        ends.append((x, memory.m, memory.v))
    for slow, fast in zip(*ends, strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-14)
