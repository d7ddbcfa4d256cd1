"""MPTCP: endpoints and limits of a node, and the pairs of `mptcp` statements."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address

MPTCP_MOST = 8
"""Bound of endpoints, subflows and accepted addresses: MPTCP_PM_ADDR_MAX of net/mptcp/pm_kernel.c."""


class Endpoint(NamedTuple):
    """An MPTCP endpoint; flags as in ip-mptcp(8)."""

    address: Address
    interface: str
    flags: tuple[str, ...]
    port: int | None = None


class Limits(NamedTuple):
    """MPTCP limits of a node: subflows beyond the first, and announced addresses that it accepts."""

    subflows: int
    accept: int


class EndpointPin(NamedTuple):
    """An endpoint that the source writes out; it replaces the inferred ones of its node."""

    interface: InterfaceName
    flags: tuple[str, ...]
    port: int | None
    span: Span


class Pair(NamedTuple):
    """Two nodes of an `mptcp` statement; `client` opens the connections, or either end where it is None."""

    left: str
    right: str
    client: str | None
    pins: tuple[EndpointPin, ...]
    subflows: int | None
    accept: int | None
    span: Span

    @property
    def openings(self) -> Iterator[tuple[str, str]]:
        """The ends as client and server, for each end that may open a connection."""
        ends = ((self.left, self.right), (self.right, self.left))
        return (both for both in ends if self.client in (None, both[0]))


def opener(pairs: Iterable[Pair], source: str, target: str) -> str:
    """The client of the MPTCP connection in which `source` sends to `target`: `source`, unless only `target`
    may open connections."""
    clients = [pair.client for pair in pairs if {source, target} == {pair.left, pair.right}]
    return target if clients and all(client == target for client in clients) else source
