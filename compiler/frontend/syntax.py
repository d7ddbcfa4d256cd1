"""The syntax tree: a class for each rule of `grammar/topo.lark` that is more than a list.

The fields of a class are its place and then the children of its rule, in order.
"""

from dataclasses import dataclass

from compiler.frontend.source import Span


@dataclass(frozen=True, slots=True)
class Word:
    """A name, an interface, an address, a quantity, or a keyword where one stands."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class String:
    """A quoted string; `text` is its value."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Nodes:
    """A node, or a list of them in braces."""

    span: Span
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Lab:
    span: Span
    name: Word


@dataclass(frozen=True, slots=True)
class Pool:
    span: Span
    prefix: Word


@dataclass(frozen=True, slots=True)
class NodeAttribute:
    """`device` is what follows `on`, for an `address` only."""

    span: Span
    keyword: Word
    value: Word
    device: Word | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """`host a b` or `router a b`."""

    span: Span
    kind: Word
    names: tuple[Word, ...]
    attributes: tuple[NodeAttribute, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a link; `second` is the right end's address, for an `address` only."""

    span: Span
    keyword: Word
    value: Word
    second: Word | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    profile: Word | None
    items: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    span: Span
    name: Word
    items: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class DefaultLink:
    span: Span
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Link:
    """Two node sets or more, each joined to the next."""

    span: Span
    chain: tuple[Nodes, ...]
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Shape:
    span: Span
    sources: Nodes
    targets: Nodes
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Routing:
    span: Span
    kind: Word
    metric: Word | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    span: Span
    to: Word
    weight: Word | None


@dataclass(frozen=True, slots=True)
class Route:
    span: Span
    sources: Nodes
    target: Nodes
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    span: Span
    name: Word
    value: Word | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    span: Span
    interface: Word
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    span: Span
    keyword: Word
    value: Word


@dataclass(frozen=True, slots=True)
class Mptcp:
    """`arrow` is `--` where either side opens connections, `->` where the left one does."""

    span: Span
    left: Nodes
    arrow: Word
    right: Nodes
    options: tuple[tuple[Endpoint, ...] | Limit, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    span: Span
    key: Word
    value: Word | String


@dataclass(frozen=True, slots=True)
class Sysctl:
    span: Span
    nodes: Nodes
    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Masquerade:
    span: Span
    nodes: Nodes
    out: Nodes | None


Statement = (
    Lab | Pool | Declaration | Profile | DefaultLink | Link | Shape
    | Routing | Route | Mptcp | Sysctl | Masquerade
)  # fmt: skip
