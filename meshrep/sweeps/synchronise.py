"""r(K) in one call: how a network of oscillators synchronises, and how it falls apart again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base.interrupts import removed_at_end
from meshrep.energies.phases.couplings import node_numbers, number
from meshrep.energies.phases.mean_field import Blocks
from meshrep.errors import InputError, SolveError
from meshrep.graphs.graph import Graph, GraphLike
from meshrep.sources.spec import graph_from
from meshrep.sweeps.curve import SynchronisationCurve
from meshrep.sweeps.order_sweep import RTOL, Point, Settings, evaluate
from meshrep.sweeps.store import Store
from meshrep.sweeps.sweep import Swept, numbers, sweep
from meshrep.sweeps.theory import DENSITIES, MeanField

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DRIFT = 4.0  # standard errors of two halves by which r drifts


def synchronise(
    network: GraphLike | int | str,
    K: ArrayLike | str,
    frequencies: ArrayLike | Mapping[Any, float] | str = "normal",
    *,
    seeds: int = 1,
    seed: int = 0,
    coupling: str | Blocks | None = None,
    normalisation: str | None = None,
    lag: float = 0.0,
    noise: ArrayLike | Mapping[Any, float] = 0.0,
    inertia: ArrayLike | Mapping[Any, float] = 0.0,
    settle: float | None = None,
    average: float | None = None,
    rtol: float = RTOL,
    folder: str | os.PathLike[str] | None = None,
    processes: int | None = None,
    observe: Callable[[int, int, float], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> SynchronisationCurve:
    """The order parameter r = |Σ e^{iφ}|/n of coupled oscillators over the coupling K.

    dφ_i/dt = ω_i + K Σ_j a_ij sin(φ_j − φ_i − lag) is followed from random phases at the smallest
    K up to the largest and down again. Each K starts where the one before has ended, so that the
    two ways differ where there is hysteresis. At each K, r is averaged over time after a transient.

    Parameters
    ----------
    network : network, Graph, int or str
        What ``Graph.of`` takes, a number of oscillators that all act on each other, or a name as
        in :func:`meshrep.graph_from`, drawn with ``seed``.
    K : (k,) array or str
        Couplings, in any order; or "0:2:21", where both ends are included.
    frequencies : float, (n,) array, mapping or str
        Natural frequencies, as omega of :class:`meshrep.Kuramoto`: "normal", "lorentz:0.5",
        "uniform", "degree", … Distributions give their quantiles, in an order that differs from
        seed to seed.
    seeds : int
        How many random starts, each with an order of the frequencies of its own.
    seed : int
        The first of them.
    coupling, normalisation, lag
        As those of :class:`meshrep.Kuramoto`. By default the coupling is "mean-field", and K is
        divided by n, where every node is joined to every other one with equal weights or no two
        nodes are joined; elsewhere it is by edges, and K is divided by nothing.
    noise, inertia : float, (n,) array or mapping by label
        As those of :func:`meshrep.integrate`.
    settle, average : float, optional
        Times before and during the average at each K. The defaults are 50 and 100, times
        1/(half the interquartile range of the frequencies + the noise), plus the inertia.
    rtol : float
        Error in radians of each Möbius step. Phases with noise or inertia take other steps.
    folder : path, optional
        Where finished points are kept, so that the same call continues a sweep that was stopped.
    processes : int, optional
        Number of processes, which share the seeds; by default one per core.
    observe : callable, optional
        Called with the number of points done, the number of all points, and the seconds left, as
        ``meshrep.progress().points``.
    say : callable
        Called with sentences for the user.

    Returns
    -------
    SynchronisationCurve
        With the points that are done, if Ctrl-C ended it.

    Raises
    ------
    InputError
        For couplings, frequencies, seeds or times that cannot be used, or a folder of another
        sweep.
    SolveError
        If every point failed.

    References
    ----------
    Gómez-Gardeñes, Gómez, Arenas and Moreno, "Explosive synchronization transitions in scale-free
    networks" (2011), for hysteresis on networks.

    Examples
    --------
    >>> import meshrep
    >>> curve = meshrep.synchronise(200, "1:4:4", "lorentz", settle=10, average=20)
    >>> bool(abs(curve.down[-1] - curve.theory.order(4.0)) < 0.02)
    True
    """
    graph = _graph(network, seed)
    couplings = _couplings(K)
    if coupling is None:
        coupling = "mean-field" if _is_alike(graph) else "edges"
    options = {"coupling": coupling, "normalisation": normalisation, "lag": number(lag, "lag")}
    settings = Settings(
        graph, couplings, frequencies, options, node_numbers(graph, noise, "noise"),
        node_numbers(graph, inertia, "inertia"), settle=settle, average=average, rtol=rtol,
    )  # fmt: skip
    if seeds < 1 or seed < 0:
        raise InputError(f"a sweep needs 1 seed or more, from 0 on, not {seeds} from {seed}")
    settings.energy(seed, 0)  # refuses what cannot be used
    chosen = list(range(seed, seed + seeds))
    points = [Point(each, step) for each in chosen for step in range(2 * len(couplings))]
    with _kept(folder) as place:
        store = Store(place, settings)
        done = sweep(points, store, evaluate, processes=processes, observe=observe, say=say)
    return _curve(settings, chosen, done)


def _graph(network: GraphLike | int | str, seed: int) -> Graph:
    if isinstance(network, str | os.PathLike):
        return graph_from(network, seed=seed)
    if isinstance(network, int | np.integer):
        return graph_from(f"nodes:{network}")
    return Graph.of(network)


def _couplings(K: ArrayLike | str) -> np.ndarray:
    """Increasing couplings, without repetitions."""
    if isinstance(K, str):
        K = numbers(K, "K")
    try:
        couplings = np.unique(np.asarray(K, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"K is a list of couplings or start:stop:count, not {K!r}") from None
    if couplings.size < 2 or not np.isfinite(couplings).all():
        raise InputError("K must be 2 finite couplings or more")
    return couplings


def _is_alike(graph: Graph) -> bool:
    """Whether all oscillators act on each other alike: nodes without edges, or a complete graph."""
    complete = graph.m == graph.n * (graph.n - 1) // 2 and np.ptp(graph.weights) == 0
    return graph.m == 0 or (bool(complete) and graph.arrows is None)


@contextmanager
def _kept(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The folder of the points, or a temporary one."""
    if folder is not None:
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{place} is not a folder and cannot be made one") from error
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="meshrep-") as name, removed_at_end(name):
        yield Path(name)


def _curve(settings: Settings, seeds: list[int], done: Swept) -> SynchronisationCurve:
    """The curve of the rows of a sweep."""
    failures = done.failures
    if failures and len(failures) == len(done.rows):
        raise SolveError(failures[0].result.removeprefix("failed: "))
    shape = (2, len(seeds), len(settings.K))
    r, errors = np.full(shape, np.nan), np.full(shape, np.nan)
    drifting: set[float] = set()
    for row in done.rows:
        if row.failed:
            continue
        at = row.step // shape[2], row.seed - seeds[0], settings.index(row.step)
        r[at], errors[at] = row.r, row.error
        if abs(row.drift) > max(DRIFT * 2 * row.error, 1e-3):
            drifting.add(row.K)
    notes = []
    if failures:
        why = failures[0].result.removeprefix("failed: ")
        notes.append(f"{len(failures):,} points failed, the first one since {why}")
    if drifting:
        places = ", ".join(f"{K:g}" for K in sorted(drifting)[:5]) + ", …" * (len(drifting) > 5)
        notes.append(f"r was still drifting at K = {places}: give a longer settle")
    return SynchronisationCurve(
        settings.graph.name, settings.graph.n, settings.K, r, errors, seeds, _theory(settings),
        settings.times, notes, done.interrupted,
    )  # fmt: skip


def _theory(settings: Settings) -> MeanField | None:
    """The theory of the mean field, where it applies."""
    options = settings.options
    plain = options["coupling"] == "mean-field" and options["normalisation"] in (None, "n")
    driven = options["lag"] or np.any(settings.noise) or settings.heavy
    if not plain or driven or not isinstance(settings.frequencies, str):
        return None
    name, _, spread = settings.frequencies.partition(":")
    return MeanField(name, float(spread or 1)) if name in DENSITIES and spread != "0" else None
