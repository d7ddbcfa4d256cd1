"""Nodes: hosts, routers, switches and containers."""

from enum import StrEnum
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import Pin
from compiler.model.multipath import Endpoint, Limits
from compiler.model.networks import Address, AddressWithPrefix, Network
from compiler.model.routes import Route, Rule, Spray, Table


class NodeAddress(NamedTuple):
    """An address of a node itself, on `lo` or a dummy device."""

    address: AddressWithPrefix
    device: str
    span: Span


class Role(StrEnum):
    """The role of a node. All but switches have addresses and routes; switches have a bridge."""

    HOST = "host"
    ROUTER = "router"
    SWITCH = "switch"
    CONTAINER = "container"


class Bridge(NamedTuple):
    """The bridge of a switch. `name` is that of the device; `pins` are subnets of its broadcast domain.

    Where the bridge runs a spanning tree (`stp`), `priority` is its rank by name among those of its broadcast
    domain that do: the first is the root. A switch with VLANs has `vlan_pins`, their subnets; when it is
    parted, each part has the number of its `vlan`.
    """

    name: str
    stp: bool
    pins: tuple[Pin, ...]
    priority: int = 0
    vlan_pins: tuple[tuple[int, Pin], ...] = ()
    vlan: int = 0


class Vrf(NamedTuple):
    """A VRF of a router: the name of its device, the number of its routing table, and where it is written
    first."""

    name: str
    table: int
    span: Span


class Engine(StrEnum):
    """What runs containers. Each has images of its own, so that one never stands in for another."""

    PODMAN = "podman"
    DOCKER = "docker"


def anchor(namespace: str) -> str:
    """The name of the container by which docker has another in a namespace."""
    return f"{namespace}.net"


Ready = int | tuple[str, ...]
"""What tells that a container is ready: that it listens at a TCP port, or that a command in it succeeds."""


class Container(NamedTuple):
    """What a container is started with. Unless `words` are None, they replace the command of the image.

    With `mptcpize`, its programs open MPTCP connections where they ask for TCP.
    Or, in place of all that, the name of one that runs already, whose namespace the node has: `attached`.
    """

    image: str
    words: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()
    ready: Ready | None = None
    engine: Engine = Engine.PODMAN
    attached: str = ""
    mptcpize: bool = False


class Masquerade(NamedTuple):
    """An interface by which packets leave with its address as their source; `version` is the IP version of
    those that do, or None for both."""

    interface: str
    version: int | None = None

    def covers(self, interface: str, version: int) -> bool:
        """Whether what leaves by an interface in a family is masqueraded."""
        return self.interface == interface and self.version in (None, version)


class PortForward(NamedTuple):
    """What the source says of a port of a node: what arrives there goes on to a port of `target`."""

    node: str
    protocol: str
    port: int
    target: str
    to: int
    span: Span


class Inlet(NamedTuple):
    """A port of a node, and the address and port that packets to it go on to.

    `interfaces` are those that lead there. What came in by the same one gets another source on its way out,
    as answers would else not come back over this node: `source`, or the address of the interface.
    """

    protocol: str
    port: int
    address: Address
    to: int
    interfaces: tuple[str, ...]
    source: Address | None


UPLINK = "uplink"
"""The interface by which a node is joined to the machine's own network."""


class Uplink(NamedTuple):
    """A node that is joined to the machine's own network, by the interface `card` of that or, where empty, by
    the one that its default route leaves by. `network` has the addresses of both ends."""

    node: str
    card: str
    span: Span
    network: Network | None = None


class Node(NamedTuple):
    """A node, which has its own namespace. `forwards` is true for routers unless the source says otherwise.

    `inferred_address` is whether families without a pinned address get one. `backlog` is the bound of
    unsent bytes of an MPTCP subflow. `single` are the interfaces with gso_max_segs 1.
    `anycast` are addresses that several nodes have, beside those that its name means.
    `bridge` is that of a switch, which has none of the optional fields above except sysctls; `container` is
    that of a container. A router for a `vrf` shares the namespace of the one that it is a part of.
    `machine` is the name of the one that the node is on; empty if there are none.
    `private` is whether the source says so of the node; its links are private then.
    """

    name: str
    namespace: str
    role: Role
    span: Span
    forwards: bool = False
    inferred_address: bool = False
    addresses: tuple[NodeAddress, ...] = ()
    masquerade: tuple[Masquerade, ...] = ()
    inlets: tuple[Inlet, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    sysctl_places: tuple[Span, ...] = ()
    routes: tuple[Route, ...] = ()
    tables: tuple[Table, ...] = ()
    rules: tuple[Rule, ...] = ()
    sprays: tuple[Spray, ...] = ()
    single: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    limits: Limits | None = None
    backlog: int | None = None
    bridge: Bridge | None = None
    container: Container | None = None
    machine: str = ""
    private: bool = False
    anycast: tuple[NodeAddress, ...] = ()
    vrf: Vrf | None = None

    @property
    def all_addresses(self) -> tuple[NodeAddress, ...]:
        """The addresses of the node itself: its own ones, and those that others have too."""
        return (*self.addresses, *self.anycast)
