"""Time to an accuracy on heat, of our solvers and of other packages, from small to large problems.

A gap is (E − E*) / |E*|, where Newton's method finds the minimum E* to machine precision. Times
include set-up (hierarchies, factors, fits) and solving. They exclude imports and compilers, which
have run before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import Report, Say, figures, jax_peers, missing, peers, torch_peers
from bench.problems import Heat, pose, tiny
from bench.race import GAPS, Candidate, Row, compared, ours, ranking, table, warmed
from meshrep.base.backends import installed
from meshrep.base.tables import duration, markdown

PROBLEMS = (
    Heat("bunny.ply", "ends", 4), Heat("bunny.ply", "random", 4),
    Heat("lattice:50x50", "strip", 4), Heat("lattice:50x50", "random", 4),
    Heat("lattice:316x316", "strip", 10), Heat("lattice:50x50x50", "strip", 10),
    Heat("lattice:1000x1000", "random", 10), Heat("lattice:1000x1000", "strip", 25),
)  # fmt: skip
QUICK_PROBLEMS = (Heat("bunny.ply", "ends", 1), Heat("lattice:150x150", "strip", 1))

# Our solvers by name; a name that is not known has no row.
NAMES = ("lbfgs", "lbfgs-newton", "lbfgs-scipy", "newton", "gcn", "gcn-res", "adam", "nesterov",
         "heavy-ball", "gd", "rk4")  # fmt: skip
PACKAGES = ("pyamg", "torch", "jax", "optax", "optimistix")


def entrants() -> list[Candidate]:
    """Return every row, whatever is installed."""
    return ours(NAMES) + peers.PEERS + torch_peers.PEERS + jax_peers.PEERS


def run(quick: bool, say: Say) -> Report:
    """Write a table for each problem, and one of the winners."""
    everyone = entrants()
    say("heat: warming up")
    warmed(everyone, tiny())
    data: dict[str, Any] = {}
    for problem in QUICK_PROBLEMS if quick else PROBLEMS:
        say(f"{problem.title}: the minimum")
        posed = pose(problem)
        rows = compared(everyone, posed, quick, say)
        auto = posed.energy.auto_solver[0]
        data[problem.title] = {"n": posed.n, "cap": posed.cap, "auto": auto, "rows": rows}
    return page(data), data


def page(data: dict[str, Any]) -> str:
    """Return the winners' table, followed by one for each problem."""
    text = ["## Heat: time to an accuracy", INTRODUCTION, "### Who wins", winners(data)]
    for title, entry in data.items():
        text += [f"### {title} ({entry['n']:,} nodes)", table(entry["rows"], entry["cap"])]
    text += [missing(*PACKAGES), petsc()]
    return "\n\n".join(part for part in text if part)


def petsc() -> str:
    """Return a sentence if PETSc is missing, which no extra installs."""
    if installed("petsc4py"):
        return ""
    return "The package petsc4py is missing: pip builds PETSc from source, in some ten minutes."


INTRODUCTION = (
    "Quartic baths (λ = 1, T = 1 and 0) on the first and last tenth along the longest side "
    "(“strip”, “ends”), or on as many nodes drawn at random. All solvers begin at the same "
    "random field. Times are seconds from the energy to a relative gap; they include set-up and "
    "exclude imports and compilers. Energies of peers are judged in float64 while their clock "
    "stands still. Times are medians if runs are short enough to be repeated in turn. “Ends at” "
    "is the gap at which a solver's own rule ended it: on a long mesh a small gradient does not "
    "mean a small gap. SciPy's and the sparse Newton methods get our fused gradient; torch and "
    "JAX differentiate the same energy themselves."
)


def winners(data: dict[str, Any]) -> str:
    """Return a table of problems and accuracies: the winner, its time and its lead."""
    text = (
        "The least time, and in brackets how many times longer the next solver takes; ours are "
        "bold. The last column is what `--solver auto` takes, and its time to 1e-6 over the "
        "least."
    )
    head = ["problem", "nodes", *(f"to {gap}" for gap in GAPS), "auto"]
    rows = [
        [title, f"{entry['n']:,}", *(winner(entry["rows"], gap) for gap in GAPS), automatic(entry)]
        for title, entry in data.items()
    ]
    return f"{text}\n\n{markdown(head, rows)}"


def winner(rows: dict[str, Row], gap: str) -> str:
    """Return the quickest solver to a gap, and its lead."""
    found = ranking(rows, gap)
    if not found:
        return "none in time"
    time, label = found[0]
    name = f"**{label}**" if rows[label]["ours"] else label
    lead = f" ({found[1][0] / time:.2g}× {found[1][1]})" if len(found) > 1 else ""
    return f"{name} {duration(time)}{lead}"


def automatic(entry: dict[str, Any]) -> str:
    """Return the solver that auto takes, and its time over the winner's."""
    found = ranking(entry["rows"], GAPS[-1])
    own = next((time for time, label in found if label == entry["auto"]), None)
    return entry["auto"] + (f" ({own / found[0][0]:.2g}×)" if own is not None else "")


def draw(data: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Draw the quickest solvers to the finest accuracy, one panel per problem."""
    panels = {}
    for title, entry in data.items():
        found = ranking(entry["rows"], GAPS[-1])[:8]
        panels[f"{title} ({entry['n']:,} nodes)"] = [
            (label, time, entry["rows"][label]["ours"]) for time, label in found
        ]
    figures.bars(panels, f"seconds to a relative gap of {GAPS[-1]}", folder / "heat.png")
    return [("heat.png", "The quickest to a gap of 1e-6; ours in blue.")]
