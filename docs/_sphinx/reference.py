"""The reference: every public name, by the room of the code in which it is at home."""

import re
from pathlib import Path
from typing import Any

import meshrep
from meshrep import nn

ROOMS = {
    "sources": ("Graphs from files, arrays, names and other packages", ""),
    "graphs": ("Graphs", ""),
    "energies": ("Energies", "What is minimised: heat, conduction, phases, topology, your own."),
    "solving": ("Solving and comparing", ""),
    "flows": ("Motion in time", ""),
    "sweeps": ("Sweeps", "One problem at many parameters."),
    "diagnosis": ("Diagnosis", ""),
    "view": ("Pictures and films", "``Solution.plot`` and ``Trajectory.plot`` call them."),
    "persistence": ("Persistent homology", ""),
    "parametrizations": ("Parametrizations", "The variables in which a solver moves."),
    "minimisers": ("Minimisers", "The methods that move."),
    "base": ("Results, back ends and settings", ""),
    "errors": ("Errors", ""),
}
TORCH = "As modules and functions of torch"


def write(folder: Path) -> None:
    """One page with all names; autosummary makes the page of each."""
    rooms: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name, home in meshrep._HOME.items():
        rooms[home.split(".")[1]].append(f"meshrep.{name}")
    parts = [_part(*ROOMS[room], names) for room, names in rooms.items() if names]
    parts.append(
        _part(
            "On datasets of PyVista",
            "``mesh.meshrep`` on every dataset, once meshrep is installed.",
            ["meshrep.accessor.MeshrepAccessor"],
        )
    )
    parts.append(
        _part(TORCH, "For training loops of your own.", [f"meshrep.nn.{n}" for n in nn.__all__])
    )
    text = _heading("Reference", "=") + "Every public name.\n\n" + "\n".join(parts)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.rst"
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def bars(app: Any, what: str, name: str, about: Any, options: Any, lines: list[str]) -> None:
    """Let |x| be an absolute value in docstrings, which reStructuredText takes for a reference."""
    for k, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        if not line.lstrip().startswith((">>>", "...")):
            lines[k] = "".join(p if p.startswith("``") else p.replace("|", r"\|") for p in parts)


def _part(title: str, said: str, names: list[str]) -> str:
    rows = "\n".join(f"    {name}" for name in sorted(names, key=str.lower))
    return f"{_heading(title, '-')}{said}\n\n.. autosummary::\n    :toctree: .\n\n{rows}\n"


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n\n"
