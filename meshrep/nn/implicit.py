"""The minimum of an energy as a function of torch of the energy's numbers.

At a minimum ∇E(w*(θ); θ) = 0, so that dw*/dθ = −H⁻¹ ∂∇E/∂θ with H the Hessian. For a gradient g in
w* the gradient in θ is −∂/∂θ (λᵀ ∇E), where H λ = g: one linear system, however many numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from meshrep.base.torch_backend import TorchBackend
from meshrep.energies.base import Energy, checked_energy
from meshrep.errors import InputError, SolveError
from meshrep.numerics.factors import factored
from meshrep.solving.solve import solve
from meshrep.solving.solver import AnySolver

POLISH = 5  # Newton steps at most that follow a solve
ITERATIONS = 10  # of conjugate gradients, in multiples of the unknowns


def minimum(
    energy: Energy,
    solver: AnySolver = "auto",
    *,
    start: Any = None,
    seed: int = 0,
    **numbers: torch.Tensor,
) -> torch.Tensor:
    """The field at the minimum of an energy, which torch differentiates by the energy's numbers.

    Parameters
    ----------
    energy : Energy
        An energy that names numbers in ``energy.variable``: temperatures and conductances of
        heat, couplings K of oscillators, weights of an :class:`meshrep.EdgeEnergy`, the numbers
        of a :class:`meshrep.nn.TorchEnergy`.
    solver, start, seed
        As :func:`meshrep.solve` takes them.
    **numbers : tensor
        The numbers by their names; those that are left out are the energy's own.

    Returns
    -------
    tensor (n,) or (n, d)
        In the type and on the device of the numbers. It is differentiated once.

    Raises
    ------
    InputError
        For numbers that the energy does not have.
    SolveError
        Where the derivative does not exist, since the Hessian at the end is singular.

    Notes
    -----
    Where a constant may be added to the field, as to phases, derivatives are those of the field
    without its mean on each component. The solve and the linear system run on the host.

    Examples
    --------
    The middle of a bar between 0 and 1 follows the conductances of its halves a, b as b/(a + b):

    >>> import torch, meshrep
    >>> bar = meshrep.Graph.from_edges(3, [[0, 1], [1, 2]])
    >>> heat = meshrep.HeatBath(bar, hot=[2], cold=[0], kind="dirichlet")
    >>> a = torch.tensor([1.0, 1.0], dtype=torch.float64, requires_grad=True)
    >>> minimum(heat, conductances=a)[1].backward()
    >>> a.grad.tolist()
    [-0.25, 0.25]
    """
    checked_energy(energy)
    if not numbers:
        raise InputError(
            f"name the numbers to differentiate by: {type(energy).__name__} has "
            f"{', '.join(energy.variable) or 'none'}"
        )
    names = list(numbers)

    def run(given: dict[str, np.ndarray]) -> tuple[Energy, np.ndarray]:
        there = energy.with_numbers(**given)
        return there, _polished(there, solve(there, solver, start=start, seed=seed).field)

    found: torch.Tensor = _Minimum.apply(run, names, *numbers.values())
    return found


class _Minimum(torch.autograd.Function):
    """θ ↦ w*(θ), with the adjoint equation as the way back."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], names: list[str], *theta: torch.Tensor) -> Any:
        given = {
            name: part.detach().to("cpu", torch.float64).numpy()
            for name, part in zip(names, theta, strict=True)
        }
        ctx.energy, ctx.field = run(given)
        ctx.names = names
        ctx.save_for_backward(*theta)
        return torch.from_numpy(ctx.field).to(theta[0])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        energy, theta = ctx.energy, ctx.saved_tensors
        adjoint = _solved(energy, ctx.field, gradient.to("cpu", torch.float64).numpy())
        backend = getattr(energy, "backend", TorchBackend())
        with torch.enable_grad():
            w = backend.asarray(ctx.field).requires_grad_()
            own = [part.detach().to(w).requires_grad_() for part in theta]
            numbers = dict(zip(ctx.names, own, strict=True))
            nodes, held = backend.index(energy.fixed), energy.held_with(backend, numbers)
            value = energy.value_with(backend, w.index_copy(0, nodes, held), numbers)
            (slope,) = torch.autograd.grad(value, w, create_graph=True)
            # Fixed nodes move with their numbers, all others by the adjoint equation.
            work = (held * gradient.to(held)[nodes]).sum() - (
                slope * backend.asarray(adjoint)
            ).sum()
            found = torch.autograd.grad(work, own, allow_unused=True, materialize_grads=True)
        return None, None, *[part.to(like) for part, like in zip(found, theta, strict=True)]


def _kept(energy: Energy) -> np.ndarray:
    """Entries of a flat field that the energy determines: free ones, without one a component."""
    free = energy.free_entries
    if not energy.shift_invariant:
        return free
    firsts = np.unique(energy.component_of, return_index=True)[1]
    return np.setdiff1d(free, firsts)


def _centred(energy: Energy, field: np.ndarray) -> np.ndarray:
    """The field without its mean on each component, where constants may be added."""
    if not energy.shift_invariant:
        return field
    part = energy.component_of
    return field - (np.bincount(part, field) / np.bincount(part))[part]


def _solved(energy: Energy, field: np.ndarray, right: np.ndarray) -> np.ndarray:
    """λ with H λ = right, 0 at fixed nodes, in the shape of the field."""
    kept, size = _kept(energy), int(np.prod(energy.shape))
    right = _centred(energy, right)
    solution = np.zeros(size)
    if energy.has_hessian:
        matrix = sparse.csc_array(energy.hessian(field))[kept][:, kept]
        factors = factored(matrix)
        if factors is None:
            raise SolveError(
                "the minimum has no derivative: the Hessian there is singular, or not positive"
            )
        solution[kept] = factors.lu.solve(right.reshape(-1)[kept])
    else:
        solution[kept] = _by_products(energy, field, right.reshape(-1)[kept], kept)
    return _centred(energy, solution.reshape(energy.shape))


def _by_products(
    energy: Energy, field: np.ndarray, right: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """The same by conjugate gradients on products with the Hessian."""

    def product(v: np.ndarray) -> np.ndarray:
        whole = np.zeros(int(np.prod(energy.shape)))
        whole[kept] = np.ravel(v)
        return energy.hvp(field, whole.reshape(energy.shape)).reshape(-1)[kept]

    count = len(kept)
    operator: Any = LinearOperator((count, count), matvec=product, dtype=np.float64)
    solution, failed = cg(operator, right, rtol=1e-12, maxiter=ITERATIONS * count)
    if failed:
        raise SolveError(
            "the derivative of the minimum was not found: conjugate gradients on the Hessian did "
            "not converge"
        )
    return solution


def _polished(energy: Energy, field: np.ndarray) -> np.ndarray:
    """The field after Newton steps that lower the gradient, to the rounding of a derivative."""
    gradient = energy.gradient(field)
    for _ in range(POLISH):
        before = float(np.linalg.norm(gradient))
        if before == 0.0:
            break
        there = field - _solved(energy, field, gradient)
        gradient = energy.gradient(there)
        if not float(np.linalg.norm(gradient)) < before:
            break
        field = there
    return field
