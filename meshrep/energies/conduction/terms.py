"""Conditions of conduction as energies of their own, which can be added.

The sum of conduction and such terms is the conduction that states all of them at once, so that
every solver does the same. With any other energy on the same mesh they add as energies do.
"""

from __future__ import annotations

from typing import Any

from meshrep.energies.conduction.energy import Conduction
from meshrep.energies.conduction.merging import Unsaid
from meshrep.graphs.graph import GraphLike


class Term(Conduction):
    """What acts on a part, without the part's own conduction.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    **stated
        Keywords of :class:`meshrep.Conduction`, such as ``thickness`` where the part has one.
    """

    def __init__(self, graph: GraphLike, **stated: Any) -> None:
        super().__init__(graph, Unsaid.CONDUCTIVITY, **stated)


class Convection(Term):
    """½ ∫ h (T − T_air)² over the boundary where a condition holds.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    where, h, air
        As one condition in ``convection=`` of :class:`meshrep.Conduction`.
    sides : bool
        Whether it acts over the area of shells and the hull of wires instead.
    **stated
        Other keywords of :class:`meshrep.Conduction`, such as ``units``.

    Examples
    --------
    >>> import numpy as np, meshrep
    >>> bar = meshrep.from_arrays(
    ...     np.linspace([0, 0, 0], [1, 0, 0], 3), meshrep.Cells.of_kind(3, [[0, 1], [1, 2]])
    ... )
    >>> energy = meshrep.Conduction(bar, 50.0, fixed={"x == 0": 100.0})
    >>> cooled = energy + meshrep.Convection(bar, "x == 1", 50.0, 20.0)
    >>> meshrep.solve(cooled).field.round(9).tolist()
    [100.0, 80.0, 60.0]
    """

    def __init__(
        self, graph: GraphLike, where: Any, h: Any, air: Any, *, sides: bool = False, **stated: Any
    ) -> None:
        stated["sides" if sides else "convection"] = [(where, h, air)]
        super().__init__(graph, **stated)


class RadiationTo(Term):
    """∫ εσ (|T|⁵/5 − T_s⁴ T) over the boundary where a condition holds.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    where, emissivity, surroundings
        As one condition in ``radiation=`` of :class:`meshrep.Conduction`.
    kelvin : bool
        Whether temperatures are in kelvin; else they are in °C.
    **stated
        Other keywords of :class:`meshrep.Conduction`.
    """

    def __init__(
        self, graph: GraphLike, where: Any, emissivity: Any, surroundings: Any, *,
        kelvin: bool, **stated: Any,
    ) -> None:  # fmt: skip
        radiation = [(where, emissivity, surroundings)]
        super().__init__(graph, radiation=radiation, kelvin=kelvin, **stated)


class HeatFlux(Term):
    """− ∫ q″ T over the boundary where a condition holds: heat q″ in W/m² that enters there.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    where, q
        As one condition in ``flux=`` of :class:`meshrep.Conduction`.
    **stated
        Other keywords of :class:`meshrep.Conduction`.
    """

    def __init__(self, graph: GraphLike, where: Any, q: Any, **stated: Any) -> None:
        super().__init__(graph, flux=[(where, q)], **stated)


class HeatSource(Term):
    """− ∫ q T: heat q in W/m³ that the part makes.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    q
        As ``source=`` of :class:`meshrep.Conduction`.
    **stated
        Other keywords of :class:`meshrep.Conduction`.
    """

    def __init__(self, graph: GraphLike, q: Any, **stated: Any) -> None:
        super().__init__(graph, source=q, **stated)


class FixedTemperature(Term):
    """0, and temperatures that are held.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    fixed
        As ``fixed=`` of :class:`meshrep.Conduction`.
    **stated
        Other keywords of :class:`meshrep.Conduction`.
    """

    def __init__(self, graph: GraphLike, fixed: Any, **stated: Any) -> None:
        super().__init__(graph, fixed=fixed, **stated)
