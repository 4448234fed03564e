"""The variables and energies of meshrep in a training loop of your own, by torch."""

from __future__ import annotations

from meshrep.base.backends import installed
from meshrep.errors import MissingPart

if not installed("torch"):
    raise MissingPart("torch", "use meshrep.nn", "torch")

from meshrep.nn.energies import energy as energy
from meshrep.nn.field import Field as Field
from meshrep.nn.implicit import minimum as minimum
from meshrep.nn.own_energy import TorchEnergy as TorchEnergy
from meshrep.nn.own_module import Variables as Variables
from meshrep.nn.variables import GAT as GAT
from meshrep.nn.variables import GN as GN
from meshrep.nn.variables import DeepLinear as DeepLinear
from meshrep.nn.variables import GraphNetwork as GraphNetwork
from meshrep.nn.variables import Kappa as Kappa
from meshrep.nn.variables import KernelSmoothing as KernelSmoothing
from meshrep.nn.variables import Multilevel as Multilevel
from meshrep.nn.variables import Sobolev as Sobolev
from meshrep.nn.variables import Spectral as Spectral

__all__ = [
    "GAT", "GN", "DeepLinear", "Field", "GraphNetwork", "Kappa", "KernelSmoothing", "Multilevel",
    "Sobolev", "Spectral", "TorchEnergy", "Variables", "energy", "minimum",
]  # fmt: skip
