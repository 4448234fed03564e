"""Topology of a cloud as an energy of its points: loops to make or to close, in a box.

    E(X) = Σ_k c_k ℓ(D_k(X)) + λ Σ_i dist(x_i, box)²,   ℓ(D) = Σ_{(b,d) ∈ D} ((d − b)/2)^p

D_k is the persistence diagram of dimension k. c_k is −1 for features that are to grow and +1 for
features that are to vanish. The papers (P1 §3.2, P2 §7.5) take k = 1 and p = 2; their printed
Σ|w_i − r|² is a misprint of the box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Backend
from meshrep.base.randomness import random_from
from meshrep.base.settings import both_spellings
from meshrep.energies.base import Energy
from meshrep.energies.dimensions import Dimensions, dimensions, signs_of
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.persistence.alpha import alpha_diagrams
from meshrep.persistence.diagrams import Diagrams
from meshrep.persistence.losses import DiagramLoss
from meshrep.persistence.rips import RipsFiltration, checked_points
from meshrep.sources import clouds

_PENALTIES = ("box", "ball", "tether", "none")
_FILTRATIONS = ("rips", "alpha")
_JUDGED = 8  # number of fixed subsamples by which an energy of subsamples is judged


Filtration = Callable[[np.ndarray], Diagrams]  # what makes diagrams of points (n, d)


class RipsPersistence(Energy):
    """Persistent homology of a cloud of points, made to grow or to vanish.

    Parameters
    ----------
    cloud : (n, d) array, Graph or what ``Graph.of`` takes
        The points at the start; the z of a graph is left out if it is 0 everywhere. Points of an
        array are joined to their eight nearest neighbours, along which networks can propagate.
    maximise, minimise : int, "h1", or several, optional
        Dimensions of the features to grow and to remove: 0 components, 1 loops, 2 cavities. By
        default loops grow.
    power, top, window : optional
        Of :class:`meshrep.persistence.losses.DiagramLoss`: p, how many of the longest pairs, or
        the range of persistence that counts.
    targets : mapping of int to (m, 2) array, optional
        Diagrams to approach, by dimension, instead of growing or removing features.
    penalty : {"box", "ball", "tether", "none"}
        What keeps the cloud together: the squared distance to the box [−r, r]^d, to the ball of
        radius r, or to the start of each point.
    bound : float, optional
        r; by default half the longest extent of the start.
    centre : float or (d,) array, optional
        Centre of box and ball; by default the middle of the start's extent. (The spellings
        ``maximize``, ``minimize`` and ``center`` are taken too.)
    strength : float
        λ.
    filtration : {"rips", "alpha"}
        Vietoris–Rips, or alpha for points in the plane or in space. Alpha is faster, and its loops
        die later. gudhi's alpha complex uses CGAL and is therefore under the GPL.
    max_length : float
        Longest edge of the Rips complex; features that are still alive at it do not count.
    links : {"births", "graph"}, optional
        The graph that networks propagate along: the Rips graph at the midpoint of the births of the
        start's loops, as in the papers (the default for whole clouds), or the cloud's own graph.
    subsample : int, optional
        Number of points of which the energy is evaluated, drawn anew each time, for large clouds.
        End states are judged by eight fixed subsamples.
    seed : int
        Seed of the draws.

    Raises
    ------
    InputError
        For settings that do not fit each other or the cloud.
    MissingPart
        Without gudhi.

    Notes
    -----
    The gradient is exact where no two critical lengths are equal. It is 0 except at the ends of
    critical edges. The energy is not smooth, and with a window or a max_length not continuous.
    Where features grow with a power above 2, the quadratic penalty limits them only near the start.

    References
    ----------
    Both, Dehmamy, Long and Yu, P1 §3.2 and P2 §7.5; Carrière et al., "Optimizing persistent
    homology based functions" (2021).

    Examples
    --------
    A hexagon's loop is born at 1 and dies at √3:

    >>> turn = np.arange(6) * np.pi / 3
    >>> energy = RipsPersistence(np.stack([np.cos(turn), np.sin(turn)], axis=1), penalty="none")
    >>> round(energy.value(energy.random_start()), 6) == round(-((3**0.5 - 1) / 2) ** 2, 6)
    True
    """

    quantity = "position"
    smooth = False
    one_start = True

    @both_spellings
    def __init__(
        self,
        cloud: GraphLike | np.ndarray,
        *,
        maximise: Dimensions = None,
        minimise: Dimensions = None,
        power: float = 2.0,
        top: int | None = None,
        window: tuple[float, float] | None = None,
        targets: Mapping[int | str, np.ndarray] | None = None,
        penalty: str = "box",
        bound: float | None = None,
        centre: float | np.ndarray | None = None,
        strength: float = 1.0,
        filtration: str = "rips",
        max_length: float = np.inf,
        links: str | None = None,
        subsample: int | None = None,
        seed: int = 0,
    ) -> None:
        graph, points = _cloud(cloud)
        super().__init__(graph)
        self.points = points
        wanted = {k: values for name, values in (targets or {}).items() for k in dimensions(name)}
        self.signs = signs_of(maximise, minimise, wanted)
        own = 2.0 if wanted and set(wanted) != set(self.signs) else power
        self.losses = {
            k: DiagramLoss(own, top, window, wanted[k])
            if k in wanted
            else DiagramLoss(power, top, window)
            for k in self.signs
        }
        for name, word, known in (
            ("penalty", penalty, _PENALTIES),
            ("filtration", filtration, _FILTRATIONS),
            ("links", links or "graph", ("births", "graph")),
        ):
            if word not in known:
                raise InputError(f"unknown {name} {word!r}: choose {', '.join(known)}")
        if filtration == "alpha" and np.isfinite(max_length):
            raise InputError("max_length is for the Rips filtration: drop it, or take rips")
        self.penalty, self.filtration, self.max_length = penalty, filtration, max_length
        self._set_bounds(bound, centre, strength)
        random_from(seed)
        self.subsample, self.seed = _subsample(subsample, len(points)), int(seed)
        self.stochastic = self.subsample is not None
        if self.subsample and links == "births":
            raise InputError(
                "links along births need whole diagrams: drop subsample, or take graph"
            )
        self.links = links or ("graph" if self.subsample else "births")
        if -1.0 in self.signs.values() and not self.strength:
            self.unbounded = "features that grow need a box, a ball or a tether to end somewhere"
        self.new_filtration()

    def _set_bounds(self, bound: float | None, centre: Any, strength: float) -> None:
        """Set where the penalty keeps the points, and how strongly."""
        points, formed = self.points, self.penalty in ("box", "ball")
        for name, given in (("bound", bound), ("centre", centre)):
            if given is not None and not formed:
                raise InputError(f"{name} is for a box or a ball, not for {self.penalty}")
        extent = float(np.ptp(points, axis=0).max()) / 2
        self.bound = extent if bound is None else float(bound)
        self.strength = float(strength) if self.penalty != "none" else 0.0
        for name, number in (("bound", self.bound), ("strength", self.strength)):
            if not 0 <= number < np.inf:
                raise InputError(f"{name} must be a finite number of 0 or more, not {number}")
        self.unit = max(extent, self.bound if formed else 0.0) or 1.0
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        place = np.asarray(middle if centre is None else centre, dtype=np.float64)
        if place.shape not in ((), points.shape[1:]) or not np.isfinite(place).all():
            raise InputError(f"the centre is one finite number or {points.shape[1]}, not {centre}")
        self.centre = np.broadcast_to(place, points.shape[1:])

    @property
    def scale(self) -> float:
        """The unit to the power p of the loss."""
        return self.unit ** next(iter(self.losses.values())).power

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the positions, (n, d)."""
        return self.points.shape

    def new_filtration(self) -> Filtration:
        """A new filtration for one evaluator; it reuses what it learnt from earlier calls."""
        if self.filtration == "alpha":
            return self._alpha(tuple(self.signs))
        return RipsFiltration(self.signs, self.max_length).diagrams

    def _alpha(self, wanted: tuple[int, ...]) -> Filtration:
        d = self.points.shape[1]
        if d not in (2, 3) or max(wanted) >= d:
            raise InputError(
                f"alpha has no H{max(wanted)} in {d} dimensions: it is for the plane (h0, h1) and "
                "for space (h0, h1, h2)"
            )
        return partial(alpha_diagrams, dimensions=list(wanted))

    def diagrams(self, points: np.ndarray) -> Diagrams:
        """The diagrams of the points ``shown`` among positions (n, d), by dimension."""
        return self.new_filtration()(checked_points(points)[self.shown])

    @property
    def shown(self) -> np.ndarray:
        """Numbers of the points whose diagrams are shown: all, or the judge's first draw."""
        return self.drawn(0, judged=True) if self.subsample else np.arange(len(self.points))

    def drawn(self, number: int, *, judged: bool = False) -> np.ndarray:
        """Points (k,) of subsample ``number``; the judge has subsamples of its own."""
        rng = random_from(self.seed, int(judged), number)
        return rng.choice(len(self.points), self.subsample, replace=False)

    @cached_property
    def coupling(self) -> sparse.csr_array:
        """The symmetric matrix (n, n) that networks propagate along, as ``links`` says."""
        if self.links == "graph":
            return self.graph.adjacency
        if self.filtration == "alpha":
            found = self._alpha((1,))(self.points)[1]
        else:
            found = RipsFiltration((1,), self.max_length).diagrams(self.points)[1]
        births = found.values[:, 0]
        if not len(births):
            return self.graph.adjacency
        radius = float(births.min() + births.max()) / 2
        name = f"{self.graph.name}, Rips at {radius:.3g}"
        return clouds.within(self.points, radius, name=name).adjacency

    def on(self, backend: Backend) -> Evaluator:
        """On NumPy, and through the host for tensors; evaluations draw subsamples if asked."""
        inner = _Evaluator(self, drawn=self.stochastic)
        return inner if backend.xp is np else ByHost(inner, backend)

    @cached_property
    def judge(self) -> Evaluator:
        """The energy of all points, or the mean over eight fixed subsamples."""
        made = _Evaluator(self, drawn=False)
        made.unit = self.unit
        return made

    def random_start(self, seed: int = 0) -> np.ndarray:
        """The cloud's own points (n, d), whatever the seed."""
        return self.points.copy()

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """Number of pairs of each dimension in the energy, and the persistence of the longest."""
        measured: dict[str, float] = {}
        for k, diagram in self.diagrams(w).items():
            measured[f"H{k} pairs"] = len(diagram)
            measured[f"longest H{k}"] = float(diagram.persistence.max(initial=0.0))
        return measured

    def prospects(self, start: np.ndarray) -> list[str]:
        """How many pairs of a target the start matches, or that nothing will move."""
        found = self.diagrams(start)
        said, moved = [], False
        for k, loss in self.losses.items():
            values = found[k].values
            moved = moved or len(loss.chosen(values)) > 0
            if loss.target is not None and len(loss.target):
                matched, asked = len(loss.matched(values)[0]), len(loss.target)
                rest = "" if matched == asked else ", the others are out of reach"
                said.append(
                    f"{matched} of {asked} target pair{'' if asked == 1 else 's'} "
                    f"{'is' if matched == 1 else 'are'} matched by an H{k} pair of the cloud{rest}"
                )
        if moved:
            return said
        names = " or ".join(f"H{k}" for k in self.losses)
        where, advice = "", "give more points, or ask for another dimension"
        if any(len(found[k]) for k in self.losses):
            where, advice = " in the window", "widen the window"
        elif np.isfinite(self.max_length):
            advice = "raise max_length, or give more points"
        return [*said, f"there is no {names} pair{where} to begin with, so nothing moves: {advice}"]

    def settings(self) -> dict[str, Any]:
        """Everything that defines the energy beside the graph."""
        return {
            "energy": "RipsPersistence",
            "signs": {f"h{k}": sign for k, sign in self.signs.items()},
            "losses": {f"h{k}": loss.settings() for k, loss in self.losses.items()},
            "penalty": self.penalty, "bound": self.bound, "centre": self.centre.tolist(),
            "strength": self.strength, "filtration": self.filtration,
            "max_length": None if np.isinf(self.max_length) else self.max_length,
            "links": self.links, "subsample": self.subsample, "seed": self.seed,
        }  # fmt: skip


def _subsample(asked: int | None, n: int) -> int | None:
    """The number of points to draw; None for all."""
    if asked is None:
        return None
    if int(asked) != asked or asked < 3:
        raise InputError(f"a subsample is a whole number of 3 points or more, not {asked}")
    return int(asked) if asked < n else None


def _cloud(cloud: GraphLike | np.ndarray) -> tuple[Graph, np.ndarray]:
    """A graph and the positions (n, d) of its nodes."""
    if isinstance(cloud, np.ndarray | list | tuple):
        points = checked_points(cloud)
        return clouds.nearest(points), points
    graph = Graph.of(cloud)
    if graph.points is None:
        raise InputError(f"{graph.name} has no coordinates: topology needs a cloud of points")
    points = checked_points(graph.points)
    flat = not points[:, 2].any()
    return graph, points[:, :2] if flat else points


class _Evaluator(Evaluator):
    """The energy in float64; ``drawn`` takes another subsample at every call."""

    def __init__(self, energy: RipsPersistence, drawn: bool) -> None:
        self.energy, self.drawn, self.calls = energy, drawn, 0
        self.filtration = energy.new_filtration()

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        energy, points = self.energy, np.asarray(w, dtype=np.float64)
        if not np.isfinite(points).all():
            return np.nan, np.full(w.shape, np.nan, dtype=w.dtype)
        if energy.subsample is None:
            value, gradient = self._of(points, energy.points)
            return value, gradient.astype(w.dtype)
        if self.drawn:
            self.calls += 1
            draws = [energy.drawn(self.calls)]
        else:
            draws = [energy.drawn(k, judged=True) for k in range(_JUDGED)]
        total, gradient = 0.0, np.zeros_like(points)
        for chosen in draws:
            value, part = self._of(points[chosen], energy.points[chosen])
            total += value / len(draws)
            gradient[chosen] += part / len(draws)
        return total, gradient.astype(w.dtype)

    def _of(self, points: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
        energy = self.energy
        value, gradient = _penalty(energy, points, start)
        found = self.filtration(points)
        for k, sign in energy.signs.items():
            part, slopes = energy.losses[k](found[k].values)
            value += sign * part
            gradient += found[k].pull_back(sign * slopes)
        return float(value), gradient


def _penalty(
    energy: RipsPersistence, points: np.ndarray, start: np.ndarray
) -> tuple[float, np.ndarray]:
    """λ Σ dist², and its gradient (n, d)."""
    if energy.penalty == "none":
        return 0.0, np.zeros_like(points)
    if energy.penalty == "tether":
        outside = points - start
    else:
        outside = points - energy.centre
        if energy.penalty == "box":
            outside = outside - np.clip(outside, -energy.bound, energy.bound)
        else:
            radius = np.sqrt((outside * outside).sum(axis=1, keepdims=True))
            outside = outside * np.maximum(1 - energy.bound / np.maximum(radius, 1e-300), 0.0)
    return energy.strength * float((outside * outside).sum()), 2 * energy.strength * outside
