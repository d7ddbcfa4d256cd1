"""A difference as sections of rows, which all texts for people are made of."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from compiler.compare.changes import Change, Value
from compiler.compare.difference import Broken, Difference
from compiler.compare.figures import Figures, Forecast
from compiler.compare.lines import Lines, Text, Wording
from compiler.compare.reached import Reachable, Sets
from compiler.compare.routes import RouteChange, count
from compiler.compare.short import short
from compiler.ground.diagnostics import Diagnostic
from compiler.prediction import quantities

NEW, GONE, OTHER = "+", "-", "~"

MOST_ITEMS = 8
"""The most items of a set of names."""

ALIKE = 3
"""The fewest changes that differ in the names of nodes alone which are one row."""


class Row(NamedTuple):
    """One line: a sign, what it is about, and what is told of that."""

    sign: str
    cells: tuple[str, ...]


class Section(NamedTuple):
    """Rows under a title; `follows` is whether they follow from what others tell."""

    title: str
    rows: tuple[Row, ...]
    follows: bool = False


class Report(NamedTuple):
    """One sentence, and sections with rows; `predicted` has those of figures: pair, figure, old, new, and the
    relative change."""

    sentence: str
    sections: tuple[Section, ...]
    predicted: tuple[Row, ...]
    unpredicted: int


def report(found: Difference) -> Report:
    """What there is to tell of a difference."""
    stated = Section(_counted(found.changes), tuple(_changes(found.changes)))
    sections = [
        stated,
        Section("other names of interfaces", tuple(Row(OTHER, one) for one in map(_renamed, found.renamed))),
        Section("reachability", tuple(row for one in found.reachable for row in _reachable(one))),
        Section("warnings", tuple(_warnings(*found.warnings))),
        _values("addresses", found.addresses),
        _values("queues, turns and MPTCP", found.settings),
        _routes(found.routes),
        Section("lines of scripts", tuple(_lines(found.scripts)), follows=True),
        Section("text", tuple(_text(found.text)) if not found.in_network else ()),
    ]
    predicted = tuple(row for one in found.forecasts.found for row in _forecast(one))
    return Report(
        _sentence(found), tuple(one for one in sections if one.rows), predicted, found.forecasts.left_out
    )


def report_of_broken(found: Broken) -> Report:
    """What there is to tell where a lab does not compile: which one, and what differs in the texts."""
    broken = [name for name, errors in zip(found.names, found.errors, strict=True) if errors]
    rows = tuple(_text(found.text))
    verb = "do not compile" if len(broken) > 1 else "does not compile"
    sentence = f"{' and '.join(broken)} {verb}; {_in_text(found.text)}"
    return Report(sentence, (Section("text", rows),) if rows else (), (), 0)


def _sentence(found: Difference) -> str:
    if found.in_network:
        return f"{found.names[0]} => {found.names[1]}"
    if found.is_empty:
        return "no difference"
    return f"no difference in the network; {_in_text(found.text)}"


def _in_text(found: Text) -> str:
    """What differs in the texts, as the end of a sentence."""
    return "the text is the same" if found.wording is Wording.SAME else f"other in the text: {found.wording}"


def _counted(found: Iterable[Change]) -> str:
    """How many things of each kind are new, gone, and changed: `the lab: host +2, link +3 -1`."""
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.kind, Counter())[_sign(one)] += 1
    told = (
        " ".join([kind, *(f"{sign}{own[sign]}" for sign in (NEW, GONE, OTHER) if own[sign])])
        for kind, own in counts.items()
    )
    return "the lab: " + ", ".join(told)


def _changes(found: Iterable[Change]) -> Iterator[Row]:
    """A row for each change, or for those alike."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for one in found:
        groups.setdefault((one.kind, one.old is None, one.new is None, _told(one)), []).append(one)
    for alike in groups.values():
        if len(alike) < ALIKE:
            yield from (Row(_sign(one), (_said(one), _told(one))) for one in alike)
        else:
            yield Row(_sign(alike[0]), (_together(alike), _told(alike[0])))


def _sign(change: Change) -> str:
    return NEW if change.old is None else GONE if change.new is None else OTHER


def _said(change: Change) -> str:
    if change.old and change.new and change.old != change.new:
        return f"{change.old} => {change.new}"
    return change.new or change.old or ""


def _together(alike: Sequence[Change]) -> str:
    """The names of nodes as a set, or the first of other things and how many more there are."""
    if all(len(one.nodes) == 1 and _said(one) == f"{one.kind} {one.nodes[0]}" for one in alike):
        return f"{alike[0].kind} {short((one.nodes[0] for one in alike), most=MOST_ITEMS)}"
    return f"{_said(alike[0])} and {len(alike) - 1} more"


def _told(change: Change) -> str:
    arrow = change.old is not None and change.new is not None
    return "  ".join(_value(one, arrow=arrow) for one in change.values)


def _value(value: Value, *, arrow: bool) -> str:
    what = f"{value.what} {value.direction}:" if value.direction else value.what
    return f"{what} {_arrow(value)}" if arrow else f"{what} {value.new or value.old}"


def _arrow(value: Value) -> str:
    return f"{value.old or 'none'} => {value.new or 'none'}"


def _renamed(both: tuple[str, str]) -> tuple[str, ...]:
    return (" => ".join(both),)


def _reachable(found: Reachable) -> Iterator[Row]:
    over = f"over IPv{found.version}"
    known, common = found.looked_up
    for sign, pairs, sets, verb in (
        (GONE, found.lost_pairs, found.lost, "lost"),
        (NEW, found.gained_pairs, found.gained, "gained"),
    ):
        if pairs:
            yield Row(sign, (f"{pairs} pairs {verb} {over}", ""))
            yield from (Row(sign, (f"  {_sets(one)}", "")) for one in sets)
    if known < common:
        yield Row(OTHER, (f"known of {known} of {common} nodes {over}: too many to look up", ""))


def _sets(found: Sets) -> str:
    left, right = (short(names, most=MOST_ITEMS) for names in (found.sources, found.targets))
    if found.sources == found.targets:
        return f"among {left}"
    return f"{left} {'--' if found.mutual else '->'} {right}"


def _forecast(found: Forecast) -> Iterator[Row]:
    pair = f"{found.source} -> {found.target}" + (", IPv6" if found.version == 6 else "")
    for figure, before, after, relative in _figures(found.old, found.new):
        if before != after:
            yield Row(OTHER, (pair, figure, before, after, relative))


def _figures(old: Figures, new: Figures) -> Iterator[tuple[str, str, str, str]]:
    yield "ways", str(old.ways), str(new.ways), ""
    trips = [one.rtt for one in (old, new)]
    middles = [sum(one) / 2 if one else None for one in trips]
    before, after = (quantities.times(one) if one else "no answer" for one in trips)
    yield "round trip", before, after, _relative(*middles)
    for name in old.rates:
        left, right = old.rates[name], new.rates[name]
        yield name, _rate(left), _rate(right), _relative(left, right)
    yield "bottleneck", _links(old), _links(new), ""


def _links(found: Figures) -> str:
    return short(found.bottleneck, most=MOST_ITEMS) if found.bottleneck else "none"


def _rate(rate: float | None) -> str:
    if rate is None:
        return "not predicted"
    return "no bound" if rate == inf else quantities.rate(rate)


def _relative(old: float | None, new: float | None) -> str:
    if not old or not new or inf in (old, new):
        return ""
    return f"{100 * (new - old) / old:+.0f} %"


def _warnings(gone: Iterable[Diagnostic], new: Iterable[Diagnostic]) -> Iterator[Row]:
    for sign, found in ((NEW, new), (GONE, gone)):
        for one in found:
            line, column = one.span.source.position(one.span.start)
            place = f"{one.span.source.name}:{line}:{column}"
            yield Row(sign, (f"{one.severity}[{one.code}]: {one.message}", place))


def _values(title: str, found: Sequence[Value]) -> Section:
    return Section(title, tuple(Row(_kind(one), (one.what, _arrow(one))) for one in found), follows=True)


def _kind(value: Value) -> str:
    return OTHER if value.old and value.new else NEW if value.new else GONE


def _routes(found: Sequence[RouteChange]) -> Section:
    new, gone, changed = count(found)
    nodes = len({one.node for one in found})
    title = f"routes of {nodes} node{'s' * (nodes > 1)}: {new} new, {gone} gone, {changed} changed"
    return Section(title, tuple(_alike_routes(found)), follows=True)


def _alike_routes(found: Iterable[RouteChange]) -> Iterator[Row]:
    """A row for each change of next hops, then one for the nodes that have a route alone to the same."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[RouteChange]] = {}
    for one in found:
        rule = f" {one.rule}" if one.rule else ""
        if one.old and one.new:
            targets = short(one.targets, most=MOST_ITEMS)
            yield Row(OTHER, (f"{one.node}{rule} to {targets}", f"{_hops(one.old)} => {_hops(one.new)}"))
        else:
            groups.setdefault((NEW if one.new else GONE, rule, one.targets), []).append(one)
    for (sign, selector, common), alike in groups.items():
        nodes = short((one.node for one in alike), most=MOST_ITEMS)
        hops = {one.new or one.old for one in alike}
        via = f"via {_hops(next(iter(hops)))}" if len(hops) == 1 else ""
        yield Row(sign, (f"{nodes}{selector} to {short(common, most=MOST_ITEMS)}", via))


def _hops(hops: tuple[str, ...]) -> str:
    return ", ".join(hops)


def _lines(found: Mapping[str, Lines]) -> Iterator[Row]:
    for kind, one in found.items():
        yield Row(OTHER, (kind, _changed(one)))


def _changed(found: Lines) -> str:
    return f"+{found.new} -{found.gone}"


def _text(found: Text) -> Iterator[Row]:
    if any(found.lines):
        yield Row(OTHER, ("lines", _changed(found.lines)))
    yield from (Row(GONE, (one,)) for one in found.gone)
    yield from (Row(NEW, (one,)) for one in found.new)


def clipped(text: str, most: int) -> str:
    """A text of at most so many characters, with an ellipsis for the rest."""
    return text if len(text) <= most else text[: most - 3] + "..."
