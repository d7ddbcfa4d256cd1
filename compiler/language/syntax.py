"""The syntax tree: a class for each rule of `grammar/topo.lark` that is not just a list.

The fields of a class are its span, then the children of its rule in order.
"""

from typing import NamedTuple

from compiler.ground.source import Span


class Word(NamedTuple):
    """A name, an interface, an address, a quantity or a keyword."""

    span: Span
    text: str


class String(NamedTuple):
    """A quoted string; `text` is its value."""

    span: Span
    text: str


class Nodes(NamedTuple):
    """A node, or a set of nodes in braces."""

    span: Span
    words: tuple[Word, ...]


class Lab(NamedTuple):
    span: Span
    name: Word


class Pool(NamedTuple):
    span: Span
    prefix: Word


class Assignment(NamedTuple):
    span: Span
    key: Word
    value: Word | String


class NodeAttribute(NamedTuple):
    """An attribute of a node; `device` follows `on`, for an `address` or an `anycast` only, or `vlan`, for a
    `subnet`.

    The value of `private` is that word itself.
    """

    span: Span
    keyword: Word
    value: Word
    device: Word | None = None


NODE_ATTRIBUTES = frozenset({"address", "anycast", "netns", "forward", "subnet", "stp", "private"})
"""The keywords of `NodeAttribute`; after the first name of a declaration, each is parsed as one."""


class ContainerAttribute(NamedTuple):
    """An attribute of containers, two of which (`env`, `ready`) `run` has, too; `env` has assignments."""

    span: Span
    keyword: Word
    value: Word | String | tuple[Assignment, ...]


TEXTS = frozenset({"image", "attach", "command", "options", "ready"})
"""The keywords of `ContainerAttribute` whose value may be any text."""

CONTAINER_ATTRIBUTES = (
    frozenset({"address", "anycast", "netns", "forward", "private", "engine", "env", "mptcpize"}) | TEXTS
)
"""The same as NODE_ATTRIBUTES, after the first name of a `container`."""


class Declaration(NamedTuple):
    """`host a b`, `router a b`, `switch a b` or `container a b`."""

    span: Span
    kind: Word
    names: tuple[Word, ...]
    attributes: tuple[NodeAttribute | ContainerAttribute, ...]


class Attribute(NamedTuple):
    """An attribute of a link, the kind of a tunnel, or the mode of a bond.

    `second` is that of the right end, for an `address`, a `mac` or a `vrf` of two ends; or the word `ecn` of
    a `queue`, or the longest time of a `slot`. A `loss` or a `trunk` may have `more` words. The value of
    `private` is that word itself.
    """

    span: Span
    keyword: Word
    value: Word
    second: Word | None = None
    more: tuple[Word, ...] = ()

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the value."""
        return (self.value, *((self.second,) if self.second else ()), *self.more)


LINK_ATTRIBUTES = (
    "rate delay jitter distribution loss duplicate corrupt reorder slot queue burst overhead mtu cost vni"
    " vlan trunk private vrf subnet address mac"
).split()
"""The keywords of `Attribute`, in the order of lists in messages."""


class Attributes(NamedTuple):
    profile: Word | None
    items: tuple[Attribute, ...]


class Profile(NamedTuple):
    span: Span
    name: Word
    items: tuple[Attribute, ...]


class DefaultLink(NamedTuple):
    span: Span
    attributes: Attributes


class Link(NamedTuple):
    """A chain of two or more node sets, each linked to the next."""

    span: Span
    chain: tuple[Nodes, ...]
    attributes: Attributes


class Tunnel(NamedTuple):
    """A tunnel between two nodes; each of `via` is a node that it passes, or a set with one per tunnel."""

    span: Span
    left: Nodes
    right: Nodes
    via: tuple[Nodes, ...]
    items: tuple[Attribute, ...]


class Bond(NamedTuple):
    """A bond between two nodes; `over` names the interfaces of its legs, or is None for all links."""

    span: Span
    left: Nodes
    right: Nodes
    over: tuple[Nodes, ...] | None
    items: tuple[Attribute, ...]


class Teql(NamedTuple):
    """A link by sch_teql between two nodes; `over` as that of a bond."""

    span: Span
    left: Nodes
    right: Nodes
    over: tuple[Nodes, ...] | None
    items: tuple[Attribute, ...]


class Shape(NamedTuple):
    span: Span
    sources: Nodes
    targets: Nodes
    attributes: Attributes


class Routing(NamedTuple):
    """`option` is `aggregate` or `failover`."""

    span: Span
    kind: Word
    metric: Word | None = None
    option: Word | None = None


class Hop(NamedTuple):
    span: Span
    to: Word
    weight: Word | None


class Outgoing(NamedTuple):
    """The interface that a route leads to, without a next hop."""

    span: Span
    interface: Word


class Route(NamedTuple):
    """`vrf` is the VRF of the sources that it is in, `within` the prefix of packets' sources. In place of
    next hops, `onward` has an interface, or the word for what refuses packets."""

    span: Span
    sources: Nodes
    vrf: Word | None
    within: Word | None
    target: Nodes
    onward: tuple[Hop, ...] | Outgoing | Word
    metric: Word | None = None
    per_packet: Word | None = None


class Weight(NamedTuple):
    """The number of packets per turn on the path over a node or an interface."""

    span: Span
    to: Word
    weight: Word


class Spray(NamedTuple):
    """`arrow` is `--` where packets of both ends are sprayed, `->` where those of the left one are."""

    span: Span
    left: Nodes
    arrow: Word
    right: Nodes
    weights: tuple[Weight, ...] | None


class Flag(NamedTuple):
    span: Span
    name: Word
    value: Word | None = None


class Endpoint(NamedTuple):
    span: Span
    interface: Word
    flags: tuple[Flag, ...]


class Limit(NamedTuple):
    span: Span
    keyword: Word
    value: Word


class Mptcp(NamedTuple):
    """`arrow` is `--` where either side opens connections, `->` where the left one does."""

    span: Span
    left: Nodes
    arrow: Word
    right: Nodes
    options: tuple[tuple[Endpoint, ...] | Limit, ...]


class Sysctl(NamedTuple):
    span: Span
    nodes: Nodes
    assignments: tuple[Assignment, ...]


class Masquerade(NamedTuple):
    """`family` is `ipv4` or `ipv6`, where it is for one alone."""

    span: Span
    nodes: Nodes
    out: Nodes | None
    family: Word | None = None


class PortForward(NamedTuple):
    """What arrives at a port of a node goes on to a port of another; `keyword` is `forward`."""

    span: Span
    keyword: Word
    nodes: Nodes
    protocol: Word
    port: Word
    target: Word


class Uplink(NamedTuple):
    """A node is joined to the machine's own network, by one of its interfaces where that is named."""

    span: Span
    nodes: Nodes
    card: Word | None


class Reachability(NamedTuple):
    """`reachable` or `unreachable`."""

    span: Span
    word: Word


class RoundTrip(NamedTuple):
    """`rtt LEAST..MOST`, the range as one word."""

    span: Span
    times: Word


class Transfer(NamedTuple):
    """`tcp`, `mptcp` or `udp`, the number of parallel flows, and the keyword `reverse`."""

    span: Span
    protocol: Word
    flows: Word | None
    reverse: Word | None


class Throughput(NamedTuple):
    """`rate >= RATE using TRANSFER`."""

    span: Span
    least: Word
    transfer: Transfer | None


class Expect(NamedTuple):
    span: Span
    sources: Nodes
    targets: Nodes
    claim: Reachability | RoundTrip | Throughput


class Capture(NamedTuple):
    """A capture of the packets of interfaces; `snap` is how many bytes of each."""

    span: Span
    interfaces: Nodes
    snap: Word | None


class Bench(NamedTuple):
    """Transfers; `capture` is of the packets during each of them."""

    span: Span
    sources: Nodes
    targets: Nodes
    transfers: tuple[Transfer, ...]
    time: Word | None
    capture: Capture | None


class Switching(NamedTuple):
    """Links that go `down` or `up`."""

    span: Span
    state: Word
    left: Nodes
    right: Nodes


class At(NamedTuple):
    span: Span
    time: Word
    event: Shape | Switching


class Run(NamedTuple):
    """`inside` is that keyword, where the command runs in a container."""

    span: Span
    nodes: Nodes
    inside: Word | None
    command: Word | String
    items: tuple[ContainerAttribute, ...]


class Device(NamedTuple):
    """Interfaces that commands make, which have addresses."""

    span: Span
    interfaces: Nodes
    commands: tuple[Word | String, ...]
    addresses: tuple[Attribute, ...]


class Machine(NamedTuple):
    """A machine: how ssh(1) reaches it, and its attributes."""

    span: Span
    name: Word
    ssh: Word | String
    items: tuple[Attribute, ...]


class Place(NamedTuple):
    """The machine that nodes are on."""

    span: Span
    nodes: Nodes
    machine: Word


Statement = (
    Lab | Pool | Declaration | Profile | DefaultLink | Link | Tunnel | Bond | Teql
    | Shape | Routing | Route | Spray | Mptcp | Sysctl | Masquerade | PortForward | Uplink
    | Expect | Bench | At | Run | Capture | Device
    | Machine | Place
)  # fmt: skip
"""The flat statements, which a lab consists of after expansion."""


class Formula(NamedTuple):
    """An expression or a range without brackets, after `if` or `in`."""

    span: Span
    text: str


class Param(NamedTuple):
    span: Span
    name: Word
    value: Word | String


class Listing(NamedTuple):
    """The list of a `for`."""

    span: Span
    words: tuple[Word | String, ...]


class Loop(NamedTuple):
    span: Span
    variable: Word
    values: Listing | Formula
    body: tuple["Node", ...]


class Branch(NamedTuple):
    """A condition of an `if` with its block."""

    span: Span
    condition: Formula
    body: tuple["Node", ...]


class Choice(NamedTuple):
    """`if` with all `else if`, and the block of `else`."""

    span: Span
    branches: tuple[Branch, ...]
    otherwise: tuple["Node", ...]


class Use(NamedTuple):
    """`use FILE as NAME with KEY=VALUE`; a file of the library is a word, any other a string."""

    span: Span
    file: Word | String
    name: Word | None
    values: tuple[Assignment, ...]


Node = Statement | Param | Loop | Choice | Use
"""The statements of a file before expansion."""
