"""A lab as a graph of one address family, and the shortest paths in it.

Only forwarding nodes pass packets on, so a path's inner nodes are forwarding ones. All weights are positive
whole numbers, so equal costs compare exactly and no cycle is free.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from math import lcm

from compiler.ir.lab import Address, Interface, Lab, Link, Metric, Nexthop

Distances = dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One direction of a link, from `source` to `target`.

    `interface` and `own` are the source's interface and address, `arrival` and `via` the target's; `link` is
    the link's place in the lab.
    """

    source: str
    target: str
    interface: str
    own: Address
    arrival: str
    via: Address
    weight: int
    link: int


class Graph:
    """The links on which both ends have an address of a family."""

    def __init__(self, lab: Lab, version: int) -> None:
        self.version = version
        self.forwards = {node.name: node.forwards for node in lab.nodes}
        self.outgoing: dict[str, list[Edge]] = {node.name: [] for node in lab.nodes}
        self.incoming: dict[str, list[Edge]] = {node.name: [] for node in lab.nodes}
        weigh = _Weights(lab)
        for place, link in enumerate(lab.links):
            for near, far in link.directions:
                own, via = family_address(near, version), family_address(far, version)
                if own and via:
                    weight = weigh(near, link)
                    edge = Edge(near.node, far.node, near.name, own, far.name, via, weight, place)
                    self.outgoing[near.node].append(edge)
                    self.incoming[far.node].append(edge)

    def distances(self, target: str, avoid: str | None = None) -> Distances:
        """What a packet to `target` costs from each node that has a path to it, not by way of `avoid`."""
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
        """Whether a packet to `target` gets any further at a node: it is there, or is passed on."""
        return name == target or self.forwards[name]

    def reverse(self, edge: Edge) -> Edge:
        """The other direction of the same link."""
        return next(back for back in self.outgoing[edge.target] if back.link == edge.link)

    def shortest_edges(self, source: str, target: str, distances: Distances) -> list[Edge]:
        """The edges out of `source` that begin a shortest path to `target`."""
        return [
            edge
            for edge in self.outgoing[source]
            if edge.target in distances
            and self.passes(edge.target, target)
            and distances[edge.target] + edge.weight == distances[source]
        ]


def family_address(end: Interface, version: int) -> Address | None:
    """The address of an interface in a family; the first where there are several."""
    return next((own.ip for own in end.addresses if own.version == version), None)


def nexthops(edges: list[Edge]) -> tuple[Nexthop, ...]:
    return tuple(Nexthop(edge.via, edge.interface) for edge in edges)


class _Weights:
    """The weight of one direction of a link under the lab's metric.

    A link that costs nothing (no delay, no rate) weighs 1, and every other at least as much as there are
    nodes, so that free links stay free beside the others and still end every cycle.
    """

    def __init__(self, lab: Lab) -> None:
        self.metric = lab.metric or Metric.HOPS
        self.scale = max(1, len(lab.nodes))
        rates = {end.shaping.rate for link in lab.links for end in link.ends} - {None}
        self.dividend = lcm(*(rate for rate in rates if rate)) if self.metric is Metric.RATE else 1

    def __call__(self, near: Interface, link: Link) -> int:
        return self._cost(near, link) * self.scale or 1

    def _cost(self, near: Interface, link: Link) -> int:
        match self.metric:
            case Metric.HOPS:
                return 1
            case Metric.COST:
                return link.cost
            case Metric.DELAY:
                return near.shaping.delay or 0
            case Metric.RATE:
                return self.dividend // near.shaping.rate if near.shaping.rate else 0
