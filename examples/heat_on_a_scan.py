"""Heat on a scan: the Stanford bunny between a hot tail and a cold nose.
======================================================================

The energy is E(T) = ½ Σ_edges (T_i − T_j)², with the two ends held at 80 and 20 degrees. Two facts
are known without solving: as much heat leaves at the cold end as enters at the hot one, and the
least energy is half that flow times the difference of the two temperatures.
"""

import numpy as np

import meshrep

graph = meshrep.load("bunny.ply")  # any mesh, volume, cloud or network file
cold, hot = meshrep.ends(graph, share=0.05)  # or meshrep.select(graph, "z < 0.06")
heat = meshrep.HeatBath(graph, hot, cold, t_hot=80, t_cold=20, kind="dirichlet")
solution = meshrep.solve(heat)
print(solution)

outflow = heat.matrix @ solution.field  # Σ_j (T_i − T_j): the heat that leaves each node
entering, leaving = outflow[hot].sum(), -outflow[cold].sum()
print(f"{entering:.6f} enters, {leaving:.6f} leaves")

np.testing.assert_allclose(leaving, entering, rtol=1e-6)
np.testing.assert_allclose(solution.energy, 0.5 * entering * (80 - 20), rtol=1e-6)

if __name__ == "__main__":
    solution.plot("heat_on_a_scan.png", title="Heat on a scan")
    solution.save("heat_on_a_scan.vtp")  # ParaView opens it
