"""Source addresses of packets whose program has bound none, such as a UDP server on any address.

The client of such a server accepts answers only from the address that it sent to. A node's name resolves to
its node address, so packets to the node address of another node are sent from the node's own, by the `src` of
the route. Packets to an interface's address are sent from that of the outgoing interface, as a client that
asked for an interface by its address expects. A link that a node masquerades on counts as node addresses do,
as its packets come from programs that used names.

A default route, or another wide one, has targets of both kinds. Beside it, the same route with a `src` is
written for node addresses alone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from compiler.infer.addressing import own_part
from compiler.model.lab import Lab
from compiler.model.networks import Address, Network, bounds
from compiler.model.routes import Nexthop, Route

MOST_PREFIXES = 8
"""The most prefixes beside a default route. If node addresses are so scattered among others that it takes
more, nodes send everything from their node address."""

Range = tuple[int, int]
"""The first and the last address of a range, as numbers."""


class Sources:
    """The source addresses of the nodes of a lab, in one address family."""

    def __init__(self, lab: Lab, version: int) -> None:
        self.version = version
        self.own: dict[str, Address] = {}
        for node in lab.ip_nodes:
            own = [one.address.ip for one in node.addresses if one.address.version == version]
            self.own |= {node.name: own[0]} if own else {}
        masquerading = {
            (node.name, one.interface)
            for node in lab.nodes
            for one in node.masquerade
            if one.covers(one.interface, version)
        }
        self.hosts = {ip_network(own.address.ip) for node in lab.nodes for own in node.all_addresses}
        self.hosts = {host for host in self.hosts if host.version == version}
        self.masked: set[Network] = set()
        self.on = {
            node.name: {ip_network(own.address.ip) for own in node.all_addresses} for node in lab.nodes
        }
        """The node addresses and connected networks of each node."""
        self.others: set[Network] = set()
        for segment in lab.segments if self.own else ():
            masked = any(end.id in masquerading for end in segment.ends)
            networks = {a.network for end in segment.ends for a in end.addresses if a.version == version}
            (self.masked if masked else self.others).update(networks)
            for end in segment.ends:
                self.on[end.node] |= networks
        self.names = self.hosts | self.masked
        self.prefixes = self._prefixes(lab)
        self.mixed = len(self.prefixes) > MOST_PREFIXES

    def answers(self, target: Network) -> bool:
        """Whether packets to a target are sent from the node address."""
        return self.mixed or target in self.names

    def is_mixed(self, target: Network) -> bool:
        """Whether a target contains node addresses and others, too scattered to be told apart by prefixes."""
        return self.mixed and any(target != name and _holds(target, name) for name in self.names)

    def beside(self, node: str, routes: Iterable[Route]) -> Iterator[Route]:
        """The routes of a node with targets of both kinds, for node addresses alone."""
        if node not in self.own or self.mixed:
            return
        routes = [route for route in routes if route.targets[0].version == self.version]
        mixing = [route for route in routes if route.explicit or not route.targets[0].prefixlen]
        wide = [(target, route) for route in mixing for target in route.targets if target not in self.names]
        if not wide:
            return
        known = {*self.on[node], *(target for route in routes for target in route.targets)}
        found: dict[int, list[Network]] = {}
        for prefix in self.prefixes:
            around = [
                (target.prefixlen, place)
                for place, (target, _) in enumerate(wide)
                if target.prefixlen < prefix.prefixlen and _holds(target, prefix)
            ]
            if around and prefix not in known:
                found.setdefault(max(around)[1], []).append(prefix)
        for place, prefixes in found.items():
            route = wide[place][1]
            yield route._replace(targets=tuple(prefixes), nexthops=sent_from(self.own[node], route.nexthops))

    def _prefixes(self, lab: Lab) -> tuple[Network, ...]:
        """Prefixes that hold all own addresses and no others: of a pool its part, and of the rest few."""
        others = list(_apart(sorted(map(bounds, self.others | self.masked))))
        names = sorted(self.hosts, key=bounds)
        found: list[Network] = []
        pool = next((pool for pool in lab.pools if pool.version == self.version), None)
        if pool and (part := own_part(pool)) and not _meets(others, bounds(part)):
            outside = [name for name in names if not _holds(part, name)]
            found += [part] if len(outside) < len(names) else []
            names = outside
        return (*found, *_covering(names, others), *sorted(self.masked, key=bounds))


def sent_from(source: Address | None, hops: Iterable[Nexthop]) -> tuple[Nexthop, ...]:
    return tuple(hop._replace(source=source) for hop in hops)


def _covering(names: list[Network], others: list[Range]) -> Iterator[Network]:
    """The fewest prefixes that contain all of some sorted networks and no others, as long as possible."""
    if not names:
        return
    first, last = bounds(names[0])[0], max(bounds(name)[1] for name in names)
    bits = names[0].max_prefixlen
    length = min(bits - (first ^ last).bit_length(), *(name.prefixlen for name in names))
    around = ip_network((first >> (bits - length) << (bits - length), length))
    if length == names[0].prefixlen or not _meets(others, bounds(around)):
        yield around
        return
    half = bounds(around)[0] + (1 << (bits - length - 1))
    yield from _covering([name for name in names if bounds(name)[0] < half], others)
    yield from _covering([name for name in names if bounds(name)[0] >= half], others)


def _apart(ranges: Iterable[Range]) -> Iterator[Range]:
    """Sorted ranges without those that are within others, as networks of two sites can be."""
    last = -1
    for first, end in ranges:
        if end > last:
            yield first, end
            last = end


def _meets(others: list[Range], one: Range) -> bool:
    """Whether a range overlaps one of the others, which are sorted and disjoint."""
    place = bisect_left(others, (one[1] + 1, 0))
    return place > 0 and others[place - 1][1] >= one[0]


def _holds(around: Network, network: Network) -> bool:
    return network.subnet_of(around)  # type: ignore[arg-type]
