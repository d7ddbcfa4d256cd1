"""All shortest paths of a lab at once: a tree of them to each node that has more than one neighbour.

What hangs on one forwarding node alone, a *leaf*, is reached as that node is and reaches what that node does,
so it stands in no tree: a lab of racks has one for each switch, and none for the hosts. In a tree, the equal
first links of a source are the bits of a number, so that joining two ways takes one operation.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from math import gcd, inf
from typing import NamedTuple

from compiler.ir.graph import Edge, Graph

Bits = int
"""Links of a node as a set: bit i is the i-th of `Graph.outgoing`."""


class Row(NamedTuple):
    """One node's part of all trees: what it costs to each root, and the links that are first on the way."""

    costs: tuple[float, ...]
    firsts: tuple[Bits, ...]


class Trees:
    """Who needs a tree (`roots`), what hangs on whom (`anchors`, by leaf), and the trees (`rows`)."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.bits = {edge: 1 << bit for edges in graph.outgoing.values() for bit, edge in enumerate(edges)}
        self.scale = gcd(*(edge.weight for edge in self.bits)) or 1
        self.heaviest = max((self.weight(edge) for edge in self.bits), default=0)
        self.anchors = dict(self._anchors())
        connected = [name for name, edges in graph.outgoing.items() if edges and name not in self.anchors]
        self.roots = {name: place for place, name in enumerate(connected)}

    def _anchors(self) -> Iterator[tuple[str, str]]:
        """Each leaf with what it hangs on; of two nodes that have only each other, neither is a leaf."""
        neighbours = {name: {edge.target for edge in edges} for name, edges in self.graph.outgoing.items()}
        for name, known in neighbours.items():
            if len(known) == 1:
                (anchor,) = known
                if self.graph.forwards[anchor] and len(neighbours[anchor]) > 1:
                    yield name, anchor

    def root(self, name: str) -> int:
        """The place of the root as which a node with links is reached."""
        return self.roots[self.anchors.get(name, name)]

    def weight(self, edge: Edge) -> int:
        """What a link costs, in the unit of the trees."""
        return edge.weight // self.scale

    def cheapest(self, edges: list[Edge]) -> Bits:
        """Those of a node's links that cost the least."""
        least = min(edge.weight for edge in edges)
        return sum(self.bits[edge] for edge in edges if edge.weight == least)

    def rows(self) -> dict[str, Row]:
        """The rows of all roots."""
        incoming = [
            [(self.roots[edge.source], self.bits[edge], self.weight(edge)) for edge in edges]
            for edges in (self._between_roots(name) for name in self.roots)
        ]
        forwards = [self.graph.forwards[name] for name in self.roots]
        trees = [_tree(root, incoming, forwards) for root in self.roots.values()]
        costs, firsts = (zip(*(tree[part] for tree in trees), strict=True) for part in (0, 1))
        return dict(zip(self.roots, map(Row, costs, firsts), strict=True))

    def _between_roots(self, name: str) -> list[Edge]:
        return [edge for edge in self.graph.incoming[name] if edge.source in self.roots]

    def row_of_leaf(self, name: str, rows: dict[str, Row]) -> Row:
        """The row of a leaf: it goes wherever what it hangs on does."""
        first, row = self.cheapest(self.graph.outgoing[name]), rows[self.anchors[name]]
        return Row(row.costs, tuple(first if cost < inf else 0 for cost in row.costs))


Incoming = list[list[tuple[int, Bits, int]]]
"""For each root, the links that lead to it: the place of the source, its bit there, and its weight."""


def _tree(root: int, incoming: Incoming, forwards: list[bool]) -> tuple[list[float], list[Bits]]:
    """The shortest paths to a root, by Dijkstra's algorithm; nodes of equal cost wait together."""
    costs: list[float] = [inf] * len(incoming)
    firsts = [0] * len(incoming)
    costs[root] = 0
    waiting, queue = {0: [root]}, [0]
    while queue:
        cost = heappop(queue)
        for node in waiting.pop(cost):
            if costs[node] < cost or not (forwards[node] or node == root):
                continue
            for source, bit, weight in incoming[node]:
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
