"""A named energy as one declaration: its name, its equation, its options, how it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshrep.base.pickling import Lean
from meshrep.base.settings import Setting, checked
from meshrep.errors import InputError

if TYPE_CHECKING:
    from meshrep.energies.base import Energy
    from meshrep.graphs.graph import Graph


@dataclass(frozen=True)
class Idle:
    """Options that have no effect beside others, and are refused.

    Attributes
    ----------
    when : callable
        Given the options that were given, says whether the rule applies.
    names : tuple of str
        The options that have no effect then.
    why : str
        Completes the sentence that begins with the option's name.
    """

    when: Callable[[Mapping[str, Any]], bool]
    names: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class NamedEnergy(Lean):
    """Everything that the command line and its help know of an energy by its name.

    A file in ``meshrep/energies/named/`` whose ``ENERGIES`` lists such declarations adds them.

    Attributes
    ----------
    name : str
        What users call it; ``--NAME`` chooses it.
    topic : str
        Its page of the help: "heat", "phases" or "topology".
    sentence : str
        What it is, in one line.
    equation : str
        What is minimised.
    build : callable
        ``build(graph, seed, **options)`` gives the energy and sentences that say what was built;
        options that were not given are left out of the call.
    options : tuple of Setting
        What can be set, as ``--OPTION VALUE``.
    argument : Setting or None
        The value of ``--NAME`` itself, such as K in ``--kuramoto K``.
    idle : tuple of Idle
        Options that have no effect beside others.
    remark : str
        What else a user should know before choosing it; ends its page of the help.
    example : str
        The content of a file that its argument may name.
    implied : callable or None
        ``implied(source, argument)`` gives options of the command line by name, as they would be
        typed, that a file named by the argument states; ``source`` is the graph's file or recipe.
    """

    name: str
    topic: str
    sentence: str
    equation: str
    build: Callable[..., tuple[Energy, list[str]]]
    options: tuple[Setting, ...] = ()
    argument: Setting | None = None
    idle: tuple[Idle, ...] = ()
    remark: str = ""
    example: str = ""
    implied: Callable[[str, str], Mapping[str, Any]] | None = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """By its name, if the catalogue holds it."""
        from meshrep.energies.catalogue import known_energies, named_energy

        known = known_energies().get(self.name) is self
        return (named_energy, (self.name,)) if known else super().__reduce_ex__(protocol)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The options with the argument of the name."""
        return self.options if self.argument is None else (self.argument, *self.options)

    def energy(self, graph: Graph, seed: int = 0, **options: Any) -> tuple[Energy, list[str]]:
        """The energy on a graph, and sentences that say what was built.

        Raises
        ------
        InputError
            For an option that it does not have, a value out of range, options that exclude each
            other, or for a graph that the energy cannot be on.
        """
        given = checked(self.name, self.settings, options)
        self.refuse_idle(given)
        return self.build(graph, seed, **given)

    def refuse_idle(self, given: Mapping[str, Any], spelled: Callable[[str], str] = str) -> None:
        """Raise InputError for an option that has no effect; ``spelled`` gives its spelling."""
        for rule in self.idle:
            for name in rule.names if rule.when(given) else ():
                if given.get(name) is not None:
                    raise InputError(f"{spelled(name)} {rule.why}")
