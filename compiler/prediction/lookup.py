"""How each node of a lab sends a packet on: rules and tables, connected networks and routes.

The one module of this room that knows what lies between two neighbours: a link, or switches and their links.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import NamedTuple

from compiler.ir.lab import Address, Interface, InterfaceName, Lab, Network, Nexthop, Node, Route, Rule
from compiler.ir.shaping import DEFAULT_MTU

Choices = tuple[Nexthop, ...]
"""Next hops to choose from; one that is on a link of the node is its own gateway."""

MAIN = 0
"""Stands for the main table."""


class Crossing(NamedTuple):
    """One link in one direction, from the interface that shapes it."""

    out: Interface
    into: Interface
    mtu: int

    @property
    def link(self) -> InterfaceName:
        """What the crossing is a use of."""
        return self.out.id


class Lookup:
    """The tables of all nodes."""

    def __init__(self, lab: Lab) -> None:
        self.nodes = {node.name: node for node in lab.nodes}
        self.ends: dict[InterfaceName, Interface] = {end.id: end for link in lab.links for end in link.ends}
        self.over: dict[InterfaceName, Crossing] = {
            near.id: Crossing(near, far, link.mtu or DEFAULT_MTU)
            for link in lab.links
            for near, far in link.directions
        }
        self.own: dict[str, dict[Address, None]] = {
            node.name: dict.fromkeys(own.address.ip for own in node.addresses) for node in lab.nodes
        }
        self._tables: dict[tuple[str, int], dict[Network, Choices]] = {}
        self._connected: dict[str, dict[Network, str]] = {node.name: {} for node in lab.nodes}
        self._ports: dict[str, list[Crossing]] = {switch.name: [] for switch in lab.switches}
        for link in lab.links:
            for near in () if link.spare else link.ends:
                if near.node in self._ports:
                    self._ports[near.node].append(self.over[near.id])
        for end in (end for end in self.ends.values() if end.node in self.nodes):
            self.own[end.node] |= dict.fromkeys(own.ip for own in end.addresses)
            self._connected[end.node] |= {own.network: end.name for own in end.addresses}
        for node in lab.nodes:
            self._tables |= _tables(node)

    def interfaces(self, node: str) -> list[str]:
        """The interfaces of a node's links."""
        return [id.name for id in self.ends if id.node == node]

    def crossings(self, interface: InterfaceName, via: Address) -> tuple[Crossing, ...]:
        """The links from an interface to the neighbour that has an address; none where nobody has it."""
        found = (way for way in self._across(interface) if via in (own.ip for own in way[-1].into.addresses))
        return next(found, ())

    def _across(self, interface: InterfaceName) -> Iterator[tuple[Crossing, ...]]:
        """The links to each neighbour of an interface, over the tree that the switches between them are."""
        waiting: list[tuple[Crossing, ...]] = [(self.over[interface],)]
        while waiting:
            way = waiting.pop()
            into = way[-1].into
            if into.node in self.nodes:
                yield way
            else:
                waiting += [(*way, port) for port in self._ports[into.node] if port.link != into.id]

    def choices(
        self,
        node: str,
        target: Address,
        source: Address | None = None,
        incoming: str | None = None,
        device: str | None = None,
    ) -> Choices:
        """What a node can do with a packet; nothing where it has no route.

        `device` is what a socket is bound to. A packet without a `source` is one that the node will choose it
        for.
        """
        for table in self._selected(self.nodes[node], target, source, incoming):
            found = self._longest(node, table, target)
            fitting = tuple(hop for hop in found if device in (None, hop.interface))
            if fitting:
                return fitting
        return ()

    def _selected(
        self, node: Node, target: Address, source: Address | None, incoming: str | None
    ) -> Iterator[int]:
        """The tables that are asked, in order: those of fitting rules, then the main one."""
        for rule in sorted(node.rules, key=lambda rule: rule.priority):
            if rule.version == target.version and _selects(rule, target, source, incoming):
                yield rule.table
        yield MAIN

    def _longest(self, node: str, table: int, target: Address) -> Choices:
        routes = self._tables.get((node, table), {})
        connected = self._connected[node] if table == MAIN else {}
        for length in range(target.max_prefixlen, -1, -1):
            network = ip_network((int(target), length), strict=False)
            if network in connected:
                return (Nexthop(target, connected[network]),)
            if network in routes:
                return routes[network]
        return ()

    def source_address(self, node: str, hop: Nexthop) -> Address | None:
        """What a node that chooses a next hop takes for its own address: that of the interface.

        Where the interface has several, it is the one on the next hop's network (inet_select_addr).
        """
        own = [
            a for a in self.ends[InterfaceName(node, hop.interface)].addresses if a.version == hop.via.version
        ]
        near = [a.ip for a in own if hop.via in a.network]
        return next(iter([*near, *(a.ip for a in own)]), None)


def _tables(node: Node) -> Iterator[tuple[tuple[str, int], dict[Network, Choices]]]:
    yield (node.name, MAIN), _by_target(node.routes)
    for table in node.tables:
        yield (node.name, table.number), _by_target(table.routes)


def _by_target(routes: Iterable[Route]) -> dict[Network, Choices]:
    return {target: route.nexthops for route in routes for target in route.targets}


def _selects(rule: Rule, target: Address, source: Address | None, incoming: str | None) -> bool:
    return all(
        wanted is None or wanted == has
        for wanted, has in ((rule.target, target), (rule.source, source), (rule.incoming, incoming))
    )
