"""Meshes with known counts, and where the real ones are."""

import os
from pathlib import Path

import numpy as np
import pytest

ICOSAHEDRON = np.array(
    [
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11),
        (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
        (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9),
        (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
    ]
)  # fmt: skip


XDMF = """<?xml version="1.0"?>
<!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" []>
<Xdmf Version="3.0"><Domain><Grid Name="mesh"><Geometry GeometryType="XYZ">
<DataItem DataType="Float" Dimensions="4 3" Format="{form}" Precision="8">{points}</DataItem>
</Geometry><Topology TopologyType="Tetrahedron" NumberOfElements="1" NodesPerElement="4">
<DataItem DataType="Int" Dimensions="1 4" Format="XML" Precision="8">0 1 2 3</DataItem>
</Topology></Grid></Domain></Xdmf>
"""


@pytest.fixture
def xdmf():
    """An XDMF file of one tetrahedron, with places for the format and the points."""
    return XDMF


@pytest.fixture
def icosahedron():
    """Vertices (12, 3) and faces (20, 3): 12 - 30 + 20 = 2."""
    t = (1 + 5**0.5) / 2
    points = [(-1, t, 0), (1, t, 0), (-1, -t, 0), (1, -t, 0), (0, -1, t), (0, 1, t)]
    points += [(0, -1, -t), (0, 1, -t), (t, 0, -1), (t, 0, 1), (-t, 0, -1), (-t, 0, 1)]
    # Float32 holds these exactly, so that every format brings them back as they are.
    return np.float64(np.float32(points)), ICOSAHEDRON


@pytest.fixture
def real():
    """A function from the name of a real mesh to its path; skips where it is absent."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("MESHREP_DATA", beside))

    def find(name):
        if not (folder / name).is_file():
            pytest.skip(f"{name} is not here")
        return folder / name

    return find
