"""A difference as Markdown, for the comment of a pull request.

All that comes from labs stands in code blocks and code spans, where Markdown and HTML have no meaning.
"""

import re
from collections.abc import Iterator, Sequence

from compiler.compare.sections import GONE, NEW, OTHER, Report, Row, Section, clipped
from compiler.ground.diagnostics import visible

MOST_ROWS, WIDEST, WIDEST_CELL = 12, 160, 80
"""The most rows of a section, and the most characters of a row and of a cell of a table, such that all
sections together are less than the 65,536 characters that a comment has on GitHub."""

SIGNS = {NEW: "+", GONE: "-", OTHER: "!"}
"""The signs of rows as the highlighting of `diff` knows them."""


def markdown(found: Report) -> str:
    """The sentence, what is stated and predicted, and what follows from it folded up."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Report) -> Iterator[str]:
    yield f"**mpc diff** {_code(found.sentence, WIDEST)}"
    for section in found.sections:
        if not section.follows:
            yield from ("", f"**{visible(section.title)}**", "")
            yield from _block(section.rows)
    if found.predicted:
        yield from _table(found.predicted)
    if found.unpredicted:
        yield from ("", f"and {found.unpredicted} pairs of statements that are not predicted")
    if follows := [section for section in found.sections if section.follows]:
        yield from _folded(follows)


def _folded(sections: Sequence[Section]) -> Iterator[str]:
    yield from ("", "<details><summary>what follows</summary>")
    for section in sections:
        yield from ("", f"{visible(section.title)}", "")
        yield from _block(section.rows)
    yield from ("", "</details>")


def _block(rows: Sequence[Row]) -> Iterator[str]:
    """Rows as a code block, whose fence is longer than any in them."""
    lines = [
        clipped(visible(f"{SIGNS[row.sign]} {'  '.join(row.cells)}".rstrip()), WIDEST)
        for row in rows[:MOST_ROWS]
    ]
    fence = "`" * max(3, 1 + _longest("\n".join(lines)))
    yield from (f"{fence}diff", *lines, fence)
    if len(rows) > MOST_ROWS:
        yield from ("", f"and {len(rows) - MOST_ROWS} more")


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("", "**predicted**", "", "| pair | | before | after | |", "| --- | --- | --- | --- | --- |")
    before = ""
    for row in rows[: 2 * MOST_ROWS]:
        pair, figure, old, new, relative = row.cells
        cells = "" if pair == before else _code(pair), figure, _code(old), _code(new), relative
        before = pair
        yield f"| {' | '.join(cells)} |"
    if len(rows) > 2 * MOST_ROWS:
        yield from ("", f"and {len(rows) - 2 * MOST_ROWS} more")


def _code(text: str, most: int = WIDEST_CELL) -> str:
    """A code span, also within a table, where a bar needs a backslash."""
    text = clipped(visible(text), most)
    fence = "`" * (1 + _longest(text))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)
