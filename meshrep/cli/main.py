"""The command line: ``meshrep bunny.ply --bath``. Options come in here, and only here is printed.

Exit codes: 0 done; 1 every solver failed; 2 the input cannot be used, or an output not written;
130 interrupted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from meshrep.base.interrupts import hold, pending
from meshrep.cli.exits import INTERRUPTED_AND_FAILED, exit_code, tell
from meshrep.cli.help import page, wanted
from meshrep.cli.options import Options, parse
from meshrep.cli.printer import Printer
from meshrep.cli.program import INTERRUPTED_EARLY
from meshrep.errors import InputError

if TYPE_CHECKING:
    from meshrep.cli.outputs.collector import Outputs
    from meshrep.cli.problem import Problem
    from meshrep.solving.compare import Comparison

INTERRUPTED_LATE = "interrupted after the last solve; all results were saved"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    return exit_code("meshrep", lambda: _run(words), INTERRUPTED_EARLY)


def _run(words: list[str]) -> int:
    topic = wanted(words)
    if topic is not None:
        print(page(topic))
        return 0
    return _main(parse(words))


def _main(options: Options) -> int:
    """Options, then the problem, then the comparison or the flow, then the outputs."""
    begun = time.perf_counter()
    say = Printer(options.output.quiet)
    from meshrep.cli.outputs.collector import Outputs, folder_of
    from meshrep.cli.problem import check_solvers, choose_solvers, pose

    check_solvers(options.solving)
    problem = pose(options, say)
    chosen = choose_solvers(options.solving, problem.energy)  # refuses before a folder is made
    default = folder_of(problem.energy.graph.name, options.posed.name)
    outputs = Outputs(options.output.folder or default, options.output.look.format)
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
            examine(comparison, problem, options.output, outputs, say)
    outputs.settle()
    say(f"total {time.perf_counter() - begun:.1f} s")
    code = _verdict(comparison, problem, outputs)
    if code == 0 and options.output.show:
        from meshrep.cli.comparing import show

        show(comparison, options.output.look)
        # Ctrl-C may have come while the window was open.
        code = _verdict(comparison, problem, outputs)
    return code


def _verdict(comparison: Comparison, problem: Problem, outputs: Outputs) -> int:
    """The exit code, and sentences where it is not 0."""
    for failure in outputs.failed:
        tell("meshrep", failure)
    if comparison.interrupted or pending():
        moves = problem.energy.quantity == "position"
        what = "points so far were" if moves else "field so far was"
        so_far = f"interrupted; the best {what} saved"
        saved = so_far if comparison.interrupted else INTERRUPTED_LATE
        tell("meshrep", INTERRUPTED_AND_FAILED if outputs.failed else saved)
        return 130
    if not comparison.solutions:
        tell("meshrep", "every solver failed, see the table")
        return 1
    if all(row.result.name in ("DIVERGED", "FAILED") for row in comparison.solutions):
        saved = "" if outputs.failed else "; the best finite field was saved"
        tell("meshrep", f"every solver diverged{saved}")
        return 1
    return InputError.exit_code if outputs.failed else 0
