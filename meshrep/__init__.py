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
    "KernelSmoothing": "meshrep.parametrizations.linear.kernel",
    "Kappa": "meshrep.parametrizations.linear.kappa",
    "Kuramoto": "meshrep.energies.oscillators",
    "LBFGS": "meshrep.minimisers.lbfgs",
    "LowerStar": "meshrep.energies.lower_star",
    "MeshrepError": "meshrep.errors",
    "MessagePassing": "meshrep.parametrizations.networks.gn",
    "MissingPart": "meshrep.errors",
    "NamedSolver": "meshrep.solving.declaration",
    "Multilevel": "meshrep.parametrizations.linear.multilevel",
    "Newton": "meshrep.minimisers.newton",
    "Oscillators": "meshrep.energies.oscillators",
    "ProgressLine": "meshrep.base.progress",
    "Result": "meshrep.base.outcome",
    "RipsPersistence": "meshrep.energies.topology",
    "Solution": "meshrep.solving.solution",
    "Setting": "meshrep.base.settings",
    "SGD": "meshrep.minimisers.first_order",
    "Sobolev": "meshrep.parametrizations.linear.sobolev",
    "SolveError": "meshrep.errors",
    "Solver": "meshrep.solving.solver",
    "Spectral": "meshrep.parametrizations.linear.spectral",
    "Stopping": "meshrep.minimisers.monitor",
    "Trajectory": "meshrep.energies.flows",
    "XYGlass": "meshrep.energies.oscillators",
    "baths": "meshrep.sources.selection",
    "clusters": "meshrep.energies.phases",
    "compare": "meshrep.solving.compare",
    "diagnose": "meshrep.diagnosis.diagnosing",
    "ends": "meshrep.sources.selection",
    "from_arrays": "meshrep.sources.memory",
    "from_networkx": "meshrep.sources.networks",
    "from_pyvista": "meshrep.sources.memory",
    "from_trimesh": "meshrep.sources.memory",
    "graph_from": "meshrep.sources.spec",
    "integrate": "meshrep.energies.flows",
    "known_solvers": "meshrep.solving.catalogue",
    "load": "meshrep.sources.files",
    "local_order": "meshrep.energies.phases",
    "order_parameter": "meshrep.energies.phases",
    "progress": "meshrep.base.progress",
    "random_split": "meshrep.sources.selection",
    "select": "meshrep.sources.selection",
    "register": "meshrep.solving.catalogue",
    "rips_diagrams": "meshrep.persistence.rips",
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
    from meshrep.energies.phases import clusters, local_order, order_parameter, vortices
    from meshrep.energies.topology import RipsPersistence
    from meshrep.errors import InputError, MeshrepError, MissingPart, SolveError
    from meshrep.graphs.cells import Cells
    from meshrep.graphs.graph import Graph
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
