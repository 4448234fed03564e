"""The problem that the options pose: a graph, an energy on it, a start, and the solvers to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.cli.options import Options, Posed, Solving, Source
from meshrep.cli.printer import Printer
from meshrep.errors import InputError
from meshrep.solving.catalogue import check_names, compared, named_solver

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph


@dataclass(frozen=True)
class Problem:
    """What is to be solved.

    Attributes
    ----------
    energy : Energy
    start : (n,) or (n, d) float64
        The field that every solver starts from.
    seed : int
    settings : dict
        What the report says of the problem beside the energy's own settings.
    """

    energy: Energy
    start: np.ndarray
    seed: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """The solvers to run, with the settings that their declarations have."""

    names: list[str]
    settings: dict[str, Any]


def pose(options: Options, say: Printer) -> Problem:
    """The problem, told with the graph's size, what was repaired and what was built.

    Raises
    ------
    InputError
        For a file, a recipe or options that cannot be used.
    """
    posed = options.posed
    graph = _graph(options.source, say)
    energy, said = posed.declaration.energy(graph, posed.seed, **posed.options)
    for line in (*said, *posed.said):
        say(line)
    settings: dict[str, Any] = {"source": options.source.text, "start": posed.start}
    if posed.name == "heat":
        chosen = dict.fromkeys(("bath", "hot", "cold")) | dict(posed.options)
        if not (chosen["hot"] or chosen["cold"]):
            chosen["bath"] = chosen["bath"] or "ends"
        settings |= {f"{name}_choice": chosen[name] for name in ("bath", "hot", "cold")}
    start = _start(energy, posed)
    if options.flow is None:
        settings["restarts"] = options.solving.limits.get("restarts", 1)
        for line in energy.prospects(start):
            say(line)
    return Problem(energy, start, posed.seed, settings)


def _graph(source: Source, say: Printer) -> Graph:
    from meshrep.sources.files import resolve
    from meshrep.sources.spec import graph_from, stands_for_a_file

    text = source.text
    if stands_for_a_file(text):
        path, in_assets = resolve(text)
        if in_assets:
            say(f"{text}: not a file here, found in {path.parent}")
    graph = graph_from(
        text, seed=source.seed, neighbours=source.neighbours, radius=source.radius,
        directed=source.directed,
    )  # fmt: skip
    parts = graph.component_count
    say(f"{graph.name}: {graph.n:,} nodes, {graph.m:,} edges, {parts:,} component"
        f"{'' if parts == 1 else 's'}")  # fmt: skip
    for repair in graph.repairs:
        say(f"  {repair}")
    if source.weights:
        return graph
    say("  all weights are set to 1")
    return graph.with_weights(1.0)


def _start(energy: Energy, posed: Posed) -> np.ndarray:
    """The start that the options name: "random", "mean", a number, or a .npy file of values."""
    if posed.start == "random":
        return energy.random_start(posed.seed)
    if _is_number(posed.start):
        return energy.clamp(np.full(energy.shape, float(posed.start)))
    if posed.start == "mean":
        if energy.quantity == "position":
            raise InputError("--start mean would put all points in one place: take random")
        return energy.clamp(np.full(energy.shape, energy.random_start(posed.seed).mean()))
    from meshrep.sources.values import node_values

    others = "'random', 'mean', a number"
    return energy.clamp(node_values(energy.graph, posed.start, "--start", others))


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def check_solvers(solving: Solving) -> None:
    """Check the solvers that are named, and their settings, before anything is loaded.

    Raises
    ------
    InputError
        For an unknown solver, or a setting that none of those named has.
    """
    if solving.names is not None:
        check_names(solving.names)
        if "auto" not in solving.names:
            _read(solving, solving.names)


def choose_solvers(solving: Solving, energy: Energy) -> Chosen:
    """The solvers that run on an energy; raises as :func:`check_solvers` does."""
    names = solving.names
    names = tuple(compared(energy)) if names is None else names
    chosen = tuple(energy.auto_solver[0] if name == "auto" else name for name in names)
    return Chosen(list(names), _read(solving, chosen))


def _read(solving: Solving, names: tuple[str, ...]) -> dict[str, Any]:
    """Each text of --set, read by the first solver that has the setting."""
    solvers = [named_solver(name) for name in names]
    found = {}
    for name, text in solving.settings.items():
        declared = next((s for solver in solvers for s in solver.settings if s.name == name), None)
        if declared is None:
            known = dict.fromkeys(s.name for solver in solvers for s in solver.settings)
            has = f"has {', '.join(known)}" if known else "has no settings"
            raise InputError(
                f"--set {name}: {', '.join(names)} {has} (meshrep --help NAME shows them)"
            )
        found[name] = declared.read(text)
    return found
