"""The labs of this project that are in the layout of `mpc fmt`: files, and examples of the documents.

`python tests/formatted.py` writes them in it; `./dev golden` does that first.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from compiler.driver import Compilation, TopologyError

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*(ROOT / "tests" / "golden").rglob("*.topo"), *(ROOT / "grammar" / "std").glob("*.topo")])
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "grammar").glob("*.md")])

BLOCK = re.compile(r"^(```topo(?: warning[^\n]*)?\n)(.*?)^```$", re.MULTILINE | re.DOTALL)
"""An example that has no errors."""


def documents() -> Iterator[tuple[Path, str]]:
    """The labs in the documents."""
    for path in DOCUMENTS:
        yield from ((path, found[2]) for found in BLOCK.finditer(path.read_text()))


def in_layout(text: str) -> str:
    """The layout of a text; one with errors as it is."""
    try:
        return Compilation("-", text).layout()
    except TopologyError:
        return text


def main() -> None:
    for path in FILES:
        path.write_text(in_layout(path.read_text()))
    for path in DOCUMENTS:
        path.write_text(BLOCK.sub(lambda found: f"{found[1]}{in_layout(found[2])}```", path.read_text()))


if __name__ == "__main__":
    main()
