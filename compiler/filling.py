"""How full the directions of links are: what each sends, beside its rate."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compiler.counters import Counts
from compiler.model.lab import Lab
from compiler.model.vrfs import whole


class Direction(NamedTuple):
    """A direction of a link: the interface that sends, also as a device of its namespace, and the other end.

    `rate` is its rate as up makes it, in bits a second, or None.
    """

    source: str
    target: str
    namespace: str
    device: str
    rate: int | None


class Filling(NamedTuple):
    """What a direction sends, in bits a second, with headers of Ethernet."""

    direction: Direction
    sent: float

    @property
    def share(self) -> float | None:
        """The share of its rate, if it has one."""
        return self.sent / self.direction.rate if self.direction.rate else None


def directions(lab: Lab) -> list[Direction]:
    """Both directions of each link, in the order of the lab."""
    namespace = {node.name: node.namespace for node in lab.nodes}
    return [
        Direction(str(near.id), str(far.id), namespace[near.node], near.name, near.shaping.rate)
        for link in whole(lab).links
        for near, far in link.directions
    ]


def fillings(every: Iterable[Direction], before: Counts, after: Counts) -> list[Filling]:
    """What directions have sent between two counts. An interface that was made anew counts from nothing; one
    that is not there sends nothing."""
    found = []
    for one in every:
        key = one.namespace, one.device
        old, new = before.get(key), after.get(key)
        if old and new and new.time > old.time:
            sent = new.sent - old.sent if new.sent >= old.sent else new.sent
            found.append(Filling(one, sent * 8 / (new.time - old.time)))
        else:
            found.append(Filling(one, 0.0))
    return found


def fullest(every: Sequence[Filling], most: int) -> list[Filling]:
    """Some of the directions, in their order: those with the largest share of their rate, then those that
    send most."""
    ranked = sorted(range(len(every)), key=lambda place: (-(every[place].share or 0.0), -every[place].sent))
    return [every[place] for place in sorted(ranked[:most])]
