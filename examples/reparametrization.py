"""Reparametrization: what other variables do to one step, and to the number of steps.
======================================================================================

In variables θ of which the field is a function, w = w₀ + Jθ, a gradient step moves the field by
−J Jᵀ ∇E. How many steps descent takes is decided by the condition number of J Jᵀ H, with H the
Hessian. In the field itself J = 1. On a path with fixed ends the eigenvalues of H are
2 − 2 cos(πj / (k + 1)), j = 1 … k, so that this number is cot²(π / (2 (k + 1))), which grows with
the square of the length. Variables on every level of a multigrid hierarchy hardly let it grow.
"""

import numpy as np

import meshrep


def spread(heat, variables, backend):
    """J Jᵀ as a matrix on the free nodes, a column for each unit gradient."""
    start = np.zeros(heat.graph.n)
    map_ = variables.build(heat, start, backend, seed=0)
    origin = map_.field(map_.start).copy()
    columns = []
    for gradient in np.eye(heat.graph.n)[heat.free]:
        step = np.array(map_.pull_back(gradient))
        columns.append(map_.field(map_.start + step)[heat.free] - origin[heat.free])
    return np.array(columns).T


def path(k):
    """Heat on k free nodes between two fixed ones."""
    graph = meshrep.Graph.of([(i, i + 1) for i in range(k + 1)])
    return meshrep.HeatBath(graph, hot=[k + 1], cold=[0], kind="dirichlet")


backend = meshrep.backend_for("numpy")
kinds = {
    "the field itself": meshrep.Identity(),
    "spectral, degree 12": meshrep.Spectral(degree=12),
    "multilevel": meshrep.Multilevel(),
}
lengths = (15, 31, 63, 127, 255)
conditions = {name: [] for name in kinds}
for k in lengths:
    heat = path(k)
    H = heat.matrix[heat.free][:, heat.free].toarray()
    for name, variables in kinds.items():
        values = np.linalg.eigvals(spread(heat, variables, backend) @ H).real
        conditions[name].append(values.max() / values.min())
for name, found in conditions.items():
    print(f"{name:20}", *(f"{condition:9.1f}" for condition in found))

known = [1 / np.tan(np.pi / (2 * (k + 1))) ** 2 for k in lengths]
np.testing.assert_allclose(conditions["the field itself"], known, rtol=1e-6)
assert max(conditions["multilevel"]) < 50 < known[-1] / 500

if __name__ == "__main__":
    import matplotlib.pyplot as plt

    heat = path(63)
    H = heat.matrix[heat.free][:, heat.free].toarray()
    steps = {name: spread(heat, kind, backend)[:, 20] for name, kind in kinds.items()}
    steps["Newton's method, H⁻¹"] = np.linalg.inv(H)[:, 20]
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for name, step in steps.items():
        axes.plot(np.arange(1, 64), step / step.max(), label=name)
    axes.set(xlabel="node of a path", ylabel="its step, of the largest", xlim=(0, 64))
    axes.set_title("What one step does where the gradient lives on node 21 alone", loc="left")
    axes.legend(frameon=False)
    figure.savefig("reparametrization-step.png", dpi=150)

    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for name, found in conditions.items():
        axes.loglog(lengths, found, "o-", label=name)
    axes.set(xlabel="free nodes of the path", ylabel="condition number of J Jᵀ H")
    axes.set_xticks(lengths, map(str, lengths))
    axes.minorticks_off()
    axes.set_title("Descent takes steps in proportion to this number, at most", loc="left")
    axes.legend(frameon=False)
    figure.savefig("reparametrization-condition.png", dpi=150)
