"""Runs of a flow in time: frame by frame, by each of the methods."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import backend_for, installed
from meshrep.base.interrupts import interruptible
from meshrep.energies.base import Energy, laid_out
from meshrep.errors import InputError, SolveError
from meshrep.flows.bdf import AdaptiveBDF
from meshrep.flows.driven import Stepper
from meshrep.flows.implicit import EqualImplicitSteps, ImplicitFlow
from meshrep.flows.implicit_steps import Equations
from meshrep.flows.runge_kutta import stable_step
from meshrep.flows.trajectory import Trajectory

SCIPY_METHODS = {"rk45": "RK45", "lsoda": "LSODA", "bdf": "BDF", "radau": "Radau"}


def refuse_endless(method: str, span: float, dt: float) -> None:
    """Raise InputError where a time takes more steps of a length than could ever be taken."""
    if not span <= limits.FLOW_STEPS_UP_TO * dt:
        steps = float(span) / float(dt) if dt else np.inf
        raise InputError(
            f"{method} would take {steps:.2g} steps, and {limits.FLOW_STEPS_UP_TO:.0e} are the "
            "most: take a shorter time, a longer dt, or an implicit method (bdf, radau)"
        )


class Run:
    """The integration of a flow over times by any of the methods.

    Parameters
    ----------
    energy : Energy
    mass : (n,) array, or (n, n) matrix for implicit methods
    times : (k,) array
        The first time, and those whose fields are kept.
    observe : callable or None
        As for :func:`meshrep.integrate`.
    """

    def __init__(
        self,
        energy: Energy,
        mass: Any,
        times: np.ndarray,
        observe: Callable[[float, float], None] | None,
    ) -> None:
        self.energy, self.mass, self.times, self.observe = energy, mass, times, observe
        self.evaluator = laid_out(energy, backend_for("numba" if installed("numba") else "numpy"))

    def advanced(self, w: np.ndarray, stepper: Stepper) -> Trajectory:
        """Explicit steps from one time to the next."""
        if stepper.dt is not None:
            refuse_endless(stepper.name, self.times[-1] - self.times[0], stepper.dt)
        frames, interrupted = [(w.copy(), self.energy.value(w))], False
        rates = [stepper.rates()]
        try:
            with interruptible():
                for begin, end in pairwise(self.times.tolist()):
                    stepper.advance(w, begin, end)
                    if not np.isfinite(w).all():
                        raise SolveError(f"the field became infinite before t = {end:g}: lower dt")
                    rates.append(stepper.rates())
                    frames.append((w.copy(), self.energy.value(w)))
                    if self.observe:
                        self.observe(end, float(self.times[-1]))
        except KeyboardInterrupt:
            interrupted = True
        path = self._trajectory(
            frames, stepper.name, stepper.steps, stepper.evaluations, interrupted, stepper.notes()
        )
        if rates[0] is not None:
            path.velocities = np.array(rates[: len(frames)])
        return path

    def _trajectory(
        self, frames: list[tuple[np.ndarray, float]], method: str, steps: int, evaluations: int,
        interrupted: bool, notes: list[str], factorisations: int = 0,
    ) -> Trajectory:  # fmt: skip
        """The trajectory of the fields and energies that were reached."""
        fields, energies = zip(*frames, strict=True)
        return Trajectory(
            self.energy, self.times[: len(frames)], np.array(fields), np.array(energies), method,
            steps, evaluations, interrupted, notes, factorisations,
        )  # fmt: skip

    def _clock(self, method: str) -> float:
        """The unit of time of the problem. SciPy's first step is absolute in it.

        Raises
        ------
        InputError
            Where the time is not finite in it.
        """
        mass = self.mass.diagonal() if sparse.issparse(self.mass) else self.mass
        clock = self.energy.unit**2 / self.energy.scale * float(mass.mean())
        if not np.isfinite(float(self.times[-1]) / clock):
            raise InputError(f"a time of {self.times[-1]:g} is too long for {method}: take less")
        return clock

    def implicit(
        self, w: np.ndarray, method: str, dt: float | None, rtol: float, atol: float | None,
        smooth: bool,
    ) -> Trajectory:  # fmt: skip
        """Backward Euler, Crank–Nicolson or BDF with our own factors and hierarchies."""
        self._clock(method)
        energy, end = self.energy, float(self.times[-1])
        span = end - float(self.times[0])
        matrix = self.mass if sparse.issparse(self.mass) else sparse.diags_array(self.mass)
        equations = Equations(energy, sparse.csr_array(matrix))
        unit = equations.unit = equations.reach(w, self.times)
        flow: ImplicitFlow
        if method == "bdf":
            tables = np.unique(np.concatenate([np.zeros(0), *(s.times for s in energy.schedules)]))
            atol = rtol * unit if atol is None else atol
            flow = AdaptiveBDF(equations, rtol, atol, 0.1 * span, tables)
        else:
            dt = span / 200 if dt is None else dt
            refuse_endless(method, span, dt)
            flow = EqualImplicitSteps(equations, dt, rtol, second_order=method == "crank-nicolson")
        frames, interrupted = [(w.copy(), self._value(w, float(self.times[0])))], False

        def keep(now: float, field: np.ndarray) -> None:
            frames.append((field.copy(), self._value(field, now)))

        def told(now: float) -> None:
            if self.observe:
                self.observe(now, end)

        try:
            with interruptible():
                flow.run(w, self.times, keep, told, smooth=smooth)
        except KeyboardInterrupt:
            interrupted = True
        return self._trajectory(
            frames, method, flow.steps, equations.evaluations, interrupted, flow.notes(),
            equations.system.factorisations,
        )  # fmt: skip

    def _value(self, w: np.ndarray, now: float) -> float:
        return self.energy.at(now).value(w)

    def adaptive(self, w: np.ndarray, method: str, rtol: float, atol: float) -> Trajectory:
        """SciPy's solve_ivp on the free nodes, frame by frame: Ctrl-C keeps what is done."""
        from scipy.integrate import solve_ivp

        energy, free = self.energy, self.energy.free
        whole, weight = w.copy(), self.mass[free].reshape(-1, *[1] * (w.ndim - 1))
        clock = self._clock(method)
        if method == "rk45":  # explicit, so that its steps stay about as short as those of rk4
            span = self.times[-1] - self.times[0]
            refuse_endless(method, span, stable_step(energy, w, self.mass))
        calls = 0

        def slope(_: float, y: np.ndarray) -> np.ndarray:
            nonlocal calls
            calls += 1
            whole[free] = y.reshape(whole[free].shape)
            return (clock * self.evaluator.velocity(whole)[free] / weight).ravel()

        def jacobian(_: float, y: np.ndarray) -> sparse.csc_matrix:
            whole[free] = y.reshape(whole[free].shape)
            rates = sparse.csr_array(energy.velocity_jacobian(whole))[free][:, free]
            return sparse.csc_matrix(sparse.diags_array(clock / weight) @ rates)

        options: dict[str, Any] = {}
        if method in ("bdf", "radau") and energy.has_hessian and w.ndim == 1:
            options["jac"] = jacobian
        frames, steps, interrupted = [(w.copy(), energy.value(w))], 0, False
        y = w[free].ravel()
        try:
            with interruptible():
                for begun, ended in pairwise(self.times):
                    span = begun / clock, ended / clock
                    part = solve_ivp(
                        slope, span, y, SCIPY_METHODS[method], rtol=rtol, atol=atol, **options
                    )
                    if not part.success or not np.isfinite(part.y[:, -1]).all():
                        late = clock * part.t[-1]
                        raise SolveError(f"{method} gave up at t = {late:g}: {part.message}")
                    y = part.y[:, -1]
                    steps += len(part.t) - 1
                    whole[free] = y.reshape(whole[free].shape)
                    frames.append((whole.copy(), energy.value(whole)))
                    if self.observe:
                        self.observe(float(ended), float(self.times[-1]))
        except KeyboardInterrupt:
            interrupted = True
        return self._trajectory(frames, method, steps, calls, interrupted, [])
