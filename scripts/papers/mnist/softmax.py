"""A linear classifier of images as an energy, with one column of weights per class.

    E(w) = mean over images of [ log Σ_k exp(x·w_k) − x·w_y ],   w (pixels, classes)

The graph is the grid of pixels. Networks propagate along the covariance of the images, which is,
up to a factor, the second moment of the first gradients.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

import meshrep
from meshrep.base.backends import Array, Backend
from meshrep.energies.base import Energy
from meshrep.energies.evaluator import ByHost, Evaluator
from meshrep.errors import InputError
from papers.mnist.digits import CLASSES, Digits

LINKS = ("covariance", "grid")


class SoftmaxRegression(Energy):
    """The mean cross-entropy of a linear softmax classifier without a bias.

    Parameters
    ----------
    digits : Digits
        Images to learn from and to be tested on.
    batch : int, optional
        Images per evaluation. Each epoch goes through all images in an order of its own, and leaves
        out the last ones that fill no batch. By default every evaluation takes all images.
    links : {"covariance", "grid"}
        What networks propagate along: the covariance of the pixels over the images, with entries
        of either sign and its diagonal, or the grid of pixels.
    seed : int
        Seeds the order of the images.

    Raises
    ------
    InputError
        For a batch of no images or of more than there are, and unknown links.

    Notes
    -----
    Convex. Judged on all images to learn from.

    References
    ----------
    Both, Dehmamy, Long and Yu, P2 §7.3.
    """

    convex = True
    unit = 1.0  # so that rates are absolute, as in the paper
    scale = 1.0  # type: ignore[assignment]

    def __init__(
        self, digits: Digits, *, batch: int | None = None, links: str = "covariance", seed: int = 0
    ) -> None:
        super().__init__(meshrep.graph_from(f"lattice:{digits.side}x{digits.side}"))
        if batch is not None and not 1 <= batch <= len(digits.images):
            raise InputError(f"a batch has 1 to {len(digits.images)} images, not {batch}")
        if links not in LINKS:
            raise InputError(f"unknown links {links!r}: choose {', '.join(LINKS)}")
        self.digits, self.batch, self.links, self.seed = digits, batch, links, int(seed)
        self.stochastic = batch is not None

    @property
    def shape(self) -> tuple[int, ...]:
        """(pixels, classes)."""
        return self.graph.n, CLASSES

    @cached_property
    def coupling(self) -> sparse.csr_array:
        """The covariance of the pixels (n, n), or the adjacency of the grid."""
        if self.links == "grid":
            return self.graph.adjacency
        return sparse.csr_array(np.cov(self.digits.images.T))

    def random_start(self, seed: int = 0) -> np.ndarray:
        """Draw uniformly from ±1/√pixels, as torch starts a linear layer."""
        edge = 1.0 / np.sqrt(self.graph.n)
        return np.random.default_rng(seed).uniform(-edge, edge, self.shape)

    def on(self, backend: Backend) -> Evaluator:
        """Return an evaluator on NumPy, by copies for tensors; each call takes the next batch."""
        inner = _Evaluator(self, backend.dtype, drawn=self.stochastic)
        return inner if backend.xp is np else ByHost(inner, backend)

    def formula(self, backend: Backend) -> Evaluator:
        """Return an evaluator with a ``value`` in the back end's operations."""
        return self.on(backend) if backend.xp is np else _Formula(self, backend)

    @cached_property
    def judge(self) -> Evaluator:
        """The evaluator on all images to learn from."""
        return _Evaluator(self, "float64", drawn=False)

    def loss(self, w: np.ndarray) -> float:
        """Return the energy in float32 without its gradient, to follow a run."""
        logits = self._images @ w.astype(np.float32)
        right = logits[np.arange(len(logits)), self.digits.labels]
        top = logits.max(axis=1)
        logits -= top[:, None]
        np.exp(logits, out=logits)
        return float((np.log(logits.sum(axis=1)) + top - right).mean(dtype=np.float64))

    @cached_property
    def _images(self) -> np.ndarray:
        return self.digits.images.astype(np.float32)

    def told_right(self, w: np.ndarray) -> np.ndarray:
        """Say for each test image whether its class has the largest logit, bool (k,)."""
        said = (self.digits.test_images @ w).argmax(axis=1)
        return said == self.digits.test_labels

    def accuracy(self, w: np.ndarray) -> float:
        """Return the share of test images that are told right."""
        return float(self.told_right(w).mean())

    def measures(self, w: np.ndarray) -> dict[str, float]:
        """Return the share of test images that are told right."""
        return {"test accuracy": self.accuracy(w)}

    def settings(self) -> dict[str, Any]:
        """Return everything that defines the energy beside the graph."""
        return {
            "energy": "SoftmaxRegression", "images": self.digits.name, "batch": self.batch,
            "links": self.links, "seed": self.seed,
        }  # fmt: skip


class _Draws:
    """The batches in their order; the order of an epoch is drawn once."""

    def __init__(self, energy: SoftmaxRegression) -> None:
        self.energy, self.call, self.epoch = energy, 0, -1
        self.order: np.ndarray = np.zeros(0, dtype=np.int64)

    def next(self) -> np.ndarray | slice:
        """Return the numbers of the images in the next batch."""
        batch, count = self.energy.batch, len(self.energy.digits.images)
        if batch is None:
            return slice(None)
        epoch, number = divmod(self.call, count // batch)
        if epoch != self.epoch:
            self.epoch = epoch
            self.order = np.random.default_rng([self.energy.seed, epoch]).permutation(count)
        self.call += 1
        return self.order[number * batch : (number + 1) * batch]


class _Evaluator(Evaluator):
    """Value and gradient on NumPy; with ``drawn`` every call takes the next batch."""

    def __init__(self, energy: SoftmaxRegression, dtype: str, drawn: bool) -> None:
        self.images = energy.digits.images.astype(dtype)
        self.labels = energy.digits.labels
        self.draws = _Draws(energy) if drawn else None

    def value_and_grad(self, w: Array) -> tuple[float, Array]:
        chosen = self.draws.next() if self.draws else slice(None)
        images, labels = self.images[chosen], self.labels[chosen]
        rows = np.arange(len(labels))
        logits = images @ w
        logits -= logits.max(axis=1, keepdims=True)
        right = logits[rows, labels]
        np.exp(logits, out=logits)
        total = logits.sum(axis=1)
        value = float((np.log(total) - right).mean())
        logits /= total[:, None]  # now the probabilities
        logits[rows, labels] -= 1.0
        return value, images.T @ logits / len(labels)


class _Formula(Evaluator):
    """The energy as tensor operations, for code that differentiates them."""

    def __init__(self, energy: SoftmaxRegression, backend: Backend) -> None:
        self.xp, self.host = backend.xp, energy.on(backend)
        self.images = backend.asarray(energy.digits.images)
        self.labels = backend.index(energy.digits.labels)
        self.draws = _Draws(energy) if energy.stochastic else None

    def value(self, w: Array) -> Array:
        """Return the mean cross-entropy of the next batch."""
        images, labels = self.images, self.labels
        if self.draws:
            chosen = self.xp.from_numpy(self.draws.next())
            images, labels = images[chosen], labels[chosen]
        logits = images @ w
        right = logits.gather(1, labels[:, None])[:, 0]
        return (self.xp.logsumexp(logits, 1) - right).mean()

    def value_and_grad(self, w: Array) -> tuple[Any, Array]:
        return self.host.value_and_grad(w)
