"""The order of the pages on the site, and links whose targets differ from the repository's."""

import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent.parent
# A page and the pages below it.
BELOW = {
    "index": [
        "start",
        "guide",
        "users",
        "generated/gallery/index",
        "generated/api/index",
        "measurements",
        "contribute",
    ],
    "start": ["installation", "problems"],
    "guide": [
        "conduction",
        "heat",
        "networks",
        "phases",
        "topology",
        "solvers",
        "diagnosis",
        "pictures",
        "files",
        "command-line",
        "torch",
        "extending",
        "reparametrization",
        "theory",
        "promises",
    ],
    "users": [
        "engineers",
        "network-scientists",
        "machine-learning",
        "topologists",
        "students",
        "large-meshes",
    ],
    "measurements": ["performance", "worse", "papers", "benchmarks", "basins", "corpus"],
    "contribute": ["generated/contributing", "generated/architecture", "generated/changelog"],
}
COPIED = ("CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md")  # of the repository's root
# A link in a repository, and its target on the site; from a page in docs/.
LINKS = (
    (r"\]\(\.\./examples/(\w+)\.py\)", r"](generated/gallery/\1.rst)"),
    (r"\]\((?:\.\./examples/?|examples\.md)\)", r"](generated/gallery/index.rst)"),
    (
        rf"\]\(\.\./({'|'.join(COPIED)})(#[\w-]+)?\)",
        lambda found: f"](generated/{found[1].lower()}{found[2] or ''})",
    ),
    (r"\]\(\.\./README\.md\)", r"](index.md)"),
)


def copy(root: Path, made: Path) -> None:
    """The pages of the repository's root, with links as from docs/."""
    for name in COPIED:
        text = (root / name).read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/", "](../", text)
        text = re.sub(
            r"\]\((?!\.\./|#|http)([A-Z]+\.md)", lambda found: f"]({found[1].lower()}", text
        )
        page = made / name.lower()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def others() -> list[str]:
    """Pages of docs/ that stand nowhere above; the guide takes them."""
    placed = {name for below in BELOW.values() for name in below} | {"index", "examples"}
    return [p.stem for p in sorted(DOCS.glob("*.md")) if p.stem not in placed]


def arrange(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn the links of a page to the site, and add the pages below it."""
    text = source[0]
    if "/" not in docname:
        for link, target in LINKS:
            text = re.sub(link, target, text)
    if docname in BELOW:
        below = "\n".join(BELOW[docname] + (others() if docname == "guide" else []))
        text += f"\n\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{below}\n```\n"
    source[0] = text
