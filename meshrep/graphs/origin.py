"""Where a graph comes from: the input's points, cells and arrays, and which node each point is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from meshrep.errors import InputError
from meshrep.graphs.cells import Cells


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a graph was read from, and how its nodes relate to that input.

    Attributes
    ----------
    path : str
        The file as the user named it, or a description of another input.
    points : (N, 3) float64
        The input's points, in the input's order.
    cells : Cells
        The input's cells, in the input's node numbers.
    node_of : (N,) int64
        The node of each input point, -1 where the point was dropped.
    repairs : tuple of str
        What was changed while it was read, one sentence each.
    point_data, cell_data : mapping of str to (N, …) or (c, …) array
        The input's arrays of numbers, in the order of its points and of its cells.
    """

    path: str
    points: np.ndarray
    cells: Cells
    node_of: np.ndarray
    repairs: tuple[str, ...] = ()
    point_data: Mapping[str, np.ndarray] = field(default_factory=dict)
    cell_data: Mapping[str, np.ndarray] = field(default_factory=dict)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Node values (n, …) as values of the input's points (N, …); NaN where dropped."""
        spread = np.full((len(self.node_of), *values.shape[1:]), np.nan)
        kept = self.node_of >= 0
        spread[kept] = values[self.node_of[kept]]
        return spread

    def gather(self, values: np.ndarray, what: str) -> np.ndarray:
        """Values of the input's points (N, …) as node values (n, …), the inverse of ``spread``.

        Raises
        ------
        InputError
            Where points that are one node have values further apart than rounding; begins with
            ``what``.
        """
        kept = np.flatnonzero(self.node_of >= 0)
        nodes, first = np.unique(self.node_of[kept], return_index=True)
        result = values[kept[first]]
        apart = np.abs(np.subtract(values[kept], result[self.node_of[kept]], dtype=np.float64))
        apart = apart.reshape(len(kept), -1).max(axis=1, initial=0.0)
        rounding = 1e-6 * float(np.ptp(result)) if result.dtype.kind == "f" else 0.0
        if len(nodes) < len(kept) and (apart > rounding).any():
            one = int(kept[apart.argmax()])
            other = int(kept[first[self.node_of[one]]])
            raise InputError(
                f"{what}: points {other} and {one} are at the same position, and so one node, but "
                "have different values: give one value a position"
            )
        return result
