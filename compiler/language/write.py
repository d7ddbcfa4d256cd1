"""Writes flat statements as the text of a lab.

Profiles and `default link` are local to a file, which flat text cannot express. So for a lab that uses files,
their attributes are written out on each link.
"""

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from compiler.ground.source import Frame
from compiler.language import syntax


def write(statements: Iterable[syntax.Statement], name: str) -> str:
    """The text of statements; `name` is the lab's name if there is no `lab` statement."""
    statements = tuple(statements)
    named = any(isinstance(statement, syntax.Lab) for statement in statements)
    lines = [*([] if named else [f"lab {name}"]), *_Writer(statements).lines()]
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, statements: tuple[syntax.Statement, ...]) -> None:
        self.statements = statements
        self.uses_files = any(statement.span.unit for statement in statements)
        self.profiles: dict[tuple[Frame | None, str], syntax.Profile] = {}
        self.defaults: dict[Frame | None, list[syntax.DefaultLink]] = {}
        for statement in statements:
            unit = statement.span.unit
            if isinstance(statement, syntax.Profile):
                self.profiles.setdefault((unit, statement.name.text), statement)
            elif isinstance(statement, syntax.DefaultLink):
                self.defaults.setdefault(unit, []).append(statement)

    def lines(self) -> Iterator[str]:
        for statement in self.statements:
            if not (self.uses_files and isinstance(statement, syntax.Profile | syntax.DefaultLink)):
                yield " ".join(self._words(statement, statement.span.unit))

    def _words(  # noqa: C901, PLR0912, PLR0915 - one case per statement
        self, statement: syntax.Statement, unit: Frame | None
    ) -> Iterator[str]:
        match statement:
            case syntax.Lab(_, name):
                yield from ("lab", name.text)
            case syntax.Pool(_, prefix):
                yield from ("pool", prefix.text)
            case syntax.Declaration():
                yield from _declaration(statement)
            case syntax.Profile(_, name, items):
                yield from ("profile", name.text, *_items(items))
            case syntax.DefaultLink(_, attributes):
                yield from ("default", "link", *self._attributes(attributes, unit, []))
            case syntax.Link(_, chain, attributes):
                yield from ("link", " -- ".join(map(_nodes, chain)))
                yield from self._attributes(attributes, unit, self.defaults.get(unit, []))
            case syntax.Tunnel(_, left, right, via, items):
                yield from ("tunnel", _nodes(left), "--", _nodes(right), "via", *map(_nodes, via))
                yield from _items(items)
            case syntax.Bond(_, left, right, over, items) | syntax.Teql(_, left, right, over, items):
                yield from (type(statement).__name__.lower(), _nodes(left), "--", _nodes(right))
                yield from ("over", *map(_nodes, over)) if over else ()
                yield from _items(items)
            case syntax.Shape(_, sources, targets, attributes):
                yield from ("shape", _nodes(sources), "->", _nodes(targets))
                yield from self._attributes(attributes, unit, [])
            case syntax.Routing(_, kind, metric, option):
                yield from ("routing", kind.text, *(("by", metric.text) if metric else ()))
                yield from (option.text,) if option else ()
            case syntax.Route():
                yield from _route(statement)
            case syntax.Spray(_, left, arrow, right, weights):
                yield from ("spray", _nodes(left), arrow.text, _nodes(right))
                yield from ("weights", *map(_weight, weights)) if weights else ()
            case syntax.Mptcp(_, left, arrow, right, options):
                yield from ("mptcp", _nodes(left), arrow.text, _nodes(right), *map(_option, options))
            case syntax.Sysctl(_, nodes, assignments):
                yield from ("sysctl", _nodes(nodes), *map(_assignment, assignments))
            case syntax.Masquerade(_, nodes, out, family):
                yield from ("masquerade", _nodes(nodes), *(("out", _nodes(out)) if out else ()))
                yield from (family.text,) if family else ()
            case syntax.PortForward(_, keyword, nodes, protocol, port, target):
                yield from (keyword.text, _nodes(nodes), protocol.text, port.text, "to", target.text)
            case syntax.Uplink(_, nodes, card):
                yield from ("uplink", _nodes(nodes), *(("to", card.text) if card else ()))
            case syntax.Expect(_, sources, targets, claim):
                yield from ("expect", _nodes(sources), "->", _nodes(targets), _claim(claim))
            case syntax.Bench(_, sources, targets, transfers, time, capture):
                yield from ("bench", _nodes(sources), "->", _nodes(targets), "using")
                yield from (", ".join(map(_transfer, transfers)), *(("for", time.text) if time else ()))
                yield from self._words(capture, unit) if capture else ()
            case syntax.At(_, time, event):
                yield from ("at", time.text)
                yield from (
                    _switching(event) if isinstance(event, syntax.Switching) else self._words(event, unit)
                )
            case syntax.Run(_, nodes, inside, command, items):
                yield from ("run", _nodes(nodes), *(("inside",) if inside else ()), _value(command))
                for item in items:
                    yield from _started(item)
            case syntax.Capture(_, interfaces, snap):
                yield from ("capture", _nodes(interfaces), *(("snap", snap.text) if snap else ()))
            case syntax.Device(_, interfaces, called, addresses):
                yield from ("device", _nodes(interfaces), *map(_value, called), *_items(addresses))
            case syntax.Machine(_, name, ssh, items):
                yield from ("machine", name.text, "ssh", _value(ssh), *_items(items))
            case syntax.Place(_, nodes, machine):
                yield from ("place", _nodes(nodes), "on", machine.text)
            case _:
                assert_never(statement)

    def _attributes(
        self, written: syntax.Attributes, unit: Frame | None, defaults: list[syntax.DefaultLink]
    ) -> Iterator[str]:
        """Attributes as written, or with those of profiles and defaults if the lab uses files."""
        if not self.uses_files:
            yield from (written.profile.text,) if written.profile else ()
            yield from _items(written.items)
            return
        items = [*written.items]
        for more in (written, *(default.attributes for default in defaults)):
            profile = self.profiles.get((unit, more.profile.text)) if more.profile else None
            for added in (more.items if more is not written else (), profile.items if profile else ()):
                known = {item.keyword.text for item in items}
                items += [item for item in added if item.keyword.text not in known]
        yield from _items(items)


def _route(route: syntax.Route) -> Iterator[str]:
    yield from ("route", _nodes(route.sources), *(("vrf", route.vrf.text) if route.vrf else ()))
    yield from ("from", route.within.text) if route.within else ()
    yield from ("to", _nodes(route.target))
    match route.onward:
        case syntax.Outgoing(interface=interface):
            yield from ("dev", interface.text)
        case syntax.Word(text=refusal):
            yield refusal
        case hops:
            yield from ("via", ", ".join(map(_hop, hops)))
    yield from ("metric", route.metric.text) if route.metric else ()
    yield from ("per-packet",) if route.per_packet else ()


def _declaration(statement: syntax.Declaration) -> Iterator[str]:
    names = [name.text for name in statement.names]
    yield statement.kind.text
    is_container = statement.kind.text == "container"
    keywords = syntax.CONTAINER_ATTRIBUTES if is_container else syntax.NODE_ATTRIBUTES
    yield from ["{" + ",".join(names) + "}"] if keywords.intersection(names) else names
    for item in statement.attributes:
        if isinstance(item, syntax.ContainerAttribute):
            yield from _started(item)
            continue
        before = "vlan" if item.keyword.text == "subnet" else "on"
        yield from (*_value_of(item), *((before, item.device.text) if item.device else ()))


def _started(item: syntax.ContainerAttribute) -> Iterator[str]:
    yield item.keyword.text
    if isinstance(item.value, syntax.Word | syntax.String):
        yield _value(item.value)
    else:
        yield from map(_assignment, item.value)


def _items(items: Iterable[syntax.Attribute]) -> Iterator[str]:
    for item in items:
        if item.keyword.text == "trunk":
            yield from ("trunk", ",".join(word.text for word in item.words))
        else:
            yield from (*_value_of(item), *(word.text for word in item.words[1:]))


def _value_of(item: syntax.Attribute | syntax.NodeAttribute) -> tuple[str, ...]:
    """An attribute and its value; `private` has none."""
    return (item.keyword.text,) if item.value == item.keyword else (item.keyword.text, item.value.text)


def _nodes(nodes: syntax.Nodes) -> str:
    words = ",".join(word.text for word in nodes.words)
    return words if len(nodes.words) == 1 else "{" + words + "}"


def _hop(hop: syntax.Hop) -> str:
    return f"{hop.to.text} weight {hop.weight.text}" if hop.weight else hop.to.text


def _weight(weight: syntax.Weight) -> str:
    return f"{weight.to.text} {weight.weight.text}"


def _option(option: tuple[syntax.Endpoint, ...] | syntax.Limit) -> str:
    if isinstance(option, syntax.Limit):
        return f"{option.keyword.text} {option.value.text}"
    return "endpoints " + ", ".join(
        " ".join([endpoint.interface.text, *(_flag(flag) for flag in endpoint.flags)]) for endpoint in option
    )


def _flag(flag: syntax.Flag) -> str:
    return f"{flag.name.text} {flag.value.text}" if flag.value else flag.name.text


def _switching(event: syntax.Switching) -> Iterator[str]:
    yield from (event.state.text, _nodes(event.left), "--", _nodes(event.right))


def _claim(claim: syntax.Reachability | syntax.RoundTrip | syntax.Throughput) -> str:
    match claim:
        case syntax.Reachability(_, word):
            return word.text
        case syntax.RoundTrip(_, times):
            return f"rtt {times.text}"
        case syntax.Throughput(_, least, transfer):
            using = f" using {_transfer(transfer)}" if transfer else ""
            return f"rate >= {least.text}{using}"


def _transfer(transfer: syntax.Transfer) -> str:
    words = transfer.protocol, transfer.flows, transfer.reverse
    return " ".join(word.text for word in words if word)


def _assignment(assignment: syntax.Assignment) -> str:
    return f"{assignment.key.text}={_value(assignment.value)}"


def _value(value: syntax.Word | syntax.String) -> str:
    if isinstance(value, syntax.Word):
        return value.text
    return '"' + re.sub(r'(["\\])', r"\\\1", value.text) + '"'
