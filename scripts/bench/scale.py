"""From 10⁴ to 10⁷ nodes: time and memory of a step, and iterations over the size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench import Report, Say, startup
from bench.figures import Panel, curves
from bench.problems import Heat, pose, tiny
from bench.race import ours, past, runner, warmed
from meshrep.base.tables import duration, markdown
from meshrep.errors import MeshrepError

POINT = Path(__file__).with_name("scale_point.py")
SIDES, QUICK_SIDES = (100, 316, 1000, 3162), (100, 316)
CUTS, QUICK_CUTS = range(2, 6), range(2, 3)  # how often the bunny's triangles are cut into four
STRIPS, QUICK_STRIPS = (32, 100, 316, 1000), (32, 100)
CAP, QUICK_CAP = 30.0, 1.5  # seconds for a solver on a strip
SOLVER = "adam"
NAMES = ("lbfgs", "newton")
WORK = 2e8  # nodes times steps of a timing


def run(quick: bool, say: Say) -> Report:
    """Write a table of steps, and one of iterations."""
    series = {
        "heat, lattice": [("heat", f"lattice:{s}x{s}") for s in (QUICK_SIDES if quick else SIDES)],
        "Kuramoto, lattice": [
            ("kuramoto", f"lattice:{s}x{s}") for s in (QUICK_SIDES if quick else SIDES)
        ],
        "heat, bunny cut": [
            ("heat", f"bunny.ply*{k}") for k in (QUICK_CUTS if quick else CUTS)
        ],
    }  # fmt: skip
    steps = {}
    for name, points in series.items():
        steps[name] = []
        for physics, spec in points:
            say(f"scale: {name}, {spec}")
            steps[name].append(measured(physics, spec))
    iterations = counted(quick, say)
    data = {"steps": steps, "iterations": iterations}
    text = [
        "## Scale",
        f"A fused step of `{SOLVER}` and the memory of a whole run (graph, energy, solver), each "
        "point in a process of its own. Bytes are the most that was held, less what the imports "
        "hold, per node; “before solving” is what graph, energy and start hold.",
        steps_table(steps),
        linearity(steps),
        "### Iterations against size",
        "Steps of each solver to a relative gap of 1e-6 on lattices with quartic strip baths, "
        "whose condition number grows as the number of nodes.",
        iterations_table(iterations),
    ]
    return "\n\n".join(text), data


def measured(physics: str, spec: str) -> dict[str, Any]:
    """Measure one point in a process of its own."""
    sides = spec.partition(":")[2].split("x")
    guess = float(np.prod([float(s) for s in sides])) if ":" in spec else 1e5
    steps = int(np.clip(WORK / guess, 20, 2000))
    told = startup.finished((str(POINT), physics, spec, SOLVER, str(steps)), {}).stdout
    try:
        return json.loads(told.splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise MeshrepError(f"{POINT.name} {physics} {spec} said nothing of use") from error


def steps_table(steps: dict[str, list[dict[str, Any]]]) -> str:
    """Return the table of sizes."""
    head = ["problem", "nodes", "step", "a node", "build", "set-up", "before solving", "at most",
            "in all"]  # fmt: skip
    lines = []
    for name, points in steps.items():
        for p in points:
            held, peak = (
                "–" if p[key] is None else f"{p[key] / p['n']:,.0f} B/node"
                for key in ("held", "peak")
            )
            total = "–" if p["peak"] is None else f"{p['peak'] / 1e9:.2f} GB"
            lines.append(
                [name, f"{p['n']:,}", duration(p["step_s"]), f"{1e9 * p['step_s'] / p['n']:.2f} ns",
                 duration(p["build_s"]), duration(p["setup_s"]), held, peak, total]
            )  # fmt: skip
    return markdown(head, lines)


def linearity(steps: dict[str, list[dict[str, Any]]]) -> str:
    """Say how the time of a step per node grows from size to size."""
    said = []
    for name, points in steps.items():
        each = [p["step_s"] / p["n"] for p in points]
        pairs = zip(points, points[1:], each, each[1:], strict=False)
        growth = ", ".join(
            f"{after / before:.2f} from {a['n']:,} to {b['n']:,}" for a, b, before, after in pairs
        )
        said.append(f"{name}: {growth}")
    return "Time of a node's step, as a ratio from size to size: " + "; ".join(said) + "."


def counted(quick: bool, say: Say) -> dict[str, dict[str, dict[str, Any]]]:
    """Return {solver: {nodes: steps and seconds to the gap}}, steps None if time was up first."""
    everyone = ours(NAMES)
    warmed(everyone, tiny())
    cap = QUICK_CAP if quick else CAP
    found: dict[str, dict[str, dict[str, Any]]] = {entrant.label: {} for entrant in everyone}
    for side in QUICK_STRIPS if quick else STRIPS:
        posed = pose(Heat(f"lattice:{side}x{side}", "strip", cap))
        for entrant in everyone:
            if posed.n > entrant.most:
                continue
            say(f"scale: {posed.title}, {entrant.label}")
            history = past(runner(entrant, posed).run().raise_if_interrupted())
            level = posed.reference.level(1e-6)
            found[entrant.label][str(posed.n)] = {
                "steps": history.steps_to(level), "seconds": history.time_to(level),
            }  # fmt: skip
    return found


def iterations_table(found: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Return the table of solvers and sizes."""
    sizes = sorted({int(n) for row in found.values() for n in row})
    lines = []
    for name, row in found.items():
        cells = [f"**{name}**"]
        for n in sizes:
            entry = row.get(str(n))
            if entry is None:
                cells.append("–")
            elif entry["steps"] is None:
                cells.append("not in time")
            else:
                cells.append(f"{entry['steps']:,} ({duration(entry['seconds'])})")
        lines.append(cells)
    return markdown(["solver", *(f"{n:,} nodes" for n in sizes)], lines)


def slope(
    name: str, lines: dict[str, list[tuple[float, float]]], power: float
) -> dict[str, list[tuple[float, float]]]:
    """A guide ∝ n^power through the first point of the first line, over the sizes of all lines."""
    sizes = sorted({n for points in lines.values() for n, _ in points})
    start = next((points[0] for points in lines.values() if points), None)
    if start is None or len(sizes) < 2:
        return {}
    return {name: [(n, start[1] * (n / start[0]) ** power) for n in (sizes[0], sizes[-1])]}


def draw(data: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Draw time and memory of a step, and iterations, over the number of nodes."""
    steps = data["steps"]
    time = {name: [(p["n"], p["step_s"]) for p in points] for name, points in steps.items()}
    memory = {
        name: [(p["n"], p["peak"] / p["n"]) for p in points if p["peak"]]
        for name, points in steps.items()
    }
    panels = [
        Panel("a step of adam", "nodes", "seconds", time, guides=slope("∝ n", time, 1.0),
              markers=True),
        Panel("memory of a run", "nodes", "bytes per node", memory, log="x", markers=True,
              bottom=0.0),
    ]  # fmt: skip
    curves(panels, folder / "scale.png")
    counts = {
        name: [(int(n), entry["steps"]) for n, entry in row.items() if entry["steps"]]
        for name, row in data["iterations"].items()
    }
    counts = {name: points for name, points in counts.items() if points}
    panel = Panel("steps to a gap of 1e-6, strip baths", "nodes", "steps", counts,
                  guides=slope("∝ √n ∝ √κ", counts, 0.5), markers=True)  # fmt: skip
    curves([panel], folder / "iterations.png", legend="beside")
    return [
        ("scale.png", "Time of a step, and memory a node, against the number of nodes."),
        ("iterations.png", "Steps to a gap of 1e-6 against the number of nodes."),
    ]
