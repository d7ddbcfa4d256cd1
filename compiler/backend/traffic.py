"""The queueing disciplines of tc(8) that shape one direction of a link."""

from collections.abc import Iterator

from compiler.frontend.units import Queue, format_percent, format_queue, format_rate, format_time
from compiler.ir.lab import Interface, Shaping
from compiler.ir.shaping import delays

Arguments = tuple[str, ...]


def qdiscs(end: Interface) -> Iterator[Arguments]:
    """The `qdisc add` commands of an interface, parents first.

    A delay line (netem) is at the root, and keeps the rate itself or has a token bucket (tbf) below it. The
    limit of a token bucket is in bytes; a queue that counts packets is below it (pfifo).
    """
    shaping = end.shaping
    place: Arguments = ("root",)
    if delays(shaping):
        yield "qdisc", "add", "dev", end.name, *place, "handle", "1:", *netem(shaping)
        place = ("parent", "1:1")
    if shaping.rate is not None and shaping.burst is not None:
        handle = "10:" if delays(shaping) else "1:"
        yield "qdisc", "add", "dev", end.name, *place, "handle", handle, *tbf(shaping)
        if shaping.queue is not None and shaping.queue.packets:
            queue = ("pfifo", "limit", str(shaping.queue.amount))
            yield "qdisc", "add", "dev", end.name, "parent", f"{handle}1", *queue


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
