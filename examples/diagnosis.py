"""Diagnosis: why a solve is slow, and which solver to take.
=========================================================

How many steps descent takes is decided by the condition number of the Hessian, its largest
eigenvalue over its least one. Between two fixed nodes on opposite sides of a ring lie two chains
of free nodes; the eigenvalues of a chain of k nodes are 2 − 2 cos(πj / (k + 1)), j = 1 … k.
"""

import numpy as np

import meshrep

ring = meshrep.graph_from("ring:80")
heat = meshrep.HeatBath(ring, hot=[0], cold=[40], kind="dirichlet")
found = meshrep.diagnose(heat)
print(found.text())

eigenvalues = 2 - 2 * np.cos(np.pi * np.arange(1, 40) / 40)
known = eigenvalues[-1] / eigenvalues[0]
print(f"condition number {found.end.hessian.condition:.3f}, known {known:.3f}")
np.testing.assert_allclose(found.end.hessian.condition, known, rtol=1e-6)

if __name__ == "__main__":
    bunny = meshrep.load("bunny.ply")
    cold, hot = meshrep.ends(bunny)
    found = meshrep.diagnose(meshrep.HeatBath(bunny, hot, cold))
    print(found.text())
    found.plot("diagnosis.png", title="The slow modes of heat on the bunny")
