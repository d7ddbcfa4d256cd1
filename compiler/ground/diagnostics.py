"""Errors, warnings and notes: how they are collected and rendered.

The form is rustc's: a code, one sentence, the source line with the span marked, and a fix where one is known.
`codes.py` holds the long text that `mpc explain` prints for each code.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from compiler.ground.source import Source, Span


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    """Valid, but perhaps not intended; reported by `mpc check` only."""


class Note(NamedTuple):
    """A second place in the source that a diagnostic refers to."""

    message: str
    span: Span


class Diagnostic(NamedTuple):
    """One error, warning or note.

    `message` is complete without the other fields; `label` says what is wrong at `span`; `help` is what to
    write instead. Where one text is expanded many times, `more` counts the further diagnostics like this one.
    """

    severity: Severity
    code: str
    message: str
    span: Span
    label: str = ""
    help: str = ""
    notes: tuple[Note, ...] = ()
    more: int = 0

    @property
    def all_notes(self) -> tuple[Note, ...]:
        """The notes, then one for each frame that the statement was expanded by, innermost first."""
        return *self.notes, *(Note(frame.what, frame.span) for frame in self.span.frames)


Help = str | Callable[[], str]
"""A help line, or a function that searches for one; it is called only if the diagnostic is kept."""


MOST = 100
"""The errors after which compilation stops, and the warnings and the notes that are kept, MOST of each."""


class TooManyError(Exception):
    """One error more than MOST: compilation stops."""


class Diagnostics:
    """Collects the diagnostics of all phases; iterates in source order.

    Raises TooManyError at the error after the first MOST.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], Diagnostic] = {}
        self._times: dict[tuple[object, ...], set[int]] = {}
        self._counts: Counter[Severity] = Counter()
        self.incomplete = False
        """Whether diagnostics were dropped because there were more than MOST of their severity."""
        self._held_back: set[str] = set()
        self.excused: set[str] = set()
        """Words of statements that did not parse; an unknown or malformed one among them is not reported."""

    def error(
        self, code: str, message: str, span: Span, label: str = "", help: Help = "", *notes: Note
    ) -> None:
        self._add(Diagnostic(Severity.ERROR, code, message, span, label, notes=notes), help)

    def warning(
        self, code: str, message: str, span: Span, label: str = "", help: Help = "", *notes: Note
    ) -> None:
        self._add(Diagnostic(Severity.WARNING, code, message, span, label, notes=notes), help)

    def note(
        self, code: str, message: str, span: Span, label: str = "", help: Help = "", *notes: Note
    ) -> None:
        self._add(Diagnostic(Severity.NOTE, code, message, span, label, notes=notes), help)

    def _add(self, found: Diagnostic, help: Help) -> None:
        """Adds a diagnostic; where one text is expanded many times, the first of each code and span."""
        if found.code in self._held_back:
            return
        span = found.span
        made_often = span.within is not None or "[" in span.text
        key = found.code, *span[:3], *(() if made_often else found)
        if key in self._found:
            self._times[key].add(hash((found.message, span)))
        elif self._counts[found.severity] == MOST:
            self.incomplete = True
            if found.severity is Severity.ERROR:
                raise TooManyError
        else:
            self._found[key] = found._replace(help=help if isinstance(help, str) else help())
            self._times[key] = {hash((found.message, span))}
            self._counts[found.severity] += 1

    def hold_back(self, *codes: str) -> None:
        """Drops all later diagnostics with these codes, as errors already reported can cause them."""
        self._held_back.update(codes)

    def __iter__(self) -> Iterator[Diagnostic]:
        ranks = {source: rank for rank, source in enumerate(dict.fromkeys(map(_file, self._found.values())))}
        found = [one._replace(more=len(self._times[key]) - 1) for key, one in self._found.items()]
        return iter(sorted(found, key=lambda one: (ranks[_file(one)], _starts(one), one.span.end)))

    def count(self, severity: Severity) -> int:
        return self._counts[severity]

    @property
    def failed(self) -> bool:
        return self.count(Severity.ERROR) > 0


def _file(found: Diagnostic) -> Source:
    """The file that a diagnostic is listed under: the compiled file, if it uses the diagnostic's file."""
    frames = found.span.frames
    return frames[-1].span.source if frames else found.span.source


def _starts(found: Diagnostic) -> list[int]:
    """The sort key of a diagnostic: the start offsets of its frames, outermost first, then of its span."""
    return [*(frame.span.start for frame in reversed(found.span.frames)), found.span.start]


LONGEST_WORD, MOST_KNOWN = 100, 1000
"""Bounds of the search for suggestions, in characters of a word and in words that it is compared with."""


def suggest(word: str, known: Iterable[str]) -> str:
    """A help line with the known word nearest to `word`, or an empty text."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that equals `word` but for case, or that few typing slips lead to; or an empty text.

    A slip is an extra, missing or wrong character, or two characters swapped: at most one in three
    characters. Words of up to three characters must also share the first one, as there is little else to
    compare.
    """
    from difflib import get_close_matches

    if len(word) > LONGEST_WORD:
        return ""
    lowered = {name.lower(): name for name in islice(known, MOST_KNOWN)}
    wanted = word.lower()
    if wanted in lowered:
        return lowered[wanted]
    close = get_close_matches(wanted, lowered, n=5, cutoff=0.5)
    slips, _, _, name = min(
        ((_slips(wanted, name), sorted(wanted) != sorted(name), i, name) for i, name in enumerate(close)),
        default=(1, True, 0, ""),
    )
    longest = max(len(wanted), len(name))
    return lowered[name] if name and 3 * slips <= longest and (longest > 3 or wanted[0] == name[0]) else ""


def _slips(word: str, other: str) -> int:
    """The edit distance of two words, with swaps of neighbouring characters (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, char in enumerate(word):
        earlier, before, row = before, row, [i + 1]
        for j, wanted in enumerate(other):
            cost = min(before[j] + (char != wanted), before[j + 1] + 1, row[j] + 1)
            if i and j and char == other[j - 1] and word[i - 1] == wanted:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
    return row[-1]


def listed(names: Iterable[str], most: int = 10) -> str:
    """Names for a message, joined by commas; of more than `most`, the first ones and an ellipsis."""
    first = list(islice(names, most + 1))
    return ", ".join(first[:most]) + (", ..." if len(first) > most else "")


def enumerated(names: Sequence[str], most: int | None = None) -> str:
    """Names in backquotes, joined by commas and `and`; of more than `most`, the first and a count."""
    said = [f"`{name}`" for name in names[:most]]
    said += [f"{len(names) - len(said)} more"] if len(names) > len(said) else []
    *first, last = said
    return f"{', '.join(first)} and {last}" if first else last


Paint = Callable[[str, str], str]
"""Puts a text in one of the styles `error`, `warning`, `note`, `frame` and `strong`."""


def plain(text: str, style: str) -> str:
    """The `Paint` without colour."""
    del style
    return text


def render(found: Diagnostic, paint: Paint = plain) -> str:
    """A diagnostic as text for a terminal."""
    headline = paint(f"{found.severity}[{found.code}]", found.severity)
    lines = [f"{headline}{paint(': ' + visible(found.message), 'strong')}"]
    lines += _snippet(found.span, found.label, "-->", paint, str(found.severity))
    for note in found.all_notes:
        lines += _snippet(note.span, note.message, ":::", paint, "frame")
    gutter = " " * (_gutter(found.span) + 1)
    if found.more:
        lines.append(f"{gutter}{paint('=', 'frame')} note: and {found.more} more like this one")
    if found.help:
        lines.append(f"{gutter}{paint('=', 'frame')} help: {visible(found.help)}")
    return "\n".join(lines) + "\n"


WIDEST = 120
"""The columns of a source line that are shown at most."""


def _snippet(span: Span, label: str, arrow: str, paint: Paint, style: str) -> list[str]:
    """The position of a span, its first line, and marks under the part of the span on that line."""
    line, column = span.source.position(span.start)
    text, before = _clipped(span.source.line(line), column - 1)
    width = max(1, min(span.end - span.start, len(text) - before))
    space, bar = " " * _gutter(span), paint("|", "frame")
    marks = paint(f"{'^' if arrow == '-->' else '-'}" * width + f" {visible(label)}".rstrip(), style)
    return [
        f"{space}{paint(arrow, 'frame')} {visible(span.source.name)}:{line}:{column}",
        f"{space} {bar}",
        f"{paint(str(line), 'frame')} {bar} {visible(text)}",
        f"{space} {bar} {' ' * before}{marks}",
    ]


def _clipped(text: str, before: int) -> tuple[str, int]:
    """An excerpt of a long line around the offset `before`, and that offset within the excerpt."""
    if len(text) <= WIDEST:
        return text, before
    start = max(0, before - WIDEST // 2)
    head, tail = "..." if start else "", "..." if start + WIDEST < len(text) else ""
    return head + text[start : start + WIDEST] + tail, before - start + len(head)


def _gutter(span: Span) -> int:
    return len(str(span.source.position(span.start)[0]))


def visible(text: str) -> str:
    """The text on one line: tabs as spaces, other unprintable characters as replacement characters."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def diagnostic_as_json(found: Diagnostic) -> dict[str, object]:
    """A diagnostic as JSON data; lines and columns count from 1, and `end_column` is exclusive."""
    return {
        "code": found.code,
        "severity": str(found.severity),
        "message": found.message,
        **_place(found.span),
        "label": found.label,
        "help": found.help,
        "notes": [{"message": note.message, **_place(note.span)} for note in found.all_notes],
        "more": found.more,
    }


def _place(span: Span) -> dict[str, object]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }
