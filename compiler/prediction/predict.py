"""Predictions for packets and transfers between two nodes of a lab."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from math import inf

from compiler.infer.graph import Graph
from compiler.model.lab import Lab
from compiler.model.multipath import opener
from compiler.model.networks import Address
from compiler.model.trials import Bench, End, Expectation, Protocol, Throughput, Transfer
from compiler.prediction.estimate import NOTHING, Estimate, combined, estimate
from compiler.prediction.lookup import Lookup
from compiler.prediction.maxflow import Bound, of_flows, of_lab
from compiler.prediction.sprayed import as_flows
from compiler.prediction.subflows import Connection, Subflow, connections
from compiler.prediction.tcp import bounding_share, control
from compiler.prediction.trips import Trip, reverse, split, trips
from compiler.prediction.ways import MOST_WAYS, Way, meant, ways

MOST_TRIPS = 512
"""The most trips of a pair over which flows are placed; further ones are left out."""


class Predictor:
    """Predicts for pairs of nodes of one lab, after all passes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lookup = Lookup(lab)

    @cached_property
    def graphs(self) -> dict[int, Graph]:
        """The lab as a graph, by family."""
        return {version: Graph(self.lab, version) for version in self.lab.versions}

    def between(self, source: str | End, target: str | End, address: Address | None = None) -> "Prediction":
        """The prediction for a program at `source` that connects to an address of `target`. Each is a node,
        or an interface by whose address it is known.

        Without an address, it is the one that the target's name resolves to first: IPv4 before IPv6.
        """
        ends = _end(source), _end(target)
        if ends[1].address:
            return self.to_address(ends[0], ends[1].address)
        known = self._addresses(*ends)
        chosen = address or min(known, key=lambda address: address.version, default=None)
        return self._prediction(*ends, chosen)

    def families(self, source: str | End, target: str | End) -> "list[Prediction]":
        """A prediction for each family of the target's addresses that the source has too; if there is none,
        one for no address."""
        ends = _end(source), _end(target)
        versions = {address.version for address in self.lookup.own[ends[0].node]}
        own = sorted(self._addresses(*ends), key=lambda address: address.version)
        chosen = {one.version: one for one in reversed(own) if one.version in versions}
        addresses: list[Address | None] = [chosen[version] for version in sorted(chosen)]
        addresses = addresses or [*own[:1]] or [None]
        return [self._prediction(*ends, one) for one in addresses]

    def to_address(self, source: str | End, address: Address) -> "Prediction":
        """The prediction for a program that connects to an address, at whichever node its packets come to."""
        begin = _end(source)
        found = self._prediction(begin, End(begin.node), address)
        ends = {way.at for way in found.outwards if way.delivered} or {
            name for name, own in self.lookup.own.items() if address in own
        }
        return replace(found, target=min(ends), named=(str(begin), str(address)))

    def _addresses(self, source: End, target: End) -> tuple[Address, ...]:
        """The addresses that stand for the target; of a node those that its name means, in order."""
        if target.interface or source.interface:
            return self.lab.meanings.between(source, target)
        own = self.lab.meanings.all(target.node, source.node)
        return tuple(dict.fromkeys((*own, *self.lookup.own[target.node])))

    def _prediction(self, source: End, target: End, address: Address | None) -> "Prediction":
        known = (
            self.lab.meanings.tried(source.node, source.node, source.interface) if source.interface else ()
        )
        begun = next((own for own in known if address and own.version == address.version), None)
        return Prediction(
            self.lab, self.lookup, source.node, target.node, address, begun, (str(source), str(target))
        )


def _end(end: str | End) -> End:
    return End.read(end) if isinstance(end, str) else end


@dataclass(frozen=True)
class Prediction:
    """The prediction for packets and transfers from `source` to an address of `target`.

    Packets are sent from the address `begun` where the source is an interface. `named` are the ends as they
    are written. Rates are bits a second of payload, infinite if no link on the path has a rate; times are
    microseconds.
    """

    lab: Lab
    lookup: Lookup
    source: str
    target: str
    address: Address | None
    begun: Address | None
    named: tuple[str, str]

    @cached_property
    def trips(self) -> tuple[Trip, ...]:
        """All paths to the target, with their return paths."""
        if self.address is None:
            return ()
        return trips(self.lookup, self.outwards)

    @cached_property
    def outwards(self) -> tuple[Way, ...]:
        """All paths to the target."""
        assert self.address
        found = ways(self.lookup, self.source, self.address, self.begun, most=MOST_TRIPS)
        return meant(self.lookup, self.target, found)

    @cached_property
    def working(self) -> tuple[Trip, ...]:
        """The trips whose packets arrive, with a return path that arrives."""
        return tuple(trip for trip in self.trips if trip.works)

    @property
    def is_whole(self) -> bool:
        """Whether `trips` is complete, and not cut at a bound."""
        return len(self.trips) < MOST_TRIPS

    @property
    def rtt(self) -> tuple[float, float] | None:
        """The least and the most round-trip time without load over all trips; None if no answers arrive."""
        found = [trip.rtt for trip in self.working]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    @cached_property
    def bound(self) -> Bound:
        """The maximum flow over all links to one node, in bits a second of frames."""
        ends = dict.fromkeys((self.target, *(trip.out.at for trip in self.trips if trip.out.delivered)))
        bounds = (of_lab(self.lookup, self.source, name) for name in ends if name != self.source)
        return max(bounds, key=lambda bound: bound.rate, default=Bound(inf, ()))

    def goodput(self, transfer: Transfer) -> Estimate:
        """The received payload of a transfer."""
        sender, _ = transfer.data(self.source, self.target)
        return self._estimate(transfer, control(self.lookup.nodes[sender]))

    def placed(self, transfer: Transfer) -> Estimate:
        """The received payload if only the rates of links and the placement by hashes bound it."""
        return self._estimate(transfer, None)

    def _estimate(self, transfer: Transfer, name: str | None) -> Estimate:
        protocol, flows = transfer.protocol, transfer.flows
        if not self.working:
            return NOTHING
        if protocol is not Protocol.MPTCP:
            return estimate([self._flows(transfer)], flows, protocol, name)
        used = ((one.share, [own.trips for own in self._used(one, transfer)]) for one in self.connections)
        return combined((float(share), estimate(own, flows, protocol, name)) for share, own in used)

    def _flows(self, transfer: Transfer) -> tuple[Trip, ...]:
        """The trips that flows may have, in the direction of the data; also those that do not work."""
        if not transfer.reverse:
            return tuple(chain.from_iterable(map(split, self.trips)))
        return tuple(chain.from_iterable(reverse(one) if one.back else (one,) for one in self.trips))

    def data(self, transfer: Transfer) -> tuple[Trip, ...]:
        """The working trips of the data of a transfer, over all choices of hashes."""
        return tuple(trip for choices in self._choices(transfer) for own in choices for trip in own)

    def _choices(self, transfer: Transfer) -> list[list[tuple[Trip, ...]]]:
        """The working trips of the data of a transfer: for each of its connections those of each subflow."""
        if transfer.protocol is Protocol.MPTCP:
            return [[own.trips for own in self._used(one, transfer)] for one in self.connections]
        if transfer.reverse:
            return [[tuple(trip for trip in self._flows(transfer) if trip.works)]]
        return [[self.working]]

    def most(self, transfer: Transfer) -> Bound:
        """The bound of a transfer for any placement, congestion control and machine: bits a second of
        payload, and the links of the cut."""
        found = self._choices(transfer)
        known = [trip for choices in found for own in choices for trip in own]
        if not known:
            return Bound(0.0, ())
        in_turn = any(trip.out.turns != 1 for trip in known)
        if in_turn and transfer.protocol is Protocol.TCP and self.is_whole:
            frames = of_flows([as_flows(found[0][0])] * transfer.flows)
        elif (
            not in_turn
            and self.is_whole
            and all(len(own) < MOST_WAYS for choices in found for own in choices)
        ):
            frames = max((of_flows(choices * transfer.flows) for choices in found), key=lambda one: one.rate)
        else:
            frames = of_lab(self.lookup, *transfer.data(self.source, self.target), with_bursts=True)
        best = max(bounding_share(trip, transfer.protocol) for trip in known)
        return Bound(frames.rate * best, frames.cut)

    @property
    def backward(self) -> tuple[Transfer, ...]:
        """The transfers in reverse that statements name for these ends."""
        claims = ((one, one.claim) for one in self.lab.expectations)
        named: list[tuple[Bench | Expectation, Transfer]]
        named = [(bench, one) for bench in self.lab.benches for one in bench.transfers]
        named += [(one, claim.transfer) for one, claim in claims if isinstance(claim, Throughput)]
        of_these = (one for by, one in named if (str(by.source), str(by.target)) == self.named)
        return tuple(dict.fromkeys(one for one in of_these if one.reverse))

    @cached_property
    def opener(self) -> str:
        """The end that opens MPTCP connections: the sender, or the other end if the sender cannot."""
        return opener(self.lab.pairs, self.source, self.target)

    @cached_property
    def connections(self) -> Sequence[Connection]:
        """The MPTCP connections of the pair, by the source address of the first subflow."""
        if self.address is None:
            return ()
        if self.opener == self.source:
            return connections(self.lookup, self.source, self.target, self.address, self.begun)
        known = self.lab.meanings.all(self.source, self.target)
        own = [self.begun] if self.begun else [one for one in known if one.version == self.address.version]
        return connections(self.lookup, self.target, self.source, own[0], self._target) if own else ()

    @property
    def _target(self) -> Address | None:
        """The address that the target opens connections from, where it is an interface."""
        return self.address if ":" in self.named[1] else None

    def _used(self, connection: Connection, transfer: Transfer) -> list[Subflow]:
        """The subflows that carry data, in the direction of the data."""
        sender, _ = transfer.data(self.source, self.target)
        if self.opener == sender:
            return list(connection.used)
        turned = ((own, tuple(chain.from_iterable(map(reverse, own.trips)))) for own in connection.used)
        return [replace(own, trips=trips) for own, trips in turned]

    @property
    def has_mptcp(self) -> bool:
        """Whether either end has MPTCP endpoints."""
        return any(self.lookup.nodes[name].endpoints for name in (self.source, self.target))

    @cached_property
    def detours(self) -> tuple[Trip, ...]:
        """The trips that only subflows of MPTCP beyond the first take."""
        known = {trip.out.links for trip in self.trips}
        transfer = Transfer(Protocol.MPTCP)
        subflows = chain.from_iterable(self._used(one, transfer) for one in self.connections)
        trips = chain.from_iterable(subflow.trips for subflow in subflows)
        return tuple({trip.out.links: trip for trip in trips if trip.out.links not in known}.values())
