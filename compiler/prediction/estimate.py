"""What flows reach together, over all that the hashes of multipath routes can make of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from compiler.ir.lab import InterfaceName
from compiler.prediction.sharing import Demand, share
from compiler.prediction.tcp import DEFAULT_CONTROL, Transport, ceiling
from compiler.prediction.tcp import share as payload_share
from compiler.prediction.trips import Trip, capacities

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
    choices: Sequence[Sequence[Trip]], transport: Transport, control: str = DEFAULT_CONTROL
) -> Estimate:
    """What flows under a congestion control reach together, each of which has one of some trips."""
    known = list(dict.fromkeys(trip for own in choices for trip in own))
    placements = _placements([[(known.index(t), float(t.out.share)) for t in own] for own in choices])
    capacity = capacities(known)
    ceilings = [ceiling(trip, transport, control) for trip in known]
    totals = [
        _total([known[i] for i in place], [ceilings[i] for i in place], transport, capacity)
        for place in placements
    ]
    return combined(zip(placements.values(), totals, strict=True))


def combined(weighted: Iterable[tuple[float, Estimate]]) -> Estimate:
    """The estimate over cases, each with its weight."""
    cases = list(weighted)
    if not cases:
        return NOTHING
    whole = sum(weight for weight, _ in cases)
    expected = sum(weight / whole * one.expected for weight, one in cases)
    limits = dict.fromkeys(link for _, one in cases for link in one.limits)
    return Estimate(
        expected, min(one.least for _, one in cases), max(one.most for _, one in cases), tuple(limits)
    )


def _placements(flows: Iterable[Sequence[tuple[int, float]]]) -> dict[Placement, float]:
    """How likely each way of placing flows is; which of the flows has which trip does not matter."""
    found: dict[Placement, float] = {(): 1.0}
    for choices in flows:
        following: dict[Placement, float] = {}
        for place, weight in found.items():
            for trip, part in choices:
                key = tuple(sorted((*place, trip)))
                following[key] = following.get(key, 0.0) + weight * part
        likeliest = sorted(following.items(), key=lambda item: -item[1])[:MOST_PLACEMENTS]
        found = dict(likeliest)
    return found


def _total(
    placed: Sequence[Trip],
    ceilings: Sequence[float],
    transport: Transport,
    capacity: Mapping[InterfaceName, float],
) -> Estimate:
    """What flows with one trip each reach; rates are shared as frames."""
    parts = [payload_share(trip, transport) for trip in placed]
    demands = [
        Demand(trip.out.links, most / part) for trip, most, part in zip(placed, ceilings, parts, strict=True)
    ]
    got = share(demands, capacity)
    total = sum(one.rate * part for one, part in zip(got, parts, strict=True))
    total = total * (1 - max(trip.loss for trip in placed)) if transport is Transport.UDP else total
    limits = tuple(dict.fromkeys(one.limit for one in got if one.limit))
    return Estimate(total, total, total, limits)
