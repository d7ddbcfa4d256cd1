"""The routes of two labs, by the names of what they lead to, and not by addresses."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from compiler.compare.names import Names
from compiler.model.lab import Lab
from compiler.model.nodes import Node
from compiler.model.routes import Nexthop, Route, Rule

Table = dict[tuple[str, str], frozenset[str]]
"""The next hops by the packets that routes are for, as of a policy rule, and by target."""


class RouteChange(NamedTuple):
    """Routes of one node whose next hops differ alike; no next hops is no route. `rule` selects the packets
    that they are for, as in ip-rule(8), or is empty."""

    node: str
    rule: str
    targets: tuple[str, ...]
    old: tuple[str, ...]
    new: tuple[str, ...]


def route_changes(old: Lab, new: Lab, names: tuple[Names, Names]) -> Iterator[RouteChange]:
    """The routes that differ, node by node in the order of new."""
    before = {node.name: node for node in old.ip_nodes}
    after = {node.name: node for node in new.ip_nodes}
    alike = names[0].owners == names[1].owners and names[0].networks == names[1].networks
    for name in dict.fromkeys((*after, *before)):
        left, right = before.get(name), after.get(name)
        if alike and left and right and _routes(left) == _routes(right) and not names[0].renamed:
            continue
        tables = (
            _table(left, names[0]) if left else Table(),
            _table(right, names[1]) if right else Table(),
        )
        if tables[0] != tables[1]:
            yield from _grouped(name, *tables)


def _routes(node: Node) -> tuple[object, ...]:
    return node.routes, node.tables, node.rules


def _grouped(node: str, old: Table, new: Table) -> Iterator[RouteChange]:
    groups: dict[tuple[str, frozenset[str], frozenset[str]], list[str]] = {}
    nothing: frozenset[str] = frozenset()
    for rule, target in dict.fromkeys((*new, *old)):
        both = old.get((rule, target), nothing), new.get((rule, target), nothing)
        if both[0] != both[1]:
            groups.setdefault((rule, *both), []).append(target)
    for (rule, before, after), targets in groups.items():
        yield RouteChange(node, rule, tuple(targets), tuple(sorted(before)), tuple(sorted(after)))


def _table(node: Node, names: Names) -> Table:
    found: Table = {}
    for route in node.routes:
        _add(found, "", route, node.name, names)
    tables = {table.number: table.routes for table in node.tables}
    for rule in node.rules:
        for route in tables.get(rule.table, ()):
            _add(found, _rule(rule, node.name, names), route, node.name, names)
    return found


def _add(found: Table, rule: str, route: Route, node: str, names: Names) -> None:
    metric = f" metric {route.metric}" if route.metric else ""
    hops = frozenset(_hop(hop, node, names) + metric for hop in route.nexthops)
    if route.per_packet:
        hops |= {"per-packet"}
    if route.device or route.refusal:
        onward = f"dev {names.device(node, route.device)}" if route.device else f"{route.refusal}"
        hops |= {onward + metric}
    for target in names.targets(route.targets):
        known = found.get((rule, target))
        found[rule, target] = hops if known is None else known | hops


def _hop(hop: Nexthop, node: str, names: Names) -> str:
    """`c`, or `c dev c.2` where the interface is not named after the gateway's node."""
    gateway = names.address(hop.via).partition(":")[0]
    device = names.device(node, hop.interface)
    text = gateway if gateway == device else f"{gateway} dev {device}"
    return f"{text} weight {hop.weight}" if hop.weight != 1 else text


def _rule(rule: Rule, node: str, names: Names) -> str:
    """The selector of a rule in the words of ip-rule(8); marks number the turns of a spray."""
    if isinstance(rule.source, IPv4Network | IPv6Network):
        return f"from {rule.source}"
    if rule.source is not None:
        return f"from {names.address(rule.source)}"
    if rule.target is not None:
        return f"to {names.address(rule.target)}"
    if rule.incoming is not None:
        return f"iif {names.device(node, rule.incoming)}"
    return "of a spray"


def count(found: Sequence[RouteChange]) -> tuple[int, int, int]:
    """How many routes are new, gone and changed."""
    new = sum(len(one.targets) for one in found if not one.old)
    gone = sum(len(one.targets) for one in found if not one.new)
    return new, gone, sum(len(one.targets) for one in found) - new - gone
