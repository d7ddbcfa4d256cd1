"""Pass: the main table of each node as the fewest prefixes that forward every address of the lab alike.

This is ORTC (Draves and others, "Constructing Optimal IP Routing Tables", INFOCOM 1999) on a trie of
prefixes. Bottom-up, each subtrie has the set of next hops that its root could hold at the least cost: the
intersection of the sets of both children, or their union if that is empty. Top-down, a route is written where
the inherited next hop is not in the set. The trie has the prefixes in use only, and for a node, these
addresses are don't-cares:

- an address that nobody has. A packet to it may be forwarded, even by a wrong next hop, until its TTL ends;
- an address on a link of the node, or in the target of an explicit route. Both keep their routes, which are
  longer than any route that is written around them.

An address without a route at a node has none after aggregation either. At a node with an explicit default
route, addresses that nobody has follow that route. A route is as long as its targets allow, so that addresses
outside of the lab are still refused at once; no default route is made.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, cached_property
from ipaddress import ip_network
from math import gcd

from compiler.infer.trie import Trie
from compiler.model.lab import Lab
from compiler.model.networks import DEFAULT, Network, PerNetwork
from compiler.model.nodes import Node
from compiler.model.routes import Nexthop, Route

Ways = int
"""A set of next-hop groups of a node, as a bit mask."""

ANY, NO_ROUTE = -1, 0
"""The set of all groups, and the empty set, which makes the set of every enclosing subtrie empty too."""


def aggregate(lab: Lab) -> Lab:
    """The lab with aggregated main tables."""
    families = [_Family(lab, version) for version in lab.versions]
    return replace(lab, nodes=tuple(_aggregated(node, families) for node in lab.nodes))


def _aggregated(node: Node, families: list["_Family"]) -> Node:
    return node._replace(routes=tuple(route for family in families for route in family.routes(node)))


class _Family:
    """The prefixes of one address family.

    The first `used` of `prefixes` are those of addresses and of routes; the rest are the connected networks
    that are not among them.
    """

    def __init__(self, lab: Lab, version: int) -> None:
        self.version = version
        self.connected = {
            node.name: [own.address.network for own in node.all_addresses] for node in lab.nodes
        }
        for end in lab.interfaces.values():
            self.connected[end.node] += [own.network for own in end.addresses]
        self.prefixes = list(dict.fromkeys(_used(lab, version)))
        self.used = len(self.prefixes)
        connected = (network for networks in self.connected.values() for network in networks)
        own = (network for network in connected if network.version == version)
        self.prefixes = list(dict.fromkeys([*self.prefixes, *own]))
        self.place = PerNetwork({network: place for place, network in enumerate(self.prefixes)}.__getitem__)
        self.network = cache(lambda first, length: ip_network((first, length)))

    @cached_property
    def trie(self) -> Trie:
        return Trie(self.prefixes, self.used)

    @cached_property
    def whole_trie(self) -> Trie:
        """The trie for nodes with an explicit default route: unused addresses are leaves of that."""
        return Trie([*self.prefixes, DEFAULT[self.version]], self.used)

    def routes(self, node: Node) -> list[Route]:
        """The routes of a node, aggregated: those that stay as they are, then the others by next hops."""
        routes = [route for route in node.routes if route.targets[0].version == self.version]
        kept = [route for route in routes if route.explicit or not route.targets[0].prefixlen]
        if len(kept) == len(routes) or _is_leaf(routes):
            return routes
        table = _Table()
        default = next((table.way(route) for route in kept if not route.targets[0].prefixlen), NO_ROUTE)
        ways = self._ways(node, routes, table)
        whole = any(route.explicit and not route.targets[0].prefixlen for route in kept)
        trie = self.whole_trie if whole else self.trie
        found: dict[Ways, list[Network]] = defaultdict(list)
        for part, way in _written(trie, _sets(trie, [*ways, default], default), default):
            found[way].append(self.network(*trie.extents[part]))
        return [*kept, *(Route(tuple(found[way]), table.nexthops[way]) for way in found)]

    def _ways(self, node: Node, routes: list[Route], table: "_Table") -> list[Ways]:
        """The group of next hops of a node for each prefix alone."""
        found = [NO_ROUTE] * len(self.prefixes)
        for route in routes:
            if route.targets[0].prefixlen:
                way = ANY if route.explicit else table.way(route)
                for place in self.place(route.targets):
                    found[place] = way
        own = (network for network in self.connected[node.name] if network.version == self.version)
        for place in self.place(tuple(own)):
            found[place] = ANY
        return found


def _is_leaf(routes: list[Route]) -> bool:
    """Whether a table is an inferred default route and the routes beside it."""
    first, *rest = routes
    default, ways = not first.targets[0].prefixlen and not first.explicit, first.ways
    return default and all(one.ways == ways for one in rest)


def _used(lab: Lab, version: int) -> Iterator[Network]:
    """The prefixes of nodes and links, and the targets of routes, which nodes share; no default routes."""
    for node in lab.ip_nodes:
        own = (one.address.ip for one in node.all_addresses)
        yield from (ip_network(ip) for ip in own if ip.version == version)
    yield from (
        own.network for end in lab.interfaces.values() for own in end.addresses if own.version == version
    )
    targets = {id(target): target for node in lab.nodes for route in node.routes for target in route.targets}
    yield from (target for target in targets.values() if target.version == version and target.prefixlen)


class _Table:
    """The next-hop groups of one node; order and a common factor of weights make no difference."""

    def __init__(self) -> None:
        self.ways: dict[frozenset[Nexthop], Ways] = {}
        self.nexthops: dict[Ways, tuple[Nexthop, ...]] = {}

    def way(self, route: Route) -> Ways:
        common = gcd(*(hop.weight for hop in route.nexthops))
        key = frozenset(hop._replace(weight=hop.weight // common) for hop in route.nexthops)
        way = self.ways.setdefault(key, 1 << len(self.ways))
        self.nexthops.setdefault(way, route.nexthops)
        return way


def _sets(trie: Trie, ways: list[Ways], default: Ways) -> list[Ways]:
    """For each subtrie, the groups that its root could hold at the least cost."""
    sets = [ways[place] for place in trie.longest]
    for leaf in trie.nested:
        sets[leaf] = next((ways[place] for place in trie.leaves[leaf] if ways[place]), NO_ROUTE)
    for leaf in trie.unused:
        sets[leaf] = sets[leaf] or ANY
    if default:
        sets = [found or default for found in sets]
    for left, right in trie.branches:
        a, b = sets[left], sets[right]
        sets.append(a and b and (a & b or a | b))
    return sets


def _written(trie: Trie, sets: list[Ways], default: Ways) -> Iterator[tuple[int, Ways]]:
    """The subtries that are written as routes, in order of address, each with its group."""
    shared = sets[: len(trie.leaves)]
    for left, right in trie.branches:
        shared.append(shared[left] & shared[right])
    waiting = [(len(sets) - 1, default)]
    while waiting:
        part, inherited = waiting.pop()
        if shared[part] == ANY or shared[part] & inherited:
            continue
        left, right = trie.branches[part - len(trie.leaves)] if part >= len(trie.leaves) else (part, part)
        passed = ANY in (sets[left], sets[right]) or not trie.extents[part][1]
        if not passed and sets[part] and not sets[part] & inherited:
            inherited = sets[part] & -sets[part]
            yield part, inherited
        if left != right:
            waiting += [(right, inherited), (left, inherited)]
