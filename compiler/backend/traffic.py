"""The queueing disciplines of tc(8) that shape one direction of a link."""

from collections.abc import Iterator

from compiler.frontend.units import Queue, format_percent, format_queue, format_rate, format_time
from compiler.ir.lab import Interface, Shaping
from compiler.ir.shaping import delays

Arguments = tuple[str, ...]


UNBOUND = 10**12
"""The rate of a token bucket that bounds nothing, in bits a second."""


def qdiscs(end: Interface) -> Iterator[Arguments]:
    """The `qdisc add` commands of an interface, parents first.

    A delay line (netem) keeps the rate itself or has a token bucket (tbf) below it. The limit of a token
    bucket is in bytes; a queue that counts packets is below it (pfifo).
    """
    place: Arguments = ("root",)
    for handle, words in zip(("1:", "10:", "20:"), _nested(end.shaping), strict=False):
        yield "qdisc", "add", "dev", end.name, *place, "handle", handle, *words
        place = ("parent", f"{handle}1")
    if _is_bucket(end.shaping) and end.shaping.queue is not None and end.shaping.queue.packets:
        yield "qdisc", "add", "dev", end.name, *place, "pfifo", "limit", str(end.shaping.queue.amount)


def _nested(shaping: Shaping) -> Iterator[Arguments]:
    """Those with a handle, the root first."""
    if shaping.alone is not None:
        yield _cutter(shaping.alone)
    if delays(shaping):
        yield tuple(netem(shaping))
    if _is_bucket(shaping):
        yield tbf(shaping)


def _is_bucket(shaping: Shaping) -> bool:
    return shaping.rate is not None and shaping.burst is not None


def _cutter(frame: int) -> Arguments:
    """A token bucket that has no other effect than to hand on packets one at a time.

    What a sender hands down in one piece (GSO) has a single lot in netem, and is up to 44 packets. A token
    bucket takes apart what is larger than its burst (tbf_segment of net/sched/sch_tbf.c).
    """
    size = format_queue(Queue(frame, packets=False))
    return "tbf", "rate", format_rate(UNBOUND), "burst", size, "limit", size


def netem(shaping: Shaping) -> Iterator[str]:
    """The arguments of netem, as in tc-netem(8)."""
    yield "netem"
    yield from ("limit", str(_netem_limit(shaping)))
    if shaping.delay or shaping.jitter:
        yield from ("delay", format_time(shaping.delay or 0))
        yield from (format_time(shaping.jitter),) if shaping.jitter else ()
    for name in ("loss", "duplicate", "corrupt", "reorder"):
        value = getattr(shaping, name)
        yield from (name, format_percent(value)) if value else ()
    if shaping.rate is not None and shaping.burst is None:
        yield from ("rate", format_rate(shaping.rate))


def _netem_limit(shaping: Shaping) -> int:
    if shaping.rate is not None and shaping.burst is None:
        assert shaping.queue is not None
        return shaping.queue.amount
    assert shaping.held is not None
    return shaping.held


def tbf(shaping: Shaping) -> Arguments:
    """The arguments of tbf, as in tc-tbf(8); its limit is replaced where the queue counts packets."""
    assert shaping.rate is not None and shaping.burst is not None and shaping.queue is not None
    limit = shaping.burst if shaping.queue.packets else shaping.queue.amount
    burst, limit_text = (format_queue(Queue(value, packets=False)) for value in (shaping.burst, limit))
    return "tbf", "rate", format_rate(shaping.rate), "burst", burst, "limit", limit_text
