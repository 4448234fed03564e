"""Sparse matrices in .npz: read in every format, and refused where their arrays lie."""

import numpy as np
import pytest
from scipy import sparse

import meshrep
from meshrep.errors import InputError

RING = sparse.coo_array(
    (np.ones(8), ([0, 1, 2, 3, 1, 2, 3, 0], [1, 2, 3, 0, 0, 1, 2, 3])), shape=(4, 4)
)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
def test_every_format_gives_the_same_graph(form, tmp_path):
    sparse.save_npz(tmp_path / "ring.npz", RING.asformat(form))
    graph = meshrep.load(tmp_path / "ring.npz")
    assert (graph.n, graph.m) == (4, 4) and (graph.weights == 1).all()


def damaged(form, **changed):
    """What SciPy would save of the ring, with some arrays replaced; None leaves one out."""
    matrix = RING.asformat(form)
    arrays = {"format": np.bytes_(form), "shape": np.array([4, 4]), "data": matrix.data}
    if form == "coo":
        arrays |= {"row": matrix.row, "col": matrix.col}
    else:
        arrays |= {"indices": matrix.indices, "indptr": matrix.indptr}
    return {name: value for name, value in (arrays | changed).items() if value is not None}


@pytest.mark.parametrize(
    ("form", "changed", "told"),
    [
        ("csr", {"indices": np.array([10**9] * 8)}, "damaged"),
        ("csr", {"indices": np.array([-5] * 8)}, "damaged"),
        ("csr", {"indptr": np.array([0, 10**9, 3, 2, 8])}, "damaged"),
        ("csc", {"indptr": np.array([0, 2, 4])}, "damaged"),
        ("csr", {"indptr": None}, "no array 'indptr'"),
        ("csr", {"indices": np.arange(8) / 3}, "not a list of whole numbers"),
        ("coo", {"row": np.full(8, 7)}, "damaged"),
        ("coo", {"shape": np.array([2 * 10**9, 2 * 10**9])}, "GiB"),
        ("coo", {"shape": np.array([4, 4, 4])}, "two whole numbers"),
        ("coo", {"data": np.full(8, "a")}, "no real numbers"),
        ("coo", {"format": np.bytes_("xyz")}, "'xyz'"),
    ],
)
def test_arrays_that_lie_are_one_sentence(form, changed, told, tmp_path):
    np.savez(tmp_path / "m.npz", **damaged(form, **changed))
    with pytest.raises(InputError, match=told):
        meshrep.load(tmp_path / "m.npz")
