"""The throughput of one TCP flow, MPTCP subflow or UDP stream that has its path to itself.

Rates are payload bits a second. Headers are those of full packets: a queueing discipline counts a packet from
its Ethernet header on, and a GSO packet with the headers of all its segments (qdisc_pkt_len_init).
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
"""Bytes of the transport header with options: timestamps, and MPTCP's data sequence signal with 8-byte
sequence numbers, padded to whole words."""

BARE = 20
"""Bytes of a TCP header without options."""

WINDOW = 3 * 2**20
"""The most bytes in flight: half of the largest receive buffer (tcp_rmem), as the rest is overhead."""

CONTROL, DEFAULT_CONTROL = "net.ipv4.tcp_congestion_control", "cubic"

OFFERED = 1.25
"""The rate that a UDP stream offers, as a multiple of its link's rate."""

TESTED = 5
"""Seconds for which a check measures a rate."""

LEAST_TIME = SECOND // 10**4
"""The least round trip in microseconds, if no link has a delay."""


MOST_LOST = 0.2
"""The largest fraction of round trips with a loss for which TCP is predicted. Above it, timeouts of minutes
dominate, and few random events decide a transfer."""


def control(node: Node) -> str:
    """The congestion control of a node's connections: that of the lab, or CUBIC."""
    return dict(node.sysctls).get(CONTROL, DEFAULT_CONTROL)


def payload(trip: Trip, protocol: Protocol, *, options: bool = True) -> int:
    """Payload bytes in a full packet, with or without TCP options."""
    own = OVERHEAD[protocol] if options else min(OVERHEAD[protocol], BARE)
    return max(1, trip.mtu - header(trip.out.target) - own)


def share(trip: Trip, protocol: Protocol, *, options: bool = True) -> float:
    """Payload as a fraction of a rate."""
    return payload(trip, protocol, options=options) / frame(trip.mtu)


def bounding_share(trip: Trip, protocol: Protocol) -> float:
    """The largest payload as a fraction of a rate: without options; of UDP, which retransmits nothing, the
    fraction that arrives from the bottleneck, plus random variation."""
    return share(trip, protocol, options=False) * (_arriving(trip) if protocol is Protocol.UDP else 1.0)


def _arriving(trip: Trip) -> float:
    """The fraction of packets that arrives within TESTED seconds, exceeded in one of a million tests."""
    packets, lost = max(1.0, trip.rate * TESTED / (8 * frame(trip.mtu))), trip.late_loss
    return min(1.0, 1 - lost + 5 * sqrt(lost * (1 - lost) / packets))


def is_foreseen(trip: Trip, protocol: Protocol) -> bool:
    """Whether the rate of a flow on its path is predicted."""
    return protocol is Protocol.UDP or not trip.works or trip.lost_trips <= MOST_LOST


def ceiling(trip: Trip, protocol: Protocol, control: str = DEFAULT_CONTROL) -> float:
    """The rate of a flow under a congestion control without competing flows; infinite if only the rates of
    links bound it."""
    if trip.is_too_narrow:
        return 0.0
    if protocol is Protocol.UDP:
        return _offered(trip) * (1 - trip.loss)
    if trip.data_rtt == 0 and not trip.loss:
        return inf
    round_trip = max(trip.data_rtt, LEAST_TIME) / SECOND
    return min(WINDOW * 8 / round_trip, _window(trip, protocol, control, round_trip))


def _offered(trip: Trip) -> float:
    """The rate of a UDP stream: OFFERED times that of its first link. Without losses that bounds nothing."""
    return inf if not trip.loss else OFFERED * (trip.out.crossings[0].out.shaping.rate or inf)


def _window(trip: Trip, protocol: Protocol, control: str, round_trip: float) -> float:
    """The rate that the congestion window allows; infinite if the path's is less. BBR ignores losses."""
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
