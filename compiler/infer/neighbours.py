"""The retransmission intervals of ARP and neighbour discovery.

The kernel sends three requests, a second apart, and then considers the neighbour unreachable (mcast_solicit
and retrans_time of arp(7); IPv6 does the same). Where an answer takes longer, the interval has to be longer.
"""

from collections.abc import Iterable

from compiler.infer.shaping import SECOND, full_frame, waits
from compiler.model.events import Reshaping
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port
from compiler.model.segments import Segment

LONGEST = 86400 * SECOND
"""The longest interval that is set; the kernel counts milliseconds in 31 bits."""


def patience(lab: Lab) -> dict[InterfaceName, int]:
    """The interval of requests of each interface in microseconds, in whole seconds, if it is over one.

    It is the longest time from a request to its answer, at any time of a play and with all queues full.
    """
    times = _times(lab)
    if sum(times.values()) <= SECOND:
        return {}
    found: dict[InterfaceName, int] = {}
    for segment in lab.segments:
        longest = _longest(segment, lab.links, times)
        if longest > SECOND:
            found |= {end.id: min(LONGEST, -(-longest // SECOND) * SECOND) for end in segment.ends}
    return found


def _times(lab: Lab) -> dict[InterfaceName, int]:
    """The longest time that a packet takes to leave by each interface and arrive, in microseconds."""
    frames = {end.id: full_frame(link) for link in lab.links for end in link.ends}
    found = {end.id: waits(end.shaping, frames[end.id]) for link in lab.links for end in link.ends}
    for change in (change for event in lab.events for change in event.changes):
        if isinstance(change, Reshaping):
            id = change.interface
            found[id] = max(found[id], waits(change.shaping, frames[id]))
    others = [(link, near) for link in lab.links if link.tunnel or link.bond for near in link.ends]
    return found | {
        near.id: max(sum(found[id] for id in way) for way in link.ways(near)) for link, near in others
    }


def _longest(segment: Segment, links: tuple[Link, ...], times: dict[InterfaceName, int]) -> int:
    """The longest round trip between two ends. Switches are a tree: it is at most twice that from one of them
    to the farthest end."""
    own = [links[place] for place in segment.links]
    if not segment.switches:
        return max((sum(times[end.id] for end in link.ends) for link in own), default=0)
    return 2 * _deepest(segment, (link for link in own if not link.spare), times)


def _deepest(segment: Segment, links: Iterable[Link], times: dict[InterfaceName, int]) -> int:
    """The longest round trip from the first switch to anything that is connected with it."""
    ways: dict[str, list[tuple[Port, Port]]] = {name: [] for name in segment.switches}
    for near, far in (way for link in links for way in link.directions):
        if near.node in ways:
            ways[near.node].append((near, far))
    reached, waiting, longest = {segment.switches[0]: 0}, [segment.switches[0]], 0
    while waiting:
        name = waiting.pop()
        for near, far in ways[name]:
            time = reached[name] + times[near.id] + times[far.id]
            longest = max(longest, time)
            if far.node in ways and far.node not in reached:
                reached[far.node] = time
                waiting.append(far.node)
    return longest
