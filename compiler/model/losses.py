"""How many packets netem chooses where these are not independent of each other."""

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate, pairwise
from math import erf, log, sqrt

POINTS = 800
"""The points at which a distribution is computed."""

PRECISION = 1e-6
"""How near it is to the one that stays."""

MOST_ROUNDS = 100
"""The steps towards that, at most: the more a correlation keeps, the nearer is what they begin with."""


def gemodel(worse: float, better: float, bad: float, good: float) -> float:
    """The mean loss of a Gilbert-Elliott model: the chances to go from the good state to the bad one and
    back, and to lose a packet in either (loss_gilb_ell of net/sched/sch_netem.c)."""
    if worse + better == 0:
        return good  # it begins there, and stays
    return (worse * bad + better * good) / (worse + better)


def correlated(share: float, correlation: float) -> float:
    """The mean share of packets that netem chooses with a correlation: few, where the share is under a half.

    netem draws x' = (1-c) u + c x, with u uniform in 0..1, and chooses a packet if that is below the share
    (get_crandom of net/sched/sch_netem.c). The sum of uniform numbers is near 1/2 rather than uniform itself.
    """
    if correlation == 0 or share in (0, 1):
        return share
    return min(1.0, _at(share, *_drawn(correlation)))


def wanted(mean: float, correlation: float) -> float:
    """The share that has a mean with a correlation, which is not 0: the reverse of `correlated`."""
    places, below = _drawn(correlation)
    return _at(mean, below, places)


@lru_cache(maxsize=64)
def _drawn(c: float) -> tuple[list[float], list[float]]:
    """The distribution of numbers with a correlation: how likely one is at most at each of some places."""
    places = [10 ** (-9 * (1 - k / POINTS)) / 2 for k in range(POINTS)]
    places = [0.0, *places, *(1 - place for place in reversed(places)), 1.0]
    spread = sqrt((1 - c) / (12 * (1 + c)))
    below = [(1 + erf((x - 0.5) / spread / sqrt(2))) / 2 for x in places]
    for _ in range(min(MOST_ROUNDS, max(1, int(log(PRECISION) / log(c))))):
        areas = list(
            accumulate((_area(*pair) for pair in pairwise(zip(places, below, strict=True))), initial=0.0)
        )
        below = [_next(x, c, places, below, areas) for x in places]
    return places, below


def _area(near: tuple[float, float], far: tuple[float, float]) -> float:
    return (far[0] - near[0]) * (far[1] + near[1]) / 2


def _next(x: float, c: float, places: list[float], below: list[float], areas: list[float]) -> float:
    """The chance that the next number is at most x: for each u, that the last is at most (x-(1-c)u)/c."""
    return c / (1 - c) * (_until(x / c, places, below, areas) - _until((x - 1 + c) / c, places, below, areas))


def _until(x: float, places: list[float], below: list[float], areas: list[float]) -> float:
    """The area under a distribution function up to x."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return areas[-1] + x - 1
    at = bisect_left(places, x)
    return areas[at - 1] + _area((places[at - 1], below[at - 1]), (x, _at(x, places, below)))


def _at(x: float, places: list[float], below: list[float]) -> float:
    at = max(1, bisect_left(places, x))
    part = (x - places[at - 1]) / (places[at] - places[at - 1])
    return below[at - 1] + part * (below[at] - below[at - 1])
