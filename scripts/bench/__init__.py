"""Suites of the benchmark: each has ``run(quick, say)``, which returns Markdown and plain data."""

from __future__ import annotations

from collections.abc import Callable

from meshrep.base.backends import installed

Say = Callable[[str], None]  # is told what runs now
Report = tuple[str, dict[str, object]]


def missing(*packages: str) -> str:
    """Return a sentence for each package of the extra ``bench`` that is not installed."""
    return "\n".join(
        f"The package {package} is missing: pip install 'meshrep[bench]'."
        for package in packages
        if not installed(package)
    )
