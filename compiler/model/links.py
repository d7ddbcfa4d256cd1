"""Links, the ports at their ends, and the shaping of each direction."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from compiler.ground.source import Span
from compiler.ground.units import Distribution, Queue, format_percent, format_queue, format_rate, format_time
from compiler.model.networks import Address, Network


class InterfaceName(NamedTuple):
    """An interface of a node, written `node:interface`."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}:{self.name}"


class Shaping(NamedTuple):
    """The shaping of one direction of a link; None is an attribute that is not set.

    After the passes, a direction with a rate has a `queue` and a `burst` too. `held` is the capacity of its
    delay line in packets. `alone` is the size of a full packet in bytes, where GSO packets have to be
    segmented before they are shaped. `words` has the values of attributes that tc(8) takes several words for:
    of a `loss` that is not independent, whose value is the mean, and of a `slot`, whose value is the longest.
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
    distribution: Distribution | None = None
    slot: int | None = None
    overhead: int | None = None
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    held: int | None = None
    alone: int | None = None
    places: tuple[tuple[str, Span], ...] = ()

    def place(self, attribute: str) -> Span | None:
        """Where an attribute was set."""
        return dict(self.places).get(attribute)

    def said(self, attribute: str) -> tuple[str, ...]:
        """The value of an attribute that is set, in the words of tc(8)."""
        return dict(self.words).get(attribute) or (FORMS[attribute](getattr(self, attribute)),)


FORMS: dict[str, Callable[[Any], str]] = {
    "rate": format_rate,
    "delay": format_time,
    "jitter": format_time,
    "distribution": str,
    "loss": format_percent,
    "duplicate": format_percent,
    "corrupt": format_percent,
    "reorder": format_percent,
    "slot": format_time,
    "queue": format_queue,
    "burst": lambda size: f"{size}b",
    "overhead": str,
}
"""The formatters of a direction's attributes."""


class Port(NamedTuple):
    """An end of a link: a device of its node. `shaping` is that of the packets that leave through it.

    `mac` is its MAC address, where the source pins that, and `vrf` the VRF of its router that it is in.
    """

    id: InterfaceName
    shaping: Shaping
    span: Span
    mac: str = ""
    vrf: str = ""

    @property
    def node(self) -> str:
        return self.id.node

    @property
    def name(self) -> str:
        return self.id.name


class Pin(NamedTuple):
    """A network that the source pins, either itself or by an address in it."""

    network: Network
    span: Span


DEFAULT_MTU = 1500
"""Bytes of an IP packet, where nothing is set."""


MOST_VNI = 2**24 - 1
"""The largest network identifier of a VXLAN (RFC 7348)."""


MOST_VLAN = 4094
"""The largest number of a VLAN (IEEE 802.1Q)."""


class LinkKind(StrEnum):
    """What a link is made of: a veth pair, a tunnel over other links, or a bond of some, in the words of
    ip-link(8); or a device of the queueing discipline teql over some."""

    VETH = "veth"
    VXLAN = "vxlan"
    GRE = "gretap"
    IPIP = "ipip"
    BOND = "bond"
    TEQL = "teql"


OVERHEAD = {
    (LinkKind.VXLAN, 4): 50,
    (LinkKind.GRE, 4): 38,
    (LinkKind.IPIP, 4): 20,
    (LinkKind.VXLAN, 6): 70,
    (LinkKind.GRE, 6): 66,
    (LinkKind.IPIP, 6): 48,
}
"""The bytes that a tunnel adds to an IP packet, with the outer IP header, by the version of that; ip6gre and
ip6tnl have a destination option for the encapsulation limit (RFC 2473)."""


class Tunnel(NamedTuple):
    """The path of a tunnel: the links from its left end to its right one, each as two ports.

    `outer` are the source and target of outer packets, that is, of its left and right end. `number` is the
    network identifier of a VXLAN (RFC 7348).
    """

    links: tuple[tuple[InterfaceName, InterfaceName], ...]
    version: int
    outer: tuple[Address, Address] | None = None
    number: int = 0


class Underlay(NamedTuple):
    """What carries a link between two machines: a VXLAN (RFC 7348), by its network identifier, from and to
    the addresses of the machines of its left and right end. `pinned` is whether the source has the number."""

    number: int
    outer: tuple[Address, Address]
    pinned: bool = False


class Mode(StrEnum):
    """How a bond chooses among its legs, in the words of ip-link(8)."""

    TURNS = "balance-rr"
    BACKUP = "active-backup"
    HASH = "balance-xor"
    ALL = "broadcast"
    LACP = "802.3ad"


class Leg(NamedTuple):
    """A link that a bond sends over: its ends, and the ports by which packets leave nodes, both ways.

    `bridges` are those that teql sends by: one of one port over each end, as shaping stays on that.
    """

    left: InterfaceName
    right: InterfaceName
    forth: tuple[InterfaceName, ...]
    back: tuple[InterfaceName, ...]
    bridges: tuple[str, str] | None = None


class Bond(NamedTuple):
    """The legs of a bond, in order, or of a teql, whose packets take turns on them.

    `probes` is whether it learns by ARP requests which of them work; else it looks at their carriers.
    """

    mode: Mode
    legs: tuple[Leg, ...]
    probes: bool

    @property
    def parallel(self) -> int:
        """The number of legs that packets are spread over."""
        return 1 if self.mode in (Mode.BACKUP, Mode.ALL) else len(self.legs)


class Vlan(NamedTuple):
    """A VLAN of a trunk: its number, and the ends of the trunk that carries it, left and right."""

    number: int
    carrier: tuple[InterfaceName, InterfaceName]


class Link(NamedTuple):
    """Two connected ports; `span` is the place of the hop in the source.

    `spare` is whether the spanning tree of its switches blocks it, so that it carries no packets. A
    `leg` of a bond has no addresses. A link between two machines has an `underlay`. What shares the subnet
    of a `private` one is a private network: `sites` tells who is told of it.

    Towards a switch, a link may be an `access` port of a VLAN, or a `trunk` of several, with the networks
    that are pinned for them; what it carries of one is a link with a `vlan`.
    """

    left: Port
    right: Port
    pins: tuple[Pin, ...]
    mtu: int | None
    cost: int
    span: Span
    spare: bool = False
    kind: LinkKind = LinkKind.VETH
    tunnel: Tunnel | None = None
    bond: Bond | None = None
    leg: bool = False
    underlay: Underlay | None = None
    private: bool = False
    access: int = 0
    trunk: tuple[int, ...] = ()
    trunk_pins: tuple[tuple[int, Pin], ...] = ()
    vlan: Vlan | None = None

    @property
    def packet(self) -> int:
        """The bytes of the largest IP packet: the MTU, set or the kernel's own."""
        return self.mtu or DEFAULT_MTU

    @property
    def ends(self) -> tuple[Port, Port]:
        return self.left, self.right

    @property
    def directions(self) -> tuple[tuple[Port, Port], tuple[Port, Port]]:
        """Both directions: each end with the opposite one."""
        return (self.left, self.right), (self.right, self.left)

    def carriers(self, near: Port) -> tuple[InterfaceName, ...]:
        """The ports by which packets from one end leave the nodes on their way to the other, in order."""
        if self.tunnel is None:
            return (near.id,)
        if near.id == self.left.id:
            return tuple(left for left, _ in self.tunnel.links)
        return tuple(right for _, right in reversed(self.tunnel.links))

    def ways(self, near: Port) -> tuple[tuple[InterfaceName, ...], ...]:
        """As `carriers`, for each of the legs of a bond."""
        if self.bond is None:
            return (self.carriers(near),)
        return tuple(leg.forth if near.id == self.left.id else leg.back for leg in self.bond.legs)

    def bridges(self, near: Port) -> tuple[str, ...]:
        """The bridges by which packets of a teql leave and enter one end; of any other link, none."""
        found = (leg.bridges for leg in self.bond.legs) if self.bond else ()
        return tuple(names[near.id != self.left.id] for names in found if names)

    @property
    def parallel(self) -> int:
        """The number of legs that packets are spread over, of a link that is no bond 1."""
        return self.bond.parallel if self.bond else 1

    @property
    def identity(self) -> str:
        """A name of the link that depends neither on its place in the file nor on the order of its ends."""
        return " ".join(sorted(str(end.id) for end in self.ends))
