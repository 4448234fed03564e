"""Nastran decks: coordinate systems, formats of fields, continuation lines."""

import numpy as np
import pytest

from meshrep.errors import InputError
from meshrep.sources.files import load

GRIDS = (
    "GRID,1,,0.,0.,0.\n"
    "GRID    2               1.+0    0.      0.\n"
    "GRID*                  3               0              0.           1.D+0\n"
    "*                     0.\n"
    "GRID,4,9,2.,90.,1.\n"
)
CYLINDER = "CORD2C,9,,1.,0.,0.,1.,0.,1.\n,2.,0.,0.\n"


def deck(tmp_path, text):
    path = tmp_path / "a.bdf"
    path.write_text("SOL 101\nCEND\nBEGIN BULK\n" + text)
    return load(path)


def test_fields_and_coordinate_systems(tmp_path):
    graph = deck(
        tmp_path, GRIDS + CYLINDER + "CTETRA,1,1,1,2,3,4\nCDAMP5,9,1,1,2 $ a comment\nRBE2,7\n"
    )
    assert (graph.n, graph.m) == (4, 6)
    assert np.allclose(graph.points, [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 2, 1)])
    assert graph.repairs == ("not read: 1 CDAMP5, 1 RBE2",)
    graph = deck(
        tmp_path, GRIDS.replace("9,2.,", ",2.,") + "CQUAD4,1,1,1,2,4,3,0.,.1\nENDDATA\nx\n"
    )
    assert (graph.n, graph.m) == (4, 4)


def test_continued_solids(tmp_path):
    grids = "".join(f"GRID,{k + 1},,{k % 2}.,{k // 2 % 2}.,{k // 4}.\n" for k in range(8))
    fields = ("CHEXA", 1, 1, 1, 2, 4, 3, 5, 6, "+\n+       ", 8, 7)
    graph = deck(tmp_path, grids + "".join(f"{field:<8}" for field in fields) + "\n")
    assert (graph.n, graph.m) == (8, 12)
    assert (np.abs(np.diff(graph.points[graph.edges], axis=1)).sum(axis=2) == 1).all()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (GRIDS + "CTRIA3,1,1,1,2,3\n", "CORD 9 is not there"),
        (GRIDS + CYLINDER + "CTRIA3,1,1,1,2,8\n", "GRID 8, which CTRIA3 1 names"),
        ("INCLUDE 'b.bdf'\n", "not beside it"),
        ("INCLUDE '../b.bdf'\n", "outside its own folder"),
        ("GRID,1,,x,0.,0.\n", "damaged"),
        ("PARAM,POST,0\n", "no nodes"),
    ],
)
def test_what_is_refused(tmp_path, text, word):
    with pytest.raises(InputError, match=word):
        deck(tmp_path, text)
