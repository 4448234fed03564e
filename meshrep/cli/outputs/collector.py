"""Collects the paths that a run has written, and reasons for what it could not write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from meshrep.base.backends import installed
from meshrep.base.interrupts import pending
from meshrep.errors import InputError, MissingPart


class Outputs:
    """The folder of a run, the paths written, and sentences on what is missing.

    Parameters
    ----------
    folder : Path
        Made if need be.

    Raises
    ------
    InputError
        When the folder is a file, or cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = writable(folder)
        self.paths: list[Path] = []
        self.missing: list[str] = []

    def __truediv__(self, name: str) -> Path:
        """A path in the folder."""
        return self.folder / name

    def add(self, path: Path) -> None:
        """Note a path that was written."""
        self.paths.append(path)

    def lacks(self, sentence: str) -> None:
        """Note what could not be written, and why; once."""
        if sentence not in self.missing:
            self.missing.append(sentence)

    @contextlib.contextmanager
    def attempt(
        self, what: str, errors: tuple[type[Exception], ...] = (InputError,)
    ) -> Iterator[None]:
        """Within, such an error is noted as "no WHAT", and the rest goes on."""
        try:
            yield
        except errors as error:
            said = " ".join(str(error).split()) or type(error).__name__
            self.lacks(f"no {what}: {said}")

    def can_draw(self) -> bool:
        """Whether one more picture can be drawn; if not, the reason is noted."""
        if pending():
            self.lacks("the other pictures were not drawn, because the run was interrupted")
            return False
        if installed("matplotlib"):
            return True
        self.lacks("pictures need matplotlib: pip install 'meshrep[viz]'")
        return False

    def film(self) -> contextlib.AbstractContextManager[None]:
        """An attempt at a film, which only a part that is not installed may prevent."""
        return self.attempt("film", (MissingPart,))

    def report(self) -> list[str]:
        """Lines on what was written, in the folder and beside it, and what could not be."""
        inside = [path.name for path in self.paths if path.parent == self.folder]
        beside = [f"wrote {path}" for path in self.paths if path.parent != self.folder]
        return [
            f"wrote {self.folder}/: {', '.join(inside)}",
            *beside,
            *(f"  {line}" for line in self.missing),
        ]


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
