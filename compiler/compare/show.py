"""A difference as text for a terminal."""

from collections.abc import Iterator, Sequence

from compiler.compare.sections import Report, Row, clipped
from compiler.ground.diagnostics import visible

MOST_ROWS, MOST_FOLLOWING = 40, 12
"""The most rows of a section, and of one that follows from others."""

WIDEST, FIRST = 300, 48
"""The most characters of a row, and those that a cell is padded to."""


def show(found: Report) -> str:
    """The sentence, and the sections after it; `--format json` has all rows."""
    return "\n".join(visible(line) for line in _lines(found)) + "\n"


def _lines(found: Report) -> Iterator[str]:
    yield found.sentence
    for section in found.sections:
        if section.follows:
            continue
        yield from _section(section.title, section.rows)
    if found.predicted:
        yield from _section("predicted", found.predicted)
    if found.unpredicted:
        yield f"  and {found.unpredicted} pairs of statements that are not predicted"
    for section in found.sections:
        if section.follows:
            yield from _section(section.title, section.rows, MOST_FOLLOWING)


def _section(title: str, rows: Sequence[Row], most: int = MOST_ROWS) -> Iterator[str]:
    yield ""
    yield title
    shown = rows[:most]
    columns = max(len(row.cells) for row in shown)
    widths = [
        min(FIRST, max(len(row.cells[place]) for row in shown if len(row.cells) > place))
        for place in range(columns)
    ]
    before = ""
    for row in shown:
        cells = _cells(row, before)
        before = row.cells[0]
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
        yield clipped(f"  {row.sign} {'  '.join(padded)}".rstrip(), WIDEST)
    if len(rows) > len(shown):
        yield f"  and {len(rows) - len(shown)} more"


def _cells(row: Row, before: str) -> tuple[str, ...]:
    """The cells of a row; those of figures are joined by an arrow, and name their pair once."""
    if len(row.cells) < 5:
        return row.cells
    pair, figure, old, new, relative = row.cells
    return "" if pair == before else pair, figure, f"{old} => {new}", relative
