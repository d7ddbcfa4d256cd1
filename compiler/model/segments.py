"""Interfaces, which have addresses, and segments, whose interfaces share a subnet.

A segment is the two ends of a link, or all interfaces on one broadcast domain. A broadcast domain is a
connected set of switches and the links between them; its ends are the interfaces of the nodes linked to it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName, Link
from compiler.model.networks import Address, AddressWithPrefix


class Interface(NamedTuple):
    """A device of a host or router that has addresses; it sends through the port of the same name.

    `pinned` are the families in which the source writes its addresses. A `bare` one is to have none.
    """

    id: InterfaceName
    addresses: tuple[AddressWithPrefix, ...]
    span: Span
    pinned: tuple[int, ...] = ()
    bare: bool = False

    @property
    def node(self) -> str:
        return self.id.node

    @property
    def name(self) -> str:
        return self.id.name

    def address(self, version: int) -> Address | None:
        """Its address in a family; the first if there are several."""
        return next((own.ip for own in self.addresses if own.version == version), None)


@dataclass(frozen=True, eq=False)
class Segment:
    """The interfaces that share a subnet, and the links between them by index in the lab.

    `identity` is that of the link between two nodes, or the name of the first switch of a broadcast domain in
    order of name.
    """

    identity: str
    ends: tuple[Interface, ...]
    links: tuple[int, ...]
    switches: tuple[str, ...] = ()

    @property
    def nodes(self) -> frozenset[str]:
        return frozenset(self._by_node)

    def of(self, node: str) -> list[Interface]:
        """The interfaces of a node on this segment."""
        return self._by_node.get(node, [])

    @cached_property
    def _by_node(self) -> dict[str, list[Interface]]:
        found: dict[str, list[Interface]] = {}
        for end in self.ends:
            found.setdefault(end.node, []).append(end)
        return found


def segments(
    links: Iterable[Link], interfaces: Mapping[InterfaceName, Interface], switches: Collection[str]
) -> tuple[Segment, ...]:
    """All segments, in the order of their first links; then the switches without links."""
    links = tuple(links)
    domain = domains(links, switches)
    places: dict[str, list[int]] = {}
    for place, link in ((place, link) for place, link in enumerate(links) if not link.leg):
        near = next((end.node for end in link.ends if end.node in domain), None)
        places.setdefault(domain[near] if near else link.identity, []).append(place)
    members: dict[str, list[str]] = {}
    for switch in sorted(switches):
        members.setdefault(domain[switch], []).append(switch)
    return tuple(
        Segment(
            identity,
            tuple(interfaces[end.id] for place in own for end in links[place].ends if end.node not in domain),
            tuple(own),
            tuple(members.get(identity, ())),
        )
        for identity, own in {**places, **{name: places.get(name, []) for name in members}}.items()
    )


def components(segments: Collection[Segment]) -> dict[str, str]:
    """The connected component of each segment, by identity: the first of those that nodes connect it with."""
    on: dict[str, list[Segment]] = {}
    for segment in segments:
        for name in segment.nodes:
            on.setdefault(name, []).append(segment)
    found: dict[str, str] = {}
    for first in segments:
        waiting = [first] if first.identity not in found else []
        while waiting:
            segment = waiting.pop()
            if segment.identity not in found:
                found[segment.identity] = first.identity
                waiting += (near for name in segment.nodes for near in on[name])
    return found


def domains(links: Iterable[Link], switches: Collection[str]) -> dict[str, str]:
    """The broadcast domain of each switch: the first in order of name of the switches connected with it."""
    linked: dict[str, list[str]] = {name: [] for name in sorted(switches)}
    for link in (link for link in links if not link.leg):
        if link.left.node in linked and link.right.node in linked:
            linked[link.left.node].append(link.right.node)
            linked[link.right.node].append(link.left.node)
    found: dict[str, str] = {}
    for first in linked:
        reached = [first] if first not in found else []
        while reached:
            name = reached.pop()
            if name not in found:
                found[name] = first
                reached += linked[name]
    return found
