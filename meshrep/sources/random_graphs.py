"""Random graphs: stochastic block model, Erdős–Rényi, random geometric; same seed, same graph."""

from __future__ import annotations

import math

import numpy as np

from meshrep.base.randomness import random_from
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources.clouds import within
from meshrep.sources.room import refuse_beyond_memory


def stochastic_block(
    blocks: int, size: int, p_in: float = 0.1, p_out: float = 0.001, seed: int = 0
) -> Graph:
    """Blocks of equal size; pairs are joined by chance ``p_in`` within a block, else ``p_out``.

    Parameters
    ----------
    blocks, size : int
        Node ``b * size + k`` is node k of block b.
    p_in, p_out : float
        Chances in [0, 1].
    seed : int
        Of NumPy's generator.

    Raises
    ------
    InputError
        Where a parameter is out of range, or the graph would not fit into memory.
    """
    what = f"sbm:{blocks}x{size}"
    for name, value in (("blocks", blocks), ("size", size)):
        _whole(what, name, value)
    for name, chance in (("p_in", p_in), ("p_out", p_out)):
        if not 0 <= chance <= 1:
            raise InputError(f"{what}: {name} is a chance between 0 and 1, not {chance}")
    n = blocks * size
    inside, outside = size * (size - 1) // 2, size * size
    expected = blocks * inside * p_in + blocks * (blocks - 1) / 2 * outside * p_out
    refuse_beyond_memory(what, n, int(expected))
    random = random_from(seed)
    pairs = []
    for a in range(blocks):
        i, j = _triangle_pair(_chosen(inside, p_in, random))
        pairs.append(np.stack([a * size + i, a * size + j], axis=1))
        # All later blocks at once: a rectangle of size × (n - (a+1) size) pairs.
        rest = n - (a + 1) * size
        if rest:
            slot = _chosen(size * rest, p_out, random)
            ends = (a * size + slot // rest, (a + 1) * size + slot % rest)
            pairs.append(np.stack(ends, axis=1))
    return Graph.from_edges(n, np.concatenate(pairs), name=what)


def erdos_renyi(n: int, mean_degree: float = 6.0, seed: int = 0) -> Graph:
    """``n`` nodes, each pair joined by the chance that makes the mean degree as asked.

    Raises
    ------
    InputError
        Where the degree is not within 0 … n-1, or the graph would not fit into memory.
    """
    what = f"er:{n}"
    _whole(what, "n", n)
    if not 0 <= mean_degree <= max(n - 1, 0):
        raise InputError(f"{what}: the mean degree lies within 0 … {n - 1}, not {mean_degree}")
    refuse_beyond_memory(what, n, int(n * mean_degree / 2))
    chance = mean_degree / (n - 1) if n > 1 else 0.0
    slots = _chosen(n * (n - 1) // 2, chance, random_from(seed))
    return Graph.from_edges(n, np.stack(_triangle_pair(slots), axis=1), name=what)


def random_geometric(
    n: int, radius: float | None = None, dim: int = 2, seed: int = 0, mean_degree: float = 8.0
) -> Graph:
    """``n`` points uniform in the unit square or cube, joined within ``radius``.

    Parameters
    ----------
    n : int
        Number of points.
    radius : float, optional
        The default makes the mean degree ``mean_degree``, up to what the border takes away.
    dim : int
        2 or 3.
    seed : int
        Of NumPy's generator.
    mean_degree : float
        For the default radius.

    Raises
    ------
    InputError
        Where a parameter is out of range, or the graph would not fit into memory.
    """
    what = f"rgg:{n}"
    _whole(what, "n", n)
    if dim not in (2, 3):
        raise InputError(f"{what}: dim is 2 or 3, not {dim}")
    ball = math.pi if dim == 2 else 4 / 3 * math.pi
    if radius is None:
        radius = (mean_degree / (ball * n)) ** (1 / dim)
    if not (math.isfinite(radius) and radius > 0):
        raise InputError(f"{what}: radius must be a positive number, not {radius}")
    expected = n * n / 2 * min(1.0, ball * min(radius, 1.0) ** dim)
    refuse_beyond_memory(what, n, int(expected))
    points = random_from(seed).uniform(0.0, 1.0, (n, dim))
    return within(points, radius, name=what)


def _whole(what: str, name: str, value: int) -> None:
    if int(value) != value or value < 1:
        raise InputError(f"{what}: {name} must be a whole number of at least 1, not {value}")


def _chosen(total: int, chance: float, random: np.random.Generator) -> np.ndarray:
    """Each of 0 … total-1 by chance, sorted: gaps between chosen ones are geometric."""
    if chance <= 0 or total <= 0:
        return np.zeros(0, dtype=np.int64)
    if chance >= 1:
        return np.arange(total)
    found = []
    last = -1
    while last < total:
        left = (total - last) * chance
        gaps = random.geometric(chance, int(left + 4 * math.sqrt(left) + 16))
        # A tiny chance gives gaps beyond int64's sum: nothing past the end matters.
        run = last + np.cumsum(np.minimum(gaps, total + 1).astype(np.float64))
        run = run[run < 2**62].astype(np.int64)
        found.append(run)
        last = int(run[-1]) if len(run) else total
    slots = np.concatenate(found)
    return slots[slots < total]


def _triangle_pair(slot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pair i < j numbered ``slot`` = j (j-1)/2 + i."""
    j = ((1 + np.sqrt(1 + 8 * slot.astype(np.float64))) / 2).astype(np.int64)
    # Rounding may be off by one either way for large slots.
    j -= j * (j - 1) // 2 > slot
    j += j * (j + 1) // 2 <= slot
    return slot - j * (j - 1) // 2, j
