"""The walk that CUDA graphs replay agrees, run eagerly on the CPU, with the plain walk."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from problems_of_tests import heat, phases

import meshrep
from meshrep import GraphNetwork
from meshrep.base.backends import backend_for
from meshrep.base.outcome import Result
from meshrep.energies.sums import Sum
from meshrep.minimisers import first_order, first_order_loop
from meshrep.minimisers.base import Objective
from meshrep.minimisers.monitor import Monitor, Stopping
from meshrep.numerics import rules
from meshrep.parametrizations.base import Identity
from meshrep.parametrizations.linear.multilevel import Multilevel
from meshrep.parametrizations.linear.spectral import Spectral

pytest.importorskip("torch")
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from meshrep.minimisers.torch import capture as torch_capture


def both_baths():
    graph = meshrep.graph_from("lattice:12x12")
    cold, hot = meshrep.ends(graph)
    soft = meshrep.HeatBath(graph, hot, cold, power=2)
    return soft + 0.5 * meshrep.HeatBath(graph, hot, cold, kind="dirichlet")


RULES = {
    "gd": first_order.GradientDescent,
    "heavy-ball": lambda lr: first_order.HeavyBall(lr, 0.9),
    "nesterov": first_order.Nesterov,
    "adam": first_order.Adam,
    "uniform-adam": first_order.UniformAdam,
}
ENERGIES = {
    "dirichlet": lambda: heat("lattice:12x12", kind="dirichlet"),
    "quartic": lambda: heat("lattice:12x12", "random"),
    "kuramoto": lambda: phases("Kuramoto", "lattice:12x12"),
    "hopf": lambda: phases("HopfKuramoto", "lattice:12x12"),
    "a sum": both_baths,
}
VARIABLES = {
    "gcn": lambda: GraphNetwork(hidden=8),
    "gcn-res": lambda: GraphNetwork(2, 5, residual=True),
    "spectral": Spectral,
    "multilevel": Multilevel,
}
SAME = {"float64": 1e-14, "float32": 2e-6}  # rounding: the two walks compute powers of β apart
STEPS = 60


def made(energy, recipe=None, dtype="float64"):
    """The objective in torch's own operations, even if numba is installed."""
    backend = backend_for("torch", "cpu", dtype)
    objective = Objective(energy, energy.random_start(1), backend, recipe or Identity(), seed=2)
    objective.evaluator = energy.formula(backend)
    if isinstance(energy, Sum):
        objective.evaluator.terms = [(c, e.formula(backend)) for c, e in energy.terms]
    return objective


def walk_of(minimiser, objective):
    """A plain walk of the rule that begins at the objective's start."""
    memory = minimiser._memory(objective, Monitor(Stopping()))
    return rules.Walk(objective.value_and_grad, rules.advance_arrays, objective.start + 0, memory)


@pytest.fixture
def run(monkeypatch):
    """Run a rule on a plain or a static walk; return result, parameters, steps and monitor."""

    def call(minimiser, objective, static, **stopping):
        monkeypatch.setattr(minimiser, "_captures", lambda objective: static)
        monkeypatch.setattr(minimiser, "_advance", lambda objective: rules.advance_arrays)
        monitor = Monitor(Stopping(**{"max_steps": STEPS, "gtol": 0.0, **stopping}))
        monitor.start_clock()
        result, params, steps = minimiser.run(objective, monitor)
        return result, objective.backend.to_numpy(params), steps, monitor

    return call


@pytest.fixture
def compare(run):
    """Run a rule on both walks, and compare the trajectories."""

    def call(make, energy, recipe=None, dtype="float64", **stopping):
        objectives = [made(energy, recipe, dtype) for _ in range(2)]
        plain = run(make(), objectives[0], False, **stopping)
        static = run(make(), objectives[1], True, **stopping)
        assert static[0] is plain[0] and static[2] == plain[2]
        assert objectives[1].evaluations == objectives[0].evaluations
        histories = [done[3].history for done in (plain, static)]
        assert list(histories[1].step) == list(histories[0].step)
        energies = [np.array(history.energy) for history in histories]
        assert np.nanmin(energies[0]) < energies[0][0]
        for found, wanted in ((static[1], plain[1]), (energies[1], energies[0])):
            bound = SAME[dtype] * np.abs(wanted[np.isfinite(wanted)]).max()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=bound)
        return static

    return call


@pytest.mark.slow
@pytest.mark.parametrize("dtype", SAME)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("physics", ENERGIES)
def test_both_walks_agree_on_fields(compare, physics, rule, dtype):
    done = compare(lambda: RULES[rule](0.02), ENERGIES[physics](), dtype=dtype)
    assert done[0] is Result.MAX_STEPS and done[2] == STEPS


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["gd", "nesterov"])
@pytest.mark.parametrize("physics", ENERGIES)
def test_both_walks_agree_with_an_automatic_step_length(compare, physics, rule):
    compare(lambda: RULES[rule]("auto"), ENERGIES[physics]())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", SAME)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variables", VARIABLES)
@pytest.mark.parametrize("physics", ["quartic", "kuramoto"])
def test_both_walks_agree_in_other_variables(compare, physics, variables, rule, dtype):
    done = compare(lambda: RULES[rule](5e-4), ENERGIES[physics](), VARIABLES[variables](), dtype)
    assert done[0] is Result.MAX_STEPS and done[2] == STEPS


@pytest.mark.slow
def test_both_walks_retreat_from_a_step_too_long(compare):
    class Leap(first_order.HeavyBall):
        auto_lr = 1e5

    done = compare(Leap, ENERGIES["quartic"](), max_steps=200)
    assert not np.isfinite(done[3].history.energy).all()


@pytest.mark.slow
def test_both_walks_halve_the_step_of_a_flat_run(compare):
    done = compare(
        lambda: RULES["adam"](0.05), ENERGIES["quartic"](), max_steps=3000, ftol=1e-3, window=20
    )
    assert done[0] is Result.FLAT


def test_the_static_walk_agrees_with_the_kernels(run):
    energy = ENERGIES["quartic"]()
    stopping = Stopping(max_steps=STEPS, gtol=0.0)
    solver = meshrep.Solver(first_order.Adam(0.05), Identity(), stopping, backend="auto")
    expected = meshrep.solve(energy, solver, start=energy.random_start(1), device="cpu").field
    found = run(first_order.Adam(0.05), made(energy), True)[1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_the_state_holds_everything_that_a_step_changes():
    for rule in RULES.values():
        objective = made(ENERGIES["quartic"](), GraphNetwork(hidden=4))
        walk = torch_capture.StaticWalk(walk_of(rule(1e-3), objective))
        walk.step()
        kept = [tensor.clone() for tensor in walk.state]
        places = [tensor.data_ptr() for tensor in [*walk.state, walk.memory.lr]]
        ends = []
        for _ in range(2):
            for tensor, before in zip(walk.state, kept, strict=True):
                tensor.copy_(before)
            walk.step()
            walk.step()
            ends.append([tensor.clone() for tensor in walk.state])
        assert all(torch.equal(*pair) for pair in zip(*ends, strict=True))
        assert places == [tensor.data_ptr() for tensor in [*walk.state, walk.memory.lr]]


def test_an_energy_on_the_host_keeps_the_plain_walk():
    energy = meshrep.FunctionEnergy(
        meshrep.graph_from("lattice:5x5"), lambda w: (float((w**2).sum()), 2 * w)
    )
    objective = made(energy)
    walk = walk_of(first_order.Adam(), objective)
    assert torch_capture.captured(walk, objective, []) is walk


def test_only_some_runs_on_a_gpu_are_captured(monkeypatch):
    objective = SimpleNamespace(
        backend=SimpleNamespace(device="cuda:0"), energy=SimpleNamespace(stochastic=False)
    )
    assert first_order.Adam()._captures(objective)
    assert not first_order.SGD()._captures(objective)
    assert not first_order.Adam()._captures(made(ENERGIES["quartic"]()))
    objective.energy.stochastic = True
    assert not first_order.Adam()._captures(objective)
    objective.energy.stochastic = False
    monkeypatch.setattr(first_order_loop.threading, "current_thread", object)
    assert not first_order.Adam()._captures(objective)


class Driver:
    """A stand-in for torch.cuda that records calls and runs the captured step when replayed."""

    def __init__(self, monkeypatch, fails=False):
        self.called, self.fails, self.capturing = [], fails, False
        monkeypatch.setattr(torch_capture, "capture", self.capture)
        for name in ("set_stream", "set_sync_debug_mode"):
            note = self.noted(name)
            monkeypatch.setattr(torch.cuda, name, note)
        stand_ins = {
            "get_sync_debug_mode": lambda: 0,
            "current_stream": lambda: SimpleNamespace(wait_stream=lambda other: None),
            "Stream": lambda: SimpleNamespace(wait_stream=lambda other: None),
            "CUDAGraph": SimpleNamespace,
            "device": lambda device: nullcontext(),
            "stream": lambda stream: nullcontext(),
            "graph": self.graph,
        }
        for name, stand_in in stand_ins.items():
            monkeypatch.setattr(torch.cuda, name, stand_in)

    def noted(self, name):
        return lambda argument: self.called.append((name, argument))

    def capture(self, step, state):
        self.step = step
        return torch_capture._recorded(step, state, state[0].device)

    @contextmanager
    def graph(self, graph, stream, capture_error_mode):
        yield
        self.called.append(("graph", capture_error_mode))
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing\nmore lines")
        graph.replay = self.step


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("rule", ["nesterov", "adam"])
def test_warming_up_and_capturing_do_not_change_the_run(monkeypatch, run, rule, fails):
    energy, recipe = ENERGIES["quartic"](), GraphNetwork(hidden=4)
    plain = run(RULES[rule](5e-4), made(energy, recipe), False)
    driver, objective = Driver(monkeypatch, fails), made(energy, recipe)
    static = run(RULES[rule](5e-4), objective, True)
    assert [name for name, _ in driver.called] == [
        "set_sync_debug_mode", "set_sync_debug_mode", "graph", "set_stream"
    ]  # fmt: skip
    assert [mode for _, mode in driver.called[:2]] == ["error", 0]
    bound = SAME["float64"] * np.abs(plain[1]).max()
    np.testing.assert_allclose(static[1], plain[1], rtol=0, atol=bound)
    found = [note for note in static[3].notes if "CUDA graph" in note]
    assert len(found) == fails and not any("more lines" in note for note in found)


class Watching(TorchDispatchMode):
    """Record operations for which the host of a GPU would wait, or send a number."""

    def __init__(self):
        super().__init__()
        self.waits, self.count = [], 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        sent = name == "index_put_" and args[2].dim() == 0
        masked = name in ("index", "index_put_") and torch.bool in [i.dtype for i in args[1]]
        if sent or masked or name in ("_local_scalar_dense", "nonzero", "equal"):
            self.waits.append(name)
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variables", [None, *VARIABLES])
@pytest.mark.parametrize("physics", ENERGIES)
def test_a_step_never_waits_for_the_host(physics, variables, rule):
    objective = made(ENERGIES[physics](), VARIABLES[variables]() if variables else None)
    walk = torch_capture.StaticWalk(walk_of(RULES[rule](0.01), objective))
    with Watching() as watched:
        walk.step()
    assert watched.count > 10 and not watched.waits


WAITING = {
    "a number read": lambda x, nodes: float(x.sum()),
    "a factor read": lambda x, nodes: x.addcdiv_(x, x + 1, value=x[0]),
    "a branch": lambda x, nodes: bool(x[0] > 1),
    "a number sent": lambda x, nodes: x.__setitem__(nodes, 0.0),
    "a mask": lambda x, nodes: x[x > 1],
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WAITING)
def test_the_watch_finds_operations_that_wait_for_the_host(what):
    x, nodes = torch.arange(4.0), torch.tensor([1, 2])
    with Watching() as watched:
        x[:] = 0.0
        x[nodes] = x[nodes] + 1
        assert not watched.waits
        WAITING[what](x, nodes)
    assert watched.waits
