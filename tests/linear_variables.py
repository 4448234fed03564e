"""What every linear parametrization promises, for the tests of each."""

import numpy as np
from problems_of_tests import heat, phases

import meshrep
from meshrep.base.backends import NumpyBackend, backend_for
from meshrep.energies.base import Energy

NUMPY = NumpyBackend(jit=False)


class Positions(Energy):
    """½ Σ_edges |x_i − x_j|² + ½ Σ_i |x_i − y_i|² of positions (n, 2), two nodes held."""

    quantity = "position"
    convex = True

    def __init__(self):
        super().__init__(meshrep.graph_from("lattice:5x4"))
        self.fixed = np.array([0, 7])
        self.fixed_values = np.array([[0.0, 0.0], [1.0, 2.0]])
        self.goal = np.random.default_rng(1).random((20, 2))
        self.inner = meshrep.FunctionEnergy(self.graph, self._formula, shape=(20, 2))

    @property
    def shape(self):
        return (20, 2)

    def _formula(self, x):
        i, j = self.graph.edges.T
        across = x[i] - x[j]
        gradient = x - self.goal
        value = 0.5 * (across**2).sum() + 0.5 * (gradient**2).sum()
        np.add.at(gradient, i, across)
        np.add.at(gradient, j, -across)
        gradient[self.fixed] = 0.0
        return value, gradient

    def on(self, backend):
        return self.inner.on(backend)


def energies():
    """One of each kind that the maps treat differently."""
    return {
        "baths": heat("lattice:6x6"),
        "held nodes": heat("lattice:6x6", kind="dirichlet"),
        "phases": phases("Kuramoto", "lattice:5x5"),
        "positions": Positions(),
    }


def matrix_of(recipe, energy, start=None, backend=NUMPY):
    """J (n·d, p), column by column."""
    start = energy.random_start(0) if start is None else start
    made = recipe.build(energy, start, backend, seed=0)
    first = np.array(made.field(made.start), dtype=np.float64).ravel()
    J = np.empty((first.size, len(made.start)))
    for k, unit in enumerate(np.eye(len(made.start), dtype=backend.dtype)):
        J[:, k] = np.array(made.field(unit), dtype=np.float64).ravel() - first
    return J


def check_start(recipe, energy):
    """The start is the given one to the last digit."""
    start = energy.clamp(energy.random_start(3))
    made = recipe.build(energy, start, NUMPY, seed=0)
    np.testing.assert_array_equal(made.field(made.start), start)


def check_pullback(recipe, energy):
    """Directional derivatives of E∘F by central differences, off the start."""
    start = energy.clamp(energy.random_start(3))
    made = recipe.build(energy, start, NUMPY, seed=0)
    rng = np.random.default_rng(0)
    params, direction = rng.standard_normal((2, len(made.start))) * 0.1

    def value(t):
        return energy.value(energy.clamp(made.field(params + t * direction)))

    gradient = energy.gradient(energy.clamp(made.field(params)))
    slope = made.pull_back(gradient) @ direction
    h = 1e-5
    assert abs((value(h) - value(-h)) / (2 * h) - slope) <= 1e-6 * (1 + abs(slope))


def check_fixed(recipe, energy):
    """No parameter moves a fixed node."""
    J = matrix_of(recipe, energy).reshape(energy.graph.n, -1)
    assert len(energy.fixed) and J.any()
    np.testing.assert_array_equal(J[energy.fixed], 0.0)


def check_backend(recipe, energy, kind, dtype):
    """Field and pullback of a back end are NumPy's in float64."""
    start = energy.clamp(energy.random_start(3))
    backend = backend_for(kind, "cpu", dtype)
    plain, other = (recipe.build(energy, start, b, seed=0) for b in (NUMPY, backend))
    rng = np.random.default_rng(0)
    params, gradient = rng.standard_normal(len(plain.start)), rng.standard_normal(energy.shape)
    close = {"rtol": 1e-10, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-3, "atol": 1e-4}
    found = backend.to_numpy(other.field(backend.asarray(params)))
    np.testing.assert_allclose(found, plain.field(params), **close)
    found = backend.to_numpy(other.pull_back(backend.asarray(gradient)))
    np.testing.assert_allclose(found, plain.pull_back(gradient), **close)


def condition(J, H):
    """Condition number of JᵀHJ on the range of Jᵀ."""
    lower = np.linalg.cholesky(H)
    values = np.linalg.eigvalsh(lower.T @ J @ J.T @ lower)
    return values[-1] / values[0]
