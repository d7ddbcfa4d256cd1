"""The paths between two nodes that an MPTCP connection can use at once.

First as many as share no link, shortest in sum (successive shortest paths of a flow of unit capacity, as in
Suurballe 1974); then, for each interface of either end that these leave over, the shortest path through it.
"""

from collections import deque
from typing import NamedTuple

from compiler.ir.graph import Edge, Graph
from compiler.ir.lab import Pair


class Path(NamedTuple):
    """The edges of a path, in order. `disjoint` is whether it is one of those that share no link."""

    edges: tuple[Edge, ...]
    disjoint: bool

    @property
    def first(self) -> Edge:
        return self.edges[0]

    @property
    def last(self) -> Edge:
        return self.edges[-1]


def paths(graph: Graph, source: str, target: str, most: int) -> list[Path]:
    """At most `most` paths, in the order of the source's interfaces."""
    flow: dict[int, Edge] = {}
    count = 0
    while count < most and (augmenting := _augmenting_path(graph, flow, source, target)):
        count += 1
        for edge in augmenting:
            if flow.get(edge.link) is None:
                flow[edge.link] = edge
            else:
                del flow[edge.link]
    found = [Path(edges, True) for edges in _decompose(graph, flow, source, target)]
    found += _left_over(graph, found, source, target)
    order = {edge: place for place, edge in enumerate(graph.outgoing[source])}
    return sorted(found, key=lambda path: order[path.first])[:most]


def _augmenting_path(graph: Graph, flow: dict[int, Edge], source: str, target: str) -> list[Edge]:
    """The cheapest path in what the flow leaves: free links, and links that flow the other way, to undo."""
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
    """The flow as paths, each begun at another interface of the source."""
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
    added: list[Path] = []
    distances = graph.distances(target)
    begun = {path.first for path in found}
    for edge in graph.outgoing[source]:
        if edge not in begun and edge.target in distances and graph.passes(edge.target, target):
            rest = _shortest(graph, edge.target, target, distances, avoid=source)
            added += [Path((edge, *rest), False)] if rest is not None else []
    ended = {path.last for path in (*found, *added)}
    for edge in graph.incoming[target]:
        if edge not in ended and graph.passes(edge.source, source):
            start = _shortest(graph, source, edge.source, graph.distances(edge.source), avoid=target)
            added += [Path((*start, edge), False)] if start is not None else []
    return added


def _shortest(
    graph: Graph, source: str, target: str, distances: dict[str, int], avoid: str
) -> list[Edge] | None:
    """One shortest path, by the first interface where several are equal; None where it meets `avoid`."""
    edges: list[Edge] = []
    while source != target:
        following = graph.shortest_edges(source, target, distances) if source in distances else []
        if source == avoid or not following:
            return None
        edges.append(following[0])
        source = following[0].target
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
        """How many interfaces of this end the paths begin at."""
        return len({path.first.interface for path in self.paths})

    @property
    def ways_in(self) -> int:
        """How many interfaces of the peer the paths end at."""
        return len({path.last.via for path in self.paths})


def sides(graph: Graph, pair: Pair, found: list[Path]) -> tuple[Side, Side]:
    """Both ends of a pair."""
    back = tuple(
        Path(tuple(graph.reverse(edge) for edge in reversed(path.edges)), path.disjoint) for path in found
    )
    left = Side(pair.left, pair.right, pair.client != pair.right, pair.client != pair.left, tuple(found))
    right = Side(pair.right, pair.left, pair.client != pair.left, pair.client != pair.right, back)
    return left, right
