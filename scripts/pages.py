"""Write the parts of README.md and docs/ that are made from the code itself.

    python scripts/pages.py            write them anew
    python scripts/pages.py --check    say which ones are out of date; exit code 1 where any is

A part stands between ``<!-- NAME: made by python scripts/pages.py -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

from meshrep.base.tables import markdown
from meshrep.cli.exits import exit_code
from meshrep.cli.help import TOPICS, page
from meshrep.energies.catalogue import named_energy
from meshrep.solving.catalogue import known_solvers
from meshrep.sources.spec import SENTENCES
from meshrep.view.write import write_text

ROOT = Path(__file__).resolve().parent.parent
OF_README = ("newton", "lbfgs", "multilevel", "nesterov", "adam", "lift", "gcn", "kernel")
PART = re.compile(r"(<!-- ([\w-]+): made by python scripts/pages\.py -->\n).*?(<!-- end -->)", re.S)


def code(words: Iterable[str]) -> str:
    """Words as code, joined by commas."""
    return ", ".join(f"`{word}`" for word in words)


def few_solvers() -> str:
    """Eight solvers, what they are and when to use which."""
    known = known_solvers()
    rows = [[code([name]), known[name].sentence, known[name].when] for name in OF_README]
    return markdown(["solver", "what it is", "when to use it"], rows)


def all_solvers() -> str:
    """Every named solver by its group, with the settings that it has."""
    parts = []
    for group, solvers in groupby(known_solvers().values(), key=lambda solver: solver.group):
        rows = [
            [code([s.name]), s.sentence, s.when, code(x.name for x in s.settings) or "–"]
            for s in solvers
        ]
        heading = f"### {group.capitalize()}"
        parts.append(heading + "\n\n" + markdown(["name", "what it is", "when", "settings"], rows))
    return "\n\n".join(parts)


def settings() -> str:
    """Every setting: its values, its defaults, and the solvers that have it."""
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for solver in known_solvers().values():
        for setting in solver.settings:
            about = found.setdefault((setting.name, setting.help, setting.values), {})
            about.setdefault(setting.default_in_words, []).append(solver.name)
    rows = []
    for (name, about, values), defaults in sorted(found.items()):
        having = "; ".join(f"{default}: {code(names)}" for default, names in defaults.items())
        rows.append([code([name]), about, values, having])
    return markdown(
        ["setting", "what it is", "values", "default, and the solvers that have it"], rows
    )


def examples() -> str:
    """Every example with the first line of its docstring."""
    rows = []
    for path in sorted((ROOT / "examples").glob("*.py")):
        said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        line = said.split("\n")[0].replace("``", "`")
        rows.append([f"[{path.name}](../examples/{path.name})", line])
    return markdown(["program", "what it shows"], rows)


def screens() -> str:
    """What ``meshrep --help`` and its topics print; the solvers have a page of their own."""
    parts = []
    for topic in ("", *TOPICS):
        if topic != "solvers":
            typed = f"meshrep --help {topic}".rstrip()
            parts.append(f"### {typed}\n\n```\n{page(topic).rstrip()}\n```")
    return "\n\n".join(parts)


def problem() -> str:
    """The file of a problem of conduction."""
    return f"```toml\n{named_energy('conduct').example}```"


def graphs() -> str:
    """Every graph by name with what it is."""
    return markdown(
        ["name", "what it is"], [[code([name]), said] for name, said in SENTENCES.items()]
    )


PARTS: dict[str, Callable[[], str]] = {
    "few-solvers": few_solvers,
    "all-solvers": all_solvers,
    "settings": settings,
    "examples": examples,
    "graphs": graphs,
    "screens": screens,
    "problem": problem,
}


def renewed(text: str) -> str:
    """A page with every part made anew."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[3]}", text)


def main(arguments: list[str]) -> int:
    """Write or check all pages that have such parts."""
    behind = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if renewed(text) != text:
            behind.append(path.relative_to(ROOT))
            if "--check" not in arguments:
                write_text(renewed(text), path)
    print("\n".join(map(str, behind)) or "every page is up to date")
    return int(bool(behind) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(exit_code("pages", lambda: main(sys.argv[1:])))
