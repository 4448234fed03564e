"""Oscillators: the definition in loops, known states, derivatives, back ends, unusable input."""

import numpy as np
import pytest
from problems_of_tests import OSCILLATORS, phases, pieces
from taylor import taylor_slopes

import meshrep
from meshrep.base.backends import NumpyBackend, backend_for, installed
from meshrep.energies.evaluator import ByHost
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto, HopfKuramotoPrinted
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.graphs.operators import absolute_row_sums
from meshrep.numerics.gauge import Gauge
from meshrep.numerics.least import least_eigenvalue

LAWS = {  # (α, β, γ) of PHYSICS.md's ordered sums
    "kuramoto": (-0.5, 0.0, 0.0),
    "hopf": (-0.5, 0.0, 0.5),
    "hopf, s1 < 0": (-0.5 * 1.4 * -0.7, 0.0, 0.3),
    "hopf, s2 < 0": (-0.5 * -0.5 * 0.6, 0.0, -0.2),
    "hopf, s1 = 0": (0.0, 0.0, 0.8),
    "printed": (0.8, 0.3, 0.0),
    "any law": (0.3, -0.2, 0.4),
    "any law in pieces": (-0.4, 0.5, -0.3),
}


def neighbours(energy):
    """For each node the pairs (neighbour, coupling)."""
    J = energy.coupling.toarray()
    return [[(j, J[i, j]) for j in np.flatnonzero(J[i])] for i in range(len(J))]


def slow_value(energy, phi, law):
    """Σ_i α C_i + β C_i² + γ S_i² by loops."""
    total = 0.0
    for i, around in enumerate(neighbours(energy)):
        C = sum(a * np.cos(phi[j] - phi[i]) for j, a in around)
        S = sum(a * np.sin(phi[j] - phi[i]) for j, a in around)
        total += law[0] * C + law[1] * C**2 + law[2] * S**2
    return total


def triple_sum(energy, phi, s1, s2, c):
    """dφ/dt of PHYSICS.md §3, as it is written."""
    near = neighbours(energy)
    flow = np.zeros(len(phi))
    for j in range(len(phi)):
        for k, _ in near[j]:
            flow[j] += c * np.cos(phi[k] - phi[j]) + c * s1 * np.sin(phi[k] - phi[j])
            for i, _ in near[k]:
                flow[j] += s2 * np.sin(2 * phi[k] - phi[i] - phi[j])
                flow[j] -= s2 * np.sin(phi[i] - phi[j])
            for i, _ in near[j]:
                flow[j] += s2 * np.sin(phi[k] + phi[i] - 2 * phi[j])
    return flow


def twisted(n, q):
    """A ring and its state of q turns."""
    return meshrep.graph_from(f"ring:{n}"), 2 * np.pi * q * np.arange(n) / n


def two(frequencies, coupling=0.8):
    pair = meshrep.Graph.from_edges(2, [[0, 1]])
    return Kuramoto(pair, coupling, frequencies)


# The definition


def test_a_kuramoto_edge_counts_once():
    graph = meshrep.graph_from("triangular:4x4")
    K = np.random.default_rng(0).standard_normal(graph.m)
    energy = Kuramoto(graph.with_weights(np.linspace(1, 2, graph.m)), K)
    phi = energy.random_start(1)
    across = phi[graph.edges[:, 0]] - phi[graph.edges[:, 1]]
    expected = -(K * np.linspace(1, 2, graph.m) * np.cos(across)).sum()
    assert energy.value(phi) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", LAWS)
def test_value_is_the_sum_over_ordered_pairs(name):
    energy = OSCILLATORS[name]()
    phi = energy.random_start(5)
    assert energy.value(phi) == pytest.approx(slow_value(energy, phi, LAWS[name]), rel=1e-12)


@pytest.mark.parametrize("s1, s2, c", [(1.0, 0.5, 1.0), (-0.6, 0.3, 1.7), (0.4, -0.25, -0.8)])
@pytest.mark.parametrize("graph", ["lattice:4x4", "er:40:degree=2", "pieces"])
def test_the_hopf_flow_is_the_triple_sum(graph, s1, s2, c):
    energy = phases("HopfKuramoto", graph, s1, s2, c)
    phi = energy.random_start(2)
    flow = triple_sum(energy, phi, s1, s2, c)
    np.testing.assert_allclose(energy.judge.velocity(phi), flow, atol=1e-10)
    cosines = triple_sum(energy, phi, 0.0, 0.0, c)
    np.testing.assert_allclose(-energy.gradient(phi), flow - cosines, atol=1e-10)


def test_the_printed_loss_is_not_that_potential():
    """It is another function, with the signs of s₁ and s₂ wrong: minimising it goes uphill."""
    graph = meshrep.graph_from("lattice:4x4")
    right, printed = HopfKuramoto(graph, 0.5, 0.2), HopfKuramotoPrinted(graph, 0.5, 0.2)
    phi = right.random_start(0)
    flow = triple_sum(right, phi, 0.5, 0.2, 1.0) - triple_sum(right, phi, 0.0, 0.0, 1.0)
    np.testing.assert_allclose(-right.gradient(phi), flow, atol=1e-10)
    assert np.abs(-printed.gradient(phi) - flow).max() > 1
    assert printed.gradient(phi) @ right.gradient(phi) < 0


def test_the_cosine_term_is_in_the_flow_and_not_in_the_energy():
    graph = meshrep.graph_from("lattice:4x4")
    one, other = HopfKuramoto(graph, 1.0, 0.5, 1.0), HopfKuramoto(graph, 0.5, 0.5, 2.0)
    phi = one.random_start(0)
    assert one.value(phi) == pytest.approx(other.value(phi), rel=1e-14)
    C = one.coupling @ np.cos(phi) * np.cos(phi) + one.coupling @ np.sin(phi) * np.sin(phi)
    np.testing.assert_allclose(other.judge.velocity(phi) - one.judge.velocity(phi), C, atol=1e-12)


def test_frequencies_only_drive_the_flow():
    graph = meshrep.graph_from("lattice:4x4")
    omega = np.linspace(-1, 1, graph.n)
    still, driven = Kuramoto(graph, 2.0), Kuramoto(graph, 2.0, omega)
    phi = still.random_start(0)
    assert still.value(phi) == driven.value(phi)
    np.testing.assert_array_equal(still.gradient(phi), driven.gradient(phi))
    difference = driven.judge.velocity(phi) - still.judge.velocity(phi)
    np.testing.assert_allclose(difference, omega, atol=1e-13)


# Known states


def test_synchronised_phases_have_minus_one_an_edge():
    graph = meshrep.graph_from("lattice:50x50")
    energy = Kuramoto(graph)
    assert energy.value(np.full(2500, 1.7)) == pytest.approx(-4900, rel=1e-13)
    assert energy.measures(np.full(2500, 1.7)) == {"rho": pytest.approx(1.0), "vortices": 0}
    assert HopfKuramoto(graph, 0.5, 3.0, 2.0).value(np.zeros(2500)) == pytest.approx(-4900)
    assert HopfKuramotoPrinted(graph, 1.0, 0.0).value(np.zeros(2500)) == pytest.approx(9800)


def test_hopf_curves_as_twice_the_squared_laplacian():
    graph = meshrep.graph_from("triangular:4x4")
    L = np.diag(graph.degree) - graph.adjacency.toarray()
    energy = HopfKuramoto(graph, 0.7, 0.3, 1.5)
    expected = 0.7 * 1.5 * L + 2 * 0.3 * L @ L
    np.testing.assert_allclose(energy.hessian(np.zeros(graph.n)).toarray(), expected, atol=1e-12)


@pytest.mark.parametrize("n", [5, 8, 11, 16, 23])
def test_a_twisted_ring_is_stable_up_to_a_quarter_turn_an_edge(n):
    for q in range(-(n // 2), n // 2 + 1):
        ring, phi = twisted(n, q)
        energy = Kuramoto(ring)
        np.testing.assert_allclose(energy.gradient(phi), 0, atol=1e-12)
        step = np.cos(2 * np.pi * q / n)
        assert energy.value(phi) == pytest.approx(-n * step, abs=1e-11)
        least, _ = least_eigenvalue(energy.hessian(phi), Gauge(ring.component_of, n))
        modes = step * 2 * (1 - np.cos(2 * np.pi * np.arange(1, n) / n))
        assert least == pytest.approx(modes.min(), abs=1e-11)
        if 4 * abs(q) != n:  # there the Hessian vanishes
            assert (least > 1e-3) == (abs(q) < n / 4) and (least < -1e-3) == (abs(q) > n / 4)


@pytest.mark.slow
@pytest.mark.parametrize("n, q", [(8, 1), (12, 2), (17, -4)])
def test_newton_stays_at_a_stable_twist(n, q):
    ring, phi = twisted(n, q)
    solution = meshrep.solve(Kuramoto(ring), "newton", start=phi)
    np.testing.assert_allclose(solution.field, phi, atol=1e-9)
    assert solution.energy == pytest.approx(-n * np.cos(2 * np.pi * q / n), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("n, q", [(8, 3), (12, -5), (17, 5), (9, 4)])
def test_newton_leaves_an_unstable_twist(n, q):
    ring, phi = twisted(n, q)
    energy = Kuramoto(ring)
    solution = meshrep.solve(energy, "newton", start=phi)
    assert solution.energy < energy.value(phi) - 0.5
    least, _ = least_eigenvalue(energy.hessian(solution.field), Gauge(ring.component_of, n))
    assert least > 1e-3 and solution.grad_norm < 1e-9
    assert any("saddles along negative curvature" in note for note in solution.notes)


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 1.5])
def test_two_oscillators_lock_at_their_angle(apart):
    """sin Δφ = Δω/(2K) for K = 0.8."""
    path = meshrep.integrate(two([0.3, 0.3 + apart]), 60.0, start=np.array([0.2, 2.0]))
    behind = path.fields[-1][1] - path.fields[-1][0]
    assert np.sin(behind) == pytest.approx(apart / 1.6, abs=1e-7) and np.cos(behind) > 0
    assert path.locked()
    np.testing.assert_allclose(path.frequencies, 0.3 + apart / 2, atol=1e-6)


@pytest.mark.parametrize("apart", [1.65, 2.5])
def test_two_oscillators_beyond_that_drift(apart):
    """Their beat is √(Δω² − 4K²)."""
    path = meshrep.integrate(two([0.0, apart]), 400.0, start=np.zeros(2), frames=400)
    assert not path.locked()
    beat = (path.frequencies[1] - path.frequencies[0]) / np.sqrt(apart**2 - 1.6**2)
    assert beat == pytest.approx(1.0, abs=0.06)


# The printed loss's bound


def printed_bound(energy):
    """Σ_i min of s₁C + s₂C² over |C| ≤ Σ_j|J_ij|: −s₁²/(4s₂) where that C is in reach."""
    s1, s2, most = energy.s1, energy.s2, absolute_row_sums(energy.coupling)
    ends = np.minimum(s1 * most, -s1 * most) + s2 * most**2
    if s2 <= 0:
        return ends.sum()
    inside = abs(s1 / (2 * s2)) <= most
    return np.where(inside, -(s1**2) / (4 * s2), ends).sum()


@pytest.mark.parametrize("s1, s2", [(1.0, 0.5), (-0.7, 0.1), (1.0, 0.05), (-1.0, -0.2), (0.0, 0.3)])
def test_no_field_breaks_the_printed_bound(s1, s2):
    for graph in ("lattice:5x5", "er:40:degree=2"):
        energy = phases("HopfKuramotoPrinted", graph, s1, s2)
        values = [energy.value(energy.random_start(seed)) for seed in range(40)]
        assert min(values) >= printed_bound(energy) - 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(
    "s1, s2, bound",
    [
        (1.0, 0.5, -100 * 0.5),  # −s₁²/(4s₂) a node
        (1.0, 0.05, -2 * 180 + 0.05 * (64 * 16 + 32 * 9 + 4 * 4)),  # every edge opposed
        (-1.0, -0.2, -2 * 180 - 0.2 * (64 * 16 + 32 * 9 + 4 * 4)),  # all in phase
    ],
)
def test_minimisers_nearly_reach_the_printed_bound(s1, s2, bound):
    energy = phases("HopfKuramotoPrinted", "lattice:10x10", s1, s2)
    assert printed_bound(energy) == pytest.approx(bound, rel=1e-12)
    found = meshrep.solve(energy, "lbfgs", restarts=3).energy
    assert bound - 1e-9 <= found <= bound + 0.01 * abs(bound)


# Derivatives


@pytest.mark.parametrize("name", OSCILLATORS)
def test_taylor_slopes(name):
    energy = OSCILLATORS[name]()
    rng = np.random.default_rng(3)
    slopes = [
        taylor_slopes(energy, energy.random_start(seed), rng.standard_normal(energy.shape))
        for seed in range(7)
    ]
    gradient, hessian = np.median(slopes, axis=0)
    assert gradient == pytest.approx(2.0, abs=0.05)
    assert hessian == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("name", OSCILLATORS)
def test_hessian_is_symmetric_and_what_products_and_differences_say(name):
    energy = OSCILLATORS[name]()
    w = energy.random_start(2)
    H = energy.hessian(w)
    np.testing.assert_allclose(H.toarray(), H.toarray().T, atol=1e-12)
    v = np.random.default_rng(0).standard_normal(energy.graph.n)
    np.testing.assert_allclose(H @ v, energy.hvp(w, v), rtol=1e-11, atol=1e-11)
    h = 1e-5
    difference = (energy.gradient(w + h * v) - energy.gradient(w - h * v)) / (2 * h)
    np.testing.assert_allclose(H @ v, difference, atol=1e-6)


@pytest.mark.parametrize("name", OSCILLATORS)
def test_velocity_jacobian_is_the_derivative_of_the_flow(name):
    energy = OSCILLATORS[name]()
    w, h = energy.random_start(2), 1e-5
    v = np.random.default_rng(0).standard_normal(energy.graph.n)
    up, down = energy.judge.velocity(w + h * v), energy.judge.velocity(w - h * v)
    np.testing.assert_allclose(energy.velocity_jacobian(w) @ v, (up - down) / (2 * h), atol=1e-6)


def test_a_torque_makes_the_flows_jacobian_lopsided():
    """So the flow has no potential."""
    energy = phases("HopfKuramoto", c=1.0)
    jacobian = energy.velocity_jacobian(energy.random_start(2)).toarray()
    assert np.abs(jacobian - jacobian.T).max() > 0.5


@pytest.mark.parametrize("name", OSCILLATORS)
def test_shifts_of_components_and_whole_turns_cost_nothing(name):
    energy = OSCILLATORS[name]()
    graph, w = energy.graph, energy.random_start(6)
    value, gradient = energy.value(w), energy.gradient(w)
    rng = np.random.default_rng(1)
    turns = 2 * np.pi * rng.integers(-3, 4, graph.n)
    moved = w + rng.standard_normal(graph.component_count)[graph.component_of] + turns
    assert energy.value(moved) == pytest.approx(value, rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(energy.gradient(moved), gradient, atol=1e-12)
    H = energy.hessian(w)
    for part in range(graph.component_count):
        ones = (graph.component_of == part).astype(float)
        np.testing.assert_allclose(H @ ones, 0, atol=1e-12)
        assert gradient @ ones == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("solver", ["gd", "lbfgs", "newton", "rk4"])
@pytest.mark.parametrize("name", ["hopf, s1 = 0", "any law in pieces", "gaussian glass"])
def test_nodes_without_edges_stay(name, solver):
    energy = OSCILLATORS[name]()
    alone = np.flatnonzero(energy.graph.degree == 0)
    start = energy.random_start(3)
    assert len(alone) >= 2
    np.testing.assert_array_equal(energy.gradient(start)[alone], 0)
    np.testing.assert_array_equal(energy.judge.velocity(start)[alone], 0)
    solution = meshrep.solve(energy, solver, start=start, max_steps=200)
    np.testing.assert_array_equal(solution.field[alone], start[alone])
    assert solution.energy < solution.start_energy - 0.1


def test_the_bound_of_the_curvature_holds_everywhere():
    for build in OSCILLATORS.values():
        energy = build()
        for seed in range(10):
            w = energy.random_start(seed)
            H = energy.hessian(w).toarray()
            assert np.abs(np.linalg.eigvalsh(H)).max() <= energy.steepest(w)
            rates = np.linalg.eigvals(energy.velocity_jacobian(w).toarray())
            assert np.abs(rates).max() <= energy.stiffness(w)


def test_on_a_mesh_of_triangles(sphere):
    """Values, products and Hessian on a closed surface, whose vortices sum to nothing."""
    energy = HopfKuramoto(sphere(1), 0.4, 0.2)
    w = energy.random_start(0)
    assert energy.value(w) == pytest.approx(slow_value(energy, w, (-0.2, 0.0, 0.2)), rel=1e-12)
    assert energy.measures(w)["vortices"] > 0
    assert meshrep.solve(energy, "newton", start=0.1 * w).energy == pytest.approx(-0.4 * 120)


def test_on_the_bunny():
    graph = meshrep.graph_from("bunny.ply")
    energy = XYGlass(graph, "gaussian", seed=1)
    w = energy.random_start(0)
    v = np.random.default_rng(0).standard_normal(graph.n)
    np.testing.assert_allclose(energy.hessian(w) @ v, energy.hvp(w, v), atol=1e-11)
    assert taylor_slopes(energy, w, v)[0] == pytest.approx(2.0, abs=0.05)


# Sums


def test_energies_of_phases_add_and_scale():
    graph = meshrep.graph_from("lattice:5x5")
    one, other = Kuramoto(graph, 2.0), HopfKuramoto(graph, 0.3, 0.4, 1.2)
    both = one + 0.5 * other
    w = one.random_start(1)
    v = np.random.default_rng(2).standard_normal(graph.n)
    for name in ("value", "gradient", "hessian", "velocity_jacobian"):
        found, a, b = (getattr(energy, name)(w) for energy in (both, one, other))
        assert np.max(abs(found - (a + 0.5 * b))) < 1e-12, name
    np.testing.assert_allclose(both.hvp(w, v), both.hessian(w) @ v, atol=1e-12)
    flow = one.judge.velocity(w) + 0.5 * other.judge.velocity(w)
    np.testing.assert_allclose(both.judge.velocity(w), flow, atol=1e-12)
    slopes = taylor_slopes(both, w, v)
    assert slopes[0] == pytest.approx(2, abs=0.05) and slopes[1] == pytest.approx(3, abs=0.2)
    assert both.quantity == "phase" and both.shift_invariant and both.has_hessian
    solution = meshrep.solve(both, "newton", start=0.2 * w)
    assert solution.energy == pytest.approx(-2.0 * 40 - 0.5 * 0.3 * 1.2 * 40, rel=1e-12)
    assert solution.measures["rho"] == pytest.approx(1)


# Back ends


@pytest.mark.parametrize("kind", ["numba", "torch"])
@pytest.mark.parametrize("name", OSCILLATORS)
def test_back_ends_agree(name, kind):
    pytest.importorskip(kind)
    energy, backend = OSCILLATORS[name](), backend_for(kind, "cpu")
    energy.omega = np.linspace(-1, 1, energy.graph.n)
    w, v = energy.random_start(4), np.random.default_rng(1).standard_normal(energy.graph.n)
    plain = energy.formula(NumpyBackend())
    expected, gradient = plain.value_and_grad(w)
    evaluators = energy.on(backend), energy.formula(backend)
    if kind == "torch":
        assert isinstance(evaluators[0], ByHost) == installed("numba")
    for evaluator in evaluators:
        value, found = evaluator.value_and_grad(backend.asarray(w))
        assert float(value) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(backend.to_numpy(found), gradient, rtol=1e-11, atol=1e-11)
        product = evaluator.hvp(backend.asarray(w), backend.asarray(v))
        np.testing.assert_allclose(backend.to_numpy(product), plain.hvp(w, v), atol=1e-11)
        flow = evaluator.velocity(backend.asarray(w))
        np.testing.assert_allclose(backend.to_numpy(flow), plain.velocity(w), atol=1e-11)


@pytest.mark.parametrize("name", OSCILLATORS)
def test_torch_can_differentiate_the_value(name):
    pytest.importorskip("torch")
    energy, backend = OSCILLATORS[name](), backend_for("torch", "cpu")
    w = backend.asarray(energy.random_start(0)).requires_grad_(True)
    value = energy.formula(backend).value(w)
    value.backward()
    phi = w.detach().numpy()
    assert value.item() == pytest.approx(energy.value(phi), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(w.grad.numpy(), energy.gradient(phi), rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numpy", "numba", "torch"])
@pytest.mark.parametrize("name", ["kuramoto", "hopf", "printed"])
def test_float32_is_close(name, kind):
    pytest.importorskip(kind)
    energy, backend = OSCILLATORS[name](), backend_for(kind, "cpu", "float32")
    w = energy.random_start(0)
    value, gradient = energy.on(backend).value_and_grad(backend.asarray(w))
    assert float(value) == pytest.approx(energy.value(w), rel=1e-5, abs=1e-4)
    assert str(gradient.dtype).endswith("float32")
    np.testing.assert_allclose(backend.to_numpy(gradient), energy.gradient(w), atol=2e-5)


# Glasses


def test_a_binary_glass_has_signs_and_a_gaussian_one_normal_couplings():
    graph = meshrep.graph_from("lattice:60x60")
    signs = XYGlass(graph, seed=1).coupling.data
    assert set(np.unique(signs)) == {-1.0, 1.0} and abs(signs.mean()) < 0.05
    normal = XYGlass(graph, "gaussian", seed=1).coupling.data
    assert abs(normal.mean()) < 0.05 and normal.std() == pytest.approx(1, abs=0.05)
    assert np.mean(np.abs(normal) < 0.6745) == pytest.approx(0.5, abs=0.02)


def test_a_glass_multiplies_the_weights():
    graph = meshrep.graph_from("ring:30").with_weights(np.linspace(1, 2, 30))
    found = abs(XYGlass(graph, seed=2).coupling.toarray())[tuple(graph.edges.T)]
    np.testing.assert_allclose(found, np.linspace(1, 2, 30))


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_seeds_choose_a_glass(kind):
    graph = meshrep.graph_from("lattice:12x12")
    one, same, other = (XYGlass(graph, kind, seed).coupling.toarray() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(one, one.T)
    assert (one != other).any()
    assert XYGlass(graph, kind, 2).settings()["coupling_seed"] == 2


def test_settings_say_how_couplings_spread():
    ring = meshrep.graph_from("ring:8")
    assert Kuramoto(ring, 2.0).settings()["coupling"] == [2.0, 2.0]
    assert Kuramoto(ring, np.linspace(-3, -1, 8)).settings()["coupling"] == [-3.0, -1.0]


def test_starts_are_uniform_on_the_circle():
    start = phases("Kuramoto", "lattice:60x60").random_start(4)
    assert 0 <= start.min() < 0.01 and 2 * np.pi - 0.01 < start.max() < 2 * np.pi
    assert phases("Kuramoto", "lattice:60x60").watched(start) < 0.05


# What cannot be used


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda g: Kuramoto(g, np.ones(3)), "K must be a number or one for each edge"),
        (lambda g: Kuramoto(g, np.ones((8, 1))), "K must be"),
        (lambda g: Kuramoto(g, np.nan), "K holds a NaN"),
        (lambda g: Kuramoto(g, np.r_[np.ones(5), np.inf, 1, 1]), "first at edge 5"),
        (lambda g: Kuramoto(g, 1.0, np.ones(3)), "omega must be a number or one for each"),
        (lambda g: Kuramoto(g, 1.0, np.r_[0, np.nan, np.zeros(6)]), "first at node 1"),
        (lambda g: Kuramoto(g, 1.0, np.inf), "omega holds a NaN or an infinite"),
        (lambda g: XYGlass(g, "ternary"), "choose binary or gaussian"),
        (lambda g: XYGlass(g, seed=-1), "seed must be a whole number of 0"),
        (lambda g: HopfKuramoto(g, s1=np.nan), "s1 must be a finite number"),
        (lambda g: HopfKuramoto(g, s2=np.inf), "s2 must be a finite number"),
        (lambda g: HopfKuramoto(g, c=np.nan), "c must be a finite number"),
        (lambda g: HopfKuramotoPrinted(g, np.nan), "s1 must be a finite number"),
        (lambda g: Oscillators(g, 1.0, (0.0, np.nan, 1.0)), "coefficient must be a finite"),
        (lambda g: Kuramoto(g) + Kuramoto(pieces()), "share one graph"),
        (lambda g: np.inf * Kuramoto(g), "factor must be a finite"),
    ],
)
def test_unusable_settings_are_one_sentence(build, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        build(meshrep.graph_from("ring:8"))
    assert "\n" not in str(caught.value)


def test_frequencies_that_differ_cannot_be_minimised():
    graph = meshrep.graph_from("ring:8")
    tilted = Kuramoto(graph, 1.0, np.linspace(0, 1, 8))
    for energy in (tilted, tilted + Kuramoto(graph)):
        for call in (meshrep.solve, lambda e: meshrep.compare(e, ["lbfgs"])):
            with pytest.raises(meshrep.InputError, match=r"no minimum.*meshrep\.integrate") as got:
                call(energy)
            assert "\n" not in str(got.value)
    turning = Kuramoto(graph, 1.0, 0.4)  # one frequency: at rest in a turning frame
    assert meshrep.solve(turning, "lbfgs", start=np.linspace(0, 1, 8)).energy == pytest.approx(-8)


def test_oscillators_scale_and_add_to_oscillators():
    graph = meshrep.graph_from("lattice:6x6")
    coupling = np.random.default_rng(0).standard_normal(graph.m)
    one = Oscillators(graph, coupling, (-0.5, 0.0, 0.1), np.linspace(0, 1, 36), 0.3)
    two = Oscillators(graph, coupling, (0.2, 0.1, 0.0), 0.5, -0.1)
    both = 2 * one + two
    assert isinstance(both, Oscillators) and both.law == pytest.approx((-0.8, 0.1, 0.2))
    w = both.random_start(1)
    assert both.value(w) == pytest.approx(2 * one.value(w) + two.value(w), rel=1e-12)
    rate = 2 * one.judge.velocity(w) + two.judge.velocity(w)
    np.testing.assert_allclose(both.judge.velocity(w), rate, atol=1e-12)
    assert not isinstance(one + Kuramoto(graph), Oscillators)  # other couplings: a plain sum
    assert meshrep.solve(3 * Kuramoto(graph), "lift").energy == pytest.approx(-180)
