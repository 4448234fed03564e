"""Every parametrization of meshrep as a module of torch."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from meshrep.nn.field import Field
from meshrep.parametrizations.base import Parametrization
from meshrep.parametrizations.linear import (
    deep_linear,
    kappa,
    kernel,
    multilevel,
    sobolev,
    spectral,
)
from meshrep.parametrizations.networks import gat, gcn, gn
from meshrep.parametrizations.networks.network import Network


class _Named(Field):
    """A field whose parametrization is named by the class, and made from further settings."""

    kind: ClassVar[type[Parametrization]]

    def __init__(
        self,
        where: Any,
        shape: tuple[int, ...] | None = None,
        *,
        start: Any = None,
        unit: float | None = None,
        held: Any = None,
        laplacian: str = "graph",
        seed: int = 0,
        device: Any = None,
        dtype: torch.dtype | None = None,
        **settings: Any,
    ) -> None:
        if issubclass(self.kind, Network) and start is None:
            settings = {"network_start": "network"} | settings
        recipe = self.kind(**settings)
        super().__init__(
            recipe, where, shape, start=start, unit=unit, held=held, laplacian=laplacian,
            seed=seed, device=device, dtype=dtype,
        )  # fmt: skip


class GraphNetwork(_Named):
    """The output of a graph convolutional network as the field.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`. Without a start the field begins at the network's own
        output.
    **settings
        Those of :class:`meshrep.GraphNetwork`, such as ``hidden`` and ``layers``.

    Examples
    --------
    >>> import meshrep
    >>> graph = meshrep.graph_from("lattice:8x8")
    >>> field = GraphNetwork(graph, shape=(graph.n, 3), hidden=32)
    >>> tuple(field().shape), sorted(field.state_dict())
    ((64, 3), ['latents', 'layer_1_1', 'offset', 'readout'])
    """

    kind = gcn.GraphNetwork


class GAT(_Named):
    """The output of a graph attention network as the field.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`. Without a start the field begins at the network's own
        output.
    **settings
        Those of :class:`meshrep.GraphAttention`, such as ``heads``.
    """

    kind = gat.GraphAttention


class GN(_Named):
    """The output of a network of messages as the field.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`. Without a start the field begins at the network's own
        output.
    **settings
        Those of :class:`meshrep.MessagePassing`.
    """

    kind = gn.MessagePassing


class Multilevel(_Named):
    """A field as a sum over the levels of a multigrid hierarchy.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`.
    **settings
        Those of :class:`meshrep.Multilevel`.
    """

    kind = multilevel.Multilevel


class Spectral(_Named):
    """A field filtered by a Chebyshev polynomial near H^(−½).

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`.
    **settings
        Those of :class:`meshrep.Spectral`, such as ``degree``.
    """

    kind = spectral.Spectral


class Sobolev(_Named):
    """A smoothed field, the variables of "large steps" without a factorisation.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`.
    **settings
        Those of :class:`meshrep.Sobolev`: ``smoothing`` and ``power``.
    """

    kind = sobolev.Sobolev


class Kappa(_Named):
    """A field filtered by the papers' power series κ of the Hessian.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`.
    **settings
        Those of :class:`meshrep.Kappa`, such as ``degree``.
    """

    kind = kappa.Kappa


class DeepLinear(_Named):
    """A field as a product of matrices.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`.
    **settings
        Those of :class:`meshrep.DeepLinear`, such as ``depth``.
    """

    kind = deep_linear.DeepLinear


class KernelSmoothing(_Named):
    """Points that drag their neighbourhood along.

    Parameters
    ----------
    where, shape, start, unit, held, laplacian, seed, device, dtype
        Those of :class:`meshrep.nn.Field`.
    **settings
        Those of :class:`meshrep.KernelSmoothing`, such as ``form`` and ``bandwidth``.

    Notes
    -----
    In the forms "interpolate" and "average" the variables are the field itself, and ``backward``
    gives them the smoothed gradient, which is **not** the derivative of the field. Their support
    is gathered on the host, so that each ``backward`` waits for the device. The form "root" is a
    map whose derivative is exact.
    """

    kind = kernel.KernelSmoothing
