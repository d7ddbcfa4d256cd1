"""Routes, rules and tables of a node, and the routes that the source writes out."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address, Network

MAIN = 254
"""The number of the main table (RT_TABLE_MAIN)."""

HASHED = 0x0037
"""The fields of the next-hop hash of routers: both addresses, the protocol, and both ports."""


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
    next hops take turns packet by packet; the route itself is what is left where they do not.
    """

    targets: tuple[Network, ...]
    nexthops: tuple[Nexthop, ...]
    explicit: bool = False
    per_packet: bool = False

    @property
    def source(self) -> Address | None:
        return self.nexthops[0].source if self.nexthops else None

    @property
    def ways(self) -> frozenset[Nexthop]:
        """Its next hops without source addresses: equal for two routes that forward alike."""
        return frozenset(hop._replace(source=None) for hop in self.nexthops)


class Rule(NamedTuple):
    """What sends packets to a table: their source, target or mark, or the interface they came in by.

    Rules of lower `priority` come first; one of the four selectors is set. `version` is that of IP. Of the
    table, only the routes count that are `longer` than so many bits; all of them where it is None.
    """

    version: int
    priority: int
    table: int
    source: Address | None = None
    target: Address | None = None
    incoming: str | None = None
    mark: int | None = None
    longer: int | None = None


class Turn(NamedTuple):
    """A next hop that packets are sent by in turn, and the table that leads there: it is their mark, too."""

    hop: Nexthop
    table: int


class Spray(NamedTuple):
    """What a node sends to a target packet by packet, each next hop as often in turn as its weight says.

    That is of what the node sends itself (`own`), and of what it passes on (`passed`): of all of that, or of
    what came in by the interface `incoming`.
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
    """One source of a `route` statement. `target` is a node, an interface, a prefix, or `default`."""

    source: str
    target: str | InterfaceName | Network
    hops: tuple[ExplicitHop, ...]
    span: Span
    per_packet: bool = False


class PathWeight(NamedTuple):
    """How many packets in turn a path gets that goes over a node or an interface."""

    over: str | InterfaceName
    weight: int
    span: Span


class SprayPair(NamedTuple):
    """What a `spray` statement asks for: packets from left to right, or of `both`, by all paths in turn."""

    left: str
    right: str
    both: bool
    weights: tuple[PathWeight, ...]
    span: Span
