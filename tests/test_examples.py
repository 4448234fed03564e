"""Every example runs and ends in the number that it promises; its drawing part runs too."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
NEEDS = {  # parts without which an example, or its drawing part, cannot run
    "compare_solvers": ["pyamg"],
    "explosive": ["networkx"],
    "in_pyvista": ["pyvista", "robust_laplacian"],
    "loops": ["gudhi", "sklearn"],
    "own_optimiser": ["torch"],
    "own_variables": ["networkx"],
    "synchronisation": ["networkx"],
    "two_materials": ["skfem"],
}
DRAWS = {"film": ["matplotlib", "imageio_ffmpeg"], "diagnosis": ["matplotlib"]}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run an example in an empty folder, with what it registers forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("meshrep.solving.catalogue._registered", {})

    def call(path, name, parts):
        for part in parts:
            pytest.importorskip(part)
        return runpy.run_path(str(path), run_name=name)

    return call


def test_there_are_some_and_they_are_short():
    assert len(EXAMPLES) == 16
    assert all(20 <= len(path.read_text().splitlines()) <= 80 for path in EXAMPLES)
    for path in EXAMPLES:  # the gallery of the site takes titles that are underlined
        title, line, *_ = path.read_text().splitlines()
        assert set(line) == {"="} and len(line) >= len(title) - 3, path.name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_ends_in_its_number(path, run, tmp_path):
    """Its assertions hold, and it writes nothing where it is imported."""
    run(path, "an_example", NEEDS.get(path.stem, []))
    assert "assert" in path.read_text()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_draws(path, run, tmp_path):
    """What a reader sees who runs the file: a picture, a film or a table."""
    run(path, "__main__", NEEDS.get(path.stem, []) + DRAWS.get(path.stem, ["matplotlib"]))
    named = [word for word in (f"{path.stem}.png", f"{path.stem}.mp4") if word in path.read_text()]
    for name in named:
        assert (tmp_path / name).stat().st_size > 1000
