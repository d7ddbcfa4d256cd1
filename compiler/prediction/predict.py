"""What packets and transfers from one node of a lab to another will meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from compiler.ir.graph import Graph
from compiler.ir.lab import Address, Lab
from compiler.ir.trials import Protocol, Transfer
from compiler.prediction.estimate import NOTHING, Estimate, combined, estimate
from compiler.prediction.lookup import Lookup
from compiler.prediction.maxflow import Bound, bound
from compiler.prediction.subflows import Connection, connections
from compiler.prediction.tcp import control
from compiler.prediction.trips import Trip, trips
from compiler.prediction.ways import ways


class Predictor:
    """Predicts for pairs of nodes of one lab, after all passes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lookup = Lookup(lab)

    @cached_property
    def graphs(self) -> dict[int, Graph]:
        """The lab as a graph, by family."""
        return {version: Graph(self.lab, version) for version in self.lab.versions}

    def between(self, source: str, target: str, address: Address | None = None) -> "Prediction":
        """What a program in `source` meets that connects to an address of `target`.

        Where none is given, it is what the name stands for: IPv4 first, else that of an interface.
        """
        own = self.lookup.own[target]
        chosen = address or min(own, key=lambda address: address.version, default=None)
        return Prediction(self.lab, self.lookup, source, target, chosen)


@dataclass(frozen=True)
class Prediction:
    """What a packet and a transfer from `source` to an address of `target` will meet.

    Rates are bits a second of payload, and infinite where no link on the way has one; times are microseconds.
    """

    lab: Lab
    lookup: Lookup
    source: str
    target: str
    address: Address | None

    @cached_property
    def trips(self) -> tuple[Trip, ...]:
        """All ways to the target, with the ways back from it."""
        if self.address is None:
            return ()
        return trips(self.lookup, ways(self.lookup, self.source, self.address))

    @cached_property
    def working(self) -> tuple[Trip, ...]:
        """The ways that arrive and have a way back."""
        return tuple(trip for trip in self.trips if trip.works)

    @property
    def rtt(self) -> tuple[float, float] | None:
        """Of a round trip without load, at least and at most over all ways; None where nothing comes back."""
        found = [trip.rtt for trip in self.working]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    @cached_property
    def bound(self) -> Bound:
        """The most that all links together carry, in bits a second of frames."""
        return bound(self.lab, self.source, self.target)

    def goodput(self, transfer: Transfer) -> Estimate:
        """What arrives of the data of a transfer that `source` opens."""
        return self._estimate(transfer, control(self.lookup.nodes[self.source]))

    def most(self, transfer: Transfer) -> Estimate:
        """What a transfer cannot exceed, whatever congestion control and machine do."""
        return self._estimate(transfer, None)

    def _estimate(self, transfer: Transfer, control: str | None) -> Estimate:
        protocol, flows = transfer.protocol, transfer.flows
        if not self.working:
            return NOTHING
        if protocol is not Protocol.MPTCP:
            return estimate([self.working] * flows, protocol, control)
        return combined(
            (
                float(one.share),
                estimate([subflow.trips for subflow in one.used] * flows, protocol, control),
            )
            for one in self.connections
        )

    @cached_property
    def connections(self) -> Sequence[Connection]:
        """The MPTCP connections that `source` can open, by the address that they begin at."""
        return connections(self.lookup, self.source, self.target, self.address) if self.address else ()

    @property
    def has_mptcp(self) -> bool:
        """Whether the lab has MPTCP endpoints at either end."""
        return any(self.lookup.nodes[name].endpoints for name in (self.source, self.target))

    @cached_property
    def detours(self) -> tuple[Trip, ...]:
        """The ways that only further subflows of MPTCP take."""
        known = {trip.out.links for trip in self.trips}
        subflows = chain.from_iterable(one.subflows for one in self.connections)
        trips = chain.from_iterable(subflow.trips for subflow in subflows)
        return tuple({trip.out.links: trip for trip in trips if trip.out.links not in known}.values())
