"""Files that name other files: only those in the file's own folder, or below it, are followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from meshrep.errors import InputError
from meshrep.sources.wording import brief

_HEAD = 1 << 24  # bytes of text in which references are looked for
_XDMF_ITEM = re.compile(rb"<DataItem\b([^>]*)>([^<]*)<", re.I)
_XML_PATHS = re.compile(rb"""<(?:\w+:)?(Piece|DataSet|include)\b[^>]*?\b(Source|file|href)\s*=\s*"""
                        rb"""["']([^"']*)["']""", re.I)  # fmt: skip
# EnSight's lines end with the file, "complex" ones with two files and a frequency.
_CASE = re.compile(rb"^[ \t]*(model|measured|match|boundary|rigid_body|"
                   rb"(?:complex )?(?:scalar|vector|tensor)[^:\n]*):([^\n]*)$",
                   re.I | re.M)  # fmt: skip


def refuse_references_outside(path: Path, shown: str) -> None:
    """Raise where the file names another one that is not there, in its folder or below it.

    Looks into XDMF, VTK's XML collections and EnSight files.

    Raises
    ------
    InputError
        Naming the reference.
    """
    for reference in _references(path, shown):
        file = inside(path.parent, reference, shown)
        # XDMF may name files of data that the mesh does not need; EnSight numbers files by "*".
        if (
            path.suffix.lower() not in (".xdmf", ".xmf")
            and "*" not in reference
            and not file.exists()
        ):
            raise InputError(f"{shown}: it refers to '{reference[:80]}', which is not beside it")


def inside(folder: Path, reference: str, shown: str) -> Path:
    """The file that a reference names, in the folder or below it.

    Raises
    ------
    InputError
        Where it is anywhere else.
    """
    folder = folder.absolute().resolve()
    target = Path(reference)
    file = (folder / target).resolve() if "\0" not in reference else folder.parent
    if target.is_absolute() or not file.is_relative_to(folder):
        raise InputError(
            f"{shown}: it refers to '{brief(reference)}' outside its own folder: "
            "such files are not followed; put the data beside it"
        )
    return file


def _references(path: Path, shown: str) -> Iterator[str]:
    ending = path.suffix.lower()
    with path.open("rb") as file:
        text = file.read(_HEAD)
    if ending in (".xdmf", ".xmf"):
        if b"<!ENTITY" in text:
            raise InputError(f"{shown}: it defines XML entities, which are not followed")
        for attributes, content in _XDMF_ITEM.findall(text):
            word = content.decode("utf-8", "replace").strip()
            form = re.search(rb"""Format\s*=\s*["'](\w+)""", attributes, re.I)
            if form and form[1].upper() in (b"HDF", b"BINARY"):
                yield word.partition(":")[0] if form[1].upper() == b"HDF" else word
    if ending in (".xdmf", ".xmf", ".pvtu", ".pvtp", ".pvti", ".pvts", ".pvtr", ".vtm", ".pvd"):
        for _, _, name in _XML_PATHS.findall(text):
            yield name.decode("utf-8", "replace")
    if ending == ".case":
        for what, rest in _CASE.findall(text):
            yield from _of_case(what.decode().lower(), rest.decode("utf-8", "replace").split())


def _of_case(what: str, words: list[str]) -> list[str]:
    """The files in the words of a line: "[sets] FILE …", or "[sets] NAME FILE …" of a variable."""
    named = "scalar" in what or "vector" in what or "tensor" in what
    while len(words) > 1 + named and words[0].isdigit():  # the numbers of its time and file set
        words = words[1:]
    if what.startswith("complex"):
        return words[1:3]
    return words[named : named + 1]
