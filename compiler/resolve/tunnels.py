"""`tunnel` statements: links whose packets other links carry, and the paths of those."""

from collections.abc import Iterable, Iterator
from itertools import pairwise, product

from compiler.ground.diagnostics import listed, suggest
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import node_of, pairs
from compiler.model.links import OVERHEAD, InterfaceName, Link, LinkKind, Tunnel
from compiler.resolve import attributes
from compiler.resolve.links import Linker
from compiler.resolve.pinned import pinned
from compiler.resolve.scope import AskedTunnel, Scope

KINDS = {"vxlan": LinkKind.VXLAN, "gre": LinkKind.GRE, "ipip": LinkKind.IPIP}
"""By keyword. VXLAN, the default, carries Ethernet frames like a cable, and most kernels have it."""

ATTRIBUTES = ("mtu", "cost", "subnet", "address", "private")

LEAST_MTU = 68
"""The least MTU that an interface takes."""


def add(statement: syntax.Tunnel, linker: Linker) -> None:
    """Adds the tunnels of one statement: one for each pair of ends and each path of a set."""
    scope = linker.scope
    chosen, others = scope.single(statement.items, "kind")
    read = attributes.read(others, ATTRIBUTES, "a tunnel", scope.diagnostics)
    kind = _kind(chosen, scope)
    ways = list(product(*(nodes.words for nodes in statement.via)))
    scope.stands_for(len(statement.left.words) * len(statement.right.words) * len(ways), statement.span)
    ends = pairs(statement.left, statement.right)
    if not scope.refuse_switches(ends, "be the end of a tunnel") and kind:
        asked = [(pair, way) for pair in ends for way in ways]
        owns = pinned(read, [pair for pair, _ in asked], scope)
        for ((left, right), way), own in zip(asked, owns, strict=True):
            linker.ask(left, right, own, read.values, AskedTunnel(kind, way))


def _kind(chosen: syntax.Attribute | None, scope: Scope) -> LinkKind | None:
    if chosen is None:
        return LinkKind.VXLAN
    word = chosen.value
    if word.text not in KINDS:
        help = suggest(word.text, KINDS) or "write `kind vxlan`, `kind gre` or `kind ipip`"
        message = f"`{word.text}` is no kind of tunnel"
        scope.diagnostics.error("MPC301", message, word.span, "value of `kind`", help)
    return KINDS.get(word.text)


def carried(links: Iterable[Link], scope: Scope, version: int) -> tuple[Link, ...]:
    """The links, with path and MTU for each tunnel; `version` is the IP version of outer addresses.

    Invalid paths are reported.
    """
    found = list(links)
    for place, asked in scope.tunnels.items():
        tunnel = _Path(found[place], asked, scope).links()
        if tunnel:
            found[place] = _fitted(found[place], Tunnel(tuple(_ports(tunnel)), version), tunnel, scope)
    return tuple(found)


Step = tuple[Link, str]
"""A link of a path, with the node before it."""


def _ports(steps: Iterable[Step]) -> Iterator[tuple[InterfaceName, InterfaceName]]:
    for link, near in steps:
        left, right = link.ends if link.left.node == near else reversed(link.ends)
        yield left.id, right.id


def _fitted(link: Link, tunnel: Tunnel, steps: list[Step], scope: Scope) -> Link:
    """A tunnel with its MTU, the largest with which outer packets are not fragmented."""
    below = min(step.packet for step, _ in steps)
    headers = OVERHEAD[link.kind, tunnel.version]
    most = below - headers
    if most < LEAST_MTU:
        message = f"links of {below} bytes leave {max(most, 0)} for what this tunnel carries"
        help = f"write `mtu {LEAST_MTU + headers}` or more for all of them"
        scope.diagnostics.error("MPC312", message, link.span, f"at least {LEAST_MTU}", help)
    elif link.mtu is not None and link.mtu > most:
        message = f"an MTU of {link.mtu} is too large for a tunnel over links of {below} bytes"
        help = f"write at most `mtu {most}`, or leave it out"
        scope.diagnostics.error("MPC312", message, link.span, "packets would be fragmented", help)
    return link._replace(tunnel=tunnel, mtu=link.mtu or most)


PATH = "name all nodes of the path, each linked with the next by a `link`, and by no switch"


class _Path:
    """The path of one tunnel, from the left end to the right."""

    def __init__(self, tunnel: Link, asked: AskedTunnel, scope: Scope) -> None:
        self.tunnel = tunnel
        self.via = asked.via
        self.scope = scope

    def links(self) -> list[Step]:
        """The links in order; empty if the path is invalid, which is reported."""
        if False in [self._is_known(word) for word in self.via]:
            return []
        nodes = [self.tunnel.left.node, *map(node_of, self.via), self.tunnel.right.node]
        for place, name in enumerate(nodes):
            if name in nodes[:place]:
                message = f"this path comes to `{name}` twice"
                self._wrong("MPC521", message, self._span(place), "again", "name each node once")
                return []
        steps = [self._step(place, near, far) for place, (near, far) in enumerate(pairwise(nodes))]
        known = [step for step in steps if step]
        return known if len(known) == len(steps) and self._uses_all(known) else []

    def _is_known(self, word: syntax.Word) -> bool:
        if node_of(word) in self.scope.switches:
            self.scope.is_switch(word, "carry a tunnel")
            return False
        return bool(self.scope.interface(word) if ":" in word.text else self.scope.node(word))

    def _pins(self) -> set[InterfaceName]:
        words = (word.text.partition(":") for word in self.via if ":" in word.text)
        return {self.scope.called(InterfaceName(node, name)) for node, _, name in words}

    def _step(self, place: int, near: str, far: str) -> Step | None:
        """The link between two nodes of the path; of parallel links, the one with a named interface."""
        places = self.scope.between.get(frozenset((near, far)), ())
        others = self.scope.tunnels.keys() | self.scope.bonds.keys() | self.scope.legs.keys()
        found = [self.scope.links[index] for index in places if index not in others]
        pinned = [link for link in found if self._pins() & {end.id for end in link.ends}]
        if len(pinned or found) == 1:
            return (pinned or found)[0], near
        span = self._span(place + 1)
        if found:
            names = listed(f"`{end.id}`" for link in found for end in link.ends if end.node in self._named())
            message = f"{len(found)} links join `{near}` and `{far}`"
            help = f"name an interface of the one that is meant: {names}"
            self._wrong("MPC522", message, span, "over which of them?", help)
        elif not {near, far} & self.scope.incomplete:
            message, help = f"no link joins `{near}` and `{far}`", PATH
            if places:
                kinds = [self.scope.links[one].kind for one in places if one in self.scope.bonds]
                joined = f"a {kinds[0]}" if kinds else "a tunnel"
                message = f"`{near}` and `{far}` are joined by {joined} alone, and a tunnel goes over links"
                help = "name other nodes, or write a further `link` between these two"
            self._wrong("MPC521", message, span, "no link goes there", help)
        return None

    def _named(self) -> set[str]:
        return set(map(node_of, self.via))

    def _uses_all(self, steps: list[Step]) -> bool:
        """Whether all interfaces that the path names are on it; reports one that is not."""
        unused = self._pins() - {end.id for link, _ in steps for end in link.ends}
        for id in unused:
            span = next(word.span for word in self.via if word.text.startswith(f"{id.node}:"))
            message = f"`{id}` is on no link of this path"
            self._wrong("MPC522", message, span, "leads elsewhere", f"write `{id.node}` alone")
        return not unused

    def _span(self, place: int) -> Span:
        """The span of a node of the path."""
        ends = self.tunnel.left.span, *(word.span for word in self.via), self.tunnel.right.span
        return ends[place]

    def _wrong(self, code: str, message: str, span: Span, label: str, help: str) -> None:
        self.scope.diagnostics.error(code, message, span, label, help)
