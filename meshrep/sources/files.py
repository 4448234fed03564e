"""Any mesh, cloud or network file as a graph, its repairs reported."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from meshrep.base.names import shown
from meshrep.base.settings import both_spellings
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources import networks
from meshrep.sources.child import read_apart
from meshrep.sources.formats import tables
from meshrep.sources.formats.abaqus import read_abaqus
from meshrep.sources.formats.avs import is_avs, read_avs
from meshrep.sources.formats.dxf import read_dxf
from meshrep.sources.formats.gaps import look_before_reading, size_of
from meshrep.sources.formats.gltf import read_gltf
from meshrep.sources.formats.nastran import read_nastran
from meshrep.sources.formats.off import read_off
from meshrep.sources.formats.ply import read_ply
from meshrep.sources.formats.stl import read_stl
from meshrep.sources.formats.wavefront import read_obj
from meshrep.sources.normalise import Raw, graph_of
from meshrep.sources.references import files_named_by
from meshrep.sources.room import available_memory, most_points, refuse_many_points
from meshrep.sources.wording import counted


def _read_inp(path: str, data: bytes, folder: Path) -> Raw:
    return read_avs(path, data) if is_avs(data) else read_abaqus(path, data, folder)


# Formats that are read here, from the file's bytes.
_OWN: dict[str, Callable[[str, bytes], Raw]] = {
    ".ply": read_ply,
    ".obj": read_obj,
    ".off": read_off,
    ".stl": read_stl,
    ".avs": read_avs,
    ".dxf": read_dxf,
}
# Those that may name other files in their folder.
_OWN_IN_FOLDER: dict[str, Callable[[str, bytes, Path], Raw]] = {
    ".inp": _read_inp,
    ".gltf": read_gltf,
    ".glb": read_gltf,
    ".bdf": read_nastran,
    ".nas": read_nastran,
    ".fem": read_nastran,
}
# Formats that a library reads, in a child process.
_READ_BY = {
    "vtk": ".vtk .vtp .vtu .vtr .vts .vti .pvtu .pvtp .pvti .pvts .pvtr .vtm .xdmf .xmf",
    "pyvista": ".pvd .vtkhdf .e .exo .ex2 .exii .cgns .case .neu .facet",
    "trimesh": ".3mf .dae",
    "meshio": ".msh .med .mesh .meshb .su2 .ugrid .vol "
    ".f3grid .mdpa .dat .tec .xml .ele .node .wkt .h5m .hmf",
}
_APART = {ending: library for library, all_of in _READ_BY.items() for ending in all_of.split()}
READ = tuple(sorted([*_OWN, *_OWN_IN_FOLDER, *_APART, *tables.ENDINGS, *networks.ENDINGS]))


@both_spellings
def load(
    path: str | os.PathLike[str],
    *,
    neighbours: int | None = None,
    radius: float | None = None,
    merge: bool = True,
    directed: bool = False,
) -> Graph:
    """The graph of a mesh, a cloud of points or a network in a file.

    Surfaces and volumes become the graph of their cells' edges, of weight 1; points without
    cells are joined by nearness; networks keep their weights.

    Parameters
    ----------
    path : path
        A file here, or the bare name of one in the repository's ``assets``. Its ending names
        its format; ``meshrep.sources.files.READ`` lists those that are read.
    neighbours : int, optional
        Join each point to that many nearest ones (8 for a cloud unless told), cells set aside.
    radius : float, optional
        Join all points within that distance instead, in the file's unit of length.
    merge : bool
        Whether points at exactly the same position become one node (texture seams).
    directed : bool
        Whether u acts on v along an edge (u, v) of a table of edges, and not v on u. Formats of
        networks say so themselves.

    Returns
    -------
    Graph
        ``graph.origin`` holds the file's points and cells in the file's numbering and the map to
        nodes; ``graph.repairs`` says in sentences what was changed.

    Raises
    ------
    InputError
        In one sentence: the file is missing, damaged, empty, or of no known format.
    MissingPart
        Where the library that reads this format is not installed.
    """
    file, _ = resolve(path)
    name = shown(path)
    _check_file(file, name)
    ending = _ending(file)
    size = file.stat().st_size
    if ending in networks.ENDINGS or ending in tables.ENDINGS:
        as_points = neighbours is not None or radius is not None
        found = _other(file, name, ending, as_points, directed)
        if isinstance(found, Graph):
            if as_points:
                raise InputError(f"{name}: a network has its own edges: drop neighbours and radius")
            return found
        raw = found
    elif ending in _OWN:
        raw = _OWN[ending](name, file.read_bytes())
    elif ending in _OWN_IN_FOLDER:
        raw = _OWN_IN_FOLDER[ending](name, file.read_bytes(), file.parent)
    elif ending in _APART:
        size = size_of(file, files_named_by(file, name), name)
        remarks = look_before_reading(file, name)
        raw = replace(read_apart(file, name, _APART[ending], size), remarks=remarks)
    else:
        raise InputError(
            f"{name}: files ending in '{ending}' are not read: the endings known are "
            f"{' '.join(READ)}"
        )
    if directed:
        raise InputError(f"{name}: it is no table of edges, which directed is for: leave it out")
    if not raw.points.size and not len(raw.cells):
        raise InputError(f"{name}: it holds no points and no faces: check that it is complete")
    refuse_many_points(name, len(np.atleast_1d(raw.points)), most_points(size))
    return graph_of(raw, name=file.stem, merge=merge, neighbours=neighbours, radius=radius)


def resolve(name: str | os.PathLike[str]) -> tuple[Path, bool]:
    """Where a file is: as named, or in the repository's ``assets`` for a bare name not found here.

    Returns
    -------
    path : Path
        The file; not looked into.
    in_assets : bool
        Whether it was found among the assets.

    Raises
    ------
    InputError
        Where there is no such file.
    """
    text = os.fspath(name)
    if not text or "\0" in text:
        raise InputError(f"'{shown(text)}' is no file name")
    path = Path(os.path.expanduser(text))
    try:
        if os.path.lexists(path):
            return path, False
        if path.name == text:
            assets = Path(__file__).parents[2] / "assets"
            for candidate in (assets / text, *sorted(assets.glob(f"{_escaped(text)}.*"))):
                if candidate.is_file() and (candidate.name == text or _ending(candidate) in READ):
                    return candidate, True
    except OSError as error:
        raise InputError(f"{shown(text)[:80]}: {error.strerror}") from None
    raise InputError(f"{shown(text)}: there is no such file here: check its name and folder")


def _escaped(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def _ending(path: Path) -> str:
    return path.suffix.lower()


def _check_file(path: Path, name: str) -> None:
    """Refuse what is no readable regular file, or is empty, or larger than memory."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}: check its name and folder") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name}: it is a folder: name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name}: it is no regular file but a pipe or a device: name a file")
    if not status.st_size:
        raise InputError(f"{name}: it is empty (0 bytes): write or copy it again")
    if status.st_size > available_memory() / 4:
        raise InputError(
            f"{name}: {counted(status.st_size, 'byte')} are too many for the memory that is free"
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{name}: reading it is not permitted: change its permissions")


def _other(path: Path, name: str, ending: str, as_points: bool, directed: bool) -> Graph | Raw:
    """What a table or a network file holds: a graph, or points to be joined."""
    if ending in networks.ENDINGS:
        if directed:
            raise InputError(f"{name}: its format says which way edges run: leave directed out")
        return networks.read(path, name)
    table = tables.read(path, name, as_points=as_points)
    if isinstance(table, Raw):
        return table
    return networks.from_table(table, name=path.stem, path=name, directed=directed)
