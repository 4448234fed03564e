"""A small kernel that shows whether Triton works on a device."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def negative(x, y, SIZE: tl.constexpr):
    """Write −x."""
    at = tl.arange(0, SIZE)
    tl.store(y + at, -tl.load(x + at))
