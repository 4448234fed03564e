"""Collects the paths that a run has written, and reasons for what it did not write."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from meshrep.base.backends import installed
from meshrep.base.interrupts import pending
from meshrep.base.names import shown
from meshrep.errors import InputError, MeshrepError, MissingPart, in_words
from meshrep.view.write import write_json

_REPORT = "report.json"
# What leaves out a file, a picture or a diagnosis, but not the rest of a run.
FAILURES = (MeshrepError, ArithmeticError, MemoryError, OSError, RuntimeError, ValueError)


class Outputs:
    """The folder of a run, the paths written, and sentences on what was not.

    Parameters
    ----------
    folder : Path
        Made if need be.
    format : str or None
        The suffix of pictures without a dot; png unless it is given.

    Attributes
    ----------
    paths : list of Path
        What was written since the last report.
    missing : list of str
        What was left out since then, and why: a package is not installed, or Ctrl-C came.
    failed : list of str
        What could not be written, for which a program ends with an error.

    Raises
    ------
    InputError
        When the folder is a file, or cannot be made or written to.
    """

    def __init__(self, folder: Path, format: str | None = None) -> None:
        self.folder, self.format = writable(folder), format or "png"
        self._earlier, self._written = _listed(self.folder), set[str]()
        self.paths: list[Path] = []
        self.missing: list[str] = []
        self.failed: list[str] = []

    def __truediv__(self, name: str) -> Path:
        """A path in the folder."""
        return self.folder / name

    def picture(self, name: str) -> Path:
        """The path of a picture in the folder."""
        return self.folder / f"{name}.{self.format}"

    def add(self, path: Path, *parts: Path) -> None:
        """Note a path that was written, and files that belong to it."""
        self.paths.append(path)
        inside = [some for some in (path, *parts) if some.is_relative_to(self.folder)]
        self._written |= {some.relative_to(self.folder).as_posix() for some in inside}

    def settle(self) -> None:
        """Remove what an earlier run left in the folder, and list this run's files in its report.

        Only files that the earlier report lists, and that nobody has changed since, are removed.
        Nothing is removed if this run wrote no report.
        """
        if _REPORT not in self._written:
            return
        for name in sorted(self._earlier - self._written):
            with contextlib.suppress(OSError):
                (self.folder / name).unlink()
        for name in {str(Path(name).parent) for name in self._earlier} - {"."}:
            with contextlib.suppress(OSError):  # it is not empty
                (self.folder / name).rmdir()
        with self.attempt(_REPORT):
            report = json.loads((self.folder / _REPORT).read_text("utf-8"))
            write_json(report | {"files": sorted(self._written)}, self.folder / _REPORT)

    def lacks(self, sentence: str) -> None:
        """Note what was left out, and why; once."""
        if sentence not in self.missing:
            self.missing.append(sentence)

    @contextlib.contextmanager
    def attempt(self, what: str, *, optional: bool = False) -> Iterator[None]:
        """Within, an error is noted with its reason, and the rest goes on.

        It counts as a failure unless it is ``optional`` or only wants a package to be installed.
        """
        try:
            yield
        except FAILURES as error:
            reason = in_words(error)
            said = reason if what in reason else f"no {what}: {reason}"
            if optional or isinstance(error, MissingPart):
                self.lacks(said)
            elif said not in self.failed:
                self.failed.append(said)

    def can_draw(self) -> bool:
        """Whether one more picture can be drawn; if not, the reason is noted."""
        if pending():
            self.lacks("the other pictures were not drawn, because the run was interrupted")
            return False
        if installed("matplotlib"):
            return True
        self.lacks("pictures need matplotlib: pip install 'meshrep[viz]'")
        return False

    def report(self) -> list[str]:
        """Lines on what was written, in the folder and beside it, and what was left out."""
        inside = ", ".join(path.name for path in self.paths if path.parent == self.folder)
        beside = [f"wrote {shown(path)}" for path in self.paths if path.parent != self.folder]
        lines = [f"wrote {shown(self.folder)}/: {inside}"] if inside else []
        lines += [*beside, *(f"  {line}" for line in self.missing)]
        self.paths, self.missing = [], []
        return lines


def _listed(folder: Path) -> set[str]:
    """The files that the report of an earlier run lists, and that are as that run left them."""
    try:
        time = (folder / _REPORT).stat().st_mtime_ns
        names = json.loads((folder / _REPORT).read_text("utf-8")).get("files", [])
    except (OSError, ValueError, AttributeError):
        return set()
    found = set()
    for name in names if isinstance(names, list) else []:
        path = folder / str(name)
        own = not Path(str(name)).is_absolute() and ".." not in Path(str(name)).parts
        if own and path.is_file() and not path.is_symlink() and path.stat().st_mtime_ns <= time:
            found.add(str(name))
    return found


def folder_of(graph: str, physics: str) -> Path:
    """Where a run writes unless --out names a folder: out/GRAPH-PHYSICS, in names of any length."""
    return Path("out") / f"{graph.replace(os.sep, '_')[:60]}-{physics}"


def writable(path: Path) -> Path:
    """The folder, made if need be, and writable.

    Raises
    ------
    InputError
        When it is a file or cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".meshrep-probe"
        probe.touch()
        probe.unlink()
    except FileExistsError as error:
        raise InputError(f"--out {path}: that is a file, not a folder: choose another") from error
    except OSError as error:
        raise InputError(f"--out {path}: cannot write there ({error.strerror})") from error
    return path
