"""The loops of a cloud: persistent homology, and points that move until loops appear.
===================================================================================

Points of a cloud are joined in the order of their distances. A loop is born at the longest edge
round it, and dies at the distance where triangles have filled it. A hexagon of side 1 has one
loop, born at 1, which dies at √3. The same holds for a circle of radius 1 with points so close
that the loop is born early: it dies at √3 as well.
"""

import numpy as np

import meshrep


def on_a_circle(n: int) -> np.ndarray:
    """Points (n, 2) on the unit circle, evenly spaced."""
    turn = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


hexagon = meshrep.rips_diagrams(on_a_circle(6))[1].values
circle = meshrep.rips_diagrams(on_a_circle(60))[1].values
print("birth and death of the loop:", hexagon, circle)
np.testing.assert_allclose(hexagon, [[1, 3**0.5]])
np.testing.assert_allclose(circle, [[2 * np.sin(np.pi / 60), 3**0.5]])

cloud = meshrep.graph_from("cloud:80")
loops = meshrep.RipsPersistence(cloud, maximise="h1", bound=1.5)  # −Σ ((death − birth)/2)² + box
start = loops.value(loops.points)
moved = meshrep.solve(loops, max_steps=100)
print(f"energy {start:.3f} -> {moved.energy:.3f}", moved.measures)
pairs = loops.diagrams(moved.field)[1].values
box = (np.maximum(abs(moved.field - loops.centre) - 1.5, 0) ** 2).sum()
np.testing.assert_allclose(moved.energy, box - (((pairs[:, 1] - pairs[:, 0]) / 2) ** 2).sum())
assert moved.energy < 10 * start < 0

if __name__ == "__main__":
    clouds = {"before": loops.points, "after": moved.field}
    found = {name: meshrep.longest_loops(points) for name, points in clouds.items()}
    meshrep.cloud_panels(clouds, "loops.png", loops=found, title="A cloud grows loops")
