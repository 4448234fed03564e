"""The results of runs: a section per suite in JSON, and the page made of them.

A later run of a suite replaces its section and leaves the others as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import machine
from meshrep.base.backends import installed
from meshrep.cli.outputs.collector import writable
from meshrep.errors import InputError
from meshrep.view.write import write_json, write_text

Draw = Callable[[dict[str, Any], Path], list[tuple[str, str]]]
Section = dict[str, Any]

HEAD = (
    "# Benchmarks\n\n"
    "Made by `python scripts/benchmark.py`; a section is replaced when its suite is run again. "
    "Where solvers end on energies with many minima is on [another page](basins.md), and so is "
    "[topology](topology.md)."
)

PARTS = {"text", "data", "about", "machine"}
# Sections in the order of the page; others follow.
ORDER = (
    "startup", "kernels", "heat", "conduction", "oscillators", "scale", "basins",
)  # fmt: skip


@dataclass(frozen=True)
class Store:
    """``stem``.json, ``stem``.md and a folder of figures of that name, in one place."""

    place: Path
    stem: str

    @property
    def _json(self) -> Path:
        return self.place / f"{self.stem}.json"

    def sections(self) -> dict[str, Section]:
        """Return the sections of earlier runs by suite; none if there were no runs.

        Raises
        ------
        InputError
            If the file is not one of ours.
        """
        if not self._json.exists():
            return {}
        try:
            found = json.loads(self._json.read_text(encoding="utf-8"))["suites"]
            whole = all(set(section) >= PARTS for section in found.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise InputError(
                f"{self._json} is not a file of the benchmark: move it away, or choose "
                "another --out"
            )
        return found

    def keep(self, name: str, section: Section) -> None:
        """Save the section of a suite at once, so that finished suites survive a Ctrl-C."""
        write_json({"suites": self.sections() | {name: section}}, self._json)

    def page(self, drawers: dict[str, Draw]) -> Path:
        """Write the page of all sections in a fixed order, and draw the figures anew."""
        found = self.sections()
        parts = [HEAD]
        newest = max(found.values(), key=lambda part: part["machine"]["date"], default=None)
        if newest:
            parts.append(machine.words(newest["machine"]))
        for name in sorted(found, key=lambda name: ORDER.index(name) if name in ORDER else 99):
            section = found[name]
            parts.append(section["text"])
            if name in drawers and installed("matplotlib"):
                pictures = writable(self.place / self.stem)
                for file, caption in drawers[name](section["data"], pictures):
                    parts.append(f"![{caption}]({self.stem}/{file})")
            parts.append(said(section, newest))
        return write_text("\n\n".join(parts) + "\n", self.place / f"{self.stem}.md")


def said(section: Section, newest: Section | None) -> str:
    """Say when and by which command a section was made, and on which machine if it is another."""
    about, own = section["about"], section["machine"]
    quick = " It was a quick run: smaller sizes, fewer rounds." if about["quick"] else ""
    text = f"*`{about['command']}` took {about['seconds']:,.0f} s on {own['date']}.{quick}*"
    fixed = ("processor", "cores", "memory_gb", "versions")
    if newest and any(own.get(name) != newest["machine"].get(name) for name in fixed):
        text += "\n\n" + machine.words(own)
    return text
