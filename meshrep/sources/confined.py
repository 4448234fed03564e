"""A process that can open files below some folders only, by Linux's Landlock.

Formats name other files in more ways than can be parsed here: HDF5, for one, has links to other
files. Numbers are those of the kernel's documentation, ``userspace-api/landlock``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, on every processor
_PATH_BENEATH, _READ_FILE, _NO_NEW_PRIVILEGES = 1, 1 << 2, 38
_OF_THE_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/opt", "/nix/store", "/gnu/store", "/proc",
                  "/sys", "/dev", "/etc/ld.so.cache", "/etc/localtime")  # fmt: skip


class _Rules(ctypes.Structure):
    _fields_ = [("handled", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def confine(file: Path, *others: Path) -> bool:
    """Let this process read below the file's folder, the others and Python's own; whether it is so.

    It is not where the system has no Landlock: before Linux 5.13, or elsewhere.
    """
    if sys.platform != "linux":
        return False
    kernel = ctypes.CDLL(None, use_errno=True)
    rules = _Rules(_READ_FILE)
    ruleset = kernel.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    if ruleset < 0:
        return False
    for path in {file.parent, *others, *_of_python(file.parent), Path(os.path.realpath(file))}:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = _Beneath(_READ_FILE, opened)
        kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(opened)
    kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    done = kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return done == 0


def _of_python(folder: Path) -> Iterable[Path]:
    """Where Python and its libraries are, and other folders of modules that are not above a folder.

    A folder of modules may be the one that a program was started in, which holds other files too.
    """
    with open("/proc/self/maps") as maps:
        loaded = {line.split(None, 5)[5].strip() for line in maps if line.count("/")}
    installed = {Path(root) for root in (sys.prefix, sys.base_prefix, *_OF_THE_SYSTEM)}
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    packages = {Path(entry) for entry in sys.path if entry.endswith("-packages")}
    installed |= packages | {Path(entry) for entry in libraries if entry}
    for place in packages:  # some installers link each package to a cache
        with contextlib.suppress(OSError):
            installed |= {Path(os.path.realpath(p)) for p in place.iterdir() if p.is_symlink()}
    modules = {Path(entry) for entry in sys.path if entry} | {Path(__file__).parents[1]}
    modules |= {Path(name).parent for name in loaded if name.startswith("/")}
    within = Path(os.path.realpath(folder))
    return installed | {
        root for root in modules if not within.is_relative_to(os.path.realpath(root))
    }
