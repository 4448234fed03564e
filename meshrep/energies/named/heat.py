"""Heat between hot and cold baths, as the command line poses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshrep.base.settings import Setting
from meshrep.energies.declaration import Idle, NamedEnergy

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph


def build(
    graph: Graph,
    seed: int,
    bath: str = "ends",
    hot: str | None = None,
    cold: str | None = None,
    share: float = 0.1,
    **settings: Any,
) -> tuple[Energy, list[str]]:
    """HeatBath between baths that are named or chosen, and what was built."""
    from meshrep.energies.heat import HeatBath
    from meshrep.sources.selection import baths

    high, low, said = baths(graph, bath, hot=hot, cold=cold, share=share, seed=seed)
    energy = HeatBath(graph, high, low, **settings)
    held = energy.kind == "dirichlet"
    law = "held exactly" if held else f"strength {energy.strength:g}, power {energy.power:g}"
    said.append(
        f"heat: {len(energy.hot):,} hot nodes at {energy.t_hot:g}, {len(energy.cold):,} cold at "
        f"{energy.t_cold:g} ({law}), {energy.laplacian} Laplacian"
    )
    if len(energy.held):
        said.append(
            f"components without a bath, held at the mean temperature: {len(energy.held):,}"
        )
    return energy, said


ENERGIES = (
    NamedEnergy(
        "heat",
        "heat",
        "heat between hot and cold baths (the default)",
        "E(w) = ½ Σ_edges a_ij (w_i − w_j)² + λ Σ_baths |w_i − T|^p",
        build,
        (
            Setting(
                "bath", str, "where the baths are: the two ends of the longest axis, or random "
                "nodes", default="ends", choices=("ends", "random"),
            ),
            Setting(
                "hot", str, 'hot nodes instead: "0,5,7-12", names, a file, or "z < 0.06"',
                metavar="WHERE",
            ),
            Setting("cold", str, "cold nodes instead, in the same forms", metavar="WHERE"),
            Setting("share", float, "how much is bath at each end", default=0.1),
            Setting(
                "kind", str, "soft bath (p = 4), Robin bath (p = 2), or held exactly",
                default="quartic", choices=("quartic", "quadratic", "dirichlet"),
            ),
            Setting("power", float, "the power p instead of the kind's"),
            Setting("t_hot", float, "temperature T of the hot nodes", default=1.0),
            Setting("t_cold", float, "temperature T of the cold nodes", default=0.0),
            Setting("strength", float, "λ of the baths", default=1.0, above=0),
            Setting(
                "laplacian", str, "conductances a_ij: the graph's weights, finite elements on the "
                "faces, or intrinsic Delaunay", default="graph",
                choices=("graph", "cotan", "robust"),
            ),
            Setting(
                "unbathed", str, "a component without a bath: an error, or held at the mean",
                default="raise", choices=("raise", "hold"),
            ),
        ),
        remark="The problem of the papers, on the edges of any graph. With --laplacian graph every "
        "edge of a mesh conducts alike, and a soft bath counts nodes: that means something for "
        "networks and lattices, and on a mesh it depends on how finely each region is meshed. For "
        "the temperature of a part take --conduct.",
        idle=(
            Idle(
                lambda given: "hot" in given or "cold" in given,
                ("bath", "share"),
                "is for baths that are not named: drop it, or drop --hot and --cold",
            ),
            Idle(
                lambda given: given.get("kind") == "dirichlet",
                ("strength", "power"),
                "is for soft baths, and dirichlet holds them exactly: drop it",
            ),
        ),
    ),
)  # fmt: skip
