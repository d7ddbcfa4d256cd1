"""Links, the ports that they end in, and how these shape what leaves by them."""

from enum import StrEnum
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.ground.units import Queue
from compiler.model.networks import Network


class InterfaceName(NamedTuple):
    """An interface of a node, written `node:interface`."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}:{self.name}"


class Shaping(NamedTuple):
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


class Port(NamedTuple):
    """What a link ends in: a device of its node. `shaping` is that of the packets that leave through it."""

    id: InterfaceName
    shaping: Shaping
    span: Span

    @property
    def node(self) -> str:
        return self.id.node

    @property
    def name(self) -> str:
        return self.id.name


class Pin(NamedTuple):
    """A network that the source writes out, or that of an address that it does."""

    network: Network
    span: Span


class LinkKind(StrEnum):
    """What a link is made of, in the words of ip-link(8)."""

    VETH = "veth"


class Link(NamedTuple):
    """Two ports that are joined; `span` is the place of the hop that asked for it.

    `spare` is whether the spanning tree of its switches leaves it out, so that it carries nothing.
    """

    left: Port
    right: Port
    pins: tuple[Pin, ...]
    mtu: int | None
    cost: int
    span: Span
    spare: bool = False
    kind: LinkKind = LinkKind.VETH

    @property
    def ends(self) -> tuple[Port, Port]:
        return self.left, self.right

    @property
    def directions(self) -> tuple[tuple[Port, Port], tuple[Port, Port]]:
        """Each end with the other."""
        return (self.left, self.right), (self.right, self.left)

    @property
    def identity(self) -> str:
        """What names the link wherever it stands in the file and whichever end is written first."""
        return " ".join(sorted(str(end.id) for end in self.ends))
