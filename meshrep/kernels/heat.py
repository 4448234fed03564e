"""Heat with power baths: ½ Σ_edges a_ij (w_i − w_j)² + Σ_i s_i |w_i − T_i|^p, fused over rows.

Plain arrays in, plain arrays out. A kernel goes over rows of the adjacency matrix in CSR form and
gathers neighbours, so that threads never write to the same place. Index arrays are unsigned:
Python's rule for negative indices costs a factor of two in such a loop. Sums are kept one a
block of rows, and the blocks are fixed, so that the number of threads does not change a result.

The loop over a row's neighbours is written out in each kernel: a function that takes the arrays
costs more for each call than the row's arithmetic, since numba counts references to every array.

Each kernel exists twice, compiled when first used: ``SERIAL`` for small graphs, where starting
threads costs more than the work, and ``PARALLEL``.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from numba import njit, prange

from meshrep.kernels.sums import in_order
from meshrep.kernels.updates import NESTEROV, update


@njit
def _bath(d, s, power):
    """Energy s·|d|^p of a bath node off its target by d, and its derivative."""
    if power == 4.0:
        below = s * d * d * d
    elif power == 2.0:
        below = s * d
    else:
        below = s * np.sign(d) * abs(d) ** (power - 1.0)
    return below * d, power * below


def _compiled(parallel: bool, block: int) -> SimpleNamespace:
    """The kernels, with threads or without, and with ``block`` rows a partial sum.

    numba's cache tells two versions of a closure apart by the values closed over, not by the
    options of ``njit``: the two must differ in ``block``.
    """

    @njit(cache=True, nogil=True, parallel=parallel)
    def value_and_grad(indptr, indices, a, strength, target, power, free, w, gradient):
        """Energy of w; its gradient is written to ``gradient``, 0 where ``free`` is 0."""
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for b in prange(blocks):
            total = 0.0
            for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                x = w[i]
                pull, energy = 0.0, 0.0
                for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                    d = x - w[indices[k]]
                    flow = a[k] * d
                    pull += flow
                    energy += flow * d
                energy *= 0.25  # ½ a d², half of it at each end
                if strength[i] != 0.0:
                    bath, slope = _bath(x - target[i], strength[i], power)
                    energy += bath
                    pull += slope
                gradient[i] = pull * free[i]
                total += energy
            partial[b] = total
        return in_order(partial)

    @njit(cache=True, nogil=True, parallel=parallel)
    def descend(
        indptr, indices, a, strength, target, power, free, w, spare, m, v,
        rule, lr, beta1, beta2, eps, taken, steps, energies, norms,
    ):  # fmt: skip
        """Take steps of a first-order rule, w and ``spare`` in turn the old and the new field.

        ``energies[k]`` and ``norms[k]`` are energy and squared gradient norm before step k. An
        even number of steps leaves the result in w. ``taken`` is [steps so far, momentum age];
        Nesterov's age starts anew when the energy rises (O'Donoghue and Candès 2015).
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
                total = 0.0
                norm = 0.0
                for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                    x = old[i]
                    pull, energy = 0.0, 0.0
                    for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                        d = x - old[indices[k]]
                        flow = a[k] * d
                        pull += flow
                        energy += flow * d
                    energy *= 0.25  # ½ a d², half of it at each end
                    if strength[i] != 0.0:
                        bath, slope = _bath(x - target[i], strength[i], power)
                        energy += bath
                        pull += slope
                    g = pull * free[i]
                    total += energy
                    norm += g * g
                    new[i], m[i], v[i] = update(
                        rule, x, g, m[i], v[i], lr, inertia, beta2, eps, scale1, scale2
                    )
                partial[b, 0] = total
                partial[b, 1] = norm
            energies[step] = in_order(partial[:, 0])
            norms[step] = in_order(partial[:, 1])
            if rule == NESTEROV and step > 0 and energies[step] > energies[step - 1]:
                taken[1] = 0.0

    @njit(cache=True, nogil=True, parallel=parallel)
    def flow(
        indptr, indices, a, strength, target, power, free, w, first, second, total,
        dt, steps, inverse_mass, energies,
    ):  # fmt: skip
        """Take RK4 steps of dw/dt = −∇E / mass, in place; ``energies[k]`` stands before step k."""
        n = len(w)
        blocks = (n + block - 1) // block
        partial = np.zeros(blocks)
        for step in range(steps):
            for stage in range(4):
                old = w if stage == 0 else (second if stage == 2 else first)
                new = second if stage == 1 else first
                ahead = dt if stage == 2 else 0.5 * dt
                share = dt / 6.0 if stage == 0 or stage == 3 else dt / 3.0
                for b in prange(blocks):
                    block_energy = 0.0
                    for i in range(np.uint64(b * block), np.uint64(min(n, (b + 1) * block))):
                        x = old[i]
                        pull, energy = 0.0, 0.0
                        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
                            d = x - old[indices[k]]
                            flow = a[k] * d
                            pull += flow
                            energy += flow * d
                        energy *= 0.25  # ½ a d², half of it at each end
                        if strength[i] != 0.0:
                            bath, slope = _bath(x - target[i], strength[i], power)
                            energy += bath
                            pull += slope
                        block_energy += energy
                        slope = -pull * free[i] * inverse_mass[i]
                        if stage == 0:
                            total[i] = w[i] + share * slope
                        else:
                            total[i] += share * slope
                        if stage < 3:
                            new[i] = w[i] + ahead * slope
                    partial[b] = block_energy
                if stage == 0:
                    energies[step] = in_order(partial)
            for i in prange(n):
                w[i] = total[i]

    return SimpleNamespace(value_and_grad=value_and_grad, descend=descend, flow=flow)


SERIAL = _compiled(parallel=False, block=512)
PARALLEL = _compiled(parallel=True, block=2048)
