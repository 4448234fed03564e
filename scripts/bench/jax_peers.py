"""Solvers in JAX, in float64: optax's Adam and L-BFGS, optimistix's L-BFGS and nonlinear CG.

Every step is compiled. Steps run in stretches that last a fiftieth of the time so far. The field is
judged between two stretches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from bench.race import Candidate
from meshrep.energies.base import Energy
from meshrep.solving.peers import RESOLUTION, Go, Peer, Recorder


def formula(energy: Any) -> Callable[[Any], Any]:
    """Return the heat energy in JAX, written over edges."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    upper = sparse.triu(energy.coupling, k=1, format="coo")
    i, j, a = jnp.asarray(upper.row), jnp.asarray(upper.col), jnp.asarray(upper.data)
    nodes, targets = jnp.asarray(energy.nodes), jnp.asarray(energy.targets)

    def value(w: Any) -> Any:
        across = w[i] - w[j]
        bath = jnp.abs(w[nodes] - targets) ** energy.power
        return 0.5 * jnp.sum(a * across * across) + energy.strength * jnp.sum(bath)

    return value


def in_stretches(
    recorder: Recorder, state: Any, advance: Callable[..., Any], field: Callable[[Any], Any]
) -> None:
    """Advance a state by ever longer stretches of steps; ``advance(state, steps)`` is compiled."""
    import jax

    step = 0
    while True:
        seconds = recorder.seconds
        rate = step / seconds if step else 0.0
        count = max(1, min(int(RESOLUTION * seconds * rate), step // 10))
        state = jax.block_until_ready(advance(state, count))
        step += count
        recorder.look(step, lambda at=state: np.array(field(at)))


def by_optax(name: str) -> Peer:
    """Return a peer that compiles a loop of a transformation of ``optax``."""

    def make(energy: Energy, start: np.ndarray) -> Go:
        import jax
        import jax.numpy as jnp
        import optax

        value = formula(energy)
        mover = optax.adam(0.02 * energy.unit) if name == "adam" else optax.lbfgs(memory_size=10)

        def one(_: Any, state: Any) -> Any:
            w, inner = state
            if name == "adam":
                updates, inner = mover.update(jax.grad(value)(w), inner, w)
            else:
                found, gradient = optax.value_and_grad_from_state(value)(w, state=inner)
                updates, inner = mover.update(
                    gradient, inner, w, value=found, grad=gradient, value_fn=value
                )
            return optax.apply_updates(w, updates), inner

        advance = jax.jit(lambda state, count: jax.lax.fori_loop(0, count, one, state))

        def go(recorder: Recorder) -> None:
            w = jnp.asarray(start)
            recorder.look(0, lambda: start)
            in_stretches(recorder, (w, mover.init(w)), advance, lambda state: state[0])

        return go

    return make


def by_optimistix(name: str) -> Peer:
    """Return a peer that compiles a solver's own ``step``, which evaluates the energy once."""

    def make(energy: Energy, start: np.ndarray) -> Go:
        import equinox
        import jax
        import jax.numpy as jnp
        import optimistix

        value = formula(energy)
        more = {"history_length": 10} if name == "LBFGS" else {}
        solver = getattr(optimistix, name)(rtol=0.0, atol=0.0, **more)

        def function(y: Any, _: Any) -> tuple[Any, None]:
            return value(y), None

        w0 = jnp.asarray(start)
        begin = equinox.filter_jit(
            lambda y: solver.init(
                function, y, None, {}, jax.eval_shape(lambda: value(w0)), None, frozenset()
            )
        )
        arrays, fixed = equinox.partition(begin(w0), equinox.is_array)

        def one(_: Any, carried: Any) -> Any:
            y, moving = carried
            y, state, _ = solver.step(
                function, y, None, {}, equinox.combine(moving, fixed), frozenset()
            )
            return y, equinox.filter(state, equinox.is_array)

        advance = jax.jit(lambda carried, count: jax.lax.fori_loop(0, count, one, carried))

        def go(recorder: Recorder) -> None:
            recorder.look(0, lambda: start)
            in_stretches(recorder, (w0, arrays), advance, lambda carried: carried[0])

        return go

    return make


PEERS = [
    Candidate("optax Adam", peer=by_optax("adam"), needs=("jax", "optax"), most=200_000),
    Candidate("optax L-BFGS", peer=by_optax("lbfgs"), needs=("jax", "optax"), most=200_000),
    Candidate("optimistix L-BFGS", peer=by_optimistix("LBFGS"), needs=("jax", "optimistix")),
    Candidate("optimistix NonlinearCG", peer=by_optimistix("NonlinearCG"),
            needs=("jax", "optimistix")),
]  # fmt: skip
