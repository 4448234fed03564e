"""The papers' claims, the verdict on each, and the verdict on all of them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from meshrep.base.tables import markdown


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
        What the papers say.
    verdict : Verdict
        OPEN if too few runs arrive to tell, which ``seen`` then says.
    seen : str
        The figures that decide, with the level and the solver that they are measured against.
    """

    says: str
    verdict: Verdict
    seen: str


def claim_table(claims: Sequence[Claim]) -> str:
    """Return the claims as a section in Markdown; empty if there are none."""
    rows = [(claim.says, claim.verdict.value, claim.seen) for claim in claims]
    table = markdown(("the papers say", "it", "seen"), rows)
    return f"### Claim by claim\n\n{table}" if rows else ""


def together(claims: Sequence[Claim]) -> Verdict:
    """Return the verdict on all claims.

    It is IN_PART if settled claims differ, whatever the open ones turn out to be. It is OPEN if
    there are no claims, or if an open one could make the difference.
    """
    found = {claim.verdict for claim in claims}
    settled = found - {Verdict.OPEN}
    if len(settled) > 1 or Verdict.IN_PART in settled:
        return Verdict.IN_PART
    return settled.pop() if settled == found and settled else Verdict.OPEN


def judged(passed: Sequence[bool | None]) -> Verdict:
    """Return HOLDS, IN_PART or NOT if all, some or none of the cases pass.

    OPEN if there are no cases, or if one of them is None, which cannot be told.
    """
    if not passed or None in passed:
        return Verdict.OPEN
    return Verdict.HOLDS if all(passed) else Verdict.IN_PART if any(passed) else Verdict.NOT


def counted(claims: Sequence[Claim]) -> str:
    """Say how many claims of a row hold, hold in part, do not hold, and are open."""
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
