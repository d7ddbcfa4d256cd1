"""Which gateways of IPv6 routes the kernel takes, beside the routes that a node has to them.

It looks a gateway up among the routes of its interface, and accepts only one that is on the link. `onlink`
asserts that it is, but is refused if the best routes to it are by other interfaces (ip6_route_check_nh and
ip6_route_check_nh_onlink of net/ipv6/route.c). In IPv4, the lookup ignores routes through gateways.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from ipaddress import ip_network

from compiler.model.networks import Address, Network
from compiler.model.routes import Route
from compiler.model.segments import Interface


class Gateways:
    """The gateways of a node, by the explicit routes of its main table and its interfaces by name.

    Unless all are `numbered`, inferred routes count too: a gateway may be a neighbour's own address.
    """

    def __init__(self, routes: Iterable[Route], ends: Mapping[str, Interface], *, numbered: bool) -> None:
        self.ends = ends
        self.routes: dict[Network, list[Route]] = {}
        """The routes of IPv6 to each target."""
        for route in (route for route in routes if route.targets[0].version == 6):
            for target in route.targets if route.explicit or not numbered else ():
                self.routes.setdefault(target, []).append(route)
        self.lengths = sorted({target.prefixlen for target in self.routes}, reverse=True)

    @cached_property
    def near(self) -> dict[tuple[str, Network], Interface]:
        """The interfaces by their networks of IPv6, each with its node, or the VRF of its router."""
        ends = ((end, own.network) for end in self.ends.values() for own in end.addresses)
        return {(end.id.node, network): end for end, network in ends if network.version == 6}

    @cached_property
    def lengths_near(self) -> set[int]:
        """The prefix lengths of these networks."""
        return {network.prefixlen for _, network in self.near}

    def needs_assertion(self, via: Address, interface: str) -> bool:
        """Whether `onlink` is needed: a route to a gateway leads through a gateway, by the same interface."""
        passed = any(
            _over(route, interface) and not leads_to_itself(route)
            for target in self._around(via, interface)
            for route in self.routes[target]
        )
        return passed and not self._is_elsewhere(via, interface)

    def in_order(self, routes: Iterable[Route]) -> Iterator[Route]:
        """Routes in an order in which each gateway is looked up among the best routes to it, or before there
        is any: those of this class the longest first, and of one target that of the least metric."""
        routes, own = list(routes), {id(route) for found in self.routes.values() for route in found}
        ranked = sorted(
            (route for route in routes if id(route) in own),
            key=lambda route: (-route.targets[0].prefixlen, route.priority),
        )
        following = iter(ranked)
        return (next(following) if id(route) in own else route for route in routes)

    def refused(self, via: Address, interface: str) -> Route | Interface | None:
        """The route beside which a gateway is refused, with `onlink` and without: the best one to it, by
        another interface, where one by its own leads through a gateway too. Or that interface, where the
        gateway is in a network of it."""
        if near := self._near(via, interface):
            return near
        for target in self._around(via, interface) if self._is_elsewhere(via, interface) else ():
            for route in (route for route in self.routes[target] if _over(route, interface)):
                passed = bool(route.nexthops) and not leads_to_itself(route)
                return self._best(via, interface)[0] if passed else None
        is_far = not any(via in own.network for own in self.ends[interface].addresses)
        return self._best(via, interface)[0] if is_far and self._is_elsewhere(via, interface) else None

    def _near(self, via: Address, interface: str) -> Interface | None:
        """Another interface, of the same VRF if any, in whose network a gateway is, and no longer route leads
        to that."""
        own = self.ends[interface]
        if via.version == 4 or any(via in one.network for one in own.addresses):
            return None
        around = self._around(via, interface)
        longer = {length for length in self.lengths_near if not around or length > around[0].prefixlen}
        networks = (ip_network((via, length), strict=False) for length in sorted(longer))
        found = (self.near.get((own.id.node, network)) for network in networks)
        return next((end for end in found if end), None)

    def _around(self, via: Address, interface: str) -> list[Network]:
        """The targets that contain a gateway and are longer than the network of its interface, the longest
        first."""
        if via.version == 4 or not self.routes:
            return []
        own = (own.network.prefixlen for own in self.ends[interface].addresses if via in own.network)
        least = max(own, default=0)
        around = (ip_network((via, length), strict=False) for length in self.lengths if length > least)
        return [target for target in around if target in self.routes]

    def _best(self, via: Address, interface: str) -> list[Route]:
        """The routes to a gateway of the least metric, of those to the longest target."""
        routes = self.routes[self._around(via, interface)[0]]
        least = min(route.priority for route in routes)
        return [route for route in routes if route.priority == least]

    def _is_elsewhere(self, via: Address, interface: str) -> bool:
        """Whether the best routes to a gateway are by other interfaces."""
        if not self._around(via, interface):
            return False
        return not any(_over(route, interface) or route.refusal for route in self._best(via, interface))


def _over(route: Route, interface: str) -> bool:
    return route.device == interface or any(hop.interface == interface for hop in route.nexthops)


def gateways_of(routes: Iterable[Route]) -> Iterator[tuple[Address, str]]:
    """The gateways of routes, each with its interface."""
    return ((hop.via, hop.interface) for route in routes for hop in route.nexthops)


def leads_to_itself(route: Route) -> bool:
    """Whether the target of a route is its only gateway, so that the route is written without one."""
    return len(route.nexthops) == 1 and route.targets == (ip_network(route.nexthops[0].via),)
