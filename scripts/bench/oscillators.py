"""Oscillators: a gradient and a step in time, integrators and minimisers beside other packages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

import meshrep
from bench import Report, Say, integrators, missing, phase_minima, timing
from meshrep.base.backends import NumpyBackend, installed
from meshrep.base.tables import markdown
from meshrep.energies.phases.kuramoto import Kuramoto
from meshrep.errors import MeshrepError
from meshrep.flows.runge_kutta import runge_kutta4


def run(quick: bool, say: Say) -> Report:
    """Write four parts: gradient, step, flow to a time, minimisation from a smooth start."""
    sides = (50, 300) if quick else (50, 300, 1000)
    say("one gradient of Kuramoto's energy")
    text, gradient_s = gradients(sides)
    say("one step of its flow in time")
    steps, flow_s = flows(sides)
    flow_text, flow_data = integrators.run(quick, say)
    minima_text, minima_data = phase_minima.run(quick, say)
    page = [
        "## Oscillators",
        "### One gradient of Kuramoto's energy", text,
        "### One step of its flow in time", steps,
        flow_text, minima_text,
    ]  # fmt: skip
    data = {"gradient_s": gradient_s, "rk4_step_s": flow_s, "flows": flow_data}
    return "\n\n".join(page), data | {"minima": minima_data}


def edge_list_gradient(energy: Kuramoto, phi: np.ndarray) -> np.ndarray:
    """Return the gradient as NumPy code usually computes it, with one sine per edge."""
    i, j = energy.graph.edges.T
    pull = energy.graph.weights * np.sin(phi[i] - phi[j])
    n = energy.graph.n
    return np.bincount(i, pull, minlength=n) - np.bincount(j, pull, minlength=n)


def gradients(sides: tuple[int, ...]) -> tuple[str, dict[str, dict[str, float]]]:
    """Time Kuramoto's gradient on square lattices, in microseconds and as ratios to ours."""
    ours = NumpyBackend().name.replace("numpy", "NumPy")
    head = ["lattice", f"meshrep, {ours}", "edge lists, NumPy", "CSR, NumPy", "kuramoto (PyPI)",
            "edge lists : ours", "kuramoto : ours"]  # fmt: skip
    lines, data = [], {}
    for side in sides:
        energy = Kuramoto(meshrep.graph_from(f"lattice:{side}x{side}"))
        phi = energy.random_start(0)
        ways: dict[str, Callable[[], object]] = {
            "ours": partial(energy.on(NumpyBackend()).value_and_grad, phi),
            "edges": partial(edge_list_gradient, energy, phi),
            "csr": partial(energy.judge.value_and_grad, phi),
        }
        if side == 50 and installed("kuramoto"):
            from kuramoto import Kuramoto as Peer

            peer = Peer(coupling=1.0, natfreqs=np.zeros(energy.graph.n))
            dense = energy.graph.adjacency.toarray()
            ways["peer"] = partial(peer.derivative, phi, 0.0, dense, 1.0)
            apart = np.abs(peer.derivative(phi, 0.0, dense, 1.0) + energy.gradient(phi)).max()
            if apart > 1e-9:
                raise MeshrepError(f"the package kuramoto disagrees by {apart:.1e}")
        took = timing.paired(ways)
        show = {name: f"{value * 1e6:,.0f} µs" for name, value in took.items()}
        ratio = {name: f"{value / took['ours']:,.1f}" for name, value in took.items()}
        lines.append(
            [f"{side}×{side}", *(show.get(way, "–") for way in ("ours", "edges", "csr", "peer")),
             *(ratio.get(way, "–") for way in ("edges", "peer"))]
        )  # fmt: skip
        data[f"{side}x{side}"] = took
    dense_note = "The PyPI package builds dense n×n matrices, so that its ratio grows with n."
    return f"{markdown(head, lines)}\n\n{missing('kuramoto') or dense_note}", data


def flows(sides: tuple[int, ...]) -> tuple[str, dict[str, float]]:
    """Time one RK4 step of Kuramoto's flow with natural frequencies."""
    lines, data = [], {}
    for side in sides:
        graph = meshrep.graph_from(f"lattice:{side}x{side}")
        omega = 0.2 * np.random.default_rng(0).standard_normal(graph.n)
        energy = Kuramoto(graph, omega=omega)
        phi, ones = energy.random_start(0), np.ones(graph.n)
        step = partial(
            runge_kutta4, energy.on(NumpyBackend()), phi, 0.1, 1, ones, driven=True
        )  # fmt: skip
        took = timing.paired({"step": step})["step"]
        lines.append((f"{side}×{side}", f"{took * 1e6:,.0f} µs"))
        data[f"{side}x{side}"] = took
    return markdown(("lattice", "RK4 step"), lines), data
