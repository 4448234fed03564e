"""The nodes of an energy whose values are not free, on the arrays of one back end."""

from __future__ import annotations

from typing import Any

from meshrep.base.backends import Array, Backend


class Fixed:
    """The fixed nodes of a field, and their values.

    Only this class writes fixed values into a field, and zeros into a gradient. Values and
    zeros are arrays on the device, since writing a Python number would wait for the host.

    Parameters
    ----------
    nodes : (k,) integers
    values : (k,) or (k, d) array
    backend : Backend
    """

    def __init__(self, nodes: Any, values: Any, backend: Backend) -> None:
        self.nodes, self.values = backend.index(nodes), backend.asarray(values)
        self._zeros = self.values * 0

    def __len__(self) -> int:
        return len(self.nodes)

    def hold(self, w: Array) -> None:
        """Write the values into a field (n,) or (n, d)."""
        if len(self.nodes):
            w[self.nodes] = self.values

    def clear(self, gradient: Array) -> None:
        """Write 0 into a gradient, which has the shape of the field."""
        if len(self.nodes):
            gradient[self.nodes] = self._zeros
