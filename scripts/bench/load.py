"""What kernels and solvers keep of their rate while other processes use the cores."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

import meshrep
from bench import Report, Say, kernel_ways
from meshrep.base.backends import cores, installed
from meshrep.base.tables import markdown, number
from meshrep.base.threads import calm_threads, fit_threads
from meshrep.energies.base import Energy
from meshrep.energies.heat import HeatBath
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.errors import MeshrepError
from meshrep.kernels.threading_layer import threading_layer
from meshrep.sources.selection import random_split

SIDE, QUICK_SIDE = 500, 200
ROUNDS, QUICK_ROUNDS = 5, 1
WINDOW = 1.0  # seconds of work for each rate
HEAT = ("gd", "heavy-ball", "nesterov", "adam", "rk4", "lbfgs", "lbfgs-scipy", "lbfgs-newton",
        "newton", "spectral", "multilevel", "sobolev", "gcn", "gcn-res")  # fmt: skip
PHASES = ("adam", "lbfgs", "newton", "rk4", "lift", "anneal", "gcn")
SPIN = "while True: pass"
INTRODUCTION = (
    "Each rate is measured in turn: on the quiet machine, beside one process that spins, and "
    "beside as many as there are cores; the table has medians over the rounds. On two cores a fair "
    "system leaves two threads 2/3 of the machine beside one process and a half of it beside two; "
    "it leaves one thread a whole core beside one and 2/3 of a core beside two."
)


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[Callable[[int], None]]:
    """Start processes that spin; the function given lets the first few of them run."""
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]

    def running(some: int) -> None:
        for position, process in enumerate(spinning):
            process.send_signal(signal.SIGCONT if position < some else signal.SIGSTOP)
        time.sleep(0.05)

    try:
        running(0)
        yield running
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def rates(
    ways: dict[str, Callable[[], float]], loads: Sequence[int], rounds: int, say: Say
) -> dict[str, dict[str, float]]:
    """Return the median rate of each way under each number of spinning processes.

    A way works for about ``WINDOW`` seconds and returns how much it did a second.
    """
    found: dict[str, dict[str, float]] = {}
    with neighbours(max(loads)) as running:
        for name, way in ways.items():
            say(f"load: {name}")
            running(0)
            way()  # compiles, fills caches, and may count its steps
            taken: dict[int, list[float]] = {load: [] for load in loads}
            for _ in range(rounds):
                for load in loads:
                    running(load)
                    taken[load].append(way())
            found[name] = {str(load): float(np.median(taken[load])) for load in loads}
    return found


def calls(call: Callable[[], object], nodes: int) -> Callable[[], float]:
    """Return a way that repeats a call, with its threads fitted as those of a run are."""

    def way() -> float:
        with calm_threads(nodes):
            begun, done = time.perf_counter(), 0
            while (passed := time.perf_counter() - begun) < WINDOW:
                call()
                fit_threads()
                done += 1
        return done / passed

    return way


def steps(energy: Energy, solver: str) -> Callable[[], float]:
    """Return a way that takes, from one start, the steps that fit the window of its first call.

    The steps are the same ones under every load: those of a later stage may be faster.
    """
    most: list[int] = []

    def way() -> float:
        limits = {"max_steps": most[0], "max_seconds": 20 * WINDOW} if most else {}
        solution = meshrep.solve(energy, solver, seed=0, **({"max_seconds": WINDOW} | limits))
        if solution.result is meshrep.Result.FAILED or not solution.steps:
            raise MeshrepError(f"{solver} took no step on {energy.graph}")
        most.append(solution.steps)
        return solution.steps / solution.solve_s

    return way


def ways_on(side: int) -> dict[str, Callable[[], float]]:
    """Return all kernels and solvers on a square lattice."""
    graph = meshrep.graph_from(f"lattice:{side}x{side}")
    heat = HeatBath(graph, *random_split(graph, 0.1, 0))
    kuramoto = Kuramoto(graph)
    torch = ("torch", "gcn step by")
    kernels = {
        name: calls(way.call, graph.n)
        for name, way in kernel_ways.ways(heat, kuramoto).items()
        if not name.startswith(torch)
    }
    solvers = {f"{name} on heat": steps(heat, name) for name in HEAT}
    phases = {f"{name} on phases": steps(kuramoto, name) for name in PHASES}
    return kernels | solvers | phases


def run(quick: bool, say: Say) -> Report:
    """Write a table of what is kept beside one process, and beside one a core."""
    if not installed("numba"):
        return "## Under load\n\nThe package numba is missing, and there are no kernels.", {}
    side = QUICK_SIDE if quick else SIDE
    loads = sorted({0, 1, cores()})
    rows = rates(ways_on(side), loads, QUICK_ROUNDS if quick else ROUNDS, say)
    text = [
        "## Under load",
        INTRODUCTION,
        f"A square lattice of {side * side:,} nodes; numba's threading layer is "
        f"{threading_layer()}.",
        table(rows, loads),
    ]
    return "\n\n".join(text), {"n": side * side, "layer": threading_layer(), "rows": rows}


def table(rows: dict[str, dict[str, float]], loads: Sequence[int]) -> str:
    """Return the quiet rate of each way, and the share of it that is kept beside others."""
    busy = [str(load) for load in loads if load]
    lines = [
        [name, number(row["0"]), *(f"{row[load] / row['0']:.2f}" for load in busy)]
        for name, row in rows.items()
    ]
    worst = [min(row[load] / row["0"] for row in rows.values()) for load in busy]
    lines.append(["the least", "", *(f"{share:.2f}" for share in worst)])
    head = [f"kept beside {load}" for load in busy]
    return markdown(["what", "steps or calls a second", *head], lines)
