"""Pickles and copies: what goes through them, what they leave out, and what they refuse."""

import copy
import multiprocessing
import pickle
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
from problems_of_tests import FOR_CLOUDS, OSCILLATORS, PROBLEMS, heat, log_cosh, missing, phases

import meshrep
from meshrep.base.outcome import Result
from meshrep.energies.catalogue import known_energies
from meshrep.solving.catalogue import known_solvers
from meshrep.solving.contest import Failure
from meshrep.solving.entrants import Entrant
from meshrep.sweeps.patterns import Point, Settings, evaluate
from meshrep.sweeps.store import Store
from meshrep.sweeps.sweep import Swept, sweep


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


WAYS = {"pickle": pickled, "copy": copy.copy, "deepcopy": copy.deepcopy}


def square(w):
    """½ |w − 2|² and its gradient; at the top level, as pickle wants it."""
    return 0.5 * float((w - 2) @ (w - 2)), w - 2


def cloud():
    return np.random.default_rng(3).random((12, 2))


ENERGIES = {
    **PROBLEMS,
    **OSCILLATORS,
    "a function": lambda: meshrep.FunctionEnergy(meshrep.graph_from("ring:6"), square),
    "rips": lambda: meshrep.RipsPersistence(cloud()),
    "rips of subsamples": lambda: meshrep.RipsPersistence(cloud(), subsample=6),
    "alpha to a target": lambda: meshrep.RipsPersistence(
        cloud(), filtration="alpha", targets={1: np.array([[0.1, 0.4]])}
    ),
    "lower star": lambda: meshrep.LowerStar(meshrep.graph_from("lattice:6x6"), threshold=0.2),
}


@pytest.mark.parametrize("name", ENERGIES)
def test_every_energy_is_the_same_after(name):
    if name.startswith(("rips", "alpha", "lower")):
        pytest.importorskip("gudhi")
    energy = ENERGIES[name]()
    w = energy.random_start(1)
    value, gradient = energy.value(w), energy.gradient(w).copy()
    for attribute in ("adjacency", "component_of", "degree", "triangles"):
        getattr(energy.graph, attribute)
    for way in WAYS.values():
        twin = way(energy)
        assert type(twin) is type(energy) and twin.value(w) == value
        np.testing.assert_array_equal(twin.gradient(w), gradient)
        assert twin.settings() == energy.settings() and twin.shape == energy.shape
        np.testing.assert_array_equal(twin.random_start(5), energy.random_start(5))
    kept = pickled(energy).__getstate__()
    assert "judge" not in kept and "adjacency" not in twin.graph.__getstate__()


@pytest.mark.parametrize("way", WAYS)
def test_graphs_stay_read_only(way, sphere):
    for graph in (meshrep.graph_from("lattice:4x5"), meshrep.graph_from("ring:6"), sphere(1)):
        twin = WAYS[way](graph)
        assert twin.same_as(graph) and twin.name == graph.name and twin.labels == graph.labels
        assert not twin.edges.flags.writeable and not twin.weights.flags.writeable
        assert twin.points is None or not twin.points.flags.writeable
        for part in ("connectivity", "offsets", "kinds"):
            np.testing.assert_array_equal(getattr(twin.cells, part), getattr(graph.cells, part))
            assert not getattr(twin.cells, part).flags.writeable


def test_a_large_lattice_leaves_out_what_is_rebuilt():
    graph = meshrep.graph_from("lattice:60x60")
    small = len(pickle.dumps(graph))
    _ = graph.adjacency, graph.cells.connectivity, graph.triangles, graph.degree
    energy = meshrep.Kuramoto(graph)
    before = len(pickle.dumps(energy))
    energy.judge.value_and_grad(energy.random_start())
    assert len(pickle.dumps(graph)) == small and len(pickle.dumps(energy)) == before


def same_solution(ours, theirs):
    """Whether two solutions agree in every field that can be compared."""
    np.testing.assert_array_equal(ours.field, theirs.field)
    for part in fields(ours):
        if part.name not in ("problem", "field", "composed", "samples"):
            one, other = (getattr(solution, part.name) for solution in (ours, theirs))
            one, other = (vars(h) if part.name == "history" else h for h in (one, other))
            np.testing.assert_equal(one, other)
    assert theirs.composed is None or theirs.composed.label == ours.composed.label
    assert repr(ours) == repr(theirs) and theirs.measures == ours.measures
    assert theirs.problem.value(theirs.field) == ours.energy


@pytest.mark.parametrize("way", WAYS)
def test_solutions_and_comparisons(way):
    energy = phases("Kuramoto", "ring:8")
    compared = meshrep.compare(energy, ["lbfgs", "gd"], max_steps=20)
    compared.rows.append(Failure("broken", "out of memory"))
    twin = WAYS[way](compared)
    for ours, theirs in zip(compared.solutions, twin.solutions, strict=True):
        same_solution(ours, theirs)
        assert theirs.result is ours.result and theirs.problem is twin.problem
    assert twin.rows[-1].message == "out of memory"
    assert twin.report() == compared.report() and twin.table() == compared.table()


def test_declared_solvers_and_what_they_build():
    energy = phases("Kuramoto", "ring:8")
    for name, solver in known_solvers().items():
        assert pickled(solver) is solver
        if name not in FOR_CLOUDS and not missing(name):
            assert pickled(solver.solver(energy)).label == name


@pytest.mark.parametrize("solver", ["gcn", "multilevel", "newton", "adam-torch"])
def test_solutions_of_every_kind_of_variables(solver):
    if missing(solver):
        pytest.skip(missing(solver))
    solution = meshrep.solve(heat("lattice:5x5"), solver, max_steps=3)
    twin = pickled(solution)
    same_solution(solution, twin)
    again = meshrep.solve(twin.problem, twin.composed)
    assert again.history.energy == meshrep.solve(solution.problem, solution.composed).history.energy


def test_declared_energies_and_settings():
    for energy in known_energies().values():
        assert pickled(energy) is energy
    stopping = replace(meshrep.Stopping(), max_steps=7)
    assert pickled(stopping) == stopping and pickled(Result.FLAT) is Result.FLAT
    assert pickled(Entrant("lbfgs", "lbfgs", {"gtol": 1e-3})).settings == {"gtol": 1e-3}


def test_sweeps(tmp_path):
    settings = Settings("lattice:4x4:periodic", max_seconds=1.0)
    assert pickled(settings) == settings
    done = sweep([Point(0.5, 0.2, 0)], Store(tmp_path, settings), evaluate, processes=1)
    assert pickled(done) == done and isinstance(pickled(done), Swept)


def test_a_sweep_in_several_processes_names_work_that_it_cannot_send(tmp_path):
    points = [Point(0.5, s2, 0) for s2 in (0.1, 0.2)]
    store = Store(tmp_path, Settings("lattice:4x4:periodic"))
    with pytest.raises(pickle.PicklingError, match="its work is the lambda in line"):
        sweep(points, store, lambda settings, point: None, processes=2)


def test_trajectories():
    flow = meshrep.integrate(phases("Kuramoto", "ring:8"), 1.0, frames=3)
    twin = pickled(flow)
    np.testing.assert_array_equal(twin.fields, flow.fields)
    np.testing.assert_array_equal(twin.order, flow.order)


def solved(energy):
    return meshrep.solve(energy, "lbfgs", seed=2)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_other_processes_solve_and_answer(method):
    energy = heat("lattice:6x6")
    ours = solved(energy)
    with multiprocessing.get_context(method).Pool(1) as pool:
        (theirs,) = pool.map(solved, [energy])
    np.testing.assert_allclose(theirs.field, ours.field, rtol=1e-12)
    assert theirs.result is ours.result


def test_joblib_takes_lambdas_too():
    joblib = pytest.importorskip("joblib")
    energy = meshrep.FunctionEnergy(meshrep.graph_from("ring:5"), lambda w: (float(w @ w), 2 * w))
    (found,) = joblib.Parallel(1)([joblib.delayed(solved)(energy)])
    cloudpickle = pytest.importorskip("cloudpickle")
    twin = pickle.loads(cloudpickle.dumps(found))
    np.testing.assert_array_equal(twin.field, found.field)
    assert twin.problem.value(np.ones(5)) == 5.0


def local_energy():
    class Local(meshrep.Energy):
        def on(self, backend):
            return meshrep.FunctionEnergy(self.graph, square).on(backend)

    return Local(meshrep.graph_from("ring:5"))


def local_function():
    def bowl(w):
        return float(w @ w), 2 * w

    return meshrep.FunctionEnergy(meshrep.graph_from("ring:5"), square, hvp=bowl)


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: meshrep.FunctionEnergy(meshrep.graph_from("ring:5"), lambda w: (w @ w, 2 * w)),
         r"FunctionEnergy cannot be pickled: its function is the lambda in line \d+ of .*\.py"),
        (lambda: meshrep.EdgeEnergy(meshrep.graph_from("ring:5"), log_cosh(np)),
         "EdgeEnergy cannot be pickled: its potential is the lambda"),
        (local_function, "its product is local_function.<locals>.bowl"),
        (local_energy, "its class is local_energy.<locals>.Local"),
        (lambda: heat("ring:8") + local_sum(), "its function is the lambda"),
        (lambda: meshrep.FunctionEnergy(meshrep.graph_from("ring:5"), partial(Holds())),
         "its function is a Holds"),
    ],
)  # fmt: skip
def test_what_has_no_name_is_named_in_one_sentence(build, named):
    energy = build()
    for thing in (energy, meshrep.solve(energy, "lbfgs", max_steps=3)):
        with pytest.raises(pickle.PicklingError, match=named) as caught:
            pickle.dumps(thing)
        assert isinstance(caught.value, meshrep.InputError) and "\n" not in str(caught.value)
        assert "top level of a module" in str(caught.value)
        np.testing.assert_equal(copy.deepcopy(energy).shape, energy.shape)
    assert copy.copy(energy).graph is energy.graph


class Holds:
    """A function object that pickle cannot carry, because it holds a lambda."""

    def __init__(self):
        self.inner = lambda w: (float(w @ w), 2 * w)

    def __call__(self, w):
        return self.inner(w)


def local_sum():
    return meshrep.FunctionEnergy(meshrep.graph_from("ring:8"), lambda w: (float(w @ w), 2 * w))
