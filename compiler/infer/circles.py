"""Detection of forwarding loops, circles of nodes, by explicit routes.

Addresses in the same prefixes of the lab are forwarded alike, so one address is followed for each part of an
explicit route's target that these prefixes delimit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from compiler.ground.diagnostics import Diagnostics
from compiler.infer.forwarding import Forwarding
from compiler.infer.trie import Trie
from compiler.model.lab import Lab
from compiler.model.networks import DEFAULT, Address, Network
from compiler.model.routes import ExplicitRoute, Nexthop, Route
from compiler.model.segments import Segment

ExplicitRoutes = dict[str, dict[Network, tuple[Route, ExplicitRoute]]]
"""The explicit routes, by node and target."""


class _Part(NamedTuple):
    """An address, and the targets of routes that contain it, the longest first."""

    address: Address
    around: tuple[Network, ...]


def check(lab: Lab, routes: ExplicitRoutes, segments: Iterable[Segment], diagnostics: Diagnostics) -> None:
    """Reports each explicit route by which packets can return to a node."""
    circles = _Circles(lab, routes, tuple(segments), diagnostics)
    for version in sorted({target.version for table in routes.values() for target in table}):
        circles.check(version)


class _Circles:
    def __init__(
        self, lab: Lab, routes: ExplicitRoutes, segments: tuple[Segment, ...], diagnostics: Diagnostics
    ) -> None:
        self.lab = lab
        self.explicit = routes
        self.segments = segments
        self.diagnostics = diagnostics
        self.forwarding = Forwarding(lab)
        self.told: set[tuple[str, Network]] = set()
        self.sources: dict[Network, list[str]] = {}
        for source, table in routes.items():
            for target in table:
                self.sources.setdefault(target, []).append(source)

    def check(self, version: int) -> None:
        """Follows an address of each part from all nodes that have an explicit route to it."""
        alone = dict(self._alone(version))
        defaults = Forwarding(_without_defaults(self.lab, set(alone)))
        for part in self._parts(version):
            forwarding = self.forwarding if part.around[0].prefixlen else defaults
            done: set[str] = set()
            for target in part.around if self.lab.metric else part.around[:1]:
                if target.prefixlen or target == part.around[0]:
                    for source in self.sources.get(target, ()):
                        self._follow(source, target, part, forwarding, done)
        for source, other in alone.items():
            self._check_alone(source, other, version)

    def _follow(
        self, source: str, target: Network, part: _Part, forwarding: Forwarding, done: set[str]
    ) -> None:
        """Reports the explicit route of a node to a target if it sends an address of it into a circle."""
        route, asked = self.explicit[source][target]
        found = forwarding.nexthops(source, part.address, connected=False)
        if (source, target) in self.told or _gateways(found) != _gateways(route.nexthops):
            return
        known = done if forwarding.forwards[source] else set[str]()  # to a host, packets come back as well
        if circle := forwarding.circle(source, part.address, known):
            self.told.add((source, target))
            message = f"packets from `{source}` to `{target}` go in a circle"
            label = " to ".join(f"`{name}`" for name in circle)
            label += "" if part.around[0] == target else f", for `{part.address}`"
            self.diagnostics.error("MPC502", message, asked.span, label)

    def _alone(self, version: int) -> Iterator[tuple[str, str]]:
        """The routers with an explicit default route that are each other's only neighbours, in pairs.

        Inferred default routes are alike: only packets to addresses that neither router reaches go in a
        circle.
        """
        ends = [(own, {e.node for e in own.ends if e.address(version)}) for own in self.segments]
        near: dict[str, set[str]] = {}
        for _, names in ends:
            routers = {name for name in names if self.forwarding.forwards[name]}
            for name in routers:
                near.setdefault(name, set()).update(routers - {name})
        for name in self.sources.get(DEFAULT[version], ()):
            others = near.get(name, set())
            if len(others) == 1 and near[next(iter(others))] == {name}:
                yield name, next(iter(others))

    def _check_alone(self, source: str, other: str, version: int) -> None:
        """Follows each address on the links of one of two such routers."""
        names = {source, other}
        near = set[str]().union(*(own.nodes for own in self.segments if names & own.nodes))
        addresses = [
            own.address.ip for node in self.lab.ip_nodes if node.name in near for own in node.addresses
        ]
        addresses += [a.ip for s in self.segments for e in s.ends if e.node in near for a in e.addresses]
        for address in dict.fromkeys(own for own in addresses if own.version == version):
            part = _Part(address, (ip_network(address),))
            self._follow(source, DEFAULT[version], part, self.forwarding, set())

    def _parts(self, version: int) -> list[_Part]:
        """The parts in which explicit routes can make a circle that they do not make in a larger part.

        Of the addresses in no longer prefix than some prefix, those on links alone are left out: they are
        forwarded alike, up to the nodes on those links.
        """
        explicit = _Within(target for target in self.sources if target.version == version)
        routes = _unique(t for node in self.lab.nodes for route in node.routes for t in route.targets)
        linked = _unique(target for table in self.forwarding.connected.values() for target in table)
        held = [target for target in routes if target in explicit]
        trie = Trie([*held, *(target for target in linked - routes if target in explicit)], len(held))
        exact: dict[Network, _Part] = {}
        others: list[_Part] = []
        for places, (first, _) in zip(trie.leaves, trie.extents, strict=False):
            around = tuple(held[place] for place in places if place < len(held))
            part = _Part(_address(first, version), around)
            if places[0] < len(held):
                exact.setdefault(around[0], part)
            elif around:
                others.append(part)
        return [*exact.values(), *(part for part in others if part.around[0] not in exact)]


def _gateways(hops: tuple[Nexthop, ...] | None) -> list[tuple[Address, str]]:
    """The gateways of next hops, whatever their source addresses."""
    return [(hop.via, hop.interface) for hop in hops or ()]


class _Within:
    """The set of networks that are subnets of given prefixes of one family."""

    def __init__(self, prefixes: Iterable[Network]) -> None:
        self.lengths: dict[int, set[int]] = {}
        self.version = 0
        for prefix in prefixes:
            self.version = prefix.version
            bits = prefix.max_prefixlen - prefix.prefixlen
            self.lengths.setdefault(bits, set()).add(int(prefix.network_address) >> bits)

    def __contains__(self, prefix: Network) -> bool:
        if prefix.version != self.version:
            return False
        first, bits = int(prefix.network_address), prefix.max_prefixlen - prefix.prefixlen
        return any(first >> own in known for own, known in self.lengths.items() if own >= bits)


def _unique(networks: Iterable[Network]) -> set[Network]:
    """The distinct networks. Most are the same objects, which are faster to compare by identity."""
    return set({id(network): network for network in networks}.values())


def _address(number: int, version: int) -> Address:
    return ip_address(number.to_bytes(4 if version == 4 else 16, "big"))


def _without_defaults(lab: Lab, nodes: set[str]) -> Lab:
    """The lab without inferred default routes, and without any default route at some nodes."""
    return replace(
        lab,
        nodes=tuple(
            node._replace(
                routes=tuple(
                    route
                    for route in node.routes
                    if route.targets[0].prefixlen or (route.explicit and node.name not in nodes)
                ),
            )
            for node in lab.nodes
        ),
    )
