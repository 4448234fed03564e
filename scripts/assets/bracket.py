"""Make assets/bracket.vtu: a steel bracket with holes on a rubber pad, in tetrahedra.

    python scripts/assets/bracket.py [assets/bracket.vtu]

needs gmsh (pip install gmsh), which makes the mesh. Lengths are in mm: the base is 80 × 60, the
upright plate reaches z = 40 and has a hole of diameter 22. The array of cells MaterialIds is 1 in
steel and 2 in rubber. Tetrahedra of both materials share the nodes between them.
"""

import sys

import gmsh
import numpy as np
import pyvista as pv

STEEL, RUBBER = 1, 2
LENGTH, WIDTH, HEIGHT = 80.0, 60.0, 40.0
PAD, BASE, PLATE = 6.0, 8.0, 10.0  # thicknesses


def shape() -> dict[int, list[int]]:
    """Draw the part; returns the volumes of each material."""
    occ = gmsh.model.occ
    pad = occ.addBox(0, 0, 0, LENGTH, WIDTH, PAD)
    base = occ.addBox(0, 0, PAD, LENGTH, WIDTH, BASE)
    plate = occ.addBox(0, 0, PAD, PLATE, WIDTH, HEIGHT - PAD)
    steel, _ = occ.fuse([(3, base)], [(3, plate)])
    hole = occ.addCylinder(-1, WIDTH / 2, 26, PLATE + 2, 0, 0, 11)
    screws = [occ.addCylinder(58, y, -1, 0, 0, PAD + BASE + 2, 5) for y in (15, 45)]
    steel, _ = occ.cut(steel, [(3, hole), *((3, s) for s in screws)], removeTool=False)
    pads, _ = occ.cut([(3, pad)], [(3, s) for s in screws], removeTool=False)
    occ.remove([(3, hole), *((3, s) for s in screws)], recursive=True)
    _, origin = occ.fragment(steel, pads)  # so that both share their faces
    occ.synchronize()
    return {
        STEEL: [tag for _, tag in origin[0]],
        RUBBER: [tag for _, tag in origin[1]],
    }


def mesh(volumes: dict[int, list[int]], size: float) -> pv.UnstructuredGrid:
    """Tetrahedra of the size, smaller in the pad and round the holes."""
    gmsh.option.setNumber("Mesh.MeshSizeMax", size)
    gmsh.option.setNumber("Mesh.MeshSizeFromCurvature", 14)
    gmsh.option.setNumber("Mesh.RandomSeed", 1)
    pads = [(3, tag) for tag in volumes[RUBBER]]
    gmsh.model.mesh.setSize(gmsh.model.getBoundary(pads, recursive=True), 0.85 * size)
    gmsh.model.mesh.generate(3)
    gmsh.model.mesh.optimize("Netgen")
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    cells, materials = [], []
    for material, of_it in volumes.items():
        for volume in of_it:
            _, nodes = gmsh.model.mesh.getElementsByType(4, volume)
            cells.append(nodes.reshape(-1, 4))
            materials.append(np.full(len(cells[-1]), material, dtype=np.uint8))
    used, corners = np.unique(np.concatenate(cells), return_inverse=True)
    place = np.argsort(tags)[np.searchsorted(np.sort(tags), used)]
    points = coordinates.reshape(-1, 3)[place].astype(np.float32)
    grid = pv.UnstructuredGrid({pv.CellType.TETRA: corners.reshape(-1, 4)}, points)
    grid.cell_data["MaterialIds"] = np.concatenate(materials)
    return grid


def main(path: str = "assets/bracket.vtu", size: float = 6.5) -> None:
    """Make the mesh, say how good it is, and write it."""
    gmsh.initialize()
    gmsh.option.setNumber("General.Verbosity", 2)
    grid = mesh(shape(), size)
    gmsh.finalize()
    quality = grid.cell_quality("scaled_jacobian")["scaled_jacobian"]
    print(f"{grid.n_points} nodes, {grid.n_cells} tetrahedra, {grid.volume:.0f} mm³")
    print(f"scaled Jacobian {quality.min():.2f} to {quality.max():.2f}")
    grid.save(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
