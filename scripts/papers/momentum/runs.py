"""Runs of heavy ball and Nesterov's gradient on quadratics, their fitted rates, and equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import meshrep
from meshrep.energies.base import Energy
from meshrep.minimisers.base import Minimiser
from meshrep.minimisers.first_order import GradientDescent, HeavyBall, Nesterov
from meshrep.minimisers.monitor import Stopping
from meshrep.solving.entrants import Entrant, rates
from meshrep.solving.records import contest
from meshrep.solving.solve import solve
from meshrep.solving.solver import Solver
from papers.row import Say

MODES = 100  # of the quadratics, with eigenvalues in geometric progression up to L = 1
CONDITIONS = (100.0, 10_000.0)
FLAT_MODES, FLATTEST = 400, 1e-9  # of the merely convex quadratic; no run reaches the effect of μ
FLAT_STEPS = (30, 3000)  # steps between which its exponents are fitted
LATE_STEPS = (4000, 10_000)  # steps between which Nesterov's own rate at κ = 100 is fitted
FIT, FIT_PLAIN = (1e-20, 1e-40), (1e-6, 1e-14)  # gaps between which rates are fitted
TIME, SHORT_STEPS = 40.0, (0.1, 0.01, 0.001)  # time of the equations in 1/√L; steps s in 1/L
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of Adam
LEVEL = "1e-6"
HEAT, HEAT_LIMIT = "lattice:24x24", 10.0  # seconds per run
SWINGING = ("heavy ball", "NAG-SC")  # their slowest modes have a double root


def quadratic(eigenvalues: np.ndarray) -> Energy:
    """Return ½ Σ λ_i x_i² on the nodes of a ring; the methods see nothing but the λ."""
    ring = meshrep.graph_from(f"ring:{len(eigenvalues)}")

    def value_and_grad(x: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = eigenvalues * x
        return 0.5 * float(x @ gradient), gradient

    return meshrep.FunctionEnergy(ring, value_and_grad, convex=True)


def spectrum(condition: float, modes: int) -> np.ndarray:
    """Return eigenvalues from 1/κ to 1 in geometric progression."""
    return np.geomspace(1.0 / condition, 1.0, modes)


def methods(condition: float) -> dict[str, Minimiser]:
    """Return each method with the rate and momentum that theory gives for the spectrum [1/κ, 1]."""
    root = np.sqrt(condition)
    low = 1.0 / condition
    return {
        "gradient descent": GradientDescent(lr=2 / (1 + low)),
        "heavy ball": HeavyBall(
            lr=4 / (1 + np.sqrt(low)) ** 2, momentum=((root - 1) / (root + 1)) ** 2
        ),
        "NAG-SC": Nesterov(lr=1.0, momentum=(root - 1) / (root + 1)),
        "NAG": Nesterov(lr=1.0, restart=False),
    }


def predicted(condition: float) -> dict[str, float]:
    """Return the factor by which the error shrinks per step on a quadratic.

    The energy shrinks by its square. For heavy ball at Polyak's setting and for NAG-SC the slowest
    modes have a double root ρ, and their error goes as k ρᵏ.
    """
    root = np.sqrt(condition)
    return {
        "gradient descent": (condition - 1) / (condition + 1),
        "heavy ball": (root - 1) / (root + 1),
        "NAG-SC": 1 - 1 / root,
    }


def random_start(n: int, seed: int) -> np.ndarray:
    """Draw normal numbers."""
    return np.random.default_rng(seed).standard_normal(n)


def gaps(
    energy: Energy, minimiser: Minimiser, start: np.ndarray, steps: int, least: float
) -> np.ndarray:
    """Return (step, energy over the first one) of a run, until ``least`` is well passed."""
    smallest = np.sqrt(least) / 100 / energy.gradient_scale(start)  # norm of the gradient
    stopping = Stopping(max_steps=steps, gtol=smallest, max_seconds=60)
    end = solve(energy, Solver(minimiser, stopping=stopping), start=start)
    history = end.raise_if_interrupted().history
    values = np.array(history.energy)
    return np.column_stack([history.step, values / values[0]])


def envelope(values: np.ndarray) -> np.ndarray:
    """Return the largest value from each entry on, which smooths a swinging run."""
    return np.maximum.accumulate(values[::-1])[::-1]


def fitted_factor(run: np.ndarray, swings: bool) -> float:
    """Fit the factor by which the error √gap shrinks per step late in a run.

    NaN if the run did not come so far. The factor k of a double root is taken out first.
    """
    first, last = FIT if swings else FIT_PLAIN
    inside = (run[:, 1] <= first) & (run[:, 1] >= last) & (run[:, 0] > 0)
    if inside.sum() < 3 or run[-1, 1] > last:
        return float("nan")
    step, gap = run[inside].T
    logs = 0.5 * np.log(gap) - (np.log(step) if swings else 0.0)
    return float(np.exp(np.polyfit(step, logs, 1)[0]))


def exponent(run: np.ndarray, between: tuple[int, int]) -> float:
    """Fit p of gap ~ kᵖ to the envelope between two steps."""
    step, gap = run[:, 0], envelope(run[:, 1])
    inside = (step >= between[0]) & (step <= between[1])
    return float(np.polyfit(np.log(step[inside]), np.log(gap[inside]), 1)[0])


def thinned(run: np.ndarray, count: int = 160) -> list[list[float]]:
    """Return points of a curve ever further apart."""
    kept = np.unique(np.geomspace(1, len(run), count).astype(int)) - 1
    return run[kept].tolist()


def strongly_convex(condition: float, seeds: tuple[int, ...], say: Say) -> dict[str, Any]:
    """Run all methods on a strongly convex quadratic; return fitted factors and gaps."""
    energy = quadratic(spectrum(condition, MODES))
    data: dict[str, Any] = {"condition": condition, "predicted": predicted(condition), "runs": {}}
    for name, minimiser in methods(condition).items():
        say(name)
        expected = data["predicted"].get(name)
        swings = name in SWINGING
        least = (FIT if swings else FIT_PLAIN)[1]
        most = 20 * np.sqrt(condition) if expected is None else np.log(least) / np.log(expected)
        runs = [
            gaps(energy, minimiser, random_start(MODES, seed), int(most), least) for seed in seeds
        ]
        data["runs"][name] = {
            "factor": [fitted_factor(run, swings) for run in runs] if expected else None,
            "steps": [steps_to(run, float(LEVEL)) for run in runs],
            "curve": thinned(runs[0]),
        }
    return data


def steps_to(run: np.ndarray, gap: float) -> float:
    """Return the steps after which the gap stays at or below a share; NaN if it never does."""
    below = envelope(run[:, 1]) <= gap
    return float(run[below.argmax(), 0]) if below.any() else float("nan")


def late_nesterov(seeds: tuple[int, ...], say: Say) -> dict[str, Any]:
    """Fit the rate at which Nesterov without restarts ends on a strongly convex quadratic."""
    condition = CONDITIONS[0]
    energy = quadratic(spectrum(condition, MODES))
    found = []
    for seed in seeds:
        say(f"seed {seed}")
        run = gaps(energy, methods(condition)["NAG"], random_start(MODES, seed), LATE_STEPS[1], 0.0)
        step, gap = run[:, 0], envelope(run[:, 1])
        inside = (step >= LATE_STEPS[0]) & (gap > 0)
        logs = 0.5 * np.log(gap[inside]) + 1.5 * np.log(step[inside])
        found.append(float(np.exp(np.polyfit(step[inside], logs, 1)[0])))
    return {"factor": found, "predicted": float(np.sqrt(1 - 1 / condition)),
            "condition": condition, "curve": thinned(run)}  # fmt: skip


def merely_convex(seeds: tuple[int, ...], say: Say) -> dict[str, Any]:
    """Fit exponents for a spectrum down to zero, in which every mode counts alike."""
    energy = quadratic(spectrum(1 / FLATTEST, FLAT_MODES))
    steps = FLAT_STEPS[1] + 1000  # an envelope needs later steps
    rules = {
        "gradient descent": GradientDescent(lr=1.0),
        "heavy ball": HeavyBall(lr=1.0, momentum=0.9),
        "NAG": Nesterov(lr=1.0, restart=False),
    }
    runs: dict[str, Any] = {}
    for name, minimiser in rules.items():
        say(name)
        several = []
        for seed in seeds:
            signs = np.sign(random_start(FLAT_MODES, seed))
            several.append(gaps(energy, minimiser, signs, steps, 0.0))
        runs[name] = {
            "exponent": [exponent(run, FLAT_STEPS) for run in several],
            "curve": thinned(several[0]),
        }
    distance = float(FLAT_MODES)  # |x₀ − x*|², every sign being ±1
    bound = 2 * distance / energy.value(np.ones(FLAT_MODES))
    return {"runs": runs, "bound": bound}


def equations(say: Say) -> dict[str, Any]:
    """Return how far the methods stray from their equations as their steps s shrink, t = k√s."""
    eigenvalues = spectrum(CONDITIONS[0], MODES)
    energy, start = quadratic(eigenvalues), random_start(MODES, 0)
    mu = 1 / CONDITIONS[0]
    damped = integrated(eigenvalues, start, lambda t: 2 * np.sqrt(mu))
    fading = integrated(eigenvalues, start, lambda t: 3 / t)
    found: dict[str, Any] = {"strays": {}, "curves": {}, "orders": {}}
    for name, path in (("NAG-SC", damped), ("heavy ball", damped), ("NAG", fading)):
        say(name)
        strays = []
        for s in SHORT_STEPS:
            stray, curve = beside(path, follower(name, s, mu), s, energy, start)
            strays.append(stray)
            if s in (SHORT_STEPS[0], SHORT_STEPS[-1]):
                found["curves"][f"{name}, s = {s:g}/L"] = thinned(curve)
        at = np.linspace(0.5, TIME, 120)
        found["curves"][f"{name}'s equation"] = [[t, energy.value(path(t))] for t in at]
        found["strays"][name] = strays
        slope = np.polyfit(0.5 * np.log(SHORT_STEPS), np.log(strays), 1)[0]
        found["orders"][name] = float(slope)
    return found


def follower(name: str, s: float, mu: float) -> Minimiser:
    """Return the method that follows an equation as its steps s shrink."""
    inertia = float((1 - np.sqrt(mu * s)) / (1 + np.sqrt(mu * s)))
    if name == "NAG":
        return Nesterov(lr=s, restart=False)
    return Nesterov(lr=s, momentum=inertia) if name == "NAG-SC" else HeavyBall(s, inertia)


def beside(
    path: Callable[[float], np.ndarray],
    minimiser: Minimiser,
    s: float,
    energy: Energy,
    start: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Return the largest distance of a run from x(k√s), over |x₀|, and its energies by time k√s."""
    steps = int(TIME / np.sqrt(s))
    solver = Solver(minimiser, stopping=Stopping(max_steps=steps, gtol=0.0))
    end = solve(energy, solver, start=start, sample=np.copy).raise_if_interrupted()
    seen = [sample for sample in end.samples if 0 < sample.step <= steps]
    apart = [np.linalg.norm(x.value - path(x.step * np.sqrt(s))) for x in seen]
    curve = np.column_stack([np.sqrt(s) * np.array(end.history.step), end.history.energy])
    return float(max(apart) / np.linalg.norm(start)), curve


def integrated(
    eigenvalues: np.ndarray, start: np.ndarray, damping: Callable[[float], float]
) -> Callable[[float], np.ndarray]:
    """Return x(t) of ẍ + damping(t) ẋ + ∇f = 0 from rest."""
    from scipy.integrate import solve_ivp

    n, begin = len(start), 1e-6
    slope = eigenvalues * start

    def flow(t: float, state: np.ndarray) -> np.ndarray:
        x, v = state[:n], state[n:]
        return np.concatenate([v, -damping(t) * v - eigenvalues * x])

    # Near t = 0 the solution with 3/t has velocity −t∇f/4, which is 0 up to rounding at this t.
    first = np.concatenate([start - begin**2 / 8 * slope, -begin / 4 * slope])
    path = solve_ivp(flow, (begin, 1.01 * TIME), first, method="DOP853", rtol=1e-9, atol=1e-10,
                     dense_output=True)  # fmt: skip
    return lambda t: path.sol(t)[:n]


def heat(seeds: tuple[int, ...], say: Say) -> dict[str, Any]:
    """Run linear heat at the theory's settings, beside Adam, L-BFGS, Newton and a network."""
    graph = meshrep.graph_from(HEAT)
    cold, hot = meshrep.ends(graph)
    energy = meshrep.HeatBath(graph, hot, cold, power=2)
    values = np.linalg.eigvalsh(energy.hessian(np.zeros(graph.n)).toarray())
    low, high = float(values[0]), float(values[-1])
    root = np.sqrt(high / low)
    rules = {
        "gradient descent": GradientDescent(lr=2 / (high + low)),
        "heavy ball": HeavyBall(
            lr=4 / (np.sqrt(high) + np.sqrt(low)) ** 2, momentum=((root - 1) / (root + 1)) ** 2
        ),
        "NAG-SC": Nesterov(lr=1 / high, momentum=(root - 1) / (root + 1)),
        "NAG": Nesterov(lr=1 / high, restart=False),
        "NAG, restarted": Nesterov(lr=1 / high),
    }
    stopping = Stopping(max_steps=200_000, gtol=1e-9)
    entrants = [
        Entrant(name, Solver(rule, stopping=stopping, name=name)) for name, rule in rules.items()
    ]
    entrants += rates("adam, tuned", lambda lr: ("adam", {"lr": lr}), RATES)
    entrants += [
        Entrant("gcn, shared start", "gcn"),
        Entrant("gcn, own start", "gcn", {"network_start": "network"}),
        Entrant("lbfgs", "lbfgs"),
        Entrant("newton", "newton"),
    ]
    cell = contest(energy, entrants, seeds, say, max_seconds=HEAT_LIMIT)
    expected = predicted(high / low)
    return cell | {"condition": high / low, "predicted": expected}
