"""Named solvers whose field is the output of a graph network, which hand over to Adam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from meshrep.base.settings import Setting
from meshrep.energies.base import Energy
from meshrep.minimisers.first_order import Adam
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.networks.gat import GraphAttention
from meshrep.parametrizations.networks.gcn import GraphNetwork
from meshrep.parametrizations.networks.gn import MessagePassing
from meshrep.parametrizations.networks.network import Network
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.named.first_order import adam
from meshrep.solving.named.shared import lr
from meshrep.solving.solver import Solver


@dataclass(frozen=True)
class _Suited:
    """The settings that suit networks on one quantity.

    ``scripts/benchmark.py basins`` measures them for phases, and ``topology`` for positions.
    """

    lr: float
    spread: float
    switch: Stopping


OTHERS = _Suited(0.05, 0.1, Stopping(window=5, ftol=0.3, gtol=0.0))
SUITED = {
    "phase": _Suited(0.2, 1.0, Stopping(window=20, ftol=0.02, gtol=0.0)),
    "position": _Suited(0.03, 0.1, Stopping(max_steps=100, gtol=0.0)),
}
PREFIT_LR = 0.01  # the papers' rate, since their network begins in the same state

LAYERS = Setting("layers", int, "layers of the network", default=1, least=1)
HIDDEN = Setting("hidden", int, "width of each layer", default=8, least=1, several=True)
SWITCH = Setting(
    "switch", int, "steps until Adam on the field takes over", default="auto", least=1,
    words=("auto",),
)  # fmt: skip
READOUT = Setting(
    "readout", str, "the output as the field, or as a vector whose angle is the phase",
    shown="circle for phases, else value", choices=("value", "circle"),
)  # fmt: skip
START = Setting(
    "network_start", str, "begin at the common start, at the network's own first output, or "
    "fitted to the start", default="shared", choices=("shared", "network", "prefit"),
)  # fmt: skip
PROPAGATION = Setting(
    "propagation", str, "the matrix that a layer averages with", shown="by the energy",
    choices=("sym", "self", "square"),
)  # fmt: skip
COMMON = (lr(shown="0.05; phases 0.2, points 0.03"), LAYERS, HIDDEN, SWITCH, READOUT, START)


def _solver(
    network: Callable[..., Network], name: str, slow: bool = False
) -> Callable[..., Solver]:
    """Builds Adam on the variables of a network, then Adam on the field."""

    def build(
        energy: Energy, lr: float | None = None, switch: int | str = "auto",
        network_start: str = "shared", **settings: Any,
    ) -> Solver:  # fmt: skip
        best = SUITED.get(energy.quantity, OTHERS)
        stopping = best.switch
        if switch != "auto":
            stopping = Stopping(max_steps=int(switch), gtol=0.0)
        return Solver(
            Adam(lr=lr or (PREFIT_LR if slow else best.lr), beta1=0.7, beta2=0.99, settle=False),
            network(spread=best.spread, network_start=network_start, **settings),
            stopping,
            then=adam(energy),
            name=name,
        )

    return build


def _gcn(residual: bool = False, propagation: str = "auto") -> Callable[..., Network]:
    """A convolutional network; with the propagation "none" it does not use the graph."""

    def network(**settings: Any) -> Network:
        return GraphNetwork(residual=residual, **{"propagation": propagation} | settings)

    return network


def _prefit(energy: Energy, **settings: Any) -> Solver:
    widths = (8,) + (6,) * settings.get("layers", 1)
    given = {"hidden": widths} | settings | {"network_start": "prefit"}
    return _solver(_gcn(), "gcn-prefit", slow=True)(energy, **given)


def _declared(
    name: str, network: Callable[..., Network], sentence: str, when: str, graph: bool = False
) -> NamedSolver:
    settings = (*COMMON, PROPAGATION) if graph else COMMON
    return NamedSolver(name, sentence, when, _solver(network, name), settings, "networks")


SOLVERS = (
    _declared(
        "gcn",
        _gcn(),
        "Adam on the latents and weights of a graph network whose output is the field (for phases, "
        "a vector whose angle is the phase), then Adam on the field itself.",
        "Smooth problems where few steps count more than the cost of a step; ferromagnets, where "
        "vortices do not trap it.",
        graph=True,
    ),
    _declared(
        "gcn-res",
        _gcn(residual=True),
        "gcn whose latents also reach the output directly (residual).",
        "To compare with gcn.",
        graph=True,
    ),
    _declared(
        "gcn-a2",
        _gcn(propagation="square"),
        "gcn whose layers average over the neighbours of neighbours.",
        "Energies that couple next-nearest neighbours, such as Hopf–Kuramoto.",
        graph=True,
    ),
    NamedSolver(
        "gcn-prefit",
        "gcn of widths 8 and 6, which is fitted to the start first, as in the papers on topology.",
        "Clouds of hundreds of points, where it ends lowest most often.",
        _prefit,
        (
            replace(COMMON[0], shown="0.01"),
            LAYERS,
            replace(HIDDEN, default=None, shown="8,6"),
            SWITCH,
            READOUT,
            PROPAGATION,
        ),
        "networks",
    ),
    _declared(
        "nograph",
        _gcn(propagation="none"),
        "gcn without the graph: its layers average nothing.",
        "To see what the graph brings.",
    ),
    _declared(
        "nograph-res",
        _gcn(residual=True, propagation="none"),
        "nograph whose latents also reach the output directly (residual).",
        "To see what the graph brings.",
    ),
    _declared(
        "gat",
        GraphAttention,
        "A graph network that weighs neighbours by attention, then Adam on the field.",
        "To see what a richer network brings; its steps cost more than gcn's.",
    ),
    _declared(
        "gn",
        MessagePassing,
        "A graph network that updates edges and nodes by messages, then Adam on the field.",
        "To see what a richer network brings; its steps cost more than gcn's.",
    ),
)
