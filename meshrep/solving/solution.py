"""The result of solving: a field on a graph, how it was found, and how to draw and save it."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from meshrep.base.outcome import History, Interruptible, Result
from meshrep.energies.answers import Answer
from meshrep.energies.base import Energy
from meshrep.minimisers.monitor import Sample
from meshrep.solving.solver import Solver

if TYPE_CHECKING:
    import pyvista

    from meshrep.view.scene import Drawn

TIED = 1e-9  # relative difference up to which energies count as equal


@dataclass
class Solution(Interruptible):
    """The end of one solver on one problem.

    Attributes
    ----------
    problem : Energy
        What was minimised.
    solver : str
        The solver's name.
    composed : Solver or None
        The composition behind the name: minimisers, variables and stopping rules, stage by stage.
        None for a solver of another package.
    field : (n,) or (n, d) float64
        The best field found, fixed nodes at their values.
    result : Result
        Why the solver stopped.
    energy, grad_norm : float
        Energy and scaled gradient norm ‖∇E‖₂ / scale of ``field``, judged in float64 by the same
        evaluation for every solver.
    start_energy : float
        Energy of the field that the solver began with, judged in the same way. It differs from the
        start's for networks that begin at their own first output or are fitted to the start.
    steps, evaluations : int
        Steps taken, and evaluations of the energy with its gradient (or Hessian-vector product).
    solve_s, setup_s, compile_s : float
        Seconds of solving; of building operators and arrays; of imports and compilation.
    prefit_s : float
        Seconds of fitting a network to the start, not included in the other times; 0 without a
        fit.
    history : History
        Energy against steps and seconds, as the solver saw it.
    backend, device, dtype : str
        Where the first stage ran, and in which precision.
    notes : list of str
        Sentences on what happened: what "auto" chose, what was damped, what was replaced.
    samples : list of Sample
        What ``sample`` returned along the run.
    sampling_s : float
        Seconds spent on samples, not included in the other times.
    restart_energies : list of float
        The end energy of each seed, if there were several, and NaN for a seed that failed. Seconds,
        steps and evaluations are then sums over all seeds; the rest is of the best seed.
    """

    problem: Energy
    solver: str
    composed: Solver | None
    field: np.ndarray
    result: Result
    energy: float
    grad_norm: float
    start_energy: float
    steps: int
    evaluations: int
    solve_s: float
    setup_s: float
    compile_s: float
    history: History
    backend: str
    device: str
    dtype: str
    notes: list[str] = dataclasses.field(default_factory=list)
    samples: list[Sample] = dataclasses.field(default_factory=list)
    restart_energies: list[float] = dataclasses.field(default_factory=list)
    sampling_s: float = 0.0
    prefit_s: float = 0.0

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the solver early."""
        return self.result is Result.INTERRUPTED

    @property
    def measures(self) -> dict[str, float]:
        """Further measures of the field, such as ρ and the vortices of phases."""
        return self.problem.measures(self.field)

    @cached_property
    def answers(self) -> list[Answer]:
        """What the energy tells of the field: values with units and places; empty for most."""
        return self.problem.answers(self.field)

    @cached_property
    def remarks(self) -> list[str]:
        """Sentences on why the field may not be what the user wants."""
        return self.problem.remarks(self.field)

    def __repr__(self) -> str:
        return (
            f"Solution({self.solver}: energy {self.energy:.9g}, gradient {self.grad_norm:.1e}, "
            f"{self.steps} steps, {self.solve_s:.3g} s, {self.result.word})"
        )

    @property
    def array_name(self) -> str:
        """The name of the field in files: the quantity and the solver."""
        return f"{self.problem.quantity}_{self.solver}".replace("-", "_")

    def by_label(self) -> dict[Hashable, Any]:
        """The field by the names of the nodes; phases are in [0, 2π)."""
        return self.problem.graph.by_label(self.problem.readable(self.field))

    def mesh(self, *, original: bool = False) -> pyvista.DataSet:
        """A PyVista dataset with the field as point data named after the quantity.

        Cell fields of the energy, such as the heat flux, are its cell data. With ``original`` it
        has the points and cells of the file that was read, in the file's numbering, and NaN at
        points that were dropped.
        """
        from meshrep.view.dataset import dataset

        energy = self.problem
        return dataset(
            energy.graph, {energy.quantity: self.field}, original=original,
            cell_fields=energy.cell_fields(self.field), symbols=energy.symbols,
        )  # fmt: skip

    def save(self, path: str | Path, *, original: bool = True) -> Path:
        """Write the field to a file, in the format of its suffix.

        A .csv, .json or .graphml file has the values under the names of the nodes; a .vtp, .vtu,
        .vtk or .ply file has the mesh.

        Raises
        ------
        InputError
            When the format cannot store a field, or the file cannot be written.
        """
        from meshrep.view.node_tables import write_fields

        energy = self.problem
        return write_fields(
            energy.graph, {energy.quantity: self.field}, path, original=original,
            cell_fields=energy.cell_fields(self.field), symbols=energy.symbols,
        )  # fmt: skip

    @overload
    def plot(self, path: None = None, **options: Any) -> None: ...

    @overload
    def plot(self, path: str | Path, **options: Any) -> Drawn: ...

    def plot(self, path: str | Path | None = None, **options: Any) -> Drawn | None:
        """Draw the field: into a picture file, or in a window where there is a screen.

        Options go to :func:`meshrep.picture`, whose result (the path and the engine that drew) is
        returned, or to :func:`meshrep.view.scene.show`, which returns nothing. They say how the
        picture looks: ``view="iso"``, ``clip="z=3"``, ``size="85x60mm"``, ``dpi=300``,
        ``look="paper.toml"`` and so on.
        """
        from meshrep.view import scene
        from meshrep.view.look import look_of

        given = {name: options.pop(name) for name in ("quantity", "marks") if name in options}
        given.setdefault("quantity", self.problem.quantity)
        look = look_of(**options).usually(label=self.problem.label)
        if path is None:
            scene.show(self.problem.graph, self.field, look=look, **given)
            return None
        return scene.picture(self.problem.graph, self.field, path, look=look, **given)


def lowest(solutions: Sequence[Solution]) -> Solution:
    """The first solution of the least finite energy; the first of all if none is finite.

    Energies whose gap is at most ``TIED`` count as equal, so that rounding decides nothing.
    """
    least = min(solutions, key=lambda row: row.energy if np.isfinite(row.energy) else np.inf)
    if not np.isfinite(least.energy):
        return least
    most = least.energy + TIED * size_of(least.energy, least.start_energy)
    return next(row for row in solutions if row.energy <= most)


def size_of(energy: float, start: float) -> float:
    """What gaps are divided by: |E*|, or E₀ − E* of the start where |E*| is much smaller."""
    fall = abs(start - energy)
    nearly_zero = np.isfinite(fall) and abs(energy) <= 1e-9 * fall
    return (fall if nearly_zero else abs(energy)) or 1.0
