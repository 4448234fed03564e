"""A module of your own as the variables of ``solve``."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from meshrep.base.backends import Backend
from meshrep.base.torch_backend import TorchBackend
from meshrep.energies.base import Energy
from meshrep.errors import InputError, kind_of
from meshrep.parametrizations.base import Map, Parametrization


class Variables(Parametrization):
    """The parameters of a module whose call gives the field.

    Parameters
    ----------
    module : torch.nn.Module
        It is called without arguments. A copy moves; the module itself keeps its parameters.
    begin : {"start", "module"}
        "start": the field is the module's output plus the constant difference that makes it begin
        at the start. "module": it is the output, and the start is not used.

    Raises
    ------
    InputError
        For anything that is no module with parameters, or an unknown word. When it is built, for an
        output of another shape than the field's.

    Examples
    --------
    >>> import torch, meshrep
    >>> class Wave(torch.nn.Module):
    ...     def __init__(self, n):
    ...         super().__init__()
    ...         self.sizes = torch.nn.Parameter(torch.zeros(4))
    ...         at = torch.arange(n) * 2 * torch.pi / n
    ...         self.register_buffer("modes", torch.stack([torch.cos(k * at) for k in range(4)]))
    ...     def forward(self):
    ...         return self.sizes @ self.modes
    >>> ring = meshrep.graph_from("ring:8")
    >>> heat = meshrep.HeatBath(ring, hot=[0], cold=[4], power=2)
    >>> solver = meshrep.Solver(meshrep.LBFGS(), Variables(Wave(8), begin="module"))
    >>> meshrep.solve(heat, solver).field.round(3).tolist()
    [0.833, 0.667, 0.5, 0.333, 0.167, 0.333, 0.5, 0.667]
    """

    runs_on = "torch"
    gains_from_gpu = True

    def __init__(self, module: torch.nn.Module, begin: str = "start") -> None:
        if not isinstance(module, torch.nn.Module):
            raise InputError(f"variables are those of a torch.nn.Module, not of {kind_of(module)}")
        if not any(part.requires_grad for part in module.parameters()):
            raise InputError(f"{type(module).__name__} has no parameters that may move")
        if begin not in ("start", "module"):
            raise InputError(f"unknown begin {begin!r}: choose start or module")
        self.module, self.begin = module, begin

    @property
    def name(self) -> str:  # type: ignore[override]
        """The class of the module."""
        return type(self.module).__name__.lower()

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """A copy of the module on the back end's device and in its type."""
        if not isinstance(backend, TorchBackend):
            raise InputError(f"{self.name} is a module of torch and needs tensors: backend='torch'")
        return _ModuleMap(self, energy, start, backend)


class _ModuleMap(Map):
    def __init__(
        self, recipe: Variables, energy: Energy, start: np.ndarray, backend: TorchBackend
    ) -> None:
        dtype = getattr(torch, backend.dtype)
        self.module = copy.deepcopy(recipe.module).to(backend.device, dtype)
        moving = {k: v for k, v in self.module.named_parameters() if v.requires_grad}
        self.names, self.sizes = list(moving), [part.numel() for part in moving.values()]
        self.parts = [part.shape for part in moving.values()]
        self.unit = float(energy.unit)
        self.start = torch.cat([part.detach().reshape(-1) for part in moving.values()])
        self.offset: Any = 0.0
        first = self.field(self.start)
        if tuple(first.shape) != energy.shape:
            raise InputError(
                f"{type(self.module).__name__} gives an array of shape {tuple(first.shape)} for a "
                f"field of shape {energy.shape}"
            )
        if recipe.begin == "start":
            self.offset = backend.asarray(energy.clamp(start)) - first

    def field(self, params: torch.Tensor) -> torch.Tensor:
        """The module's output with these parameters, which is recorded for the way back."""
        with torch.enable_grad():
            self.params = params.detach().clone().requires_grad_()
            pieces = self.params.split(self.sizes)
            parts = {
                name: piece.reshape(shape)
                for name, piece, shape in zip(self.names, pieces, self.parts, strict=True)
            }
            self.output = torch.func.functional_call(self.module, parts, ())
        return self.output.detach() + self.offset

    def pull_back(self, gradient: torch.Tensor) -> torch.Tensor:
        """By autograd, once for every field."""
        (pulled,) = torch.autograd.grad(self.output, self.params, gradient)
        return pulled
