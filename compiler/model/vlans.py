"""Switches with several VLANs, as a switch for each: what a lab says, and what packets meet.

In a lab, `link h -- s vlan 10` is an access port and `link r -- s trunk 10,20` a trunk. Packets of VLAN 10
meet a switch `s.10` of their own, with all ports of s that carry that VLAN. A trunk is a `leg`, which has no
addresses, and beside it is a link for each VLAN, of the VLAN device `r:s.10` and a port of `s.10`. What is in
no VLAN is in the first one, that of s itself. No other node is called so, as names have no points.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from compiler.model.events import Change, Event, Switching
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port, Vlan
from compiler.model.nodes import Node, Role

UNTAGGED = 1
"""The VLAN of links that name none, as that of bridges is."""

Rename = Callable[[InterfaceName], InterfaceName]
"""Another name for an interface, that of a part of its node or of the whole."""


def of_switch(switch: str, number: int) -> str:
    """The name of a switch for a VLAN of it."""
    return switch if number == UNTAGGED else f"{switch}.{number}"


def whole_of(switch: str) -> str:
    """The switch that one for a VLAN is a part of; any other node is itself."""
    return switch.partition(".")[0]


def number_of(switch: str) -> int:
    """The VLAN that a switch is for."""
    return int(switch.partition(".")[2] or UNTAGGED)


def home(id: InterfaceName) -> InterfaceName:
    """A port under the name of its switch."""
    return id._replace(node=whole_of(id.node))


def whole(lab: Lab) -> Lab:
    """The lab as its devices are, to be shown: `part` taken back, but that trunks have no addresses."""
    if not any(node.bridge and node.bridge.vlan for node in lab.nodes):
        return lab
    nodes = tuple(node for node in lab.nodes if whole_of(node.name) == node.name)
    links = tuple(renamed_link(link, home) for link in lab.links if not link.vlan)
    events = tuple(renamed_event(event, home) for event in lab.events)
    return replace(lab, nodes=nodes, links=links, events=events)


def numbers(links: Iterable[Link], switches: Iterable[str]) -> dict[str, dict[int, None]]:
    """The VLANs of each switch that has any beside the first, in order of number."""
    found: dict[str, set[int]] = {name: set() for name in switches}
    for link in links:
        for end in link.ends:
            if end.node in found:
                found[end.node] |= {*link.trunk, *((link.access,) if link.access else ())}
    return {name: dict.fromkeys(sorted(own)) for name, own in found.items() if own}


def names(links: Iterable[Link], switches: Iterable[str]) -> list[str]:
    """The switches, and one for each further VLAN of them."""
    known = [*switches]
    every = numbers(links, known)
    return [of_switch(name, number) for name in known for number in {UNTAGGED: None, **every.get(name, {})}]


def parted(links: Iterable[Link], switches: Iterable[str]) -> tuple[Link, ...]:
    """The links, each access port at the switch of its VLAN, and a link for each VLAN behind each trunk."""
    links, names = tuple(links), {*switches}
    if not any(link.trunk or link.access for link in links):
        return links
    found: list[Link] = []
    for link in links:
        if link.trunk:
            found.append(link._replace(leg=True))
            found += (_of_trunk(link, number, names) for number in link.trunk)
        else:
            found.append(_of_access(link, names))
    return tuple(found)


def _of_access(link: Link, switches: set[str]) -> Link:
    number = link.access or UNTAGGED
    left, right = (_at(end, number) if end.node in switches else end for end in link.ends)
    return link._replace(left=left, right=right)


def _at(port: Port, number: int) -> Port:
    return port._replace(id=InterfaceName(of_switch(port.node, number), port.name))


def _of_trunk(link: Link, number: int, switches: set[str]) -> Link:
    """What one VLAN of a trunk is: as the trunk, which carries it."""
    ends = link.left.id, link.right.id
    left, right = (
        _at(end, number) if end.node in switches else end._replace(id=device(end.id, number))
        for end in link.ends
    )
    pins = tuple(pin for at, pin in link.trunk_pins if at == number)
    return link._replace(left=left, right=right, trunk=(), pins=pins, trunk_pins=(), vlan=Vlan(number, ends))


def device(parent: InterfaceName, number: int) -> InterfaceName:
    """The VLAN device of a trunk at a host or router."""
    return InterfaceName(parent.node, f"{parent.name}.{number}")


def renamed_link(link: Link, name: Rename) -> Link:
    """A link, with other names for its ends."""
    left, right = (end._replace(id=name(end.id)) for end in link.ends)
    return link._replace(left=left, right=right)


def renamed_event(event: Event, name: Rename) -> Event:
    """An event, with other names for the interfaces that it changes."""

    def renamed(change: Change) -> Change:
        if isinstance(change, Switching):
            return change._replace(link=(name(change.link[0]), name(change.link[1])))
        return change._replace(interface=name(change.interface))

    return event._replace(changes=tuple(map(renamed, event.changes)))


def part(lab: Lab) -> Lab:
    """The lab as packets meet it: with a switch for each VLAN."""
    every = numbers(lab.links, (switch.name for switch in lab.switches))
    if not every:
        return lab
    names = {switch.name for switch in lab.switches}
    links = parted(lab.links, names)
    moved = {
        before.id: after.id
        for link in lab.links
        if not link.trunk
        for before, after in zip(link.ends, _of_access(link, names).ends, strict=True)
    }
    nodes = [one for node in lab.nodes for one in _nodes(node, every.get(node.name))]
    events = tuple(renamed_event(event, lambda id: moved.get(id, id)) for event in lab.events)
    return replace(lab, nodes=tuple(nodes), links=links, events=events)


def _nodes(node: Node, own: dict[int, None] | None) -> Iterable[Node]:
    """A switch, and one for each further VLAN of it."""
    if node.role is not Role.SWITCH or own is None or node.bridge is None:
        yield node
        return
    for number in (UNTAGGED, *(number for number in own if number != UNTAGGED)):
        pins = tuple(pin for at, pin in node.bridge.vlan_pins if at == number)
        pins += node.bridge.pins if number == UNTAGGED else ()
        bridge = node.bridge._replace(vlan=number, pins=pins)
        yield node._replace(name=of_switch(node.name, number), bridge=bridge)
