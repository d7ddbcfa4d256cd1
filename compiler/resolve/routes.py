"""`route` statements: explicit routes, with the names of targets and next hops resolved."""

from collections.abc import Iterator
from ipaddress import ip_network

from compiler.ground.diagnostics import listed
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import node_of, unique
from compiler.model.links import InterfaceName
from compiler.model.networks import Network
from compiler.model.routes import ExplicitHop, ExplicitRoute
from compiler.resolve.attributes import bad_network, read_network
from compiler.resolve.scope import Scope


def routes(statement: syntax.Route, scope: Scope) -> Iterator[ExplicitRoute]:
    """One explicit route for each source of a `route` statement."""
    scope.stands_for(len(statement.sources.words) * len(statement.hops), statement.span)
    words = unique(statement.sources)
    sources = [name for word in words if (name := scope.addressed(word, "be the source of a route"))]
    word = scope.one(statement.target, "be the target of a route")
    target = _target(word, scope) if word else None
    for source in sources:
        hops = [_hop(source, hop, scope) for hop in statement.hops]
        known = tuple(hop for hop in hops if hop)
        _check_hops(known, scope)
        if target == source or (isinstance(target, InterfaceName) and target.node == source):
            message = f"the route of `{source}` leads to `{source}` itself"
            scope.diagnostics.error("MPC505", message, statement.target.span, "its own address")
        elif target is not None and len(known) == len(hops):
            yield ExplicitRoute(source, target, known, statement.span, bool(statement.per_packet))


def _check_hops(hops: tuple[ExplicitHop, ...], scope: Scope) -> None:
    """Reports an interface that is in two next hops of one route."""
    places: dict[InterfaceName, Span] = {}
    for hop in hops:
        for interface in hop.interfaces:
            if interface in places:
                scope.set_twice(f"the next hop `{interface}`", hop.span, places[interface])
            places[interface] = hop.span


def _target(word: syntax.Word, scope: Scope) -> str | InterfaceName | Network | None:
    """The target as a node, an interface, a prefix, or the word `default`."""
    if word.text == "default" or (word.text in scope.nodes and word.text not in scope.switches):
        return word.text
    if network := read_network(word, of_one=True):
        return _routed(network, word, scope)
    if "/" in word.text:
        bad_network(word, "10.0.0.0/8", scope.diagnostics)
        return None
    if node_of(word) in scope.switches:
        scope.is_switch(word, "the target of a route")
        return None
    return (
        scope.addressed_interface(word, "be the target of a route") if ":" in word.text else scope.node(word)
    )


NEVER_ROUTED = [
    *map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "255.255.255.255")),
    *map(ip_network, ("::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8")),
]
"""Prefixes that the kernel sends to without a route lookup, or never sends; measured with `ip route get`."""


def _routed(target: Network, word: syntax.Word, scope: Scope) -> Network | None:
    """A prefix, unless packets to it follow no routes, which is reported."""
    same = (prefix for prefix in NEVER_ROUTED if prefix.version == target.version)
    if any(target.prefixlen >= prefix.prefixlen and target.network_address in prefix for prefix in same):
        message = f"packets to `{target}` follow no route over another node"
        help = "the node itself, a link, or nobody has these addresses"
        scope.diagnostics.error("MPC510", message, word.span, "not for routes", help)
        return None
    return target


def _hop(source: str, hop: syntax.Hop, scope: Scope) -> ExplicitHop | None:
    weight = scope.number(hop.weight, "weight", 1, 256) if hop.weight else 1
    node, colon, _ = hop.to.text.partition(":")
    if node in scope.switches:
        scope.is_switch(hop.to, "be a next hop")
        return None
    known = scope.addressed_interface(hop.to, "be a next hop") if colon else scope.node(hop.to)
    if known is None:
        return None
    ends = scope.neighbouring(source, node) if node != source else []
    ends = [end for end in dict.fromkeys(ends) if not colon or end == known]
    if not ends and source not in scope.incomplete:
        message = f"`{hop.to.text}` is no neighbour of `{source}`"
        scope.diagnostics.error(
            "MPC501", message, hop.to.span, "no link goes there", lambda: _neighbours(source, scope)
        )
    return ExplicitHop(tuple(ends), weight or 1, hop.span) if ends else None


def _neighbours(source: str, scope: Scope) -> str:
    """A help line with the neighbours of a node."""
    near = sorted({name for segment in scope.segments.get(source, ()) for name in segment.nodes - {source}})
    names = listed(f"`{name}`" for name in near)
    return f"`{source}` has links to {names}" if near else f"`{source}` has no link to another node"
