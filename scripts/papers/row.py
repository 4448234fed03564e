"""What a row is: a claim, work in pieces that are kept one by one, and what the pieces say."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
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
    OPEN = "is not settled by a small run"


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
