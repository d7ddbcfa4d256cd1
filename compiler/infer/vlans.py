"""Pass: switches with several VLANs, each as a switch of its own."""

from compiler.ground.diagnostics import Diagnostics
from compiler.model.events import Switching
from compiler.model.lab import Lab
from compiler.model.links import Link
from compiler.model.nodes import Node
from compiler.model.vlans import numbers, part


def split(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks VLANs, and has each of them a switch of its own; a lab without any stays as it is."""
    every = numbers(lab.links, (switch.name for switch in lab.switches))
    for switch in lab.switches:
        _check_switch(switch, every.get(switch.name, {}), diagnostics)
    trunks = [link for link in lab.links if link.trunk]
    for link in trunks:
        _check_machines(link, diagnostics)
    _check_events(lab, trunks, diagnostics)
    return part(lab)


def _check_switch(switch: Node, own: dict[int, None], diagnostics: Diagnostics) -> None:
    assert switch.bridge
    if own and switch.bridge.stp:
        message = f"`{switch.name}` has VLANs, and a spanning tree that knows nothing of them"
        help = "leave out `stp on`: VLANs in no loop need no tree"
        diagnostics.error("MPC547", message, switch.span, "`stp on` here", help)
    for number, pin in switch.bridge.vlan_pins:
        if number not in own:
            message = f"nothing on `{switch.name}` is in VLAN {number}"
            help = f"write `link NODE -- {switch.name} vlan {number}`"
            diagnostics.warning("MPC759", message, pin.span, "a subnet of nobody", help)


def _check_machines(link: Link, diagnostics: Diagnostics) -> None:
    if link.underlay:
        message = "a trunk is between two machines, whose network has no room for tags"
        help = "place both ends on one machine, or write a link for each VLAN"
        diagnostics.error("MPC550", message, link.span, "over two machines", help)


def _check_events(lab: Lab, trunks: list[Link], diagnostics: Diagnostics) -> None:
    """Reports trunks that events set down: the routes of their VLANs would not come back with them."""
    ends = {end.id for link in trunks for end in link.ends}
    for event in lab.events:
        for change in event.changes:
            if isinstance(change, Switching) and change.link[0] in ends:
                message = f"the trunk at `{change.link[0]}` cannot go down by an event"
                help = "have the links behind the switch go down, or a shape of the trunk lose all packets"
                diagnostics.error("MPC551", message, event.span, "a trunk", help)
                return
