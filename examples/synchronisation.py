"""A network synchronises: Kuramoto's oscillators, each coupled to all others.
===========================================================================

Every oscillator has a frequency of its own, of a normal distribution of spread 1:
dφ_i/dt = ω_i + K/n Σ_j sin(φ_j − φ_i). Below K = 1.596 they stay apart. Above it, the order
parameter r = ``|Σ exp(iφ_j)| / n`` of a large network solves

    1 = K ∫ cos²θ g(K r sin θ) dθ over −π/2 < θ < π/2, with g the density of the frequencies.
"""

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

import meshrep

n, K = 300, 2.0
network = meshrep.Graph.from_edges(n, [])  # all act on all, so that edges would say nothing


def order(coupling: float) -> np.ndarray:
    """r over the time from 0 to 60."""
    oscillators = meshrep.Kuramoto(network, coupling, "normal", coupling="mean-field")
    return meshrep.integrate(oscillators, 60.0, frames=120).order


def excess(r: float) -> float:
    """How far an order parameter is from solving the equation above."""
    integral = quad(lambda t: np.cos(t) ** 2 * norm.pdf(K * r * np.sin(t)), -np.pi / 2, np.pi / 2)
    return K * integral[0] - 1


theory, seen = brentq(excess, 0.1, 1.0), order(K)[60:].mean()
print(f"order parameter at K = {K:g}: {seen:.4f}, in theory {theory:.4f}")

assert abs(theory - 0.7152) < 1e-4
assert abs(seen - theory) < 0.01

if __name__ == "__main__":
    from meshrep.view.motion import order_over_time

    curves = {f"K = {K:g}": order(K) for K in (1.0, 1.5, 2.0, 3.0)}
    order_over_time(np.linspace(0, 60, 121), curves, "synchronisation.png", "Kuramoto's transition")
