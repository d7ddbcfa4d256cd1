"""Diagnostics of per-packet load balancing: paths that translate addresses differently, that differ in MTU or
delay, or that share their bottleneck; weights that leave capacity unused; and MPTCP beside it."""

from collections.abc import Callable, Iterator
from math import inf
from typing import NamedTuple

from compiler.ground.diagnostics import Diagnostics, Help
from compiler.ground.source import Span
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.prediction import quantities
from compiler.prediction.maxflow import of_trips
from compiler.prediction.predict import Predictor
from compiler.prediction.sprayed import Sprayed, as_flows

MOST_FOLLOWED = 200
"""The most pairs whose paths are computed; each takes some milliseconds."""

SHARED = 0.999
"""The part of a flow above which a link is on all of its ways."""

IDLE = 0.9
"""The fraction of the capacity of all paths below which a flow is reported."""

NOTES = {"MPC777"}
"""Codes of what a lab may be made to show: `mpc check` alone reports it."""


class _Asked(NamedTuple):
    source: str
    target: str
    address: Address
    span: Span


def has_turns(lab: Lab) -> bool:
    return any(node.sprays for node in lab.ip_nodes)


def check(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Reports what works against packets in turn, less what is a note."""
    _tell(predictor, diagnostics, notes=False)


def note(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Adds the notes on packets in turn."""
    _note_mptcp(predictor.lab, diagnostics)
    _tell(predictor, diagnostics, notes=True)


def _tell(predictor: Predictor, diagnostics: Diagnostics, *, notes: bool) -> None:
    """Reports each problem of sprayed flows once per place in the source: the notes, or all others."""
    told: set[tuple[str, Span]] = set()
    for _, asked in zip(range(MOST_FOLLOWED), _asked(predictor), strict=False):
        trips = predictor.between(asked.source, asked.target, asked.address).trips
        for flow in as_flows(trips):
            for code, message, label, help in _against(asked, flow) if isinstance(flow, Sprayed) else ():
                if (code in NOTES) == notes and (code, asked.span) not in told:
                    told.add((code, asked.span))
                    _report(diagnostics, code)(code, message, asked.span, label, help)


def _report(diagnostics: Diagnostics, code: str) -> Callable[[str, str, Span, str, Help], None]:
    if code in NOTES:
        return diagnostics.note
    return diagnostics.error if code == "MPC513" else diagnostics.warning


def _note_mptcp(lab: Lab, diagnostics: Diagnostics) -> None:
    """Adds notes on pairs of MPTCP whose first subflow is sprayed: it is between the same addresses."""
    pairs = {frozenset((pair.left, pair.right)) for pair in lab.pairs}
    sprays = [(one.left, one.right, one.span) for one in lab.sprays]
    sprays += [
        (route.source, route.target, route.span)
        for route in lab.explicit_routes
        if route.per_packet and isinstance(route.target, str)
    ]
    for source, target, span in sprays:
        if {source, target} in pairs:
            message = f"of MPTCP between `{source}` and `{target}`, the first subflow takes turns"
            help = "where programs speak MPTCP, `mptcp` alone has each subflow keep to its path"
            diagnostics.note("MPC776", message, span, "on all paths, beside the other subflows", help)


def _asked(predictor: Predictor) -> Iterator[_Asked]:
    """The sprayed flows that the source asks for: from a node to each address that stands for another."""
    for pair in predictor.lab.sprays:
        ends = [(pair.left, pair.right), *([(pair.right, pair.left)] if pair.both else [])]
        for source, target in ends:
            for own in predictor.lab.meanings.tried(target, source):
                yield _Asked(source, target, own, pair.span)
    for route in predictor.lab.explicit_routes:
        if route.per_packet and isinstance(route.target, str) and route.target != "default":
            for own in predictor.lab.meanings.tried(route.target, route.source):
                yield _Asked(route.source, route.target, own, route.span)


def _against(asked: _Asked, flow: Sprayed) -> Iterator[tuple[str, str, str, str]]:
    """The problems of a flow, each a code, a message, a label and a fix."""
    ends = f"from `{asked.source}` to `{asked.target}`"
    trips = [trip for trip, _ in flow.parts]
    if len({tuple((own.node, own.address) for own in trip.out.translations) for trip in trips}) > 1:
        nodes = sorted({own.node for trip in trips for own in trip.out.translations})
        message = f"packets of one connection {ends} would have different addresses"
        help = "masquerade where all of its packets leave by one interface, or send flows over one path each"
        yield "MPC513", message, f"masqueraded by {' and '.join(f'`{name}`' for name in nodes)}", help
    if len(mtus := {trip.mtu for trip in trips}) > 1:
        message = f"the ways {ends} take packets of {min(mtus)} to {max(mtus)} bytes"
        help = f"write `mtu {min(mtus)}` for the first link of each"
        yield "MPC772", message, "larger ones get through on some turns alone", help
    yield from _unlike(ends, flow)
    best = of_trips(trips)
    if flow.rate < IDLE * best.rate:
        message = f"{ends}, one connection fills {quantities.rate(flow.rate)}"
        if best.rate == inf:
            message, help = f"{message}, though one of its ways has no rate", "give each way a rate"
        else:
            message += f" of the {quantities.rate(best.rate)} that its ways carry"
            help = "give each way a weight by its rate"
        slow = f"limited by `{flow.bottleneck}`, which gets as many packets as its weight says"
        yield "MPC771", message, slow, help


def _unlike(ends: str, flow: Sprayed) -> Iterator[tuple[str, str, str, str]]:
    """What paths have in common or not: their delay, and their bottleneck."""
    trips = [trip for trip, _ in flow.parts]
    if len({trip.rtt for trip in trips}) > 1:
        message = f"the ways {ends} have round trips of {quantities.times(flow.rtt)}"
        help = "give them one delay, where a ping or a short transfer has to have one round trip"
        yield "MPC777", message, "packets overtake each other", help
    shared = [link for link, load in flow.loads if link == flow.bottleneck and load > SHARED]
    if shared and max(trip.rate for trip in trips) >= flow.rate:
        message = f"the ways {ends} share the link `{shared[0]}`"
        label = f"together they have its {quantities.rate(flow.rate)}, as one of them has alone"
        yield "MPC778", message, label, "give the link the rate of all ways together, or use one of them"
