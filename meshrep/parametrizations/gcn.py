"""Graph networks as variables: the field is a network's output, its latents z and weights θ move.

    X₀ = z,   X_l = σ(P X_{l−1} W_l),   F(z, θ) = u (X_L R  + z R₀)

with σ = LeakyReLU, P the normalised coupling, u the energy's unit, and R₀ only with the residual,
after Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
Reparametrization" (§2 and Algorithm 1): GCN and GCN-Res; with P = I it is their NoGraph. The
pullback is written by hand, over NumPy arrays and torch tensors alike, so that no graph of the
computation is recorded.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np

from meshrep.backends import Array, Backend, NumpyBackend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.kernels.rules import ADAM, Memory, update_rule
from meshrep.operators import propagation
from meshrep.parametrizations.base import Map, Parametrization

GIVE_UP, GAIN = 1000, 0.99  # a fit ends that falls by less than this in so many steps


class GraphNetwork(Parametrization):
    """A graph convolutional network of one to several layers with a linear readout.

    Parameters
    ----------
    layers : int, optional
        Number of propagating layers L ≥ 1; the readout R comes on top. By default 1, or what the
        widths say.
    hidden : int or tuple of int
        Width of the latents and of every layer, or the widths (h_0, …, h_L) one by one. With
        (8, 6) the latents z are (n, 8), W_1 is 8×6 and the readout 6×d. That is the papers'
        network on an identity input: the weights that meet X = I are n×8, and are z.
    residual : bool
        Let the latents pass to the readout beside the last layer.
    propagation : str
        "sym" for P = D^{-1/2} A D^{-1/2}, "self" with Â = A + I, "square" for P², "none" for
        P = I (NoGraph), "auto" for what the energy names: "sym" for heat, "self" for Kuramoto,
        "square" for Hopf–Kuramoto.
    start : {"shared", "network", "prefit"}
        "shared": the start is passed through exactly, as F(z, θ) + (w₀ − F(z₀, θ₀)), and with
        the residual as the first latent. "network": the field starts at the network's own first
        output, as in the papers, w₀ is not used, and the latents are drawn as the energy draws
        its starts: phases from U(0, 2π). "prefit": no offset; the network's own output is fitted
        to w₀ first, by Adam on the mean squared error, as in the papers on persistent homology.
    slope : float
        Slope of σ left of 0.
    spread : float
        Standard deviation of the random latents.
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
        For widths or layers below 1, or that contradict each other, and unknown words.
    """

    needs_torch = True
    random = True

    def __init__(
        self,
        layers: int | None = None,
        hidden: int | tuple[int, ...] = 8,
        *,
        residual: bool = False,
        propagation: str = "auto",
        start: str = "shared",
        slope: float = 0.1,
        spread: float = 0.1,
        readout: str = "auto",
        prefit_tol: float = 1e-3,
        prefit_steps: int = 20_000,
        prefit_lr: float = 0.01,
    ) -> None:
        if isinstance(hidden, tuple):
            widths: tuple[int, ...] = hidden
        else:
            widths = (int(hidden),) * (1 + (1 if layers is None else layers))
        if len(widths) < 2 or min(widths) < 1:
            raise InputError(
                f"a network needs a layer and a latent or more, not {layers} of widths {hidden}"
            )
        if layers is not None and layers != len(widths) - 1:
            raise InputError(f"{layers} layers have {layers + 1} widths, not {hidden}")
        if start not in ("shared", "network", "prefit"):
            raise InputError(f"unknown start {start!r}: choose shared or network, or prefit")
        if not (prefit_tol > 0 and prefit_steps >= 0 and 0 < prefit_lr < np.inf):
            raise InputError(
                "a fit needs prefit_tol > 0, prefit_steps ≥ 0 and prefit_lr > 0, not "
                f"{prefit_tol}, {prefit_steps}, {prefit_lr}"
            )
        if readout not in ("auto", "value", "circle"):
            raise InputError(f"unknown readout {readout!r}: choose auto, value or circle")
        self.readout = readout
        self.widths, self.layers, self.residual = widths, len(widths) - 1, residual
        self.propagation, self.start = propagation, start
        self.slope, self.spread = slope, spread
        self.prefit_tol, self.prefit_steps = float(prefit_tol), int(prefit_steps)
        self.prefit_lr = float(prefit_lr)

    @property
    def name(self) -> str:  # type: ignore[override]
        """As in the papers."""
        kind = "nograph" if self.propagation == "none" else "gcn"
        return kind + ("-res" if self.residual else "")

    def build(self, energy: Energy, start: np.ndarray, backend: Backend, seed: int) -> Map:
        """Draw the latents and weights from the seed and lay the network out."""
        return _NetworkMap(self, energy, start, backend, seed)


class Circle:
    """Angles of vectors u (n, 2) in the plane, on the turn nearest to each node's first phase.

    With (cos, sin) of the first phase as the vector, the angle is that phase exactly.
    """

    def __init__(self, first: np.ndarray, backend: Backend) -> None:
        self.xp = backend.xp
        self.first = backend.asarray(first)
        self.cos, self.sin = backend.asarray(np.cos(first)), backend.asarray(np.sin(first))

    def angle(self, u: Array) -> Array:
        """arg u (n,)."""
        x, y = self.x, self.y = u[:, 0], u[:, 1]
        turned = self.xp.arctan2(y * self.cos - x * self.sin, x * self.cos + y * self.sin)
        return self.first + turned

    def pull_back(self, gradient: Array) -> Array:
        """The gradient (n,) times ∂ arg u / ∂u = (−y, x)/|u|², as (n, 2)."""
        pull = gradient / (self.x * self.x + self.y * self.y + 1e-12)
        return self.xp.stack([-self.y * pull, self.x * pull], 1)


class _NetworkMap(Map):
    def __init__(
        self, recipe: GraphNetwork, energy: Energy, start: np.ndarray, backend: Backend, seed: int
    ) -> None:
        n, widths = energy.shape[0], recipe.widths
        d = energy.shape[1] if len(energy.shape) == 2 else 1
        wanted = energy.clamp(start).reshape(n, d)
        self.circle: Circle | None = None
        phases = energy.quantity == "phase" and d == 1
        if recipe.readout == "circle" or (recipe.readout == "auto" and phases):
            if d != 1:
                raise InputError("a readout on the circle needs one phase a node")
            self.circle = Circle(wanted.ravel(), backend)
            wanted, d = np.concatenate([np.cos(wanted), np.sin(wanted)], 1), 2
        self.shape, self.xp, self.slope = energy.shape, backend.xp, recipe.slope
        self.layers, self.residual = recipe.layers, recipe.residual
        kind = energy.propagation if recipe.propagation == "auto" else recipe.propagation
        self.matrix = None if kind == "none" else backend.sparse(propagation(energy.coupling, kind))
        h, last = widths[0], widths[-1]
        self.shapes = [(n, h), *pairwise(widths), (last, d)]
        self.shapes += [(h, d)] * recipe.residual
        rng = np.random.default_rng(seed)
        self.unit = 1.0 if self.circle else energy.unit
        wanted = wanted / self.unit
        if recipe.start == "network" and len(energy.shape) == 1:
            seeds = rng.integers(2**31, size=h)
            drawn = [energy.random_start(int(k)).ravel() / energy.unit for k in seeds]
            parts = [np.stack(drawn, axis=1)]
        else:
            parts = [recipe.spread * rng.standard_normal((n, h))]
        parts += [rng.standard_normal(s) * np.sqrt(2 / s[0]) for s in self.shapes[1 : len(widths)]]
        parts += [rng.standard_normal((last, d)) / np.sqrt(last)]
        if recipe.residual:
            through = np.zeros((h, d))
            through[: min(h, d), :] = np.eye(min(h, d), d)
            parts.append(through)
            if recipe.start == "shared":
                parts[0][:, : min(h, d)] = wanted[:, : min(h, d)]
        self.start = backend.asarray(np.concatenate([part.ravel() for part in parts]))
        self.gradient = self.start * 0
        self.gradients = self._split(self.gradient)
        self.offset = backend.zeros(n, d)
        if recipe.start == "shared":
            self.offset += backend.asarray(wanted) - self._output(self.start)
        elif recipe.start == "prefit" and backend.device == "cpu" and backend.xp is not np:
            host = _NetworkMap(recipe, energy, start, NumpyBackend(backend.dtype), seed)
            self.start = backend.asarray(host.start)  # small products cost torch many times more
            self.notes, self.prefit_s = host.notes, host.prefit_s
        elif recipe.start == "prefit":
            self._fit(recipe, backend.asarray(wanted), backend)

    def _fit(self, recipe: GraphNetwork, wanted: Array, backend: Backend) -> None:
        """Move the start until its output is near the wanted one (n, d)."""
        clock = time.perf_counter()
        params, advance = self.start, update_rule(backend)
        zeros, taken = params * 0, np.zeros(2)
        memory = Memory(
            ADAM, recipe.prefit_lr, 0.9, 0.999, 1e-8, zeros, zeros + 0, zeros + 0, taken
        )
        before = least = np.inf
        for step in range(recipe.prefit_steps + 1):
            miss = self._output(params) - wanted
            error = float((miss * miss).mean()) ** 0.5
            least = min(least, error)
            stuck = step > 0 and step % GIVE_UP == 0 and least > GAIN * before
            if error <= recipe.prefit_tol or stuck or step == recipe.prefit_steps:
                break
            before = least if step % GIVE_UP == 0 else before
            advance(params, self._pull_back(miss * (2.0 / np.prod(self.offset.shape))), memory)
        self.prefit_s = time.perf_counter() - clock
        said = f"the network was fitted to the start in {step} steps, {self.prefit_s:.3g} s"
        if error > recipe.prefit_tol:
            said += f", and misses it by {error:.2g} of the unit, not {recipe.prefit_tol:g}"
        self.notes = [said]

    def _split(self, flat: Array) -> list[Array]:
        """Views of the flat parameters: z, W_1 … W_L, R and, with the residual, R₀."""
        views, begun = [], 0
        for rows, columns in self.shapes:
            views.append(flat[begun : begun + rows * columns].reshape(rows, columns))
            begun += rows * columns
        return views

    def field(self, params: Array) -> Array:
        output = self._output(params)
        if self.circle:
            return self.circle.angle(output)
        return (output * self.unit).reshape(self.shape)

    def _output(self, params: Array) -> Array:
        """The readout (n, d) of the network, offset included."""
        xp = self.xp
        z, *weights = self.parts = self._split(params)
        layer, self.mixed, self.inputs = z, [], []
        for weight in weights[: self.layers]:
            spread = layer if self.matrix is None else self.matrix @ layer
            mixed = spread @ weight
            self.inputs.append(spread)
            self.mixed.append(mixed)
            layer = xp.maximum(mixed, self.slope * mixed)
        self.last = layer
        w = layer @ weights[self.layers]
        if self.residual:
            w = w + z @ weights[-1]
        w += self.offset
        return w

    def pull_back(self, gradient: Array) -> Array:
        if self.circle:
            return self._pull_back(self.circle.pull_back(gradient))
        return self._pull_back(gradient.reshape(self.offset.shape) * self.unit)

    def _pull_back(self, g: Array) -> Array:
        """The gradient in the parameters, from that in the output (n, d)."""
        xp, L = self.xp, self.layers
        z, *weights = self.parts
        grad_z, *grads = self.gradients
        grads[L][:] = self.last.T @ g
        back = g @ weights[L].T
        for k in range(L - 1, -1, -1):
            back = xp.where(self.mixed[k] > 0, back, self.slope * back)
            grads[k][:] = self.inputs[k].T @ back
            back = back @ weights[k].T
            if self.matrix is not None:
                back = self.matrix @ back  # P is symmetric
        grad_z[:] = back
        if self.residual:
            grads[-1][:] = z.T @ g
            grad_z += g @ weights[-1].T
        return self.gradient
