"""Heat with power baths and loads, fused over rows.

    ½ Σ_edges a_ij (w_i − w_j)² + Σ_i s_i |w_i − T_i|^p − Σ_i q_i (w_i − origin) + level

Kernels take and return plain arrays. Each goes over the rows of the adjacency matrix in CSR form
and gathers from neighbours, so that no two threads write to the same place. Index arrays are
unsigned, since Python's rule for negative indices halves the speed of such a loop. There is one
partial sum for each block of rows, and the blocks are fixed, so that the number of threads does not
change a result.

As little as possible is read: ``a`` has a single entry where all couplings are equal, and baths and
fixed nodes are sorted lists, which are applied block by block after the rows. A rule reads only the
memory that it uses. The gradient of a block is written into the new field and used while it is in
the cache: see :mod:`meshrep.kernels.steps`.

The functions for a block of rows are functions of the module, since numba's cache treats a closure
as a new function each time. They are called once for a block, not once for a row: numba counts
references to every array, which takes longer than the arithmetic of a row.

Each kernel exists twice, compiled when it is first used: ``SERIAL`` for small graphs, where
starting threads takes longer than the work, and ``PARALLEL``.

``rows`` is (indptr, indices, a). ``baths`` is (their nodes, targets, strengths, power, fixed nodes,
load, origin, level): see :class:`meshrep.energies.dirichlet_kernels.Pulls`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.compiling import kernel
from meshrep.kernels.steps import squares, step_rows
from meshrep.kernels.sums import in_order
from meshrep.kernels.updates import NESTEROV

ONE = np.uint64(1)


@njit
def _bath(d, s, power):
    """Energy s·|d|^p of a bath node at a distance d from its target, and its derivative."""
    if power == 4.0:
        below = s * d * d * d
    elif power == 2.0:
        below = s * d
    else:
        below = s * np.sign(d) * abs(d) ** (power - 1.0)
    return below * d, power * below


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def pull_rows(rows, w, pull, begin, end):
    """Write Σ_j a_ij (w_i − w_j) of the rows ``begin … end``; return their energy.

    The energy of an edge, ½ a_ij (w_i − w_j)², belongs to its two ends in equal parts.
    """
    indptr, indices, a = rows
    total = 0.0
    if len(a) == 1:
        for i in range(np.uint64(begin), np.uint64(end)):
            x = w[i]
            drawn, energy = 0.0, 0.0
            for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
                d = x - w[indices[k]]
                drawn += d
                energy += d * d
            pull[i] = a[0] * drawn
            total += energy
        return 0.25 * a[0] * total
    for i in range(np.uint64(begin), np.uint64(end)):
        x = w[i]
        drawn, energy = 0.0, 0.0
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
            d = x - w[indices[k]]
            flow = a[k] * d
            drawn += flow
            energy += flow * d
        pull[i] = drawn
        total += energy
    return 0.25 * total


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def bath_rows(baths, w, pull, begin, end):
    """Add baths and load to the rows ``begin … end``, 0 at fixed nodes; return their energy.

    The energy of the first row includes the level.
    """
    nodes, targets, strengths, power, fixed, load, origin, level = baths
    total = level if begin == 0 else 0.0
    for k in range(np.searchsorted(nodes, begin), np.searchsorted(nodes, end)):
        i = np.uint64(nodes[k])
        strength = strengths[k if len(strengths) > 1 else 0]
        energy, slope = _bath(w[i] - targets[k], strength, power)
        total += energy
        pull[i] += slope
    if len(load):
        for row in range(np.uint64(begin), np.uint64(end)):
            total -= load[row] * (w[row] - origin)
            pull[row] -= load[row]
    for k in range(np.searchsorted(fixed, begin), np.searchsorted(fixed, end)):
        pull[np.uint64(fixed[k])] = 0.0
    return total


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def bend_rows(rows, baths, w, tangent, product, begin, end):
    """Write the Hessian at w times ``tangent`` of the rows ``begin … end``, 0 where fixed."""
    nodes, targets, strengths, power, fixed = baths[:5]
    pull_rows(rows, tangent, product, begin, end)
    for k in range(np.searchsorted(nodes, begin), np.searchsorted(nodes, end)):
        i = np.uint64(nodes[k])
        d = abs(w[i] - targets[k])
        above = 1.0 if power == 2.0 else (d * d if power == 4.0 else d ** (power - 2.0))
        strength = strengths[k if len(strengths) > 1 else 0]
        product[i] += power * (power - 1.0) * strength * above * tangent[i]
    for k in range(np.searchsorted(fixed, begin), np.searchsorted(fixed, end)):
        product[np.uint64(fixed[k])] = 0.0


@njit(nogil=True, error_model="numpy", fastmath={"contract"})
def flow_rows(stage, w, new, total, inverse_mass, dt, begin, end):
    """Replace the gradient in ``new`` by the field of RK4's next stage; the last stage moves w."""
    share = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
    ahead = dt if stage == 2 else 0.5 * dt
    for i in range(np.uint64(begin), np.uint64(end)):
        slope = -new[i] * inverse_mass[i]
        reached = (w[i] if stage == 0 else total[i]) + share * slope
        if stage == 3:
            w[i] = reached
        else:
            total[i] = reached
            new[i] = w[i] + ahead * slope


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows for each partial sum.

    numba's cache distinguishes versions of a closure by the values that they use from outside, not
    by the options of ``njit``: the two versions must differ in ``block``.
    """

    @kernel(parallel=parallel)
    def value_and_grad(rows, baths, w, gradient):
        """Energy of w; its gradient is written to ``gradient``, 0 at fixed nodes."""
        n = len(w)
        partial = np.zeros((n + block - 1) // block)
        for b in prange(len(partial)):
            begin, end = b * block, min(n, (b + 1) * block)
            energy = pull_rows(rows, w, gradient, begin, end)
            partial[b] = energy + bath_rows(baths, w, gradient, begin, end)
        return in_order(partial)

    @kernel(parallel=parallel)
    def hvp(rows, baths, w, tangent, product):
        """Write the Hessian at w times ``tangent``, 0 at fixed nodes."""
        n = len(w)
        for b in prange((n + block - 1) // block):
            bend_rows(rows, baths, w, tangent, product, b * block, min(n, (b + 1) * block))

    @kernel(parallel=parallel)
    def descend(
        rows, baths, w, spare, m, v, rule, lr, beta1, beta2, eps, taken, steps, energies, norms
    ):
        """Take steps of a first-order rule; w and ``spare`` alternate as old and new field.

        ``energies[k]`` and ``norms[k]`` are the energy and the squared gradient norm before step k.
        After an even number of steps the result is in w. ``taken`` is [steps so far, age of the
        momentum]; that of Nesterov restarts when the energy rises (O'Donoghue and Candès 2015).
        """
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros((blocks, 2))
        for step in range(steps):
            old, new = (w, spare) if step % 2 == 0 else (spare, w)
            taken[0] += 1.0
            taken[1] += 1.0
            inertia = taken[1] / (taken[1] + 3.0) if rule == NESTEROV else beta1
            scale1 = 1.0 / (1.0 - beta1 ** taken[0])
            scale2 = 1.0 / (1.0 - beta2 ** taken[0])
            for b in prange(blocks):
                begin, end = b * block, min(n, (b + 1) * block)
                energy = pull_rows(rows, old, new, begin, end)
                partial[b, 0] = energy + bath_rows(baths, old, new, begin, end)
                partial[b, 1] = squares(new, begin, end)
                step_rows(rule, old, new, m, v, begin, end, lr, inertia, beta2, eps, scale1, scale2)
            energies[step] = in_order(partial[:, 0])
            norms[step] = in_order(partial[:, 1])
            if rule == NESTEROV and step > 0 and energies[step] > energies[step - 1]:
                taken[1] = 0.0

    @kernel(parallel=parallel)
    def flow(rows, baths, w, first, second, total, dt, steps, inverse_mass, energies):
        """Take RK4 steps of dw/dt = −∇E / mass in place; ``energies[k]`` is that before step k."""
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for step in range(steps):
            for stage in range(4):
                old = w if stage == 0 else (second if stage == 2 else first)
                new = first if stage == 0 or stage == 2 else second
                for b in prange(blocks):
                    begin, end = b * block, min(n, (b + 1) * block)
                    energy = pull_rows(rows, old, new, begin, end)
                    partial[b] = energy + bath_rows(baths, old, new, begin, end)
                    flow_rows(stage, w, new, total, inverse_mass, dt, begin, end)
                if stage == 0:
                    energies[step] = in_order(partial)

    return SimpleNamespace(value_and_grad=value_and_grad, hvp=hvp, descend=descend, flow=flow)


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
