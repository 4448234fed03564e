"""meshrep on every PyVista dataset: ``pv.read("bunny.ply").meshrep.heat()``.

PyVista finds this file by the entry point ``pyvista.accessors`` and loads it when ``.meshrep`` is
first used, so that users need not import meshrep.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import pyvista as pv

from meshrep.energies.base import Energy, checked_energy
from meshrep.errors import InputError
from meshrep.graphs.correspondence import in_input
from meshrep.graphs.graph import Graph
from meshrep.solving.solution import Solution
from meshrep.solving.solver import AnySolver

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@pv.register_dataset_accessor("meshrep", pv.DataSet)
class MeshrepAccessor:
    """Energies on the graph of a dataset; reach it as ``dataset.meshrep``."""

    def __init__(self, dataset: pv.DataSet) -> None:
        self._dataset = dataset
        self._graph: tuple[int, Graph] | None = None

    def graph(self) -> Graph:
        """The graph of the dataset's points and cells.

        Coincident points become one node, and unused points are left out; ``graph.origin.node_of``
        maps the dataset's points to nodes. The graph is kept until the dataset changes.

        Raises
        ------
        InputError
            When the dataset has no points or a kind of cell that is not supported.
        """
        changed = int(self._dataset.GetMTime())
        if self._graph is None or self._graph[0] != changed:
            from meshrep.sources.memory import from_pyvista

            self._graph = changed, from_pyvista(self._dataset)
        return self._graph[1]

    def heat(
        self,
        hot: str | os.PathLike[str] | ArrayLike | None = None,
        cold: str | os.PathLike[str] | ArrayLike | None = None,
        *,
        bath: str = "ends",
        share: float = 0.1,
        kind: str = "quartic",
        power: float | None = None,
        t_hot: float = 1.0,
        t_cold: float = 0.0,
        strength: float = 1.0,
        laplacian: str = "graph",
        unbathed: str = "raise",
        solver: AnySolver = "auto",
        seed: int = 0,
        **settings: Any,
    ) -> pv.DataSet:
        """A copy of the dataset with its steady temperature as point data.

        Parameters
        ----------
        hot, cold : optional
            What :func:`meshrep.select` takes (numbers or masks of the dataset's points, or a
            condition such as ``"z < 0.06"``); without both, ``bath`` chooses.
        bath : {"ends", "random"}
            Where the baths are: at the two ends of the longest axis, or at random nodes.
        share : float
            The share of the extent along that axis, or of the nodes, that each bath takes.
        kind, power, t_hot, t_cold, strength, laplacian, unbathed
            As for :class:`meshrep.HeatBath`, such as ``kind="dirichlet"``.
        solver, seed, **settings
            As for :func:`meshrep.solve`.

        Returns
        -------
        pyvista.DataSet
            With ``point_data["temperature"]``, NaN at points that no cell uses.

        Raises
        ------
        InputError
            As :func:`meshrep.baths`, :class:`meshrep.HeatBath` and :func:`meshrep.solve`, and for
            an unknown keyword.
        """
        from meshrep.energies.heat import HeatBath
        from meshrep.solving.solve import solve
        from meshrep.sources.selection import baths

        graph = self.graph()
        settings = self._with_start(settings)
        high, low, _ = baths(graph, bath, hot=hot, cold=cold, share=share, seed=seed)
        energy = HeatBath(
            graph, high, low, kind=kind, power=power, t_hot=t_hot, t_cold=t_cold,
            strength=strength, laplacian=laplacian, unbathed=unbathed,
        )  # fmt: skip
        _check_keywords(self.heat, settings, solver, energy)
        return self._with(solve(energy, solver, seed=seed, **settings))

    def conduct(
        self,
        conductivity: Any = None,
        *,
        problem: str | os.PathLike[str] | None = None,
        fixed: Any = None,
        convection: Any = None,
        flux: Any = None,
        source: Any = None,
        radiation: Any = None,
        sides: Any = None,
        thickness: Any = None,
        area: Any = None,
        perimeter: float | None = None,
        units: str | float | None = None,
        kelvin: bool | None = None,
        solver: AnySolver = "auto",
        seed: int = 0,
        **settings: Any,
    ) -> pv.DataSet:
        """A copy of the dataset with the steady temperature of a part that conducts heat.

        Parameters
        ----------
        conductivity, fixed, convection, flux, source, radiation, sides, thickness, area, perimeter
            Materials and conditions in SI units, as for :class:`meshrep.Conduction`. Arrays are in
            the order of the dataset's cells and points, and texts name its arrays.
        problem : path, optional
            A .toml file that states all of these, as for :func:`meshrep.conduction_from`.
        units : text or float
            The unit of the dataset's coordinates: "m" (the default), "mm", "in", …, or its length
            in metres.
        kelvin : bool, optional
            Whether temperatures are in kelvin; else they are in °C. It has to be told with
            radiation.
        solver, seed, **settings
            As for :func:`meshrep.solve`.

        Returns
        -------
        pyvista.DataSet
            With ``point_data["temperature"]``, NaN at points that no cell uses;
            ``cell_data["heat_flux"]``, the mean of −k∇T in W/m², NaN in cells that do not conduct;
            and ``field_data["heat"]``, the heat in W that enters through each condition, whose
            names are ``field_data["heat_of"]``. Its points, cells and other arrays are shared with
            the dataset.

        Raises
        ------
        InputError
            As :class:`meshrep.Conduction` and :func:`meshrep.solve`, and for an unknown keyword.
        """
        from meshrep.energies.conduction.energy import Conduction
        from meshrep.energies.conduction.statement import conduction_from
        from meshrep.solving.solve import solve
        from meshrep.view.dataset import label_units, text_array

        settings = self._with_start(settings)
        stated = {
            "conductivity": conductivity, "fixed": fixed, "convection": convection, "flux": flux,
            "source": source, "radiation": radiation, "sides": sides, "thickness": thickness,
            "area": area, "perimeter": perimeter, "units": units, "kelvin": kelvin,
        }  # fmt: skip
        stated = {name: value for name, value in stated.items() if value is not None}
        if problem is None:
            energy = Conduction(self.graph(), stated.pop("conductivity", None), **stated)
        elif stated:
            raise InputError(f"{next(iter(stated))} is stated by the file {problem}: drop one")
        else:
            energy = conduction_from(problem, self.graph())
        _check_keywords(self.conduct, settings, solver, energy)
        solution = solve(energy, solver, seed=seed, **settings)
        result = self._with(solution)
        heat = energy.heat_through(solution.field)
        result.field_data["heat"] = np.array(list(heat.values()))
        result.GetFieldData().AddArray(text_array("heat_of", heat))
        label_units(result, {"heat": "W"})
        return result

    def solve(self, energy: Energy, solver: AnySolver = "auto", **settings: Any) -> pv.DataSet:
        """A copy of the dataset with the minimiser of an energy on ``graph()`` as point data.

        The array is named after the energy's quantity; cell fields of the energy, such as the heat
        flux, are cell data. Settings go to :func:`meshrep.solve`.

        Raises
        ------
        InputError
            When the energy is on another graph, for an unknown keyword, and as
            :func:`meshrep.solve`.
        """
        from meshrep.solving.solve import solve

        if not checked_energy(energy).graph.same_as(self.graph()):
            raise InputError("the energy is on another graph: build it on mesh.meshrep.graph()")
        settings = self._with_start(settings)
        _check_keywords(self.solve, settings, solver, energy)
        return self._with(solve(energy, solver, **settings))

    def plot(
        self, array: str | None = None, path: str | os.PathLike[str] | None = None, **words: Any
    ) -> None:
        """Draw point data as :func:`meshrep.picture` does: into a file, or in a window.

        Parameters
        ----------
        array : str, optional
            Name of the point data; by default the active scalars.
        path : path, optional
            A picture to write; without it a window opens.
        **words
            How it looks, as for :func:`meshrep.picture`: ``view="iso"``, ``clip="z=3"``, … The
            arrays "temperature" and "phase" have the colours of these quantities.

        Raises
        ------
        InputError
            When there is no such array, and as :func:`meshrep.picture`.
        """
        from meshrep.view import scene

        name = array or self._dataset.active_scalars_name or ""
        if name not in self._dataset.point_data:
            known = ", ".join(self._dataset.point_data.keys()) or "none"
            raise InputError(f"there is no point data {name!r}: the names are {known}")
        words.setdefault("quantity", name if name in ("temperature", "phase") else "field")
        words.setdefault("label", name)
        values = self._of_nodes(np.asarray(self._dataset.point_data[name]), repr(name))
        if path is None:
            scene.show(self.graph(), values, **words)
        else:
            scene.picture(self.graph(), values, path, **words)

    def simplify(
        self, array: str | None = None, share: float = 0.05, **settings: Any
    ) -> pv.DataSet:
        """A copy of the dataset with a point field from which small extrema are removed.

        Parameters
        ----------
        array : str, optional
            Name of the point data; by default the active scalars.
        share : float
            Extrema are removed if their persistence is at most this share of the field's range.
        **settings
            As for :func:`meshrep.simplify`.

        Returns
        -------
        pyvista.DataSet
            With ``point_data[array + "_simplified"]``.

        Raises
        ------
        InputError
            When there is no such field, or it is not one finite number for each point that a cell
            uses, or differs between points at the same position.
        """
        from meshrep.energies.lower_star import LowerStar
        from meshrep.solving.simplify import simplify

        name = array or self._dataset.active_scalars_name or ""
        if name not in self._dataset.point_data:
            known = ", ".join(self._dataset.point_data.keys()) or "none"
            raise InputError(f"there is no point data {name!r}: the names are {known}")
        values = np.asarray(self._dataset.point_data[name])
        graph = self.graph()
        field = self._of_nodes(values, repr(name)) if values.dtype.kind in "biuf" else values
        if field.ndim != 1 or field.dtype.kind not in "biuf" or not np.isfinite(field).all():
            raise InputError(f"{name!r} is not one finite number for each point that a cell uses")
        field = field.astype(np.float64)
        if not np.ptp(field):
            raise InputError(f"{name!r} is the same at all points: there is no extremum to remove")
        threshold = share * float(np.ptp(field))
        energy, solver = LowerStar(graph, threshold=threshold), settings.get("solver", "auto")
        _check_keywords(self.simplify, settings, solver, energy)
        return self._with(simplify(graph, field, threshold, **settings), f"{name}_simplified")

    def _of_nodes(self, values: np.ndarray, what: str) -> np.ndarray:
        """Values of the dataset's points (N, …) as node values (n, …)."""
        origin = self.graph().origin
        return values if origin is None else origin.gather(values, what)

    def _with_start(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings, where a start that is given for the dataset's points is one of nodes."""
        start = settings.get("start")
        if start is None or len(np.shape(start)) < 1 or len(start) != self._dataset.n_points:
            return settings
        return settings | {"start": self._of_nodes(np.asarray(start), "start")}

    def _with(self, solution: Solution, name: str | None = None) -> pv.DataSet:
        """The dataset with the field of a solution, what follows in cells, and a text.

        It is a shallow copy: a million cells are not copied to add an array.
        """
        from meshrep.view.dataset import label_units, text_array

        energy = solution.problem
        name = name or energy.quantity
        result = self._dataset.copy(deep=False)
        origin = energy.graph.origin
        values = solution.field if origin is None else origin.spread(solution.field)
        result.point_data[name] = values
        for of, flux in energy.cell_fields(solution.field).items():
            result.cell_data[of] = in_input(energy.graph, flux)
        label_units(result, {name: energy.symbols.get(energy.quantity, "")} | dict(energy.symbols))
        result.set_active_scalars(name)
        fields = result.GetFieldData()
        fields.AddArray(text_array("meshrep", [repr(solution)]))
        if solution.answers:
            fields.AddArray(text_array("answers", map(str, solution.answers)))
        if solution.remarks:
            fields.AddArray(text_array("remarks", solution.remarks))
        return result


def _check_keywords(
    method: Callable[..., Any], given: Mapping[str, Any], solver: AnySolver, energy: Energy
) -> None:
    """Refuse a keyword that neither the method, nor ``solve``, nor the named solver has.

    Raises
    ------
    InputError
        Listing the known ones.
    """
    from meshrep.base.settings import british, unknown
    from meshrep.solving.catalogue import known_solvers
    from meshrep.solving.solve import solve

    name = energy.auto_solver[0] if solver == "auto" else solver
    if not isinstance(name, str) or name not in known_solvers():
        return  # whoever builds such a solver checks its settings
    known = dict.fromkeys([*signature(method).parameters, *signature(solve).parameters])
    for word in ("settings", "energy", "start" if method.__name__ == "simplify" else ""):
        known.pop(word, None)
    known |= dict.fromkeys(setting.name for setting in known_solvers()[name].settings)
    for word in given:
        if british(word) not in known:
            raise InputError(unknown(f"mesh.meshrep.{method.__name__}", word, known))
