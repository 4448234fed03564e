"""A named solver as one declaration: its name, what it is, when to use it, its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from meshrep.base.pickling import Lean
from meshrep.base.settings import Setting, checked
from meshrep.energies.base import Energy
from meshrep.errors import InputError, kind_of
from meshrep.solving.solver import Solver


@dataclass(frozen=True)
class NamedSolver(Lean):
    """Everything that is known of a solver by its name.

    ``solve``, the command line, the tables of the documentation and every error message derive
    from this. A file in ``meshrep/solving/named/`` whose ``SOLVERS`` lists such declarations adds
    them; :func:`meshrep.register` adds one from outside.

    Attributes
    ----------
    name : str
        What users call it.
    sentence : str
        What it is, in one sentence.
    when : str
        When to use it, in one sentence.
    build : callable
        ``build(energy, **settings)`` gives the :class:`Solver`; settings that were not given are
        left out of the call.
    settings : tuple of Setting
        What can be set.
    group : str
        Its heading in tables.
    needs : tuple of str
        Packages that it needs. Without them it cannot run, and is compared only if it is named.

    Examples
    --------
    >>> from meshrep import LBFGS, NamedSolver, Setting, Solver
    >>> memory = Setting("memory", int, "steps remembered", default=10, least=1)
    >>> short = NamedSolver(
    ...     "lbfgs-short", "L-BFGS that remembers few steps.", "When memory is short.",
    ...     lambda energy, memory=3: Solver(LBFGS(memory=memory)), (memory,),
    ... )
    >>> short.solver(None, memory=5).minimiser.memory
    5
    """

    name: str
    sentence: str
    when: str
    build: Callable[..., Solver]
    settings: tuple[Setting, ...] = ()
    group: str = "others"
    needs: tuple[str, ...] = ()

    def solver(self, energy: Energy, **settings: Any) -> Solver:
        """The composition for an energy, under the declaration's name.

        Raises
        ------
        InputError
            For a setting that it does not have, or a value out of its range.
        """
        built: object = self.build(energy, **checked(self.name, self.settings, settings))
        if not isinstance(built, Solver):
            raise InputError(
                f"{self.name}: its build gave {kind_of(built)} and not a meshrep.Solver"
            )
        return replace(built, name=self.name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """By its name, if other processes know the name too."""
        from meshrep.solving.catalogue import listed_solver

        known = listed_solver(self.name) is self
        return (listed_solver, (self.name,)) if known else super().__reduce_ex__(protocol)

    def takes(self, setting: str) -> bool:
        """Whether it has a setting of that name."""
        return any(setting == known.name for known in self.settings)
