"""Flows in time: M dw/dt = −∇E(w) plus what drives it, by Runge–Kutta or SciPy's integrators."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.base import limits
from meshrep.base.backends import backend_for, installed
from meshrep.base.interrupts import interruptible
from meshrep.energies.base import Energy, checked_energy, laid_out
from meshrep.energies.evaluator import Evaluator
from meshrep.energies.given import tried
from meshrep.energies.trajectory import Trajectory
from meshrep.errors import InputError, SolveError
from meshrep.sources.room import available_memory

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SCIPY_METHODS = {"rk45": "RK45", "lsoda": "LSODA", "bdf": "BDF", "radau": "Radau"}
REAL_STABILITY = 2.785  # RK4 is stable for real λ dt in [−2.785, 0]


def runge_kutta4(
    evaluator: Evaluator,
    w: np.ndarray,
    dt: float,
    steps: int,
    inverse_mass: np.ndarray,
    driven: bool = False,
) -> np.ndarray:
    """Take RK4 steps of dw/dt = −∇E/mass in place; return the energy before each, (steps,).

    With ``driven``, dw/dt is that of ``Evaluator.velocity``. A fused evaluator
    takes the steps by its own ``flow``; ``w`` must be flat then.
    """
    if evaluator.fused:
        return evaluator.flow(w, dt, steps, inverse_mass, driven)  # type: ignore[attr-defined]
    energies = np.empty(steps)
    scale = inverse_mass.reshape(-1, *[1] * (w.ndim - 1))

    def slope(at: np.ndarray) -> np.ndarray:
        return scale * (evaluator.velocity(at) if driven else -evaluator.value_and_grad(at)[1])

    for k in range(steps):
        value, gradient = evaluator.value_and_grad(w)
        energies[k] = float(value)
        first = slope(w) if driven else -scale * gradient
        second = slope(w + 0.5 * dt * first)
        third = slope(w + 0.5 * dt * second)
        fourth = slope(w + dt * third)
        w += dt / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
    return energies


def stable_step(energy: Energy, start: np.ndarray, mass: np.ndarray) -> float:
    """The largest dt for which RK4 is stable, from a bound of the curvature over the least mass."""
    return REAL_STABILITY * float(mass.min()) / energy.stiffness(start)


def default_step(energy: Energy, start: np.ndarray, mass: np.ndarray) -> tuple[float, float]:
    """The default step of rk4, and the largest stable one.

    The default is nine tenths of the stable step. It is smaller where natural frequencies differ,
    so that phases move apart by at most a radian in a step: the frequency of a pair is then right
    to 0.1%, while a longer step could miss whole turns.
    """
    limit = stable_step(energy, start, mass)
    spread = energy.frequency_spread / float(mass.min())
    return min(0.9 * limit, 1.0 / spread if spread > 0 else np.inf), limit


def integrate(
    energy: Energy,
    t: float,
    *,
    start: ArrayLike | None = None,
    mass: ArrayLike | None = None,
    method: str = "rk4",
    dt: float | None = None,
    frames: int = 40,
    rtol: float = 1e-6,
    atol: float | None = None,
    seed: int = 0,
    observe: Callable[[float, float], None] | None = None,
) -> Trajectory:
    """Integrate M dw/dt = −∇E plus what drives the field in addition, from time 0 to t.

    Oscillators are also driven by their natural frequencies and the cosine coupling.

    Parameters
    ----------
    energy : Energy
    t : float
        Final time, > 0.
    start : (n,) or (n, d) array, optional
        Field at time 0; ``energy.random_start(seed)`` by default.
    mass : (n,) array, optional
        Lumped mass of each node, > 0; 1 by default.
    method : {"rk4", "rk45", "lsoda", "bdf", "radau"}
        Classical Runge–Kutta with a fixed step, or an integrator of SciPy. "bdf" and "radau" are
        for stiff problems and use the sparse Hessian.
    dt : float, optional
        Step of rk4. The default is 0.9 of the stable step, and short enough that phases move apart
        by at most a radian in a step.
    frames : int
        Number of evenly spaced times after the start whose fields are kept.
    rtol, atol : float
        Tolerances of SciPy's methods. ``atol`` is in the unit of the field; the default is 1e-9 of
        the energy's ``unit``.
    seed : int
        Of the start.
    observe : callable, optional
        Called with the time reached and t.

    Returns
    -------
    Trajectory
        It ends early if Ctrl-C is pressed.

    Raises
    ------
    InputError
        For a time, mass, method or step that cannot be used.
    SolveError
        Where the field becomes infinite or SciPy gives up.
    """
    energy = checked_energy(energy)
    if not (np.isfinite(t) and t > 0):
        raise InputError(f"the time to integrate to must be positive and finite, not {t}")
    if frames < 1:
        raise InputError(f"a trajectory needs at least one frame, not {frames}")
    w = energy.clamp(energy.random_start(seed) if start is None else start)
    _refuse_many_frames(frames, w.nbytes)
    weight = np.ones(energy.graph.n) if mass is None else np.asarray(mass, dtype=np.float64)
    if weight.shape != (energy.graph.n,) or not (weight > 0).all():
        raise InputError("the mass must be one positive number a node")
    times = np.linspace(0.0, t, frames + 1)
    run = _Run(energy, weight, times, observe)
    tried(run.evaluator, w)
    if method == "rk4":
        return run.fixed(w, dt)
    if method not in SCIPY_METHODS:
        known = ", ".join(["rk4", *SCIPY_METHODS])
        raise InputError(f"unknown integrator {method!r}: choose among {known}")
    return run.adaptive(w, method, rtol, 1e-9 * energy.unit if atol is None else atol)


def _refuse_many_frames(frames: int, size: int) -> None:
    """Raise InputError for more frames of ``size`` bytes each than fit into the memory."""
    need, room = frames * (2 * size + 500), available_memory()  # each is copied once
    if need > room:
        raise InputError(
            f"{frames:,} frames need about {need / 2**30:.3g} GiB and {room / 2**30:.3g} GiB are "
            "free: keep fewer frames"
        )


def _refuse_endless(method: str, steps: float) -> None:
    """Raise InputError for more steps than could ever be taken."""
    if not steps <= limits.FLOW_STEPS_UP_TO:
        raise InputError(
            f"{method} would take {steps:.2g} steps, and {limits.FLOW_STEPS_UP_TO:.0e} are the "
            "most: take a shorter time, a longer dt, or an implicit method (bdf, radau)"
        )


class _Run:
    def __init__(
        self,
        energy: Energy,
        mass: np.ndarray,
        times: np.ndarray,
        observe: Callable[[float, float], None] | None,
    ) -> None:
        self.energy, self.mass, self.times, self.observe = energy, mass, times, observe
        self.evaluator = laid_out(energy, backend_for("numba" if installed("numba") else "numpy"))

    def fixed(self, w: np.ndarray, dt: float | None) -> Trajectory:
        """RK4 with a whole number of equal steps between frames."""
        chosen, limit = default_step(self.energy, w, self.mass)
        if dt is not None and not 0 < dt <= limit:
            raise InputError(
                f"dt = {dt:g} is not a stable step for RK4: take one in (0, {limit:.3g}], or an "
                "implicit method (bdf, radau)"
            )
        between = self.times[1] - self.times[0]
        _refuse_endless("rk4", self.times[-1] / (dt or chosen))
        count = int(np.ceil(between / (dt or chosen)))
        step, inverse = between / count, 1.0 / self.mass
        frames, interrupted = [(w.copy(), self.energy.value(w))], False
        taken, chunk = 0, 8
        try:
            with interruptible():
                for now in self.times[1:]:
                    left = count
                    while left:
                        some = min(chunk, left)
                        begun = time.perf_counter()
                        runge_kutta4(self.evaluator, w, step, some, inverse, driven=True)
                        spent = max(time.perf_counter() - begun, 1e-9)
                        chunk = max(1, min(2 * some if some == chunk else chunk,
                                           int(limits.CALL_SECONDS * some / spent)))  # fmt: skip
                        left -= some
                        taken += some
                    if not np.isfinite(w).all():
                        raise SolveError(f"the field became infinite before t = {now:g}: lower dt")
                    frames.append((w.copy(), self.energy.value(w)))
                    if self.observe:
                        self.observe(float(now), float(self.times[-1]))
        except KeyboardInterrupt:
            interrupted = True
        return self._trajectory(
            frames, "rk4", taken, 4 * taken, interrupted, self._step_notes(step, limit)
        )

    def _trajectory(
        self, frames: list[tuple[np.ndarray, float]], method: str, steps: int, evaluations: int,
        interrupted: bool, notes: list[str],
    ) -> Trajectory:  # fmt: skip
        """The trajectory of the fields and energies that were reached."""
        fields, energies = zip(*frames, strict=True)
        return Trajectory(
            self.energy, self.times[: len(frames)], np.array(fields), np.array(energies), method,
            steps, evaluations, interrupted, notes,
        )  # fmt: skip

    def _step_notes(self, step: float, limit: float) -> list[str]:
        notes = [f"step {step:.3g}, stable up to {limit:.3g}"]
        turn = step * self.energy.frequency_spread / float(self.mass.min())
        if turn > 1.01:
            notes.append(
                f"natural frequencies differ by up to {turn:.2g} radians a step: take a smaller dt "
                "for right frequencies"
            )
        return notes

    def adaptive(self, w: np.ndarray, method: str, rtol: float, atol: float) -> Trajectory:
        """SciPy's solve_ivp on the free nodes, frame by frame: Ctrl-C keeps what is done."""
        from scipy.integrate import solve_ivp

        energy, free = self.energy, self.energy.free
        whole, weight = w.copy(), self.mass[free].reshape(-1, *[1] * (w.ndim - 1))
        # SciPy's first step is absolute, so that time must be in the unit of the problem.
        clock = energy.unit**2 / energy.scale * float(self.mass.mean())
        if not np.isfinite(float(self.times[-1]) / clock):
            raise InputError(f"a time of {self.times[-1]:g} is too long for {method}: take less")
        if method == "rk45":  # explicit, so that its steps stay about as short as those of rk4
            _refuse_endless(method, self.times[-1] / stable_step(energy, w, self.mass))
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
                for begun, ended in zip(self.times[:-1], self.times[1:], strict=True):
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
