"""How much memory is left, and the refusal of what would not fit into it."""

from __future__ import annotations

import os
from pathlib import Path

from meshrep.base import limits
from meshrep.errors import InputError

# Edges and weights, both directions of the rows, and the sorting on the way.
BYTES_PER_EDGE, BYTES_PER_NODE = 180, 100
# 690 measured: the points of a grid, its hexahedra, their edges and the sorting on the way.
_BYTES_PER_POINT_OF_GRID = 800
# What reading a file may take: so much for a small one, whatever it says, and more for each byte of
# a larger one. A graph takes up to 10 times the bytes of the arrays that it is made from.
_SMALL_FILE, _FOR_A_SMALL_FILE = 2_000_000, 400 << 20
_PER_BYTE_BEYOND, _PER_BYTE_OF_ARRAYS = 1000, 10
_BYTES_PER_POINT = 600  # measured: points that are joined to their nearest ones
NODES_PER_POINT = 6  # nodes of cells that take the memory of one point
TRUST = "MESHREP_TRUST_FILES"  # the variable that lifts the bounds by a file's size
IF_SOUND = f"if the file is sound, set {TRUST}=1, and it may take all the memory that is free"


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


def trusted() -> bool:
    """Whether the user has said that files are sound, however much they hold for their size."""
    return os.environ.get(TRUST, "0") not in ("", "0")


def room_for(size: int) -> int:
    """Bytes of memory that reading a file of ``size`` bytes may take, and no more than are free."""
    room = _FOR_A_SMALL_FILE + _PER_BYTE_BEYOND * max(0, size - _SMALL_FILE)
    free = int(0.8 * available_memory())
    return free if trusted() else min(free, room)


def refuse_beyond_file(what: str, arrays: int, size: int) -> None:
    """Raise where a file of ``size`` bytes unpacks to arrays of more bytes than it justifies.

    Raises
    ------
    InputError
        With the figures.
    """
    if _PER_BYTE_OF_ARRAYS * arrays > room_for(size):
        raise InputError(
            f"{what}: it holds {arrays:,} bytes of numbers in {size:,} bytes, too many for the "
            f"memory that a file of this size is given: {IF_SOUND}"
        )


def most_points(size: int) -> int:
    """How many points a file of ``size`` bytes may make."""
    return room_for(size) // _BYTES_PER_POINT


def refuse_many_points(what: str, points: int, most: int) -> None:
    """Raise where a file makes more points than :func:`most_points`.

    Raises
    ------
    InputError
        With the figures.
    """
    if points > most:
        raise InputError(
            f"{what}: it makes {points:,} points or more, and the memory that a file of its size "
            f"is given holds {most:,}: {IF_SOUND}"
        )


def refuse_large_grid(what: str, points: int, size: int | None = None) -> int:
    """Raise where the cells of a structured grid of so many points would not fit.

    ``size`` is that of the file in bytes, where the grid is one of a file. Returns the size that it
    counts as: grids compress well, so that a large file counts as a byte a point at least.

    Raises
    ------
    InputError
        With the figures.
    """
    need = _BYTES_PER_POINT_OF_GRID * points
    room = available_memory()
    if need > room:
        raise InputError(
            f"{what}: its grid of {points:,} points needs about {need / 2**30:.3g} GiB "
            f"and {room / 2**30:.3g} GiB are free: cut it or make it coarser"
        )
    if size is None:
        return 0
    if size > _SMALL_FILE or trusted():
        return max(size, points)
    if need > room_for(size):
        raise InputError(
            f"{what}: its grid of {points:,} points needs about {need / 2**30:.3g} GiB, more than "
            f"the {room_for(size) / 2**30:.3g} GiB that a file of {size:,} bytes is given: "
            f"{IF_SOUND}"
        )
    return size


def refuse_beyond_memory(what: str, nodes: int, edges: int, *, size: int | None = None) -> None:
    """Raise where a graph of that many nodes and edges would not fit.

    ``size`` is that of the file in bytes, where the graph is one of a file.

    Raises
    ------
    InputError
        With the figures.
    """
    need = BYTES_PER_NODE * nodes + BYTES_PER_EDGE * edges
    room = available_memory()
    if size is not None and need > room_for(size) < room:
        raise InputError(
            f"{what}: it declares {nodes:,} nodes and {edges:,} edges, which need about "
            f"{need / 2**30:.3g} GiB, more than the {room_for(size) / 2**30:.3g} GiB that a file "
            f"of {size:,} bytes is given: correct its counts; {IF_SOUND}"
        )
    if edges > limits.EDGES_UP_TO or nodes > limits.EDGES_UP_TO or need > room:
        raise InputError(
            f"{what}: {_shown(nodes)} nodes and {_shown(edges)} edges need about "
            f"{_shown(need // 2**30)} GiB to build and {room / 2**30:.3g} GiB are free: choose a "
            "smaller size"
        )


def _shown(count: int) -> str:
    """A count in three digits; a whole number may be beyond the largest float."""
    return f"{count:.3g}" if count < 1e300 else "more than 1e300"
