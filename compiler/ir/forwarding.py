"""Where the main tables of a lab send a packet."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_network

from compiler.ir.lab import Address, InterfaceName, Lab, Network


class Forwarding:
    """Looks up addresses as the kernel does: connected networks and routes, the longest prefix first."""

    def __init__(self, lab: Lab) -> None:
        self.forwards = {node.name: node.forwards for node in lab.nodes}
        self.peers: dict[InterfaceName, str] = {}
        self.routes = {node.name: node.routes for node in lab.nodes}
        self.routed = cache(self._routed)
        self.connected: dict[str, dict[Network, tuple[str, ...]]] = {}
        for node in lab.nodes:
            self.connected[node.name] = {own.address.network: () for own in node.addresses}
        for link in lab.links:
            for near, far in link.directions:
                self.peers[near.id] = far.node
                self.connected[near.node] |= {own.network: (near.name,) for own in near.addresses}
                self.connected[near.node] |= {ip_network(own.ip): () for own in near.addresses}

    def _routed(self, node: str) -> dict[Network, tuple[str, ...]]:
        """The interfaces of a node's routes, by target."""
        return {
            target: tuple(hop.interface for hop in route.nexthops)
            for route in self.routes[node]
            for target in route.targets
        }

    def interfaces(self, node: str, address: Address, *, connected: bool = True) -> tuple[str, ...]:
        """The interfaces that an address can be sent out of; none where it is the node's own, or unknown.

        Without `connected`, none either where the address is on a link of the node.
        """
        for length in range(address.max_prefixlen, -1, -1):
            network = ip_network((int(address), length), strict=False)
            if network in self.connected[node]:
                return self.connected[node][network] if connected else ()
            if network in self.routed(node):
                return self.routed(node)[network]
        return ()

    def circle(self, source: str, address: Address) -> list[str]:
        """The nodes of a circle that a packet from `source` can go in, closed; empty where there is none.

        Follows every next hop, depth first, through nodes that forward.
        """
        done: set[str] = set()
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
        """The nodes that an address can be sent to from a node."""
        for interface in self.interfaces(name, address, connected=False):
            yield self.peers[InterfaceName(name, interface)]
