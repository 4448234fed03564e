"""From the words of a command line to an energy on a graph, with a sentence on what was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.energies.base import Energy
from meshrep.energies.heat import HeatBath
from meshrep.energies.oscillators import (
    HopfKuramoto,
    HopfKuramotoPrinted,
    Kuramoto,
    Oscillators,
    XYGlass,
)
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources.selection import baths

if TYPE_CHECKING:
    from meshrep.energies.topology import RipsPersistence


@dataclass(frozen=True)
class HeatChoices:
    """What the heat options of the command line say.

    ``bath`` is "ends", "random" or None; ``hot`` and ``cold`` are texts that
    :func:`meshrep.sources.selection.select` understands, and come before ``bath``.
    """

    bath: str | None = "ends"
    hot: str | None = None
    cold: str | None = None
    share: float = 0.1
    kind: str = "quartic"
    power: float | None = None
    t_hot: float = 1.0
    t_cold: float = 0.0
    strength: float = 1.0
    laplacian: str = "graph"
    unbathed: str = "raise"


def heat(graph: Graph, choices: HeatChoices, seed: int = 0) -> tuple[HeatBath, list[str]]:
    """The heat problem of the choices, and sentences that say what was built.

    Raises
    ------
    InputError
        When a selection, a number or their combination cannot be used.
    """
    hot, cold, said = baths(
        graph, choices.bath or "ends", hot=choices.hot or None, cold=choices.cold or None,
        share=choices.share, seed=seed,
    )  # fmt: skip
    energy = HeatBath(
        graph, hot, cold, t_hot=choices.t_hot, t_cold=choices.t_cold, strength=choices.strength,
        kind=choices.kind, power=choices.power, laplacian=choices.laplacian,
        unbathed=choices.unbathed,
    )  # fmt: skip
    law = f"strength {energy.strength:g}, power {energy.power:g}"
    law = "held exactly" if energy.kind == "dirichlet" else law
    said.append(
        f"heat: {len(energy.hot):,} hot nodes at {choices.t_hot:g}, {len(energy.cold):,} cold at "
        f"{choices.t_cold:g} ({law}), {choices.laplacian} Laplacian"
    )
    if len(energy.held):
        said.append(
            f"components without a bath, held at the mean temperature: {len(energy.held):,}"
        )
    return energy, said


@dataclass(frozen=True)
class OscillatorChoices:
    """What the oscillator options of the command line say.

    ``kind`` is "kuramoto", "xy-glass" or "hopf-kuramoto"; ``frequencies`` a spread or the name of
    a .npy file.
    """

    kind: str = "kuramoto"
    strength: float = 1.0
    couplings: str = "binary"
    printed: bool = False
    s1: float = 1.0
    s2: float = 0.5
    c: float = 1.0
    frequencies: str | None = None


def oscillators(
    graph: Graph, choices: OscillatorChoices, seed: int = 0
) -> tuple[Oscillators, list[str]]:
    """The oscillators of the choices, and a sentence that says what was built.

    Raises
    ------
    InputError
        When a number or a file cannot be used.
    """
    omega = _frequencies(graph, choices.frequencies, seed)
    spread = f", frequencies of spread {np.std(omega):.3g}" if np.ptp(omega) else ""
    energy: Oscillators
    if choices.kind == "xy-glass":
        if spread:
            raise InputError("--frequencies go with --kuramoto and --hopf-kuramoto")
        energy = XYGlass(graph, choices.couplings, seed)
        return energy, [
            f"XY glass: {choices.couplings} couplings on {graph.m:,} edges, seed {seed}"
        ]
    if choices.kind == "hopf-kuramoto":
        said = f"s1 = {choices.s1:g}, s2 = {choices.s2:g}"
        if choices.printed:
            if spread:
                raise InputError("the printed loss has no flow: --frequencies need the potential")
            energy = HopfKuramotoPrinted(graph, choices.s1, choices.s2)
            return energy, [f"Hopf–Kuramoto, the loss as printed: {said}"]
        energy = HopfKuramoto(graph, choices.s1, choices.s2, choices.c, omega)
        return energy, [f"Hopf–Kuramoto: {said}, c = {choices.c:g}{spread}"]
    energy = Kuramoto(graph, choices.strength, omega)
    return energy, [f"Kuramoto: K = {choices.strength:g} on {graph.m:,} edges{spread}"]


def _frequencies(graph: Graph, text: str | None, seed: int) -> np.ndarray:
    """Natural frequencies (n,): zero, normal with the spread that the text gives, or a file's."""
    if text is None:
        return np.zeros(graph.n)
    try:
        spread = float(text)
    except ValueError:
        return _node_values(graph, text, "--frequencies", "a number")
    if not (np.isfinite(spread) and spread >= 0):
        raise InputError(f"--frequencies: the spread must be 0 or more, not {text}")
    return spread * np.random.default_rng([seed, 1]).standard_normal(graph.n)


@dataclass(frozen=True)
class TopologyChoices:
    """What the topology options of the command line say; None where nothing was said.

    ``window`` is "LOW,HIGH", ``target`` the name of a .npy file of births and deaths, for the one
    dimension of ``maximise`` or ``minimise`` or else for loops.
    """

    maximise: str | None = None
    minimise: str | None = None
    pair_power: float | None = None
    top: int | None = None
    window: str | None = None
    target: str | None = None
    penalty: str | None = None
    range: float | None = None
    filtration: str | None = None
    max_length: float | None = None
    subsample: int | None = None
    links: str | None = None
    strength: float | None = None


def topology(
    graph: Graph, choices: TopologyChoices, seed: int = 0
) -> tuple[RipsPersistence, list[str]]:
    """The loss on a cloud's persistence, and a sentence that says what was built.

    Boxes and balls stand about the origin for clouds that were drawn, about the middle for those
    that were read.

    Raises
    ------
    InputError
        When a number, a file or their combination cannot be used.
    """
    from meshrep.energies.topology import RipsPersistence, dimensions

    names = {"pair_power": "power", "range": "bound"}
    settings: dict[str, Any] = {
        names.get(name, name): value
        for name, value in vars(choices).items()
        if value is not None and name not in ("window", "target")
    }
    if choices.window is not None:
        settings["window"] = _window(choices.window)
    if choices.target is not None:
        if choices.maximise and choices.minimise:
            raise InputError("--target is for one dimension: drop --maximise or --minimise")
        asked = settings.pop("maximise", None) or settings.pop("minimise", None) or "h1"
        settings["targets"] = {k: _diagram(choices.target) for k in dimensions(asked)}
    if graph.origin is None and choices.penalty in (None, "box", "ball"):
        settings["centre"] = 0.0
    if graph.points is not None and not np.ptp(graph.points, axis=0).any():
        raise InputError(f"{graph.name}: all points are in one place, and have no topology to move")
    energy = RipsPersistence(graph, seed=seed, **settings)
    lines = [f"topology: {_aims(energy)}{_kept(energy)}"]
    lines.append(
        f"  {energy.filtration} filtration of {graph.n:,} points in {energy.shape[1]} dimensions"
        + (f", {energy.subsample} of them drawn for every step" if energy.subsample else "")
    )
    if graph.n > MANY_POINTS and not energy.subsample:
        lines.append("  every step takes all points: --subsample 300 --solver kernel is quicker")
    return energy, lines


MANY_POINTS = 5000  # beyond which a diagram of all takes a second or more


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


def _window(text: str) -> tuple[float, float]:
    """LOW,HIGH as two numbers."""
    try:
        low, high = (float(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--window is LOW,HIGH as in 0.1,0.5 or 0.1,inf, not {text!r}") from None
    return low, high


def _diagram(path: str) -> np.ndarray:
    """Births and deaths (m, 2) from a .npy file."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"--target {path}: no readable .npy file of births and deaths") from error
    return np.asarray(values)


def start(energy: Energy, text: str, seed: int) -> np.ndarray:
    """The start that a text names: "random", "mean", or a .npy file of node values.

    Raises
    ------
    InputError
        When the file cannot be read or does not fit.
    """
    if text == "random":
        return energy.random_start(seed)
    if text == "mean":
        if energy.quantity == "position":
            raise InputError("--start mean would put all points in one place: take random")
        return energy.clamp(np.full(energy.shape, energy.random_start(seed).mean()))
    return energy.clamp(_node_values(energy.graph, text, "--start", "'random', 'mean'"))


def _node_values(graph: Graph, text: str, option: str, others: str) -> np.ndarray:
    """Values of a .npy file, one a node or a point of the graph's input."""
    try:
        values = np.load(text, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{option} {text}: neither {others} nor a readable .npy file of node values"
        ) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise InputError(f"{option} {text}: it does not hold an array of numbers")
    origin = graph.origin
    if origin is not None and values.shape[:1] == origin.node_of.shape != (graph.n,):
        kept = origin.node_of >= 0
        nodes = np.empty((graph.n, *values.shape[1:]))
        nodes[origin.node_of[kept]] = values[kept]
        values = nodes
    return values
