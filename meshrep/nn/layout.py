"""A parametrization laid out for torch, on the device and in the type of a module's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from meshrep.base.torch_backend import TorchBackend
from meshrep.energies.base import Energy
from meshrep.errors import InputError, kind_of
from meshrep.parametrizations.base import Map, Parametrization, built


class Layout:
    """The maps of one field, or of a batch of fields.

    A map with a formula serves the whole batch: only parameters and anchors differ from field to
    field, and torch differentiates the formula. Any other map is asked for its field and its
    pullback, one map a field.

    Parameters
    ----------
    recipe : Parametrization
    energy : Energy
    starts : (b, n, …) float64
        The field at the start of each entry of the batch; b is 1 without a batch.
    seed : int
        Seed of the first entry; the next ones follow.
    backend : TorchBackend

    Notes
    -----
    It does not change, so that copies of a module share it. Pickles leave the maps out.
    """

    def __init__(
        self,
        recipe: Parametrization,
        energy: Energy,
        starts: np.ndarray,
        seed: int,
        backend: TorchBackend,
    ) -> None:
        self.recipe, self.energy, self.starts, self.seed = recipe, energy, starts, seed
        self.backend = backend
        self._lay_out(recipe)

    def _lay_out(self, recipe: Parametrization) -> None:
        first = built(recipe, self.energy, self.starts[0], self.backend, self.seed)
        self.maps: list[Map] = [first]
        if not first.shapes:
            self.maps += [
                built(recipe, self.energy, start, self.backend, self.seed + k)
                for k, start in enumerate(self.starts[1:], 1)
            ]

    @property
    def by_formula(self) -> bool:
        """Whether torch differentiates a formula."""
        return bool(self.maps[0].shapes)

    def begun(self, starts: np.ndarray) -> list[tuple[list[torch.Tensor], Mapping[str, Any]]]:
        """Parts of the parameters and anchor of each start."""
        found: list[tuple[list[torch.Tensor], Mapping[str, Any]]] = []
        for k, start in enumerate(starts):
            if not self.by_formula:
                found.append(([self.maps[k].start], {}))
                continue
            first = self.maps[0]
            if k == 0 and np.array_equal(start, self.starts[0]):
                params, anchor = first.start, first.anchor
            else:
                params, anchor = first.begun(start, self.seed + k)
            found.append((first.parted(params), anchor))
        return found

    @property
    def names(self) -> list[str]:
        """Names of the parts of the parameters."""
        return list(self.maps[0].shapes) or ["params"]

    def on(self, device: torch.device, dtype: torch.dtype) -> Layout:
        """The same on another device and in another type; itself where nothing changes."""
        backend = backend_of(device, dtype)
        if backend == self.backend:
            return self
        twin = object.__new__(Layout)
        twin.__dict__.update(self.__dict__, backend=backend)
        twin._lay_out(self.recipe.limited(0, 0.0))  # nothing is fitted to the start again
        return twin

    def __deepcopy__(self, memo: Any) -> Layout:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "maps"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lay_out(self.recipe.limited(0, 0.0))


def backend_of(device: torch.device, dtype: torch.dtype) -> TorchBackend:
    """The back end of tensors that torch differentiates."""
    return TorchBackend(str(device), str(dtype).removeprefix("torch."), differentiable=True)


@torch.compiler.disable
def by_hand(made: Map, params: torch.Tensor) -> torch.Tensor:
    """The field of a map that has no formula, whose derivative is its pullback."""
    found: torch.Tensor = _ByHand.apply(made, params)
    return found


class _ByHand(torch.autograd.Function):
    """F(params) with the pullback Jᵀg as its derivative, once."""

    @staticmethod
    def forward(ctx: Any, made: Map, params: torch.Tensor) -> torch.Tensor:
        ctx.made = made
        ctx.save_for_backward(params)
        return _tensor(made.field(params.detach()), params, f"{type(made).__name__}.field")

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (params,) = ctx.saved_tensors
        ctx.made.field(params)  # another field may have been asked for since
        pulled = ctx.made.pull_back(gradient.contiguous())
        return None, _tensor(pulled, params, f"{type(ctx.made).__name__}.pull_back")


def _tensor(found: Any, like: torch.Tensor, who: str) -> torch.Tensor:
    """A copy of what a map returned, which it may overwrite."""
    if not isinstance(found, torch.Tensor):
        raise InputError(
            f"{who} gave {kind_of(found)} for a tensor: let it use the functions of backend.xp, "
            "which is torch here"
        )
    return found.to(like.dtype, copy=True)
