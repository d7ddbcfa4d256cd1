"""Charts of results, by matplotlib: predictions beside measurements, rates over time, and sweeps as curves.

Text is taken as it is: a `$` begins no formula.
"""

import io
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from compiler.pictures.courses import COLOURS
from compiler.results.measured import Series
from compiler.results.summary import Curve, Row, curves, swept

MOST_BARS, MOST_TIMES, MOST_CURVES = 60, 12, 6
"""The most bars, charts over time, and params that are drawn; a chart with more is not legible."""

MBIT = 10**6
WIDTH = 9.0
"""Inches."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mpc",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def charts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The title and the SVG of each chart."""
    params = swept(rows)[:MOST_CURVES]
    found = [(f"Received, by {param}", curves(rows, param), param) for param in params]
    made = [(title, _curves(some, param)) for title, some, param in found if some]
    made.append(("Predicted and received", _bars(rows[:MOST_BARS])))
    timed = [row for row in rows if row.last.over_time][:MOST_TIMES]
    if timed:
        made.append(("Received over time, and what each interface of the source sent", _times(timed)))
    return made


def _bars(rows: Sequence[Row]) -> str:
    """A panel a lab, beside each other: means with the least and the most of all runs, and predictions."""
    labs = list(dict.fromkeys(row.lab for row in rows))
    most = max(sum(row.lab == lab for row in rows) for lab in labs)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.2 + 0.3 * most), layout="constrained")
        panels = figure.subplots(1, len(labs), squeeze=False, sharex=True)[0]
        for panel, lab in zip(panels, labs, strict=True):
            _panel(panel, [row for row in rows if row.lab == lab])
            panel.set_title(lab, pad=18)
        return _svg(figure)


def _panel(axes: Axes, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    means = [row.mean / MBIT for row in rows]
    below = [max(0.0, row.mean - min(row.rates)) / MBIT for row in rows]
    above = [max(0.0, max(row.rates) - row.mean) / MBIT for row in rows]
    axes.barh(places, means, xerr=(below, above), height=0.6, color=COLOURS[5], capsize=2, label="received")
    told = [(place, row.predicted) for place, row in enumerate(rows) if row.predicted]
    axes.errorbar(
        [middle / MBIT for _, (middle, _, _) in told],
        [place for place, _ in told],
        xerr=(
            [max(0.0, middle - low) / MBIT for _, (middle, low, _) in told],
            [max(0.0, high - middle) / MBIT for _, (middle, _, high) in told],
        ),
        fmt="D",
        color=COLOURS[1],
        markersize=4,
        label="predicted",
    )
    axes.set_yticks(list(places), [" ".join(filter(None, (row.transfer, row.point))) for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("Mbit/s")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=7, frameon=False)


def _curves(found: Sequence[Curve], param: str) -> str:
    """Means with their 95% confidence over the values of a param, and predictions as broken lines."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4), layout="constrained")
        axes = figure.subplots()
        for number, curve in enumerate(found):
            colour = COLOURS[number % len(COLOURS)]
            means = [row.mean / MBIT for row in curve.rows]
            spread = [row.confidence / MBIT for row in curve.rows]
            axes.plot(curve.values, means, "o-", color=colour, markersize=4, label=curve.name)
            low = [one - half for one, half in zip(means, spread, strict=True)]
            high = [one + half for one, half in zip(means, spread, strict=True)]
            axes.fill_between(curve.values, low, high, color=colour, alpha=0.2, linewidth=0)
            told = [
                (x, row.predicted[0] / MBIT)
                for x, row in zip(curve.values, curve.rows, strict=True)
                if row.predicted
            ]
            axes.plot([x for x, _ in told], [y for _, y in told], "--", color=colour, linewidth=1)
        axes.set_xlabel(param)
        axes.set_ylabel("Mbit/s")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=7)
        return _svg(figure)


def _times(rows: Sequence[Row]) -> str:
    """Of the last run of each row: what was received, and what went by each interface of the source."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.9 * len(rows)), layout="constrained")
        for row, axes in zip(rows, figure.subplots(len(rows), 1, squeeze=False)[:, 0], strict=True):
            paths = row.last.paths
            _line(axes, later(row.last.over_time, begin(paths.values())), "#333333", "received")
            for number, (name, series) in enumerate(paths.items()):
                _line(axes, series, COLOURS[number % len(COLOURS)], name)
            for seconds, event in row.last.played or ():
                _event(axes, seconds, event)
            axes.set_title(" ".join(filter(None, (f"{row.lab}:", row.transfer, row.point))), fontsize=9)
            axes.set_ylabel("Mbit/s")
            axes.set_ylim(bottom=0)
            axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        axes.set_xlabel("seconds")
        return _svg(figure)


BEGUN = 0.1
"""The part of its highest rate from which on an interface is taken to send the data of a transfer."""


def begin(paths: Iterable[Series]) -> float:
    """When data was sent first: what was received is told from there on, and what was sent from before it."""
    begun = [_begin(series, BEGUN * max(rate for _, rate in series)) for series in paths if series]
    return min(filter(None, begun), default=0.0)


def _begin(series: Series, least: float) -> float:
    """The time of the sample before the first one that is not small; 0 if there is none."""
    times = [0.0, *(time for time, _ in series)]
    return next((times[place] for place, (_, rate) in enumerate(series) if rate > least), 0.0)


def later(series: Series, by: float) -> Series:
    return tuple((time + by, rate) for time, rate in series)


def _line(axes: Axes, series: Series, colour: str, name: str) -> None:
    times, rates = [time for time, _ in series], [rate / MBIT for _, rate in series]
    # (matplotlib leaves names out of a legend that begin with `_`.)
    axes.plot(times, rates, color=colour, linewidth=1, label=f"\u200b{name}" if name[:1] == "_" else name)


LONGEST_EVENT = 40
"""Characters of an event that a chart has room for."""


def _event(axes: Axes, seconds: float, event: str) -> None:
    """A line at the time of an event, with what it was."""
    said = event if len(event) <= LONGEST_EVENT else f"{event[: LONGEST_EVENT - 1]}…"
    axes.axvline(seconds, color="#888888", linestyle=":", linewidth=1)
    axes.annotate(
        said,
        (seconds, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(2, -2),
        textcoords="offset points",
        rotation=90,
        va="top",
        fontsize=6,
        color="#555555",
    )


def _svg(figure: Figure) -> str:
    """The figure as an element of SVG, the same at any time."""
    text = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that its own font has not: the reader's has them
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return text.getvalue()
