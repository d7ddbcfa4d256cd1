"""Pass: queue lengths and bursts, such that a rate is reached and packets are lost only as configured."""

from collections.abc import Container
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Span
from compiler.ground.units import Discipline, Distribution, Queue, format_rate
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

TARGETS = {Discipline.FQ_CODEL: 5000, Discipline.CAKE: 5000, Discipline.PIE: 15000}
"""The time that a packet is to wait at most on average, in microseconds: the kernel's own of each discipline
(RFC 8289, RFC 8290, RFC 8033)."""

SEPARATE = (Discipline.FQ_CODEL, Discipline.CAKE)
"""The disciplines with a queue for each flow, so that a flow waits for one packet of each other one."""

MOST_FLOWS_HELD = 10240
"""The limit of fq_codel and cake in packets, the kernel's own."""

PIE_TIME = SECOND // 5
"""The time that a packet would wait in a pie that is full, in microseconds; at least FEWEST_HELD packets."""

RED_LIMIT, RED_LEAST = 4, 3
"""The limit of red and its lower threshold, by its upper one: four times that, and a third of it."""


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
    _check_marks(lab, diagnostics)
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
    return any((shaping.delay, shaping.jitter, shaping.slot)) or draws(shaping)


SPREAD = {
    Distribution.NORMAL: (400, 353),
    Distribution.PARETO: (67, 400),
    Distribution.PARETONORMAL: (151, 389),
}
"""How far each distribution reaches below and above its middle, in hundredths of the jitter: the least and
the largest values of the tables of tc(8)."""


def reach(shaping: Shaping) -> tuple[int, int]:
    """How far a delay is below and above the one that is set, in microseconds: by jitter, and by slots."""
    low, high = SPREAD.get(shaping.distribution, (100, 100)) if shaping.distribution else (100, 100)
    jitter = shaping.jitter or 0
    return jitter * low // 100, jitter * high // 100 + (shaping.slot or 0)


def draws(shaping: Shaping) -> bool:
    """Whether netem treats some packets of a direction otherwise than the rest, at random."""
    return any((shaping.loss, shaping.duplicate, shaping.corrupt, shaping.reorder))


def _filled(shaping: Shaping, frame: int, *, alone: bool) -> Shaping:
    """The shaping with a burst, a queue and the room of the delay line.

    `alone` is whether the direction has random treatment of packets at any time of a play: its kinds of
    queueing disciplines are then the same all the time, so that events change them in place. A written queue
    counts frames, and an overhead is that of each, so GSO packets have to be segmented before these too.
    """
    rate, written = shaping.rate, shaping.queue is not None
    if rate is None:
        shaping = shaping._replace(burst=None)
    else:
        burst = min(MOST, max(rate // 8 // TICKS, 4 * frame)) if shaping.burst is None else shaping.burst
        queue = shaping.queue or _queue(shaping, rate, frame)
        if queue.discipline:
            queue = _limited(queue, shaping, rate, frame)
        shaping = shaping._replace(burst=burst, queue=queue)
    if delays(shaping):
        shaping = shaping._replace(held=_held(shaping, frame))
    cut = (alone and delays(shaping)) or (rate is not None and (written or shaping.overhead))
    return shaping._replace(alone=frame if cut else None)


def _queue(shaping: Shaping, rate: int, frame: int) -> Queue:
    """The default queue: the packets of QUEUE_TIME.

    With a delay, twice the bandwidth-delay product more, as a sender may have a round trip's worth waiting
    beside the packets in flight.
    """
    waiting = max(rate * QUEUE_TIME // (8 * SECOND), 4 * frame)
    return Queue(min(MOST, waiting + 2 * frame * under_way(shaping, rate, frame)), packets=False)


def _limited(queue: Queue, shaping: Shaping, rate: int, frame: int) -> Queue:
    """A queue that a discipline manages, with its limit."""
    if queue.discipline in SEPARATE:
        return queue._replace(amount=MOST_FLOWS_HELD)
    if queue.discipline is Discipline.PIE:
        most = rate * PIE_TIME // (8 * SECOND * frame)
        return queue._replace(amount=min(MOST, max(FEWEST_HELD, most)))
    upper = min(MOST // RED_LIMIT, _queue(shaping, rate, frame).amount)
    return queue._replace(amount=RED_LIMIT * upper, packets=False)


def standing(queue: Queue, rate: int, frame: int) -> float:
    """The time that a packet waits at most, on average, behind those of one flow that fills the queue, in
    microseconds: where the queue drops at its tail, in the full queue."""
    one = frame * 8 * SECOND / rate
    if queue.discipline in TARGETS:
        return max(one, TARGETS[queue.discipline])
    size = queue.amount * (frame if queue.packets else 1)
    return size * 8 * SECOND / rate / (RED_LIMIT if queue.discipline else 1)


def beside(queue: Queue, rate: int, frame: int) -> float:
    """The same of a single packet of another flow: where each flow has a queue of its own, it waits for the
    one that is being sent."""
    return frame * 8 * SECOND / rate if queue.discipline in SEPARATE else standing(queue, rate, frame)


def under_way(shaping: Shaping, rate: int, frame: int) -> int:
    """The bandwidth-delay product of one direction in full packets, rounded up."""
    time = (shaping.delay or 0) + reach(shaping)[1]
    return -(-rate * time // (8 * SECOND * frame))


def _held(shaping: Shaping, frame: int) -> int:
    """The room of the delay line, in packets: those in flight, and those that arrive before the token bucket
    takes the next packet, which are then moved to the queue."""
    delayed = max(FEWEST_HELD, under_way(shaping, FASTEST, frame))
    if shaping.rate is None or shaping.queue is None:
        return min(MOST_HELD, delayed)
    amount = shaping.queue.amount
    return min(MOST_HELD, delayed + (amount if shaping.queue.packets else amount // SMALLEST_FRAME))


def waits(shaping: Shaping, frame: int) -> int:
    """The longest time of a packet, in microseconds: in a full queue, and the delay."""
    time = (shaping.delay or 0) + reach(shaping)[1]
    if shaping.rate is None or shaping.queue is None:
        return time
    if shaping.queue.discipline:
        return time + int(standing(shaping.queue, shaping.rate, frame))
    amount = shaping.queue.amount * (frame if shaping.queue.packets else 1)
    return time + amount * 8 * SECOND // shaping.rate


def _check(end: Port, frame: int, diagnostics: Diagnostics) -> None:
    for name in ("burst", "queue", "overhead"):
        if getattr(end.shaping, name) is not None and end.shaping.rate is None:
            message = f"this {name} waits for no rate, so it has no effect"
            diagnostics.warning("MPC709", message, _place(end, name), "no rate here", "set a `rate` as well")
    if end.shaping.rate is not None:
        _check_burst(end, frame, diagnostics)
        _check_queue(end, frame, diagnostics)


ECN, ASKS = "net.ipv4.tcp_ecn", "1"
"""The sysctl by which a node asks for ECN; as the kernel has it, a node only agrees to it."""


def _check_marks(lab: Lab, diagnostics: Diagnostics) -> None:
    """Warns of the first queue that marks packets, where no node asks for that."""
    marking = (end for link in lab.links for end in link.ends if end.shaping.queue and end.shaping.queue.ecn)
    end = next(marking, None)
    if end and not any(dict(node.sysctls).get(ECN) == ASKS for node in lab.nodes):
        message = "no node asks for ECN, so this queue drops packets, and marks none"
        help = f"set `sysctl NODE {ECN}={ASKS}` at the ends that open connections, or leave `ecn` out"
        diagnostics.warning("MPC757", message, _place(end, "queue"), "`ecn` has no effect", help)


def _place(end: Port, attribute: str) -> Span:
    return end.shaping.place(attribute) or end.span


def _check_burst(end: Port, frame: int, diagnostics: Diagnostics) -> None:
    burst = end.shaping.burst
    frame += end.shaping.overhead or 0
    if burst is not None and burst < frame:
        message = f"this burst is under one frame of {frame} bytes, so no full packet is sent"
        help = f"write at least `burst {frame}b`, or leave it out"
        diagnostics.error("MPC311", message, _place(end, "burst"), "too small", help)


def _check_queue(end: Port, frame: int, diagnostics: Diagnostics) -> None:
    queue = end.shaping.queue
    if queue is not None and queue.discipline:
        return
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
