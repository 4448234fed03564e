"""A function of torch of your own as an energy, for ``solve`` and everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from meshrep.base.backends import Array, Backend
from meshrep.base.torch_backend import TorchBackend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import Evaluator
from meshrep.errors import InputError, kind_of
from meshrep.graphs.graph import GraphLike


class TorchEnergy(Energy):
    """A function of a field, written in torch, which autograd differentiates.

    Minimisers that work on tensors take it where it is, so that nothing leaves its device but the
    numbers by which a run is followed. To any other minimiser the field and its gradient are
    copied.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the field lives; networks propagate along its edges.
    function : callable
        w ↦ energy, a tensor without axes; with ``numbers`` it is called with
        them by keyword. It is called once here.
    shape : tuple, optional
        Of the field: (n,) by default, or (n, d).
    numbers : mapping of str to tensor, optional
        Numbers of the function that :func:`meshrep.nn.minimum` may differentiate by.
    convex : bool
    unit : float, optional
        The natural size of differences of the field; by default that of the start.
    device : optional
        Where the function's own tensors are, on which ``solve`` then works; the CPU by default.
    dtype : torch.dtype
        The type of the fields that it is judged with, float64 by default.

    Raises
    ------
    InputError
        When the function gives no single number that depends on the field.

    Examples
    --------
    >>> import torch, meshrep
    >>> ring = meshrep.graph_from("ring:6")
    >>> bowl = TorchEnergy(ring, lambda w: ((w - 2) ** 2).sum(), convex=True)
    >>> meshrep.solve(bowl, "lbfgs").field.round(6).tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """

    runs_on = "torch"
    reentrant = False

    def __init__(
        self,
        graph: GraphLike,
        function: Callable[..., torch.Tensor],
        *,
        shape: tuple[int, ...] | None = None,
        numbers: Mapping[str, torch.Tensor] | None = None,
        convex: bool = False,
        unit: float | None = None,
        device: Any = "cpu",
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__(graph)
        if unit is not None:
            self.unit = float(unit)
        n = self.graph.n
        self._shape = (n,) if shape is None else tuple(shape)
        if self._shape[0] != n or len(self._shape) > 2:
            raise InputError(f"a field on {n} nodes has no shape {self._shape}")
        self.function, self.convex = function, convex
        self.device = str(device)
        self.backend = TorchBackend(self.device, str(dtype).removeprefix("torch."))
        self.numbers = dict(numbers or {})
        self.variable = tuple(self.numbers)
        self.judge.value_and_grad(self.random_start())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a field."""
        return self._shape

    def on(self, backend: Backend) -> Evaluator:
        """The function itself on tensors; arrays of NumPy are copied."""
        if backend.name == "torch":
            return _Recorded(self)
        return _ByTorch(self, backend)

    def with_numbers(self, **numbers: np.ndarray) -> TorchEnergy:
        """The same function with other numbers."""
        self._given(numbers, {name: tuple(own.shape) for name, own in self.numbers.items()})
        fresh = {
            name: torch.as_tensor(values).to(self.numbers[name]) for name, values in numbers.items()
        }
        return TorchEnergy(
            self.graph, self.function, shape=self._shape, numbers=self.numbers | fresh,
            convex=self.convex, unit=self.unit if self.has_unit else None, device=self.device,
            dtype=getattr(torch, self.backend.dtype),
        )  # fmt: skip

    def value_with(self, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
        """The function in its numbers as well."""
        return self.function(w, **{**self.numbers, **numbers})


class _Recorded(Evaluator):
    """The function on tensors, differentiated by autograd."""

    def __init__(self, energy: TorchEnergy) -> None:
        self.energy = energy

    def value(self, w: torch.Tensor) -> torch.Tensor:
        """The energy alone, which torch can differentiate."""
        value = self.energy.function(w, **self.energy.numbers)
        if not isinstance(value, torch.Tensor) or value.numel() != 1 or value.is_complex():
            shown = tuple(value.shape) if isinstance(value, torch.Tensor) else kind_of(value)
            raise InputError(f"the function must return one real number as a tensor, not {shown}")
        return value.reshape(())

    def value_and_grad(self, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Energy and gradient."""
        with torch.enable_grad():
            at = w.detach().requires_grad_()
            value = self.value(at)
            if not value.requires_grad:
                raise InputError("the function gives a number that does not depend on the field")
            (gradient,) = torch.autograd.grad(value, at)
        return value.detach(), gradient

    def hvp(self, w: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """The gradient differentiated along v."""
        with torch.enable_grad():
            at = w.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.value(at), at, create_graph=True)
            if not gradient.requires_grad:  # the function is linear
                return torch.zeros_like(v)
            (product,) = torch.autograd.grad(gradient, at, v, materialize_grads=True)
        return product


class _ByTorch(Evaluator):
    """The same for arrays of NumPy, which are copied to the function's device and back."""

    def __init__(self, energy: TorchEnergy, backend: Backend) -> None:
        self.there, self.back = energy.backend, backend
        self.inner = _Recorded(energy)

    def _home(self, values: torch.Tensor) -> np.ndarray:
        return self.back.asarray(self.there.to_numpy(values))

    def value_and_grad(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy and gradient."""
        value, gradient = self.inner.value_and_grad(self.there.asarray(w))
        return float(value), self._home(gradient)

    def hvp(self, w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian times v."""
        return self._home(self.inner.hvp(self.there.asarray(w), self.there.asarray(v)))
