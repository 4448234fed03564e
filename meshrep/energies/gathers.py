"""Energies whose value and gradient are gathered over rows on a GPU, by kernels in Triton."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base.backends import Backend, installed
from meshrep.base.rows import fits_32_bits, kernel_rows

TILE = 1024  # entries that a program reads at a time: eight for each of its 128 threads
WIDEST = 128
LONGEST = 4096  # entries of a row; cuSPARSE divides longer rows, where Triton's kernels do not


class Rows:
    """A matrix in CSR form on a back end of torch, and the launch of kernels that walk over it.

    Attributes
    ----------
    gradient : (n,) tensor
        Where kernels write the gradient.
    energies : (blocks,) float64 tensor
        Where they write the energy of each block of rows. Within a block they add in the type of
        the back end.
    """

    def __init__(self, matrix: sparse.csr_array, backend: Backend) -> None:
        self.n, self.device, self.xp = matrix.shape[0], backend.device, backend.xp
        indptr, indices, a = kernel_rows(matrix, backend.dtype, equal_once=True)
        self.equal = len(a) == 1
        self.indptr, self.indices = (
            self.xp.from_numpy(part.view(np.int32)).to(self.device) for part in (indptr, indices)
        )
        self.a, self.tile = backend.asarray(a), tile(matrix.nnz / max(self.n, 1))
        self.blocks = -(-self.n // self.tile["ROWS"])
        self.gradient = backend.empty(self.n)
        self.energies = self.xp.zeros(self.blocks, dtype=self.xp.float64, device=self.device)

    def run(self, kernel: Any, *given: Any, **constants: Any) -> None:
        """Launch a kernel that takes the matrix first and n last."""
        matrix = self.indptr, self.indices, self.a
        with active(self.xp, self.device):
            kernel[(self.blocks,)](
                *matrix, *given, self.n, EQUAL=self.equal, **constants, **self.tile
            )

    def run_by_nodes(self, kernel: Any, *given: Any) -> None:
        """Launch a kernel that knows no matrix."""
        with active(self.xp, self.device):
            kernel[(self.blocks,)](*given, self.n, ROWS=self.tile["ROWS"])


def tile(mean: float) -> dict[str, int]:
    """Rows and columns of a tile, for rows with ``mean`` entries.

    The sizes are reasoned and have not been timed on a GPU.

    >>> tile(6.2), tile(0.0), tile(1e5)
    ({'ROWS': 128, 'WIDTH': 8}, {'ROWS': 512, 'WIDTH': 2}, {'ROWS': 8, 'WIDTH': 128})
    """
    width = 2
    while width < min(mean, WIDEST):
        width *= 2
    return {"ROWS": TILE // width, "WIDTH": width}


def active(xp: Any, device: str) -> Any:
    """A context in which Triton launches kernels on the device."""
    return xp.cuda.device(device) if device.startswith("cuda") else nullcontext()


def gathers_on(backend: Backend, matrix: sparse.csr_array) -> bool:
    """Whether Triton's kernels take a matrix on a back end, if they run there at all."""
    return (
        backend.device.startswith("cuda")
        and installed("triton")
        and fits_32_bits(matrix)
        and int(np.diff(matrix.indptr).max(initial=0)) <= LONGEST
    )


def refusal(backend: Backend) -> str:
    """Why Triton cannot run a kernel on a GPU; empty where it can."""
    return _refusal(backend.xp, backend.device)


@cache
def _refusal(xp: Any, device: str) -> str:
    """It needs a C compiler on the host, and a device that is new enough."""
    try:
        from meshrep.kernels.triton.trial import negative

        ones = xp.ones(16, device=device)
        found = xp.zeros_like(ones)
        with active(xp, device):
            negative[(1,)](ones, found, SIZE=16)
        return "" if bool((found == -ones).all()) else "a kernel gave a wrong result"
    except Exception as error:  # of any type: the compiler's, the assembler's or the driver's
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
