"""Your own solver: the gradient method of Barzilai and Borwein, under a name and with a setting.
==============================================================================================

A minimiser writes one method, ``run``. A named solver declares what users see of it: its name, a
sentence, when to use it, and its settings. From then on ``solve``, ``compare`` and every message
know it.
"""

import numpy as np

import meshrep


class BarzilaiBorwein(meshrep.Minimiser):
    """w ← w − α g with α = s·s / s·y, where s and y are the last changes of w and g."""

    name = "barzilai-borwein"
    backends = ("numba", "numpy")

    def __init__(self, first: float = 0.1) -> None:
        self.first = first

    def run(self, objective, monitor):
        """Steps until the monitor says why to stop."""
        w = objective.start.copy()
        value, g = objective.value_and_grad(w)
        g, alpha, step = g.copy(), self.first, 0
        while not (stop := monitor.record(step, value, w, np.linalg.norm(g))):
            s = -alpha * g
            w = w + s
            value, new = objective.value_and_grad(w)
            y, g, step = new - g, new.copy(), step + 1
            alpha = abs(s @ s / (s @ y)) if s @ y else self.first
        return stop, w, step


meshrep.register(
    meshrep.NamedSolver(
        "barzilai-borwein",
        "Gradient steps whose length comes from the last change of the gradient.",
        "Quadratic energies, where the memory of L-BFGS is too much.",
        lambda energy, **settings: meshrep.Solver(BarzilaiBorwein(**settings)),
        (meshrep.Setting("first", float, "length of the first step", default=0.1, above=0),),
    )
)

ring = meshrep.graph_from("ring:8")
heat = meshrep.HeatBath(ring, hot=[4], cold=[0], t_hot=4.0, kind="dirichlet")
solution = meshrep.solve(heat, "barzilai-borwein", first=0.2)
print(solution, solution.field.round(4))

np.testing.assert_allclose(solution.field, [0, 1, 2, 3, 4, 3, 2, 1], atol=1e-6)

if __name__ == "__main__":
    from meshrep.view.plots import convergence

    bunny = meshrep.load("bunny.ply")
    cold, hot = meshrep.ends(bunny)
    heat = meshrep.HeatBath(bunny, hot, cold, kind="dirichlet")
    found = meshrep.compare(heat, ["barzilai-borwein", "gd", "lbfgs"])
    print(found.table())
    energy = found.reference.energy
    convergence(found.histories, energy, "own_solver.png", title="Barzilai and Borwein's steps")
