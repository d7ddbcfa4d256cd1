"""A way and the ways back: rate, delay, loss and packet size of a round trip."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from compiler.ir.lab import Address, InterfaceName, Shaping
from compiler.ir.shaping import ETHERNET_HEADER, SECOND
from compiler.prediction.lookup import Crossing, Lookup
from compiler.prediction.ways import Way, ways

CERTAIN = 100 * 10**6
"""A probability of 1, in millionths of a percent."""


@dataclass(frozen=True, slots=True)
class Trip:
    """A way, and the ways by which the answers come."""

    out: Way
    back: tuple[Way, ...]

    @property
    def works(self) -> bool:
        return self.out.delivered and any(way.delivered for way in self.back)

    @property
    def rate(self) -> float:
        """Bits a second of frames, outwards; infinite where no link has a rate."""
        return min((crossing.out.shaping.rate or inf for crossing in self.out.crossings), default=inf)

    @property
    def bottleneck(self) -> InterfaceName | None:
        """The first link of the lowest rate."""
        rated = [crossing for crossing in self.out.crossings if crossing.out.shaping.rate == self.rate]
        return rated[0].link if rated else None

    @property
    def mtu(self) -> int:
        return min((crossing.mtu for crossing in self.out.crossings), default=65536)

    @property
    def delay(self) -> tuple[float, float]:
        """Microseconds from end to end without load, at least and at most."""
        return delay(self.out.crossings)

    @property
    def rtt(self) -> tuple[float, float]:
        """Microseconds of a round trip without load, at least and at most."""
        backs = [delay(way.crossings) for way in self.back if way.delivered] or [(0.0, 0.0)]
        least, most = min(low for low, _ in backs), max(high for _, high in backs)
        return self.delay[0] + least, self.delay[1] + most

    @property
    def data_rtt(self) -> float:
        """Microseconds from a full packet to its answer, on average, where no others wait.

        Jitter keeps packets in order: what comes close behind others waits for the slowest of them, and what
        comes alone does not. So the average lies between the middle and the most, and is taken as halfway.
        """
        least, most = self.rtt
        return (least + 3 * most) / 4

    @property
    def room(self) -> float:
        """Full packets that are under way when the queue of the bottleneck is full; infinite without one."""
        for shaping in (crossing.out.shaping for crossing in self.out.crossings):
            if shaping.rate == self.rate and shaping.queue is not None:
                amount, packets = shaping.queue
                size, under_way = frame(self.mtu), self.rate * self.data_rtt / (8 * SECOND)
                return amount / (1 if packets else size) + under_way / size
        return inf

    @property
    def loss(self) -> float:
        """The probability that a packet is lost on its way out."""
        return loss(self.out.crossings)


def trips(lookup: Lookup, outwards: Iterable[Way]) -> tuple[Trip, ...]:
    """Ways with the ways back from where they end."""
    return tuple(Trip(way, _back(lookup, way)) for way in outwards)


def _back(lookup: Lookup, way: Way) -> tuple[Way, ...]:
    if not way.delivered or way.source is None:
        return ()
    return ways(lookup, way.at, way.source, source=way.target, translations=way.translations)


def delay(crossings: Iterable[Crossing]) -> tuple[float, float]:
    found = [_delay(crossing.out.shaping) for crossing in crossings]
    return sum(low for low, _ in found), sum(high for _, high in found)


def _delay(shaping: Shaping) -> tuple[float, float]:
    """Of a direction. A token bucket sends a single packet at once."""
    middle, jitter = shaping.delay or 0, shaping.jitter or 0
    least = 0 if shaping.reorder else max(0, middle - jitter)
    return float(least), float(middle + jitter)


def loss(crossings: Iterable[Crossing]) -> float:
    arrives = 1.0
    for crossing in crossings:
        arrives *= 1 - (crossing.out.shaping.loss or 0) / CERTAIN
        arrives *= 1 - (crossing.out.shaping.corrupt or 0) / CERTAIN
    return 1 - arrives


def frame(mtu: int) -> int:
    """Bytes of a full packet as tc(8) counts them."""
    return mtu + ETHERNET_HEADER


def header(address: Address) -> int:
    """Bytes of the IP header."""
    return 20 if address.version == 4 else 40


def capacities(found: Iterable[Trip], *, with_bursts: bool = False) -> Mapping[InterfaceName, float]:
    """The rate of each link that has one; with what its burst lets through beside that in a second."""
    shapings = {one.link: one.out.shaping for trip in found for one in trip.out.crossings}
    return {
        link: float(shaping.rate + (shaping.burst or 0) * 8 * with_bursts)
        for link, shaping in shapings.items()
        if shaping.rate
    }
