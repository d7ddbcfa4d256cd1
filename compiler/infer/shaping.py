"""Pass: queue lengths and bursts, so that a rate is reached and no packet is lost that nobody asked for."""

from collections.abc import Container
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Span
from compiler.ground.units import Queue, format_rate
from compiler.model.events import Change, Event, Reshaping, Switching
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port, Shaping

DEFAULT_MTU = 1500
ETHERNET_HEADER = 14
SECOND = 10**6

QUEUE_TIME = SECOND // 40
"""How long a packet waits in a full queue of the default length, in microseconds. Longer ones
cost MPTCP throughput (measured), as its receiver waits for the slower path."""

TICKS = 250
"""Refills of a token bucket a second that its default burst allows for: CONFIG_HZ of common kernels."""

FASTEST = 10 * 10**9
"""What a delay line without a rate is made to hold, in bits a second."""

MOST = 2**32 - 1
"""Of a queue or a burst: what tc(8) and the kernel take, at any rate (measured)."""

MOST_HELD = 2**31 - 1
"""Packets in a delay line: tc-netem(8) shows more as a negative number."""

SMALLEST_FRAME = 42
"""Bytes, as tc(8) counts them: ARP, or an empty UDP datagram."""

LEAST_MTU_IPV6 = 1280
"""RFC 8200; with less, the kernel takes IPv6 off an interface."""

FEWEST_HELD = 1000
"""The default limit of tc-netem(8), in packets."""


def size(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Fills in what each direction leaves open, from the start and after each event, and warns of what it
    sets too small.
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
    """`later` are the interfaces that draw lots for packets after some event."""
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
    """The bytes of a full packet."""
    return (link.mtu or DEFAULT_MTU) + ETHERNET_HEADER


def _sized(link: Link, later: Container[InterfaceName], lab: Lab, diagnostics: Diagnostics) -> Link:
    frame = full_frame(link)
    for end in link.ends:
        _check(end, frame, diagnostics)
    interfaces = [lab.interfaces[end.id] for end in link.ends if end.id in lab.interfaces]
    if (link.mtu or DEFAULT_MTU) < LEAST_MTU_IPV6 and any(end.address(6) for end in interfaces):
        message = f"an MTU of {link.mtu} is too small for IPv6"
        diagnostics.error("MPC307", message, _place(link.left, "mtu"), f"at least {LEAST_MTU_IPV6}")
    left, right = (
        end._replace(shaping=_filled(end.shaping, frame, alone=end.id in later or draws(end.shaping)))
        for end in link.ends
    )
    return link._replace(left=left, right=right)


def delays(shaping: Shaping) -> bool:
    """Whether a direction needs a delay line: any of what netem does beside a rate is not 0."""
    return any((shaping.delay, shaping.jitter)) or draws(shaping)


def draws(shaping: Shaping) -> bool:
    """Whether a direction has a share of packets that fares otherwise than the rest."""
    return any((shaping.loss, shaping.duplicate, shaping.corrupt, shaping.reorder))


def _filled(shaping: Shaping, frame: int, *, alone: bool) -> Shaping:
    """`alone` is whether the direction has a share of packets that fares otherwise, now or after some event:
    then its queueing disciplines are of the same kinds all the time, and events change them in place.

    A queue that is written counts frames, so each has to come to it by itself too.
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
    """The default queue: what waits for QUEUE_TIME.

    With a delay, it is twice the bandwidth-delay product more, as a sender may have a round trip's worth
    waiting beside what is under way.
    """
    waiting = max(rate * QUEUE_TIME // (8 * SECOND), 4 * frame)
    return Queue(min(MOST, waiting + 2 * frame * under_way(shaping, rate, frame)), packets=False)


def under_way(shaping: Shaping, rate: int, frame: int) -> int:
    """The bandwidth-delay product of one direction, in full packets, rounded up."""
    time = (shaping.delay or 0) + (shaping.jitter or 0)
    return -(-rate * time // (8 * SECOND * frame))


def _held(shaping: Shaping, frame: int) -> int:
    """What the delay line holds: what is under way, and what has come before the token bucket takes the next
    packet, which it hands on to the queue then."""
    delayed = max(FEWEST_HELD, under_way(shaping, FASTEST, frame))
    if shaping.rate is None or shaping.queue is None:
        return min(MOST_HELD, delayed)
    amount, packets = shaping.queue
    return min(MOST_HELD, delayed + (amount if packets else amount // SMALLEST_FRAME))


def waits(shaping: Shaping, frame: int) -> int:
    """The microseconds that a packet takes at most: it waits in a full queue, and is delayed."""
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
    """Warns of a queue that TCP may find too short; what keeps to the rate loses nothing in it."""
    needed = under_way(end.shaping, rate, frame)
    if queue.amount * (frame if queue.packets else 1) < needed * frame:
        message = f"this queue is under the bandwidth-delay product, {needed} packets at {format_rate(rate)}"
        help = f"CUBIC reaches the rate with `queue {needed}p`, or without a `queue`"
        diagnostics.warning("MPC706", message, _place(end, "queue"), "TCP may not reach the rate", help)
