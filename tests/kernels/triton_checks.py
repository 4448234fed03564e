"""Checks of Triton's kernels, each in a process of its own: ``triton_checks.py interpreted``.

Triton decides when it is imported whether kernels are interpreted, so no test of the same process
could have both.
"""

import os
import sys

import numpy as np
from scipy import sparse

import meshrep
from meshrep.base.backends import NumpyBackend, backend_for
from meshrep.energies import heat_evaluators
from meshrep.energies.conduction import evaluators as conduction_evaluators
from meshrep.energies.gathers import refusal, tile
from meshrep.energies.phases import evaluators as phase_evaluators

SAME = {"float64": 1e-12, "float32": 3e-5}  # of the largest entry


def agree(gathers, formula, w):
    """Compare value, gradient and Hessian's product with the formula's in float64."""
    for dtype, bound in SAME.items():
        backend = backend_for("torch", "cpu", dtype)
        evaluator, exact = gathers(backend), formula(NumpyBackend(jit=False))
        value, gradient = evaluator.value_and_grad(backend.asarray(w))
        expected, slope = exact.value_and_grad(w)
        assert abs(float(value) - expected) <= bound * (1 + abs(expected)), dtype
        apart = np.abs(backend.to_numpy(gradient) - slope).max()
        assert apart <= bound * (1 + np.abs(slope).max()), dtype
        v = np.sin(np.arange(len(w)))
        found = evaluator.hvp(backend.asarray(w), backend.asarray(v))
        assert np.allclose(backend.to_numpy(found), exact.hvp(w, v), rtol=1e-3, atol=1e-3)


def networks():
    """A lattice of several blocks, one with unequal weights and an isolated node, and a star."""
    lattice = meshrep.graph_from("lattice:13x13")
    weights = 0.5 + np.arange(lattice.m) % 7
    uneven = meshrep.Graph.from_edges(lattice.n + 1, lattice.edges, weights)
    spokes = np.stack([np.zeros(40, dtype=int), np.arange(1, 41)], 1)
    return {"even": lattice, "uneven": uneven, "star": meshrep.Graph.from_edges(41, spokes)}


def heat():
    for name, graph in networks().items():
        for options in ({"power": 2}, {"power": 4}, {"power": 3.5}, {"kind": "dirichlet"}):
            energy = meshrep.HeatBath(graph, [0, 5, 17], [3, graph.n - 1], **options)
            start = energy.random_start(1)
            start[5] = 1.0  # at its target, where |d| is 0
            given = energy._coupling, energy._baths
            agree(lambda b, g=given: heat_evaluators.Gathers(*g, b), energy.formula, start)
        print("heat", name)


def conduction():
    """Numbers of a part whose convection couples nodes negatively, with a load."""
    graph = networks()["uneven"]
    n = graph.n
    samples = sparse.csr_array(np.eye(n)[:20] * 0.6 + np.eye(n, k=1)[:20] * 0.4)
    exchange = conduction_evaluators.Exchange(
        "air", samples, np.linspace(0.5, 2.0, 20), np.linspace(15.0, 20.0, 20), False
    )
    system = conduction_evaluators.System(
        graph.adjacency, np.sin(np.arange(n)), (exchange,), np.array([30, 40]),
        np.array([10.0, 30.0]), 10.0, 273.15,
    )  # fmt: skip
    w = 20.0 + 5.0 * np.cos(np.arange(n))
    agree(
        lambda b: conduction_evaluators.Gathers(system, b),
        lambda b: conduction_evaluators.Formula(system, b), w,
    )  # fmt: skip
    print("conduction")


def oscillators():
    for name, graph in networks().items():
        for energy in (meshrep.Kuramoto(graph), meshrep.HopfKuramoto(graph, 0.7, 0.3, 0.2)):
            J = energy.couplings
            given = J.matrix, J.acting, energy.law, energy.drive
            agree(
                lambda b, g=given: phase_evaluators.Gathers(*g, b),
                energy.formula, 3.0 * energy.random_start(1),
            )  # fmt: skip
        print("oscillators", name)


def walks():
    """The walk that a CUDA graph replays, with the kernels in its step."""
    import torch

    from meshrep.minimisers.base import Objective
    from meshrep.minimisers.first_order import Adam
    from meshrep.minimisers.monitor import Monitor, Stopping
    from meshrep.minimisers.torch.capture import StaticWalk
    from meshrep.numerics.rules import Walk, advance_arrays

    energy = meshrep.Kuramoto(networks()["even"])
    J, backend = energy.couplings, backend_for("torch", "cpu", "float64")
    ends = []
    for evaluator in (
        phase_evaluators.Gathers(J.matrix, J.acting, energy.law, energy.drive, backend),
        energy.formula(backend),
    ):
        objective = Objective(energy, energy.random_start(1), backend, None, 0, evaluator)
        memory = Adam(0.05)._memory(objective, Monitor(Stopping()))
        walk = StaticWalk(
            Walk(objective.value_and_grad, advance_arrays, objective.start + 0, memory)
        )
        for _ in range(5):
            walk.step()
        ends.append(walk.params)
    assert torch.allclose(*ends, rtol=0, atol=1e-12)
    print("walks")


def interpreted():
    heat()
    conduction()
    oscillators()
    walks()
    assert not refusal(backend_for("torch", "cpu"))


def compiled():
    """Every kernel with every option, compiled for sm_90 down to the device's machine code."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from meshrep.kernels.triton import heat, oscillators, trial

    def build(kernel, given, constants):
        signature = dict.fromkeys(kernel.arg_names, "constexpr")
        signature |= {name: kind for name, kind in given.items() if kind}
        missing = {name: None for name, kind in given.items() if not kind}
        source = ASTSource(kernel, signature, constants | missing)
        made = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        assert len(made.asm["cubin"]) > 0
        print(kernel.__name__, given, constants, len(made.asm["cubin"]))

    sizes = tile(6.0)
    for real in ("*fp32", "*fp64"):
        matrix = {"indptr": "*i32", "indices": "*i32", "a": real}
        for equal in (True, False):
            for power in (2, 4, 0):
                baths = power != 4
                given = {
                    **matrix, "w": real, "kinds": "*i8" * baths, "targets": real * baths,
                    "strengths": real * baths, "numbers": real, "load": real * (power == 2),
                    "gradient": real, "energies": "*fp64", "n": "i32",
                }  # fmt: skip
                build(heat.value_and_grad, given, {"EQUAL": equal, "POWER": power, **sizes})
            for single in (True, False):
                given = {
                    **matrix, "z": real, "law": real, "y": real * (not single),
                    "own": real * (not single), "gradient": real, "energies": "*fp64", "n": "i32",
                }  # fmt: skip
                build(oscillators.first_pass, given, {"SINGLE": single, "EQUAL": equal, **sizes})
            given = {**matrix, "z": real, "y": real, "own": real, "gradient": real, "n": "i32"}
            build(oscillators.second_pass, given, {"EQUAL": equal, **sizes})
        given = {"w": real, "z": real, "n": "i32"}
        build(oscillators.turn, given, {"ROWS": sizes["ROWS"]})
    build(trial.negative, {"x": "*fp32", "y": "*fp32"}, {"SIZE": 16})


if __name__ == "__main__":
    assert (os.environ.get("TRITON_INTERPRET") == "1") == (sys.argv[1] == "interpreted")
    {"interpreted": interpreted, "compiled": compiled}[sys.argv[1]]()
