"""Pass: queue lengths and bursts, such that a rate is reached and packets are lost only as configured."""

from collections.abc import Container
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Span
from compiler.ground.units import Queue, format_rate
from compiler.model.events import Change, Event, Reshaping, Switching
from compiler.model.lab import Lab
from compiler.model.links import OVERHEAD, InterfaceName, Link, Port, Shaping

ETHERNET_HEADER = 14
SECOND = 10**6

QUEUE_TIME = SECOND // 40
"""The time that a packet waits in a full queue of the default length, in microseconds. Longer queues cost
MPTCP throughput (measured), as its receiver waits for the slower path."""

TICKS = 250
"""The refills of a token bucket a second that the default burst is made for: CONFIG_HZ of common kernels."""

FASTEST = 10 * 10**9
"""The rate in bits a second that a delay line without a rate has room for."""

MOST = 2**32 - 1
"""The largest queue or burst that tc(8) and the kernel take, at any rate (measured)."""

MOST_HELD = 2**31 - 1
"""The most packets in a delay line; tc-netem(8) shows more as a negative number."""

SMALLEST_FRAME = 42
"""The bytes of the smallest frames, as tc(8) counts them: ARP, or an empty UDP datagram."""

LEAST_MTU_IPV6 = 1280
"""The least MTU of IPv6 (RFC 8200); with less, the kernel removes IPv6 from an interface."""

FEWEST_HELD = 1000
"""The default limit of tc-netem(8), in packets."""


def size(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Fills in the unset attributes of each direction, initially and after each event, and warns of values
    that are too small.
    """
    later = {
        change.interface
        for event in lab.events
        for change in event.changes
        if isinstance(change, Reshaping) and draws(change.shaping)
    }
    links = tuple(_sized(link, later, lab, diagnostics) for link in lab.links)
    return replace(lab, links=links, events=_events(lab, later, diagnostics) if lab.events else ())


def _events(lab: Lab, later: Container[InterfaceName], diagnostics: Diagnostics) -> tuple[Event, ...]:
    """The events with attributes filled in; `later` are the interfaces that need `alone` after some event."""
    ends = {end.id: (end, full_frame(link)) for link in lab.links for end in link.ends}

    def sized(change: Change) -> Change:
        if isinstance(change, Switching):
            return change
        end, frame = ends[change.interface]
        _check(end._replace(shaping=change.shaping), frame, diagnostics)
        alone = end.id in later or draws(end.shaping)
        return change._replace(shaping=_filled(change.shaping, frame, alone=alone))

    return tuple(event._replace(changes=tuple(map(sized, event.changes))) for event in lab.events)


def full_frame(link: Link) -> int:
    """The size of a full packet on a link, in bytes with the Ethernet header."""
    return link.packet + ETHERNET_HEADER


def _sized(link: Link, later: Container[InterfaceName], lab: Lab, diagnostics: Diagnostics) -> Link:
    frame = full_frame(link)
    for end in link.ends:
        _check(end, frame, diagnostics)
    interfaces = [lab.interfaces[end.id] for end in link.ends if end.id in lab.interfaces]
    if link.packet < LEAST_MTU_IPV6 and any(end.address(6) for end in interfaces):
        message = f"an MTU of {link.mtu} is too small for IPv6"
        place, label = _place(link.left, "mtu"), f"at least {LEAST_MTU_IPV6}"
        diagnostics.error("MPC307", message, place, label, _widened(link, lab))
    left, right = (
        end._replace(shaping=_filled(end.shaping, frame, alone=end.id in later or draws(end.shaping)))
        for end in link.ends
    )
    return link._replace(left=left, right=right)


def _widened(link: Link, lab: Lab) -> str:
    """The mend of a link whose MTU is too small for IPv6."""
    below = [link]
    if link.bond:
        legs = {leg.left for leg in link.bond.legs}
        below = [one for one in lab.links if not legs.isdisjoint(end.id for end in one.ends)]
    headers = max((OVERHEAD[one.kind, one.tunnel.version] for one in below if one.tunnel), default=0)
    if headers:
        return f"write `mtu {LEAST_MTU_IPV6 + headers}` or more for the links that carry it"
    return f"write `mtu {LEAST_MTU_IPV6}` or more{' for all its legs' if link.bond else ''}"


def delays(shaping: Shaping) -> bool:
    """Whether a direction needs a delay line: an attribute of netem other than a rate is not 0."""
    return any((shaping.delay, shaping.jitter)) or draws(shaping)


def draws(shaping: Shaping) -> bool:
    """Whether netem treats some packets of a direction otherwise than the rest, at random."""
    return any((shaping.loss, shaping.duplicate, shaping.corrupt, shaping.reorder))


def _filled(shaping: Shaping, frame: int, *, alone: bool) -> Shaping:
    """The shaping with a burst, a queue and the room of the delay line.

    `alone` is whether the direction has random treatment of packets at any time of a play: its kinds of
    queueing disciplines are then the same all the time, so that events change them in place. A written queue
    counts frames, so GSO packets have to be segmented before it too.
    """
    rate, written = shaping.rate, shaping.queue is not None
    if rate is None:
        shaping = shaping._replace(burst=None)
    else:
        burst = min(MOST, max(rate // 8 // TICKS, 4 * frame)) if shaping.burst is None else shaping.burst
        shaping = shaping._replace(burst=burst, queue=shaping.queue or _queue(shaping, rate, frame))
    if delays(shaping):
        shaping = shaping._replace(held=_held(shaping, frame))
    cut = (alone and delays(shaping)) or (rate is not None and written)
    return shaping._replace(alone=frame if cut else None)


def _queue(shaping: Shaping, rate: int, frame: int) -> Queue:
    """The default queue: the packets of QUEUE_TIME.

    With a delay, twice the bandwidth-delay product more, as a sender may have a round trip's worth waiting
    beside the packets in flight.
    """
    waiting = max(rate * QUEUE_TIME // (8 * SECOND), 4 * frame)
    return Queue(min(MOST, waiting + 2 * frame * under_way(shaping, rate, frame)), packets=False)


def under_way(shaping: Shaping, rate: int, frame: int) -> int:
    """The bandwidth-delay product of one direction in full packets, rounded up."""
    time = (shaping.delay or 0) + (shaping.jitter or 0)
    return -(-rate * time // (8 * SECOND * frame))


def _held(shaping: Shaping, frame: int) -> int:
    """The room of the delay line, in packets: those in flight, and those that arrive before the token bucket
    takes the next packet, which are then moved to the queue."""
    delayed = max(FEWEST_HELD, under_way(shaping, FASTEST, frame))
    if shaping.rate is None or shaping.queue is None:
        return min(MOST_HELD, delayed)
    amount, packets = shaping.queue
    return min(MOST_HELD, delayed + (amount if packets else amount // SMALLEST_FRAME))


def waits(shaping: Shaping, frame: int) -> int:
    """The longest time of a packet, in microseconds: in a full queue, and the delay."""
    time = (shaping.delay or 0) + (shaping.jitter or 0)
    if shaping.rate is None or shaping.queue is None:
        return time
    amount, packets = shaping.queue
    return time + amount * (frame if packets else 1) * 8 * SECOND // shaping.rate


def _check(end: Port, frame: int, diagnostics: Diagnostics) -> None:
    for name in ("burst", "queue"):
        if getattr(end.shaping, name) is not None and end.shaping.rate is None:
            message = f"this {name} waits for no rate, so it has no effect"
            diagnostics.warning("MPC709", message, _place(end, name), "no rate here", "set a `rate` as well")
    if end.shaping.rate is not None:
        _check_burst(end, frame, diagnostics)
        _check_queue(end, frame, diagnostics)


def _place(end: Port, attribute: str) -> Span:
    return end.shaping.place(attribute) or end.span


def _check_burst(end: Port, frame: int, diagnostics: Diagnostics) -> None:
    burst = end.shaping.burst
    if burst is not None and burst < frame:
        message = f"this burst is under one frame of {frame} bytes, so no full packet is sent"
        help = f"write at least `burst {frame}b`, or leave it out"
        diagnostics.error("MPC311", message, _place(end, "burst"), "too small", help)


def _check_queue(end: Port, frame: int, diagnostics: Diagnostics) -> None:
    queue = end.shaping.queue
    if queue is not None and not queue.packets and queue.amount < frame:
        message = f"this queue is under one frame of {frame} bytes, so no full packet is sent"
        help = "write at least `queue 1p`, or leave it out"
        diagnostics.error("MPC311", message, _place(end, "queue"), "too small", help)
    elif queue is not None and end.shaping.rate is not None:
        _check_product(end, queue, end.shaping.rate, frame, diagnostics)


def _check_product(end: Port, queue: Queue, rate: int, frame: int, diagnostics: Diagnostics) -> None:
    """Warns of a queue that TCP may find too short; a sender that keeps to the rate loses nothing in it."""
    needed = under_way(end.shaping, rate, frame)
    if queue.amount * (frame if queue.packets else 1) < needed * frame:
        message = f"this queue is under the bandwidth-delay product, {needed} packets at {format_rate(rate)}"
        help = f"CUBIC reaches the rate with `queue {needed}p`, or without a `queue`"
        diagnostics.warning("MPC706", message, _place(end, "queue"), "TCP may not reach the rate", help)
