"""The syntax tree: a class for each rule of `grammar/topo.lark` that is more than a list.

The fields of a class are its place and then the children of its rule, in order.
"""

from typing import NamedTuple

from compiler.ground.source import Span


class Word(NamedTuple):
    """A name, an interface, an address, a quantity, or a keyword where one stands."""

    span: Span
    text: str


class String(NamedTuple):
    """A quoted string; `text` is its value."""

    span: Span
    text: str


class Nodes(NamedTuple):
    """A node, or a list of them in braces."""

    span: Span
    words: tuple[Word, ...]


class Lab(NamedTuple):
    span: Span
    name: Word


class Pool(NamedTuple):
    span: Span
    prefix: Word


class NodeAttribute(NamedTuple):
    """`device` is what follows `on`, for an `address` only."""

    span: Span
    keyword: Word
    value: Word
    device: Word | None = None


NODE_ATTRIBUTES = frozenset({"address", "netns", "forward", "subnet", "stp"})
"""The keywords of `NodeAttribute`; after the first name of a declaration, each would be read as one."""


class Declaration(NamedTuple):
    """`host a b`, `router a b` or `switch a b`."""

    span: Span
    kind: Word
    names: tuple[Word, ...]
    attributes: tuple[NodeAttribute, ...]


class Attribute(NamedTuple):
    """An attribute of a link, or the kind of a tunnel.

    `second` is the right end's address, for an `address` of two ends only.
    """

    span: Span
    keyword: Word
    value: Word
    second: Word | None = None


LINK_ATTRIBUTES = (
    "rate delay jitter loss duplicate corrupt reorder queue burst mtu cost subnet address".split()
)
"""The keywords of `Attribute`, in the order that they are listed in."""


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
    """Two node sets or more, each joined to the next."""

    span: Span
    chain: tuple[Nodes, ...]
    attributes: Attributes


class Tunnel(NamedTuple):
    """What joins two nodes over others; each of `via` is one that it passes, or a set for a tunnel each."""

    span: Span
    left: Nodes
    right: Nodes
    via: tuple[Nodes, ...]
    items: tuple[Attribute, ...]


class Shape(NamedTuple):
    span: Span
    sources: Nodes
    targets: Nodes
    attributes: Attributes


class Routing(NamedTuple):
    span: Span
    kind: Word
    metric: Word | None = None
    aggregate: Word | None = None


class Hop(NamedTuple):
    span: Span
    to: Word
    weight: Word | None


class Route(NamedTuple):
    span: Span
    sources: Nodes
    target: Nodes
    hops: tuple[Hop, ...]
    per_packet: Word | None = None


class Weight(NamedTuple):
    """How many packets in turn a path gets that goes over a node or an interface."""

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


class Assignment(NamedTuple):
    span: Span
    key: Word
    value: Word | String


class Sysctl(NamedTuple):
    span: Span
    nodes: Nodes
    assignments: tuple[Assignment, ...]


class Masquerade(NamedTuple):
    span: Span
    nodes: Nodes
    out: Nodes | None


class Reachability(NamedTuple):
    """`reachable` or `unreachable`."""

    span: Span
    word: Word


class RoundTrip(NamedTuple):
    """`rtt LEAST..MOST`, the range as one word."""

    span: Span
    times: Word


class Transfer(NamedTuple):
    """`tcp`, `mptcp` or `udp`, and how many flows at once."""

    span: Span
    protocol: Word
    flows: Word | None


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


class Bench(NamedTuple):
    span: Span
    sources: Nodes
    targets: Nodes
    transfers: tuple[Transfer, ...]
    time: Word | None


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
    span: Span
    nodes: Nodes
    command: Word | String
    environment: tuple[Assignment, ...] | None


Statement = (
    Lab | Pool | Declaration | Profile | DefaultLink | Link | Tunnel | Shape
    | Routing | Route | Spray | Mptcp | Sysctl | Masquerade
    | Expect | Bench | At | Run
)  # fmt: skip
"""What a lab consists of, once it is flat."""


class Formula(NamedTuple):
    """What is to be computed, where it stands without brackets."""

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
    """A condition of an `if`, and what stands under it."""

    span: Span
    condition: Formula
    body: tuple["Node", ...]


class Choice(NamedTuple):
    """`if`, all its `else if`, and what stands under `else`."""

    span: Span
    branches: tuple[Branch, ...]
    otherwise: tuple["Node", ...]


class Use(NamedTuple):
    """`use FILE as NAME with KEY=VALUE`; a library's file is a word, another a string."""

    span: Span
    file: Word | String
    name: Word | None
    values: tuple[Assignment, ...]


Node = Statement | Param | Loop | Choice | Use
"""What a file consists of."""
