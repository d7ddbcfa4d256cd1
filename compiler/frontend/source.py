"""Source text and places in it."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file's text; `name` is what diagnostics and script headers call it."""

    name: str
    text: str
    line_starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ends = (i + 1 for i, char in enumerate(self.text) if char == "\n")
        object.__setattr__(self, "line_starts", [0, *ends])

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset in characters, both from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None].removesuffix("\r")


class Span(NamedTuple):
    """The characters from `start` up to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: "Span") -> "Span":
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, other.end)

    def part(self, start: int, end: int | None = None) -> "Span":
        """A piece of this span, by offsets within it."""
        stop = self.end if end is None else self.start + end
        return Span(self.source, self.start + start, stop)
