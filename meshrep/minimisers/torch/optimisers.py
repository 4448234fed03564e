"""Any optimiser with the interface of ``torch.optim`` as a minimiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array, installed
from meshrep.base.outcome import Result
from meshrep.errors import InputError, MeshrepError, SolveError
from meshrep.minimisers.base import (
    Minimiser,
    Objective,
    check_step_length,
    read,
    read_every,
)
from meshrep.minimisers.monitor import Monitor
from meshrep.minimisers.torch.classes import (
    accepted,
    decays,
    needs_closure,
    optimiser_class,
    own_rate,
    wants_curvature,
)

if TYPE_CHECKING:
    import torch

    from meshrep.minimisers.torch.rehearsal import Traits

LEAST_RATE = 0.02  # the least default step length, which is that of our Adam
FIRST_DRAWS = 32  # minimum number of draws for the first estimate of the Hessian's diagonal


@dataclass(frozen=True)
class Sheet:
    """Flat parameters (p,), counted without dimension and folded to a matrix for an optimiser.

    The matrix holds (params − origin) / unit, padded with zeros.
    """

    count: int
    rows: int
    columns: int
    origin: float
    unit: float

    @classmethod
    def of(cls, objective: Objective, layout: str) -> Sheet:
        """The sheet of a layout.

        "field" is n × d for a field and p × 1 for other variables; "square" is nearly square.
        """
        count = len(objective.start)
        counted = objective.energy.origin if objective.direct else 0.0, objective.unit
        if layout == "square":
            rows = int(np.ceil(np.sqrt(count)))
            return cls(count, rows, -(-count // rows), *counted)
        shape = objective.energy.shape
        columns = shape[1] if objective.direct and len(shape) == 2 else 1
        return cls(count, count // columns, columns, *counted)

    @property
    def padding(self) -> int:
        """Number of entries that hold no variable."""
        return self.rows * self.columns - self.count

    def counted(self, params: Array) -> Array:
        """(params − origin) / unit."""
        return params if self.plain else (params - self.origin) / self.unit

    def params(self, sheet: Array) -> Array:
        """The parameters (p,) of a matrix; a view of it where the origin is 0 and the unit 1."""
        flat = self.flat(sheet)
        return flat if self.plain else self.origin + self.unit * flat

    @property
    def plain(self) -> bool:
        """Whether the origin is 0 and the unit 1."""
        return self.origin == 0.0 and self.unit == 1.0

    def fold(self, flat: Array) -> Array:
        """A new matrix (rows, columns) with the entries of ``flat`` (p,)."""
        sheet = flat.new_zeros(self.rows * self.columns)
        sheet[: self.count] = flat
        return sheet.reshape(self.rows, self.columns)

    def flat(self, sheet: Array) -> Array:
        """The variables (p,) of a matrix, as a view of it."""
        flat = sheet.reshape(-1)
        return flat[: self.count] if self.padding else flat


class TorchOptimiser(Minimiser):
    """The loop ``loss.backward(); optimiser.step()`` with any torch optimiser.

    It is the usual way to minimise in torch, and the baseline for what a reparametrization gains.
    The gradient is torch's own if the variables are the field and the energy has a torch formula;
    otherwise it is the energy's.

    Parameters
    ----------
    method : str or type
        "adam", "rmsprop", "shampoo", "soap", "package.module:Class" or a class; see
        :func:`meshrep.minimisers.torch.classes.optimiser_class`.
    name : str, optional
        Name in reports; by default the method.
    layout : {"field", "square"}
        The matrix that the optimiser sees. "field" keeps the field's shape; a field of scalars is
        n × 1, for which Shampoo and similar methods build n × n matrices. "square" folds the
        variables row by row to a nearly square matrix, padded with entries whose gradient is 0.
        The layout makes no difference to methods that work on single entries.
    lr : float, optional
        Step length; by default the class's own, but at least 0.02. The optimiser sees a problem
        without dimension, (w − origin) / unit and E / scale of the energy, because its other
        numbers, such as Adam's ε, are absolute.
    **settings
        Keyword arguments of the class. Weight decay is off unless it is given.

    Raises
    ------
    MissingPart
        If torch has no such class and the package pytorch_optimizer is not installed.
    InputError
        For an unknown class or setting, or a class that cannot work on one variable.

    Notes
    -----
    The ``step`` of some optimisers (AdaHessian, Sophia) takes an estimate of the Hessian's
    diagonal. It gets Hutchinson's: z ⊙ Hz averaged over draws of z with independent entries of
    mean 0 and variance 1. H is the energy's own Hessian, so the variables must be the field
    itself. The first estimate takes 32 draws, even if the class asks for fewer. With a single
    draw, a node of a graph with equal weights gets 0 if all its neighbours draw its own sign, and
    the first step would be divided by that 0.

    Schedule-free optimisers train at one point and evaluate at another. The history shows the
    former, and the run ends at the latter.

    Fixed nodes are reset to their values before every evaluation. A step that mixes entries or
    shrinks them moves all entries, whatever their gradients.

    Some optimisers (PSGD, SPAM) draw from the global random generators of torch, NumPy or Python.
    These generators start from the seed. Since all threads share them, runs in several threads
    take turns.
    """

    backends = ("torch",)
    concurrent = False

    def __init__(
        self,
        method: str | type = "Adam",
        *,
        name: str | None = None,
        layout: str = "field",
        lr: float | None = None,
        **settings: Any,
    ) -> None:
        if layout not in ("field", "square"):
            raise InputError(f"unknown layout {layout!r}: choose field or square")
        if lr is not None:
            check_step_length(lr)
        self.name = name or (method if isinstance(method, str) else method.__name__)
        self.method, self.layout, self.lr = method, layout, lr
        self.settings, self.follows_noise = settings, True
        self._traits: dict[tuple[str, str], Traits] = {}
        self._pairs: dict[tuple[str, str], float] = {}
        if installed("torch"):
            self._find()

    def _find(self) -> None:
        """Find the class and what its constructor and its ``step`` take."""
        self.optimiser = optimiser_class(self.method)
        self.title = self.optimiser.__name__
        self.settings = accepted(self.optimiser, self.settings)
        self.rate = own_rate(self.optimiser)
        if self.lr is not None and self.rate is None:
            raise InputError(f"{self.title} has no setting 'lr': it chooses the step length itself")
        self.curvature = wants_curvature(self.optimiser)
        self.parametrizable = not self.curvature
        self.follows_noise = not (self.curvature or needs_closure(self.optimiser))

    def _make(self, variable: torch.Tensor) -> Any:
        """Construct the optimiser of a variable."""
        rate = {}
        if self.rate is not None:
            rate["lr"] = self.lr or max(self.rate, LEAST_RATE)
        return self.optimiser([variable], **rate, **self.settings)

    def _traits_for(self, objective: Objective) -> Traits:
        """The optimiser's traits on the objective's device; refuse what it cannot minimise."""
        from meshrep.minimisers.torch.rehearsal import numbers_a_pair, traits

        if self.curvature and not objective.direct:
            raise InputError(
                f"{self.title} needs the Hessian's diagonal, which is known only for the field "
                "itself: drop the parametrization, or use another optimiser"
            )
        backend, start = objective.backend, objective.start
        key = backend.device, backend.dtype
        sheet = Sheet.of(objective, self.layout)
        large = sheet.rows > limits.PAIRS_OF_ROWS_UP_TO
        try:
            if key not in self._traits:
                closure = needs_closure(self.optimiser)
                self._traits[key] = traits(self._make, start, closure, self.curvature)
            found = self._traits[key]
            if large and key not in self._pairs:
                arguments = self._make, start, found.closure, self.curvature
                self._pairs[key] = numbers_a_pair(*arguments)
        except Exception as error:
            raise InputError(f"{self.title} cannot be used here: {_line(error)}") from error
        if large and self._pairs[key]:
            size = self._pairs[key] * sheet.rows**2 * start.element_size() / 1e9
            raise InputError(
                f"{self.title} builds matrices over all pairs of rows, and for {sheet.rows:,} rows "
                f"of variables these take {size:,.1f} GB: fold the variables with layout='square' "
                f"(--set layout=square), or use at most {limits.PAIRS_OF_ROWS_UP_TO:,} nodes"
            )
        return found

    def warm_up(self, objective: Objective) -> None:
        """Find the optimiser's traits, and evaluate once."""
        self._traits_for(objective)
        formula = self._formula(objective)
        sheet = Sheet.of(objective, self.layout)
        variable = sheet.fold(sheet.counted(objective.start)).requires_grad_(True)
        self._gradient(objective, formula, sheet, variable)
        if objective.energy.stochastic:
            formula = self._formula(objective)  # a new formula starts again at the first batch
        objective.formula, objective.evaluations = formula, 0

    def _formula(self, objective: Objective) -> Any:
        """The energy in torch operations; None if there is none or there is a parametrization."""
        if not objective.direct:
            return None
        return getattr(objective.energy.formula(objective.backend), "value", None)

    def _gradient(self, objective: Objective, formula: Any, sheet: Sheet, variable: Any) -> Any:
        """Write the gradient to ``variable.grad``; return the energy, both without dimension."""
        import torch

        scale = objective.energy.scale
        if formula is None:
            value, gradient = objective.value_and_grad(sheet.params(variable.detach()))
            variable.grad = sheet.fold(gradient) * (1.0 / objective.slope)
            return value / scale
        objective.evaluations += 1
        shape = objective.energy.shape
        held = sheet.params(variable.detach()).view(shape)
        objective.fixed.hold(held)
        if len(objective.fixed) and not sheet.plain:
            variable.data[:] = sheet.fold(sheet.counted(held.reshape(-1)))
        variable.grad = None
        with torch.enable_grad():
            loss = formula(sheet.params(variable).reshape(shape)) / scale
            loss.backward()
        objective.fixed.clear(sheet.flat(variable.grad).view(shape))
        return loss.detach()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Take steps until the monitor stops the run."""
        from meshrep.minimisers.torch.rehearsal import drawing_from

        with drawing_from(objective.seed, objective.start.device):
            return self._steps(objective, monitor)

    def _steps(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        from meshrep.minimisers.torch.rehearsal import keeps_matrices

        traits, sheet = self._traits_for(objective), Sheet.of(objective, self.layout)
        variable = sheet.fold(sheet.counted(objective.start)).requires_grad_(True)
        optimiser = self._make(variable)
        formula = objective.formula or self._formula(objective)
        diagonal = _Diagonal(objective, sheet, optimiser) if self.curvature else None
        schedule_free = callable(getattr(optimiser, "train", None))
        if schedule_free:
            optimiser.train()
        every = read_every(objective.backend)
        step, scale = 0, objective.energy.scale

        def evaluate() -> Any:
            return self._gradient(objective, formula, sheet, variable)

        while True:
            energy = evaluate()
            if step % every == 0 or step >= monitor.stopping.max_steps:
                sizes = [variable.grad.norm()] if objective.direct else []
                value, *size = read(objective.backend, energy, *sizes)
                norm = size[0] * objective.slope if size else np.nan
                params = sheet.params(variable.detach())
                verdict = monitor.record(step, value * scale, params, norm)
                if verdict:
                    if schedule_free:
                        optimiser.eval()
                    shaped = traits.shaped or keeps_matrices(optimiser, variable)
                    self._add_notes(monitor, sheet, shaped)
                    return verdict, params, step
            try:
                if diagonal is not None:
                    optimiser.step(hessian=diagonal.estimate(variable, step))
                elif traits.closure:
                    optimiser.step(evaluate)
                else:
                    optimiser.step()
            except MeshrepError:
                raise
            except Exception as error:
                raise SolveError(
                    f"{self.title} failed in step {step + 1}: {_line(error)}"
                ) from error
            step += 1

    def _add_notes(self, monitor: Monitor, sheet: Sheet, shaped: bool) -> None:
        """Note the layout, if the steps depend on it, and every weight decay that is off."""
        if shaped:
            padding = f", of which {sheet.padding} are padding" if sheet.padding else ""
            monitor.notes.append(
                f"{self.title} sees a matrix of {sheet.rows:,} × {sheet.columns:,} entries{padding}"
            )
        for name in decays(self.optimiser):
            if self.settings[name] == 0:
                monitor.notes.append(
                    f"{name} of {self.title} is off, because it would move the minimum"
                )


class _Diagonal:
    """Hutchinson's estimate of the diagonal of the energy's Hessian, for the steps that use it."""

    def __init__(self, objective: Objective, sheet: Sheet, optimiser: Any) -> None:
        import torch

        self.objective, self.sheet = objective, sheet
        self.samples = int(getattr(optimiser, "num_samples", 1))
        self.period = int(getattr(optimiser, "update_period", 1))
        self.normal = getattr(optimiser, "distribution", "rademacher") == "gaussian"
        device = objective.start.device
        self.generator = torch.Generator(device).manual_seed(objective.seed)

    def estimate(self, variable: torch.Tensor, step: int) -> list[torch.Tensor] | None:
        """The mean of z ⊙ Hz as a sheet; None at a step that reuses the last estimate."""
        if step % self.period:
            return None
        params = self.sheet.params(variable.detach())
        samples = self.samples if step else max(self.samples, FIRST_DRAWS)
        found = hutchinson(self.objective, params, samples, self.draw)
        return [self.sheet.fold(found * (self.sheet.unit / self.objective.slope))]

    def draw(self, like: torch.Tensor) -> torch.Tensor:
        """Independent entries of mean 0 and variance 1."""
        import torch

        out = torch.empty_like(like)
        if self.normal:
            return out.normal_(generator=self.generator)
        return out.random_(0, 2, generator=self.generator).mul_(2).sub_(1)


def hutchinson(
    objective: Objective,
    params: Array,
    samples: int,
    draw: Callable[[Array], Array],
) -> Array:
    """An unbiased estimate (p,) of the Hessian's diagonal at ``params``; it is 0 at fixed nodes.

    Each sample costs one product with the Hessian.

    References
    ----------
    Bekas, Kokiopoulou and Saad, "An estimator for the diagonal of a matrix" (2007), after
    Hutchinson (1990).
    """
    total = params * 0
    for _ in range(samples):
        z = draw(params)
        objective.fixed.clear(z.reshape(objective.energy.shape))
        total += z * objective.hvp(params, z)
    return total / samples


def _line(error: Exception) -> str:
    """The message of an exception on one line."""
    return " ".join(str(error).split()) or type(error).__name__
