"""The subflows that the kernel's path manager makes of an MPTCP connection (net/mptcp/pm_kernel.c).

The client makes them: from each `subflow` endpoint to the address that it connected to, from each `fullmesh`
endpoint to every address that it knows, and to each address that the server signals and the client may
accept. The limit of subflows of either side ends that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from compiler.model.multipath import Endpoint, Limits
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.prediction.lookup import Lookup
from compiler.prediction.trips import Trip, trips
from compiler.prediction.ways import meant, ways


@dataclass(frozen=True, slots=True)
class Subflow:
    """One subflow, with all trips that a hash can choose for it; the first of a connection is `initial`."""

    source: Address
    target: Address
    trips: tuple[Trip, ...]
    initial: bool
    backup: bool


@dataclass(frozen=True, slots=True)
class Connection:
    """The subflows of a connection with one source address, and the fraction of connections that have it."""

    share: Fraction
    subflows: tuple[Subflow, ...]

    @property
    def used(self) -> tuple[Subflow, ...]:
        """The subflows that carry data: backup subflows only if there are no others."""
        return tuple(one for one in self.subflows if not one.backup) or self.subflows


def connections(
    lookup: Lookup, client: str, server: str, target: Address, begun: Address | None = None
) -> tuple[Connection, ...]:
    """The connections from one node to an address of another, one for each source address: of all, or the one
    that they are begun at."""
    out = meant(lookup, server, ways(lookup, client, target, begun))
    first = [trip for trip in trips(lookup, out) if trip.works]
    found = []
    for source, group in groupby(sorted(first, key=_source), key=_source):
        own = tuple(group)
        share = sum((trip.out.share for trip in own), Fraction(0))
        manager = _PathManager(lookup, lookup.nodes[client], lookup.nodes[server], target)
        found.append(Connection(share, tuple(manager.subflows(source, own))))
    return tuple(found)


def _source(trip: Trip) -> Address:
    """The source address of a trip, before any translation."""
    made = trip.out.translations
    source = made[0].original if made else trip.out.source
    assert source is not None
    return source


class _PathManager:
    """The path managers of both ends, for connections to one address."""

    def __init__(self, lookup: Lookup, client: Node, server: Node, target: Address) -> None:
        self.lookup = lookup
        self.client = client
        self.target = target
        self.own = _of_family(client.endpoints, target)
        self.signalled = _signalled(client.limits, _of_family(server.endpoints, target), target)
        self.most = min(_subflows(client.limits), _subflows(server.limits))
        self.backup = {end.address for end in server.endpoints if "backup" in end.flags}

    def subflows(self, source: Address, first: tuple[Trip, ...]) -> Iterator[Subflow]:
        yield Subflow(source, self.target, first, True, self._stands_by(source, self.target))
        left = self.most
        for address, target, device in self._wanted(source):
            if left > 0 and (made := self._made(address, target, device)):
                left -= 1
                yield made

    def _wanted(self, source: Address) -> Iterator[tuple[Address | None, Address, str | None]]:
        """The subflows that the client tries, in order: its address (None: by route) and the server's."""
        for end in self.own:
            if "subflow" in end.flags and end.address != source:
                yield end.address, self.target, end.interface
        meshed = [end for end in self.own if {"subflow", "fullmesh"} <= set(end.flags)]
        for target in self.signalled:
            yield from ((end.address, target, end.interface) for end in meshed)
            if not meshed:
                yield None, target, None

    def _made(self, source: Address | None, target: Address, device: str | None) -> Subflow | None:
        found = trips(self.lookup, ways(self.lookup, self.client.name, target, source, device))
        works = tuple(trip for trip in found if trip.works)
        if not works:
            return None
        source = _source(works[0])
        return Subflow(source, target, works, False, self._stands_by(source, target))

    def _stands_by(self, source: Address, target: Address) -> bool:
        own = {end.address for end in self.own if "backup" in end.flags}
        return source in own or target in self.backup


def _of_family(endpoints: tuple[Endpoint, ...], target: Address) -> list[Endpoint]:
    return [end for end in endpoints if end.address.version == target.version]


def _subflows(limits: Limits | None) -> int:
    """The limit of subflows; the default of a namespace is 2 (mptcp_pm_nl_init_net)."""
    return limits.subflows if limits else 2


def _signalled(limits: Limits | None, endpoints: list[Endpoint], target: Address) -> list[Address]:
    """The announced addresses that the client accepts."""
    announced = [end.address for end in endpoints if "signal" in end.flags and end.address != target]
    return list(dict.fromkeys(announced))[: limits.accept if limits else 0]
