"""What must hold between the options of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from meshrep.errors import InputError, MissingPart

FILMS = {".mp4": "imageio_ffmpeg", ".gif": "PIL", ".webp": "PIL", ".png": "PIL"}  # who writes them

HEAT_ONLY = ("bath", "hot", "cold", "power", "share", "bath_kind", "t_hot", "t_cold", "strength",
             "laplacian", "unbathed")  # fmt: skip
TOPOLOGY_ONLY = ("maximise", "minimise", "range", "penalty", "pair_power", "top", "window",
                 "target", "filtration", "max_length", "subsample", "links")  # fmt: skip
OF_TOPOLOGY = (*TOPOLOGY_ONLY, "strength")
OF_ONE_SOLVER = ("lr", "layers", "hidden", "propagation", "network_start", "switch", "readout",
                 "sweeps", "steps", "rounds", "dimensions", "momentum", "decay",
                 "form", "bandwidth", "degree", "series", "depth", "smoothing",
                 "layout", "adaptive")  # fmt: skip
OF_SOLVERS = ("restarts", "max_seconds", "max_steps", "gtol", "device", "dtype", *OF_ONE_SOLVER)
OF_INTEGRATORS = ("frames", "method", "dt")
POSITIVE = ("transient", "dt", "frames", "max_seconds", "max_steps", "gtol", "lr", "decay",
            "bandwidth", "degree", "depth", "smoothing", "layers", "restarts", "sweeps",
            "steps", "rounds", "dimensions", "simplify", "range", "pair_power", "top",
            "max_length", "subsample")  # fmt: skip

# Where the first holds, the options after it would do nothing: they are refused, and told why.
IDLE: tuple[tuple[Callable[[argparse.Namespace], bool], tuple[str, ...], str], ...] = (
    (
        lambda o: o.physics not in ("heat", "topology"),
        ("strength",),
        "is for heat: the coupling of phases is --kuramoto K",
    ),
    (
        lambda o: o.physics != "heat",
        tuple(name for name in HEAT_ONLY if name != "strength"),
        "is for heat and not for --{physics}: choose one",
    ),
    (lambda o: o.physics != "heat", ("simplify",), "is for heat: drop --{physics}"),
    (lambda o: o.physics != "topology", TOPOLOGY_ONLY, "needs --topology"),
    (
        lambda o: o.physics == "topology",
        ("transient", "cmap", "diagnose"),
        "is for heat and phases: drop it, or drop --topology",
    ),
    (lambda o: o.physics in ("heat", "topology"), ("frequencies",), "needs an oscillator"),
    (
        lambda o: o.physics in ("heat", "topology"),
        ("arrows",),
        "draws phases, and {physics} has none: drop it",
    ),
    (
        lambda o: o.penalty == "none",
        ("range", "strength"),
        "is of a penalty, and there is none: drop one",
    ),
    (lambda o: o.penalty == "tether", ("range",), "is of box and ball: a tether has none"),
    (lambda o: o.physics != "hopf-kuramoto", ("s1", "s2", "c"), "needs --hopf-kuramoto"),
    (
        lambda o: o.hopf_kuramoto == "printed",
        ("c",),
        "is no part of the printed loss: drop it",
    ),
    (
        lambda o: bool(given(o, ("hot", "cold"))),
        ("bath", "share"),
        "is for baths that are not named: drop it, or drop --hot and --cold",
    ),
    (
        lambda o: o.bath_kind == "dirichlet",
        ("strength",),
        "is for soft baths, and dirichlet holds them exactly: drop it",
    ),
    (
        lambda o: o.transient is None,
        ("frequencies",),
        "needs --transient T: such phases never come to rest",
    ),
    (lambda o: o.transient is None, OF_INTEGRATORS, "needs --transient T"),
    (
        lambda o: o.transient is not None,
        ("solver", "compare", "optimiser", "simplify", "diagnose", "no_reorder", *OF_SOLVERS),
        "is for minimising, and --transient integrates instead: drop one of them",
    ),
    (
        lambda o: o.optimiser is None and "-torch" not in f"{o.solver},{o.compare}",
        ("layout",),
        "is of the optimisers of torch: name one by --optimiser",
    ),
    (
        lambda o: o.method not in (None, "rk4"),
        ("dt",),
        "is the step of rk4, and {method} chooses its own: drop it",
    ),
)


def given(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Those of the named options that stood on the command line, with their values."""
    values = {name: getattr(options, name) for name in names}
    return {name: v for name, v in values.items() if v is not None and v is not False}  # 0 is given


def physics(options: argparse.Namespace) -> str:
    """ "heat", or what else was asked for by name; InputError where two are."""
    asked = list(given(options, ("kuramoto", "xy_glass", "hopf_kuramoto", "topology")))
    if len(asked) > 1:
        raise InputError(f"choose one of {flag(asked[0])} and {flag(asked[1])}")
    return asked[0].replace("_", "-") if asked else "heat"


def check(options: argparse.Namespace) -> None:
    """What argparse cannot check."""
    if (options.input is None) == (options.graph is None):
        raise InputError("give one input: a file, or --graph SPEC (meshrep --help shows examples)")
    options.physics = physics(options)
    for holds, names, why in IDLE:
        idle = given(options, names) if holds(options) else {}
        if idle:
            raise InputError(f"{flag(next(iter(idle)))} {why.format(**vars(options))}")
    if options.physics == "heat" and not given(options, ("bath", "hot", "cold")):
        options.bath = "ends"
    if options.film is not None:
        _check_film(options.film)
    for name in POSITIVE:
        number = getattr(options, name)
        if number is not None and not 0 < number < float("inf"):
            raise InputError(f"{flag(name)} must be a positive number, not {number}")
    if options.momentum is not None and not 0 <= options.momentum < 1:
        raise InputError(f"--momentum must lie in [0, 1), not {options.momentum}")
    if options.simplify is not None and options.simplify >= 1:
        raise InputError(
            f"--simplify is a share of the field's range, below 1, not {options.simplify:g}"
        )
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    if options.switch not in (None, "auto"):
        if not options.switch.isdecimal() or int(options.switch) < 1:
            raise InputError(f"--switch is auto or a number of steps, not {options.switch!r}")
        options.switch = int(options.switch)


def _check_film(path: Path) -> None:
    """Refuse a film that could not be written, before the work that it would show."""
    suffix = path.suffix.lower()
    if suffix not in FILMS:
        raise InputError(f"--film {path}: films end in {', '.join(FILMS)}")
    if find_spec(FILMS[suffix]) is None:
        raise MissingPart(FILMS[suffix].replace("PIL", "pillow"), f"write {suffix} films", "viz")


def flag(name: str) -> str:
    """The option as it is typed."""
    return f"--{name.replace('_', '-')}"


def by_option(message: str, chosen: dict[str, Any]) -> str:
    """The message, begun with the option that it is about where its first words tell."""
    words = {"maximise": "there is no homology", "minimise": "there is no homology",
             "pair_power": "power", "range": "bound", "subsample": "a subsample",
             "filtration": "alpha has no"}  # fmt: skip
    for name, value in chosen.items():
        named = "homology" not in message or any(
            f"'{word.strip().lower().removeprefix('h')}'" in message
            for word in str(value).split(",")
        )
        if message.startswith(words.get(name, name)) and named:
            return f"{flag(name)} {value}: {message}"
    return message
