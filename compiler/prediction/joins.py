"""Subflows that some kernels refuse: those that join an MPTCP connection while its data is out of order.

So do Linux 6.1 since 6.1.159, and 6.12.60 to 6.12.114 (`__mptcp_finish_join` of net/mptcp/protocol.c, mended
by "mptcp: move the OoO check back into __mptcp_try_fallback()"). What comes by one subflow is in order. All
others are asked for together, and data of the first of them may come before the last has joined.
"""

from collections.abc import Iterator
from typing import NamedTuple

from compiler.ir.lab import Pair
from compiler.prediction.predict import Predictor
from compiler.prediction.subflows import Connection

JOINED, FIRST_DATA = 1.5, 2.5
"""Round trips of a subflow from when it is asked for until its third packet and its first data are there."""


class Refusal(NamedTuple):
    """A pair with a subflow that may be refused; microseconds of its round trip, and of that of another whose
    data comes before it has joined."""

    pair: Pair
    slow: float
    fast: float


def refusals(predictor: Predictor) -> Iterator[Refusal]:
    """One for each pair that has any, with the subflows that differ most."""
    lab = predictor.lab
    if not any(end.shaping.delay for link in lab.links for end in link.ends):
        return
    for pair in lab.pairs:
        found = (one for ends in pair.openings for one in predictor.between(*ends).connections)
        slow, fast = max(map(_joins, found), key=lambda times: times[0] - times[1], default=(0.0, 0.0))
        if slow * JOINED > fast * FIRST_DATA:
            yield Refusal(pair, slow, fast)


def _joins(connection: Connection) -> tuple[float, float]:
    """The longest and the shortest round trip of the subflows beside the first, in microseconds."""
    times = [max(trip.rtt[1] for trip in one.trips) for one in connection.subflows if not one.initial]
    return max(times, default=0.0), min(times, default=0.0)
