"""What a solver is made of: a minimiser, variables, a stopping rule, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from meshrep.errors import InputError, kind_of
from meshrep.minimisers.base import Minimiser
from meshrep.minimisers.monitor import Stopping
from meshrep.parametrizations.base import Identity, Parametrization

if TYPE_CHECKING:
    from meshrep.solving.declaration import NamedSolver


@dataclass(frozen=True)
class Solver:
    """A minimiser in some variables, and what follows it.

    Attributes
    ----------
    minimiser : Minimiser
        The algorithm.
    parametrization : Parametrization
        The variables in which it works.
    stopping : Stopping
        When this stage ends.
    then : Solver or None
        The next stage, which starts from this one's field.
    name : str
        What reports call it.
    backend : str
        "numpy", "numba", "torch" or "auto". "auto" is torch for a network on a GPU, and otherwise
        the first back end of the minimiser that is installed.
    leg : bool
        Whether the stage ends only so that its variables are laid out anew. Legs and the stage
        after them share a limit on steps.
    """

    minimiser: Minimiser
    parametrization: Parametrization = field(default_factory=Identity)
    stopping: Stopping = field(default_factory=Stopping)
    then: Solver | None = None
    name: str = ""
    backend: str = "auto"
    leg: bool = False

    def __post_init__(self) -> None:
        _check("minimiser", self.minimiser, Minimiser, "run(objective, monitor)")
        _check(
            "parametrization", self.parametrization, Parametrization,
            "build(energy, start, backend, seed)",
        )  # fmt: skip
        _check("stopping", self.stopping, Stopping)
        if self.then is not None:
            _check("then", self.then, Solver)
        if not (self.minimiser.parametrizable or isinstance(self.parametrization, Identity)):
            raise InputError(
                f"{self.minimiser.name} works on the field itself: drop the parametrization "
                f"{self.parametrization.name}, or take lbfgs or adam"
            )

    @property
    def label(self) -> str:
        """The name, or a name made of the parts."""
        if self.name:
            return self.name
        inner = self.minimiser.name
        if not isinstance(self.parametrization, Identity):
            inner = f"{self.parametrization.name}-{inner}"
        return inner if self.then is None else f"{inner}+{self.then.label}"

    @property
    def stages(self) -> list[Solver]:
        """This stage and all that follow."""
        return [self, *(self.then.stages if self.then else [])]

    def limited(self, **limits: Any) -> Solver:
        """The solver with every stage's stopping rule changed where a limit is not None.

        A stage that another one follows keeps its own number of steps if that is smaller.
        """
        given = {name: limit for name, limit in limits.items() if limit is not None}
        whole = dict(given)
        if self.then and "max_steps" in given:  # a stage hands over where it would without a limit
            given["max_steps"] = min(self.stopping.max_steps, given["max_steps"])
        return replace(
            self,
            stopping=replace(self.stopping, **given),
            then=self.then.limited(**whole) if self.then else None,
        )


def _check(part: str, given: object, kind: type, method: str = "") -> None:
    """Raise InputError if a part of a solver is not of the wanted kind."""
    if isinstance(given, kind):
        return
    wanted = f"meshrep.{kind.__name__}"
    writes = f", which writes {method}" if method else ""
    if isinstance(given, type) and issubclass(given, kind):
        raise InputError(f"{part}: {given.__name__} is a class: write {given.__name__}(…)")
    if isinstance(given, type) and hasattr(given, "step") and kind is Minimiser:
        raise InputError(
            f"{part}: {given.__name__} is an optimiser of torch's kind: write "
            f"meshrep.TorchOptimiser({given.__name__})"
        )
    shown = repr(given) if isinstance(given, str | type) else kind_of(given)
    raise InputError(f"{part}: {shown} is not a {wanted}: give a subclass of it{writes}")


# A name, a declaration, a composition, a minimiser, or a class: see catalogue.compose.
AnySolver: TypeAlias = "str | NamedSolver | Solver | Minimiser | type"


def name_of(solver: AnySolver) -> str:
    """The name in reports of a solver in any form, before it is composed."""
    if isinstance(solver, str):
        return solver
    if isinstance(solver, Solver):
        return solver.label
    return str(getattr(solver, "name", None) or getattr(solver, "__name__", type(solver).__name__))
