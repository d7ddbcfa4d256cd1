"""The sysctls of each namespace.

They are set when all interfaces exist and are down. A new namespace copies some values of the host; those
that differ from the kernel's defaults are reset, by the list `COPIED` in `parts/up.bash`. In a key, `*`
stands for every interface, `all` and `default`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from compiler.infer.neighbours import patience
from compiler.model.events import Reshaping
from compiler.model.lab import Lab
from compiler.model.links import Shaping
from compiler.model.nodes import Node, Role
from compiler.model.routes import HASHED
from compiler.model.vlans import whole_of

_OF_INTERFACE = re.compile(r"net\.\w+\.(?:conf|neigh)\.(?!(?:all|default|lo)\.)")
_DEFAULT = re.compile(r"(net\.\w+\.(?:conf|neigh)\.)default(\..+)")

Values = dict[str, str]


class Settings:
    """The sysctls of the nodes of one lab; pinned values override inferred ones."""

    def __init__(self, lab: Lab) -> None:
        self.parts = _parts(lab.nodes)
        """By name, each node, and of a router all of its VRFs, which have its sysctls."""
        self.router = {part.name: name for name, own in self.parts.items() for part in own}
        self.families = self._families(lab)
        self.mptcp = {name for pair in lab.pairs for name in (pair.left, pair.right)}
        domain = lab.domains
        ways = (way for link in lab.links for way in link.directions)
        self.on_domains: dict[str, list[str]] = {}
        """The interfaces of each node that are on broadcast domains."""
        ends = Counter[tuple[str, str]]()
        for near, far in ways:
            if far.node in domain:
                ends[domain[far.node], near.node] += 1
                self.on_domains.setdefault(self.router[near.node], []).append(near.name)
        self.switched = {self.router[name] for _, name in ends}
        """The nodes with an interface on a broadcast domain."""
        self.twice = {self.router[name] for (_, name), count in ends.items() if count > 1}
        """The nodes with two interfaces on one broadcast domain."""
        self.legs = {
            end.id: link.bridges(end) for link in lab.links for end in link.ends if link.bridges(end)
        }
        """The ends of teqls, each with the bridges over its legs."""
        self.patience = self._patience(lab)
        self.sprays = any(node.sprays for node in lab.nodes)
        """Whether packets are sent in turn, so that each node has to know what it cannot send on."""
        self.failover = lab.failover
        self.tolerant = any(map(_has_weights, lab.nodes)) and not any(map(_loses, _shapes(lab)))
        """Whether TCP has to tolerate packets that are overtaken for long, and none is lost at random.

        RACK then takes slow packets for lost: its reordering window is at most a round trip, which is less
        than a slow link takes for a packet. Without RACK, TCP counts the packets that overtake one.
        """

    def of(self, node: Node, interfaces: Iterable[str]) -> Values:
        """The sysctls of a node's namespace, in the order in which they are set."""
        inferred = self._of_switch(node) if node.role is Role.SWITCH else self._inferred(node)
        return _over(inferred, node, interfaces)

    def _of_switch(self, switch: Node) -> Values:
        """The sysctls of a switch: IPv6 is off, as it has no addresses."""
        scopes = ("all", "default") if 6 in self.families[switch.name] else ()
        return {f"net.ipv6.conf.{scope}.disable_ipv6": "1" for scope in scopes}

    def _patience(self, lab: Lab) -> dict[str, Values]:
        """By node, the milliseconds after which interfaces repeat a request for a neighbour's address."""
        times, found = patience(lab), dict[str, Values]()
        for end in (end for end in lab.interfaces.values() if end.id in times):
            asking, value = self.legs.get(end.id, (end.name,)), str(times[end.id] // 1000)
            for version in sorted({address.version for address in end.addresses}):
                for name in asking:
                    key = f"net.ipv{version}.neigh.{name.replace('.', '/')}.retrans_time_ms"
                    found.setdefault(self.router[end.node], {})[key] = value
        return found

    def _inferred(self, node: Node) -> Values:
        forward = str(int(node.forwards))
        inferred: Values = {}
        for version in sorted(self.families[node.name]) if self.sprays or self.failover else ():
            inferred[f"net.ipv{version}.conf.*.ignore_routes_with_linkdown"] = "1"
        if 4 in self.families[node.name]:
            inferred["net.ipv4.ip_forward"] = forward  # first: writing it resets net.ipv4.conf
            inferred["net.ipv4.conf.*.rp_filter"] = "0"
            if node.name in self.switched:  # a redirect of a router may lead off the lab's routes
                inferred["net.ipv4.conf.*.accept_redirects"] = "0"
            if self.failover:  # a packet of the node may come back to it, to be sent another way
                inferred["net.ipv4.conf.all.accept_local"] = "1"
            inferred |= self._hash(node, 4)
        if 4 in self.families[node.name] and node.name in self.twice:
            for scope in self._scopes(node):
                inferred[f"net.ipv4.conf.{scope}.arp_ignore"] = "1"  # answers for its own address only
                inferred[f"net.ipv4.conf.{scope}.arp_announce"] = "2"
        if 6 in self.families[node.name]:
            for scope in ("all", "default"):
                inferred[f"net.ipv6.conf.{scope}.disable_ipv6"] = "0"
                inferred[f"net.ipv6.conf.{scope}.forwarding"] = forward
            inferred["net.ipv6.conf.*.accept_dad"] = "0"
            if node.name in self.switched:
                inferred["net.ipv6.conf.*.accept_redirects"] = "0"
            inferred |= self._hash(node, 6)
        return inferred | self._of_tcp(node) | self.patience.get(node.name, {})

    def _hash(self, node: Node, version: int) -> Values:
        """The sysctls of the hash over addresses, protocol and ports that chooses among next hops.

        With policy 1, a forwarding node uses a number in the packet, which the sender draws again at each
        timeout. Policy 3 hashes the packet's fields; only routers with a choice have it, as kernels before
        5.13 lack it.
        """
        policy, fields = (f"net.ipv{version}.fib_multipath_hash_{name}" for name in ("policy", "fields"))
        routes = (route for part in self.parts[node.name] for route in part.routes)
        several = (route.nexthops[0] for route in routes if route.nexthops[1:])
        chooses = any(hop.via.version == version for hop in several)
        if node.forwards and chooses and policy not in dict(node.sysctls):
            return {policy: "3", fields: f"{HASHED:#06x}"}
        return {policy: "1"}

    def _families(self, lab: Lab) -> dict[str, set[int]]:
        """The IP versions of each node: those of pools, and of addresses pinned at it."""
        pools: set[int] = {pool.version for pool in lab.pools}
        found: dict[str, set[int]] = {
            node.name: pools | {own.address.version for own in node.all_addresses} for node in lab.nodes
        }
        for device in lab.devices:
            found[device.interface.node] |= {own.address.version for own in device.addresses}
        for segment in lab.segments:
            versions = {own.version for end in segment.ends for own in end.addresses}
            for name in (*segment.nodes, *segment.switches):
                found[self.router[name]] |= versions
        return found

    def _scopes(self, node: Node) -> Iterable[str]:
        """Where a node with two interfaces on one broadcast domain has each of them answer for itself: `all`,
        or, where the legs of a teql answer for its address, those interfaces alone."""
        if all(id.node != node.name for id in self.legs):
            return ("all",)
        return (name.replace(".", "/") for name in self.on_domains[node.name])

    def _of_tcp(self, node: Node) -> Values:
        found: Values = {}
        if node.name in self.mptcp:
            found["net.mptcp.enabled"] = "1"
        if node.backlog is not None:
            found["net.ipv4.tcp_notsent_lowat"] = str(node.backlog)
        if self.tolerant:
            found["net.ipv4.tcp_recovery"] = "0"
        return found


def _parts(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    """The nodes, and of each router with VRFs all that are it."""
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(whole_of(node.name) if node.vrf else node.name, []).append(node)
    return found


def _has_weights(node: Node) -> bool:
    """Whether a node sprays with different weights."""
    return any(len({turn.hop.weight for turn in spray.turns}) > 1 for spray in node.sprays)


def _shapes(lab: Lab) -> Iterator[Shaping]:
    """The shaping of all directions, at first and after each event."""
    yield from (end.shaping for link in lab.links for end in link.ends)
    changes = (change for event in lab.events for change in event.changes)
    yield from (change.shaping for change in changes if isinstance(change, Reshaping))


def _loses(shaping: Shaping) -> bool:
    return bool(shaping.loss or shaping.corrupt)


def _over(inferred: Values, node: Node, interfaces: Iterable[str]) -> Values:
    """The inferred values of a node under pinned ones; existing interfaces do not follow `default`."""
    own = dict(node.sysctls)
    defaults = {key: value for key, value in own.items() if _DEFAULT.match(key)}
    copied: Values = {}
    for name in interfaces:
        copied |= {_of_interface(key, name): value for key, value in defaults.items()}
    return inferred | defaults | copied | own


def is_of_interface(key: str) -> bool:
    """Whether a sysctl exists only while the interface in its key does."""
    return _OF_INTERFACE.match(key) is not None


def _of_interface(key: str, name: str) -> str:
    """The key of `default` for an interface, whose copy that is; see sysctl(8) on names with dots."""
    return _DEFAULT.sub(lambda found: f"{found[1]}{name.replace('.', '/')}{found[2]}", key)
