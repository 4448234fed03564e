"""Files that name other files: only those in the file's own folder, or below it, are followed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from meshrep.errors import InputError

_HEAD = 1 << 24  # bytes of text in which references are looked for
_XDMF_ITEM = re.compile(rb"<DataItem\b([^>]*)>([^<]*)<", re.I)
_XML_PATHS = re.compile(rb"""<(?:\w+:)?(Piece|DataSet|include)\b[^>]*?\b(Source|file|href)\s*=\s*"""
                        rb"""["']([^"']*)["']""", re.I)  # fmt: skip
_INCLUDE = re.compile(rb"^\s*\*?include\b[^\n]*?(?:input\s*=)?\s*['\"]?([^\s,'\"=]+)['\"]?\s*$",
                      re.I | re.M)  # fmt: skip
_CASE = re.compile(rb"^\s*(?:model|geometry|scalar[^:]*|vector[^:]*):\s*(?:\d+\s+)*(\S.*)$",
                   re.I | re.M)  # fmt: skip


def refuse_references_outside(path: Path, shown: str) -> None:
    """Raise where the file names another one that is not in its folder or below it.

    Looks into glTF, XDMF, VTK's XML collections, Abaqus, Nastran and EnSight files.

    Raises
    ------
    InputError
        Naming the reference.
    """
    folder = path.absolute().parent.resolve()
    for reference in _references(path, shown):
        target = Path(reference)
        inside = (folder / target).resolve()
        if target.is_absolute() or not inside.is_relative_to(folder) or "\0" in reference:
            words = "".join(c if c.isprintable() else "?" for c in reference)[:80]
            raise InputError(
                f"{shown}: it refers to '{words}' outside its own folder: "
                "such files are not followed; put the data beside it"
            )


def _references(path: Path, shown: str) -> Iterator[str]:
    ending = path.suffix.lower()
    with path.open("rb") as file:
        if ending in (".gltf", ".glb"):
            yield from _of_gltf(file.read(), shown)
            return
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
    if ending in (".inp", ".bdf", ".nas", ".fem"):
        for name in _INCLUDE.findall(text):
            yield name.decode("utf-8", "replace")
    if ending == ".case":
        for name in _CASE.findall(text):
            yield name.decode("utf-8", "replace").strip()


def _of_gltf(data: bytes, shown: str) -> Iterator[str]:
    """The URIs of a glTF document, or of the JSON chunk of a GLB, that are not inline data."""
    if data[:4] == b"glTF":
        total = int.from_bytes(data[8:12], "little")
        length = int.from_bytes(data[12:16], "little")
        if total > len(data) or 20 + length > len(data):
            raise InputError(
                f"{shown}: its header claims {total:,} bytes and the file has {len(data):,}: "
                "it is cut short or damaged"
            )
        data = data[20 : 20 + length]
    try:
        document = json.loads(data)
        parts = [*document.get("buffers", []), *document.get("images", [])]
        uris = [part.get("uri", "") for part in parts]
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise InputError(f"{shown}: its JSON part is damaged: is it a glTF file?") from None
    for uri in uris:
        if not isinstance(uri, str):
            raise InputError(f"{shown}: its JSON part is damaged: a URI is no text")
        if uri and not uri.startswith("data:"):
            scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri)
            yield "/" + uri if scheme else unquote(uri)
