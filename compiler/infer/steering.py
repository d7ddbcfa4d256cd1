"""Policy routing that keeps each subflow of an MPTCP connection on its path."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_network
from itertools import pairwise

from compiler.ground.diagnostics import Diagnostics
from compiler.infer.explicit import covered
from compiler.infer.forwarding import Forwarding
from compiler.infer.graph import Hop
from compiler.infer.paths import Side
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.multipath import Pair
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.routes import Nexthop, Route, Rule, Table

BY_INTERFACE, BY_TARGET, BY_SOURCE = 1000, 1100, 1200
"""Priorities of the rules. `to` comes before `from`: with both ends' addresses known, the peer's decides."""

FIRST_TABLE, TABLES = 10_000, 90_000
"""Tables are numbered by a hash, clear of the kernel's own 253 to 255."""

Selector = tuple[int, int, Address | str]
"""A rule's IP version, its priority, and the source, target or interface that it selects."""


class Steering:
    """Collects tables and rules, pair by pair."""

    def __init__(self, lab: Lab, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.forwarding = Forwarding(lab)
        self.tables: dict[str, dict[str, dict[Address, Nexthop]]] = {}
        self.rules: dict[str, dict[Selector, str]] = {}

    def steer(self, pair: Pair, ends: tuple[Side, Side]) -> None:
        """Adds what keeps the subflows of a pair on their paths, in one address family."""
        for side in ends:
            targets = self._addresses(side)
            if side.ways_out > 1:
                self._steer_end(side, targets)
            for arrival, onward in _crossings(side).items():
                for target in targets:
                    self._steer_router(pair, arrival, target, onward)

    def _addresses(self, side: Side) -> list[Address]:
        """What a connection to the peer can be for: its own addresses, and those that paths end at."""
        ends = [path.last.via for path in side.paths]
        own = [own.address.ip for own in self.nodes[side.peer].addresses]
        return list(dict.fromkeys([*(ip for ip in own if ip.version == ends[0].version), *ends]))

    def _steer_end(self, side: Side, targets: list[Address]) -> None:
        """Tables and rules of an end that has several interfaces to choose from."""
        ends = {(path.first.interface, path.last.via): path.first for path in side.paths}
        for path in side.paths:
            out = path.first
            for target in targets:
                self._send(side.node, out.interface, target, ends.get((out.interface, target), out))
            if side.listens and side.ways_in > 1:
                self._select(side.node, (out.own.version, BY_TARGET, path.last.via), out.interface)
            if side.opens or side.ways_in == 1:
                self._select(side.node, (out.own.version, BY_SOURCE, out.own), out.interface)

    def _steer_router(
        self, pair: Pair, arrival: InterfaceName, target: Address, onward: dict[Address, Hop]
    ) -> None:
        """Sends what comes in by an interface on along its path, where the router's own routes would not.

        An address that a path ends at belongs to that path. Any other is for all paths that come in here, and
        where these part, it is for the router's own routes to choose one.
        """
        ways = {target: onward[target]} if target in onward else onward
        out = next(iter(ways.values()))
        if any(hop != out for hop in ways.values()):
            return
        router, incoming = arrival
        own = self.forwarding.nexthops(router, target)
        if [(hop.via, hop.interface) for hop in own] == [(out.via, out.interface)]:
            return
        if not self._send(router, f"iif {incoming}", target, out):
            message = f"two MPTCP paths to `{target}` come into `{router}` by `{incoming}`"
            help = "they leave by different links, and only the first that is written is kept apart"
            self.diagnostics.warning("MPC712", message, pair.span, "one of the two pairs", help)
        self._select(router, (out.own.version, BY_INTERFACE, incoming), f"iif {incoming}")

    def _send(self, node: str, table: str, target: Address, out: Hop) -> bool:
        """Adds a route to a table; False where the table has another one for the target."""
        if covered(self.nodes[node].routes, ip_network(target)):
            return True
        routes = self.tables.setdefault(node, {}).setdefault(table, {})
        return routes.setdefault(target, out.nexthop) == out.nexthop

    def _select(self, node: str, selector: Selector, table: str) -> None:
        """Adds a rule for a table that has routes; the first of two for one selector stands."""
        if table in self.tables.get(node, {}):
            self.rules.setdefault(node, {}).setdefault(selector, table)

    def apply(self, lab: Lab) -> Lab:
        """The lab with all tables and rules, the rules by priority."""
        return replace(lab, nodes=tuple(map(self._steered, lab.nodes)))

    def _steered(self, node: Node) -> Node:
        tables = self.tables.get(node.name, {})
        numbers = _numbers(tables)
        rules = [_rule(key, numbers[table]) for key, table in self.rules.get(node.name, {}).items()]
        return node._replace(
            tables=tuple(Table(numbers[name], _routes(tables[name])) for name in tables),
            rules=tuple(sorted(rules, key=lambda rule: (rule.version, rule.priority))),
        )


def _crossings(side: Side) -> dict[InterfaceName, dict[Address, Hop]]:
    """For each interface that paths come into a router by, the hop that each goes on by, by its end."""
    found: dict[InterfaceName, dict[Address, Hop]] = {}
    for path in side.paths:
        for into, out in pairwise(path.hops):
            found.setdefault(into.arrival, {})[path.last.via] = out
    return found


def _routes(hops: dict[Address, Nexthop]) -> tuple[Route, ...]:
    return tuple(Route((ip_network(target),), (hop,)) for target, hop in hops.items())


def _numbers(names: Iterable[str]) -> dict[str, int]:
    """A number for each table of a node, by a hash of its name, so that one more moves no other."""
    found: dict[str, int] = {}
    for name in sorted(names):
        number = int.from_bytes(sha256(name.encode()).digest()[:4], "big") % TABLES
        while FIRST_TABLE + number in found.values():
            number = (number + 1) % TABLES
        found[name] = FIRST_TABLE + number
    return found


def _rule(selector: Selector, table: int) -> Rule:
    version, priority, value = selector
    if isinstance(value, str):
        return Rule(version, priority, table, incoming=value)
    if priority == BY_TARGET:
        return Rule(version, priority, table, target=value)
    return Rule(version, priority, table, source=value)
