"""Names of the addresses and networks of a lab, for comments in scripts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.model.segments import Interface, Segment
from compiler.plan.facts import Bond, Fact, PolicyRule, Routes, Tunnel, Vxlan
from compiler.plan.routing import target

MOST = 3
"""The most nodes of a network that a comment names."""


class Owner(NamedTuple):
    """The owner of an address: a node or one of its interfaces."""

    node: str
    interface: str | None = None

    def __str__(self) -> str:
        return self.node if self.interface is None else f"{self.node}:{self.interface}"


class Naming:
    """The names that one lab has for addresses, in the words of the language.

    `b` is an address of a node itself, `b:c` of an interface, `tunnel b:c` the outer address of the end of a
    tunnel, `b -- c` the subnet of a link; the subnet of a broadcast domain has the name of a switch. Any
    other network is described by the nodes with addresses in it. What stands in several private networks has
    no name.
    """

    def __init__(self, lab: Lab) -> None:
        self.owners: dict[Address, Owner] = {}
        self.machines = {machine.address: machine.name for machine in lab.machines}
        self._places = {node.name: place for place, node in enumerate(lab.nodes)}
        for node in lab.nodes:
            self.owners |= {own.address.ip: Owner(node.name) for own in node.addresses}
        for end in lab.interfaces.values():
            self.owners |= {own.ip: Owner(*end.id) for own in end.addresses if own.ip not in lab.shared}
        self.targets = {str(address): str(owner) for address, owner in self.owners.items()}
        """A cache of the names of route targets, in the notation of ip-route(8); default routes have none."""
        shared: dict[str, list[str]] = {}
        for node in lab.nodes:
            for own in node.anycast:
                shared.setdefault(str(own.address.ip), []).append(node.name)
        self.targets |= {address: " or ".join(names[:MOST]) for address, names in shared.items()}
        for segment in lab.segments:
            for network in {own.network for end in segment.ends for own in end.addresses}:
                known = self.targets.setdefault(target(network), _segment(segment))
                self.targets[target(network)] = known if known == _segment(segment) else ""
        for link in lab.links:
            outer = link.tunnel.outer if link.tunnel else None
            for port, address in zip(link.ends, outer, strict=True) if outer else ():
                self.targets[str(address)] = f"tunnel {port.id}"
        self.targets |= dict.fromkeys(("default", "::/0"), "")

    def named(self, fact: Fact) -> Iterator[str]:
        """The names of the addresses in a fact, one item per target of routes and one for a rule."""
        if isinstance(fact, Routes):
            hops = [(self.owners[hop.via].node, hop.interface) for hop in fact.hops if hop.via in self.owners]
            yield from (self._route(one, hops) for one in fact.targets)
        elif isinstance(fact, PolicyRule):
            address = fact.rule.target or fact.rule.source
            if isinstance(address, IPv4Address | IPv6Address):
                yield str(self.owners.get(address, ""))
            else:
                yield ""
        elif isinstance(fact, Tunnel):
            yield self.targets[str(fact.remote)]
        elif isinstance(fact, Vxlan):
            yield f"to {self.machines[fact.remote]}"
        elif isinstance(fact, Bond):
            yield str(self.owners.get(fact.target, "")) if fact.target else ""

    def _route(self, written: str, hops: list[tuple[str, str]]) -> str:
        """A route's target `via` its gateways, omitted if the target or the interfaces name them."""
        to = self.target(written)
        names = list(dict.fromkeys(name for name, _ in hops))
        if all(name == interface for name, interface in hops) or names == [to.partition(":")[0]]:
            return to
        return f"{to} via {', '.join(names)}".lstrip()

    def target(self, written: str) -> str:
        """The name of a route's target, or an empty text."""
        if written not in self.targets:
            self.targets[written] = self._nodes(written)
        return self.targets[written]

    def _nodes(self, written: str) -> str:
        """The nodes with an address in a network: at most MOST by name, and the count of the others."""
        network = ip_network(written)
        addresses, names = self._sorted[network.version]
        first = bisect_left(addresses, int(network.network_address))
        last = bisect_right(addresses, int(network.broadcast_address))
        found = sorted(set(names[first:last]), key=self._places.__getitem__)
        more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
        return f"{', '.join(found[:MOST])}{more}"

    @cached_property
    def _sorted(self) -> dict[int, tuple[list[int], list[str]]]:
        """By IP version, all addresses in order, with their nodes."""
        found: dict[int, tuple[list[int], list[str]]] = {4: ([], []), 6: ([], [])}
        for address in sorted(self.owners, key=int):
            addresses, names = found[address.version]
            addresses.append(int(address))
            names.append(self.owners[address].node)
        return found


def _segment(segment: Segment) -> str:
    """The name of a segment's subnet."""
    if segment.switches:
        return segment.identity
    left, right = segment.ends
    return f"{_end(left, right)} -- {_end(right, left)}"


def _end(end: Interface, far: Interface) -> str:
    """The name of a link's end, with the interface unless that is named after the node at the far end."""
    return end.node if end.name == far.node else str(end.id)
