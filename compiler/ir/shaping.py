"""Pass: queue lengths and bursts, so that a rate is reached and no packet is lost that nobody asked for."""

from collections.abc import Container
from dataclasses import replace

from compiler.frontend.diagnostics import Diagnostics
from compiler.frontend.source import Span
from compiler.frontend.units import Queue, format_rate
from compiler.ir.lab import (
    Change,
    Event,
    Interface,
    InterfaceName,
    Lab,
    Link,
    Reshaping,
    Shaping,
    Switching,
)

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

MOST = 2**31 - 1
"""Of a queue or a burst: what tc(8) takes."""

LONGEST_BURST = 2**32 * 64 // 1000
"""Microseconds: tbf is told the time of a burst in 32 bits of 64 ns, and more wraps round without a word."""

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
    links = tuple(_sized(link, later, diagnostics) for link in lab.links)
    return replace(lab, links=links, events=_events(lab, later, diagnostics) if lab.events else ())


def _events(lab: Lab, later: Container[InterfaceName], diagnostics: Diagnostics) -> tuple[Event, ...]:
    """`later` are the interfaces that draw lots for packets after some event."""
    ends = {end.id: (end, _frame(link)) for link in lab.links for end in link.ends}

    def sized(change: Change) -> Change:
        if isinstance(change, Switching):
            return change
        end, frame = ends[change.interface]
        _check(replace(end, shaping=change.shaping), frame, diagnostics)
        alone = end.id in later or draws(end.shaping)
        return replace(change, shaping=_filled(change.shaping, frame, alone=alone))

    return tuple(replace(event, changes=tuple(map(sized, event.changes))) for event in lab.events)


def _frame(link: Link) -> int:
    """The bytes of a full packet."""
    return (link.mtu or DEFAULT_MTU) + ETHERNET_HEADER


def _sized(link: Link, later: Container[InterfaceName], diagnostics: Diagnostics) -> Link:
    frame = _frame(link)
    for end in link.ends:
        _check(end, frame, diagnostics)
    if (
        link.mtu is not None
        and link.mtu < LEAST_MTU_IPV6
        and any(a.version == 6 for a in link.left.addresses)
    ):
        message = f"an MTU of {link.mtu} is too small for IPv6"
        diagnostics.error("MPC307", message, _place(link.left, "mtu"), f"at least {LEAST_MTU_IPV6}")
    left, right = (
        replace(end, shaping=_filled(end.shaping, frame, alone=end.id in later or draws(end.shaping)))
        for end in link.ends
    )
    return replace(link, left=left, right=right)


def delays(shaping: Shaping) -> bool:
    """Whether a direction needs a delay line: any of what netem does beside a rate is not 0."""
    return any((shaping.delay, shaping.jitter)) or draws(shaping)


def draws(shaping: Shaping) -> bool:
    """Whether a direction has a share of packets that fares otherwise than the rest."""
    return any((shaping.loss, shaping.duplicate, shaping.corrupt, shaping.reorder))


def _filled(shaping: Shaping, frame: int, *, alone: bool) -> Shaping:
    """`alone` is whether the direction has a share of packets that fares otherwise, now or after some event:
    then its queueing disciplines are of the same kinds all the time, and events change them in place."""
    if delays(shaping):
        shaping = replace(shaping, held=_held(shaping, FASTEST, frame), alone=frame if alone else None)
    if shaping.rate is None:
        return replace(shaping, burst=None)
    in_bytes = shaping.queue is not None and not shaping.queue.packets
    if shaping.burst is None and (in_bytes or not delays(shaping)):
        burst = max(shaping.rate // 8 // TICKS, 4 * frame)
        shaping = replace(shaping, burst=burst)
    if shaping.queue is None:
        shaping = replace(shaping, queue=_queue(shaping, frame))
    return shaping


def _queue(shaping: Shaping, frame: int) -> Queue:
    """The default queue: what waits for QUEUE_TIME.

    A delay line that keeps the rate itself holds what is under way too: the bandwidth-delay product, three
    times, as a sender may have a round trip's worth under way and the same again waiting.
    """
    assert shaping.rate is not None
    waiting = shaping.rate * QUEUE_TIME // (8 * SECOND)
    if shaping.burst is not None:
        return Queue(min(MOST, max(waiting, 4 * frame)), packets=False)
    packets = 3 * _packets(shaping, shaping.rate, frame) + max(4, waiting // frame)
    return Queue(min(MOST, packets), packets=True)


def _packets(shaping: Shaping, rate: int, frame: int) -> int:
    """The bandwidth-delay product of one direction, in full packets, rounded up."""
    time = (shaping.delay or 0) + (shaping.jitter or 0)
    return -(-rate * time // (8 * SECOND * frame))


def _held(shaping: Shaping, rate: int, frame: int) -> int:
    return min(MOST, max(FEWEST_HELD, _packets(shaping, rate, frame)))


def _check(end: Interface, frame: int, diagnostics: Diagnostics) -> None:
    for name in ("burst", "queue"):
        if getattr(end.shaping, name) is not None and end.shaping.rate is None:
            message = f"this {name} waits for no rate, so it has no effect"
            diagnostics.warning("MPC709", message, _place(end, name), "no rate here", "set a `rate` as well")
    if end.shaping.rate is not None:
        _check_burst(end, end.shaping.rate, frame, diagnostics)
        _check_queue(end, end.shaping.rate, frame, diagnostics)


def _place(end: Interface, attribute: str) -> Span:
    return end.shaping.place(attribute) or end.span


def _check_burst(end: Interface, rate: int, frame: int, diagnostics: Diagnostics) -> None:
    burst = end.shaping.burst
    if burst is None:
        return
    if burst < frame:
        message = f"this burst is under one packet of {frame} bytes, so full packets are lost"
        help = f"write at least `burst {frame}b`, or leave it out"
        diagnostics.warning("MPC707", message, _place(end, "burst"), "too small", help)
    if burst * 8 * SECOND >= rate * LONGEST_BURST:
        message = f"this burst takes over {LONGEST_BURST // SECOND} seconds at its rate"
        diagnostics.error("MPC306", message, _place(end, "burst"), "too large")


def _check_queue(end: Interface, rate: int, frame: int, diagnostics: Diagnostics) -> None:
    queue, needed = end.shaping.queue, _packets(end.shaping, rate, frame)
    if queue is None or queue.amount * (frame if queue.packets else 1) >= needed * frame:
        return
    product = f"{needed} packets at {format_rate(rate)}"
    message = f"this queue is under the bandwidth-delay product, {product}"
    help = f"write at least `queue {needed}p`, or leave it out"
    diagnostics.warning("MPC706", message, _place(end, "queue"), "packets will be lost", help)
