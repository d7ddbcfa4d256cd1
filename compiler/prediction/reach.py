"""Who reaches whom: the ways there and back between all nodes of a lab, in one address family.

Where all routes are inferred, graph theory tells it: nodes that pass packets on and are linked with each
other reach each other and what hangs on them. What explicit routes, rules and sysctls make of that is looked
up, for each target once for all nodes, between as many nodes as MOST_LOOKUPS allows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from compiler.ir.graph import Graph
from compiler.ir.lab import Address, InterfaceName, Lab, Metric
from compiler.ir.segments import segments
from compiler.prediction.lookup import Choices, Lookup
from compiler.prediction.trips import Trip, trips
from compiler.prediction.ways import ways

MOST_LOOKUPS = 1_000_000
"""Of routes; some five seconds."""

OF_A_PAIR = 50
"""Lookups that the ways between two nodes take, where each way is followed on its own."""

Bits = int
"""A set of nodes or links, by their places in the lab."""


def implied(lab: Lab, version: int) -> list[Bits]:
    """Whom each node reaches by inferred routes.

    Behind a vertex that passes packets on is all that is linked with it and with others that do.
    """
    graph = Graph(lab, version, whole=True)
    places = {node.name: 1 << place for place, node in enumerate(lab.nodes)}
    found = dict(places)
    met: set[str] = set()
    for first in graph.outgoing:
        if first not in met and _passes(graph, first):
            component = _component(graph, first)
            met |= component
            _join(found, [name for name in component if name in places], places)
    for name in places:
        for edge in graph.outgoing[name]:
            if not (_passes(graph, name) or _passes(graph, edge.target)):
                found[name] |= places[edge.target]
    return [found[node.name] for node in lab.nodes]


def _passes(graph: Graph, name: str) -> bool:
    return graph.forwards.get(name, True)


def _component(graph: Graph, first: str) -> set[str]:
    """What a vertex is linked with, over vertices that pass packets on, and what hangs on these."""
    found, waiting = {first}, [first]
    while waiting:
        for edge in graph.outgoing[waiting.pop()]:
            if edge.target not in found:
                found.add(edge.target)
                if _passes(graph, edge.target):
                    waiting.append(edge.target)
    return found


def _join(found: dict[str, Bits], members: Iterable[str], places: dict[str, Bits]) -> None:
    members = list(members)
    together = 0
    for name in members:
        together |= places[name]
    for name in members:
        found[name] |= together


class _Hop(NamedTuple):
    """A next hop: the address that a node takes for itself there, the next node, and the links to it."""

    source: Address | None
    following: str
    links: Bits


class Inbound:
    """How packets come to one address.

    `links` has what they take from each node from which all arrive, `some` the nodes from which some may.
    """

    def __init__(self, lookup: Lookup, target: Address, bits: dict[InterfaceName, Bits]) -> None:
        self.lookup = lookup
        self.hops: dict[str, list[_Hop]] = {}
        self.links: dict[str, Bits] = {}
        self.some: set[str] = set()
        lossy: set[str] = set()
        behind: dict[str, list[str]] = {}
        waiting = []
        for name in lookup.nodes:
            if target in lookup.own[name]:
                self.links[name] = 0
                waiting.append(name)
            elif choices := lookup.choices(name, target):
                found = list(self._hops(name, target, choices, bits))
                self.hops[name] = found
                lossy |= {name} if len(found) < len(choices) else set()
                for hop in found:
                    behind.setdefault(hop.following, []).append(name)
        self._reach(list(waiting), behind)
        self._fill(waiting, behind, lossy)

    def _hops(
        self, name: str, target: Address, choices: Choices, bits: dict[InterfaceName, Bits]
    ) -> Iterator[_Hop]:
        """The next hops of a node that lose nothing."""
        for hop in choices:
            crossed = self.lookup.crossings(InterfaceName(name, hop.interface), hop.via)
            if not crossed:
                continue
            into, links = crossed[-1].into, 0
            passed = self.lookup.kernel(into.node).forwards(target.version, into.name)
            if passed or target in self.lookup.own[into.node]:
                for crossing in crossed:
                    links |= bits[crossing.link]
                yield _Hop(self.lookup.source_address(name, hop), into.node, links)

    def _reach(self, waiting: list[str], behind: dict[str, list[str]]) -> None:
        while waiting:
            for name in behind.get(waiting.pop(), ()):
                if name not in self.some:
                    self.some.add(name)
                    waiting.append(name)

    def _fill(self, waiting: list[str], behind: dict[str, list[str]], lossy: set[str]) -> None:
        """Goes back from the target: a node is done when all that it sends to are."""
        left = {name: len(found) + (name in lossy) for name, found in self.hops.items()}
        while waiting:
            for name in behind.get(waiting.pop(), ()):
                left[name] -= 1
                if not left[name]:
                    self.links[name] = 0
                    for hop in self.hops[name]:
                        self.links[name] |= hop.links | self.links[hop.following]
                    waiting.append(name)

    def by_source(self, name: str) -> dict[Address | None, Bits]:
        """The links that a node's packets take, by the address that it sends from."""
        found: dict[Address | None, Bits] = {}
        for hop in self.hops[name]:
            found[hop.source] = found.get(hop.source, 0) | hop.links | self.links[hop.following]
        return found


class Reach:
    """What is known of all pairs of nodes in one family.

    `unreached` has, by place, the nodes that a node does not reach; `uneven` the pairs with another way back,
    by the links of either direction alone.
    `examined` are the nodes whose ways were looked up, all of them or the first.
    """

    def __init__(self, lab: Lab, lookup: Lookup, version: int) -> None:
        self.lab = lab
        self.lookup = lookup
        self.version = version
        self.places = {node.name: place for place, node in enumerate(lab.nodes)}
        self.members = [name for name in self.places if any(self._addresses(name))]
        self.unreached: list[Bits] = [0] * len(self.places)
        self.uneven: dict[frozenset[Bits], dict[frozenset[str], tuple[str, str]]] = {}
        self.examined: list[str] = []
        self.inbound = cache(self._inbound)
        self.answers = lru_cache(64)(self._inbound)
        if lab.metric is not None:
            self._imply()
        if self.is_exact:
            self._examine()

    def _addresses(self, name: str) -> Iterator[Address]:
        return (own for own in self.lookup.own[name] if own.version == self.version)

    def targets(self, name: str) -> list[Address]:
        """What a node's name means: its own addresses; where it has none, those of its interfaces."""
        own = [own.address.ip for own in self.lookup.nodes[name].addresses]
        return [ip for ip in own or self.lookup.own[name] if ip.version == self.version]

    def _imply(self) -> None:
        members = 0
        for name in self.members:
            members |= 1 << self.places[name]
        for name, reached in zip(self.places, implied(self.lab, self.version), strict=True):
            if members >> self.places[name] & 1:
                self.unreached[self.places[name]] = members & ~reached

    @property
    def is_exact(self) -> bool:
        """Whether graph theory does not tell all."""
        return self.lab.metric is None or self.pinned or self.is_uneven or bool(self.apart)

    @cached_property
    def pinned(self) -> bool:
        """Whether sysctls of some node say other than the node what becomes of packets."""
        return any(
            self.lookup.kernel(name).filters
            or any(
                self.lookup.kernel(name).forwards(self.version, interface) != self.lookup.nodes[name].forwards
                for interface in self.lookup.interfaces(name)
            )
            for name in self.places
        )

    @cached_property
    def is_uneven(self) -> bool:
        """Whether a shortest path can be another one than back: directions differ in what they cost, a way
        enters several switches elsewhere than it leaves them, a node has two interfaces on a segment, or has
        no address but those of several interfaces."""
        found = segments(self.lab.links, [switch.name for switch in self.lab.switches])
        if any(len(segment.ends) > len(segment.nodes) for segment in found):
            return True
        if any(not node.addresses and len(self.lookup.interfaces(node.name)) > 1 for node in self.lab.nodes):
            return True
        if self.lab.metric in (None, Metric.HOPS):
            return False
        shapings = [(link.left.shaping, link.right.shaping) for link in self.lab.links]
        differ = {
            Metric.DELAY: any((one.delay or 0) != (other.delay or 0) for one, other in shapings),
            Metric.RATE: any((one.rate or 0) != (other.rate or 0) for one, other in shapings),
        }
        return differ.get(self.lab.metric, False) or any(len(segment.switches) > 1 for segment in found)

    @cached_property
    def apart(self) -> frozenset[str]:
        """The nodes with an address that an explicit route or a rule is for."""
        routes = (route for node in self.lab.nodes for route in node.routes if route.explicit)
        targets = {t for route in routes for t in route.targets if t.version == self.version and t.prefixlen}
        known = sorted((int(own), name) for name in self.members for own in self._addresses(name))
        found = {name for own, name in known if own in self.steered}
        for target in targets:
            first = bisect_left(known, (int(target.network_address), ""))
            end = bisect_left(known, (int(target.broadcast_address) + 1, ""))
            found |= {name for _, name in known[first:end]}
        return frozenset(found)

    @cached_property
    def steered(self) -> frozenset[int]:
        """The addresses that rules lead to."""
        tables = (table for node in self.lab.nodes for table in node.tables)
        targets = (target for table in tables for route in table.routes for target in route.targets)
        return frozenset(int(target.network_address) for target in targets if target.version == self.version)

    def _inbound(self, target: Address) -> Inbound:
        return Inbound(self.lookup, target, self._bits)

    @cached_property
    def _bits(self) -> dict[InterfaceName, Bits]:
        return {end.id: 1 << place for place, link in enumerate(self.lab.links) for end in link.ends}

    @cached_property
    def by_way(self) -> bool:
        """Whether what becomes of packets depends on where they were, so that each way is followed alone."""
        return any(self.lookup.kernel(name).by_way for name in self.places)

    def _examine(self) -> None:
        """Looks up the ways between nodes: those with explicit routes first."""
        order = sorted(self.members, key=lambda name: name not in self.apart)
        self.examined = order[: self._most()]
        whole = self.lab.metric is None or self.pinned
        for source in self.examined:
            for target in self.examined:
                if source != target and (whole or self.is_uneven or {source, target} & self.apart):
                    self._examine_pair(source, target)

    def _most(self) -> int:
        """How many nodes are examined: all addresses of each, from all nodes."""
        if self.by_way:
            return int((MOST_LOOKUPS // OF_A_PAIR) ** 0.5)
        addresses = sum(len(list(self._addresses(name))) for name in self.members) or 1
        return MOST_LOOKUPS * len(self.members) // (addresses * len(self.lab.nodes)) or 1

    def _examine_pair(self, source: str, target: str) -> None:
        reached, there, back = True, 0, 0
        for address in self.targets(target):
            for one in self._ways(source, target, address):
                reached &= one is not None
                if one and one[0] != one[1]:
                    there, back = there | one[0] & ~one[1], back | one[1] & ~one[0]
        bit = 1 << self.places[target]
        place = self.places[source]
        self.unreached[place] = self.unreached[place] & ~bit if reached else self.unreached[place] | bit
        if reached and (there or back):
            pairs = self.uneven.setdefault(frozenset((there, back)), {})
            pairs.setdefault(frozenset((source, target)), (source, target))

    def _ways(self, source: str, target: str, address: Address) -> Iterator[tuple[Bits, Bits] | None]:
        """The links there and back, by the address that packets are sent from; None where some are lost."""
        inbound = None if self.by_way or int(address) in self.steered else self.inbound(address)
        if inbound and source not in inbound.some:
            yield None
            return
        own = inbound.by_source(source) if inbound and source in inbound.links else {}
        if not own or any(one is None or int(one) in self.steered for one in own):
            yield from self._followed(source, address)
            return
        for one, there in own.items():
            answers = self.answers(one)
            if target in answers.links:
                yield there, answers.links[target]
            elif target in answers.some:
                yield from self._followed(source, address)
            else:
                yield None

    def _followed(self, source: str, address: Address) -> Iterator[tuple[Bits, Bits] | None]:
        """The same, by the ways of packets one by one."""
        found: dict[Address | None, tuple[Bits, Bits]] = {}
        for trip in trips(self.lookup, ways(self.lookup, source, address)):
            if not arrives(trip):
                yield None
                return
            there, back = found.get(trip.out.source, (0, 0))
            backs = (link for way in trip.back for link in way.links)
            found[trip.out.source] = there | self._set(trip.out.links), back | self._set(backs)
        yield from found.values()

    def _set(self, links: Iterable[InterfaceName]) -> Bits:
        found = 0
        for link in links:
            found |= self._bits[link]
        return found


def arrives(trip: Trip) -> bool:
    """Whether all packets arrive, and all answers."""
    return trip.works and all(way.delivered for way in trip.back)
