"""Sweeps: the measurements at a point, resuming, damaged files, killed workers and Ctrl-C."""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import meshrep
from meshrep.errors import InputError, SolveError
from meshrep.sweeps.patterns import Point, Row, Settings, cells, evaluate, grid
from meshrep.sweeps.store import Store
from meshrep.sweeps.sweep import numbers, sweep
from meshrep.sweeps.workers import spread
from meshrep.view.write import replacing

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "phase_diagram.py"
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
SMALL = Settings("lattice:8x8")
FOUR = grid([0.0, 1.0], [0.0, 0.5], 1)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, SMALL)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the script in an empty folder; return exit code, output, errors and the out folder."""
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("phase_diagram", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    def call(*arguments):
        code = script.main(["--out", "results", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err, tmp_path / "results"

    return call


def quick(settings, point):
    """Make up a point without solving; its phases tell which point it is."""
    phi = np.full(64, point.s1 + 10 * point.s2 + 100 * point.seed)
    return Row(point.s1, point.s2, point.seed, rho=0.5, result="converged", seconds=0.0), phi


class Counted:
    """``quick``, which keeps the points it was called with and raises an error at one of them."""

    def __init__(self, error=None, at=None):
        self.points, self.error, self.at = [], error, at

    def __call__(self, settings, point):
        self.points.append(point)
        if self.error is not None and point == self.at:
            raise self.error
        return quick(settings, point)


def killed(settings, point):
    """``quick``, but at s1 = 1 the worker dies: always if s2 = 0, else only the first time."""
    mark = Path(os.environ["MESHREP_TEST_MARK"]) / point.file
    if point.s1 == 1.0 and (point.s2 == 0.0 or not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(settings, point)


def square(text):
    """Return the task, and the settings that the worker inherited."""
    return text, os.environ["NUMBA_NUM_THREADS"], signal.getsignal(signal.SIGINT).name


def lattice_sums(phi):
    """Σ_j sin(φ_j − φ_i) and Σ_j cos(φ_j − φ_i) of a square lattice, by loops."""
    S, C = np.zeros_like(phi), np.zeros_like(phi)
    for r, c in np.ndindex(phi.shape):
        for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            if 0 <= r + dr < phi.shape[0] and 0 <= c + dc < phi.shape[1]:
                S[r, c] += np.sin(phi[r + dr, c + dc] - phi[r, c])
                C[r, c] += np.cos(phi[r + dr, c + dc] - phi[r, c])
    return S, C


def windings(phi):
    """The number of plaquettes of a square lattice with a vortex, by loops."""
    count = 0
    for r, c in np.ndindex(phi.shape[0] - 1, phi.shape[1] - 1):
        boundary = [phi[r, c], phi[r, c + 1], phi[r + 1, c + 1], phi[r + 1, c], phi[r, c]]
        turn = sum(np.angle(np.exp(1j * d)) for d in np.diff(boundary))
        count += abs(turn) > 1
    return count


def test_measurements_of_a_point():
    row, phi = evaluate(SMALL, Point(0.75, 0.5, 3))
    field = phi.reshape(8, 8)
    S, C = lattice_sums(field)
    assert row.energy == pytest.approx(-0.375 * C.sum() + 0.5 * (S**2).sum(), rel=1e-12)
    assert row.rho == pytest.approx(abs(np.exp(1j * phi).mean()), rel=1e-12)
    assert row.vortices == windings(field)
    assert row.point == Point(0.75, 0.5, 3) and row.frequency_spread is None and not row.failed
    assert row.energy < 0 and 0 < row.local_order < 1 and row.seconds > 0


def test_a_ferromagnet_aligns():
    row, _ = evaluate(SMALL, Point(1.0, 0.0, 0))
    assert row.energy == pytest.approx(-112, abs=1e-6)
    assert row.rho == pytest.approx(1, abs=1e-6) and row.vortices == 0
    assert row.local_order == pytest.approx(1, abs=1e-6)


def test_the_printed_loss_is_another_function():
    row, phi = evaluate(Settings("lattice:8x8", printed=True), Point(0.75, 0.5, 3))
    _, C = lattice_sums(phi.reshape(8, 8))
    assert row.energy == pytest.approx((0.75 * C + 0.5 * C**2).sum(), rel=1e-12)


def test_the_dynamics_have_the_cosine_term():
    """SciPy integrates dφ/dt = c C + c s₁ S − ∂/∂φ s₂ Σ S² at s₂ = 0 from the same start."""
    settings = Settings("lattice:8x8", how="integrate", c=0.8, time=2.0)
    row, phi = evaluate(settings, Point(0.5, 0.0, 1))
    start = np.random.default_rng(1).uniform(0.0, 2 * np.pi, 64)

    def velocity(_, at):
        S, C = lattice_sums(at.reshape(8, 8))
        return (0.8 * C + 0.8 * 0.5 * S).ravel()

    exact = solve_ivp(velocity, (0, 2), start, rtol=1e-8, atol=1e-8, dense_output=True).sol
    assert phi == pytest.approx(exact(2.0), abs=2e-2)
    assert row.frequency_spread == pytest.approx(np.ptp(exact(2.0) - exact(1.0)), abs=2e-2)
    assert row.result == "moving"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0:1:6", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ("-1:1:3", [-1.0, 0.0, 1.0]),
        ("1:-1:3", [1.0, 0.0, -1.0]),
        ("0.5", [0.5]),
        ("2:7:1", [2.0]),
        ("0.1,1e-3, -2", [0.1, 0.001, -2.0]),
        ("-0", [0.0]),
    ],
)
def test_numbers(text, found):
    assert numbers(text, "s1") == found
    assert str(numbers(text, "s1")) == str(found)  # -0.0 would give another file name


@pytest.mark.parametrize(
    "text", ["", "a", "1,", "nan", "0:inf:3", "0:1", "0:1:0", "0:1:-2", "0:1:2.5", "0:1:2:3",
             "1,1", "0,-0", "0:0:2", "1e999", "0:1:999999999"],
)  # fmt: skip
def test_wrong_lists_of_numbers_are_refused(text):
    with pytest.raises(InputError, match="s1"):
        numbers(text, "s1")


def test_file_names_hold_all_digits():
    near = [0.3, 0.30000000000000004, 1e-300, -1.0]
    names = {Point(x, y, 0).file for x, y in product(near, near)}
    assert len(names) == 16 and all("/" not in name for name in names)
    assert Point(0.1 + 0.2, 0.0, 2).file == "s1=0.30000000000000004,s2=0.0,seed=2.npz"


def test_finished_points_are_not_computed_again(store):
    first = sweep(FOUR, store, evaluate, processes=1)
    times = {path: path.stat().st_mtime_ns for path in store.folder.iterdir()}
    assert len(times) == 4 and first.found == 0 and not first.interrupted
    more, work = grid([0.0, 1.0], [0.0, 0.5], 2), Counted()
    second = sweep(more, store, work, processes=1)
    assert [point.seed for point in work.points] == [1, 1, 1, 1] and second.found == 4
    assert all(path.stat().st_mtime_ns == before for path, before in times.items())
    assert [row for row in second.rows if row.seed == 0] == first.rows
    assert [row.point for row in second.rows] == sorted(more)


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(tmp_path):
    found = {}
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        store = Store(folder, SMALL)
        calls = []
        done = sweep(
            FOUR, store, evaluate, processes=count,
            observe=lambda *call: calls.append(call),  # noqa: B023
        )  # fmt: skip
        assert [call[:2] for call in calls] == [(k, 4) for k in (1, 2, 3, 4)]
        assert calls[-1][2] == 0 and all(left >= 0 for *_, left in calls)
        found[count] = [(row.rho, row.energy, row.result) for row in done.rows]
        assert all(np.array_equal(store.load(p)[1], evaluate(SMALL, p)[1]) for p in FOUR)
    assert found[1] == found[2]


@pytest.mark.slow
def test_workers_have_one_thread_and_ignore_ctrl_c(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    answers = sorted(spread(square, ["a", "b", "c"], 2, lambda task, how: (task, how, "")))
    assert answers == [(text, "1", "SIG_IGN") for text in "abc"]
    assert os.environ["NUMBA_NUM_THREADS"] == "2"


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (Settings("lattice:8x9"), "graph"),
        (Settings("lattice:8x8", c=2.0), "c 1.0, here 2.0"),
        (Settings("lattice:8x8", solver="newton"), "solver lbfgs, here newton"),
        (Settings("lattice:8x8", how="minimize", max_seconds=1.0), "max_seconds"),
        (Settings("lattice:8x8", how="integrate"), "how minimise, here integrate"),
        (Settings("lattice:8x8", printed=True), "printed not set, here True"),
    ],
)
def test_points_of_other_settings_are_refused(store, other, word):
    sweep(FOUR[:1], store, quick, processes=1)
    work = Counted()
    with pytest.raises(InputError, match=word):
        sweep(FOUR[1:], Store(store.folder, other), work, processes=1)
    assert work.points == [] and len(list(store.folder.iterdir())) == 1


def test_unused_settings_may_change(store):
    sweep(FOUR, store, quick, processes=1)
    again = Store(store.folder, Settings("lattice:8x8", time=7.0))
    assert sweep(FOUR, again, quick, processes=1).found == 4


def test_a_mesh_file_that_has_changed_is_another_graph(tmp_path, monkeypatch):
    from meshrep.sweeps import patterns

    monkeypatch.chdir(tmp_path)
    points = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\n"
    Path("two.obj").write_text(points + "f 1 2 3\nf 2 4 3\n")
    before = Settings("two.obj").record()
    patterns._graph.cache_clear()
    Path("two.obj").write_text(points + "f 1 2 3\nf 1 4 3\n")
    assert Settings("two.obj").record() != before


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)


def objects(path):
    with path.open("wb") as file:
        np.savez(file, phi=np.array([Bomb()]), row="{}", settings="{}")


def another_point(path):
    path.write_bytes((path.parent / FOUR[1].file).read_bytes())


def short(path):
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    np.savez(path, **{**kept, "phi": kept["phi"][:5]})


class Bomb:
    def __reduce__(self):
        return os._exit, (99,)


@pytest.mark.parametrize(
    "harm",
    [
        cut, flip, objects, another_point, short,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no archive"),
        lambda path: np.savez(path, row="[]", settings="[]", phi=np.zeros(64)),
        lambda path: np.savez(path, row="{", settings="{", phi=np.zeros(64)),
    ],
)  # fmt: skip
def test_a_damaged_point_is_computed_again(store, harm):
    whole = sweep(FOUR, store, quick, processes=1)
    harm(store.folder / FOUR[0].file)
    work, notes = Counted(), []
    done = sweep(FOUR, store, work, processes=1, say=notes.append)
    assert work.points == FOUR[:1] and done.rows == whole.rows
    assert notes == [f"{FOUR[0].file} is damaged and will be computed again"]
    assert store.load(FOUR[0]) is not None


def test_a_damaged_file_never_gives_another_result(store):
    """With any bit flipped, a file gives the same point or none."""
    sweep(FOUR[:1], store, quick, processes=1)
    path = store.folder / FOUR[0].file
    content, (row, phi) = path.read_bytes(), store.load(FOUR[0])
    rng = np.random.default_rng(0)
    for place in rng.choice(len(content), 150, replace=False):
        broken = bytearray(content)
        broken[place] ^= 1 << rng.integers(8)
        path.write_bytes(broken)
        kept = store.load(FOUR[0])
        assert kept is None or (kept[0] == row and np.array_equal(kept[1], phi))


@pytest.mark.slow
@POSIX
def test_a_killed_worker_costs_one_point(store, tmp_path, monkeypatch):
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("MESHREP_TEST_MARK", str(marks))
    points = grid([0.0, 1.0], [0.0, 0.5, 1.0], 1)
    done = sweep(points, store, killed, processes=2)
    assert [row.point for row in done.failures] == [Point(1.0, 0.0, 0)]
    assert done.failures[0].result == "failed: its process was killed twice (SIGKILL)"
    assert len(done.rows) == 6 and len(list(store.folder.glob("s1=*.npz"))) == 5
    again = sweep(points, store, quick, processes=1)
    assert again.found == 5 and not again.failures


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SolveError("the field became infinite"), "failed: the field became infinite"),
        (ValueError("two\nlines"), "failed: ValueError: two lines"),
        (MemoryError(), "failed: MemoryError:"),
    ],
)
def test_a_point_that_raises_is_reported_as_failed(store, error, words):
    done = sweep(FOUR, store, Counted(error, FOUR[2]), processes=1)
    assert [row.result for row in done.failures] == [words] and len(done.rows) == 4
    assert store.load(FOUR[2]) is None
    drawn = cells(done, store)
    assert np.isnan(drawn[0.0, 0.5][0]) and drawn[0.0, 0.5][1] is None
    assert np.isnan(cells(done, store, "vortices")[1.0, 0.5][0])
    assert drawn[1.0, 0.5][0] == 0.5 and drawn[1.0, 0.5][1].shape == (8, 8)


def test_ctrl_c_in_one_process_keeps_finished_points(store):
    done = sweep(FOUR, store, Counted(KeyboardInterrupt(), FOUR[2]), processes=1)
    assert done.interrupted and [row.point for row in done.rows] == sorted(FOUR[:2])


def test_zero_processes_are_refused(store):
    with pytest.raises(InputError, match="1 process or more"):
        sweep(FOUR, store, evaluate, processes=0)


def test_an_interrupted_solve_gives_no_point(monkeypatch):
    from meshrep.sweeps import patterns

    def interrupted(*given, **named):
        solution = meshrep.solve(*given, **{**named, "max_steps": 1})
        solution.result = meshrep.Result.INTERRUPTED
        return solution

    monkeypatch.setattr(patterns, "solve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(SMALL, FOUR[0])


def test_old_incomplete_files_are_removed(store):
    old, new = store.folder / ".s1=0.0,s2=0.0,seed=0-00.npz", store.folder / ".s1=1.0-11.npz"
    for path, age in ((old, 3600), (new, 0)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    with replacing(store.folder / FOUR[0].file) as temporary:
        assert temporary.match(".s1=*.npz")
    store.tidy()
    assert not old.exists() and new.exists()


def table(out):
    with (out / "table.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_the_command(run):
    pytest.importorskip("matplotlib")
    arguments = ("--graph", "lattice:8x8", "--s1", "-1:1:2", "--s2", "0,0.5", "--seeds", "2")
    code, said, errors, out = run(*arguments, "--processes", "2")
    assert (code, errors) == (0, "")
    assert "8 of 8 points\nwrote results/: table.csv, diagram.png" in said
    rows = table(out)
    assert list(rows[0]) == ["s1", "s2", "seed", "rho", "local_order", "vortices", "energy",
                             "frequency_spread", "result", "seconds"]  # fmt: skip
    expected = [[str(x) for x in row] for row in product([-1.0, 1.0], [0.0, 0.5], [0, 1])]
    assert [[row["s1"], row["s2"], row["seed"]] for row in rows] == expected
    aligned = [row for row in rows if (row["s1"], row["s2"]) == ("1.0", "0.0")]
    assert all(float(row["energy"]) == pytest.approx(-112, rel=0.1) for row in aligned)
    from matplotlib.image import imread

    image = imread(out / "diagram.png")
    assert min(image.shape[:2]) > 300 and len(np.unique(image[..., :3].reshape(-1, 3), axis=0)) > 50
    with np.load(out / "points" / "s1=-1.0,s2=0.5,seed=1.npz", allow_pickle=False) as point:
        assert json.loads(str(point["settings"]))["graph"] == "lattice:8x8"
        assert point["phi"].shape == (64,)
    code, said, errors, _ = run(*arguments, "--processes", "1")
    assert code == 0 and "8 points, 8 of them from an earlier run" in said and table(out) == rows


def test_the_command_integrates(run):
    pytest.importorskip("matplotlib")
    code, _, errors, out = run(
        "--graph", "lattice:6x6:periodic", "--s1", "1", "--s2", "0", "--c", "-1", "--how",
        "integrate", "--time", "5", "--processes", "1",
    )  # fmt: skip
    (row,) = table(out)
    assert code == 0 and errors == "" and float(row["frequency_spread"]) >= 0


BAD = [
    (("--s1", "nan"), "every number must be finite"),
    (("--s1", "0:1:0"), "must lie in 1"),
    (("--s2", "a"), "start:stop:count"),
    (("--s2", ","), "start:stop:count"),
    (("--s1",), "expected one argument"),
    (("--c", "nan"), "c must be a finite number"),
    (("--seeds", "0"), "1 seed or more"),
    (("--seeds", "-3"), "1 seed or more"),
    (("--seed", "-1"), "0 or more"),
    (("--how", "guess"), "invalid choice: 'guess'"),
    (("--solver", "nwton"), "did you mean newton"),
    (("--how", "integrate", "--time", "0"), "positive"),
    (("--time", "9"), "--time means nothing with --how minimise"),
    (("--how", "integrate", "--max-seconds", "9"), "--max-seconds means nothing"),
    (("--printed", "--c", "2"), "--c means nothing with --printed"),
    (("--max-seconds", "inf"), "positive"),
    (("--value", "frequency_spread"), "needs --how integrate"),
    (("--processes", "0"), "1 or more"),
    (("--printed", "--how", "integrate"), "not a potential"),
    (("--graph", "tree:2^4"), "no faces"),
    (("--graph", "ring:8"), "no faces"),
    (("--graph", "blob:3"), "known are"),
    (("--graph", "missing.ply"), "missing.ply"),
    (("--sigma", "3"), "unrecognized arguments: --sigma"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_wrong_arguments_are_refused_in_one_line(run, arguments, words):
    code, said, errors, out = run("--graph", "lattice:8x8", *arguments)
    assert code == 2 and said == ""
    assert errors.startswith("phase_diagram: ") and errors.count("\n") == 1 and words in errors
    assert not out.exists()


def test_a_file_in_place_of_the_folder_is_refused(run):
    Path("results").write_text("precious")
    code, _, errors, out = run("--graph", "lattice:8x8")
    assert code == 2 and "not a folder" in errors and out.read_text() == "precious"
    out.unlink()
    out.mkdir()
    (out / "points").write_text("precious")
    code, _, errors, out = run("--graph", "lattice:8x8")
    assert code == 2 and "not a folder" in errors and (out / "points").read_text() == "precious"


def test_a_folder_of_another_sweep_is_not_changed(run):
    few = ("--s1", "1", "--s2", "0", "--processes", "1")
    assert run("--graph", "lattice:8x8", *few)[0] == 0
    out = Path("results")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, _, errors, _ = run("--graph", "lattice:8x8", *few, "--c", "2")
    assert code == 2 and "another sweep (c 1.0, here 2.0)" in errors
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_the_command_returns_1_if_a_point_failed(run, monkeypatch):
    from meshrep.sweeps import store as module

    monkeypatch.setattr(module.Store, "save", lambda *given: 1 / 0)
    code, _, errors, out = run("--graph", "lattice:8x8", "--s1", "1", "--s2", "0,1",
                               "--processes", "1")  # fmt: skip
    assert code == 1 and "2 of 2 points failed" in errors and "division by zero" in errors
    assert [row["rho"] for row in table(out)] == ["", ""]


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_keeps_finished_points(tmp_path, processes):
    """SIGINT goes to the whole process group, as from a terminal, once a point is on the disk."""
    command = [sys.executable, SCRIPT, "--graph", "lattice:8x8", "--s1", "-1:1:40", "--s2", "1:2:9",
               "--how", "integrate", "--processes", str(processes), "--out", "o"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    points = tmp_path / "o" / "points"
    while not list(points.glob("s1=*.npz")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.count("\n") == 1 and "run the same command again to continue" in errors
    rows = table(tmp_path / "o")
    kept = sorted(points.glob("s1=*.npz"))  # an interrupted write leaves only a hidden file
    store = Store(points, Settings("lattice:8x8", how="integrate"))
    assert 1 <= len(rows) == len(kept) < 360
    for row in rows:
        point = Point(float(row["s1"]), float(row["s2"]), int(row["seed"]))
        assert store.load(point)[0].energy == float(row["energy"])
    times = [path.stat().st_mtime_ns for path in kept]
    wanted = ",".join(sorted({row["s1"] for row in rows}))
    again = subprocess.run(
        [*command, f"--s1={wanted}", "--s2", "1"], cwd=tmp_path, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert f"{len(rows)} points, {len(rows)} of them from an earlier run" in again.stdout
    assert [path.stat().st_mtime_ns for path in kept] == times
