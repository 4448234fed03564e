"""What a row is: a claim, work in pieces that are kept one by one, and what the pieces say."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Say = Callable[[str], None]  # told what runs now
Piece = Callable[[Say], dict[str, Any]]  # gives plain data, as JSON holds it
Pieces = Mapping[str, dict[str, Any]]
Figures = list[tuple[str, str]]  # (file name, caption)


class Verdict(enum.Enum):
    """Whether what a row claims was seen."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    NOT = "does not hold"
    OPEN = "is not settled by what was run"


@dataclass(frozen=True)
class Claim:
    """One of a row's claims.

    Attributes
    ----------
    says : str
        In the papers' sense.
    verdict : Verdict
        OPEN where too few runs arrive to tell, which ``seen`` then says.
    seen : str
        With the figures that decide, and the level and the yardstick that they are counted to.
    """

    says: str
    verdict: Verdict
    seen: str


def claim_table(claims: Sequence[Claim]) -> str:
    """The claims one by one as a section in Markdown; empty where there are none."""
    lines = [f"| {c.says} | {c.verdict.value} | {c.seen} |" for c in claims]
    head = ["### Claim by claim", "", "| the papers say | it | seen |", "|---|---|---|"]
    return "\n".join([*head, *lines]) if lines else ""


def together(claims: Sequence[Claim]) -> Verdict:
    """The verdict on all of them.

    In part where those that are settled differ, whatever the open ones may turn out to be; OPEN
    where there are none, or where an open one could make the difference.
    """
    found = {claim.verdict for claim in claims}
    settled = found - {Verdict.OPEN}
    if len(settled) > 1 or Verdict.IN_PART in settled:
        return Verdict.IN_PART
    return settled.pop() if settled == found and settled else Verdict.OPEN


def judged(passed: Sequence[bool | None]) -> Verdict:
    """Of cases: holds in all, in some, or in none; OPEN where one cannot be told or none is."""
    if not passed or None in passed:
        return Verdict.OPEN
    return Verdict.HOLDS if all(passed) else Verdict.IN_PART if any(passed) else Verdict.NOT


def counted(claims: Sequence[Claim]) -> str:
    """How many claims of a row hold, hold in part, do not, and are open, as words."""
    words = (
        (Verdict.HOLDS, "holds", "hold"),
        (Verdict.IN_PART, "holds in part", "hold in part"),
        (Verdict.NOT, "does not hold", "do not hold"),
        (Verdict.OPEN, "is open", "are open"),
    )
    told = []
    for verdict, one, several in words:
        if count := sum(claim.verdict is verdict for claim in claims):
            told.append(f"{count} {one if count == 1 else several}")
    return f"of {len(claims)} claims {', '.join(told)}"


def folded(title: str, text: str) -> str:
    """Markdown that a reader opens by a click."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


@dataclass(frozen=True)
class Finding:
    """What a row's pieces say.

    Attributes
    ----------
    verdict : Verdict
        Computed from the data, never written down beforehand.
    why : str
        One sentence that goes on after "holds: ", with the figures that decide.
    text : str
        Tables in Markdown, headings from ``###`` on.
    """

    verdict: Verdict
    why: str
    text: str


@dataclass(frozen=True)
class Row:
    """One experiment of the papers.

    Attributes
    ----------
    name : str
        What it is called on the command line.
    title : str
        What it is called on the page.
    source : str
        Paper, section and figures.
    claim : str
        What the papers say, in a sentence or two.
    setting : str
        What is run here, with the values used where the papers are silent.
    pieces : callable
        ``pieces(quick)``: the work by key, in the order in which it runs. A piece that was
        finished is not run again.
    findings : callable
        ``findings(pieces)`` of the data that is there, which may be a part.
    draw : callable
        ``draw(pieces, folder)`` writes figures and names them.
    needs : tuple of str
        Packages without which it cannot run.
    version : int
        Of its settings and of what its pieces hold: raised with every change to them, so that a
        run does not go on from pieces of other settings.
    """

    name: str
    title: str
    source: str
    claim: str
    setting: str
    pieces: Callable[[bool], Mapping[str, Piece]]
    findings: Callable[[Pieces], Finding]
    draw: Callable[[Pieces, Path], Figures] = field(default=lambda pieces, place: [])
    needs: tuple[str, ...] = ()
    version: int = 1
