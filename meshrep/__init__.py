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
    "Annealing": "meshrep.minimisers.annealing",
    "Array": "meshrep.base.backends",
    "Backend": "meshrep.base.backends",
    "Blocks": "meshrep.energies.phases.mean_field",
    "Cells": "meshrep.graphs.cells",
    "Comparison": "meshrep.solving.compare",
    "Conduction": "meshrep.energies.conduction.energy",
    "Convection": "meshrep.energies.conduction.terms",
    "DeepLinear": "meshrep.parametrizations.linear.deep_linear",
    "Diagnosis": "meshrep.diagnosis.findings",
    "EdgeEnergy": "meshrep.energies.custom",
    "Energy": "meshrep.energies.base",
    "Entrant": "meshrep.solving.entrants",
    "Evaluator": "meshrep.energies.evaluator",
    "FixedTemperature": "meshrep.energies.conduction.terms",
    "FunctionEnergy": "meshrep.energies.custom",
    "GradientDescent": "meshrep.minimisers.first_order",
    "GradientFlow": "meshrep.minimisers.gradient_flow",
    "Graph": "meshrep.graphs.graph",
    "GraphAttention": "meshrep.parametrizations.networks.gat",
    "GraphLike": "meshrep.graphs.graph",
    "GraphNetwork": "meshrep.parametrizations.networks.gcn",
    "HeatBath": "meshrep.energies.heat",
    "HeatFlux": "meshrep.energies.conduction.terms",
    "HeatSource": "meshrep.energies.conduction.terms",
    "HeavyBall": "meshrep.minimisers.first_order",
    "History": "meshrep.base.outcome",
    "HopfKuramoto": "meshrep.energies.phases.hopf_kuramoto",
    "HopfKuramotoPrinted": "meshrep.energies.phases.hopf_kuramoto",
    "Identity": "meshrep.parametrizations.base",
    "InputError": "meshrep.errors",
    "Kappa": "meshrep.parametrizations.linear.kappa",
    "KernelSmoothing": "meshrep.parametrizations.linear.kernel",
    "Kuramoto": "meshrep.energies.phases.kuramoto",
    "LBFGS": "meshrep.minimisers.lbfgs",
    "Lift": "meshrep.minimisers.lift",
    "LowerStar": "meshrep.energies.lower_star",
    "MFAC": "meshrep.minimisers.mfac",
    "Map": "meshrep.parametrizations.base",
    "MeshrepError": "meshrep.errors",
    "MessagePassing": "meshrep.parametrizations.networks.gn",
    "Minimiser": "meshrep.minimisers.base",
    "MissingPart": "meshrep.errors",
    "Monitor": "meshrep.minimisers.monitor",
    "Multilevel": "meshrep.parametrizations.linear.multilevel",
    "NamedSolver": "meshrep.solving.declaration",
    "Nesterov": "meshrep.minimisers.first_order",
    "Newton": "meshrep.minimisers.newton",
    "Objective": "meshrep.minimisers.base",
    "Oscillators": "meshrep.energies.phases.oscillators",
    "Parametrization": "meshrep.parametrizations.base",
    "PhaseLaw": "meshrep.energies.phase_law",
    "Progress": "meshrep.minimisers.monitor",
    "ProgressLine": "meshrep.base.progress",
    "RadiationTo": "meshrep.energies.conduction.terms",
    "Result": "meshrep.base.outcome",
    "RipsPersistence": "meshrep.energies.topology",
    "SGD": "meshrep.minimisers.first_order",
    "Sample": "meshrep.minimisers.monitor",
    "Schedule": "meshrep.base.schedules",
    "ScipyLBFGS": "meshrep.minimisers.scipy_lbfgs",
    "Setting": "meshrep.base.settings",
    "Sobolev": "meshrep.parametrizations.linear.sobolev",
    "Solution": "meshrep.solving.solution",
    "SolveError": "meshrep.errors",
    "Solver": "meshrep.solving.solver",
    "Spectral": "meshrep.parametrizations.linear.spectral",
    "Stopping": "meshrep.minimisers.monitor",
    "SynchronisationCurve": "meshrep.sweeps.curve",
    "TorchOptimiser": "meshrep.minimisers.torch.optimisers",
    "Trajectory": "meshrep.flows.trajectory",
    "UniformAdam": "meshrep.minimisers.first_order",
    "Vortices": "meshrep.energies.phases.vortices",
    "XYGlass": "meshrep.energies.phases.kuramoto",
    "alpha_diagrams": "meshrep.persistence.alpha",
    "backend_for": "meshrep.base.backends",
    "baths": "meshrep.sources.selection",
    "cloud_film": "meshrep.view.cloud",
    "cloud_panels": "meshrep.view.cloud",
    "cloud_picture": "meshrep.view.cloud",
    "clusters": "meshrep.energies.phases.measures",
    "compare": "meshrep.solving.compare",
    "conduction_from": "meshrep.energies.conduction.statement",
    "diagnose": "meshrep.diagnosis.diagnosing",
    "ends": "meshrep.sources.selection",
    "film": "meshrep.view.film",
    "from_arrays": "meshrep.sources.memory",
    "from_edge_list": "meshrep.sources.pairs",
    "from_matrix": "meshrep.sources.networks",
    "from_meshio": "meshrep.sources.memory",
    "from_networkx": "meshrep.sources.networks",
    "from_pyvista": "meshrep.sources.memory",
    "from_trimesh": "meshrep.sources.memory",
    "graph_from": "meshrep.sources.spec",
    "integrate": "meshrep.flows.integrate",
    "known_solvers": "meshrep.solving.catalogue",
    "load": "meshrep.sources.files",
    "local_order": "meshrep.energies.phases.measures",
    "longest_loops": "meshrep.persistence.cycles",
    "lower_star_diagrams": "meshrep.persistence.lower_star",
    "mass": "meshrep.graphs.conductances",
    "natural_frequencies": "meshrep.energies.phases.frequencies",
    "order_parameter": "meshrep.energies.phases.measures",
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
    "synchronise": "meshrep.sweeps.synchronise",
    "to_networkx": "meshrep.view.as_networkx",
    "vortices": "meshrep.energies.phases.vortices",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name == "nn":  # not in __all__, since it needs torch
        return importlib.import_module("meshrep.nn")
    if name not in _HOME:
        raise AttributeError(f"module 'meshrep' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "nn"])


if TYPE_CHECKING:  # X as X: strict type checkers take a name for public only so
    from meshrep import nn as nn
    from meshrep.base.backends import Array as Array
    from meshrep.base.backends import Backend as Backend
    from meshrep.base.backends import backend_for as backend_for
    from meshrep.base.outcome import History as History
    from meshrep.base.outcome import Result as Result
    from meshrep.base.progress import ProgressLine as ProgressLine
    from meshrep.base.progress import progress as progress
    from meshrep.base.schedules import Schedule as Schedule
    from meshrep.base.settings import Setting as Setting
    from meshrep.diagnosis.diagnosing import diagnose as diagnose
    from meshrep.diagnosis.findings import Diagnosis as Diagnosis
    from meshrep.energies.base import Energy as Energy
    from meshrep.energies.conduction.energy import Conduction as Conduction
    from meshrep.energies.conduction.statement import conduction_from as conduction_from
    from meshrep.energies.conduction.terms import Convection as Convection
    from meshrep.energies.conduction.terms import FixedTemperature as FixedTemperature
    from meshrep.energies.conduction.terms import HeatFlux as HeatFlux
    from meshrep.energies.conduction.terms import HeatSource as HeatSource
    from meshrep.energies.conduction.terms import RadiationTo as RadiationTo
    from meshrep.energies.custom import EdgeEnergy as EdgeEnergy
    from meshrep.energies.custom import FunctionEnergy as FunctionEnergy
    from meshrep.energies.evaluator import Evaluator as Evaluator
    from meshrep.energies.heat import HeatBath as HeatBath
    from meshrep.energies.lower_star import LowerStar as LowerStar
    from meshrep.energies.phase_law import PhaseLaw as PhaseLaw
    from meshrep.energies.phases.frequencies import natural_frequencies as natural_frequencies
    from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto as HopfKuramoto
    from meshrep.energies.phases.hopf_kuramoto import HopfKuramotoPrinted as HopfKuramotoPrinted
    from meshrep.energies.phases.kuramoto import Kuramoto as Kuramoto
    from meshrep.energies.phases.kuramoto import XYGlass as XYGlass
    from meshrep.energies.phases.mean_field import Blocks as Blocks
    from meshrep.energies.phases.measures import clusters as clusters
    from meshrep.energies.phases.measures import local_order as local_order
    from meshrep.energies.phases.measures import order_parameter as order_parameter
    from meshrep.energies.phases.oscillators import Oscillators as Oscillators
    from meshrep.energies.phases.vortices import Vortices as Vortices
    from meshrep.energies.phases.vortices import vortices as vortices
    from meshrep.energies.topology import RipsPersistence as RipsPersistence
    from meshrep.errors import InputError as InputError
    from meshrep.errors import MeshrepError as MeshrepError
    from meshrep.errors import MissingPart as MissingPart
    from meshrep.errors import SolveError as SolveError
    from meshrep.flows.integrate import integrate as integrate
    from meshrep.flows.trajectory import Trajectory as Trajectory
    from meshrep.graphs.cells import Cells as Cells
    from meshrep.graphs.conductances import mass as mass
    from meshrep.graphs.graph import Graph as Graph
    from meshrep.graphs.graph import GraphLike as GraphLike
    from meshrep.minimisers.annealing import Annealing as Annealing
    from meshrep.minimisers.base import Minimiser as Minimiser
    from meshrep.minimisers.base import Objective as Objective
    from meshrep.minimisers.first_order import SGD as SGD
    from meshrep.minimisers.first_order import Adam as Adam
    from meshrep.minimisers.first_order import GradientDescent as GradientDescent
    from meshrep.minimisers.first_order import HeavyBall as HeavyBall
    from meshrep.minimisers.first_order import Nesterov as Nesterov
    from meshrep.minimisers.first_order import UniformAdam as UniformAdam
    from meshrep.minimisers.gradient_flow import GradientFlow as GradientFlow
    from meshrep.minimisers.lbfgs import LBFGS as LBFGS
    from meshrep.minimisers.lift import Lift as Lift
    from meshrep.minimisers.mfac import MFAC as MFAC
    from meshrep.minimisers.monitor import Monitor as Monitor
    from meshrep.minimisers.monitor import Progress as Progress
    from meshrep.minimisers.monitor import Sample as Sample
    from meshrep.minimisers.monitor import Stopping as Stopping
    from meshrep.minimisers.newton import Newton as Newton
    from meshrep.minimisers.scipy_lbfgs import ScipyLBFGS as ScipyLBFGS
    from meshrep.minimisers.torch.optimisers import TorchOptimiser as TorchOptimiser
    from meshrep.parametrizations.base import Identity as Identity
    from meshrep.parametrizations.base import Map as Map
    from meshrep.parametrizations.base import Parametrization as Parametrization
    from meshrep.parametrizations.linear.deep_linear import DeepLinear as DeepLinear
    from meshrep.parametrizations.linear.kappa import Kappa as Kappa
    from meshrep.parametrizations.linear.kernel import KernelSmoothing as KernelSmoothing
    from meshrep.parametrizations.linear.multilevel import Multilevel as Multilevel
    from meshrep.parametrizations.linear.sobolev import Sobolev as Sobolev
    from meshrep.parametrizations.linear.spectral import Spectral as Spectral
    from meshrep.parametrizations.networks.gat import GraphAttention as GraphAttention
    from meshrep.parametrizations.networks.gcn import GraphNetwork as GraphNetwork
    from meshrep.parametrizations.networks.gn import MessagePassing as MessagePassing
    from meshrep.persistence.alpha import alpha_diagrams as alpha_diagrams
    from meshrep.persistence.cycles import longest_loops as longest_loops
    from meshrep.persistence.lower_star import lower_star_diagrams as lower_star_diagrams
    from meshrep.persistence.rips import rips_diagrams as rips_diagrams
    from meshrep.solving.catalogue import known_solvers as known_solvers
    from meshrep.solving.catalogue import register as register
    from meshrep.solving.compare import Comparison as Comparison
    from meshrep.solving.compare import compare as compare
    from meshrep.solving.declaration import NamedSolver as NamedSolver
    from meshrep.solving.entrants import Entrant as Entrant
    from meshrep.solving.simplify import simplify as simplify
    from meshrep.solving.solution import Solution as Solution
    from meshrep.solving.solve import solve as solve
    from meshrep.solving.solver import Solver as Solver
    from meshrep.sources.files import load as load
    from meshrep.sources.memory import from_arrays as from_arrays
    from meshrep.sources.memory import from_meshio as from_meshio
    from meshrep.sources.memory import from_pyvista as from_pyvista
    from meshrep.sources.memory import from_trimesh as from_trimesh
    from meshrep.sources.networks import from_matrix as from_matrix
    from meshrep.sources.networks import from_networkx as from_networkx
    from meshrep.sources.pairs import from_edge_list as from_edge_list
    from meshrep.sources.selection import baths as baths
    from meshrep.sources.selection import ends as ends
    from meshrep.sources.selection import random_split as random_split
    from meshrep.sources.selection import select as select
    from meshrep.sources.spec import graph_from as graph_from
    from meshrep.sweeps.curve import SynchronisationCurve as SynchronisationCurve
    from meshrep.sweeps.synchronise import synchronise as synchronise
    from meshrep.view.as_networkx import to_networkx as to_networkx
    from meshrep.view.cloud import cloud_film as cloud_film
    from meshrep.view.cloud import cloud_panels as cloud_panels
    from meshrep.view.cloud import cloud_picture as cloud_picture
    from meshrep.view.film import film as film
    from meshrep.view.persistence import persistence_picture as persistence_picture
    from meshrep.view.scene import panels as panels
    from meshrep.view.scene import picture as picture
