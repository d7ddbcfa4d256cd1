"""The values that a sweep gives to a param: `0..2:0.5`, `10ms..50ms:10ms`, or `a,b,c`."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product

MOST = 10_000
"""The most points of a sweep."""

_NUMBER = r"(-?\d{1,15}(?:\.\d{1,9})?)([A-Za-z%]*)"
_RANGE = re.compile(rf"{_NUMBER}\.\.{_NUMBER}(?::{_NUMBER})?")


class ValuesError(Exception):
    """A text that is no list of values; the message says why."""


def points(settings: Mapping[str, str]) -> list[dict[str, str]]:
    """All combinations of the values of params, the last param changing first; raises ValuesError."""
    lists = [list(values(text)) for text in settings.values()]
    count = 1
    for one in lists:
        count *= len(one)
    if count > MOST:
        raise ValuesError(f"these are {count:,} combinations, and a sweep has {MOST:,} at most")
    return [dict(zip(settings, chosen, strict=True)) for chosen in product(*lists)]


def values(text: str) -> Iterator[str]:
    """The values of one param, in order and each once; raises ValuesError."""
    match = _RANGE.fullmatch(text)
    return _range(*match.groups()) if match else iter(dict.fromkeys(text.split(",")))


def _range(
    first: str, unit: str, last: str, last_unit: str, step: str | None, step_unit: str | None
) -> Iterator[str]:
    """The numbers from the first to the last, both included where the step leads there."""
    if len({unit, last_unit, step_unit or last_unit}) != 1:
        raise ValuesError(f"the numbers of `{first}{unit}..{last}{last_unit}` have different units")
    low, high, by = Decimal(first), Decimal(last), Decimal(step or 1)
    if by <= 0 or high < low:
        raise ValuesError(f"`{first}{unit}..{last}{last_unit}` goes up, by a step above 0")
    if (high - low) / by >= MOST:
        raise ValuesError(f"these are more than {MOST:,} values")
    return (f"{_plain(low + number * by)}{unit}" for number in range(int((high - low) / by) + 1))


def _plain(number: Decimal) -> str:
    """A number without zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
