"""Gradient descent under kernels K on small heat problems, with dense matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

import meshrep
from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.minimisers.first_order import GradientDescent
from meshrep.minimisers.monitor import Stopping
from meshrep.numerics.lanczos import interval
from meshrep.parametrizations.base import Identity, Map, Parametrization
from meshrep.parametrizations.linear.base import LinearMap, Root
from meshrep.parametrizations.linear.filters import PROBES
from meshrep.parametrizations.linear.kappa import Kappa
from meshrep.parametrizations.linear.multilevel import Multilevel
from meshrep.parametrizations.linear.sobolev import Sobolev
from meshrep.parametrizations.linear.spectral import Spectral
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import contest
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver
from papers.row import Say
from papers.theory.moments import alignment, gradient_moment, mean_kernel

GRAPHS = ("ring", "lattice", "sphere")
RING, LATTICE, SPHERE = "ring:60", "lattice:12x12", 500
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)  # s of R Rᵀ = M^{-s}
GAP = 1e-6
RATE_GAPS = (1e-10, 1e-16)  # gaps between which rates are fitted
MOST_STEPS = 10_000
DRAWS = 2000  # starts over which gradients are averaged
KERNEL_DRAWS, QUICK_KERNEL_DRAWS = (
    50,
    5,
)  # draws of weights and latents in an average
HIDDEN = 16
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of Adam
SMALLEST = 1e-12  # share of the largest eigenvalue of a product below which one is rounding error


def sphere(count: int) -> meshrep.Graph:
    """Return a triangulated unit sphere: the hull of a Fibonacci spiral of points."""
    from scipy.spatial import ConvexHull

    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    across = np.sqrt(1 - z * z)
    points = np.column_stack([across * np.cos(turn), across * np.sin(turn), z])
    return meshrep.from_arrays(points, ConvexHull(points).simplices, name="sphere")


def heated(name: str) -> meshrep.HeatBath:
    """Return linear heat on one of the graphs: hot and cold ends, λ = 1."""
    if name == "sphere":
        graph = sphere(SPHERE)
    else:
        graph = meshrep.graph_from({"ring": RING, "lattice": LATTICE}[name])
    cold, hot = meshrep.ends(graph)
    return meshrep.HeatBath(graph, hot, cold, power=2)


def bowl(energy: Energy, H: sparse.csr_array) -> Energy:
    """Return ½ xᵀHx, the energy about its minimum, so that its gap has no rounding error."""

    def value_and_grad(x: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = H @ x
        return 0.5 * float(x @ gradient), gradient

    return meshrep.FunctionEnergy(energy.graph, value_and_grad, hessian=lambda x: H, convex=True)


class Dense(Root):
    """A symmetric matrix (n, n)."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix, self.size = matrix, len(matrix)

    def apply(self, theta: Array) -> Array:
        """Return R·theta."""
        return self.matrix @ theta

    def adjoint(self, gradient: Array, out: Array) -> None:
        """Write R·gradient."""
        np.matmul(self.matrix, gradient, out=out)


class Rooted(Parametrization):
    """w = w₀ + R θ for a symmetric R given as a matrix."""

    name = "rooted"

    def __init__(self, R: np.ndarray) -> None:
        self.R = R

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Return the linear map of R."""
        return LinearMap(energy, start, backend, Dense(self.R))


def root_of(K: np.ndarray) -> np.ndarray:
    """Return the symmetric root of K; negative eigenvalues count as zeros."""
    values, axes = np.linalg.eigh(K)
    return (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T


def product_spectrum(H: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Return the eigenvalues of H^{1/2} K H^{1/2}, ascending; rounding errors are set to 0."""
    root = root_of(H)
    values = np.linalg.eigvalsh(root @ K @ root)
    return np.where(values > SMALLEST * values[-1], values, 0.0)


def contraction(values: np.ndarray) -> float:
    """Return (κ − 1)/(κ + 1) of a spectrum: the best factor of the error for a fixed step."""
    return float((values[-1] - values[0]) / (values[-1] + values[0]))


def steps_predicted(values: np.ndarray, gap: float = GAP) -> float:
    """Return the steps that bring every start to a share of its energy; infinite for a zero."""
    shrink = contraction(values)
    if shrink >= 1.0:
        return np.inf
    return float(np.ceil(np.log(gap) / (2 * np.log(max(shrink, 1e-300))))) if shrink > 0 else 1.0


def descended(
    energy: Energy, recipe: Parametrization, values: np.ndarray, start: np.ndarray
) -> tuple[float, float]:
    """Run gradient descent at 2/(λ_max + λ_min); return steps to the gap and the factor of √gap.

    NaN if the gap is not reached, or the run is too short to fit a factor.
    """
    steps = float(np.clip(3 * steps_predicted(values), 5, MOST_STEPS))
    rule = GradientDescent(lr=float(2 / (values[-1] + values[0])))
    solver = Solver(rule, recipe, Stopping(max_steps=int(steps), gtol=0.0, max_seconds=30))
    history = solve(energy, solver, start=start).raise_if_interrupted().history
    step, gap = np.array(history.step), np.array(history.energy) / history.energy[0]
    taken = history.steps_to(GAP * history.energy[0])
    late = (gap <= RATE_GAPS[0]) & (gap >= RATE_GAPS[1])
    factor = np.nan
    if late.sum() >= 5:
        factor = float(np.exp(0.5 * np.polyfit(step[late], np.log(gap[late]), 1)[0]))
    return np.nan if taken is None else float(taken), factor


def powers(name: str, seeds: tuple[int, ...], say: Say) -> dict[str, Any]:
    """Run linear variables of every power of M, the gradient's moment: predicted and observed.

    M is H²/n, as the papers write (n only changes a rate), and M̄ as measured over random starts,
    both about the minimum and as energies draw them.
    """
    heat = heated(name)
    sparse_H = heat.hessian(np.zeros(heat.graph.n))
    H = sparse_H.toarray()
    energy = bowl(heat, sparse_H)
    least = np.linalg.solve(H, -heat.gradient(np.zeros(heat.graph.n)))
    starts = [heat.random_start(seed) - least for seed in seeds]
    found: dict[str, Any] = {"nodes": heat.graph.n, "edges": len(heat.graph.edges)}
    near, drawn = measured_moments(heat, least)
    for key, M in (("powers", H @ H), ("near", near), ("drawn", drawn)):
        moments, axes = np.linalg.eigh(M)
        found[key] = {}
        for power in POWERS:
            say(f"{key}, s = {power:g}")
            R = (axes * moments ** (-power / 2)) @ axes.T
            spectrum = product_spectrum(H, R @ R)
            recipe = Identity() if power == 0 else Rooted(R)
            runs = [descended(energy, recipe, spectrum, start) for start in starts]
            found[key][f"{power:g}"] = {
                "condition": float(spectrum[-1] / spectrum[0]),
                "factor predicted": contraction(spectrum),
                "steps predicted": steps_predicted(spectrum),
                "steps allowed": MOST_STEPS,
                "steps": [run[0] for run in runs],
                "factor": [run[1] for run in runs],
            }
    return found


def recipes() -> dict[str, Parametrization]:
    """Return the papers' networks at their own start, and linear variables, by their names."""
    network: dict[str, Any] = {"hidden": HIDDEN, "network_start": "network"}
    return {
        "the field itself": Identity(),
        "gcn": GraphNetwork(**network),
        "gcn, 2 layers": GraphNetwork(2, **network),
        "gcn-res": GraphNetwork(residual=True, **network),
        "nograph-res": GraphNetwork(residual=True, propagation="none", **network),
        "κ, degree 2, right": Kappa(2),
        "κ, degree 2, printed": Kappa(2, "printed"),
        "κ, degree 8, right": Kappa(8),
        "Chebyshev, degree 2": Spectral(2),
        "Chebyshev, degree 8": Spectral(8),
        "Sobolev": Sobolev(),
        "multilevel": Multilevel(),
    }


def kernels(name: str, seeds: tuple[int, ...], draws: int, say: Say) -> dict[str, Any]:
    """Compare K̄ of networks and filters with M̄^{-1/2} = H⁻¹, and run gradient descent under each.

    Kernels of networks are averaged over draws of their weights and latents.
    """
    heat = heated(name)
    n = heat.graph.n
    sparse_H = heat.hessian(np.zeros(n))
    H = sparse_H.toarray()
    values = np.linalg.eigvalsh(H)
    energy = bowl(heat, sparse_H)
    least = np.linalg.solve(H, -heat.gradient(np.zeros(n)))
    M = H @ H / n
    found = {}
    for label, recipe in recipes().items():
        say(label)
        K = mean_kernel(heat, recipe, range(draws) if recipe.random else seeds[:1])
        held = alignment(K, M)
        spectrum = product_spectrum(H, K)
        rooted = Identity() if isinstance(recipe, Identity) else Rooted(root_of(K))
        starts = [heat.random_start(seed) - least for seed in seeds]
        runs = [descended(energy, rooted, spectrum, start)[0] for start in starts]
        found[label] = {
            "cosine": held.cosine,
            "slope": 2 * held.slope,  # against λ = √(n μ): −1 for H⁻¹
            "condition": float(spectrum[-1] / spectrum[0]) if spectrum[0] > 0 else np.inf,
            "unreached": int((spectrum == 0).sum()),
            "steps predicted": steps_predicted(spectrum),
            "steps": runs,
            "modes": [held.kernel[k] / held.kernel.mean() for k in range(n)],
        }
    measured = moments(heat, least, M)
    return {"nodes": n, "eigenvalues": values, "kernels": found, "moments": measured,
            "h": largest(heat, sparse_H, values)}  # fmt: skip


def measured_moments(heat: Energy, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of ∇E ∇Eᵀ over starts N(0, 1/n) about the minimum, and over random starts."""
    n = heat.graph.n

    def about(seed: int) -> np.ndarray:
        return least + np.random.default_rng(seed).standard_normal(n) / np.sqrt(n)

    return gradient_moment(heat, range(DRAWS), about), gradient_moment(heat, range(DRAWS))


def moments(heat: Energy, least: np.ndarray, M: np.ndarray) -> dict[str, float]:
    """Return cosines of H²/n with the mean of ∇E ∇Eᵀ, for starts about the minimum and drawn."""

    def cosine(other: np.ndarray) -> float:
        return float((other * M).sum() / (np.linalg.norm(other) * np.linalg.norm(M)))

    near, drawn = measured_moments(heat, least)
    return {
        "about the minimum": cosine(near),
        "size": float(np.trace(near) / np.trace(M)),
        "random starts": cosine(drawn),
    }


def largest(heat: meshrep.HeatBath, H: sparse.csr_array, values: np.ndarray) -> dict[str, float]:
    """Return h by Lanczos and exactly, and from the constant field, without and with baths."""
    one = np.ones(heat.graph.n)
    L = meshrep.graphs.operators.laplacian(heat.graph.adjacency)
    return {
        "exact": float(values[-1]),
        "lanczos": float(interval(H, PROBES)[1]),
        "constant, no baths": float(np.linalg.norm(L @ one)),
        "constant": float(np.linalg.norm(H @ (H @ one)) / np.linalg.norm(H @ one)),
    }


def solvers(name: str, seeds: tuple[int, ...], say: Say) -> dict[str, Any]:
    """Run whole solvers on the same problem: does the best preconditioner arrive first?"""
    entrants = rates("adam, tuned", lambda lr: ("adam", {"lr": lr}), RATES)
    entrants += [
        Entrant("adam at 0.02", "adam", {"lr": 0.02}),
        Entrant("gcn, own start", "gcn", {"network_start": "network", "hidden": HIDDEN}),
        Entrant("gcn, shared start", "gcn", {"hidden": HIDDEN}),
        Entrant("κ, degree 2, by Adam", "kappa-adam", {"degree": 2}),
        Entrant("κ printed, by Adam", "kappa-adam", {"degree": 2, "series": "printed"}),
        Entrant("Chebyshev, degree 8, by Adam", "spectral-adam", {"degree": 8}),
        Entrant("κ, degree 2, by L-BFGS", "kappa", {"degree": 2}),
        Entrant("lbfgs", "lbfgs"),
        Entrant("newton", "newton"),
    ]
    return contest(heated(name), entrants, seeds, say, max_seconds=10.0)


def series(low: float, degrees: Mapping[str, tuple[int, ...]], at: np.ndarray) -> dict[str, Any]:
    """Return condition numbers of κHκ by degree on the spectrum [low, 1], and κ itself."""
    from numpy.polynomial.chebyshev import chebval
    from numpy.polynomial.polynomial import polyval

    from meshrep.parametrizations.linear.kappa import coefficients
    from meshrep.parametrizations.linear.spectral import fitted

    conditions: dict[str, dict[str, float]] = {}
    curves: dict[str, list[list[float]]] = {"λ^(−1/2)": np.column_stack([at, at**-0.5]).tolist()}
    for kind, several in degrees.items():
        conditions[kind] = {"0": 1 / low}
        for degree in several:
            if kind == "Chebyshev":
                begin, end, terms = fitted(low, 1.0, degree)
                grid = np.linspace(low, 1.0, 20_001)
                p = chebval((2 * grid - end - begin) / (end - begin), terms)
                product = grid * p * p
                conditions[kind][str(degree)] = float(product.max() / product.min())
                kappa = chebval((2 * at - end - begin) / (end - begin), terms)
            else:
                conditions[kind][str(degree)] = Kappa(degree, kind).condition(low, 1.0)
                kappa = polyval(1 - at, coefficients(degree, kind))
            curves[f"{kind}, degree {degree}"] = np.column_stack([at, kappa]).tolist()
    return {"low": low, "conditions": conditions, "curves": curves}
