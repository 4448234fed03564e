"""Your own optimiser: a class with the interface of ``torch.optim.Optimizer``.
============================================================================

It sees one parameter, the field, whose gradient meshrep has set. Phases that all start within
half a circle of each other are drawn together, so that Kuramoto's oscillators on a lattice of
50 × 50 nodes end synchronised: every one of the 4,900 edges has the energy −1.
"""

import numpy as np
import torch

import meshrep


class Lion(torch.optim.Optimizer):
    """Steps by the sign of a running mean of gradients, ever shorter (after Chen et al. 2023)."""

    def __init__(self, params, lr=0.05, decay=0.995):
        super().__init__(params, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self):
        """One step of every parameter."""
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.sub_(group["lr"] * torch.sign(0.9 * mean + 0.1 * p.grad))
                mean.lerp_(p.grad, 0.01)
            group["lr"] *= group["decay"]


graph = meshrep.graph_from("lattice:50x50")
magnet = meshrep.Kuramoto(graph)
start = np.random.default_rng(0).uniform(0, 3, graph.n)  # radians: within half a circle
solution = meshrep.solve(magnet, Lion, start=start)
print(solution, solution.measures)

assert abs(solution.energy + 4900) < 1.0
assert solution.measures["rho"] > 0.99

if __name__ == "__main__":
    from meshrep.view.plots import convergence

    found = meshrep.compare(magnet, [Lion, "adam", "lbfgs"], start=start)
    print(found.table())
    energy = found.reference.energy
    convergence(found.histories, energy, "own_optimiser.png", title="Lion beside Adam and L-BFGS")
