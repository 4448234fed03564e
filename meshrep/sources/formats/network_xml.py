"""GraphML and GEXF: networks as XML, of every version, with what the format takes for granted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from meshrep.errors import InputError
from meshrep.sources.formats.links import Links
from meshrep.sources.wording import brief, counted
from meshrep.sources.xml_files import local, parse_xml

_NUMBERS = (
    "int",
    "integer",
    "long",
    "float",
    "double",
    "short",
    "byte",
    "bigdecimal",
    "biginteger",
)
_OF_GRAPHML = ("node", "edge", "data", "desc", "port", "hyperedge", "locator")
_OF_GEXF = ("node", "edge", "nodes", "edges", "attributes", "attribute", "attvalues", "spells",
            "meta", "phylogeny")  # fmt: skip
_DIRECTED = {"directed": True, "undirected": False, "mutual": False}


def read_graphml(path: Path, shown: str) -> Links:
    """The network in a GraphML file; keys have their defaults, groups are taken apart.

    Raises
    ------
    InputError
        Where it is no XML, holds no graph, gives two nodes one id, or has hyperedges, which join
        more than two nodes.
    """
    root = _root(path, shown)
    graphs = [child for child in root if _tag(child) == "graph"]
    if not graphs:
        raise InputError(f"{shown}: it holds no <graph>: is it a GraphML file?")
    if any(_tag(child) == "hyperedge" for child in graphs[0].iter()):
        raise InputError(
            f"{shown}: it has hyperedges, and an edge here joins two nodes: write edges instead"
        )
    keys = {child.get("id"): child for child in root if _tag(child) == "key"}
    nodes: dict[Hashable, dict[str, Any]] = {}
    edges, directed = [], []
    others = Counter(_tag(element) for _, element in _within(graphs[0]))
    for graph, element in _within(graphs[0]):
        if _tag(element) == "node":
            name = _new_id(element, nodes, shown)
            nodes[name] = _data(element, keys, "node", shown)
        elif _tag(element) == "edge":
            ends = (_attribute(element, "source", shown), _attribute(element, "target", shown))
            edges.append((*ends, _data(element, keys, "edge", shown)))
            told = element.get("directed", str(graph.get("edgedefault") == "directed"))
            directed.append(told.lower() in ("true", "1"))
    remarks = [f"the first of {len(graphs)} graphs is read"] if len(graphs) > 1 else []
    outside = sum(_tag(child) in ("node", "edge") for child in root.iter()) - sum(
        _tag(child) in ("node", "edge") for graph in graphs for child in graph.iter()
    )
    if outside:
        remarks.append(f"{counted(outside, 'node or edge', 'nodes and edges')} outside not read")
    remarks += _unread(others, _OF_GRAPHML)
    return Links(_with_ends(nodes, edges), edges, directed, tuple(remarks))


def read_gexf(path: Path, shown: str) -> Links:
    """The network in a GEXF file of any version; nodes are named by their ids.

    Raises
    ------
    InputError
        Where it is no XML, holds no graph, gives two nodes one id, or gives an edge a weight that
        changes in time.
    """
    root = _root(path, shown)
    graph = next((child for child in root if _tag(child) == "graph"), None)
    if graph is None or _tag(root) != "gexf":
        raise InputError(f"{shown}: it holds no <graph> in a <gexf>: is it a GEXF file?")
    columns = {}
    for table in graph.iter():
        if _tag(table) == "attributes" and table.get("class") == "edge":
            columns.update({of.get("id"): of for of in table if _tag(of) == "attribute"})
    default = graph.get("defaultedgetype", "undirected")
    nodes: dict[Hashable, dict[str, Any]] = {}
    edges, directed, other_labels, timed = [], [], 0, 0
    for element in graph.iter():
        if _tag(element) == "node":
            name = _new_id(element, nodes, shown)
            nodes[name] = _place(element)
            other_labels += element.get("label", name) != name
        elif _tag(element) == "edge":
            ends = (_attribute(element, "source", shown), _attribute(element, "target", shown))
            edges.append((*ends, _gexf_values(element, columns, shown)))
            timed += not {"start", "end", "timestamp"}.isdisjoint(element.keys())
            directed.append(_DIRECTED.get(element.get("type", default).lower(), False))
    parts = Counter(_tag(element) for part in graph for element in part)
    remarks = _unread(parts + Counter(map(_tag, graph)), _OF_GEXF)
    if other_labels:
        remarks.append("nodes are named by their ids, not by their labels")
    if timed:
        remarks.append(f"{counted(timed, 'edge')} that last for a time taken to last for ever")
    return Links(_with_ends(nodes, edges), edges, directed, tuple(remarks))


def _unread(names: Counter[str], known: tuple[str, ...]) -> list[str]:
    """A remark on elements of a graph that the format does not know."""
    other = sum(count for name, count in names.items() if name not in known)
    first = next((name for name in names if name not in known), "")
    return [f"{counted(other, 'element')} not read, such as <{brief(first, 20)}>"] if other else []


def _root(path: Path, shown: str) -> ElementTree.Element:
    tree = ElementTree.TreeBuilder()
    handlers = {
        "StartElementHandler": tree.start,
        "EndElementHandler": tree.end,
        "CharacterDataHandler": tree.data,
    }
    parse_xml(path, shown, handlers)
    return tree.close()


def _tag(element: ElementTree.Element) -> str:
    """The name of an element, without its namespace."""
    return local(element.tag)


def _within(
    graph: ElementTree.Element,
) -> Iterator[tuple[ElementTree.Element, ElementTree.Element]]:
    """The elements of a graph and of the graphs in its nodes, each with the graph it stands in."""
    waiting = [graph]
    while waiting:
        graph = waiting.pop()
        for child in graph:
            yield graph, child
            waiting += [of for of in child if _tag(of) == "graph"]


def _attribute(element: ElementTree.Element, name: str, shown: str) -> str:
    value = element.get(name)
    if value is None:
        raise InputError(f"{shown}: a <{_tag(element)}> has no {name}: check that it is complete")
    return value


def _new_id(node: ElementTree.Element, nodes: dict[Hashable, Any], shown: str) -> str:
    """The id of a node, refused where a node before it has the same."""
    name = _attribute(node, "id", shown)
    if name in nodes:
        raise InputError(f"{shown}: two nodes have the id '{name}': give each its own")
    return name


def _with_ends(
    nodes: dict[Hashable, dict[str, Any]], edges: list[tuple[str, str, Any]]
) -> dict[Hashable, dict[str, Any]]:
    """The nodes, and those that only edges name."""
    for source, target, _ in edges:
        nodes.setdefault(source, {})
        nodes.setdefault(target, {})
    return nodes


def _data(
    element: ElementTree.Element, keys: dict[str | None, ElementTree.Element], of: str, shown: str
) -> dict[str, Any]:
    """The data of a node or an edge in GraphML, by the names of its keys."""
    texts = {
        key: default.text
        for key, told in keys.items()
        if told.get("for", "all") in (of, "all")
        for default in told
        if _tag(default) == "default"
    }
    found = {}
    for child in element:
        if _tag(child) == "data":
            texts[child.get("key")] = child.text
            for shape in child.iter():  # where yEd draws the node
                if _tag(shape) == "Geometry" and of == "node":
                    found.update({axis: shape.get(axis) for axis in "xy" if shape.get(axis)})
    for key, text in texts.items():
        if key in keys and text is not None:
            name = keys[key].get("attr.name") or str(key)
            found[name] = _value(text, keys[key].get("attr.type"), f"{shown}: '{name}'")
    return found


def _gexf_values(
    edge: ElementTree.Element, columns: dict[str | None, ElementTree.Element], shown: str
) -> dict[str, Any]:
    """The values of an edge in GEXF, by the titles of their columns."""
    found = {}
    texts = {
        column: default.text
        for column, told in columns.items()
        for default in told
        if _tag(default) == "default"
    }
    seen: set[str | None] = set()
    for value in edge.iter():
        if _tag(value) == "attvalue":
            column = value.get("for", value.get("id"))
            if column in seen and _title(columns, column) == "weight":
                raise InputError(
                    f"{shown}: the weight of edge '{edge.get('source')}'–'{edge.get('target')}' "
                    "changes in time: save one moment of the network"
                )
            seen.add(column)
            texts[column] = value.get("value")
    for column, text in texts.items():
        if column in columns and text is not None:
            title = _title(columns, column)
            found[title] = _value(text, columns[column].get("type"), f"{shown}: '{title}'")
    if edge.get("weight") is not None:
        found["weight"] = _value(edge.get("weight", ""), "double", f"{shown}: 'weight'")
    return found


def _title(columns: dict[str | None, ElementTree.Element], column: str | None) -> str:
    told = columns.get(column)
    title = "" if told is None else told.get("title", "")
    return "weight" if title.lower() == "weight" else title


def _place(node: ElementTree.Element) -> dict[str, Any]:
    """Where GEXF draws a node."""
    spot = next((child for child in node if _tag(child) == "position"), None)
    return {} if spot is None else {a: spot.get(a) for a in "xyz" if spot.get(a) is not None}


def _value(text: str, kind: str | None, where: str) -> Any:
    if (kind or "").lower() not in _NUMBERS:
        return text
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where} is no number but '{text[:60]}'") from None
