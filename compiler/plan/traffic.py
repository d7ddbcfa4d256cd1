"""The queueing disciplines of tc(8) that shape one direction of a link."""

from collections.abc import Iterator
from typing import assert_never

from compiler.ground.units import Discipline, Queue, format_queue, format_rate, format_time
from compiler.infer.shaping import ETHERNET_HEADER, RED_LEAST, RED_LIMIT, delays
from compiler.model.links import Port, Shaping
from compiler.plan.facts import Qdisc

UNBOUND = 10**12
"""A rate that is never reached, in bits a second."""


SPLIT = 200 * 1024
"""Bytes that wait to be segmented. With less than a GSO packet has, most of them are lost."""

QUEUES = ("pfifo", "bfifo", *Discipline)
"""Queueing disciplines without children, which need no handle."""


Parameters = tuple[tuple[str, ...], ...]
"""Parameters of a queueing discipline: each a name and its values."""


def qdiscs(namespace: str, end: Port) -> Iterator[Qdisc]:
    """The queueing disciplines of an interface, parents first.

    A token bucket (tbf) limits the rate. With a delay line (netem), packets enter that first; after their
    delay it puts them into the queue below it (pfifo or bfifo), from which the token bucket takes them. So
    the queue holds waiting packets only, and not those in flight. A discipline that manages its queue (as
    fq_codel) stands in the place of pfifo.
    """
    place: tuple[str, ...] = ("root",)
    for handle, (kind, parameters) in zip(("1:", "10:", "20:"), _nested(end.shaping), strict=False):
        yield Qdisc(namespace, end.name, place, None if kind in QUEUES else handle, kind, parameters)
        place = ("parent", f"{handle}1")


def splitter(namespace: str, bond: str, mtu: int) -> Qdisc:
    """The queueing discipline of a bond whose packets take turns: its only effect is that GSO packets are
    segmented, so that single packets take turns. Its limit is that of several GSO packets."""
    burst = format_queue(Queue(mtu + ETHERNET_HEADER, packets=False))
    limit = format_queue(Queue(SPLIT, packets=False))
    parameters = (("rate", format_rate(UNBOUND)), ("burst", burst), ("limit", limit))
    return Qdisc(namespace, bond, ("root",), "1:", "tbf", parameters)


WAITING = 1000
"""Packets that wait on the end of a teql. Its legs have no other queue than those of the links."""


def waiting(namespace: str, teql: str) -> Qdisc:
    """The queueing discipline of the end of a teql, in place of the kernel's own."""
    return Qdisc(namespace, teql, ("root",), None, "pfifo", (("limit", str(WAITING)),))


def _nested(shaping: Shaping) -> Iterator[tuple[str, Parameters]]:
    """The kinds of queueing disciplines with their parameters, each the parent of the next."""
    if shaping.rate is not None:
        yield "tbf", tuple(_tbf(shaping))
    elif shaping.alone is not None:
        yield "tbf", _cutter(shaping.alone)
    if delays(shaping):
        yield "netem", tuple(_netem(shaping))
    if shaping.queue is not None and shaping.queue.discipline and shaping.rate is not None:
        frame = shaping.alone
        assert frame is not None
        yield shaping.queue.discipline.value, tuple(_managed(shaping.queue, frame, shaping.rate))
    elif shaping.queue is not None and shaping.rate is not None and not _is_limit(shaping):
        packets = shaping.queue.packets
        limit = str(shaping.queue.amount) if packets else format_queue(shaping.queue)
        yield "pfifo" if packets else "bfifo", (("limit", limit),)


def _is_limit(shaping: Shaping) -> bool:
    """Whether the queue is the limit of the token bucket, which is in bytes, without a child for it."""
    queue = shaping.queue
    return not delays(shaping) and queue is not None and not queue.packets and not queue.discipline


def _managed(queue: Queue, frame: int, rate: int) -> Iterator[tuple[str, ...]]:
    """The parameters of a queue that a discipline manages; what is left out is as the kernel has it.

    fq_codel has the MTU of the interface as its quantum, which a check cannot ask of another one.
    """
    match queue.discipline:
        case Discipline.FQ_CODEL:
            yield "limit", str(queue.amount)
            yield "quantum", str(frame)
            yield ("ecn" if queue.ecn else "noecn",)
        case Discipline.PIE:
            yield "limit", str(queue.amount)
            yield ("ecn" if queue.ecn else "noecn",)
        case Discipline.RED:
            yield from _red(queue, frame, rate)
        case Discipline.CAKE | None:
            pass
        case _:
            assert_never(queue.discipline)


def _red(queue: Queue, frame: int, rate: int) -> Iterator[tuple[str, ...]]:
    """The parameters of red, by the rules of tc-red(8): its burst is two thirds of the way from the upper
    threshold to the lower one, in packets."""
    upper = queue.amount // RED_LIMIT
    lower = upper // RED_LEAST
    yield "limit", format_queue(Queue(queue.amount, packets=False))
    yield "min", format_queue(Queue(lower, packets=False))
    yield "max", format_queue(Queue(upper, packets=False))
    yield "avpkt", str(frame)
    yield "burst", str(-(-(2 * lower + upper) // (3 * frame)))
    yield "bandwidth", format_rate(rate)
    yield from (("ecn",),) if queue.ecn else ()


def _cutter(frame: int) -> Parameters:
    """The parameters of a token bucket whose only effect is that GSO packets are segmented.

    netem draws one random number for a GSO packet of up to 44 segments. A token bucket segments packets that
    are larger than its burst (tbf_segment of net/sched/sch_tbf.c).
    """
    size = format_queue(Queue(frame, packets=False))
    return ("rate", format_rate(UNBOUND)), ("burst", size), ("limit", size)


def _netem(shaping: Shaping) -> Iterator[tuple[str, ...]]:
    """The parameters of netem, as in tc-netem(8).

    With a rate, netem keeps packets in order; a rate that is never reached keeps jitter from reordering them,
    and adds no delay.
    """
    yield "limit", str(shaping.held)
    if shaping.delay or shaping.jitter:
        jitter = (format_time(shaping.jitter),) if shaping.jitter else ()
        yield "delay", format_time(shaping.delay or 0), *jitter
    if shaping.jitter and shaping.distribution:
        yield "distribution", shaping.distribution.value
    for name in ("loss", "duplicate", "corrupt", "reorder"):
        if words := _share(name, shaping):
            yield name, *words
    if shaping.slot:
        yield "slot", *shaping.said("slot")
    if shaping.jitter:
        yield "rate", format_rate(UNBOUND)


def _share(name: str, shaping: Shaping) -> tuple[str, ...]:
    """The words of a share of packets, which are none for 0.

    tc(8) tells the kernel the correlation of a `duplicate` only where it reads one of something else too
    (netem_parse_opt of tc/q_netem.c of iproute2), so there is one of `corrupt` then.
    """
    words = shaping.said(name) if getattr(shaping, name) else ()
    if name == "corrupt" and shaping.duplicate and len(shaping.said("duplicate")) > 1:
        share, correlation = (*words, "0%", "0%")[:2]
        return share, correlation
    return words


def _tbf(shaping: Shaping) -> Iterator[tuple[str, ...]]:
    """The parameters of tbf, as in tc-tbf(8); its limit matters only without a child.

    It segments packets larger than both its burst and the burst of its peak rate, which must exceed its rate.
    So a peak rate that is never reached makes it segment GSO packets.
    """
    assert shaping.rate is not None and shaping.burst is not None and shaping.queue is not None
    yield "rate", format_rate(shaping.rate)
    yield "burst", format_queue(Queue(shaping.burst, packets=False))
    overhead = shaping.overhead or 0
    yield from (("overhead", str(overhead)),) if overhead else ()
    if shaping.alone is not None:
        yield "peakrate", format_rate(max(UNBOUND, shaping.rate * 9 // 8))
        yield "mtu", str(shaping.alone + overhead)
    limit = shaping.queue.amount if _is_limit(shaping) else shaping.burst
    yield "limit", format_queue(Queue(limit, packets=False))
