"""Events that cut off a next hop behind a switch, which a node that sprays does not notice.

Where a link of two nodes goes down, both lose their carrier, and no route leads over it. A switch keeps
the carrier up, so packets are sent to the next hop as long as it is gone, and lost.
"""

from compiler.ground.diagnostics import Diagnostics
from compiler.model.events import Switching
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.networks import Address
from compiler.model.segments import domains


def check(lab: Lab, diagnostics: Diagnostics) -> None:
    """Warns of events that cut a next hop off from a node that sprays, on a broadcast domain."""
    downs = [
        (event, change.link)
        for event in lab.events
        for change in event.changes
        if isinstance(change, Switching) and not change.up
    ]
    for node in lab.ip_nodes if downs else ():
        hops = {turn.hop[:2] for spray in node.sprays for turn in spray.turns}
        for via, interface in sorted(hops, key=str):
            near = InterfaceName(node.name, interface)
            far = _owner(lab, near, via)
            for event, link in downs if far else ():
                if far and near not in link and not _is_joined(lab, link, near, far):
                    message = (
                        f"`{node.name}` goes on to send packets to `{far.node}`, which they do not reach"
                    )
                    label = "a switch is between, so the carrier stays"
                    help = f"let a link join `{node.name}` and `{far.node}` alone"
                    diagnostics.warning("MPC775", message, event.span, label, help)


def _owner(lab: Lab, near: InterfaceName, address: Address) -> InterfaceName | None:
    """The interface with an address, on the segment of another interface."""
    for segment in lab.segments:
        if any(end.id == near for end in segment.ends):
            return next((end.id for end in segment.ends for own in end.addresses if own.ip == address), None)
    return None


def _is_joined(
    lab: Lab, without: tuple[InterfaceName, InterfaceName], near: InterfaceName, far: InterfaceName
) -> bool:
    """Whether two interfaces are on one segment without one link, which `near` is not on."""
    rest = [link for link in lab.links if {end.id for end in link.ends} != set(without)]
    domain = domains(rest, [switch.name for switch in lab.switches])
    on = {end.id: domain.get(other.node, link.identity) for link in rest for end, other in link.directions}
    return on[near] == on.get(far)
