"""Policy routing: tables and rules that keep MPTCP subflows and sprayed packets on their paths."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise
from typing import NamedTuple

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Span
from compiler.infer.explicit import covered
from compiler.infer.forwarding import Forwarding
from compiler.infer.graph import Hop
from compiler.infer.paths import Side
from compiler.infer.slots import hashed_numbers
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.multipath import Pair
from compiler.model.networks import Address, Network
from compiler.model.nodes import Node
from compiler.model.routes import BY_RETURN, MAIN, Nexthop, Route, Rule, Spray, Table, Turn

BY_INTERFACE, BY_TARGET, BY_SOURCE, BY_LONGER, BY_MARK = 1000, 1100, 1200, 1300, 1400
"""Priorities of the rules. `to` comes before `from`: if both ends' addresses are known, the peer's decides.

Rules for marks of sprayed packets come after those of subflows, whose paths are fixed. A marked packet with a
longer prefix in the main table than the sprayed one follows the main table (BY_LONGER).
"""

FIRST_TABLE, TABLES = 10_000, 90_000
"""The range of hashed table numbers, clear of the kernel's own 253 to 255."""

Selector = tuple[int, int, Address | str]
"""A rule's IP version and priority, and its source, target or interface, or the name of the table whose
number is its mark."""


class Draft(NamedTuple):
    """A spray whose tables have names, not numbers yet."""

    target: Network
    turns: tuple[tuple[Nexthop, str], ...]
    own: bool
    passed: bool
    incoming: str | None


class Steering:
    """Collects tables and rules, pair by pair."""

    def __init__(self, lab: Lab, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.forwarding = Forwarding(lab)
        self.tables: dict[str, dict[str, dict[Network, Nexthop]]] = {}
        self.rules: dict[str, dict[Selector, str]] = {}
        self.sprays: dict[str, list[Draft]] = {}

    def steer(self, pair: Pair, ends: tuple[Side, Side]) -> None:
        """Adds the tables and rules of a pair's subflows in one address family."""
        for side in ends:
            targets = self._addresses(side)
            if side.ways_out > 1:
                self._steer_end(side, targets)
            for arrival, onward in _crossings(side).items():
                for target in targets:
                    self.steer_router(pair.span, arrival, target, onward)

    def _addresses(self, side: Side) -> list[Address]:
        """The destination addresses of connections to the peer: its own, and those that paths end at."""
        ends = [path.last.via for path in side.paths]
        own = [own.address.ip for own in self.nodes[side.peer].addresses]
        return list(dict.fromkeys([*(ip for ip in own if ip.version == ends[0].version), *ends]))

    def _steer_end(self, side: Side, targets: list[Address]) -> None:
        """Adds the tables and rules of an end with several interfaces."""
        ends = {(path.first.interface, path.last.via): path.first for path in side.paths}
        for path in side.paths:
            out = path.first
            for target in targets:
                self._send(side.node, out.interface, target, ends.get((out.interface, target), out))
            if side.listens and side.ways_in > 1:
                self._select(side.node, (out.own.version, BY_TARGET, path.last.via), out.interface)
            if side.opens or side.ways_in == 1:
                self._select(side.node, (out.own.version, BY_SOURCE, out.own), out.interface)

    def steer_router(
        self, span: Span, arrival: InterfaceName, target: Address, onward: dict[Address, Hop]
    ) -> None:
        """Forwards packets from an interface along their path, if the router's own routes would not.

        The address that a path ends at belongs to that path. Any other belongs to all paths through the
        interface; if these diverge, the router's own routes choose.
        """
        ways = {target: onward[target]} if target in onward else onward
        out = next(iter(ways.values()))
        if any(hop != out for hop in ways.values()):
            return
        router, incoming = arrival
        own = self.forwarding.nexthops(router, target)
        alike = [(hop.via, hop.interface) for hop in own] == [(out.via, out.interface)]
        if alike and not self._comes_back(router, incoming, target):
            return
        if not self._send(router, f"iif {incoming}", target, out):
            self.come_together(span, arrival, target)
        self._select(router, (out.own.version, BY_INTERFACE, incoming), f"iif {incoming}")

    def _comes_back(self, router: str, incoming: str, target: Address) -> bool:
        """Whether a router takes packets from an interface for some that come back, as a link is down."""
        node = self.nodes[router]
        tables = {
            rule.table for rule in node.rules if rule.priority == BY_RETURN and rule.incoming == incoming
        }
        routes = (route for table in node.tables if table.number in tables for route in table.routes)
        return any(ip_network(target) in route.targets for route in routes)

    def come_together(self, span: Span, arrival: InterfaceName, target: Address) -> None:
        """Reports a pair with a path that no rule can distinguish from another pair's."""
        message = f"paths of two pairs to `{target}` come into `{arrival.node}` by `{arrival.name}`"
        help = "they leave by different links, and only the first that is written is kept apart"
        self.diagnostics.warning("MPC712", message, span, "one of the two pairs", help)

    def spray(self, node: str, draft: Draft) -> bool:
        """Adds a spray; False if it conflicts with one that the node has already."""
        same = (draft.target, draft.own, draft.passed, draft.incoming)
        drafts = self.sprays.setdefault(node, [])
        for other in drafts:
            if (other.target, other.own, other.passed, other.incoming) == same:
                return other == draft
        drafts.append(draft)
        target, rules = draft.target, self.rules.setdefault(node, {})
        for hop, table in draft.turns:
            self.tables.setdefault(node, {}).setdefault(table, {})[target] = hop._replace(weight=1)
            if target.num_addresses > 1:
                rules[target.version, BY_LONGER, table] = table
            rules[target.version, BY_MARK, table] = table
        return True

    def _send(self, node: str, table: str, target: Address, out: Hop) -> bool:
        """Adds a route to a table; False if the table has a different one for the target."""
        network = ip_network(target)
        if covered(self.nodes[node].routes, network):
            return True
        routes = self.tables.setdefault(node, {}).setdefault(table, {})
        return routes.setdefault(network, out.nexthop) == out.nexthop

    def _select(self, node: str, selector: Selector, table: str) -> None:
        """Adds a rule for a table that has routes; the first rule of a selector counts."""
        if table in self.tables.get(node, {}):
            self.rules.setdefault(node, {}).setdefault(selector, table)

    def apply(self, lab: Lab) -> Lab:
        """The lab with all tables and rules, the rules by priority."""
        return replace(lab, nodes=tuple(map(self._steered, lab.nodes)))

    def _steered(self, node: Node) -> Node:
        tables = self.tables.get(node.name, {})
        numbers = hashed_numbers(tables, FIRST_TABLE, TABLES)
        rules = [
            _rule(key, numbers[table], tables[table]) for key, table in self.rules.get(node.name, {}).items()
        ]
        drafts = sorted(self.sprays.get(node.name, ()), key=lambda draft: -draft.target.prefixlen)
        return node._replace(
            tables=(*node.tables, *(Table(numbers[name], _routes(tables[name])) for name in tables)),
            rules=tuple(sorted((*node.rules, *rules), key=lambda rule: (rule.version, rule.priority))),
            sprays=tuple(_spray(draft, numbers) for draft in drafts),
        )


def _crossings(side: Side) -> dict[InterfaceName, dict[Address, Hop]]:
    """By the interface at which paths enter a router: their next hops, by the address that they end at."""
    found: dict[InterfaceName, dict[Address, Hop]] = {}
    for path in side.paths:
        for into, out in pairwise(path.hops):
            found.setdefault(into.arrival, {})[path.last.via] = out
    return found


def _routes(hops: dict[Network, Nexthop]) -> tuple[Route, ...]:
    return tuple(Route((target,), (hop,)) for target, hop in hops.items())


def _spray(draft: Draft, numbers: dict[str, int]) -> Spray:
    turns = tuple(Turn(hop, numbers[table]) for hop, table in draft.turns)
    return Spray(draft.target, turns, draft.own, draft.passed, draft.incoming)


def _rule(selector: Selector, table: int, routes: Iterable[Network]) -> Rule:
    """A rule for a table; the sprayed `routes` of a table have equal prefix lengths."""
    version, priority, value = selector
    if priority == BY_LONGER:
        return Rule(version, priority, MAIN, mark=table, longer=next(iter(routes)).prefixlen)
    if priority == BY_MARK:
        return Rule(version, priority, table, mark=table)
    if isinstance(value, str):
        return Rule(version, priority, table, incoming=value)
    if priority == BY_TARGET:
        return Rule(version, priority, table, target=value)
    return Rule(version, priority, table, source=value)
