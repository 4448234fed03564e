"""A spin glass: phases whose couplings are +1 or −1 at random.
============================================================

No field of phases satisfies all couplings at once, so the energy has very many minima. A solver
that walks downhill ends in the nearest one. ``lift``, which "auto" takes for phases, first moves
in more dimensions, where fewer walls stand in the way. The lowest energy that is known of this
glass is −1530.597 (docs/basins.md).
"""

import meshrep

graph = meshrep.graph_from("lattice:32x32")
glass = meshrep.XYGlass(graph, seed=0)
downhill = meshrep.solve(glass, "lbfgs")
lifted = meshrep.solve(glass, "lift")
print(downhill, lifted, sep="\n")

assert abs(lifted.energy + 1530.597) < 0.5
assert downhill.energy > -1515.0  # more than one per cent higher

if __name__ == "__main__":
    ends = {f"{end.solver}: energy {end.energy:.1f}": end.field for end in (downhill, lifted)}
    meshrep.panels(graph, ends, "glass.png", quantity="phase", title="A spin glass of 1,024 phases")
