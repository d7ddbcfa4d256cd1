"""Notes on explicit routes that longer prefixes at the same node take packets from."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from compiler.ground.diagnostics import Diagnostics
from compiler.model.lab import Lab
from compiler.model.networks import Network
from compiler.model.nodes import Node
from compiler.model.routes import ExplicitRoute, Nexthop, Route
from compiler.prediction.lookup import Crossing, Lookup


def tell(lab: Lab, lookup: Lookup, diagnostics: Diagnostics) -> None:
    """Adds a note for each such route."""
    asked: dict[str, list[ExplicitRoute]] = {}
    for one in lab.explicit_routes:
        if not (one.metric or one.within or one.refusal):
            asked.setdefault(one.source, []).append(one)
    linked: dict[str, set[Network]] = {name: set() for name in asked}
    for end in (end for end in lab.interfaces.values() if end.node in asked):
        linked[end.node].update(own.network for own in end.addresses)
    for node in (node for node in lab.ip_nodes if node.name in asked):
        for one in asked[node.name]:
            if isinstance(one.target, Network) and one.target.prefixlen:
                _tell_covered(node, one, one.target, linked[node.name], diagnostics)
            elif one.target == "default" or isinstance(one.target, Network):
                _tell_default(lookup, node, one, diagnostics)


def _tell_default(lookup: Lookup, node: Node, asked: ExplicitRoute, diagnostics: Diagnostics) -> None:
    """Notes a default route that is left with addresses that nobody has: inferred routes are longer."""
    own = [route for route in node.routes if route.explicit and not route.targets[0].prefixlen]
    for route in own:
        over = list(_others(lookup, node, route))
        if over:
            like = _like(lookup.nodes.values(), over, route)
            message = f"the default route of `{node.name}` is for no address of the lab that it reaches"
            longer = (
                f"{len(over)} inferred routes are longer, and go"
                if len(over) > 1
                else "an inferred route is longer, and goes"
            )
            label = f"{longer} by other next hops"
            help = f"name what is to go this way: `route {node.name} to {like} via ...`"
            diagnostics.note("MPC756", message, asked.span, label, help)
            return


def _others(lookup: Lookup, node: Node, default: Route) -> Iterator[tuple[Network, Route]]:
    """Inferred routes with other next hops or proportions, to targets that the default route could reach."""
    version = default.targets[0].version
    neighbours = [last.into.node for hop in default.nexthops for last in _last(lookup, node.name, hop)]
    for route in node.routes:
        if route.explicit or route.targets[0].version != version or route.ways == default.ways:
            continue
        for target in route.targets:
            if target.prefixlen and not all(_returns(lookup, one, target, node.name) for one in neighbours):
                yield target, route


def _returns(lookup: Lookup, neighbour: str, target: Network, node: str) -> bool:
    """Whether a neighbour would forward packets to a target back to the node that they come from."""
    hops = lookup.choices(neighbour, target.network_address)
    return any(last.into.node == node for hop in hops for last in _last(lookup, neighbour, hop))


def _last(lookup: Lookup, node: str, hop: Nexthop) -> tuple[Crossing, ...]:
    """The last of the crossings to a next hop."""
    return lookup.crossings(lookup.leaving(node, hop.interface), hop.via)[-1:]


def _like(nodes: Iterable[Node], over: list[tuple[Network, Route]], default: Route) -> str:
    """A node that inferred routes lead to, if possible over the next hops of a default route."""
    hops = {hop.interface for hop in default.nexthops}
    alike = {target for target, route in over if hops == {hop.interface for hop in route.nexthops}}
    targets = alike or {target for target, _ in over}
    owners = ((ip_network(own.address.ip), node.name) for node in nodes for own in node.addresses)
    return next((name for target, name in owners if target in targets), "NODE")


def _tell_covered(
    node: Node, asked: ExplicitRoute, target: Network, linked: set[Network], diagnostics: Diagnostics
) -> None:
    """Adds a note on a prefix all of whose addresses are in longer ones, of routes or links."""
    routes = (other for route in node.routes for other in route.targets)
    longer = [other for other in (*routes, *linked) if _is_longer(other, target)]
    if longer and _size(longer) == target.num_addresses:
        message = f"no packet of `{node.name}` goes by its route to `{target}`"
        label = "longer prefixes have all of its addresses"
        diagnostics.note("MPC756", message, asked.span, label, "leave it out, or route a longer prefix")


def _is_longer(other: Network, target: Network) -> bool:
    return (
        other.version == target.version
        and other.prefixlen > target.prefixlen
        and other.network_address in target
    )


def _size(networks: Iterable[Network]) -> int:
    """The number of distinct addresses in networks that may contain each other."""
    count, past = 0, -1
    for network in sorted(networks, key=lambda own: (int(own.network_address), own.prefixlen)):
        if int(network.network_address) > past:
            count += network.num_addresses
            past = int(network.broadcast_address)
    return count
