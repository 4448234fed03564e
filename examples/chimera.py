"""A chimera: of two equal populations of equal oscillators, one is in step and the other is not.
==============================================================================================

Each of 2 × 128 oscillators is drawn to its own population by μ = (1 + A)/2 and to the other by
ν = (1 − A)/2, with a phase lag α = π/2 − β:
dφ_i/dt = Σ_σ (μ or ν)/128 Σ_{j in σ} sin(φ_j − φ_i − α).

Abrams, Mirollo, Strogatz and Wiley, "Solvable model for chimera states of coupled oscillators"
(2008): with β = 0.1, the order r of the second population is constant at A = 0.2 and breathes at
A = 0.28. In theory r and the angle ψ by which the first population is ahead obey, at rest,
μ r cos α + ν cos(ψ − α) = 0 and (1 + r²)(μ r sin α − ν sin(ψ − α)) = 2r (μ sin α + ν r sin(ψ + α)).
"""

import numpy as np
from scipy.optimize import fsolve

import meshrep

n, beta = 128, 0.1
alpha = np.pi / 2 - beta
groups = np.repeat([0, 1], n)
network = meshrep.Graph.from_edges(2 * n, [])  # populations act as a whole, without edges
shares = (np.arange(n) + 0.5) / n
# the first in step, the second as theory has it for r = 0.7, which is 3/17 = (1 − r)/(1 + r)
start = np.r_[np.zeros(n), 0.2 + 2 * np.arctan(3 / 17 * np.tan(np.pi * (shares - 0.5)))]


def orders(A: float) -> np.ndarray:
    """The order parameters of both populations (2, 401) at the times 0, 1, …, 400."""
    blocks = meshrep.Blocks(groups, [[(1 + A) / 2, (1 - A) / 2], [(1 - A) / 2, (1 + A) / 2]])
    oscillators = meshrep.Kuramoto(network, coupling=blocks, lag=alpha)
    path = meshrep.integrate(oscillators, 400.0, start=start, frames=400)
    return np.array([meshrep.order_parameter(part) for part in np.split(path.fields, 2, axis=1)])


def at_rest(state: np.ndarray) -> list[float]:
    """How far r and ψ are from rest at A = 0.2."""
    (r, psi), mu, nu = state, 0.6, 0.4
    pull = mu * r * np.sin(alpha) - nu * np.sin(psi - alpha)
    turn = mu * np.sin(alpha) + nu * r * np.sin(psi + alpha)
    return [mu * r * np.cos(alpha) + nu * np.cos(psi - alpha), (1 + r**2) * pull - 2 * r * turn]


theory = float(fsolve(at_rest, [0.7, -0.2])[0])
first, second = orders(0.2)
print(f"A = 0.2: r = {first[-1]:.6f} in step, the other {second[-1]:.4f}, in theory {theory:.4f}")

assert abs(first - 1).max() < 1e-6
assert abs(theory - 0.7292) < 1e-4
assert abs(second[200:] - theory).max() < 5e-3

if __name__ == "__main__":
    from meshrep.view.motion import order_over_time

    curves = {"in step": first, "A = 0.2": second, "A = 0.28": orders(0.28)[1]}
    order_over_time(np.arange(401.0), curves, "chimera.png", "Two populations, one of them in step")
