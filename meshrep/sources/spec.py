"""The command line's names of graphs: ``lattice:50x50``, ``rgg:2500:radius=0.05``, or a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from meshrep.base import limits
from meshrep.base.settings import both_spellings, british
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.sources import clouds, lattices, random_graphs
from meshrep.sources import named_networks as networks
from meshrep.sources.wording import brief

_LARGEST = 10**12  # a size that no computer holds, but that arithmetic does


@dataclass(frozen=True)
class _Form:
    """How one kind of graph is spelled: sizes, settings, and who builds it.

    After commas the settings may follow the sizes without their names.
    """

    example: str
    separator: str
    counts: tuple[int, ...]
    settings: dict[str, Callable]
    build: Callable[..., Graph]
    sentence: str


def _lattice(sizes: list[int], seed: int, periodic: bool = False) -> Graph:
    build: Callable[..., Graph] = lattices.square if len(sizes) == 2 else lattices.cubic
    return build(*sizes, periodic=periodic)


def _cloud(
    sizes: list[int], seed: int, dim: int = 2, neighbours: int | None = None,
    radius: float | None = None,
) -> Graph:  # fmt: skip
    if neighbours is not None and radius is not None:
        raise InputError(f"cloud:{sizes[0]}: give neighbours or radius, not both")
    if sizes[0] * (neighbours or clouds.DEFAULT_NEIGHBOURS) > limits.EDGES_UP_TO:
        raise InputError(
            f"cloud:{sizes[0]}: that many points and neighbours do not fit: choose fewer"
        )
    points = clouds.uniform(sizes[0], dim, seed)
    name = f"cloud:{sizes[0]}"
    if radius is not None:
        return clouds.within(points, radius, name=name)
    return clouds.nearest(points, neighbours or clouds.DEFAULT_NEIGHBOURS, name=name)


_FORMS = {
    "lattice": _Form(
        "lattice:50x50", "x", (2, 3), {"periodic": bool}, _lattice,
        "a square or cubic lattice; :periodic closes it",
    ),
    "triangular": _Form(
        "triangular:75x75", "x", (2,), {"periodic": bool},
        lambda sizes, seed, **more: lattices.triangular(sizes[0], sizes[1], **more),
        "a triangular lattice; :periodic closes it",
    ),
    "ring": _Form(
        "ring:625", "x", (1,), {}, lambda sizes, seed: lattices.ring(sizes[0]),
        "nodes on a circle, each joined to the next",
    ),
    "tree": _Form(
        "tree:2^9", "^", (2,), {}, lambda sizes, seed: lattices.tree(sizes[0], sizes[1]),
        "a tree of 9 generations of 2 children each",
    ),
    "complete": _Form(
        "complete:500", ",", (1,), {}, lambda sizes, seed: networks.complete(sizes[0]),
        "every node joined to every other one",
    ),
    "nodes": _Form(
        "nodes:100000", ",", (1,), {}, lambda sizes, seed: networks.nodes(sizes[0]),
        "no edges, for mean-field coupling",
    ),
    "star": _Form(
        "star:20", ",", (1,), {}, lambda sizes, seed: networks.star(sizes[0]),
        "a hub joined to 20 leaves",
    ),
    "cycle": _Form(
        "cycle:100", ",", (1,), {}, lambda sizes, seed: networks.cycle(sizes[0]),
        "a ring that has no points",
    ),
    "barabasi-albert": _Form(
        "barabasi-albert:1000,3", ",", (2,), {},
        lambda sizes, seed: networks.barabasi_albert(sizes[0], sizes[1], seed),
        "a scale-free network whose new nodes have 3 edges",
    ),
    "watts-strogatz": _Form(
        "watts-strogatz:1000,6,0.1", ",", (2,), {"p": float},
        lambda sizes, seed, **more: networks.watts_strogatz(
            sizes[0], sizes[1], seed=seed, **more
        ),
        "a small world: 6 neighbours on a ring, edges moved by chance 0.1",
    ),
    "regular": _Form(
        "regular:1000,4", ",", (2,), {},
        lambda sizes, seed: networks.regular(sizes[0], sizes[1], seed),
        "a random network in which every node has 4 neighbours",
    ),
    "erdos-renyi": _Form(
        "erdos-renyi:1000,0.01", ",", (1,), {"p": float},
        lambda sizes, seed, p=0.01: networks.erdos_renyi(sizes[0], p, seed),
        "each pair joined by chance 0.01",
    ),
    "er": _Form(
        "er:2500", "x", (1,), {"degree": float},
        lambda sizes, seed, degree=6.0: random_graphs.erdos_renyi(
            sizes[0], mean_degree=degree, seed=seed
        ),
        "the same by the mean degree, :degree=6",
    ),
    "sbm": _Form(
        "sbm:10x250", "x", (2,), {"p_in": float, "p_out": float},
        lambda sizes, seed, **more: random_graphs.stochastic_block(
            sizes[0], sizes[1], seed=seed, **more
        ),
        "10 blocks of 250 nodes, joined by :p_in=0.1 within and :p_out=0.001 between",
    ),
    "rgg": _Form(
        "rgg:2500", "x", (1,), {"radius": float, "dim": int, "degree": float},
        lambda sizes, seed, degree=8.0, **more: random_graphs.random_geometric(
            sizes[0], seed=seed, mean_degree=degree, **more
        ),
        "points in a square joined within :radius, or by the mean :degree=8; :dim=3 for a cube",
    ),
    "cloud": _Form(
        "cloud:300", "x", (1,), {"dim": int, "neighbours": int, "radius": float}, _cloud,
        "random points joined to their nearest; :dim=2, :neighbours=8 or :radius",
    ),
}  # fmt: skip
KNOWN = (*(form.example for form in _FORMS.values()), *networks.CLASSICS)
SENTENCES = {form.example: form.sentence for form in _FORMS.values()} | dict.fromkeys(
    networks.CLASSICS, "a network of the literature, with its names and weights"
)


@both_spellings
def graph_from(
    text: str | os.PathLike[str],
    *,
    seed: int = 0,
    neighbours: int | None = None,
    radius: float | None = None,
    directed: bool = False,
) -> Graph:
    """The graph that a short name or a file stands for.

    Parameters
    ----------
    text : str
        ``lattice:50x50``, ``lattice:20x20x20:periodic``, ``triangular:75x75``, ``sbm:10x250``,
        ``rgg:2500:radius=0.05``, ``ring:625``, ``tree:2^9``, ``er:2500:degree=6``, ``cloud:300``,
        ``complete:500``, ``barabasi-albert:1000,3``, ``karate`` and others, which
        ``meshrep --help graphs`` lists; anything else is a file, or the bare name of one among the
        assets.
    seed : int
        For the random ones.
    neighbours, radius : int, float, optional
        For files of points and clouds, as in :func:`meshrep.sources.files.load`.
    directed : bool
        For files of edges, as there.

    Raises
    ------
    InputError
        In one sentence that lists what is known.

    >>> graph_from("lattice:20x20x20").n
    8000
    """
    from meshrep.sources.files import load

    name = os.fspath(text)
    if stands_for_a_file(name):
        if name in _FORMS and not os.path.lexists(name):
            raise InputError(f"'{name}' lacks its size: write for example {_FORMS[name].example}")
        return load(name, neighbours=neighbours, radius=radius, directed=directed)
    if directed:
        raise InputError(f"'{brief(name)}' has no directions: leave directed out")
    if name in networks.CLASSICS:
        return networks.classic(name)
    kind, _, rest = name.partition(":")
    form = _FORMS.get(kind.strip().lower())
    if form is None:
        raise InputError(
            f"'{brief(name)}' is neither a file here nor a known graph: "
            f"known are {', '.join(KNOWN)}"
        )
    return _built(form, name, rest, seed, neighbours, radius)


def stands_for_a_file(name: str) -> bool:
    """Whether a text is a file here or may be one, and not the name of a graph."""
    return os.path.lexists(name) or (":" not in name and name not in networks.CLASSICS)


def _built(
    form: _Form, name: str, rest: str, seed: int, neighbours: int | None, radius: float | None
) -> Graph:
    shape, *extras = rest.split(":")
    split = {"x": r"[x×*]", "^": r"\^", ",": ","}[form.separator]
    words = [word.strip() for word in re.split(split, shape.strip().lower())]
    most = max(form.counts)
    if form.separator == "," and most < len(words) <= most + len(form.settings):
        values, words = words[most:], words[:most]
        extras = [*(f"{k}={v}" for k, v in zip(form.settings, values, strict=False)), *extras]
    if len(words) not in form.counts or not all(w.isascii() and w.isdigit() for w in words):
        raise InputError(f"'{name}' is not understood: write for example {form.example}")
    sizes = [int(word) for word in words if len(word) < 20] or [_LARGEST + 1]
    if len(sizes) != len(words) or max(sizes) > _LARGEST:
        raise InputError(f"'{name}' is beyond any computer's memory: choose a smaller size")
    settings = dict(_setting(form, name, extra) for extra in extras)
    for key, value in (("neighbours", neighbours), ("radius", radius)):
        if value is not None and key in form.settings:
            settings.setdefault(key, value)
    return form.build(sizes, seed, **settings)


def _setting(form: _Form, name: str, text: str) -> tuple[str, object]:
    key, equals, value = text.strip().partition("=")
    key = british(key)
    kind = form.settings.get(key)
    if kind is None:
        known = ", ".join(form.settings) or "none"
        raise InputError(f"'{name}': there is no setting '{key}': {form.example} knows {known}")
    if kind is bool:
        if value.lower() not in ("", "1", "true", "yes", "0", "false", "no"):
            raise InputError(f"'{name}': {key} is true or false, not '{value}'")
        return key, value.lower() not in ("0", "false", "no")
    try:
        if not equals:
            raise ValueError
        return key, kind(value)
    except ValueError:
        raise InputError(f"'{name}': {key} needs a number, as in {key}=2") from None
