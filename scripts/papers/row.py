"""What a row is: a claim, work in pieces that are kept one by one, and what the pieces say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from papers.claims import Verdict

Say = Callable[[str], None]  # told what runs now
Piece = Callable[[Say], dict[str, Any]]  # gives plain data, as JSON holds it
Pieces = Mapping[str, dict[str, Any]]
Figures = list[tuple[str, str]]  # (file name, caption)


def folded(title: str, text: str) -> str:
    """Markdown that a reader opens by a click."""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def numbers(values: list[float | None]) -> np.ndarray:
    """Plain data as an array, what is missing as NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


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
