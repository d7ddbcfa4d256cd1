"""Routes, rules and tables of a node, and the routes that the source writes out."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address, Network

HASHED = 0x0037
"""Fields by which routers choose among next hops: both addresses, the protocol, and both ports."""


class Nexthop(NamedTuple):
    """A gateway and the interface to it. `source` is the address of the node that it sends from where a
    program has chosen none; the same for all next hops of a route, and that of the interface where absent."""

    via: Address
    interface: str
    weight: int = 1
    source: Address | None = None


class Route(NamedTuple):
    """The routes of one node to all that it sends the same way; more than one next hop is multipath.

    A default route's target is `/0`. Nodes share the networks that are their targets.
    """

    targets: tuple[Network, ...]
    nexthops: tuple[Nexthop, ...]
    explicit: bool = False

    @property
    def source(self) -> Address | None:
        return self.nexthops[0].source if self.nexthops else None

    @property
    def ways(self) -> frozenset[Nexthop]:
        """Its next hops, whatever the source that packets get: two routes of the same send the same way."""
        return frozenset(hop._replace(source=None) for hop in self.nexthops)


class Rule(NamedTuple):
    """What sends packets to a table: their source, their target, or the interface they came in by.

    Rules of lower `priority` come first; one of the three selectors is set. `version` is that of IP.
    """

    version: int
    priority: int
    table: int
    source: Address | None = None
    target: Address | None = None
    incoming: str | None = None


class Table(NamedTuple):
    """A routing table beside the main one."""

    number: int
    routes: tuple[Route, ...]


class ExplicitHop(NamedTuple):
    """A next hop of an explicit route: the neighbour's interfaces, each with the same weight."""

    interfaces: tuple[InterfaceName, ...]
    weight: int
    span: Span


class ExplicitRoute(NamedTuple):
    """What a `route` statement asks for. `target` is a node, an interface, a prefix, or `default`."""

    source: str
    target: str | InterfaceName | Network
    hops: tuple[ExplicitHop, ...]
    span: Span
