"""Heat in a part, stated by a file, as the command line poses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meshrep.base.settings import Setting
from meshrep.energies.conduction.statement import (
    EXAMPLE,
    conduction_from,
    problem_file,
    read_statement,
)
from meshrep.energies.declaration import NamedEnergy

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph


def build(graph: Graph, seed: int, problem: str = "") -> tuple[Energy, list[str]]:
    """Conduction as the file of a problem states it, and what was built."""
    file = problem_file("" if graph.origin is None else graph.origin.path, problem)
    energy = conduction_from(file, graph)
    told = energy.settings()
    said = [f"conduction: {told['cells']:,} cells, {told['fixed']:,} nodes held, as {file} says"]
    return energy, [*said, *(f"  {name}" for name in told["conditions"])]


def options_of(source: str, problem: str) -> Mapping[str, Any]:
    """Start, transient and output, where the file states them."""
    return read_statement(problem_file(source, problem)).options


ENERGIES = (
    NamedEnergy(
        "conduct",
        "heat",
        "heat in a part of materials in SI units, by finite elements",
        "E(T) = ½∫k|∇T|² + ½∫h(T − T_air)² + ∫εσ(|T|⁵/5 − T_s⁴T) − ∫qT − ∫q″T",
        build,
        argument=Setting(
            "problem", str, "the problem: materials, conditions, start, transient and output",
            shown="the .toml file beside the mesh that has its name", metavar="FILE",
        ),
        remark="Its minimum solves −∇·(k∇T) = q with temperatures, convection, radiation and heat "
        "fluxes on the boundary, so that a finer mesh comes closer to the temperature of the part. "
        "Take it for meshes of parts.",
        example=EXAMPLE,
        implied=options_of,
    ),
)  # fmt: skip
