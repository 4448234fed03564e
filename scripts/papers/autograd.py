"""Networks as torch users write them: eager layers, torch's Adam, all derivatives by autograd.

The library writes the pullback of its networks out and keeps no graph of the computation. Here
torch records the same layers and differentiates them. They use the operations that are fast in
torch: ``index_select`` and ``index_add``, whose derivatives are each other, and a product with the
symmetric P that knows its derivative, because torch would transpose P in every step.
"""

from __future__ import annotations

from typing import Any

import torch
from bench.torch_layers import symmetric_product
from torch.nn.functional import leaky_relu

from meshrep.errors import InputError
from meshrep.minimisers.base import Objective
from meshrep.minimisers.torch.optimisers import TorchOptimiser
from meshrep.parametrizations.networks.gat import BENT, ArrayAttention
from meshrep.parametrizations.networks.gcn import ArrayConvolution
from meshrep.parametrizations.networks.gn import ArrayMessages
from meshrep.parametrizations.networks.passes import ArrayPass


class Recorded(TorchOptimiser):
    """``energy(network(parameters)).backward()`` and a step of torch's, as in ``adam-torch``."""

    def _formula(self, objective: Objective) -> Any:
        """Return the energy as torch operations, whatever the variables are."""
        return objective.energy.formula(objective.backend).value  # type: ignore[attr-defined]

    def _gradient(self, objective: Objective, formula: Any, sheet: Any, variable: Any) -> Any:
        """Write the gradient where the optimiser looks for it; return the energy."""
        if len(objective.fixed):
            raise InputError("held nodes are not offered here: take a bath that couples them")
        objective.evaluations += 1
        network: Any = objective.map
        variable.grad = None
        with torch.enable_grad():
            output = recorded(network.net, sheet.params(variable))
            circle = network.circle
            loss = formula(
                circle.angle(output, network.anchor) if circle else output.reshape(network.shape)
            )
            loss = loss / objective.energy.scale
            loss.backward()
        return loss.detach()


def recorded(net: ArrayPass, params: torch.Tensor) -> torch.Tensor:
    """Return the output (n, d) of a network with flat parameters (p,), split in one operation."""
    layer: Any = LAYERS[type(net)]
    pieces = params.split([shape.numel() for shape in map(torch.Size, net.shapes)])
    parts: Any = [piece.view(shape) for piece, shape in zip(pieces, net.shapes, strict=True)]
    x = z = parts[0]
    for k in range(net.layers):
        x = leaky_relu(layer(net, x, *net.weights_of(k, parts)), net.slope)
    w = x @ parts[net.at_readout]
    if net.residual:
        w = w + z @ parts[-1]
    return (w + net.offset) * net.unit


def convolution(net: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return P X W for ``gcn`` and X W for ``nograph``."""
    return (x if net.matrix is None else symmetric_product(net.matrix.csr, x)) @ weight


def attention(
    net: Any, x: torch.Tensor, weights: torch.Tensor, vectors: torch.Tensor
) -> torch.Tensor:
    """Return the mean over the heads of Σ_j α_ij W x_j, for ``gat``."""
    rows, columns = net.directed.rows, net.directed.columns
    heads = []
    for weight, vector in zip(weights, vectors, strict=True):
        y = x @ weight
        to, sent = (y @ vector).unbind(1)
        scores = leaky_relu(to.index_select(0, rows) + sent.index_select(0, columns), BENT)
        scores = scores + net.bias
        highest = torch.full_like(to, -torch.inf).scatter_reduce(0, rows, scores.detach(), "amax")
        alpha = (scores - highest.detach().index_select(0, rows)).exp()
        alpha = alpha / torch.zeros_like(to).index_add(0, rows, alpha).index_select(0, rows)
        messages = alpha[:, None] * y.index_select(0, columns)
        heads.append(torch.zeros_like(y).index_add(0, rows, messages))
    return sum(heads[1:], heads[0]) / len(heads)


def messages(net: Any, x: torch.Tensor, edge: torch.Tensor, node: torch.Tensor) -> torch.Tensor:
    """Return [X ‖ S] N for ``gn``; S sums σ([x_i ‖ x_j ‖ a_ij] M) over the neighbours j."""
    h, directed = x.shape[1], net.directed
    to, sent = x @ edge[:h], x @ edge[h : 2 * h]
    raw = to.index_select(0, directed.rows) + sent.index_select(0, directed.columns)
    raw = leaky_relu(raw + net.a[:, None] * edge[2 * h], net.slope)
    sums = raw.new_zeros(len(x), raw.shape[1]).index_add(0, directed.rows, raw) * net.scale
    return x @ node[:h] + sums @ node[h:]


LAYERS = {ArrayConvolution: convolution, ArrayAttention: attention, ArrayMessages: messages}
