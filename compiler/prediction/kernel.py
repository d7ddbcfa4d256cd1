"""The effect of sysctls on the kernel of a node: forwarding, reverse path filters, and hashes.

Pinned values are applied as up applies them: `default` to all interfaces, then the rest in written order.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from compiler.model.nodes import Node
from compiler.model.routes import HASHED

FILTER = re.compile(r"net\.ipv4\.conf\.([^.]+)\.rp_filter")
FORWARDING = re.compile(r"net\.ipv4\.(?:ip_forward|conf\.([^.]+)\.forwarding)")
FORWARDING_6 = "net.ipv6.conf.all.forwarding"
POLICY, FIELDS = "net.ipv{}.fib_multipath_hash_policy", "net.ipv{}.fib_multipath_hash_fields"

STRICT = 1
"""The value of `rp_filter` for which packets must arrive by the interface that answers leave by; 2 is any."""

DEFAULT_FIELDS, LABEL, PORTS = 0x0007, 0x0008, 0x0030
"""Bits of `fib_multipath_hash_fields`: addresses and protocol; the flow label; both ports."""


class Hash(NamedTuple):
    """The hash that chooses among next hops: nodes with equal Hash values compute the same number for a flow.

    Where it is not `per_flow`, all flows between two addresses have that number. Where it is `per_packet`, no
    hash chooses, and the packets of one flow take turns.
    """

    name: str
    per_flow: bool
    per_packet: bool = False


OWN, BOUND = Hash("own", per_flow=True), Hash("bound", per_flow=True)
"""The hashes of the node that sends a flow, before its source address is chosen and after."""

PASSED = Hash("passed", per_flow=True)
"""The hash of nodes that forward a flow, with policy 1: it is stored in its packets (skb hash)."""

ADDRESSES = Hash("addresses", per_flow=False)


class Kernel:
    """The behaviour of one node."""

    def __init__(self, node: Node, interfaces: Iterable[str]) -> None:
        self.sysctls = dict(node.sysctls)
        self.masquerades = bool(node.masquerade)
        self.declared = node.forwards
        self.names = {name.replace(".", "/"): name for name in interfaces}
        self.forwarding_6 = self.sysctls.get(FORWARDING_6, str(int(node.forwards))) != "0"
        self.forwarding = self._forwarding(node.forwards)
        self.filters = self._filters()

    def _forwarding(self, forwards: bool) -> dict[str | None, bool]:
        """Whether the packets that arrive by each interface are forwarded, in IPv4."""
        found: dict[str | None, bool] = dict.fromkeys(self.names.values(), forwards)
        pinned = {match[1]: value for match, value in self._matching(FORWARDING)}
        for scope in sorted(pinned, key=lambda scope: (scope is not None, scope != "default")):
            value = pinned[scope] != "0"
            every = scope in (None, "default", "all")
            found |= dict.fromkeys(found, value) if every else {self.names.get(scope or ""): value}
        return found

    def _filters(self) -> dict[str, int]:
        """The active reverse path filters: the larger value of `all` and the interface."""
        pinned = {match[1]: int(value) for match, value in self._matching(FILTER) if value.isdecimal()}
        default, every = pinned.get("default", 0), pinned.get("all", 0)
        found = {name: max(every, pinned.get(key, default)) for key, name in self.names.items()}
        return {name: value for name, value in found.items() if value}

    def _matching(self, pattern: re.Pattern[str]) -> Iterable[tuple[re.Match[str], str]]:
        return ((match, value) for key, value in self.sysctls.items() if (match := pattern.fullmatch(key)))

    def forwards(self, version: int, incoming: str | None) -> bool:
        """Whether packets that arrive by an interface are forwarded."""
        return self.forwarding[incoming] if version == 4 else self.forwarding_6

    @property
    def by_way(self) -> bool:
        """Whether the fate of a packet depends on more than the node and the target."""
        return bool(self.filters or self.masquerades) or len(set(self.forwarding.values())) > 1

    def hash_of(self, version: int, *, begins: bool, bound: bool) -> Hash:
        """The hash by which next hops are chosen for a flow that is sent here, or forwarded.

        A flow that is sent here and not `bound` to an address is hashed before it has one. It has no flow
        label either, as sockets put that in packets only (net/ipv6/route.c).
        """
        fields = self._fields(version)
        if fields is None:
            return (BOUND if bound else OWN) if begins else PASSED
        if fields & PORTS:
            name = ("bound" if bound else "own") if begins else "fields"
            return Hash(f"{name} {fields}", per_flow=True)
        if fields & LABEL and version == 6 and not begins:
            return Hash(f"fields {fields}", per_flow=True)
        if begins and not bound:
            return Hash("own addresses", per_flow=False)
        return ADDRESSES if fields == DEFAULT_FIELDS else Hash(f"fields {fields}", per_flow=False)

    def _fields(self, version: int) -> int | None:
        """The hashed fields, of a router as the lab sets them; None for the hash that is stored in packets.

        Without tunnels, inner headers (policy 2) are the outer ones.
        """
        inferred = self.declared and POLICY.format(version) not in self.sysctls
        policy = "3" if inferred else self.sysctls.get(POLICY.format(version), "1")
        if policy == "3":
            default = HASHED if inferred else DEFAULT_FIELDS
            return _number(self.sysctls.get(FIELDS.format(version), str(default)))
        without_ports = DEFAULT_FIELDS | (LABEL if version == 6 else 0)
        return without_ports if policy in ("0", "2") else None


def _number(value: str) -> int:
    """A number as sysctl(8) reads it."""
    try:
        return int(value, 0)
    except ValueError:
        return DEFAULT_FIELDS
