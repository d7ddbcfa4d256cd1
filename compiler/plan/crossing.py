"""Links to other machines as facts, and what a machine has to know of those at their other ends."""

from collections.abc import Iterator

from compiler.model.links import OVERHEAD, Link, LinkKind, Port, Underlay
from compiler.model.networks import Address
from compiler.plan.facts import Fact, Vxlan
from compiler.plan.inventory import Inventory
from compiler.plan.plan import Crosslink, Peer


class Crossing:
    """The ends here of links to other machines."""

    def __init__(self, inventory: Inventory) -> None:
        self.has = inventory
        self.lab = inventory.lab

    def peers(self) -> Iterator[Peer]:
        """The machines at the other ends of links, in the order of the lab."""
        largest: dict[Address, int] = {}
        for link, underlay, near, _ in self._crossing():
            far = underlay.outer[1] if near.id == link.left.id else underlay.outer[0]
            size = link.packet + OVERHEAD[LinkKind.VXLAN, far.version]
            largest[far] = max(size, largest.get(far, 0))
        for machine in self.lab.machines:
            if machine.address in largest and machine is not self.has.machine:
                yield Peer(machine.name, machine.address, largest[machine.address])

    def crosslinks(self) -> Iterator[Crosslink]:
        """The links to other machines that a check here tries: of two ends, the lower by name asks.

        Links of switches are not tried: their ports have no addresses.
        """
        machine = {node.name: node.machine for node in self.lab.nodes}
        for _, _, near, far in self._crossing():
            ends = [self.lab.interfaces.get(end.id) for end in (near, far)]
            if near.id < far.id and ends[0] and ends[1] and ends[1].addresses:
                addresses = tuple(str(own.ip) for own in ends[1].addresses)
                told = f"{near.id} -- {far.id} on {machine[far.node]}"
                yield Crosslink(told, self.has.namespace[near.node], addresses)

    def vxlans(self, link: Link, underlay: Underlay) -> Iterator[Fact]:
        """The end here of a link between machines."""
        assert link.mtu
        for port, (local, remote) in zip(link.ends, (underlay.outer, underlay.outer[::-1]), strict=True):
            if port.node in self.has.names:
                here = self.has.namespace[port.node]
                yield Vxlan(here, port.name, link.mtu, underlay.number, local, remote)

    def _crossing(self) -> Iterator[tuple[Link, Underlay, Port, Port]]:
        """The links to other machines, with their ends here and there."""
        for link in self.lab.links:
            for near, far in link.directions if link.underlay else ():
                if near.node in self.has.names and link.underlay:
                    yield link, link.underlay, near, far
