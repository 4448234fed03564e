"""What the papers' rows share: claims, their verdicts, and pictures of curves."""

import pytest
from bench import figures
from papers import drawing
from papers.claims import Claim, Verdict, claim_table, counted, judged, together


def test_claims_make_a_verdict_and_a_table():
    right, wrong = Claim("it is", Verdict.HOLDS, "2×"), Claim("so", Verdict.NOT, "1×")
    assert together([right, right]) is Verdict.HOLDS and together([wrong]) is Verdict.NOT
    assert together([right, wrong]) is Verdict.IN_PART and together([]) is Verdict.OPEN
    unknown = Claim("or not", Verdict.OPEN, "1 of 5 seeds arrive")
    assert together([right, unknown]) is Verdict.OPEN
    assert together([right, unknown, wrong]) is Verdict.IN_PART
    assert judged([True, False]) is Verdict.IN_PART and judged([True, None]) is Verdict.OPEN
    assert judged([True]) is Verdict.HOLDS and judged([False]) is Verdict.NOT
    assert counted([right, wrong, right]) == "of 3 claims 2 hold, 1 does not hold"
    lines = claim_table([right, wrong]).splitlines()
    assert lines[0] == "### Claim by claim" and lines[-1] == "| so | does not hold | 1× |"
    assert claim_table([]) == ""


def test_lines_that_share_a_colour_differ_in_style(monkeypatch, tmp_path):
    if not figures.drawable():
        pytest.skip("needs matplotlib")
    made = []
    canvas = figures.canvas
    monkeypatch.setattr(figures, "canvas", lambda *size: made.append(canvas(*size)) or made[-1])
    many = {f"line {k}": [[1, 1], [2, k + 1]] for k in range(12)}
    panels = [drawing.Panel("a", "x", "y", many, ticks=(1, 2)),
              drawing.Panel("b", "x", "y", {"one": [[1, 1], [2, 90]]})]  # fmt: skip
    drawing.curves(panels, tmp_path / "lines.png", shared_y=True)
    first, second = made[0][1][:2]
    drawn = {(line.get_color(), line.get_linestyle()) for line in first.get_lines()}
    assert len(drawn) == 12 and [t.get_text() for t in first.get_xticklabels()] == ["1", "2"]
    assert first.get_ylim() == second.get_ylim() and first.get_ylim()[1] > 90
