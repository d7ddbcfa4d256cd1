"""Flows whose packets take turns: several ways as one, of which each has its part of the packets.

All data has to arrive, so of TCP the way that is slowest for its part bounds the whole. What UDP loses on one
way says nothing of the others, so there each way is a flow of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import inf

from compiler.model.links import InterfaceName
from compiler.prediction.lookup import Crossing
from compiler.prediction.trips import Trip, capacities
from compiler.prediction.ways import cells, share_of


@dataclass(frozen=True)
class Sprayed(Trip):
    """The trips of one flow, each with its part of the packets; `out` is the way of the first."""

    parts: tuple[tuple[Trip, float], ...] = ()

    @property
    def works(self) -> bool:
        return any(trip.works for trip, _ in self.parts)

    @cached_property
    def loads(self) -> tuple[tuple[InterfaceName, float], ...]:
        found: dict[InterfaceName, float] = {}
        for trip, part in self.parts:
            for link in trip.out.links:
                found[link] = found.get(link, 0.0) + part
        return tuple(found.items())

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        return tuple({one.link: one for trip, _ in self.parts for one in trip.out.crossings}.values())

    @property
    def rate(self) -> float:
        return self._rate(with_bursts=False)

    @property
    def first_rate(self) -> float:
        """The rate of all links together that it leaves its source by."""
        first = {trip.out.crossings[0].link: trip.out.crossings[0].out for trip, _ in self.parts}
        return sum(out.shaping.rate or inf for out in first.values())

    @property
    def most(self) -> float:
        """The rate, with what bursts let through beside it in a second."""
        return self._rate(with_bursts=True)

    def _rate(self, *, with_bursts: bool) -> float:
        rates = capacities(self.crossings, with_bursts=with_bursts)
        return min((rates[link] / load for link, load in self.loads if link in rates), default=inf)

    @property
    def bottleneck(self) -> InterfaceName | None:
        rates = capacities(self.crossings)
        rated = [link for link, load in self.loads if link in rates and rates[link] / load == self.rate]
        return rated[0] if rated else None

    @property
    def mtu(self) -> int:
        return min(trip.mtu for trip, _ in self.parts)

    @property
    def delay(self) -> tuple[float, float]:
        found = [trip.delay for trip, _ in self.parts]
        return min(low for low, _ in found), max(high for _, high in found)

    @property
    def rtt(self) -> tuple[float, float]:
        found = [trip.rtt for trip, _ in self.parts if trip.works]
        return min(low for low, _ in found), max(high for _, high in found)

    @property
    def data_rtt(self) -> float:
        """The longest of all: what is acknowledged is all data up to there."""
        return max(trip.data_rtt for trip, _ in self.parts if trip.works)

    @property
    def room(self) -> float:
        return min(trip.room / part for trip, part in self.parts)

    @property
    def loss(self) -> float:
        return sum(part * (trip.loss if trip.works else 1.0) for trip, part in self.parts)

    @property
    def late_loss(self) -> float:
        return sum(part * (trip.late_loss if trip.works else 1.0) for trip, part in self.parts)

    @property
    def burst(self) -> float:
        return min(trip.burst / part for trip, part in self.parts)

    @property
    def is_too_narrow(self) -> bool:
        return any(trip.is_too_narrow for trip, _ in self.parts)


def as_flows(trips: Sequence[Trip]) -> tuple[Trip, ...]:
    """The trips that a flow may have; those that its packets take in turn are one."""
    if all(trip.out.turns == 1 for trip in trips):
        return tuple(trips)
    return tuple(_flows(trips))


def _flows(trips: Sequence[Trip]) -> Iterable[Trip]:
    for cell, places in cells([trip.out.drawn for trip in trips]):
        found = [trips[place] for place in places]
        if len(found) == 1:
            yield replace(found[0], out=replace(found[0].out, share=share_of(cell)))
            continue
        whole = sum((trip.out.turns for trip in found), Fraction(0))
        fixed = tuple(draw for draw in cell if not draw[0].per_flow)
        out = replace(found[0].out, share=share_of(cell), fixed=fixed, turns=whole)
        back = tuple(way for trip in found for way in trip.back if way.delivered)
        yield Sprayed(out, back, tuple((trip, float(trip.out.turns / whole)) for trip in found))
