"""Named solvers that model curvature: L-BFGS and Newton's method."""

from __future__ import annotations

from dataclasses import replace

from meshrep.energies.base import Energy
from meshrep.minimisers.lbfgs import LBFGS
from meshrep.minimisers.monitor import Stopping
from meshrep.minimisers.newton import Newton
from meshrep.minimisers.scipy_lbfgs import ScipyLBFGS
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.solver import Solver

PATIENCE = 300  # steps of L-BFGS that cost about as much as Newton's method from the start


def lbfgs(energy: Energy) -> Solver:
    """L-BFGS on the field."""
    return Solver(LBFGS(), name="lbfgs")


def newton(energy: Energy) -> Solver:
    """Newton's method on the field."""
    return Solver(Newton(), stopping=Stopping(max_steps=5000, gtol=1e-10), name="newton")


def _lbfgs_newton(energy: Energy) -> Solver:
    second = replace(newton(energy), name="lbfgs-newton")
    return Solver(
        LBFGS(), stopping=Stopping(max_steps=PATIENCE), then=second, name="lbfgs-newton", leg=True
    )


SOLVERS = (
    NamedSolver(
        "lbfgs",
        "L-BFGS, which models curvature from its last steps; its line search works down to "
        "rounding.",
        "Any smooth energy; most often it arrives first.",
        lbfgs,
        group="curvature",
    ),
    NamedSolver(
        "lbfgs-newton",
        f"lbfgs, followed by newton where it has not arrived after {PATIENCE} steps.",
        "Convex energies with a sparse Hessian; auto takes it for them.",
        _lbfgs_newton,
        group="curvature",
    ),
    NamedSolver(
        "lbfgs-scipy",
        "SciPy's L-BFGS-B; its report of success is checked.",
        "To check lbfgs by another implementation.",
        lambda energy: Solver(ScipyLBFGS()),
        group="curvature",
    ),
    NamedSolver(
        "newton",
        "Newton's method by conjugate gradients with multigrid (on small meshes by sparse LU), in "
        "a trust region where the energy is not convex.",
        "Heat, when every digit counts or the mesh is long; phases, when the end must be a "
        "certified minimum: it reports the least eigenvalue of the Hessian.",
        newton,
        group="curvature",
    ),
)
