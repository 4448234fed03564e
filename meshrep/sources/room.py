"""How much memory is left, and the refusal of what would not fit into it."""

from __future__ import annotations

import os
from pathlib import Path

from meshrep.base import limits
from meshrep.errors import InputError

# Edges and weights, both directions of the rows, and the sorting on the way.
BYTES_PER_EDGE, BYTES_PER_NODE = 180, 100


def available_memory() -> int:
    """Bytes that the system would give without swapping; 8 GiB where it does not say."""
    try:
        with open("/proc/meminfo") as table:
            for line in table:
                if line.startswith("MemAvailable:"):
                    return _within_container(int(line.split()[1]) * 1024)
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 8 << 30


def _within_container(room: int) -> int:
    """The room that is left under a container's own limit, where there is one."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text()
        return min(room, int(limit) - int(used)) if limit != "max" else room
    except (OSError, ValueError):
        return room


def refuse_beyond_memory(what: str, nodes: int, edges: int) -> None:
    """Raise where a graph of that many nodes and edges would not fit.

    Raises
    ------
    InputError
        With the figures.
    """
    need = BYTES_PER_NODE * nodes + BYTES_PER_EDGE * edges
    room = available_memory()
    if edges > limits.EDGES_UP_TO or nodes > limits.EDGES_UP_TO or need > room:
        raise InputError(
            f"{what}: {nodes:.3g} nodes and {edges:.3g} edges need about {need / 2**30:.3g} GiB "
            f"to build and {room / 2**30:.3g} GiB are free: choose a smaller size"
        )
