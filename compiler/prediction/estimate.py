"""The distribution of the total throughput of flows that the hashes of multipath routes place on paths."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import comb, inf, prod
from random import Random
from typing import NamedTuple

from compiler.model.links import InterfaceName
from compiler.model.trials import Protocol
from compiler.prediction.sharing import Demand, share
from compiler.prediction.sprayed import Sprayed, as_flows
from compiler.prediction.tcp import DEFAULT_CONTROL, OFFERED, ceiling, is_foreseen
from compiler.prediction.tcp import share as payload_share
from compiler.prediction.trips import Trip, capacities
from compiler.prediction.ways import cases

MOST_PLACEMENTS = 2000
"""The most placements that are enumerated; beyond it, SAMPLES of them are drawn."""

SAMPLES = 400
"""The number of drawn placements. The standard error of a probability is at most 0.025, that of the mean a
twentieth of the standard deviation."""

TAIL = 0.05
"""The probability of rates below the likely range, and of rates above it."""

ALIKE = 0.01
"""The relative difference up to which two rates count as equal."""


class Outcome(NamedTuple):
    """A total payload rate in bit/s (infinite without a bound), and its probability."""

    rate: float
    chance: float


class Estimate:
    """The distribution of the total throughput of flows; without outcomes, nothing is predicted.

    Outcomes are in order of rate; `limits` are the links that bound them.
    """

    def __init__(self, outcomes: Iterable[Outcome], limits: Iterable[InterfaceName] = ()) -> None:
        weights: dict[float, float] = {}
        for rate, chance in outcomes:
            same = float(f"{rate:.9g}")  # the last digits of a sum depend on the order of its terms
            weights[same] = weights.get(same, 0.0) + chance
        whole = sum(weights.values())
        self.outcomes = tuple(Outcome(rate, weight / whole) for rate, weight in sorted(weights.items()))
        self.limits = tuple(dict.fromkeys(limits))

    @property
    def is_known(self) -> bool:
        return bool(self.outcomes)

    @property
    def expected(self) -> float:
        """The mean rate."""
        return sum(rate * chance for rate, chance in self.outcomes)

    @property
    def least(self) -> float:
        return self.outcomes[0].rate

    @property
    def most(self) -> float:
        return self.outcomes[-1].rate

    @property
    def likely(self) -> tuple[float, float]:
        """The quantiles of TAIL and of 1 - TAIL."""
        return self._at(TAIL), self._at(1 - TAIL)

    def _at(self, part: float) -> float:
        passed = 0.0
        for rate, chance in self.outcomes:
            passed += chance
            if passed >= part - 1e-9:
                return rate
        return self.most

    def chance(self, least: float) -> float:
        """The probability of at least this rate."""
        return sum(chance for rate, chance in self.outcomes if rate >= least)

    @cached_property
    def distinct(self) -> tuple[Outcome, ...]:
        """The outcomes, with those whose rates are nearly equal merged."""
        groups: list[list[Outcome]] = []
        for one in self.outcomes:
            if groups and one.rate - groups[-1][0].rate <= ALIKE * one.rate < inf:
                groups[-1].append(one)
            else:
                groups.append([one])
        chances = [sum(one.chance for one in group) for group in groups]
        means = [
            sum(one.rate * one.chance for one in group) / chance
            for group, chance in zip(groups, chances, strict=True)
        ]
        return tuple(map(Outcome, means, chances))


UNKNOWN, NOTHING = Estimate(()), Estimate([Outcome(0.0, 1.0)])

Placement = tuple[int, ...]
"""The trip of each flow, as sorted indexes."""

Lots = tuple[float, Sequence[tuple[int, float]]]
"""An outcome of the hashes that all flows between two addresses share: its probability, and the probability
of each trip in it."""


def estimate(
    choices: Sequence[tuple[Trip, ...]], times: int, protocol: Protocol, control: str | None = DEFAULT_CONTROL
) -> Estimate:
    """The total throughput of `times` flows for each choice of trips, with one congestion control.

    Flows with the same trips are between the same addresses, so a hash without ports places them alike.
    With `control` None, only the rates of links bound the flows.
    """
    choices = [as_flows(own) for own in choices]
    known = list(dict.fromkeys(trip for own in choices for trip in own))
    if control and not all(is_foreseen(trip, protocol) for trip in known):
        return UNKNOWN
    capacity = capacities(one for trip in known for one in trip.crossings)
    placed = [_placed(trip, protocol, control) for trip in known]
    outcomes, limits = [], dict[InterfaceName, None]()
    groups = {trips: count * times for trips, count in Counter(choices).items()}
    for place, weight in _placements(groups, known).items():
        total, links = _total(Counter(place), placed, capacity)
        outcomes.append(Outcome(total, weight))
        limits |= dict.fromkeys(links)
    return Estimate(outcomes, limits)


def combined(weighted: Iterable[tuple[float, Estimate]]) -> Estimate:
    """The mixture distribution of weighted estimates."""
    found = list(weighted)
    if not all(one.is_known for _, one in found):
        return UNKNOWN
    outcomes = [Outcome(rate, chance * weight) for weight, one in found for rate, chance in one.outcomes]
    return Estimate(outcomes, (link for _, one in found for link in one.limits))


def _placements(groups: Mapping[tuple[Trip, ...], int], known: Sequence[Trip]) -> dict[Placement, float]:
    """The probability of each placement. Flows with the same choices are interchangeable."""
    places = {trip: place for place, trip in enumerate(known)}
    lots = [(list(_lots(trips, places)), flows) for trips, flows in groups.items()]
    counts = (sum(comb(flows + len(own) - 1, flows) for _, own in found) for found, flows in lots)
    return _all(lots) if prod(counts) <= MOST_PLACEMENTS else _drawn(lots)


def _lots(trips: tuple[Trip, ...], places: Mapping[Trip, int]) -> Iterator[Lots]:
    for weight, own in cases([trip.out for trip in trips]):
        yield weight, [(places[trips[way]], part) for way, part in own]


def _all(lots: Iterable[tuple[Sequence[Lots], int]]) -> dict[Placement, float]:
    found: dict[Placement, float] = {(): 1.0}
    for cases_of, flows in lots:
        following: dict[Placement, float] = {}
        for weight, own in cases_of:
            placed = {place: part * weight for place, part in found.items()}
            for _ in range(flows):
                placed = _one_more(placed, own)
            for place, part in placed.items():
                following[place] = following.get(place, 0.0) + part
        found = following
    return found


def _one_more(
    found: Mapping[Placement, float], choices: Sequence[tuple[int, float]]
) -> dict[Placement, float]:
    """The probability of each placement with one more flow."""
    following: dict[Placement, float] = {}
    for place, weight in found.items():
        for trip, part in choices:
            key = tuple(sorted((*place, trip)))
            following[key] = following.get(key, 0.0) + weight * part
    return following


def _drawn(lots: Iterable[tuple[Sequence[Lots], int]]) -> dict[Placement, float]:
    """A random sample of placements, with a fixed seed."""
    random = Random(1)
    found: Counter[Placement] = Counter()
    lots = list(lots)
    for _ in range(SAMPLES):
        place: list[int] = []
        for cases_of, flows in lots:
            _, own = random.choices(cases_of, [weight for weight, _ in cases_of])[0]
            place += random.choices([trip for trip, _ in own], [part for _, part in own], k=flows)
        found[tuple(sorted(place))] += 1
    return {place: times / SAMPLES for place, times in found.items()}


class _Flow(NamedTuple):
    """A placed flow: its loads on links, the fraction of its bits that is received payload, and its rate
    without other flows."""

    loads: tuple[tuple[InterfaceName, float], ...]
    part: float
    ceiling: float


def _placed(trip: Trip, protocol: Protocol, control: str | None) -> list[_Flow]:
    """The flows that a flow with this trip is to links: itself; of sprayed UDP, one flow for each path."""
    if protocol is Protocol.UDP and isinstance(trip, Sprayed):
        offered = OFFERED * trip.first_rate
        found = ((part * offered, _flow(one, protocol, control)) for one, part in trip.parts)
        return [flow._replace(ceiling=min(flow.ceiling, most)) for most, flow in found]
    return [_flow(trip, protocol, control)]


def _flow(trip: Trip, protocol: Protocol, control: str | None) -> _Flow:
    if not trip.works:
        return _Flow((), 1.0, 0.0)
    part = payload_share(trip, protocol) * (1 - trip.late_loss)
    if not part:  # UDP on a path that corrupts each packet
        return _Flow(trip.loads, 1.0, 0.0)
    return _Flow(trip.loads, part, ceiling(trip, protocol, control) / part if control else inf)


def _total(
    places: Mapping[int, int], placed: Sequence[list[_Flow]], capacity: Mapping[InterfaceName, float]
) -> tuple[float, Iterator[InterfaceName]]:
    """The total payload rate of placed flows, and the links that bound them. Shares are rates of frames."""
    found = [(flow, times) for place, times in places.items() for flow in placed[place]]
    got = share([Demand(flow.loads, flow.ceiling, times) for flow, times in found], capacity)
    total = sum(
        one.rate * flow.part * times for one, (flow, times) in zip(got, found, strict=True) if one.rate
    )
    return total, (one.limit for one in got if one.limit)
