"""Pass: the routes of every node, inferred and explicit.

Inferred are shortest paths to every node address and every segment, all equal ones in one multipath route.
A node with one forwarding neighbour has a default route to it in place of the routes that go the same way.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_network

from compiler.frontend.diagnostics import Diagnostics
from compiler.ir.explicit import DEFAULT, Explicit
from compiler.ir.graph import Graph, Hop, Shortest, family_address
from compiler.ir.lab import Interface, InterfaceName, Lab, Network, Nexthop, Node, Route
from compiler.ir.segments import Segment, segments

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
        self.graph = Graph(lab, version, whole=True)
        self.shortest: dict[str, Shortest] = {
            node.name: Shortest(self.graph, node.name) for node in lab.nodes if self.graph.outgoing[node.name]
        }
        found = segments(lab.links, [switch.name for switch in lab.switches])
        self.segments = [_Ends(segment, self.graph) for segment in found]
        self.forwarding: dict[str, set[str]] = {node.name: set() for node in lab.nodes}
        """For each node, the forwarding nodes on its segments."""
        for segment in self.segments:
            for name in segment.nodes:
                self.forwarding[name] |= segment.forwarding - {name}

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
        forwarding = self.forwarding[node.name]
        if len(forwarding) != 1 or self.explicit.has(node.name, DEFAULT[self.version]):
            return ()
        (neighbour,) = forwarding
        return self._to_node(node.name, neighbour)

    def _to_node(self, source: str, target: str) -> tuple[Nexthop, ...]:
        return _nexthops(self.shortest[target].hops(source)) if target in self.shortest else ()

    def _targets(self, node: Node) -> Iterator[tuple[Network, tuple[Nexthop, ...]]]:
        for other in self.lab.nodes:
            own = [a.address.ip for a in other.addresses if a.address.version == self.version]
            if other is not node and own:
                hops = self._to_node(node.name, other.name)
                yield from ((ip_network(address), hops) for address in own)
        for segment in self.segments:
            if segment.ends and node.name not in segment.nodes:
                yield from self._to_segment(node.name, segment)

    def _to_segment(self, source: str, segment: "_Ends") -> Iterator[tuple[Network, tuple[Nexthop, ...]]]:
        """Routes to the subnet of a segment, by the forwarding ends of it that are nearest.

        A forwarding end has all addresses of the segment behind it. Where none can be reached, each end that
        can has a host route to its own address.
        """
        reached = [end for end in segment.ends if self._reaches(source, end.node)]
        forwarding = [end for end in reached if end.node in segment.forwarding]
        if forwarding:
            yield segment.subnet, self._nearest(source, forwarding, segment)
            return
        for end in reached:
            if address := family_address(end, self.version):
                yield ip_network(address), self._to_node(source, end.node)

    def _reaches(self, source: str, target: str) -> bool:
        return target in self.shortest and source in self.shortest[target].distances

    def _nearest(self, source: str, ends: list[Interface], segment: "_Ends") -> tuple[Nexthop, ...]:
        """The next hops from `source` to the end of a segment that is nearest, or to all equally near ones.

        What it costs to send into the segment from there counts too.
        """
        costs = {end.id: self.shortest[end.node].distances[source] + segment.weights[end.id] for end in ends}
        least = min(costs.values())
        nearest = {id.node for id, cost in costs.items() if cost == least}
        hops = {hop for name in nearest for hop in self.shortest[name].hops(source)}
        order = {edge: place for place, edge in enumerate(self.graph.outgoing[source])}
        return _nexthops(sorted(hops, key=lambda hop: (order[hop.first], hop.via)))


class _Ends:
    """A segment in one address family: the ends that have an address in it, what leaving by each costs."""

    def __init__(self, segment: Segment, graph: Graph) -> None:
        self.version = graph.version
        self.ends = [end for end in segment.ends if family_address(end, graph.version)]
        self.nodes = frozenset(end.node for end in segment.ends)
        self.forwarding = frozenset(end.node for end in self.ends if graph.forwards[end.node])
        links = frozenset(segment.links)
        self.weights = {
            InterfaceName(edge.source, edge.interface): edge.weight
            for name in self.forwarding
            for edge in graph.outgoing[name]
            if edge.link in links
        }

    @property
    def subnet(self) -> Network:
        version = self.version
        return next(a.network for end in self.ends for a in end.addresses if a.version == version)


def _nexthops(hops: Iterable[Hop]) -> tuple[Nexthop, ...]:
    return tuple(hop.nexthop for hop in hops)
