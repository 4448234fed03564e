"""The field as a product of factors, a network without a graph and without σ: depth alone.

    w = w_b + c z W_1 W_2 ⋯ W_{N−1}

with w_b the energy's origin, z a field of latents (n, h), W_j (h, h) and the last factor (h, d).
The product can be any field, as before, but gradients move it differently. From balanced factors,
all of one norm, a field of one column follows

    dw/dt = −c^{2/N} ‖w‖^{2−2/N} (∇E + (N − 1) w (w·∇E)/‖w‖²)

with w counted from w_b (Arora, Cohen and Hazan 2018, claim 2): the larger the field, the faster it
moves, and along itself it moves N times as fast. They call this acceleration by depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.parametrizations.base import Map, Parametrization, whole

FLOOR = 1e-3  # a start is flat if its singular values over those of a field of units are less


class DeepLinear(Parametrization):
    """A product of a field and depth − 1 small matrices.

    Parameters
    ----------
    depth : int
        N ≥ 2 factors.
    width : int, optional
        h ≥ d latents a node. By default d, the columns of the field, and so 1 for temperatures
        and phases: then W_1, W_2, … are numbers. More latents change nothing in a gradient flow,
        as they do not add to the rank; they change the path of Adam.
    share : float
        The field begins at this multiple of the start, in (0, 1], as counted from the energy's
        origin. With 1 it begins at the start; with 0.01 it begins near the origin, as in the
        paper.

    Raises
    ------
    InputError
        For a number out of range, or a depth or width that is not whole. When it is built, for
        fewer latents than columns.

    Notes
    -----
    The factors begin balanced, W_jᵀW_j = W_{j+1}W_{j+1}ᵀ, from the eigenvectors of wᵀw. The
    constant is c = u (u/r)^{N−1}, with u the energy's unit and r = ‖w₀‖ (over √d), so that at one
    column z = w₀/u and every W_j = r/u: Adam then moves a node by as much as it would without the
    factors. At w₀ gradient flow is u² times that of the field, plus the projection term.

    Factors that are all zero cannot move. So where a start is (nearly) zero, or has (nearly)
    dependent columns, the factors begin at normal numbers of spread u. w_b is then the difference
    between the start and the product, and a note says so. Fixed nodes have z = 0
    and their values in w_b. Otherwise w_b is rounding. These numbers, and the rotations that mix
    latents beyond the columns, are the same for every seed.

    An evaluation costs two small products beside the energy's.

    References
    ----------
    Arora, Cohen and Hazan, "On the optimization of deep networks: implicit acceleration by
    overparameterization" (2018).
    """

    name = "deep-linear"

    def __init__(self, depth: int = 2, width: int | None = None, share: float = 1.0) -> None:
        self.depth = whole(depth, 2, "the depth of a product")
        self.width = None if width is None else whole(width, 1, "the width of a product")
        if not 0 < share <= 1:
            raise InputError(f"the share of the start must lie in (0, 1], not {share}")
        self.share = float(share)

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Balance the factors at the start."""
        return _Product(self, energy, start, backend)


class _Product(Map):
    """w_b + c z W_1 ⋯ W_{N−1}, the parameters in that order."""

    def __init__(
        self, recipe: DeepLinear, energy: Energy, start: np.ndarray, backend: Backend
    ) -> None:
        self.recipe, self.energy, self.backend = recipe, energy, backend
        self.shape = energy.shape
        self.unit = float(energy.unit)
        n, d = energy.shape[0], energy.shape[1] if len(energy.shape) == 2 else 1
        h = d if recipe.width is None else recipe.width
        if h < d:
            raise InputError(f"{h} latents cannot reach every field of {d} columns: give {d}")
        middle = {f"factor_{k}": (h, h) for k in range(1, recipe.depth - 1)}
        self.shapes = {"latents": (n, h), **middle, f"factor_{recipe.depth - 1}": (h, d)}
        self.start, self.anchor = self.begun(start, 0)

    def begun(self, start: np.ndarray, seed: int) -> tuple[Array, Mapping[str, Array]]:
        """Balanced factors, c, and what is left of the start."""
        recipe, energy, unit, origin = self.recipe, self.energy, self.unit, self.energy.origin
        begin = energy.clamp(start)
        begin[energy.free] = origin + recipe.share * (begin[energy.free] - origin)
        fields = begin.reshape(len(begin), -1)
        n, d = fields.shape
        product = np.zeros((n, d))
        product[energy.free] = (fields[energy.free] - origin) / recipe.share
        least = unit * FLOOR * np.sqrt(len(energy.free))
        rng = np.random.default_rng(0)  # not the seed, which draws starts only
        if len(energy.free) and np.linalg.eigvalsh(product.T @ product)[0] < least**2:
            product[energy.free] += unit * rng.standard_normal((len(energy.free), d))
            self.notes = [
                "the start is zero or has dependent columns, where factors could not move: "
                "they begin at normal numbers, and the field is offset to its start"
            ]
        size = float(np.linalg.norm(product)) / np.sqrt(d) or unit
        scale = unit * (unit / size) ** (recipe.depth - 1)
        width = self.shapes["latents"][1]
        factors = balanced(product * (recipe.share / scale), recipe.depth, width, rng)
        params = self.backend.asarray(np.concatenate([factor.ravel() for factor in factors]))
        zero = {"scale": self.backend.asarray(scale), "offset": self.backend.zeros(n, d)}
        output = self.formula(self.parted(params), zero).reshape(n, d)
        return params, {**zero, "offset": self.backend.asarray(fields) - output}

    def formula(self, parts: Sequence[Array], anchor: Mapping[str, Array]) -> Array:
        """The product, and what is offset."""
        return self._multiplied(parts, anchor)[0]

    def _multiplied(
        self, parts: Sequence[Array], anchor: Mapping[str, Array]
    ) -> tuple[Array, list[Array]]:
        """The field, and W_j ⋯ W_{N−1} with the last j first."""
        after = [parts[-1]]
        for factor in parts[-2:0:-1]:
            after.append(factor @ after[-1])
        w = parts[0] @ after[-1]
        w = w * anchor["scale"] + anchor["offset"]
        return w.reshape(self.shape), after

    def field(self, params: Array) -> Array:
        """The product, and what is offset."""
        self.factors = self.parted(params)
        w, self.after = self._multiplied(self.factors, self.anchor)
        return w

    def pull_back(self, gradient: Array) -> Array:
        """Jᵀ·gradient, factor by factor."""
        pulled = self.backend.empty(*self.start.shape)
        scaled = self.anchor["scale"] * gradient.reshape(self.anchor["offset"].shape)
        z, *small = self.factors
        places = self.parted(pulled)
        places[0][:] = scaled @ self.after[-1].T
        before = z.T @ scaled  # (z W_1 ⋯ W_{j−1})ᵀ of the scaled gradient
        rests = [*self.after[:-1][::-1], None]  # W_{j+1} ⋯ W_{N−1}
        for factor, rest, place in zip(small, rests, places[1:], strict=True):
            place[:] = before if rest is None else before @ rest.T
            before = factor.T @ before
        return pulled


def balanced(
    product: np.ndarray, depth: int, width: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Factors z (n, h), W_1 (h, h), …, W_{N−1} (h, d) of a product (n, d), d ≤ h.

    W_jᵀW_j = W_{j+1}W_{j+1}ᵀ, with z in the place of W_0: for one column all have its norm to the
    power 1/N. Latents beyond the columns are mixed in by rotations, which are drawn.
    """
    n, d = product.shape
    values, V = np.linalg.eigh(product.T @ product)
    sound = values > 1e-20 * values[-1]
    sizes = np.sqrt(np.where(sound, values, 1.0))
    root = np.where(sound, sizes ** (1.0 / depth), 0.0)
    first, last, middle = np.zeros((n, width)), np.zeros((width, d)), np.zeros((width, width))
    first[:, :d] = (product @ V) * np.where(sound, root / sizes, 0.0)
    last[:d] = root[:, None] * V.T
    middle[:d, :d] = np.diag(root)
    turns = [np.eye(width)] * (depth - 1)
    if width > d:
        turns = [np.linalg.qr(rng.standard_normal((width, width)))[0] for _ in turns]
    inner = [a.T @ middle @ b for a, b in pairwise(turns)]
    return [first @ turns[0], *inner, turns[-1].T @ last]
