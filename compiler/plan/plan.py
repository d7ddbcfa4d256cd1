"""The plan: a lab as facts about a machine, in the order in which they are established.

The scripts up, down, check and play are all made from it. The order is the kernel's: links; then settings,
some of which are those of interfaces; shaping before an interface is up, as later each change of a queueing
discipline waits for all processors; both ends of every link up before the first route; then the rest.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_interface, ip_network
from itertools import chain
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.links import Link, Port
from compiler.model.links import Tunnel as CarriedBy
from compiler.model.networks import Address, Network, PerNetwork
from compiler.model.nodes import Node
from compiler.model.routes import Route
from compiler.model.segments import Interface
from compiler.plan.commands import Command, commands
from compiler.plan.facts import (
    Bridge,
    BridgePort,
    Dummy,
    End,
    Fact,
    Hop,
    Mark,
    Marking,
    Masquerade,
    MptcpEndpoint,
    MptcpLimits,
    Namespace,
    Nat,
    Nft,
    OwnAddress,
    PolicyRule,
    Routes,
    Single,
    Sysctl,
    Tunnel,
    Turns,
    Up,
    Veth,
)
from compiler.plan.needs import Need, needs, sysctls, tools
from compiler.plan.settings import Settings
from compiler.plan.traffic import qdiscs

Gateway = tuple[Address, str]
"""The address of a next hop, and the interface that leads to it."""


@dataclass(frozen=True)
class Section:
    """A named group of facts."""

    title: str
    facts: tuple[Fact, ...]

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The commands that establish them, in order."""
        return tuple(chain.from_iterable(map(commands, self.facts)))


class Process(NamedTuple):
    """A command line of bash that runs in a namespace from up to down; `name` is that of its log."""

    namespace: str
    name: str
    command: str
    environment: tuple[str, ...]


class Plan(NamedTuple):
    """Everything about a lab that scripts are made from: the machine's needed features, the namespaces, the
    hosts(5) file that these share, the facts, and the processes that run in the lab.

    `switches` are the namespaces whose bridges have to forward before the lab is up.
    """

    lab: str
    source: str
    tools: tuple[str, ...]
    needs: tuple[Need, ...]
    sysctls: tuple[str, ...]
    namespaces: tuple[str, ...]
    hosts: tuple[str, ...]
    sections: tuple[Section, ...]
    switches: tuple[str, ...]
    processes: tuple[Process, ...]

    @property
    def facts(self) -> Iterator[Fact]:
        """The facts of all sections, in order."""
        return chain.from_iterable(section.facts for section in self.sections)

    @property
    def digest(self) -> str:
        """A short hash of the plan's content, without the name of the source file."""
        found = sha256(repr((self.lab, self.namespaces, self.hosts, self.switches, self.processes)).encode())
        for command in chain.from_iterable(section.commands for section in self.sections):
            words = (*command.tool, command.namespace or "", *command.arguments, *command.each)
            found.update("\n".join(words).encode())
        return found.hexdigest()[:12]


HERE = ""
"""The name of the machine that a script runs on, if the lab names no machines."""


def plans(lab: Lab) -> dict[str, Plan]:
    """The plan of each machine of a lab after all passes."""
    return {HERE: _plan(lab)}


def _plan(lab: Lab) -> Plan:
    planner = _Planner(lab)
    sections = (
        Section("namespaces", tuple(planner.namespaces())),
        Section("links", tuple(planner.links())),
        Section("tunnels", tuple(planner.tunnels())),
        Section("settings", tuple(planner.settings())),
        Section("interfaces", tuple(planner.interfaces())),
        Section("routes", tuple(planner.routes())),
    )
    facts = list(chain.from_iterable(section.facts for section in sections))
    return Plan(
        lab=lab.name,
        source=lab.source,
        tools=tuple(tools(facts, runs=bool(lab.runs))),
        needs=tuple(needs(facts, lab.versions)),
        sysctls=tuple(sysctls(facts)),
        namespaces=tuple(planner.namespace.values()),
        hosts=tuple(planner.hosts()),
        sections=tuple(section for section in sections if section.facts),
        switches=tuple(switch.namespace for switch in lab.switches),
        processes=tuple(planner.processes()),
    )


class _Planner:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.sysctls = Settings(lab)
        self.targets = PerNetwork(target)
        self.namespace = {node.name: node.namespace for node in lab.nodes}
        self.ports: dict[str, list[Port]] = {name: [] for name in self.namespace}
        for port in (port for link in lab.links for port in link.ends):
            self.ports[port.node].append(port)
        self.interfaces_of: dict[str, list[Interface]] = {name: [] for name in self.namespace}
        for interface in lab.interfaces.values():
            self.interfaces_of[interface.node].append(interface)
        self.tunnels_of: dict[str, list[Tunnel]] = {name: [] for name in self.namespace}
        for link in lab.links:
            for name, end in self._tunnel(link, link.tunnel) if link.tunnel else ():
                self.tunnels_of[name].append(end)

    def namespaces(self) -> Iterator[Fact]:
        return map(Namespace, self.namespace.values())

    def hosts(self) -> Iterator[str]:
        """The lines of hosts(5): each node's name, and `c.b` for the interface c of node b."""
        if not any(node.name.lower() == "localhost" for node in self.lab.ip_nodes):
            yield from ("127.0.0.1 localhost", "::1 localhost")
        for node in self.lab.ip_nodes:
            yield from (f"{own.address.ip} {node.name}" for own in node.addresses)
            for end in self.interfaces_of[node.name]:
                yield from (f"{own.ip} {end.name}.{node.name}" for own in end.addresses)

    def links(self) -> Iterator[Fact]:
        """All interfaces, each made in the namespace that it belongs to."""
        for link in (link for link in self.lab.links if link.tunnel is None):
            left, right = (End(self.namespace[port.node], port.name) for port in link.ends)
            yield Veth((left, right), link.mtu)
        for node in self.lab.nodes:
            yield from (Dummy(node.namespace, device) for device in _dummies(node))
            if node.bridge:
                priority = node.bridge.priority if node.bridge.stp else None
                yield Bridge(node.namespace, node.bridge.name, priority)

    def tunnels(self) -> Iterator[Fact]:
        """The ends of tunnels, each made in the namespace that its packets leave from."""
        return chain.from_iterable(self.tunnels_of.values())

    def _tunnel(self, link: Link, tunnel: CarriedBy) -> Iterator[tuple[str, Tunnel]]:
        assert tunnel.outer and link.mtu
        for port, (local, remote) in zip(link.ends, (tunnel.outer, tunnel.outer[::-1]), strict=True):
            here = self.namespace[port.node]
            yield port.node, Tunnel(here, port.name, link.kind, link.mtu, tunnel.number, local, remote)

    def settings(self) -> Iterator[Fact]:
        for node in self.lab.nodes:
            made = [node.bridge.name] if node.bridge else _dummies(node)
            values = self.sysctls.of(node, (*made, *(port.name for port in self.ports[node.name])))
            yield from (Sysctl(node.namespace, *setting) for setting in values.items())

    def interfaces(self) -> Iterator[Fact]:
        """Shaping, addresses, and interfaces that are up; `lo` has the mark of the lab."""
        for node in self.lab.nodes:
            for port in self.ports[node.name]:
                yield from qdiscs(node.namespace, port)
            yield Mark(node.namespace, self.lab.name)
            yield from self._ports(node, node.bridge.name) if node.bridge else self._addresses(node)

    def _ports(self, switch: Node, bridge: str) -> Iterator[Fact]:
        """A bridge that is up, and its ports."""
        yield Up(switch.namespace, bridge)
        for port in self.ports[switch.name]:
            yield BridgePort(switch.namespace, port.name, bridge)

    def _addresses(self, node: Node) -> Iterator[Fact]:
        here = node.namespace
        yield from (OwnAddress(here, own.address, own.device) for own in node.addresses)
        yield from (OwnAddress(here, ip_interface(end.local), "lo") for end in self.tunnels_of[node.name])
        yield from (Up(here, device) for device in _dummies(node))
        for end in self.interfaces_of[node.name]:
            yield from (OwnAddress(here, address, end.name) for address in end.addresses)
            yield from (Single(here, end.name),) if end.name in node.single else ()
            yield Up(here, end.name)

    def routes(self) -> Iterator[Fact]:
        """Routes, and everything else that decides where packets go or which addresses they have."""
        for node in self.lab.ip_nodes:
            here = node.namespace
            yield from self._routing(node)
            yield from (MptcpLimits(here, node.limits),) if node.limits else ()
            yield from (MptcpEndpoint(here, endpoint) for endpoint in node.endpoints)
            yield from (Nft(here),) if node.masquerade or node.sprays else ()
            yield from (Nat(here),) if node.masquerade else ()
            yield from (Masquerade(here, interface) for interface in node.masquerade)
            if node.sprays:
                yield Marking(here, tuple(sorted({spray.version for spray in node.sprays})))
            yield from (Turns(here, spray) for spray in node.sprays)

    def processes(self) -> Iterator[Process]:
        """The processes of the lab; the logs of a node are numbered as parallel links are."""
        count = Counter[str]()
        for run in self.lab.runs:
            count[run.node] += 1
            name = run.node if count[run.node] == 1 else f"{run.node}.{count[run.node]}"
            variables = tuple(f"{key}={value}" for key, value in run.environment)
            yield Process(self.namespace[run.node], name, run.command, variables)

    def _routing(self, node: Node) -> Iterator[Fact]:
        shadowed = self._shadowed(node)
        yield from (self._routes(node, shadowed, route) for route in node.routes)
        for table in node.tables:
            yield from (self._routes(node, shadowed, route, table.number) for route in table.routes)
        yield from (PolicyRule(node.namespace, rule) for rule in node.rules)

    def _shadowed(self, node: Node) -> set[Gateway]:
        """The IPv6 gateways of a node in a route through a gateway that is longer than the connected network.

        The kernel looks a gateway up among the routes of its interface, and accepts only one that is on the
        link. `onlink` asserts that it is, but is refused if all routes to it are by other interfaces
        (ip6_route_check_nh of net/ipv6/route.c). In IPv4, the lookup ignores routes through gateways.
        """
        longer: dict[str, set[Network]] = {}
        for route in (route for route in node.routes if route.explicit and route.targets[0].version == 6):
            for hop in () if _leads_to_itself(route) else route.nexthops:
                longer.setdefault(hop.interface, set()).update(route.targets)
        routes = chain(node.routes, *(table.routes for table in node.tables)) if longer else ()
        gateways = {(hop.via, hop.interface) for route in routes for hop in route.nexthops}
        ends = {end.name: end for end in self.interfaces_of[node.name]}
        return {one for one in gateways if _is_in(one[0], longer.get(one[1], ()), ends[one[1]])}

    def _routes(self, node: Node, shadowed: set[Gateway], route: Route, table: int | None = None) -> Routes:
        brief = self.lab.aggregate and not (table or route.explicit or not route.targets[0].prefixlen)
        targets, hops = self.targets(route.targets), tuple(_hops(route, shadowed))
        return Routes(node.namespace, targets, route.source, hops, table, brief)


def _dummies(node: Node) -> list[str]:
    """The dummy devices that hold addresses of a node."""
    return list(dict.fromkeys(own.device for own in node.addresses if own.device != "lo"))


NO_SERVER = "# This lab has no name server."
"""The content of a namespace's resolv.conf."""


def target(network: Network) -> str:
    """A route's target in the syntax of ip-route(8), such that it implies the family."""
    if network.prefixlen == 0:
        return "default" if network.version == 4 else "::/0"
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _leads_to_itself(route: Route) -> bool:
    """Whether the target of a route is its only gateway, so that the route is written without one."""
    return len(route.nexthops) == 1 and route.targets == (ip_network(route.nexthops[0].via),)


def _is_in(via: Address, targets: Iterable[Network], end: Interface) -> bool:
    """Whether a gateway is in a target that is longer than its network on a link."""
    least = max((own.network.prefixlen for own in end.addresses if via in own.network), default=0)
    return any(via in target for target in targets if target.prefixlen > least)


def _hops(route: Route, shadowed: set[Gateway]) -> Iterator[Hop]:
    """The next hops of a route. An IPv6 address that is its own gateway would make the kernel refuse it as a
    gateway of other routes, so it is written without."""
    if len(route.nexthops) == 1 and route.nexthops[0].via.version == 6 and _leads_to_itself(route):
        yield Hop(None, route.nexthops[0].interface)
        return
    weighted = len(route.nexthops) > 1 and any(hop.weight != 1 for hop in route.nexthops)
    for hop in route.nexthops:
        onlink = (hop.via, hop.interface) in shadowed
        yield Hop(hop.via, hop.interface, hop.weight if weighted else None, onlink)
