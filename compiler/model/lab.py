"""The lab as the kernel will have it: nodes, switches, links, addresses, routes, shaping, MPTCP.

`resolve.resolve` makes the first Lab, with what the source pins; each pass of `infer` takes a Lab
and gives back one with more decided. Tuples are in written order unless said otherwise. Rates are bits a
second, times microseconds, sizes bytes, probabilities millionths of a percent.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from compiler.ground.source import Span
from compiler.ground.units import Queue

if TYPE_CHECKING:  # few labs have any, and to start takes longer than most compilations
    from compiler.model.trials import Bench, Expectation, Run

Address = IPv4Address | IPv6Address
AddressWithPrefix = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

Value = TypeVar("Value")

DEFAULT: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
"""The target of default routes."""


class PerNetwork(Generic[Value]):
    """A function of networks that keeps what it has found, for networks that many routes share.

    It is kept by identity, as to hash a network takes longer than most of what is done with it. The networks
    are kept too, so that no other one comes in the place of one that is gone.
    """

    def __init__(self, function: Callable[[Network], Value]) -> None:
        self.function = function
        self.found: dict[int, Value] = {}
        self.kept: list[Network] = []

    def __call__(self, networks: tuple[Network, ...]) -> tuple[Value, ...]:
        try:
            return tuple(map(self.found.__getitem__, map(id, networks)))
        except KeyError:
            self.kept += networks
            self.found |= {id(network): self.function(network) for network in networks}
        return self(networks)


MPTCP_MOST = 8
"""Endpoints of a node, subflows, and accepted addresses: MPTCP_PM_ADDR_MAX of net/mptcp/pm_kernel.c."""


HASHED = 0x0037
"""Fields by which routers choose among next hops: both addresses, the protocol, and both ports."""


class InterfaceName(NamedTuple):
    """An interface of a node, written `node:interface`."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}:{self.name}"


class Metric(StrEnum):
    """What a shortest path is short in."""

    HOPS = "hops"
    DELAY = "delay"
    RATE = "rate"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Shaping:
    """What one direction of a link does to packets; None is what nothing asks for.

    After the passes, what has a rate has a `queue` and a `burst` too. `held` is how many packets a delay line
    can hold. `alone` is the bytes of a full packet, where each has to be met by itself.
    """

    rate: int | None = None
    delay: int | None = None
    jitter: int | None = None
    loss: int | None = None
    duplicate: int | None = None
    corrupt: int | None = None
    reorder: int | None = None
    queue: Queue | None = None
    burst: int | None = None
    held: int | None = None
    alone: int | None = None
    places: tuple[tuple[str, Span], ...] = ()

    def place(self, attribute: str) -> Span | None:
        """Where an attribute was set."""
        return dict(self.places).get(attribute)


@dataclass(frozen=True, slots=True)
class Interface:
    """One end of a link. `shaping` is that of the packets that leave through it. Ports of switches have no
    addresses."""

    id: InterfaceName
    addresses: tuple[AddressWithPrefix, ...]
    shaping: Shaping
    span: Span

    @property
    def node(self) -> str:
        return self.id.node

    @property
    def name(self) -> str:
        return self.id.name


@dataclass(frozen=True, slots=True)
class Pin:
    """A network that the source writes out, or that of an address that it does."""

    network: Network
    span: Span


@dataclass(frozen=True, slots=True)
class Link:
    """A veth pair; `span` is the place of the hop that asked for it.

    `spare` is whether the spanning tree of its switches leaves it out, so that it carries nothing.
    """

    left: Interface
    right: Interface
    pins: tuple[Pin, ...]
    mtu: int | None
    cost: int
    span: Span
    spare: bool = False

    @property
    def ends(self) -> tuple[Interface, Interface]:
        return self.left, self.right

    @property
    def directions(self) -> tuple[tuple[Interface, Interface], tuple[Interface, Interface]]:
        """Each end with the other."""
        return (self.left, self.right), (self.right, self.left)

    @property
    def identity(self) -> str:
        """What names the link wherever it stands in the file and whichever end is written first."""
        return " ".join(sorted(str(end.id) for end in self.ends))


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """An address of a node itself, on `lo` or a dummy device."""

    address: AddressWithPrefix
    device: str
    span: Span


@dataclass(frozen=True, slots=True)
class Nexthop:
    """A gateway and the interface to it. `source` is the address of the node that it sends from where a
    program has chosen none; the same for all next hops of a route, and that of the interface where absent."""

    via: Address
    interface: str
    weight: int = 1
    source: Address | None = None


@dataclass(frozen=True, slots=True)
class Route:
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
        return frozenset(replace(hop, source=None) for hop in self.nexthops)


@dataclass(frozen=True, slots=True)
class Rule:
    """What sends packets to a table: their source, their target, or the interface they came in by.

    Rules of lower `priority` come first; one of the three selectors is set. `version` is that of IP.
    """

    version: int
    priority: int
    table: int
    source: Address | None = None
    target: Address | None = None
    incoming: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A routing table beside the main one."""

    number: int
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An MPTCP endpoint, flags in the words of ip-mptcp(8)."""

    address: Address
    interface: str
    flags: tuple[str, ...]
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """MPTCP limits of a node: more subflows than the first, and announced addresses to accept."""

    subflows: int
    accept: int


@dataclass(frozen=True, slots=True)
class Node:
    """A namespace. `inferred_address` is whether families without a pinned address get one.

    `backlog` is how many bytes a subflow of MPTCP may hold unsent.
    """

    name: str
    namespace: str
    forwards: bool
    inferred_address: bool
    addresses: tuple[NodeAddress, ...]
    sysctls: tuple[tuple[str, str], ...]
    masquerade: tuple[str, ...]
    span: Span
    sysctl_places: tuple[Span, ...] = ()
    routes: tuple[Route, ...] = ()
    tables: tuple[Table, ...] = ()
    rules: tuple[Rule, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    limits: Limits | None = None
    backlog: int | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A bridge in a namespace of its own; `bridge` is the name of the device.

    Where it takes part in a spanning tree (`stp`), `priority` is its place among those of its broadcast
    domain that do, by name: the first is the root.
    """

    name: str
    namespace: str
    bridge: str
    stp: bool
    pins: tuple[Pin, ...]
    sysctls: tuple[tuple[str, str], ...]
    span: Span
    priority: int = 0


@dataclass(frozen=True, slots=True)
class ExplicitHop:
    """A next hop of an explicit route: the neighbour's interfaces, each with the same weight."""

    interfaces: tuple[InterfaceName, ...]
    weight: int
    span: Span


@dataclass(frozen=True, slots=True)
class ExplicitRoute:
    """What a `route` statement asks for. `target` is a node, an interface, a prefix, or `default`."""

    source: str
    target: str | InterfaceName | Network
    hops: tuple[ExplicitHop, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class EndpointPin:
    """An endpoint that the source writes out; it replaces what is inferred for its node."""

    interface: InterfaceName
    flags: tuple[str, ...]
    port: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Pair:
    """What an `mptcp` statement asks for; either end may open the connection, or `client` does."""

    left: str
    right: str
    client: str | None
    pins: tuple[EndpointPin, ...]
    subflows: int | None
    accept: int | None
    span: Span

    @property
    def openings(self) -> Iterator[tuple[str, str]]:
        """The ends as client and server, each way that a connection may be opened."""
        ends = ((self.left, self.right), (self.right, self.left))
        return (both for both in ends if self.client in (None, both[0]))


def opener(pairs: Iterable[Pair], source: str, target: str) -> str:
    """Who opens the MPTCP connection by which one node sends to another: it, but where only the other may."""
    clients = [pair.client for pair in pairs if {source, target} == {pair.left, pair.right}]
    return target if clients and all(client == target for client in clients) else source


@dataclass(frozen=True, slots=True)
class Reshaping:
    """The shaping that what leaves through an interface has from now on."""

    interface: InterfaceName
    shaping: Shaping


@dataclass(frozen=True, slots=True)
class Switching:
    """A link, by its left and right end, that goes down at both or comes up again."""

    link: tuple[InterfaceName, InterfaceName]
    up: bool


Change = Reshaping | Switching


@dataclass(frozen=True, slots=True)
class Event:
    """What changes when a lab has been played for `time` microseconds."""

    time: int
    changes: tuple[Change, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Lab:
    """A whole topology. `metric` is None for `routing none`; pools are one per family, IPv4 first.

    Events are in the order in which they happen. `aggregate` is whether main tables are to have as few
    prefixes as can be.
    """

    name: str
    source: str
    pools: tuple[Network, ...]
    metric: Metric | None
    aggregate: bool
    nodes: tuple[Node, ...]
    switches: tuple[Switch, ...]
    links: tuple[Link, ...]
    explicit_routes: tuple[ExplicitRoute, ...]
    pairs: tuple[Pair, ...]
    span: Span
    expectations: "tuple[Expectation, ...]" = ()
    benches: "tuple[Bench, ...]" = ()
    events: tuple[Event, ...] = ()
    runs: "tuple[Run, ...]" = ()

    @property
    def versions(self) -> tuple[int, ...]:
        """The IP versions that have an address in the lab."""
        addresses = [own.address for node in self.nodes for own in node.addresses]
        addresses += [own for link in self.links for end in link.ends for own in end.addresses]
        return tuple(sorted({address.version for address in addresses}))
