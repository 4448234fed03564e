"""The finished pieces of a row, kept one by one, so that a row goes on where it stopped."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshrep.errors import InputError
from meshrep.view.write import write_json
from papers.row import Row

Tell = Callable[[int, str, str], None]
WHOLE = {"data", "seconds", "quick", "machine"}


@dataclass(frozen=True)
class Ledger:
    """``pieces.json`` in the folder of a row: the result of every piece, and the run it is of."""

    place: Path

    @property
    def path(self) -> Path:
        return self.place / "pieces.json"

    def pieces(self) -> dict[str, dict[str, Any]]:
        """Return what is done, by key; nothing if there was no run.

        Raises
        ------
        InputError
            If the file is not one of ours.
        """
        if not self.path.exists():
            return {}
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))["pieces"]
            whole = all(set(piece) >= WHOLE for piece in found.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise InputError(
                f"{self.path} is not a file of this program: move it away, choose another --out, "
                "or give --fresh"
            )
        return found

    def keep(self, key: str, piece: dict[str, Any]) -> None:
        """Save a piece at once; the file is written whole or not at all."""
        write_json({"pieces": self.pieces() | {key: piece}}, self.path)

    def check(self, quick: bool, version: int = 1) -> None:
        """Refuse to continue a run of the other size, or of other settings.

        Raises
        ------
        InputError
            If a piece belongs to a quick run and a full one is wanted, or the other way round; or
            if it belongs to another version of its row.
        """
        pieces = self.pieces().values()
        if any(piece["quick"] != quick for piece in pieces):
            held, wanted = ("full", "quick") if quick else ("quick", "full")
            raise InputError(
                f"{self.path} belongs to a {held} run: choose another --out for a {wanted} one, "
                "or give --fresh"
            )
        if any(piece.get("version", 1) != version for piece in pieces):
            raise InputError(
                f"{self.path} was made with other settings of the row: choose another --out, "
                "or give --fresh"
            )

    def forget(self) -> None:
        """Forget all pieces."""
        self.path.unlink(missing_ok=True)


def run(
    row: Row, quick: bool, ledger: Ledger, machine: Callable[[], dict[str, Any]], tell: Tell
) -> Iterator[tuple[str, float, Exception | None]]:
    """Run the pieces of a row that are not done.

    ``machine()`` describes the machine, to which the date of each piece is added.
    ``tell(number, key, line)`` is told what runs now.

    Yields
    ------
    key : str
        The piece that was run. It is in the ledger by then, unless it failed.
    seconds : float
    failure : Exception or None
    """
    ledger.check(quick, row.version)
    done = ledger.pieces()
    for number, (key, piece) in enumerate(row.pieces(quick).items(), 1):
        if key in done:
            continue

        def say(line: str, number: int = number, key: str = key) -> None:
            tell(number, key, line)

        say("")
        begun = time.perf_counter()
        try:
            data = piece(say)
        except Exception as error:  # the other pieces are still worth having
            yield key, time.perf_counter() - begun, error
            continue
        seconds = round(time.perf_counter() - begun, 1)
        ended = datetime.datetime.now().astimezone().isoformat(timespec="minutes")
        ledger.keep(key, {
            "data": data, "seconds": seconds, "quick": quick, "version": row.version,
            "machine": machine() | {"date": ended},
        })  # fmt: skip
        yield key, seconds, None
