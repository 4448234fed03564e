"""What a field answers beside itself: named values with their units and places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from meshrep.base.tables import aligned, number


@dataclass(frozen=True)
class Answer:
    """A value that follows from a field.

    Attributes
    ----------
    name : str
        Such as "highest temperature".
    value : float
    unit : str
        Its symbol, such as "W"; empty where it is not known.
    node : str
        What the graph calls the node where the value is; empty where it belongs to no node.
    position : tuple of float
        Where the value is, in the mesh's own coordinates; empty where it is nowhere.
    """

    name: str
    value: float
    unit: str = ""
    node: str = ""
    position: tuple[float, ...] = ()

    @property
    def amount(self) -> str:
        """The value in six digits, with its unit."""
        return f"{number(self.value, 6)} {self.unit}".rstrip()

    @property
    def where(self) -> str:
        """Such as "node 3, (0, 1, 2)"."""
        place = f"({', '.join(number(x, 4) for x in self.position)})" if self.position else ""
        return ", ".join(filter(None, [f"node {self.node}" if self.node else "", place]))

    def __str__(self) -> str:
        return f"{self.name}: {self.amount}{f' at {self.where}' if self.where else ''}"

    def as_data(self) -> dict[str, Any]:
        """The answer for JSON, without what is empty."""
        found = {"name": self.name, "value": self.value, "unit": self.unit, "node": self.node,
                 "position": list(self.position)}  # fmt: skip
        return {key: value for key, value in found.items() if value not in ("", [])}


def answers_table(answers: Iterable[Answer]) -> str:
    """Answers as aligned text, one a line."""
    rows = [[one.name, one.amount, one.where] for one in answers]
    lines = aligned(["answer", "value", "where"], rows).splitlines()
    return "\n".join(line.rstrip() for line in lines)
