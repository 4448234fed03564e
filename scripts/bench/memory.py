"""The memory of this process, as Linux counts it."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path
from types import TracebackType

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident(line: str = "VmRSS") -> float | None:
    """Return the bytes in memory now ("VmRSS") or at most ("VmHWM"); None if they are unknown."""
    with contextlib.suppress(OSError):
        for text in _STATUS.read_text(encoding="utf-8").splitlines():
            if text.startswith(line + ":"):
                return 1024.0 * int(text.split()[1])
    return None


class Peak:
    """The most that a block of code holds, above what was held before it.

    >>> with Peak() as peak:
    ...     pass
    >>> peak.megabytes is None or peak.megabytes < 100
    True
    """

    def __init__(self) -> None:
        self.megabytes: float | None = None
        self._before: float | None = None

    def __enter__(self) -> Peak:
        gc.collect()
        with contextlib.suppress(OSError):
            _CLEAR.write_text("5", encoding="utf-8")  # resets the highest mark
            self._before = resident()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        highest = resident("VmHWM")
        if self._before is not None and highest is not None:
            self.megabytes = max(0.0, highest - self._before) / 1e6
