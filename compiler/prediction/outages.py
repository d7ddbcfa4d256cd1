"""Pairs of nodes whose packets an event loses, though links that stay up join them.

Routes do not change while a lab runs. Where a link is down, the kernel leaves its ends' next hops over it out
of their routes; nodes farther away send on as before.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from compiler.ground.diagnostics import Diagnostics
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

MOST = 3
"""The most groups of pairs that are named for an event."""

MOST_OUTAGES = 20
"""The most sets of links whose outage is looked at."""


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


def tell(lab: Lab, reaches: dict[int, Reach], diagnostics: Diagnostics) -> None:
    """Adds a note for each group of pairs at the first event that parts them.

    `reaches` is by IP version, before events.
    """
    told = {version: [0] * len(lab.ip_nodes) for version in reaches}
    for outage in islice(outages(lab), MOST_OUTAGES):
        cut = {version: parted(lab, outage, reach) for version, reach in reaches.items()}
        for version, rows in cut.items():
            cut[version] = [row & ~known for row, known in zip(rows, told[version], strict=True)]
            told[version] = [row | known for row, known in zip(rows, told[version], strict=True)]
        alike = len(set(map(tuple, cut.values()))) == 1
        for version, rows in list(cut.items())[: 1 if alike else None]:
            over = "" if alike else f" over IPv{version}"
            _tell(lab, outage, rows, f"{over} from {format_time(outage.time)} on", diagnostics)


def _tell(lab: Lab, outage: Outage, rows: list[Bits], when: str, diagnostics: Diagnostics) -> None:
    groups = Groups(lab, len(lab.ip_nodes), rows, symmetric=True)
    for apart in islice(groups.mutual(), MOST):
        message = f"packets {groups.between(apart)} are lost{when}, though links that stay up join them"
        label = "routes do not follow this"
        help = "only the nodes at a link that is down use another next hop, if their route has one"
        diagnostics.note("MPC744", message, outage.span, label, help)
    if left := sum(row.bit_count() for row in groups.both) // 2:
        message = f"packets between {left} more pairs of nodes are lost{when}, likewise"
        diagnostics.note("MPC744", message, outage.span, "besides those that are named", "")


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


def parted(lab: Lab, outage: Outage, before: Reach) -> list[Bits]:
    """For each node, the nodes that lose packets to or from it in an outage, though other links join them."""
    rest = replace(lab, links=tuple(link for link in lab.links if not outage.meets(link)))
    joined = implied(rest, before.version)
    changed = _changed(lab, outage)
    during = Reach(changed, Lookup(changed, outage.down), before.version)
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
