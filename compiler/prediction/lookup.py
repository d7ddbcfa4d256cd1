"""Forwarding by each node of a lab: policy rules and tables, connected networks and routes.

The only module of this room that knows what connects two neighbours: a link, or switches and their links.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network
from math import inf
from typing import NamedTuple

from compiler.infer.prefixes import Prefixes
from compiler.infer.shaping import ETHERNET_HEADER
from compiler.model.lab import Lab
from compiler.model.links import OVERHEAD, Bond, InterfaceName, Link, Mode, Port, Tunnel
from compiler.model.networks import Address, Network
from compiler.model.routes import MAIN, Nexthop, Refusal, Route, Rule, Spray, by_metric
from compiler.model.segments import Interface
from compiler.prediction.kernel import STRICT, Hash, Kernel

CERTAIN = 100 * 10**6
"""The probability 1, in millionths of a percent."""

Choices = tuple[Nexthop, ...]
"""Next hops to choose from; for a target on a link of the node, the target is the gateway."""

Crossings = tuple["Crossing", ...]

MOST_TREES = 64
"""The most spanning trees that are kept."""


class Crossing(NamedTuple):
    """One link in one direction, from the port that shapes it.

    In a tunnel, `mtu` is that of the tunnel, each packet has `overhead` bytes more than outside, and `tunnel`
    is the interface that packets went into. A VLAN has the port of the trunk that is its `carrier`.
    """

    out: Port
    into: Port
    mtu: int
    overhead: int = 0
    tunnel: InterfaceName | None = None
    carrier: InterfaceName | None = None

    @property
    def link(self) -> InterfaceName:
        """The link, by the port that packets leave through; of a VLAN, that is its trunk."""
        return self.carrier or self.out.id

    @property
    def rate(self) -> float | None:
        """Bit/s of frames, less what a tunnel and the link add to full ones; None if there is no rate."""
        rate, size = self.out.shaping.rate, self.mtu + ETHERNET_HEADER
        more = self.overhead + (self.out.shaping.overhead or 0)
        return rate * size / (size + more) if rate and more else rate


class Lookup:
    """The tables of all nodes, each made at its first use.

    The ports in `down` send nothing, and the kernel leaves out the next hops that they would lead to.
    """

    def __init__(self, lab: Lab, down: Collection[InterfaceName] = ()) -> None:
        self.down = down
        self.leaving = lab.leaving
        self.has_vrfs = lab.has_vrfs
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.ends = lab.interfaces
        self._read_links(lab)
        self.switches = {switch.name for switch in lab.switches}
        self.spare = {end.id for link in lab.links if link.spare for end in link.ends}
        self.losing = {id for id, one in self.over.items() if one.out.shaping.loss == CERTAIN or id in down}
        self._read_addresses(lab)
        self._domains = lab.domains
        self._ports: dict[str, list[Crossing]] = {name: [] for name in self._domains}
        self._neighbours: dict[str, dict[Address, InterfaceName]] = {name: {} for name in self._domains}
        for port in (port for link in lab.links if not (link.spare or link.leg) for port in link.ends):
            if port.node in self._domains:
                crossing = self.over[port.id]
                self._ports[port.node].append(crossing)
                if far := self.ends.get(crossing.into.id):
                    near = [own.ip for own in far.addresses]
                    near += self.own[far.node] if far.bare else ()
                    self._neighbours[self._domains[port.node]] |= dict.fromkeys(near, far.id)
        self.kernel = cache(self._kernel)
        self._table = cache(self._read_table)
        self._tree = lru_cache(MOST_TREES)(self._read_tree)

    @cached_property
    def leaks(self) -> tuple[tuple[str, str], ...]:
        """The VRFs, and routers outside of them, that have a route to a next hop in another one of these."""
        found: dict[tuple[str, str], None] = {}
        for name, node in self.nodes.items() if self.has_vrfs else ():
            for route in node.routes:
                for interface in (route.device, *(hop.interface for hop in route.nexthops)):
                    if interface and (far := self.leaving(name, interface).node) != name:
                        found[name, far] = None
        return tuple(found)

    def _read_addresses(self, lab: Lab) -> None:
        """Reads the addresses of nodes: own ones, those of interfaces, and those that others have too."""
        self.own: dict[str, dict[Address, None]] = {
            node.name: dict.fromkeys(own.address.ip for own in node.addresses) for node in lab.ip_nodes
        }
        self._ends_of: dict[str, list[Interface]] = {node.name: [] for node in lab.ip_nodes}
        for end in self.ends.values():
            self.own[end.node] |= dict.fromkeys(own.ip for own in end.addresses)
            self._ends_of[end.node].append(end)
        for node in lab.ip_nodes:
            self.own[node.name] |= dict.fromkeys(own.address.ip for own in node.anycast)
        self.anycast = frozenset(own.address.ip for node in lab.ip_nodes for own in node.anycast)

    def _read_links(self, lab: Lab) -> None:
        """Reads the crossings of links, of tunnels, and of the legs of bonds."""
        self.over: dict[InterfaceName, Crossing] = {
            near.id: Crossing(near, far, link.packet, carrier=carrier)
            for link in lab.links
            if not (link.tunnel or link.bond or link.trunk)
            for (near, far), carrier in zip(
                link.directions, link.vlan.carrier if link.vlan else (None, None), strict=True
            )
        }
        self.tunnels = {
            near.id: tuple(self._carried(link, link.tunnel, near, far))
            for link in lab.links
            if link.tunnel
            for near, far in link.directions
        }
        """The crossings of each tunnel, by the end that they start from."""
        self.bonds = {
            near.id: (link.bond, tuple(self._legs(link, link.bond, near, far)))
            for link in lab.links
            if link.bond
            for near, far in link.directions
        }
        """The bonds, each with the crossings of its legs, by the end that they start from."""

    def _carried(self, link: Link, tunnel: Tunnel, near: Port, far: Port) -> Iterator[Crossing]:
        """The links that carry a tunnel from one end; packets come out at the interface of the other."""
        overhead = OVERHEAD[link.kind, tunnel.version]
        carriers = link.carriers(near)
        for id in carriers:
            crossing = self.over[id]._replace(mtu=link.packet, overhead=overhead, tunnel=near.id)
            yield crossing._replace(into=far) if id == carriers[-1] else crossing

    def _legs(self, link: Link, bond: Bond, near: Port, far: Port) -> Iterator[Crossings]:
        """The crossings of each leg of a bond from one end; packets come out at that of the other."""
        for leg in bond.legs:
            start = leg.left if near.id == link.left.id else leg.right
            *before, last = self.tunnels.get(start) or (self.over[start],)
            yield (*before, last._replace(into=far))

    @cached_property
    def open(self) -> frozenset[str]:
        """The nodes at links with an end without an address: what passes there may not be in the lab."""
        bare = [end.id for end in self.ends.values() if end.bare]
        far = {id: self.over[id].into.node for id in bare if id in self.over}
        domains = {self._domains[name] for name in far.values() if name in self._domains}
        behind = {end.node for end in self.ends.values() if self._domain_of(end.id) in domains}
        return frozenset({id.node for id in bare} | behind | {*far.values()} & self.nodes.keys())

    def _domain_of(self, id: InterfaceName) -> str | None:
        """The broadcast domain that an interface is on."""
        return self._domains.get(self.over[id].into.node) if id in self.over else None

    def _kernel(self, node: str) -> Kernel:
        return Kernel(self.nodes[node], self.interfaces(node))

    def interfaces(self, node: str) -> list[str]:
        """The interfaces of a node's links."""
        return [end.name for end in self._ends_of[node]]

    def ways(self, interface: InterfaceName, via: Address) -> tuple[Crossings, ...]:
        """The links from an interface to the neighbour with an address: of a bond, those of each leg in use.

        Empty if no neighbour has the address.
        """
        if interface not in self.bonds:
            found = self.crossings(interface, via)
            return (found,) if found else ()
        bond, legs = self.bonds[interface]
        own = self.ends[legs[0][-1].into.id].addresses
        return self._used(bond, legs) if any(one.ip == via for one in own) else ()

    def _used(self, bond: Bond, legs: tuple[Crossings, ...]) -> tuple[Crossings, ...]:
        """The legs of a bond that carry packets: those that it does not find broken, or the first of them.

        A bond that sends every packet over all legs has what the fastest carries.
        """
        working = tuple(leg for leg in legs if not self._is_broken(bond, leg)) or legs
        if bond.mode is Mode.ALL:
            return (max(working, key=lambda leg: min(one.rate or inf for one in leg)),)
        return working[:1] if bond.mode is Mode.BACKUP else working

    def _is_broken(self, bond: Bond, leg: Crossings) -> bool:
        """Whether a bond finds that a leg is broken: by ARP anywhere on the way, else at its own ends."""
        broken = self.losing if bond.probes else self.down
        return any(one.link in broken or one.tunnel in self.down for one in leg)

    def choice_of_leg(self, interface: InterfaceName) -> Hash:
        """What chooses the leg of a bond for a packet: its turn, or a hash that all bonds share."""
        in_turn = self.bonds[interface][0].mode is Mode.TURNS
        return Hash(f"turn of {interface}" if in_turn else "legs", per_flow=True, per_packet=in_turn)

    def crossings(self, interface: InterfaceName, via: Address) -> Crossings:
        """As `ways`, of a bond those of the first leg in use."""
        if interface in self.bonds:
            return next(iter(self.ways(interface, via)), ())
        if carried := self.tunnels.get(interface):
            own = self.ends[carried[-1].into.id].addresses
            return carried if any(one.ip == via for one in own) else ()
        crossing = self.over[interface]
        if crossing.into.node in self.nodes:
            far = self.ends[crossing.into.id]
            known = any(one.ip == via for one in far.addresses)
            known |= far.bare and via in self.own[far.node]
            return (crossing,) if known else ()
        neighbour = self._neighbours[self._domains[crossing.into.node]].get(via, interface)
        return (crossing, *self._behind(crossing.into.node, neighbour)) if neighbour != interface else ()

    def _behind(self, switch: str, neighbour: InterfaceName) -> Iterable[Crossing]:
        """The crossings from a switch to a neighbour, along the spanning tree."""
        last = self.over[self.over[neighbour].into.id]
        way, tree = [last], self._tree(switch)
        while (into := tree[way[-1].out.node]) is not None:
            way.append(into)
        return reversed(way)

    def _read_tree(self, root: str) -> dict[str, Crossing | None]:
        """A spanning tree: the crossing that leads from its root into each switch; None for the root."""
        found: dict[str, Crossing | None] = {root: None}
        waiting = [root]
        while waiting:
            for port in self._ports[waiting.pop()]:
                if port.into.node in self._ports and port.into.node not in found:
                    found[port.into.node] = port
                    waiting.append(port.into.node)
        return found

    def choices(
        self,
        node: str,
        target: Address,
        source: Address | None = None,
        incoming: str | None = None,
        device: str | None = None,
        mark: int | None = None,
    ) -> Choices:
        """The next hops that a node can choose for a packet; empty if it has no route.

        `device` is the interface that a socket is bound to. If `source` is None, the node is still to choose
        it. `mark` is that of sprayed packets.
        """
        found = self._decided(node, target, source, incoming, device, mark)
        return () if isinstance(found, Refusal) else found

    def refused(
        self, node: str, target: Address, source: Address | None, incoming: str | None
    ) -> Refusal | None:
        """How a route of a node refuses a packet, if one does."""
        found = self._decided(node, target, source, incoming, None, None)
        return found if isinstance(found, Refusal) else None

    def _decided(
        self,
        node: str,
        target: Address,
        source: Address | None,
        incoming: str | None,
        device: str | None,
        mark: int | None,
    ) -> Choices | Refusal:
        """The next hops of the first table with a route, or what refuses the packet there."""
        rules = self.nodes[node].rules
        tables = self._selected(rules, target, source, incoming, mark) if rules else ((MAIN, None),)
        for table, longer in tables:
            found = self._longest(node, table, target, longer)
            if isinstance(found, Refusal):
                return found
            fitting = tuple(hop for hop in found if device in (None, hop.interface))
            if fitting:
                return fitting
        return ()

    def _selected(
        self,
        rules: Iterable[Rule],
        target: Address,
        source: Address | None,
        incoming: str | None,
        mark: int | None,
    ) -> Iterator[tuple[int, int | None]]:
        """The tables to look up, in order: those of matching rules, then the main one.

        Each has the prefix length up to which its routes are ignored, or None.
        """
        for rule in sorted(rules, key=lambda rule: rule.priority):
            if rule.version == target.version and _selects(rule, target, source, incoming, mark):
                yield rule.table, rule.longer
        yield MAIN, None

    def spray(self, node: str, target: Address, incoming: str | None) -> Spray | None:
        """The spray with the longest matching target; None if a node does not spray packets to an address."""
        for spray in self.nodes[node].sprays:  # the longest first
            begins = spray.own if incoming is None else spray.passed and spray.incoming in (None, incoming)
            if begins and spray.version == target.version and target in spray.target:
                return spray
        return None

    def _longest(
        self, node: str, table: int, target: Address, longer: int | None = None
    ) -> Choices | Refusal:
        found = self._table(node, table, target.version).longest(target, longer)
        if isinstance(found, Refusal):
            return found
        return (Nexthop(target, found),) if isinstance(found, str) else found or ()

    def _read_table(self, node: str, table: int, version: int) -> Prefixes[Choices | str]:
        """A table by prefixes; an interface stands for a connected network, or a route without next hops."""
        return Prefixes(version, self._entries(node, table))

    def _entries(self, node: str, table: int) -> Iterator[tuple[Network, Choices | str]]:
        """The entries of a table; connected networks have the interface only, and take precedence."""
        tables = {one.number: one.routes for one in self.nodes[node].tables}
        for route in by_metric(tables[table] if table != MAIN else self.nodes[node].routes):
            if found := self._leading(node, route):
                yield from ((target, found) for target in route.targets)
        for end in self._ends_of[node] if table == MAIN else ():
            if end.id not in self.down:
                yield from ((own.network, end.name) for own in end.addresses)

    def _leading(self, node: str, route: Route) -> Choices | str:
        """Where a route leads; empty if that is nowhere, as links are down."""
        if route.device:
            return "" if self.leaving(node, route.device) in self.down else route.device
        return route.refusal or self._working(node, route.nexthops)

    def _working(self, node: str, hops: Choices) -> Choices:
        """The next hops over interfaces that are up."""
        if not self.down:
            return hops
        return tuple(hop for hop in hops if self.leaving(node, hop.interface) not in self.down)

    def filtered(self, node: str, incoming: str, source: Address | None, target: Address) -> bool:
        """Whether a reverse path filter drops a packet (fib_validate_source in net/ipv4/fib_frontend.c)."""
        strictness = self.kernel(node).filters.get(incoming, 0)
        if not strictness or source is None or source.version != 4:
            return False
        back = self.choices(node, source, target)
        return not back or (strictness == STRICT and all(hop.interface != incoming for hop in back))

    def source_address(self, node: str, hop: Nexthop) -> Address | None:
        """The source address that a next hop implies: the route's, or the interface's."""
        return hop.source or self.interface_address(node, hop)

    def interface_address(self, node: str, hop: Nexthop) -> Address | None:
        """The address of the interface to a next hop.

        If the interface has several, it is the one on the next hop's network (inet_select_addr).
        """
        end = self.ends[self.leaving(node, hop.interface)]
        own = [a for a in end.addresses if a.version == hop.via.version]
        near = [a.ip for a in own if hop.via in a.network]
        others = () if own else (ip for ip in self.own[node] if ip.version == hop.via.version)
        return next(iter([*near, *(a.ip for a in own), *others]), None)


def _selects(
    rule: Rule, target: Address, source: Address | None, incoming: str | None, mark: int | None
) -> bool:
    if isinstance(rule.source, IPv4Network | IPv6Network):
        return source is not None and source in rule.source
    wanted = (rule.target, rule.source, rule.incoming, rule.mark)
    return all(
        one is None or one == has for one, has in zip(wanted, (target, source, incoming, mark), strict=True)
    )
