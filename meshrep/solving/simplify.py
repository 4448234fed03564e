"""Fields without their small extrema: those of little persistence are removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.energies.lower_star import LowerStar
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve
from meshrep.solving.solver import AnySolver

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MOST_STEPS = 2000  # a constant step may jump across a kink for ever
MARGIN = 1e-3  # share of the threshold by which pairs that stay are kept above it


def simplify(
    graph: GraphLike,
    field: ArrayLike,
    threshold: float,
    *,
    solver: AnySolver = "auto",
    **settings: Any,
) -> Solution:
    """Remove a field's minima and maxima of persistence up to a threshold; change little else.

    Minimises :class:`LowerStar` in the mode "separate", starting from the field: the pairs that
    exceed the threshold are to stay above it, and all others are to vanish. Pairs that remain
    after the solver has stopped are removed by filling minima and cutting maxima to their saddles.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        Where the field lives. No node is fixed, even if another energy on the graph fixes some.
    field : (n,) array
        What to simplify.
    threshold : float
        τ > 0 in the field's unit.
    solver : str or other
        As for :func:`meshrep.solve`. "auto" takes "nesterov"; "gd" changes the field least and
        takes several times as many steps.
    **settings
        Of :func:`meshrep.solve`; ``max_steps`` is 2000 by default.

    Returns
    -------
    Solution
        Of the LowerStar energy; ``field`` is the simplified field. The first of the ``notes``
        gives the extrema before and after, and how far the field moved.

    Raises
    ------
    InputError
        When the threshold is not positive, or the field is not one finite number a node.

    Notes
    -----
    The deepest minimum and the highest maximum of each component always stay. A minimum is removed
    by raising it and lowering its saddle by the same amount. On noisy fields that changes the
    field less in the 2-norm than filling alone, by about 30% ("gd") or 15% ("nesterov"), and pairs
    just above the threshold survive. Single nodes may move by slightly more than τ. A step costs
    two passes over the edges.

    References
    ----------
    Edelsbrunner, Morozov and Pascucci, "Persistence-sensitive simplification of functions on
    2-manifolds" (2006).

    Examples
    --------
    Two hills on a ring; the lower one is removed:

    >>> import numpy as np, meshrep
    >>> ring = meshrep.graph_from("ring:5")
    >>> end = simplify(ring, np.array([0.0, 3.0, 1.0, 1.5, 0.0]), 1.0).field
    >>> int(end.argmax()), bool(end[3] <= end[2])
    (1, True)
    """
    graph = Graph.of(graph)
    if not (np.isfinite(threshold) and threshold > 0):
        raise InputError(f"the threshold must be a positive number, not {threshold}")
    judge = LowerStar(graph, threshold=threshold)
    begin = judge.clamp(field)
    kept = {
        level: int((judge.persistence(begin, level) > threshold).sum()) for level in judge.levels
    }
    energy = LowerStar(graph, threshold=threshold * (1 + MARGIN), keep=kept, mode="separate")
    settings.setdefault("max_steps", MOST_STEPS)
    solution = solve(energy, solver, start=begin, **settings)
    # First remove pairs that should vanish, then kept pairs that are below the threshold.
    closed = judge.flooded(energy.flooded(solution.field))
    value, gradient = energy.judge.value_and_grad(closed.copy())
    share = threshold / (float(np.ptp(begin)) or 1.0)
    reach = f"{threshold:.4g} ({100 * share:.3g}% of the range)"
    before, after = (judge.measures(w) for w in (begin, closed))
    last = float(abs(closed - solution.field).max())
    if before == after:
        notes = [f"no extremum of persistence up to {reach}: the field stays as it is"]
    else:
        notes = [
            f"persistence up to {reach} removed: {in_words(before)} before, {in_words(after)} "
            f"after; the field moved by at most {abs(closed - begin).max():.3g}"
        ]
        if last > 0:
            notes.append(f"filled up to the saddles at the end: nodes moved by at most {last:.2g}")
    lost = sum(
        max(0, kept[level] - int((judge.persistence(closed, level) > threshold).sum()))
        for level in judge.levels
    )
    if lost:
        notes.append(f"{lost} of {sum(kept.values())} pairs above the threshold fell below it")
    return replace(
        solution,
        field=closed,
        energy=float(value),
        grad_norm=float(np.linalg.norm(gradient)) / energy.gradient_scale(begin),
        notes=notes + [note for note in solution.notes if not note.startswith("step length")],
    )


def in_words(counts: Mapping[str, float]) -> str:
    """Numbers of minima and maxima in words."""
    minima, maxima = int(counts["minima"]), int(counts["maxima"])
    return (
        f"{minima:,} {'minimum' if minima == 1 else 'minima'} and "
        f"{maxima:,} {'maximum' if maxima == 1 else 'maxima'}"
    )
