"""The files of a lab: their text and syntax trees, each read and parsed once."""

from typing import NamedTuple, Protocol

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span
from compiler.language import syntax
from compiler.language.parse import parse

LARGEST = 2**21
"""The greatest size of a file in bytes; a larger one would have more links than a machine can hold."""


class UseError(Exception):
    """A file that cannot be used; the arguments are a sentence for the user, and a help line."""


class Place(NamedTuple):
    """A file that was found: its name in diagnostics, and its unique key."""

    name: str
    key: str


class Reader(Protocol):
    """Finds and reads files; both methods raise UseError."""

    def locate(self, using: str, path: str, *, quoted: bool) -> Place:
        """Resolves `path` in the file with the key `using`; an unquoted path is of the library."""

    def read(self, place: Place) -> bytes:
        """The content of a located file."""


class Files:
    """The files that a lab uses. `key` is the key of `root`, the compiled file."""

    def __init__(
        self, root: Source, key: str, reader: Reader, diagnostics: Diagnostics, tables: str | None
    ) -> None:
        self.reader = reader
        self.diagnostics = diagnostics
        self.tables = tables
        self._keys = {root: key}
        self._sources = {key: root}
        self._found: dict[tuple[Source, str, bool], Source] = {}
        self._trees: dict[Source, tuple[syntax.Node, ...]] = {}

    def find(self, using: Source, path: str, *, quoted: bool) -> Source:
        """The file that `path` resolves to in another file; raises UseError if it cannot be read."""
        asked = using, path, quoted
        if asked not in self._found:
            place = self.reader.locate(self._keys[using], path, quoted=quoted)
            if place.key not in self._sources:
                source = decode(place.name, self.reader.read(place), self.diagnostics)
                self._sources[place.key], self._keys[source] = source, place.key
            self._found[asked] = self._sources[place.key]
        return self._found[asked]

    def tree(self, source: Source) -> tuple[syntax.Node, ...]:
        """The syntax tree of a file."""
        if source not in self._trees:
            self._trees[source] = parse(source, self.diagnostics, self.tables)
        return self._trees[source]


def decode(name: str, data: bytes, diagnostics: Diagnostics) -> Source:
    """Decodes bytes; those that are not text are reported."""
    source = Source(name, data.decode("utf-8-sig", "replace"))
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        place = source.text.find("\N{REPLACEMENT CHARACTER}")
        span = Span(source, place, place + 1)
        diagnostics.error("MPC107", "this text is not UTF-8", span, "not a character")
    return source
