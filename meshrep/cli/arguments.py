"""The options of the command line, as its help shows them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from meshrep.errors import InputError

EXAMPLES = """examples:
  meshrep bunny.ply --bath                           heat from end to end, six solvers compared
  meshrep part.vtu --hot "z > zmax - 0.1" --cold "z < zmin + 0.1" --bath-kind dirichlet
  meshrep --graph lattice:50x50 --bath random --compare gcn,gcn-res,adam,adam-torch,newton
  meshrep --graph lattice:1000x1000 --solver newton --no-show
  meshrep bunny.ply --bath --transient 50            the way there, as frames for ParaView
  meshrep bunny.ply --kuramoto                       phases on the bunny, with ρ and vortices
  meshrep --graph lattice:64x64 --xy-glass --solver anneal --restarts 8
  meshrep --graph lattice:50x50 --hopf-kuramoto --s1 0.5 --s2 0.2 --transient 200 --film out.mp4
  meshrep --graph cloud:300 --topology --range 2     points move until the cloud shows loops
  meshrep points.ply --topology --maximise h1        likewise the points of a file
  meshrep scan.ply --topology --subsample 300 --solver kernel
  meshrep bunny.ply --bath --simplify 0.05           the field without its smallest extrema
"""


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, and that takes negative values of any spelling."""

    def error(self, message: str) -> NoReturn:
        """One sentence instead of the whole usage."""
        raise InputError(f"{message} ({self.prog} --help lists the options)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, once negative values are joined to their options."""
        return super().parse_known_args(
            self.joined(sys.argv[1:] if args is None else args), namespace
        )

    def joined(self, words: Sequence[str]) -> list[str]:
        """``--s1 -1e-3`` as ``--s1=-1e-3``: argparse would take such a value for an option."""
        known = self._option_string_actions
        out: list[str] = []
        for k, word in enumerate(words):
            if word == "--":
                return [*out, *words[k:]]
            option = known.get(out[-1]) if out else None
            value = word.startswith("-") and not word.startswith("--") and word not in known
            if value and option is not None and option.nargs in (None, "?"):
                out[-1] += f"={word}"
            else:
                out.append(word)
        return out


def parser() -> argparse.ArgumentParser:
    """All options, grouped as the help shows them."""
    top = OneLineParser(
        prog="meshrep",
        description="Put heat, coupled phases or a loss on topology on a mesh, lattice, cloud or "
        "network, minimise the energy by several solvers, and show the field and how they compare.",
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
    add("--share", type=float, help="how much is bath at each end (default 0.1)")
    add("--hot", metavar="WHERE", help='hot nodes: "0,5,7-12", a file, or "z < 0.06"')
    add("--cold", metavar="WHERE", help="cold nodes, likewise")
    add(
        "--bath-kind",
        choices=("quartic", "quadratic", "dirichlet"),
        help="soft (default), Robin, or held exactly",
    )
    add("--power", type=float, help="the bath's power p instead of --bath-kind's")
    add("--t-hot", type=float, metavar="T", help="of the hot nodes (default 1)")
    add("--t-cold", type=float, metavar="T", help="of the cold nodes (default 0)")
    add(
        "--strength",
        type=float,
        metavar="LAMBDA",
        help="λ of the bath, or of --penalty (default 1)",
    )
    add(
        "--laplacian",
        choices=("graph", "cotan", "robust"),
        help="weights of the edges (default graph)",
    )
    add(
        "--unbathed",
        choices=("raise", "hold"),
        help="a component without a bath: an error (default), or held at the mean",
    )
    add(
        "--simplify",
        type=float,
        metavar="SHARE",
        help="then remove the field's extrema of persistence below this share of its range",
    )
    _oscillators(top.add_argument_group("oscillators"))
    _topology(top.add_argument_group("topology"))

    flow = top.add_argument_group("in time")
    add = flow.add_argument
    add("--transient", type=float, metavar="T", help="integrate to time T instead of minimising")
    add("--frames", type=int, help="frames of a transient (default 40)")
    add(
        "--method",
        choices=("rk4", "rk45", "lsoda", "bdf", "radau"),
        help="integrator of a transient (default rk4)",
    )
    add("--dt", type=float, help="step of rk4 (default 0.9 of the largest stable one)")

    solving = top.add_argument_group("solving")
    add = solving.add_argument
    add(
        "--solver",
        metavar="NAME",
        help="run this one alone, or first with --compare; auto chooses; gcn-prefit is a network "
        "fitted to the start first, kernel spreads each step smoothly over the cloud",
    )
    add(
        "--compare",
        metavar="A,B,…",
        help="run these from the same start (default gcn,adam,gd,lbfgs,newton,rk4; for phases "
        "gcn,adam,lbfgs,newton,rk4,anneal,lift; for topology gcn,adam,sgd,lbfgs, or "
        "kernel,adam,sgd with --subsample)",
    )
    add(
        "--optimiser",
        "--optimizer",
        metavar="A,B,…",
        help="run these optimisers of torch.optim (rmsprop, adagrad, …), of the package "
        "pytorch_optimizer (shampoo, soap, adahessian, …) or named as package.module:Class, beside "
        "the others; alone where no others are named",
    )
    add(
        "--restarts",
        type=int,
        metavar="K",
        help="seeds a solver runs; the best counts (default 1)",
    )
    add("--start", default="random", help="random (default), mean, or a .npy file of node values")
    add("--seed", type=int, default=0)
    add(
        "--max-seconds",
        type=float,
        help="most seconds a solver (default 8 in a comparison, no limit for one alone)",
    )
    add("--max-steps", type=int)
    add("--gtol", type=float, help="scaled gradient norm at which a solver has converged")
    add("--device", help="auto (default), cpu, cuda or cuda:k, for torch")
    add("--dtype", choices=("float64", "float32"))
    add(
        "--no-reorder",
        action="store_true",
        help="keep the order of the nodes while solving, however far apart neighbours lie",
    )

    network = top.add_argument_group("settings of single solvers")
    add = network.add_argument
    add(
        "--lr",
        type=float,
        help="step length of Adam (default 0.02), sgd (0.1), kernel (0.3), of gd, heavy-ball, "
        "nesterov, mfac (by the curvature), and of every --optimiser (its own, at least 0.02)",
    )
    add(
        "--layout",
        choices=("field", "square"),
        help="what an --optimiser that works on matrices sees: the field as n × 1 (default), or "
        "folded to a square",
    )
    add("--layers", type=int, help="layers of networks: gcn…, nograph…, gat, gn (default 1)")
    add("--hidden", type=widths, metavar="H", help="their width (default 8), or widths as 8,6")
    add("--propagation", choices=("sym", "self", "square"), help="over which gcn… averages")
    add(
        "--network-start",
        choices=("shared", "network", "prefit"),
        help="start networks at the common start (default), their own first output, or fitted to "
        "the start",
    )
    add(
        "--switch",
        help="steps until networks hand over to Adam on the field (default auto)",
    )
    add(
        "--readout",
        choices=("value", "circle"),
        help="networks' output as the phase, or as a vector whose angle is it (default)",
    )
    add("--sweeps", type=int, help="of anneal (default 1000)")
    add("--steps", type=int, help="sweeps of lift's first descent (default 300)")
    add("--rounds", type=int, help="rounds after it (default 20)")
    add("--dimensions", type=int, metavar="H", help="of lift's vectors, 3 or more (default 4 or 6)")
    add("--momentum", type=float, help="of heavy-ball (default 0.97), mfac (0.9) and sgd (0)")
    add("--decay", type=float, metavar="STEPS", help="in which sgd and kernel halve their step")
    add(
        "--form",
        choices=("interpolate", "average", "root"),
        help="how kernel spreads a gradient over the cloud (default interpolate)",
    )
    add("--bandwidth", type=float, help="of kernel's Gaussian (default by the spacing)")
    add("--degree", type=int, help="of the polynomial of spectral (default 8), kappa (2)")
    add(
        "--series",
        choices=("right", "printed"),
        help="of kappa: the binomial one (default), or as the papers print it, to degree 2",
    )
    add("--depth", type=int, metavar="N", help="factors of deep-linear, 2 or more (default 2)")
    add("--smoothing", type=float, metavar="LAMBDA", help="of sobolev: w = (1 + λL)⁻¹u")
    add("--adaptive", action="store_true", help="adaptive steps for rk4")

    output = top.add_argument_group("output")
    add = output.add_argument
    add("--out", type=Path, metavar="DIR", help="folder for results (default out/NAME-PHYSICS)")
    add("--film", type=Path, metavar="FILE", help="film the transient or the best run: .mp4, .gif")
    add(
        "--diagnose",
        action="store_true",
        help="say afterwards why solves were slow: condition numbers, slow modes, rates",
    )
    add("--arrows", action="store_true", help="draw phases as arrows too")
    add("--cmap", metavar="NAME", help="matplotlib's colour map of that name for the pictures")
    add("--no-show", action="store_true", help="open no window")
    add(
        "--no-pictures",
        action="store_true",
        help="write no pictures; a --film is made all the same",
    )
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


def _topology(group: argparse._ArgumentGroup) -> None:
    """Options of clouds whose points move."""
    add = group.add_argument
    add("--topology", action="store_true", help="move points by the persistence of their cloud")
    add(
        "--maximise",
        "--maximize",
        metavar="H1",
        help="features that are to grow: h0, h1 (default), h2, h0,h1",
    )
    add("--minimise", "--minimize", metavar="H0", help="features that are to vanish")
    add(
        "--penalty",
        choices=("box", "ball", "tether", "none"),
        help="what keeps the points (default box): the tether ties each to its start",
    )
    add(
        "--range",
        type=float,
        metavar="R",
        help="of the box [−R, R]^d or the ball (default half the cloud's longest extent)",
    )
    add("--pair-power", type=float, metavar="P", help="of a pair's persistence (default 2)")
    add("--top", type=int, metavar="K", help="let only the K longest pairs count")
    add("--window", metavar="LOW,HIGH", help="let only pairs of such persistence count")
    add("--target", metavar="FILE", help="a .npy diagram (m, 2) to come near to instead")
    add("--filtration", choices=("rips", "alpha"), help="how the cloud is filled (default rips)")
    add("--max-length", type=float, help="longest edge of the Rips complex (default no limit)")
    add("--subsample", type=int, metavar="S", help="draw so many points anew for every step")
    add(
        "--links",
        choices=("births", "graph"),
        help="networks propagate along the Rips graph amid the births (default), or the graph "
        "(default with --subsample)",
    )


def widths(text: str) -> int | tuple[int, ...]:
    """A width, or several joined by commas."""
    found = tuple(int(word) for word in text.split(","))
    return found[0] if len(found) == 1 else found
