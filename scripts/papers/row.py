"""A row: its claim, its work in pieces that are kept one by one, and its finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from papers.claims import Verdict

Say = Callable[[str], None]  # is told what runs now
Piece = Callable[[Say], dict[str, Any]]  # returns plain data, as JSON holds it
Pieces = Mapping[str, dict[str, Any]]
Figures = list[tuple[str, str]]  # (file name, caption)


def folded(title: str, text: str) -> str:
    """Return Markdown that a reader opens by a click."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def numbers(values: list[float | None]) -> np.ndarray:
    """Return plain data as an array, with NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


@dataclass(frozen=True)
class Finding:
    """What the pieces of a row say.

    Attributes
    ----------
    verdict : Verdict
        Computed from the data.
    why : str
        One sentence that continues "holds: ", with the figures that decide.
    text : str
        Tables in Markdown, with headings from ``###`` on.
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
        Its name on the command line.
    title : str
        Its title on the page.
    source : str
        Paper, section and figures.
    claim : str
        What the papers say, in a sentence or two.
    setting : str
        What is run here, with the values chosen where the papers give none.
    pieces : callable
        ``pieces(quick)`` returns the work by key, in the order in which it runs. A finished piece
        is not run again.
    findings : callable
        ``findings(pieces)`` takes the data that are there, which may be a part.
    draw : callable
        ``draw(pieces, folder)`` writes figures and returns their names.
    needs : tuple of str
        Packages without which it cannot run.
    version : int
        Version of its settings and of the data in its pieces. Raise it with every change to them,
        so that a run does not continue from pieces of other settings.
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
