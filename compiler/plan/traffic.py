"""The queueing disciplines of tc(8) that shape one direction of a link."""

from collections.abc import Iterator

from compiler.ground.units import Queue, format_percent, format_queue, format_rate, format_time
from compiler.infer.shaping import delays
from compiler.model.lab import Interface, Shaping

Arguments = tuple[str, ...]


UNBOUND = 10**12
"""A rate that bounds nothing, in bits a second."""


QUEUES = ("pfifo", "bfifo")
"""Queueing disciplines that have no other below them, and so need no handle."""


def qdiscs(end: Interface) -> Iterator[Arguments]:
    """The `qdisc add` commands of an interface, parents first.

    A token bucket (tbf) keeps the rate. Packets come to a delay line (netem) before, and wait between the
    two: netem hands on what has had its delay to the queue below it (pfifo or bfifo), from which the bucket
    takes it. So the queue holds what waits, and not what is under way.
    """
    place: Arguments = ("root",)
    for handle, words in zip(("1:", "10:", "20:"), _nested(end.shaping), strict=False):
        named = () if words[0] in QUEUES else ("handle", handle)
        yield "qdisc", "add", "dev", end.name, *place, *named, *words
        place = ("parent", f"{handle}1")


def _nested(shaping: Shaping) -> Iterator[Arguments]:
    """Each the parent of the next."""
    if shaping.rate is not None:
        yield tbf(shaping)
    elif shaping.alone is not None:
        yield _cutter(shaping.alone)
    if delays(shaping):
        yield tuple(netem(shaping))
    if shaping.queue is not None and shaping.rate is not None and not _is_limit(shaping):
        yield _fifo(shaping.queue)


def _is_limit(shaping: Shaping) -> bool:
    """Whether the queue is the limit of the token bucket, which counts bytes and has no other child."""
    return not delays(shaping) and shaping.queue is not None and not shaping.queue.packets


def _fifo(queue: Queue) -> Arguments:
    return ("pfifo", "limit", str(queue.amount)) if queue.packets else ("bfifo", "limit", format_queue(queue))


def _cutter(frame: int) -> Arguments:
    """A token bucket that has no other effect than to hand on packets one at a time.

    What a sender hands down in one piece (GSO) has a single lot in netem, and is up to 44 packets. A token
    bucket takes apart what is larger than its burst (tbf_segment of net/sched/sch_tbf.c).
    """
    size = format_queue(Queue(frame, packets=False))
    return "tbf", "rate", format_rate(UNBOUND), "burst", size, "limit", size


def netem(shaping: Shaping) -> Iterator[str]:
    """The arguments of netem, as in tc-netem(8).

    With a rate, it sends nothing before what came earlier; one that bounds nothing keeps jitter from
    reordering, and delays nothing.
    """
    yield "netem"
    yield from ("limit", str(shaping.held))
    if shaping.delay or shaping.jitter:
        yield from ("delay", format_time(shaping.delay or 0))
        yield from (format_time(shaping.jitter),) if shaping.jitter else ()
    for name in ("loss", "duplicate", "corrupt", "reorder"):
        value = getattr(shaping, name)
        yield from (name, format_percent(value)) if value else ()
    yield from ("rate", format_rate(UNBOUND)) if shaping.jitter else ()


def tbf(shaping: Shaping) -> Arguments:
    """The arguments of tbf, as in tc-tbf(8); its limit counts where nothing is below it.

    It takes apart what is larger than its burst and than what it sends at once at its peak rate, which has to
    be above its rate. So a peak rate that bounds nothing lets it hand on packets one at a time.
    """
    assert shaping.rate is not None and shaping.burst is not None and shaping.queue is not None
    limit = shaping.queue.amount if _is_limit(shaping) else shaping.burst
    burst, limit_text = (format_queue(Queue(value, packets=False)) for value in (shaping.burst, limit))
    peak = ("peakrate", format_rate(max(UNBOUND, shaping.rate * 9 // 8)), "mtu", str(shaping.alone))
    cut = peak if shaping.alone is not None else ()
    return "tbf", "rate", format_rate(shaping.rate), "burst", burst, *cut, "limit", limit_text
