"""Pass: an address for every node and every end of a segment, as a function of its identity.

Each kind of thing has its own part of a pool, in slots of one size: links the first half, broadcast domains
the next quarter, loopbacks the last. Within a broadcast domain, each end has an address as its slot. What the
source pins is reserved first.
"""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_interface, ip_network
from typing import TYPE_CHECKING, NamedTuple

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.infer import macs
from compiler.infer.slots import Slots
from compiler.infer.subnets import Pins
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link
from compiler.model.networks import Address, AddressWithPrefix, Network
from compiler.model.nodes import Node, NodeAddress
from compiler.model.segments import Interface, Segment
from compiler.model.vlans import home, whole_of

if TYPE_CHECKING:
    from compiler.model.trials import Bench, Expectation

DOMAIN_LENGTH = {4: 24, 6: 64}
"""The prefix length of a broadcast domain's inferred subnet."""

DOMAINS = "broadcast domains"


def assign(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks pinned addresses, and adds inferred ones."""
    assigner = _Assigner(lab, Pins(lab, diagnostics), diagnostics)
    macs.check(lab, diagnostics)
    for version in (4, 6):
        assigner.assign(version)
    assigned = assigner.lab()
    if lab.expectations or lab.benches:
        _check_trials(assigned, diagnostics)
    return assigned


def _check_trials(lab: Lab, diagnostics: Diagnostics) -> None:
    """Reports what is tried at an end without an address, or between ends without one of the same family."""
    tried: list[Expectation | Bench] = [*lab.expectations, *lab.benches]
    for one in tried:
        ends = (one.target, one.source) if one.source.interface else (one.target,)
        bare = (end for end in ends if not lab.meanings.tried(end.node, end.node, end.interface))
        if end := next(bare, None):
            message = f"`{end}` has no address to reach it by"
            inside = (id for id in lab.interfaces if end.node == whole_of(id.node) != id.node)
            if end.interface:
                help = f"leave out the `address none` of `{end}`"
            elif id := next(inside, None):
                help = f"its links are in VRFs, which its name does not mean: write one, like `{home(id)}`"
            else:
                help = "give a link of it an address"
            diagnostics.error("MPC802", message, one.span, "has no address", help)
        elif not lab.meanings.between(one.source, one.target):
            message = f"`{one.source}` and `{one.target}` have no addresses of one family"
            diagnostics.error("MPC802", message, one.span, "one has IPv4 alone, the other IPv6", "")


class _Assigner:
    def __init__(self, lab: Lab, pins: Pins, diagnostics: Diagnostics) -> None:
        self.given = lab
        self.segments = sorted(lab.segments, key=lambda segment: segment.identity)
        self.spans = {switch.name: switch.span for switch in lab.switches}
        self.pins = pins
        self.pinned = {(end.node, version) for end in lab.interfaces.values() for version in end.pinned}
        """The nodes with interfaces whose addresses the source writes, each with the family of these."""
        self.inside = {whole_of(node.name) for node in lab.nodes if node.vrf}
        self.inside -= {end.node for end in lab.interfaces.values()}
        """The routers with no link that is in none of their VRFs."""
        self.diagnostics = diagnostics
        self.ends: dict[InterfaceName, list[AddressWithPrefix]] = {}
        self.loopbacks: dict[str, list[NodeAddress]] = {}
        self.outer: dict[str, tuple[Address, Address]] = {}
        """The outer addresses of tunnels, by their identity."""

    def assign(self, version: int) -> None:
        """Adds the inferred addresses of a family that has a pool, or in which a switch pins a subnet."""
        pool = next((pool for pool in self.given.pools if pool.version == version), None)
        parts = _parts(pool, self.pins, self.diagnostics) if pool else None
        for segment in self.segments:
            if segment.switches:
                self._domain(segment, version, parts)
            elif parts and version not in self.pins.of[segment.identity] and _takes(segment):
                self._link(segment, parts)
        for node in sorted(self.given.ip_nodes, key=lambda node: node.name):
            if parts and node.inferred_address and not self._is_known(node, version):
                self._loopback(node, parts)
        tunnels = [link for link in self.given.links if link.tunnel and link.tunnel.version == version]
        for link in sorted(tunnels, key=lambda link: link.identity):
            if parts:
                self._outer(link, parts)

    def _is_known(self, node: Node, version: int) -> bool:
        """Whether a node is known by addresses of a family that the source pins, or by those of its links; or
        all of its links are in VRFs, from where no own address is reached."""
        own = any(own.address.version == version for own in node.addresses) or node.name in self.inside
        return own or self.given.metric is None or (node.name, version) in self.pinned

    def _link(self, segment: Segment, parts: "_Parts") -> None:
        """Adds a subnet for a link; the end whose name sorts first has the first address."""
        span = self.given.links[segment.links[0]].span
        if network := parts.links.take(segment.identity, span):
            for number, end in enumerate(sorted(segment.ends, key=lambda end: end.id), 1):
                if not end.bare:
                    self._give(end, int(network.network_address) + number, network)

    def _domain(self, segment: Segment, version: int, parts: "_Parts | None") -> None:
        """Adds a subnet for a broadcast domain, and an address in it for each end without one."""
        self._check_pinned(segment, version)
        pin = self.pins.of[segment.identity].get(version)
        if pin and (parts or self.pins.has_subnet(segment, version)):
            self._hosts(segment, pin.network, pin.span)
        elif parts and _takes(segment):
            span = self.spans[segment.identity]
            if network := parts.domains.take(segment.identity, span):
                self._hosts(segment, network, span)

    def _hosts(self, segment: Segment, network: Network, span: Span) -> None:
        """Adds addresses for the ends of a broadcast domain, each in the slot of its name."""
        ends = [end for end in segment.ends if not (end.bare or end.address(network.version))]
        taken = [*_no_hosts(network), *_pinned_hosts(segment, network), *self._of_devices(network)]
        slots = Slots(network, network.max_prefixlen, taken)
        for end in sorted(ends, key=lambda end: end.id):
            if host := slots.take(str(end.id)):
                self._give(end, int(host.network_address), network)
                continue
            message = f"`{network}` is too small for the {len(segment.ends)} ends of one broadcast domain"
            help = f"write `switch {segment.identity} subnet P` with a shorter prefix"
            self.diagnostics.error("MPC405", message, span, "has too few addresses", help)
            return

    def _of_devices(self, network: Network) -> Iterable[Network]:
        """The addresses of devices in a network."""
        own = (own.address for device in self.given.devices for own in device.addresses)
        return (ip_network(one.ip) for one in own if one.ip in network)

    def _check_pinned(self, segment: Segment, version: int) -> None:
        """Reports an address that is pinned for two ends of a broadcast domain."""
        places: dict[AddressWithPrefix, Span] = {}
        for link in (self.given.links[place] for place in segment.links):
            span = next((pin.span for pin in link.pins if pin.network.version == version), link.span)
            ends = [self.given.interfaces[end.id] for end in link.ends if end.id in self.given.interfaces]
            for own in (own for end in ends for own in end.addresses if own.version == version):
                if (first := places.setdefault(own, span)) is not span:
                    message = f"the address `{own.ip}` is pinned twice"
                    note = Note("the other one", first)
                    self.diagnostics.error("MPC403", message, span, "pinned again", "", note)

    def _give(self, end: Interface, address: int, network: Network) -> None:
        self.ends.setdefault(end.id, []).append(ip_interface((address, network.prefixlen)))

    def _loopback(self, node: Node, parts: "_Parts") -> None:
        if network := parts.loopbacks.take(node.name, node.span):
            address = ip_interface((int(network.network_address), network.prefixlen))
            self.loopbacks.setdefault(node.name, []).append(NodeAddress(address, "lo", node.span))

    def _outer(self, link: Link, parts: "_Parts") -> None:
        """Addresses of its own for a tunnel, so that routes to them lead over its path and no other."""
        taken = [parts.loopbacks.take(f"{end.id} tunnel", link.span) for end in link.ends]
        found = [network.network_address for network in taken if network]
        if len(found) == len(taken):
            self.outer[link.identity] = found[0], found[1]

    def lab(self) -> Lab:
        """The lab with all assigned addresses."""
        return replace(
            self.given,
            links=tuple(map(self._with_outer, self.given.links)),
            interfaces={id: self._addressed(end) for id, end in self.given.interfaces.items()},
            nodes=tuple(
                node._replace(addresses=(*node.addresses, *self.loopbacks.get(node.name, ())))
                for node in self.given.nodes
            ),
        )

    def _with_outer(self, link: Link) -> Link:
        if link.tunnel is None:
            return link
        return link._replace(tunnel=link.tunnel._replace(outer=self.outer.get(link.identity)))

    def _addressed(self, end: Interface) -> Interface:
        if end.id not in self.ends:
            return end
        return end._replace(addresses=_by_family((*end.addresses, *self.ends[end.id])))


def _takes(segment: Segment) -> bool:
    """Whether some end of a segment is to have addresses."""
    return not all(end.bare for end in segment.ends)


def own_part(pool: Network) -> Network | None:
    """The part of a pool for inferred node addresses; None where the pool is too small to be divided."""
    quarters: list[Network] = list(pool.subnets(2)) if pool.max_prefixlen - pool.prefixlen >= 2 else []
    return quarters[-1] if quarters else None


class _Part:
    """The part of a pool for one kind of thing, in slots."""

    def __init__(self, what: str, slots: Slots, pins: Pins, diagnostics: Diagnostics) -> None:
        self.pins = pins
        self.what = what
        self.slots = slots
        self.diagnostics = diagnostics
        self.exhausted = False

    def take(self, identity: str, span: Span) -> Network | None:
        """The slot of an identity; None if the part is full, which is reported once."""
        network = self.slots.take(identity)
        if network is None and not self.exhausted:
            self.exhausted = True
            if not self.pins.blame(self.slots.network, self.what):
                self._too_small(identity, span)
        return network

    def _too_small(self, identity: str, span: Span) -> None:
        message = f"the pool's part for {self.what}, `{self.slots.network}`, has no free address left"
        help = "write a `pool` with a shorter prefix"
        help += f", or `switch {identity} subnet P`" if self.what == DOMAINS else ""
        self.diagnostics.error("MPC406", message, span, "has no address", help)


class _Parts(NamedTuple):
    links: _Part
    domains: _Part
    loopbacks: _Part


def _parts(pool: Network, pins: Pins, diagnostics: Diagnostics) -> _Parts:
    """The three parts of a pool; all are empty where the pool is too small to be divided."""
    whats = ("links", DOMAINS, "loopbacks")
    networks, lengths = [pool] * 3, [0] * 3
    if pool.max_prefixlen - pool.prefixlen >= 2:
        first, rest = (ip_network(half) for half in pool.subnets(1))
        networks = [first, *(ip_network(quarter) for quarter in rest.subnets(1))]
        lengths = [pool.max_prefixlen - 2, DOMAIN_LENGTH[pool.version], pool.max_prefixlen]
    slots = (Slots(network, length, pins.networks) for network, length in zip(networks, lengths, strict=True))
    return _Parts(*(_Part(what, own, pins, diagnostics) for what, own in zip(whats, slots, strict=True)))


def _no_hosts(network: Network) -> Iterable[Network]:
    """The addresses of a subnet that no host can have: the first, and in IPv4 the last, of more than two."""
    if network.num_addresses > 2:
        yield ip_network(network.network_address)
        if network.version == 4:
            yield ip_network(network.broadcast_address)


def _pinned_hosts(segment: Segment, network: Network) -> Iterable[Network]:
    return (
        ip_network(own.ip) for end in segment.ends for own in end.addresses if own.version == network.version
    )


def _by_family(addresses: tuple[AddressWithPrefix, ...]) -> tuple[AddressWithPrefix, ...]:
    return tuple(sorted(addresses, key=lambda address: address.version))
