"""A prediction as text, 80 columns wide."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from math import inf
from textwrap import wrap

from compiler.ground.units import format_rate, format_time
from compiler.model.links import InterfaceName
from compiler.model.trials import Protocol, Transfer
from compiler.prediction import quantities
from compiler.prediction.estimate import Estimate
from compiler.prediction.lookup import Crossing
from compiler.prediction.predict import MOST_TRIPS, Prediction
from compiler.prediction.quantities import times
from compiler.prediction.trips import Trip
from compiler.prediction.ways import Way

WIDTH, MOST_SHOWN, MOST_LINKS = 80, 8, 4

TO_AMOUNTS, TO_LIMITS = 26, 58
"""The columns of the table at which predicted amounts and their limits begin."""


def show(families: Iterable[Prediction], flows: int) -> str:
    """The paths, and the rates of transfers, in each address family."""
    return "\n".join(_family(prediction, flows) for prediction in families)


def _family(prediction: Prediction, flows: int) -> str:
    found = [*prediction.trips, *prediction.detours]
    head = " to ".join(prediction.named)
    if prediction.named[1] == str(prediction.address):
        head = prediction.named[0] + " to " + " or ".join(_ends(prediction))
    if prediction.address is None:
        return f"{head}: {prediction.named[1]} has no address\n"
    count = _count(len(found), "way") if prediction.is_whole else f"{MOST_TRIPS} ways and more"
    lines = [f"{head}, {prediction.address}: {count}", ""]
    for trip in found[:MOST_SHOWN]:
        lines += _trip(trip, prediction)
    if len(found) > MOST_SHOWN:
        lines += [f"  and {len(found) - MOST_SHOWN} more", ""]
    if prediction.working:
        lines += table(prediction, flows)
    return "\n".join(lines) + "\n"


def _ends(prediction: Prediction) -> list[str]:
    """The nodes that packets to an address come to, or those that have it."""
    found = dict.fromkeys(trip.out.at for trip in prediction.trips if trip.out.delivered)
    return list(found) or [prediction.target]


def _trip(trip: Trip, prediction: Prediction) -> Iterator[str]:
    yield from _folded(_drawn(trip.out), "  ", "      ")
    if not trip.out.crossings:
        yield ""
        return
    yield from _folded(summary(trip, prediction), "      ", "      ")
    yield from _answers(trip)
    yield ""


def summary(trip: Trip, prediction: Prediction) -> str:
    """The part of flows that take a way, its rate, times, losses and MTU."""
    parts = [_part(trip, prediction), _rate(trip), _times(trip)]
    parts += [f"loses {trip.loss:.3%}".replace("%", " %")] if trip.loss else []
    parts += [f"mtu {trip.mtu}"]
    return "; ".join(part for part in parts if part)


def _drawn(way: Way) -> str:
    """A path as its nodes with arrows between them, which show the shaping of links."""
    drawn = [way.nodes[0]]
    drawn += [f"{_link(crossing)} {crossing.into.node}" for crossing in way.crossings]
    return " ".join(drawn) + ("" if way.delivered else f" ({way.fate} {way.at})")


def _link(crossing: Crossing) -> str:
    said = ",".join(_said(crossing))
    return f"--{said}--" if said else "--"


def _said(crossing: Crossing) -> Iterator[str]:
    """The attributes of a link: an interface not named after its neighbour, the rate and the delay."""
    shaping = crossing.out.shaping
    if crossing.tunnel:
        yield f"in {crossing.tunnel}"
    elif crossing.out.name != crossing.into.node:
        yield crossing.out.name
    if shaping.rate:
        yield format_rate(shaping.rate)
    if shaping.delay:
        yield format_time(shaping.delay)


def _part(trip: Trip, prediction: Prediction) -> str:
    if trip not in prediction.trips:
        return "MPTCP alone"
    chance, turns = float(trip.out.chance), float(trip.out.turns)
    flows = float(trip.out.share) / (chance * turns)
    part = [] if turns == 1 else [f"{100 * turns:.3g} % of packets"]
    if chance == 1:
        return ", ".join([*part, *([] if flows == 1 else [f"{100 * flows:.3g} % of flows"])])
    whole = "all flows" if flows == 1 else f"{100 * flows:.3g} % of flows"
    return ", ".join([*part, f"{whole} or none: {100 * chance:.3g} % likely"])


def _rate(trip: Trip) -> str:
    """The least rate of a way, as it is written in labs; of a tunnel, less its headers."""
    if trip.bottleneck is None:
        return "no rate"
    bits = int(trip.rate)
    said = format_rate(bits) if bits % 1000 == 0 else quantities.rate(bits)
    return f"{said} at {trip.bottleneck}"


def _times(trip: Trip) -> str:
    one_way = f"{times(trip.delay)} one way"
    if not trip.works:
        return one_way
    loaded = trip.loaded_rtt if _has_written_queue(trip) else None
    under = f", under load up to {quantities.times((loaded, loaded))}" if loaded else ""
    return f"{one_way}, rtt {times(trip.rtt)}{under}"


def _has_written_queue(trip: Trip) -> bool:
    """Whether the lab says what the queue of the bottleneck is."""
    own = (one for one in trip.out.crossings if one.link == trip.bottleneck)
    return any(one.out.shaping.place("queue") for one in own)


def _answers(trip: Trip) -> Iterator[str]:
    """The return paths, unless they are the reverse of the path."""
    forth = trip.out.nodes[::-1]
    for way in trip.back[:MOST_SHOWN] if any(way.nodes != forth for way in trip.back) else ():
        yield from _folded(f"answers: {_drawn(way)}", "      ", "        ")


def table(prediction: Prediction, flows: int) -> Iterator[str]:
    """The rates of transfers, a line each and more for what depends on hashes."""
    several = Transfer(Protocol.TCP, flows)
    rows = [("one TCP flow", Transfer())]
    rows += [(_count(flows, "TCP flow"), several)] if flows > 1 else []
    rows += [(_mptcp(prediction), Transfer(Protocol.MPTCP))] if prediction.has_mptcp else []
    rows += [("UDP", Transfer(Protocol.UDP))]
    rows += [(str(transfer), transfer) for transfer in prediction.backward]
    yield from _row("data a second", [], "limited by")
    for what, transfer in rows:
        yield from _transfer(what, transfer, prediction)
    rate, cut = prediction.bound
    bound = "none" if rate == inf else f"{quantities.rate(rate)} of frames"
    yield from _row("all links, at most", [bound], _listed(cut))
    if prediction.has_mptcp and prediction.opener != prediction.source:
        yield f"  MPTCP: {prediction.opener} opens the connections, and {prediction.source} sends over them"


def _transfer(what: str, transfer: Transfer, prediction: Prediction) -> Iterator[str]:
    one = prediction.goodput(transfer)
    told = quantities.estimate(one)
    if not prediction.is_whole:
        told.append(f"over the first {MOST_TRIPS} ways")
    yield from _row(what, told, _listed(one.limits) or _other_limit(prediction, one))


def _row(what: str, amounts: list[str], limits: str) -> Iterator[str]:
    """A row of the table; amounts and limits continue on further lines."""
    rest = wrap(limits, WIDTH - TO_LIMITS, break_on_hyphens=False)
    for name, amount, limit in zip_longest([what], amounts, rest, fillvalue=""):
        yield f"  {name:{TO_AMOUNTS - 2}}{amount:{TO_LIMITS - TO_AMOUNTS}}{limit}".rstrip()


def _other_limit(prediction: Prediction, one: Estimate) -> str:
    """The limit of flows that no link's rate bounds."""
    if not one.is_known or one.most == inf:
        return ""
    lossy = any(trip.loss for trip in prediction.working)
    narrow = any(trip.is_too_narrow for trip in prediction.working)
    return "a queue under a packet" if narrow else "losses" if lossy else "the window"


def _mptcp(prediction: Prediction) -> str:
    counts = sorted({len(one.used) for one in prediction.connections}) or [0]
    several = f"{counts[0]}-{counts[-1]} subflows"
    return f"MPTCP, {_count(counts[0], 'subflow') if len(counts) == 1 else several}"


def _listed(links: Iterable[InterfaceName]) -> str:
    names = [str(link) for link in links]
    return " ".join(names[:MOST_LINKS]) + (" ..." if len(names) > MOST_LINKS else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _folded(text: str, first: str, rest: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
