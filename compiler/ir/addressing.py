"""Pass: an address for every node and every end of a link, by what the thing is and not where it stands.

Each kind of thing has its own part of a pool, in slots of one size: the first half is for links, the next
quarter for broadcast domains, the last for loopbacks. A thing's slot is a hash of its identity; on a
collision the next free slot is taken, in order of identity, so that an addition moves another address only
where both hash to one place. What the source pins is set aside first.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from ipaddress import ip_interface, ip_network

from compiler.frontend.diagnostics import Diagnostics, Note
from compiler.frontend.source import Span
from compiler.ir.lab import AddressWithPrefix, Interface, Lab, Link, Network, Node, NodeAddress, Pin

MOST_SLOTS = 2**30
"""Enough in any lab, and it keeps the addresses of a wide IPv6 pool short."""


def assign(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks the addresses that are pinned, and adds those that are inferred."""
    pins = _pins(lab)
    _check_overlaps(pins, diagnostics)
    for pool in lab.pools:
        lab = _assign_family(lab, pool, pins, diagnostics)
    return lab


def _pins(lab: Lab) -> list[Pin]:
    """The networks that are pinned: that of each link, and that of each node's own address."""
    found = [Pin(own.address.network, own.span) for node in lab.nodes for own in node.addresses]
    return found + [pin for link in lab.links for pin in link.pins]


def _check_overlaps(pins: list[Pin], diagnostics: Diagnostics) -> None:
    """Reports pinned networks that overlap. Of two, one holds the other, so neighbours in order show it."""
    widest: Pin | None = None
    for pin in sorted(pins, key=lambda pin: (pin.network.version, _first(pin), -pin.network.num_addresses)):
        if widest and widest.network.version == pin.network.version and widest.network.overlaps(pin.network):
            earlier, later = sorted((widest, pin), key=lambda pin: pin.span.start)
            _overlap(earlier, later, diagnostics)
        else:
            widest = pin


def _first(pin: Pin) -> int:
    return int(pin.network.network_address)


def _overlap(first: Pin, second: Pin, diagnostics: Diagnostics) -> None:
    if first.span == second.span:
        message = f"`{second.network}` is written for several nodes at once"
        diagnostics.error("MPC403", message, second.span, "each needs its own", "declare them apart")
        return
    note = Note("the other one", first.span)
    if first.network == second.network and first.network.num_addresses == 1:
        message = f"the address `{second.network.network_address}` is pinned twice"
        diagnostics.error("MPC403", message, second.span, "pinned again", "", note)
    else:
        message = f"the subnets `{second.network}` and `{first.network}` overlap"
        help = "a subnet is on one link or one node, so that routes can tell where an address is"
        diagnostics.error("MPC402", message, second.span, f"`{second.network}`", help, note)


class _Part:
    """A part of a pool, in slots of one size."""

    def __init__(self, network: Network, length: int, pins: Iterable[Pin]) -> None:
        self.network = network
        self.length = length
        self.slots = min(MOST_SLOTS, 1 << (length - network.prefixlen)) if length >= network.prefixlen else 0
        self.onward: dict[int, int] = {}
        """Where to look next, for slots that are not free."""
        self.exhausted = False
        self.ranges = sorted(self._pinned_ranges(pins))

    def _pinned_ranges(self, pins: Iterable[Pin]) -> Iterator[tuple[int, int]]:
        """The slots that pinned networks touch, as first and last."""
        base, shift = int(self.network.network_address), self.network.max_prefixlen - self.length
        for pin in pins:
            if pin.network.version == self.network.version and pin.network.overlaps(self.network):
                yield (
                    (max(base, _first(pin)) - base) >> shift,
                    (int(pin.network.broadcast_address) - base) >> shift,
                )

    def take(self, identity: str) -> Network | None:
        """The slot of an identity, or the next free one; None where there is none."""
        if not self.slots:
            return None
        wanted = int.from_bytes(sha256(identity.encode()).digest()[:8], "big") % self.slots
        slot = self._free(wanted)
        if slot >= self.slots:
            slot = self._free(0)
        if slot >= self.slots:
            return None
        self.onward[slot] = slot + 1
        shift = self.network.max_prefixlen - self.length
        return ip_network((int(self.network.network_address) + (slot << shift), self.length))

    def _free(self, slot: int) -> int:
        """The first free slot from one on, past the last where there is none; the next search is shorter."""
        passed = []
        while slot < self.slots and (onward := self.onward.get(slot) or self._past_pin(slot)) != slot:
            passed.append(slot)
            slot = onward
        self.onward |= dict.fromkeys(passed, slot)
        return slot

    def _past_pin(self, slot: int) -> int:
        """The slot after the pinned range that a slot is in; itself where it is in none."""
        place = bisect_right(self.ranges, slot, key=lambda pinned: pinned[0])
        return max(slot, self.ranges[place - 1][1] + 1) if place else slot


def _parts(pool: Network, pins: list[Pin]) -> tuple[_Part, _Part]:
    """The part for links and the part for loopbacks; that for broadcast domains is between them."""
    if pool.max_prefixlen - pool.prefixlen < 2:
        return _Part(pool, 0, ()), _Part(pool, 0, ())
    links, rest = (ip_network(half) for half in pool.subnets(1))
    *_, loopbacks = (ip_network(quarter) for quarter in rest.subnets(1))
    return _Part(links, pool.max_prefixlen - 2, pins), _Part(loopbacks, pool.max_prefixlen, pins)


def _assign_family(lab: Lab, pool: Network, pins: list[Pin], diagnostics: Diagnostics) -> Lab:
    links, loopbacks = _parts(pool, pins)
    networks: dict[str, Network] = {}
    for link in sorted(lab.links, key=lambda link: link.identity):
        if not _has_family(link.left.addresses, pool):
            _take(links, link.identity, link.span, networks, diagnostics)
    for node in sorted(lab.nodes, key=lambda node: node.name):
        if node.inferred_address and not _has_family([own.address for own in node.addresses], pool):
            _take(loopbacks, node.name, node.span, networks, diagnostics)
    return replace(
        lab,
        links=tuple(_with_network(link, networks.get(link.identity)) for link in lab.links),
        nodes=tuple(_with_loopback(node, networks.get(node.name)) for node in lab.nodes),
    )


def _has_family(addresses: Iterable[AddressWithPrefix], pool: Network) -> bool:
    return any(address.version == pool.version for address in addresses)


def _take(
    part: _Part, identity: str, span: Span, networks: dict[str, Network], diagnostics: Diagnostics
) -> None:
    if network := part.take(identity):
        networks[identity] = network
        return
    if part.exhausted:
        return
    part.exhausted = True
    what = "links" if ":" in identity else "loopbacks"
    message = f"the pool's part for {what}, `{part.network}`, has no free address left"
    help = "write a `pool` with a shorter prefix"
    diagnostics.error("MPC406", message, span, "has no address", help)


def _with_network(link: Link, network: Network | None) -> Link:
    """The link with both ends in a network; the end whose name is first takes the first address."""
    if network is None:
        return link
    low, high = (ip_interface((int(network.network_address) + i, network.prefixlen)) for i in (1, 2))
    swapped = link.left.id > link.right.id
    return replace(
        link,
        left=_with_address(link.left, high if swapped else low),
        right=_with_address(link.right, low if swapped else high),
    )


def _with_address(end: Interface, address: AddressWithPrefix) -> Interface:
    return replace(end, addresses=_by_family((*end.addresses, address)))


def _by_family(addresses: tuple[AddressWithPrefix, ...]) -> tuple[AddressWithPrefix, ...]:
    return tuple(sorted(addresses, key=lambda address: address.version))


def _with_loopback(node: Node, network: Network | None) -> Node:
    if network is None:
        return node
    address = ip_interface((int(network.network_address), network.prefixlen))
    return replace(node, addresses=(*node.addresses, NodeAddress(address, "lo", node.span)))
