"""Graph convolutional networks: layers that average over neighbours.

    X_l = σ(P X_{l−1} W_l)

with P the normalised coupling: GCN and GCN-Res of Both, Dehmamy, Long and Yu, "Faster Optimization
on Sparse Graphs via Neural Reparametrization" (§2), after Kipf and Welling, "Semi-Supervised
Classification with Graph Convolutional Networks" (2017); with P = I it is their NoGraph.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Unpack

import numpy as np
from scipy import sparse

from meshrep.base.backends import Array
from meshrep.base.rows import kernel_rows
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.graphs.operators import PROPAGATION_KINDS, propagation
from meshrep.parametrizations.networks.network import Network, Shared
from meshrep.parametrizations.networks.passes import (
    ArrayPass,
    Frame,
    KernelPass,
    Pass,
    Shape,
    in_mean_units,
)


class GraphNetwork(Network):
    """A graph convolutional network of one to several layers with a linear readout.

    Parameters
    ----------
    layers : int, optional
        Number of propagating layers L ≥ 1; by default 1, or what the widths say.
    hidden : int or tuple of int
        Width of the latents and of every layer, or the widths (h_0, …, h_L) one by one.
    propagation : str
        "sym" for P = D^{-1/2} A D^{-1/2}, "self" with Â = A + I, "square" for P², "none" for
        P = I (NoGraph), "auto" for what the energy names: "sym" for heat, "self" for Kuramoto,
        "square" for Hopf–Kuramoto.
    **shared
        What every :class:`meshrep.parametrizations.networks.network.Network` takes: ``residual``,
        ``network_start``, ``slope``, ``spread``, ``readout``, ``prefit_tol``, ``prefit_steps`` and
        ``prefit_lr``.

    Raises
    ------
    InputError
        For widths or layers that are not whole or below 1, or that contradict each other, and
        unknown words.
    """

    def __init__(
        self,
        layers: int | None = None,
        hidden: int | tuple[int, ...] = 8,
        *,
        propagation: str = "auto",
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(layers, hidden, **shared)
        known = "auto", *PROPAGATION_KINDS, "none"
        if propagation not in known:
            raise InputError(f"unknown propagation {propagation!r}: choose {', '.join(known)}")
        self.propagation = propagation

    @property
    def kind(self) -> str:  # type: ignore[override]
        """ "gcn", or "nograph" where P = I."""
        return "nograph" if self.propagation == "none" else "gcn"

    @property
    def forms(self) -> tuple[Callable[..., Pass], Callable[..., Pass]]:
        """In array operations, and by kernels."""
        return ArrayConvolution, KernelConvolution

    def lay_out(self, frame: Frame, energy: Energy) -> Pass:
        """The layers with the P that is asked for."""
        kind = energy.propagation if self.propagation == "auto" else self.propagation
        matrix = None if kind == "none" else propagation(in_mean_units(energy.coupling), kind)
        return self.form(frame)(frame, matrix)


def _shapes(frame: Frame) -> list[list[Shape]]:
    """Shapes of W_1 … W_L."""
    return [[pair] for pair in pairwise(frame.widths)]


class ArrayConvolution(ArrayPass):
    """The layers σ(P X W) in array operations; P (n, n) is symmetric, or None for the identity."""

    def __init__(self, frame: Frame, matrix: sparse.csr_array | None) -> None:
        super().__init__(frame, _shapes(frame))
        self.matrix = None if matrix is None else frame.backend.sparse(matrix)

    def forward(self, x: Array, *weights: Array) -> tuple[Array, Any]:
        """P X W, and P X."""
        spread = x if self.matrix is None else self.matrix.dot(x)
        return spread @ weights[0], spread

    def backward(self, kept: Any, back: Array, weights: list[Array], grads: list[Array]) -> Array:
        """W̄ = (P X)ᵀ D and P D Wᵀ, since P is symmetric."""
        grads[0][:] = kept.T @ back
        back = back @ weights[0].T
        return back if self.matrix is None else self.matrix.dot(back)


class KernelConvolution(KernelPass):
    """The same in numba: see :mod:`meshrep.kernels.convolution`."""

    def __init__(self, frame: Frame, matrix: sparse.csr_array | None) -> None:
        from meshrep.kernels import convolution

        super().__init__(frame, _shapes(frame), convolution)
        if matrix is None:
            matrix = sparse.eye_array(frame.nodes, format="csr")
        self.arrays = kernel_rows(matrix, frame.backend.dtype)

    def forward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """σ(P X W)."""
        (weight,) = self.weights_of(k, self.parts)
        self.kernels.forward(*self.arrays, x, weight, self.slope, self.rows, out)

    def last_layer_and_readout(self, x: np.ndarray) -> None:
        """The last layer and the readout in one pass."""
        (weight,) = self.weights_of(self.layers - 1, self.parts)
        self.kernels.forward_and_read(
            *self.arrays, x, weight, self.slope, self.rows, self.outputs[-1],
            self.parts[self.at_readout], self.through, self.parts[0],
            self.offset, self.unit, self.field,
        )  # fmt: skip

    def backward(self, k: int, x: np.ndarray, out: np.ndarray) -> None:
        """From D_{k+1} to D_k, written over x."""
        (weight,), (share,) = self.weights_of(k, self.parts), self.shares_of(k)
        self.kernels.backward(
            *self.arrays, self.outputs[k], x, weight, self.slope, self.rows, share
        )

    def first_layer_back(self, g: np.ndarray) -> None:
        """The first layer's pullback with the residual's, in one pass."""
        (weight,), (share,) = self.weights_of(0, self.parts), self.shares_of(0)
        self.kernels.latents(
            *self.arrays, self.outputs[0], self.parts[0], weight, self.rows, share,
            g, self.unit, self.through, self.gradients[0],
        )  # fmt: skip
