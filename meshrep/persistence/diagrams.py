"""Persistence diagrams that remember which nodes each birth and death comes from.

A filtration hands back one :class:`Diagram` a dimension. Losses see its ``values`` alone; the
gradient they give is carried back to the points or the field by :meth:`Diagram.pull_back`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Diagram(ABC):
    """The pairs of one dimension, those that never die left out.

    Attributes
    ----------
    dimension : int
        0 for components, 1 for loops, 2 for cavities.
    values : (k, 2) float64
        Birth and death of each pair; where a superlevel set is filtered, birth ≥ death.
    births, deaths : (k, s) int64
        The nodes of the simplex whose value each birth and each death is; -1 where it has fewer
        than s.
    """

    dimension: int
    values: np.ndarray
    births: np.ndarray
    deaths: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The births and deaths (k, 2), so that NumPy takes a diagram for an array of pairs."""
        return np.array(self.values, dtype=dtype)

    @property
    def persistence(self) -> np.ndarray:
        """|death − birth| (k,) of each pair."""
        return np.abs(self.values[:, 1] - self.values[:, 0])

    @abstractmethod
    def pull_back(self, gradient: np.ndarray) -> np.ndarray:
        """A gradient (k, 2) in ``values`` as one in what was filtered: (n, d) points, (n,) field.

        Exact wherever no two critical values coincide.
        """


Diagrams = Mapping[int, Diagram]
