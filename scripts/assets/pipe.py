"""Make assets/pipe.vtu: a steel pipe in insulation, in hexahedra.

    python scripts/assets/pipe.py [assets/pipe.vtu]

Lengths are in mm. The pipe is steel between the radii 25 and 30, insulated from there to the radius
60, and 120 long with z along its axis. The array of cells MaterialIds is 1 in steel and 2 in the
insulation.
"""

import sys

import numpy as np

from meshrep.graphs.cells import HEXAHEDRON, Cells
from meshrep.graphs.graph import Graph
from meshrep.view.meshes import write_mesh

STEEL, INSULATION = 1, 2
INNER, MIDDLE, OUTER, LENGTH = 25.0, 30.0, 60.0, 120.0
AROUND, ALONG, IN_STEEL, IN_INSULATION = 36, 10, 2, 6  # cells


def main(path: str = "assets/pipe.vtu") -> None:
    """Make the mesh and write it."""
    steel = np.linspace(INNER, MIDDLE, IN_STEEL + 1)
    radii = np.append(steel, np.geomspace(MIDDLE, OUTER, IN_INSULATION + 1)[1:])
    angles = 2 * np.pi * np.arange(AROUND) / AROUND
    z, angle, r = np.meshgrid(np.linspace(0, LENGTH, ALONG + 1), angles, radii, indexing="ij")
    points = np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=-1)

    number = np.arange(z.size).reshape(z.shape)
    ahead = np.roll(number, -1, axis=1)  # round the pipe, the last angle meets the first one
    square = [number[:, :, :-1], number[:, :, 1:], ahead[:, :, 1:], ahead[:, :, :-1]]
    corners = [side[:-1] for side in square] + [side[1:] for side in square]
    cells = np.stack(corners, axis=-1)

    material = np.where(np.arange(cells.shape[2]) < IN_STEEL, STEEL, INSULATION)
    material = np.broadcast_to(material, cells.shape[:3]).astype(np.uint8)
    graph = Graph.from_cells(points.reshape(-1, 3), Cells.of_kind(HEXAHEDRON, cells.reshape(-1, 8)))
    write_mesh(graph, {}, path, cell_fields={"MaterialIds": material.ravel()})
    print(f"{graph.n} nodes, {len(graph.cells)} hexahedra")


if __name__ == "__main__":
    main(*sys.argv[1:2])
