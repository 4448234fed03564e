"""The command line: ``meshrep bunny.ply --bath``. Options come in here, and only here is printed.

Exit codes: 0 done; 1 every solver failed; 2 the input cannot be used; 130 interrupted.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meshrep.base.interrupts import hold, pending
from meshrep.cli.exits import all_out, output_closed
from meshrep.cli.help import page, wanted
from meshrep.cli.options import Options, parse
from meshrep.cli.printer import Printer
from meshrep.errors import MeshrepError

if TYPE_CHECKING:
    from meshrep.cli.problem import Problem
    from meshrep.solving.compare import Comparison


INTERRUPTED_LATE = "meshrep: interrupted after the last solve; all results were saved"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    warnings.showwarning = _note
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        words = sys.argv[1:] if arguments is None else list(arguments)
        topic = wanted(words)
        if topic is not None:
            print(page(topic))
            return all_out(0)
        return all_out(_main(parse(words)))
    except MeshrepError as error:
        print(f"meshrep: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError:
        print("meshrep: not enough memory for this problem: take a smaller one", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("meshrep: interrupted before there was a result to save", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return output_closed()


def _main(options: Options) -> int:
    """Options, then the problem, then the comparison or the flow, then the outputs."""
    begun = time.perf_counter()
    say = Printer(options.output.quiet)
    from meshrep.cli.outputs.collector import Outputs
    from meshrep.cli.problem import check_solvers, choose_solvers, pose

    check_solvers(options.solving)
    problem = pose(options, say)
    chosen = choose_solvers(options.solving, problem.energy)  # refuses before a folder is made
    name = f"{problem.energy.graph.name}-{options.posed.name}"
    outputs = Outputs(options.output.folder or Path("out") / name)
    hold()  # from here on there may be something to lose
    with say.compiling():
        if options.flow is not None:
            from meshrep.cli.following import follow

            return follow(problem, options.flow, options.output, outputs, say)
        from meshrep.cli.comparing import examine, save, solve_all

        comparison = solve_all(problem, chosen, options.solving, options.output, outputs, say)
    if comparison.solutions:
        save(comparison, problem, options.solving, options.output, outputs, say)
        if options.solving.diagnose and not comparison.interrupted:
            examine(comparison, problem, options.output, outputs.folder, say)
    say(f"total {time.perf_counter() - begun:.1f} s")
    code = _verdict(comparison, problem)
    if code == 0 and options.output.show:
        from meshrep.cli.comparing import show

        show(comparison, options.output.look)
        code = _verdict(comparison, problem)  # Ctrl-C may have come while the window was open
    return code


def _verdict(comparison: Comparison, problem: Problem) -> int:
    """The exit code, and a sentence where it is not 0."""
    if comparison.interrupted:
        moves = problem.energy.quantity == "position"
        what = "points so far were" if moves else "field so far was"
        print(f"meshrep: interrupted; the best {what} saved", file=sys.stderr)
        return 130
    if pending():
        print(INTERRUPTED_LATE, file=sys.stderr)
        return 130
    if not comparison.solutions:
        print("meshrep: every solver failed, see the table", file=sys.stderr)
        return 1
    if all(row.result.name in ("DIVERGED", "FAILED") for row in comparison.solutions):
        print("meshrep: every solver diverged; the best finite field was saved", file=sys.stderr)
        return 1
    return 0


def _note(message: Any, *_: Any, **__: Any) -> None:
    """A warning as one line."""
    print(f"note: {' '.join(str(message).split())}", file=sys.stderr)
