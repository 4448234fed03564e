"""Other codes on the block: the same linear tetrahedra, conditions and judge.

Each function takes a block and a tolerance, builds the linear system and solves it, calling
``built`` between the two, and returns temperatures in the order of the block's points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from bench.fem_problems import AIR, EPS, FILM, FIXED, FLUX, SOURCE, STEEL, Block

Built = Callable[[], None]
Way = Callable[[Block, float, Built], np.ndarray]


def by_amg(matrix: Any, right: np.ndarray, rtol: float) -> np.ndarray:
    """Conjugate gradients with pyamg's smoothed aggregation as it comes."""
    import pyamg
    from scipy.sparse.linalg import cg

    matrix = sparse.csr_matrix(matrix)
    cycle = pyamg.smoothed_aggregation_solver(matrix, symmetry="symmetric").aspreconditioner()
    return cg(matrix, right, rtol=rtol, atol=0.0, M=cycle, maxiter=2000)[0]


def by_lu(matrix: Any, right: np.ndarray, rtol: float) -> np.ndarray:
    """SciPy's SuperLU in symmetric mode."""
    from scipy.sparse.linalg import splu

    options = {"SymmetricMode": True}
    factors = splu(sparse.csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                   options=options)  # fmt: skip
    return factors.solve(right)


def scikit_fem(solve: Callable[..., np.ndarray]) -> Way:
    """scikit-fem's assembly in NumPy, with the given solver."""

    def way(block: Block, rtol: float, built: Built) -> np.ndarray:
        import skfem
        from skfem.helpers import dot, grad

        mesh = skfem.MeshTet(block.points.T.copy(), block.cells.T.copy())
        basis = skfem.Basis(mesh, skfem.ElementTetP1(), intorder=1)
        plain = basis.with_element(skfem.ElementTetP0())

        @skfem.BilinearForm
        def stiffness(u: Any, v: Any, w: Any) -> Any:
            return w.k * dot(grad(u), grad(v))

        @skfem.BilinearForm
        def film(u: Any, v: Any, w: Any) -> Any:
            return FILM * u * v

        @skfem.LinearForm
        def ones(v: Any, w: Any) -> Any:
            return 1.0 * v

        def facets(where: Callable[[np.ndarray], np.ndarray]) -> Any:
            chosen = mesh.facets_satisfying(where, boundaries_only=True)
            return skfem.FacetBasis(mesh, skfem.ElementTetP1(), facets=chosen, intorder=2)

        cooled, heated = facets(lambda x: x[0] > 1 - EPS), facets(lambda x: x[1] < EPS)
        matrix = stiffness.assemble(basis, k=plain.interpolate(block.conductivity))
        matrix = matrix + film.assemble(cooled)
        right = SOURCE * ones.assemble(basis) + FLUX * ones.assemble(heated)
        right = right + FILM * AIR * ones.assemble(cooled)
        field = np.zeros(len(block.points))
        held = np.flatnonzero(block.points[:, 2] < EPS)
        field[held] = FIXED
        reduced = skfem.condense(matrix, right, x=field, D=held, expand=False)
        built()
        free = np.setdiff1d(np.arange(len(field)), held)
        field[free] = solve(*reduced[:2], rtol)
        return field

    return way


def sfepy(block: Block, rtol: float, built: Built) -> np.ndarray:
    """SfePy's assembly in C, and pyamg."""
    import logging

    from sfepy.base.base import output
    from sfepy.discrete import (
        Equation,
        Equations,
        FieldVariable,
        Integral,
        Material,
        Problem,
    )
    from sfepy.discrete.conditions import Conditions, EssentialBC
    from sfepy.discrete.fem import FEDomain, Field, Mesh
    from sfepy.terms import Term

    output.set_output(quiet=True)
    logging.disable(logging.WARNING)
    groups = (block.conductivity != STEEL).astype(np.int32)
    mesh = Mesh.from_data("block", block.points, None, [block.cells.astype(np.int32)], [groups],
                          ["3_4"])  # fmt: skip
    domain = FEDomain("block", mesh)
    whole = domain.create_region("Omega", "all")
    parts = [domain.create_region(f"Part{g}", f"cells of group {g}") for g in (0, 1)]
    held = domain.create_region("Held", f"vertices in z < {EPS}", "facet")
    cooled = domain.create_region("Cooled", f"vertices in x > {1 - EPS}", "facet")
    heated = domain.create_region("Heated", f"vertices in y < {EPS}", "facet")
    field = Field.from_args("temperature", np.float64, "scalar", whole, approx_order=1)
    t = FieldVariable("t", "unknown", field)
    s = FieldVariable("s", "test", field, primary_var_name="t")
    inside, outside = Integral("i", order=1), Integral("o", order=2)
    terms = None
    for part in parts:
        k = float(block.conductivity[groups == int(part.name[-1])][0])
        value = Material(f"m{part.name}", k=k * np.eye(3))
        term = Term.new(f"dw_diffusion({value.name}.k, s, t)", inside, part, s=s, t=t,
                        **{value.name: value})  # fmt: skip
        terms = term if terms is None else terms + term
    film, given = Material("film", h=FILM, air=AIR), Material("given", q=FLUX, s=SOURCE)
    terms = terms + Term.new("dw_bc_newton(film.h, film.air, s, t)", outside, cooled, film=film,
                             s=s, t=t)  # fmt: skip
    terms = terms - Term.new("dw_integrate(given.q, s)", outside, heated, given=given, s=s)
    terms = terms - Term.new("dw_integrate(given.s, s)", inside, whole, given=given, s=s)
    problem = Problem("block", equations=Equations([Equation("balance", terms)]))
    problem.set_bcs(ebcs=Conditions([EssentialBC("held", held, {"t.0": FIXED})]))
    problem.time_update()
    problem.update_materials()
    variables = problem.set_default_state()
    variables.apply_ebc()
    start = variables.get_state(reduced=True)
    evaluator = problem.get_evaluator()
    residual = evaluator.eval_residual(start)
    matrix = evaluator.eval_tangent_matrix(start, mtx=problem.mtx_a)
    built()
    variables.set_state(start - by_amg(matrix, residual, rtol), reduced=True)
    variables.apply_ebc()
    return np.array(variables.get_state(force=True)).ravel()
