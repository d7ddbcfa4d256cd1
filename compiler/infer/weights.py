"""How many packets in turn each of several paths gets: small whole numbers, as near to rates as that goes.

Of one TCP connection that is sent in turns, each path carries its part, so the path that is slowest for its
part bounds the whole: with rates r and weights w, it carries min(r / w) times the sum of w. For a given sum,
that is most where the largest w / r is least, which is how d'Hondt's method gives out seats.
"""

from fractions import Fraction
from heapq import heapify, heappop, heappush

MOST_TURNS = 32
"""The sum of weights: beyond, packets of one path stand so close that its queue has to hold them."""

ENOUGH = Fraction(99, 100)
"""Of what can be carried, with which a smaller sum is taken."""


def weights(rates: list[int | None]) -> list[int]:
    """The weights of paths of such rates, in their order; 0 is a path that would hold up the others.

    A path without a rate counts as the fastest one that has one.
    """
    most = max((rate for rate in rates if rate), default=1)
    known = [rate or most for rate in rates]
    found = [_shared_out(known, turns) for turns in range(1, MOST_TURNS + 1)]
    best = max(_carried(known, one) for one in found)
    return next(one for one in found if _carried(known, one) >= ENOUGH * best)


def _shared_out(rates: list[int], turns: int) -> list[int]:
    """So many turns, each to the path that has the most rate for its turns with one more."""
    found = [0] * len(rates)
    heap = [(Fraction(1, rate), place) for place, rate in enumerate(rates)]
    heapify(heap)
    for _ in range(turns):
        _, place = heappop(heap)
        found[place] += 1
        heappush(heap, (Fraction(found[place] + 1, rates[place]), place))
    return found


def _carried(rates: list[int], found: list[int]) -> Fraction:
    used = [Fraction(rate, weight) for rate, weight in zip(rates, found, strict=True) if weight]
    return min(used) * sum(found)


def interleaved(weights: list[int]) -> list[int]:
    """The places of the weighted, each as often as its weight, and as evenly as that goes.

    Each time, all gain their weight, and the one that has the most is taken and gives what all gained.
    """
    found, whole = [], sum(weights)
    gained = [0] * len(weights)
    for _ in range(whole):
        gained = [has + weight for has, weight in zip(gained, weights, strict=True)]
        place = gained.index(max(gained))
        gained[place] -= whole
        found.append(place)
    return found
