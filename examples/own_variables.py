"""Your own variables: a field written in other variables, which every minimiser then moves in.
============================================================================================

A parametrization says how the field follows from the variables, w = F(θ), and how a gradient goes
back, Jᵀg. Here w = w₀ + H^(-½) θ with H the energy's Hessian. The variables are then equally
stiff in all directions, so that L-BFGS arrives in a few steps, where it takes about n in the
field itself. The temperature between two ends of a path of n nodes is linear, and its energy
is (difference)² / (2 (n − 1)).
"""

import networkx
import numpy as np

import meshrep


class Whitened(meshrep.Parametrization):
    """w = w₀ + H^(-½) θ."""

    name = "whitened"

    def build(self, energy, start, backend, seed):
        """The map for one energy, laid out on one back end."""
        return WhitenedMap(energy, start, backend)


class WhitenedMap(meshrep.Map):
    """H^(-½) from a dense eigendecomposition, which suits a few thousand nodes at most."""

    def __init__(self, energy, start, backend):
        free = np.ix_(energy.free, energy.free)
        values, modes = np.linalg.eigh(energy.hessian(start).toarray()[free])
        self.root = backend.zeros(len(start), len(start))
        self.root[free] = backend.asarray(modes / np.sqrt(values) @ modes.T)
        self.first, self.start = backend.asarray(start), backend.zeros(len(start))

    def field(self, params):
        """w₀ + H^(-½) θ."""
        return self.first + self.root @ params

    def pull_back(self, gradient):
        """H^(-½) g."""
        return self.root @ gradient


n = 100
heat = meshrep.HeatBath(networkx.path_graph(n), hot=[n - 1], cold=[0], kind="dirichlet")
plain = meshrep.solve(heat, meshrep.Solver(meshrep.LBFGS()))
whitened = meshrep.solve(heat, meshrep.Solver(meshrep.LBFGS(), Whitened()))
print(plain, whitened, sep="\n")

np.testing.assert_allclose(whitened.energy, 1 / (2 * (n - 1)), rtol=1e-9)
np.testing.assert_allclose(whitened.field, np.linspace(0, 1, n), atol=1e-9)
assert whitened.steps <= 5
assert plain.steps > 50

if __name__ == "__main__":
    from meshrep.view.plots import convergence

    histories = {"the field itself": plain.history, "w = w₀ + H^(-½) θ": whitened.history}
    convergence(histories, whitened.energy, "own_variables.png", title="L-BFGS in two variables")
