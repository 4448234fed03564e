"""The back end of torch tensors, on the CPU or a CUDA device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from meshrep.base.torch_products import Product
from meshrep.errors import InputError


def sees_gpu() -> bool:
    """Whether torch sees a device that it calls "cuda"."""
    return torch.cuda.is_available()


def torch_backend(device: str = "auto", dtype: str | None = None) -> TorchBackend:
    """Choose a device and a type: see :func:`meshrep.base.backends.backend_for`."""
    if device == "auto":
        device = "cuda" if sees_gpu() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise InputError(f"unknown device {device!r}: choose auto, cpu, cuda or cuda:0") from error
    if kind not in ("cpu", "cuda"):
        raise InputError(f"device {device!r} is not supported: choose auto, cpu, cuda or cuda:0")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (torch.device(device).index or 0) >= count:
            raise InputError(f"there is no device {device!r} (torch sees {count}): choose cpu")
    return TorchBackend(device, dtype or ("float64" if kind == "cpu" else "float32"))


@dataclass(frozen=True)
class TorchBackend:
    """Tensors of one type on one device.

    With ``differentiable`` a map is laid out for torch to differentiate, to compile and to batch.
    """

    device: str = "cpu"
    dtype: str = "float64"
    differentiable: bool = False

    @property
    def name(self) -> str:
        """Always ``"torch"``."""
        return "torch"

    @property
    def xp(self) -> Any:
        """The module torch."""
        return torch

    @property
    def _type(self) -> torch.dtype:
        return getattr(torch, self.dtype)

    def asarray(self, values: Any) -> torch.Tensor:
        """A fresh tensor of the back end's type on its device."""
        return torch.tensor(np.asarray(values), dtype=self._type, device=self.device)

    def index(self, values: Any) -> torch.Tensor:
        """A fresh tensor of node numbers."""
        return torch.tensor(np.asarray(values), dtype=torch.int64, device=self.device)

    def to_numpy(self, values: torch.Tensor) -> np.ndarray:
        """The entries as float64 on the host, copied."""
        return values.detach().to("cpu", torch.float64).numpy().copy()

    def sparse(self, matrix: sparse.csr_array) -> Product:
        """The matrix as products, which torch can differentiate."""
        return Product(matrix, self._type, self.device, self.differentiable)

    def empty(self, *shape: int) -> torch.Tensor:
        """An uninitialised tensor."""
        return torch.empty(shape, dtype=self._type, device=self.device)

    def zeros(self, *shape: int) -> torch.Tensor:
        """A tensor of zeros."""
        return torch.zeros(shape, dtype=self._type, device=self.device)
