"""Solve the problem of tests/peers/conduction.json with GetFEM, and keep its temperatures there.

    python3 tests/peers/conduct_by_getfem.py [tests/peers/conduction.json]

needs GetFEM 5.4 (Debian: python3-getfem). The file holds points, cells by VTK's code in its order
of nodes, the conductivity and the source of each cell, and conditions on planes.
"""

import json
import sys

import getfem as gf
import numpy as np

# GetFEM's geometry, its order of VTK's nodes, and quadrature that is exact on affine cells.
KINDS = {
    10: ("GT_PK(3,1)", [0, 1, 2, 3], "IM_TETRAHEDRON(5)"),
    12: ("GT_QK(3,1)", [0, 1, 3, 2, 4, 5, 7, 6], "IM_GAUSS_PARALLELEPIPED(3,7)"),
    13: ("GT_PRISM(3,1)", [0, 1, 2, 3, 4, 5], "IM_PRODUCT(IM_TRIANGLE(7),IM_GAUSS1D(7))"),
    14: ("GT_PYRAMID(1)", [0, 1, 3, 2, 4], "IM_PYRAMID(IM_GAUSS_PARALLELEPIPED(3,9))"),
}


def solved(problem):
    """The temperatures of the problem's points."""
    points = np.array(problem["points"])
    mesh = gf.Mesh("empty", 3)
    quadrature = []
    for kind, nodes in problem["cells"]:
        geometry, order, rule = KINDS[kind]
        corners = points[np.array(nodes)[order]].T
        quadrature.append((mesh.add_convex(gf.GeoTrans(geometry), corners), rule))
    method = gf.MeshIm(mesh)
    for convex, rule in quadrature:
        method.set_integ(gf.Integ(rule), [int(convex)])
    space = gf.MeshFem(mesh, 1)
    space.set_classical_fem(1)
    nothing = np.zeros(space.nbdof())

    def assembled(order, expression, region):
        return gf.asm_generic(method, order, expression, region, "u", 1, space, nothing)

    matrix, right = np.zeros((space.nbdof(),) * 2), nothing.copy()
    materials = np.array([problem["k"], problem["q"]]).T
    for region, (k, q) in enumerate(np.unique(materials, axis=0).tolist(), 100):
        chosen = np.flatnonzero((materials == [k, q]).all(axis=1))
        convexes = np.ravel([quadrature[cell][0] for cell in chosen])
        mesh.set_region(region, np.array([convexes, np.full(len(convexes), -1)]))
        matrix += assembled(2, f"{k!r}*Grad_Test_u.Grad_Test2_u", region).full()
        right += assembled(1, f"{q!r}*Test_u", region)
    outer = mesh.outer_faces()
    held = {}
    for region, (axis, at, condition, values) in enumerate(problem["conditions"], 1):
        chosen = [
            face for face in outer.T
            if np.allclose(mesh.pts(mesh.pid_in_faces(face[:, None]))[axis], at)
        ]  # fmt: skip
        mesh.set_region(region, np.array(chosen).T)
        if condition == "fixed":
            held |= dict.fromkeys(space.basic_dof_on_region(region).tolist(), values[0])
        elif condition == "convection":
            h, air = values
            matrix += assembled(2, f"{h!r}*Test_u*Test2_u", region).full()
            right += assembled(1, f"{h * air!r}*Test_u", region)
        else:
            right += assembled(1, f"{values[0]!r}*Test_u", region)
    found = nothing.copy()
    fixed = np.array(sorted(held))
    free = np.setdiff1d(np.arange(len(found)), fixed)
    found[fixed] = [held[i] for i in fixed.tolist()]
    right = right - matrix @ found
    found[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free])
    place = space.basic_dof_nodes().T
    nearest = abs(points[:, None] - place[None]).sum(axis=2).argmin(axis=1)
    return found[nearest]


def main(path="tests/peers/conduction.json"):
    """Read the problem, solve it, and write the temperatures beside it."""
    with open(path) as file:
        problem = json.load(file)
    problem["temperature"] = solved(problem).tolist()
    problem["by"] = "GetFEM 5.4.2, python3 tests/peers/conduct_by_getfem.py"
    with open(path, "w") as file:
        json.dump(problem, file)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
