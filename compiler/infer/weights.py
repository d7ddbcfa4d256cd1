"""Weights of sprayed paths: small whole numbers that approximate the ratio of their rates.

A sprayed TCP connection is bound by the path that is slowest for its share: with rates r and weights w, it
has min(r / w) * sum(w). For a given sum, that is largest if max(w / r) is smallest, as d'Hondt's method
apportions seats.
"""

from fractions import Fraction
from heapq import heapify, heappop, heappush

MOST_TURNS = 32
"""The greatest sum of weights; beyond it, a path's packets come in bursts that its queue has to hold."""

ENOUGH = Fraction(99, 100)
"""The fraction of the best rate that is enough for a smaller sum of weights."""


def weights(rates: list[int | None]) -> list[int]:
    """The weights of paths by their rates in bit/s; 0 for a path that would slow down the others.

    A path without a rate counts as the fastest one that has one.
    """
    most = max((rate for rate in rates if rate), default=1)
    known = [rate or most for rate in rates]
    found = [_shared_out(known, turns) for turns in range(1, MOST_TURNS + 1)]
    best = max(_carried(known, one) for one in found)
    return next(one for one in found if _carried(known, one) >= ENOUGH * best)


def _shared_out(rates: list[int], turns: int) -> list[int]:
    """Apportions turns one by one, each to the path with the largest r / (w + 1) (d'Hondt)."""
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
    """Indices, each as often as its weight and spread evenly (smooth weighted round robin, as in nginx).

    In each round, all gain their weight, and the one with the most is taken and loses the sum of weights.
    """
    found, whole = [], sum(weights)
    gained = [0] * len(weights)
    for _ in range(whole):
        gained = [has + weight for has, weight in zip(gained, weights, strict=True)]
        place = gained.index(max(gained))
        gained[place] -= whole
        found.append(place)
    return found
