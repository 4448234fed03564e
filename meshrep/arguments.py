"""The options of the command line, and what must hold between them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from meshrep.errors import InputError

FILMS = (".mp4", ".gif", ".webp", ".png")

EXAMPLES = """examples:
  meshrep bunny.ply --bath                           heat from end to end, six solvers compared
  meshrep part.vtu --hot "z > zmax - 0.1" --cold "z < zmin + 0.1" --bath-kind dirichlet
  meshrep --graph lattice:50x50 --bath random --compare gcn,gcn-res,adam,adam-torch,newton
  meshrep --graph lattice:1000x1000 --solver newton --no-show
  meshrep bunny.ply --bath --transient 50            the way there, as frames for ParaView
  meshrep bunny.ply --kuramoto                       phases on the bunny, with ρ and vortices
  meshrep --graph lattice:64x64 --xy-glass --solver anneal --restarts 8
  meshrep --graph lattice:50x50 --hopf-kuramoto --s1 0.5 --s2 0.2 --transient 200 --film out.mp4
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence instead of the whole usage."""
        raise InputError(f"{message} (meshrep --help lists the options)")


def parser() -> argparse.ArgumentParser:
    """All options, grouped as the help shows them."""
    top = _Parser(
        prog="meshrep",
        description="Put heat or coupled phases on a mesh, lattice, cloud or network, minimise the "
        "energy by several solvers, and show the field and how they compare.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = top.add_argument
    add(
        "input",
        nargs="?",
        help="a mesh, cloud or network file; a bare name is looked up in assets/ too",
    )
    add(
        "--graph",
        metavar="SPEC",
        help="instead of a file: lattice:50x50, lattice:20x20x20, "
        "triangular:75x75, ring:625, tree:2^9, sbm:10x250, rgg:2500, er:2500, cloud:300",
    )
    add("--neighbours", type=int, metavar="K", help="join a point cloud's K nearest points")
    add("--radius", type=float, help="join a point cloud's points within this distance")

    physics = top.add_argument_group("heat")
    add = physics.add_argument
    add(
        "--bath",
        nargs="?",
        const="ends",
        choices=("ends", "random"),
        help="where the baths are: the two ends of the longest axis (default), or random nodes",
    )
    add("--share", type=float, default=0.1, help="how much is bath at each end (default 0.1)")
    add("--hot", metavar="WHERE", help='hot nodes: "0,5,7-12", a file, or "z < 0.06"')
    add("--cold", metavar="WHERE", help="cold nodes, likewise")
    add(
        "--bath-kind",
        default="quartic",
        choices=("quartic", "quadratic", "dirichlet"),
        help="soft (default), Robin, or held exactly",
    )
    add("--power", type=float, help="the bath's power p instead of --bath-kind's")
    add("--t-hot", type=float, default=1.0, metavar="T")
    add("--t-cold", type=float, default=0.0, metavar="T")
    add("--strength", type=float, default=1.0, metavar="LAMBDA", help="the bath's λ (default 1)")
    add("--laplacian", default="graph", choices=("graph", "cotan", "robust"))
    add(
        "--unbathed",
        default="raise",
        choices=("raise", "hold"),
        help="a component without a bath: an error (default), or held at the mean",
    )
    _oscillators(top.add_argument_group("oscillators"))

    flow = top.add_argument_group("in time")
    add = flow.add_argument
    add("--transient", type=float, metavar="T", help="integrate to time T instead of minimising")
    add("--frames", type=int, default=40, help="frames of a transient (default 40)")
    add(
        "--method",
        default="rk4",
        choices=("rk4", "rk45", "lsoda", "bdf", "radau"),
        help="integrator of a transient (default rk4)",
    )
    add("--dt", type=float, help="step of rk4 (default 0.9 of the largest stable one)")

    solving = top.add_argument_group("solving")
    add = solving.add_argument
    add(
        "--solver", metavar="NAME", help="run this one alone, or first with --compare; auto chooses"
    )
    add(
        "--compare",
        metavar="A,B,…",
        help="run these from the same start (default gcn,adam,gd,lbfgs,newton,rk4; for phases "
        "gcn,adam,lbfgs,newton,rk4,anneal,lift)",
    )
    add("--restarts", type=int, default=1, metavar="K", help="seeds a solver runs; the best counts")
    add("--start", default="random", help="random (default), mean, or a .npy file of node values")
    add("--seed", type=int, default=0)
    add(
        "--max-seconds",
        type=float,
        help="most seconds a solver (default 8 in a comparison, no limit for one alone)",
    )
    add("--max-steps", type=int)
    add("--gtol", type=float, help="scaled gradient norm at which a solver has converged")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:k, for torch")
    add("--dtype", choices=("float64", "float32"))

    network = top.add_argument_group("settings of single solvers")
    add = network.add_argument
    add("--lr", type=float, help="step length of Adam, gd, heavy-ball, nesterov")
    add("--layers", type=int, help="layers of gcn, gcn-res, nograph, nograph-res (default 1)")
    add("--hidden", type=int, help="their width (default 8)")
    add("--propagation", choices=("sym", "self", "square"), help="their propagation matrix")
    add(
        "--network-start",
        default="shared",
        choices=("shared", "network"),
        help="start them at the common start (default) or at their own first output",
    )
    add(
        "--switch",
        default="auto",
        help="steps until they hand over to Adam on the field (default auto)",
    )
    add(
        "--readout",
        choices=("value", "circle"),
        help="their output as the phase, or as a vector whose angle is the phase (default)",
    )
    add("--sweeps", type=int, help="of anneal (default 1000)")
    add("--lift-steps", type=int, help="sweeps of lift's first descent (default 300)")
    add("--lift-rounds", type=int, help="rounds after it (default 20)")
    add("--dimensions", type=int, metavar="H", help="of lift's vectors, 3 or more (default 4 or 6)")
    add("--momentum", type=float, help="of heavy-ball (default 0.97)")
    add("--adaptive", action="store_true", help="adaptive steps for rk4")

    output = top.add_argument_group("output")
    add = output.add_argument
    add("--out", type=Path, metavar="DIR", help="folder for results (default out/NAME-PHYSICS)")
    add("--film", type=Path, metavar="FILE", help="film the transient or the best run: .mp4, .gif")
    add("--arrows", action="store_true", help="draw phases as arrows too")
    add("--cmap", metavar="NAME", help="matplotlib's colour map of that name for the pictures")
    add("--no-show", action="store_true", help="open no window")
    add("--no-pictures", action="store_true", help="write no pictures")
    add("--quiet", action="store_true", help="print errors only")
    return top


def _oscillators(group: argparse._ArgumentGroup) -> None:
    """Options of phases."""
    add = group.add_argument
    add(
        "--kuramoto",
        nargs="?",
        const=1.0,
        type=float,
        metavar="K",
        help="E = −K Σ cos(φ_i − φ_j) over the edges (default K = 1)",
    )
    add(
        "--xy-glass",
        nargs="?",
        const="binary",
        choices=("binary", "gaussian"),
        help="the same with random couplings by --seed: ±1 (default) or normal",
    )
    add(
        "--hopf-kuramoto",
        nargs="?",
        const="potential",
        choices=("potential", "printed"),
        help="Hopf oscillators' phases: their potential (default), or the loss that the papers "
        "print",
    )
    add("--s1", type=float, help="sine coupling of --hopf-kuramoto, in units of c (default 1)")
    add("--s2", type=float, help="its next-nearest coupling (default 0.5)")
    add("--c", type=float, help="its cosine coupling, which has no potential (default 1)")
    add(
        "--frequencies",
        metavar="SIGMA|FILE",
        help="natural frequencies for --transient: normal with this spread, or a .npy file",
    )


HEAT_ONLY = ("bath", "hot", "cold", "power")
PHASES_ONLY = ("s1", "s2", "c", "frequencies")


def physics(options: argparse.Namespace) -> str:
    """ "heat", "kuramoto", "xy-glass" or "hopf-kuramoto"; InputError where two are asked for."""
    asked = [
        name
        for name in ("kuramoto", "xy-glass", "hopf-kuramoto")
        if getattr(options, name.replace("-", "_")) is not None
    ]
    heat = [name for name in HEAT_ONLY if getattr(options, name) is not None]
    if asked and heat:
        raise InputError(f"--{heat[0]} is for heat and --{asked[0]} for phases: choose one of them")
    if len(asked) > 1:
        raise InputError(f"choose one of --{asked[0]} and --{asked[1]}")
    chosen = asked[0] if asked else "heat"
    for name in PHASES_ONLY:
        fits = chosen != "heat" if name == "frequencies" else chosen == "hopf-kuramoto"
        if getattr(options, name) is not None and not fits:
            wanted = "an oscillator" if name == "frequencies" else "--hopf-kuramoto"
            raise InputError(f"--{name} needs {wanted}")
    if options.hopf_kuramoto == "printed" and options.c is not None:
        raise InputError("--c is no part of the printed loss: drop it")
    return chosen


def check(options: argparse.Namespace) -> None:
    """What argparse cannot check."""
    if (options.input is None) == (options.graph is None):
        raise InputError("give one input: a file, or --graph SPEC (meshrep --help shows examples)")
    options.physics = physics(options)
    heat = options.physics == "heat"
    if heat and options.bath is None and options.hot is None and options.cold is None:
        options.bath = "ends"
    if options.frequencies is not None and options.transient is None:
        raise InputError("--frequencies needs --transient T: such phases never come to rest")
    if options.film is not None and options.film.suffix.lower() not in FILMS:
        raise InputError(f"--film {options.film}: films end in {', '.join(FILMS)}")
    if options.arrows and heat:
        raise InputError("--arrows draws phases, and heat has none: drop it")
    if options.bath is not None and (options.hot or options.cold):
        raise InputError("--bath chooses the baths by itself: drop it, or drop --hot and --cold")
    for name in ("transient", "dt", "max_seconds", "max_steps", "frames", "gtol", "lr", "hidden",
                 "layers", "restarts", "sweeps", "lift_steps", "lift_rounds",
                 "dimensions"):  # fmt: skip
        number = getattr(options, name)
        if number is not None and not 0 < number < float("inf"):
            raise InputError(f"--{name.replace('_', '-')} must be a positive number, not {number}")
    if options.momentum is not None and not 0 <= options.momentum < 1:
        raise InputError(f"--momentum must lie in [0, 1), not {options.momentum}")
    if options.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {options.seed}")
    if options.switch != "auto":
        if not options.switch.isdecimal() or int(options.switch) < 1:
            raise InputError(f"--switch is auto or a number of steps, not {options.switch!r}")
        options.switch = int(options.switch)
