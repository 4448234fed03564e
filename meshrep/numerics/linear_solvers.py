"""Systems (H + μI) s = r for a sequence of sparse symmetric H: direct, AMG-CG, Jacobi-CG.

Every solver says whether the matrix is positive definite, as far as it has seen. Newton's method
needs to know that before it uses the answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from meshrep.base import limits
from meshrep.base.backends import installed
from meshrep.base.rows import kernel_rows, with_short_indices
from meshrep.errors import InputError, MissingPart
from meshrep.numerics.conjugate_gradients import PLAIN, Answer, Product, conjugate_gradients
from meshrep.numerics.factors import factored
from meshrep.numerics.multigrid import Refreshed, same_pattern

KINDS = ("auto", "direct", "amg", "jacobi")

_EXPANDER = 0.1  # bandwidth over n beyond which a graph has no small separators


def choose(matrix: sparse.csr_array) -> tuple[str, str]:
    """The kind of solver for matrices of this pattern, and a sentence that says so.

    It is "direct" while n·bandwidth² is small, which is the work of a band factorisation after
    reverse Cuthill–McKee. For larger matrices it is "amg", except where the bandwidth is a large
    part of n, as in random graphs and networks with hubs. There every aggregate is coupled to every
    other (200,000 nodes of degree 6 took 30 iterations in 40 s), while CG needs few iterations with
    the diagonal as preconditioner.
    """
    n = matrix.shape[0]
    width = bandwidth(matrix)
    size = f"{n} unknowns, bandwidth {width}"
    by = _multigrid_by()
    most = limits.DIRECT_WORK_UP_TO
    if by != "numba":
        most = limits.DIRECT_WORK_WITHOUT_NUMBA_UP_TO
    if n * float(width) ** 2 <= most:
        return "direct", f"linear systems by sparse LU ({size})"
    if width > _EXPANDER * n:
        return "jacobi", f"linear systems by Jacobi-preconditioned CG ({size}: no small separators)"
    if by:
        return "amg", f"linear systems by AMG-preconditioned CG ({size})"
    return "jacobi", (
        f"linear systems by Jacobi-preconditioned CG ({size}): numba, with which multigrid is "
        "faster on large meshes, is not installed (pip install 'meshrep[fast]')"
    )


def _multigrid_by() -> str:
    """The package that does multigrid; empty where there is none."""
    return next((package for package in ("numba", "pyamg") if installed(package)), "")


def bandwidth(matrix: sparse.csr_array) -> int:
    """The bandwidth of a matrix (n, n) of symmetric pattern after reverse Cuthill–McKee."""
    order = reverse_cuthill_mckee(sparse.csr_matrix(matrix), symmetric_mode=True)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    rows = np.repeat(np.arange(len(order)), np.diff(matrix.indptr))
    return int(abs(place[rows] - place[matrix.indices]).max(initial=0))


def expander(matrix: sparse.csr_array) -> bool:
    """Whether the bandwidth is a large part of the rows, so that factors would be nearly dense."""
    return bandwidth(matrix) > _EXPANDER * matrix.shape[0]


def warm_up(n: int) -> None:
    """Compile or load what iterative solvers need for n unknowns, by a system on a path."""
    if not installed("numba") or n <= limits.MOSTLY_DIRECT_UP_TO:
        return
    _warmed(limits.THREADS_FROM if n >= limits.THREADS_FROM else limits.MOSTLY_DIRECT_UP_TO)


@cache
def _warmed(size: int) -> None:
    beside = np.full(size - 1, -1.0)
    system = ShiftedSystem("amg")
    system.renew(sparse.diags_array([beside, np.full(size, 3.0), beside], offsets=[-1, 0, 1]))
    system.solve(np.ones(size), 0.0, 0.1)


class ShiftedSystem:
    """Solves (H + μI) s = r for Hessians H that follow one another and any shifts μ ≥ 0.

    Rows without off-diagonal entries (isolated nodes) are solved separately, since multigrid fails
    on them. Such a row with neither curvature nor shift has s = 0.

    Parameters
    ----------
    kind : {"direct", "amg", "jacobi"}

    Attributes
    ----------
    iterations, setups : int
        Number of iterations of conjugate gradients, and of multigrid hierarchies built.

    Raises
    ------
    InputError
        For an unknown kind.
    MissingPart
        For "amg" with neither numba nor pyamg.
    """

    def __init__(self, kind: str) -> None:
        if kind not in KINDS[1:]:
            raise InputError(f"unknown linear solver {kind!r}: choose {', '.join(KINDS)}")
        if kind == "amg" and not _multigrid_by():
            raise MissingPart("numba", "solve linear systems by multigrid", "fast")
        self.kind = kind
        self.iterations = 0
        self.setups = 0
        self.matrix = self.inner = sparse.csr_array((0, 0))
        self._cycles = Refreshed() if _multigrid_by() == "numba" else _Rebuilt()

    def renew(self, matrix: sparse.csr_array) -> None:
        """Take the next Hessian."""
        matrix = sparse.csr_array(matrix)
        before, self.matrix = self.matrix, matrix
        self.diagonal = matrix.diagonal()
        if not (self.inner is before and matrix.data.all() and same_pattern(before, matrix)):
            rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
            beside = (matrix.indices != rows) & (matrix.data != 0)
            self.coupled = np.zeros(matrix.shape[0], dtype=bool)
            self.coupled[rows[beside]] = True
        everything = len(self.coupled) > 0 and self.coupled.all()
        self.inner = matrix if everything else matrix[self.coupled][:, self.coupled]
        holes = self.inner.diagonal() == 0
        if holes.any():  # store an entry there, to which a shift can be added
            self.inner = sparse.csr_array(self.inner + sparse.diags_array(holes * 1e-300))
        self.inner.sort_indices()

    def solve(self, right: np.ndarray, shift: float, rtol: float, settled: int = 0) -> Answer:
        """s with (H + μI) s = right; iterative solvers stop at ‖residual‖ ≤ rtol ‖right‖.

        ``settled`` is that of :func:`conjugate_gradients`, for "amg" alone: the diagonal is too far
        from the matrix.
        """
        if self.coupled.all() and len(right):
            answer = self._coupled(right, shift, rtol, settled)
            self.iterations += answer.iterations
            return answer
        s = np.zeros_like(right)
        alone = ~self.coupled
        lone = self.diagonal[alone] + shift
        positive = bool((lone[right[alone] != 0] > 0).all())
        np.divide(right[alone], lone, out=lone, where=lone > 0)
        s[alone] = np.where(self.diagonal[alone] + shift > 0, lone, 0.0)
        if not self.coupled.any():
            return Answer(s, positive)
        answer = self._coupled(right[self.coupled], shift, rtol, settled)
        s[self.coupled] = answer.s
        self.iterations += answer.iterations
        return Answer(s, positive and answer.positive, answer.iterations, answer.reached)

    def _coupled(self, right: np.ndarray, shift: float, rtol: float, settled: int) -> Answer:
        if self.kind == "direct":
            return by_factors(self.inner, right, shift)
        diagonal = self.inner.diagonal() + shift
        if (diagonal <= 0).any():
            return Answer(right, False)
        threads = installed("numba") and len(right) >= limits.THREADS_FROM
        product = _threaded(self.inner, shift) if threads else _plain(self.inner, shift)
        vectors = _kernels() if threads else PLAIN
        if self.kind == "jacobi":
            return conjugate_gradients(
                product, right, rtol, lambda r: r / diagonal, vectors=vectors
            )
        most = 200
        for attempt in range(2):
            cycle = self._cycles.cycle(self.inner, shift, anew=attempt > 0)
            self.setups = self._cycles.setups
            if cycle is None:
                return Answer(right, False)
            answer = conjugate_gradients(product, right, rtol, cycle, most, vectors, settled)
            if answer.positive or self._cycles.fresh:
                break  # an old hierarchy may be indefinite where a new one would not be
        self._cycles.note(answer.iterations, rtol)
        return answer


def _plain(matrix: sparse.csr_array, shift: float) -> Product:
    return lambda v: matrix @ v + shift * v


def _threaded(matrix: sparse.csr_array, shift: float) -> Product:
    """The same product in threads; each call overwrites the result of the last one."""
    arrays, y = kernel_rows(matrix), np.empty(matrix.shape[0])

    def product(v: np.ndarray) -> np.ndarray:
        _kernels().product(*arrays, shift, v, y)
        return y

    return product


def _kernels() -> Any:
    from meshrep.kernels import multigrid

    return multigrid.PARALLEL


def by_factors(matrix: sparse.csr_array, right: np.ndarray, shift: float) -> Answer:
    """Solve by a factorisation, whose pivots say whether the matrix is positive definite."""
    n = matrix.shape[0]
    factors = factored(matrix + shift * sparse.eye_array(n) if shift else matrix)
    if factors is None or factors.negative:
        return Answer(right, False)
    s = factors.lu.solve(right)
    return Answer(s, bool(np.isfinite(s).all()))


class _Rebuilt:
    """V-cycles of pyamg's hierarchy, which is kept as long as it still works well.

    A set-up takes about as long as eight iterations. A new one is built when the last solve took
    eight iterations more than the first solve with this hierarchy.
    """

    def __init__(self) -> None:
        self.setups = 0
        self.fresh = False
        self._cycle: Product | None = None
        self._first = self._last = 0

    def cycle(self, matrix: sparse.csr_array, shift: float, anew: bool) -> Product | None:
        """A preconditioner of matrix + shift·I."""
        self.fresh = self._cycle is None or anew or self._last > self._first + 8
        if self.fresh:
            self._cycle = smoothed_aggregation(matrix, shift)
            self.setups += 1
        return self._cycle

    def note(self, iterations: int, rtol: float) -> None:
        """Take note of the number of iterations that were needed."""
        self._last = iterations
        if self.fresh:
            self._first = iterations


def smoothed_aggregation(matrix: sparse.csr_array, shift: float) -> Product:
    """One V-cycle of smoothed aggregation as a symmetric preconditioner.

    A shift of 1e-10 of the diagonal keeps the coarsest matrix regular where constants on a
    component have no curvature. pyamg draws random vectors from NumPy's global generator, whose
    state is restored afterwards.

    References
    ----------
    Vaněk, Mandel and Brezina (1996); Bell, Olson and Schroder, "PyAMG" (2022).
    """
    import pyamg

    diagonal = matrix.diagonal()
    safe = sparse.csr_matrix(matrix + sparse.diags_array(shift + 1e-10 * diagonal))
    safe = with_short_indices(safe)
    state = np.random.get_state()
    np.random.seed(0)
    try:
        sweep = ("gauss_seidel", {"sweep": "symmetric"})
        hierarchy = pyamg.smoothed_aggregation_solver(
            safe, symmetry="symmetric", presmoother=sweep, postsmoother=sweep, max_coarse=300
        )
    finally:
        np.random.set_state(state)
    return hierarchy.aspreconditioner(cycle="V").matvec
