"""A field in the variables of a parametrization, as a module of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.nn.bare import Bare
from meshrep.nn.layout import Layout, backend_of, by_hand
from meshrep.parametrizations.base import Parametrization
from meshrep.sources.naming import nodes_called


class Field(torch.nn.Module):
    """A field whose variables are those of a parametrization; calling it gives the field.

    Parameters
    ----------
    recipe : Parametrization
        The variables: one of meshrep's, or of your own.
    where : Energy, Graph or what ``Graph.of`` takes
        The graph. From an energy on fields of this shape, the variables also take the curvature
        at the start, the natural size of the field and the fixed nodes.
    shape : tuple, optional
        (n,) or (n, d) for one field, (b, n, d) for a batch, with d = 1 for scalars. By default the
        shape of the start, or of the energy's field.
    start : array or tensor, optional
        The first field, of this shape; one field (n, d) may start a whole batch. By default what
        the energy draws from the seed, or zeros.
    unit : float, optional
        The natural size of differences of the field, by which a step length counts. By default the
        energy's; without an energy that of the start, or 1.
    held : (k,) integers, optional
        Nodes that keep their values of the start.
    laplacian : {"graph", "cotan", "robust"}
        The couplings that are taken from a graph.
    seed : int
        Seed of latents and weights; each field of a batch has its own.
    device, dtype : optional
        By default those that torch takes by default.

    Attributes
    ----------
    notes : list of str
        Sentences on how the variables were laid out, and how far a fit to the start came.
    misfit : float
        The largest distance of the first field from the start. It is rounding where the variables
        begin at the start exactly; only a network that is fitted to the start (``prefit``), or one
        that begins at its own output (``network``), differs by more.

    Raises
    ------
    InputError
        For a shape that does not fit the graph, or a start that does not fit the shape.

    Examples
    --------
    >>> import torch, meshrep
    >>> graph = meshrep.graph_from("lattice:8x8")
    >>> field = Field(meshrep.Multilevel(), graph, (graph.n, 3))
    >>> loss = ((field() - 1.0) ** 2).mean()
    >>> loss.backward()
    >>> field.theta.grad.shape == field.theta.shape
    True
    """

    _mask: torch.Tensor
    _held: torch.Tensor

    def __init__(
        self,
        recipe: Parametrization,
        where: Any,
        shape: tuple[int, ...] | None = None,
        *,
        start: Any = None,
        unit: float | None = None,
        held: Any = None,
        laplacian: str = "graph",
        seed: int = 0,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        device = torch.get_default_device() if device is None else torch.device(device)
        backend = backend_of(device, dtype or torch.get_default_dtype())
        graph = where.graph if isinstance(where, Energy) else Graph.of(where)
        first = None if start is None else _host(start)
        self.shape = _shape(shape, first, where, graph)
        self.batch = self.shape[0] if len(self.shape) == 3 else None
        inner = self.shape[-2:] if self.batch is not None else self.shape
        energy = _energy(where, graph, inner, unit, held, laplacian)
        if first is None:
            each = [energy.random_start(seed + k) for k in range(self.batch or 1)]
            starts = np.stack(each)
        else:
            starts = self._starts(first)
            energy = energy.fitted(starts[0])
        starts = np.stack([energy.clamp(one) for one in starts])
        self._layout = Layout(recipe, energy, starts, seed, backend)
        parts, anchors = self._begun(starts)
        for name, part in parts.items():
            self.register_parameter(name, torch.nn.Parameter(part))
        for name, values in anchors.items():
            self.register_buffer(name, values)
        self._anchors = list(anchors)
        self._holds = len(energy.fixed) > 0
        if self._holds:
            self.register_buffer("_held", self._shaped(backend.asarray(starts)))
            mask = np.zeros(inner, dtype=bool)
            mask[energy.fixed] = True
            self.register_buffer("_mask", torch.from_numpy(mask).to(device), persistent=False)
        self.notes = [note for made in self._layout.maps for note in made.notes]
        self.misfit = self._distance(starts)

    def _begun(self, starts: np.ndarray) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Parameters and anchors of the starts by their names, stacked if there is a batch."""
        begun = self._layout.begun(starts)
        stack = torch.stack if self.batch is not None else _only
        names = self._layout.names
        parts = {name: stack([each[0][k] for each in begun]) for k, name in enumerate(names)}
        anchors = {name: stack([each[1][name] for each in begun]) for name in begun[0][1]}
        return parts, anchors

    def _starts(self, values: np.ndarray) -> np.ndarray:
        """Starts (b, n, …) of a field or a batch of them; b is 1 without a batch."""
        count = self.batch or 1
        if self.batch is not None and values.shape == self.shape[1:]:
            values = np.broadcast_to(values, self.shape)
        if values.shape != self.shape:
            raise InputError(
                f"the start must have the shape {self.shape} of the field, not {values.shape}"
            )
        return values.reshape(count, *self.shape[-2:] if self.batch is not None else self.shape)

    def _shaped(self, fields: torch.Tensor) -> torch.Tensor:
        return fields if self.batch is not None else fields[0]

    @torch.no_grad()
    def _distance(self, starts: np.ndarray) -> float:
        field = self().to("cpu", torch.float64).numpy().reshape(starts.shape)
        return float(abs(field - starts).max(initial=0.0))

    @torch.no_grad()
    def begin_at(self, start: Any) -> None:
        """Begin anew at another field, in the same layout; ``misfit`` says how exactly.

        Parameters
        ----------
        start : array or tensor
            Of the field's shape; one field (n, d) may start a whole batch.

        Raises
        ------
        InputError
            For another shape, or variables that are laid out for one start.
        """
        starts = self._starts(_host(start))
        starts = np.stack([self._layout.energy.clamp(one) for one in starts])
        if not self._layout.by_formula:
            raise InputError(
                f"{self._layout.recipe.name} is laid out for one start: make a new module"
            )
        parts, anchors = self._begun(starts)
        for name, values in {**parts, **anchors}.items():
            place: torch.Tensor = getattr(self, name)
            place.copy_(values)
        if self._holds:
            self._held.copy_(self._shaped(self._layout.backend.asarray(starts)))
        self.misfit = self._distance(starts)

    def forward(self) -> torch.Tensor:
        """The field, of ``shape``."""
        parts = [getattr(self, name) for name in self._layout.names]
        if not self._layout.by_formula:
            flat = parts[0] if self.batch is not None else parts[0][None]
            pairs = zip(self._layout.maps, flat, strict=True)
            field = self._shaped(torch.stack([by_hand(*pair) for pair in pairs]))
        else:
            anchor = {name: getattr(self, name) for name in self._anchors}
            formula = self._layout.maps[0].formula
            if self.batch is not None:
                formula = torch.vmap(formula)
            field = formula(parts, anchor)
        return torch.where(self._mask, self._held, field) if self._holds else field

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Move parameters and anchors, and then the layout to where they are."""
        super()._apply(fn, recurse)
        like = next(self.parameters())
        if like.device.type != "meta":
            self._layout = self._layout.on(like.device, like.dtype)
        return self

    def extra_repr(self) -> str:
        """The variables and the shape of the field."""
        return f"{self._layout.recipe.name}, shape={self.shape}"


def _only(items: list[torch.Tensor]) -> torch.Tensor:
    return items[0].clone()


def _host(values: Any) -> np.ndarray:
    """Values as float64 on the host."""
    if isinstance(values, torch.Tensor):
        values = values.detach().to("cpu", torch.float64).numpy()
    return np.array(values, dtype=np.float64)


def _shape(
    shape: tuple[int, ...] | None, start: np.ndarray | None, where: Any, graph: Graph
) -> tuple[int, ...]:
    """The field's shape, from what is given; InputError where it does not fit the graph."""
    if shape is None and start is not None:
        shape = start.shape
    if shape is None:
        shape = where.shape if isinstance(where, Energy) else (graph.n,)
    shape = tuple(int(size) for size in shape)
    node_axis = 1 if len(shape) == 3 else 0
    if not 1 <= len(shape) <= 3 or shape[node_axis] != graph.n or min(shape) < 1:
        raise InputError(
            f"a field on {graph.n} nodes has the shape ({graph.n},), ({graph.n}, d) or, for a "
            f"batch, (b, {graph.n}, d), not {shape}"
        )
    return shape


def _energy(
    where: Any, graph: Graph, shape: tuple[int, ...], unit: float | None, held: Any, laplacian: str
) -> Energy:
    """The energy whose variables are laid out: the given one where it is of the field's shape."""
    if unit is not None and not 0 < unit < np.inf:
        raise InputError(f"the unit of a field must be a positive number, not {unit}")
    nodes = np.zeros(0, dtype=np.int64)
    if held is not None and np.size(held):
        nodes = nodes_called(graph, np.asarray(held), "held", numbers_of="graph")
    if isinstance(where, Energy) and where.shape == shape and unit is None and held is None:
        return where
    coupling = where.coupling if isinstance(where, Energy) else laplacian
    return Bare(graph, shape, coupling, nodes, unit)
