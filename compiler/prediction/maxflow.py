"""The maximum flow from one node to another, and the links of a minimum cut.

The algorithm is that of Edmonds and Karp (1972), which augments along shortest paths. By the theorem of Ford
and Fulkerson, the maximum flow is the capacity of a minimum cut. Links without a rate have infinite capacity.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from math import comb, inf
from typing import NamedTuple

from compiler.model.links import InterfaceName
from compiler.prediction.lookup import Lookup
from compiler.prediction.sprayed import Sprayed
from compiler.prediction.trips import Trip, capacities

MOST_SUBSETS = 200
"""The most subsets of as many paths as there are flows that are enumerated."""


class Bound(NamedTuple):
    """A bound in bit/s of frames, and the links of the minimum cut that is nearest to the source."""

    rate: float
    cut: tuple[InterfaceName, ...]


class Arc(NamedTuple):
    """A link in one direction, with its capacity."""

    link: InterfaceName
    far: str
    rate: float


class _Network:
    """A residual network."""

    def __init__(self, arcs: Iterable[Arc]) -> None:
        self.arcs = list(arcs)
        self.left: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for link, far, rate in self.arcs:
            self.left[link.node][far] += rate

    def path(self, source: str, target: str) -> list[str]:
        """A shortest path with residual capacity; empty if there is none."""
        by = self.reached(source)
        path = [target]
        while path[-1] != source:
            if path[-1] not in by:
                return []
            path.append(by[path[-1]])
        return path[::-1]

    def reached(self, source: str) -> dict[str, str]:
        """The nodes that are reachable with residual capacity, each with its predecessor."""
        by = {source: source}
        queue = deque([source])
        while queue:
            name = queue.popleft()
            for onward, left in self.left[name].items():
                if left > 0 and onward not in by:
                    by[onward] = name
                    queue.append(onward)
        return by

    def send(self, path: list[str]) -> float:
        arcs = list(pairwise(path))
        amount = min(self.left[a][b] for a, b in arcs)
        for a, b in arcs if amount < inf else []:
            self.left[a][b] -= amount
            self.left[b][a] += amount
        return amount


def bound(arcs: Iterable[Arc], source: str, target: str) -> Bound:
    """The maximum flow between two nodes; infinite if a path has links without a rate only."""
    network = _Network(arcs)
    total = 0.0
    while path := network.path(source, target):
        total += network.send(path)
        if total == inf:
            return Bound(inf, ())
    reached = network.reached(source)
    cut = (arc.link for arc in network.arcs if arc.link.node in reached and arc.far not in reached)
    return Bound(total, tuple(cut))


def of_lab(lookup: Lookup, source: str, target: str, *, with_bursts: bool = False) -> Bound:
    """The bound over all links of a lab, through switches and nodes that forward."""
    passes = {name for name in lookup.nodes if _passes(lookup, name)} | {source} | lookup.switches
    crossings = [
        crossing
        for crossing in lookup.over.values()
        if crossing.out.id not in lookup.spare
        and crossing.out.node in passes
        and crossing.into.node in passes | {target}
    ]
    rates = capacities(crossings, with_bursts=with_bursts)
    found = [Arc(one.out.id, one.into.node, rates.get(one.link, inf)) for one in crossings]
    return bound([*found, *_within(lookup.leaks)], source, target)


def _within(leaks: Iterable[tuple[str, str]]) -> Iterator[Arc]:
    """What passes from one VRF of a router to another, over no link."""
    return (Arc(InterfaceName(near, ""), far, inf) for near, far in dict.fromkeys(leaks))


def _passes(lookup: Lookup, node: str) -> bool:
    """Whether a node forwards packets of any family from any interface."""
    kernel = lookup.kernel(node)
    return kernel.forwarding_6 or any(kernel.forwarding.values())


def of_flows(choices: Sequence[Sequence[Trip]]) -> Bound:
    """The bound of the total rate of flows with a choice of trips each, in a second with full token buckets.

    It is the greatest maximum flow over any set of as many trips as there are flows. Of too many sets, it is
    the less of the maximum flow over all trips and the sum of the best trip of each flow.
    """
    trips = list(dict.fromkeys(trip for own in choices for trip in own if trip.works))
    if not trips:
        return Bound(0.0, ())
    if len(choices) < len(trips) and comb(len(trips), len(choices)) <= MOST_SUBSETS:
        found = [_over(some) for some in combinations(trips, len(choices))]
        most = max(one.rate for one in found)
        links = dict.fromkeys(link for one in found if one.rate == most for link in one.cut)
        return Bound(most, tuple(links))
    alone = {trip: _over([trip]) for trip in trips}
    best = [max((alone[trip] for trip in own if trip.works), default=Bound(0.0, ())) for own in choices]
    apart = Bound(
        sum(one.rate for one in best), tuple(dict.fromkeys(link for one in best for link in one.cut))
    )
    return min(_over(trips), apart, key=lambda one: one.rate)


def _over(trips: Sequence[Trip]) -> Bound:
    """The bound over trips from one source to one target, in a second with full token buckets.

    Where all trips are sprayed, it is at most the sum of their rates, which weights decide.
    """
    links = of_trips(trips, with_bursts=True)
    in_turn = [trip for trip in trips if isinstance(trip, Sprayed)]
    if len(in_turn) < len(trips):
        return links
    most = sum(trip.most for trip in in_turn)
    slowest = tuple(trip.bottleneck for trip in in_turn if trip.bottleneck)
    return min(links, Bound(most, slowest), key=lambda one: one.rate)


def of_trips(trips: Sequence[Trip], *, with_bursts: bool = False) -> Bound:
    """The bound over the links of some trips from one source to one target."""
    crossings = {one.out.id: one for trip in trips for one in trip.crossings}.values()
    rates = capacities(crossings, with_bursts=with_bursts)
    arcs = [Arc(one.out.id, one.into.node, rates.get(one.link, inf)) for one in crossings]
    source, target = trips[0].out.nodes[0], trips[0].out.nodes[-1]
    leaks = ((near, far) for trip in trips for near, far in _steps(trip, source) if near != far)
    return bound([*arcs, *_within(leaks)], source, target)


def _steps(trip: Trip, source: str) -> Iterator[tuple[str, str]]:
    """Where packets of a trip are before each link, and whose interface they leave by."""
    before = (source, *(one.into.node for one in trip.crossings))
    return zip(before, (one.out.node for one in trip.crossings), strict=False)
