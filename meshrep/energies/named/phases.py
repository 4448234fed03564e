"""Oscillators and magnets, as the command line poses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshrep.base.settings import Setting
from meshrep.energies.declaration import Idle, NamedEnergy

if TYPE_CHECKING:
    import numpy as np

    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph

OMEGA = Setting(
    "omega", str, "natural frequencies ω: normal, lorentz or uniform with their spread "
    "(normal:0.5), degree, a number, or a .npy file of node values; they need --transient",
    metavar="NAME:SPREAD|FILE",
)  # fmt: skip


def _frequencies(graph: Graph, text: str | None, seed: int) -> np.ndarray:
    """Natural frequencies (n,) as the text says; zero without one."""
    from meshrep.energies.phases.frequencies import natural_frequencies

    return natural_frequencies(graph, 0.0 if text is None else text, seed=seed)


def _spread(omega: Any) -> str:
    """How far the frequencies lie apart, for a sentence; empty where they do not."""
    import numpy as np

    return f", frequencies of spread {np.std(omega):.3g}" if np.ptp(omega) else ""


def kuramoto(
    graph: Graph, seed: int, K: float = 1.0, omega: str | None = None, coupling: str = "edges",
    normalisation: str | None = None, lag: float = 0.0, undirected: bool = False,
) -> tuple[Energy, list[str]]:  # fmt: skip
    """Kuramoto's energy, and what was built."""
    from meshrep.energies.phases.kuramoto import Kuramoto

    energy = Kuramoto(
        graph, K, _frequencies(graph, omega, seed), coupling=coupling,
        normalisation=normalisation, lag=lag, directed=False if undirected else None,
    )  # fmt: skip
    over = {"none": "", "n": f"/{graph.n:,}", "degree": "/degree"}[energy.normalisation]
    where = f"on {graph.m:,} edges" if coupling == "edges" else "of all nodes on all"
    lagged = (", directed" if energy.couplings.directed else "") + (f", lag {lag:g}" if lag else "")
    return energy, [f"Kuramoto: K = {K:g}{over} {where}{_spread(energy.omega)}{lagged}"]


def xy_glass(graph: Graph, seed: int, coupling: str = "binary") -> tuple[Energy, list[str]]:
    """The XY spin glass, and what was built."""
    from meshrep.energies.phases.kuramoto import XYGlass

    said = f"XY glass: {coupling} couplings on {graph.m:,} edges, seed {seed}"
    return XYGlass(graph, coupling, seed), [said]


def hopf_kuramoto(
    graph: Graph, seed: int, form: str = "potential", omega: str | None = None,
    **settings: float,
) -> tuple[Energy, list[str]]:  # fmt: skip
    """The potential of Hopf oscillators' phases or the printed loss, and what was built."""
    from meshrep.energies.phases.hopf_kuramoto import HopfKuramoto, HopfKuramotoPrinted

    if form == "printed":
        printed = HopfKuramotoPrinted(graph, **settings)
        said = f"s1 = {printed.s1:g}, s2 = {printed.s2:g}"
        return printed, [f"Hopf–Kuramoto, the loss as printed: {said}"]
    energy = HopfKuramoto(graph, **settings, omega=_frequencies(graph, omega, seed))
    said = f"s1 = {energy.s1:g}, s2 = {energy.s2:g}"
    return energy, [f"Hopf–Kuramoto: {said}, c = {energy.c:g}{_spread(energy.omega)}"]


ENERGIES = (
    NamedEnergy(
        "kuramoto",
        "phases",
        "coupled phases: Kuramoto's oscillators, the XY magnet",
        "E(φ) = −K Σ_edges a_ij cos(φ_i − φ_j); dφ_i/dt = ω_i + K Σ_j a_ij sin(φ_j − φ_i − lag)",
        kuramoto,
        (
            OMEGA,
            Setting(
                "coupling", str, "who acts on whom: neighbours, or all on all in O(n) time",
                default="edges", choices=("edges", "mean-field"),
            ),
            Setting(
                "normalisation", str, "what K is divided by",
                shown="none, or n for a mean field", choices=("none", "n", "degree"),
            ),
            Setting(
                "lag", float, "phase lag of Sakaguchi, in radians; it needs --transient",
                default=0.0,
            ),
            Setting(
                "undirected", bool, "let the edges of a directed network act both ways",
                default=False,
            ),
        ),
        Setting("K", float, "the coupling K", default=1.0, metavar="K"),
    ),
    NamedEnergy(
        "xy-glass",
        "phases",
        "the same with random couplings, drawn by --seed",
        "E(φ) = −Σ_edges J_ij a_ij cos(φ_i − φ_j), J_ij random",
        xy_glass,
        (),
        Setting(
            "coupling", str, "±1, or normal", default="binary", choices=("binary", "gaussian")
        ),
    ),
    NamedEnergy(
        "hopf-kuramoto",
        "phases",
        "phases of Hopf oscillators, with next-nearest coupling",
        "E(φ) = −(c s₁/2) Σ_i C_i + s₂ Σ_i S_i², with C_i + i S_i = Σ_j a_ij e^{i(φ_j − φ_i)}",
        hopf_kuramoto,
        (
            Setting("s1", float, "sine coupling, in units of c", default=1.0),
            Setting("s2", float, "next-nearest coupling", default=0.5),
            Setting("c", float, "cosine coupling, which has no potential", default=1.0),
            OMEGA,
        ),
        Setting(
            "form", str, "their potential, or the loss that the papers print",
            default="potential", choices=("potential", "printed"),
        ),
        idle=(
            Idle(
                lambda given: given.get("form") == "printed",
                ("c", "omega"),
                "is no part of the printed loss, which has no flow: drop it",
            ),
        ),
    ),
)  # fmt: skip
