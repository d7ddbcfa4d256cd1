"""How the texts of two labs differ: lines of their scripts, and statements."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

MOST_STATEMENTS = 1000
"""The most statements of either side that are kept."""

HASH = "plan "
"""The start of the line with the hash of the plan; it differs whenever other lines do, or their order."""


MOST_PIECES = 10_000
"""The pieces of a script that are split to lines at once."""


class Lines(NamedTuple):
    """How many lines of a script, or of a lab, are in one alone."""

    gone: int
    new: int


def lines(old: Iterable[str], new: Iterable[str]) -> Lines:
    """Compares two texts, each in pieces of whole lines, as multisets; the order does not count."""
    before, after = _counted(old), _counted(new)
    more = [after[line] - before[line] for line in {line for line, _ in before.items() ^ after.items()}]
    return Lines(-sum(one for one in more if one < 0), sum(one for one in more if one > 0))


def _counted(pieces: Iterable[str]) -> Counter[int]:
    """How often each line occurs, but for the one with the hash; by their hashes, which need less memory."""
    found: Counter[int] = Counter()
    pieces = iter(pieces)
    while some := list(islice(pieces, MOST_PIECES)):
        text = "".join(some)
        own = text.removesuffix("\n").split("\n") if text else []
        if HASH in text:
            own = [line for line in own if not line.startswith(HASH)]
        found.update(map(hash, own))
    return found


class Wording(StrEnum):
    """What differs between two texts of which the network is the same."""

    SAME = "nothing"
    LAYOUT = "comments and layout"
    ORDER = "the order of statements"
    STATEMENTS = "statements"


class Text(NamedTuple):
    """How the texts of the labs differ, by what they expand to; the statements of one side alone as text."""

    wording: Wording
    lines: Lines
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


def text(sources: tuple[str, str], flat: tuple[list[str], list[str]]) -> Text:
    """Compares the sources of two labs, and their flat statements, a line each."""
    found = lines(sources[:1], sources[1:])
    if flat[0] == flat[1]:
        return Text(Wording.SAME if sources[0] == sources[1] else Wording.LAYOUT, found)
    before, after = Counter(flat[0]), Counter(flat[1])
    if before == after:
        return Text(Wording.ORDER, found)
    gone, new = (tuple((one - other).elements()) for one, other in ((before, after), (after, before)))
    return Text(Wording.STATEMENTS, found, gone[:MOST_STATEMENTS], new[:MOST_STATEMENTS])
