"""Trips, a path with its return paths: the rate, delay, loss and packet size of a round trip."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from math import inf

from compiler.infer.shaping import ETHERNET_HEADER, SECOND, beside, reach, standing
from compiler.model.links import InterfaceName, Shaping
from compiler.model.networks import Address
from compiler.prediction.lookup import CERTAIN, Crossing, Lookup
from compiler.prediction.ways import Fate, Translation, Way, meant, ways


@dataclass(frozen=True, slots=True)
class Trip:
    """A path, and the paths by which answers return."""

    out: Way
    back: tuple[Way, ...]

    @property
    def works(self) -> bool:
        return self.out.delivered and any(way.delivered for way in self.back)

    @property
    def is_known(self) -> bool:
        """Whether what becomes of its packets and of their answers follows from the lab."""
        return all(way.fate is not Fate.UNKNOWN for way in (self.out, *self.back))

    @property
    def loads(self) -> tuple[tuple[InterfaceName, float], ...]:
        """The links that its packets cross, each with the part of them that does."""
        return tuple((link, 1.0) for link in self.out.links)

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        return self.out.crossings

    @property
    def rate(self) -> float:
        """Bits a second of frames, outwards; infinite where no link has a rate."""
        return min((crossing.rate or inf for crossing in self.out.crossings), default=inf)

    @property
    def bottleneck(self) -> InterfaceName | None:
        """The first link of the lowest rate."""
        rated = [crossing for crossing in self.out.crossings if crossing.rate == self.rate]
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
    def loaded_rtt(self) -> float | None:
        """The most microseconds of a round trip, on average, beside a TCP flow that fills the queue of the
        bottleneck; None without one. The ways back are without load."""
        for crossing in self.out.crossings:
            queue, rate = crossing.out.shaping.queue, crossing.out.shaping.rate
            if crossing.link == self.bottleneck and queue is not None and rate:
                return self.rtt[1] + beside(queue, rate, frame(crossing.mtu) + crossing.overhead)
        return None

    @property
    def data_rtt(self) -> float:
        """Mean microseconds from a full packet to its acknowledgement, without queueing behind other packets.

        Jitter keeps packets in order: a packet close behind others waits for the slowest of them, and a
        single one does not. So the mean lies between the middle and the maximum, and the midpoint of these is
        taken.
        """
        least, most = self.rtt
        return (least + 3 * most) / 4

    @property
    def room(self) -> float:
        """Full packets that are under way when the queue of the bottleneck is full; infinite without one.

        A queue that is managed is taken as full with what is to wait in it on average.
        """
        for crossing in self.out.crossings:
            queue = crossing.out.shaping.queue
            if crossing.rate == self.rate and queue is not None:
                size, under_way = frame(self.mtu), self.rate * self.data_rtt / (8 * SECOND)
                if queue.discipline:
                    time = self.data_rtt + standing(queue, int(self.rate), size)
                    return self.rate * time / (8 * SECOND * size)
                return queue.amount / (1 if queue.packets else size + crossing.overhead) + under_way / size
        return inf

    @property
    def loss(self) -> float:
        """The probability that a packet is lost on its way out."""
        return loss(self.out.crossings)

    @property
    def late_loss(self) -> float:
        """The probability of loss after the bottleneck. Losses before it, or in its own netem, which is ahead
        of its token bucket, leave their part of the rate to other packets."""
        crossings = self.out.crossings
        behind = [place for place, one in enumerate(crossings) if one.link == self.bottleneck]
        return loss(crossings[behind[0] + 1 :]) if behind else self.loss

    @property
    def back_loss(self) -> float:
        """The probability that an answer is lost, over all return paths."""
        backs = [(float(way.share), loss(way.crossings)) for way in self.back if way.delivered]
        return sum(share * lost for share, lost in backs) / sum(share for share, _ in backs) if backs else 0.0

    @property
    def lost_trips(self) -> float:
        """The probability that a packet or the answer to it is lost."""
        return 1 - (1 - self.loss) * (1 - self.back_loss)

    @property
    def burst(self) -> float:
        """Full packets that pass the bottleneck at once, where it has a token bucket."""
        own = (one for one in self.out.crossings if one.rate == self.rate)
        return next(((one.out.shaping.burst or 0) / (frame(self.mtu) + one.overhead) for one in own), 0.0)

    @property
    def is_too_narrow(self) -> bool:
        """Whether a token bucket on the way has no room for a full packet, and so passes none."""
        return any(_room(one.out.shaping) < frame(self.mtu) + one.overhead for one in self.out.crossings)


def trips(lookup: Lookup, outwards: Iterable[Way]) -> tuple[Trip, ...]:
    """Paths with their return paths."""
    back = cache(partial(_back, lookup))
    return tuple(Trip(way, back(*_sent(way)) if way.delivered else ()) for way in outwards)


def split(trip: Trip) -> Iterator[Trip]:
    """A trip, split into one for the flows that work and one for those whose answers are lost."""
    alive = tuple(way for way in trip.back if way.delivered)
    whole = sum((way.share for way in trip.back), Fraction(0))
    if not alive or len(alive) == len(trip.back):
        yield trip
        return
    part = sum((way.share for way in alive), Fraction(0)) / whole
    lost = tuple(way for way in trip.back if not way.delivered)
    for some, back in ((part, alive), (1 - part, lost)):
        yield Trip(replace(trip.out, share=trip.out.share * some), back)


def reverse(trip: Trip) -> Iterator[Trip]:
    """The trips of packets from the target over the same connection."""
    for way in trip.back:
        shared = dict(trip.out.fixed) | dict(way.fixed)
        share = trip.out.share * way.share
        yield Trip(replace(way, share=share, fixed=tuple(shared.items())), (trip.out,))


def _sent(way: Way) -> tuple[str, str, Address | None, Address, tuple[Translation, ...]]:
    """What decides the answers to the packets of a way, first who has sent these."""
    return way.nodes[0], way.at, way.source, way.target, way.translations


def _back(
    lookup: Lookup,
    sender: str,
    at: str,
    source: Address | None,
    target: Address,
    translations: tuple[Translation, ...],
) -> tuple[Way, ...]:
    if source is None:
        return ()
    return meant(lookup, sender, ways(lookup, at, source, source=target, translations=translations))


def delay(crossings: Iterable[Crossing]) -> tuple[float, float]:
    found = [_delay(crossing.out.shaping) for crossing in crossings]
    return sum(low for low, _ in found), sum(high for _, high in found)


def _delay(shaping: Shaping) -> tuple[float, float]:
    """The least and the most delay of a direction. A token bucket does not delay a single packet."""
    middle, (less, more) = shaping.delay or 0, reach(shaping)
    least = 0 if shaping.reorder else max(0, middle - less)
    return float(least), float(middle + more)


def _room(shaping: Shaping) -> float:
    """Bytes of the longest packet that a direction passes."""
    if shaping.burst is None or shaping.queue is None:
        return inf
    return min(shaping.burst, inf if shaping.queue.packets else shaping.queue.amount)


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


def capacities(found: Iterable[Crossing], *, with_bursts: bool = False) -> Mapping[InterfaceName, float]:
    """The rate of each link that has one; with what its burst lets through beside that in a second.

    Of a link that is crossed in a tunnel too, it is that without what the tunnel adds.
    """
    rates: dict[InterfaceName, float] = {}
    for one in found:
        if one.rate:
            burst = (one.out.shaping.burst or 0) * 8 * with_bursts
            rates[one.link] = min(one.rate + burst, rates.get(one.link, inf))
    return rates
