"""How long a node waits for the address of a neighbour.

The kernel asks three times, a second apart, and then takes the neighbour for unreachable (mcast_solicit and
retrans_time of arp(7); IPv6 does the same). Where an answer takes longer, it has to be asked less often.
"""

from collections.abc import Iterable

from compiler.infer.shaping import SECOND, full_frame, waits
from compiler.model.events import Reshaping
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port
from compiler.model.segments import Segment

LONGEST = 86400 * SECOND
"""What the kernel is told at most; it counts milliseconds in 31 bits."""


def patience(lab: Lab) -> dict[InterfaceName, int]:
    """The microseconds after which an interface may ask again, in whole seconds, where that is over one.

    That is how long a request and its answer take at most, at any time of a play and with all queues full.
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
    """How long a packet takes at most that leaves by an interface."""
    frames = {end.id: full_frame(link) for link in lab.links for end in link.ends}
    found = {end.id: waits(end.shaping, frames[end.id]) for link in lab.links for end in link.ends}
    for change in (change for event in lab.events for change in event.changes):
        if isinstance(change, Reshaping):
            id = change.interface
            found[id] = max(found[id], waits(change.shaping, frames[id]))
    tunnels = [(link, near) for link in lab.links if link.tunnel for near in link.ends]
    return found | {near.id: sum(found[id] for id in link.carriers(near)) for link, near in tunnels}


def _longest(segment: Segment, links: tuple[Link, ...], times: dict[InterfaceName, int]) -> int:
    """A round trip between any two ends, at most: over switches, twice that from one of them to the farthest
    end, as they are a tree."""
    own = [links[place] for place in segment.links]
    if not segment.switches:
        return max((sum(times[end.id] for end in link.ends) for link in own), default=0)
    return 2 * _deepest(segment, (link for link in own if not link.spare), times)


def _deepest(segment: Segment, links: Iterable[Link], times: dict[InterfaceName, int]) -> int:
    """The longest round trip from the first switch to what is linked with it, directly or not."""
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
