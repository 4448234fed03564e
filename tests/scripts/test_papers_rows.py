"""What the papers' rows share: claims, their verdicts, and pictures of curves."""

import pytest
from bench import figures
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


@pytest.mark.slow
def test_lines_that_share_a_colour_differ_in_style(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    made = []
    canvas = figures.canvas
    monkeypatch.setattr(figures, "canvas", lambda *size: made.append(canvas(*size)) or made[-1])
    many = {f"line {k}": [[1, 1], [2, k + 1]] for k in range(12)}
    second = {"seen": [[1, 1], [2, 90]], "told": [[1, 1], [2, 80]]}
    guides = {"∝ n": [[1, 1], [2, 2]]}
    told = frozenset({"told"})
    panels = [
        figures.Panel("a", "x", "y", many),
        figures.Panel("b", "x", "y", second, told, guides, log=""),
    ]
    figures.curves(panels, tmp_path / "lines.png", legend="beside")
    axes = made[0][1]
    drawn = {(line.get_color(), line.get_linestyle()) for line in axes[0].get_lines()}
    assert len(drawn) == 12
    seen, told, guide = axes[1].get_lines()
    assert seen.get_color() == told.get_color() != guide.get_color()
    assert [line.get_linestyle() for line in (seen, told, guide)] == ["-", ":", ":"]
    assert (axes[0].get_xscale(), axes[1].get_yscale()) == ("log", "linear")
    texts = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert texts == ["seen", "told", "∝ n"]
    figures.curves(panels[:1] * 2, tmp_path / "below.png", legend="below")
    (legend,) = made[1][0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(many)
    assert all(axis.get_legend() is None for axis in made[1][1])
