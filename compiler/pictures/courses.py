"""The ways that `mpc paths` predicts between two nodes, as courses over the lines of a picture."""

from collections.abc import Iterable, Iterator, Mapping

from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.vlans import home
from compiler.model.vrfs import whole
from compiler.pictures.picture import Course
from compiler.prediction.predict import Prediction
from compiler.prediction.show import summary
from compiler.prediction.trips import Trip

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of courses: those of Okabe and Ito, which people with any colour vision tell apart, without black, which is
text, and yellow, which white paper hides."""

Pair = tuple[str, str]
"""The names of two nodes."""

Places = Mapping[InterfaceName, tuple[int, ...]]
"""The lines of each interface, by their places in the picture: its own, and of a leg that of the bond or teql
that sends over it."""


def places(lab: Lab) -> Places:
    links = whole(lab).links
    bonds = [(place, link.bond) for place, link in enumerate(links) if link.bond]
    above = {end: place for place, bond in bonds for leg in bond.legs for end in (leg.left, leg.right)}
    return {
        end.id: (place, above[end.id]) if end.id in above else (place,)
        for place, link in enumerate(links)
        for end in link.ends
    }


def courses(families: Iterable[Prediction], lines: Places) -> tuple[Course, ...]:
    """The first ways, as many as there are colours; those over the same lines are one."""
    found: dict[tuple[int, ...], Course] = {}
    for prediction in families:
        for trip in (*prediction.trips, *prediction.detours):
            over = tuple(dict.fromkeys(_over(trip, lines)))
            bottleneck = lines[home(trip.bottleneck)][0] if trip.bottleneck else None
            found.setdefault(over, Course(_said(trip, prediction), over, bottleneck))
    return tuple(found.values())[: len(COLOURS)]


def _over(trip: Trip, lines: Places) -> Iterator[int]:
    for crossing in trip.out.crossings:
        yield from lines[home(crossing.link)]
        if crossing.tunnel:
            yield from lines[crossing.tunnel]


def _said(trip: Trip, prediction: Prediction) -> str:
    fate = "" if trip.out.delivered else f"{trip.out.fate} {trip.out.at}; "
    return f"{' '.join(trip.out.nodes)}: {fate}{summary(trip, prediction)}"
