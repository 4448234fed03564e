"""Gradients that live on few points, spread over the whole cloud by a Gaussian kernel.

    k(x, y) = exp(−|x − y|²/(2σ²))

A topological loss moves only the ends of its critical edges. With I the points where the gradient
g is not zero, and x the whole cloud, the step is one of

    interpolate   v(x) = Σ_I k(x, x_i) α_i,   (K_II + εI) α = g_I
    average       v(x) = Σ_I k(x, x_i) g_i / Σ_I k(x, x_i)
    root          v(x) = Σ_I k(x, x_i) g_i,   from w = w₀ + Lθ with L Lᵀ = K

after Carrière, Theveneau and Lacombe, "Diffeomorphic interpolation for efficient persistence-based
topological optimization" (2024, arXiv:2405.18820), and, for the average, arXiv:2605.10996.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array, Backend, NumpyBackend, cores, installed
from meshrep.energies.base import Energy
from meshrep.energies.fixed import Fixed
from meshrep.errors import InputError
from meshrep.parametrizations.base import Map, Parametrization, whole

FADE = float(np.exp(-32.0))  # the average's Σ k at which it is halved: eight σ from a lone point
FAR = 40.0  # |x − y|²/(2σ²) from which k is 0, as in meshrep.kernels.smoothing
DRAWS = 10  # first gradients from which a default bandwidth is taken
NAMES = {"interpolate": "kernel", "average": "kernel-average", "root": "kernel-root"}
MULTIPLES = {"interpolate": 2.0, "average": 1.0, "root": 2.0}  # of the support's spacing


class KernelSmoothing(Parametrization):
    """Points that drag their neighbourhood along.

    Parameters
    ----------
    form : {"interpolate", "average", "root"}
        How the gradient is spread. "interpolate": a smooth field that passes through it, which is
        the diffeomorphic interpolation. "average": its kernel-weighted mean (Nadaraya–Watson),
        which solves no system, never exceeds the gradient, and dies away beyond eight σ. "root": a
        true parametrization, whose kernel stays that of the start.
    bandwidth : float, optional
        σ > 0, a length in the units of the points. By default 2 (1 for
        "average") times the median distance from a point with a gradient to the nearest other
        one. This is the median over the first ten gradients, and is then kept. "root" takes the
        ten at the start, or only one if the energy draws no subsamples.
    ridge : float
        ε ≥ 1e-10 of "interpolate"; k(x, x) is 1.
    rank : int
        Most columns of the root L; fewer are taken where they reach ``tolerance``.
    tolerance : float
        Largest error of K's diagonal that is left in L Lᵀ.

    Raises
    ------
    InputError
        For a form that is unknown or a number out of range. When it is built, for a scalar field
        on a graph without points; when a step is taken, for "interpolate" with a gradient on more
        than 6,000 points.

    Notes
    -----
    On fields (n, d), which are positions, the kernel acts at the current positions, each
    coordinate alike; on fields (n,) at the points of the graph.

    "interpolate" and "average" keep the field itself as variables and give the smoothed step
    S(x) g where a parametrization gives Jᵀg. That is a preconditioner which depends on the
    position, **not** the pullback of a map, and S(x) g is not the gradient of any function.
    Minimisers that only step along it (gradient descent, momentum, Adam) can use it; it misleads
    line searches and quasi-Newton methods. In a parametrization a step of gradient descent is
    −lr J Jᵀ g, linear in g. Here S(x) = K_{·I}(K_II + εI)⁻¹ or diag(K1)⁻¹K takes the place of
    J Jᵀ; for "root", J Jᵀ = L Lᵀ = K.

    Births and deaths pull neighbouring points apart, so that g_I is rough where K_II is smooth.
    On a noisy ring of 2,000 points and whole diagrams of 200 of them, with σ of twice the spacing
    and ε = 1e-6 the step is up to 50 times the gradient, and the loop grows no more than without
    a kernel; with ε = 0.03 it is twice at most, and the loss falls six times as far. What ε leaves
    out is the part of g_I that changes sign from neighbour to neighbour; where the support is
    sparse, more than 3σ apart, the step is g to within some 3%.

    Cost n·|I| Gaussians a step, 1.5 ns each, and |I|³/3 to interpolate.
    """

    def __init__(
        self,
        form: str = "interpolate",
        bandwidth: float | None = None,
        *,
        ridge: float = 0.03,
        rank: int = 256,
        tolerance: float = 1e-6,
    ) -> None:
        if form not in NAMES:
            raise InputError(f"unknown form {form!r}: choose interpolate, average or root")
        if bandwidth is not None and not (np.isfinite(bandwidth) and bandwidth > 0):
            raise InputError(f"the bandwidth must be a positive length, not {bandwidth}")
        if not (np.isfinite(ridge) and ridge >= 1e-10):
            raise InputError(f"the ridge must be 1e-10 or more, not {ridge}")
        if not 0 <= tolerance < 1:
            raise InputError(f"the tolerance must lie in [0, 1), not {tolerance}")
        self.form, self.bandwidth, self.ridge = form, bandwidth, float(ridge)
        self.rank, self.tolerance = whole(rank, 1, "the rank of a root"), float(tolerance)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the form."""
        return NAMES[self.form]

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """The field as variables, or the root of the start's kernel."""
        if len(energy.shape) == 1 and energy.graph.points is None:
            raise InputError(
                "a kernel needs points to act on, and the graph has none: "
                "take a mesh or a cloud, or a field of positions"
            )
        kind: Any = _RootMap if self.form == "root" else _SmoothedMap
        return kind(self, energy, start, backend)


def places(energy: Energy, field: np.ndarray) -> np.ndarray:
    """Where the kernel acts: the field's positions, or the points of the graph."""
    points = field if len(energy.shape) == 2 else energy.graph.points
    return np.asarray(points, dtype=np.float64)


def spacing(points: np.ndarray) -> float:
    """The median distance from a point of (m, d) to the nearest other; 0 if all coincide."""
    from scipy.spatial import cKDTree

    apart = np.unique(points, axis=0)
    if len(apart) < 2:
        return 0.0
    return float(np.median(cKDTree(apart).query(apart, k=2)[0][:, 1]))


class _Bandwidth:
    """σ as given, or from the spacing of the supports of the first gradients.

    Several gradients are used, since a small support (one loop has about four points) varies from
    one subsample to the next: by a factor of four on a noisy ring.
    """

    def __init__(self, recipe: KernelSmoothing) -> None:
        self.given, self.multiple = recipe.bandwidth, MULTIPLES[recipe.form]
        self.seen: list[float] = []

    def at(self, support: np.ndarray, cloud: Callable[[], np.ndarray]) -> float:
        """σ now. If all points of the support coincide, it is the cloud's spacing or, if 0, 1."""
        if self.given is not None:
            return self.given
        if len(self.seen) < DRAWS:
            self.seen.append(spacing(support) or spacing(cloud()) or 1.0)
        return self.multiple * float(np.median(self.seen))


def gaussians(x: Array, centres: Array, sigma: float, xp: Any) -> Array:
    """k(x_i, y_j) (n, m), on NumPy or torch."""
    scale = 0.5**0.5 / sigma
    t = (scale * (x[:, :1] - centres[:, 0])) ** 2
    for c in range(1, x.shape[1]):
        t += (scale * (x[:, c : c + 1] - centres[:, c])) ** 2
    return xp.exp(-t) * (t < FAR)


def spread(x: Array, centres: Array, weights: Array, sigma: float, floor: float, xp: Any) -> Array:
    """Σ_j k(x_i, y_j) w_j (n, e), over Σ_j k + floor where that is positive, on NumPy or torch.

    The twin of :mod:`meshrep.kernels.smoothing`, a chunk of points at a time.
    """
    parts, rows = [], max(1, limits.GAUSSIANS_HELD_UP_TO // max(1, len(centres)))
    for begin in range(0, len(x), rows):
        k = gaussians(x[begin : begin + rows], centres, sigma, xp)
        sums = k @ weights
        parts.append(sums / (k.sum(1)[:, None] + floor) if floor > 0 else sums)
    return xp.concatenate(parts)


class _Cloud:
    """Sums of Gaussians at points of one back end: by kernels, whole arrays, or on the device."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.xp = backend, backend.xp
        self.hosted = backend.device == "cpu"
        self.jitted = self.hosted and backend.name != "numpy" and installed("numba")
        self.tensors = hasattr(backend.xp, "from_numpy")

    def host(self, values: Array) -> np.ndarray:
        """The values in NumPy: the same memory where they are on the CPU."""
        if not self.hosted:
            return self.backend.to_numpy(values)
        return values.detach().numpy() if self.tensors else values

    def array(self, values: np.ndarray) -> Array:
        """NumPy values as an array of the back end."""
        return self.backend.asarray(values)

    def spread(
        self, x: Array, centres: np.ndarray, weights: np.ndarray, sigma: float, floor: float
    ) -> Array:
        """:func:`spread` at the back end's points x, from centres and weights on the host."""
        if not self.hosted:
            there = (self.array(centres), self.array(weights))
            return spread(x, *there, sigma, floor, self.xp)
        points = self.host(x)
        if self.jitted:
            from meshrep.kernels import smoothing

            threads = len(points) * len(centres) >= limits.GAUSSIAN_THREADS_FROM and cores() > 1
            kernels = smoothing.PARALLEL if threads else smoothing.SERIAL
            result = np.empty((len(points), weights.shape[1]))
            kernels.spread(points, centres, weights, sigma, floor, result)
        else:
            result = spread(points, centres, weights, sigma, floor, np)
        return self.array(result)


class _SmoothedMap(Map):
    """The field itself; what it pulls back is the smoothed step, not Jᵀg."""

    remembers = True

    def __init__(
        self, recipe: KernelSmoothing, energy: Energy, start: np.ndarray, backend: Backend
    ) -> None:
        self.recipe, self.shape = recipe, energy.shape
        self.cloud = _Cloud(backend)
        self.bandwidth = _Bandwidth(recipe)
        self.moving = len(energy.shape) == 2
        self.x = self.cloud.array(places(energy, energy.clamp(start)))
        self.fixed = Fixed(energy.fixed, energy.fixed_values, backend)
        self.start = backend.asarray(energy.clamp(start)).reshape(-1)

    def field(self, params: Array) -> Array:
        field = params.reshape(self.shape)
        if self.moving:
            self.x = field
        return field

    def pull_back(self, gradient: Array) -> Array:
        g = gradient.reshape(len(self.x), -1)
        support = (g != 0).any(1)
        pulls = self.cloud.host(g[support]).astype(np.float64)
        if not len(pulls):
            return gradient.reshape(-1) * 0
        centres = self.cloud.host(self.x[support]).astype(np.float64)
        if not (np.isfinite(pulls).all() and np.isfinite(centres).all()):
            return gradient.reshape(-1)  # for the minimiser to see that it diverged
        sigma = self.bandwidth.at(centres, lambda: self.cloud.backend.to_numpy(self.x))
        if self.recipe.form == "average":
            step = self.cloud.spread(self.x, centres, pulls, sigma, FADE)
        else:
            weights = self._interpolant(centres, pulls, sigma)
            step = self.cloud.spread(self.x, centres, weights, sigma, 0.0)
        step = step.reshape(self.shape)
        self.fixed.clear(step)
        return step.reshape(-1)

    def _interpolant(self, centres: np.ndarray, pulls: np.ndarray, sigma: float) -> np.ndarray:
        """α (|I|, e) with (K_II + εI) α = g_I."""
        from scipy.linalg import cho_factor, cho_solve

        count = len(centres)
        if count > limits.KERNEL_FACTORED_UP_TO:
            raise InputError(
                f"the gradient acts on {count:,} points, too many to interpolate "
                f"({limits.KERNEL_FACTORED_UP_TO:,} at most): take the form average, or a smaller "
                "subsample"
            )
        matrix = gaussians(centres, centres, sigma, np)
        matrix.flat[:: count + 1] += self.recipe.ridge
        return cho_solve(cho_factor(matrix, overwrite_a=True), pulls)


class _RootMap(Map):
    """w = w₀ + Lθ with L Lᵀ the kernel at the start, as far as the rank goes."""

    def __init__(
        self, recipe: KernelSmoothing, energy: Energy, start: np.ndarray, backend: Backend
    ) -> None:
        field = energy.clamp(start)
        points = places(energy, field)
        bandwidth, evaluator = _Bandwidth(recipe), energy.on(NumpyBackend(jit=False))
        sigma = recipe.bandwidth or 1.0
        for _ in range(0 if recipe.bandwidth else DRAWS if energy.stochastic else 1):
            _, gradient = evaluator.value_and_grad(field)
            support = gradient.reshape(len(points), -1).any(axis=1)
            sigma = bandwidth.at(points[support], lambda: points)
        root = kernel_root(points, sigma, recipe.rank, recipe.tolerance)
        root[:, energy.fixed] = 0.0
        self.shape, self.root = energy.shape, backend.asarray(root)
        self.energy, self.backend = energy, backend
        self.shapes = {"theta": (len(root), *energy.shape[1:])}
        self.start, self.anchor = self.begun(start, 0)

    def begun(self, start: np.ndarray, seed: int) -> tuple[Array, Mapping[str, Array]]:
        zero = self.backend.zeros(int(np.prod(self.shapes["theta"])))
        return zero, {"first": self.backend.asarray(self.energy.clamp(start))}

    def formula(self, parts: Sequence[Array], anchor: Mapping[str, Array]) -> Array:
        return anchor["first"] + self.root.T @ parts[0]

    def field(self, params: Array) -> Array:
        return self.formula(self.parted(params), self.anchor)

    def pull_back(self, gradient: Array) -> Array:
        return (self.root @ gradient).reshape(-1)


def kernel_root(points: np.ndarray, sigma: float, rank: int, tolerance: float) -> np.ndarray:
    """Lᵀ (r, n) with L Lᵀ ≈ K, by Cholesky's factorisation with diagonal pivoting.

    Ends after ``rank`` rows, or once no entry of the diagonal of K − L Lᵀ is above ``tolerance``;
    K − L Lᵀ stays positive semidefinite, so that this bounds every entry.
    """
    n = len(points)
    rows = np.empty((min(rank, n), n))
    left = np.ones(n)
    for r in range(len(rows)):
        pivot = int(left.argmax())
        if left[pivot] <= max(tolerance, 1e-14) and r:
            return rows[:r].copy()
        row = gaussians(points, points[pivot : pivot + 1], sigma, np)[:, 0]
        row -= rows[:r, pivot] @ rows[:r]
        row /= left[pivot] ** 0.5
        left -= row * row
        left[pivot] = 0.0
        rows[r] = row
    return rows
