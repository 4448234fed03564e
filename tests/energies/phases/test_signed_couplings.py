"""Order, vortices and windings where couplings have both signs; windings of rings."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import meshrep
from meshrep.cli.outputs.fields import cell_fields, marks, node_fields
from meshrep.energies.phases.measures import clusters, local_order
from meshrep.energies.phases.vortices import charges, summary, vortices, winding
from meshrep.energies.sums import Sum
from meshrep.graphs.plaquettes import plaquettes

seeds = st.integers(0, 2**32 - 1)


def vortex(graph, x, y):
    return np.arctan2(graph.points[:, 1] - y, graph.points[:, 0] - x)


def ground(graph):
    """Phases of opposite neighbours on a square or cubic lattice."""
    return np.pi * (graph.points.sum(axis=1) % 2)


def gauge(graph, coupling, turned):
    """The couplings where some nodes (n,) are turned by half."""
    sign = np.where(turned, -1.0, 1.0)
    return coupling * sign[graph.edges].prod(axis=1)


def test_an_antiferromagnet_has_no_vortices():
    graph = meshrep.graph_from("lattice:30x30")
    energy = meshrep.Kuramoto(graph, -1.0)
    phi = ground(graph) + 1e-9 * np.random.default_rng(0).standard_normal(graph.n)
    assert vortices(graph, phi).count > 100  # what a coin toss gives
    found = vortices(graph, phi, -np.ones(graph.m))
    assert (found.count, found.frustrated, found.total) == (0, 0, 0)
    assert energy.measures(phi) == {"rho": pytest.approx(0, abs=1e-8), "vortices": 0}
    fields = node_fields(energy, phi)
    assert fields["local_order"] == pytest.approx(1)
    assert not fields["cluster"].any()
    assert not cell_fields(energy, phi)["vortex"](graph.cells).any()
    assert marks(energy, phi) == {}
    assert marks(Sum([(1.0, energy)]), phi) == {}


@pytest.mark.parametrize(
    "energy", [meshrep.HopfKuramotoPrinted(meshrep.graph_from("lattice:9x9"), 1.0, 0.1),
               meshrep.HopfKuramoto(meshrep.graph_from("lattice:9x9"), -1.0, 0.1)]
)  # fmt: skip
def test_neighbours_that_repel_want_to_be_opposite(energy):
    phi = ground(energy.graph) + 1e-9 * np.random.default_rng(0).standard_normal(81)
    assert energy.measures(phi)["vortices"] == 0
    assert node_fields(energy, phi)["local_order"] == pytest.approx(1)
    assert meshrep.HopfKuramoto(energy.graph, 1.0, 0.1).measures(phi)["vortices"] > 10
    assert meshrep.HopfKuramoto(energy.graph, 0.0, 0.1).measures(phi)["vortices"] > 10


def test_negative_weights_and_negative_couplings_make_a_positive_one():
    graph = meshrep.graph_from("lattice:9x9")
    graph = graph.with_weights(-np.ones(graph.m))
    phi = ground(graph) + 1e-9 * np.random.default_rng(0).standard_normal(81)
    assert meshrep.Kuramoto(graph).measures(phi)["vortices"] == 0
    assert meshrep.Kuramoto(graph, -1.0).measures(phi)["vortices"] > 10


@settings(max_examples=20, deadline=None)
@given(
    seeds, st.sampled_from(["lattice:9x7", "triangular:8x9:periodic", "lattice:4x4x4", "ring:9"])
)
def test_turning_nodes_with_their_couplings_changes_nothing(seed, spec):
    rng = np.random.default_rng(seed)
    graph = meshrep.graph_from(spec)
    phi, coupling = rng.uniform(0, 2 * np.pi, graph.n), rng.standard_normal(graph.m)
    turned = rng.random(graph.n) < 0.5
    there, other = phi + np.pi * turned, gauge(graph, coupling, turned)
    found, again = vortices(graph, phi, coupling), vortices(graph, there, other)
    assert again.charge.tolist() == found.charge.tolist()
    assert local_order(graph, there, other) == pytest.approx(local_order(graph, phi, coupling))
    near = clusters(graph, phi, 1.0, coupling)
    assert np.array_equal(clusters(graph, there, 1.0, other), near)
    if spec == "ring:9":
        assert winding(graph, there, other) == winding(graph, phi, coupling)


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["lattice:9x7", "triangular:8x9"]))
def test_charges_with_couplings_are_the_definition(seed, spec):
    rng = np.random.default_rng(seed)
    graph = meshrep.graph_from(spec)
    phi, coupling = rng.uniform(-9, 9, graph.n), rng.choice([-1.0, 1.0], graph.m)
    sign = dict(zip(map(tuple, graph.edges.tolist()), coupling, strict=True))
    expected, product = [], []
    for ring in np.split(plaquettes(graph).connectivity, plaquettes(graph).offsets[1:-1]):
        sides = [(a, b, sign[min(a, b), max(a, b)]) for a, b in pairwise([*ring, ring[0]])]
        d = [(phi[b] - phi[a]) / (2 * np.pi) - (0.5 if j < 0 else 0) for a, b, j in sides]
        expected.append(sum(x - round(x) for x in d))
        product.append(np.prod([j for _, _, j in sides]))
    found = vortices(graph, phi, coupling)
    assert found.charge == pytest.approx(np.array(expected), abs=1e-9)
    assert np.array_equal(2 * found.charge, np.rint(2 * found.charge))
    assert np.array_equal(found.charge % 1 == 0.5, np.array(product) < 0)
    assert found.frustrated == np.count_nonzero(np.array(product) < 0)
    assert found.count == len(found.points) == np.count_nonzero(np.abs(found.charge) > 0.5)
    assert np.array_equal(charges(graph.cells, phi, graph, coupling), found.charge)
    written = cell_fields(meshrep.Kuramoto(graph, coupling), phi)["vortex"]
    assert np.array_equal(written(graph.cells), found.charge)


@pytest.mark.parametrize("seed", range(4))
def test_a_disguised_vortex_is_one_vortex(seed):
    """Mattis' glass: couplings of both signs without frustration."""
    graph = meshrep.graph_from("lattice:12x12")
    turned = np.random.default_rng(seed).random(graph.n) < 0.5
    coupling = gauge(graph, np.ones(graph.m), turned)
    phi = vortex(graph, 4.6, 6.7) + np.pi * turned
    found = vortices(graph, phi, coupling)
    assert (found.count, found.total, found.frustrated) == (1, 1, 0)
    assert found.points.tolist() == [[4.5, 6.5, 0]] and found.signs.tolist() == [1]
    assert vortices(graph, phi).count > 10
    energy = meshrep.Kuramoto(graph, coupling)
    assert energy.measures(phi)["vortices"] == 1
    assert list(marks(energy, phi)) == ["vortices (1)"]


def test_charges_of_a_glass_on_closed_surfaces_cancel(sphere):
    rng = np.random.default_rng(0)
    for graph in (sphere(2), meshrep.graph_from("lattice:8x8:periodic")):
        coupling = rng.choice([-1.0, 1.0], graph.m)
        for phi in (rng.uniform(0, 2 * np.pi, graph.n), np.pi * rng.integers(0, 2, graph.n) / 2):
            assert vortices(graph, phi).total == 0
            found = vortices(graph, phi, coupling)
            assert found.total == 0 and found.frustrated > 5
            over = graph.cells.turned(np.ones(len(graph.cells), bool))
            assert np.array_equal(
                charges(over, phi, graph, coupling), -charges(graph.cells, phi, graph, coupling)
            )


def test_charge_has_the_type_of_its_values(lattice):
    phi = np.zeros(lattice.n)
    coupling = np.ones(lattice.m)
    assert vortices(lattice, phi, coupling).charge.dtype == np.int64
    coupling[0] = -1
    assert vortices(lattice, phi, coupling).charge.dtype == np.float64
    assert charges(lattice.cells, phi, lattice, np.abs(coupling)).dtype == np.int64
    assert not np.signbit(vortices(lattice, phi, coupling).charge[20:]).any()


def test_lines_of_frustration_pass_through_solids():
    """Beside one edge turned over, the four sides that hold it are frustrated."""
    graph = meshrep.graph_from("lattice:4x4x4")
    inside = 1.5 * np.ones(3)
    edge = np.linalg.norm(graph.points[graph.edges].mean(axis=1) - inside, axis=1).argmin()
    coupling = np.ones(graph.m)
    coupling[edge] = -1
    phi = 0.1 * np.random.default_rng(0).standard_normal(graph.n)
    found = charges(graph.cells, phi, graph, coupling)
    assert vortices(graph, phi, coupling).frustrated == 4
    assert sorted(found[found != 0]) == [0.5] * 4  # half of twice a half


# Rings


@pytest.mark.parametrize("q", [-5, -1, 0, 1, 3, 5])
def test_twisted_states_of_a_ring_wind(q):
    ring = meshrep.graph_from("ring:12")
    twisted = 2 * np.pi * q * np.arange(12) / 12 + 0.3
    assert winding(ring, twisted) == q
    measured = meshrep.Kuramoto(ring).measures(twisted)
    assert measured == {"rho": pytest.approx(float(q == 0), abs=1e-9), "winding": q}
    assert isinstance(measured["winding"], int)
    against = meshrep.Kuramoto(ring, -1.0).measures(twisted + np.pi * (np.arange(12) % 2))
    assert against["winding"] == q


def test_an_odd_ring_of_opposites_is_half_a_twist():
    ring = meshrep.graph_from("ring:9")
    phi = np.pi * 10 / 9 * np.arange(9)
    assert abs(winding(ring, phi, -np.ones(9))) == 0.5
    assert winding(ring, np.full(9, np.nan)) == 0


@pytest.mark.parametrize("spec", ["tree:2^4", "er:60:degree=3", "rgg:60"])
def test_networks_have_neither_vortices_nor_winding(spec):
    graph = meshrep.graph_from(spec)
    phi = np.random.default_rng(0).uniform(0, 6, graph.n)
    assert list(meshrep.XYGlass(graph).measures(phi)) == ["rho"]
    assert list(summary(graph, phi)) == ["rho"]
    assert cell_fields(meshrep.Kuramoto(graph), phi) == {}
