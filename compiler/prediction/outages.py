"""Pairs of nodes whose packets an event loses, though links that stay up join them.

Routes do not change while a lab runs. Where a link is down, the kernel leaves its ends' next hops over it out
of their routes; nodes farther away send on as before.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.ground.units import format_time
from compiler.infer.bridging import bridge
from compiler.model.events import Reshaping
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port
from compiler.prediction.groups import Groups, places
from compiler.prediction.inbound import Bits
from compiler.prediction.lookup import CERTAIN, Lookup
from compiler.prediction.reach import Reach, implied

MOST_OUTAGES = 20
"""The most sets of links whose outage is looked at."""


MOST_NAMED = 3
"""The most later events that are named."""


class Outage(NamedTuple):
    """The ports of links that are down, and those that lose all packets, from a time in microseconds on."""

    time: int
    span: Span
    down: frozenset[InterfaceName]
    losing: frozenset[InterfaceName]

    def meets(self, link: Link) -> bool:
        """Whether no packet passes a link, in one direction at least."""
        return any(end.id in self.down or end.id in self.losing for end in link.ends)

    def shaped(self, port: Port) -> Port:
        """A port as it is then."""
        lost = port.id in self.losing
        return port._replace(shaping=port.shaping._replace(loss=CERTAIN)) if lost else port


class Parted(NamedTuple):
    """The pairs that an outage parts first, in one family or in all alike (`over` is empty then)."""

    outage: Outage
    over: str
    rows: list[Bits]


def tell(lab: Lab, reaches: dict[int, Reach], diagnostics: Diagnostics) -> None:
    """Adds one note on all pairs that events part: at the first such event, with those that it parts.

    `reaches` is by IP version, before events.
    """
    found = list(_all_parted(lab, reaches))
    if not found:
        return
    outage, over, rows = found[0]
    groups = Groups(lab, len(lab.ip_nodes), rows, symmetric=True)
    apart = next(groups.mutual())
    when = f"{over} from {format_time(outage.time)} on"
    message = f"packets {groups.between(apart)} are lost{when}, though links that stay up join them"
    more = sum(row.bit_count() for row in groups.both) // 2
    more += sum(row.bit_count() for other in found[1:] for row in other.rows) // 2
    pairs = f"{more} more pair{'s' * (more > 1)} of nodes"
    label = f"routes do not follow this; {pairs} likewise" if more else "routes do not follow this"
    later = dict.fromkeys(other.outage for other in found[1:] if other.outage != outage)
    notes = (Note(f"and from {format_time(one.time)} on", one.span) for one in islice(later, MOST_NAMED))
    diagnostics.note("MPC744", message, outage.span, label, _mend(lab, outage), *notes)


def _mend(lab: Lab, outage: Outage) -> str:
    """What would have packets take another way."""
    if not outage.down:
        return "only a daemon notices a link that is up and loses all packets; `run` starts one"
    if lab.failover:
        return "`failover` is for one link between nodes that forward; see `mpc explain MPC744`"
    if lab.metric is None:
        return "write routes in reserve, with a `metric`, or `run` a daemon, with `routing daemon`"
    return "`routing shortest failover` has other ways in reserve; see `mpc explain MPC744`"


def _all_parted(lab: Lab, reaches: dict[int, Reach]) -> Iterator[Parted]:
    """The pairs that each outage parts, without those that an earlier one has parted."""
    known = {version: [0] * len(lab.ip_nodes) for version in reaches}
    found = list(islice(outages(lab), MOST_OUTAGES))
    for outage in found:
        cut = {version: parted(lab, outage, reach, len(found)) for version, reach in reaches.items()}
        for version, rows in cut.items():
            cut[version] = [row & ~old for row, old in zip(rows, known[version], strict=True)]
            known[version] = [row | old for row, old in zip(rows, known[version], strict=True)]
        alike = len(set(map(tuple, cut.values()))) == 1
        for version, rows in list(cut.items())[: 1 if alike else None]:
            if any(rows):
                yield Parted(outage, "" if alike else f" over IPv{version}", rows)


def outages(lab: Lab) -> Iterator[Outage]:
    """The sets of links that events take away, each at its first time."""
    down: set[InterfaceName] = set()
    losing: set[InterfaceName] = set()
    met: set[tuple[frozenset[InterfaceName], frozenset[InterfaceName]]] = {(frozenset(), frozenset())}
    for place, event in enumerate(lab.events):
        for change in event.changes:
            if isinstance(change, Reshaping):
                _put(losing, change.interface, there=change.shaping.loss == CERTAIN)
            else:
                for end in change.link:
                    _put(down, end, there=not change.up)
        state = frozenset(down), frozenset(losing)
        is_last = place + 1 == len(lab.events) or lab.events[place + 1].time > event.time
        if is_last and state not in met:
            met.add(state)
            yield Outage(event.time, event.span, *state)


def _put(into: set[InterfaceName], item: InterfaceName, *, there: bool) -> None:
    (into.add if there else into.discard)(item)


def parted(lab: Lab, outage: Outage, before: Reach, among: int = 1) -> list[Bits]:
    """For each node, the nodes that lose packets to or from it in an outage, though other links join them.

    In a large lab as many nodes are looked at as time allows, which is shared `among` so many outages.
    """
    rest = replace(lab, links=tuple(link for link in lab.links if not outage.meets(link)))
    joined = implied(rest, before.version)
    changed = _changed(lab, outage)
    during = Reach(changed, Lookup(changed, outage.down), before.version, among)
    rows = [
        lost & whole & ~early
        for lost, whole, early in zip(during.unreached, joined, before.unreached, strict=True)
    ]
    for place, row in enumerate(rows):
        for other in places(row):
            rows[other] |= 1 << place
    return rows


def _changed(lab: Lab, outage: Outage) -> Lab:
    """A lab in an outage; switches know of a link between them that it meets, and change their trees."""
    switches = {switch.name for switch in lab.switches}
    links = [
        link._replace(left=outage.shaped(link.left), right=outage.shaped(link.right))
        for link in lab.links
        if not (outage.meets(link) and switches.issuperset(end.node for end in link.ends))
    ]
    changed = replace(lab, links=tuple(links))
    return bridge(changed, Diagnostics()) if len(links) < len(lab.links) else changed
