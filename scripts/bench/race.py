"""Candidates on one problem: which ones run, how often, and the table of their times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import Say
from bench.problems import Posed
from meshrep.base.backends import installed
from meshrep.base.outcome import History
from meshrep.base.tables import duration, markdown
from meshrep.errors import MeshrepError
from meshrep.solving.catalogue import known_solvers
from meshrep.solving.contest import Runner
from meshrep.solving.entrants import Entrant
from meshrep.solving.solution import Solution
from meshrep.solving.solve import solve

GAPS = ("1e-2", "1e-4", "1e-6")
AGREEMENT = 1e-9  # relative, between the energies that a solver reports and the judge's
FAMILIES = ("multilevel", "spectral", "sobolev")  # all named solvers whose names begin so
# Nodes above which a solver or a family cannot arrive within its time.
MOST = dict.fromkeys(("adam", "heavy-ball", "gd", "rk4", "gcn", "sobolev"), 200_000)

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Candidate(Entrant):
    """An entrant that may not run everywhere.

    Attributes
    ----------
    needs : tuple of str
        Packages without which it cannot run.
    most : float
        Nodes of a problem above which it is left out.
    flat : bool
        Whether it is left out of problems in three dimensions.
    """

    needs: tuple[str, ...] = ()
    most: float = np.inf
    flat: bool = False

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.needs if not installed(package)]


def ours(names: Iterable[str]) -> list[Candidate]:
    """Return a candidate for each of our solvers among the names, and for those of the families."""
    known = known_solvers()
    wanted = [name for name in names if name in known]
    wanted += [name for name in known if name.startswith(FAMILIES) and name not in wanted]
    return [
        Candidate(name, name, most=MOST.get(name, MOST.get(name.split("-")[0], np.inf)))
        for name in wanted
    ]


def runner(candidate: Candidate, posed: Posed) -> Runner:
    """Return a candidate's runner on a problem, until the finest gap or the end of its time."""
    return Runner(
        posed.energy, candidate, posed.start, until=posed.reference.level(float(GAPS[-1])),
        max_seconds=posed.cap, device="cpu",
    )  # fmt: skip


def past(end: Solution) -> History:
    """Return the history of a run, with its set-up included in the times."""
    return end.history.delayed(end.setup_s + end.prefit_s)


def warmed(everyone: Sequence[Candidate], small: Posed) -> None:
    """Run everything once on a small problem, for imports and compilers.

    This also checks the energies that our solvers report.
    """
    for candidate in everyone:
        if not candidate.missing:
            runner(candidate, small).run().raise_if_interrupted()
            if candidate.peer is None:
                judged(candidate, small)


def judged(candidate: Candidate, posed: Posed) -> None:
    """Check the energies that a solver of ours reports against those of the judge.

    Raises
    ------
    MeshrepError
        If they differ.
    """
    energy = posed.energy
    end = solve(energy, candidate.solver, start=posed.start, sample=energy.value, device="cpu")
    steps, energies = np.array(end.history.step), np.array(end.history.energy)
    for sample in end.samples:
        # Two stages share a step; the last sample is of the best state, from whatever step.
        near = (steps == sample.step) | (steps == sample.step - 1)
        reported = energies if sample is end.samples[-1] else energies[near]
        off = float(np.abs(reported - sample.value).min(initial=np.inf))
        if len(reported) and not off <= AGREEMENT * posed.reference.scale:
            raise MeshrepError(f"{candidate.label} reports energies that are off by {off:.1e}")


def compared(everyone: Sequence[Candidate], posed: Posed, quick: bool, say: Say) -> dict[str, Row]:
    """Run every candidate on one problem once, and then the short runs again, in turn."""
    rows: dict[str, Row] = {}
    runners: dict[str, Runner] = {}
    runs: dict[str, list[Solution]] = {}
    for candidate in everyone:
        reason = why_not(candidate, posed)
        if reason:
            rows[candidate.label] = {"reason": reason}
            continue
        say(f"{posed.title}: {candidate.label}")
        its = runner(candidate, posed)
        runs[candidate.label] = [its.run().raise_if_interrupted()]
        if repeats(runs[candidate.label][0], quick) > 1:
            runners[candidate.label] = its
    for number in range(1, 5):
        for label, its in runners.items():
            if number < repeats(runs[label][0], quick):
                runs[label].append(its.run().raise_if_interrupted())
    for candidate in everyone:
        if candidate.label in runs:
            rows[candidate.label] = {"ours": candidate.peer is None, "reason": ""} | measured(
                runs[candidate.label], posed
            )
    return rows


def measured(runs: Sequence[Solution], posed: Posed) -> Row:
    """Return the medians over the runs of one candidate as plain data; times include set-up."""
    pasts = [past(end) for end in runs]
    to: dict[str, float | None] = {}
    steps: dict[str, int | None] = {}
    for gap in GAPS:
        level = posed.reference.level(float(gap))
        times = [history.time_to(level) for history in pasts]
        reached = [time for time in times if time is not None]
        to[gap] = float(np.median(reached)) if len(reached) == len(runs) else None
        steps[gap] = pasts[0].steps_to(level)
    return {
        "to": to,
        "steps": steps,
        "setup_s": float(np.median([end.setup_s + end.prefit_s for end in runs])),
        "seconds": float(np.median([history.seconds[-1] for history in pasts])),
        "end_gap": posed.reference.gap(float(pasts[0].best_energy()[-1])),
        "runs": len(runs),
    }


def why_not(candidate: Candidate, posed: Posed) -> str:
    """Return why a candidate does not run on a problem; empty if it does."""
    if candidate.missing:
        return f"{candidate.missing[0]} is missing"
    if posed.n > candidate.most or (candidate.flat and not posed.flat):
        return "left out at this size"
    return ""


def repeats(first: Solution, quick: bool) -> int:
    """Return how often to run a candidate, given its first run."""
    seconds = past(first).seconds[-1]
    return (3 if quick else 5) if seconds < 0.5 else (3 if seconds < 2 and not quick else 1)


def order(row: Row) -> tuple[float, ...]:
    """Return a key that sorts rows by the time to the finest accuracy that they reach."""
    times = [row.get("to", {}).get(gap) for gap in reversed(GAPS)]
    return (*(np.inf if time is None else time for time in times), row.get("end_gap") or np.inf)


def table(rows: dict[str, Row], cap: float) -> str:
    """Return the table of solvers, sorted by their time."""
    best = min((order(row)[0] for row in rows.values()), default=np.inf)
    head = ["solver", *(f"to {gap}" for gap in GAPS), "steps", "times the best"]
    lines = []
    for label, row in sorted(rows.items(), key=lambda item: order(item[1])):
        name = f"**{label}**" if row.get("ours") else label
        if row["reason"]:
            lines.append([name, row["reason"], *["–"] * (len(head) - 2)])
            continue
        times = [duration(row["to"][gap]) if row["to"][gap] is not None else instead(row, cap)
                 for gap in GAPS]  # fmt: skip
        steps = row["steps"][GAPS[-1]]
        finest = row["to"][GAPS[-1]]
        ratio = "–" if finest is None else f"{finest / best:,.3g}"
        shown = "–" if steps is None else f"{steps:,}"
        lines.append([name, *times, shown, ratio])
    return markdown(head, lines)


def instead(row: Row, cap: float) -> str:
    """Return the text in place of a time that was not reached."""
    if row["seconds"] >= 0.95 * cap:
        return f"> {cap:g} s"
    return f"ends at {row['end_gap']:.0e}"


def ranking(rows: dict[str, Row], gap: str) -> list[tuple[float, str]]:
    """Return (seconds, solver) of those that reach a gap, the quickest first."""
    times = {label: row.get("to", {}).get(gap) for label, row in rows.items()}
    return sorted((time, label) for label, time in times.items() if time is not None)
