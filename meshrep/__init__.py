"""meshrep: energies on meshes, lattices, clouds and networks, minimised and shown.

A mesh becomes a :class:`Graph`, an :class:`Energy` puts physics on it, :func:`solve` minimises
it, and the :class:`Solution` draws and saves itself:

>>> import meshrep
>>> graph = meshrep.graph_from("lattice:8x8")
>>> cold, hot = meshrep.ends(graph)
>>> solution = meshrep.solve(meshrep.HeatBath(graph, hot, cold), solver="newton")
>>> solution.result.word
'converged'

Everything is imported when it is first used, so that ``import meshrep`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Adam": "meshrep.minimisers.first_order",
    "Cells": "meshrep.graphs.cells",
    "Comparison": "meshrep.solving.compare",
    "DeepLinear": "meshrep.parametrizations.linear.deep_linear",
    "Diagnosis": "meshrep.diagnosis.findings",
    "EdgeEnergy": "meshrep.energies.custom",
    "Energy": "meshrep.energies.base",
    "FunctionEnergy": "meshrep.energies.custom",
    "Graph": "meshrep.graphs.graph",
    "GraphAttention": "meshrep.parametrizations.networks.gat",
    "GraphNetwork": "meshrep.parametrizations.networks.gcn",
    "HeatBath": "meshrep.energies.heat",
    "HopfKuramoto": "meshrep.energies.oscillators",
    "HopfKuramotoPrinted": "meshrep.energies.oscillators",
    "InputError": "meshrep.errors",
    "Kappa": "meshrep.parametrizations.linear.kappa",
    "KernelSmoothing": "meshrep.parametrizations.linear.kernel",
    "Kuramoto": "meshrep.energies.oscillators",
    "LBFGS": "meshrep.minimisers.lbfgs",
    "LowerStar": "meshrep.energies.lower_star",
    "MeshrepError": "meshrep.errors",
    "MessagePassing": "meshrep.parametrizations.networks.gn",
    "MissingPart": "meshrep.errors",
    "Multilevel": "meshrep.parametrizations.linear.multilevel",
    "NamedSolver": "meshrep.solving.declaration",
    "Newton": "meshrep.minimisers.newton",
    "Oscillators": "meshrep.energies.oscillators",
    "ProgressLine": "meshrep.base.progress",
    "PhaseLaw": "meshrep.energies.phase_law",
    "Result": "meshrep.base.outcome",
    "RipsPersistence": "meshrep.energies.topology",
    "SGD": "meshrep.minimisers.first_order",
    "Setting": "meshrep.base.settings",
    "Sobolev": "meshrep.parametrizations.linear.sobolev",
    "Solution": "meshrep.solving.solution",
    "SolveError": "meshrep.errors",
    "Solver": "meshrep.solving.solver",
    "Spectral": "meshrep.parametrizations.linear.spectral",
    "Stopping": "meshrep.minimisers.monitor",
    "Trajectory": "meshrep.energies.flows",
    "XYGlass": "meshrep.energies.oscillators",
    "alpha_diagrams": "meshrep.persistence.alpha",
    "baths": "meshrep.sources.selection",
    "cloud_film": "meshrep.view.cloud",
    "cloud_panels": "meshrep.view.cloud",
    "cloud_picture": "meshrep.view.cloud",
    "clusters": "meshrep.energies.phases",
    "compare": "meshrep.solving.compare",
    "diagnose": "meshrep.diagnosis.diagnosing",
    "ends": "meshrep.sources.selection",
    "film": "meshrep.view.film",
    "from_arrays": "meshrep.sources.memory",
    "from_networkx": "meshrep.sources.networks",
    "from_pyvista": "meshrep.sources.memory",
    "from_trimesh": "meshrep.sources.memory",
    "graph_from": "meshrep.sources.spec",
    "integrate": "meshrep.energies.flows",
    "known_solvers": "meshrep.solving.catalogue",
    "load": "meshrep.sources.files",
    "local_order": "meshrep.energies.phases",
    "longest_loops": "meshrep.persistence.cycles",
    "lower_star_diagrams": "meshrep.persistence.lower_star",
    "mass": "meshrep.graphs.operators",
    "order_parameter": "meshrep.energies.phases",
    "panels": "meshrep.view.scene",
    "persistence_picture": "meshrep.view.persistence",
    "picture": "meshrep.view.scene",
    "progress": "meshrep.base.progress",
    "random_split": "meshrep.sources.selection",
    "register": "meshrep.solving.catalogue",
    "rips_diagrams": "meshrep.persistence.rips",
    "select": "meshrep.sources.selection",
    "simplify": "meshrep.solving.simplify",
    "solve": "meshrep.solving.solve",
    "vortices": "meshrep.energies.phases",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'meshrep' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from meshrep.base.outcome import Result
    from meshrep.base.progress import ProgressLine, progress
    from meshrep.base.settings import Setting
    from meshrep.diagnosis.diagnosing import diagnose
    from meshrep.diagnosis.findings import Diagnosis
    from meshrep.energies.base import Energy
    from meshrep.energies.custom import EdgeEnergy, FunctionEnergy
    from meshrep.energies.flows import Trajectory, integrate
    from meshrep.energies.heat import HeatBath
    from meshrep.energies.lower_star import LowerStar
    from meshrep.energies.oscillators import (
        HopfKuramoto,
        HopfKuramotoPrinted,
        Kuramoto,
        Oscillators,
        XYGlass,
    )
    from meshrep.energies.phase_law import PhaseLaw
    from meshrep.energies.phases import clusters, local_order, order_parameter, vortices
    from meshrep.energies.topology import RipsPersistence
    from meshrep.errors import InputError, MeshrepError, MissingPart, SolveError
    from meshrep.graphs.cells import Cells
    from meshrep.graphs.graph import Graph
    from meshrep.graphs.operators import mass
    from meshrep.minimisers.first_order import SGD, Adam
    from meshrep.minimisers.lbfgs import LBFGS
    from meshrep.minimisers.monitor import Stopping
    from meshrep.minimisers.newton import Newton
    from meshrep.parametrizations.linear.deep_linear import DeepLinear
    from meshrep.parametrizations.linear.kappa import Kappa
    from meshrep.parametrizations.linear.kernel import KernelSmoothing
    from meshrep.parametrizations.linear.multilevel import Multilevel
    from meshrep.parametrizations.linear.sobolev import Sobolev
    from meshrep.parametrizations.linear.spectral import Spectral
    from meshrep.parametrizations.networks.gat import GraphAttention
    from meshrep.parametrizations.networks.gcn import GraphNetwork
    from meshrep.parametrizations.networks.gn import MessagePassing
    from meshrep.persistence.alpha import alpha_diagrams
    from meshrep.persistence.cycles import longest_loops
    from meshrep.persistence.lower_star import lower_star_diagrams
    from meshrep.persistence.rips import rips_diagrams
    from meshrep.solving.catalogue import known_solvers, register
    from meshrep.solving.compare import Comparison, compare
    from meshrep.solving.declaration import NamedSolver
    from meshrep.solving.simplify import simplify
    from meshrep.solving.solution import Solution
    from meshrep.solving.solve import solve
    from meshrep.solving.solver import Solver
    from meshrep.sources.files import load
    from meshrep.sources.networks import from_networkx
    from meshrep.sources.selection import baths, ends, random_split, select
    from meshrep.sources.spec import graph_from
    from meshrep.view.cloud import cloud_film, cloud_panels, cloud_picture
    from meshrep.view.film import film
    from meshrep.view.persistence import persistence_picture
    from meshrep.view.scene import panels, picture
