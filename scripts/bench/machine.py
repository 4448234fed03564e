"""The machine that the numbers were measured on: cores, caches, memory bandwidth, versions."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.backends import cores, installed
from meshrep.base.versions import version, versions

TRIAD_SIZE = 10_000_000  # numbers an array: three of them are far beyond any cache
PEERS = (
    "torch", "pyamg", "jax", "optax", "optimistix", "torchdiffeq", "xgi", "kuramoto", "petsc4py",
    "scikit-fem", "sfepy",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Return what a reader needs to judge the numbers, as plain data."""
    found: dict[str, Any] = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "processor": processor(),
        "cores": cores(),
        "memory_gb": round(_memory() / 1e9, 1),
        "caches": caches(),
        "system": f"{platform.system()} {platform.release()}",
        "versions": versions() | {name: version(name) for name in PEERS},
    }
    found["triad_gb_s"] = triad_bandwidth() if installed("numba") else None
    return found


def processor() -> str:
    """Return the processor's name, as the system gives it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def caches() -> list[str]:
    """Return level, kind and size of the first core's caches; empty if the system does not say."""
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        with contextlib.suppress(OSError):
            level, kind, size = (
                (index / name).read_text(encoding="utf-8").strip()
                for name in ("level", "type", "size")
            )
            found.append(f"L{level} {kind.lower()} {size}")
    return found


def _memory() -> float:
    """Return the bytes of memory; NaN if the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return np.nan


def triad() -> tuple[Callable[[], object], int]:
    """Return one pass of a = b + s·c by numba on all threads, and its bytes as STREAM counts."""
    from numba import njit, prange

    @njit(parallel=True)
    def add(a, b, c, s):
        for i in prange(len(a)):
            a[i] = b[i] + s * c[i]

    a, b, c = np.zeros(TRIAD_SIZE), np.ones(TRIAD_SIZE), np.ones(TRIAD_SIZE)
    add(a, b, c, 3.0)
    return lambda: add(a, b, c, 3.0), 3 * a.nbytes


def triad_bandwidth(rounds: int = 20) -> float:
    """Return the GB/s of the best of several passes of the triad."""
    import time

    go, moved = triad()
    best = np.inf
    for _ in range(rounds):
        begun = time.perf_counter()
        go()
        best = min(best, time.perf_counter() - begun)
    return moved / best / 1e9


def words(found: dict[str, Any], peers: Sequence[str] = PEERS) -> str:
    """Describe the machine in Markdown, and name those of ``peers`` that it lacks."""
    triad_words = (
        f"triad {found['triad_gb_s']:.1f} GB/s on all cores"
        if found.get("triad_gb_s")
        else "triad not measured: numba is missing"
    )
    packages = ", ".join(
        f"{name} {number}"
        for name, number in found["versions"].items()
        if number != "not installed" and name != "machine"
    )
    absent = [name for name in peers if found["versions"].get(name) == "not installed"]
    lines = [
        f"{found['processor']}, {found['cores']} cores, {found['memory_gb']} GB; "
        f"{', '.join(found['caches']) or 'caches not known'}; {triad_words}. {found['system']}.",
        f"Versions: {packages}.",
    ]
    if absent:
        lines.append(f"Not installed, and so missing below: {', '.join(absent)}.")
    return "\n".join(lines)
