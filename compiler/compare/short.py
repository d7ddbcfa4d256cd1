"""Sets of names in few words, as the language writes them: `h[0..7]`, `{a,b}`, `t-h[0..7]-[0..3]-0`."""

import re
from collections.abc import Collection, Iterable

_PARTS = re.compile(r"(?<![0-9])(0|[1-9][0-9]{0,8})(?![0-9])")
_WRITTEN = re.compile(r"\[([0-9]+)\.\.([0-9]+)\]")

FEWEST = 3
"""The fewest consecutive numbers that are written as a range."""

EVERY = "all"
"""The set of all names; it cannot name a node."""

Part = str | tuple[int, int]
"""A piece of names: a text, or a range of numbers, both ends included."""

Pattern = tuple[Part, ...]


def short(names: Iterable[str], everything: Collection[str] = (), most: int | None = None) -> str:
    """A set of names; `all` if it is everything and more than FEWEST. Of more than `most` items, the first
    and a count of the other names."""
    found = list(dict.fromkeys(names))
    if len(found) > FEWEST and len(found) == len(everything):
        return EVERY
    items = _items(found)
    if most is not None and len(items) > most:
        more = sum(map(_size, items[most:]))
        return "{" + ",".join([*map(_text, items[:most]), f"and {more} more"]) + "}"
    texts = [_text(item) for item in items]
    return texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}"


def _items(names: list[str]) -> list[Pattern]:
    """The names as patterns, with the numbers in each place joined to ranges where the rest is alike."""
    found: list[Pattern] = [tuple(map(_part, enumerate(_PARTS.split(name)))) for name in names]
    for place in range(max((len(one) for one in found), default=0) - 2, 0, -2):
        found = _joined(found, place)
    return found


def _part(numbered: tuple[int, str]) -> Part:
    place, text = numbered
    return (int(text), int(text)) if place % 2 else text


def _joined(found: list[Pattern], place: int) -> list[Pattern]:
    """The patterns with consecutive numbers at a place as ranges, in the order of their first names."""
    groups: dict[object, list[Pattern]] = {}
    for rank, one in enumerate(found):
        alike = (one[:place], one[place + 1 :]) if place < len(one) else rank
        groups.setdefault(alike, []).append(one)
    return [one for group in groups.values() for one in _runs(group, place)]


def _runs(group: list[Pattern], place: int) -> list[Pattern]:
    if len(group) < FEWEST:
        return group
    numbers = sorted(one[place] for one in group if isinstance(one[place], tuple))
    runs: list[list[tuple[int, int]]] = []
    for low, high in (part for part in numbers if isinstance(part, tuple)):
        if runs and runs[-1][-1][1] + 1 == low:
            runs[-1].append((low, high))
        else:
            runs.append([(low, high)])
    head, tail = group[0][:place], group[0][place + 1 :]
    ranges: list[tuple[int, int]] = []
    for run in runs:
        ranges += [(run[0][0], run[-1][1])] if len(run) >= FEWEST else run
    return [(*head, one, *tail) for one in ranges]


def _text(pattern: Pattern) -> str:
    return "".join(part if isinstance(part, str) else _numbers(*part) for part in pattern)


def _numbers(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}..{high}]"


def _size(pattern: Pattern) -> int:
    """How many names a pattern stands for."""
    found = 1
    for low, high in (part for part in pattern if isinstance(part, tuple)):
        found *= high - low + 1
    return found


def names_of(written: str) -> list[str]:
    """The names of a set that `short` wrote without a bound."""
    items = written[1:-1].split(",") if written.startswith("{") else [written]
    return [name for item in items for name in _names(item)]


def _names(item: str) -> list[str]:
    found = _WRITTEN.search(item)
    if not found:
        return [item]
    low, high = map(int, found.groups())
    return [name for n in range(low, high + 1) for name in _names(item.replace(found[0], str(n), 1))]
