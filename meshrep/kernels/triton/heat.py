"""Heat with power baths and loads, fused over rows: see :mod:`meshrep.kernels.heat`.

½ Σ_edges a_ij (w_i − w_j)² + Σ_i s_i |w_i − T_i|^p − Σ_i q_i (w_i − origin)
"""

from __future__ import annotations

import triton
import triton.language as tl

PULLED = tl.constexpr(1)
FIXED = tl.constexpr(2)


@triton.jit
def value_and_grad(
    indptr,
    indices,
    a,
    w,
    kinds,
    targets,
    strengths,
    numbers,
    load,
    gradient,
    energies,
    n,
    EQUAL: tl.constexpr,
    POWER: tl.constexpr,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Write the gradient (n,), 0 at fixed nodes, and the energy of each block of rows.

    ``kinds`` (n,) says with bits which nodes are pulled or fixed; it is None where there are none,
    and targets and strengths (n,) are read only where a node is pulled. ``load`` may be None.
    ``numbers`` are p and the origin. ``POWER`` is 2 or 4 where p is, else 0.
    """
    block = tl.program_id(0)
    row = block * ROWS + tl.arange(0, ROWS)
    inside = row < n
    first = tl.load(indptr + row, mask=inside, other=0)
    last = tl.load(indptr + row + 1, mask=inside, other=0)
    own = tl.load(w + row, mask=inside, other=0.0)
    column = tl.arange(0, WIDTH)
    slope = tl.zeros_like(own)
    energy = tl.zeros_like(own)
    longest = tl.max(last - first, 0)
    for begin in range(0, longest, WIDTH):
        entry = (first + begin)[:, None] + column[None, :]
        there = entry < last[:, None]
        other = tl.load(indices + entry, mask=there, other=0)
        across = own[:, None] - tl.load(w + other, mask=there, other=0.0)
        across = tl.where(there, across, 0.0)
        flow = across
        if not EQUAL:
            flow = across * tl.load(a + entry, mask=there, other=0.0)
        slope += tl.sum(flow, 1)
        energy += tl.sum(flow * across, 1)
    energy *= 0.25  # half of an edge's energy belongs to each end
    if EQUAL:
        weight = tl.load(a)
        slope *= weight
        energy *= weight
    if kinds is not None:
        kind = tl.load(kinds + row, mask=inside, other=0)
        pulled = (kind & PULLED) != 0
        off = own - tl.load(targets + row, mask=pulled, other=0.0)
        strength = tl.load(strengths + row, mask=pulled, other=0.0)
        power = tl.load(numbers)
        if POWER == 2:
            below = strength * off
        elif POWER == 4:
            below = strength * off * off * off
        else:
            size = tl.where(off == 0.0, 1.0, tl.abs(off))  # log 0 would be infinite
            above = tl.where(off == 0.0, 0.0, tl.exp((power - 1.0) * tl.log(size)))
            below = strength * tl.where(off > 0.0, above, -above)
        energy += tl.where(pulled, below * off, 0.0)
        slope += tl.where(pulled, power * below, 0.0)
    if load is not None:
        fed = tl.load(load + row, mask=inside, other=0.0)
        energy -= fed * (own - tl.load(numbers + 1))
        slope -= fed
    if kinds is not None:
        slope = tl.where((kind & FIXED) != 0, 0.0, slope)
    tl.store(gradient + row, slope, mask=inside)
    tl.store(energies + block, tl.sum(tl.where(inside, energy, 0.0), 0))
