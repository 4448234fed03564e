"""Graph networks as variables: the field is a network's output, its latents z and weights θ move.

    X₀ = z,   X_l = σ(P X_{l−1} W_l),   F(z, θ) = u (X_L R  + z R₀)

with σ = LeakyReLU, P the normalised coupling, u the energy's unit, and R₀ only with the residual,
after Both, Dehmamy, Long and Yu, "Faster Optimization on Sparse Graphs via Neural
Reparametrization" (§2 and Algorithm 1): GCN and GCN-Res; with P = I it is their NoGraph. The
pullback is written by hand, over NumPy arrays and torch tensors alike, so that no graph of the
computation is recorded.
"""

from __future__ import annotations

import numpy as np

from meshrep.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.operators import propagation
from meshrep.parametrizations.base import Map, Parametrization


class GraphNetwork(Parametrization):
    """A graph convolutional network of one to several layers with a linear readout.

    Parameters
    ----------
    layers : int
        Number of propagating layers L ≥ 1; the readout R comes on top.
    hidden : int
        Width h of the latents and of every layer.
    residual : bool
        Let the latents pass to the readout beside the last layer.
    propagation : str
        "sym" for P = D^{-1/2} A D^{-1/2}, "self" with Â = A + I, "square" for P², "none" for
        P = I (NoGraph), "auto" for what the energy names: "sym" for heat, "self" for Kuramoto,
        "square" for Hopf–Kuramoto.
    start : {"shared", "network"}
        "shared": the start is passed through exactly, as F(z, θ) + (w₀ − F(z₀, θ₀)), and with
        the residual as the first latent. "network": the field starts at the network's own first
        output, as in the papers, w₀ is not used, and the latents are drawn as the energy draws
        its starts: phases from U(0, 2π).
    slope : float
        Slope of σ left of 0.
    spread : float
        Standard deviation of the random latents.
    readout : {"auto", "value", "circle"}
        "value": the output is the field, as in the papers. "circle": the output is a vector in
        the plane and the field its angle, so that a phase may pass through the middle of the
        circle, where vortices are not protected. "auto" takes the circle for phases.
    """

    needs_torch = True

    def __init__(
        self,
        layers: int = 1,
        hidden: int = 8,
        *,
        residual: bool = False,
        propagation: str = "auto",
        start: str = "shared",
        slope: float = 0.1,
        spread: float = 0.1,
        readout: str = "auto",
    ) -> None:
        if layers < 1 or hidden < 1:
            raise InputError(f"a network needs a layer and a latent or more, not {layers}×{hidden}")
        if start not in ("shared", "network"):
            raise InputError(f"unknown start {start!r}: choose shared or network")
        if readout not in ("auto", "value", "circle"):
            raise InputError(f"unknown readout {readout!r}: choose auto, value or circle")
        self.readout = readout
        self.layers, self.hidden, self.residual = int(layers), int(hidden), residual
        self.propagation, self.start = propagation, start
        self.slope, self.spread = slope, spread

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
        n, h = energy.shape[0], recipe.hidden
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
        self.shapes = [(n, h)] + [(h, h)] * recipe.layers + [(h, d)] * (1 + recipe.residual)
        rng = np.random.default_rng(seed)
        self.unit = 1.0 if self.circle else energy.unit
        wanted = wanted / self.unit
        if recipe.start == "network" and len(energy.shape) == 1:
            seeds = rng.integers(2**31, size=h)
            drawn = [energy.random_start(int(k)).ravel() / energy.unit for k in seeds]
            parts = [np.stack(drawn, axis=1)]
        else:
            parts = [recipe.spread * rng.standard_normal((n, h))]
        parts += [rng.standard_normal((h, h)) * np.sqrt(2 / h) for _ in range(recipe.layers)]
        parts += [rng.standard_normal((h, d)) / np.sqrt(h)]
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
        xp, L = self.xp, self.layers
        g = (
            self.circle.pull_back(gradient)
            if self.circle
            else gradient.reshape(self.offset.shape) * self.unit
        )
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
