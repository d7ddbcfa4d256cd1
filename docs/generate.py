"""Writes the pages that the repository has the content of: a gallery of labs, and all explanations."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from compiler.driver import Compilation
from compiler.ground.codes import EXPLANATIONS
from compiler.model.lab import Lab
from compiler.model.nodes import Role

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "generated"
LABS = ROOT / "tests" / "golden"

MOST_NODES = 40
"""The most nodes of a lab whose picture is legible on a page."""


def gallery() -> Iterator[str]:
    """The page of labs, each with its picture and a prediction; pictures are written beside it."""
    yield from (
        "# Gallery",
        "",
        "Each lab as it is written, as `mpc graph` draws it, and what `mpc paths` predicts for a pair.",
    )
    yield from ("The labs are those of `tests/golden`, with the scripts that they become beside them.",)
    for path in sorted(LABS.glob("*.topo")):
        text = path.read_text()
        lab = Compilation(path.name, text).lab
        about, text = _parted(text)
        yield from ("", f"## {path.stem}", "", _escaped(about), "", "```topo", text.rstrip("\n"), "```")
        if len(lab.nodes) <= MOST_NODES:
            picture = FOLDER / f"{path.stem}.svg"
            _mpc("graph", str(path), "-o", str(picture))
            yield from ("", f"![{_escaped(about) or path.stem}]({picture.name})")
        if pair := next(_pairs(lab), None):
            yield from ("", "```console", f"$ mpc paths {path.name} {' '.join(pair)}")
            yield from (_mpc("paths", str(path), *pair).rstrip("\n"), "```")


def codes() -> Iterator[str]:
    """The page of all errors, warnings and notes."""
    yield from ("# Errors, warnings and notes", "", "`mpc explain CODE` prints these.")
    for code, text in EXPLANATIONS.items():
        title, _, rest = text.partition("\n")
        yield from ("", f"({code.lower()})=", f"## {code}", "", f"**{_escaped(title)}**")
        yield from map(_paragraph, re.split(r"\n(?=Wrong|Mended)|\n\n", rest))


def _paragraph(text: str) -> str:
    """A paragraph, or an example below its heading."""
    title, _, body = text.strip("\n").partition("\n")
    if not title.startswith(("Wrong", "Mended")):
        return f"\n{_escaped(text)}"
    example = re.sub("^    ", "", body, flags=re.MULTILINE)
    return f"\n{_escaped(title)}\n\n```text\n{example}\n```"


def _escaped(text: str) -> str:
    """Text outside of code, without what Markdown takes for markup."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part[:1] == "`" else re.sub(r"([*_<>\[\]{}$\\])", r"\\\1", part) for part in parts)


def _parted(text: str) -> tuple[str, str]:
    """The comment that a lab begins with, and its statements."""
    found = re.match(r"(?:#.*\n)*", text)
    comment = found[0] if found else ""
    return " ".join(line.lstrip("# ") for line in comment.splitlines()), text[len(comment) :]


def _pairs(lab: Lab) -> Iterator[tuple[str, str]]:
    """The pairs of a lab that its statements name, then its first two hosts."""
    for named in (lab.pairs, lab.sprays):
        yield from ((pair.left, pair.right) for pair in named)
    for asked in (lab.benches, lab.expectations):
        yield from ((str(one.source), str(one.target)) for one in asked)
    yield from pairwise(node.name for node in lab.nodes if node.role is Role.HOST)


def _mpc(*arguments: str) -> str:
    command = [sys.executable, "-m", "compiler", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "gallery.md").write_text("\n".join(gallery()))
    (FOLDER / "codes.md").write_text("\n".join(codes()))
