"""Integrate Kuramoto's flow to a time, with several integrators at one accuracy.

Each integrator uses the coarsest of its settings whose end is close enough to a tight reference.
XGI steps by Euler's method, edge by edge in Python: its step length follows from Euler's error, and
its time from some of its steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import meshrep
from bench import Report, Say, missing, timing
from meshrep.base.backends import backend_for, installed
from meshrep.base.tables import duration, markdown
from meshrep.base.threads import calm_threads
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.errors import MeshrepError
from meshrep.flows.integrate import integrate

SIDES, QUICK_SIDES = (30, 300), (20, 60)
ROUNDS, QUICK_ROUNDS = 5, 2
END, TARGET = 10.0, 1e-4  # time, and the root mean square error of phases there
DENSE = 1000  # nodes up to which the package kuramoto (dense matrices) and XGI are run
STEPS = tuple(
    0.32 / 2**k for k in range(8)
)  # from the largest at which RK4 is stable on square lattices
TOLERANCES = tuple(10.0**-k for k in range(2, 10))
XGI_STEPS = 20
Flow = Callable[[Any], np.ndarray]  # from a setting to the phases at the end


@dataclass(frozen=True)
class Integrator:
    """A function to the end of the flow, its settings from coarse to fine, and their names."""

    label: str
    flow: Flow
    settings: Sequence[Any]
    unit: str


def run(quick: bool, say: Say) -> Report:
    """Write a table for each size."""
    text = [
        "### Kuramoto's flow to a time",
        f"To t = {END:g} from random phases, natural frequencies of spread 0.2, on square "
        f"lattices; every integrator at the coarsest setting whose phases are off by less than "
        f"{TARGET:g} (root mean square) from DOP853 at 1e-11.",
    ]
    data: dict[str, Any] = {}
    for side in QUICK_SIDES if quick else SIDES:
        say(f"Kuramoto's flow, {side}×{side}")
        energy = posed(side)
        with calm_threads(energy.graph.n):
            data[f"{side}x{side}"] = rows = timed(energy, QUICK_ROUNDS if quick else ROUNDS)
        text.append(f"{side}×{side} lattice:\n\n" + table(rows))
    text.append(missing("torchdiffeq", "xgi", "kuramoto"))
    return "\n\n".join(part for part in text if part), data


def posed(side: int) -> Kuramoto:
    """Return Kuramoto's energy with natural frequencies on a square lattice."""
    graph = meshrep.graph_from(f"lattice:{side}x{side}")
    return Kuramoto(graph, omega=0.2 * np.random.default_rng(0).standard_normal(graph.n))


def timed(energy: Kuramoto, rounds: int) -> dict[str, dict[str, Any]]:
    """Return each integrator's setting, error and seconds."""
    start = energy.random_start(0)
    slope = edge_lists(energy)
    reference = solve_ivp(
        lambda t, y: slope(y), (0, END), start, "DOP853", rtol=1e-11, atol=1e-11
    ).y[:, -1]

    def error(phases: np.ndarray) -> float:
        return float(np.sqrt(np.mean((phases - reference) ** 2)))

    rows: dict[str, dict[str, Any]] = {}
    calls: dict[str, Callable[[], object]] = {}
    for way in integrators(energy, start, slope):
        for setting in way.settings:
            off = error(way.flow(setting))
            if off <= TARGET:
                break
        else:
            raise MeshrepError(f"{way.label} is off by {off:.0e} at its finest setting")
        rows[way.label] = {"setting": f"{way.unit} {setting:.3g}".strip(), "error": off}
        calls[way.label] = lambda flow=way.flow, setting=setting: flow(setting)
    for label, seconds in timing.paired(calls, rounds).items():
        rows[label]["seconds"] = seconds
    if installed("xgi") and energy.graph.n <= DENSE:
        rows["XGI, Euler"] = xgi_row(energy, start, slope, error)
    return rows


def edge_lists(energy: Kuramoto) -> Callable[[np.ndarray], np.ndarray]:
    """Return dφ/dt as NumPy code usually computes it, from lists of edges."""
    i, j = energy.graph.edges.T
    n, weights, omega = energy.graph.n, energy.graph.weights, energy.omega

    def slope(phi: np.ndarray) -> np.ndarray:
        pull = weights * np.sin(phi[i] - phi[j])
        return omega - np.bincount(i, pull, minlength=n) + np.bincount(j, pull, minlength=n)

    return slope


def integrators(
    energy: Kuramoto, start: np.ndarray, slope: Callable[[np.ndarray], np.ndarray]
) -> list[Integrator]:
    """Return ours, SciPy's, torchdiffeq's and the package kuramoto's, if they are installed."""

    def ours(dt: float) -> np.ndarray:
        return integrate(energy, END, start=start, dt=dt, frames=2).fields[-1]

    def adaptive(rtol: float) -> np.ndarray:
        return integrate(
            energy, END, start=start, method="rk45", rtol=rtol, atol=rtol, frames=2
        ).fields[-1]

    def scipy(method: str) -> Flow:
        return lambda rtol: solve_ivp(
            lambda t, y: slope(y), (0, END), start, method, rtol=rtol, atol=rtol
        ).y[:, -1]

    found = [
        Integrator("**meshrep, rk4**", ours, STEPS, "dt"),
        Integrator("**meshrep, rk45**", adaptive, TOLERANCES, "rtol"),
        Integrator("SciPy RK45, NumPy edge lists", scipy("RK45"), TOLERANCES, "rtol"),
        Integrator("SciPy DOP853, NumPy edge lists", scipy("DOP853"), TOLERANCES, "rtol"),
    ]
    if installed("torchdiffeq"):
        found += torch_integrators(energy, start)
    if installed("kuramoto") and energy.graph.n <= DENSE:
        found.append(
            Integrator("kuramoto (PyPI), odeint", dense(energy, start), (0.1,), "frame every")
        )
    return found


def torch_integrators(energy: Kuramoto, start: np.ndarray) -> list[Integrator]:
    """Return torchdiffeq's integrators on our torch formula, in float64 on the CPU."""
    import torch
    from torchdiffeq import odeint

    backend = backend_for("torch", "cpu", "float64")
    formula, ends = energy.formula(backend), torch.tensor([0.0, END], dtype=torch.float64)

    def slope(_: Any, phi: Any) -> Any:
        return formula.velocity(phi)

    def flow(method: str, **named: Any) -> np.ndarray:
        with torch.no_grad():
            phases = odeint(slope, backend.asarray(start), ends, method=method, **named)[-1]
            return backend.to_numpy(phases)

    return [
        Integrator(
            "torchdiffeq, dopri5", lambda r: flow("dopri5", rtol=r, atol=r), TOLERANCES, "rtol"
        ),
        Integrator(
            "torchdiffeq, rk4", lambda dt: flow("rk4", options={"step_size": dt}), STEPS, "dt"
        ),
    ]


def dense(energy: Kuramoto, start: np.ndarray) -> Flow:
    """Return the package kuramoto; it divides the coupling by the degree, which is undone here."""
    from kuramoto import Kuramoto as Peer

    matrix = energy.graph.adjacency.toarray()
    degree = (matrix != 0).sum(axis=0)

    def flow(dt: float) -> np.ndarray:
        peer = Peer(coupling=degree, dt=dt, T=END, natfreqs=energy.omega)
        return peer.run(adj_mat=matrix, angles_vec=start)[:, -1]

    return flow


def xgi_row(
    energy: Kuramoto, start: np.ndarray, slope: Callable[[np.ndarray], np.ndarray],
    error: Callable[[np.ndarray], float], K: float = 1.0, end: float = END, target: float = TARGET,
) -> dict[str, Any]:  # fmt: skip
    """Return XGI's time, measured on some steps of the length that Euler's method needs."""
    import xgi

    def euler(dt: float, steps: int) -> np.ndarray:
        phi = start.copy()
        for _ in range(steps):
            phi += dt * slope(phi)
        return phi

    coarse = 0.01
    dt = coarse * min(1.0, target / error(euler(coarse, round(end / coarse))))
    net = xgi.Hypergraph(energy.graph.edges.tolist())
    net.add_nodes_from(range(energy.graph.n))
    order = np.array(list(net.nodes))  # XGI numbers nodes in the order in which it met them
    begun = time.perf_counter()
    phases, _ = xgi.simulate_kuramoto(
        net, K, 0.0, energy.omega[order], start[order], XGI_STEPS + 1, dt
    )
    each = (time.perf_counter() - begun) / (XGI_STEPS + 1)
    apart = np.abs(phases[-1] - euler(dt, XGI_STEPS)[order]).max()
    if not apart <= 1e-9:
        raise MeshrepError(f"XGI's steps differ from Euler's by {apart:.1e}")
    return {
        "setting": f"dt {dt:.2g}, {XGI_STEPS} of {end / dt:,.0f} steps timed",
        "error": target, "seconds": each * end / dt,
    }  # fmt: skip


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the table of integrators, the quickest first."""
    best = min(row["seconds"] for row in rows.values())
    lines = [
        (label, row["setting"], f"{row['error']:.0e}", duration(row["seconds"]),
         f"{row['seconds'] / best:,.3g}")
        for label, row in sorted(rows.items(), key=lambda item: item[1]["seconds"])
    ]  # fmt: skip
    return markdown(("integrator", "setting", "error", "time", "times the best"), lines)
