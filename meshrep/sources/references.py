"""Files that name other files: only those in the file's own folder, or below it, are followed."""

from __future__ import annotations

import os
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
        optional = path.suffix.lower() in (".xdmf", ".xmf") or "*" in reference
        if not optional and not os.path.exists(file):
            raise _not_beside(reference, shown)


def inside(folder: Path, reference: str, shown: str) -> Path:
    """The file that a reference names, in the folder or below it.

    Raises
    ------
    InputError
        Where it is anywhere else.
    """
    folder = folder.absolute().resolve()
    target = Path(reference)
    # Path.resolve would raise where symbolic links form a loop.
    file = Path(os.path.realpath(folder / target)) if "\0" not in reference else folder.parent
    if target.is_absolute() or not file.is_relative_to(folder):
        raise InputError(
            f"{shown}: it refers to '{brief(reference)}' outside its own folder: "
            "such files are not followed; put the data beside it"
        )
    return file


def read_beside(folder: Path, reference: str, shown: str) -> bytes:
    """The content of the file that a reference names, in the folder or below it.

    Raises
    ------
    InputError
        Where it is anywhere else, is not there, or cannot be read.
    """
    file = inside(folder, reference, shown)
    if not os.path.isfile(file):  # Path.is_file would raise where the name is too long
        raise _not_beside(reference, shown)
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{shown}: it refers to '{brief(reference)}', which cannot be read ({error.strerror})"
        ) from None


def read_included(
    folder: Path, reference: str, shown: str, chain: tuple[Path, ...]
) -> tuple[Path, bytes]:
    """A file that another one includes, and its content.

    ``chain`` holds the files that are being read, each included in the one before it.

    Raises
    ------
    InputError
        As :func:`read_beside`, and where the file is one of the chain.
    """
    file = inside(folder, reference, shown)
    if file in chain or len(chain) > 9:
        raise InputError(f"{shown}: '{brief(reference)}' includes itself")
    return file, read_beside(folder, reference, shown)


def _not_beside(reference: str, shown: str) -> InputError:
    return InputError(f"{shown}: it refers to '{brief(reference)}', which is not beside it")


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
