"""Solvers compared: one problem, one start, and every end judged by the same evaluation.
======================================================================================

On a lattice of 20 × 40 nodes the left side is held at 0 and the right side at 1. The temperature
rises evenly from side to side, so the least energy is known: 20 rows with 39 edges each, every
edge with ½ (1/39)².
"""

import meshrep

graph = meshrep.graph_from("lattice:20x40")
hot, cold = meshrep.select(graph, "x > xmax - 0.5"), meshrep.select(graph, "x < xmin + 0.5")
heat = meshrep.HeatBath(graph, hot, cold, kind="dirichlet")
comparison = meshrep.compare(heat, ["gcn", "adam", "nesterov", "lbfgs", "newton", "multilevel"])
print(comparison.table())

least = 20 / (2 * 39)
for solution in comparison.solutions:
    assert abs(solution.energy - least) < 1e-6 * least, solution
assert len(comparison.solutions) == 6

if __name__ == "__main__":
    from meshrep.view.plots import convergence

    energy = comparison.reference.energy
    convergence(comparison.histories, energy, "compare_solvers.png", title="Six solvers")
