"""Read every mesh and network of a folder, and compare each with what other libraries read.

    python scripts/read_corpus.py FOLDER [FOLDER …] [--out readings.jsonl] [--limit 60]

meshrep reads each file, and so does every one of meshio, trimesh, PyVista and networkx that knows
its ending, each in a process of its own with at most 8 GB of memory. Nodes, edges, components and
the length of all edges (of a network their weight) are compared. Printed are the files that
deserve a look, and a table of how many files of each folder agree, differ and are refused.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from corpus.peers import PEERS, Counts

from meshrep.cli.exits import exit_code
from meshrep.cli.parser import OneLineParser
from meshrep.errors import InputError, MeshrepError
from meshrep.graphs.cells import POLYGON, QUAD
from meshrep.graphs.graph import Graph
from meshrep.sources.files import READ, load

MEMORY = 8 << 30  # bytes that each reading may take
VERDICTS = {
    "agrees": "another library finds the same counts and size",
    "differs with a remark": "no other library does, and the graph says what was changed in it",
    "differs in silence": "no other library does, and the graph says nothing",
    "read by meshrep alone": "no other library reads it",
    "refused, as by others": "no library reads it",
    "refused, read by others": "another library finds points in it",
    "crashed": "meshrep raised something else than its own errors, died, or took too long",
}


def ours(path: Path) -> dict[str, Any]:
    """What meshrep reads: counts, remarks and the diagonals of its polygons, or its refusal."""
    try:
        graph = load(path)
    except MeshrepError as error:
        return {"refused": str(error)}
    cells = graph.cells
    sides = np.diff(cells.offsets)[np.isin(cells.kinds, (QUAD, POLYGON))]
    return {
        "counts": counts_of_graph(graph),
        "remarks": graph.repairs,
        "diagonals": int((sides - 3).sum()),
    }


def counts_of_graph(graph: Graph) -> Counts:
    """The four numbers of a graph; of a cloud, whose edges are meshrep's choice, the nodes."""
    if any("joined" in remark for remark in graph.repairs):
        return Counts(graph.n)
    size = graph.weights.sum()
    if len(graph.cells):
        ends = graph.points[graph.edges]
        size = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).sum()
    return Counts(graph.n, graph.m, graph.component_count, float(size))


def theirs(read: Callable[[Path], Counts]) -> Callable[[Path], dict[str, Any]]:
    """What another library reads, in the form of :func:`ours`."""
    return lambda path: {"counts": read(path)}


def apart(read: Callable[[Path], dict[str, Any]], path: Path, limit: float) -> dict[str, Any]:
    """What ``read`` returns for a path, called in a forked process."""
    context = multiprocessing.get_context("fork")
    ours_end, childs_end = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(read, path, childs_end))
    process.start()
    childs_end.close()
    try:
        return ours_end.recv() if ours_end.poll(limit) else {"crashed": f"over {limit:g} s"}
    except EOFError:
        process.join()
        return {"crashed": f"exit code {process.exitcode}"}
    finally:
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)  # and the processes that it started
        process.join()


def _answer(read: Callable, path: Path, end: Any) -> None:
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        end.send(read(path))
    except BaseException as error:  # meshio calls sys.exit
        end.send({"crashed": f"{type(error).__name__}: {error}"[:300]})
    os._exit(0)


def alike(own: Counts, other: Counts, diagonals: int = 0) -> bool:
    """Whether two readings are the same, where trimesh may have cut polygons into triangles."""
    if own.edges == 0:
        return own.nodes == other.nodes
    if diagonals and other.edges == own.edges + diagonals:
        return (own.nodes, own.components) == (other.nodes, other.components)
    near = not abs(own.size - other.size) > 1e-5 * abs(own.size)
    return own[:3] == other[:3] and near


def verdict(own: dict[str, Any], others: dict[str, dict[str, Any]]) -> str:
    """Which of ``VERDICTS`` a file gets."""
    found = [other["counts"] for other in others.values() if "counts" in other]
    found = [counts for counts in found if counts.nodes]
    if "counts" in own and own["counts"].edges:  # one that finds only points missed the cells
        found = [counts for counts in found if counts.edges]
    if "crashed" in own:
        return "crashed"
    if "refused" in own:
        return "refused, read by others" if found else "refused, as by others"
    if not found:
        return "read by meshrep alone"
    if any(alike(own["counts"], counts, own["diagonals"]) for counts in found):
        return "agrees"
    return "differs with a remark" if own["remarks"] else "differs in silence"


def readings(folders: list[Path], limit: float, without: list[str]) -> Iterator[dict[str, Any]]:
    """One record for each file of the folders whose ending meshrep knows."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            ending = path.suffix.lower()
            if ending not in READ or ending in without or not path.is_file():
                continue
            started = time.perf_counter()
            own = apart(ours, path, limit)
            seconds = time.perf_counter() - started
            others = {
                name: apart(theirs(read), path, limit)
                for name, (endings, read) in PEERS.items()
                if ending in endings()
            }
            yield {
                "collection": folder.name,
                "file": str(path.relative_to(folder)),
                "verdict": verdict(own, others),
                "seconds": round(seconds, 2),
                "meshrep": own,
                **others,
            }


def table(records: list[dict[str, Any]]) -> str:
    """How many files of each collection got which verdict, as a Markdown table."""
    found = Counter((record["collection"], record["verdict"]) for record in records)
    collections = sorted({record["collection"] for record in records})
    head = ["collection", "files", *VERDICTS]
    rows = [[name, *(found[name, v] for v in VERDICTS)] for name in collections] + [
        ["all", *(sum(found[c, v] for c in collections) for v in VERDICTS)]
    ]
    lines = [[row[0], sum(row[1:]), *row[1:]] for row in rows]
    return "\n".join(
        "| " + " | ".join(map(str, line)) + " |" for line in [head, ["---"] * len(head), *lines]
    )


def main() -> int:
    return exit_code("read_corpus", run, "interrupted")


def run() -> int:
    parser = OneLineParser(prog="read_corpus.py", description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, help="write every reading there, as JSON lines")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each reading")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="ENDING", help="leave these out: .txt .xml"
    )
    chosen = parser.parse_args()
    for folder in chosen.folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder")
    records = []
    file = chosen.out.open("w") if chosen.out else None
    for record in readings(chosen.folders, chosen.limit, chosen.without):
        records.append(record)
        if file:
            print(json.dumps(record), file=file, flush=True)
        if record["verdict"] in ("differs in silence", "refused, read by others", "crashed"):
            print(json.dumps(record))
    print(table(records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
