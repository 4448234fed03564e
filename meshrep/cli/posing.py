"""The problem that the options pose: a graph, an energy on it, and the solvers to take."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from meshrep.cli.printer import Printer
from meshrep.cli.rules import HEAT_ONLY, OF_TOPOLOGY, by_option, given
from meshrep.errors import InputError, MissingPart

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph


def graph_of(options: argparse.Namespace, say: Printer) -> tuple[Graph, str]:
    """The graph and the text that names it, told with its size and what was repaired.

    Raises
    ------
    InputError
        For a file or a recipe that cannot be used.
    """
    from meshrep.sources.files import resolve
    from meshrep.sources.spec import graph_from

    text = options.graph or options.input
    if ":" not in text or os.path.lexists(text):
        path, in_assets = resolve(text)
        if in_assets:
            say(f"{text}: not a file here, found in {path.parent}")
    graph = graph_from(
        text, seed=options.seed, neighbours=options.neighbours, radius=options.radius
    )
    parts = graph.component_count
    say(f"{graph.name}: {graph.n:,} nodes, {graph.m:,} edges, {parts:,} component"
        f"{'' if parts == 1 else 's'}")  # fmt: skip
    for repair in graph.repairs:
        say(f"  {repair}")
    return graph, text


def energy_of(options: argparse.Namespace, graph: Graph) -> tuple[Energy, list[str]]:
    """The energy that the options ask for, and lines to tell of it.

    Raises
    ------
    InputError
        For choices that the graph cannot bear.
    """
    from meshrep.cli import problems

    if options.physics == "heat":
        return problems.heat(graph, _heat_choices(options), options.seed)
    if options.physics == "topology":
        return _topology(options, graph)
    return problems.oscillators(graph, _oscillator_choices(options), options.seed)


def _heat_choices(options: argparse.Namespace) -> Any:
    from meshrep.cli.problems import HeatChoices

    chosen = given(options, HEAT_ONLY)
    return HeatChoices(**{name.removeprefix("bath_"): value for name, value in chosen.items()})


def _oscillator_choices(options: argparse.Namespace) -> Any:
    from meshrep.cli.problems import OscillatorChoices

    names = {"kuramoto": "strength", "xy_glass": "couplings"}
    chosen = given(options, ("s1", "s2", "c", "frequencies", *names))
    return OscillatorChoices(
        kind=options.physics, printed=options.hopf_kuramoto == "printed",
        **{names.get(name, name): value for name, value in chosen.items()},
    )  # fmt: skip


def _topology(options: argparse.Namespace, graph: Graph) -> tuple[Energy, list[str]]:
    """The energy of the topology options; what it refuses is told by the option's name."""
    from meshrep.cli import problems

    chosen = given(options, OF_TOPOLOGY)
    try:
        energy, said = problems.topology(graph, problems.TopologyChoices(**chosen), options.seed)
    except MissingPart:
        raise
    except InputError as error:
        raise InputError(by_option(str(error), chosen)) from error
    return energy, said


def solvers_of(options: argparse.Namespace) -> list[str] | None:
    """The solvers named by the options; None where the problem is to decide.

    Raises
    ------
    InputError
        For an unknown one.
    """
    if options.solver is None and options.compare is None and options.optimiser is None:
        return None
    from meshrep.solving.catalogue import TORCH, check_names

    names = [options.solver] if options.solver else []
    names += [name.strip() for name in (options.compare or "").split(",") if name.strip()]
    optimisers = (options.optimiser or "").split(",")
    names += [f"{name.strip()}{TORCH}" for name in optimisers if name.strip()]
    check_names(names)
    return names
