"""What libraries pass over without a word, looked for before they read a file."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from meshrep.errors import InputError
from meshrep.sources.formats.legacy_vtk import refuse_wrong_counts
from meshrep.sources.wording import counted

# The elements of Nastran that meshio reads.
_NASTRAN = (
    "CELAS1", "CBEAM", "CBUSH", "CBUSH1D", "CROD", "CGAP", "CBAR", "CTRIAR", "CTRIA3", "CTRAX6",
    "CTRIAX6", "CTRIA6", "CQUADR", "CSHEAR", "CQUAD4", "CQUAD8", "CQUAD9", "CTETRA", "CPYRA",
    "CPYRAM", "CPENTA", "CHEXA",
)  # fmt: skip
# Other cards that begin with a C and are no elements.
_NO_ELEMENTS = ("CORD", "CONM", "CONV", "CHBDY", "CSET", "CASE", "CEND", "CONTROL", "CAERO", "CRIT")
_TIMESTEP = re.compile(rb"""timestep\s*=\s*["']([^"']*)["']""", re.I)


def look_before_reading(file: Path, path: str) -> tuple[str, ...]:
    """Remarks on parts of a file that its library leaves out.

    Raises
    ------
    InputError
        Where what is left out would make the rest wrong.
    """
    ending = file.suffix.lower()
    if ending == ".vtk":
        refuse_wrong_counts(file.read_bytes(), path)
    elif ending == ".3mf":
        _refuse_parts_of_3mf(file, path)
    elif ending in (".dat", ".tec"):
        zones = len(re.findall(rb"^\s*ZONE\b", file.read_bytes(), re.I | re.M))
        _refuse_several(path, zones, "zone")
    elif ending == ".su2":
        told = re.search(rb"^\s*NZONE\s*=\s*(\d+)", file.read_bytes(), re.I | re.M)
        _refuse_several(path, int(told[1]) if told else 1, "zone")
    elif ending == ".pvd":
        times = len(set(_TIMESTEP.findall(file.read_bytes())))
        if times > 1:
            return (f"the first of {times:,} time steps read",)
    elif ending in (".bdf", ".nas", ".fem"):
        return _nastran(file.read_bytes().decode("latin-1"), path)
    return ()


def _refuse_several(path: str, count: int, what: str) -> None:
    if count > 1:
        raise InputError(f"{path}: it has {counted(count, what)}, and one is read: split the file")


def _refuse_parts_of_3mf(file: Path, path: str) -> None:
    """Objects in other members of the archive (3MF's production extension) are not followed."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open("3D/3dmodel.model") as model:
            head = model.read(1 << 24)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError):
        return  # trimesh says what is wrong
    if re.search(rb"""<component\b[^>]*\b\w+:path\s*=|<item\b[^>]*\b\w+:path\s*=""", head):
        raise InputError(
            f"{path}: its objects stand in other parts of the archive (3MF's production "
            "extension), which are not read: save it as one model"
        )


def _nastran(text: str, path: str) -> tuple[str, ...]:
    """Nodes in coordinates of their own and included files are refused, other elements told."""
    left: dict[str, int] = {}
    bulk = text.upper().partition("BEGIN BULK")[2] or text.upper()
    for line in bulk.split("\n"):
        fields = line.split(",")
        if len(fields) == 1:
            row = line.expandtabs(8)
            width = 16 if row[:8].rstrip().endswith("*") else 8
            fields = [row[:8], row[8 : 8 + width], row[8 + width : 8 + 2 * width]]
        name, label, system = [field.strip() for field in (*fields, "", "")[:3]]
        name = name.rstrip("*")
        if name.startswith("INCLUDE"):
            raise InputError(f"{path}: it includes other files, which are not read: join them")
        if name == "GRID" and system not in ("", "0"):
            raise InputError(
                f"{path}: its node {label} is given in coordinate system {system}, "
                "which is not read: write it in the basic system"
            )
        if (
            re.fullmatch(r"C[A-Z]{2,}\d*[A-Z]?\d*", name)
            and name not in _NASTRAN
            and not name.startswith(_NO_ELEMENTS)
        ):
            left[name] = left.get(name, 0) + 1
    if not left:
        return ()
    return ("not read: " + ", ".join(f"{count:,} {name}" for name, count in sorted(left.items())),)
