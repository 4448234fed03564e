"""The named solvers: their declarations, the choice of "auto", and what a name builds."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Any

from meshrep.base.backends import installed
from meshrep.base.settings import unknown
from meshrep.energies.base import Energy
from meshrep.errors import InputError
from meshrep.minimisers.base import Minimiser
from meshrep.parametrizations.base import Parametrization
from meshrep.solving import named
from meshrep.solving.declaration import NamedSolver
from meshrep.solving.named.torch import TORCH, of_torch
from meshrep.solving.solver import Solver

GROUPS = ("networks", "first order", "curvature", "linear variables", "phases", "torch")

_registered: dict[str, NamedSolver] = {}


def register(solver: NamedSolver) -> None:
    """Add a named solver, so that ``solve``, the command line and the tables know it.

    Parameters
    ----------
    solver : NamedSolver
        Its declaration.

    Raises
    ------
    InputError
        When another solver has the name already.
    """
    if solver.name == "auto" or known_solvers().get(solver.name, solver) is not solver:
        raise InputError(f"there is a solver called {solver.name!r} already: choose another name")
    _registered[solver.name] = solver


def known_solvers() -> dict[str, NamedSolver]:
    """Every named solver by its name: those of ``meshrep/solving/named/`` and the registered ones.

    Their order is that of tables, by groups.
    """
    found = [*_listed(), *_registered.values()]
    place = {group: number for number, group in enumerate(GROUPS)}
    found.sort(key=lambda solver: place.get(solver.group, len(GROUPS)))  # stable within a group
    return {solver.name: solver for solver in found}


def _listed() -> Iterator[NamedSolver]:
    for module in pkgutil.iter_modules(named.__path__):
        yield from getattr(
            importlib.import_module(f"{named.__name__}.{module.name}"), "SOLVERS", ()
        )


def listed_solver(name: str) -> NamedSolver | None:
    """The declaration of a name in ``meshrep/solving/named/``, which every process knows."""
    return next((solver for solver in _listed() if solver.name == name), None)


def named_solver(name: str) -> NamedSolver:
    """The declaration of a name, or of an optimiser of torch's kind with "-torch" after its name.

    Raises
    ------
    InputError
        When no solver has the name. The message gives the nearest name and all names.
    MissingPart
        For an optimiser with "-torch" after its name, except adam-torch, if torch is not
        installed, or the package that it may belong to.
    """
    known = known_solvers()
    if name in known:
        return known[name]
    if name.endswith(TORCH):
        return of_torch(name.removesuffix(TORCH))
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(
        f"unknown solver {name!r}: {hint}known are auto, {', '.join(known)}, and "
        f"NAME{TORCH} for any optimiser of torch"
    )


def check_names(names: Iterable[str]) -> None:
    """Check that every name is known or "auto"; raises as :func:`named_solver` does."""
    for name in names:
        if name != "auto":
            named_solver(name)


def solver_named(name: str, energy: Energy, **settings: Any) -> Solver:
    """The composition that a name builds for an energy.

    Raises
    ------
    InputError
        For an unknown name, a setting that the solver does not have, or a value out of range.
    MissingPart
        As :func:`named_solver` does.
    """
    return named_solver(name).solver(energy, **settings)


def compose(
    energy: Energy, solver: Any, settings: dict[str, Any] | None = None
) -> tuple[Solver, list[str]]:
    """The composition for a solver in any form, and notes on what was chosen.

    Parameters
    ----------
    energy : Energy
    solver : str, NamedSolver, Solver, Minimiser or class
        A name or "auto"; a declaration; a composition; a minimiser, which then works on the field
        itself; or a class with the interface of ``torch.optim.Optimizer``.
    settings : dict, optional
        For a name, a declaration or a class.

    Raises
    ------
    InputError
        For any other object, or settings that the solver does not have.
    """
    given = settings or {}
    if isinstance(solver, str) and ":" in solver and not solver.endswith(TORCH):
        return of_torch(solver).build(energy, **given), []
    if isinstance(solver, str):
        notes = []
        if solver == "auto":
            solver, why = energy.auto_solver
            notes.append(f"auto chose {solver}: {why}")
        return solver_named(solver, energy, **given), notes
    if isinstance(solver, NamedSolver):
        return solver.solver(energy, **given), []
    if isinstance(solver, type) and hasattr(solver, "step"):
        return of_torch(solver).build(energy, **given), []
    if isinstance(solver, type) and issubclass(solver, Minimiser):
        solver = _made(solver, given)
    elif given and isinstance(solver, Minimiser | Solver):
        raise InputError(
            f"{', '.join(given)} only apply to a solver given by name: set them where it is made"
        )
    if isinstance(solver, Minimiser):
        return Solver(solver), []
    if isinstance(solver, Solver):
        return solver, []
    raise InputError(_why_not(solver))


def _made(kind: type[Minimiser], settings: dict[str, Any]) -> Minimiser:
    """A minimiser of a class."""
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise InputError(f"{kind.__name__} has no method {missing}: see meshrep.Minimiser")
    try:
        inspect.signature(kind).bind(**settings)
    except TypeError as error:
        raise InputError(f"{kind.__name__} cannot be made with these settings: {error}") from error
    return kind(**settings)


def _why_not(solver: object) -> str:
    """Why an object cannot be used as a solver, and what to give instead."""
    name = solver.__name__ if isinstance(solver, type) else type(solver).__name__
    if callable(getattr(solver, "run", None)):
        return (
            f"{name} has a method run but is not a meshrep.Minimiser: make it a subclass, which "
            "brings the methods warm_up and minimise"
        )
    if callable(getattr(solver, "step", None)):
        return (
            f"this {name} already holds variables of its own: give its class and its settings, "
            f"as in solve(energy, {name}, lr=0.1)"
        )
    if isinstance(solver, Parametrization):
        return (
            f"{name} is a parametrization and not a solver: write "
            f"meshrep.Solver(meshrep.LBFGS(), {name}(…))"
        )
    if isinstance(solver, type):
        return (
            f"the class {name} has neither run, as a meshrep.Minimiser has, nor step, as an "
            "optimiser of torch's kind has"
        )
    return (
        f"{solver!r} is not a solver: give a name, a meshrep.Solver, a meshrep.Minimiser, or a "
        "class with the interface of torch.optim.Optimizer"
    )


def shared_among(solvers: Iterable[Any], settings: dict[str, Any]) -> None:
    """Check that each setting belongs to one of the named solvers that are to be compared.

    Raises
    ------
    InputError
        When none of them has it. The message lists the settings that they have.
    """
    named = [named_solver(s) if isinstance(s, str) else s for s in solvers if s != "auto"]
    declared = [solver for solver in named if isinstance(solver, NamedSolver)]
    for name in settings:
        if not any(solver.takes(name) for solver in declared):
            names = [setting.name for solver in declared for setting in solver.settings]
            owners = ", ".join(solver.name for solver in declared) or "none of the solvers"
            raise InputError(unknown(owners, name, dict.fromkeys(names)))


def taken_by(solver: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that a solver has, of those given; none if it is not given by name."""
    if isinstance(solver, str):
        if solver == "auto":
            return {}
        solver = named_solver(solver)
    if not isinstance(solver, NamedSolver):
        return {}
    return {name: value for name, value in settings.items() if solver.takes(name)}


def compared(energy: Energy) -> list[str]:
    """The solvers that are compared on an energy by default, without those that need a package
    that is not installed."""
    known = known_solvers()
    return [name for name in energy.compared_solvers if all(map(installed, known[name].needs))]
