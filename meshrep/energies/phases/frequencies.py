"""Natural frequencies of oscillators, by the name of a distribution, by node, or from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from meshrep.base.randomness import random_from
from meshrep.energies.phases.couplings import node_numbers, number, numbers
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.sources.values import node_values

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

QUANTILES = {
    "normal": ndtri,
    "lorentz": lambda share: np.tan(np.pi * (share - 0.5)),
    "uniform": lambda share: 2.0 * share - 1.0,
}
NAMES = "normal, lorentz, uniform or degree, as in normal:0.5"


def natural_frequencies(
    graph: GraphLike,
    what: ArrayLike | Mapping[Any, float] | str,
    *,
    spread: float | None = None,
    centre: float = 0.0,
    seed: int = 0,
    random: bool = False,
) -> np.ndarray:
    """Natural frequencies ω of the nodes of a graph.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    what : float, (n,) array, mapping or str
        One number for all nodes, one for each, or a mapping (or a Series of pandas) from the label
        of each node to its frequency. A text names a distribution, with its spread after a colon if
        it is not 1: "normal:0.5" has this standard deviation, "lorentz:0.5" this half-width at half
        maximum, and "uniform:0.5" lies between −0.5 and 0.5. "degree:0.1" is 0.1 times the sum of
        the weights of a node's edges. Any other text is a number, or a .npy file of node values.
    spread : float, optional
        The spread of a distribution that is given by its name alone.
    centre : float
        Added to frequencies that are given by name.
    seed : int
        Which node has which frequency.
    random : bool
        Draw each frequency at random. By default the n frequencies are the quantiles
        (k + ½)/n of the distribution, in random order, so that a small network has the mean and
        the spread of the distribution.

    Returns
    -------
    (n,) float64
        In radians per unit of time.

    Raises
    ------
    InputError
        For another name, a negative spread, a node without a frequency, or a file that cannot be
        read.

    Examples
    --------
    >>> import meshrep
    >>> sorted(natural_frequencies(meshrep.graph_from("ring:4"), "uniform:2").tolist())
    [-1.5, -0.5, 0.5, 1.5]
    """
    graph = Graph.of(graph)
    if not isinstance(what, str):
        return node_numbers(graph, what, "omega")
    name, _, given = what.partition(":")
    if name not in QUANTILES and name != "degree":
        return _of_text(graph, what)
    if given and spread is not None:
        raise InputError(f"omega {what!r} has its spread: give it there or as spread=, not twice")
    width = number(given or (1.0 if spread is None else spread), f"the spread of omega {what!r}")
    if name == "degree":
        return number(centre, "centre") + width * graph.degree
    if width < 0:
        raise InputError(f"omega {what!r}: the spread must be 0 or more, not {width:g}")
    rng = random_from(seed, 1)
    share = rng.random(graph.n) if random else rng.permutation((np.arange(graph.n) + 0.5) / graph.n)
    return number(centre, "centre") + width * QUANTILES[name](share)


def _of_text(graph: Graph, text: str) -> np.ndarray:
    """A number for all nodes, or a file of node values."""
    try:
        values: Any = float(text)
    except ValueError:
        values = node_values(graph, text, "omega", f"a number, a distribution ({NAMES})")
    return numbers(values, graph.n, f"omega {text}", "node")
