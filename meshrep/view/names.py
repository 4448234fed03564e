"""Where the names of nodes stand in a picture: on the nodes, or beside them where there is room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WAYS = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])
_NEAR = 40  # other nodes that a name may hide


@dataclass(frozen=True)
class Placed:
    """The middle of a name in pixels, and whether it stands on its node."""

    x: float
    y: float
    inside: bool


def placed_names(
    nodes: np.ndarray,
    diameters: np.ndarray,
    extents: np.ndarray,
    edges: np.ndarray,
    size: tuple[int, int],
) -> list[Placed]:
    """Where each name stands, those of the largest nodes first.

    A name that fits on its node stands there. Another one takes, of eight places beside its node
    and eight further away, the one that hides least of other names, nodes and edges.

    Parameters
    ----------
    nodes : (n, 2) float64
        Middles of the nodes in pixels.
    diameters : (n,) float64
    extents : (n, 2) float64
        Widths and heights of the names in pixels.
    edges : (m, 2) int64
    size : (width, height)
        Pixels of the picture, which no name leaves.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(nodes)
    count = min(_NEAR, len(nodes))
    along = np.linspace(0.05, 0.95, 19)[:, None, None]
    dots = nodes[edges[:, 0]] * (1 - along) + nodes[edges[:, 1]] * along if len(edges) else nodes
    strokes = cKDTree(dots.reshape(-1, 2))
    taken = np.zeros((0, 4))  # left, bottom, right, top of the names placed
    found: list[Placed | None] = [None] * len(nodes)
    for k in np.argsort(-diameters, kind="stable"):
        width, height = extents[k]
        if np.hypot(width, 0.5 * height) <= diameters[k]:
            found[k] = Placed(float(nodes[k, 0]), float(nodes[k, 1]), inside=True)
            continue
        near = np.atleast_1d(tree.query(nodes[k], k=count)[1])
        best, least = None, np.inf
        for step in (0.0, 0.8 * height):
            for rank, way in enumerate(_WAYS):
                diagonal = 0.75 if way.all() else 1.0
                reach = (diameters[k] / 2 + 2 + step) * diagonal
                x, y = nodes[k] + way * (reach + extents[k] / 2)
                box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
                outside = np.maximum(-box[:2], 0).sum() + np.maximum(box[2:] - size, 0).sum()
                cost = 100 * outside + 4 * _overlap(box, taken) / height
                cost += 2 * _hidden(box, nodes[near], diameters[near] / 2)
                cost += 0.25 * _inside(box, dots.reshape(-1, 2)[_some(strokes, box)])
                cost += 0.02 * rank + 0.1 * step
                if cost < least:
                    best, least = box, cost
        assert best is not None
        # where no place is within the picture, the name is moved into it
        shift = np.maximum(-best[:2], 0) - np.maximum(best[2:] - size, 0)
        best = best + np.tile(shift, 2)
        taken = np.vstack([taken, best])
        found[k] = Placed((best[0] + best[2]) / 2, (best[1] + best[3]) / 2, inside=False)
    return [place for place in found if place is not None]


def _overlap(box: np.ndarray, others: np.ndarray) -> float:
    """The area that a box shares with others."""
    across = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    upwards = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return float((np.maximum(across, 0) * np.maximum(upwards, 0)).sum())


def _hidden(box: np.ndarray, nodes: np.ndarray, radii: np.ndarray) -> float:
    """How many pixels a box reaches into discs."""
    nearest = np.clip(nodes, box[:2], box[2:])
    return float(np.maximum(radii + 1 - np.linalg.norm(nodes - nearest, axis=1), 0).sum())


def _some(tree: object, box: np.ndarray) -> list[int]:
    """The points of a tree near a box."""
    middle, half = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) / 2
    return tree.query_ball_point(middle, half, p=np.inf)  # type: ignore[attr-defined]


def _inside(box: np.ndarray, points: np.ndarray) -> int:
    """How many points are in a box."""
    return int(((points >= box[:2]) & (points <= box[2:])).all(axis=1).sum())
