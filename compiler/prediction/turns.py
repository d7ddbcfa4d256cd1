"""What works against packets that take turns: addresses that differ by the way, packets that fit on some ways
alone, and weights that leave much of what the ways carry idle."""

from collections.abc import Iterator
from typing import NamedTuple

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Span
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.prediction import quantities
from compiler.prediction.maxflow import of_trips
from compiler.prediction.predict import Predictor
from compiler.prediction.sprayed import Sprayed, as_flows

MOST_FOLLOWED = 200
"""Pairs whose ways are followed; each takes some milliseconds."""

IDLE = 0.9
"""The part of what ways carry together, from which on it is not told that the rest is idle."""


class _Asked(NamedTuple):
    source: str
    target: str
    address: Address
    span: Span


def has_turns(lab: Lab) -> bool:
    return any(node.sprays for node in lab.ip_nodes)


def check(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Reports what works against flows that are to be sent in turn, once for each place in the source."""
    told: set[tuple[str, Span]] = set()
    for _, asked in zip(range(MOST_FOLLOWED), _asked(predictor), strict=False):
        trips = predictor.between(asked.source, asked.target, asked.address).trips
        for flow in as_flows(trips):
            for code, message, label, help in _against(asked, flow) if isinstance(flow, Sprayed) else ():
                if (code, asked.span) not in told:
                    told.add((code, asked.span))
                    report = diagnostics.error if code == "MPC513" else diagnostics.warning
                    report(code, message, asked.span, label, help)


def _asked(predictor: Predictor) -> Iterator[_Asked]:
    """What is to be sent in turn: from a node to each own address of another."""
    for pair in predictor.lab.sprays:
        ends = [(pair.left, pair.right), *([(pair.right, pair.left)] if pair.both else [])]
        for source, target in ends:
            for own in predictor.lookup.nodes[target].addresses:
                yield _Asked(source, target, own.address.ip, pair.span)
    for route in predictor.lab.explicit_routes:
        if route.per_packet and isinstance(route.target, str) and route.target != "default":
            for own in predictor.lookup.nodes[route.target].addresses:
                yield _Asked(route.source, route.target, own.address.ip, route.span)


def _against(asked: _Asked, flow: Sprayed) -> Iterator[tuple[str, str, str, str]]:
    """What works against a flow: a code, a message, a label, and a mend."""
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
    best = of_trips(trips)
    if flow.rate < IDLE * best.rate:
        carried = f"{quantities.rate(flow.rate)} of the {quantities.rate(best.rate)}"
        message = f"{ends}, one connection fills {carried} that its ways carry"
        slow = f"limited by `{flow.bottleneck}`, which gets as many packets as its weight says"
        yield "MPC771", message, slow, "give each way a weight by its rate"
