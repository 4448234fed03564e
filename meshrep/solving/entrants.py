"""Who takes part in a comparison: solvers and peers, alone or in groups that differ in a rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshrep.solving.peers import Peer
from meshrep.solving.solver import AnySolver


@dataclass(frozen=True, eq=False)
class Entrant:
    """One participant of a comparison.

    Attributes
    ----------
    label : str
        What tables call it.
    solver : str, Solver, …
        What :func:`meshrep.solve` takes for a solver.
    settings : mapping
        Further settings of :func:`meshrep.solve` for this entrant alone.
    tuned : str
        The group it belongs to. The entrants of a group differ in a rate only, and tables show
        the best of them and name its rate. Empty for an entrant without a group.
    by : {"steps", "seconds"}
        The best of the group reaches a level with the least of these. Steps do not depend on the
        clock; seconds are fair if some steps cost more, as in a network that hands over to Adam.
    peer : callable, optional
        A solver of another package, in place of ``solver``: see :mod:`meshrep.solving.peers`.
    """

    label: str
    solver: AnySolver = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    tuned: str = ""
    by: str = "steps"
    peer: Peer | None = None


def rates(
    group: str,
    make: Callable[[float], tuple[AnySolver, dict[str, Any]]],
    of: Sequence[float],
    by: str = "steps",
) -> list[Entrant]:
    """Return a group with one entrant for each rate in ``of``; ``make(rate)`` gives its solver."""
    return [Entrant(f"{group}, rate {rate:g}", *make(rate), tuned=group, by=by) for rate in of]
