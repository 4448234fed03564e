"""Steps replayed from a CUDA graph, so that the host is idle between two readings of the energy.

A captured step is launched as a whole. An eager step of about twenty small operations waits for
Python at each of them. Capturing has a price: every value that changes must stay at the address
that the capture recorded. The step must not read a number back to the host, send one to the
device, or branch on values. So the walk here keeps energy, gradient, step length and the count of
steps in its own tensors. At a reading the minimiser may halve the step, restart the momentum or
return to an earlier state; it does so in place, outside the graph.

The capture itself has not been run on a GPU. On the CPU the same walk runs eagerly and is tested.

Notes
-----
A capture has its own memory in torch. Products with CSR tensors take the workspace of cuSPARSE
from it; SpMV and SpMM of cuSPARSE may be captured. The warm-up creates the handles of cuSPARSE
and cuBLAS, on the stream of the capture. Up to mid-2026, torch sends a Python number from the
host when it is assigned by an index tensor: ``x[nodes] = 0.0`` cannot be captured, while
``x[nodes] = zeros`` and ``x[:] = 0.0`` can.

References
----------
"CUDA Graphs" in torch's notes on CUDA semantics, for the order of warm-up and capture.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from meshrep.numerics.rules import Walk, advance_arrays

WARM = 3  # steps before a capture, as torch's notes ask for


class StaticWalk(Walk):
    """A walk that keeps all its numbers, the step length included, at fixed places on the device.

    It continues another walk and moves that walk's parameters and moments.
    """

    def __init__(self, walk: Walk) -> None:
        def there(values: Any) -> torch.Tensor:
            return torch.as_tensor(values, dtype=torch.float64).to(walk.params.device, copy=True)

        self.evaluate, self.advance = walk.evaluate, advance_arrays
        memory = walk.memory
        self.memory = replace(memory, lr=there(memory.lr), taken=there(memory.taken))
        self.params = walk.params
        self.value, self.gradient = walk.value.clone(), walk.gradient.clone()

    def look(self) -> None:
        """Evaluate at the parameters and write the results into the same tensors."""
        value, gradient = self.evaluate(self.params)
        self.value.copy_(value)
        self.gradient.copy_(gradient)

    @property
    def state(self) -> list[torch.Tensor]:
        """All tensors that a step changes."""
        m = self.memory
        return [self.params, self.value, self.gradient, m.m, m.v, m.taken]


def captured(walk: Walk, objective: Any, notes: list[str]) -> Walk:
    """The walk with its step captured; the walk itself if the energy is computed on the host.

    Replayed steps are counted in ``objective.evaluations``. If the capture fails, the steps stay
    eager and a note gives the reason.
    """
    if not isinstance(walk.value, torch.Tensor) or walk.value.device != walk.params.device:
        return walk
    static = StaticWalk(walk)
    eager, counted = static.step, objective.evaluations
    try:
        replay = capture(eager, static.state)
    except RuntimeError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        notes.append(
            f"steps run one by one, because they could not be captured as a CUDA graph ({reason})"
        )
        return static
    finally:
        objective.evaluations = counted
    if replay is eager:
        return static

    def step() -> None:
        replay()
        objective.evaluations += 1

    static.step = step  # type: ignore[method-assign]
    return static


def capture(step: Callable[[], None], state: Sequence[torch.Tensor]) -> Callable[[], None]:
    """A function that replays ``step`` as a CUDA graph; on the CPU, ``step`` itself.

    Parameters
    ----------
    step : callable
        Operations of torch on tensors of one device, the same at every call.
    state : sequence of tensors
        The tensors that the step changes and reads again. Their values are restored after the
        capture.

    Raises
    ------
    RuntimeError
        If the step waits for the host, or has an operation that cannot be captured.
    """
    device = state[0].device
    return _recorded(step, state, device) if device.type == "cuda" else step


def _recorded(
    step: Callable[[], None], state: Sequence[torch.Tensor], device: torch.device
) -> Callable[[], None]:
    """Warm up and capture the step on a separate stream; return the replay of its graph."""
    with torch.cuda.device(device):
        kept = [tensor.clone() for tensor in state]
        here, aside, graph = (
            torch.cuda.current_stream(),
            torch.cuda.Stream(),
            torch.cuda.CUDAGraph(),
        )
        aside.wait_stream(here)
        try:
            with torch.cuda.stream(aside):
                for _ in range(WARM - 1):
                    step()
                with _no_waiting():
                    step()
            here.wait_stream(aside)
            with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):
                step()
        finally:
            torch.cuda.set_stream(here)  # a failed capture does not restore the stream
            here.wait_stream(aside)
            for tensor, before in zip(state, kept, strict=True):
                tensor.copy_(before)
    return graph.replay


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Raise an error if the host waits for the device, before a capture fails on it midway."""
    mode = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch warns that the mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(mode)
