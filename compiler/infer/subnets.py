"""The networks that the source pins: those of each segment, and conflicts between them."""

from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_network

from compiler.ground.diagnostics import Diagnostics, Note, enumerated
from compiler.ground.source import Span
from compiler.model.lab import Lab
from compiler.model.links import Link, Pin
from compiler.model.networks import Address, Network, overlap
from compiler.model.segments import Segment

RANGES = {
    4: ("10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "192.168.0.0/16", "198.18.0.0/15"),
    6: ("fd00::/32", "fd01::/32", "fd02::/32", "2001:db8::/32"),
}
"""Suggestions for a pool: ranges that are not assigned on the Internet."""


class Pins:
    """The pinned networks of a lab; conflicts are reported."""

    def __init__(self, lab: Lab, diagnostics: Diagnostics) -> None:
        self.lab = lab
        self.diagnostics = diagnostics
        self.subnets = {node.name: node.bridge.pins for node in lab.nodes if node.bridge}
        anycast = [Pin(own.address.network, own.span) for node in lab.nodes for own in node.anycast]
        self.anycast = list({pin.network: pin for pin in reversed(anycast)}.values())
        """The addresses that several nodes have, each once."""
        self.more: dict[str, dict[Network, Pin]] = {}
        """By segment, the networks of further addresses."""
        self.of: dict[str, dict[int, Pin]] = {own.identity: self._of_segment(own) for own in lab.segments}
        """The pin of each segment in each family, by the segment's identity."""
        self._check_all()
        if lab.devices:
            self._check_devices()

    def has_subnet(self, segment: Segment, version: int) -> bool:
        """Whether a switch of a segment pins its subnet in a family."""
        return any(pin.network.version == version for name in segment.switches for pin in self.subnets[name])

    @property
    def networks(self) -> list[Network]:
        """The pinned networks, and those of devices, which may be in others."""
        devices = [own.address.network for device in self.lab.devices for own in device.addresses]
        return [*(pin.network for pin in self._all()), *devices]

    def blame(self, part: Network, what: str) -> bool:
        """Whether pins are the reason that a part of a pool is full; reports the largest of them."""
        own = [pin for pin in self._all() if pin.network.version == part.version]
        taken = [(_overlap(pin.network, part), pin) for pin in own if overlap(pin.network, part)]
        if 2 * sum(count for count, _ in taken) < part.num_addresses:
            return False
        pin = max(taken, key=lambda found: found[0])[1]
        pool = next(pool for pool in self.lab.pools if pool.version == part.version)
        message = f"`{pin.network}` is pinned, and leaves the pool `{pool}` too few addresses for {what}"
        free = (ip_network(other) for other in RANGES[part.version])
        like = next((f", like `{o}`" for o in free if not any(o.overlaps(p.network) for p in own)), "")
        help = f"write a `pool` in which nothing is pinned{like}"
        self.diagnostics.error("MPC406", message, pin.span, "takes most of the pool", help)
        return True

    def _all(self) -> list[Pin]:
        return self._of_nodes() + [pin for name in self.of for pin in self._on(name)]

    def _of_nodes(self) -> list[Pin]:
        own = [Pin(own.address.network, own.span) for node in self.lab.nodes for own in node.addresses]
        return own + self.anycast

    def _on(self, segment: str) -> list[Pin]:
        """The networks of a segment, which is named by its identity."""
        return [*self.of[segment].values(), *self.more[segment].values()]

    def _of_segment(self, segment: Segment) -> dict[int, Pin]:
        """The networks that the switches of a segment pin, or else its links; reports different ones."""
        found: dict[int, Pin] = {}
        for pin in (pin for switch in segment.switches for pin in self.subnets[switch]):
            first = found.setdefault(pin.network.version, pin)
            if first is not pin:
                self._twice(segment, pin, first)
        own = self.more[segment.identity] = {
            pin.network: pin for place in segment.links for pin in _further(self.lab.links[place])
        }
        for pin in (pin for place in segment.links for pin in _firsts(self.lab.links[place])):
            first = found.setdefault(pin.network.version, pin)
            own.pop(first.network, None)
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

    def _check_all(self) -> None:
        """Reports overlapping networks: of those that are told everywhere, and of each site with these. Where
        VRFs keep links apart, that is all of what is connected.

        Links with an end without an address may have one network, as the node there may join them.
        """
        told, at = self._of_nodes(), self.lab.sites.at
        apart = self.lab.components if self.lab.has_vrfs else {}
        of_site: dict[str, list[Pin]] = {}
        of_component: dict[str, list[Pin]] = {}
        around: dict[str, list[Pin]] = {}
        for identity in self.of:
            public = of_component.setdefault(apart[identity], []) if identity in apart else told
            where = of_site.setdefault(at[identity], []) if identity in at else public
            where += self._on(identity)
            around[at.get(identity, "")] = public if public is not told else []
        bare = {own.identity for own in self.lab.segments if any(end.bare for end in own.ends)}
        joined = {id(pin) for name in bare for pin in self._on(name)}
        self._check_joined(bare)
        self._check_overlaps(told, joined)
        for own in of_component.values():
            self._check_overlaps([*told, *own], joined, own)
        for site, own in of_site.items():
            self._check_overlaps([*told, *around[site], *own], joined, own)

    def _check_overlaps(
        self, pins: Iterable[Pin], joined: set[int], new: Collection[Pin] | None = None
    ) -> None:
        """Reports overlapping networks, but for those of links that are joined, and of which none is `new`,
        if that is not None.

        Of two, one contains the other: they are neighbours when sorted.
        """
        widest: Pin | None = None
        for pin in sorted(pins, key=_place):
            if widest and overlap(widest.network, pin.network):
                if new is not None and not (pin in new or widest in new):
                    continue
                if widest.network == pin.network and {id(widest), id(pin)} <= joined:
                    continue
                earlier, later = sorted((widest, pin), key=lambda pin: pin.span.start)
                self._overlaps(earlier, later)
            else:
                widest = pin

    def _check_devices(self) -> None:
        """Reports an address of a device that something else has."""
        taken = {own.address.ip: own.span for node in self.lab.nodes for own in node.addresses}
        for end in self.lab.interfaces.values():
            taken |= {own.ip: end.span for own in end.addresses}
        for address, span in (own for device in self.lab.devices for own in device.addresses):
            if (first := taken.setdefault(address.ip, span)) is not span:
                message = f"the address `{address.ip}` is pinned twice"
                note = Note("the other one", first)
                self.diagnostics.error("MPC403", message, span, "pinned again", "", note)

    def _check_joined(self, names: set[str]) -> None:
        """Reports an address that two such links have."""
        places: dict[Address, Span] = {}
        ends = (end for own in self.lab.segments if own.identity in names for end in own.ends)
        for address, span in ((own.ip, end.span) for end in ends for own in end.addresses):
            if (first := places.setdefault(address, span)) is not span:
                message, note = f"the address `{address}` is pinned twice", Note("the other one", first)
                self.diagnostics.error("MPC403", message, span, "pinned again", "", note)

    def _overlaps(self, first: Pin, second: Pin) -> None:
        if first.span == second.span and first not in self.anycast:
            message = f"`{second.network}` is written for several nodes at once"
            help = "declare them apart; an address that all of them are to have is written as `anycast`"
            self.diagnostics.error("MPC403", message, second.span, "each needs its own", help)
            return
        note = Note("the other one", first.span)
        if first.network == second.network and first.network.num_addresses == 1:
            message = f"the address `{second.network.network_address}` is pinned twice"
            help = "an address that several nodes are to have is written as `anycast` of each"
            self.diagnostics.error("MPC403", message, second.span, "pinned again", help, note)
        else:
            message = f"the subnets `{second.network}` and `{first.network}` overlap"
            help = "a subnet is on one link or one node, so that routes can tell where an address is"
            self.diagnostics.error("MPC402", message, second.span, f"`{second.network}`", help, note)


def _firsts(link: Link) -> Iterator[Pin]:
    """The networks of the first addresses of a link, by family."""
    known = {pin.network.version: pin for pin in reversed(link.pins)}
    return (pin for pin in link.pins if known[pin.network.version] is pin)


def _further(link: Link) -> Iterator[Pin]:
    """The networks of further addresses."""
    firsts = {pin.network for pin in _firsts(link)}
    return (pin for pin in link.pins if pin.network not in firsts)


def _overlap(one: Network, other: Network) -> int:
    """The number of addresses that two networks share, one of which contains the other."""
    return min(one.num_addresses, other.num_addresses)


def _place(pin: Pin) -> tuple[int, int, int]:
    """The sort key of a pin: a network comes before those within it."""
    return pin.network.version, int(pin.network.network_address), -pin.network.num_addresses
