"""The paths between two nodes that an MPTCP connection can use at once.

First edge-disjoint paths of least total cost (successive shortest paths of a flow of unit capacities, as in
Suurballe 1974); then the shortest path through each interface of either end that these do not use.
"""

from collections import deque
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from compiler.infer.graph import Distances, Edge, Graph, Hop, hops
from compiler.model.links import InterfaceName
from compiler.model.multipath import Pair


class Path(NamedTuple):
    """The edges of a path in order, and the hops from node to node that they make."""

    edges: tuple[Edge, ...]
    hops: tuple[Hop, ...]

    @property
    def first(self) -> Hop:
        return self.hops[0]

    @property
    def last(self) -> Hop:
        return self.hops[-1]

    @property
    def interfaces(self) -> tuple[InterfaceName, InterfaceName]:
        """The first and the last interface of the path."""
        return InterfaceName(self.edges[0].source, self.first.interface), self.last.arrival


def path_of(graph: Graph, edges: Iterable[Edge]) -> Path:
    edges = tuple(edges)
    return Path(edges, tuple(hops(graph, edges)))


def paths(graph: Graph, source: str, target: str, most: int) -> list[Path]:
    """At most `most` paths, in the order of the source's interfaces."""
    found = disjoint_paths(graph, source, target, most)
    found += _left_over(graph, found, source, target)
    order = {edge: place for place, edge in enumerate(graph.outgoing[source])}
    return sorted(found, key=lambda path: order[path.edges[0]])[:most]


def disjoint_paths(graph: Graph, source: str, target: str, most: int) -> list[Path]:
    """A largest set of edge-disjoint paths, up to `most`, of least total cost."""
    flow: dict[int, Edge] = {}
    count = 0
    while count < most and (augmenting := _augmenting_path(graph, flow, source, target)):
        count += 1
        for edge in augmenting:
            if edge.link in flow:
                del flow[edge.link]
            else:
                flow[edge.link] = edge
    return [path_of(graph, edges) for edges in _decompose(graph, flow, source, target)]


def _augmenting_path(graph: Graph, flow: dict[int, Edge], source: str, target: str) -> list[Edge]:
    """The cheapest path in the residual graph: unused links, and used ones in reverse, which cancels flow."""
    best = {source: 0}
    by: dict[str, Edge] = {}
    queue = deque([source])
    while queue:
        name = queue.popleft()
        if name != source and not graph.passes(name, target):
            continue
        if name == target:
            continue
        for edge in graph.outgoing[name]:
            used = flow.get(edge.link)
            if used is not None and used.source == name:
                continue
            cost = best[name] + (edge.weight if used is None else -used.weight)
            if edge.target not in best or cost < best[edge.target]:
                best[edge.target], by[edge.target] = cost, edge
                queue.append(edge.target)
    return _trace(by, source, target)


def _trace(by: dict[str, Edge], source: str, target: str) -> list[Edge]:
    edges: list[Edge] = []
    while target != source:
        if target not in by:
            return []
        edges.append(by[target])
        target = by[target].source
    return edges[::-1]


def _decompose(graph: Graph, flow: dict[int, Edge], source: str, target: str) -> list[tuple[Edge, ...]]:
    """Decomposes the flow into paths, each from a different interface of the source."""
    used = set(flow.values())
    found = []
    for first in graph.outgoing[source]:
        if first not in used:
            continue
        edges = [first]
        while edges[-1].target != target:
            following = next(edge for edge in graph.outgoing[edges[-1].target] if edge in used)
            used.remove(following)
            edges.append(following)
        found.append(tuple(edges))
    return found


def _left_over(graph: Graph, found: list[Path], source: str, target: str) -> list[Path]:
    """The shortest path through each interface of the ends that no path uses yet."""
    begun = {path.edges[0] for path in found}
    distances = graph.distances(target, avoid=source)
    added = [
        path_of(graph, (edge, *_shortest(graph, edge.target, target, distances)))
        for edge in graph.outgoing[source]
        if edge not in begun and edge.target in distances and graph.passes(edge.target, target)
    ]
    ended = {path.edges[-1] for path in (*found, *added)}
    towards = cache(lambda name: graph.distances(name, avoid=target))
    for edge in graph.incoming[target]:
        distances = towards(edge.source) if edge not in ended else {}
        if source in distances and graph.passes(edge.source, source):
            added.append(path_of(graph, (*_shortest(graph, source, edge.source, distances), edge)))
    return added


def _shortest(graph: Graph, source: str, target: str, distances: Distances) -> list[Edge]:
    """One shortest path; ties go to the first interface."""
    edges: list[Edge] = []
    while source != target:
        edges.append(graph.shortest_edges(source, target, distances)[0])
        source = edges[-1].target
    return edges


class Side(NamedTuple):
    """One end of an MPTCP pair, with the paths of one address family as they begin there."""

    node: str
    peer: str
    opens: bool
    listens: bool
    paths: tuple[Path, ...]

    @property
    def ways_out(self) -> int:
        """The number of this end's interfaces that paths begin at."""
        return len({path.first.interface for path in self.paths})

    @property
    def ways_in(self) -> int:
        """The number of the peer's interfaces that paths end at."""
        return len({path.last.via for path in self.paths})


def sides(graph: Graph, pair: Pair, found: list[Path]) -> tuple[Side, Side]:
    """Both ends of a pair."""
    back = tuple(path_of(graph, map(graph.reverse, reversed(path.edges))) for path in found)
    left = Side(pair.left, pair.right, pair.client != pair.right, pair.client != pair.left, tuple(found))
    right = Side(pair.right, pair.left, pair.client != pair.left, pair.client != pair.right, back)
    return left, right
