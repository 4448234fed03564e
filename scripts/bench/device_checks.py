"""Compare every path that a device of torch has with float64 on the CPU, on small problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import meshrep
from bench import Report, Say, conduction
from bench.device import SAME, Device, apart, left_out
from meshrep.base.backends import NumpyBackend, backend_for
from meshrep.base.tables import markdown
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.solving.catalogue import known_solvers, solver_named
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver

SIDE, STEPS = 20, 15
CELLS = 500  # tetrahedra
MODULES = (
    "GraphNetwork", "GAT", "GN", "Multilevel", "Spectral", "Sobolev", "Kappa", "DeepLinear",
    "KernelSmoothing",
)  # fmt: skip
Path = Callable[[str], tuple[float, list[str]]]  # a type ↦ the difference, and what was said


def energies() -> dict[str, Energy]:
    """Return one energy of each kind that has a form for tensors."""
    graph = meshrep.graph_from(f"lattice:{SIDE}x{SIDE}")
    cold, hot = meshrep.ends(graph)
    quartic = meshrep.HeatBath(graph, hot, cold)
    held = meshrep.HeatBath(graph, hot, cold, kind="dirichlet")
    return {
        "heat, quartic baths": quartic,
        "heat, held": held,
        "heat, a sum": quartic + 0.5 * held,
        "conduction": conduction.Block(CELLS).energy(),
        "Kuramoto": meshrep.Kuramoto(graph),
        "Kuramoto, mean field": meshrep.Kuramoto(graph, coupling="mean-field"),
        "Hopf–Kuramoto": meshrep.HopfKuramoto(graph),
    }


def run(quick: bool, say: Say, device: Device) -> Report:
    """Write a table with a row for each path."""
    rows: list[dict[str, Any]] = []
    skipped, notes = [], {}
    for name, path in paths(device, quick):
        if device.over:
            skipped.append(name)
            continue
        say(f"checks on {device.name}: {name}")
        row: dict[str, Any] = {"name": name, "failed": ""}
        for dtype in SAME:
            try:
                row[dtype], said = path(dtype)
                notes |= {note: None for note in said if "Triton" in note or "CUDA" in note}
            except Exception as error:  # the other paths are still worth checking
                row[dtype] = np.nan
                row["failed"] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        rows.append(row)
    wrong = [
        f"{row['name']} in {dtype} "
        + (f"failed ({row['failed']})" if row["failed"] else f"differs from the CPU by {off:.1e}")
        for row in rows
        for dtype, off in ((dtype, row[dtype]) for dtype in SAME)
        if not off <= SAME[dtype]
    ]
    head = (
        f"Results on `{device.name}` ({device.words}) beside float64 on the CPU, as the largest "
        "difference over the largest entry: gradients and products with the Hessian, energies "
        f"after {STEPS} steps of every solver that runs on tensors, and modules with their "
        "gradients. "
        f"Bounds are {SAME['float32']:g} in float32 and {SAME['float64']:g} in float64."
    )
    lines = [(row["name"], *(f"{row[dtype]:.0e}" for dtype in SAME)) for row in rows]
    verdict = (
        f"{len(wrong)} of {len(rows) * len(SAME)} comparisons are out of bounds: "
        + "; ".join(wrong) + "."
        if wrong
        else f"All {len(rows) * len(SAME)} comparisons are within bounds."
    )  # fmt: skip
    parts = [f"## Checks on {device.name}", head, markdown(["path", *SAME], lines), verdict]
    parts += [*notes, left_out(skipped)]
    return "\n\n".join(part for part in parts if part), {
        "device": device.words, "rows": rows, "wrong": wrong,
    }  # fmt: skip


def paths(device: Device, quick: bool) -> Iterator[tuple[str, Path]]:
    """Yield every path with its name."""
    known = energies()
    for name, energy in known.items():
        yield f"energy: {name}", lambda dtype, e=energy: by_evaluator(e, device, dtype)
        yield f"nn.energy: {name}", lambda dtype, e=energy: by_autograd(e, device, dtype)
    for name in ("heat, quartic baths", "Kuramoto"):
        for solver, composed in solvers(known[name], quick):
            yield (
                f"{solver}: {name}",
                lambda dtype, e=known[name], s=composed: by_steps(e, s, device, dtype),
            )
    for module in MODULES[:2] if quick else MODULES:
        yield f"nn.{module}", lambda dtype, m=module: by_module(m, device, dtype)


def by_evaluator(energy: Energy, device: Device, dtype: str) -> tuple[float, list[str]]:
    """Compare value, gradient and Hessian's product with the formula's in NumPy."""
    backend = backend_for("torch", device.name, dtype)
    evaluator, exact = energy.on(backend), energy.on(NumpyBackend(jit=False))
    evaluator.unit = exact.unit = energy.unit
    w = backend.asarray(energy.clamp(energy.random_start(0)))
    v = backend.asarray(np.sin(np.arange(energy.graph.n)))
    there, along = backend.to_numpy(w), backend.to_numpy(v)
    value, gradient = evaluator.value_and_grad(w)
    offs = [apart(float(value), exact.value_and_grad(there)[0])]
    offs += [apart(backend.to_numpy(gradient), exact.value_and_grad(there)[1])]
    offs += [apart(backend.to_numpy(evaluator.hvp(w, v)), exact.hvp(there, along))]
    return max(offs), list(evaluator.notes)


def by_autograd(energy: Energy, device: Device, dtype: str) -> tuple[float, list[str]]:
    """Compare the gradients of a batch by ``backward``."""
    import torch

    type_ = getattr(torch, dtype)
    value = meshrep.nn.energy(energy, device=device.name, dtype=type_)
    starts = np.stack([energy.clamp(energy.random_start(seed)) for seed in (0, 1)])
    w = torch.tensor(starts, device=device.name, dtype=type_, requires_grad=True)
    value(w).sum().backward()
    rounded = w.detach().cpu().double().numpy()
    expected = np.stack([energy.gradient(field) for field in rounded])
    return apart(w.grad.cpu().double().numpy(), expected), []  # type: ignore[union-attr]


def solvers(energy: Energy, quick: bool) -> Iterator[tuple[str, Solver]]:
    """Yield the named solvers all of whose stages run on tensors."""
    for name in ("adam", "lbfgs", "gcn") if quick else known_solvers():
        try:
            composed = solver_named(name, energy)
            solve(energy, composed, device="cpu", max_steps=1)
        except InputError:  # made for other energies
            continue
        if all("torch" in stage.minimiser.backends for stage in composed.stages):
            yield name, _on_torch(composed)


def _on_torch(solver: Solver) -> Solver:
    then = None if solver.then is None else _on_torch(solver.then)
    return replace(solver, backend="torch", then=then)


def by_steps(energy: Energy, solver: Solver, device: Device, dtype: str) -> tuple[float, list[str]]:
    """Compare the energies after some steps, as shares of the energy at the start."""
    start = energy.random_start(0)
    found = solve(energy, solver, start=start, device=device.name, dtype=dtype, max_steps=STEPS)
    exact = solve(energy, solver, start=start, device="cpu", dtype="float64", max_steps=STEPS)
    scale = max(abs(exact.start_energy), abs(exact.energy))
    return abs(found.energy - exact.energy) / scale, found.notes


def by_module(name: str, device: Device, dtype: str) -> tuple[float, list[str]]:
    """Compare a module's field and the gradients of a sum of its cubes."""
    import torch

    graph = meshrep.graph_from("lattice:12x12")
    start = np.random.default_rng(0).random((graph.n, 3))

    def results(place: str, type_: torch.dtype) -> list[np.ndarray]:
        field = getattr(meshrep.nn, name)(
            graph, start.shape, start=start, device=place, dtype=type_
        )
        out = field()
        (out**3).sum().backward()
        found = [out.detach(), *(part.grad for part in field.parameters())]
        return [part.cpu().double().numpy() for part in found if part is not None]

    pairs = zip(
        results(device.name, getattr(torch, dtype)), results("cpu", torch.float64), strict=True
    )
    return max(apart(*pair) for pair in pairs), []
