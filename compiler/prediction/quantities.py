"""Predicted quantities as text."""

from collections.abc import Sequence
from fractions import Fraction
from math import inf

from compiler.prediction.estimate import Estimate, Outcome

MOST_TOLD, MOST_PARTS = 3, 8
"""The most outcomes that are listed, and the largest denominator of a probability as a fraction."""

RARE = 0.01
"""Outcomes with at most this probability are not listed."""

UNIT = " Mbit/s"


def rate(bits: float) -> str:
    """`9.38 Mbit/s`."""
    if 0 < bits < 1e4:
        return f"{bits:.3g} bit/s"
    return f"{bits / 1e6:.3g}{UNIT}" if bits < 1e9 else f"{bits / 1e6:.0f}{UNIT}"


def chance(part: float) -> str:
    """`1/2`, or `87 %` if the denominator would be above MOST_PARTS."""
    near = Fraction(part).limit_denominator(MOST_PARTS)
    if 0 < near < 1 and abs(near - part) < 1e-4:
        return str(near)
    return f"{100 * part:.2g} %" if part < 0.995 else f"{100 * part:.4g} %"


def estimate(one: Estimate) -> list[str]:
    """The rate, and if it depends on hashes, the probabilities of rates; one or two texts."""
    if not one.is_known:
        return ["not predicted", "too much is lost"]
    found = [outcome for outcome in one.distinct if outcome.chance > RARE] or one.distinct
    if found[0].rate == inf:
        return ["no rate on the way"]
    if len(found) == 1:
        return [rate(found[0].rate)]
    if found[-1].rate == inf or len(found) <= MOST_TOLD:
        return _one_by_one(found[::-1][:MOST_TOLD])
    low, high = _rates(one.likely)
    return [f"{rate(one.expected)} on average", f"9 of 10: {low} to {high}"]


def _one_by_one(found: Sequence[Outcome]) -> list[str]:
    *others, last = told = _rates([outcome.rate for outcome in found])
    unit = "" if any(text.endswith(("bit/s", "rate")) for text in told) else UNIT
    chances = [chance(outcome.chance) for outcome in found]
    with_each = f"each with {chances[0]}" if len(set(chances)) == 1 else f"with {', '.join(chances)}"
    return [f"{', '.join(others)} or {last}{unit}", with_each]


def _rates(found: Sequence[float]) -> list[str]:
    """The rates as text, without the unit if all have the same."""
    told = ["no rate" if bits == inf else rate(bits) for bits in found]
    alike = all(text.endswith(UNIT) for text in told)
    return [text.removesuffix(UNIT) for text in told] if alike else told


def times(pair: tuple[float, float]) -> str:
    """Microseconds as `40ms`, or as `38..42ms` if the least and the most differ."""
    low, high = (f"{time / 1000:.3f}".rstrip("0").rstrip(".") for time in pair)
    return f"{low}ms" if low == high else f"{low}..{high}ms"
