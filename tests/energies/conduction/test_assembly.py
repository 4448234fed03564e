"""Assembly by kernels against NumPy, and the linear solve of parts whose materials differ much."""

import numpy as np
import pytest
from parts_of_tests import LINES, SOLIDS, SURFACES, box, mesh

import meshrep
from meshrep.base.backends import installed
from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.elements import DIMENSION

KINDS = {**LINES, **SURFACES, **SOLIDS}
PLAIN = {3, 5, 10}
TENSOR = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 1.0]])

needs_numba = pytest.mark.skipif(not installed("numba"), reason="needs numba")


def part_of(kind, conductivity):
    points, cells = box(kind, 3, distort=0.2)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    section = (lambda x, y, z: 1 + x**2) if DIMENSION[kind] < 3 else None
    graph = mesh(kind, points @ turn, cells)
    return Part(graph, conductivity, 1.0, section, section)


@needs_numba
@pytest.mark.parametrize("conductivity", [2.0, TENSOR, lambda x, y, z: 2 + x * y],
                         ids=["number", "matrix", "function"])  # fmt: skip
@pytest.mark.parametrize("name", KINDS)
def test_kernels_and_numpy_assemble_the_same_matrix(name, conductivity, monkeypatch):
    if KINDS[name] not in PLAIN:
        pytest.importorskip("skfem")
    made = part_of(KINDS[name], conductivity)
    for module in ("couplings", "blocks"):
        monkeypatch.setattr(f"meshrep.energies.conduction.{module}.installed", lambda name: False)
    slow = part_of(KINDS[name], conductivity)
    size = abs(slow.coupling).max()
    assert abs(made.coupling - slow.coupling).max() <= 1e-13 * size
    assert (made.coupling != made.coupling.T).nnz == 0
    assert made.coupling.has_canonical_format and not made.coupling.diagonal().any()
    assert made.volume == pytest.approx(slow.volume, rel=1e-13)
    np.testing.assert_allclose(made.load_of(1.0), slow.load_of(1.0), rtol=1e-12, atol=1e-15)
    assert abs(made.consistent - slow.consistent).max() <= 1e-13 * abs(slow.consistent).max()


@needs_numba
def test_a_node_that_a_cell_holds_twice_is_coupled_to_the_others_alone():
    pytest.importorskip("skfem")
    points, cells = box(12, 1)
    cells[0, 7] = cells[0, 6]
    coupling = part_of_cells(points, cells).coupling
    assert not coupling.diagonal().any()
    assert abs(coupling - coupling.T).max() <= 1e-15


def part_of_cells(points, cells):
    kept = np.unique(cells)
    graph = mesh(12, points[kept], np.searchsorted(kept, cells))
    return Part(graph, 1.0, 1.0, None, None)


@needs_numba
def test_threads_do_not_change_a_matrix(monkeypatch):
    made = part_of(10, 2.0).coupling
    monkeypatch.setattr("meshrep.base.limits.THREADS_FROM", 0)
    threaded = part_of(10, 2.0).coupling
    np.testing.assert_array_equal(made.data, threaded.data)
    np.testing.assert_array_equal(made.indices, threaded.indices)


@needs_numba
@pytest.mark.parametrize("contrast", [1e3, 1e6])
def test_steel_beside_rubber_is_one_linear_solve(contrast):
    points, cells = box(10, 13, distort=0.2)
    graph = mesh(10, points, cells)
    energy = meshrep.Conduction(
        graph, lambda x, y, z: np.where(x < 0.5, 50.0, 50.0 / contrast),
        fixed={"z < 1e-9": 80.0}, convection=[("x > 1 - 1e-9", 25.0, 20.0)],
        flux=[("y < 1e-9", 1500.0)], source=2e3,
    )  # fmt: skip
    assert energy.quadratic
    found = meshrep.solve(energy)
    assert found.result.word == "converged" and found.history.step[-1] == 1
    assert any("AMG-preconditioned CG" in note for note in found.notes)
    heat = energy.heat_through(found.field)
    assert abs(heat["balance"]) < 1e-10 * sum(abs(part) for part in heat.values())
    assert found.grad_norm < 1e-10


def test_only_an_energy_without_radiation_is_quadratic():
    graph = mesh(10, *box(10, 2))
    options = {"fixed": {"x < 1e-9": 300.0}, "kelvin": True}
    cold = meshrep.Conduction(graph, 1.0, **options)
    hot = meshrep.Conduction(graph, 1.0, radiation=[("x > 0.9", 0.8, 200.0)], **options)
    assert cold.quadratic and not hot.quadratic
    assert (cold + cold).quadratic and not (cold + hot).quadratic
