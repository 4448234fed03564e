"""Oscillators and magnets, as the command line poses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshrep.base.settings import Setting
from meshrep.energies.declaration import Idle, NamedEnergy
from meshrep.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph

FREQUENCIES = Setting(
    "frequencies", str, "natural frequencies ω: normal with this spread, or a .npy file of node "
    "values; they need --transient", metavar="SPREAD|FILE",
)  # fmt: skip


def natural_frequencies(graph: Graph, text: str | None, seed: int) -> np.ndarray:
    """Natural frequencies (n,): zero, normal with the spread that the text gives, or a file's.

    Raises
    ------
    InputError
        For a negative spread, or a file that cannot be used.
    """
    import numpy as np

    from meshrep.base.randomness import random_from
    from meshrep.sources.values import node_values

    if text is None:
        return np.zeros(graph.n)
    try:
        spread = float(text)
    except ValueError:
        return node_values(graph, text, "--frequencies", "a number")
    if not (np.isfinite(spread) and spread >= 0):
        raise InputError(f"--frequencies: the spread must be 0 or more, not {text}")
    return spread * random_from(seed, 1).standard_normal(graph.n)


def _spread(omega: Any) -> str:
    """How far the frequencies lie apart, for a sentence; empty where they do not."""
    import numpy as np

    return f", frequencies of spread {np.std(omega):.3g}" if np.ptp(omega) else ""


def kuramoto(
    graph: Graph, seed: int, coupling: float = 1.0, frequencies: str | None = None
) -> tuple[Energy, list[str]]:
    """Kuramoto's energy, and what was built."""
    from meshrep.energies.kuramoto import Kuramoto

    omega = natural_frequencies(graph, frequencies, seed)
    said = f"Kuramoto: K = {coupling:g} on {graph.m:,} edges{_spread(omega)}"
    return Kuramoto(graph, coupling, omega), [said]


def xy_glass(graph: Graph, seed: int, coupling: str = "binary") -> tuple[Energy, list[str]]:
    """The XY spin glass, and what was built."""
    from meshrep.energies.kuramoto import XYGlass

    said = f"XY glass: {coupling} couplings on {graph.m:,} edges, seed {seed}"
    return XYGlass(graph, coupling, seed), [said]


def hopf_kuramoto(
    graph: Graph, seed: int, form: str = "potential", frequencies: str | None = None,
    **settings: float,
) -> tuple[Energy, list[str]]:  # fmt: skip
    """The potential of Hopf oscillators' phases or the printed loss, and what was built."""
    from meshrep.energies.hopf_kuramoto import HopfKuramoto, HopfKuramotoPrinted

    if form == "printed":
        printed = HopfKuramotoPrinted(graph, **settings)
        said = f"s1 = {printed.s1:g}, s2 = {printed.s2:g}"
        return printed, [f"Hopf–Kuramoto, the loss as printed: {said}"]
    omega = natural_frequencies(graph, frequencies, seed)
    energy = HopfKuramoto(graph, **settings, frequencies=omega)
    said = f"s1 = {energy.s1:g}, s2 = {energy.s2:g}"
    return energy, [f"Hopf–Kuramoto: {said}, c = {energy.c:g}{_spread(omega)}"]


ENERGIES = (
    NamedEnergy(
        "kuramoto",
        "phases",
        "coupled phases: Kuramoto's oscillators, the XY magnet",
        "E(φ) = −K Σ_edges a_ij cos(φ_i − φ_j)",
        kuramoto,
        (FREQUENCIES,),
        Setting("coupling", float, "the coupling K", default=1.0, metavar="K"),
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
            FREQUENCIES,
        ),
        Setting(
            "form", str, "their potential, or the loss that the papers print",
            default="potential", choices=("potential", "printed"),
        ),
        idle=(
            Idle(
                lambda given: given.get("form") == "printed",
                ("c", "frequencies"),
                "is no part of the printed loss, which has no flow: drop it",
            ),
        ),
    ),
)  # fmt: skip
