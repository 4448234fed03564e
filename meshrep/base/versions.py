"""Versions of the packages that numbers may depend on."""

from __future__ import annotations

import importlib.metadata
import platform

PACKAGES = ("meshrep", "numpy", "scipy", "numba", "torch", "pyamg", "pyvista", "trimesh", "gudhi",
            "scikit-learn")  # fmt: skip


def version(package: str) -> str:
    """A package's version, or "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """Versions of meshrep, Python and the packages that the numbers may depend on."""
    about = {"python": platform.python_version(), "machine": platform.machine()}
    return about | {package: version(package) for package in PACKAGES}
