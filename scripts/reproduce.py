"""The papers' experiments, row by row: ``python scripts/reproduce.py [row …]``.

Without rows it lists them and says which are done. Each row writes its page, its data and its
figures into a folder of its own under ``--out``. A row that was stopped goes on where it stopped.

Exit codes: 0 done; 1 a piece failed, or a row needs a package that is not installed; 2 the input
cannot be used; 130 interrupted.
"""

from __future__ import annotations

import functools
import shutil
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from meshrep.base.interrupts import hold, interruptible, listen

INTERRUPTED = "interrupted; finished pieces are kept, and the same command goes on"
if __name__ == "__main__":
    listen("reproduce", INTERRUPTED)

from bench import machine
from papers.ledger import Ledger, run
from papers.page import write_page, write_row
from papers.row import Row
from papers.rows import ROWS

from meshrep.base.backends import installed
from meshrep.base.progress import ProgressLine
from meshrep.cli.exits import exit_code
from meshrep.cli.outputs.collector import writable
from meshrep.cli.parser import OneLineParser
from meshrep.errors import InputError, MeshrepError

DOCS = Path(__file__).resolve().parent.parent / "docs" / "papers.md"


def parser() -> OneLineParser:
    top = OneLineParser(
        prog="reproduce.py", description=__doc__.splitlines()[0], allow_abbrev=False
    )
    add = top.add_argument
    add("rows", nargs="*", metavar="row", help="what to run (without any: list them)")
    add("--all", action="store_true", help="every row")
    add("--quick", action="store_true", help="small: fewer seeds, sizes and settings")
    add("--fresh", action="store_true", help="forget what an earlier run of the rows left")
    add("--out", type=Path, metavar="DIR",
        help="where to write (default out/reproduce, or out/reproduce-quick)")  # fmt: skip
    add("--docs", action="store_true", help="make docs/papers.md of what full runs left")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    return exit_code(
        "reproduce",
        lambda: _main(parser().parse_args(arguments)),
        INTERRUPTED,
    )


def _main(options: Any) -> int:
    if options.rows and options.all:
        raise InputError("name rows or give --all, not both")
    if options.docs and options.quick:
        raise InputError("--docs is made of full runs: drop --quick")
    place = options.out or Path(f"out/reproduce{'-quick' * options.quick}")
    wanted = chosen(options.rows, options.all)
    if not wanted and not options.docs:
        if options.fresh:
            raise InputError("--fresh of which rows? Name them, or give --all")
        listing(place, options.quick)
        return 0
    ledgers = {row.name: Ledger(writable(place / row.name)) for row in wanted}
    for row in wanted:  # check all rows before spending hours on the first
        if options.fresh:
            ledgers[row.name].forget()
        ledgers[row.name].check(options.quick, row.version)
    describe = functools.cache(machine.describe)
    done = {row.name: one(row, options, ledgers[row.name], describe) for row in wanted}
    if len(wanted) > 1:
        width = max(map(len, done))
        print("\n".join(f"{name:<{width}}  {row.verdict}" for name, row in done.items()))
    if options.docs:
        everything = [Ledger(place / row.name) for row in ROWS.values()]
        if not any(ledger.pieces() for ledger in everything):
            raise InputError(
                f"nothing was run in {place} to make docs of: run a row first, or --all"
            )
        for row, ledger in zip(ROWS.values(), everything, strict=True):
            ledger.check(False, row.version)
        print(f"wrote {write_page(list(ROWS.values()), everything, False, DOCS)}")
    return 0 if all(row.whole for row in done.values()) else 1


def chosen(names: Sequence[str], everything: bool) -> list[Row]:
    """Return the rows asked for, in the order of the page.

    Raises
    ------
    InputError
        If a name is unknown.
    """
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise InputError(f"unknown row {unknown[0]!r}: choose {', '.join(ROWS)}")
    return [row for name, row in ROWS.items() if everything or name in names]


@dataclass(frozen=True)
class Done:
    """The outcome of a row: whether all its pieces are done, and its verdict, if any."""

    whole: bool
    verdict: str


def one(row: Row, options: Any, ledger: Ledger, describe: Callable[[], dict[str, Any]]) -> Done:
    """Run a row and write its results, even if pieces failed or Ctrl-C came."""
    missing = [package for package in row.needs if not installed(package)]
    if missing:
        print(f"{row.name}: needs {', '.join(missing)}: pip install {' '.join(missing)}",
              file=sys.stderr)  # fmt: skip
        return Done(False, f"not run, for want of {', '.join(missing)}")
    count = len(row.pieces(options.quick))
    begun, ran, failed, where = time.perf_counter(), 0, 0, ""
    page = None

    def tell(number: int, key: str, does: str) -> None:
        nonlocal where
        where = f"{row.name} {number}/{count}, {key}"
        line.show(f"{where}: {does}" if does else where)

    try:
        hold()
        with ProgressLine() as line, interruptible():
            for _, seconds, failure in run(row, options.quick, ledger, describe, tell):
                line.clear()
                became = f"{seconds:,.1f} s" if failure is None else f"failed: {told(failure)}"
                print(f"{where}: {became}", file=sys.stderr, flush=True)
                ran, failed = ran + 1, failed + (failure is not None)
    finally:
        page = _written(row, ledger, options.quick)
    took = f"{row.name}: {count - failed} of {count} pieces done, {ran - failed} of them now"
    took += f", {failed} failed" * bool(failed) + f" ({time.perf_counter() - begun:,.0f} s)"
    if page is None:
        print(took)
        return Done(False, "no page: see above")
    path, verdict = page
    if len(options.rows) == 1:
        print(path.read_text(encoding="utf-8"))
    print(f"{took}, wrote {path}")
    plural = "s" * (failed > 1)
    return Done(not failed, verdict + f" ({failed} piece{plural} failed)" * bool(failed))


def _written(row: Row, ledger: Ledger, quick: bool) -> tuple[Path, str] | None:
    """Write the row's page; return it with its verdict, or None, with a message, if that fails."""
    try:
        return write_row(row, ledger, quick)
    except MeshrepError as error:
        print(f"{row.name}: {error}", file=sys.stderr)
    except Exception as error:
        print(f"{row.name}: no page of these pieces: {told(error)}", file=sys.stderr)
    return None


def told(error: Exception) -> str:
    """Return one sentence for an expected error, and the traceback for any other."""
    if isinstance(error, MeshrepError):
        return str(error)
    return "".join(traceback.format_exception(error)).rstrip()


def listing(place: Path, quick: bool) -> None:
    """Print every row, its claim and how much of it is done."""
    width = shutil.get_terminal_size((88, 24)).columns
    for row in ROWS.values():
        wanted = list(row.pieces(quick))
        done = Ledger(place / row.name).pieces()
        state = f"{sum(key in done for key in wanted)} of {len(wanted)} pieces done"
        print(f"{row.name}  ({row.source}; {state})")
        print(textwrap.fill(row.claim, width, initial_indent="    ", subsequent_indent="    "))
    print("\nrun one:  python scripts/reproduce.py ROW [--quick]      all:  --all")


if __name__ == "__main__":
    sys.exit(main())
