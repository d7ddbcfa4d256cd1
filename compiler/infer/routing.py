"""Pass: the routes of every node, inferred and explicit.

Inferred routes are shortest paths to every node address and every segment; paths of equal cost are one
multipath route. A node with one forwarding neighbour has a default route in place of routes with the same
next hops. What is private has routes within its site alone. In a lab with an uplink, all nodes that can have
a default route to that.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from compiler.ground.diagnostics import Diagnostics
from compiler.infer import circles, failover, gateways
from compiler.infer.explicit import Explicit
from compiler.infer.failover import MOST, Failover
from compiler.infer.graph import Graph, Hop
from compiler.infer.slots import hashed_numbers
from compiler.infer.sources import Sources, sent_from
from compiler.infer.targets import Targets
from compiler.infer.trees import Bits, Row, Trees
from compiler.model.lab import Lab
from compiler.model.networks import DEFAULT, Address, Network
from compiler.model.nodes import Node
from compiler.model.routes import MAIN, Nexthop, Route, Rule, Table
from compiler.model.sites import Sites

MOST_ROUTES, MOST_NEXTHOPS = 3_200_000, 24_000_000
"""Bounds of a lab: nodes with more than one neighbour, and their links, times the number of targets. A ring
of 1264 nodes, a torus of 32 x 32 and a fat tree of k = 16 are within: some five seconds a family, and 400
MB."""


FIRST_TABLE, TABLES = 110_000, 90_000
"""The range of hashed numbers of the tables for packets from some network, clear of those of MPTCP."""

BY_PREFIX, BY_MAIN, BY_DEFAULT = 900, 2000, 2200
"""The priorities of rules for such tables, less the length of the prefix: longer ones come first.

Those of MPTCP are between. A default route has a table of its own, as what is longer in the main one counts
before it (BY_MAIN).
"""

MOST_HOPS = 253
"""The most next hops of an IPv4 route, as a message of ip(8) has 4096 bytes; IPv6 ones can be appended to."""


def route(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives every node its routes, explicit ones over inferred ones."""
    if lab.metric is None and not lab.explicit_routes:
        return lab
    sources = {version: Sources(lab, version) for version in lab.versions}
    explicit = Explicit(lab, sources, diagnostics)
    tables = _inferred(lab, explicit, sources, diagnostics)
    reserve = _reserve(lab, explicit, sources, diagnostics) if lab.failover else []
    for name, found in (pair for one in reserve for pair in one.routes()):
        tables[name].append(found)
    for node in lab.ip_nodes:
        table = tables[node.name]
        table[:] = explicit.over(node.name, table)
        around = [route for route in table if route.nexthops and not (lab.metric and _is_own_default(route))]
        around = [route for route in around if not explicit.leaks(node.name, route.nexthops)]
        for metric in sorted({route.metric for route in around}):
            alike = [route for route in around if route.metric == metric]
            for own in sources.values():
                table += own.beside(node.name, alike)
        _check_hops(node, table, explicit, diagnostics)
    nodes = (node._replace(routes=tuple(tables.get(node.name, ()))) for node in lab.nodes)
    lab = replace(lab, nodes=tuple(_with_rules(node, explicit) for node in nodes))
    if reserve:
        lab = failover.add(lab, reserve)
    gateways.check(lab, explicit, diagnostics)
    if explicit.routes:
        circles.check(lab, explicit.routes, explicit.all_segments, diagnostics)
    return lab


def _inferred(
    lab: Lab, explicit: Explicit, sources: dict[int, Sources], diagnostics: Diagnostics
) -> dict[str, list[Route]]:
    """The inferred routes of each node."""
    tables: dict[str, list[Route]] = {node.name: [] for node in lab.ip_nodes}
    for inference in _inferences(lab, explicit, sources, diagnostics):
        for name, found in inference.routes():
            if not (inference.private and _is_by_default(found, tables[name])):
                tables[name].append(found)
    return tables


def _reserve(
    lab: Lab, explicit: Explicit, sources: dict[int, Sources], diagnostics: Diagnostics
) -> list[Failover]:
    """The routes for when a link is down, by family."""
    found = [Failover(lab, own, explicit) for own in sources.values()]
    if any(one.size > MOST for one in found):
        message = "the ends of links, times the nodes, times the links of a long path are"
        message += f" {max(one.size for one in found)}, and `failover` takes {MOST}"
        help = "leave `failover` out, or `run` a daemon, with `routing daemon`"
        diagnostics.error("MPC535", message, lab.span, "too large for that", help)
        return []
    for one in found:
        one.find()
    return found


def _with_rules(node: Node, explicit: Explicit) -> Node:
    """A node with the tables of its routes for packets from some network, and rules for these."""
    tables: dict[str, list[Route]] = {}
    rules: list[tuple[Network, int, str]] = []
    for within, routes in explicit.by_source(node.name).items():
        for route in routes:
            is_default = not route.targets[0].prefixlen
            name = f"{within} default" if is_default else f"{within}"
            if name not in tables:
                rules.append((within, BY_DEFAULT if is_default else BY_PREFIX, name))
            tables.setdefault(name, []).append(route)
    numbers = hashed_numbers(tables, FIRST_TABLE, TABLES)
    found = [
        Rule(within.version, priority - within.prefixlen, numbers[name], source=within)
        for within, priority, name in rules
    ]
    found += [
        Rule(within.version, BY_MAIN - within.prefixlen, MAIN, source=within, longer=0)
        for within, priority, _ in rules
        if priority == BY_DEFAULT
    ]
    return node._replace(
        tables=tuple(Table(numbers[name], tuple(routes)) for name, routes in tables.items()),
        rules=tuple(sorted(found, key=lambda rule: (rule.version, rule.priority))),
    )


def _is_own_default(route: Route) -> bool:
    """Whether a route is an explicit default route; inferred routes to node addresses stay beside it."""
    return route.explicit and not route.targets[0].prefixlen


def _is_by_default(route: Route, before: list[Route]) -> bool:
    """Whether the default route of a node has the same next hops."""
    default = DEFAULT[route.targets[0].version]
    return any(one.targets[0] == default and one.ways == route.ways for one in before)


def _check_hops(node: Node, routes: list[Route], explicit: Explicit, diagnostics: Diagnostics) -> None:
    """Reports the first route of a node with too many next hops."""
    for route in routes:
        if len(route.nexthops) <= MOST_HOPS or route.targets[0].version == 6:
            continue
        message = f"a route of `{node.name}` has {len(route.nexthops)} next hops, and ip(8) takes {MOST_HOPS}"
        help = "leave next hops out"
        span = explicit.place(node.name, route.targets[0])
        if span is None:
            help = "write `route` with fewer, or `routing shortest by cost` and another `cost` for some links"
        diagnostics.error("MPC509", message, span or node.span, f"over all to `{route.targets[0]}`", help)
        return


def _inferences(
    lab: Lab, explicit: Explicit, sources: dict[int, Sources], diagnostics: Diagnostics
) -> Iterator["_Inference"]:
    """The inference for each family; nothing if a family has too many routes, which is reported."""
    sites = lab.sites
    parts = [(lab, False), (_within(lab, sites), True)][: 1 + bool(sites.segments)]
    for version, (part, private) in product(lab.versions if lab.metric is not None else (), parts):
        out = lab.uplink.node if lab.uplink and version == 4 and not private else None
        inference = _Inference(part, sites, sources[version], explicit, out, private=private)
        if not inference.can_be_written():
            size = f"{len(lab.ip_nodes)} nodes and {len(lab.links)} links"
            message = f"{size} would have too many shortest-path routes"
            help = "write `routing none`, and `route` what is needed"
            diagnostics.error("MPC506", message, lab.span, "a lab of this size", help)
            return
        yield inference


def _within(lab: Lab, sites: Sites) -> Lab:
    """The lab with all links spare but those of its private segments, which ways within sites keep to."""
    places = {place for segment in sites.segments for place in segment.links}
    links = (link._replace(spare=link.spare or place not in places) for place, link in enumerate(lab.links))
    return replace(lab, links=tuple(links))


class _Inference:
    """The inferred routes of one address family: to what is private, or to what is not."""

    def __init__(
        self, lab: Lab, sites: Sites, sources: Sources, explicit: Explicit, out: str | None, *, private: bool
    ) -> None:
        self.version = sources.version
        self.sites = sites
        self.sources = sources
        self.explicit = explicit
        self.out = out
        self.private = private
        self.graph = Graph(lab, self.version, whole=True)
        self.trees = Trees(self.graph, lab.segments)
        nodes = [node for node in lab.ip_nodes if (node.name in sites.inside) == private]
        segments = [segment for segment in lab.segments if (segment.identity in sites.at) == private]
        self.targets = Targets(lab, nodes, segments, self.graph, self.trees, sources)

    def can_be_written(self) -> bool:
        """Whether the routes are few enough, and the bit sets of the trees small enough."""
        sources, targets = len(self.trees.roots), len(self.targets.networks)
        links = sum(len(self.graph.outgoing[name]) for name in self.trees.roots)
        return sources * targets <= MOST_ROUTES and max(links * targets, self.trees.words) <= MOST_NEXTHOPS

    def routes(self) -> Iterator[tuple[str, Route]]:
        """Each inferred route with its node: the default route, then one for each set of next hops."""
        rows = self.trees.rows()
        for name in self.graph.forwards:
            hops = self.trees.hops(name)
            default = self._default(name, hops, rows)
            own = self.sources.own.get(name)
            if default:
                source = own if self.sources.mixed else None
                yield name, Route((DEFAULT[self.version],), _nexthops(hops, default, source))
            elif out := self._out(name, hops, rows):
                yield name, Route((DEFAULT[self.version],), _nexthops(hops, out, None), explicit=True)
            backed = self.explicit.backs(name)
            leaf = default and name in self.trees.anchors
            if hops and (backed or not leaf):
                for (first, named), reached in self._ways(name, rows).items():
                    is_alike = leaf or first == default
                    networks = [one for one in reached if one in backed] if is_alike else reached
                    if first and networks:
                        source = own if named else None
                        yield name, Route(tuple(networks), _nexthops(hops, first, source))

    def _default(self, name: str, hops: list[Hop], rows: dict[str, Row]) -> Bits:
        """The next hops of a default route, for a node with one forwarding neighbour.

        There is none to a border of a site, from outside: it would lead into that.
        """
        if self.private or name == self.out:
            return 0
        neighbours = {hop.last.target for hop in hops if self.graph.forwards[hop.last.target]} - {name}
        if len(neighbours) != 1 or self.explicit.has(name, DEFAULT[self.version]):
            return 0
        (neighbour,) = neighbours
        if self.sites.leads_in(neighbour, name):
            return 0
        if name in rows and neighbour in rows:
            return rows[name].firsts[self.trees.root(neighbour)]
        return self.trees.cheapest(hop.first for hop in hops if hop.last.target == neighbour)

    def _out(self, name: str, hops: list[Hop], rows: dict[str, Row]) -> Bits:
        """The next hops to the node with the uplink, which does not lead into a site from outside."""
        out = self.out
        if out is None or name == out or not (hops and self.graph.forwards[out] and self.graph.outgoing[out]):
            return 0
        if self.explicit.has(name, DEFAULT[self.version]):
            return 0
        if self.trees.anchors.get(out) == name:
            found = self.trees.cheapest(self.graph.incoming[out])
        else:
            row = rows[name] if name in rows else self.trees.row_of_leaf(name, rows)
            found = row.firsts[self.trees.root(out)]
        used = (hop for place, hop in enumerate(hops) if found >> place & 1)
        return 0 if any(self.sites.leads_in(hop.last.target, name) for hop in used) else found

    def _ways(self, name: str, rows: dict[str, Row]) -> dict[tuple[Bits, bool], list[Network]]:
        """The targets of a node, by its next hops and by whether packets are sent from its node address.

        Unreachable targets are under the empty set.
        """
        found: dict[tuple[Bits, bool], list[Network]] = defaultdict(list)
        firsts = self.targets.firsts(name, rows)
        for first, network, named in zip(firsts, self.targets.networks, self.targets.named, strict=True):
            found[first, named].append(network)
        return found


def _nexthops(hops: list[Hop], first: Bits, source: Address | None) -> tuple[Nexthop, ...]:
    """The next hops of a bit set, in order."""
    found = []
    while first:
        place = first.bit_length() - 1
        found.append(hops[place].nexthop)
        first ^= 1 << place
    return sent_from(source, found[::-1]) if source else tuple(found[::-1])
