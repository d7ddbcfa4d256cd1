"""Reachability and symmetry of paths between all nodes of a lab, in one address family.

With inferred routes only, reachability follows from graph connectivity: forwarding nodes that are connected
reach each other, and the nodes linked to them. The effects of explicit routes, rules and sysctls are looked
up, for each target once for all nodes, between as many nodes as MOST_LOOKUPS allows.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property

from compiler.infer.graph import Graph
from compiler.model.lab import Lab, Metric
from compiler.model.links import InterfaceName
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.prediction.inbound import Bits
from compiler.prediction.lookup import Lookup
from compiler.prediction.rounds import Rounds
from compiler.prediction.trips import Trip, trips
from compiler.prediction.ways import meant, ways

MOST_LOOKUPS, MOST_FOLLOWED = 500_000, 4_000
"""The most route lookups, and pairs of nodes whose paths are followed one by one; some seconds each."""


def implied(lab: Lab, version: int) -> list[Bits]:
    """The nodes that each node reaches by inferred routes.

    A vertex that forwards reaches its component: the forwarding vertices connected with it, and their
    neighbours.
    """
    graph = Graph(lab, version, whole=True)
    places = {node.name: 1 << place for place, node in enumerate(lab.ip_nodes)}
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
    return [found[node.name] for node in lab.ip_nodes]


def _passes(graph: Graph, name: str) -> bool:
    return graph.forwards.get(name, True)


def _component(graph: Graph, first: str) -> set[str]:
    """The component of a vertex: the forwarding vertices connected with it, and their neighbours."""
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


class Reach:
    """Reachability and asymmetric paths of all pairs of nodes in one family.

    `unreached` has, by index, the set of nodes that a node does not reach. `uneven` has the pairs with
    asymmetric paths, by the links that only one direction takes. `examined` are the nodes whose paths were
    looked up: all, or as many as the bounds allow, which are divided by `share` for one of so many reaches.
    """

    def __init__(self, lab: Lab, lookup: Lookup, version: int, share: int = 1) -> None:
        self.lab = lab
        self.lookup = lookup
        self.share = share
        self.version = version
        self.places = {node.name: place for place, node in enumerate(lab.ip_nodes)}
        vrfs = {node.name for node in lab.ip_nodes if node.vrf}
        self.members = [name for name in self.places if name not in vrfs and any(self._addresses(name))]
        self.unreached: list[Bits] = [0] * len(self.places)
        self.uneven: dict[frozenset[Bits], dict[frozenset[str], tuple[str, str]]] = {}
        self.examined: list[str] = []
        self.followed = 0
        self.rounds = Rounds(lab, lookup)
        if lab.metric is not None:
            self._imply()
        if self.is_exact:
            self._examine()

    def _addresses(self, name: str) -> Iterator[Address]:
        return (own for own in self.lookup.own[name] if own.version == self.version)

    def targets(self, source: str, target: str) -> list[Address]:
        """The addresses that stand for a node: its own, or the first that its name means to another."""
        own = self.lab.meanings.tried(target, source)
        return [ip for ip in own if ip.version == self.version]

    def _imply(self) -> None:
        members = 0
        for name in self.members:
            members |= 1 << self.places[name]
        for name, reached in zip(self.places, implied(self.lab, self.version), strict=True):
            if members >> self.places[name] & 1:
                self.unreached[self.places[name]] = members & ~reached

    @property
    def is_exact(self) -> bool:
        """Whether some pairs have to be looked up, as connectivity does not decide them."""
        return self.is_wholly_exact or bool(self.apart)

    @cached_property
    def is_wholly_exact(self) -> bool:
        """Whether all pairs have to be looked up."""
        told = self.lab.metric is not None and not (self.lab.has_private or self.lab.has_vrfs)
        return not told or self.pinned or self.is_uneven or bool(self.lookup.losing)

    @cached_property
    def pinned(self) -> bool:
        """Whether sysctls filter packets, or make an interface forward otherwise than its node, or routes
        are for packets from some networks."""
        return any(asked.within for asked in self.lab.explicit_routes) or any(
            self.lookup.kernel(name).filters
            or any(
                self.lookup.kernel(name).forwards(self.version, interface) != self.lookup.nodes[name].forwards
                for interface in self.lookup.interfaces(name)
            )
            for name in self.places
        )

    @cached_property
    def is_uneven(self) -> bool:
        """Whether inferred routes can make asymmetric paths.

        That is so if the directions of a link differ in cost, if a path over switches is not the shortest in
        hops, if a node has two interfaces on a segment, or only addresses of several interfaces, or if
        answers go to an address that a node in between has translated.
        """
        if any(len(segment.ends) > len(segment.nodes) for segment in self.lab.segments) or any(
            map(self._is_odd, self.lab.ip_nodes)
        ):
            return True
        if self.lab.metric in (None, Metric.HOPS):
            return False
        shapings = [(link.left.shaping, link.right.shaping) for link in self.lab.links]
        differ = {
            Metric.DELAY: any((one.delay or 0) != (other.delay or 0) for one, other in shapings),
            Metric.RATE: any((one.rate or 0) != (other.rate or 0) for one, other in shapings),
        }
        return differ.get(self.lab.metric, False) or any(segment.switches for segment in self.lab.segments)

    def _is_odd(self, node: Node) -> bool:
        return bool(node.masquerade) or (not node.addresses and len(self.lookup.interfaces(node.name)) > 1)

    @cached_property
    def apart(self) -> frozenset[str]:
        """The nodes with an address in the target of an explicit route or rule."""
        routes = (route for node in self.lab.nodes for route in node.routes if route.explicit)
        targets = {t for route in routes for t in route.targets if t.version == self.version and t.prefixlen}
        known = sorted((int(own), name) for name in self.members for own in self._addresses(name))
        steered = {int(own) for own in self.rounds.steered if own.version == self.version}
        found = {name for own, name in known if own in steered}
        for target in targets:
            first = bisect_left(known, (int(target.network_address), ""))
            end = bisect_left(known, (int(target.broadcast_address) + 1, ""))
            found |= {name for _, name in known[first:end]}
        return frozenset(found)

    def _examine(self) -> None:
        """Looks up the paths between nodes, those in the targets of explicit routes first."""
        order = sorted(self.members, key=lambda name: name not in self.apart)[: self._most()]
        whole = self.is_wholly_exact
        for source in order:
            for target in order:
                if source != target and (whole or {source, target} & self.apart):
                    self._examine_pair(source, target)
            self.examined.append(source)
            if self.followed > MOST_FOLLOWED // self.share:
                return

    def _most(self) -> int:
        """The most nodes to examine: each needs lookups for all of its addresses from all nodes."""
        addresses = sum(len(list(self._addresses(name))) for name in self.members) or 1
        most = MOST_LOOKUPS // self.share
        return most * len(self.members) // (addresses * len(self.lab.ip_nodes)) or 1

    def _examine_pair(self, source: str, target: str) -> None:
        reached, there, back = True, 0, 0
        for address in self.targets(source, target):
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
        """The links of both directions, for each source address; None if some packets or answers are lost."""
        inbound = self.rounds.inbound(address) if self.rounds.knows(address) else None
        if inbound and source not in inbound.some:
            yield None
            return
        own = inbound.by_source(source) if inbound and source in inbound.links else {}
        if not own or any(one is None or one in self.rounds.steered for one in own):
            yield from self._followed(source, target, address)
            return
        for one, there in own.items():
            answers = self.rounds.answers(one)
            if target in answers.links:
                yield there, answers.links[target]
            elif target in answers.some:
                yield from self._followed(source, target, address)
            else:
                yield None

    def _followed(self, source: str, target: str, address: Address) -> Iterator[tuple[Bits, Bits] | None]:
        """The same as `_ways`, by following packets on each path."""
        self.followed += 1
        found: dict[Address | None, tuple[Bits, Bits]] = {}
        for trip in trips(self.lookup, meant(self.lookup, target, ways(self.lookup, source, address))):
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
            found |= self.rounds.steps.bits[link]
        return found


def arrives(trip: Trip) -> bool:
    """Whether all packets of a trip arrive, and all answers."""
    return trip.works and all(way.delivered for way in trip.back)
