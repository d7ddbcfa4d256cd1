"""A lab as a graph of one address family, and its shortest paths.

Only forwarding nodes pass packets on, so they are the inner vertices of paths. Switches are vertices without
a hop of their own: a packet from one host to another behind switches makes one hop over several edges. The
links of a broadcast domain, less the spare ones, are a tree, so there is one path through it.

Weights are whole numbers, so that equal costs compare exactly. They are positive, so that no cycle is free;
but the edges out of a switch are free where a domain is one vertex, as no cycle consists of such edges.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from math import lcm
from typing import NamedTuple

from compiler.model.lab import Lab, Metric
from compiler.model.links import InterfaceName, Link, Port
from compiler.model.networks import Address
from compiler.model.routes import Nexthop

Distances = dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One direction of a link, from `source` to `target`.

    `interface` and `own` are the source's interface and address, `arrival` and `via` the target's; ports of
    switches have no address. `link` is the link's place in the lab.
    """

    source: str
    target: str
    interface: str
    own: Address | None
    arrival: str
    via: Address | None
    weight: int
    link: int


class Hop(NamedTuple):
    """The step from one node to the next: its first and last edges, with switches between them."""

    first: Edge
    last: Edge

    @property
    def interface(self) -> str:
        return self.first.interface

    @property
    def own(self) -> Address:
        assert self.first.own
        return self.first.own

    @property
    def arrival(self) -> InterfaceName:
        return InterfaceName(self.last.target, self.last.arrival)

    @property
    def via(self) -> Address:
        assert self.last.via
        return self.last.via

    @property
    def nexthop(self) -> Nexthop:
        return Nexthop(self.via, self.first.interface)


class Graph:
    """The links whose addressed ends all have an address in one family.

    An end that is to have none has that of its node, unless the graph is of `numbered` ends alone.
    With `whole`, the switches of a broadcast domain are one vertex if the metric is hops, as all paths
    through them cost the same then.
    """

    def __init__(self, lab: Lab, version: int, *, whole: bool = False, numbered: bool = False) -> None:
        self.version = version
        self.forwards = {node.name: node.forwards for node in lab.ip_nodes}
        switches = {switch.name for switch in lab.switches}
        weigh = _Weights(lab)
        merged = lab.domains if whole and weigh.metric is Metric.HOPS else {}
        self.switches = frozenset(merged.values() if merged else switches)
        self.outgoing: dict[str, list[Edge]] = {name: [] for name in (*self.forwards, *self.switches)}
        self.incoming: dict[str, list[Edge]] = {name: [] for name in self.outgoing}
        lent = {} if numbered else lab.lent(version)
        own = {id: end.address(version) or lent.get(id) for id, end in lab.interfaces.items()}
        for place, link in enumerate(lab.links):
            if link.spare or link.leg or any(end.id in own and not own[end.id] for end in link.ends):
                continue
            for near, far in link.directions:
                source, target = merged.get(near.node, near.node), merged.get(far.node, far.node)
                if source != target:
                    weight = (
                        0 if near.node in merged else weigh(near, link, from_switch=near.node in switches)
                    )
                    ends = near.name, own.get(near.id), far.name, own.get(far.id)
                    edge = Edge(source, target, *ends, weight, place)
                    self.outgoing[source].append(edge)
                    self.incoming[target].append(edge)

    def distances(self, target: str, avoid: str | None = None) -> Distances:
        """The cost of a packet to `target` from each node with a path to it that does not visit `avoid`."""
        found: Distances = {}
        heap = [(0, target)]
        while heap:
            cost, name = heappop(heap)
            if name in found:
                continue
            found[name] = cost
            if self.passes(name, target):
                for edge in self.incoming[name]:
                    if edge.source not in found and edge.source != avoid:
                        heappush(heap, (cost + edge.weight, edge.source))
        return found

    def passes(self, name: str, target: str) -> bool:
        """Whether a packet to `target` arrives at a node or is forwarded by it."""
        return name == target or name in self.switches or self.forwards[name]

    def reverse(self, edge: Edge) -> Edge:
        """The opposite direction of the same link."""
        return next(back for back in self.outgoing[edge.target] if back.link == edge.link)

    def shortest_edges(self, source: str, target: str, distances: Distances) -> list[Edge]:
        """The edges out of `source` that are first on a shortest path to `target`."""
        return [
            edge
            for edge in self.outgoing[source]
            if edge.target in distances
            and self.passes(edge.target, target)
            and distances[edge.target] + edge.weight == distances[source]
        ]


def hops(graph: Graph, edges: tuple[Edge, ...]) -> Iterator[Hop]:
    """The hops of a path."""
    first: Edge | None = None
    for edge in edges:
        first = first or edge
        if edge.target not in graph.switches:
            yield Hop(first, edge)
            first = None


class _Weights:
    """The weight of one direction of a link, under the lab's metric.

    A link without cost (no delay, no rate) weighs 1, and any other link more than all of these together: so
    links without cost do not change which path is cheapest, and no cycle is free.
    """

    def __init__(self, lab: Lab) -> None:
        self.metric = lab.metric or Metric.HOPS
        self.scale = max(1, len(lab.nodes))
        shaped = self.metric in (Metric.DELAY, Metric.RATE)
        self.shaping = {end.id: end.shaping for link in lab.links for end in link.ends} if shaped else {}
        rates = {shaping.rate for shaping in self.shaping.values()} if self.metric is Metric.RATE else set()
        self.dividend = lcm(*(rate for rate in rates if rate), *(link.parallel for link in lab.links))

    def __call__(self, near: Port, link: Link, *, from_switch: bool) -> int:
        return self._cost(near, link, from_switch=from_switch) * self.scale or 1

    def _cost(self, near: Port, link: Link, *, from_switch: bool) -> int:
        match self.metric:
            case Metric.HOPS:
                return 0 if from_switch else 1
            case Metric.COST:
                return link.cost
            case Metric.DELAY:
                return max(sum(self.shaping[id].delay or 0 for id in way) for way in link.ways(near))
            case Metric.RATE:
                return max(map(self._time, link.ways(near))) // link.parallel

    def _time(self, way: Iterable[InterfaceName]) -> int:
        """What a packet costs by the rates of the ports that it leaves nodes by."""
        rates = (self.shaping[id].rate for id in way)
        return sum(self.dividend // rate for rate in rates if rate)
