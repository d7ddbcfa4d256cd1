"""Source text and places in it."""

import re
from bisect import bisect_right
from typing import NamedTuple


class Source:
    """One file's text; `name` is what diagnostics and script headers call it."""

    __slots__ = ("line_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.line_starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset in characters, both from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else None].removesuffix("\r")


class Frame(NamedTuple):
    """An expansion that made a statement: one iteration of a loop, or one `use` of a file.

    `span` is the place of the loop's head or of the `use`. `prefix` is that of all names in a used file,
    including the prefixes of enclosing uses; None for a loop.
    """

    what: str
    span: "Span"
    prefix: str | None = None


class Span(NamedTuple):
    """The characters from `start` up to `end` (exclusive) of a source; `within` is the innermost frame."""

    source: Source
    start: int
    end: int
    within: Frame | None = None

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def frames(self) -> list[Frame]:
        """All frames, innermost first."""
        found, frame = [], self.within
        while frame:
            found.append(frame)
            frame = frame.span.within
        return found

    @property
    def unit(self) -> Frame | None:
        """The use of a file that this is part of; None in the file that is compiled."""
        frame = self.within
        while frame and frame.prefix is None:
            frame = frame.span.within
        return frame

    def under(self, frame: Frame | None) -> "Span":
        """The same place, within a frame."""
        return Span(self.source, self.start, self.end, frame)

    def to(self, other: "Span") -> "Span":
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, other.end, self.within)

    def part(self, start: int, end: int | None = None) -> "Span":
        """A part of this span, by offsets within it."""
        stop = self.end if end is None else self.start + end
        return Span(self.source, self.start + start, stop, self.within)
