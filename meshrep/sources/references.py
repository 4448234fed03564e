"""Files that name other files: only those in the file's own folder, or below it, are followed."""

from __future__ import annotations

import os
import re
from pathlib import Path

from meshrep.errors import InputError
from meshrep.sources.wording import brief
from meshrep.sources.xml_files import local, parse_xml

_XML_OF_PARTS = (".pvtu", ".pvtp", ".pvti", ".pvts", ".pvtr", ".vtm", ".pvd")
_XDMF = (".xdmf", ".xmf")
# EnSight's lines end with the file, "complex" ones with two files and a frequency.
_CASE = re.compile(rb"^[ \t]*(model|measured|match|boundary|rigid_body|"
                   rb"(?:complex )?(?:scalar|vector|tensor)[^:\n]*):([^\n]*)$",
                   re.I | re.M)  # fmt: skip
_STEPS_OUT = re.compile(rb"(?<![^\s\"'/])\.\.(?=[/\s\"']|$)")


def files_named_by(path: Path, shown: str) -> list[Path]:
    """The files that a file names, and that these name; all lie in its folder or below it.

    Looks into XDMF, VTK's XML collections and EnSight files. TetGen's files come in pairs.

    Raises
    ------
    InputError
        Where a reference leads elsewhere, or to no file; names the reference.
    """
    folder, found, waiting = path.parent, dict[Path, None](), [(path, path.suffix.lower())]
    while waiting:
        file, ending = waiting.pop()
        for reference in _references(file, ending, shown):
            named = inside(folder, reference, shown, base=file.parent)
            if "*" in reference:  # EnSight numbers the files of a series
                pattern = named.name.replace("*", "[0-9]")
                found |= dict.fromkeys(named.parent.glob(pattern))
            elif os.path.isfile(named):
                if named not in found:
                    found[named] = None
                    included = ending in _XDMF and _is_xml(named)
                    waiting.append((named, ending if included else named.suffix.lower()))
            # XDMF may name files of data that the mesh does not need.
            elif os.path.lexists(named) or ending not in _XDMF:
                raise _not_beside(reference, shown)
    return list(found)


def inside(folder: Path, reference: str, shown: str, *, base: Path | None = None) -> Path:
    """The file that a reference names, in the folder or below it.

    The reference is relative to ``base``, or else to the folder.

    Raises
    ------
    InputError
        Where it is anywhere else.
    """
    folder = folder.absolute().resolve()
    target = Path(reference)
    # Path.resolve would raise where symbolic links form a loop.
    file = folder.parent
    if "\0" not in reference:
        file = Path(os.path.realpath((base or folder) / target))
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


def _is_xml(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")[:1] == b"<"


def _references(path: Path, ending: str, shown: str) -> list[str]:
    """The references in a file, by what the format of an ending parses."""
    if ending in _XML_OF_PARTS or ending in _XDMF:
        return _XmlReferences(shown).of(path)
    if ending in (".ele", ".node"):
        other = path.with_suffix(".node" if ending == ".ele" else ".ele")
        return [other.name] if other.exists() else []
    if ending != ".case":
        return []
    text = path.read_bytes()
    found = [".."] if _STEPS_OUT.search(text) else []
    for what, rest in _CASE.findall(text):
        found += _of_case(what.decode().lower(), rest.decode("utf-8", "replace").split())
    return found


class _XmlReferences:
    """The files that an XML document names: in attributes, by XInclude, and in XDMF's items.

    Expat is also VTK's parser. What it refuses is refused here.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.found: list[str] = []
        self.items: list[tuple[str, list[str]]] = []  # open DataItems: format, pieces of text
        self.over = False

    def of(self, path: Path) -> list[str]:
        handlers = {
            "StartElementHandler": self._begin,
            "EndElementHandler": self._end,
            "CharacterDataHandler": self._text,
            "CommentHandler": self._apart,
            "ProcessingInstructionHandler": self._apart,
        }
        parse_xml(path, self.shown, handlers, lambda: self.over)
        return self.found

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        name = local(name).lower()
        given = {local(key).lower(): value for key, value in attributes.items()}
        self.over |= name == "appendeddata"  # raw bytes follow, which are no XML
        self.found += [given[key] for key in ("file", "source", "href") if given.get(key)]
        if name == "dataitem":
            self.items.append((given.get("format", "xml").lower(), [""]))

    def _text(self, text: str) -> None:
        if self.items and self.items[-1][0] != "xml":
            self.items[-1][1][-1] += text

    def _apart(self, *_: str) -> None:
        """What follows is another piece of text to some parsers."""
        if self.items:
            self.items[-1][1].append("")

    def _end(self, name: str) -> None:
        if local(name).lower() == "dataitem" and self.items:
            form, pieces = self.items.pop()
            if form != "xml":
                for words in {*pieces, "".join(pieces)}:
                    self.found += [_file_of(word, form) for word in words.split("\n")]
                self.found = [reference for reference in self.found if reference]


def _file_of(text: str, form: str) -> str:
    """The file in the text of a DataItem: in HDF5 a driver may precede it, and a path follows."""
    if form.startswith("bin"):
        return text.strip()
    return re.sub(r"^\s*(FILE|CORE|DSM|NDGM|SERIAL|MPI)\w*:", "", text).partition(":")[0].strip()


def _of_case(what: str, words: list[str]) -> list[str]:
    """The files in the words of a line: "[sets] FILE …", or "[sets] NAME FILE …" of a variable."""
    named = "scalar" in what or "vector" in what or "tensor" in what
    while len(words) > 1 + named and words[0].isdigit():  # the numbers of its time and file set
        words = words[1:]
    if what.startswith("complex"):
        return words[1:3]
    return words[named : named + 1]
