"""The command line as typed options, frozen once they are parsed and checked."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from meshrep.base.settings import Setting
from meshrep.cli import declared
from meshrep.cli.declared import flag
from meshrep.cli.parser import OneLineParser
from meshrep.energies.catalogue import known_energies
from meshrep.energies.declaration import NamedEnergy
from meshrep.errors import InputError, MissingPart
from meshrep.view.look import LOOK, PYVISTA, Look, look_of

FILMS = {".mp4": "imageio_ffmpeg", ".gif": "PIL", ".webp": "PIL", ".png": "PIL"}  # who writes them
SPELLINGS = {"maximise": "maximize", "minimise": "minimize", "optimiser": "optimizer"}


@dataclass(frozen=True)
class Source:
    """Where the graph comes from."""

    text: str
    neighbours: int | None
    radius: float | None
    seed: int
    weights: bool
    directed: bool


@dataclass(frozen=True)
class Posed:
    """The energy that is put on the graph, its options as given, the start, and remarks."""

    name: str
    options: Mapping[str, Any]
    start: str
    seed: int
    said: tuple[str, ...] = ()

    @property
    def declaration(self) -> NamedEnergy:
        """What is known of the energy by its name."""
        return known_energies()[self.name]


@dataclass(frozen=True)
class Solving:
    """Which solvers run, with which settings and limits.

    ``names`` is None where the energy decides; ``settings`` are texts by name; ``limits`` are
    keywords of :func:`meshrep.solve`.
    """

    names: tuple[str, ...] | None
    settings: Mapping[str, str]
    limits: Mapping[str, Any]
    reorder: bool
    diagnose: bool
    simplify: float | None


@dataclass(frozen=True)
class Flow:
    """An integration in time instead of a minimisation.

    ``settings`` are keywords of :func:`meshrep.integrate`, and ``probes`` are points of the mesh.
    """

    time: float
    settings: Mapping[str, Any]
    probes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Filming:
    """The film to be made: its file, frames per second, and degrees by which the eye goes round."""

    path: Path
    fps: float
    orbit: float


@dataclass(frozen=True)
class Output:
    """What is to be written and shown, and how pictures look."""

    folder: Path | None
    film: Filming | None
    look: Look
    show: bool
    pictures: bool
    quiet: bool


@dataclass(frozen=True)
class Options:
    """Everything that the command line says."""

    source: Source
    posed: Posed
    solving: Solving
    flow: Flow | None
    output: Output


def parser() -> OneLineParser:
    """The parser of all options; values stay texts, which their declarations read."""
    top = OneLineParser(prog="meshrep", add_help=False, allow_abbrev=False)
    top.add_argument("input", nargs="?")
    known = {setting.name: setting for setting in declared.ALL}
    for energy in known_energies().values():
        known |= {option.name: option for option in energy.options}
        if energy.argument is not None:
            top.add_argument(flag(energy.name), nargs="?", const="")
        elif energy.name != "heat":
            top.add_argument(flag(energy.name), action="store_const", const="")
    for name, setting in known.items():
        others = [word for word, ours in PYVISTA.items() if ours == name]
        names = [flag(word) for word in (name, SPELLINGS.get(name, name), *others)]
        names = list(dict.fromkeys(names))
        if setting.kind is bool:
            top.add_argument(*names, action="store_true")
        elif name == "set":
            top.add_argument(*names, action="append")
        elif name == "bath":
            top.add_argument(*names, nargs="?", const=setting.default)
        else:
            top.add_argument(*names)
    return top


def parse(words: Sequence[str] | None = None) -> Options:
    """The options of a command line, each read by its declaration.

    Raises
    ------
    InputError
        For an option that is not known, a value out of range, or options that exclude each other.
    """
    typed = {
        name: value
        for name, value in vars(parser().parse_args(words)).items()
        if value is not None and value is not False
    }
    if ("input" in typed) == ("graph" in typed):
        raise InputError(_one_input(typed))
    energy = _energy(typed)
    _refuse_foreign(energy, typed)
    typed, said = _with_implied(energy, typed)
    options = _options_of(energy, typed)
    given = {
        setting.name: _read(setting, typed[setting.name])
        for setting in declared.ALL
        if setting.name in typed and setting.name not in options and setting.name != "set"
    }
    _refuse(energy, typed)
    output = _output(given)
    return Options(
        Source(
            typed.get("input") or given["graph"], given.get("neighbours"), given.get("radius"),
            given.get("seed", 0), "no_weights" not in given, "directed" in given,
        ),
        Posed(
            energy.name, MappingProxyType(options), given.get("start", "random"),
            given.get("seed", 0), said,
        ),
        Solving(
            _names(given),
            MappingProxyType(_texts(typed.get("set", ()))),
            MappingProxyType(_some(given, declared.LIMITS)),
            "no_reorder" not in given,
            "diagnose" in given,
            given.get("simplify"),
        ),
        _flow(given),
        output,
    )  # fmt: skip


def _energy(typed: Mapping[str, Any]) -> NamedEnergy:
    """The energy that was chosen; heat unless another one was."""
    known = known_energies()
    asked = [energy for energy in known.values() if energy.name.replace("-", "_") in typed]
    if len(asked) > 1:
        raise InputError(f"choose one of {flag(asked[0].name)} and {flag(asked[1].name)}")
    return asked[0] if asked else known["heat"]


def _with_implied(
    energy: NamedEnergy, typed: dict[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What was typed, with what the energy's file says beside it, and a remark on what is left out.

    A solver that was typed asks for the steady state, so that the file's transient is left out.
    """
    if energy.implied is None:
        return typed, ()
    argument = typed[energy.name.replace("-", "_")]
    implied = dict(energy.implied(typed.get("input", ""), argument))
    minimising = next((s.name for s in declared.OF_MINIMISING if s.name in typed), None)
    said: tuple[str, ...] = ()
    if minimising is not None and "transient" in implied:
        for setting in declared.FLOW:
            implied.pop(setting.name, None)
        said = (f"{flag(minimising)} asks for the steady state: the file's transient is left out",)
    return implied | typed, said


def _options_of(energy: NamedEnergy, typed: Mapping[str, Any]) -> dict[str, Any]:
    """The energy's options that were typed, read and checked."""
    options = {
        option.name: _read(option, typed[option.name])
        for option in energy.options
        if option.name in typed
    }
    argument = energy.argument
    text = typed.get(energy.name.replace("-", "_"), "")
    if argument is not None and text:
        options[argument.name] = replace(argument, name=flag(energy.name)).read(text)
    energy.refuse_idle(options, flag)
    return options


def _read(setting: Setting, text: Any) -> Any:
    """A value by its declaration; errors name the option as it is typed."""
    return text if text is True else replace(setting, name=flag(setting.name)).read(text)


def _flow(given: Mapping[str, Any]) -> Flow | None:
    """The integration in time, if there is one."""
    if "transient" not in given:
        return None
    settings = _some(given, declared.FLOW[1:])
    probes = _points(settings.pop("probe", ""))
    return Flow(given["transient"], MappingProxyType(settings), probes)


def _points(text: str) -> tuple[tuple[float, ...], ...]:
    """The points of --probe."""
    try:
        points = [tuple(map(float, part.split(","))) for part in text.split(";") if part.strip()]
    except ValueError:
        points = [()]
    if not all(len(point) in (2, 3) and all(map(math.isfinite, point)) for point in points):
        raise InputError(f"--probe is x,y,z or several of them as in 0,0,0;1,2,0.5, not {text!r}")
    return tuple((*point, 0.0)[:3] for point in points)


def _some(given: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """Those of the settings that were given."""
    return {s.name: given[s.name] for s in settings if s.name in given}


def _one_input(typed: Mapping[str, Any]) -> str:
    """Why a command line has no input or two, and what was taken for something else."""
    general = "give one input: a file, or --graph SPEC (meshrep --help shows examples)"
    if "input" in typed:
        return general
    for name in ("bath", *known_energies()):
        value = typed.get(name, "")
        ending = Path(value).suffix
        if ending == ".toml":
            return f"name the mesh too, as in meshrep part.vtu {flag(name)} {value}"
        if ending[1:].isalpha():
            return (
                f"{value} was taken for the value of {flag(name)}: name the input first, as in "
                f"meshrep {value} {flag(name)}"
            )
    return general


def _refuse_foreign(energy: NamedEnergy, typed: Mapping[str, Any]) -> None:
    """Refuse options of other energies."""
    own = {option.name for option in energy.settings}
    for name in typed:
        owners = [e for e in known_energies().values() if name in {o.name for o in e.options}]
        if owners and name not in own:
            raise InputError(f"{flag(name)} {_elsewhere(owners, energy)}")


def _refuse(energy: NamedEnergy, typed: Mapping[str, Any]) -> None:
    """Refuse options that would do nothing beside the others."""
    if energy.topic != "heat" and "simplify" in typed:
        raise InputError(f"--simplify is for heat: drop it, or drop {flag(energy.name)}")
    if energy.topic == "topology":
        looks = (setting.name for setting in LOOK if setting.name not in ("arrows", "format"))
        for name in ("transient", "diagnose", "look", "orbit", *looks):
            if name in typed:
                raise InputError(
                    f"{flag(name)} is for heat and phases: drop it, or drop --topology"
                )
    if energy.topic != "phases" and "arrows" in typed:
        raise InputError(f"--arrows draws phases, and {energy.name} has none: drop it")
    if "transient" in typed:
        for setting in (*declared.OF_MINIMISING, *declared.FIELD[1:]):
            if setting.name in typed:
                raise InputError(
                    f"{flag(setting.name)} is for minimising, and --transient integrates instead: "
                    "drop one of them"
                )
        if "dt" in typed and typed.get("method", "rk4") not in declared.FIXED_METHODS:
            raise InputError(
                f"--dt is the step of {', '.join(declared.FIXED_METHODS)}, and {typed['method']} "
                "chooses its own: drop it"
            )
        return
    for setting in declared.FLOW[1:]:
        if setting.name in typed:
            raise InputError(f"{flag(setting.name)} needs --transient T")
    if "omega" in typed:
        raise InputError("--omega needs --transient T: such phases never come to rest")


def _elsewhere(owners: Sequence[NamedEnergy], energy: NamedEnergy) -> str:
    """Whose option it is that the energy does not have."""
    names = [owner.name for owner in owners]
    if "heat" in names:
        others = f" and {' and '.join(n for n in names if n != 'heat')}" if len(names) > 1 else ""
        return f"is for heat{others} and not for {flag(energy.name)}: choose one"
    return f"needs {' or '.join(flag(name) for name in names)}"


def _names(given: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The solvers that were named, in order; None where the energy decides."""
    words = [given.get(name, "").split(",") for name in ("solver", "compare", "optimiser")]
    solvers, compared, optimisers = ([w.strip() for w in part if w.strip()] for part in words)
    names = (*solvers, *compared, *(f"{name}-torch" for name in optimisers))
    if not names and any(name in given for name in ("solver", "compare", "optimiser")):
        raise InputError("no solver to compare: name at least one")
    return tuple(dict.fromkeys(names)) or None


def _texts(pairs: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE as a dictionary; a NAME alone stands for NAME=true."""
    texts = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name.strip():
            raise InputError(f"--set is NAME=VALUE as in --set degree=12, not {pair!r}")
        texts[name.strip().replace("-", "_")] = value
    return texts


def _output(given: Mapping[str, Any]) -> Output:
    folder, film = (_path_of(name, given) for name in ("out", "film"))
    if film is not None:
        _check_film(film)
    elif "fps" in given or "orbit" in given:
        raise InputError(f"--{'fps' if 'fps' in given else 'orbit'} needs --film FILE")
    file = _path_of("look", given)
    try:
        look = look_of(file, **_some(given, LOOK))
    except InputError as error:
        raise InputError(f"--{error}") from None
    return Output(
        folder,
        None if film is None else Filming(film, given.get("fps", 12.0), given.get("orbit", 0.0)),
        look,
        not ("no_show" in given or "quiet" in given),
        "no_pictures" not in given,
        "quiet" in given,
    )


def _path_of(name: str, given: Mapping[str, Any]) -> Path | None:
    """The path that an option gives; shells do not expand the ~ of --out=~/results."""
    if name not in given:
        return None
    if not given[name]:
        raise InputError(f"--{name} is empty: name a {'folder' if name == 'out' else 'file'}")
    return Path(os.path.expanduser(given[name]))


def _check_film(path: Path) -> None:
    """Refuse a film that could not be written, before the work that it would show."""
    suffix = path.suffix.lower()
    if suffix not in FILMS:
        raise InputError(f"--film {path}: films end in {', '.join(FILMS)}")
    if find_spec(FILMS[suffix]) is None:
        raise MissingPart(FILMS[suffix].replace("PIL", "pillow"), f"write {suffix} films", "viz")
