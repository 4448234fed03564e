"""Which threads run the parallel kernels: numba's threading layer.

numba takes the first of TBB, OpenMP and its own work queue that it finds. TBB serves a machine
that does other work as well: a kernel ends when all blocks are done, whichever thread did them, and
a thread without work sleeps. OpenMP's threads share the blocks out in advance and spin at the end,
so that a thread which has lost its core to another process holds up all. TBB is also safe to enter
from several Python threads and after a fork.
"""

from __future__ import annotations

import ctypes
import importlib.metadata

LIBRARIES = ("libtbb.so.12", "libtbb.12.dylib", "tbb12.dll")


def load_tbb() -> bool:
    """Load TBB from its Python package, where the dynamic linker does not look for it.

    Returns
    -------
    bool
        Whether it was loaded. If not, numba chooses among the layers that it finds itself.
    """
    try:
        files = importlib.metadata.files("tbb") or []
    except importlib.metadata.PackageNotFoundError:
        return False
    for file in files:
        if file.name in LIBRARIES:
            try:
                ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
            except OSError:
                return False
            return True
    return False


def threading_layer() -> str:
    """The layer that runs parallel kernels: "tbb", "omp" or "workqueue"; "" before the first."""
    import numba

    try:
        return str(numba.threading_layer())
    except ValueError:
        return ""
