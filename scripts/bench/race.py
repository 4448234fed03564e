"""Entrants on one problem: who runs, how often, and the table of their times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bench import Say, figures
from bench.problems import Posed
from bench.runs import GAPS, Entrant, Run, Runner, judged, measured
from meshrep.solving.catalogue import known_solvers

FAMILIES = ("multilevel", "spectral", "sobolev")  # of named solvers: all whose names begin so
# Nodes beyond which a solver or a family has no chance within its time.
MOST = dict.fromkeys(("adam", "heavy-ball", "gd", "rk4", "gcn", "sobolev"), 200_000)

Row = dict[str, Any]


def ours(names: Iterable[str]) -> list[Entrant]:
    """A row for each of our solvers that has a name, and for the families'."""
    known = known_solvers()
    wanted = [name for name in names if name in known]
    wanted += [name for name in known if name.startswith(FAMILIES) and name not in wanted]
    return [
        Entrant(name, solver=name, most=MOST.get(name, MOST.get(name.split("-")[0], np.inf)))
        for name in wanted
    ]


def warmed(everyone: list[Entrant], small: Posed) -> None:
    """Run everything once where it costs nothing, for imports and compilers.

    There, too, energies of our solvers are held against the judge's.
    """
    for entrant in everyone:
        if not entrant.missing:
            Runner(entrant, small).run()
            if entrant.solver:
                judged(entrant, small)


def compared(everyone: list[Entrant], posed: Posed, quick: bool, say: Say) -> dict[str, Row]:
    """Every entrant on one problem: a first run each, then the short ones again, in turn."""
    rows: dict[str, Row] = {}
    runners: dict[str, Runner] = {}
    runs: dict[str, list[Run]] = {}
    for entrant in everyone:
        reason = why_not(entrant, posed)
        if reason:
            rows[entrant.label] = {"reason": reason}
            continue
        say(f"{posed.title}: {entrant.label}")
        runner = Runner(entrant, posed)
        runs[entrant.label] = [runner.run()]
        if repeats(runs[entrant.label][0], quick) > 1:
            runners[entrant.label] = runner
    for number in range(1, 5):
        for label, runner in runners.items():
            if number < repeats(runs[label][0], quick):
                runs[label].append(runner.run())
    for entrant in everyone:
        if entrant.label in runs:
            rows[entrant.label] = {"ours": bool(entrant.solver), "reason": ""} | measured(
                runs[entrant.label], posed
            )
    return rows


def why_not(entrant: Entrant, posed: Posed) -> str:
    """Why an entrant has no run on a problem; empty where it has."""
    if entrant.missing:
        return f"{entrant.missing[0]} is missing"
    if posed.n > entrant.most or (entrant.flat and not posed.flat):
        return "left out at this size"
    return ""


def repeats(first: Run, quick: bool) -> int:
    """How often to run what took as long as the first run."""
    seconds = first.history.seconds[-1]
    return (3 if quick else 5) if seconds < 0.5 else (3 if seconds < 2 and not quick else 1)


def order(row: Row) -> tuple[float, ...]:
    """Sorts rows by time to the finest accuracy that they reach."""
    times = [row.get("to", {}).get(gap) for gap in reversed(GAPS)]
    return (*(np.inf if time is None else time for time in times), row.get("end_gap") or np.inf)


def table(rows: dict[str, Row], cap: float) -> str:
    """Rows of solvers by their time; times in seconds."""
    best = min((order(row)[0] for row in rows.values()), default=np.inf)
    head = ["solver", *(f"to {gap}" for gap in GAPS), "steps", "times the best"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for label, row in sorted(rows.items(), key=lambda item: order(item[1])):
        name = f"**{label}**" if row.get("ours") else label
        if row["reason"]:
            lines.append(f"| {name} | {row['reason']} |" + " – |" * (len(head) - 2))
            continue
        times = [figures.seconds(row["to"][gap]) or instead(row, cap) for gap in GAPS]
        steps = row["steps"][GAPS[-1]]
        finest = row["to"][GAPS[-1]]
        ratio = "–" if finest is None else f"{finest / best:,.3g}"
        shown = "–" if steps is None else f"{steps:,}"
        lines.append(f"| {name} | " + " | ".join([*times, shown, ratio]) + " |")
    return "\n".join(lines)


def instead(row: Row, cap: float) -> str:
    """What stands in place of a time that there is none of."""
    if row["seconds"] >= 0.95 * cap:
        return f"> {cap:g} s"
    return f"ends at {row['end_gap']:.0e}"


def ranking(rows: dict[str, Row], gap: str) -> list[tuple[float, str]]:
    """(seconds, solver) of those that reach a gap, the quickest first."""
    times = {label: row.get("to", {}).get(gap) for label, row in rows.items()}
    return sorted((time, label) for label, time in times.items() if time is not None)
