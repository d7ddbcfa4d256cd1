"""The targets of inferred routes, the addresses of nodes and the segments, and the roots that reach them."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import NamedTuple

from compiler.infer.graph import Distances, Edge, Graph
from compiler.infer.sources import Sources
from compiler.infer.trees import Bits, Row, Trees
from compiler.model.lab import Lab
from compiler.model.networks import Address, Network
from compiler.model.nodes import Node
from compiler.model.segments import Segment


class _Way(NamedTuple):
    """The nearer of two roots, with the extra cost beyond each."""

    left: int
    more_left: int
    right: int
    more_right: int


class Targets:
    """The targets of one address family, own addresses and segments: `networks`, and the way to each.

    `named` is whether packets to a target are sent from the node address. `own` has, by node, the first hops
    to targets on its own links, by index: they replace the node's row of the trees. `behind` has the end of a
    segment at a host, which needs a route only where no forwarding end of the segment is reachable.
    """

    def __init__(
        self,
        lab: Lab,
        nodes: list[Node],
        segments: list[Segment],
        graph: Graph,
        trees: Trees,
        sources: Sources,
    ) -> None:
        self.lab = lab
        self.graph = graph
        self.sources = sources
        self.trees = trees
        self.networks: list[Network] = []
        self.named: list[bool] = []
        self.ways: list[_Way] = []
        self.behind: dict[int, int] = {}
        self.own: dict[str, dict[int, Bits]] = {node.name: {} for node in lab.ip_nodes}
        for node in nodes:
            for own in node.addresses if graph.outgoing[node.name] else ():
                if own.address.version == graph.version:
                    self._add_address(_host(own.address.ip), node.name)
        self._add_further(segments)
        self._add_anycast(nodes)
        leaving: dict[int, list[Edge]] = {}
        for name in graph.forwards:
            for edge in graph.outgoing[name]:
                leaving.setdefault(edge.link, []).append(edge)
        for segment in segments:
            edges = [edge for link in segment.links for edge in leaving.get(link, ())]
            ends = [end for end in segment.ends if end.address(graph.version)]
            if edges and segment.switches and ends:
                self._add_domain(segment, edges)
            elif edges and len(ends) == len(segment.ends):
                self._add_link(segment, *edges)
            else:
                for end in ends if edges else ():
                    self._add_address(_host(end.address(graph.version)), end.node)

    def _add_address(self, target: Network, node: str) -> int:
        """Adds an address of a node, and returns its index. The anchor of a leaf reaches it by its own
        links."""
        place = self._add(target, self._as(node), node)
        if anchor := self.trees.anchors.get(node):
            self.own[anchor][place] = self.trees.cheapest(self.graph.incoming[node])
        return place

    def _add_further(self, segments: Iterable[Segment]) -> None:
        """Adds the further addresses of interfaces, but for the nodes that have one of their networks."""
        for end in (end for segment in segments for end in segment.ends):
            own = [one for one in end.addresses if one.version == self.graph.version]
            for one in own[1:] if self.graph.outgoing[end.node] else ():
                if one.network != own[0].network:
                    place = self._add_address(_host(one.ip), end.node)
                    for other in self.lab.interfaces.values():
                        if any(address.network == one.network for address in other.addresses):
                            self.own[other.node][place] = 0

    def _add_anycast(self, nodes: Iterable[Node]) -> None:
        """Adds the addresses that several nodes have, each reached by the nearest of them, or by all that are
        equally near."""
        owners: dict[Network, list[str]] = {}
        for node in nodes:
            for own in node.anycast if self.graph.outgoing[node.name] else ():
                if own.address.version == self.graph.version:
                    owners.setdefault(_host(own.address.ip), []).append(node.name)
        for target, names in owners.items():
            place = self._add(target, self._as(names[0]), *names)
            costs = {name: self.graph.distances(name) for name in names}
            for name in self.own.keys() - set(names):
                self.own[name][place] = self._nearest(name, costs)

    def _nearest(self, name: str, costs: dict[str, Distances]) -> Bits:
        """The first hops of a node to the nearest of some others, by their distances."""
        least = min((found[name] for found in costs.values() if name in found), default=None)
        nearest = {other: found for other, found in costs.items() if found.get(name) == least is not None}
        ways = {
            (first, last)
            for other, found in nearest.items()
            for first in self.graph.shortest_edges(name, other, found)
            for last in self._lasts(first, other, found)
        }
        hops = enumerate(self.trees.hops(name))
        return sum(1 << place for place, hop in hops if (hop.first, hop.last) in ways)

    def _lasts(self, edge: Edge, target: str, costs: Distances) -> Iterator[Edge]:
        """The last edges of the hops by an edge on shortest paths: behind switches, those out of them."""
        if edge.target not in self.graph.switches:
            yield edge
            return
        for following in self.graph.shortest_edges(edge.target, target, costs):
            yield from self._lasts(following, target, costs)

    def _add(self, target: Network, way: _Way, *nodes: str) -> int:
        """Adds a target that is on some nodes, which need no route to it; returns its index."""
        place = len(self.networks)
        self.networks.append(target)
        self.named.append(self.sources.answers(target))
        self.ways.append(way)
        for node in nodes:
            self.own[node][place] = 0
        return place

    def _as(self, node: str) -> _Way:
        root = self.trees.root(node)
        return _Way(root, 0, root, 0)

    def _add_domain(self, segment: Segment, edges: list[Edge]) -> None:
        """Adds the subnet of a broadcast domain, reached by the nearest ends that forward.

        These reach all addresses of the subnet. Where they are unreachable, an end at a host can be reached
        only by another link of the host.
        """
        root = self.trees.domains[edges[0].target]
        place = self._add(self._subnet(segment), _Way(root, 0, root, 0), *segment.nodes)
        links = set(segment.links)
        for edge in edges:
            elsewhere = any(other.link not in links for other in self.graph.outgoing[edge.source])
            numbered = edge.own and any(edge.own == own.ip for end in segment.ends for own in end.addresses)
            if elsewhere and numbered and not self.graph.forwards[edge.source]:
                host = self._add(_host(edge.own), self._as(edge.source), *segment.nodes)
                self.behind[host] = place

    def _add_link(self, segment: Segment, left: Edge, right: Edge) -> None:
        """Adds the subnet of a link, reached by the nearest of its ends that forward.

        A forwarding end reaches both addresses of the link. Where none is reachable, each reachable end has a
        host route to its address. A leaf is never nearer than its anchor.
        """
        both = (left, right)
        ends = [e for e in both if self.graph.forwards[e.source] and e.source not in self.trees.anchors]
        if not ends:
            for edge in both:
                self._add(_host(edge.own), self._as(edge.source), left.source, right.source)
            return
        costs = (self.trees.weight(edge) for edge in ends)
        roots = (self.trees.root(edge.source) for edge in ends)
        near, *far = zip(roots, costs, strict=True)
        place = self._add(self._subnet(segment), _Way(*near, *(far or [near])[0]), left.source, right.source)
        if not far and ends[0].target not in self.trees.anchors:
            edge = ends[0]
            host = self._add(_host(edge.via), self._as(edge.target), left.source, right.source)
            self.behind[host] = place

    def _subnet(self, segment: Segment) -> Network:
        own = (own for end in segment.ends for own in end.addresses)
        return next(own.network for own in own if own.version == self.graph.version)

    def firsts(self, name: str, rows: dict[str, Row]) -> list[Bits]:
        """The first hops of a node to each target; empty where it has no path, or needs no route."""
        costs, firsts = rows[name] if name in rows else self.trees.row_of_leaf(name, rows)
        found = [
            firsts[left] if near < far else firsts[right] if far < near else firsts[left] | firsts[right]
            for left, more_left, right, more_right in self.ways
            for near, far in [(costs[left] + more_left, costs[right] + more_right)]
        ]
        for place, segment in self.behind.items():
            found[place] = 0 if found[segment] else found[place]
        for place, bits in self.own[name].items():
            found[place] = bits
        return found


def _host(address: Address | None) -> Network:
    """The host prefix of a node's address."""
    assert address
    return ip_network(address)
