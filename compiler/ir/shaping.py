"""Pass: queue lengths and bursts, so that a rate is reached and no packet is lost that nobody asked for."""

from dataclasses import replace

from compiler.frontend.diagnostics import Diagnostics
from compiler.frontend.units import Queue, format_queue, format_rate
from compiler.ir.lab import Interface, Lab, Link, Shaping

DEFAULT_MTU = 1500
ETHERNET_HEADER = 14
SECOND = 10**9

QUEUE_TIME = SECOND // 20
"""How long a packet waits in a queue of the default length that is full, in nanoseconds."""

TICKS = 250
"""Refills of a token bucket a second that its default burst allows for: CONFIG_HZ of common kernels."""

FASTEST = 10 * 10**9
"""What a delay line without a rate is made to hold, in bits a second."""

FEWEST_HELD = 1000
"""The default limit of tc-netem(8), in packets."""


def size(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Fills in what each direction leaves open, and warns of what it sets too small."""
    return replace(lab, links=tuple(_sized(link, diagnostics) for link in lab.links))


def _sized(link: Link, diagnostics: Diagnostics) -> Link:
    frame = (link.mtu or DEFAULT_MTU) + ETHERNET_HEADER
    for end in link.ends:
        _check(end, frame, diagnostics)
    left, right = (replace(end, shaping=_filled(end.shaping, frame)) for end in link.ends)
    return replace(link, left=left, right=right)


def delays(shaping: Shaping) -> bool:
    """Whether a direction needs a delay line: anything that netem does beside a rate."""
    own = (shaping.delay, shaping.jitter, shaping.loss, shaping.duplicate, shaping.corrupt, shaping.reorder)
    return any(value is not None for value in own)


def _filled(shaping: Shaping, frame: int) -> Shaping:
    if delays(shaping):
        shaping = replace(shaping, held=_held(shaping, FASTEST, frame))
    if shaping.rate is None:
        return shaping
    in_bytes = shaping.queue is not None and not shaping.queue.packets
    if shaping.burst is None and (in_bytes or not delays(shaping)):
        burst = max(shaping.rate // 8 // TICKS, 2 * frame)
        shaping = replace(shaping, burst=burst)
    if shaping.queue is None:
        shaping = replace(shaping, queue=_queue(shaping, frame))
    return shaping


def _queue(shaping: Shaping, frame: int) -> Queue:
    """The default queue: what waits for a twentieth of a second.

    A delay line that keeps the rate itself holds what is under way too: the bandwidth-delay product, three
    times, as a sender may have a round trip's worth under way and the same again waiting.
    """
    assert shaping.rate is not None
    waiting = shaping.rate * QUEUE_TIME // (8 * SECOND)
    if shaping.burst is not None:
        return Queue(max(waiting, 2 * frame), packets=False)
    return Queue(3 * _packets(shaping, shaping.rate, frame) + max(2, waiting // frame), packets=True)


def _packets(shaping: Shaping, rate: int, frame: int) -> int:
    """The bandwidth-delay product of one direction, in full packets, rounded up."""
    time = (shaping.delay or 0) + (shaping.jitter or 0)
    return -(-rate * time // (8 * SECOND * frame))


def _held(shaping: Shaping, rate: int, frame: int) -> int:
    return max(FEWEST_HELD, _packets(shaping, rate, frame))


def _check(end: Interface, frame: int, diagnostics: Diagnostics) -> None:
    shaping = end.shaping
    if shaping.burst is not None and shaping.burst < frame:
        message = f"the burst of `{end.id}` is under one packet of {frame} bytes, so full packets are lost"
        help = f"write at least `burst {frame}b`, or leave it out"
        diagnostics.warning("MPC707", message, shaping.place("burst") or end.span, "too small", help)
    if shaping.queue is None:
        return
    span = shaping.place("queue") or end.span
    if shaping.rate is None:
        message = f"the queue of `{end.id}` has no rate to wait for, so it never fills"
        diagnostics.warning("MPC709", message, span, "has no effect", "set a `rate` as well")
    elif shaping.delay:
        _check_queue(end, shaping.queue, shaping.rate, frame, diagnostics)


def _check_queue(end: Interface, queue: Queue, rate: int, frame: int, diagnostics: Diagnostics) -> None:
    needed = _packets(end.shaping, rate, frame)
    if queue.amount * (frame if queue.packets else 1) < needed * frame:
        message = (
            f"the queue of `{end.id}`, {format_queue(queue)}, is shorter than the bandwidth-delay product:"
            f" {needed} packets at {format_rate(rate)}"
        )
        span = end.shaping.place("queue") or end.span
        help = f"write at least `queue {needed}p`, or leave it out"
        diagnostics.warning("MPC706", message, span, "packets will be lost", help)
