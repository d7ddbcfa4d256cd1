"""What one TCP flow, MPTCP subflow or UDP stream reaches on a way that it has for itself.

Counted are payload bits a second. Headers are those of full packets: a queueing discipline counts a packet
from its Ethernet header on, and one that the kernel has not cut yet (GSO) with the headers of all its parts
(qdisc_pkt_len_init).
"""

from math import inf, sqrt

from compiler.infer.shaping import SECOND
from compiler.model.nodes import Node
from compiler.model.trials import Protocol
from compiler.prediction.sawtooth import Path, speed
from compiler.prediction.timeouts import is_heavy
from compiler.prediction.timeouts import speed as speed_with_timeouts
from compiler.prediction.trips import Trip, frame, header

OVERHEAD = {Protocol.TCP: 20 + 12, Protocol.MPTCP: 20 + 12 + 28, Protocol.UDP: 8}
"""Bytes of the header with its options: timestamps, and MPTCP's data sequence signal with 8 bytes of each
sequence number, filled up to whole words."""

BARE = 20
"""A TCP header without options."""

WINDOW = 3 * 2**20
"""Bytes under way at most: half of the largest receive buffer (tcp_rmem), as the rest is for overhead."""

CONTROL, DEFAULT_CONTROL = "net.ipv4.tcp_congestion_control", "cubic"

OFFERED = 1.25
"""The part of a link's rate that a UDP stream offers."""

TESTED = 5
"""Seconds for which a check measures a rate."""

LEAST_TIME = SECOND // 10**4
"""Microseconds: what a round trip takes at least, where no link delays it."""


MOST_LOST = 0.2
"""The part of round trips that lose something, up to which it is predicted what that makes of TCP. Above it,
timeouts that grow to minutes decide, and a transfer is one draw of few."""


def control(node: Node) -> str:
    """The congestion control of what a node sends; where the lab sets none, CUBIC is taken for it."""
    return dict(node.sysctls).get(CONTROL, DEFAULT_CONTROL)


def payload(trip: Trip, protocol: Protocol, *, options: bool = True) -> int:
    """Bytes of data in a full packet, with the options of TCP in it or without."""
    own = OVERHEAD[protocol] if options else min(OVERHEAD[protocol], BARE)
    return max(1, trip.mtu - header(trip.out.target) - own)


def share(trip: Trip, protocol: Protocol, *, options: bool = True) -> float:
    """The part of a rate that is data."""
    return payload(trip, protocol, options=options) / frame(trip.mtu)


def bounding_share(trip: Trip, protocol: Protocol) -> float:
    """The part of a rate that is data, at most: without options; of UDP, which sends nothing again, what
    arrives from the bottleneck, and what chance may add to that."""
    return share(trip, protocol, options=False) * (_arriving(trip) if protocol is Protocol.UDP else 1.0)


def _arriving(trip: Trip) -> float:
    """The part of packets that arrive while TESTED, but for one in a million tests."""
    packets, lost = max(1.0, trip.rate * TESTED / (8 * frame(trip.mtu))), trip.late_loss
    return min(1.0, 1 - lost + 5 * sqrt(lost * (1 - lost) / packets))


def is_foreseen(trip: Trip, protocol: Protocol) -> bool:
    """Whether it is predicted what a flow reaches on its way."""
    return protocol is Protocol.UDP or not trip.works or trip.lost_trips <= MOST_LOST


def ceiling(trip: Trip, protocol: Protocol, control: str = DEFAULT_CONTROL) -> float:
    """What a flow reaches on its way, under a congestion control, when nobody else is there; where only the
    rates of links bound it, infinite."""
    if trip.is_too_narrow:
        return 0.0
    if protocol is Protocol.UDP:
        return _offered(trip) * (1 - trip.loss)
    if trip.data_rtt == 0 and not trip.loss:
        return inf
    round_trip = max(trip.data_rtt, LEAST_TIME) / SECOND
    return min(WINDOW * 8 / round_trip, _window(trip, protocol, control, round_trip))


def _offered(trip: Trip) -> float:
    """What a UDP stream offers: a quarter more than its link takes. Without losses that is no bound."""
    return inf if not trip.loss else OFFERED * (trip.out.crossings[0].out.shaping.rate or inf)


def _window(trip: Trip, protocol: Protocol, control: str, round_trip: float) -> float:
    """What its congestion window lets through; infinite where that is all that comes. BBR heeds no losses."""
    if control.startswith("bbr") or (trip.rate == inf and not trip.loss):
        return inf
    rate = trip.rate / (8 * frame(trip.mtu))
    path = Path(trip.loss, round_trip, rate, trip.room, trip.back_loss, trip.burst)
    if is_heavy(path):
        found = speed_with_timeouts(path, control)
    else:
        found = speed(path, control)
        if found >= rate:
            return inf
        found *= 1 - trip.loss
    return found * 8 * payload(trip, protocol)
