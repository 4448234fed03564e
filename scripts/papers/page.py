"""The page of a row, its JSON and its figures, and the page of all rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import machine

from meshrep.base.backends import installed
from meshrep.base.tables import markdown
from meshrep.view.write import write_json, write_text
from papers.claims import Verdict
from papers.ledger import Ledger
from papers.row import Row

TERMS = """P1 is "Accelerating Optimization using Neural Reparametrization" (Dehmamy, Both,
Mohsenzadeh, Wang). P2 is "Faster Optimization on Sparse Graphs via Neural Reparametrization"
(Both, Dehmamy, Long, Yu).

*From the papers' start* a network begins at its own first output, while Adam begins at a random
field; *from the shared start* all begin at the same field. *Tuned* means that rates were searched
on the same seeds, in favour of what is tuned. The rate shown takes the fewest steps, or the least
time if steps cost different times; *(edge)* says that it is the lowest or the highest of those
tried, so that a better one may lie beyond. Steps and times are counted to a level: 1e-3 is reached
when a thousandth is left of the fall from the shared start to the least energy known. A gain of 2×
over another means half its steps or time. It is the geometric mean over the seeds in which both
arrive (with their number, if not all), with the least and the greatest in brackets. Times are of
solving, after a warm-up. Every end is judged in float64 by the same evaluation."""

HEAD = f"""# The papers, row by row

Each row says what a paper claims, what was run here, and whether the claim holds.

{TERMS}"""


def wanted_of(row: Row, ledger: Ledger, quick: bool) -> dict[str, dict[str, Any]]:
    """Return the pieces that are done among those that the row has now, in its order."""
    pieces = ledger.pieces()
    return {key: pieces[key] for key in row.pieces(quick) if key in pieces}


def body(row: Row, ledger: Ledger, quick: bool, place: Path, link: str) -> tuple[str, str, str]:
    """Write a row's figures to ``place``, linked under ``link``; return section, verdict, why."""
    wanted, done = len(row.pieces(quick)), wanted_of(row, ledger, quick)
    head = [
        f"## {row.title}",
        f"`python scripts/reproduce.py {row.name}{' --quick' if quick else ''}` · {row.source}",
        f"**Claim.** {row.claim}",
        f"**Here.** {row.setting}",
    ]
    if not done:
        return "\n\n".join([*head, "Not run yet."]), "not run yet", ""
    data = {key: piece["data"] for key, piece in done.items()}
    finding = row.findings(data)
    verdict, why = finding.verdict, finding.why
    if len(done) < wanted:
        verdict = Verdict.OPEN
        why = f"only {len(done)} of {wanted} pieces are done. So far: {why}"
    parts = [*head, f"**The claim {verdict.value}:** {why}", finding.text]
    if installed("matplotlib"):
        place.mkdir(parents=True, exist_ok=True)
        for file, caption in row.draw(data, place):
            parts.append(f"![{caption}]({link}{file})\n\n*{caption}*")
    parts.append(provenance(done, wanted, quick))
    return "\n\n".join(parts), verdict.value, why


def provenance(done: dict[str, Any], wanted: int, quick: bool) -> str:
    """Say how long the pieces took, on which machine, and whether all of them are there."""
    seconds = sum(piece["seconds"] for piece in done.values())
    dates = sorted({piece["machine"]["date"] for piece in done.values()})
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    text = f"{len(done)} of {wanted} pieces, {seconds:,.0f} s, {when}."
    return f"*{text}{' A quick run: smaller and fewer.' if quick else ''}*"


def write_row(row: Row, ledger: Ledger, quick: bool) -> tuple[Path, str]:
    """Write ``README.md``, ``result.json`` and the figures of a row beside its ledger.

    Returns
    -------
    Path
        Of the page.
    str
        The verdict.
    """
    text, verdict, _ = body(row, ledger, quick, ledger.place, "")
    result = {
        "row": row.name, "source": row.source, "claim": row.claim, "verdict": verdict,
        "pieces": {k: piece["data"] for k, piece in wanted_of(row, ledger, quick).items()},
    }  # fmt: skip
    write_json(result, ledger.place / "result.json")
    text += f"\n\n### How to read this\n\n{TERMS}\n"
    return write_text(text, ledger.place / "README.md"), verdict


def write_page(rows: Sequence[Row], ledgers: Sequence[Ledger], quick: bool, path: Path) -> Path:
    """Write all rows on one page, a table of verdicts first, figures in the folder of its name."""
    sections, verdicts = [], []
    newest: dict[str, Any] | None = None
    for row, ledger in zip(rows, ledgers, strict=True):
        place = path.with_suffix("") / row.name
        text, verdict, why = body(row, ledger, quick, place, f"{path.stem}/{row.name}/")
        sections.append(text)
        anchor = row.title.lower().replace(" ", "-")
        anchor = "".join(c for c in anchor if c.isalnum() or c in "-_")
        verdicts.append((f"[{row.title}](#{anchor})", verdict, why))
        for piece in wanted_of(row, ledger, quick).values():
            if newest is None or piece["machine"]["date"] > newest["date"]:
                newest = piece["machine"]
    table = markdown(("row", "the claim", "in short"), verdicts)
    parts = [HEAD, *([machine.words(newest, ())] if newest else []), table, *sections]
    return write_text("\n\n".join(parts) + "\n", path)
