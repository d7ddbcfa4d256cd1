"""The lab as the kernel will have it: nodes, links, addresses, routes, shaping, MPTCP.

`resolve.resolve` makes the first Lab, with what the source pins; each pass of `infer` takes a Lab and returns
one with more decided. Tuples are in written order unless stated otherwise. Rates are bits a second, times
microseconds, sizes bytes, probabilities millionths of a percent.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from compiler.ground.source import Span
from compiler.model.events import Event
from compiler.model.links import InterfaceName, Link
from compiler.model.machines import Machine
from compiler.model.meanings import Meanings
from compiler.model.multipath import Pair
from compiler.model.networks import Address, Network
from compiler.model.nodes import Node, PortForward, Role, Uplink
from compiler.model.routes import ExplicitRoute, SprayPair
from compiler.model.segments import Interface, Segment, components, domains, segments
from compiler.model.sites import Sites

if TYPE_CHECKING:  # Few labs have any, and this import takes longer than most compilations.
    from compiler.model.devices import Device
    from compiler.model.trials import Bench, Capture, Expectation, Run


class Metric(StrEnum):
    """The cost that shortest paths minimize."""

    HOPS = "hops"
    DELAY = "delay"
    RATE = "rate"
    COST = "cost"


@dataclass(frozen=True)
class Lab:
    """A whole topology. `metric` is None for `routing none`, and for `routing daemon`, where routes are
    also those of programs that run in the lab, which are not predicted (`daemon`). There is one pool a
    family, IPv4 first.

    `interfaces` are those of hosts and routers, in the order of links. Events are in order of time.
    `aggregate` is whether main tables are reduced to the fewest prefixes, `failover` whether there are routes
    for when a link is down. `params` are those that `-D` set,
    each with its text.
    """

    name: str
    source: str
    pools: tuple[Network, ...]
    metric: Metric | None
    aggregate: bool
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    interfaces: Mapping[InterfaceName, Interface]
    explicit_routes: tuple[ExplicitRoute, ...]
    pairs: tuple[Pair, ...]
    span: Span
    expectations: "tuple[Expectation, ...]" = ()
    benches: "tuple[Bench, ...]" = ()
    events: tuple[Event, ...] = ()
    runs: "tuple[Run, ...]" = ()
    captures: "tuple[Capture, ...]" = ()
    devices: "tuple[Device, ...]" = ()
    sprays: tuple[SprayPair, ...] = ()
    port_forwards: tuple[PortForward, ...] = ()
    uplink: Uplink | None = None
    machines: tuple[Machine, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    failover: bool = False
    daemon: bool = False

    @cached_property
    def ip_nodes(self) -> tuple[Node, ...]:
        """The nodes with addresses and routes: all but the switches."""
        return tuple(node for node in self.nodes if node.role is not Role.SWITCH)

    @cached_property
    def switches(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.role is Role.SWITCH)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The groups of interfaces that share a subnet, in the order of links."""
        return segments(self.links, self.interfaces, [node.name for node in self.switches])

    @cached_property
    def domains(self) -> dict[str, str]:
        """The broadcast domain of each switch, named by the first of its switches in order of name."""
        return domains(self.links, [node.name for node in self.switches])

    @cached_property
    def has_private(self) -> bool:
        """Whether some of its links are private."""
        return any(link.private for link in self.links)

    @cached_property
    def has_vrfs(self) -> bool:
        """Whether some of its nodes are VRFs of routers."""
        return any(node.vrf for node in self.nodes)

    @cached_property
    def components(self) -> dict[str, str]:
        """The connected component of each segment: those that share a node, named by the first of them."""
        return components(self.segments)

    @cached_property
    def _namespaces(self) -> dict[str, str]:
        return {node.name: node.namespace for node in self.nodes}

    @cached_property
    def _at(self) -> dict[tuple[str, str], InterfaceName]:
        """The interfaces in each namespace, by their names there."""
        return {(self._namespaces[id.node], id.name): id for id in self.interfaces}

    def leaving(self, node: str, interface: str) -> InterfaceName:
        """The interface that a next hop of a node is by: of the node, or of another VRF of its router."""
        own = InterfaceName(node, interface)
        if own in self.interfaces or not self.has_vrfs:
            return own
        return self._at[self._namespaces[node], interface]

    @cached_property
    def sites(self) -> Sites:
        """Its private networks, and who is told of them."""
        return Sites(self.links, self.segments)

    @cached_property
    def shared(self) -> frozenset[Address]:
        """The addresses that interfaces of several nodes have, in private networks or VRFs apart."""
        own = (own.ip for end in self.interfaces.values() for own in end.addresses)
        may_be = self.has_private or self.has_vrfs
        return frozenset(ip for ip, ends in Counter(own if may_be else ()).items() if ends > 1)

    @cached_property
    def meanings(self) -> Meanings:
        """What the names of the nodes mean."""
        return Meanings(self.ip_nodes, self.interfaces, self.segments)

    @cached_property
    def is_numbered(self) -> bool:
        """Whether every neighbour is in the first network of an interface: each end of a link has one address
        of a family at most, and one at least."""
        ends = self.interfaces.values()
        return not any(
            end.bare or len({own.version for own in end.addresses}) < len(end.addresses) for end in ends
        )

    def lent(self, version: int) -> dict[InterfaceName, Address]:
        """The ends of links without addresses, each with the first address that the name of its node means:
        by that, neighbours know it."""
        bare = [end for end in self.interfaces.values() if end.bare]
        known = ((end.id, self.meanings.all(end.node)) for end in bare)
        firsts = ((id, next((ip for ip in own if ip.version == version), None)) for id, own in known)
        return {id: ip for id, ip in firsts if ip}

    @cached_property
    def versions(self) -> tuple[int, ...]:
        """The IP versions of all addresses in the lab."""
        addresses = [own.address for node in self.nodes for own in node.all_addresses]
        addresses += [own for interface in self.interfaces.values() for own in interface.addresses]
        return tuple(sorted({address.version for address in addresses}))
