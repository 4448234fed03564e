"""Topology of a field as an energy: extrema and loops that are to vanish or to grow.

    E(w) = Σ_{(b,d)} (|d − b|/2)^p

over pairs of the sublevel sets (minima and the saddles that end them) and of the superlevel sets
(maxima) of the field, if their persistence is too small to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from meshrep.base.backends import Array, Backend, NumpyBackend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.errors import InputError
from meshrep.graphs.graph import GraphLike
from meshrep.persistence.losses import DiagramLoss
from meshrep.persistence.lower_star import LowerStarFiltration

LEVELS = ("sub", "super")
MODES = ("simplify", "create", "separate")
ROUNDING = 1e-6  # extrema below this persistence, over the field's range, are rounding


class LowerStar(Energy):
    """Lower-star persistence of a field on a graph.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the field lives; the field has its own unit.
    threshold : float, optional
        τ > 0, in the field's unit.
    keep : int or mapping of "sub" and "super" to int, optional
        k, the number of most persistent pairs that are kept for each level and dimension; pairs of
        equal persistence are ordered by node number.
    mode : {"simplify", "create", "separate"}
        Which pairs have an energy. "simplify": pairs of persistence up to τ, or all but the k most
        persistent, or both. "create": the k most persistent (by default 1), with
        (max(τ − |d − b|, 0)/2)^p. "separate": the k most persistent in the same way, and all others
        with (|d − b|/2)^p, so that E = 0 when k pairs reach τ and there are no others.
    power : float
        p > 0.
    dimensions : sequence of int
        0 for extrema, 1 for loops round them, which needs faces.
    levels : sequence of {"sub", "super"}
        Sublevel sets, superlevel sets, or both.

    Raises
    ------
    InputError
        When a setting is out of its range, or does not fit the others.

    Notes
    -----
    The gradient is exact where no two nodes have equal values and the choice of pairs does not
    change. In the mode "simplify" the energy jumps at a pair of persistence τ: a long step may move
    pairs above τ, where they have no energy. With ``keep`` alone, and in the other modes, the
    energy is continuous. The global extremum of each connected component has no partner and always
    stays. With a negative factor the energy has no lower bound.

    Added to another energy, the power 1 removes pairs if its factor is large enough against the
    gradients of the other; Adam then arrives where L-BFGS stalls. The power 2 only makes pairs
    small. :func:`meshrep.solving.simplify.simplify` removes every extremum below a threshold, and
    changes little else.

    References
    ----------
    Carrière et al., "Optimizing persistent homology based functions" (2021). Edelsbrunner,
    Morozov and Pascucci, "Persistence-sensitive simplification of functions on 2-manifolds" (2006).

    Examples
    --------
    Two hills on a ring, the lower one 1 above the saddle between them:

    >>> import numpy as np, meshrep
    >>> ring = meshrep.graph_from("ring:5")
    >>> energy = LowerStar(ring, levels=["super"])
    >>> energy.value(np.array([0.0, 3.0, 1.0, 2.0, 0.0]))
    0.25
    """

    smooth = False

    def __init__(
        self,
        graph: GraphLike,
        *,
        threshold: float | None = None,
        keep: int | Mapping[str, int] | None = None,
        mode: str = "simplify",
        power: float = 2.0,
        dimensions: Sequence[int] = (0,),
        levels: str | Sequence[str] = LEVELS,
    ) -> None:
        super().__init__(graph)
        graph = self.graph
        levels = [levels] if isinstance(levels, str) else list(levels)
        if not levels or any(level not in LEVELS for level in levels):
            raise InputError(f"levels must be among {', '.join(LEVELS)}, not {levels}")
        if mode not in MODES:
            raise InputError(f"unknown mode {mode!r}: choose {', '.join(MODES)}")
        if threshold is not None and not (np.isfinite(threshold) and threshold > 0):
            raise InputError(f"the threshold must be a positive number, not {threshold}")
        if mode != "simplify" and threshold is None:
            raise InputError(f"mode={mode!r} needs a threshold: the persistence to be reached")
        self.mode = mode
        self.threshold = None if threshold is None else float(threshold)
        if self.threshold is not None:
            self.unit = self.threshold
        self.levels = tuple(level for level in LEVELS if level in levels)
        self.keep = _counts(int(mode == "create") if keep is None else keep, self.levels)
        self.filtration = LowerStarFiltration(graph, dimensions)
        self._extrema = LowerStarFiltration(graph)
        self.loss = DiagramLoss(power)

    @property
    def auto_solver(self) -> tuple[str, str]:
        """Nesterov's method for the mode "separate", which starts near the minimum."""
        if self.mode == "separate":
            return "nesterov", "few steps from a field that is nearly simple already"
        return super().auto_solver

    @property
    def scale(self) -> float:
        """The unit to the power p."""
        return self.unit**self.loss.power

    def on(self, backend: Backend) -> Evaluator:
        """An evaluator on the CPU, for any back end."""
        if backend.name == "torch":
            return ByHost(_Evaluator(self, NumpyBackend(backend.dtype)), backend)
        return _Evaluator(self, backend)

    def steepest(self, start: np.ndarray) -> float:
        """The largest curvature of one pair's energy, times the most pairs at a node of the start.

        It is the curvature between 0 and τ; where p < 2 it is infinite at 0, and τ/10 is taken.
        """
        most, longest = 1, 0.0
        for level in self.levels:
            for diagram in self.filtration.diagrams(start, level == "super").values():
                most = max(most, np.bincount(diagram.deaths[:, 0], minlength=1).max())
                longest = max(longest, diagram.persistence.max(initial=0.0))
        p, scale = self.loss.power, 0.5 * (self.threshold or longest or self.unit)
        slope = p * max(p - 1, 1) * (scale if p >= 2 else 0.1 * scale) ** (p - 2)
        return 0.25 * slope * float(most + 1) * len(self.levels)

    def chosen(self, persistence: np.ndarray, level: str) -> tuple[np.ndarray, np.ndarray]:
        """Which of the pairs (k,) of one level and dimension are to vanish, and which to grow."""
        order, keep = np.argsort(-persistence, kind="stable"), self.keep[level]
        grow, vanish = order[:keep], order[keep:]
        if self.mode == "create":
            return vanish[:0], grow
        if self.mode == "separate":
            return vanish, grow
        if self.threshold is not None:
            vanish = vanish[persistence[vanish] <= self.threshold]
        return vanish, grow[:0]

    def flooded(self, w: np.ndarray) -> np.ndarray:
        """The field where every extremum that is to vanish is filled or cut to its saddle.

        No node moves beyond the level of a saddle, and no extremum grows. Passes over both levels
        alternate until nothing changes.
        """
        w = np.array(w, dtype=np.float64)
        while True:
            before = w
            for level in self.levels:
                tree = self.filtration.tree(w, level == "super")
                nodes = tree.extrema
                nodes = nodes[w[nodes] != w[tree.saddle[nodes]]]
                persistence = abs(w[tree.saddle[nodes]] - w[nodes])
                w = w[tree.levels(nodes[self.chosen(persistence, level)[0]])]
            if np.array_equal(w, before):
                return w

    def persistence(self, w: np.ndarray, level: str) -> np.ndarray:
        """Persistence of a field's minima ("sub") or maxima ("super"), except infinite ones."""
        return self._extrema.diagrams(w, level == "super")[0].persistence

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """Numbers of minima and maxima beyond rounding, with the global ones of each component."""
        least = ROUNDING * np.ptp(w)
        whole = self.graph.component_count
        return {
            name: float((self.persistence(w, level) > least).sum() + whole)
            for name, level in (("minima", "sub"), ("maxima", "super"))
        }

    def settings(self) -> dict[str, Any]:
        """Mode, threshold, power, levels and dimensions."""
        return {
            "energy": "LowerStar", "mode": self.mode, "threshold": self.threshold,
            "keep": dict(self.keep), "power": self.loss.power,
            "dimensions": list(self.filtration.dimensions), "levels": list(self.levels),
        }  # fmt: skip


def _counts(keep: Any, levels: Sequence[str]) -> dict[str, int]:
    """The number of pairs of each level that are kept, checked."""
    counts = dict(keep) if isinstance(keep, Mapping) else dict.fromkeys(levels, keep)
    if set(counts) != set(levels):
        raise InputError(
            f"keep names {', '.join(counts)}, where the levels are {', '.join(levels)}"
        )
    for count in counts.values():
        whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
        if not whole or count < 0:
            raise InputError(f"keep must be a whole number of 0 or more, not {count!r}")
    return {level: int(count) for level, count in counts.items()}


class _Evaluator(Evaluator):
    """The energy in float64, for arrays of any precision."""

    def __init__(self, energy: LowerStar, backend: Backend) -> None:
        self.energy = energy

    def value_and_grad(self, w: Array) -> tuple[float, Array]:
        exact = np.asarray(w, dtype=np.float64)
        if not np.isfinite(exact).all():
            return np.nan, w * np.nan
        energy = self.energy
        value, gradient = 0.0, np.zeros(len(exact))
        for level in energy.levels:
            for diagram in energy.filtration.diagrams(exact, level == "super").values():
                vanish, grow = energy.chosen(diagram.persistence, level)
                slopes = np.zeros_like(diagram.values)
                part, slopes[vanish] = energy.loss(diagram.values[vanish])
                more, slopes[grow] = self._shortfall(diagram.values[grow])
                value += part + more
                gradient += diagram.pull_back(slopes)
        return value, gradient.astype(w.dtype, copy=False)

    def _shortfall(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient of the amounts by which the persistence of pairs falls short of τ."""
        if not len(values):
            return 0.0, values
        length = values[:, 1] - values[:, 0]
        lack = np.maximum(self.energy.threshold - abs(length), 0.0)
        value, slopes = self.energy.loss(np.stack([np.zeros_like(lack), lack], axis=1))
        # A shorter pair lacks more, so that the slopes of birth and death are exchanged.
        return value, slopes[:, ::-1] * np.sign(length)[:, None]
