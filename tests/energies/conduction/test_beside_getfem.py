"""The same problem in another code, on hexahedra, pyramids, tetrahedra and wedges."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import meshrep
from meshrep.base.backends import installed

PEERS = Path(__file__).parents[2] / "peers"
PROBLEM = json.loads((PEERS / "conduction.json").read_text())

pytestmark = pytest.mark.skipif(not installed("skfem"), reason="needs scikit-fem")


def temperature():
    """By meshrep, in degrees; two materials, a held, a cooled and a heated face, a source."""
    cells = [meshrep.Cells.of_kind(kind, np.array([nodes])) for kind, nodes in PROBLEM["cells"]]
    graph = meshrep.Graph.from_cells(np.array(PROBLEM["points"]), meshrep.Cells.join(cells))
    given = {"fixed": [], "convection": [], "flux": []}
    for axis, at, kind, values in PROBLEM["conditions"]:
        where = f"abs({'xyz'[axis]} - {at}) < 1e-9"
        given[kind].append((where, *values))
    energy = meshrep.Conduction(
        graph, np.array(PROBLEM["k"]), source=np.array(PROBLEM["q"]), **given
    )
    return meshrep.solve(energy).field


def test_the_temperature_is_that_of_getfem():
    kinds = {kind for kind, _ in PROBLEM["cells"]}
    assert kinds == {10, 12, 13, 14}
    assert PROBLEM["by"].startswith("GetFEM 5.4.2")
    theirs = np.array(PROBLEM["temperature"])
    assert np.ptp(theirs) > 100
    np.testing.assert_allclose(temperature(), theirs, atol=1e-10 * np.ptp(theirs))


def test_getfem_still_finds_it(monkeypatch):
    pytest.importorskip("getfem")
    monkeypatch.setattr(sys, "path", [*sys.path, str(PEERS)])
    from conduct_by_getfem import solved

    np.testing.assert_allclose(temperature(), solved(PROBLEM), rtol=1e-10)
