"""Routes for when a link is down, which the kernel changes to by itself.

Each node whose next hops to a target all leave by one interface gets a second route with a higher metric,
as the kernel leaves out next hops over interfaces that are down. Where a neighbour reaches the target
without this node, it is a loop-free alternate (RFC 5286), and nothing more is needed. Else packets are sent
on the shortest path without that link, and those nodes on it that would send them back know them by the
interface that they come in by, as nothing else for that target does: rules for that interface send them on.
That is interface-specific forwarding, as in failure insensitive routing (Nelakuditi et al., 2003).

All of this is for one link at a time. What a path is taken for is followed at the end, and a second route
that would not lead to the target is left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from heapq import heappop, heappush
from ipaddress import ip_network
from itertools import pairwise
from math import inf
from typing import NamedTuple

from compiler.infer.explicit import Explicit
from compiler.infer.graph import Edge, Graph, Hop, hops
from compiler.infer.slots import hashed_numbers
from compiler.infer.sources import Sources, sent_from
from compiler.model.lab import Lab
from compiler.model.networks import DEFAULT, Network
from compiler.model.nodes import Node
from compiler.model.routes import BY_RETURN, Nexthop, Route, Rule, Table

RESERVE = 2048
"""The metric of second routes, which is above the kernel's own in both families."""

FIRST_TABLE, TABLES = 210_000, 90_000
"""The range of hashed numbers of tables for packets that come back."""

MOST = 5_000_000
"""The most ends of links, times nodes, times the links of a long path, of a lab: some seconds."""

Edges = tuple[Edge, ...]


class Back(NamedTuple):
    """Packets to a root that come into a node by an interface, by which no others for it do."""

    node: str
    interface: str
    root: str


class Failover:
    """The second routes of one address family. A *root* is a node that targets are behind.

    Nodes inside a site are none: what is private is told to members alone, and has no second routes.
    """

    def __init__(self, lab: Lab, sources: Sources, explicit: Explicit) -> None:
        self.version = sources.version
        self.sources = sources
        self.explicit = explicit
        self.graph = Graph(lab, self.version)
        told = (node for node in lab.ip_nodes if node.name not in lab.sites.inside)
        self.roots = {node.name: own for node in told if (own := self._targets(node))}
        self.distances: dict[str, dict[str, int]] = {}
        self.second: dict[tuple[str, str], list[Hop]] = {}
        """The next hops of second routes, by node and root."""
        self.back: dict[Back, Hop] = {}
        self._edges = cache(self._first_edges)

    def _targets(self, node: Node) -> list[Network]:
        """The addresses of a node; none where packets to it follow routes that are written."""
        own = [ip_network(one.address.ip) for one in node.addresses if one.address.version == self.version]
        own = own if self.graph.outgoing[node.name] else []
        return [] if any(map(self.explicit.concerns, own)) else own

    @property
    def size(self) -> int:
        """The number of the ends of links, times that of all nodes that routes lead to, times the links of
        the longest of the paths from one of them."""
        ends, first = sum(map(len, self.graph.outgoing.values())), next(iter(self.roots), None)
        return ends * len(self.roots) * self._depth(first) if first else 0

    def _depth(self, first: str) -> int:
        """The links to the node that is farthest from one."""
        met, front, depth = {first}, [first], 0
        while front := [e.target for name in front for e in self.graph.outgoing[name] if e.target not in met]:
            met.update(front)
            depth += 1
        return depth

    def find(self) -> None:
        """Finds the second routes, then leaves out those that lead to nowhere."""
        for node in self.graph.forwards:
            if self._anchor(node):
                continue
            for interface in dict.fromkeys(edge.interface for edge in self.graph.outgoing[node]):
                paths = self._paths(node, interface)
                steps = ((list(hops(self.graph, path)), path) for path in paths.values() if path)
                near = [(own[0], sum(edge.weight for edge in path)) for own, path in steps if len(own) == 1]
                for root in self.roots:
                    if root != node and self._leaves_by(node, root) == {interface}:
                        self._find(node, root, paths, near)
        self.second = {key: found for key, found in self.second.items() if self._arrives(*key, found)}

    def _anchor(self, node: str) -> str:
        """The only forwarding neighbour of a node, to which it has a default route."""
        near = {one for edge in self.graph.outgoing[node] for one in self._neighbours(edge)}
        forwarding = [name for name in near if self.graph.forwards[name]]
        return forwarding[0] if len(forwarding) == 1 else ""

    def routes(self) -> Iterator[tuple[str, Route]]:
        """The second routes, each with its node."""
        found: dict[tuple[str, tuple[Nexthop, ...]], list[Network]] = {}
        for (node, root), steps in self.second.items():
            for target in self.roots[root]:
                key = node, self._sent(node, target, steps)
                found.setdefault(key, []).append(target)
        for (node, nexthops), targets in found.items():
            yield node, Route(tuple(targets), nexthops, metric=RESERVE)
        for node in self.graph.forwards:
            if (anchor := self._anchor(node)) and not self.explicit.has(node, DEFAULT[self.version]):
                yield from self._second_default(node, anchor)

    def _second_default(self, node: str, anchor: str) -> Iterator[tuple[str, Route]]:
        """The second default route of a node with one forwarding neighbour, over other links to that."""
        edges = [edge for edge in self.graph.outgoing[node] if edge.target == anchor]
        best = [edge for edge in edges if edge.weight == min(one.weight for one in edges)]
        others = [edge for edge in edges if edge.interface not in {one.interface for one in best}]
        if others and len(best) == 1:
            least = min(edge.weight for edge in others)
            steps = [Hop(edge, edge) for edge in others if edge.weight == least]
            target = DEFAULT[self.version]
            source = self.sources.own.get(node) if self.sources.mixed else None
            yield node, Route((target,), sent_from(source, (one.nexthop for one in steps)), metric=RESERVE)

    def _sent(self, node: str, target: Network, steps: Iterable[Hop]) -> tuple[Nexthop, ...]:
        source = self.sources.own.get(node) if self.sources.answers(target) else None
        return sent_from(source, (step.nexthop for step in steps))

    def tables(self) -> Iterator[tuple[str, str, Route]]:
        """The routes for packets that come back, each with its node and the interface that they come in
        by."""
        for (node, interface, root), step in self.back.items():
            yield node, interface, Route(tuple(self.roots[root]), (step.nexthop,))

    def _first_edges(self, node: str, root: str) -> list[Edge]:
        """The first edges of a node's shortest paths to a root."""
        distances = self._to(root)
        return self.graph.shortest_edges(node, root, distances) if node in distances else []

    def _leaves_by(self, node: str, root: str) -> set[str]:
        """The interfaces by which a node's packets to a root leave."""
        return {edge.interface for edge in self._edges(node, root)}

    def _paths(self, node: str, interface: str) -> dict[str, Edges]:
        """The shortest path from a node to each other one, without the link of one of its interfaces."""
        links = {edge.link for edge in self.graph.outgoing[node] if edge.interface == interface}
        found: dict[str, Edges] = {}
        heap: list[tuple[int, int, str, Edges]] = [(0, 0, node, ())]
        count = 0
        while heap:
            cost, _, name, path = heappop(heap)
            if name in found:
                continue
            found[name] = path
            if name == node or name in self.graph.switches or self.graph.forwards[name]:
                for edge in self.graph.outgoing[name]:
                    if edge.link not in links and edge.target not in found:
                        count += 1
                        heappush(heap, (cost + edge.weight, count, edge.target, (*path, edge)))
        return found

    def _find(self, node: str, root: str, paths: dict[str, Edges], near: list[tuple[Hop, int]]) -> None:
        """A second route of a node to a root: by loop-free alternates, or by a path on which others help."""
        if alternates := self._alternates(node, root, near):
            self.second[node, root] = alternates
        elif path := paths.get(root):
            steps = list(hops(self.graph, path))
            self.second[node, root] = [steps[0]]
            for into, onward in pairwise(steps):
                at = into.last.target
                if not self._passes(at, node, root):
                    break
                came = Back(at, into.last.arrival, root)
                if came not in self.back and self._is_strange(came):
                    self.back[came] = onward

    def _alternates(self, node: str, root: str, near: list[tuple[Hop, int]]) -> list[Hop]:
        """The neighbours that reach a root without a node, at the least cost."""
        best, found = inf, list[Hop]()
        distances = self._to(root)
        for step, weight in near:
            name = step.last.target
            if name not in distances or not self.graph.passes(name, root) or self._passes(name, node, root):
                continue
            cost = weight + distances[name]
            if cost < best:
                best, found = cost, []
            if cost == best:
                found.append(step)
        return found

    def _passes(self, name: str, node: str, root: str) -> bool:
        """Whether a shortest path from one node to a root goes over another."""
        if name == node:
            return True
        if not self.graph.forwards[node]:
            return False
        distances = self._to(root)
        between = self._to(node).get(name, inf)
        return between + distances.get(node, inf) == distances.get(name, inf)

    def _to(self, node: str) -> dict[str, int]:
        """The distance from each node to one."""
        if node not in self.distances:
            self.distances[node] = self.graph.distances(node)
        return self.distances[node]

    def _is_strange(self, came: Back) -> bool:
        """Whether no packets to a root come in by an interface while all links are up."""
        for edge in self.graph.outgoing[came.node]:
            if edge.interface != came.interface:
                continue
            for near in self._neighbours(edge):
                if any(self._leads(one, came) for one in self._edges(near, came.root)):
                    return False
        return True

    def _neighbours(self, edge: Edge) -> Iterator[str]:
        """The nodes that an edge leads to, over switches too."""
        waiting, met = [edge.target], {edge.source}
        while waiting:
            name = waiting.pop()
            if name in met:
                continue
            met.add(name)
            if name in self.graph.switches:
                waiting += [onward.target for onward in self.graph.outgoing[name]]
            else:
                yield name

    def _leads(self, edge: Edge, came: Back) -> bool:
        """Whether a first edge of a shortest path leads into a node by an interface."""
        waiting = [edge]
        while waiting:
            one = waiting.pop()
            if (one.target, one.arrival) == came[:2]:
                return True
            if one.target in self.graph.switches:
                waiting += self._edges(one.target, came.root)
        return False

    def _arrives(self, node: str, root: str, second: list[Hop]) -> bool:
        """Whether packets arrive that a node sends by its second route.

        They are sent on as ones that come back, until they are where the shortest paths are without that
        node.
        """
        (interface,) = self._leaves_by(node, root)
        links = {edge.link for edge in self.graph.outgoing[node] if edge.interface == interface}
        for hop in second:
            seen = set[Back]()
            while hop.last.target != root:
                if {hop.first.link, hop.last.link} & links or not self.graph.forwards[hop.last.target]:
                    return False
                came = Back(hop.last.target, hop.last.arrival, root)
                if came not in self.back:
                    if self._passes(came.node, node, root):
                        return False
                    break
                if came in seen or came.node == node:
                    return False
                seen.add(came)
                hop = self.back[came]  # noqa: PLW2901 - the packet goes on
        return True


def add(lab: Lab, found: Iterable[Failover]) -> Lab:
    """The lab with the tables and rules for packets that come back."""
    routes: dict[str, dict[str, list[Route]]] = {}
    for one in found:
        for node, interface, route in one.tables():
            routes.setdefault(node, {}).setdefault(interface, []).append(route)
    return replace(lab, nodes=tuple(_returning(node, routes.get(node.name, {})) for node in lab.nodes))


def _returning(node: Node, tables: dict[str, list[Route]]) -> Node:
    numbers = hashed_numbers(tables, FIRST_TABLE, TABLES)
    made = tuple(Table(numbers[interface], tuple(routes)) for interface, routes in tables.items())
    rules = [
        Rule(version, BY_RETURN, numbers[interface], incoming=interface)
        for interface, routes in tables.items()
        for version in sorted({route.targets[0].version for route in routes})
    ]
    rules = sorted((*node.rules, *rules), key=lambda rule: (rule.version, rule.priority))
    return node._replace(tables=(*node.tables, *made), rules=tuple(rules))
