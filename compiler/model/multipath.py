"""MPTCP: endpoints and limits of a node, and the pairs that the source asks for."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address

MPTCP_MOST = 8
"""Endpoints of a node, subflows, and accepted addresses: MPTCP_PM_ADDR_MAX of net/mptcp/pm_kernel.c."""


class Endpoint(NamedTuple):
    """An MPTCP endpoint, flags in the words of ip-mptcp(8)."""

    address: Address
    interface: str
    flags: tuple[str, ...]
    port: int | None = None


class Limits(NamedTuple):
    """MPTCP limits of a node: more subflows than the first, and announced addresses to accept."""

    subflows: int
    accept: int


class EndpointPin(NamedTuple):
    """An endpoint that the source writes out; it replaces what is inferred for its node."""

    interface: InterfaceName
    flags: tuple[str, ...]
    port: int | None
    span: Span


class Pair(NamedTuple):
    """What an `mptcp` statement asks for; either end may open the connection, or `client` does."""

    left: str
    right: str
    client: str | None
    pins: tuple[EndpointPin, ...]
    subflows: int | None
    accept: int | None
    span: Span

    @property
    def openings(self) -> Iterator[tuple[str, str]]:
        """The ends as client and server, each way that a connection may be opened."""
        ends = ((self.left, self.right), (self.right, self.left))
        return (both for both in ends if self.client in (None, both[0]))


def opener(pairs: Iterable[Pair], source: str, target: str) -> str:
    """Who opens the MPTCP connection by which one node sends to another: it, but where only the other may."""
    clients = [pair.client for pair in pairs if {source, target} == {pair.left, pair.right}]
    return target if clients and all(client == target for client in clients) else source
