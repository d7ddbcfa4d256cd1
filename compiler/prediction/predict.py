"""What packets and transfers from one node of a lab to another will meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from compiler.ir.lab import Address, Lab
from compiler.prediction.estimate import NOTHING, Estimate, combined, estimate
from compiler.prediction.lookup import Lookup
from compiler.prediction.maxflow import Bound, bound
from compiler.prediction.subflows import Connection, connections
from compiler.prediction.tcp import CONTROL, DEFAULT_CONTROL, Transport
from compiler.prediction.trips import Trip, trips
from compiler.prediction.ways import ways


class Predictor:
    """Predicts for pairs of nodes of one lab, after all passes."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lookup = Lookup(lab)

    def between(self, source: str, target: str) -> "Prediction":
        """What a program in `source` meets that connects to the name `target`."""
        return Prediction(self.lab, self.lookup, source, target)


@dataclass(frozen=True)
class Prediction:
    """What a packet and a transfer from `source` to the name `target` will meet. Rates are bits a second of
    payload, and infinite where no link on the way has one; times are microseconds."""

    lab: Lab
    lookup: Lookup
    source: str
    target: str

    @cached_property
    def address(self) -> Address | None:
        """What the name of the target stands for, IPv4 first; an interface's where the node has none."""
        own = self.lookup.own[self.target]
        return min(own, key=lambda address: address.version, default=None)

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

    @property
    def control(self) -> str:
        """The congestion control of what `source` sends; where the lab sets none, CUBIC is taken for it."""
        return dict(self.lookup.nodes[self.source].sysctls).get(CONTROL, DEFAULT_CONTROL)

    def tcp(self, flows: int = 1) -> Estimate:
        """What so many TCP flows that run at once reach together."""
        return self._flows(flows, Transport.TCP)

    def udp(self) -> Estimate:
        """What arrives of UDP that is sent in full packets, as fast as the way takes it."""
        return self._flows(1, Transport.UDP)

    def _flows(self, count: int, transport: Transport) -> Estimate:
        return estimate([self.working] * count, transport, self.control) if self.working else NOTHING

    @cached_property
    def connections(self) -> Sequence[Connection]:
        """The MPTCP connections that `source` can open, by the address that they begin at."""
        return connections(self.lookup, self.source, self.target, self.address) if self.address else ()

    def mptcp(self) -> Estimate:
        """What one MPTCP connection reaches that `source` opens, with the lab's endpoints and limits."""
        return combined(
            (
                float(one.share),
                estimate([subflow.trips for subflow in one.used], Transport.MPTCP, self.control),
            )
            for one in self.connections
        )

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
