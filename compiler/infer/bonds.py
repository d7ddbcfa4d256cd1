"""What works against the bonds and teqls of a lab: legs of different rates or delays, or over one link."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from compiler.ground.diagnostics import Diagnostics, enumerated
from compiler.ground.units import format_rate, format_time
from compiler.model.lab import Lab
from compiler.model.links import Bond, InterfaceName, Link, LinkKind, Mode, Shaping
from compiler.model.nodes import Node

Way = tuple[InterfaceName, ...]
"""The ports by which the packets of a leg leave nodes."""

Warned = tuple[str, str, str, str]
"""A code, a message, a label, and a mend."""


def check(lab: Lab, diagnostics: Diagnostics) -> None:
    """Warns of what keeps bonds and teqls from carrying what their legs do together."""
    shaping = {end.id: end.shaping for link in lab.links for end in link.ends}
    tunnels = {end.id for link in lab.links if link.tunnel for end in link.ends}
    for link in lab.links:
        found = _against(link, link.bond, shaping, tunnels) if link.bond else ()
        for code, message, label, help in found:
            diagnostics.warning(code, message, link.span, label, help)
    ends = {end.node for link in lab.links if link.kind is LinkKind.TEQL for end in link.ends}
    for node in (node for node in lab.nodes if node.name in ends):
        _check_sysctls(node, diagnostics)


_STRICT = re.compile(r"net\.ipv4\.conf\.(?:all|default|q/[^.]+)\.(rp_filter|arp_filter|arp_ignore)")
"""Sysctls by which the legs of a teql do not take what is for the address of the teql itself."""


def _check_sysctls(node: Node, diagnostics: Diagnostics) -> None:
    """Reports settings by which the legs of a node's teqls answer nothing, or drop what comes in by them."""
    for (key, value), span in zip(node.sysctls, node.sysctl_places, strict=True):
        if _STRICT.fullmatch(key) and value.strip() != "0":
            message = f"with `{key}={value}`, nothing gets through the teql of `{node.name}`"
            help = "leave it out: the address is on the teql, and packets come in by its legs"
            diagnostics.error("MPC530", message, span, "0 where a teql ends", help)


def _against(
    link: Link, bond: Bond, shaping: dict[InterfaceName, Shaping], tunnels: set[InterfaceName]
) -> Iterator[Warned]:
    """What works against one bond or teql."""
    if link.kind is LinkKind.TEQL:
        message = (
            f"the teql of `{link.left.id}` and `{link.right.id}` takes two of the machine's teql devices"
        )
        label = "a module makes a fixed number of them, once for all labs"
        yield "MPC789", message, label, "prefer `bond`, which makes its own, or `spray`, which needs none"
    ends = f"the {link.kind} of `{link.left.id}` and `{link.right.id}`"
    if bond.mode is Mode.TURNS:
        yield from _unequal(ends, link, shaping)
    shared = sorted(id for near in link.ends for id in _shared(link.ways(near)))
    if shared and bond.parallel > 1:
        message = f"legs of {ends} share the link of `{shared[0]}`"
        yield "MPC787", message, "together they carry no more than that", "lead each over links of its own"
    if bond.mode is Mode.LACP and any(leg.left in tunnels for leg in bond.legs):
        message = f"{ends} goes over tunnels, and 802.3ad does not notice where one breaks"
        yield (
            "MPC788",
            message,
            "tunnels have a carrier all the time",
            "write another mode, which asks by ARP",
        )


def _unequal(ends: str, link: Link, shaping: dict[InterfaceName, Shaping]) -> Iterator[Warned]:
    """Legs whose packets take turns, and that differ in rate or delay."""

    def narrowest(way: Way) -> int | None:
        return min((rate for id in way if (rate := shaping[id].rate)), default=None)

    def delay(way: Way) -> int:
        return sum(shaping[id].delay or 0 for id in way)

    if rates := _differing(link, narrowest):
        told = enumerated([format_rate(rate) if rate else "no rate" for rate in rates])
        message = f"legs of {ends} have rates of {told}: all carry what the slowest does"
        ways = [link.ways(near) for near in link.ends]
        behind = any(
            _several(own, narrowest) and not _several(own, lambda way: shaping[way[0]].rate) for own in ways
        )
        more = ", and behind the first link TCP loses 14 to 27 % more" * behind
        yield "MPC785", message, f"the rest is idle{more}", "`spray` has weights by rate"
    if delays := _differing(link, delay):
        told = enumerated([format_time(one or 0) for one in delays])
        message = f"legs of {ends} have delays of {told}, so packets overtake each other"
        yield "MPC786", message, "TCP loses up to 6 % of the rate", "give all legs one delay"


def _differing(link: Link, value: Callable[[Way], int | None]) -> list[int | None]:
    """The values of the legs in a direction in which they differ, in order; empty if they differ in none."""
    for near in link.ends:
        if found := _several(link.ways(near), value):
            return found
    return []


def _several(ways: Iterable[Way], value: Callable[[Way], int | None]) -> list[int | None]:
    """The values of some ways in order; empty if all have the same."""
    found = set(map(value, ways))
    return sorted(found, key=lambda one: (one is None, one or 0)) if len(found) > 1 else []


def _shared(ways: Iterable[Way]) -> set[InterfaceName]:
    """The ports that packets of several legs leave by."""
    ports = list(chain.from_iterable(ways))
    return {id for id in ports if ports.count(id) > 1}
