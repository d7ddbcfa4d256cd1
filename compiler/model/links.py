"""Links, the interfaces that they join, and how these shape what leaves by them."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.ground.units import Queue
from compiler.model.networks import AddressWithPrefix, Network


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


class Interface(NamedTuple):
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


class Pin(NamedTuple):
    """A network that the source writes out, or that of an address that it does."""

    network: Network
    span: Span


class Link(NamedTuple):
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
