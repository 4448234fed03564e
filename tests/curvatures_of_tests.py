"""Energies whose curvature is known, and variables by a matrix of one's own."""

import numpy as np

import meshrep
from meshrep.parametrizations.base import Parametrization
from meshrep.parametrizations.linear.base import LinearMap, Root


def path_with_held_ends(n):
    """A ring of n + 1 nodes of which one is held: a path of n between two held ends."""
    graph = meshrep.graph_from(f"ring:{n + 1}")
    return meshrep.HeatBath(graph, hot=[0], kind="dirichlet")


def of_a_path(n):
    """2 − 2 cos(πk/(n + 1)) for k = 1 … n."""
    return 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))


class Quadratic(meshrep.FunctionEnergy):
    """½ Σ d_i w_i², whose gradient alone is known."""

    def __init__(self, diagonal, convex=True):
        d = np.asarray(diagonal, dtype=float)
        graph = meshrep.graph_from(f"ring:{len(d)}")
        super().__init__(graph, lambda w: (0.5 * (d * w * w).sum(), d * w))
        self.convex = convex


class Dense(Parametrization):
    """w = w₀ + M θ with a matrix of one's own."""

    name = "dense"

    def __init__(self, matrix):
        self.matrix = matrix

    def build(self, energy, start, backend, seed):
        return LinearMap(energy, start, backend, DenseRoot(self.matrix))


class DenseRoot(Root):
    def __init__(self, matrix):
        self.matrix, self.size = matrix, matrix.shape[1]

    def apply(self, theta):
        return self.matrix @ theta

    def adjoint(self, gradient, out):
        out[:] = self.matrix.T @ gradient
