"""All shortest paths of a lab at once: a tree to each node that has more than one neighbour.

A node whose only neighbour is a forwarding one, its *anchor*, is a *leaf*: it reaches what the anchor
reaches, and is reached as the anchor is, so no tree contains it. A lab of racks has a tree for each switch,
and none for the hosts. In a tree, the equal first hops of a source are a bit set, so that a union is one
operation.

Switches are vertices of the trees too, as a path through them is one hop. The bits of a switch are the ends
of its broadcast domain that a packet may leave by, and an edge into it has as many bits at its source: the
set of the switch is shifted there as a whole. A domain has its own tree, with all of its switches as roots;
in that tree, nodes on the domain need no next hop and have none.
"""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import accumulate
from math import gcd, inf
from typing import NamedTuple

from compiler.infer.graph import Edge, Graph, Hop
from compiler.model.segments import Segment

Bits = int
"""A set of hops of a node: bit i is the i-th of `Trees.hops`."""


class Row(NamedTuple):
    """One node's part of all trees: its cost to each root, and the first hops on the shortest paths to it."""

    costs: tuple[float, ...]
    firsts: tuple[Bits, ...]


class Trees:
    """The roots of the trees, the leaves with their anchors, and the trees.

    `roots` and `domains` have the index in a row of each node with a tree, and that of the domain of each
    switch; `anchors` has the anchor of each leaf.
    """

    def __init__(self, graph: Graph, segments: Iterable[Segment]) -> None:
        self.graph = graph
        self.scale = gcd(*(edge.weight for edges in graph.outgoing.values() for edge in edges)) or 1
        self.anchors = dict(self._anchors())
        nodes = ((name, graph.outgoing[name]) for name in graph.forwards)
        connected = [name for name, edges in nodes if edges and name not in self.anchors]
        self.roots = {name: place for place, name in enumerate(connected)}
        known = [[name for name in segment.switches if name in graph.switches] for segment in segments]
        self.switches = [names for names in known if names]
        places = enumerate(self.switches, len(self.roots))
        self.domains = {name: place for place, names in places for name in names}
        self.ends = {place: self._ends(names) for place, names in enumerate(self.switches, len(self.roots))}
        self.bits = dict(self._bits())

    def _anchors(self) -> Iterator[tuple[str, str]]:
        """Each leaf with its anchor; neither of two nodes that are each other's only neighbours is a leaf."""
        neighbours = {name: {edge.target for edge in edges} for name, edges in self.graph.outgoing.items()}
        for name in self.graph.forwards:
            if len(neighbours[name]) == 1:
                (anchor,) = neighbours[name]
                if self.graph.forwards.get(anchor) and len(neighbours[anchor]) > 1:
                    yield name, anchor

    def _ends(self, switches: list[str]) -> list[Edge]:
        """The edges out of a broadcast domain, in the order of links."""
        edges = (edge for name in switches for edge in self.graph.outgoing[name])
        return sorted((e for e in edges if e.target not in self.graph.switches), key=lambda edge: edge.link)

    def _bits(self) -> Iterator[tuple[Edge, Bits]]:
        """The bit of each edge; of an edge into a switch the lowest, to which the switch's set is shifted."""
        for name in self.graph.forwards:
            edges = self.graph.outgoing[name]
            places = accumulate((len(self._lasts(edge)) for edge in edges), initial=0)
            yield from ((edge, 1 << place) for edge, place in zip(edges, places, strict=False))
        for names in self.switches:
            for name in names:
                yield from ((edge, 1) for edge in self.graph.outgoing[name])
        for ends in self.ends.values():
            yield from ((edge, 1 << place) for place, edge in enumerate(ends))

    def _lasts(self, edge: Edge) -> list[Edge]:
        """The last edges of all hops whose first edge this is."""
        return self.ends[self.domains[edge.target]] if edge.target in self.domains else [edge]

    def hops(self, name: str) -> list[Hop]:
        """All hops of a node, in the order of bits; on a domain, the hop back to the node is among them."""
        return [Hop(edge, last) for edge in self.graph.outgoing[name] for last in self._lasts(edge)]

    def root(self, name: str) -> int:
        """The index of the root of a node with links: its own, or that of its anchor."""
        return self.roots[self.anchors.get(name, name)]

    def weight(self, edge: Edge) -> int:
        """The weight of an edge, in units of the greatest common divisor of all weights."""
        return edge.weight // self.scale

    def cheapest(self, edges: Iterable[Edge]) -> Bits:
        """The bit set of those of a node's links to one neighbour that have the least weight."""
        edges = list(edges)
        least = min(edge.weight for edge in edges)
        return sum(self.bits[edge] for edge in edges if edge.weight == least)

    @property
    def words(self) -> int:
        """The machine words of all rows; bit sets grow with the ends of domains, costs with rates."""
        cost = max(map(self.weight, self.bits), default=0).bit_length() // 64
        widths = (sum(len(self._lasts(edge)) for edge in self.graph.outgoing[name]) for name in self.roots)
        columns = len(self.roots) + len(self.switches)
        return columns * sum(1 + cost + width // 64 for width in widths)

    def rows(self) -> dict[str, Row]:
        """The row of each root."""
        vertices = {name: place for place, name in enumerate([*self.roots, *self.domains])}
        incoming = [
            [
                (vertices[edge.source], self.bits[edge], self.weight(edge))
                for edge in self.graph.incoming[name]
                if edge.source in vertices
            ]
            for name in vertices
        ]
        forwards = [self.graph.forwards.get(name, True) for name in vertices]
        roots = [[name] for name in self.roots] + self.switches
        starts = ([vertices[name] for name in names] for names in roots)
        trees = [_tree(places, incoming, forwards, len(self.roots)) for places in starts]
        costs, firsts = (zip(*(tree[part] for tree in trees), strict=True) for part in (0, 1))
        return dict(zip(self.roots, map(Row, costs, firsts), strict=False))

    def row_of_leaf(self, name: str, rows: dict[str, Row]) -> Row:
        """The row of a leaf: it reaches what its anchor reaches, over its cheapest links."""
        first, row = self.cheapest(self.graph.outgoing[name]), rows[self.anchors[name]]
        return Row(row.costs, tuple(first if cost < inf else 0 for cost in row.costs))


Incoming = list[list[tuple[int, Bits, int]]]
"""For each vertex, its incoming edges: the index of the source, its bit there, and the weight."""


def _tree(
    roots: list[int], incoming: Incoming, forwards: list[bool], switches: int
) -> tuple[list[float], list[Bits]]:
    """The shortest paths to the nearest root, by Dijkstra's algorithm with a bucket for each cost.

    Vertices from `switches` on are switches. Where edges out of a switch are free, vertices at the same cost
    as the switch are settled before it: it is put in a new bucket.
    """
    costs: list[float] = [inf] * len(incoming)
    firsts = [0] * len(incoming)
    for root in roots:
        costs[root] = 0
    waiting, queue = {0: roots}, [0]
    while queue:
        cost = heappop(queue)
        for node in waiting.pop(cost):
            if costs[node] < cost or not (forwards[node] or not cost):
                continue
            edges = incoming[node] if node < switches else _behind(incoming[node], firsts[node])
            for source, bit, weight in edges:
                more = cost + weight
                if more == costs[source]:
                    firsts[source] |= bit
                elif more < costs[source]:
                    costs[source], firsts[source] = more, bit
                    if more not in waiting:
                        waiting[more] = []
                        heappush(queue, more)
                    waiting[more].append(source)
    return costs, firsts


def _behind(edges: list[tuple[int, Bits, int]], firsts: Bits) -> Iterator[tuple[int, Bits, int]]:
    """The edges into a switch, with the bits of each shifted by the set of the switch."""
    return ((source, bit * firsts, weight) for source, bit, weight in edges)
