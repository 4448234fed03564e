"""Products with a sparse matrix that torch differentiates, compiles and batches."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy import sparse

from meshrep.base.rows import fits_32_bits

WIDE = (torch.float32, torch.float64)  # types in which CSR tensors multiply on every device


class Product:
    """A sparse matrix (n, m) on a device, which multiplies tensors (m,) or (m, k) with ``@``.

    The product is that of a CSR tensor. Its derivative is the product with the transposed matrix,
    which torch would compute anew in every step; it may itself be differentiated, and ``vmap``
    makes one product of a whole batch. Where CSR tensors stand in the way, that is inside
    ``torch.compile`` and in half precision, entries are gathered and summed instead.

    Parameters
    ----------
    matrix : (n, m) csr_array
    dtype : torch.dtype
    device : str
    ready : bool
        Whether to send now what derivatives and compiled code need, and not at their first use.
    """

    def __init__(
        self, matrix: sparse.csr_array, dtype: torch.dtype, device: str, ready: bool = False
    ) -> None:
        self.matrix = sparse.csr_array(matrix)
        self.dtype, self.device = dtype, device
        self.shape = matrix.shape
        if ready:
            self.csr, self.entries, self.transposed.entries  # noqa: B018

    @cached_property
    def csr(self) -> torch.Tensor | None:
        """A CSR tensor, with 32-bit indices where they fit; None in half precision.

        torch's notice that CSR is in beta is silenced here only.
        """
        if self.dtype not in WIDE:
            return None
        matrix = self.matrix
        index = np.int32 if fits_32_bits(matrix) else np.int64
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.sparse_csr_tensor(
                torch.from_numpy(matrix.indptr.astype(index)),
                torch.from_numpy(matrix.indices.astype(index)),
                torch.from_numpy(np.array(matrix.data, dtype=np.float64)),
                size=matrix.shape,
                dtype=self.dtype,
                device=self.device,
            )

    @cached_property
    def entries(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Row, column and value of every entry."""
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.matrix.indptr))
        columns = self.matrix.indices.astype(np.int64)
        values = np.array(self.matrix.data, dtype=np.float64)
        return (
            torch.from_numpy(rows).to(self.device),
            torch.from_numpy(columns).to(self.device),
            torch.from_numpy(values).to(self.device, self.dtype),
        )

    @cached_property
    def transposed(self) -> Product:
        """The product with the transposed matrix; the same object where it is symmetric."""
        turned = sparse.csr_array(self.matrix.T)
        turned.sort_indices()
        parts = [(self.matrix.indptr, turned.indptr), (self.matrix.indices, turned.indices)]
        parts += [(self.matrix.data, turned.data)]
        if all(np.array_equal(*pair) for pair in parts):
            return self
        made = Product(turned, self.dtype, self.device)
        made.__dict__["transposed"] = self
        return made

    def __matmul__(self, x: torch.Tensor) -> torch.Tensor:
        return self.dot(x)

    def dot(self, x: torch.Tensor) -> torch.Tensor:
        """The product; torch.compile does not trace the operator ``@`` of a class of ours."""
        if torch.compiler.is_compiling():
            return self.gathered(x)
        found: torch.Tensor = _Times.apply(self, x)
        return found

    def gathered(self, x: torch.Tensor) -> torch.Tensor:
        """The same product entry by entry."""
        rows, columns, values = self.entries
        parts = x.index_select(0, columns)
        parts = parts * (values if x.dim() == 1 else values[:, None])
        return x.new_zeros(self.shape[0], *x.shape[1:]).index_add(0, rows, parts)

    def times(self, x: torch.Tensor) -> torch.Tensor:
        """The product, without a derivative."""
        return self.gathered(x) if self.csr is None else self.csr @ x

    def __deepcopy__(self, memo: Any) -> Product:
        return self  # nothing of it changes

    def __reduce__(self) -> Any:
        return Product, (self.matrix, self.dtype, self.device, "entries" in self.__dict__)


class _Times(torch.autograd.Function):
    """A x, whose derivative is Aᵀ g, by the same function."""

    @staticmethod
    def forward(product: Product, x: torch.Tensor) -> torch.Tensor:
        return product.times(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.product = inputs[0]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return None, _Times.apply(ctx.product.transposed, gradient)

    @staticmethod
    def jvp(ctx: Any, _: None, tangent: torch.Tensor) -> Any:
        return _Times.apply(ctx.product, tangent)

    @staticmethod
    def vmap(info: Any, in_dims: Any, product: Product, x: torch.Tensor) -> Any:
        """A batch of columns is a matrix of more columns."""
        x = x.movedim(in_dims[1], -1)
        flat = _Times.apply(product, x.reshape(x.shape[0], -1))
        return flat.reshape(flat.shape[0], *x.shape[1:]), x.dim() - 1
