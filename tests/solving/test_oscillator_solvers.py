"""Every solver on oscillators; networks read out on the circle; Newton's second-order ends."""

import itertools

import numpy as np
import pytest
from problems_of_tests import OSCILLATORS, SOLVERS_OF_PHASES, heat, phases

import meshrep
from meshrep import Result, Solver, Stopping
from meshrep.base.backends import backend_for
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.minimisers.base import Objective
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.newton import Newton
from meshrep.parametrizations.networks.gcn import GraphNetwork

PROBLEMS = {
    "kuramoto": lambda: phases("Kuramoto", "lattice:8x8"),
    "glass": lambda: phases("XYGlass", "lattice:8x8", seed=1),
    "hopf": lambda: phases("HopfKuramoto", "lattice:8x8"),
    "signs in pieces": lambda: phases("XYGlass", "er:40:degree=2", "gaussian", 4),
}
SECOND_ORDER = ["kuramoto", "glass", "hopf", "signs in pieces"]


def curvatures(energy, w):
    """Eigenvalues of the Hessian without those of the shifts, ascending."""
    hidden = np.zeros((energy.graph.n, energy.graph.n))
    for part in range(energy.graph.component_count):
        ones = energy.graph.component_of == part
        hidden += np.outer(ones, ones) / ones.sum()
    H = energy.hessian(w).toarray() + 1e6 * hidden
    return np.linalg.eigvalsh(H)[: energy.graph.n - energy.graph.component_count]


# The contract


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_solver_lowers_the_energy_of_phases(name, solver):
    energy = PROBLEMS[name]()
    start = energy.random_start(11)
    before = start.copy()
    solution = meshrep.solve(energy, solver, start=start, seed=2, max_seconds=20)
    assert solution.result in (Result.CONVERGED, Result.FLAT)
    assert solution.grad_norm < 1e-3
    assert solution.energy == energy.value(solution.field) < solution.start_energy - 20
    begin = energy.value(start)
    if solver == "gcn-prefit":  # begins near the start
        assert solution.start_energy == pytest.approx(begin, rel=1e-2, abs=0.1)
        begin = solution.start_energy
    assert solution.start_energy == begin
    assert solution.field.shape == energy.shape and np.isfinite(solution.field).all()
    np.testing.assert_array_equal(start, before)
    assert not np.shares_memory(start, solution.field)
    assert curvatures(energy, solution.field)[0] > -0.05  # no saddle of note
    past = solution.history
    assert (np.diff(past.step) >= 0).all() and (np.diff(past.seconds) >= 0).all()
    single = 1e-4 if solver in ("anneal", "lift") else 1e-9  # those work in single precision
    assert past.energy[0] == pytest.approx(begin, rel=single)
    assert past.best_energy()[-1] == pytest.approx(solution.energy, rel=1e-6)
    assert solution.evaluations >= 1 and solution.solve_s > 0
    has_faces = len(meshrep.vortices(energy.graph, start).charge) > 0
    assert set(solution.measures) == {"rho"} | ({"vortices"} if has_faces else set())


@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_every_solver_finds_synchrony_where_there_is_nothing_else(solver):
    """A complete graph has no other minimum; a shift of it is one too."""
    edges = list(itertools.combinations(range(10), 2))
    energy = Kuramoto(meshrep.Graph.from_edges(10, edges), 0.5)
    solution = meshrep.solve(energy, solver, seed=1, max_seconds=10)
    assert solution.energy == pytest.approx(-0.5 * 45, rel=1e-6)
    assert solution.measures["rho"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_every_solver_stays_at_a_minimum_or_finds_a_lower_one(solver):
    energy = PROBLEMS["kuramoto"]()
    solution = meshrep.solve(energy, solver, start=np.full(64, 2.0), seed=1, max_seconds=10)
    assert solution.energy == pytest.approx(-112, rel=1e-9) and np.isfinite(solution.field).all()


@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_no_step_no_time_and_few_steps(solver):
    energy = PROBLEMS["glass"]()
    still = meshrep.solve(energy, solver, max_steps=0)
    assert still.result is Result.MAX_STEPS and still.steps == 0
    assert still.energy <= still.start_energy
    late = meshrep.solve(energy, solver, max_seconds=0.0)
    assert late.result is Result.TIME_LIMIT and late.energy <= late.start_energy
    short = meshrep.solve(energy, solver, max_steps=3)
    assert short.steps <= 6 and short.energy <= short.start_energy


@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_one_seed_is_one_path(solver):
    energy = PROBLEMS["glass"]()
    one, two = (meshrep.solve(energy, solver, seed=5, max_steps=40) for _ in range(2))
    np.testing.assert_array_equal(one.field, two.field)
    assert one.history.energy == two.history.energy


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
def test_single_precision_is_judged_in_double(solver):
    energy = PROBLEMS["glass"]()
    single = meshrep.solve(energy, solver, dtype="float32", max_seconds=5, max_steps=20_000)
    assert single.dtype == "float32" and single.field.dtype == np.float64
    assert single.energy == energy.value(single.field) < single.start_energy - 60
    assert single.grad_norm < 1e-3


CORNERS = {
    "no coupling": (lambda: phases("Kuramoto", "ring:8", 0.0), 0.0),
    "no edge": (lambda: XYGlass(meshrep.Graph.from_edges(5, [])), 0.0),
    "a single node": (lambda: HopfKuramoto(meshrep.Graph.from_edges(1, [])), 0.0),
    "no law": (lambda: phases("Oscillators", "lattice:4x4", 1.0, (0.0, 0.0, 0.0)), 0.0),
    "two edges that do not pull": (
        lambda: phases("Kuramoto", "ring:8", np.r_[0.0, 0.0, np.ones(6)]),
        -6.0,
    ),
    "a pair that repels": (lambda: Kuramoto(meshrep.Graph.from_edges(2, [[0, 1]]), -2.0), -2.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS_OF_PHASES)
@pytest.mark.parametrize("name", CORNERS)
def test_every_solver_keeps_the_contract_in_the_corners(name, solver):
    build, least = CORNERS[name]
    energy = build()
    start = energy.random_start(1)
    solution = meshrep.solve(energy, solver, start=start, seed=1, max_seconds=10)
    assert solution.result in (Result.CONVERGED, Result.FLAT)
    assert solution.energy == pytest.approx(least, rel=1e-6, abs=1e-12)
    assert solution.field.shape == energy.shape and np.isfinite(solution.field).all()
    if solver not in ("anneal", "lift"):  # which may turn what nothing holds
        alone = energy.graph.degree == 0
        near = 1e-2 if solver == "gcn-prefit" else 0.0  # which begins near the start
        np.testing.assert_allclose(solution.field[alone], start[alone], rtol=1e-13, atol=near)


@pytest.mark.parametrize("solver", [s for s in SOLVERS_OF_PHASES if s.values[0] in "anneal lift"])
def test_solvers_of_phases_refuse_heat(solver):
    with pytest.raises(meshrep.InputError, match="oscillators") as caught:
        meshrep.solve(heat("lattice:8x8"), solver)
    assert "\n" not in str(caught.value)


def test_auto_takes_lift_for_phases():
    solution = meshrep.solve(PROBLEMS["hopf"](), "auto")
    assert solution.solver == "lift" and "many minima" in solution.notes[0]


def test_comparisons_measure_phases():
    energy = PROBLEMS["glass"]()
    comparison = meshrep.compare(energy, ["adam", "lbfgs", "newton"], seed=1)
    head, _, *rows = comparison.table().splitlines()
    assert "rho" in head.split() and "vortices" in head.split()
    assert [row.split()[0] for row in rows] == ["adam", "lbfgs", "newton"]
    entries = comparison.report()["solvers"]
    for row, entry in zip(comparison.solutions, entries, strict=True):
        assert entry["measures"] == row.measures
        assert list(entry["time_to"]) == ["1e-2", "1e-3"]
        times, values = comparison.orders[row.solver]
        assert len(times) == len(values) > 2 and (np.diff(times) >= 0).all()
        assert ((values >= 0) & (values <= 1)).all() and times[0] < 0.5 * times[-1]
        assert values[-1] == pytest.approx(row.measures["rho"], abs=1e-12)
    assert not meshrep.compare(heat("lattice:8x8"), ["lbfgs"]).orders


# Networks

NETWORKS = [
    GraphNetwork(layers, 4, residual=residual, propagation=propagation, readout=readout)
    for layers, residual, propagation, readout in itertools.product(
        (1, 2), (False, True), ("sym", "self", "square", "none"), ("auto", "value")
    )
]
NAMES = [f"{n.name} {n.layers} {n.propagation} {n.readout}" for n in NETWORKS]


@pytest.fixture(params=["numpy", "torch"])
def backend(request):
    pytest.importorskip(request.param)
    return backend_for(request.param, "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_the_shared_start_passes_the_circle_exactly(network, backend):
    """On whatever turn of the circle each phase is."""
    energy = OSCILLATORS["hopf"]()
    start = energy.random_start(7) + 2 * np.pi * np.random.default_rng(0).integers(-2, 3, 25)
    start[:3] = np.pi, -np.pi, 0.0
    objective = Objective(energy, start, backend, network, seed=3)
    np.testing.assert_allclose(objective.field(objective.start), start, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("network", NETWORKS, ids=NAMES)
def test_the_pullback_through_the_circle_is_the_derivative(network, backend):
    energy = OSCILLATORS["hopf, s1 < 0"]()
    objective = Objective(energy, energy.random_start(1), backend, network, seed=5)
    rng = np.random.default_rng(0)
    params = backend.to_numpy(objective.start)
    params += 0.05 * rng.standard_normal(params.shape)
    direction = rng.standard_normal(params.shape)
    gradient = backend.to_numpy(objective.value_and_grad(backend.asarray(params))[1]).copy()
    h = 1e-6
    up, down = (
        float(objective.value_and_grad(backend.asarray(params + sign * h * direction))[0])
        for sign in (1, -1)
    )
    assert gradient @ direction == pytest.approx((up - down) / (2 * h), rel=1e-4)


def test_the_readout_is_a_circle_for_phases_alone():
    backend = backend_for("numpy")
    for energy, readout, wide in (
        (PROBLEMS["hopf"](), "auto", True),
        (PROBLEMS["hopf"](), "value", False),
        (heat("lattice:8x8"), "auto", False),
        (heat("lattice:8x8"), "circle", True),
    ):
        objective = Objective(
            energy, energy.random_start(), backend, GraphNetwork(1, 4, readout=readout)
        )
        weights = 64 * 4 + 4 * 4 + 4 * (2 if wide else 1)
        assert len(objective.start) == weights


def test_a_phase_may_pass_through_the_middle_of_the_circle():
    """Where a value must run half a turn, a vector shrinks to nothing and grows again."""
    energy = Kuramoto(meshrep.Graph.from_edges(2, [[0, 1]]))
    backend = backend_for("numpy")
    start = np.array([0.0, 3.0])
    objective = Objective(energy, start, backend, GraphNetwork(1, 2, residual=True), seed=0)
    params = objective.start.copy()
    latents = params[:4].reshape(2, 2)
    vector = latents[1].copy()
    objective.map.net.offset *= 0
    params[4:12] = 0  # the latents alone
    for share, phase in ((1.0, 3.0), (0.5, 3.0), (-0.5, 3.0 - np.pi), (-1.0, 3.0 - np.pi)):
        latents[1] = share * vector
        apart = objective.field(params)[1] - phase
        assert np.cos(apart) == pytest.approx(1) and np.sin(apart) == pytest.approx(0, abs=1e-12)


def test_a_network_start_is_drawn_on_the_circle_and_does_not_know_w0(backend):
    energy = phases("Kuramoto", "lattice:12x12")
    network = GraphNetwork(network_start="network", hidden=6)
    one, two = (Objective(energy, energy.random_start(s), backend, network, seed=0) for s in (1, 2))
    latents = backend.to_numpy(one.start)[: 6 * 144]
    assert 0 <= latents.min() < 0.05 and 2 * np.pi - 0.05 < latents.max() < 2 * np.pi
    assert latents.mean() == pytest.approx(np.pi, abs=0.2)
    np.testing.assert_array_equal(backend.to_numpy(one.start), backend.to_numpy(two.start))
    first, second = (backend.to_numpy(o._field(o.start)) for o in (one, two))
    np.testing.assert_allclose(np.exp(1j * first), np.exp(1j * second), atol=1e-12)
    other = Objective(energy, energy.random_start(1), backend, network, seed=1)
    assert (backend.to_numpy(other.start) != backend.to_numpy(one.start)).any()


def test_a_network_start_is_nearly_synchronised():
    """Most of the way to the trivial minimum is done before step 1, hence "shared"."""
    energy = phases("Kuramoto", "lattice:20x20")
    backend = backend_for("numpy")
    first = {}
    for start in ("network", "shared"):
        network = GraphNetwork(2, 8, network_start=start, readout="value", propagation="self")
        objective = Objective(energy, energy.random_start(0), backend, network, seed=0)
        first[start] = energy.value(objective.field(objective.start)) / -760
    assert first["network"] > 0.8 and abs(first["shared"]) < 0.1


def test_a_circle_needs_one_phase_a_node():
    ring = meshrep.graph_from("ring:8")
    energy = meshrep.FunctionEnergy(ring, lambda w: (float((w * w).sum()), 2 * w), shape=(8, 2))
    with pytest.raises(meshrep.InputError, match="one phase a node"):
        Objective(
            energy, energy.random_start(), backend_for("numpy"), GraphNetwork(readout="circle")
        )
    with pytest.raises(meshrep.InputError, match="auto, value or circle"):
        GraphNetwork(readout="square")


@pytest.mark.parametrize(("name", "kind"), [("kuramoto", "self"), ("hopf", "square")])
def test_networks_propagate_as_the_energy_says(name, kind):
    energy = PROBLEMS[name]()
    backend = backend_for("numpy")
    fields = [
        Objective(
            energy, energy.random_start(), backend,
            GraphNetwork(propagation=propagation, network_start="network"),
        )
        for propagation in ("auto", kind, "sym")
    ]  # fmt: skip
    auto, named, other = (objective.field(objective.start) for objective in fields)
    np.testing.assert_array_equal(auto, named)
    assert (auto != other).any()


# Newton's ends


@pytest.mark.parametrize("name", PROBLEMS)
def test_newton_ends_at_a_second_order_point_and_says_so(name):
    energy = PROBLEMS[name]()
    solution = meshrep.solve(energy, "newton", seed=3)
    assert solution.result is Result.CONVERGED and solution.grad_norm < 1e-9
    (note,) = (note for note in solution.notes if note.startswith("least eigenvalue"))
    assert note.startswith("least eigenvalue of the Hessian modulo the shift ")
    least = curvatures(energy, solution.field)[0]
    assert least > -1e-7 * energy.steepest(solution.field)
    assert float(note.split()[-1]) == pytest.approx(least, rel=0.01, abs=1e-9)


def test_newton_says_nothing_of_a_convex_energy():
    notes = meshrep.solve(heat("lattice:8x8"), "newton").notes
    assert not any("eigenvalue" in note for note in notes)


def test_newton_says_nothing_of_an_end_that_is_none():
    notes = meshrep.solve(PROBLEMS["glass"](), "newton", max_steps=2).notes
    assert not any("eigenvalue" in note for note in notes)


def test_newton_leaves_the_maximum_of_each_component():
    """All opposed on bipartite pieces: a start without a gradient, and a node without an edge."""
    energy = Kuramoto(meshrep.Graph.from_edges(8, [[0, 1], [1, 2], [2, 3], [4, 5], [5, 6]]))
    start = np.pi * np.array([0, 1, 0, 1, 0, 1, 0, 0.3])
    assert np.abs(energy.gradient(start)).max() < 1e-12 and energy.value(start) > 4.99
    solution = meshrep.solve(energy, "newton", start=start)
    assert solution.energy == pytest.approx(-5) and solution.field[7] == start[7]
    assert curvatures(energy, solution.field)[0] == pytest.approx(2 - 2**0.5)
    assert any("saddle" in note for note in solution.notes)


@pytest.mark.parametrize("linear", ["auto", "direct", "cg"])
def test_newton_leaves_a_saddle_by_any_linear_solver(linear):
    energy = Kuramoto(meshrep.graph_from("ring:9"))
    start = 2 * np.pi * 4 * np.arange(9) / 9
    solver = Solver(Newton(linear), stopping=Stopping(max_steps=500, gtol=1e-10))
    solution = meshrep.solve(energy, solver, start=start)
    assert curvatures(energy, solution.field)[0] > 0.01


def test_newton_rests_where_nothing_is_free():
    lone = meshrep.Graph.from_edges(3, [])
    solution = meshrep.solve(Kuramoto(lone), "newton")
    assert solution.energy == 0 and solution.steps == 0


def test_held_phases_leave_no_gauge():
    from meshrep.minimisers.newton import gauge_of

    for energy, gauged in ((PROBLEMS["glass"](), True), (heat("lattice:8x8"), False)):
        assert (gauge_of(energy, 64).part_of is not None) == gauged
    assert gauge_of(PROBLEMS["glass"](), 63).part_of is None


def test_samples_are_taken_off_the_clock_and_end_with_the_field(clock):
    energy = PROBLEMS["glass"]()

    def slow(w):
        clock.now += 10.0
        return w.copy()

    solver = Solver(LBFGS(), stopping=Stopping(max_steps=30), then=Solver(Newton()))
    solution = meshrep.solve(energy, solver, sample=slow, seed=3)
    steps = [sample.step for sample in solution.samples]
    seconds = [sample.seconds for sample in solution.samples]
    assert steps[0] == 0 and steps[-1] == solution.steps and len(steps) > 15
    assert sorted(steps) == steps and sorted(seconds) == seconds
    assert solution.solve_s < 10.0 < solution.sampling_s
    np.testing.assert_array_equal(solution.samples[0].value, energy.random_start(3))
    np.testing.assert_array_equal(solution.samples[-1].value, solution.field)
    assert solution.samples[-1].seconds == solution.solve_s
    assert not meshrep.solve(energy, solver, seed=3).samples


def test_a_sampler_changes_nothing():
    energy = phases("HopfKuramoto", "lattice:8x8")
    assert isinstance(energy, HopfKuramoto) and not isinstance(energy, XYGlass)
    for solver in ("adam", "lbfgs", "newton", "rk4"):
        plain, sampled = (
            meshrep.solve(energy, solver, seed=1, max_steps=50, sample=sample)
            for sample in (None, np.copy)
        )
        np.testing.assert_array_equal(plain.field, sampled.field)
        assert sampled.evaluations == plain.evaluations


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["rk4", "nesterov", "gd"])
def test_single_precision_ends_by_itself(solver):
    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:20x20"))
    end = meshrep.solve(energy, solver, dtype="float32", seed=2, max_seconds=60)
    assert end.result in (Result.CONVERGED, Result.FLAT)


def test_newton_says_so_where_it_could_not_look(monkeypatch):
    from meshrep.minimisers import newton

    monkeypatch.setattr(newton, "least_eigenvalue", lambda *_: None)
    end = meshrep.solve(PROBLEMS["glass"](), "newton")
    assert end.result is Result.CONVERGED and "was not computed" in end.notes[-1]


def test_a_network_says_what_it_began_with():
    energy = PROBLEMS["kuramoto"]()
    end = meshrep.solve(energy, "gcn", network_start="network", readout="value")
    assert end.start_energy == pytest.approx(end.history.energy[0], rel=1e-9)
    assert end.start_energy != pytest.approx(energy.value(energy.random_start(0)), rel=1e-3)
