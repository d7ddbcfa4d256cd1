"""Which address a node sends from where a program has chosen none, as a UDP server on any address has not.

That server is answered for only where it sends from the address that it was asked at. What a node's name
means is its own address, so what goes to the own address of another node is sent from its own one, by the
`src` of the route. What goes to an interface's address is sent from that of the interface it leaves by, which
is right for who asks for an interface by its address. A link that a node masquerades on counts as own
addresses do: what comes from there has asked for names.

A default route, or another wide one, is for both. Beside it stands the same route for own addresses alone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from compiler.infer.addressing import own_part
from compiler.model.lab import Lab
from compiler.model.networks import Address, Network, bounds
from compiler.model.routes import Nexthop, Route

MOST_PREFIXES = 8
"""That stand beside a default route. Where own addresses lie so much between others that it would be more,
nodes send everything from their own address."""

Range = tuple[int, int]
"""The first and the last of some addresses."""


class Sources:
    """What the nodes of a lab send from in one address family."""

    def __init__(self, lab: Lab, version: int) -> None:
        self.version = version
        self.own: dict[str, Address] = {}
        for node in lab.ip_nodes:
            own = [one.address.ip for one in node.addresses if one.address.version == version]
            self.own |= {node.name: own[0]} if own else {}
        masquerading = {(node.name, name) for node in lab.nodes for name in node.masquerade}
        self.hosts = {ip_network(own.address.ip) for node in lab.nodes for own in node.addresses}
        self.hosts = {host for host in self.hosts if host.version == version}
        self.masked: set[Network] = set()
        self.on = {node.name: {ip_network(own.address.ip) for own in node.addresses} for node in lab.nodes}
        """The prefixes that a node has itself."""
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
        """Whether what goes to a target is sent from the node's own address."""
        return self.mixed or target in self.names

    def is_mixed(self, target: Network) -> bool:
        """Whether own addresses and others lie in a target so that nobody can tell them apart."""
        return self.mixed and any(target != name and _holds(target, name) for name in self.names)

    def beside(self, node: str, routes: Iterable[Route]) -> Iterator[Route]:
        """For own addresses alone, the routes of a node that are for others as well."""
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
        others = sorted(map(bounds, self.others | self.masked))
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
    """The fewest prefixes that hold all of some networks, in order, and no others; each as long as can be."""
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


def _meets(others: list[Range], one: Range) -> bool:
    """Whether some of the others, which are in order and apart, have an address of a range."""
    place = bisect_left(others, (one[1] + 1, 0))
    return place > 0 and others[place - 1][1] >= one[0]


def _holds(around: Network, network: Network) -> bool:
    return network.subnet_of(around)  # type: ignore[arg-type]
