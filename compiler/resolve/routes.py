"""`route` statements: explicit routes, with the names of targets and next hops resolved."""

from collections.abc import Iterator
from ipaddress import ip_network

from compiler.ground.diagnostics import listed
from compiler.ground.mends import did_you_mean
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import node_of, unique
from compiler.model.links import InterfaceName
from compiler.model.networks import Network
from compiler.model.routes import ExplicitHop, ExplicitRoute, Refusal
from compiler.resolve.attributes import bad_network, read_network
from compiler.resolve.scope import Scope
from compiler.resolve.vrfs import known as is_vrf_of

MOST_METRIC = 2**32 - 2
"""The largest metric; the kernel has one more for its own."""


def routes(statement: syntax.Route, scope: Scope) -> Iterator[ExplicitRoute]:
    """One explicit route for each source of a `route` statement."""
    onward = statement.onward
    written = () if isinstance(onward, syntax.Outgoing | syntax.Word) else onward
    scope.stands_for(len(statement.sources.words) * max(1, len(written)), statement.span)
    sources = list(_sources(statement, scope))
    word = scope.one(statement.target, "be the target of a route")
    target = _target(word, scope) if word else None
    metric = scope.number(statement.metric, "metric", 1, MOST_METRIC) if statement.metric else 0
    within = _within(statement.within, scope) if statement.within else None
    if metric is None or (statement.within and within is None) or not _fits_turns(statement, scope):
        return
    refusal = Refusal(onward.text) if isinstance(onward, syntax.Word) else None
    for source in sources:
        device = _device(source, onward.interface, scope) if isinstance(onward, syntax.Outgoing) else None
        if isinstance(onward, syntax.Outgoing) and device is None:
            continue
        hops = [_hop(source, hop, scope) for hop in written]
        known = tuple(hop for hop in hops if hop)
        _check_hops(known, scope)
        if target == source or (isinstance(target, InterfaceName) and target.node == source):
            message = f"the route of `{source}` leads to `{source}` itself"
            scope.diagnostics.error("MPC505", message, statement.target.span, "its own address")
        elif target is not None and len(known) == len(hops):
            per_packet, vrf = bool(statement.per_packet), statement.vrf.text if statement.vrf else ""
            yield ExplicitRoute(
                source, target, known, statement.span, per_packet, metric, device, refusal, within, vrf
            )


def _sources(statement: syntax.Route, scope: Scope) -> Iterator[str]:
    """The nodes that have a route; those without its VRF are reported."""
    for word in unique(statement.sources):
        name = scope.addressed(word, "be the source of a route")
        if name and (statement.vrf is None or is_vrf_of(name, statement.vrf, scope)):
            yield name


def _fits_turns(statement: syntax.Route, scope: Scope) -> bool:
    """Whether a route is one whose next hops can take turns, if they are to; reports any other."""
    without_hops = isinstance(statement.onward, syntax.Outgoing | syntax.Word)
    if not statement.per_packet or not (statement.within or statement.metric or without_hops):
        return True
    message = "`per-packet` is for a route with next hops, to a target and nothing more"
    help = "leave out `per-packet`, or `from` and `metric`"
    scope.diagnostics.error("MPC532", message, statement.per_packet.span, "has no turns here", help)
    return False


def _within(word: syntax.Word, scope: Scope) -> Network | None:
    """The prefix that packets are from; reports what is none, or has all addresses."""
    network = read_network(word, of_one=True)
    if network is None:
        bad_network(word, "10.1.0.0/16", scope.diagnostics)
    elif not network.prefixlen:
        message, help = f"`{network}` has all addresses", "leave `from` out"
        scope.diagnostics.error("MPC533", message, word.span, "selects nothing", help)
        return None
    return network


def _device(source: str, word: syntax.Word, scope: Scope) -> InterfaceName | None:
    """The interface of a source that a route leads to."""
    if ":" not in word.text:
        message = f"`dev` takes an interface of `{source}` itself"
        help = did_you_mean(f"{source}:{word.text}")
        scope.diagnostics.error("MPC534", message, word.span, "no interface", help)
        return None
    found = scope.addressed_interface(word, "be what a route leads to")
    if found is None or found.node == source:
        return found
    message = f"`{found}` is no interface of `{source}`"
    help = f"a neighbour's interface follows `via`: `via {found}`"
    scope.diagnostics.error("MPC534", message, word.span, "of another node", help)
    return None


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
