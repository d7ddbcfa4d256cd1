"""What one TCP flow, MPTCP subflow or UDP stream reaches on a way that it has for itself.

Counted are payload bits a second. Headers are those of full packets: a queueing discipline counts a packet
from its Ethernet header on, and one that the kernel has not cut yet (GSO) with the headers of all its parts
(qdisc_pkt_len_init).
"""

from enum import StrEnum
from math import inf, sqrt

from compiler.ir.shaping import SECOND
from compiler.prediction.trips import Trip, frame, header


class Transport(StrEnum):
    TCP = "tcp"
    MPTCP = "mptcp"
    UDP = "udp"


OVERHEAD = {Transport.TCP: 20 + 12, Transport.MPTCP: 20 + 12 + 28, Transport.UDP: 8}
"""Bytes of the header with its options: timestamps, and MPTCP's data sequence signal with 8 bytes of each
sequence number, filled up to whole words."""

WINDOW = 3 * 2**20
"""Bytes under way at most: half of the largest receive buffer (tcp_rmem), as the rest is for overhead."""

CUBIC, REDUCED = 0.4, 0.7
"""C and beta of RFC 9438."""


def payload(trip: Trip, transport: Transport) -> int:
    """Bytes of data in a full packet."""
    return max(1, trip.mtu - header(trip.out.target) - OVERHEAD[transport])


def share(trip: Trip, transport: Transport) -> float:
    """The part of a rate that is data."""
    return payload(trip, transport) / frame(trip.mtu)


def ceiling(trip: Trip, transport: Transport) -> float:
    """What a flow reaches where the links' rates allow any."""
    if transport is Transport.UDP:
        return inf
    round_trip = sum(trip.rtt) / 2 / SECOND
    if round_trip == 0:
        return inf
    window = min(float(WINDOW), lossy_window(trip.loss, round_trip) * payload(trip, transport))
    return window * 8 / round_trip


def lossy_window(loss: float, round_trip: float) -> float:
    """Packets under way, on average, at a probability of random loss: the larger of Reno's (Mathis et al.
    1997) and CUBIC's own (RFC 9438, 5.1)."""
    if loss == 0:
        return inf
    reno = sqrt(1.5 / loss)
    cubic = (CUBIC * (3 + REDUCED) / (4 * (1 - REDUCED))) ** 0.25 * (round_trip / loss) ** 0.75
    return float(max(reno, cubic))
