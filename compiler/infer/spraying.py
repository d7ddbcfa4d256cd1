"""Per-packet load balancing, for `spray` and `route ... per-packet`.

A rule of nftables marks packets with the numbers of tables in weighted round robin, and a rule of ip-rule(8)
leads each mark to its table. So one TCP connection fills all paths, transparently for the other end. A GSO
packet of up to 44 segments would be one turn, so interfaces towards a node that sprays send single packets.
"""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise

from compiler.ground.diagnostics import Diagnostics
from compiler.infer.backlog import Rates
from compiler.infer.explicit import covered
from compiler.infer.graph import Graph, Hop
from compiler.infer.paths import Path, path_of, paths
from compiler.infer.steering import Draft, Steering
from compiler.infer.weights import weights
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.multipath import MPTCP_MOST
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.routes import Nexthop, PathWeight, Route, SprayPair

Place = InterfaceName | None
"""A point of a path: its source (None), or the interface at which it enters a router."""

Weighed = list[tuple[Path, int]]
"""Paths with their weights."""


class Spraying:
    """Adds sprays to the tables and rules of a lab's nodes."""

    def __init__(self, lab: Lab, rates: Rates, steering: Steering, diagnostics: Diagnostics) -> None:
        self.lab = lab
        self.steering = steering
        self.diagnostics = diagnostics
        self.rates = rates
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.single: dict[str, dict[str, None]] = {}

    def pair(self, pair: SprayPair, graphs: Iterable[Graph]) -> None:
        """Sprays the packets of a pair over its paths, in each family."""
        if self.lab.metric is None:
            message = "`spray` follows inferred routes, and there are none with `routing none`"
            help = f"write `route {pair.left} to {pair.right} via HOP, HOP per-packet`"
            self.diagnostics.error("MPC512", message, pair.span, "no paths are inferred", help)
            return
        found = [(graph, self._weighed(pair, graph)) for graph in graphs]
        self._check_weights(pair, [path for _, weighed in found for path, _ in weighed])
        if all(len(weighed) < 2 for _, weighed in found):
            self._too_few(pair, any(weighed for _, weighed in found))
        for graph, weighed in found:
            if len(weighed) > 1:
                self._forth(pair, pair.left, pair.right, weighed)
                if pair.both:
                    self._forth(pair, pair.right, pair.left, _turned(graph, weighed))

    def _weighed(self, pair: SprayPair, graph: Graph) -> Weighed:
        """The paths in use with their weights."""
        found = _without_circles(paths(graph, pair.left, pair.right, MPTCP_MOST))
        if pair.weights:
            return [(path, self._pinned(pair, path)) for path in found]
        inferred = weights([self.rates.lowest(path.edges) for path in found]) if found else []
        if slow := [path for path, weight in zip(found, inferred, strict=True) if not weight]:
            shown = ", ".join(f"`{path.interfaces[0]}`" for path in slow)
            message = f"a path of `{pair.left}` and `{pair.right}` is too slow to take turns: {shown}"
            help = "each packet on it would hold up many others; `weights` sets how many"
            self.diagnostics.warning("MPC773", message, pair.span, "carries nothing of this", help)
        return [(path, weight) for path, weight in zip(found, inferred, strict=True) if weight]

    def _pinned(self, pair: SprayPair, path: Path) -> int:
        """The weight of a path by the nodes and interfaces on it; 1 if none of them has a weight."""
        own = [one for one in pair.weights if _goes_over(path, one)]
        if len(own) > 1:
            over = f"`{own[0].over}` and `{own[1].over}`"
            message = f"a path of `{pair.left}` and `{pair.right}` goes over {over}"
            help = "name one node or interface of each path"
            self.diagnostics.error("MPC511", message, own[1].span, "a second weight for it", help)
        return own[0].weight if own else 1

    def _check_weights(self, pair: SprayPair, found: list[Path]) -> None:
        for one in pair.weights:
            if found and not any(_goes_over(path, one) for path in found):
                message = f"no path of `{pair.left}` and `{pair.right}` goes over `{one.over}`"
                self.diagnostics.error("MPC511", message, one.span, "a weight for nothing")

    def _too_few(self, pair: SprayPair, any_path: bool) -> None:
        count = "one path" if any_path else "no path"
        message = (
            f"there is {'only ' * any_path}{count} between `{pair.left}` and `{pair.right}` to spray over"
        )
        help = "where ways part at a router, write `route ROUTER to NODE via HOP, HOP per-packet`"
        self.diagnostics.warning("MPC770", message, pair.span, "has no effect", help)

    def _forth(self, pair: SprayPair, source: str, target: str, weighed: Weighed) -> None:
        """Sprays the packets from one node to another, at each node where paths diverge."""
        addresses = _targets(self.nodes[target], weighed)
        free = [one for one in addresses if not covered(self.nodes[source].routes, ip_network(one))]
        if len(free) < len(addresses):
            message = f"an explicit route of `{source}` stands over the spray to `{target}`"
            help = "write `per-packet` behind the next hops of that route, or leave one of the two out"
            self.diagnostics.warning("MPC774", message, pair.span, "does not count there", help)
        for place, onward in _onward(weighed).items():
            for address in free:
                self._at(pair, source, place, address, onward)
        own = [hop.interface for one in free for hop in self.steering.forwarding.nexthops(source, one)]
        self._take_single(source, [*(path.first.interface for path, _ in weighed), *own])

    def _at(
        self,
        pair: SprayPair,
        source: str,
        place: Place,
        target: Address,
        onward: dict[Nexthop, tuple[Hop, int]],
    ) -> None:
        if len(onward) == 1:
            if place is not None:
                ((hop, _),) = onward.values()
                self.steering.steer_router(pair.span, place, target, {target: hop})
            return
        turns = [hop._replace(weight=weight) for hop, (_, weight) in onward.items()]
        node, incoming = place or (source, None)
        if place is not None and covered(self.nodes[node].routes, ip_network(target)):
            return
        draft = _draft(
            Route((ip_network(target),), tuple(turns)),
            own=place is None,
            passed=place is not None,
            incoming=incoming,
        )
        if not self.steering.spray(node, draft) and place is not None:
            self.steering.come_together(pair.span, place, target)

    def routes(self) -> None:
        """Sprays the packets of explicit routes with `per-packet`."""
        for asked in self.lab.explicit_routes:
            if asked.per_packet and sum(len(hop.interfaces) for hop in asked.hops) < 2:
                message = f"the route of `{asked.source}` has one next hop, so nothing takes turns"
                help = "name several next hops, or leave `per-packet` out"
                self.diagnostics.warning("MPC770", message, asked.span, "has no effect", help)
        for node in self.lab.ip_nodes:
            for route in node.routes:
                if route.per_packet and len(route.nexthops) > 1:
                    self.steering.spray(node.name, _draft(route, own=True, passed=node.forwards))
                    self._take_single(node.name, [hop.interface for hop in route.nexthops])
                    if node.forwards:
                        self._neighbours_take_single(node.name, route)

    def _neighbours_take_single(self, node: str, route: Route) -> None:
        """Has the neighbours send single packets, except next hops, which send nothing that is sprayed."""
        hops = {hop.via for hop in route.nexthops}
        for segment in self.lab.segments:
            for end in segment.ends if node in segment.nodes else ():
                if end.node != node and hops.isdisjoint(own.ip for own in end.addresses):
                    self._take_single(end.node, [end.name])

    def _take_single(self, node: str, interfaces: Iterable[str]) -> None:
        self.single.setdefault(node, {}).update(dict.fromkeys(interfaces))

    def apply(self, lab: Lab) -> Lab:
        """The lab with the interfaces that send single packets."""
        return replace(
            lab,
            nodes=tuple(node._replace(single=tuple(self.single.get(node.name, ()))) for node in lab.nodes),
        )


def _targets(node: Node, weighed: Weighed) -> list[Address]:
    """The destination addresses of packets to a node: its own, or if it has none, those that paths end at."""
    ends = [path.last.via for path, _ in weighed]
    own = [own.address.ip for own in node.addresses if own.address.version == ends[0].version]
    return list(dict.fromkeys(own or ends))


def _goes_over(path: Path, weight: PathWeight) -> bool:
    names = {edge.source for edge in path.edges[1:]}
    ends = {InterfaceName(edge.source, edge.interface) for edge in path.edges}
    ends |= {InterfaceName(edge.target, edge.arrival) for edge in path.edges}
    return weight.over in names or weight.over in ends


def _turned(graph: Graph, weighed: Weighed) -> Weighed:
    return [(path_of(graph, map(graph.reverse, reversed(path.edges))), weight) for path, weight in weighed]


def _onward(weighed: Weighed) -> dict[Place, dict[Nexthop, tuple[Hop, int]]]:
    """By point of a path: the next hops, each with the sum of its paths' weights."""
    found: dict[Place, dict[Nexthop, tuple[Hop, int]]] = {}
    for path, weight in weighed:
        arrivals: list[Place] = [None, *(hop.arrival for hop in path.hops)]
        for place, hop in zip(arrivals, path.hops, strict=False):
            turns = found.setdefault(place, {})
            turns[hop.nexthop] = (hop, turns.get(hop.nexthop, (hop, 0))[1] + weight)
    return found


def _without_circles(found: list[Path]) -> list[Path]:
    """Paths whose union has no forwarding loop; of paths that share links, later ones may be dropped."""
    kept: list[Path] = []
    for path in found:
        if not _have_circle([*kept, path]):
            kept.append(path)
    return kept


def _have_circle(found: list[Path]) -> bool:
    """Whether a packet can loop if each router picks any of the paths that enter it by the same link."""
    onward: dict[InterfaceName, set[InterfaceName]] = {}
    for path in found:
        for into, out in pairwise(path.hops):
            onward.setdefault(into.arrival, set()).add(out.arrival)
    left = {arrival: len(following) for arrival, following in onward.items()}
    before: dict[InterfaceName, list[InterfaceName]] = {}
    for arrival, following in onward.items():
        for one in following:
            before.setdefault(one, []).append(arrival)
    done = [arrival for arrival in before if arrival not in onward]
    while done:
        for arrival in before.get(done.pop(), ()):
            left[arrival] -= 1
            if not left[arrival]:
                done.append(arrival)
    return any(left.values())


def _draft(route: Route, *, own: bool, passed: bool, incoming: str | None = None) -> Draft:
    """The spray of a route; tables are named after their next hop and the prefix length of the target."""
    (target,) = route.targets
    length = "" if target.num_addresses == 1 else f" /{target.prefixlen}"
    turns = ((hop._replace(source=None), f"turn {hop.via} {hop.interface}{length}") for hop in route.nexthops)
    return Draft(target, tuple(turns), own, passed, incoming)
