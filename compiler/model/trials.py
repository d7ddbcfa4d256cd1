"""Trials on a running lab: expectations, measured transfers, and processes that run in it and captures of
its packets.

Rates are bits a second, times microseconds; tuples are in written order.
"""

from enum import StrEnum
from typing import NamedTuple, Self, TypeVar

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address

Ends = TypeVar("Ends")


class End(NamedTuple):
    """An end of what is tried: a node, by what its name means, or by an `interface` of it.

    Or, in place of a target, an `address` that several nodes have, of which `node` is one.
    """

    node: str
    interface: str = ""
    address: Address | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """The end that `node` or `node:interface` means."""
        return cls(*text.partition(":")[::2])

    def __str__(self) -> str:
        if self.address:
            return str(self.address)
        return f"{self.node}:{self.interface}" if self.interface else self.node


class Protocol(StrEnum):
    """The transport protocol of a transfer."""

    TCP = "tcp"
    MPTCP = "mptcp"
    UDP = "udp"


class Transfer(NamedTuple):
    """Data sent at the highest rate, over a number of concurrent connections from a source to a target.

    In `reverse`, the target sends it to the source, over the connections that the source opens.
    """

    protocol: Protocol = Protocol.TCP
    flows: int = 1
    reverse: bool = False

    def __str__(self) -> str:
        return f"{self.protocol}{f' {self.flows}' * (self.flows != 1)}{' reverse' * self.reverse}"

    def data(self, source: Ends, target: Ends) -> tuple[Ends, Ends]:
        """The ends as the one that sends data and the one that receives it."""
        return (target, source) if self.reverse else (source, target)


class Reachability(NamedTuple):
    """Whether each address that stands for the target answers."""

    reachable: bool


class RoundTrip(NamedTuple):
    """Bounds of the round-trip time to each address that stands for the target, both inclusive."""

    least: int
    most: int


class Throughput(NamedTuple):
    """The least rate of payload that a program at the target receives, or in reverse one at the source."""

    least: int
    transfer: Transfer


Claim = Reachability | RoundTrip | Throughput


class Expectation(NamedTuple):
    """A claim of an `expect` statement about one source and one target."""

    source: End
    target: End
    claim: Claim
    span: Span


class Capture(NamedTuple):
    """The packets of an interface, written to a file from up to down, or during each transfer of a bench;
    `snap` bytes of each, or all."""

    interface: InterfaceName
    snap: int | None
    span: Span


class Bench(NamedTuple):
    """Transfers from one end to another, measured one after the other, each for `time`."""

    source: End
    target: End
    transfers: tuple[Transfer, ...]
    time: int
    span: Span
    captures: tuple[Capture, ...] = ()


class Run(NamedTuple):
    """A command line of bash that runs in a node's namespace from up to down.

    Or the words of a command that runs in its container (`inside`). `ready` tells when up goes on: as soon
    as something listens at that TCP port of the namespace, or that command succeeds, where this one runs.
    """

    node: str
    command: str | tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    ready: int | str | tuple[str, ...] | None
    span: Span
