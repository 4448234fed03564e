"""Heat conduction in a part, in real units, by finite elements.

    E(T) = ½ ∫ k|∇T|² + ½ ∫_h h (T − T_air)² + ∫_r εσ (|T|⁵/5 − T_s⁴ T) − ∫ q T − ∫_q q″ T,

whose minimum is the weak form of −∇·(k∇T) = q with convection −k ∂T/∂n = h (T − T_air), radiation
−k ∂T/∂n = εσ (T⁴ − T_s⁴), and a flux q″ into the part.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array, Backend, NumpyBackend
from meshrep.base.randomness import random_from
from meshrep.base.schedules import Schedule
from meshrep.energies.answers import Answer
from meshrep.energies.base import Energy
from meshrep.energies.conduction.answers import answers_of, remarks_of
from meshrep.energies.conduction.assembly import Part
from meshrep.energies.conduction.conditions import (
    STEFAN_BOLTZMANN,
    Exchange,
    exchanges_of,
    fluxes_of,
    held_nodes,
)
from meshrep.energies.conduction.evaluators import (
    Differences,
    Formula,
    Gathers,
    Kernels,
    System,
)
from meshrep.energies.conduction.merging import Unsaid, merged_statements
from meshrep.energies.conduction.mesh_error import Entering, MeshError, mesh_error
from meshrep.energies.conduction.numbers import replaced, shapes_of, value_with
from meshrep.energies.conduction.sources import Sources
from meshrep.energies.conduction.units import metres, positive
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.fused import by_kernels_or_formula
from meshrep.energies.gathers import gathers_on
from meshrep.errors import InputError
from meshrep.graphs.graph import GraphLike
from meshrep.graphs.operators import absolute_row_sums
from meshrep.graphs.ordering import Order

_CELSIUS = 273.15  # K at 0 °C


class Conduction(Energy):
    """The temperature of a part that conducts heat, in SI units.

    Everything physical is in SI units: W, m, K or °C, whatever the unit of the mesh's coordinates,
    which ``units`` tells. Each ``where`` and each function of x, y, z is in the mesh's own
    coordinates.

    A condition acts where all nodes of a boundary face of a solid, of a boundary edge of a surface,
    or the end of a wire are selected by its ``where``, which is what :func:`meshrep.select` takes.
    It is integrated over these faces. Where nothing is said, the boundary is insulated.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
        With points and cells: lines, triangles, quadrilaterals, tetrahedra, hexahedra, wedges and
        pyramids, linear or quadratic, also mixed. Cells other than linear lines, triangles and
        tetrahedra need scikit-fem.
    conductivity : float, text, array, mapping or function
        k > 0, in W/(m K): a number; the name of an array of cells; an array (c,) or (c, 3, 3) in
        the order of the input's cells; ``{"MaterialIds": {1: 50.0, 2: 0.3}}`` by the values of an
        array of cells; ``{"steel": 50.0, "rubber": 0.3}`` by groups of cells, which are arrays of
        zeros and ones, such as physical groups of Gmsh; a function of x, y, z. Where
        a number may stand, a symmetric 3×3 matrix may.
    fixed : mapping, list of pairs, or array, optional
        ``{where: temperature}``, or temperatures (n,) of the nodes or (N,) of the input's points
        with NaN where they are free.
    convection : list of (where, h, air)
        Film coefficient h > 0 in W/(m² K), and the air's temperature.
    flux : list of (where, q)
        Heat q that enters, in W/m².
    source : what ``conductivity`` takes, except matrices
        Heat that the part makes, in W/m³.
    radiation : list of (where, emissivity, surroundings)
        Emissivity within (0, 1], and the temperature of the surroundings.
    sides : list of (where, h, air)
        Convection over the area of shells or the hull of wires, whose nodes are all selected.
    thickness, area : what ``conductivity`` takes, except matrices, optional
        Thickness of shells in m and area of wires in m². They are 1 where not given, but beside
        cells of more dimensions such cells conduct only where these are given.
    perimeter : float, optional
        Perimeter of wires for ``sides``; by default that of a circle.
    capacity : what ``thickness`` takes
        ρc in J/(m³ K), which flows in time need.
    units : text or float
        The unit of the mesh's coordinates: "m", "cm", "mm", "µm", "km", "in", "ft", or its length
        in metres.
    kelvin : bool, optional
        Whether temperatures are in kelvin; else they are in °C. It has to be told with radiation.
    stefan_boltzmann : float
        σ, in W/(m² K⁴): 5.670374419e-8; another one makes another system of units.

    A :class:`meshrep.Schedule` may stand for any value of a condition and for a source, in whole or
    of a region. Such an energy has the values of t = 0, which solvers take. ``energy.at(t)`` is the
    energy at another time, and :func:`meshrep.integrate` follows the schedules.

    Raises
    ------
    InputError
        Where a value cannot be used, a patch is empty, or two conditions of one kind share a face.
        :func:`meshrep.solve` raises where nothing decides the temperature of a connected component.
    MissingPart
        For cells that need scikit-fem, without it.

    Notes
    -----
    The energy is convex, and quadratic without radiation. It is counted from where its terms
    vanish, which adds a constant: q acts on T less the lowest given temperature.
    Stiffness is integrated exactly on affine cells.

    Errors in the mean square over the part fall with the square of the size of linear cells, and
    with the cube for quadratic cells whose edges are straight; on distorted ones with the square
    for serendipity cells (of 8, 13, 15 and 20 nodes). Readers make the hexahedron of 27 nodes one
    of 20.

    Examples
    --------
    A steel bar of 1 m, held at 100 °C at its left end and cooled at the right one:

    >>> import numpy as np, meshrep
    >>> bar = meshrep.from_arrays(
    ...     np.linspace([0, 0, 0], [1, 0, 0], 5),
    ...     meshrep.Cells.of_kind(3, np.array([[0, 1], [1, 2], [2, 3], [3, 4]])),
    ... )
    >>> energy = meshrep.Conduction(
    ...     bar, 50.0, fixed={"x == 0": 100.0}, convection=[("x == 1", 50.0, 20.0)], area=1e-4
    ... )
    >>> temperature = meshrep.solve(energy).field
    >>> temperature.round(6).tolist()
    [100.0, 90.0, 80.0, 70.0, 60.0]
    >>> heat = energy.heat_through(temperature)
    >>> round(heat["fixed 'x == 0'"], 9), round(heat["convection 'x == 1'"], 9)
    (0.2, -0.2)
    """

    quantity = "temperature"
    time_symbol = "s"
    convex = True
    has_hessian = True

    def __init__(
        self,
        graph: GraphLike,
        conductivity: Any,
        *,
        fixed: Any = None,
        convection: Any = (),
        flux: Any = (),
        source: Any = 0.0,
        radiation: Any = (),
        sides: Any = (),
        thickness: Any = None,
        area: Any = None,
        perimeter: float | None = None,
        capacity: Any = None,
        units: str | float = "m",
        kelvin: bool | None = None,
        stefan_boltzmann: float = STEFAN_BOLTZMANN,
    ) -> None:
        super().__init__(graph)
        if not (kelvin is None or isinstance(kelvin, bool | np.bool_)):
            raise InputError(f"kelvin must be True or False, not {kelvin!r}")
        self.stated = {
            "conductivity": conductivity, "fixed": fixed, "convection": convection, "flux": flux,
            "source": source, "radiation": radiation, "sides": sides, "thickness": thickness,
            "area": area, "perimeter": perimeter, "capacity": capacity, "units": units,
            "kelvin": kelvin, "stefan_boltzmann": stefan_boltzmann,
        }  # fmt: skip
        graph = self.graph
        self.conducts = conductivity is not Unsaid.CONDUCTIVITY
        self.part = Part(
            graph, conductivity if self.conducts else 0.0, capacity, thickness, area,
            metres(units), conductive=self.conducts,
        )  # fmt: skip
        self.sources = Sources(self.part, source)
        self.made = self.sources.at(0.0)
        self.held = held_nodes(self.part, fixed)
        self.fluxes = fluxes_of(self.part, flux)
        exchanges = [
            *exchanges_of(self.part, convection, "convection"),
            *exchanges_of(self.part, sides, "sides", perimeter=positive(perimeter, "perimeter")),
            *exchanges_of(
                self.part, radiation, "radiation",
                sigma=positive(stefan_boltzmann, "stefan_boltzmann") or 0.0,
            ),
        ]  # fmt: skip
        self.radiates = any(one.radiates for one in exchanges)
        self.quadratic = not self.radiates
        self.kelvin, self.time = kelvin, 0.0
        if self.held:
            self.fixed = np.concatenate([one.nodes for one in self.held])
        self._take_values(tuple(exchanges))
        self.unit = self._natural_unit()

    def _take_values(self, exchanges: tuple[Exchange, ...]) -> None:
        """Set up the system with the values that conditions have now."""
        if self.held:
            self.fixed_values = np.concatenate([one.values for one in self.held])
        self._of_last: tuple[np.ndarray, dict[str, Any]] = np.zeros(0), {}
        given = np.concatenate([self.fixed_values, *(one.outside for one in exchanges)])
        self._check_absolute(given)
        self._system = System(
            self.part.coupling,
            sum((one.load for one in self.fluxes), self.made),
            exchanges,
            self.fixed,
            self.fixed_values,
            float(given.min()) if len(given) else 0.0,
            _CELSIUS if self.radiates and not self.kelvin else 0.0,
        )

    @property
    def schedules(self) -> list[Schedule]:
        """What the conditions and sources follow."""
        found = self.sources.schedules
        for held in self.held:
            found += held.schedules
        for flux in self.fluxes:
            found += flux.given.schedules
        for exchange in self._system.exchanges:
            found += exchange.schedules
        return found

    def at(self, time: float) -> Conduction:
        """The energy with the values that its conditions and sources have at a time.

        Examples
        --------
        >>> import meshrep
        >>> rod = meshrep.from_arrays([[0, 0, 0], [1, 0, 0]], meshrep.Cells.of_kind(3, [[0, 1]]))
        >>> warming = {"x == 0": meshrep.Schedule([0, 60], [20, 80])}
        >>> energy = meshrep.Conduction(rod, 50.0, fixed=warming)
        >>> meshrep.solve(energy).field.round(9), meshrep.solve(energy.at(30)).field.round(9)
        (array([20., 20.]), array([50., 50.]))
        """
        if time == self.time or not self.schedules:
            return self
        twin = copy.copy(self)  # without what is cached
        twin.time = time
        twin.made = self.sources.at(time)
        twin.held = [one.at(time) for one in self.held]
        twin.fluxes = [one.at(time) for one in self.fluxes]
        twin._take_values(tuple(one.at(time) for one in self._system.exchanges))
        twin.unit = twin._natural_unit()
        return twin

    def _check_absolute(self, given: np.ndarray) -> None:
        """Refuse temperatures below absolute zero, and radiation in an unknown unit."""
        if self.radiates and self.kelvin is None:
            raise InputError(
                "radiation needs absolute temperatures: say kelvin=True if all temperatures are "
                "in kelvin, or kelvin=False if they are in °C"
            )
        if self.kelvin is None or not len(given):
            return
        least, unit = (0.0, "K") if self.kelvin else (-_CELSIUS, "°C")
        if given.min() < least:
            raise InputError(f"a temperature of {given.min():g} {unit} is below absolute zero")

    @cached_property
    def undecided(self) -> str:  # type: ignore[override]
        """That a connected component has nothing that decides its temperature."""
        component = self.component_of
        decided = np.zeros(component.max() + 1, dtype=bool)
        decided[component[self.fixed]] = True
        for one in self._system.exchanges:
            decided[component[one.matrix.indices]] = True
        if decided.all():
            return ""
        node = int(np.flatnonzero(~decided[component])[0])
        return (
            f"{self.graph.name}: nothing decides the temperature of "
            f"{int((~decided).sum())} of {len(decided)} connected components (one holds node "
            f"{self.graph.called(node)}): fix a temperature there, or let it convect or radiate"
        )

    def merged(self, other: Energy) -> Energy | None:
        """Conduction with the conditions of both, where one of them says what the part is."""
        if not isinstance(other, Conduction) or not self.graph.same_as(other.graph):
            return None
        keywords = inspect.signature(Conduction).parameters
        unsaid = {name: keyword.default for name, keyword in keywords.items()}
        unsaid["conductivity"] = Unsaid.CONDUCTIVITY
        together = merged_statements(self.stated, other.stated, unsaid)
        return None if together is None else Conduction(self.graph, **together)

    def _natural_unit(self) -> float:
        """The range of the given temperatures, or the rise by the loads if that is larger."""
        given = [self.fixed_values, *(one.outside for one in self._system.exchanges)]
        levels = np.concatenate(given)
        if not len(levels):
            levels = np.zeros(1)
        spread = float(np.ptp(levels))
        heat = float(abs(self._system.load).sum())
        if heat:
            spread = max(spread, heat * self.part.resistance)
        return spread or float(abs(levels).max()) or 1.0

    @property
    def origin(self) -> float:  # type: ignore[override]
        """The lowest given temperature."""
        return self._system.origin

    @property
    def auto_solver(self) -> tuple[str, str]:
        """Newton's method, for which a problem without radiation is one linear system."""
        if self.radiates:
            return "newton", "convex with a sparse Hessian, and not quadratic since it radiates"
        return "newton", "quadratic: its minimum is the solution of one sparse linear system"

    @property
    def compared_solvers(self) -> tuple[str, ...]:
        """The default first, and those that arrive in seconds on parts."""
        return "newton", "multilevel", "lbfgs", "gcn", "adam"

    @property
    def coupling(self) -> Any:
        """The matrix (n, n) of conductances a_ij = −∫ k ∇φ_i·∇φ_j, without diagonal."""
        return self._system.coupling

    @property
    def capacity(self) -> np.ndarray:
        """∫ ρc φ_i of each node (n,), lumped."""
        return self.part.lumped

    @property
    def capacity_matrix(self) -> Any:
        """∫ ρc φ_i φ_j, (n, n)."""
        return self.part.consistent

    @cached_property
    def scale(self) -> float:
        """The mean size of a conductance times unit²."""
        sizes = abs(self._system.coupling.data)
        if not len(sizes):  # conditions alone
            return super().scale
        return float(sizes.mean()) * self.unit**2

    @cached_property
    def _usual_norm(self) -> float:
        """The 2-norm of the right-hand side of the linear system, counted from the origin."""
        w = np.full(self.graph.n, self.origin)
        return float(np.linalg.norm(self.gradient(self.with_fixed(w))))

    def on(self, backend: Backend) -> Evaluator:
        """By kernels of numba or Triton where they are and nothing radiates, else the formula."""
        system = self._system
        if self.radiates:
            return self.formula(backend)
        gathers = partial(Gathers, system) if gathers_on(backend, system.coupling) else None
        return by_kernels_or_formula(backend, partial(Kernels, system), self.formula, gathers)

    def formula(self, backend: Backend) -> Evaluator:
        """The formula over the arrays of the back end."""
        return Formula(self._system, backend)

    @cached_property
    def judge(self) -> Evaluator:
        """By differences over edges, since no other way bears conductances that differ much."""
        return self._exact

    @cached_property
    def _exact(self) -> Differences:
        return Differences(self._system, NumpyBackend("float64", jit=False))

    def reordered(self, order: Order) -> Conduction:
        """The same problem with nodes in another order."""
        twin: Conduction = self._on_renumbered(order)
        twin._system = self._system.reordered(order)
        twin._of_last = np.zeros(0), {}
        return twin

    variable = ("conductances", "temperatures")

    def with_numbers(self, **numbers: np.ndarray) -> Conduction:
        """The same problem with other conductances of pairs or temperatures (k,) of fixed nodes.

        Conductances are the entries of ``coupling`` above its diagonal, row by row.
        """
        self._given(numbers, shapes_of(self._system))
        twin = copy.copy(self)
        twin._system = replaced(self._system, numbers)
        twin.fixed_values = twin._system.fixed_values
        twin._of_last = np.zeros(0), {}
        return twin

    def value_with(self, backend: Backend, w: Array, numbers: Mapping[str, Array]) -> Any:
        """The energy in conductances and temperatures as well."""
        self._given(numbers, shapes_of(self._system))
        return value_with(self._system, backend, w, numbers)

    def held_with(self, backend: Backend, numbers: Mapping[str, Array]) -> Array:
        """Temperatures of the fixed nodes."""
        return numbers.get("temperatures", super().held_with(backend, numbers))

    def hessian(self, w: np.ndarray) -> Any:
        """Stiffness, convection ∫ h φ_i φ_j, and radiation 4 ∫ εσ |T|³ φ_i φ_j."""
        return self._system.hessian(np.asarray(w, dtype=np.float64))

    def steepest(self, start: np.ndarray) -> float:
        """Gershgorin's bound of the Hessian where no temperature is larger than the given ones.

        The temperatures of the start, those of the conditions, and a rise of one unit count.
        """
        largest = float(abs(start + self._system.absolute).max(initial=0.0))
        largest = max(largest, abs(self.origin + self._system.absolute) + self.unit)
        everywhere = np.full(self.graph.n, largest - self._system.absolute)
        bound = float(absolute_row_sums(self.hessian(everywhere)).max())
        return bound or self.scale / self.unit**2

    def random_start(self, seed: int = 0) -> np.ndarray:
        """Uniform between the origin and one unit above it."""
        draw = random_from(seed).random(self.graph.n)
        return self.clamp(self.origin + self.unit * draw)

    def heat_through(self, field: Any) -> dict[str, float]:
        """Heat that enters the part through each condition, in W, and their balance.

        Parameters
        ----------
        field : (n,) array
            Temperatures of the nodes.

        Returns
        -------
        dict of str to float
            By the kind of condition and its ``where``, such as "convection 'x > 1'"; negative where
            heat leaves. "source" is what the part makes. "balance" is the sum of all, which is 0 at
            the minimum.
        """
        found = {name: math.fsum(heat) for name, heat in self.heat_by_place(field).items()}
        return found | {"balance": math.fsum(found.values())}

    def heat_by_place(self, field: Any) -> dict[str, np.ndarray]:
        """Heat in W that enters at the nodes or points of each condition, by its name."""
        w = self.clamp(field)
        supplied = self._exact.unheld(w)[1]
        found = {one.name: supplied[one.nodes] for one in self.held}
        found |= {flux.name: flux.heat for flux in self.fluxes}
        absolute = self._system.absolute
        found |= {one.name: one.entering(w, absolute) for one in self._system.exchanges}
        return found | ({"source": self.made} if self.made.any() else {})

    def answers(self, w: np.ndarray) -> list[Answer]:
        """Heat through each condition and its balance, the extremes and where they are."""
        return answers_of(self, w)

    def mesh_error(self, field: Any) -> MeshError:
        """How far a steady temperature (n,) is from that of infinitely fine cells, cell by cell.

        It is an estimate from the heat that flows across the facets of cells, also between regions
        of other conductivity. In the tests it is within a factor of 2 of the true error.
        """
        return self._once("mesh error", field, self._mesh_error)

    def _mesh_error(self, w: np.ndarray) -> MeshError:
        absolute = self._system.absolute
        entering: list[Entering] = [(one.samples.facets, one.heat) for one in self.fluxes]
        entering += [(one.facets, one.entering(w, absolute)) for one in self._system.exchanges]
        source = self.sources.property_at(self.time)
        return mesh_error(self.part, w, source, self.fixed, entering)

    def heat_flux(self, field: Any) -> np.ndarray:
        """Mean of −k∇T in each cell of the graph, (c, 3), in W/m²; NaN in cells without heat."""
        return self._once("heat flux", field, self.part.flux).copy()

    def _once(self, name: str, field: Any, compute: Callable[[np.ndarray], Any]) -> Any:
        """What follows from a field; it is kept for the last field that was asked for."""
        w = self.clamp(field)
        known = self._of_last
        if not np.array_equal(known[0], w):
            known = self._of_last = w, {}
        if name not in known[1]:
            known[1][name] = compute(w)
        return known[1][name]

    @property
    def symbols(self) -> dict[str, str]:  # type: ignore[override]
        """K or °C, and W/m²."""
        flux = dict.fromkeys(("heat_flux", "heat_flux_error"), "W/m²")
        return {"temperature": "K" if self.kelvin else "°C", **flux}

    def cell_fields(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """The heat flux (c, 3), and the size of its error (c,) by :meth:`mesh_error`.

        The error is left out where there are more than 200,000 cells.
        """
        if not self.conducts:
            return {}
        found = {"heat_flux": self.heat_flux(w)}
        if len(self.graph.cells) <= limits.MESH_ERROR_UP_TO:
            found["heat_flux_error"] = self.mesh_error(w).flux
        return found

    def remarks(self, w: np.ndarray) -> list[str]:
        """That the heat does not balance, or that the mesh is too coarse by :meth:`mesh_error`.

        Nothing is said of the mesh where there are more than 200,000 cells.
        """
        return remarks_of(self, w) if self.conducts else []

    def settings(self) -> dict[str, Any]:
        """Sizes of the conditions, and what is given once."""
        return {
            "energy": "Conduction", "cells": sum(len(b.which) for b in self.part.blocks),
            "fixed": len(self.fixed), "conditions": [
                *(one.name for one in self.held), *(one.name for one in self.fluxes),
                *(one.name for one in self._system.exchanges),
            ],
            "kelvin": self.kelvin, "metres_per_unit": self.part.length,
        }  # fmt: skip
