"""The screens of ``meshrep --help``: one page, and a page a topic, an energy or a solver."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Sequence

from meshrep.base.settings import Setting
from meshrep.cli import declared
from meshrep.cli.declared import flag
from meshrep.energies.catalogue import known_energies
from meshrep.energies.declaration import NamedEnergy
from meshrep.errors import InputError

WIDTH, COLUMN = 98, 30
TOPICS = ("heat", "phases", "topology", "time", "solvers", "pictures", "input", "graphs")

FIRST = """\
usage: meshrep FILE [options]      or      meshrep --graph SPEC [options]

Put an energy on a mesh, lattice, point cloud or network, minimise it by several solvers,
and see the field and how the solvers compare.

what goes in
  FILE                        a mesh, cloud or network; a bare name is looked up in assets/ too
  --graph SPEC                instead of a file: lattice:50x50, ring:625, rgg:2500, cloud:300, …
  --seed N, --start WHAT      of all that is random; random, mean or a .npy file
which physics
"""
MIDDLE = """\
  --transient T               follow it in time instead of minimising
which solver
  --solver NAME               one alone; auto chooses
  --compare A,B,…             several from the same start (the default: those that suit the energy)
  --set NAME=VALUE            a setting of a solver, as --set degree=12; several times for several
  --max-seconds S, --max-steps N, --gtol G, --restarts K
  --diagnose                  say why solves were slow, and what to take
what comes out
  --out DIR                   fields, pictures, report and history (default out/NAME-PHYSICS)
  --film FILE                 a film of the run; --no-show, --no-pictures, --quiet
  --view SIDE, --clip PLANE, --size WxH, --dpi N, …   how pictures look (--help pictures)
examples
  meshrep bunny.ply --bath
  meshrep bracket.vtu --conduct
  meshrep part.vtu --hot "z > zmax - 0.1" --cold "z < zmin + 0.1" --kind dirichlet
  meshrep --graph lattice:50x50 --kuramoto --compare gcn,lbfgs,lift
  meshrep --graph cloud:300 --topology --bound 2 --film loops.mp4
more: meshrep --help TOPIC, where TOPIC is one of
  """


def wanted(words: Sequence[str]) -> str | None:
    """The topic that a command line asks help on; "" for the first page, None for no help."""
    for k, word in enumerate(words):
        if word in ("--help", "-h"):
            after = words[k + 1 : k + 2]
            return after[0] if after and not after[0].startswith("-") else ""
    return None


def page(topic: str = "") -> str:
    """The page on a topic, an energy or a solver.

    Raises
    ------
    InputError
        When there is no such page; says what is near.
    """
    energies = known_energies()
    if not topic:
        return _first(energies.values())
    if topic == "solvers":
        return _solvers()
    if topic == "graphs":
        return _graphs()
    if topic in TOPICS:
        return _topic(topic, [e for e in energies.values() if e.topic == topic])
    if topic in energies:
        example = energies[topic].example
        shown = f"\n\nexample of a FILE\n{textwrap.indent(example, '  ')}" if example else ""
        return _of_energy(energies[topic]) + shown.rstrip()
    from meshrep.solving.catalogue import known_solvers

    known = known_solvers()
    if topic in known or topic.endswith("-torch"):
        return _solver(topic)
    names = list(dict.fromkeys([*TOPICS, *energies, *known]))
    near = difflib.get_close_matches(topic, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(f"no help on {topic!r}: {hint}there is help on {', '.join(names)}")


def _first(energies: Iterable[NamedEnergy]) -> str:
    lines = []
    for energy in energies:
        words = f"--{energy.name}"
        if energy.name == "heat":
            words = "--bath [ends|random]"
        elif energy.argument is not None:
            argument = energy.argument
            words += f" [{_shape(argument)}]"
        lines.append(_row(words, energy.sentence))
    topics = f"{' | '.join(TOPICS)} | NAME of a solver"
    return FIRST + "\n".join(lines) + "\n" + MIDDLE + topics


def _row(left: str, right: str, indent: int = 2) -> str:
    """A line of two columns; the right one is wrapped."""
    room = WIDTH - COLUMN
    wrapped = textwrap.wrap(right, room) or [""]
    first = " " * indent + left
    lines = []
    if len(first) > COLUMN - 2:
        lines.append(first)
    else:
        lines.append(first.ljust(COLUMN) + wrapped.pop(0))
    return "\n".join([*lines, *(" " * COLUMN + line for line in wrapped)])


def _option(setting: Setting) -> str:
    """An option of the command line with its values and default."""
    left = flag(setting.name)
    if setting.kind is not bool:
        left += f" {_shape(setting)}"
    default = setting.default_in_words
    return _row(left, setting.help + ("" if default in ("–", "false") else f" (default {default})"))


def _shape(setting: Setting) -> str:
    """What stands for a value."""
    kinds = {int: "N", float: "X", str: "TEXT", bool: "true"}
    return setting.metavar or "|".join(setting.choices) or kinds[setting.kind]


def _of_energy(energy: NamedEnergy) -> str:
    lines = [f"{energy.name}: {energy.sentence}", f"  {energy.equation}"]
    if energy.argument is not None:
        argument = energy.argument
        default = argument.default_in_words
        lines.append(
            _row(f"--{energy.name} [{_shape(argument)}]", f"{argument.help} (default {default})")
        )
    elif energy.name != "heat":
        lines.append(_row(f"--{energy.name}", "choose it"))
    lines += [_option(option) for option in energy.options]
    if energy.remark:
        indent = "  "
        lines += textwrap.wrap(
            energy.remark, WIDTH, initial_indent=indent, subsequent_indent=indent
        )  # fmt: skip
    return "\n".join(lines)


def _topic(topic: str, energies: Sequence[NamedEnergy]) -> str:
    more: dict[str, tuple[Setting, ...]] = {
        "heat": declared.FIELD,
        "phases": (declared.FIELD[0],),
        "time": declared.FLOW,
        "pictures": (*declared.OUTPUT, *declared.LOOK),
        "input": declared.INPUT,
    }
    lines = [_of_energy(energy) for energy in energies]
    options = "\n".join(_option(setting) for setting in more.get(topic, ()))
    if options:
        lines.append(f"{'also' if energies else topic}\n{options}")
    return "\n\n".join(lines)


def _graphs() -> str:
    from meshrep.sources.spec import SENTENCES

    rows = [_row(example, sentence) for example, sentence in SENTENCES.items()]
    return "\n".join(["graphs: what --graph takes; --seed draws those that are random", *rows])


def _solvers() -> str:
    from meshrep.solving.catalogue import GROUPS, known_solvers

    known = known_solvers()
    lines = ["the solvers (meshrep --help NAME shows one with its settings)"]
    groups = dict.fromkeys([*GROUPS, *(solver.group for solver in known.values())])
    for group in groups:
        inside = [solver for solver in known.values() if solver.group == group]
        if inside:
            lines.append(f"\n{group}")
            lines += [_row(solver.name, solver.sentence) for solver in inside]
    lines.append(_row("NAME-torch", "any optimiser of torch.optim or pytorch_optimizer"))
    options = (*declared.SOLVERS, *declared.LIMITS, *declared.AFTER)
    return "\n".join([*lines, "\noptions", *(_option(setting) for setting in options)])


def _solver(name: str) -> str:
    from meshrep.solving.catalogue import named_solver

    solver = named_solver(name)
    lines = textwrap.wrap(f"{solver.name}: {solver.sentence}", WIDTH)
    lines += textwrap.wrap(f"When: {solver.when}", WIDTH)
    lines += [
        _row(
            f"--set {setting.name}={_shape(setting)}",
            f"{setting.help}; {setting.values} (default {setting.default_in_words})",
        )
        for setting in solver.settings
    ]
    return "\n".join(lines if solver.settings else [*lines, "  it has no settings"])
