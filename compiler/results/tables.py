"""Results as text: a table for people, and lines of values for programs."""

import csv
import io
from collections.abc import Iterable, Iterator

from compiler.results.measured import Result
from compiler.results.summary import Row

HEAD = ("lab", "params", "transfer", "runs", "predicted", "median", "mean", "±95%", "least", "most")


def mbit(rate: float) -> str:
    return f"{rate / 10**6:.2f}"


def predicted(row: Row) -> str:
    """What is predicted in Mbit/s: a range where hashes decide."""
    if row.predicted is None:
        return "-"
    middle, low, high = row.predicted
    return mbit(middle) if high - low <= high / 100 else f"{mbit(low)}..{mbit(high)}"


def cells(row: Row) -> tuple[str, ...]:
    """The texts of HEAD for a row."""
    spread = mbit(row.confidence) if len(row.rates) > 1 else "-"
    rates = (row.median, row.mean)
    ends = (min(row.rates), max(row.rates))
    named = (row.lab, row.point or "-", row.transfer, str(len(row.rates)), predicted(row))
    return (*named, *map(mbit, rates), spread, *map(mbit, ends))


def table(rows: Iterable[Row]) -> str:
    """A table with columns of one width, in Mbit/s."""
    lines = [HEAD, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(f"{_line(line, widths)}\n" for line in lines)


def _line(line: tuple[str, ...], widths: list[int]) -> str:
    named = (text.ljust(width) for text, width in zip(line[:3], widths, strict=False))
    numbers = (text.rjust(width) for text, width in zip(line[3:], widths[3:], strict=True))
    return "  ".join((*named, *numbers))


COLUMNS = (
    *("file", "lab", "plan", "params", "kernel", "began", "source", "target", "transfer", "flows", "seconds"),
    *("predicted", "likely_least", "likely_most", "received", "retransmitted", "reverse"),
)


def as_csv(results: Iterable[Result]) -> str:
    """A line a measurement, in bits a second."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        for line in _lines(result):
            writer.writerow(map(_cell, line))
    return text.getvalue()


def _lines(result: Result) -> Iterator[tuple[object, ...]]:
    of = (result.file, result.lab, result.plan, result.point, result.kernel, result.began)
    for one in result.measurements:
        told = ("", "", "") if one.predicted is None else one.predicted
        again = "" if one.retransmitted is None else one.retransmitted
        ends = one.source, one.target, one.transfer, one.flows, one.seconds
        yield (*of, *ends, *told, one.received, again, "yes" if one.reverse else "no")


def _cell(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    if isinstance(value, float):
        return round(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
