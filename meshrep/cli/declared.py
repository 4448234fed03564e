"""The options of the command line that belong to no energy and to no solver, by topic."""

from __future__ import annotations

from meshrep.base.settings import Setting
from meshrep.view.look import LOOK

FIXED_METHODS = ("rk4", "backward-euler", "crank-nicolson", "heun")  # whose step --dt chooses
FLOW_METHODS = (*FIXED_METHODS, "moebius", "bdf", "rk45", "lsoda", "radau")


def _flag(name: str, help: str) -> Setting:
    return Setting(name, bool, help, default=False)


INPUT = (
    Setting(
        "graph",
        str,
        "instead of a file: lattice:50x50, barabasi-albert:1000,3, karate, … (--help graphs)",
        metavar="SPEC",
    ),
    Setting("neighbours", int, "join a point cloud's K nearest points", least=1, metavar="K"),
    _flag("directed", "u acts on v along an edge (u, v) of a table of edges, and not v on u"),
    _flag("no_weights", "give all edges of a network the weight 1"),
    Setting("radius", float, "join a point cloud's points within this distance", above=0),
    Setting("seed", int, "seeds starts, networks and random graphs", default=0, least=0),
)
FIELD = (
    Setting(
        "start",
        str,
        "random, mean, a number, or a .npy file of node values",
        default="random",
        metavar="WHAT",
    ),
    Setting(
        "simplify",
        float,
        "then remove the field's extrema of persistence below this share of its range",
        above=0,
        below=1,
        metavar="SHARE",
    ),
)
FLOW = (
    Setting("transient", float, "integrate to time T instead of minimising", above=0, metavar="T"),
    Setting("frames", int, "frames of a transient", default=40, least=1),
    Setting(
        "method",
        str,
        "integrator",
        shown="rk4; bdf for --conduct (crank-nicolson with --dt), heun with --noise, moebius for "
        "broad frequencies",
        choices=FLOW_METHODS,
    ),
    Setting("noise", float, "diffusion D of every node, drawn by --seed", default=0.0, least=0),
    Setting("inertia", float, "m of m d²w/dt² + dw/dt, as in power grids", default=0.0, least=0),
    Setting(
        "dt",
        float,
        "step of rk4, backward-euler, crank-nicolson and heun",
        shown="0.9 of the largest stable one for rk4, T/200 for implicit ones",
        above=0,
    ),
    Setting(
        "probe",
        str,
        "points of the mesh whose values over time are written and drawn: x,y,z;x,y,z",
        metavar="POINTS",
    ),
)
SOLVERS = (
    Setting(
        "solver", str, "run this one alone, or first with --compare; auto chooses", metavar="NAME"
    ),
    Setting("compare", str, "run these from the same start: A,B,…", metavar="A,B,…"),
    Setting(
        "optimiser",
        str,
        "run these optimisers of torch.optim or pytorch_optimizer (rmsprop, "
        "soap, …) or package.module:Class, beside the others",
        metavar="A,B,…",
    ),
    Setting(
        "set",
        str,
        "a setting of one solver: NAME=VALUE; several times for several",
        metavar="NAME=VALUE",
    ),
)
LIMITS = (
    Setting(
        "restarts", int, "seeds a solver runs; the best counts", default=1, least=1, metavar="K"
    ),
    Setting(
        "max_seconds",
        float,
        "most seconds a solver",
        shown="8 in a comparison, none for one alone",
        above=0,
    ),
    Setting("max_steps", int, "most steps a stage", least=1),
    Setting("gtol", float, "scaled gradient norm at which a solver has converged", above=0),
    Setting("device", str, "auto, cpu, cuda or cuda:k, for torch", default="auto", metavar="NAME"),
    Setting("dtype", str, "numbers", default="float64", choices=("float64", "float32")),
)
AFTER = (
    _flag("no_reorder", "keep the order of the nodes while solving"),
    _flag(
        "diagnose",
        "say afterwards why solves were slow: condition numbers, slow modes, rates",
    ),
)
OUTPUT = (
    Setting("out", str, "folder for results", shown="out/NAME-PHYSICS", metavar="DIR"),
    Setting(
        "film", str, "film the transient or the best run: .mp4, .gif, .webp, .png", metavar="FILE"
    ),
    Setting("fps", float, "frames per second of a film", default=12.0, above=0, below=101),
    Setting(
        "orbit",
        float,
        "degrees a film's eye goes round",
        default=0.0,
        metavar="ANGLE",
    ),
    _flag("no_show", "open no window"),
    _flag("no_pictures", "write no pictures; a --film is made all the same"),
    _flag("quiet", "print errors only"),
    Setting("look", str, 'a .toml file with the options below, as view = "iso"', metavar="FILE"),
)
ALL = (*INPUT, *FIELD, *FLOW, *SOLVERS, *LIMITS, *AFTER, *OUTPUT, *LOOK)
OF_MINIMISING = (*SOLVERS, *LIMITS, *AFTER)  # a transient integrates instead


def flag(name: str) -> str:
    """The option as it is typed."""
    return f"--{name.replace('_', '-')}"
