"""Losses on the persistent homology of a cloud, as the command line poses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshrep.base.settings import Setting
from meshrep.energies.declaration import Idle, NamedEnergy
from meshrep.errors import InputError

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.energies.topology import RipsPersistence
    from meshrep.graphs.graph import Graph

MANY_POINTS = 5000  # from which a diagram of all points takes a second or more


def build(graph: Graph, seed: int, **options: Any) -> tuple[Energy, list[str]]:
    """The loss on a cloud's persistence, and what was built.

    Boxes and balls are centred at the origin for generated clouds, and at the middle of the points
    for clouds that were read.
    """
    import numpy as np

    from meshrep.energies.dimensions import dimensions
    from meshrep.energies.topology import RipsPersistence
    from meshrep.sources.values import diagram

    settings = dict(options)
    for name in ("maximise", "minimise"):
        if name in settings:
            _check_dimensions(f"--{name}", settings[name])
    if "window" in settings:
        settings["window"] = _window(settings["window"])
    target = settings.pop("target", None)
    if target is not None:
        if "maximise" in settings and "minimise" in settings:
            raise InputError("--target is for one dimension: drop --maximise or --minimise")
        asked = settings.pop("maximise", None) or settings.pop("minimise", None) or "h1"
        settings["targets"] = {k: diagram(target, "--target") for k in dimensions(asked)}
    if graph.origin is None and settings.get("penalty") in (None, "box", "ball"):
        settings["centre"] = 0.0
    if graph.points is not None and not np.ptp(graph.points, axis=0).any():
        raise InputError(f"{graph.name}: all points are in one place, and have no topology to move")
    energy = RipsPersistence(graph, seed=seed, **settings)
    said = [f"topology: {_aims(energy)}{_kept(energy)}"]
    drawn = f", {energy.subsample} of them drawn for every step" if energy.subsample else ""
    said.append(
        f"  {energy.filtration} filtration of {graph.n:,} points in {energy.shape[1]} "
        f"dimensions{drawn}"
    )
    if graph.n > MANY_POINTS and not energy.subsample:
        said.append("  every step takes all points: --subsample 300 --solver kernel is quicker")
    return energy, said


def _check_dimensions(option: str, text: str) -> None:
    """Raise InputError, whose message begins with the option, for a wrong dimension."""
    from meshrep.energies.dimensions import dimensions

    try:
        dimensions(text)
    except InputError as error:
        raise InputError(f"{option} {text}: {error}") from error


def _window(text: str) -> tuple[float, float]:
    """LOW,HIGH as two numbers."""
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--window is LOW,HIGH as in 0.1,0.5 or 0.1,inf, not {text!r}") from None
    return low, high


def _aims(energy: RipsPersistence) -> str:
    """What is minimised, as a formula."""
    terms = []
    for k, loss in energy.losses.items():
        if loss.target is not None:
            terms.append(f"+ W₂²(H{k}, the target)")
        else:
            sign = "−" if energy.signs[k] < 0 else "+"
            few = f" of the {loss.top} longest" if loss.top else ""
            terms.append(f"{sign} Σ ((death − birth)/2)^{loss.power:g} over H{k}{few}")
    return "E = " + " ".join(terms).removeprefix("+ ")


def _kept(energy: RipsPersistence) -> str:
    """The penalty's part of the formula."""
    if energy.penalty == "none":
        return ""
    factor = "" if energy.strength == 1 else f"{energy.strength:g} "
    to = {
        "box": f"the box of half width {energy.bound:.3g}",
        "ball": f"the ball of radius {energy.bound:.3g}",
        "tether": "its start",
    }[energy.penalty]
    return f" + {factor}Σ (distance to {to})²"


ENERGIES = (
    NamedEnergy(
        "topology",
        "topology",
        "points move until their cloud shows loops (or other features)",
        "E(x) = ∓ Σ_pairs ((death − birth)/2)^p + λ Σ_i (distance of x_i to the box)²",
        build,
        (
            Setting(
                "maximise", str, "features that are to grow: h0, h1, h2, or several as h0,h1",
                default="h1",
            ),
            Setting(
                "minimise", str, "features that are to vanish: h0, h1, h2, or several as h0,h1"
            ),
            Setting(
                "penalty", str, "what keeps the points; the tether ties each to its start",
                default="box", choices=("box", "ball", "tether", "none"),
            ),
            Setting(
                "bound", float, "R of the box [−R, R]^d or the ball", above=0,
                shown="half the cloud's longest extent",
            ),
            Setting("strength", float, "λ of the penalty", default=1.0, least=0),
            Setting("power", float, "p of a pair's persistence", default=2.0, above=0),
            Setting("top", int, "let only this many longest pairs count", least=1),
            Setting("window", str, "let only pairs of such persistence count: LOW,HIGH"),
            Setting("target", str, "a .npy diagram (m, 2) to come near to instead"),
            Setting(
                "filtration", str, "how the cloud is filled", default="rips",
                choices=("rips", "alpha"),
            ),
            Setting(
                "max_length", float, "longest edge of the Rips complex", above=0, shown="no limit"
            ),
            Setting("subsample", int, "draw this many points anew for every step", least=3),
            Setting(
                "links", str, "networks propagate along the Rips graph at the midpoint of the "
                "births, or along the graph", shown="births; graph with --subsample",
                choices=("births", "graph"),
            ),
        ),
        idle=(
            Idle(
                lambda given: given.get("penalty") == "none",
                ("bound", "strength"),
                "belongs to a penalty, and --penalty is none: drop one of the two",
            ),
            Idle(
                lambda given: given.get("penalty") == "tether",
                ("bound",),
                "is for the box and the ball: drop it, or drop --penalty tether",
            ),
            Idle(
                lambda given: given.get("filtration") == "alpha",
                ("max_length",),
                "is for the Rips filtration: drop it, or drop --filtration alpha",
            ),
        ),
    ),
)  # fmt: skip
