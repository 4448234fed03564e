"""One point of the scale suite in a process of its own: time and memory of a step, as JSON.

python scripts/bench/scale_point.py heat lattice:1000x1000 adam 40
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import meshrep
from bench.memory import Peak, resident
from meshrep.energies.heat import HeatBath
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.graphs.cells import TRIANGLE, Cells
from meshrep.graphs.graph import Graph
from meshrep.solving.solve import solve
from meshrep.sources.selection import ends

ROUNDS = 3


def point(physics: str, spec: str, solver: str, steps: int) -> dict[str, Any]:
    """Build a problem, take steps, and return time and memory, in bytes above those of the imports.

    ``peak`` is the most that was held from the making of the graph to the end, ``held`` what graph,
    energy and start hold before the solver runs.
    """
    solve(posed(physics, "ring:64"), solver, max_steps=4, gtol=0.0)  # imports and compilers
    before = resident()
    with Peak() as peak:
        begun = time.perf_counter()
        energy = posed(physics, spec)
        start = energy.random_start(0)
        built = time.perf_counter() - begun
        held = resident()
        seconds, setup = [], []
        for _ in range(ROUNDS):
            took = []
            for count in (steps, 3 * steps):  # the difference is the cost of steps alone
                run = solve(energy, solver, start=start, max_steps=count, gtol=0.0, device="cpu")
                took.append(run.solve_s)
                setup.append(run.setup_s)
                del run
            seconds.append((took[1] - took[0]) / (2 * steps))
    known = before is not None and held is not None
    return {
        "n": energy.graph.n, "m": energy.graph.m, "build_s": built, "setup_s": min(setup),
        "step_s": float(np.median(seconds)), "held": held - before if known else None,
        "peak": None if peak.megabytes is None else 1e6 * peak.megabytes,
    }  # fmt: skip


def posed(physics: str, spec: str) -> Any:
    """Return heat with baths at the ends, or Kuramoto's energy; ``MESH*k`` is cut k times."""
    name, _, times = spec.partition("*")
    graph = meshrep.graph_from(name)
    for _ in range(int(times or 0)):
        graph = subdivided(graph)
    if physics == "kuramoto":
        return Kuramoto(graph)
    if graph.points is None or spec.startswith("ring"):
        return HeatBath(graph, [0], [graph.n // 2])
    cold, hot = ends(graph, 0.1)
    return HeatBath(graph, hot, cold)


def subdivided(graph: Graph) -> Graph:
    """Cut every triangle into four at the middles of its edges; only edges and points are kept."""
    assert graph.points is not None
    low, high = graph.edges.T
    keys = low * graph.n + high  # one number per edge
    order = np.argsort(keys)
    points = np.vstack([graph.points, 0.5 * (graph.points[low] + graph.points[high])])
    halves = graph.n + np.arange(graph.m)
    pairs = [np.stack([low, halves], 1), np.stack([high, halves], 1)]
    sides = []
    for a, b in ((0, 1), (1, 2), (2, 0)):
        ends_of = np.sort(graph.triangles[:, [a, b]], axis=1)
        wanted = ends_of[:, 0] * graph.n + ends_of[:, 1]
        sides.append(graph.n + order[np.searchsorted(keys[order], wanted)])
    x, y, z = sides
    pairs += [np.stack(pair, 1) for pair in ((x, y), (y, z), (z, x))]
    corner = graph.triangles
    faces = np.concatenate([
        np.stack([corner[:, 0], x, z], 1), np.stack([x, corner[:, 1], y], 1),
        np.stack([z, y, corner[:, 2]], 1), np.stack([x, y, z], 1),
    ])  # fmt: skip
    return Graph.from_edges(
        len(points),
        np.concatenate(pairs),
        points=points,
        cells=Cells.of_kind(TRIANGLE, faces),
        name=graph.name,
    )


if __name__ == "__main__":
    print(json.dumps(point(*sys.argv[1:4], int(sys.argv[4]))))  # type: ignore[arg-type]
