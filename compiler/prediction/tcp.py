"""What one TCP flow, MPTCP subflow or UDP stream reaches on a way that it has for itself.

Counted are payload bits a second. Headers are those of full packets: a queueing discipline counts a packet
from its Ethernet header on, and one that the kernel has not cut yet (GSO) with the headers of all its parts
(qdisc_pkt_len_init).
"""

from math import inf

from compiler.ir.lab import Node
from compiler.ir.shaping import SECOND
from compiler.ir.trials import Protocol
from compiler.prediction.sawtooth import Path, speed
from compiler.prediction.trips import Trip, frame, header

OVERHEAD = {Protocol.TCP: 20 + 12, Protocol.MPTCP: 20 + 12 + 28, Protocol.UDP: 8}
"""Bytes of the header with its options: timestamps, and MPTCP's data sequence signal with 8 bytes of each
sequence number, filled up to whole words."""

BARE = 20
"""A TCP header without options."""

WINDOW = 3 * 2**20
"""Bytes under way at most: half of the largest receive buffer (tcp_rmem), as the rest is for overhead."""

CONTROL, DEFAULT_CONTROL = "net.ipv4.tcp_congestion_control", "cubic"

LEAST_TIME = SECOND // 10**4
"""Microseconds: what a round trip takes at least, where no link delays it."""


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


def ceiling(trip: Trip, protocol: Protocol, control: str = DEFAULT_CONTROL) -> float:
    """What a flow reaches on its way, under a congestion control, when nobody else is there; where only the
    rates of links bound it, infinite."""
    if protocol is Protocol.UDP or (trip.data_rtt == 0 and not trip.loss):
        return inf
    round_trip = max(trip.data_rtt, LEAST_TIME) / SECOND
    return min(WINDOW * 8 / round_trip, _window(trip, protocol, control, round_trip))


def _window(trip: Trip, protocol: Protocol, control: str, round_trip: float) -> float:
    """What its congestion window lets through; infinite where that is all that comes. BBR heeds no losses."""
    if control.startswith("bbr") or (trip.rate == inf and not trip.loss):
        return inf
    rate = trip.rate / (8 * frame(trip.mtu))
    found = speed(Path(trip.loss, round_trip, rate, trip.room), control)
    return inf if found >= rate else found * 8 * payload(trip, protocol)
