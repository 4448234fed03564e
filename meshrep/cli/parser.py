"""A parser of command lines whose errors are one sentence, for the program and the scripts."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from meshrep.errors import InputError


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, and that takes negative values of any spelling."""

    def __init__(self, **settings: Any) -> None:
        self.values: dict[str, bool] = {}  # option -> whether a value may follow it
        super().__init__(**settings)

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """As argparse does it; remembers which options take a value."""
        action = super().add_argument(*names, **settings)
        self.values |= dict.fromkeys(action.option_strings, action.nargs in (None, "?"))
        return action

    def error(self, message: str) -> NoReturn:
        """One sentence instead of the whole usage."""
        raise InputError(f"{message} ({self.prog} --help lists the options)")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it; an option that is not known is refused with what is near."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            name = rest[0].partition("=")[0]
            near = difflib.get_close_matches(name, self.values, 1, 0.7)
            hint = f": did you mean {near[0]}?" if near else ""
            self.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
        return options

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, once negative values are joined to their options."""
        return super().parse_known_args(
            self.joined(sys.argv[1:] if args is None else args), namespace
        )

    def joined(self, words: Sequence[str]) -> list[str]:
        """``--s1 -1e-3`` as ``--s1=-1e-3``: argparse would take such a value for an option."""
        out: list[str] = []
        for k, word in enumerate(words):
            if word == "--":
                return [*out, *words[k:]]
            value = word.startswith("-") and not word.startswith("--") and word not in self.values
            if value and out and self.values.get(out[-1]):
                out[-1] += f"={word}"
            else:
                out.append(word)
        return out
