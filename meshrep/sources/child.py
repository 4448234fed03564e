"""Reading by libraries that may crash, exit, print or eat memory: done in a child process.

:func:`read_apart` runs in the parent, :func:`main` in the child. Arrays come back through an .npz
in a folder of its own; pickles are never read.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from meshrep.base.interrupts import removed_at_end
from meshrep.base.names import encodable
from meshrep.errors import InputError, MissingPart
from meshrep.sources.confined import confine
from meshrep.sources.normalise import Raw
from meshrep.sources.room import IF_SOUND, refuse_beyond_file, room_for, trusted
from meshrep.sources.wording import one_line

TIME_LIMIT = 300.0  # seconds, for files of ordinary size; a second more for each megabyte
_PREFIX = "meshrep-"  # of the folders that hold what a child gives back
# Seconds of the processor, so that a busy machine changes nothing.
_LEAST_WORK, _WORK_PER_MEGABYTE = 6.0, 3.0
# The part of a file's memory for the data of the child; code takes some as well. trimesh keeps a
# tree of the whole XML.
_SHARE = {"trimesh": 1.0}
_WHERE = "import json, os, sys; sys.path[:] = json.loads(sys.argv[1]); "
# The memory that the threads of libraries reserve grows with the cores.
_WHERE += "".join(
    f"os.environ['{name}'] = '1'; "
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "VTK_SMP_MAX_THREADS")
)
_RUN = "from meshrep.sources.child import main; main(*sys.argv[3:], sys.argv[2])"
# The extra of meshrep that installs a library. A library in no extra is named by itself.
_EXTRA = {
    "vtkmodules": "viz", "pyvista": "viz", "trimesh": "geometry", "meshio": "geometry",
    "networkx": "geometry", "lxml": "geometry",
}  # fmt: skip

# Packages whose name for pip is not that of the module.
_PIP = {"collada": "pycollada"}


def read_apart(path: Path, shown: str, library: str, size: int) -> Raw:
    """The mesh in a file, read by "vtk", "pyvista", "trimesh" or "meshio" in a child process.

    Raises as :func:`arrays_apart` does.
    """
    from meshrep.sources.memory import raw_of

    return raw_of(shown, arrays_apart(path, shown, library, size))


def arrays_apart(path: Path, shown: str, library: str, size: int) -> dict[str, np.ndarray]:
    """The arrays that a library reads from a file in a child process.

    ``size`` are the bytes of the file, and of those that it names, for which the process is given
    memory and time.

    Raises
    ------
    MissingPart
        Where the library, or one that it needs for this format, is not installed.
    InputError
        Where it fails, crashes, or takes too much memory or time.
    """
    if library == "pyvista" and encodable(path) != str(path):
        raise InputError(
            f"{shown}: PyVista cannot open a path that is not UTF-8: rename the file or its folder"
        )
    room = int(_SHARE.get(library, 0.6) * room_for(size))
    limit = TIME_LIMIT + size / 1e6
    work = limit if trusted() else max(_LEAST_WORK, _WORK_PER_MEGABYTE * size / 1e6)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder, removed_at_end(folder):
        out = os.path.join(folder, "arrays.npz")
        python_path = json.dumps([entry or os.getcwd() for entry in sys.path])
        command = [sys.executable, "-c", _WHERE + _RUN, python_path, str(work)]
        command += [library, str(path.absolute()), out, str(room)]
        stdin, held = os.pipe()  # nothing is written: the child sees its end when this process ends
        try:
            done = subprocess.run(
                command,
                stdin=stdin,
                capture_output=True,
                timeout=limit,
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"{shown}: {library} was still reading it after {limit:.0f} s: "
                "the file is probably damaged"
            ) from None
        finally:
            os.close(stdin)
            os.close(held)
        heard = done.stderr.decode("utf-8", "replace")
        report = _report(done.stdout.decode("utf-8", "replace"))
        if done.returncode != 0 or report is None or not os.path.exists(out):
            raise _failure(shown, str(path.absolute()), library, done.returncode, report, heard)
        if library in ("vtk", "pyvista") and (complaint := _complaint(heard)):
            raise InputError(f"{shown}: VTK cannot read it whole ({complaint}): is it complete?")
        refuse_beyond_file(shown, os.path.getsize(out), size)
        with np.load(out, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}


def _report(stdout: str) -> dict | None:
    """The child's last line, if it got as far as writing one."""
    for line in reversed(stdout.splitlines()):
        if line.startswith('{"meshrep":'):
            return json.loads(line)["meshrep"]
    return None


def _failure(
    shown: str, path: str, library: str, code: int, report: dict | None, heard: str
) -> InputError:
    """One sentence for whatever ended the child."""
    if report is not None and "missing" in report:
        needed = report["missing"].split(".")[0]
        if needed in _EXTRA:
            return MissingPart(needed, f"read {shown}", _EXTRA[needed])
        return InputError(
            f"{shown}: {library} needs {needed} to read it, which is not installed: "
            f"pip install {_PIP.get(needed, needed)}"
        )
    if report is not None and "memory" in report:
        return InputError(
            f"{shown}: {library} needs more memory to read it than a file of its size is given: it "
            f"is probably damaged; {IF_SOUND}"
        )
    if report is not None and "error" in report:
        told = report["error"] or one_line(heard.replace(path, "it")) or "it does not say why"
        return InputError(
            f"{shown}: {library} cannot read it ({told}): "
            "check that the file is complete and that its ending names its format"
        )
    if code < 0:
        try:
            why = signal.Signals(-code).name
        except ValueError:
            why = f"signal {-code}"
        if why == "SIGXCPU":
            return InputError(
                f"{shown}: {library} needs longer to read it than a file of its size is given: it "
                f"is probably damaged; {IF_SOUND}, and {TIME_LIMIT:.0f} s"
            )
        return InputError(
            f"{shown}: {library} crashed while reading it ({why}): "
            "the file is damaged, or needs more memory than a file of its size is given; "
            f"{IF_SOUND}"
        )
    told = _complaint(heard) or one_line(heard.strip().rpartition("\n")[2]) or f"exit {code}"
    return InputError(f"{shown}: {library} gave up on it ({told}): check that it is complete")


def _complaint(heard: str) -> str:
    """The first error in VTK's log, without its clock and addresses; "" if there is none.

    The legacy reader calls data that end too early a warning: it is an error all the same.
    """
    for line in heard.splitlines():
        _, level, said = line.partition("ERR|")
        if not level and "rror reading" in line:
            _, level, said = line.partition("WARN|")
        if level:
            return one_line(said.partition("): ")[2] or said) or "an error of VTK"
    return ""


# ---------------------------------------------------------------------------------------------
# In the child


def main(library: str, path: str, out: str, room: str, work: str = str(_LEAST_WORK)) -> None:
    """Read ``path`` and write its arrays to ``out``; report by one line of JSON on stdout.

    ``room`` are the bytes that it may allocate, ``work`` the seconds that it may compute.
    """
    _end_with_parent(Path(out).parent)
    _limit_memory(int(room))
    _limit("RLIMIT_CPU", math.ceil(time.process_time() + float(work)))
    confine(Path(path), Path(out).parent)
    stdout = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no report
    report: dict[str, Any] = {"ok": True}
    code = 0
    try:
        arrays = _READERS[library](path)
        np.savez(out, allow_pickle=False, **arrays)
    except ModuleNotFoundError as error:
        report, code = {"missing": error.name or str(error)}, 3
    except MemoryError:
        report, code = {"memory": True}, 3
    except BaseException as error:  # SystemExit too: meshio calls sys.exit on a bad file
        said = f"{type(error).__name__}: {error}"
        wanted = _missing_in(said)
        report = {"missing": wanted} if wanted else {"error": one_line(said)}
        if isinstance(error, SystemExit):
            report = {"error": ""}  # what it printed before says more
        code = 3
    os.write(stdout, (json.dumps({"meshrep": report}) + "\n").encode())
    sys.stderr.flush()
    os._exit(code)  # VTK may still crash while it is torn down


def _end_with_parent(folder: Path) -> None:
    """End this process when the parent, which holds standard input open, has ended."""

    def wait() -> None:
        os.read(0, 1)
        if folder.name.startswith(_PREFIX):  # if the parent was killed, nobody else removes it
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def _limit_memory(room: int) -> None:
    """Let this process allocate so many bytes.

    RLIMIT_AS would also count the code of the libraries and what their threads only reserve.
    """
    _limit("RLIMIT_DATA", room)
    _limit("RLIMIT_CORE", 0)


def _limit(name: str, value: int) -> None:
    try:
        import resource

        limit = getattr(resource, name)
        most = resource.getrlimit(limit)[1]
        if most != resource.RLIM_INFINITY:
            value = min(value, most)
        resource.setrlimit(limit, (value, most))
    except (ImportError, ValueError, OSError):  # not on Windows
        return


def _missing_in(said: str) -> str | None:
    """The package that a library's own message about a missing one names."""
    for package in ("h5py", "netCDF4", "lxml", "networkx", "collada", "DracoPy"):
        if package in said and ("install" in said or "No module" in said or "import" in said):
            return package
    return None


def _by_vtk(path: str) -> dict[str, np.ndarray]:
    from meshrep.sources.formats.vtk_arrays import arrays_of

    reader: Any
    if path.lower().endswith(".vtk"):
        from vtkmodules.vtkIOLegacy import vtkGenericDataObjectReader

        reader = vtkGenericDataObjectReader()
    elif path.lower().endswith((".xdmf", ".xmf")):
        from vtkmodules.vtkIOXdmf2 import vtkXdmfReader

        reader = vtkXdmfReader()
    else:
        from vtkmodules.vtkIOXML import vtkXMLGenericDataObjectReader

        reader = vtkXMLGenericDataObjectReader()
    reader.SetFileName(os.fsencode(path))  # VTK takes bytes where a path is not UTF-8
    reader.Update()
    return arrays_of(reader.GetOutputDataObject(0))


def _by_pyvista(path: str) -> dict[str, np.ndarray]:
    import pyvista

    from meshrep.sources.formats.vtk_arrays import arrays_of

    return arrays_of(pyvista.read(path))


def _by_trimesh(path: str) -> dict[str, np.ndarray]:
    import trimesh

    from meshrep.sources.memory import arrays_of_scene

    return arrays_of_scene(trimesh.load_scene(path, process=False))


def _by_meshio(path: str) -> dict[str, np.ndarray]:
    import meshio

    from meshrep.sources.memory import arrays_of_meshio

    if path.lower().endswith(".msh"):
        path = _without_cell_data(path)
    return arrays_of_meshio(meshio.read(path))


def _without_cell_data(path: str) -> str:
    """A copy of a Gmsh file without data of cells, which meshio refuses if some cells have none."""
    with open(path, "rb") as file:
        data = file.read()
    if b"$ElementData" not in data:
        return path
    with open("without_cell_data.msh", "wb") as copy:  # in the parent's temporary folder
        copy.write(re.sub(rb"\$ElementData\b.*?\$EndElementData\b", b"", data, flags=re.S))
    return copy.name


def _by_scipy(path: str) -> dict[str, np.ndarray]:
    from scipy import io, sparse

    matrix = sparse.coo_array(io.mmread(path))
    row, column = matrix.coords
    return {"row": row, "column": column, "data": matrix.data, "shape": np.array(matrix.shape)}


_READERS = {
    "vtk": _by_vtk, "pyvista": _by_pyvista, "trimesh": _by_trimesh, "meshio": _by_meshio,
    "scipy": _by_scipy,
}  # fmt: skip
