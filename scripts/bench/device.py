"""What the suites on a device of torch share: its name, its bandwidth, the clock, the verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from meshrep.base.backends import backend_for, installed
from meshrep.errors import InputError

SAME = {"float64": 1e-9, "float32": 1e-3}  # largest relative difference from the CPU's float64
TRIAD = 20_000_000
CALLS = 10
LIMIT = 400.0  # seconds of all suites together after which nothing more begins


@dataclass
class Device:
    """A device of torch, and the time that is left for it.

    Raises
    ------
    InputError
        If torch or the device is missing.
    """

    name: str
    begun: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if not installed("torch"):
            raise InputError("--device needs torch: pip install 'meshrep[torch]'")
        backend_for("torch", self.name)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.perf_counter() - self.begun > LIMIT

    @property
    def is_gpu(self) -> bool:
        """Whether it is a CUDA device."""
        return self.name.startswith("cuda")

    @property
    def words(self) -> str:
        """The name that its maker gave it."""
        if self.is_gpu:
            import torch

            return torch.cuda.get_device_name(self.name)
        from bench.machine import processor

        return processor()

    def finish(self) -> None:
        """Wait until the device has done its work."""
        if self.is_gpu:
            import torch

            torch.cuda.synchronize(self.name)

    def triad(self) -> float:
        """Return the bytes per second of a = b + s·c, the best of several passes."""
        import torch

        a, b, c = (torch.ones(TRIAD, dtype=torch.float64, device=self.name) for _ in range(3))
        best = np.inf
        for _ in range(CALLS):
            self.finish()
            begun = time.perf_counter()
            torch.add(b, c, alpha=3.0, out=a)
            self.finish()
            best = min(best, time.perf_counter() - begun)
        return 24.0 * TRIAD / best


def left_out(names: list[str]) -> str:
    """Return a sentence on what the clock left out; empty if nothing."""
    return f"Left out, because the time was up: {', '.join(names)}." if names else ""


def apart(found: Any, expected: Any) -> float:
    """Return the largest difference of two arrays over the largest entry of the second."""
    found, expected = np.asarray(found), np.asarray(expected)
    size = float(np.abs(expected).max(initial=0.0)) or 1.0
    return float(np.abs(found - expected).max(initial=0.0)) / size
