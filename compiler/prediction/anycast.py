"""Notes on addresses that several nodes have: which of these the packets of each node come to."""

from collections.abc import Iterator

from compiler.ground.diagnostics import Diagnostics, listed
from compiler.ground.source import Span
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.prediction.groups import MOST_NAMES
from compiler.prediction.lookup import Lookup
from compiler.prediction.ways import ways

MOST_FOLLOWED = 2_000
"""The most nodes times addresses whose ways are followed."""


def tell(lab: Lab, lookup: Lookup, diagnostics: Diagnostics) -> None:
    """Adds a note for each such address."""
    places: dict[Address, Span] = {}
    for node in lab.ip_nodes:
        for own in node.anycast:
            places.setdefault(own.address.ip, own.span)
    followed = [node.name for node in lab.ip_nodes][: MOST_FOLLOWED // (len(places) or 1)]
    for address, span in places.items():
        found: dict[tuple[str, ...], list[str]] = {}
        for name in (name for name in followed if address not in lookup.own[name]):
            found.setdefault(_ends(lookup, name, address), []).append(name)
        if told := list(_told(found)):
            message = f"packets to `{address}` go {', and '.join(told)}"
            help = f"`mpc paths LAB NODE {address}` shows the ways"
            diagnostics.note("MPC746", message, span, "of the nearest nodes that have it", help)


def _ends(lookup: Lookup, name: str, address: Address) -> tuple[str, ...]:
    """The nodes that packets from one come to; none if some are lost."""
    found = ways(lookup, name, address)
    return tuple(sorted({way.at for way in found})) if all(way.delivered for way in found) else ()


def _told(found: dict[tuple[str, ...], list[str]]) -> Iterator[str]:
    for ends, names in sorted(found.items()):
        sources = listed((f"`{name}`" for name in names), MOST_NAMES)
        if ends:
            yield f"from {sources} to {' or '.join(f'`{name}`' for name in ends)}"
        else:
            yield f"from {sources} nowhere"
