"""Energies as functions of tensors, with their own gradient and Hessian as the derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meshrep.base.torch_backend import TorchBackend
from meshrep.energies.base import Energy, checked_energy, laid_out
from meshrep.energies.evaluator import Evaluator
from meshrep.errors import InputError

EXACT = (torch.float32, torch.float64)  # types in which energies are computed


def energy(of: Energy, *, device: Any = None, dtype: torch.dtype | None = None) -> EnergyFunction:
    """An energy as a function of a tensor, which torch can differentiate twice.

    Parameters
    ----------
    of : Energy
        An energy of meshrep's or of your own, or a sum of several.
    device, dtype : optional
        Where and in which type it is laid out now; by default as torch creates tensors. Fields of
        other devices and types are taken as well: for them it is laid out at the first call, which
        must not be inside ``torch.compile``.

    Returns
    -------
    EnergyFunction
        w ↦ E, for w of the energy's shape (then E has no axes), or a batch (b, …) of such fields
        (then E is (b,)), on any device.

    Examples
    --------
    >>> import torch, meshrep
    >>> ring = meshrep.graph_from("ring:8")
    >>> value = energy(meshrep.HeatBath(ring, hot=[0], cold=[4], kind="quadratic"))
    >>> w = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    >>> loss = value(w) + (w**2).sum()  # beside a term of your own
    >>> loss.backward()
    >>> w.grad.tolist()
    [-2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    device = torch.get_default_device() if device is None else torch.device(device)
    dtype = dtype or torch.get_default_dtype()
    made = EnergyFunction(checked_energy(of))
    if dtype in EXACT:
        made._on(torch.empty(0, device=device).device, dtype)
    return made


class EnergyFunction:
    """What :func:`energy` returns.

    The gradient is the energy's own, and the derivative of the gradient is its product with the
    Hessian. Third derivatives are refused. On the CPU the kernels compute; on a device nothing
    leaves it, except for energies that are computed on the host, such as persistence: there the
    field is copied down and the gradient up. Inside ``torch.compile`` the formula of the energy is
    compiled where it has one.

    Fixed nodes count with their own values, whatever the field has there, and their gradient is 0.

    Parameters
    ----------
    of : Energy
    """

    def __init__(self, of: Energy) -> None:
        self.of = of
        self._laid: dict[tuple[torch.device, torch.dtype], _Laid] = {}

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        """The energy of a field, or (b,) of a batch."""
        shape = self.of.shape
        if not isinstance(w, torch.Tensor) or w.shape[-len(shape) :] != shape or w.dim() > 3:
            given = tuple(getattr(w, "shape", ()))
            raise InputError(
                f"the field must be a tensor of shape {shape}, or of a batch (b, …) of such "
                f"fields, not {type(w).__name__} of shape {given}"
            )
        fields = w.reshape(-1, *shape)
        if w.dtype not in EXACT:
            fields = fields.float()
        if torch.compiler.is_compiling() and self._on(fields.device, fields.dtype).formula:
            values = self._on(fields.device, fields.dtype).by_formula(fields)
        else:
            values = _by_hand(self, fields)
        return values.to(w.dtype).reshape(w.shape[: w.dim() - len(shape)])

    def on(self, fields: torch.Tensor) -> _Laid:
        """The energy laid out where fields are."""
        return self._on(fields.device, fields.dtype)

    def _on(self, device: torch.device, dtype: torch.dtype) -> _Laid:
        key = device, dtype
        if key not in self._laid:
            self._laid[key] = _laid(self.of, device, dtype)
        return self._laid[key]

    def __getstate__(self) -> dict[str, Any]:
        return {"of": self.of, "_laid": {}}


class _Laid:
    """An energy on one device, for batches of fields."""

    def __init__(self, of: Energy, backend: TorchBackend) -> None:
        self.evaluator: Evaluator = laid_out(of, backend)
        formula = of.formula(backend)
        # On the CPU kernels take one field after another; on a device one call takes the batch.
        one_call = backend.device != "cpu" and formula.maps
        self.of_batches = formula if one_call else self.evaluator
        self.formula: Any = getattr(formula, "value", None)
        if self.formula is not None:
            self.formula(backend.asarray(of.with_fixed(np.zeros(of.shape))))  # lays its edges out
        self.holds = len(of.fixed) > 0
        if self.holds:
            held = np.zeros(of.shape)
            held[of.fixed] = of.fixed_values
            free = np.ones(of.shape)
            free[of.fixed] = 0.0
            self.held, self.free = backend.asarray(held), backend.asarray(free)

    def _with_held(self, fields: torch.Tensor) -> torch.Tensor:
        return torch.where(self.free > 0, fields, self.held) if self.holds else fields

    def by_formula(self, fields: torch.Tensor) -> torch.Tensor:
        """The energies (b,) of fields (b, …), by operations that torch differentiates."""
        return torch.stack([self.formula(field) for field in self._with_held(fields)])

    def value_and_grad(self, fields: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Energies (b,) and gradients (b, …)."""
        fields = self._with_held(fields)
        if self.of_batches.maps and len(fields) > 1:
            return torch.vmap(self.of_batches.value_and_grad)(fields)
        values, gradients = fields.new_empty(len(fields)), torch.empty_like(fields)
        for k, field in enumerate(fields):
            values[k], gradients[k] = self.evaluator.value_and_grad(field)
        return values, gradients

    def hvp(self, fields: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """Hessians times directions, (b, …)."""
        fields = self._with_held(fields)
        if self.holds:
            directions = directions * self.free
        if self.of_batches.maps and len(fields) > 1:
            products = torch.vmap(self.of_batches.hvp)(fields, directions)
        else:
            products = torch.empty_like(fields)
            for k, pair in enumerate(zip(fields, directions, strict=True)):
                products[k] = self.evaluator.hvp(*pair)
        return products * self.free if self.holds else products


@torch.compiler.disable
def _laid(of: Energy, device: torch.device, dtype: torch.dtype) -> _Laid:
    return _Laid(of, TorchBackend(str(device), str(dtype).removeprefix("torch.")))


@torch.compiler.disable
def _by_hand(function: EnergyFunction, fields: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = _Value.apply(function, fields.contiguous())[0]
    return found


def _rows(factors: torch.Tensor, fields: torch.Tensor) -> torch.Tensor:
    """Factors (b,) in a shape that multiplies fields (b, …)."""
    return factors.reshape(-1, *[1] * (fields.dim() - 1))


def _as_one_batch(apply: Any, info: Any, in_dims: Any, *fields: torch.Tensor) -> torch.Tensor:
    """A function of batches (b, …), mapped over one more axis: all fields in one batch."""
    first = [
        part.movedim(dim, 0) if dim is not None else part.expand(info.batch_size, *part.shape)
        for part, dim in zip(fields, in_dims, strict=True)
    ]
    found = apply(*[part.reshape(-1, *part.shape[2:]) for part in first])
    return found.reshape(info.batch_size, -1, *found.shape[1:])


class _Value(torch.autograd.Function):
    """Energies and, for the way back, their gradients."""

    @staticmethod
    def forward(of: EnergyFunction, w: torch.Tensor) -> Any:
        return of.on(w).value_and_grad(w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.of = inputs[0]
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(inputs[1], output[1])
        ctx.save_for_forward(inputs[1], output[1])

    @staticmethod
    def backward(ctx: Any, weights: torch.Tensor, _: Any) -> Any:
        w, gradient = ctx.saved_tensors
        return None, _rows(weights, w) * _Gradient.apply(ctx.of, w, gradient)

    @staticmethod
    def jvp(ctx: Any, _: None, tangent: torch.Tensor) -> Any:
        w, gradient = ctx.saved_tensors
        slope = (_Gradient.apply(ctx.of, w, gradient) * tangent).flatten(1).sum(1)
        return slope, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, of: EnergyFunction, w: torch.Tensor) -> Any:
        dim = in_dims[1]
        w = w.movedim(dim, 0)
        values, gradients = _Value.apply(of, w.reshape(-1, *w.shape[2:]))
        return (values.reshape(w.shape[:2]), gradients.reshape(w.shape)), (0, 0)


class _Gradient(torch.autograd.Function):
    """The known gradients at fields, whose derivative is the Hessian."""

    @staticmethod
    def forward(of: EnergyFunction, w: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        return gradient.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.of = inputs[0]
        ctx.save_for_backward(inputs[1])
        ctx.save_for_forward(inputs[1])

    @staticmethod
    def backward(ctx: Any, directions: torch.Tensor) -> Any:
        (w,) = ctx.saved_tensors
        return None, _Product.apply(ctx.of, w, directions), None

    @staticmethod
    def jvp(ctx: Any, _: None, tangent: torch.Tensor, __: Any) -> Any:
        (w,) = ctx.saved_tensors
        return _Product.apply(ctx.of, w, tangent)

    @staticmethod
    def vmap(info: Any, in_dims: Any, of: EnergyFunction, w: torch.Tensor, g: torch.Tensor) -> Any:
        def apply(*parts: torch.Tensor) -> Any:
            return _Gradient.apply(of, *parts)

        return _as_one_batch(apply, info, in_dims[1:], w, g), 0


class _Product(torch.autograd.Function):
    """Hessians times directions; linear in the directions, and not differentiated in the fields."""

    @staticmethod
    def forward(of: EnergyFunction, w: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        return of.on(w).hvp(w, directions.contiguous())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.of = inputs[0]
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, directions: torch.Tensor) -> Any:
        if ctx.needs_input_grad[1]:
            raise InputError(
                "an energy is differentiated twice at most: third derivatives are not offered"
            )
        (w,) = ctx.saved_tensors
        return None, None, _Product.apply(ctx.of, w, directions)

    @staticmethod
    def vmap(info: Any, in_dims: Any, of: EnergyFunction, w: torch.Tensor, v: torch.Tensor) -> Any:
        def apply(*parts: torch.Tensor) -> Any:
            return _Product.apply(of, *parts)

        return _as_one_batch(apply, info, in_dims[1:], w, v), 0
