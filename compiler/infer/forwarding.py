"""Forwarding by the main tables of a lab."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_network
from itertools import chain

from compiler.infer.prefixes import Prefixes
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.networks import Address, Network
from compiler.model.routes import Nexthop, by_metric


class Forwarding:
    """Longest-prefix lookup over connected networks and routes, as in the kernel."""

    def __init__(self, lab: Lab) -> None:
        self.forwards = {node.name: node.forwards for node in lab.ip_nodes}
        self.leaving = lab.leaving
        self.near: dict[InterfaceName, dict[Address, str]] = {}
        """The nodes that share a segment with an interface, by their addresses on it."""
        lent = [lab.lent(version) for version in (4, 6)]
        for segment in lab.segments:
            members = {own.ip: end.node for end in segment.ends for own in end.addresses}
            members |= {own[end.id]: end.node for own in lent for end in segment.ends if end.id in own}
            self.near |= dict.fromkeys((end.id for end in segment.ends), members)
        self.routes = {node.name: node.routes for node in lab.ip_nodes}
        self.table = cache(self._table)
        self.connected: dict[str, dict[Network, str]] = {}
        """The interface of each connected network; an empty text where all of it is the node itself."""
        for node in lab.ip_nodes:
            self.connected[node.name] = {own.address.network: "" for own in node.all_addresses}
        for end in lab.interfaces.values():
            for own in end.addresses:
                self.connected[end.node].setdefault(own.network, end.name)
                self.connected[end.node][ip_network(own.ip)] = ""

    def _table(self, node: str, version: int) -> Prefixes[tuple[Nexthop, ...] | str]:
        """The next hops of a node's routes, and the interfaces of connected networks, which come first."""
        routes = (
            (target, route.device or route.nexthops)
            for route in by_metric(self.routes[node])
            for target in route.targets
        )
        return Prefixes(version, chain(routes, self.connected[node].items()))

    def nexthops(self, node: str, address: Address, *, connected: bool = True) -> tuple[Nexthop, ...]:
        """The next hops for an address; none if it is the node's, or has no route.

        An address on a segment of the node is its own next hop; without `connected`, it has none.
        """
        found = self.table(node, address.version).longest(address)
        if isinstance(found, str):
            return (Nexthop(address, found),) if connected and found else ()
        return found or ()

    def circle(self, source: str, address: Address, done: set[str]) -> list[str]:
        """The nodes of a circle that packets from `source` can enter, closed; empty if there is none.

        Depth-first search over all next hops, through forwarding nodes. `done` are nodes known to lead into
        no circle; the search adds to them.
        """
        if source in done:
            return []
        path = {source: self._onward(source, address)}
        while path:
            name, onward = next(reversed(path.items()))
            following = next(onward, None)
            if following is None:
                done.add(name)
                del path[name]
            elif following in path:
                met = list(path)
                return [*met[met.index(following) :], following]
            elif following not in done and self.forwards[following]:
                path[following] = self._onward(following, address)
        return []

    def _onward(self, name: str, address: Address) -> Iterator[str]:
        """The nodes that a node can forward an address to."""
        for hop in self.nexthops(name, address, connected=False):
            yield self.near[self.leaving(name, hop.interface)][hop.via]
