"""Steps replayed from a CUDA graph, without a word from the host between two readings.

A captured step is launched as a whole, where an eager one of some twenty small operations waits
for Python at each. In return all that changes must lie where the capture saw it, and nothing may
ask the host: no number read back, none sent, no branch on values. So the walk here keeps energy,
gradient, step length and the count of steps in tensors of its own. What the minimiser does at a
reading (halve the step, restart the momentum, retreat) it does in place, outside the graph.

None of this has been run on a GPU. On the CPU the same walk runs eagerly, and there it is tested.

Notes
-----
torch gives a capture memory of its own, from which products with CSR tensors take the workspace
of cuSPARSE, whose SpMV and SpMM may be captured; its handle, and that of cuBLAS, are made in the
warm-up, on the stream of the capture. Up to the middle of 2026 torch sent a number of Python from
the host where it was assigned by an index tensor: ``x[nodes] = 0.0`` cannot be captured there,
``x[nodes] = zeros`` can, and so can ``x[:] = 0.0``.

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

WARM = 3  # steps before a capture, as torch asks for


class StaticWalk(Walk):
    """A walk whose every number stays in one place of the device, the step's length included.

    It goes on from another walk, whose parameters and moments it moves.
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
        """Evaluate where the parameters stand, into the same tensors as ever."""
        value, gradient = self.evaluate(self.params)
        self.value.copy_(value)
        self.gradient.copy_(gradient)

    @property
    def state(self) -> list[torch.Tensor]:
        """All that a step changes."""
        m = self.memory
        return [self.params, self.value, self.gradient, m.m, m.v, m.taken]


def captured(walk: Walk, objective: Any, notes: list[str]) -> Walk:
    """The walk with its step captured, or as it is where the energy is the host's.

    ``objective.evaluations`` goes on counting. Where the capture fails, steps stay eager, and a
    note says so.
    """
    if not isinstance(walk.value, torch.Tensor) or walk.value.device != walk.params.device:
        return walk
    static = StaticWalk(walk)
    eager, counted = static.step, objective.evaluations
    try:
        replay = capture(eager, static.state)
    except RuntimeError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        notes.append(f"steps run one by one: they could not be captured as a CUDA graph ({reason})")
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
    """A function that does what ``step`` does, by a CUDA graph; on the CPU the step itself.

    Parameters
    ----------
    step : callable
        Operations of torch on tensors of one device, the same each time.
    state : sequence of tensors
        What it changes and reads again. They are left as they were.

    Raises
    ------
    RuntimeError
        When the step waits for the host, or has an operation that cannot be captured.
    """
    device = state[0].device
    return _recorded(step, state, device) if device.type == "cuda" else step


def _recorded(
    step: Callable[[], None], state: Sequence[torch.Tensor], device: torch.device
) -> Callable[[], None]:
    """The replay of a graph of the step: warmed up and captured on one stream of its own."""
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
            torch.cuda.set_stream(here)  # a capture that failed leaves its own
            here.wait_stream(aside)
            for tensor, before in zip(state, kept, strict=True):
                tensor.copy_(before)
    return graph.replay


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Raise where the host would wait for the device: sooner than a capture that fails midway."""
    mode = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(mode)
