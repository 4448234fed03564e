"""README.md, docs/ and the contributor's page: their Python runs, their commands are understood,
their links lead somewhere, and what is made from the code is up to date."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pages
import pytest
from taylor import taylor_slopes

import meshrep
from meshrep import energies
from meshrep.cli.help import page, wanted
from meshrep.cli.options import parse
from meshrep.energies import named as named_energies
from meshrep.errors import InputError
from meshrep.solving import named as solvers
from meshrep.sources import files, formats

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "CONTRIBUTING.md"
BY_HAND = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = [*BY_HAND, GUIDE, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
SHELL = re.compile(r"```\n(.*?)```", re.DOTALL)


def blocks(path):
    return PYTHON.findall(path.read_text(encoding="utf-8"))


def commands(text):
    """What calls the program in shell blocks, without remarks, and in the running text."""
    lines = [line.strip() for block in SHELL.findall(text) for line in block.splitlines()]
    called = [line for line in lines if line.startswith("meshrep ") and "FILE" not in line]
    running = re.findall(r"`(?:meshrep|python scripts/solve_mesh\.py) ([^`]+)`", text)
    return [re.split(r"\s+(?=#)", line)[0] for line in called] + [
        "meshrep " + " ".join(words.split()) for words in running
    ]


RUN = [
    pytest.param(
        path, k, id=f"{path.stem}-{k + 1}", marks=[] if path.stem == "README" else pytest.mark.slow
    )
    for path in BY_HAND
    for k in range(len(blocks(path)))
]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "k"), RUN)
def test_block_runs(path, k, tmp_path, monkeypatch):
    """As printed, from another folder than the repository's."""
    for part in ("torch", "trimesh", "pyvista", "matplotlib", "gudhi", "robust_laplacian"):
        pytest.importorskip(part)
    import meshrep.accessor  # noqa: F401

    monkeypatch.chdir(tmp_path)
    exec(compile(blocks(path)[k], path.name, "exec"), {})


def test_there_are_blocks():
    assert len(RUN) >= 9


@pytest.mark.parametrize("path", BY_HAND, ids=lambda path: path.stem)
def test_commands_are_understood(path):
    """Every option of every command exists and takes the value that is printed."""
    for line in commands(path.read_text(encoding="utf-8")):
        words = shlex.split(line)[1:]
        topic = wanted(words)
        assert page(topic) if topic is not None else parse(words), line


def test_a_command_that_is_wrong_would_be_seen():
    text = "```\nmeshrep a.ply --bath   # heat\n```\nand `meshrep a.ply\n--bath-kind quartic`"
    assert commands(text) == ["meshrep a.ply --bath", "meshrep a.ply --bath-kind quartic"]
    with pytest.raises(InputError, match="--bath-kind"):
        parse(shlex.split(commands(text)[1])[1:])


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith("http"):
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), link
            if anchor:
                assert anchor in anchors(target.read_text(encoding="utf-8")), link
    for script in re.findall(r"python ((?:scripts|examples)/\w+\.py)", text):
        assert (ROOT / script).exists(), script
    for target in re.findall(r"^make ([\w-]+)", text, re.MULTILINE):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text(), target


def anchors(text):
    """What GitHub calls the headings."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_what_is_made_from_the_code_is_up_to_date():
    """If not: python scripts/pages.py."""
    for path in BY_HAND:
        text = path.read_text(encoding="utf-8")
        assert pages.renewed(text) == text, path.name
    made = "".join(path.read_text(encoding="utf-8") for path in BY_HAND)
    assert all(f"<!-- {part}: made by" in made for part in pages.PARTS)


def test_a_part_that_is_behind_is_seen():
    behind = "<!-- examples: made by python scripts/pages.py -->\noutdated\n<!-- end -->"
    assert "glass.py" in pages.renewed(behind) and "outdated" not in pages.renewed(behind)


def test_the_readme_has_a_page_and_a_half():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 125


def test_the_architecture_lists_the_rooms_from_the_ground_up():
    """The order of the floors that import-linter checks."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    told = [
        name.removesuffix(".py") for name in re.findall(r"^\| `(\w+(?:\.py)?)/?` \|", text, re.M)
    ]
    layers = re.search(r"layers = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL)
    floors = re.findall(r'"meshrep\.(\w+)"', layers.group(1))
    assert told == [room for room in reversed(floors) if room != "__main__"]


def test_the_contributors_page_lists_the_jobs():
    """Those that .ci/run announces, in their order, in the table of minutes."""
    told = GUIDE.read_text(encoding="utf-8").partition("<!-- minutes")[2].partition("<!-- end")[0]
    rows = re.findall(r"^\| (.*?) \|", told, re.MULTILINE)[1:]
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert rows == re.findall(r'^job "(.+)"$', run, re.MULTILINE)


@pytest.fixture
def contributed(monkeypatch, tmp_path):
    """The files of the contributor's page where it says they stand; gives their modules."""
    texts = dict(zip(("solver", "double_well", "named_energy", "pcd"), blocks(GUIDE), strict=True))
    rooms = {
        "solver": solvers,
        "named_energy": named_energies,
        "double_well": energies,
        "pcd": formats,
    }
    for name, room in rooms.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"guide_{name}.py").write_text(texts[name], encoding="utf-8")
        monkeypatch.setattr(room, "__path__", [*room.__path__, str(folder)])
    (tmp_path / "double_well" / "double_well.py").write_text(texts["double_well"], encoding="utf-8")
    known = set(sys.modules)
    yield {
        name: importlib.import_module(f"{room.__name__}.guide_{name}")
        for name, room in rooms.items()
    }
    for name in set(sys.modules) - known:
        if "guide_" in name or name.endswith("double_well"):
            del sys.modules[name]


def test_the_guides_solver_works(contributed):
    energy = meshrep.Kuramoto(meshrep.graph_from("lattice:8x8"))
    solution = meshrep.solve(energy, "adam-newton", switch=50)
    assert solution.result.word == "converged" and len(solution.composed.stages) == 2
    assert "--set switch=N" in page("adam-newton")


def test_the_guides_energy_works(contributed, run):
    graph = meshrep.graph_from("lattice:8x8")
    energy = contributed["double_well"].DoubleWell(graph, depth=0.7)
    w, v = np.random.default_rng(0).standard_normal((2, graph.n))
    assert taylor_slopes(energy, w, v) == pytest.approx([2, 3], abs=0.15)
    for solver in ("auto", "newton", "gcn"):
        assert meshrep.solve(energy, solver, start=np.full(graph.n, 0.3)).energy < 1e-9
    assert "--depth X" in page("double-well")
    words = ("--graph", "lattice:8x8", "--double-well", "--depth", "2", "--no-pictures")
    code, said, errors, _ = run(*words, "--compare", "lbfgs,gcn")
    assert code == 0 and "double well: depth 2" in said, errors


def test_the_guides_format_works(contributed, monkeypatch, tmp_path):
    monkeypatch.setitem(files._OWN, ".pcd", contributed["pcd"].read_pcd)
    head = "# .PCD v.7\nVERSION .7\nFIELDS rgb x y z\nPOINTS 20\nDATA {}\n"
    rows = "".join(f"4.2e6 {k} {k * k} 0\n" for k in range(20))
    path = tmp_path / "cloud.pcd"
    path.write_text(head.format("ascii") + rows)
    graph = meshrep.load(path)
    assert graph.n == 20 and graph.points[3].tolist() == [3, 9, 0]
    for text, word in (
        (head.format("ascii") + rows[:-20], "is it cut"),
        (head.format("binary"), "save it as text"),
        (head.format("ascii").replace("x y z", "u v w") + rows, "no x, y and z"),
        (head.format("ascii") + rows.replace("49", "a"), "line"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=word):
            meshrep.load(path)


def test_import_is_light():
    """No heavy package comes in with ``import meshrep``."""
    code = (
        "import sys, meshrep; "
        "print([m for m in ('numpy', 'scipy', 'torch', 'pyvista', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_promises_are_held_by_tests_that_exist():
    text = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[^`]+)`", text)
    assert named and not [name for name in named if not (ROOT / name).exists()]
