"""A film: a cold bunny warms up from its hot end.
===============================================

The flow dT/dt = −∇E is linear here, so that the temperatures at a time t are known without
integrating: T(t) = T∞ + exp(−L t) (T(0) − T∞) on the free nodes, with T∞ the steady state and L
the Laplacian among them.
"""

import numpy as np
from scipy.sparse.linalg import expm_multiply

import meshrep

graph = meshrep.load("bunny.ply")
cold, hot = meshrep.ends(graph)
heat = meshrep.HeatBath(graph, hot, cold, kind="dirichlet")
warming = meshrep.integrate(heat, 100.0, start=np.zeros(graph.n), frames=50)

free = heat.free
steady = meshrep.solve(heat, "newton").field
L = heat.matrix[free][:, free]
known = steady.copy()
known[free] += expm_multiply(-100.0 * L, heat.clamp(np.zeros(graph.n))[free] - steady[free])
worst = abs(warming.fields[-1] - known).max()
print(f"{warming.steps} steps of Runge–Kutta, largest error at t = 100: {worst:.1e}")
assert worst < 1e-4

if __name__ == "__main__":
    frames = zip(warming.times, warming.fields, strict=True)
    meshrep.film(
        graph, list(frames), "film.mp4", quantity="temperature", clim=(0, 1), title="Warming up"
    )
