"""What is tried on a lab that is up: expectations, measured transfers, and processes that run in it.

Rates are bits a second, times microseconds; tuples are in written order.
"""

from dataclasses import dataclass
from enum import StrEnum

from compiler.ground.source import Span


class Protocol(StrEnum):
    """What carries data from one program to another."""

    TCP = "tcp"
    MPTCP = "mptcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class Transfer:
    """As much data as goes through, over a number of connections at once."""

    protocol: Protocol = Protocol.TCP
    flows: int = 1

    def __str__(self) -> str:
        return self.protocol if self.flows == 1 else f"{self.protocol} {self.flows}"


@dataclass(frozen=True, slots=True)
class Reachability:
    """Whether each of the target's own addresses answers."""

    reachable: bool


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The time of a round trip to each of the target's own addresses, both bounds included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """What a program at the target receives, at least."""

    least: int
    transfer: Transfer


Claim = Reachability | RoundTrip | Throughput


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an `expect` statement claims of one source and one target; both are nodes."""

    source: str
    target: str
    claim: Claim
    span: Span


@dataclass(frozen=True, slots=True)
class Bench:
    """Transfers from one node to another that are measured, one after the other, each for `time`."""

    source: str
    target: str
    transfers: tuple[Transfer, ...]
    time: int
    span: Span


@dataclass(frozen=True, slots=True)
class Run:
    """A command line of bash that runs in a node from up to down."""

    node: str
    command: str
    environment: tuple[tuple[str, str], ...]
    span: Span
