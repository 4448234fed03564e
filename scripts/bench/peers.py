"""Solvers on NumPy arrays: SciPy's minimisers and Newton's method with the usual linear solvers.

They use our energy, gradient and Hessian (the fused kernel if numba is installed), so that the
methods are compared and not the gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from bench.race import Candidate
from meshrep.base.backends import NumpyBackend
from meshrep.energies.base import Energy
from meshrep.solving.peers import Go, Peer, Recorder

_MOST = 10**9


def scipy_way(method: str, **options: Any) -> Peer:
    """Return ``scipy.optimize.minimize`` with a method that only the recorder stops."""

    def make(energy: Energy, start: np.ndarray) -> Go:
        from scipy.optimize import minimize

        evaluator = energy.on(NumpyBackend())

        def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = evaluator.value_and_grad(x)
            return float(
                value
            ), gradient.copy()  # SciPy keeps the gradient, which the next call overwrites

        def go(recorder: Recorder) -> None:
            step = 0

            def after_step(x: np.ndarray) -> None:
                nonlocal step
                step += 1
                recorder.look(step, lambda: x)

            def product(x: np.ndarray, v: np.ndarray) -> np.ndarray:
                recorder.check()
                return evaluator.hvp(x, v)

            recorder.look(0, lambda: start)
            more = {} if method == "L-BFGS-B" else {"hessp": product}
            minimize(
                evaluate, start, jac=True, method=method,
                callback=after_step, options=options, **more,
            )  # fmt: skip

        return go

    return make


def newton_by_lu(energy: Energy, start: np.ndarray) -> Go:
    """Newton's method; ``splu`` factors the Hessian anew in every step."""
    from scipy.sparse.linalg import splu

    def solve(recorder: Recorder, w: np.ndarray, gradient: np.ndarray, eta: float) -> np.ndarray:
        hessian = sparse.csc_matrix(energy.hessian(w))
        return splu(hessian, permc_spec="COLAMD").solve(-gradient)

    return _newton(energy, start, solve)


def newton_by_pyamg(energy: Energy, start: np.ndarray) -> Go:
    """Newton–CG, preconditioned by a hierarchy that is built once, on the first Hessian."""
    import pyamg

    hierarchy = pyamg.smoothed_aggregation_solver(sparse.csr_matrix(energy.hessian(start)))
    cycle = hierarchy.aspreconditioner()

    def solve(recorder: Recorder, w: np.ndarray, gradient: np.ndarray, eta: float) -> np.ndarray:
        from scipy.sparse.linalg import cg

        return cg(
            energy.hessian(w), -gradient, rtol=eta, atol=0.0, M=cycle, maxiter=2000,
            callback=lambda _: recorder.check(),
        )[0]  # fmt: skip

    return _newton(energy, start, solve)


def _newton(energy: Energy, start: np.ndarray, solve: Callable[..., np.ndarray]) -> Go:
    """Newton's method with Armijo's backtracking, η = min(0.1, √(‖g‖/‖g₀‖)).

    Nocedal and Wright, Numerical Optimization (2006), §7.1.
    """
    evaluate = energy.on(NumpyBackend()).value_and_grad

    def go(recorder: Recorder) -> None:
        w, step = start.copy(), 0
        recorder.look(step, lambda at=w: at)
        value, gradient = evaluate(w)
        first = np.linalg.norm(gradient)
        while True:
            eta = min(0.1, float(np.sqrt(np.linalg.norm(gradient) / first)))
            direction = solve(recorder, w, gradient, eta)
            slope, length = float(gradient @ direction), 1.0
            while True:
                trial = w + length * direction
                ahead, pull = evaluate(trial)
                if ahead <= value + 1e-4 * length * slope or length < 1e-10:
                    break
                length *= 0.5
            if length < 1e-10:
                return
            w, value, gradient = trial, ahead, pull
            step += 1
            recorder.look(step, lambda at=w: at)

    return go


def tao(energy: Energy, start: np.ndarray) -> Go:
    """PETSc's TAO with limited memory (LMVM), on one rank with our gradient."""
    from petsc4py import PETSc

    evaluate = energy.on(NumpyBackend()).value_and_grad

    def go(recorder: Recorder) -> None:
        solver = PETSc.TAO().create(PETSc.COMM_SELF)
        x = PETSc.Vec().createWithArray(start.copy(), comm=PETSc.COMM_SELF)
        failed: list[BaseException] = []

        def objective(_: Any, at: Any, gradient: Any) -> float:
            value, pull = evaluate(at.getArray(readonly=True).copy())
            gradient.setArray(pull)
            return float(value)

        def monitor(taken: Any) -> None:
            try:
                recorder.look(
                    taken.getIterationNumber(), lambda: taken.getSolution().getArray().copy()
                )
            except BaseException as error:
                failed.append(error)
                taken.setConvergedReason(PETSc.TAO.Reason.CONVERGED_USER)

        solver.setType(PETSc.TAO.Type.LMVM)
        solver.setObjectiveGradient(objective, x.duplicate())
        solver.setMonitor(monitor)
        solver.setTolerances(gatol=0.0, grtol=0.0, gttol=0.0)
        solver.setMaximumIterations(_MOST)
        solver.setMaximumFunctionEvaluations(_MOST)
        solver.solve(x)
        if failed:
            raise failed[0]

    return go


LBFGSB = {"maxiter": _MOST, "maxfun": _MOST, "maxcor": 10, "ftol": 0.0, "gtol": 0.0}
PEERS = [
    Candidate("SciPy L-BFGS-B", peer=scipy_way("L-BFGS-B", **LBFGSB)),
    Candidate("SciPy trust-ncg", peer=scipy_way("trust-ncg", maxiter=_MOST, gtol=1e-14)),
    Candidate("SciPy Newton-CG", peer=scipy_way("Newton-CG", maxiter=_MOST, xtol=1e-16)),
    Candidate("Newton, splu", peer=newton_by_lu, most=150_000, flat=True),
    Candidate("Newton–CG, pyamg built once", peer=newton_by_pyamg, needs=("pyamg",)),
    Candidate("PETSc TAO LMVM", peer=tao, needs=("petsc4py",)),
]
