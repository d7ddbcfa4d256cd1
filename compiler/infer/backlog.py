"""The bound of unsent data of MPTCP subflows.

The scheduler gives a subflow up to 64 KiB at once (MPTCP_SEND_BURST_SIZE), which a slow path takes long to
send, while the data of other subflows waits for it, as the receiver reads in order. So the ends of a pair
bound unsent data by the slowest of their paths; fast paths need no bound, and would lose throughput by one.

The first subflow, which begins at a node address, shares a path with another one. On Linux 6.1, three paths
of 10 Mbit/s carry 24.0 Mbit/s with a bound of 6 ms, and 18.9 with one of 25 ms.
"""

from collections.abc import Iterable
from dataclasses import replace

from compiler.infer.graph import Edge
from compiler.infer.paths import Side
from compiler.infer.shaping import SECOND
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.nodes import Node

LEAST = 4096
"""The least bound, in bytes; with less, a subflow is idle until it is given more (measured)."""


UNSENT = 6250
"""The bound as sending time on the slowest path, in microseconds."""


class Rates:
    """The rates of paths."""

    def __init__(self, lab: Lab) -> None:
        shaping = {end.id: end.shaping for link in lab.links for end in link.ends}
        self.rates = {
            end.id: [
                rate * link.parallel for way in link.ways(end) for id in way if (rate := shaping[id].rate)
            ]
            for link in lab.links
            for end in link.ends
        }

    def lowest(self, edges: Iterable[Edge]) -> int | None:
        """The lowest rate of edges, bits a second; None where none has a rate."""
        own = (self.rates[InterfaceName(edge.source, edge.interface)] for edge in edges)
        return min((rate for rates in own for rate in rates), default=None)


class Backlog:
    """Collects the slowest path of each node that sends over several."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.slowest: dict[str, int | None] = {}

    def add(self, side: Side) -> None:
        """Adds the paths of an end; with a path without a rate among them, the end has no bound."""
        if len(side.paths) < 2:
            return
        for rate in (self.rates.lowest(path.edges) for path in side.paths):
            known = self.slowest.setdefault(side.node, rate)
            self.slowest[side.node] = min(known, rate) if known and rate else None

    def apply(self, lab: Lab) -> Lab:
        return replace(lab, nodes=tuple(map(self._bounded, lab.nodes)))

    def _bounded(self, node: Node) -> Node:
        rate = self.slowest.get(node.name)
        return node._replace(backlog=max(LEAST, rate * UNSENT // (8 * SECOND))) if rate else node
