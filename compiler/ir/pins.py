"""The networks that the source pins: what each segment has, and where two of them are one too many."""

from collections.abc import Iterable

from compiler.frontend.diagnostics import Diagnostics, Note, enumerated
from compiler.ir.lab import Lab, Network, Pin
from compiler.ir.segments import Segment


class Pins:
    """The pinned networks of a lab; what is wrong with them is reported."""

    def __init__(self, lab: Lab, segments: Iterable[Segment], diagnostics: Diagnostics) -> None:
        self.lab = lab
        self.diagnostics = diagnostics
        self.subnets = {switch.name: switch.pins for switch in lab.switches}
        self.of: dict[str, dict[int, Pin]] = {own.identity: self._of_segment(own) for own in segments}
        """The pin of each segment in each family, by the segment's identity."""
        self._check_overlaps()

    def has_subnet(self, segment: Segment, version: int) -> bool:
        """Whether a switch of a segment pins its subnet in a family."""
        return any(pin.network.version == version for name in segment.switches for pin in self.subnets[name])

    @property
    def networks(self) -> list[Network]:
        return [pin.network for pin in self._all()]

    def _all(self) -> list[Pin]:
        own = [Pin(own.address.network, own.span) for node in self.lab.nodes for own in node.addresses]
        return own + [pin for pins in self.of.values() for pin in pins.values()]

    def _of_segment(self, segment: Segment) -> dict[int, Pin]:
        """What the switches of a segment pin, or else its links; of several, all have to be one network."""
        found: dict[int, Pin] = {}
        for pin in (pin for switch in segment.switches for pin in self.subnets[switch]):
            first = found.setdefault(pin.network.version, pin)
            if first is not pin:
                self._twice(segment, pin, first)
        for pin in (pin for place in segment.links for pin in self.lab.links[place].pins):
            first = found.setdefault(pin.network.version, pin)
            if first.network != pin.network:
                message = f"`{pin.network}` is not the subnet of the broadcast domain of `{segment.identity}`"
                note = Note(f"this makes it `{first.network}`", first.span)
                help = "all that hangs on linked switches shares one subnet, with one prefix length"
                self.diagnostics.error("MPC412", message, pin.span, "another subnet", help, note)
        return found

    def _twice(self, segment: Segment, pin: Pin, first: Pin) -> None:
        version, names = pin.network.version, enumerated(segment.switches[:2])
        message = f"the IPv{version} subnet of the broadcast domain of {names} is set twice"
        help = "switches that are linked share one subnet: write it for one of them"
        note = Note("first set here", first.span)
        self.diagnostics.error("MPC206", message, pin.span, "set again", help, note)

    def _check_overlaps(self) -> None:
        """Reports networks that overlap. Of two, one holds the other, so neighbours in order show it."""
        widest: Pin | None = None
        for pin in sorted(self._all(), key=_place):
            if (
                widest
                and widest.network.version == pin.network.version
                and widest.network.overlaps(pin.network)
            ):
                earlier, later = sorted((widest, pin), key=lambda pin: pin.span.start)
                self._overlap(earlier, later)
            else:
                widest = pin

    def _overlap(self, first: Pin, second: Pin) -> None:
        if first.span == second.span:
            message = f"`{second.network}` is written for several nodes at once"
            self.diagnostics.error("MPC403", message, second.span, "each needs its own", "declare them apart")
            return
        note = Note("the other one", first.span)
        if first.network == second.network and first.network.num_addresses == 1:
            message = f"the address `{second.network.network_address}` is pinned twice"
            self.diagnostics.error("MPC403", message, second.span, "pinned again", "", note)
        else:
            message = f"the subnets `{second.network}` and `{first.network}` overlap"
            help = "a subnet is on one link or one node, so that routes can tell where an address is"
            self.diagnostics.error("MPC402", message, second.span, f"`{second.network}`", help, note)


def _place(pin: Pin) -> tuple[int, int, int]:
    """Where a pin stands in order: a network before those within it."""
    return pin.network.version, int(pin.network.network_address), -pin.network.num_addresses
