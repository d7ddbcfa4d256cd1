"""Pass: the routes of every node, inferred and explicit.

Inferred are shortest paths to every node address and every segment, all equal ones in one multipath route.
A node with one forwarding neighbour has a default route to it in place of the routes that go the same way.
"""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

from compiler.frontend.diagnostics import Diagnostics
from compiler.ir.explicit import DEFAULT, Explicit
from compiler.ir.graph import Distances, Edge, Graph, family_address, nexthops
from compiler.ir.lab import Lab, Link, Network, Nexthop, Node, Route

MOST_ROUTES, MOST_NEXTHOPS = 400_000, 2_000_000
"""Of nodes, and of links, times the number of targets: what half a gigabyte of memory is enough for."""


def route(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives every node its routes, explicit ones over inferred ones."""
    explicit = Explicit(lab, diagnostics)
    tables: dict[str, list[Route]] = {node.name: [] for node in lab.nodes}
    if lab.metric is not None and _can_be_written(lab, diagnostics):
        for version in (4, 6):
            for name, found in _Inference(lab, version, explicit).routes():
                tables[name].append(found)
    for name, table in tables.items():
        table[:] = explicit.over(name, table)
    nodes = tuple(replace(node, routes=tuple(tables[node.name])) for node in lab.nodes)
    lab = replace(lab, nodes=nodes)
    explicit.check_loops(lab)
    return lab


def _can_be_written(lab: Lab, diagnostics: Diagnostics) -> bool:
    """Whether routes from every node to every node and link are few enough; reports it where not."""
    targets = len(lab.nodes) + len(lab.links)
    if len(lab.nodes) * targets <= MOST_ROUTES and len(lab.links) * targets <= MOST_NEXTHOPS:
        return True
    message = f"{len(lab.nodes)} nodes and {len(lab.links)} links would have too many shortest-path routes"
    help = "write `routing none`, and `route` what is needed"
    diagnostics.error("MPC506", message, lab.span, "a lab of this size", help)
    return False


class _Inference:
    """The inferred routes of one address family."""

    def __init__(self, lab: Lab, version: int, explicit: Explicit) -> None:
        self.lab = lab
        self.version = version
        self.explicit = explicit
        self.graph = Graph(lab, version)
        self.distances: dict[str, Distances] = {
            node.name: self.graph.distances(node.name) for node in lab.nodes if self.graph.outgoing[node.name]
        }

    def routes(self) -> Iterator[tuple[str, Route]]:
        """Each inferred route with its node: a node's default route, then to nodes, then to segments."""
        for node in self.lab.nodes:
            default = self._default(node)
            if default:
                yield node.name, Route(DEFAULT[self.version], default)
            for target, hops in self._targets(node):
                if hops and hops != default:
                    yield node.name, Route(target, hops)

    def _default(self, node: Node) -> tuple[Nexthop, ...]:
        """The next hops of a default route, for a node with one forwarding neighbour."""
        edges = self.graph.outgoing[node.name]
        forwarding = {edge.target for edge in edges if self.graph.forwards[edge.target]}
        if len(forwarding) != 1 or self.explicit.has(node.name, DEFAULT[self.version]):
            return ()
        return self._to_node(node.name, forwarding.pop())

    def _to_node(self, source: str, target: str) -> tuple[Nexthop, ...]:
        return nexthops(self._edges(source, target))

    def _edges(self, source: str, target: str) -> list[Edge]:
        distances = self.distances.get(target, {})
        return self.graph.shortest_edges(source, target, distances) if source in distances else []

    def _targets(self, node: Node) -> Iterator[tuple[Network, tuple[Nexthop, ...]]]:
        for other in self.lab.nodes:
            own = [a.address.ip for a in other.addresses if a.address.version == self.version]
            if other is not node and own:
                hops = self._to_node(node.name, other.name)
                yield from ((ip_network(address), hops) for address in own)
        for place, link in enumerate(self.lab.links):
            if node.name not in (link.left.node, link.right.node):
                yield from self._to_segment(node.name, link, place)

    def _to_segment(
        self, source: str, link: Link, place: int
    ) -> Iterator[tuple[Network, tuple[Nexthop, ...]]]:
        """Routes to a link's subnet, by the forwarding ends of it that are nearest.

        A forwarding end has both addresses of the link behind it. Where none can be reached, each end that
        can has a host route to its own address.
        """
        ends = [(near, family_address(near, self.version)) for near in link.ends]
        reached = [(near, ip) for near, ip in ends if ip and source in self.distances.get(near.node, {})]
        if not reached:
            return
        forwarding = [near.node for near, _ in reached if self.graph.forwards[near.node]]
        if not forwarding:
            yield from ((ip_network(ip), self._to_node(source, near.node)) for near, ip in reached)
            return
        edges = self._nearest(source, forwarding, place)
        subnet = next(a.network for a in link.left.addresses if a.version == self.version)
        yield subnet, nexthops(edges)

    def _nearest(self, source: str, ends: list[str], place: int) -> list[Edge]:
        """The edges out of `source` to the end of a link that is nearest, or to both where they are equal."""
        weights = {e.source: e.weight for end in ends for e in self.graph.outgoing[end] if e.link == place}
        costs = {end: self.distances[end][source] + weights[end] for end in ends}
        nearest = [end for end in ends if costs[end] == min(costs.values())]
        edges = [edge for end in nearest for edge in self._edges(source, end)]
        return [edge for edge in self.graph.outgoing[source] if edge in edges]
