"""The things of two labs, compared."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from compiler.compare.things import Attribute, Thing


class Value(NamedTuple):
    """A text that differs: `what` it is of, and in which `direction` of a link; empty where there is none."""

    what: str
    direction: str
    old: str
    new: str


class Change(NamedTuple):
    """A thing that one lab alone has (the other text is None), or that differs."""

    old: str | None
    new: str | None
    values: tuple[Value, ...]
    nodes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The first word: the kind of statement."""
        return (self.new or self.old or "").split()[0]


def changes(
    old: Mapping[tuple[object, ...], Thing], new: Mapping[tuple[object, ...], Thing]
) -> Iterator[Change]:
    """What differs: things of both labs, then those of new alone, then those of old alone."""
    for key in old:
        if key in new and old[key] != new[key]:
            found = differing(old[key].attributes, new[key].attributes)
            yield Change(old[key].said, new[key].said, tuple(found), new[key].nodes)
    nothing: dict[Attribute, str] = {}
    for key, thing in new.items():
        if key not in old:
            yield Change(None, thing.said, tuple(differing(nothing, thing.attributes)), thing.nodes)
    for key, thing in old.items():
        if key not in new:
            yield Change(thing.said, None, tuple(differing(thing.attributes, nothing)), thing.nodes)


def differing(old: Mapping[Attribute, str], new: Mapping[Attribute, str]) -> Iterator[Value]:
    """The values that differ; one that differs alike in both directions of a link is told once."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for what, direction in {**old, **new}:
        both = old.get((what, direction), ""), new.get((what, direction), "")
        if both[0] != both[1]:
            found.setdefault((what, *both), []).append(direction)
    for (what, before, after), directions in found.items():
        for direction in [""] if len(directions) == 2 else directions:
            yield Value(what, direction, before, after)


def differing_texts(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Value]:
    """The values that differ of two mappings from what they are of; those of both labs come first."""
    names: Iterable[str] = {**{name: None for name in old if name in new}, **new, **old}
    for name in names:
        before, after = old.get(name, ""), new.get(name, "")
        if before != after:
            yield Value(name, "", before, after)
