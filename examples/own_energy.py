"""Your own energy: springs that stiffen as they stretch, on a ring.
=================================================================

The potential of an edge is φ(Δ) = ½Δ² + ¼Δ⁴, written once with its derivatives. A second energy
pulls node 0 towards 0 and node 4 towards 4. By symmetry the field is linear on both halves of the
ring, and its slope s balances the forces at the pulled nodes: 2 (s + s³) = 2 (2 − 2s), so that
s³ + 3s = 2.
"""

import numpy as np

import meshrep

ring = meshrep.graph_from("ring:8")
spring = (
    lambda d: d**2 / 2 + d**4 / 4,
    lambda d: d + d**3,
    lambda d: 1 + 3 * d**2,
)
springs = meshrep.EdgeEnergy(ring, spring, convex=True)

pulled, target = np.array([0, 4]), np.array([0.0, 4.0])


def pull(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Σ (w_i − target_i)² over the pulled nodes, and its gradient."""
    gradient = np.zeros_like(w)
    gradient[pulled] = 2 * (w[pulled] - target)
    return float(((w[pulled] - target) ** 2).sum()), gradient


energy = springs + meshrep.FunctionEnergy(ring, pull, convex=True)
solution = meshrep.solve(energy, "lbfgs")
print(solution, solution.field.round(4))

slope = np.roots([1, 0, 3, -2])[-1].real
assert abs(slope - 0.59607) < 1e-5
expected = 2 + slope * (np.array([0, 1, 2, 3, 4, 3, 2, 1]) - 2)
np.testing.assert_allclose(solution.field, expected, atol=1e-6)

if __name__ == "__main__":
    solution.plot("own_energy.png", title="Springs that stiffen")
