"""The papers' claims on clouds, judged by the contests, and the tables of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from bench.papers_clouds import COUNTS, Cell, standing

from meshrep.base.outcome import Result
from meshrep.base.tables import markdown, number, spread, times
from meshrep.solving.standings import geometric_mean
from papers.claims import Claim, Verdict, judged
from papers.clouds.runs import NETWORK, PAPERS_ADAM, PAPERS_NETWORK, SHARE
from papers.row import Pieces

CLAIMED = 4.0  # gain in training time
NEAR, FAR = 0.75, 2.0  # shares of the claim from which on a gain is as claimed, and far above it
HALF = (0.35, 0.65)  # shares of the gain in training that count as half of it
FASTER = 1.2  # ratio from which on a solver is faster, and a gain greater
ENOUGH = 2 / 3  # least share of the seeds in which both must arrive
TOLD = 2 / 3  # least share of the cells that must be judged
SMALLEST = 100  # fewest points of a cloud that decide anything

Place = tuple[int, float]  # points, range
Cells = Mapping[Place, Cell]


def read(data: Mapping[str, Any], yardstick: str, share: float = SHARE) -> Cell:
    """Return a contest as a Cell, with the level at a share of the fall."""
    return Cell(standing(data["runs"]), yardstick, f"{share:g}")


def fallen(done: Pieces) -> dict[Place, Mapping[str, Any]]:
    """Return the contests by size and range, without those in which Adam does not fall."""
    return {
        (data["n"], data["bound"]): data
        for data in done.values()
        if "fell" in data and data["fell"] == data["seeds"]
    }


def cells_of(done: Pieces, papers: bool, share: float = SHARE) -> dict[Place, Cell]:
    """Return contests measured against Adam at the papers' rate, or against its best rate."""
    return {
        place: read(data, PAPERS_ADAM if papers else data["tuned"], share)
        for place, data in fallen(done).items()
    }


def gain(cell: Cell, label: str, count: str, least: float = ENOUGH) -> float:
    """Return the mean of a solver's gains; NaN if both arrive in too small a share of the seeds."""
    found = cell.gains(label, count)
    seeds = len(cell.runs[label].runs)
    return geometric_mean(found).value if len(found) >= max(least * seeds, 1) else float("nan")


def places(cells: Cells, label: str, counts: Sequence[str]) -> str:
    """Return gains by cell, as "100 points: 3.1× / 2.4× at 2, …", or that too few arrive."""

    def shown(cell: Cell) -> str:
        values = [gain(cell, label, count) for count in counts]
        if not np.isnan(values[0]):
            return " / ".join(map(times, values))
        there, of = len(cell.gains(label, counts[0])), len(cell.runs[label].runs)
        return f"both arrive in {there} of {of}"

    return by_size({place: shown(cell) for place, cell in cells.items()})


def by_size(told: Mapping[tuple[int, float], str]) -> str:
    """Join words on every cell, as "100 points: 3.1× at 1, 3.4× at 2; 200 points: …"."""
    return "; ".join(
        f"{n} points: "
        + ", ".join(f"{words} at {bound:g}" for (size, bound), words in told.items() if size == n)
        for n in dict.fromkeys(n for n, _ in told)
    )


def claims_of(done: Pieces) -> list[Claim]:
    """Return the papers' claims on the clouds that were run."""
    tuned, papers = cells_of(done, papers=False), cells_of(done, papers=True)
    if not tuned:
        return []
    claims = [
        as_much(
            papers, PAPERS_NETWORK, "the network trains some 4 times faster than Adam at its rate"
        ),
        as_much(tuned, NETWORK, "the same where Adam's rate is searched"),
        halved(papers),
        rising(papers, PAPERS_NETWORK, "the gain grows with the range, Adam at the papers' rate"),
        rising(tuned, NETWORK, "the same where Adam's rate is searched"),
    ]
    if max(n for n, _ in tuned) < SMALLEST:
        claims = [replace(claim, verdict=Verdict.OPEN) for claim in claims]
    return claims


def told(passed: Sequence[bool | None]) -> Verdict:
    """Return the verdict on the cells that can be judged; OPEN if too few can."""
    known = [one for one in passed if one is not None]
    return judged(known) if len(known) >= max(TOLD * len(passed), 1) else Verdict.OPEN


def as_much(cells: Cells, label: str, says: str) -> Claim:
    """Judge whether steps and training time fall by the factor claimed; less is in part."""
    least = [min(gain(c, label, "steps"), gain(c, label, "seconds")) for c in cells.values()]
    passed = [None if np.isnan(value) else value >= NEAR * CLAIMED for value in least]
    verdict = told(passed)
    if verdict is Verdict.NOT and not any(value < FASTER for value in least):
        verdict = Verdict.IN_PART  # faster, by less
    far = sum(value >= FAR * CLAIMED for value in least)
    seen = f"`{label}`, gain in steps / training time: " + places(
        cells, label, ("steps", "seconds")
    )
    if far:
        seen += f"; far above {CLAIMED:g}× in {far} of {len(least)}"
    return Claim(says, verdict, seen)


def halved(cells: Cells) -> Claim:
    """Judge whether the gain in total time is half of that in training time."""
    shares = {
        place: gain(cell, PAPERS_NETWORK, "total") / gain(cell, PAPERS_NETWORK, "seconds")
        for place, cell in cells.items()
    }
    passed = [None if np.isnan(s) else HALF[0] <= s <= HALF[1] for s in shares.values()]
    words = by_size(
        {place: "–" if np.isnan(share) else f"{share:.0%}" for place, share in shares.items()}
    )
    seen = f"of the gain in training time is left, Adam at the papers' rate: {words}"
    return Claim("with the fit counted about half of the gain is left", told(passed), seen)


def rising(cells: Cells, label: str, says: str) -> Claim:
    """Judge whether the gain in steps grows from the smallest to the largest box, size by size.

    It must also be a gain in the largest box. Only boxes that can be judged count. Steps do not
    depend on the load of the machine.
    """
    passed: list[bool | None] = []
    words: dict[tuple[int, float], str] = {}
    for n in dict.fromkeys(n for n, _ in cells):
        row = {bound: gain(cell, label, "steps") for (m, bound), cell in cells.items() if m == n}
        if len(row) < 2:
            continue
        words |= {(n, bound): times(value) for bound, value in row.items()}
        known = [value for _, value in sorted(row.items()) if not np.isnan(value)]
        enough = len(known) >= max(2, TOLD * len(row))
        passed.append(known[-1] >= FASTER * max(known[0], 1 / FASTER) if enough else None)
    return Claim(says, judged(passed), f"`{label}`, gain in steps: {by_size(words)}")


def gains_words(cells: Cells, label: str) -> str:
    """Return the geometric means of three gains over the cells that can be judged."""
    means = [
        geometric_mean([gain(cell, label, count) for cell in cells.values()]).value
        for count in COUNTS
    ]
    return "nothing that can be told" if np.isnan(means).any() else ", ".join(map(times, means))


def loss_table(done: Pieces) -> str:
    """Return a table of every solver's ends, steps and seconds, and of how many runs were flat."""
    contests = fallen(done)
    rows: dict[str, list[str]] = {}
    for label in dict.fromkeys(label for data in contests.values() for label in data["runs"]):
        for data in contests.values():
            rows.setdefault(label, []).append(_end(data, label))
    note = (
        "In brackets: steps, seconds of training (and of the fit), and the number of seeds in "
        "which the run was flat and not at its most steps. * tuned adam, † with the best rate at "
        "an edge of those tried."
    )
    return f"{_grid(list(contests), rows)}\n\n{note}"


def _end(data: Mapping[str, Any], label: str) -> str:
    if label not in data["runs"]:
        return "–"
    runs = read(data, data["tuned"]).runs[label]
    prefit, seconds = runs.column("prefit"), runs.column("seconds")
    fit = f" + {number(prefit.mean(), 2)}" if prefit.any() else ""
    flat = sum(run["result"] == Result.FLAT.word for run in runs.runs)
    mark = "*" * (label == data["tuned"])
    if mark and label in edges(data["runs"]):
        mark += "†"
    return (
        f"{spread(runs.column('energy'))}{mark} ({number(runs.column('steps').mean(), 3)}; "
        f"{number(seconds.mean(), 2)}{fit} s; {flat} of {len(runs.runs)})"
    )


def edges(labels: Mapping[str, Any]) -> list[str]:
    """Return the labels of the lowest and the highest rate of Adam among those tried."""
    tried = sorted(
        (label for label in labels if label.startswith("adam ")),
        key=lambda label: float(label.split()[1]),
    )
    return [tried[0], tried[-1]] if len(tried) > 1 else []


def gain_table(cells: Cells) -> str:
    """Return a table of the gains in steps / training / total time, and in how many seeds."""
    rows: dict[str, list[str]] = {}
    for label in dict.fromkeys(label for cell in cells.values() for label in cell.runs):
        for cell in cells.values():
            rows.setdefault(label, []).append(_gains(cell, label))
    return _grid(list(cells), rows)


def _gains(cell: Cell, label: str) -> str:
    if label not in cell.runs:
        return "–"
    seeds = len(cell.runs[label].runs)
    found = [cell.gains(label, count) for count in COUNTS]
    there = len(found[0])
    if not there:
        return f"– (0 of {seeds})"
    steps = found[0]
    span = f"; {number(float(steps.min()), 2)} to {number(float(steps.max()), 2)}" * (there > 1)
    shown = " / ".join(times(geometric_mean(several).value) for several in found)
    return f"{shown} ({there} of {seeds}{span})"


def _grid(columns: Sequence[Place], rows: Mapping[str, Sequence[str]]) -> str:
    """Return a table for each size, with a column for each range."""
    tables = []
    for size in dict.fromkeys(n for n, _ in columns):
        here = [k for k, (n, _) in enumerate(columns) if n == size]
        head = [f"{size} points", *(f"range {columns[k][1]:g}" for k in here)]
        lines = [[label, *(row[k] for k in here)] for label, row in rows.items()]
        tables.append(markdown(head, lines))
    return "\n\n".join(tables)


def late_words(done: Pieces, share: float) -> str:
    """Return the same two gains at a level nearer to Adam's end."""
    tuned, papers = (cells_of(done, papers, share) for papers in (False, True))
    return (
        f"At {share:.0%} of the fall instead of {SHARE:.0%}, gains in steps: `{PAPERS_NETWORK}` "
        f"over adam at the papers' rate {places(papers, PAPERS_NETWORK, ['steps'])}; "
        f"`{NETWORK}` over tuned adam {places(tuned, NETWORK, ['steps'])}."
    )
