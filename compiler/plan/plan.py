"""A lab as data for machines: the commands of ip(8), tc(8), sysctl(8) and nft(8) that make it, in order.

up, down, and both styles are renderings of one plan. The order is the kernel's: links first, then settings,
which are those of all interfaces too, shaping before an interface is up (later, each change of a queueing
discipline waits for all processors), both ends of every link up before the first route, and then the rest.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from ipaddress import ip_network
from itertools import chain
from typing import NamedTuple

from compiler.model.lab import (
    Address,
    Endpoint,
    Interface,
    Lab,
    Network,
    Node,
    PerNetwork,
    Route,
    Rule,
    Switch,
)
from compiler.plan.needs import Need, needs, sysctls, tools
from compiler.plan.settings import Settings, Values
from compiler.plan.traffic import qdiscs

EACH = "{}"

Gateway = tuple[Address, str]
"""The address of a next hop, and the interface by which it is reached."""


class Command(NamedTuple):
    """One command of one tool in one namespace (None: where the script runs).

    `tool` is its name and the options that stand before all else. `undo` takes the effect back; a command
    without one has its effect inside a namespace, and the effect goes with that. It is given once for each
    word of `each`, where there are any, with that in the place of EACH. What is `brief`, which routes can be,
    is told in as little text as there can be.
    """

    tool: tuple[str, ...]
    arguments: tuple[str, ...]
    namespace: str | None = None
    undo: tuple[str, ...] | None = None
    each: tuple[str, ...] = ()
    brief: bool = False

    @property
    def calls(self) -> Iterator[tuple[str, ...]]:
        """The arguments, each time that it is given."""
        if not self.each:
            yield self.arguments
        for word in self.each:
            yield tuple(word if argument == EACH else argument for argument in self.arguments)

    @property
    def rest(self) -> tuple[str, ...]:
        """The arguments after EACH."""
        return self.arguments[self.arguments.index(EACH) + 1 :]


def way(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """What stands after a route's target: its next hops, and what is said of the route itself.

    Each of several next hops begins with `nexthop`. Interfaces may be called like any of these words.
    """
    begin = 2 if words[0] == "src" else 0
    end = len(words) - 2 if words[-2] == "table" else len(words)
    hops = " ".join(words[begin:end]).replace(" nexthop via ", "\0nexthop via ").split("\0")
    return hops, (*words[:begin], *words[end:])


class Section(NamedTuple):
    """Commands that belong together."""

    title: str
    commands: tuple[Command, ...]


class Process(NamedTuple):
    """A command line of bash that runs in a namespace from up to down; `name` is that of its log."""

    namespace: str
    name: str
    command: str
    environment: tuple[str, ...]


class Plan(NamedTuple):
    """All of a lab: what it needs, its namespaces, the hosts(5) file that they share, its commands, and the
    processes that run in it.

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
    def digest(self) -> str:
        """A short hash of all that a lab consists of, whatever file it is of."""
        found = sha256(repr((self.lab, self.namespaces, self.hosts, self.switches, self.processes)).encode())
        for command in chain.from_iterable(section.commands for section in self.sections):
            words = (*command.tool, command.namespace or "", *command.arguments, *command.each)
            found.update("\n".join(words).encode())
        return found.hexdigest()[:12]


def plan(lab: Lab) -> Plan:
    """The plan of a lab that all passes have gone over."""
    planner = _Planner(lab)
    sections = (
        Section("namespaces", tuple(planner.namespaces())),
        Section("links", tuple(planner.links())),
        Section("settings", tuple(planner.settings())),
        Section("interfaces", tuple(planner.interfaces())),
        Section("routes", tuple(planner.routes())),
    )
    return Plan(
        lab=lab.name,
        source=lab.source,
        tools=tuple(tools(lab)),
        needs=tuple(needs(lab)),
        sysctls=tuple(sysctls(lab)),
        namespaces=tuple(planner.namespace.values()),
        hosts=tuple(planner.hosts()),
        sections=tuple(section for section in sections if section.commands),
        switches=tuple(switch.namespace for switch in lab.switches),
        processes=tuple(planner.processes()),
    )


class _Planner:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.sysctls = Settings(lab)
        self.targets = PerNetwork(target)
        self.namespace = {node.name: node.namespace for node in lab.nodes}
        self.namespace |= {switch.name: switch.namespace for switch in lab.switches}
        self.ends: dict[str, list[Interface]] = {name: [] for name in self.namespace}
        for link in lab.links:
            for end in link.ends:
                self.ends[end.node].append(end)

    def namespaces(self) -> Iterator[Command]:
        for name in self.namespace.values():
            yield Command(("ip",), ("netns", "add", name), undo=("ip", "netns", "del", name))

    def hosts(self) -> Iterator[str]:
        """The lines of hosts(5): each node's name, and `c.b` for the interface c of node b."""
        if not any(node.name.lower() == "localhost" for node in self.lab.nodes):
            yield from ("127.0.0.1 localhost", "::1 localhost")
        for node in self.lab.nodes:
            yield from (f"{own.address.ip} {node.name}" for own in node.addresses)
            for end in self.ends[node.name]:
                yield from (f"{own.ip} {end.name}.{node.name}" for own in end.addresses)

    def links(self) -> Iterator[Command]:
        """All interfaces, each made in the namespace that it belongs to."""
        for link in self.lab.links:
            mtu = () if link.mtu is None else ("mtu", str(link.mtu))
            left, right = (("name", end.name, *mtu, "netns", self.namespace[end.node]) for end in link.ends)
            yield Command(("ip",), ("link", "add", *left, "type", "veth", "peer", *right))
        for node in self.lab.nodes:
            for device in _dummies(node):
                place = ("name", device, "netns", node.namespace)
                yield Command(("ip",), ("link", "add", *place, "type", "dummy"))
        for switch in self.lab.switches:
            place = ("name", switch.bridge, "netns", switch.namespace)
            yield Command(("ip",), ("link", "add", *place, "type", "bridge", *_tree(switch)))

    def settings(self) -> Iterator[Command]:
        for node in self.lab.nodes:
            names = [*_dummies(node), *(end.name for end in self.ends[node.name])]
            yield from _sysctls(node, self.sysctls.of(node, names))
        for switch in self.lab.switches:
            names = [switch.bridge, *(end.name for end in self.ends[switch.name])]
            yield from _sysctls(switch, self.sysctls.of_switch(switch, names))

    def interfaces(self) -> Iterator[Command]:
        for node in self.lab.nodes:
            yield from self._shaping(node)
            yield from self._addresses(node)
        for switch in self.lab.switches:
            yield from self._shaping(switch)
            yield from self._ports(switch)

    def _ports(self, switch: Switch) -> Iterator[Command]:
        """Brings a bridge up, with what is linked with the switch as its ports."""
        yield _ip(switch, "link", "set", "dev", "lo", "up", "alias", mark(self.lab.name))
        yield _ip(switch, "link", "set", "dev", switch.bridge, "up")
        for end in self.ends[switch.name]:
            yield _ip(switch, "link", "set", "dev", end.name, "master", switch.bridge, "up")

    def _shaping(self, node: Node | Switch) -> Iterator[Command]:
        for end in self.ends[node.name]:
            for arguments in qdiscs(end):
                yield Command(("tc",), arguments, node.namespace)

    def _addresses(self, node: Node) -> Iterator[Command]:
        """Brings everything up: `lo` with the mark that says whose the namespace is."""
        yield _ip(node, "link", "set", "dev", "lo", "up", "alias", mark(self.lab.name))
        for own in node.addresses:
            yield _ip(node, "address", "add", str(own.address), "dev", own.device)
        for device in _dummies(node):
            yield _ip(node, "link", "set", "dev", device, "up")
        for end in self.ends[node.name]:
            for address in end.addresses:
                yield _ip(node, "address", "add", str(address), "dev", end.name)
            yield _ip(node, "link", "set", "dev", end.name, "up")

    def routes(self) -> Iterator[Command]:
        """Routes, and what else decides where packets go or what they look like there."""
        for node in self.lab.nodes:
            yield from self._routing(node)
            yield from _mptcp(node)
            yield from _masquerading(node)

    def processes(self) -> Iterator[Process]:
        """What runs in the lab; the logs of a node are named and numbered as parallel links are."""
        count = Counter[str]()
        for run in self.lab.runs:
            count[run.node] += 1
            name = run.node if count[run.node] == 1 else f"{run.node}.{count[run.node]}"
            variables = tuple(f"{key}={value}" for key, value in run.environment)
            yield Process(self.namespace[run.node], name, run.command, variables)

    def _routing(self, node: Node) -> Iterator[Command]:
        shadowed = self._shadowed(node)
        for route in node.routes:
            yield self._route(node, shadowed, route)
        for table in node.tables:
            for route in table.routes:
                yield self._route(node, shadowed, route, "table", str(table.number))
        for rule in node.rules:
            family = () if rule.version == 4 else ("-6",)
            yield Command(("ip", *family), ("rule", "add", *_rule(rule)), node.namespace)

    def _shadowed(self, node: Node) -> set[Gateway]:
        """The gateways of IPv6 that a node has a route to, by a gateway too, longer than the connected one.

        The kernel looks gateways up among the routes by their interface, and takes only what is on a link;
        `onlink` tells it that they are, but is refused where all routes to them are by other interfaces
        (ip6_route_check_nh of net/ipv6/route.c). In IPv4, it leaves routes by gateways out when it looks.
        """
        longer: dict[str, set[Network]] = {}
        for route in (route for route in node.routes if route.explicit and route.targets[0].version == 6):
            for hop in () if _leads_to_itself(route) else route.nexthops:
                longer.setdefault(hop.interface, set()).update(route.targets)
        routes = chain(node.routes, *(table.routes for table in node.tables)) if longer else ()
        gateways = {(hop.via, hop.interface) for route in routes for hop in route.nexthops}
        ends = {end.name: end for end in self.ends[node.name]}
        return {one for one in gateways if _is_in(one[0], longer.get(one[1], ()), ends[one[1]])}

    def _route(self, node: Node, shadowed: set[Gateway], route: Route, *table: str) -> Command:
        arguments = ("route", "add", EACH, *_hops(route, shadowed), *table)
        aggregated = self.lab.aggregate and not (table or route.explicit or not route.targets[0].prefixlen)
        return Command(("ip",), arguments, node.namespace, each=self.targets(route.targets), brief=aggregated)


def _dummies(node: Node) -> list[str]:
    """The dummy devices that hold addresses of a node."""
    return list(dict.fromkeys(own.device for own in node.addresses if own.device != "lo"))


FASTEST_TREE = ("forward_delay", "200", "hello_time", "100")
"""The least that the kernel takes, in hundredths of a second: ports forward after 4 s in place of 30."""


def _tree(switch: Switch) -> Iterator[str]:
    """How a bridge takes part in a spanning tree. Multicast goes to all ports, so no neighbour is missed."""
    if switch.stp:
        yield from ("stp_state", "1", "priority", str(switch.priority), *FASTEST_TREE)
    yield from ("mcast_snooping", "0")


def _sysctls(node: Node | Switch, values: Values) -> Iterator[Command]:
    for key, value in values.items():
        yield Command(("sysctl",), (f"{key}={value}",), node.namespace)


def _mptcp(node: Node) -> Iterator[Command]:
    if node.limits:
        subflows, accept = str(node.limits.subflows), str(node.limits.accept)
        yield _ip(node, "mptcp", "limits", "set", "subflows", subflows, "add_addr_accepted", accept)
    for endpoint in node.endpoints:
        yield _ip(node, "mptcp", "endpoint", "add", *_endpoint(endpoint))


def _masquerading(node: Node) -> Iterator[Command]:
    chain = "{ type nat hook postrouting priority srcnat; }"
    if node.masquerade:
        yield Command(("nft",), ("add", "table", "inet", "mpc"), node.namespace)
        yield Command(("nft",), ("add", "chain", "inet", "mpc", "out", chain), node.namespace)
    for name in node.masquerade:
        rule = ("add", "rule", "inet", "mpc", "out", "oifname", f'"{name}"', "masquerade")
        yield Command(("nft",), rule, node.namespace)


NO_SERVER = "# This lab has no name server."
"""What a namespace's resolv.conf says."""


def mark(lab: str) -> str:
    """What says that a namespace or a hosts file belongs to a lab."""
    return f"mpc:{lab}"


def _ip(node: Node | Switch, *arguments: str) -> Command:
    return Command(("ip",), arguments, node.namespace)


def target(network: Network) -> str:
    """A route's target as ip-route(8) takes it without being told the family."""
    if network.prefixlen == 0:
        return "default" if network.version == 4 else "::/0"
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _leads_to_itself(route: Route) -> bool:
    """Whether a route of IPv6 leads to its only gateway, which then is none."""
    return len(route.nexthops) == 1 and route.targets == (ip_network(route.nexthops[0].via),)


def _is_in(via: Address, targets: Iterable[Network], end: Interface) -> bool:
    """Whether a gateway is in a target that is longer than its network on a link."""
    least = max((own.network.prefixlen for own in end.addresses if via in own.network), default=0)
    return any(via in target for target in targets if target.prefixlen > least)


def _hops(route: Route, shadowed: set[Gateway]) -> Iterator[str]:
    """Next hops of a route. One of IPv6 is no gateway to itself: the kernel would refuse others by that."""
    yield from ("src", str(route.source)) if route.source else ()
    if len(route.nexthops) == 1:
        (hop,) = route.nexthops
        itself = hop.via.version == 6 and _leads_to_itself(route)
        yield from () if itself else ("via", str(hop.via))
        yield from ("dev", hop.interface)
        yield from ("onlink",) if (hop.via, hop.interface) in shadowed and not itself else ()
        return
    weighted = any(hop.weight != 1 for hop in route.nexthops)
    for hop in route.nexthops:
        yield from ("nexthop", "via", str(hop.via), "dev", hop.interface)
        yield from ("weight", str(hop.weight)) if weighted else ()
        yield from ("onlink",) if (hop.via, hop.interface) in shadowed else ()


def _rule(rule: Rule) -> Iterator[str]:
    yield from ("pref", str(rule.priority))
    if rule.source is not None:
        yield from ("from", str(rule.source))
    if rule.target is not None:
        yield from ("to", str(rule.target))
    if rule.incoming is not None:
        yield from ("iif", rule.incoming)
    yield from ("lookup", str(rule.table))


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    yield from (str(endpoint.address), "dev", endpoint.interface)
    yield from ("port", str(endpoint.port)) if endpoint.port is not None else ()
    yield from endpoint.flags
