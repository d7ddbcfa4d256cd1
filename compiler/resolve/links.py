"""The links of a lab: the names of their ends, their pinned addresses, and the shaping of each direction."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from compiler.ground.diagnostics import Note
from compiler.ground.names import (
    INTERFACE_BYTES,
    INTERFACE_FORM,
    LOGICAL,
    bridge_name,
    fault,
    is_interface,
    is_of_module,
    other_name,
    shortened,
    whole_name,
)
from compiler.ground.source import Frame, Span
from compiler.language import syntax
from compiler.language.sets import Pair, hops, node_of, unique
from compiler.model.links import InterfaceName, Link, Port, Shaping
from compiler.model.segments import Interface
from compiler.resolve import attributes, vlans
from compiler.resolve.attributes import PER_DIRECTION, Values
from compiler.resolve.pinned import Pinned, pinned
from compiler.resolve.scope import AskedBond, AskedTunnel, Profile, Scope
from compiler.resolve.vrfs import vrfs_of

Defaults = dict[Frame | None, Values]
"""The values of `default link`, by the `use` of their file; they apply to the links of that file."""


def declare_profile(statement: syntax.Profile, scope: Scope) -> None:
    name = statement.name
    key = name.span.unit, name.text
    if name.text in syntax.LINK_ATTRIBUTES:
        message = f"a profile cannot be named like the attribute `{name.text}`"
        scope.diagnostics.error("MPC210", message, name.span, "an attribute")
    elif key in scope.profiles:
        scope.set_twice(f"the profile `{name.text}`", name.span, scope.profiles[key].span)
    elif scope.name(name, "a profile"):
        read = attributes.read(statement.items, attributes.SHARED, "a profile", scope.diagnostics)
        scope.profiles[key] = Profile(read.values, name.span)


def read_default(statement: syntax.DefaultLink, defaults: Defaults, scope: Scope) -> None:
    """Adds the values of a `default link` to those of its file; one that is set twice is an error."""
    read = attributes.read(statement.attributes.items, attributes.SHARED, "`default link`", scope.diagnostics)
    default = defaults.setdefault(statement.span.unit, {})
    attributes.merge(default, _with_profile(statement.attributes, read.values, scope), scope.diagnostics)


def _with_profile(written: syntax.Attributes, values: Values, scope: Scope) -> Values:
    """The values of a statement, merged over those of its profile."""
    profile = scope.profile(written.profile) if written.profile else None
    return {**profile.values, **values} if profile else values


class _Asked(NamedTuple):
    """A link whose interface names may still be too long: the words and the whole names of its ends."""

    words: tuple[syntax.Word, syntax.Word]
    ids: tuple[InterfaceName, InterfaceName]
    own: Pinned
    values: Values
    more: AskedTunnel | AskedBond | None = None


class Linker:
    """Makes the links of `link` statements, and applies `shape` statements to them."""

    def __init__(self, scope: Scope, defaults: Defaults) -> None:
        self.scope = scope
        self.defaults = defaults
        self.values: list[Values] = []
        self.shapes: dict[InterfaceName, Values] = {}
        self.parallel: Counter[tuple[str, str]] = Counter()
        self.asked: list[_Asked] = []
        self.names: defaultdict[str, set[str]] = defaultdict(set)
        """The names of each node's interfaces, before any is shortened."""
        self.lowered: dict[InterfaceName, Port] = {}
        """The ends of links, by their names in lower case."""

    def add(self, statement: syntax.Link) -> None:
        """Collects the links of one statement."""
        read = attributes.read(
            statement.attributes.items, syntax.LINK_ATTRIBUTES, "a link", self.scope.diagnostics
        )
        default = self.defaults.get(statement.span.unit, {})
        values = {**default, **_with_profile(statement.attributes, read.values, self.scope)}
        most = sum(len(left.words) * len(right.words) for left, right in pairwise(statement.chain))
        self.scope.stands_for(most, statement.span)
        pairs = [pair for hop in hops(statement) for pair in hop]
        given = vlans.pinned_of if "vlan" in values or "trunk" in values else _pinned_of
        for (left, right), own in zip(pairs, given(read, pairs, values, self.scope), strict=False):
            self.ask(left, right, own, values)

    def ask(
        self,
        left: syntax.Word,
        right: syntax.Word,
        own: Pinned,
        values: Values,
        more: AskedTunnel | AskedBond | None = None,
    ) -> None:
        """Notes a link, and what its ends would be called."""
        near, far = (self.scope.node(_node_part(word)) for word in (left, right))
        if near is None or far is None:
            self.scope.incomplete |= {name for name in (near, far) if name}
            return
        if near == far:
            message = f"`{near}` cannot be linked with itself"
            self.scope.diagnostics.error(
                "MPC212", message, left.span.to(right.span), "both ends are one node"
            )
            return
        before = LOGICAL[more.kind] if isinstance(more, AskedBond) else ""
        names = self._name(left, near, before + far), self._name(right, far, before + near)
        if names[0] and names[1]:
            ids = InterfaceName(near, names[0]), InterfaceName(far, names[1])
            self.asked.append(_Asked((left, right), ids, own, values, more))

    def _name(self, word: syntax.Word, node: str, peer: str) -> str:
        """The name of one end, pinned or inferred; an empty text where the pinned name is malformed."""
        _, pinned, name = word.text.partition(":")
        if not pinned:
            self.parallel[node, peer] += 1
            return whole_name(peer, self.parallel[node, peer])
        of_module = is_of_module(name)
        if is_interface(name) and not of_module:
            return name
        message = f"`{name}` cannot name an interface" if name else "the interface's name is missing"
        label = fault(name, INTERFACE_BYTES) if name else "nothing after the colon"
        help = INTERFACE_FORM
        if of_module:
            label, help = "a module of the kernel makes a device of this name", "choose another name"
        self.scope.diagnostics.error("MPC207", message, word.span, label, help)
        self.scope.incomplete |= {node, peer}
        return ""

    def join(self) -> None:
        """Makes the collected links, whose names can be shortened now that all of a node are known."""
        for asked in self.asked:
            for id in asked.ids:
                self.names[id.node].add(id.name)
        for node, names in self.names.items():
            long = {name for name in names if len(name) > INTERFACE_BYTES}
            short = names - long | ({bridge_name(node)} if node in self.scope.switches else set())
            for whole, name in shortened(long, short).items() if long else ():
                self.scope.shortened[InterfaceName(node, whole)] = InterfaceName(node, name)
        for asked in self.asked:
            self._join(asked)

    def _join(self, asked: "_Asked") -> None:
        ids = [self.scope.shortened.get(id, id) for id in asked.ids]
        lowered = [InterfaceName(id.node, id.name.lower()) for id in ids]
        for id, lower, word in zip(ids, lowered, asked.words, strict=True):
            if lower in self.lowered:
                self._taken(id, self.lowered[lower], word)
                self.scope.incomplete |= {one.node for one in ids}
                return
        left, right = asked.words
        ends = self._ports(ids, asked)
        for place, (end, addresses) in enumerate(zip(ends, asked.own.ends, strict=True)):
            if end.node not in self.scope.switches:
                pinned = tuple(own.version for own in addresses if own.version in asked.own.written)
                bare = place in asked.own.bare
                self.scope.interfaces[end.id] = Interface(end.id, addresses, end.span, pinned, bare)
        index = len(self.scope.links)
        mtu, cost = (_number(asked.values, name) for name in ("mtu", "cost"))
        private = "private" in asked.values or any(id.node in self.scope.private for id in ids)
        link = Link(*ends, asked.own.pins, mtu, cost or 1, left.span.to(right.span), private=private)
        if asked.more is None and not asked.values.keys().isdisjoint({"vlan", "trunk"}):
            link = vlans.tagged(link, asked.values, asked.own, self.scope, self.lowered)
        self.scope.links.append(self._of_kind(link, index, asked.more))
        self.scope.between.setdefault(frozenset(id.node for id in ids), []).append(index)
        self.scope.ports |= dict.fromkeys(ids, index)
        self.lowered |= dict(zip(lowered, ends, strict=True))
        self.values.append(asked.values)

    def _of_kind(self, link: Link, index: int, more: AskedTunnel | AskedBond | None) -> Link:
        """A link as a tunnel or a bond, where it is one."""
        if more is None:
            return link
        if isinstance(more, AskedTunnel):
            self.scope.tunnels[index] = more
        else:
            self.scope.bonds[index] = more
        return link._replace(kind=more.kind)

    def _ports(self, ids: list[InterfaceName], asked: "_Asked") -> tuple[Port, Port]:
        (left, right), macs = asked.words, dict(asked.own.macs)
        vrfs = vrfs_of(ids, asked.values, self.scope) if "vrf" in asked.values else ("", "")
        near = Port(ids[0], Shaping(), left.span, macs.get(0, ""), vrfs[0])
        return near, Port(ids[1], Shaping(), right.span, macs.get(1, ""), vrfs[1])

    def _taken(self, id: InterfaceName, first: Port, word: syntax.Word) -> None:
        message = f"`{id.node}` has two interfaces named `{id.name}`"
        help = f"name one of them otherwise, like `{id.node}:{other_name(id.name, self.names[id.node])}`"
        if first.name != id.name:
            help = f"`{first.name}` is the same name: names resolve without regard to case; {help}"
        note = Note("the other one", first.span)
        self.scope.diagnostics.error("MPC208", message, word.span, "named again here", help, note)

    def shape(self, statement: syntax.Shape) -> None:
        """Sets attributes of one direction of existing links."""
        values, ports = self.read_shape(statement)
        diagnostics = self.scope.diagnostics
        if not values and not diagnostics.failed:
            diagnostics.warning("MPC702", "this shape sets nothing", statement.span, "no attribute")
        if not ports and not diagnostics.failed:
            message = "this shape is on no link"
            diagnostics.warning("MPC702", message, statement.span, "no link goes this way")
        for port in ports:
            attributes.merge(self.shapes.setdefault(port, {}), values, diagnostics)

    def read_shape(self, statement: syntax.Shape) -> tuple[Values, list[InterfaceName]]:
        """The values of a `shape` statement, and the interfaces whose outgoing packets it shapes."""
        written, diagnostics = statement.attributes, self.scope.diagnostics
        self.scope.stands_for(len(statement.sources.words) * len(statement.targets.words), statement.span)
        read = attributes.read(written.items, PER_DIRECTION, "`shape`", diagnostics)
        values = _with_profile(written, read.values, self.scope)
        for name in values.keys() - set(PER_DIRECTION):
            assert written.profile is not None
            message = f"`shape` cannot set `{name}`, which the profile `{written.profile.text}` does"
            help = f"leave `{name}` out of the profile, and set it on the link"
            diagnostics.error("MPC302", message, written.profile.span, "sets it", help)
        return values, list(self._outgoing(statement))

    def _outgoing(self, statement: syntax.Shape) -> Iterator[InterfaceName]:
        for source in unique(statement.sources):
            for target in unique(statement.targets):
                found = self.scope.links_between(source, target)
                others = self.scope.tunnels.keys() | self.scope.bonds.keys()
                cables = [(index, forward) for index, forward in found if index not in others]
                if found and not cables:
                    asked = self.scope.bonds.get(found[0][0])
                    what = asked.kind if asked else "tunnel"
                    message = f"`{source.text}` and `{target.text}` are joined by a {what} alone"
                    help = f"shape the links that carry it: a {what} has what they have"
                    self.scope.diagnostics.error("MPC302", message, statement.span, "not here", help)
                for index, forward in cables:
                    yield self.scope.links[index].ends[not forward].id

    def finish(self) -> tuple[Link, ...]:
        """The links, with the shaping of both directions."""
        return tuple(map(self._shaped, self.scope.links))

    def numbers(self) -> dict[int, tuple[int, Span]]:
        """The network identifiers that are pinned, by the place of the link, each with its own."""
        found = {place: values["vni"] for place, values in enumerate(self.values) if "vni" in values}
        return {place: (_number({"vni": one}, "vni") or 0, one.span) for place, one in found.items()}

    def _shaped(self, link: Link) -> Link:
        left, right = (end._replace(shaping=self.shaping(self.values_of(end.id))) for end in link.ends)
        return link._replace(left=left, right=right)

    def values_of(self, port: InterfaceName) -> Values:
        """The values that `link` and `shape` set for the direction out of an interface."""
        return {**self.values[self.scope.ports[port]], **self.shapes.get(port, {})}

    def shaping(self, values: Values) -> Shaping:
        own = {name: value for name, value in values.items() if name in PER_DIRECTION}
        if "reorder" in own and not ("delay" in own and own["delay"].value):
            message = "`reorder` needs a `delay`: packets that are not held cannot be overtaken"
            self.scope.diagnostics.error("MPC303", message, own["reorder"].span, "no delay here", "")
        if "distribution" in own and not ("jitter" in own and own["jitter"].value):
            message = "a `distribution` is that of a `jitter`, and there is none"
            self.scope.diagnostics.error("MPC315", message, own["distribution"].span, "no jitter here", "")
        words = tuple((name, value.words) for name, value in own.items() if value.words)
        places = tuple((name, value.span) for name, value in values.items())
        return Shaping(**{name: value.value for name, value in own.items()}, words=words, places=places)  # type: ignore[arg-type]


def _pinned_of(read: attributes.LinkAttributes, pairs: list[Pair], _: Values, scope: Scope) -> list[Pinned]:
    """As `vlans.pinned_of`, where there are no VLANs."""
    return pinned(read, pairs, scope)


def _number(values: Values, name: str) -> int | None:
    value = values[name].value if name in values else None
    assert value is None or isinstance(value, int)
    return value


def _node_part(word: syntax.Word) -> syntax.Word:
    """The node of `node:interface`, as a separate word."""
    name = node_of(word)
    return syntax.Word(word.span.part(0, len(name)), name)
