"""What one TCP flow, MPTCP subflow or UDP stream reaches on a way that it has for itself.

Counted are payload bits a second. Headers are those of full packets: a queueing discipline counts a packet
from its Ethernet header on, and one that the kernel has not cut yet (GSO) with the headers of all its parts
(qdisc_pkt_len_init).
"""

from math import inf, sqrt

from compiler.ir.shaping import SECOND
from compiler.ir.trials import Protocol
from compiler.prediction.trips import Trip, frame, header

OVERHEAD = {Protocol.TCP: 20 + 12, Protocol.MPTCP: 20 + 12 + 28, Protocol.UDP: 8}
"""Bytes of the header with its options: timestamps, and MPTCP's data sequence signal with 8 bytes of each
sequence number, filled up to whole words."""

BARE = 20
"""A TCP header without options."""

WINDOW = 3 * 2**20
"""Bytes under way at most: half of the largest receive buffer (tcp_rmem), as the rest is for overhead."""

CONTROL, DEFAULT_CONTROL = "net.ipv4.tcp_congestion_control", "cubic"

CUBIC, REDUCED = 0.4, 0.7
"""C and beta of RFC 9438."""

LOST_TOGETHER = 2
"""Packets that netem loses at once: it loses what the sender handed down in one piece, which is two packets
at the rates of most labs (tcp_min_tso_segs)."""

SHARPNESS = 3
"""How sharply the lower of two bounds decides, where losses and the rate bound a flow (measured)."""


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
    round_trip = trip.data_rtt / SECOND
    if protocol is Protocol.UDP or round_trip == 0:
        return inf
    bits = payload(trip, protocol) * 8 / round_trip
    lossy = lossy_window(trip.loss, round_trip, control) * bits
    return min(WINDOW * 8 / round_trip, _lower(lossy, trip.rate * share(trip, protocol)))


def _lower(lossy: float, rated: float) -> float:
    """A little under the lower of two bounds where they are near each other; a window that is far above what
    the rate asks for is no bound."""
    if lossy > 4 * rated or inf in (lossy, rated):
        return lossy if rated == inf else inf if lossy > rated else lossy
    return float((lossy**-SHARPNESS + rated**-SHARPNESS) ** (-1 / SHARPNESS))


def lossy_window(loss: float, round_trip: float, control: str = DEFAULT_CONTROL) -> float:
    """Packets under way, on average, at a probability of random loss: the larger of Reno's (Mathis et al.
    1997) and CUBIC's own (RFC 9438, 5.1). BBR does not heed losses."""
    events = loss / LOST_TOGETHER
    if loss == 0 or control == "bbr":
        return inf
    reno = sqrt(1.5 / events)
    cubic = (CUBIC * (3 + REDUCED) / (4 * (1 - REDUCED))) ** 0.25 * (round_trip / events) ** 0.75
    return float(reno if control == "reno" else max(reno, cubic))
