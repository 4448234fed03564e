"""The time that a first user waits: for imports, and for the first picture of the front door."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import Report, Say
from meshrep.base.backends import installed
from meshrep.base.tables import duration, markdown
from meshrep.errors import MeshrepError

ROOT = Path(__file__).resolve().parent.parent.parent
DOOR = ("scripts/solve_mesh.py", "assets/bunny.ply", "--bath", "--no-show")
HEAVY = ("scipy", "numba", "pyamg", "torch", "pyvista", "vtk", "vtkmodules", "matplotlib",
         "trimesh", "meshio", "networkx", "gudhi", "sklearn", "pandas", "jax")  # fmt: skip
DEAREST = 8
PATIENCE = 300.0  # seconds for any one process
_PROBE = (
    "import runpy, sys; sys.path.insert(0, '.'); sys.argv = sys.argv[1:]\n"
    "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    "except SystemExit: pass\n"
    "print('HEAVY', *sorted({name.split('.')[0] for name in sys.modules}))"
)


def run(quick: bool, say: Say) -> Report:
    """Time imports, and then the first picture, each in a fresh process."""
    times = 3 if quick else 7
    say("startup: imports")
    bare = [fresh("-c", "pass") for _ in range(times)]
    ours = [fresh("-c", "import meshrep") for _ in range(times)]
    dearest = imports()
    say("startup: the first picture, warm caches")
    with tempfile.TemporaryDirectory() as scratch:
        plain = loaded(scratch)  # this run fills cold caches
        warm = [front_door(scratch) for _ in range(1 if quick else 5)]
        say("startup: one solver alone")
        without = loaded(scratch, "--solver", "newton")
        cold = None
        if installed("numba") and not quick:
            say("startup: the first picture, cold caches")
            cold = front_door(scratch, NUMBA_CACHE_DIR=str(Path(scratch) / "cache"))
    data = {
        "python_s": float(np.median(bare)), "import_s": float(np.median(ours)),
        "imports_us": dearest, "warm_s": float(np.median(warm)), "cold_s": cold,
        "packages": plain, "packages_newton": without,
    }  # fmt: skip
    return page(data, times), data


def page(data: dict[str, Any], times: int) -> str:
    """Return the text of the section."""
    own = data["import_s"] - data["python_s"]
    rows = [
        ("`python -c pass`", data["python_s"]),
        ("`python -c 'import meshrep'`", data["import_s"]),
        (f"`python {' '.join(DOOR)}`, caches warm", data["warm_s"]),
        ("the same, numba's cache empty", data["cold_s"]),
    ]
    starts = [(what, "not run" if took is None else duration(took)) for what, took in rows]
    costs = [
        (f"`{name}`", duration(whole / 1e6), duration(alone / 1e6))
        for name, (whole, alone) in data["imports_us"].items()
    ]

    def words(found: list[str]) -> str:
        return ", ".join(name for name in HEAVY if name in found) or "none of them"

    return "\n\n".join([
        "## Start-up",
        f"Medians of {times} processes for imports, wall clock from start to exit; the front door "
        "reads the mesh, compares the default solvers and writes the pictures. "
        f"`import meshrep` itself costs {duration(own)}.",
        markdown(("a fresh process", "time"), starts),
        "The slowest imports of `import meshrep` (`-X importtime`):",
        markdown(("import", "with what it imports", "alone"), costs),
        f"Of {', '.join(HEAVY)}, the front door imports: {words(data['packages'])}. With "
        f"`--solver newton`: {words(data['packages_newton'])}.",
    ])  # fmt: skip


def fresh(*arguments: str, **environment: str) -> float:
    """Return the seconds of a new Python from start to exit.

    Raises
    ------
    MeshrepError
        If it fails or takes too long.
    """
    begun = time.perf_counter()
    finished(arguments, environment)
    return time.perf_counter() - begun


def finished(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a new Python in the checkout to its end."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    try:
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True,
            timeout=PATIENCE, env=os.environ | {"PYTHONPATH": paths} | environment,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise MeshrepError(f"python {' '.join(arguments)} failed: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise MeshrepError(f"python {' '.join(arguments)} took over {PATIENCE:g} s") from error


def imports() -> dict[str, tuple[int, int]]:
    """Return {module: (µs with what it imports, µs alone)} of the slowest imports."""
    bare, found = import_times("pass"), import_times("import meshrep")
    added = [name for name in found if name not in bare]
    return {name: found[name] for name in sorted(added, key=lambda name: -found[name][1])[:DEAREST]}


def import_times(code: str) -> dict[str, tuple[int, int]]:
    """Return the same for every module that a line of code imports."""
    told = finished(("-X", "importtime", "-c", code), {}).stderr
    rows = re.finditer(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)", told)
    return {row[3]: (int(row[2]), int(row[1])) for row in rows}


def front_door(scratch: str, **environment: str) -> float:
    """Return the seconds of the front door from start to exit."""
    return fresh(*DOOR, "--out", scratch, **environment)


def loaded(scratch: str, *more: str) -> list[str]:
    """Return the heavy packages that a run of the front door has imported at its end."""
    told = finished(("-c", _PROBE, *DOOR, "--out", scratch, *more), {}).stdout
    words = next(line for line in told.splitlines() if line.startswith("HEAVY"))
    return [name for name in words.split()[1:] if name in HEAVY]
