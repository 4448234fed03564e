"""XML as events, in every encoding, without entities: they would name files or fill the memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.parsers import expat

from meshrep.errors import InputError
from meshrep.sources.wording import one_line


def parse_xml(
    path: Path,
    shown: str,
    handlers: Mapping[str, Any],
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Hand the events of an XML file to the handlers, by the names that Expat has for them.

    ``enough`` says whether the rest of the file need not be XML.

    Raises
    ------
    InputError
        Where it is no XML, or defines entities.
    """

    def refuse(*_: Any) -> None:
        raise InputError(f"{shown}: it defines XML entities, which are not followed")

    parser = expat.ParserCreate(namespace_separator="}")
    for name, handler in {**handlers, "EntityDeclHandler": refuse}.items():
        setattr(parser, name, handler)
    try:
        parser.Parse(path.read_bytes(), True)  # in pieces, long comments take quadratic time
    except InputError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        if not enough():
            raise InputError(
                f"{shown}: it is no whole XML ({one_line(error)}): check that it is complete"
            ) from None


def local(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]
