"""What transfers reached over all runs: means, spreads and confidence, beside what was predicted."""

import re
from collections.abc import Iterable, Mapping
from math import sqrt
from statistics import mean, median, stdev
from typing import NamedTuple

from compiler.results.measured import Measurement, Result

_STUDENT = (
    *(12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13),
    *(2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04),
)
"""The two-sided 95% quantiles of Student's t distribution for 1 to 30 degrees of freedom."""

_NORMAL = 1.96
"""The same of the normal distribution, for more."""

_NUMBER = re.compile(r"(-?\d{1,15}(?:\.\d{1,15})?)([A-Za-z%]*)", re.ASCII)
"""A number and its unit."""


class Row(NamedTuple):
    """One transfer of a lab with params, over all runs. Rates are bits a second."""

    lab: str
    params: Mapping[str, str]
    transfer: str
    predicted: tuple[float, float, float] | None
    rates: tuple[float, ...]
    last: Measurement

    @property
    def point(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.params.items())

    @property
    def mean(self) -> float:
        return mean(self.rates)

    @property
    def median(self) -> float:
        return median(self.rates)

    @property
    def confidence(self) -> float:
        """Half of the 95% confidence interval of the mean; 0 of a single run, which has none."""
        count = len(self.rates)
        if count < 2:
            return 0.0
        quantile = _STUDENT[count - 2] if count - 2 < len(_STUDENT) else _NORMAL
        return quantile * stdev(self.rates) / sqrt(count)


def rows(results: Iterable[Result]) -> list[Row]:
    """The rows of all results, in the order in which they are first met."""
    found: dict[tuple[object, ...], list[Measurement]] = {}
    of: dict[tuple[object, ...], Result] = {}
    for result in results:
        for one in result.measurements:
            key = (result.lab, tuple(result.params.items()), one.name)
            found.setdefault(key, []).append(one)
            of.setdefault(key, result)
    return [
        Row(
            of[key].lab,
            of[key].params,
            many[-1].name,
            many[-1].predicted,
            tuple(one.received for one in many),
            many[-1],
        )
        for key, many in found.items()
    ]


class Curve(NamedTuple):
    """A transfer of a lab over the values of one param; `others` are the params that stay."""

    lab: str
    transfer: str
    others: str
    rows: tuple[Row, ...]
    values: tuple[float, ...]

    @property
    def name(self) -> str:
        return " ".join(filter(None, (f"{self.lab}:", self.transfer, self.others)))


def curves(rows: Iterable[Row], param: str) -> list[Curve]:
    """The rows whose param is a number, as curves of two points or more, each of one unit."""
    found: dict[tuple[str, str, str, str], list[tuple[float, Row]]] = {}
    for row in rows:
        others = ", ".join(f"{name}={text}" for name, text in row.params.items() if name != param)
        if match := _NUMBER.fullmatch(row.params.get(param, "")):
            key = (row.lab, row.transfer, others, match[2])
            found.setdefault(key, []).append((float(match[1]), row))
    many = {key: sorted(ones, key=lambda one: one[0]) for key, ones in found.items() if len(ones) > 1}
    return [
        Curve(lab, transfer, others, tuple(row for _, row in ones), tuple(x for x, _ in ones))
        for (lab, transfer, others, _), ones in many.items()
    ]


def swept(rows: Iterable[Row]) -> list[str]:
    """The params that have more than one value."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.params.items():
            values.setdefault(name, set()).add(value)
    return [name for name, found in values.items() if len(found) > 1]
