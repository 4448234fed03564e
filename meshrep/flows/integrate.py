"""Flows in time: M dw/dt = −∇E(w) plus what drives it, explicit, implicit, or by SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from meshrep.energies.base import Energy, checked_energy
from meshrep.energies.given import tried
from meshrep.energies.phases.couplings import node_numbers
from meshrep.errors import InputError, kind_of
from meshrep.flows.driven import MOEBIUS_RTOL, Stepper, by_maps, by_motion, by_rk4, is_broad
from meshrep.flows.runge_kutta import stable_step
from meshrep.flows.runs import Run
from meshrep.flows.trajectory import Trajectory
from meshrep.sources.room import available_memory
from meshrep.sources.values import by_name

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FIXED_METHODS = ("rk4", "backward-euler", "crank-nicolson", "heun")
IMPLICIT_METHODS = ("backward-euler", "crank-nicolson", "bdf")
METHODS = ("rk4", "moebius", "heun", *IMPLICIT_METHODS, "rk45", "lsoda", "radau")


def integrate(
    energy: Energy,
    t: float,
    *,
    start: Any = None,
    mass: Any = None,
    noise: ArrayLike | Mapping[Any, float] = 0.0,
    inertia: ArrayLike | Mapping[Any, float] = 0.0,
    start_velocity: ArrayLike | None = None,
    method: str | None = None,
    dt: float | None = None,
    frames: int = 40,
    at: ArrayLike | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
    observe: Callable[[float, float], None] | None = None,
) -> Trajectory:
    """Integrate m d²w/dt² + M dw/dt = −∇E plus what drives the field, from time 0 to t.

    Oscillators are also driven by their natural frequencies and the cosine coupling. Conditions
    that follow a :class:`meshrep.Schedule` change on the way.

    Parameters
    ----------
    energy : Energy
    t : float
        Final time.
    start : number, (n,) or (n, d) array, mapping by label, Solution or Trajectory, optional
        Field at time 0. A trajectory is continued from its last time to t. The default is
        ``energy.random_start(seed)``, or the origin for an energy with a ``capacity_matrix``, which
        for conduction is the lowest temperature of its conditions.
    mass : (n,) array or (n, n) matrix, optional
        Mass of each node, > 0; or for implicit methods a symmetric, positive definite matrix. The
        default is the energy's ``capacity_matrix``, or its lumped ``capacity`` for other methods;
        and 1 for an energy without such a matrix.
    noise : float, (n,) array or mapping by label
        Diffusion D of each node: dw = … dt + √(2D) dW. The noise is drawn by the seed, and depends
        on the number of steps but not on the number of threads.
    inertia : float, (n,) array or mapping by label
        m. With it phases follow the swing equation of power grids.
    start_velocity : (n,) or (n, d) array, or mapping by label, optional
        dw/dt at the start where there is inertia. The default is that of the trajectory that is
        continued, or 0.
    method : str, optional
        "rk4" is classical Runge–Kutta with a fixed step. "moebius" is for phases whose natural
        frequencies are large beside their couplings: it takes adaptive steps of order 4, each
        exact in the frequencies. "heun" is for noise. "backward-euler", of order 1, and
        "crank-nicolson", of order 2, are implicit with a fixed step of any length; they and "bdf",
        of orders 1 to 5 with adaptive steps, suit stiff problems and use the sparse Hessian, whose
        factors or multigrid hierarchy they keep. The others are SciPy's, as is "bdf" for an energy
        without a sparse Hessian. The default is "heun" with noise, "bdf" for an energy with a
        ``capacity_matrix``, or "crank-nicolson" where ``dt`` is given, "moebius" where frequencies
        would make the steps of rk4 eight times shorter, and "rk4" elsewhere.
    dt : float, optional
        Longest step of methods with a fixed step. The default is 0.9 of the stable step for rk4,
        and short enough that phases move apart by at most a radian in a step; shorter with noise
        or inertia; and a 200th of the time for implicit methods.
    frames : int
        Number of evenly spaced times after the start whose fields are kept.
    at : array, optional
        Times that are kept in place of evenly spaced ones, beside the start and t.
    rtol, atol : float
        Tolerances of adaptive methods for the error of each step. ``rtol`` is 1e-6 by default, or
        1e-3 for "moebius", where it is in radians: the root mean square over the nodes of what an
        embedded solution of order 2 differs by. ``atol`` is in the unit of the
        field; the default is ``rtol`` times the range of the field for "bdf", which counts the
        field from the energy's origin, and 1e-9 of the energy's ``unit`` for SciPy's methods. The
        equations of an implicit step are solved to a hundredth of ``rtol``.
    seed : int
        Of the start and the noise.
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
        Where the field becomes infinite or a method gives up.

    Examples
    --------
    A steel bar of 0.1 m whose right end is warmed to 100 °C within a minute:

    >>> import numpy as np, meshrep
    >>> points = np.linspace([0, 0, 0], [0.1, 0, 0], 21)
    >>> bar = meshrep.from_arrays(points, meshrep.Cells.of_kind(3, np.arange(20)[:, None] + [0, 1]))
    >>> warming = {"x > 0.0999": meshrep.Schedule([0, 60], [20, 100])}
    >>> energy = meshrep.Conduction(bar, 50.0, fixed=warming, capacity=3.5e6)
    >>> path = meshrep.integrate(energy, 120, start=20.0, at=[60, 120])
    >>> path.method, path.times.tolist(), path.fields[:, 0].round(2).tolist()
    ('bdf', [0.0, 60.0, 120.0], [20.0, 20.49, 27.89])
    """
    energy = checked_energy(energy)
    D, m = (
        node_numbers(energy.graph, *given) for given in ((noise, "noise"), (inertia, "inertia"))
    )
    if (D < 0).any():
        raise InputError("noise is a diffusion constant and must not be negative")
    shaken, heavy = bool(D.any()), bool(m.any()) or start_velocity is not None
    dt, rtol, atol = _read(dt, "dt"), _read(rtol, "rtol"), _read(atol, "atol")
    asked, method = method, _chosen(energy, method, dt, shaken, heavy)
    begin, field, smooth = _begun(energy, start, seed)
    times = _times(begin, t, frames, at, 8 * int(np.prod(energy.shape)))
    w = energy.at(begin).clamp(field)
    implicit = method in IMPLICIT_METHODS and _has_matrix(energy)
    weight = _checked_mass(energy, mass, implicit)
    if asked is None and method == "rk4" and dt is None and not heavy:
        broad = is_broad(energy, stable_step(energy, w, weight), weight)
        method = "moebius" if broad else "rk4"
    if rtol is None:
        rtol = MOEBIUS_RTOL if method == "moebius" else 1e-6
    _refuse_settings(method, dt, rtol, atol)
    run = Run(energy, weight, times, observe)
    tried(run.evaluator, w)
    if implicit:
        path = run.implicit(w, method, dt, rtol, atol, smooth)
    elif method in ("rk4", "heun", "moebius"):
        stepper: Stepper
        if method == "moebius":
            stepper = by_maps(energy, run.evaluator, weight, rtol, times[1] - times[0])
        elif shaken or heavy:
            stepper = by_motion(
                energy, run.evaluator, w, weight, dt, noise=D, inertia=m,
                start_velocity=_velocity(start, start_velocity), seed=seed,
            )  # fmt: skip
        else:
            stepper = by_rk4(energy, run.evaluator, w, weight, dt)
        path = run.advanced(w, stepper)
    else:
        path = run.adaptive(w, method, rtol, 1e-9 * energy.unit if atol is None else atol)
    if start is None and energy.capacity_matrix is not None:
        path.notes.insert(0, f"the start is {energy.origin:g} everywhere: start= takes another one")
    return path


def _read(value: Any, name: str) -> float | None:
    """The value as a number, which may be NaN; None where it is that."""
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number, not {value!r}") from None


def _has_matrix(energy: Energy) -> bool:
    """Whether implicit methods can solve their equations by the sparse Hessian."""
    return energy.has_hessian and len(energy.shape) == 1


def _velocity(start: Any, start_velocity: ArrayLike | None) -> ArrayLike | None:
    """dw/dt to start from: the one that was given, or that of a trajectory to continue."""
    before = start.velocities if isinstance(start, Trajectory) else None
    return before[-1] if start_velocity is None and before is not None else start_velocity


def _chosen(energy: Energy, method: str | None, dt: float | None, shaken: bool, heavy: bool) -> str:
    """The method, if it is one that can follow the energy, its noise and its inertia."""
    if method is not None and method not in METHODS:
        raise InputError(f"unknown integrator {method!r}: choose among {', '.join(METHODS)}")
    if method == "heun" and not shaken:
        raise InputError("heun is for noise, and there is none: give noise=, or take rk4")
    if shaken or heavy:
        only, what = ("heun", "noise") if shaken else ("rk4", "inertia")
        if method not in (None, only):
            raise InputError(f"{method} cannot follow {what}: take {only}")
        if energy.schedules:
            raise InputError(f"conditions that change in time cannot be followed with {what}")
        return only
    if method is None:
        implicit = "bdf" if dt is None else "crank-nicolson"
        return "rk4" if energy.capacity_matrix is None else implicit
    if method in IMPLICIT_METHODS[:2] and not _has_matrix(energy):
        raise InputError(
            f"{method} needs a sparse Hessian, and {type(energy).__name__} has none: choose rk4, "
            "rk45, lsoda, bdf or radau"
        )
    if energy.schedules and not (method in IMPLICIT_METHODS and _has_matrix(energy)):
        raise InputError(
            f"{method} cannot follow conditions that change in time: choose among "
            f"{', '.join(IMPLICIT_METHODS)}"
        )
    return method


def _begun(energy: Energy, start: Any, seed: int) -> tuple[float, Any, bool]:
    """The first time and field, and whether they go on from a run of the same energy."""
    if start is None and energy.capacity_matrix is None:
        return 0.0, energy.random_start(seed), False
    if start is None:
        start = energy.origin
    if isinstance(start, Trajectory):
        begin = float(start.times[-1])
        jumps = any(begin in schedule.jumps for schedule in energy.schedules)
        return begin, start.fields[-1], start.problem is energy and not jumps
    field = getattr(start, "field", start)  # of a solution
    alike = np.ndim(field) == 0 and not isinstance(field, Mapping)
    return 0.0, np.full(energy.shape, field) if alike else field, False


def _times(begin: float, t: float, frames: int, at: ArrayLike | None, size: int) -> np.ndarray:
    """The first time, and those whose fields, of ``size`` bytes each, are kept."""
    if not (isinstance(t, Real) and 0 < float(t) < np.inf):
        raise InputError(f"the time to integrate to must be positive and finite, not {t!r}")
    if not t > begin:
        raise InputError(f"the run to continue has reached t = {begin:g}: integrate to a later one")
    if at is None:
        if not isinstance(frames, Integral) or frames < 1:
            raise InputError(
                f"a trajectory needs at least one frame, a whole number, not {frames!r}"
            )
        _refuse_many_frames(int(frames), size)
        return np.linspace(begin, t, frames + 1)
    try:
        chosen = np.atleast_1d(np.array(at, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"at= is a list of times, not {kind_of(at)}") from None
    _refuse_many_frames(chosen.size, size)
    if chosen.ndim != 1 or not ((chosen >= begin) & (chosen <= t)).all():
        raise InputError(f"the times of at= must lie between {begin:g} and {t:g}")
    return np.unique([begin, *chosen, t])


def _refuse_settings(method: str, dt: float | None, rtol: float, atol: float | None) -> None:
    """Raise InputError for a step or tolerances that cannot be used."""
    if dt is not None:
        if method not in FIXED_METHODS:
            raise InputError(
                f"dt is the step of {', '.join(FIXED_METHODS)}, and {method} chooses its own: drop "
                "it"
            )
        if method in IMPLICIT_METHODS and not 0 < dt < np.inf:
            raise InputError(f"dt must be positive and finite, not {dt}")
    if not 0 < rtol < 1:
        raise InputError(f"rtol must lie between 0 and 1, not {rtol}")
    if atol is not None and not 0 <= atol < np.inf:
        raise InputError(f"atol must not be negative, and must be finite, not {atol}")


def _checked_mass(energy: Energy, mass: Any, implicit: bool) -> Any:
    """The mass as an array (n,), or for implicit methods as a matrix."""
    n = energy.graph.n
    if mass is None:
        matrix = energy.capacity_matrix
        if implicit and matrix is not None:
            return matrix
        mass = np.ones(n) if matrix is None else energy.capacity
    if sparse.issparse(mass):
        if not implicit:
            raise InputError("a matrix of masses needs an implicit method: give one number a node")
        if mass.shape != (n, n) or not (mass.diagonal() > 0).all():
            raise InputError(f"the mass must be a positive definite matrix of shape {(n, n)}")
        return sparse.csr_array(mass)
    try:
        weight = np.asarray(by_name(energy.graph, mass, "mass"), dtype=np.float64)
    except (TypeError, ValueError):
        weight = np.empty(0)
    if weight.shape != (n,) or not (weight > 0).all():
        raise InputError("the mass must be one positive number a node")
    return weight


def _refuse_many_frames(frames: int, size: int) -> None:
    """Raise InputError for more frames of ``size`` bytes each than fit into the memory."""
    need, room = frames * (2 * size + 500), available_memory()  # each is copied once
    if need > room:
        raise InputError(
            f"{frames:,} frames need about {need / 2**30:.3g} GiB and {room / 2**30:.3g} GiB are "
            "free: keep fewer frames"
        )
