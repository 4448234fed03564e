"""Where arrays live: NumPy (with or without numba) on the CPU, torch on the CPU or a GPU.

A back end is a handful of operations that NumPy and torch spell differently; everything else is
written once against ``backend.xp`` (the module ``numpy`` or ``torch``) and the operators that
both kinds of array share.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from meshrep.base.rows import with_short_indices
from meshrep.errors import InputError, MissingPart

Array = Any  # a NumPy array or a torch tensor, according to the back end


@cache
def installed(package: str) -> bool:
    """Whether a package can be found, without importing it.

    Raises
    ------
    InputError
        For numba, where its number of threads is set to one that it refuses in the middle of a run.
    """
    threads = os.environ.get("NUMBA_NUM_THREADS", "").strip()
    if package == "numba" and re.fullmatch(r"-\d+|0+", threads):
        raise InputError(
            f"NUMBA_NUM_THREADS is {threads}, and kernels need at least one thread: unset it, or "
            "set it to 1 or more"
        )
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# Files that the GPU drivers create: NVIDIA (two), the Windows subsystem for Linux, and AMD.
DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def gpu_seen() -> bool:
    """Whether torch is installed and sees a GPU.

    torch takes a second to import, so it is imported only if a driver is found.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "any") in ("", "-1")
    if hidden or not installed("torch"):
        return False
    if not (any(map(os.path.exists, DRIVERS)) or shutil.which("nvidia-smi")):
        return False
    from meshrep.base.torch_backend import sees_gpu

    return sees_gpu()


class Backend(Protocol):
    """What the library asks of an array library; :func:`meshrep.backend_for` makes one."""

    @property
    def name(self) -> str:
        """ "numpy", "numba" or "torch"."""

    @property
    def device(self) -> str:
        """ "cpu", "cuda" or "cuda:k"."""

    @property
    def dtype(self) -> str:
        """ "float64" or "float32"."""

    @property
    def differentiable(self) -> bool:
        """Whether torch differentiates what is laid out on it: see :mod:`meshrep.nn`."""

    @property
    def xp(self) -> Any:
        """The module of array functions."""

    def asarray(self, values: Any) -> Array:
        """A fresh array of this back end's floating type."""

    def index(self, values: Any) -> Array:
        """A fresh array of node numbers."""

    def to_numpy(self, values: Array) -> np.ndarray:
        """A float64 NumPy array with the same entries."""

    def sparse(self, matrix: sparse.csr_array) -> Any:
        """A sparse matrix that multiplies this back end's arrays with ``@`` or ``dot``.

        torch compiles only ``dot``.
        """

    def empty(self, *shape: int) -> Array:
        """An uninitialised array."""

    def zeros(self, *shape: int) -> Array:
        """An array of zeros."""


@dataclass(frozen=True)
class NumpyBackend:
    """NumPy arrays; energies may use numba kernels if ``jit`` is true."""

    dtype: str = "float64"
    jit: bool = True

    @property
    def name(self) -> str:
        """``"numba"`` where kernels are wanted and numba is installed, else ``"numpy"``."""
        return "numba" if self.jit and installed("numba") else "numpy"

    @property
    def device(self) -> str:
        """Always the CPU."""
        return "cpu"

    @property
    def differentiable(self) -> bool:
        """Never."""
        return False

    @property
    def xp(self) -> Any:
        """The module numpy."""
        return np

    def asarray(self, values: Any) -> np.ndarray:
        """A fresh contiguous array of the back end's type."""
        return np.array(values, dtype=self.dtype, order="C")

    def index(self, values: Any) -> np.ndarray:
        """A fresh array of node numbers."""
        return np.array(values, dtype=np.int64)

    def to_numpy(self, values: np.ndarray) -> np.ndarray:
        """The entries as float64, copied."""
        return np.array(values, dtype=np.float64)

    def sparse(self, matrix: sparse.csr_array) -> sparse.csr_array:
        """The matrix in the back end's type, with 32-bit indices where they fit."""
        return with_short_indices(sparse.csr_array(matrix, dtype=self.dtype))

    def empty(self, *shape: int) -> np.ndarray:
        """An uninitialised array."""
        return np.empty(shape, dtype=self.dtype)

    def zeros(self, *shape: int) -> np.ndarray:
        """An array of zeros."""
        return np.zeros(shape, dtype=self.dtype)


def backend_for(kind: str, device: str = "auto", dtype: str | None = None) -> Backend:
    """The back end of a kind on a device.

    Parameters
    ----------
    kind : {"numpy", "numba", "torch"}
        What computes; "numba" is NumPy's arrays with compiled kernels.
    device : str
        "auto" (for torch a CUDA device if there is one), "cpu", "cuda" or "cuda:k".
    dtype : {"float64", "float32"}, optional
        By default float64 on the CPU and float32 on a GPU.

    Raises
    ------
    InputError
        For an unknown kind, type or device, or for NumPy on a GPU.
    MissingPart
        When torch or numba is wanted and not installed.
    """
    if dtype not in (None, "float32", "float64"):
        raise InputError(f"unknown dtype {dtype!r}: choose float32 or float64")
    if kind == "torch":
        if not installed("torch"):
            raise MissingPart("torch", "optimise on torch tensors", "torch")
        from meshrep.base.torch_backend import torch_backend

        return torch_backend(device, dtype)
    if kind not in ("numpy", "numba"):
        raise InputError(f"unknown back end {kind!r}: choose numpy, numba or torch")
    return NumpyBackend(dtype or "float64", jit=kind == "numba")
