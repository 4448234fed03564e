"""Oscillators on networks: the flow to a time, beside kuramoto, XGI, and NetworkX with SciPy.

All follow the same equations from the same phases, each at the coarsest of its settings that is
accurate enough, judged by one reference: DOP853 at a tolerance of 1e-10.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.integrate import solve_ivp

import meshrep
from bench import Report, Say, integrators, missing, timing
from bench.integrators import Integrator
from meshrep.base.backends import installed
from meshrep.base.threads import calm_threads
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.errors import MeshrepError
from meshrep.flows.integrate import integrate

TARGET = 1e-3  # root mean square of |e^{iφ} − e^{iφ*}| at the end
TOLERANCES = tuple(10.0 ** (-0.5 * k) for k in range(2, 19))
ROUNDS, QUICK_ROUNDS = 5, 2
DENSE = 1000  # nodes up to which all pairs are held in a matrix
SLOW_PAIRS = 50_000  # edges up to which XGI, which visits them in Python, is run
LONG = 10.0  # seconds from which on a run is not repeated
Slope = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Case:
    """Oscillators, the time to which they are followed, and what a table is headed by."""

    title: str
    graph: str
    K: float
    omega: str
    end: float

    def energy(self) -> Kuramoto:
        """The oscillators; nodes without edges are a mean field."""
        graph = meshrep.graph_from(self.graph, seed=1)
        coupling = "edges" if graph.m else "mean-field"
        return Kuramoto(graph, self.K, self.omega, coupling=coupling)


CASES = (
    Case("500 oscillators, mean field, Lorentzian frequencies", "nodes:500", 3.0, "lorentz", 5.0),
    Case("500 oscillators, mean field, normal frequencies", "nodes:500", 2.0, "normal", 20.0),
    Case("10⁵ oscillators, mean field, normal frequencies", "nodes:100000", 2.0, "normal", 10.0),
    Case("Barabási–Albert network of 10⁴ nodes, normal frequencies",
         "barabasi-albert:10000,3", 0.5, "normal", 10.0),
)  # fmt: skip
QUICK_CASES = (
    Case("60 oscillators, mean field, Lorentzian frequencies", "nodes:60", 3.0, "lorentz", 2.0),
    Case("Barabási–Albert network of 60 nodes, normal frequencies",
         "barabasi-albert:60,3", 0.5, "normal", 2.0),
)  # fmt: skip


def run(quick: bool, say: Say) -> Report:
    """Write a table for each case."""
    text = [
        "## Oscillators on networks",
        "From the same random phases to a time, each integrator at the coarsest setting whose end "
        f"is within {TARGET:g} of the same reference (root mean square of |e^{{iφ}} − e^{{iφ*}}|). "
        "“Mean field, NumPy” computes K r sin(ψ − φ); “adjacency” multiplies cosines and sines by "
        "NetworkX's matrix, which is dense where all are joined. Medians of runs in turn.",
    ]
    data: dict[str, Any] = {}
    for case in QUICK_CASES if quick else CASES:
        say(f"networks: {case.title}")
        energy = case.energy()
        with calm_threads(energy.graph.n):
            rows = timed(case, energy, QUICK_ROUNDS if quick else ROUNDS)
        data[case.title] = rows
        text += [f"### {case.title}, to t = {case.end:g}", integrators.table(rows)]
    text.append(missing("xgi", "kuramoto"))
    return "\n\n".join(part for part in text if part), data


def timed(case: Case, energy: Kuramoto, rounds: int) -> dict[str, dict[str, Any]]:
    """Return each integrator's setting, error and seconds."""
    start = energy.random_start(0)
    slopes = slopes_of(case, energy)
    slope = next(iter(slopes.values()))
    reference = to_end(slope, case.end, start, "DOP853", 1e-10)

    def error(phases: np.ndarray) -> float:
        return float(np.sqrt(np.mean(np.abs(np.exp(1j * phases) - np.exp(1j * reference)) ** 2)))

    rows: dict[str, dict[str, Any]] = {}
    calls: dict[str, Callable[[], object]] = {}
    for way in ways(case, energy, slopes, start):
        for setting in way.settings:
            begun = time.perf_counter()
            off = error(way.flow(setting))
            took = time.perf_counter() - begun
            if off <= TARGET:
                break
        else:
            raise MeshrepError(f"{way.label} is off by {off:.0e} at its finest setting")
        rows[way.label] = {"setting": f"{way.unit} {setting:.2g}", "error": off}
        if took > LONG:
            rows[way.label] |= {"setting": f"{way.unit} {setting:.2g}, run once", "seconds": took}
            continue
        calls[way.label] = lambda flow=way.flow, setting=setting: flow(setting)
    for label, seconds in timing.paired(calls, rounds).items():
        rows[label]["seconds"] = seconds
    if installed("xgi") and 0 < energy.graph.m <= SLOW_PAIRS:
        rows["XGI, Euler"] = integrators.xgi_row(
            energy, start, slope, error, case.K, case.end, TARGET
        )
    return rows


def slopes_of(case: Case, energy: Kuramoto) -> dict[str, Slope]:
    """Return dφ/dt as users of NumPy and NetworkX write it, by its name, the quickest first."""
    n, K, omega = energy.graph.n, case.K, energy.omega

    def mean_field(phi: np.ndarray) -> np.ndarray:
        total = np.exp(1j * phi).mean()
        return omega + K * (total * np.exp(-1j * phi)).imag

    matrix = adjacency(case, energy)

    def pairs(phi: np.ndarray) -> np.ndarray:
        cosine, sine = np.cos(phi), np.sin(phi)
        return omega + cosine * (matrix @ sine) - sine * (matrix @ cosine)

    found: dict[str, Slope] = {}
    if not energy.graph.m:
        found["mean field, NumPy"] = mean_field
    if matrix is not None:
        found["NetworkX adjacency"] = pairs
    if len(found) == 2:
        phi = np.linspace(0, 7, n) ** 2
        if np.abs(mean_field(phi) - pairs(phi)).max() > 1e-9:
            raise MeshrepError("the mean field and the matrix of all pairs disagree")
    return found


def adjacency(case: Case, energy: Kuramoto) -> Any:
    """Return K times NetworkX's matrix, over n where all are joined; None where it is too large."""
    import networkx

    n = energy.graph.n
    if energy.graph.m:
        network = networkx.from_edgelist(energy.graph.edges.tolist())
        return case.K * sparse.csr_array(
            networkx.to_scipy_sparse_array(network, nodelist=range(n), dtype=float)
        )
    if n > DENSE:
        return None
    return case.K / n * networkx.to_numpy_array(networkx.complete_graph(n))


def to_end(slope: Slope, end: float, start: np.ndarray, method: str, rtol: float) -> np.ndarray:
    """Return the phases that SciPy finds at the end."""
    return np.asarray(
        solve_ivp(
            lambda t, y: slope(y), (0.0, end), start, method, t_eval=[end], rtol=rtol, atol=rtol
        ).y[:, -1]
    )


def ways(
    case: Case, energy: Kuramoto, slopes: dict[str, Slope], start: np.ndarray
) -> Sequence[Integrator]:
    """Return ours, SciPy's on each right-hand side, and the package kuramoto's."""

    def ours(rtol: float) -> np.ndarray:
        path = integrate(energy, case.end, start=start, method="moebius", rtol=rtol, frames=1)
        return path.fields[-1]

    found = [Integrator("**meshrep, moebius**", ours, TOLERANCES, "rtol")]
    for name, slope in slopes.items():
        for method in ("RK45", "DOP853"):
            found.append(
                Integrator(
                    f"SciPy {method}, {name}",
                    lambda rtol, slope=slope, method=method: to_end(
                        slope, case.end, start, method, rtol
                    ),
                    TOLERANCES, "rtol",
                )
            )  # fmt: skip
    if installed("kuramoto") and energy.graph.n <= DENSE:
        found.append(Integrator("kuramoto (PyPI), odeint", package(case, energy, start), (0.1,),
                                "frame every"))  # fmt: skip
    return found


def package(case: Case, energy: Kuramoto, start: np.ndarray) -> Callable[[float], np.ndarray]:
    """Return the flow of the package kuramoto, whose coupling is divided by the degree."""
    from kuramoto import Kuramoto as Peer

    matrix = adjacency(case, energy)
    dense = (matrix.toarray() if sparse.issparse(matrix) else matrix) != 0
    strength = case.K * (1.0 if energy.graph.m else 1.0 / energy.graph.n)

    def flow(dt: float) -> np.ndarray:
        peer = Peer(coupling=strength * dense.sum(axis=0), dt=dt, T=case.end, natfreqs=energy.omega)
        return np.asarray(peer.run(adj_mat=dense.astype(float), angles_vec=start)[:, -1])

    return flow
