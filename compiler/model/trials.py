"""What is tried on a lab that is up: expectations, measured transfers, and processes that run in it.

Rates are bits a second, times microseconds; tuples are in written order.
"""

from enum import StrEnum
from typing import NamedTuple

from compiler.ground.source import Span


class Protocol(StrEnum):
    """What carries data from one program to another."""

    TCP = "tcp"
    MPTCP = "mptcp"
    UDP = "udp"


class Transfer(NamedTuple):
    """As much data as goes through, over a number of connections at once."""

    protocol: Protocol = Protocol.TCP
    flows: int = 1

    def __str__(self) -> str:
        return self.protocol if self.flows == 1 else f"{self.protocol} {self.flows}"


class Reachability(NamedTuple):
    """Whether each of the target's own addresses answers."""

    reachable: bool


class RoundTrip(NamedTuple):
    """The time of a round trip to each of the target's own addresses, both bounds included."""

    least: int
    most: int


class Throughput(NamedTuple):
    """What a program at the target receives, at least."""

    least: int
    transfer: Transfer


Claim = Reachability | RoundTrip | Throughput


class Expectation(NamedTuple):
    """What an `expect` statement claims of one source and one target; both are nodes."""

    source: str
    target: str
    claim: Claim
    span: Span


class Bench(NamedTuple):
    """Transfers from one node to another that are measured, one after the other, each for `time`."""

    source: str
    target: str
    transfers: tuple[Transfer, ...]
    time: int
    span: Span


class Run(NamedTuple):
    """A command line of bash that runs in a node from up to down."""

    node: str
    command: str
    environment: tuple[tuple[str, str], ...]
    span: Span
