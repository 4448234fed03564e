"""What can draw pictures on this machine: a screen, OpenGL without a screen, or neither."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

from meshrep.errors import MissingPart

SWITCH = "MESHREP_GL"  # the variable whose value "off" makes matplotlib draw everything
_WINDOW = "VTK_DEFAULT_OPENGL_WINDOW"
_SETTINGS = ("DISPLAY", _WINDOW, "LIBGL_ALWAYS_SOFTWARE", "__EGL_VENDOR_LIBRARY_DIRS",
             "__EGL_VENDOR_LIBRARY_FILENAMES", "MESA_LOADER_DRIVER_OVERRIDE")  # fmt: skip
_VENDORS = ("/usr/share/glvnd/egl_vendor.d", "/etc/glvnd/egl_vendor.d")

# Run in a child process, because drawing without OpenGL can end the process.
_PROBE = """
import vtkmodules.vtkRenderingOpenGL2
from vtkmodules.vtkRenderingCore import vtkRenderWindow, vtkRenderer, vtkWindowToImageFilter
window, renderer, grab = vtkRenderWindow(), vtkRenderer(), vtkWindowToImageFilter()
window.SetOffScreenRendering(1); window.SetSize(8, 8); window.AddRenderer(renderer)
renderer.SetBackground(1, 0, 0); window.Render()
grab.SetInput(window); grab.ReadFrontBufferOff(); grab.Update()
raise SystemExit(0 if grab.GetOutput().GetPointData().GetScalars().GetTuple(0)[0] == 255 else 1)
"""


def has_screen() -> bool:
    """Whether there is a screen to open a window on."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY"))


def load_pyvista() -> ModuleType:
    """PyVista, set to draw by EGL if there is no screen. That must happen before VTK starts.

    Raises
    ------
    MissingPart
        If PyVista is not installed.
    """
    if not has_screen():
        os.environ.setdefault(_WINDOW, "vtkEGLRenderWindow")
    try:
        import pyvista
    except ImportError as error:
        raise MissingPart("pyvista", "draw and to write VTK files", "viz") from error
    return pyvista


@functools.cache
def can_render() -> bool:
    """Whether VTK can draw without a screen on this machine.

    The libraries are looked for first, which is quick. Then a child process draws eight by eight
    pixels, which takes about a second. Only success is remembered between processes, so that a
    driver that is installed after a failure is found. The answer is no if the environment variable
    ``MESHREP_GL`` is "off".
    """
    if os.environ.get(SWITCH, "").lower() in ("off", "0", "no", "false"):
        return False
    if any(importlib.util.find_spec(name) is None for name in ("pyvista", "vtkmodules")):
        return False
    if sys.platform.startswith("linux"):
        if not has_screen():
            os.environ.setdefault(_WINDOW, "vtkEGLRenderWindow")
        if not _has_libraries():
            return False
    verdict = _verdict_file()
    if verdict is not None and verdict.exists():
        return True
    works = _probe()
    if works and verdict is not None:
        try:
            verdict.parent.mkdir(parents=True, exist_ok=True)
            verdict.touch()
        except OSError:
            pass  # without a cache the next process probes again
    return works


def _has_libraries() -> bool:
    """Whether the OpenGL libraries that VTK loads by name are installed."""
    wanted = ["libGL.so.1"] if has_screen() else ["libEGL.so.1"]
    try:
        for name in wanted:
            ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _probe() -> bool:
    """Draw a few pixels in a child process; whether it ends well and the pixels are right."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", _PROBE],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return child.returncode == 0


def _verdict_file() -> Path | None:
    """The file whose presence says that this VTK has drawn on this machine and display before."""
    vendors = []
    for folder in map(Path, _VENDORS):
        try:
            vendors += sorted((file.name, file.stat().st_mtime_ns) for file in folder.iterdir())
        except OSError:
            continue
    try:
        vtk = metadata.version("vtk")
    except metadata.PackageNotFoundError:
        vtk = "unknown"
    settings = [os.environ.get(name) for name in _SETTINGS]
    facts = (platform.node(), platform.machine(), sys.executable, vtk, settings, vendors)
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:24]
    try:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    except (KeyError, RuntimeError):
        return None
    return Path(home) / "meshrep" / f"renders-{key}"
