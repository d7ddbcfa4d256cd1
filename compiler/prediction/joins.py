"""Subflows that some kernels refuse: those that join an MPTCP connection while its data is out of order.

These kernels are Linux 6.1.159 to 6.1.176, and 6.12.60 to 6.12.114 (`__mptcp_finish_join` of
net/mptcp/protocol.c, fixed by "mptcp: move the OoO check back into __mptcp_try_fallback()"). Data of a single
subflow is in order. All others are requested at once, and one may send data before another has joined.
"""

from collections.abc import Iterator
from typing import NamedTuple

from compiler.model.multipath import Pair
from compiler.prediction.predict import Predictor
from compiler.prediction.subflows import Connection

JOINED, FIRST_DATA = 1.5, 2.5
"""Round trips of a subflow from its first SYN until its third packet and its first data arrive."""


class Joins(NamedTuple):
    """The longest and the shortest round trip of the subflows beside the first, in microseconds."""

    slow: float = 0.0
    fast: float = 0.0

    @property
    def late(self) -> float:
        """The microseconds by which one subflow may join after data of another; negative if none can."""
        return self.slow * JOINED - self.fast * FIRST_DATA


def refusals(predictor: Predictor) -> Iterator[tuple[Pair, Joins]]:
    """The pairs with a subflow that may be refused, each with the connection with the latest join."""
    lab = predictor.lab
    if not any(end.shaping.delay for link in lab.links for end in link.ends):
        return
    for pair in lab.pairs:
        connections = (one for ends in pair.openings for one in predictor.between(*ends).connections)
        found = (joins for one in connections for joins in _joins(one))
        worst = max(found, key=lambda joins: joins.late, default=Joins())
        if worst.late > 0:
            yield pair, worst


def _joins(connection: Connection) -> Iterator[Joins]:
    """The round trips, for each path of the first subflow; others on that path add nothing."""
    initial, *others = connection.subflows
    for first in initial.trips:
        apart = [one.trips for one in others if {trip.out.links for trip in one.trips} != {first.out.links}]
        times = [max(trip.rtt[1] for trip in own) for own in apart]
        if times:
            yield Joins(max(times), min(times))
