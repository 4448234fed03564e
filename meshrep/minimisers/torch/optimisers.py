"""Optimisers of the literature: anything with the interface of ``torch.optim`` as a minimiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from meshrep.base import limits
from meshrep.base.backends import Array, installed
from meshrep.base.outcome import Result
from meshrep.errors import InputError, MeshrepError, SolveError
from meshrep.minimisers.base import Minimiser, Objective, check_step_length
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

LEAST_RATE = 0.02  # where the class's own default is shorter: that of our Adam
FIRST_DRAWS = 32  # at least, for the first estimate of the Hessian's diagonal


@dataclass(frozen=True)
class Sheet:
    """Flat variables (p,) as the matrix that an optimiser sees, zeros after the last one."""

    count: int
    rows: int
    columns: int

    @classmethod
    def of(cls, objective: Objective, layout: str) -> Sheet:
        """As they are (n × d for a field, p × 1 for other variables), or nearly square."""
        count = len(objective.start)
        if layout == "square":
            rows = int(np.ceil(np.sqrt(count)))
            return cls(count, rows, -(-count // rows))
        shape = objective.energy.shape
        columns = shape[1] if objective.direct and len(shape) == 2 else 1
        return cls(count, count // columns, columns)

    @property
    def padding(self) -> int:
        """Entries that are no variable."""
        return self.rows * self.columns - self.count

    def fold(self, flat: Array) -> Array:
        """A matrix of its own (rows, columns) with the entries of ``flat`` (p,)."""
        sheet = flat.new_zeros(self.rows * self.columns)
        sheet[: self.count] = flat
        return sheet.reshape(self.rows, self.columns)

    def flat(self, sheet: Array) -> Array:
        """The variables (p,) of a matrix, sharing its memory."""
        flat = sheet.reshape(-1)
        return flat[: self.count] if self.padding else flat


class TorchOptimiser(Minimiser):
    """A loop of ``loss.backward(); optimiser.step()`` with an optimiser named or given.

    The baseline for what a reparametrization gains: the usual way to minimise in torch. The
    gradient is torch's own where the variables are the field and the energy has a torch formula,
    and the energy's where not.

    Parameters
    ----------
    method : str or type
        "adam", "rmsprop", "shampoo", "soap", "package.module:Class", a class: see
        :func:`meshrep.minimisers.torch.classes.optimiser_class`.
    name : str, optional
        What reports call it; the method by default.
    layout : {"field", "square"}
        The variables as they are (a field of scalars is n × 1, for which Shampoo and its kin
        build n × n matrices), or folded row by row to a matrix as square as can be, padded with
        entries whose gradient is 0. It makes no difference to methods that work on single entries.
    lr : float, optional
        Step length; by default the class's own, but no shorter than 0.02. Where steps keep their
        length whatever the gradients' size, as Adam's do, it is in the energy's ``unit``.
    **settings
        Keyword arguments of the class. Weight decay is off unless it is given.

    Raises
    ------
    MissingPart
        When torch has no such class and the package pytorch_optimizer is not installed.
    InputError
        For an unknown class or setting, or a class that cannot work on one variable.

    Notes
    -----
    Where ``step`` takes an estimate of the Hessian's diagonal (AdaHessian, Sophia), it is
    Hutchinson's: z ⊙ Hz averaged over draws of z with independent entries of mean 0 and
    variance 1, H being the energy's own Hessian. That needs the field itself as the variables.
    The first estimate takes 32 draws, however few the class asks for: by one draw a node of a
    graph with equal weights may get 0, namely where its neighbours all draw its own sign, and
    the first step would be divided by that.
    Optimisers that train at another point than they evaluate at (schedule-free ones) are
    followed at the former and end at the latter.
    Fixed nodes are put back to their values before every evaluation, since a step that mixes
    entries or shrinks them moves all, whatever their gradients.
    What an optimiser draws from the generators that all share, of torch, NumPy or Python (PSGD,
    SPAM), begins at the seed. As they are the whole process's, runs in several threads take turns.
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
        """Look the class up, and what it takes."""
        self.optimiser = optimiser_class(self.method)
        self.title = self.optimiser.__name__
        self.settings = accepted(self.optimiser, self.settings)
        self.rate = own_rate(self.optimiser)
        if self.lr is not None and self.rate is None:
            raise InputError(f"{self.title} has no setting 'lr': it chooses its steps itself")
        self.curvature = wants_curvature(self.optimiser)
        self.parametrizable = not self.curvature
        self.follows_noise = not (self.curvature or needs_closure(self.optimiser))

    def _made(self, variable: torch.Tensor, unit: float = 1.0) -> Any:
        """The optimiser of a variable."""
        rate = {}
        if self.rate is not None:
            rate["lr"] = (self.lr or max(self.rate, LEAST_RATE)) * unit
        return self.optimiser([variable], **rate, **self.settings)

    def _known(self, objective: Objective) -> Traits:
        """What was found out of the optimiser on the objective's device."""
        from meshrep.minimisers.torch.rehearsal import numbers_a_pair, traits

        if self.curvature and not objective.direct:
            raise InputError(
                f"{self.title} needs the Hessian's diagonal, which is to be had of the field and "
                "not of other variables: drop the parametrization, or take another optimiser"
            )
        backend, start = objective.backend, objective.start
        key = backend.device, backend.dtype
        sheet = Sheet.of(objective, self.layout)
        large = sheet.rows > limits.PAIRS_OF_ROWS_UP_TO
        try:
            if key not in self._traits:
                closure = needs_closure(self.optimiser)
                self._traits[key] = traits(self._made, start, closure, self.curvature)
            found = self._traits[key]
            if large and key not in self._pairs:
                arguments = self._made, start, found.closure, self.curvature
                self._pairs[key] = numbers_a_pair(*arguments)
        except Exception as error:
            raise InputError(f"{self.title} cannot be used here: {_line(error)}") from error
        if large and self._pairs[key]:
            size = self._pairs[key] * sheet.rows**2 * start.element_size() / 1e9
            raise InputError(
                f"{self.title} builds matrices over all pairs of rows, and for {sheet.rows:,} rows "
                f"of variables these take {size:,.1f} GB: fold them by layout='square' "
                f"(--layout square), or take at most {limits.PAIRS_OF_ROWS_UP_TO:,} nodes"
            )
        return found

    def warm_up(self, objective: Objective) -> None:
        """Find out what the optimiser does, and evaluate once."""
        self._known(objective)
        formula = self._formula(objective)
        sheet = Sheet.of(objective, self.layout)
        variable = sheet.fold(objective.start).requires_grad_(True)
        self._gradient(objective, formula, sheet, variable)
        if objective.energy.stochastic:
            formula = self._formula(objective)  # whose batches begin anew
        objective.formula, objective.evaluations = formula, 0

    def _formula(self, objective: Objective) -> Any:
        """The energy as torch operations, None where there are none or the field is a map's."""
        if not objective.direct:
            return None
        return getattr(objective.energy.formula(objective.backend), "value", None)

    def _gradient(self, objective: Objective, formula: Any, sheet: Sheet, variable: Any) -> Any:
        """Write the gradient where the optimiser looks for it; return the energy."""
        import torch

        if formula is None:
            value, gradient = objective.value_and_grad(sheet.flat(variable.detach()))
            variable.grad = sheet.fold(gradient)
            return value
        objective.evaluations += 1
        shape = objective.energy.shape
        objective.fixed.hold(sheet.flat(variable.detach()).view(shape))
        variable.grad = None
        with torch.enable_grad():
            loss = formula(sheet.flat(variable).reshape(shape))
            loss.backward()
        objective.fixed.clear(sheet.flat(variable.grad).view(shape))
        return loss.detach()

    def run(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        """Step until the monitor says stop."""
        from meshrep.minimisers.torch.rehearsal import drawing_from

        with drawing_from(objective.seed, objective.start.device):
            return self._steps(objective, monitor)

    def _steps(self, objective: Objective, monitor: Monitor) -> tuple[Result, Array, int]:
        from meshrep.minimisers.torch.rehearsal import keeps_matrices

        known, sheet = self._known(objective), Sheet.of(objective, self.layout)
        variable = sheet.fold(objective.start).requires_grad_(True)
        unit = objective.energy.unit if objective.direct and known.normalised else 1.0
        optimiser = self._made(variable, unit)
        formula = objective.formula or self._formula(objective)
        diagonal = _Diagonal(objective, sheet, optimiser) if self.curvature else None
        modes = callable(getattr(optimiser, "train", None))
        if modes:
            optimiser.train()
        every = 10 if objective.backend.device.startswith("cuda") else 1
        step = 0

        def evaluate() -> Any:
            return self._gradient(objective, formula, sheet, variable)

        while True:
            energy = evaluate()
            if step % every == 0 or step >= monitor.stopping.max_steps:
                norm = float(variable.grad.norm()) if objective.direct else np.nan
                params = sheet.flat(variable.detach())
                verdict = monitor.record(step, float(energy), params, norm)
                if verdict:
                    if modes:
                        optimiser.eval()
                    self._note(monitor, sheet, known.shaped or keeps_matrices(optimiser, variable))
                    return verdict, params, step
            try:
                if diagonal is not None:
                    optimiser.step(hessian=diagonal.estimate(variable, step))
                elif known.closure:
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

    def _note(self, monitor: Monitor, sheet: Sheet, shaped: bool) -> None:
        """Note what is not plain: the layout where it counts, and what was left out."""
        if shaped:
            padded = f", {sheet.padding} entries of them padding" if sheet.padding else ""
            folded = "folded to" if self.layout == "square" else "as"
            seen = f"{folded} {sheet.rows:,} × {sheet.columns:,}{padded}"
            monitor.notes.append(f"{self.title} sees the variables {seen}")
        for name in decays(self.optimiser):
            if self.settings[name] == 0:
                monitor.notes.append(
                    f"{name} of {self.title} is off, since it would move the minimum"
                )


class _Diagonal:
    """Hutchinson's estimate of the diagonal of the energy's Hessian, at the steps that use it."""

    def __init__(self, objective: Objective, sheet: Sheet, optimiser: Any) -> None:
        import torch

        self.objective, self.sheet = objective, sheet
        self.samples = int(getattr(optimiser, "num_samples", 1))
        self.period = int(getattr(optimiser, "update_period", 1))
        self.normal = getattr(optimiser, "distribution", "rademacher") == "gaussian"
        device = objective.start.device
        self.generator = torch.Generator(device).manual_seed(objective.seed)

    def estimate(self, variable: torch.Tensor, step: int) -> list[torch.Tensor] | None:
        """The mean of z ⊙ Hz as a sheet; None at a step that goes on with the last one."""
        if step % self.period:
            return None
        params = self.sheet.flat(variable.detach())
        samples = self.samples if step else max(self.samples, FIRST_DRAWS)
        return [self.sheet.fold(hutchinson(self.objective, params, samples, self.draw))]

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
    """An unbiased estimate (p,) of the Hessian's diagonal at ``params``, 0 at fixed nodes.

    References
    ----------
    Bekas, Kokiopoulou and Saad, "An estimator for the diagonal of a matrix" (2007), after
    Hutchinson (1990); each sample costs one product with the Hessian.
    """
    total = params * 0
    for _ in range(samples):
        z = draw(params)
        objective.fixed.clear(z.reshape(objective.energy.shape))
        total += z * objective.hvp(params, z)
    return total / samples


def _line(error: Exception) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
