"""The sysctls of each namespace.

They are set when all interfaces are there and down. What a new namespace copies from the host is reset to the
kernel's own value, where the host has another, by what `COPIED` lists in `parts/up.bash`.
`*` in a key stands for every interface, `all` and `default`.
"""

import re
from collections import Counter
from collections.abc import Iterable

from compiler.infer.neighbours import patience
from compiler.model.lab import Lab
from compiler.model.nodes import Node, Role
from compiler.model.routes import HASHED

_OF_INTERFACE = re.compile(r"net\.\w+\.(?:conf|neigh)\.(?!(?:all|default|lo)\.)")
_DEFAULT = re.compile(r"(net\.\w+\.(?:conf|neigh)\.)default(\..+)")

Values = dict[str, str]


class Settings:
    """The sysctls of the nodes of one lab; what the source sets stands over what is inferred."""

    def __init__(self, lab: Lab) -> None:
        self.families = _families(lab)
        self.mptcp = {name for pair in lab.pairs for name in (pair.left, pair.right)}
        domain = lab.domains
        ways = (way for link in lab.links for way in link.directions)
        ends = Counter((domain[far.node], near.node) for near, far in ways if far.node in domain)
        self.switched = {name for _, name in ends}
        """The nodes that are on a broadcast domain."""
        self.twice = {name for (_, name), count in ends.items() if count > 1}
        """The nodes that have two interfaces on one broadcast domain."""
        self.patience = self._patience(lab)
        self.sprays = any(node.sprays for node in lab.nodes)
        """Whether packets are sent in turn, so that each node has to know what it cannot send on."""

    def of(self, node: Node, interfaces: Iterable[str]) -> Values:
        """All that is set in a node's namespace, in this order."""
        inferred = self._of_switch(node) if node.role is Role.SWITCH else self._inferred(node)
        return _over(inferred, node, interfaces)

    def _of_switch(self, switch: Node) -> Values:
        """Nothing speaks IPv6 there, as it has no addresses."""
        scopes = ("all", "default") if 6 in self.families[switch.name] else ()
        return {f"net.ipv6.conf.{scope}.disable_ipv6": "1" for scope in scopes}

    def _patience(self, lab: Lab) -> dict[str, Values]:
        """By node, after how many milliseconds interfaces ask again for a neighbour's address."""
        times, found = patience(lab), dict[str, Values]()
        for end in (end for end in lab.interfaces.values() if end.id in times):
            name, value = end.name.replace(".", "/"), str(times[end.id] // 1000)
            for version in sorted({address.version for address in end.addresses}):
                key = f"net.ipv{version}.neigh.{name}.retrans_time_ms"
                found.setdefault(end.node, {})[key] = value
        return found

    def _inferred(self, node: Node) -> Values:
        forward = str(int(node.forwards))
        inferred: Values = {}
        for version in sorted(self.families[node.name]) if self.sprays else ():
            inferred[f"net.ipv{version}.conf.*.ignore_routes_with_linkdown"] = "1"
        if 4 in self.families[node.name]:
            inferred["net.ipv4.ip_forward"] = forward  # first: it resets net.ipv4.conf
            inferred["net.ipv4.conf.*.rp_filter"] = "0"
            if node.name in self.switched:  # a router there may tell of a way that is not the lab's
                inferred["net.ipv4.conf.*.accept_redirects"] = "0"
            inferred |= _hash(node, 4)
        if 4 in self.families[node.name] and node.name in self.twice:
            inferred["net.ipv4.conf.all.arp_ignore"] = "1"  # each interface answers for its own address alone
            inferred["net.ipv4.conf.all.arp_announce"] = "2"
        if 6 in self.families[node.name]:
            for scope in ("all", "default"):
                inferred[f"net.ipv6.conf.{scope}.disable_ipv6"] = "0"
                inferred[f"net.ipv6.conf.{scope}.forwarding"] = forward
            inferred["net.ipv6.conf.*.accept_dad"] = "0"
            if node.name in self.switched:
                inferred["net.ipv6.conf.*.accept_redirects"] = "0"
            inferred |= _hash(node, 6)
        if node.name in self.mptcp:
            inferred["net.mptcp.enabled"] = "1"
        if node.backlog is not None:
            inferred["net.ipv4.tcp_notsent_lowat"] = str(node.backlog)
        return inferred | self.patience.get(node.name, {})


def _families(lab: Lab) -> dict[str, set[int]]:
    """The IP versions that matter to each node: those of pools, and of what is pinned at it."""
    pools: set[int] = {pool.version for pool in lab.pools}
    found: dict[str, set[int]] = {
        node.name: pools | {own.address.version for own in node.addresses} for node in lab.nodes
    }
    for segment in lab.segments:
        versions = {own.version for end in segment.ends for own in end.addresses}
        for name in (*segment.nodes, *segment.switches):
            found[name] |= versions
    return found


def _hash(node: Node, version: int) -> Values:
    """What chooses among next hops: addresses, protocol and ports.

    Policy 1 takes for that, of what a node passes on, a number that the sender draws again at each timeout.
    Policy 3 reads the packet itself; only routers that choose have it, as kernels before 5.13 have not.
    """
    policy, fields = (f"net.ipv{version}.fib_multipath_hash_{name}" for name in ("policy", "fields"))
    chooses = any(route.nexthops[1:] and route.nexthops[0].via.version == version for route in node.routes)
    if node.forwards and chooses and policy not in dict(node.sysctls):
        return {policy: "3", fields: f"{HASHED:#06x}"}
    return {policy: "1"}


def _over(inferred: Values, node: Node, interfaces: Iterable[str]) -> Values:
    """What the source sets for a node over what is inferred; interfaces that are there have no `default`."""
    own = dict(node.sysctls)
    defaults = {key: value for key, value in own.items() if _DEFAULT.match(key)}
    copied: Values = {}
    for name in interfaces:
        copied |= {_of_interface(key, name): value for key, value in defaults.items()}
    return inferred | defaults | copied | own


def is_of_interface(key: str) -> bool:
    """Whether a sysctl is there only where an interface is that it names."""
    return _OF_INTERFACE.match(key) is not None


def _of_interface(key: str, name: str) -> str:
    """The key of an interface for one of `default`, as new interfaces copy that; see sysctl(8) on dots."""
    return _DEFAULT.sub(lambda found: f"{found[1]}{name.replace('.', '/')}{found[2]}", key)
