"""A problem of conduction in a small file: TOML, read and checked key by key.

This file imports no array library, so that the command line can read a problem at its start.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshrep.base.names import shown
from meshrep.energies.conduction.toml_tables import Table, kind_in_toml
from meshrep.errors import InputError

if TYPE_CHECKING:
    from meshrep.energies.conduction.energy import Conduction
    from meshrep.graphs.graph import GraphLike

EXAMPLE = """\
units = "mm"                      # of the mesh's coordinates; everything else is in SI units
temperatures = "°C"               # or "K", of all temperatures
regions = "MaterialIds"           # the array of cells that tells the materials apart
# start = 20.0                    # where a transient starts, everywhere; or "start.npy"

[materials.steel]
region = 1                        # its value in that array, or several: [1, 3]; or the name of a
                                  # group of cells, such as a physical group of Gmsh
k = 50.0                          # W/(m K); or a matrix [[50, 0, 0], [0, 50, 0], [0, 0, 9]]
rho = 7850.0                      # kg/m³, and
c = 460.0                         # J/(kg K); or capacity = 3.6e6, their product

[materials.rubber]
region = 2
k = 0.3
capacity = 2.1e6
source = 2e5                      # W/m³ that it makes

[[fixed]]
where = "z < zmin + 0.001"        # in the mesh's coordinates; also arrays: "MaterialIds == 2"
temperature = 80.0

[[convection]]
where = "(nx > 0.9) & (z > 20)"   # nx, ny, nz: the outward normal of a face
h = 25.0                          # W/(m² K)
air = 20.0

[[convection]]
where = "(hypot(y - 30, z - 26) < 11.1) & (x <= 10)"
h = 200.0
air = 15.0

[[flux]]
where = "y < ymin + 0.001"
q = 1500.0                        # W/m², into the part

[[radiation]]
where = "nz > 0.9"
emissivity = 0.8
surroundings = 20.0

# [transient]                     # follow it in time instead of the steady state
# time = 600.0                    # s
# method = "backward-euler"       # by default bdf, which chooses its steps
# step = 5.0                      # s
# frames = 60
# probes = [[75, 30, 10], [5, 30, 38]]  # points whose temperature is written and drawn
#
# [output]
# folder = "out/bracket"
# film = "bracket.gif"
"""

_MATERIAL = ("region", "k", "rho", "c", "capacity", "source", "thickness", "area")
_CONDITIONS = {  # the keys of each condition beside "where", in the order of the library's tuples
    "fixed": ("temperature",),
    "convection": ("h", "air"),
    "flux": ("q",),
    "radiation": ("emissivity", "surroundings"),
    "sides": ("h", "air"),
}
# Keys of [transient] and [output], and the options of the command line that they are.
_TRANSIENT = {
    "time": "transient", "method": "method", "step": "dt", "frames": "frames", "probes": "probe",
}  # fmt: skip
_OUTPUT = {"folder": "out", "film": "film", "pictures": "no_pictures"}
_PLAIN = ("source", "thickness", "area", "perimeter")
_KEYS = (
    "units", "temperatures", "regions", "materials", *_CONDITIONS, *_PLAIN, "start", "transient",
    "output",
)  # fmt: skip
_DEGREES = {"°C": False, "C": False, "K": True}


@dataclass(frozen=True)
class Statement:
    """What a file says.

    Attributes
    ----------
    path : Path
    keywords : mapping
        The keywords of :class:`meshrep.Conduction`.
    options : mapping of str to str
        Options of the command line by name, as they would be typed: start, transient, output.
    """

    path: Path
    keywords: Mapping[str, Any]
    options: Mapping[str, Any]


def read_statement(path: str | os.PathLike[str]) -> Statement:
    """Read a problem of conduction from a .toml file.

    Raises
    ------
    InputError
        In one sentence with the file's name and the path of the key: the file cannot be read, a key
        is unknown or missing, or a value has the wrong type.
    """
    path, name = Path(path), shown(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file of a problem") from None
    except OSError as error:
        raise InputError(f"{name}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: it is no text in UTF-8, and so no TOML file") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: it is no TOML file: {' '.join(str(error).split())}") from None
    top = Table(name, "", content, _KEYS)
    degrees = top.text("temperatures") if "temperatures" in top else "°C"
    if degrees not in _DEGREES:
        raise top.error("temperatures", f'must be "°C" or "K", not "{degrees}"')
    units = top.content.get("units", "m")
    keywords = {
        "units": units if isinstance(units, str) else top.number("units"),
        "kelvin": _DEGREES[degrees],
        **_properties(top),
        **_conditions(top),
    }
    return Statement(path, keywords, _options(top, path.parent))


def problem_file(source: str, given: str = "") -> Path:
    """The .toml file of a problem: the given one, or that of the mesh's name beside the mesh.

    Raises
    ------
    InputError
        Where there is none.
    """
    from meshrep.sources.files import resolve

    if given:
        if Path(given).suffix.lower() != ".toml":
            raise InputError(
                f"{shown(given)}: a problem of conduction is a .toml file (meshrep --help conduct "
                "shows one)"
            )
        return resolve(given)[0]
    if not source:
        raise InputError("conduction needs the file of a problem, as in --conduct part.toml")
    beside = resolve(source)[0].with_suffix(".toml")
    if not beside.is_file():
        raise InputError(
            f"{shown(source)}: there is no {shown(beside.name)} beside it that says what it is "
            "made of and what acts on it: write one (meshrep --help conduct shows an example), or "
            "name one as in --conduct FILE"
        )
    return beside


def conduction_from(path: str | os.PathLike[str], mesh: GraphLike) -> Conduction:
    """The energy of conduction on a mesh that a .toml file states.

    Parameters
    ----------
    path : path
        As ``meshrep --help conduct`` shows one.
    mesh : Graph or what ``Graph.of`` takes

    Raises
    ------
    InputError
        As :class:`meshrep.Conduction`, and for a file that cannot be used; it begins with the
        file's name.
    """
    from meshrep.energies.conduction.energy import Conduction

    statement = read_statement(path)
    given = dict(statement.keywords)
    try:
        return Conduction(mesh, given.pop("conductivity"), **given)
    except InputError as error:
        if isinstance(error, ImportError):
            raise
        raise InputError(f"{shown(path)}: {error}") from None


def _properties(top: Table) -> dict[str, Any]:
    """Materials by region, or of the one that there is, as keywords."""
    materials = top.table("materials")
    if not materials.content:
        raise top.error("materials", "holds no material: write [materials.NAME]")
    found: dict[str, dict[Any, Any]] = {}
    for name in materials.content:
        one = materials.table(name, _MATERIAL)
        values = {"conductivity": _conductivity(one)}
        values |= {
            key: one.amount(key, in_time=False) for key in ("thickness", "area") if key in one
        }
        if "source" in one:
            values["source"] = one.amount("source")
        if (capacity := _capacity(one)) is not None:
            values["capacity"] = capacity
        for region in _regions(one, len(materials.content) > 1):
            for key, value in values.items():
                if region in found.setdefault(key, {}):
                    raise one.error("region", f"names {region}, which another material has too")
                found[key][region] = value
    regions = found["conductivity"]
    named = [region for region in regions if isinstance(region, str)]
    if named and len(named) < len(regions):
        raise top.error("materials", "have regions by name and by number: choose one of them")
    keywords: dict[str, Any] = {}
    for key, table in found.items():
        if None in table:
            keywords[key] = table[None]
            continue
        if len(table) < len(found["conductivity"]) and key != "source":
            raise top.error("materials", f"have {key} for some regions only: give it for each")
        if named:
            keywords[key] = table
            continue
        if "regions" not in top:
            raise InputError(
                f"{top.file}: it lacks regions, the array of cells that the regions of materials "
                "are values of"
            )
        keywords[key] = {top.text("regions"): table}
    if "regions" in top and None in regions:
        raise top.error("regions", "is of no use: the one material has no region")
    if "regions" in top and named:
        raise top.error("regions", "is of no use: the materials have regions by name")
    for key in _PLAIN:
        if key in top and key in keywords:
            raise top.error(key, "is given here and in a material: choose one")
        if key in top:
            keywords[key] = top.amount(key, arrays=key != "perimeter", in_time=key == "source")
    return keywords


def _conductivity(one: Table) -> Any:
    value = one.need("k")
    if isinstance(value, list):
        square = len(value) == 3 and all(isinstance(row, list) and len(row) == 3 for row in value)
        numbers = [x for row in value for x in row] if square else []
        if not square or any(
            isinstance(x, bool) or not isinstance(x, int | float) for x in numbers
        ):
            raise one.error("k", "must be a number or a matrix of 3 rows of 3 numbers")
        return value
    if isinstance(value, str) and "region" not in one:
        return value  # the name of an array of cells
    return one.number("k")


def _capacity(one: Table) -> float | None:
    """ρc of a material; None where it has none."""
    parts = [key for key in ("rho", "c") if key in one]
    if "capacity" in one:
        if parts:
            raise one.error("capacity", f"is ρc, and {' and '.join(parts)} is given too: choose")
        return one.number("capacity")
    return one.number("rho") * one.number("c") if parts else None


def _regions(one: Table, several: bool) -> list[Any]:
    """The regions of a material; [None] for the only one, which needs none."""
    if "region" not in one and not several:
        return [None]
    value = one.need("region")
    regions = value if isinstance(value, list) else [value]
    for region in regions:
        if isinstance(region, bool) or not isinstance(region, int | float | str):
            raise one.error(
                "region", f"must be a number or a name, or a list of these, not "
                f"{kind_in_toml(region)}"
            )  # fmt: skip
    if not regions:
        raise one.error("region", "is empty")
    return regions


def _conditions(top: Table) -> dict[str, Any]:
    """The conditions, as the library takes them: (where, value …)."""
    found: dict[str, Any] = {}
    for kind, keys in _CONDITIONS.items():
        if kind not in top:
            continue
        if kind == "fixed" and isinstance(top.content[kind], str):
            found[kind] = top.text(kind)  # an array of points
            continue
        found[kind] = [
            (_where(one), *(one.amount(key) for key in keys))
            for one in top.tables(kind, ("where", *keys))
        ]
    return found


def _where(one: Table) -> str | list[int]:
    value = one.need("where")
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    return value if whole else one.text("where")


def _options(top: Table, folder: Path) -> dict[str, Any]:
    """Start, transient and output as options of the command line."""
    found: dict[str, Any] = {}
    if "start" in top:
        start = top.content["start"]
        if isinstance(start, str):
            is_file = start.endswith(".npy") and not Path(start).is_absolute()
            found["start"] = os.fspath(folder / start) if is_file else start
        else:
            found["start"] = repr(top.number("start"))
    if "transient" in top:
        table = top.table("transient", _TRANSIENT)
        table.number("time")
        for key, option in _TRANSIENT.items():
            if key in table:
                if key == "probes":
                    found[option] = _points(table)
                else:
                    value = table.text(key) if key == "method" else table.number(key)
                    found[option] = value if isinstance(value, str) else repr(value)
    if "output" in top:
        table = top.table("output", _OUTPUT)
        found |= {_OUTPUT[key]: table.text(key) for key in ("folder", "film") if key in table}
        if "pictures" in table:
            if not isinstance(table.content["pictures"], bool):
                raise table.error("pictures", "must be true or false")
            if not table.content["pictures"]:
                found["no_pictures"] = True
    return found


def _points(table: Table) -> str:
    """The probes, as they are typed."""
    points = table.need("probes")
    numbers = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 3 and all(type(x) in (int, float) for x in point)
        for point in points
    )
    if not points or not numbers:
        raise table.error("probes", "must be points of three numbers, as in [[0, 0, 0], [1, 2, 3]]")
    return ";".join(",".join(map(repr, point)) for point in points)
