"""Graph networks as variables: a network's output is the field; its latents z and weights θ move.

    X₀ = z,   X_l = σ(layer_l(X_{l−1})),   F(z, θ) = u (X_L R + z R₀)

with σ = LeakyReLU, u the energy's unit, and R₀ only with the residual, after Both, Dehmamy, Long
and Yu, "Faster Optimization on Sparse Graphs via Neural Reparametrization" (§2 and Algorithm 1).
Here is what all networks have in common: widths, starts, the circle, the fit to a start. Each kind
of network supplies its layers as a :class:`meshrep.parametrizations.networks.passes.Pass`.
"""

from __future__ import annotations

import copy
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from meshrep.base.backends import Array, Backend, NumpyBackend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.numerics.rules import ADAM, Memory, update_rule
from meshrep.parametrizations.base import Map, Parametrization, whole
from meshrep.parametrizations.networks.circle import Circle
from meshrep.parametrizations.networks.passes import ArrayPass, Frame, Pass

GIVE_UP, GAIN = 1000, 0.99  # a fit ends if 1000 steps leave more than 0.99 of the error


class Shared(TypedDict, total=False):
    """Keywords that every network takes, for type checkers: see :class:`Network`."""

    residual: bool
    network_start: str
    slope: float
    spread: float
    readout: str
    prefit_tol: float
    prefit_steps: int
    prefit_lr: float


class Network(Parametrization):
    """A graph network of one to several layers with a linear readout.

    Parameters
    ----------
    layers : int, optional
        Number of layers L ≥ 1; the readout R comes on top. By default 1, or what the widths say.
    hidden : int or tuple of int
        Width of the latents and of every layer, or the widths (h_0, …, h_L) one by one. With
        (8, 6) the latents z are (n, 8), the layer leads from 8 to 6 and the readout is 6×d. That
        is the papers' network on an identity input X = I, whose first weights, n×8, are z.
    residual : bool
        Let the latents pass to the readout beside the last layer.
    network_start : {"shared", "network", "prefit"}
        "shared": the field is F(z, θ) + (w₀ − F(z₀, θ₀)), which begins exactly at the start w₀;
        with the residual, w₀ is also the first latent. "network": the field begins at the
        network's own first output, as in the papers, and w₀ is not used. The latents of a field
        (n,) are then drawn as the energy draws its starts (phases from U(0, 2π)); all others are
        normal. "prefit": no offset; the network's own output is fitted to w₀ first, by Adam on the
        mean squared error, as in the papers on persistent homology.
    slope : float
        Slope of σ left of 0, in [0, 1].
    spread : float
        Standard deviation of normal latents.
    readout : {"auto", "value", "circle"}
        "value": the output is the field, as in the papers. "circle": the output is a vector in
        the plane and the field its angle, so that a phase may pass through the middle of the
        circle, where vortices are not protected. "auto" takes the circle for phases.
    prefit_tol : float
        Root of the mean squared error, in the energy's unit, at which a fit is good enough.
    prefit_steps : int
        Most steps of a fit, which also ends where it no longer improves; a note says how far it
        came.
    prefit_lr : float
        Adam's step in a fit.

    Raises
    ------
    InputError
        For widths or layers that are not whole or below 1, or that contradict each other, and
        unknown words.
    """

    gains_from_gpu = True
    loads_kernels = True
    random = True
    kind = "network"

    def __init__(
        self,
        layers: int | None = None,
        hidden: int | tuple[int, ...] = 8,
        *,
        residual: bool = False,
        network_start: str = "shared",
        slope: float = 0.1,
        spread: float = 0.1,
        readout: str = "auto",
        prefit_tol: float = 1e-3,
        prefit_steps: int = 20_000,
        prefit_lr: float = 0.01,
    ) -> None:
        if layers is not None:
            layers = whole(layers, 1, "the number of layers")
        if isinstance(hidden, tuple):
            widths = tuple(whole(width, 1, "the width of a layer") for width in hidden)
        else:
            widths = (whole(hidden, 1, "the width of layers"),) * (1 + (layers or 1))
        if len(widths) < 2:
            raise InputError(f"a network needs the widths of latents and a layer, not {hidden}")
        if layers is not None and layers != len(widths) - 1:
            raise InputError(f"{layers} layers have {layers + 1} widths, not {hidden}")
        if network_start not in ("shared", "network", "prefit"):
            raise InputError(
                f"unknown network_start {network_start!r}: choose shared, network or prefit"
            )
        if not (prefit_tol > 0 and 0 < prefit_lr < np.inf):
            raise InputError(
                f"a fit needs prefit_tol > 0 and prefit_lr > 0, not {prefit_tol}, {prefit_lr}"
            )
        if not 0 <= slope <= 1:
            raise InputError(f"the slope left of 0 must lie in [0, 1], not {slope}")
        if readout not in ("auto", "value", "circle"):
            raise InputError(f"unknown readout {readout!r}: choose auto, value or circle")
        self.readout = readout
        self.widths, self.layers, self.residual = widths, len(widths) - 1, residual
        self.network_start = network_start
        self.slope, self.spread = slope, spread
        self.prefit_tol, self.prefit_lr = float(prefit_tol), float(prefit_lr)
        self.prefit_steps = whole(prefit_steps, 0, "prefit_steps")
        self.prefit_seconds = np.inf

    def limited(self, max_steps: float, max_seconds: float) -> Network:
        """The same network, whose fit takes at most half of a run's steps and seconds."""
        twin = copy.copy(self)
        twin.prefit_steps = int(min(self.prefit_steps, max_steps // 2))
        twin.prefit_seconds = 0.5 * max_seconds
        return twin

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name in the papers."""
        return self.kind + ("-res" if self.residual else "")

    @property
    @abstractmethod
    def forms(self) -> tuple[Callable[..., Pass], Callable[..., Pass]]:
        """The two passes: in array operations, and by kernels where the back end is numba."""

    @abstractmethod
    def lay_out(self, frame: Frame, energy: Energy) -> Pass:
        """The layers on the energy's coupling, in the :meth:`form` of the back end."""

    def form(self, frame: Frame) -> Callable[..., Pass]:
        """The one of :attr:`forms` that the back end takes."""
        arrays, kernels = self.forms
        return kernels if frame.backend.name == "numba" else arrays

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Draw the latents and weights from the seed and lay the network out."""
        return NetworkMap(self, energy, start, backend, seed)


class NetworkMap(Map):
    """A network laid out for one energy, whose start gives the field ``start`` or nearly."""

    def __init__(
        self, recipe: Network, energy: Energy, start: np.ndarray, backend: Backend, seed: int
    ) -> None:
        n = energy.shape[0]
        d = energy.shape[1] if len(energy.shape) == 2 else 1
        phases = energy.quantity == "phase" and d == 1
        on_circle = recipe.readout == "circle" or (recipe.readout == "auto" and phases)
        if on_circle and d != 1:
            raise InputError("a readout on the circle needs one phase a node")
        self.recipe, self.energy, self.backend = recipe, energy, backend
        self.shape, self.unit = energy.shape, 1.0 if on_circle else float(energy.unit)
        frame = Frame(
            n, 2 if on_circle else d, recipe.widths, recipe.residual, recipe.slope, self.unit,
            backend,
        )  # fmt: skip
        self.net = recipe.lay_out(frame, energy)
        self.circle = Circle(n, backend, self.net.kernels) if on_circle else None
        if isinstance(self.net, ArrayPass):
            self.shapes = self.net.named
        self.start, self.anchor = self.begun(start, seed)

    def begun(self, start: np.ndarray, seed: int) -> tuple[Array, Mapping[str, Array]]:
        """Latents and weights drawn from the seed, and the offset that makes the start exact."""
        recipe, energy, backend = self.recipe, self.energy, self.backend
        n, widths = energy.shape[0], recipe.widths
        wanted = energy.clamp(start).reshape(n, -1)
        turned = {}
        if self.circle:
            turned = self.circle.anchor(wanted.ravel())
            wanted = np.concatenate([np.cos(wanted), np.sin(wanted)], 1)
        d = wanted.shape[1]
        rng = np.random.default_rng(seed)
        wanted = wanted / self.unit
        origin = 0.0 if self.circle else energy.origin / self.unit
        h, last = widths[0], widths[-1]
        if recipe.network_start == "network" and len(energy.shape) == 1:
            seeds = rng.integers(2**31, size=h)
            drawn = [energy.random_start(int(k)).ravel() / energy.unit - origin for k in seeds]
            parts = [np.stack(drawn, axis=1)]
        else:
            parts = [recipe.spread * rng.standard_normal((n, h))]
        parts += [rng.standard_normal(s) * np.sqrt(2 / s[-2]) for s in self.net.inner]
        parts += [rng.standard_normal((last, d)) / np.sqrt(last)]
        if recipe.residual:
            through = np.zeros((h, d))
            through[: min(h, d), :] = np.eye(min(h, d), d)
            parts.append(through)
            if recipe.network_start == "shared":
                parts[0][:, : min(h, d)] = wanted[:, : min(h, d)] - origin
        params = backend.asarray(np.concatenate([part.ravel() for part in parts]))
        self.net.offset = backend.zeros(n, d) + origin
        if recipe.network_start == "shared":
            self.net.offset += backend.asarray(wanted) - self.net.output(params) / self.unit
        elif recipe.network_start == "prefit" and backend.device == "cpu" and backend.xp is not np:
            host = NetworkMap(recipe, energy, start, NumpyBackend(backend.dtype), seed)
            params = backend.asarray(host.start)  # NumPy is many times faster on small products
            self.notes, self.prefit_s, self.compile_s = host.notes, host.prefit_s, host.compile_s
            self.prefit_steps = host.prefit_steps
        elif recipe.network_start == "prefit":
            self._fit(params, backend.asarray(wanted))
        return params, {"offset": self.net.offset, **turned}

    def _fit(self, params: Array, wanted: Array) -> None:
        """Move parameters until their output is near the wanted one (n, d), both in the unit."""
        recipe, advance = self.recipe, update_rule(self.backend)
        slope = 2.0 / float(np.prod(wanted.shape) * self.unit)

        def missed() -> Array:
            return self.net.output(params) / self.unit - wanted

        def fresh() -> Memory:
            zeros, taken = params * 0, np.zeros(2)
            return Memory(
                ADAM, recipe.prefit_lr, 0.9, 0.999, 1e-8, zeros, zeros + 0, zeros + 0, taken
            )

        begun = time.perf_counter()
        advance(params + 0, self.net.pull_back(missed() * slope), fresh())  # to compile
        clock = time.perf_counter()
        self.compile_s = clock - begun
        memory = fresh()
        before = least = np.inf
        for step in range(recipe.prefit_steps + 1):
            miss = missed()
            error = float((miss * miss).mean()) ** 0.5
            least = min(least, error)
            stuck = step > 0 and step % GIVE_UP == 0 and least > GAIN * before
            lost = not np.isfinite(error)
            late = time.perf_counter() - clock > recipe.prefit_seconds
            if error <= recipe.prefit_tol or stuck or lost or late or step == recipe.prefit_steps:
                break
            before = least if step % GIVE_UP == 0 else before
            advance(params, self.net.pull_back(miss * slope), memory)
        self.prefit_s, self.prefit_steps = time.perf_counter() - clock, step
        said = f"the network was fitted to the start in {step} steps, {self.prefit_s:.3g} s"
        if lost:
            said += ", and diverged: take a smaller prefit_lr"
        elif not error <= recipe.prefit_tol:
            said += f", and misses it by {error:.2g} of the unit, not {recipe.prefit_tol:g}"
        self.notes = [said]

    def formula(self, parts: Sequence[Array], anchor: Mapping[str, Array]) -> Array:
        """The output, or its angle on the circle, shaped as the energy's field."""
        net: Any = self.net
        output = net.run(parts, anchor["offset"])[0]
        return self.circle.angle(output, anchor) if self.circle else output.reshape(self.shape)

    def field(self, params: Array) -> Array:
        """The same of flat parameters; keeps what the pullback needs."""
        self.last = self.net.output(params)
        if self.circle:
            return self.circle.angle(self.last, self.anchor)
        return self.last.reshape(self.shape)

    def pull_back(self, gradient: Array) -> Array:
        """The gradient in latents and weights, which the next call overwrites."""
        if self.circle:
            return self.net.pull_back(self.circle.pull_back(gradient, self.last))
        return self.net.pull_back(gradient.reshape(self.net.offset.shape))
