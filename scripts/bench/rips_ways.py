"""Functions that return −Σ((d − b)/2)² over the loops of a cloud, and its gradient (n, d).

Those of packages without critical edges take the edges whose lengths are nearest to the births and
deaths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist, squareform

from meshrep.base.backends import NumpyBackend, installed
from meshrep.energies.topology import RipsPersistence

Found = tuple[float, np.ndarray]


@dataclass(frozen=True)
class Way:
    """One function, and what is known of it beforehand.

    ``same_value`` is False for another filtration, ``same_gradient`` for another direction.
    ``bytes_a_triangle`` is its measured memory.
    """

    label: str
    needs: tuple[str, ...]
    prepare: Callable[[np.ndarray], Callable[[], Found]]
    same_value: bool = True
    same_gradient: bool = True
    bytes_a_triangle: float = 0.0

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.needs if not installed(package)]

    def fits(self, n: int, room: float) -> bool:
        """Say whether a cloud of n points fits into the room in memory, in bytes."""
        return self.bytes_a_triangle * n * (n - 1) * (n - 2) / 6 < 0.6 * room


def warmed(points: np.ndarray) -> Callable[[], Found]:
    """Ours as in a run, which remembers the reach of the last diagram."""
    evaluator = RipsPersistence(points, penalty="none").on(NumpyBackend())
    return lambda: evaluator.value_and_grad(points)


def cold(points: np.ndarray) -> Callable[[], Found]:
    """Ours with a new filtration every time."""
    energy = RipsPersistence(points, penalty="none")
    return lambda: energy.on(NumpyBackend()).value_and_grad(points)


def alpha(points: np.ndarray) -> Callable[[], Found]:
    """Ours on the alpha filtration."""
    evaluator = RipsPersistence(points, penalty="none", filtration="alpha").on(NumpyBackend())
    return lambda: evaluator.value_and_grad(points)


def simplex_tree(points: np.ndarray) -> Callable[[], Found]:
    """The papers' way: all triangles in gudhi's simplex tree, and the generators that it names."""
    import gudhi

    def way() -> Found:
        tree = gudhi.RipsComplex(points=points).create_simplex_tree(max_dimension=2)
        tree.compute_persistence()
        _, loops, *_ = tree.flag_persistence_generators()
        edges = loops[0] if loops else np.zeros((0, 4), dtype=np.int64)
        ends = [points[edges[:, column]] for column in range(4)]
        births = np.sqrt(((ends[0] - ends[1]) ** 2).sum(axis=1))
        deaths = np.sqrt(((ends[2] - ends[3]) ** 2).sum(axis=1))
        return carried_back(points, np.stack([births, deaths], axis=1), edges.reshape(-1, 2, 2))

    return way


def collapsed(points: np.ndarray) -> Callable[[], Found]:
    """The simplex tree of what is left after edges are collapsed."""
    import gudhi

    def way() -> Found:
        tree = gudhi.RipsComplex(points=points).create_simplex_tree(max_dimension=1)
        tree.collapse_edges()
        tree.expansion(2)
        tree.compute_persistence()
        return by_value(points, pdist(points), tree.persistence_intervals_in_dimension(1))

    return way


def ripser_on_pypi(points: np.ndarray) -> Callable[[], Found]:
    """The package ripser on the distance matrix; it uses float32 inside."""
    from ripser import ripser

    def way() -> Found:
        lengths = pdist(points)
        found = ripser(squareform(lengths), maxdim=1, distance_matrix=True)
        return by_value(points, lengths, found["dgms"][1])

    return way


def gudhis_ripser(points: np.ndarray) -> Callable[[], Found]:
    """gudhi's Ripser on the full distance matrix."""
    from gudhi.sklearn.rips_persistence import RipsPersistence as Engine

    engine = Engine([1], input_type="full distance matrix", homology_coeff_field=2)

    def way() -> Found:
        lengths = pdist(points)
        return by_value(points, lengths, engine.fit_transform([squareform(lengths)])[0][0])

    return way


def oineus_by(method: str) -> Callable[[np.ndarray], Callable[[], Found]]:
    """Oineus with torch: the gradient of the pairs, or big steps through their critical sets."""

    def prepare(points: np.ndarray) -> Callable[[], Found]:
        import torch
        from oineus import diff

        def way() -> Found:
            x = torch.tensor(points, requires_grad=True)
            filtration = diff.vr_filtration(x, max_dim=2, eps=1e-16)
            pairs = diff.persistence_diagram(filtration, gradient_method=method)[1]
            loss = -(((pairs[:, 1] - pairs[:, 0]) / 2) ** 2).sum()
            loss.backward()
            return float(loss.detach()), np.asarray(x.grad)

        return way

    return prepare


def by_value(points: np.ndarray, lengths: np.ndarray, pairs: np.ndarray) -> Found:
    """Return value and gradient of pairs (k, 2); their edges are found by their lengths."""
    values = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    order = np.argsort(lengths)
    between = (lengths[order][1:] + lengths[order][:-1]) / 2
    i, j = np.triu_indices(len(points), 1)
    numbers = order[np.searchsorted(between, values)]
    return carried_back(points, values, np.stack([i[numbers], j[numbers]], axis=-1))


def carried_back(points: np.ndarray, values: np.ndarray, edges: np.ndarray) -> Found:
    """Return value and gradient of pairs (k, 2) with critical edges (k, 2, 2)."""
    half = (values[:, 1] - values[:, 0]) / 2
    slopes = np.stack([half, -half], axis=1)
    along = points[edges[..., 0]] - points[edges[..., 1]]
    along *= (slopes / np.sqrt((along**2).sum(axis=-1)))[..., None]
    gradient = np.zeros_like(points)
    np.add.at(gradient, edges[..., 0], along)
    np.add.at(gradient, edges[..., 1], -along)
    return -float((half**2).sum()), gradient


OURS = "meshrep, as in a run"
TREE = "gudhi, simplex tree (the papers')"
RIPSER = "ripser (PyPI, float32)"
WAYS = [
    Way(OURS, (), warmed),
    Way("meshrep, from cold", (), cold),
    Way("gudhi, Ripser on all distances", (), gudhis_ripser),
    Way(RIPSER, ("ripser",), ripser_on_pypi),
    Way("gudhi, simplex tree, edges collapsed", (), collapsed),
    Way(TREE, (), simplex_tree, bytes_a_triangle=62),
    Way("oineus", ("oineus", "torch"), oineus_by("dgm-loss"), bytes_a_triangle=380),
    Way(
        "oineus, big steps (critical sets)", ("oineus", "torch"), oineus_by("crit-sets"),
        same_gradient=False, bytes_a_triangle=1060,
    ),
    Way("meshrep, alpha (another filtration)", (), alpha, same_value=False, same_gradient=False),
]  # fmt: skip
