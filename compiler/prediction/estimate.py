"""What flows reach together, over all that the hashes of multipath routes can make of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from compiler.ir.lab import InterfaceName
from compiler.ir.trials import Protocol
from compiler.prediction.sharing import Demand, share
from compiler.prediction.tcp import DEFAULT_CONTROL, ceiling
from compiler.prediction.tcp import share as payload_share
from compiler.prediction.trips import Trip, capacities
from compiler.prediction.ways import cases

MOST_PLACEMENTS = 2000
"""Ways of placing flows that are looked at, the likeliest."""


class Estimate(NamedTuple):
    """Payload bits a second: on average over the hashes, at least and at most; infinite where nothing bounds
    it. `limits` are the links that do."""

    expected: float
    least: float
    most: float
    limits: tuple[InterfaceName, ...]


NOTHING = Estimate(0, 0, 0, ())

Placement = tuple[int, ...]
"""The trips that flows have, as places in a list, in order."""


def estimate(
    choices: Sequence[Sequence[Trip]], protocol: Protocol, control: str | None = DEFAULT_CONTROL
) -> Estimate:
    """What flows under a congestion control reach together, each of which has one of some trips.

    Those that have the same trips are between the same addresses, and share what hashes without ports choose.
    Without a congestion control, it is what no flows can exceed: only rates bound them, and bursts are extra.
    """
    known = list(dict.fromkeys(trip for own in choices for trip in own))
    placements = _placements(Counter(map(tuple, choices)), known)
    capacity = capacities(known, with_bursts=control is None)
    parts = [payload_share(trip, protocol, options=control is not None) for trip in known]
    ceilings = [ceiling(trip, protocol, control) if control else inf for trip in known]
    flows = [_Flow(*flow) for flow in zip(known, parts, ceilings, strict=True)]
    totals = [_total([flows[i] for i in place], capacity, protocol) for place in placements]
    return combined(zip(placements.values(), totals, strict=True))


def combined(weighted: Iterable[tuple[float, Estimate]]) -> Estimate:
    """The estimate over cases, each with its weight."""
    weighted = list(weighted)
    if not weighted:
        return NOTHING
    whole = sum(weight for weight, _ in weighted)
    expected = sum(weight / whole * one.expected for weight, one in weighted)
    limits = dict.fromkeys(link for _, one in weighted for link in one.limits)
    return Estimate(
        expected,
        min(one.least for _, one in weighted),
        max(one.most for _, one in weighted),
        tuple(limits),
    )


def _placements(groups: Mapping[tuple[Trip, ...], int], known: Sequence[Trip]) -> dict[Placement, float]:
    """How likely each way of placing flows is; which of the flows has which trip does not matter."""
    found: dict[Placement, float] = {(): 1.0}
    for trips, flows in groups.items():
        places = [known.index(trip) for trip in trips]
        following: dict[Placement, float] = {}
        for weight, own in cases([trip.out for trip in trips]):
            placed = {place: part * weight for place, part in found.items()}
            for _ in range(flows):
                placed = _one_more(placed, [(places[way], part) for way, part in own])
            for place, part in placed.items():
                following[place] = following.get(place, 0.0) + part
        found = following
    return found


def _one_more(
    found: Mapping[Placement, float], choices: Sequence[tuple[int, float]]
) -> dict[Placement, float]:
    """The likeliest placements with one more flow."""
    following: dict[Placement, float] = {}
    for place, weight in found.items():
        for trip, part in choices:
            key = tuple(sorted((*place, trip)))
            following[key] = following.get(key, 0.0) + weight * part
    return dict(sorted(following.items(), key=lambda item: -item[1])[:MOST_PLACEMENTS])


class _Flow(NamedTuple):
    """A flow that is placed: its trip, the part of its packets that is data, and what it reaches alone."""

    trip: Trip
    part: float
    ceiling: float


def _total(flows: Sequence[_Flow], capacity: Mapping[InterfaceName, float], protocol: Protocol) -> Estimate:
    """What placed flows reach; rates are shared as frames."""
    demands = [Demand(flow.trip.out.links, flow.ceiling / flow.part) for flow in flows]
    got = share(demands, capacity)
    kept = [1 - flow.trip.loss if protocol is Protocol.UDP else 1 for flow in flows]
    total = sum(one.rate * flow.part * arrives for one, flow, arrives in zip(got, flows, kept, strict=True))
    limits = tuple(dict.fromkeys(one.limit for one in got if one.limit))
    return Estimate(total, total, total, limits)
