"""What an energy of phases tells "lift" and "anneal", also a sum of several and one of a user's."""

import numpy as np
import pytest

import meshrep
from meshrep import HeatBath, Solver
from meshrep.base.backends import installed
from meshrep.energies.custom import FunctionEnergy
from meshrep.energies.phase_law import PhaseLaw
from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto
from meshrep.energies.phases.kuramoto import Kuramoto, XYGlass
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.lift import Lift

GRAPH = meshrep.graph_from("lattice:6x5")
SWEEPERS = [
    "lift",
    pytest.param("anneal", marks=pytest.mark.skipif(not installed("numba"), reason="needs numba")),
]


def of_law(law, phi):
    """The energy of a law, summed over all pairs of nodes."""
    J, across = law.coupling.toarray(), phi[None, :] - phi[:, None]
    C, S = (J * np.cos(across)).sum(axis=1), (J * np.sin(across)).sum(axis=1)
    return (law.alpha * C + law.beta * C**2 + law.gamma * S**2).sum()


def several():
    """Sums of phases, whose law is one of all terms."""
    uneven = np.linspace(-1.0, 2.0, GRAPH.m)
    return {
        "one": HopfKuramoto(GRAPH),
        "couplings that differ": 2.0 * XYGlass(GRAPH, seed=1) + Kuramoto(GRAPH, uneven),
        "laws that differ": HopfKuramoto(GRAPH) + 0.5 * Kuramoto(GRAPH),
        "three": XYGlass(GRAPH) + Kuramoto(GRAPH, uneven) + Oscillators(GRAPH, 1.0, (0.7, 0, 0)),
    }


@pytest.mark.parametrize("name", several())
def test_the_law_is_that_of_the_energy(name):
    energy = several()[name]
    for seed in range(3):
        phi = energy.random_start(seed)
        assert of_law(energy.phase_law, phi) == pytest.approx(energy.value(phi), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SWEEPERS)
def test_a_sum_is_swept_as_its_parts_are(solver):
    """The sum of two glasses has the ground state of the glass of summed couplings."""
    J = np.random.default_rng(3).standard_normal((2, GRAPH.m))
    whole = Kuramoto(GRAPH, J.sum(axis=0))
    parts = Kuramoto(GRAPH, J[0]) + Kuramoto(GRAPH, J[1])
    start = whole.random_start(0)
    one = meshrep.solve(whole, solver, start=start)
    two = meshrep.solve(parts, solver, start=start)
    assert two.energy == pytest.approx(one.energy, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "solver", [*SWEEPERS, Solver(Lift(), then=Solver(LBFGS()), name="arrays", backend="numpy")]
)
def test_an_energy_of_your_own_is_swept_and_its_fixed_nodes_rest(solver):
    base = XYGlass(GRAPH, seed=2)
    nodes, values = np.array([3, 17]), np.array([0.4, 2.0])

    def value_and_grad(phi):
        gradient = base.gradient(phi)
        gradient[nodes] = 0.0
        return base.value(phi), gradient

    energy = FunctionEnergy(GRAPH, value_and_grad)
    energy.fixed, energy.fixed_values = nodes, values
    with pytest.raises(meshrep.InputError, match="works on oscillators, not on FunctionEnergy"):
        meshrep.solve(energy, solver)
    energy.phase_law = PhaseLaw(base.coupling)
    found = meshrep.solve(energy, solver, start=base.random_start(0))
    np.testing.assert_array_equal(found.field[nodes], values)
    nearest = meshrep.solve(energy, "lbfgs", start=base.random_start(0))
    assert found.energy < nearest.energy - 0.1
    assert np.linalg.norm(energy.gradient(found.field)) < 1e-4


def test_what_has_no_law_together_is_refused_in_a_sentence():
    uneven = Kuramoto(GRAPH, np.linspace(0.1, 1.0, GRAPH.m))
    for energy in (HopfKuramoto(GRAPH) + uneven, Kuramoto(GRAPH) + HeatBath(GRAPH, [0], [29])):
        assert energy.phase_law is None
        with pytest.raises(meshrep.InputError, match="lift works on oscillators, not on Sum"):
            meshrep.solve(energy, "lift")
