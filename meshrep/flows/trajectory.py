"""A field over time: its frames, what is measured of them, and how they are drawn and saved."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.outcome import Interruptible
from meshrep.energies.answers import Answer
from meshrep.energies.base import Energy
from meshrep.energies.phases.measures import frequency_spread, steady_frequencies

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import ArrayLike


@dataclass(repr=False)
class Trajectory(Interruptible):
    """A field over time.

    Attributes
    ----------
    problem : Energy
        The energy whose flow it is.
    times : (k,) float64
    fields : (k, n) or (k, n, d) float64
        Phases are not wrapped: full turns are kept.
    energies : (k,) float64
    method : str
    steps, evaluations : int
        Steps of the integrator, and evaluations of the gradient.
    interrupted : bool
        Whether Ctrl-C ended it early.
    notes : list of str
    factorisations : int
        Matrices that implicit methods factored, or for which they computed a multigrid hierarchy.
    velocities : (k, n) or (k, n, d) float64 or None
        dw/dt of each frame where there is inertia.
    """

    problem: Energy
    times: np.ndarray
    fields: np.ndarray
    energies: np.ndarray
    method: str
    steps: int
    evaluations: int
    interrupted: bool = False
    notes: list[str] = field(default_factory=list)
    factorisations: int = 0
    velocities: np.ndarray | None = None

    def __repr__(self) -> str:
        order = self.order
        rho = "" if order is None else f", ρ {order[0]:.3g} to {order[-1]:.3g}"
        early = ", interrupted" if self.interrupted else ""
        return (
            f"Trajectory({self.method}: {len(self.times)} frames of {self.problem.graph.n} nodes, "
            f"t = {self.times[0]:g} to {self.end}, energy {self.energies[0]:.6g} to "
            f"{self.energies[-1]:.6g}{rho}, {self.steps} steps{early})"
        )

    @property
    def end(self) -> str:
        """The time of the last frame with its unit, such as "60 s"."""
        return f"{self.times[-1]:g} {self.problem.time_symbol}".rstrip()

    @property
    def order(self) -> np.ndarray | None:
        """The watched measure of each frame (k,), such as ρ of phases; None where there is none."""
        found = [self.problem.watched(w) for w in self.fields]
        return None if any(value is None for value in found) else np.array(found, dtype=float)

    @cached_property
    def answers(self) -> list[Answer]:
        """What the energy tells of the last frame, such as heat in W; empty for most."""
        return self.problem.at(float(self.times[-1])).answers(self.fields[-1])

    @property
    def frequencies(self) -> np.ndarray:
        """Mean rate of change (n,) of each node over the second half of the time.

        Raises
        ------
        InputError
            Where there are fewer than two frames.
        """
        return steady_frequencies(self.times, self.fields)

    def locked(self, within: float = 1e-3) -> bool:
        """Whether all nodes move at one frequency, to ``within`` (radians per unit of time)."""
        return frequency_spread(self.frequencies) <= within

    def by_label(self) -> dict[Hashable, Any]:
        """The last frame by the names of the nodes; phases are in [0, 2π)."""
        return self.problem.graph.by_label(self.problem.readable(self.fields[-1]))

    def probe(self, points: ArrayLike) -> np.ndarray:
        """The field at points over time, (k, p), by the shape functions of the cells there.

        Parameters
        ----------
        points : (p, 3) or (3,) array
            In the coordinates of the mesh. A point outside of it shows the nearest one of the mesh,
            and a warning says so.

        Raises
        ------
        InputError
            For a graph without cells, and points that cannot be read.
        """
        from meshrep.energies.conduction.probes import Probes

        probes = Probes(self.problem.graph, points)
        for remark in probes.remarks():
            warnings.warn(remark, stacklevel=2)
        return np.asarray(self.fields @ probes.matrix.T)

    def plot(self, path: str | Path, *, title: str = "") -> Path:
        """Draw the energy over time and, of phases, ρ, the last phases and the frequencies.

        Parameters
        ----------
        path : path
            A picture file to write.
        title : str
            The text above everything; by default the name of the graph.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        from meshrep.view.motion import trajectory

        phases = self.problem.quantity == "phase"
        return trajectory(
            self.times,
            self.energies,
            self.order,
            path,
            phases=self.fields[-1] if phases else None,
            natural=getattr(self.problem, "omega", None) if phases else None,
            observed=self.frequencies if phases and len(self.times) > 2 else None,
            title=title or self.problem.graph.name,
            time_symbol=self.problem.time_symbol,
        )

    def save(self, path: str | Path) -> Path:
        """Write the frames to a file, in the format of its suffix.

        A .csv or .json file has one row for each frame: the time, the energy, ρ where there is
        one, and a column for each node under its name. A .npz file has the arrays ``times``,
        ``fields``, ``energies`` and ``names``. A .pvd file lists one mesh a frame.

        Raises
        ------
        InputError
            When the suffix is another one, or the file cannot be written.
        """
        from meshrep.view.node_tables import write_frames

        order = self.order
        measures = {"energy": self.energies} | ({} if order is None else {"rho": order})
        return write_frames(
            self.problem.graph, self.times, self.fields, path, measures=measures,
            field=self.problem.quantity, symbols=self.problem.symbols,
        )  # fmt: skip
