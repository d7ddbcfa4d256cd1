"""Routes, rules and tables of a node, and the routes that the source writes out."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address, Network

MAIN = 254
"""The number of the main table (RT_TABLE_MAIN)."""

HASHED = 0x0037
"""The fields of the next-hop hash of routers: both addresses, the protocol, and both ports."""


KERNEL_METRIC = {4: 0, 6: 1024}
"""The metric of a route that has none written, by IP version."""


BY_RETURN = 1600
"""The priority of rules for packets that come back as a link is down, and of no others. (Rules of MPTCP
come before, as subflows keep to their paths.)"""


class Refusal(StrEnum):
    """What becomes of packets to a target that is not for them, in the words of ip-route(8)."""

    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"


class Nexthop(NamedTuple):
    """A gateway and the interface to it.

    `source` is the source address of packets whose program has chosen none, and the same for all next hops of
    a route; where None, it is the address of the interface.
    """

    via: Address
    interface: str
    weight: int = 1
    source: Address | None = None


class Route(NamedTuple):
    """The routes of one node to all targets with the same next hops; several next hops are a multipath route.

    A default route's target is `/0`. Nodes share the networks that are their targets. `per_packet` is whether
    packets are sprayed over the next hops; the route itself is then for packets that no spray selects. Of
    routes to one target that lead anywhere, the one with the least metric counts; 0 is the kernel's own. A
    route without next hops leads to all of its targets over a `device`, or refuses packets.
    """

    targets: tuple[Network, ...]
    nexthops: tuple[Nexthop, ...]
    explicit: bool = False
    per_packet: bool = False
    metric: int = 0
    device: str = ""
    refusal: Refusal | None = None

    @property
    def priority(self) -> int:
        """The metric, as the kernel has it."""
        return self.metric or KERNEL_METRIC[self.targets[0].version]

    @property
    def source(self) -> Address | None:
        return self.nexthops[0].source if self.nexthops else None

    @property
    def ways(self) -> frozenset[Nexthop]:
        """Its next hops without source addresses: equal for two routes that forward alike."""
        return frozenset(hop._replace(source=None) for hop in self.nexthops)


def by_metric(routes: Iterable[Route]) -> list[Route]:
    """Routes in the order in which a map from targets is to be filled: the last of equal targets counts."""
    routes = list(routes)
    metrics = any(route.metric for route in routes)
    return sorted(routes, key=lambda route: -route.priority) if metrics else routes


class Rule(NamedTuple):
    """A policy rule, which selects a table by a packet's source, target, mark or incoming interface.

    Rules of lower `priority` come first; one of the four selectors is set. A source may be a network.
    `version` is that of IP. Routes with prefixes of at most `longer` bits are ignored
    (suppress_prefixlength of ip-rule(8)), none if None.
    """

    version: int
    priority: int
    table: int
    source: Address | Network | None = None
    target: Address | None = None
    incoming: str | None = None
    mark: int | None = None
    longer: int | None = None


class Turn(NamedTuple):
    """A next hop of a spray, and the number of the table that leads there, which is also the mark."""

    hop: Nexthop
    table: int


class Spray(NamedTuple):
    """Weighted round robin of a node's packets to a target over next hops.

    It applies to packets of the node itself (`own`), and to those that it forwards (`passed`): to all, or to
    those from the interface `incoming`.
    """

    target: Network
    turns: tuple[Turn, ...]
    own: bool
    passed: bool
    incoming: str | None = None

    @property
    def version(self) -> int:
        return self.target.version


class Table(NamedTuple):
    """A routing table other than the main one."""

    number: int
    routes: tuple[Route, ...]


class ExplicitHop(NamedTuple):
    """A next hop of an explicit route: the neighbour's interfaces, each with the same weight."""

    interfaces: tuple[InterfaceName, ...]
    weight: int
    span: Span


class ExplicitRoute(NamedTuple):
    """One source of a `route` statement. `target` is a node, an interface, a prefix, or `default`.

    Without hops, it leads to a `device` of the source, or refuses packets. `within` is the network that
    packets are from, where it is not for all of them. `metric` is 0 where none is written. It is in the main
    table, or in that of a `vrf` of the source.
    """

    source: str
    target: str | InterfaceName | Network
    hops: tuple[ExplicitHop, ...]
    span: Span
    per_packet: bool = False
    metric: int = 0
    device: InterfaceName | None = None
    refusal: Refusal | None = None
    within: Network | None = None
    vrf: str = ""


class PathWeight(NamedTuple):
    """The number of packets per turn on the path over a node or an interface."""

    over: str | InterfaceName
    weight: int
    span: Span


class SprayPair(NamedTuple):
    """A pair of a `spray` statement: packets from left to right, or of `both`, are sprayed over all paths."""

    left: str
    right: str
    both: bool
    weights: tuple[PathWeight, ...]
    span: Span
