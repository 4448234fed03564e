"""GML: a network as nested lists of keys and values."""

from __future__ import annotations

import html
import re
from collections.abc import Hashable
from typing import Any

from meshrep.errors import InputError
from meshrep.sources.formats.links import Links
from meshrep.sources.wording import brief, counted, one_line

_TOKEN = re.compile(r'"([^"]*)"|([\[\]])|([^\s\[\]"]+)')
_LISTS = ("node", "edge", "graphics")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_REAL = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE
)

Pairs = list[tuple[str, Any]]


def read_gml(text: str, shown: str, remarks: tuple[str, ...]) -> Links:
    """The network in a GML file; nodes are named by their labels where these all differ.

    Raises
    ------
    InputError
        Where it is cut short, or an edge names a node that is not there.
    """
    graphs = [value for key, value in _pairs(text, shown) if key == "graph"]
    graphs = [graph for graph in graphs if isinstance(graph, list)]
    if not graphs:
        raise InputError(f"{shown}: it holds no graph [ … ]: is it a GML file?")
    graph = graphs[0]
    if len(graphs) > 1:
        remarks += (f"the first of {len(graphs)} graphs is read",)
    nodes: dict[Hashable, dict[str, Any]] = {}
    for node in _lists(graph, "node"):
        if not isinstance(node.get("id"), int | float | str):
            raise InputError(f"{shown}: a node has no plain id: check that it is complete")
        if node["id"] in nodes:
            raise InputError(f"{shown}: two nodes have the id {node['id']}: give each its own")
        nodes[node["id"]] = node
    labels = {key: dict(_plain([*node.items()])).get("label") for key, node in nodes.items()}
    if None in labels.values() or len(set(labels.values())) < len(labels):
        if any(label is not None for label in labels.values()):
            remarks += ("nodes are named by their ids, since their labels are not all different",)
        labels = {key: key for key in nodes}
    edges = []
    for edge in _lists(graph, "edge"):
        for end in ("source", "target"):
            if isinstance(edge.get(end), list) or edge.get(end) not in nodes:
                told = one_line(edge.get(end))
                raise InputError(
                    f"{shown}: an edge names the {end} {told}, and no node has this id"
                )
        about = {key: value for key, value in edge.items() if key not in ("source", "target")}
        edges.append((labels[edge["source"]], labels[edge["target"]], about))
    directed = dict(_plain(graph)).get("directed") == 1
    other = [key for key, value in graph if isinstance(value, list) and key not in _LISTS]
    if other:
        remarks += (f"{counted(len(other), 'list')} not read, such as '{brief(other[0], 20)}'",)
    named = {labels[key]: _with_place(node) for key, node in nodes.items()}
    return Links(named, edges, [directed] * len(edges), remarks)


def _pairs(text: str, shown: str) -> Pairs:
    """Keys and values, lists of them for values in brackets."""
    text = "\n".join("" if line.lstrip()[:1] == "#" else line for line in text.split("\n"))
    open_lists: list[Pairs] = [[]]
    key: str | None = None
    for found in _TOKEN.finditer(text):
        quoted, bracket, word = found.groups()
        if bracket == "[" and key is not None:
            inner: Pairs = []
            open_lists[-1].append((key, inner))
            open_lists.append(inner)
            key = None
        elif bracket == "]" and key is None and len(open_lists) > 1:
            open_lists.pop()
        elif bracket is None and key is not None:
            value = html.unescape(quoted) if word is None else _number(word)
            open_lists[-1].append((key, value))
            key = None
        elif word is not None:
            key = word
        else:
            line = text.count("\n", 0, found.start()) + 1
            raise InputError(
                f"{shown}: line {line}: '{one_line(found[0], 40)}' stands where no value can"
            )
    if len(open_lists) > 1 or key is not None:
        raise InputError(f"{shown}: it ends within a list: it is cut short")
    return open_lists[0]


def _number(word: str) -> Any:
    if _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if _REAL.fullmatch(word) else word


def _plain(pairs: Pairs) -> Pairs:
    return [(key, value) for key, value in pairs if not isinstance(value, list)]


def _lists(pairs: Pairs, name: str) -> list[dict[str, Any]]:
    return [dict(value) for key, value in pairs if key == name and isinstance(value, list)]


def _with_place(node: dict[str, Any]) -> dict[str, Any]:
    """A node with the place at which it is drawn, which stands in its "graphics"."""
    drawn = node.get("graphics")
    spot = dict(_plain(drawn)) if isinstance(drawn, list) else {}
    return {**{axis: spot[axis] for axis in "xyz" if axis in spot}, **node}
