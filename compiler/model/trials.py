"""Trials on a running lab: expectations, measured transfers, and processes that run in it and captures of
its packets.

Rates are bits a second, times microseconds; tuples are in written order.
"""

from enum import StrEnum
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName


class Protocol(StrEnum):
    """The transport protocol of a transfer."""

    TCP = "tcp"
    MPTCP = "mptcp"
    UDP = "udp"


class Transfer(NamedTuple):
    """Data sent at the highest rate, over a number of concurrent connections."""

    protocol: Protocol = Protocol.TCP
    flows: int = 1

    def __str__(self) -> str:
        return self.protocol if self.flows == 1 else f"{self.protocol} {self.flows}"


class Reachability(NamedTuple):
    """Whether each of the target's node addresses answers."""

    reachable: bool


class RoundTrip(NamedTuple):
    """Bounds of the round-trip time to each of the target's node addresses, both inclusive."""

    least: int
    most: int


class Throughput(NamedTuple):
    """The least rate of payload that a program at the target receives."""

    least: int
    transfer: Transfer


Claim = Reachability | RoundTrip | Throughput


class Expectation(NamedTuple):
    """A claim of an `expect` statement about one source and one target; both are nodes."""

    source: str
    target: str
    claim: Claim
    span: Span


class Capture(NamedTuple):
    """The packets of an interface, written to a file from up to down, or during each transfer of a bench;
    `snap` bytes of each, or all."""

    interface: InterfaceName
    snap: int | None
    span: Span


class Bench(NamedTuple):
    """Transfers from one node to another, measured one after the other, each for `time`."""

    source: str
    target: str
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
