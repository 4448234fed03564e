"""Multilevel variables in a training loop, beside Adam on the vertices and "large steps".

A noisy mesh is faired: its vertices are drawn together along the edges, and ten of them are
pinned where they were. ``python scripts/bench/fairing.py [mesh …]`` measures the processor's time
to one loss, set-up included, with the best step length of each method. The method of Nicolet,
Jacobson and Jakob, "Large steps in inverse rendering of geometry" (2021), is left out where their
package ``largesteps`` is not installed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import spsolve

import meshrep
from meshrep.graphs.operators import laplacian

Field = Callable[[], torch.Tensor]
Way = Callable[..., tuple[Any, Field]]

PULL = 10.0  # of a pin, where an edge pulls by 1


class Fairing:
    """Σ_edges |x_i − x_j|² + PULL Σ_pins |x − p|², and how far its minimum is."""

    def __init__(self, mesh: str) -> None:
        self.graph = meshrep.load(mesh)
        points = torch.tensor(self.graph.points, dtype=torch.float64)
        points = (points - points.mean(0)) / (points.max(0)[0] - points.min(0)[0]).max()
        rng = np.random.default_rng(0)
        self.pins = torch.tensor(rng.choice(self.graph.n, 10, replace=False))
        self.goals = points[self.pins]
        self.start = points + 0.01 * torch.tensor(rng.standard_normal(points.shape))
        self.i, self.j = torch.tensor(self.graph.edges.T)
        pull = np.zeros(self.graph.n)
        pull[self.pins] = PULL
        matrix = csc_array(laplacian(self.graph.adjacency) + diags_array(pull))
        least = torch.tensor(spsolve(matrix, pull[:, None] * points.numpy()))
        low, high = float(self(least)), float(self(self.start))
        self.wanted = low + 1e-3 * (high - low)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        across = x.index_select(0, self.i) - x.index_select(0, self.j)
        away = x.index_select(0, self.pins) - self.goals
        return (across * across).sum() + PULL * (away * away).sum()

    def steps(self, optimiser: Any, field: Field, most: int = 5000) -> int:
        """Steps until a thousandth of the fall is left; ``most`` where it is not reached."""
        for step in range(most):
            optimiser.zero_grad()
            loss = self(field())
            loss.backward()
            if float(loss) <= self.wanted:
                return step
            optimiser.step()
        return most


def plain(fairing: Fairing, lr: float) -> tuple[Any, Field]:
    """Adam on the vertices."""
    x = fairing.start.clone().requires_grad_()
    return torch.optim.Adam([x], lr=lr), lambda: x


def multilevel(fairing: Fairing, lr: float) -> tuple[Any, Field]:
    """The same Adam on the levels of a hierarchy."""
    field = meshrep.nn.Multilevel(fairing.graph, start=fairing.start, unit=0.1, dtype=torch.float64)
    return torch.optim.Adam(field.parameters(), lr=lr), field


def large_steps(fairing: Fairing, lr: float) -> tuple[Any, Field]:
    """Their Adam on the differential coordinates (I + λL) x, λ = 19, by their Cholesky solves."""
    from largesteps.optimize import AdamUniform
    from largesteps.parameterize import from_differential, to_differential

    matrix = (
        diags_array(np.ones(fairing.graph.n)) + 19 * laplacian(fairing.graph.adjacency)
    ).tocoo()
    places, entries = torch.tensor(np.array(matrix.coords)), torch.tensor(matrix.data).float()
    system = torch.sparse_coo_tensor(places, entries, matrix.shape).coalesce()
    u = to_differential(system, fairing.start.float()).requires_grad_()
    return AdamUniform([u], lr=lr), lambda: from_differential(system, u).double()


RATES = {
    plain: (0.003, 0.01, 0.03, 0.1),
    multilevel: (0.03, 0.1, 0.3),
    large_steps: (0.1, 0.3, 1.0, 3.0),
}


def measured(problem: Fairing, way: Way, rates: Sequence[float]) -> tuple[float, int, float] | None:
    """(seconds, steps, step length) of the quickest step length; None without the package."""
    found = []
    for lr in rates:
        begun = time.process_time()
        try:
            steps = problem.steps(*way(problem, lr))
        except ModuleNotFoundError:
            return None
        found.append((time.process_time() - begun, steps, lr))
    return min(found)


def main(meshes: Sequence[str]) -> None:
    """Print a line for each mesh and method."""
    for mesh in meshes:
        problem = Fairing(mesh)
        for way, rates in RATES.items():
            best = measured(problem, way, rates)
            if best is None:
                print(f"{mesh} {way.__name__}: pip install largesteps to see it")
            else:
                print(f"{mesh} {way.__name__}: {best[0]:.2f} s, {best[1]} steps, lr {best[2]}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["bunny.ply"])
