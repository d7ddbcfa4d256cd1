"""The facts that a plan consists of: statements about the machine when the lab is up, each in one namespace.

Each function of facts is a `match` over `Fact` that ends with `assert_never`, so that a new kind of fact is a
type error in every function that lacks it.
"""

from typing import NamedTuple

from compiler.model.links import LinkKind, Mode
from compiler.model.multipath import Endpoint, Limits
from compiler.model.networks import Address, AddressWithPrefix, Network
from compiler.model.nodes import Container as Started
from compiler.model.routes import Refusal, Rule, Spray


class Namespace(NamedTuple):
    """A named network namespace."""

    namespace: str


class End(NamedTuple):
    """An interface of a veth pair."""

    namespace: str
    name: str


class Veth(NamedTuple):
    """A pair of veth interfaces; `mtu` is None for the kernel's default."""

    ends: tuple[End, End]
    mtu: int | None


class Tunnel(NamedTuple):
    """An end of a tunnel, in the words of ip-link(8).

    `number` is the network identifier of a VXLAN, `local` and `remote` are outer addresses.
    """

    namespace: str
    name: str
    kind: LinkKind
    mtu: int
    number: int
    local: Address
    remote: Address


class Vxlan(NamedTuple):
    """An end of a link between machines: a VXLAN whose packets leave from the namespace of the script.

    `number` is its network identifier, `local` and `remote` are addresses of machines.
    """

    namespace: str
    name: str
    mtu: int
    number: int
    local: Address
    remote: Address


class Bond(NamedTuple):
    """An end of a bond, in the words of ip-link(8).

    `target` is the address that ARP or neighbour discovery asks for over each leg; without it, legs work that
    have a carrier. `primary` is the leg of `active-backup` that is used as long as it works.
    """

    namespace: str
    name: str
    mtu: int
    mode: Mode
    target: Address | None
    primary: str


class BondLeg(NamedTuple):
    """An interface that is a leg of a bond.

    `told` is whether the bond tells that it works: `active-backup` asks by ARP over the leg in use alone.
    """

    namespace: str
    name: str
    bond: str
    told: bool = True


class Teql(NamedTuple):
    """An end of a teql: a device that the module sch_teql makes, taken from the namespace of the script.

    `legs` are the interfaces that it sends by in turn, whose queueing discipline it is.
    """

    namespace: str
    name: str
    mtu: int
    legs: tuple[str, ...]


class Dummy(NamedTuple):
    """A dummy interface."""

    namespace: str
    name: str


class Bridge(NamedTuple):
    """A bridge; `priority` is that in a spanning tree, or None if it takes part in none. With `vlans`, it
    passes packets between ports of one VLAN alone."""

    namespace: str
    name: str
    priority: int | None
    vlans: bool = False


class VlanDevice(NamedTuple):
    """The interface of a VLAN of a trunk, which is `parent`."""

    namespace: str
    name: str
    parent: str
    number: int


class PortVlan(NamedTuple):
    """A VLAN of a port of a bridge: as an access port, whose packets have no tag, or tagged."""

    namespace: str
    name: str
    number: int
    access: bool


class Vrf(NamedTuple):
    """A VRF: its device, and the routing table of what comes in by its ports."""

    namespace: str
    name: str
    table: int


class VrfPort(NamedTuple):
    """An interface that is in a VRF."""

    namespace: str
    name: str
    vrf: str


class LocalRule(NamedTuple):
    """The rule for addresses of the namespace itself, of one IP version, after the rule of its VRFs: those
    outside of them are for nobody in them."""

    namespace: str
    version: int


class Sysctl(NamedTuple):
    """A value of sysctl(8). `*` in a key stands for every interface, `all` and `default`."""

    namespace: str
    key: str
    value: str


class Qdisc(NamedTuple):
    """A queueing discipline of tc(8); `place` is `root` or `parent` and a handle.

    Each of `parameters` is a name and its values.
    """

    namespace: str
    device: str
    place: tuple[str, ...]
    handle: str | None
    kind: str
    parameters: tuple[tuple[str, ...], ...]


class Mark(NamedTuple):
    """The alias of `lo` that names the lab of the namespace; `lo` is up."""

    namespace: str
    lab: str


class Up(NamedTuple):
    """An interface that is up."""

    namespace: str
    name: str


class Mac(NamedTuple):
    """The MAC address of an interface."""

    namespace: str
    name: str
    address: str


class Single(NamedTuple):
    """An interface that takes one packet at a time of what a sender hands down in one piece (GSO)."""

    namespace: str
    name: str


class BridgePort(NamedTuple):
    """An interface that is a port of a bridge, and up; its `cost` is None for the kernel's own."""

    namespace: str
    name: str
    bridge: str
    cost: int | None = None


class OwnAddress(NamedTuple):
    """An address of an interface."""

    namespace: str
    address: AddressWithPrefix
    device: str


class Hop(NamedTuple):
    """A next hop; without `via`, the destination is itself on the link.

    `weight` is None if it is not written: all next hops of a route have the same, or there is only one.
    """

    via: Address | None
    interface: str
    weight: int | None = None
    onlink: bool = False


class Routes(NamedTuple):
    """The routes of a table (None: the main one) to all targets with the same next hops and source.

    `brief` routes are written as brace expressions. `metric` is 0 for the kernel's own. Without next hops,
    they refuse packets (`refusal`).
    """

    namespace: str
    targets: tuple[str, ...]
    source: Address | None
    hops: tuple[Hop, ...]
    table: int | None
    brief: bool
    metric: int = 0
    refusal: Refusal | None = None


class PolicyRule(NamedTuple):
    """A rule of ip-rule(8)."""

    namespace: str
    rule: Rule


class MptcpLimits(NamedTuple):
    """The limits of ip-mptcp(8)."""

    namespace: str
    limits: Limits


class MptcpEndpoint(NamedTuple):
    """An endpoint of ip-mptcp(8)."""

    namespace: str
    endpoint: Endpoint


class Nft(NamedTuple):
    """The table of nftables."""

    namespace: str


class Nat(NamedTuple):
    """The chain in it that rewrites sources of what leaves."""

    namespace: str


class Masquerade(NamedTuple):
    """A rule in that chain: packets that leave by an interface have its address as their source.

    `version` is the IP version of those that do, or None for both.
    """

    namespace: str
    interface: str
    version: int | None = None


class NatIn(NamedTuple):
    """The chain in it that rewrites destinations of what arrives."""

    namespace: str


class PortForward(NamedTuple):
    """A rule in that chain: what arrives at a port of the node goes on to an address and a port of it."""

    namespace: str
    protocol: str
    port: int
    address: Address
    to: int


class Hairpin(NamedTuple):
    """A rule in the chain that rewrites sources, for answers to come back over the node: of a port's packets
    that leave by the interface that they came in by. Without `source`, theirs is the address of that."""

    namespace: str
    interface: str
    version: int
    source: Address | None


class Uplink(NamedTuple):
    """What joins a node to the network of the script's own namespace: the one fact that is there too.

    It is a veth interface, whose other end is called `end` in that namespace; the default route of the node
    by it; and the table of nftables there that masquerades what leaves by `card`. Where `card` is empty, that
    is the interface of the default route. Of `network`, that end has the first address.
    """

    namespace: str
    lab: str
    end: str
    network: Network
    card: str

    @property
    def addresses(self) -> tuple[str, str]:
        """Of the end beside the card, and of the node."""
        first, second, *_ = self.network.hosts()
        return f"{first}/{self.network.prefixlen}", f"{second}/{self.network.prefixlen}"


Arrivals = tuple[tuple[str, tuple[str, ...]], ...]
"""The ends of teqls, each with the interfaces by which its packets come in: those of its legs."""


class Marking(NamedTuple):
    """The sets and chains in it that all sprays of its node share."""

    namespace: str
    sprays: tuple[Spray, ...]
    arrivals: Arrivals = ()


class Turns(NamedTuple):
    """The chain in it by which packets to a target go by several next hops in turn, and what leads there."""

    namespace: str
    spray: Spray
    arrivals: Arrivals = ()


class Device(NamedTuple):
    """An interface that command lines of bash make in a namespace; `node` is what they are told of it."""

    namespace: str
    name: str
    node: str
    commands: tuple[str, ...]


class Attached(NamedTuple):
    """A namespace that is there: that of a container that runs, which an engine knows by a name."""

    namespace: str
    engine: str
    name: str


class Container(NamedTuple):
    """A container that runs in a namespace and is called like it; `node` is its host name."""

    namespace: str
    lab: str
    node: str
    started: Started


Fact = (
    Namespace
    | Attached
    | Veth
    | Tunnel
    | Vxlan
    | Bond
    | BondLeg
    | Teql
    | Dummy
    | Bridge
    | VlanDevice
    | PortVlan
    | Vrf
    | VrfPort
    | LocalRule
    | Sysctl
    | Qdisc
    | Mark
    | Up
    | Mac
    | Single
    | BridgePort
    | OwnAddress
    | Routes
    | PolicyRule
    | MptcpLimits
    | MptcpEndpoint
    | Nft
    | Nat
    | Masquerade
    | NatIn
    | PortForward
    | Hairpin
    | Uplink
    | Marking
    | Turns
    | Device
    | Container
)
