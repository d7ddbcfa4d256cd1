"""The plan: a lab as facts about a machine, in the order in which they are established.

The scripts up, down, check and play are all made from it. The order is the kernel's: links; then settings,
some of which are those of interfaces; shaping before an interface is up, as later each change of a queueing
discipline waits for all processors; both ends of every link up before the first route; then the rest.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_interface, ip_network
from itertools import chain
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.devices import Device as Made
from compiler.model.lab import Lab
from compiler.model.links import OVERHEAD, InterfaceName, Link, LinkKind, Mode, Port, Underlay, Vlan
from compiler.model.links import Bond as SentOver
from compiler.model.links import Tunnel as CarriedBy
from compiler.model.machines import Machine
from compiler.model.networks import Address, Network, PerNetwork
from compiler.model.nodes import UPLINK, Node
from compiler.model.routes import Route
from compiler.model.segments import Interface
from compiler.model.vlans import UNTAGGED, number_of
from compiler.plan import served
from compiler.plan.commands import Command, Words, commands
from compiler.plan.engines import inside, settings
from compiler.plan.facts import (
    Arrivals,
    Attached,
    Bond,
    BondLeg,
    Bridge,
    BridgePort,
    Container,
    Device,
    Dummy,
    End,
    Fact,
    Hairpin,
    Hop,
    Mac,
    Mark,
    Marking,
    Masquerade,
    MptcpEndpoint,
    MptcpLimits,
    Namespace,
    Nat,
    NatIn,
    Nft,
    OwnAddress,
    PolicyRule,
    PortForward,
    PortVlan,
    Routes,
    Single,
    Sysctl,
    Teql,
    Tunnel,
    Turns,
    Up,
    Uplink,
    Veth,
    VlanDevice,
    Vxlan,
)
from compiler.plan.needs import Need, needs, sysctls, tools
from compiler.plan.settings import Settings
from compiler.plan.traffic import qdiscs, splitter, waiting

Gateway = tuple[Address, str]
"""The address of a next hop, and the interface that leads to it."""


ATTACHED = "attached"
"""The title of the section of containers that run already."""

DEVICES, ADDRESSES = "devices", "addresses"
"""The titles of the sections of what commands make, and of its addresses."""

UPLINKS = "the uplink, on this machine's own network"
"""The title of the section of what is not in namespaces alone."""

CONTAINERS = "containers"
"""The title of the section of containers."""


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
    """A command line of bash that runs in a namespace from up to down; `name` is that of its log.

    Or (`inside`) one that has a program run in the container of that namespace, and has its own environment.
    Those of one `statement`, by its number, start together. Where one has `ready`, the next statement waits
    until something listens at that TCP port of the namespace, or until these words, as a command, succeed.
    """

    namespace: str
    name: str
    command: str
    environment: tuple[str, ...]
    inside: bool
    ready: int | Words | None
    statement: int


class Capture(NamedTuple):
    """The packets of an interface in a file, from before it is up to down.

    `snap` is the bytes of each that are kept, 0 for all.
    """

    namespace: str
    node: str
    interface: str
    snap: int
    file: str

    @property
    def name(self) -> str:
        """The name of its log."""
        return f"{self.node}:{self.interface}"

    @property
    def words(self) -> tuple[str, ...]:
        """What the scripts call it with."""
        return (self.namespace, self.node, self.interface, str(self.snap), self.file)


class Crosslink(NamedTuple):
    """A link to another machine that a check tries: its ends and that machine, as text; the namespace of
    its end here; and the addresses of its other end."""

    link: str
    namespace: str
    addresses: tuple[str, ...]


class Peer(NamedTuple):
    """Another machine that links lead to: its name, its address, and the bytes of the largest packet of the
    network between both that such a link sends."""

    name: str
    address: Address
    largest: int


class Plan(NamedTuple):
    """Everything about a lab that scripts are made from: the machine's needed features, the namespaces, the
    hosts(5) file that these share, the facts, and the processes that run in the lab and capture its packets.

    `own_hosts` are the lines that some namespaces have in that file before all others.

    `switches` are the namespaces whose bridges have to forward before the lab is up, and `bonds` those where
    all legs of bonds and teqls have to work. `machine` is the one that scripts are for, if the lab names any;
    links lead to its `peers`, and `crosslinks` are those of them that a check of this machine tries.
    """

    lab: str
    source: str
    tools: tuple[str, ...]
    needs: tuple[Need, ...]
    sysctls: tuple[str, ...]
    namespaces: tuple[str, ...]
    hosts: tuple[str, ...]
    own_hosts: tuple[tuple[str, tuple[str, ...]], ...]
    sections: tuple[Section, ...]
    switches: tuple[str, ...]
    bonds: tuple[str, ...]
    processes: tuple[Process, ...]
    captures: tuple[Capture, ...] = ()
    machine: Machine | None = None
    peers: tuple[Peer, ...] = ()
    crosslinks: tuple[Crosslink, ...] = ()

    @property
    def facts(self) -> Iterator[Fact]:
        """The facts of all sections, in order."""
        return chain.from_iterable(section.facts for section in self.sections)

    @property
    def network(self) -> Iterator[Section]:
        """The sections of namespaces and what is in them, without devices and containers."""
        return (one for one in self.sections if one.title not in (DEVICES, ADDRESSES, CONTAINERS))

    @property
    def made(self) -> Iterator[Section]:
        """The sections of devices, which are made when the network carries packets."""
        return (one for one in self.sections if one.title in (DEVICES, ADDRESSES))

    @property
    def devices(self) -> list[Device]:
        """What commands make, in written order."""
        return [fact for fact in self.facts if isinstance(fact, Device)]

    @property
    def containers(self) -> list[Container]:
        """The containers, in the order of nodes."""
        return [fact for fact in self.facts if isinstance(fact, Container)]

    @property
    def engines(self) -> list[str]:
        """The engines that run them, or what is attached."""
        attached = (one.engine for one in self.attached)
        return list(dict.fromkeys([*(one.started.engine.value for one in self.containers), *attached]))

    @property
    def mptcpized(self) -> tuple[str, ...]:
        """The names of containers whose programs get MPTCP where they ask for TCP."""
        return tuple(one.namespace for one in self.containers if one.started.mptcpize)

    @property
    def attached(self) -> list[Attached]:
        """The namespaces of containers that run already, in the order of nodes."""
        return [fact for fact in self.facts if isinstance(fact, Attached)]

    @property
    def teqls(self) -> int:
        """The number of teql devices that the lab takes."""
        return sum(isinstance(fact, Teql) for fact in self.facts)

    @property
    def uplink(self) -> Uplink | None:
        """What joins a node to the machine's own network, if any."""
        return next((fact for fact in self.facts if isinstance(fact, Uplink)), None)

    @property
    def runs(self) -> bool:
        """Whether anything runs in the lab."""
        return bool(self.processes or self.captures or self.devices or self.containers or self.attached)

    @property
    def digest(self) -> str:
        """A short hash of the plan's content, without the name of the source file."""
        own = (self.lab, self.namespaces, self.hosts, self.switches, self.processes)
        over = (self.machine.name, str(self.machine.address)) if self.machine else ()
        ready = tuple(one.started.ready for one in self.containers)
        more = filter(None, (ready, self.mptcpized, self.captures, self.own_hosts))
        found = sha256(repr((*own, *more, *over)).encode())
        for command in chain.from_iterable(section.commands for section in self.sections):
            words = (*command.tool, command.namespace or "", *command.arguments, *command.each)
            found.update("\n".join(words).encode())
        return found.hexdigest()[:12]


def _log(node: str, count: Counter[str]) -> str:
    """The name of the log of the last of so many processes of nodes."""
    return node if count[node] == 1 else f"{node}.{count[node]}"


VETH_COST = 2
"""The cost of a bridge's port that is a veth interface, by its speed of 10 Gbit/s. A tunnel has no speed,
and so another cost (port_cost of net/bridge/br_if.c)."""


MOST_NAMES = 500_000
"""The most lines of hosts(5) in all files of namespaces that have a file of their own."""


HERE = ""
"""The name of the machine that a script runs on, if the lab names no machines."""


def plans(lab: Lab) -> dict[str, Plan]:
    """The plan of each machine of a lab after all passes."""
    if not lab.machines:
        return {HERE: _plan(lab, None)}
    return {machine.name: _plan(lab, machine) for machine in lab.machines}


def _plan(lab: Lab, machine: Machine | None) -> Plan:
    planner = _Planner(lab, machine)
    sections = (
        Section("namespaces", tuple(planner.namespaces())),
        Section(ATTACHED, tuple(planner.attached())),
        Section("links", tuple(planner.links())),
        Section("vlans", tuple(planner.vlans())),
        Section("tunnels", tuple(planner.tunnels())),
        Section("bonds", tuple(planner.bonds())),
        Section("teqls", tuple(planner.teqls())),
        Section("settings", tuple(planner.settings())),
        Section("interfaces", tuple(planner.interfaces())),
        Section("routes", tuple(planner.routes())),
        Section(UPLINKS, tuple(planner.uplinks())),
        Section(DEVICES, tuple(planner.devices())),
        Section(ADDRESSES, tuple(planner.addresses_of_devices())),
        Section(CONTAINERS, tuple(planner.containers())),
    )
    facts = list(chain.from_iterable(section.facts for section in sections))
    processes, captures = tuple(planner.processes()), tuple(planner.captures())
    called = tools(facts, [process.ready for process in processes], captures=bool(captures))
    hosts = tuple(planner.hosts())
    return Plan(
        lab=lab.name,
        source=lab.source,
        tools=(*called, *served.programs(planner.servers.values())),
        needs=tuple(needs(facts, _versions(lab))),
        sysctls=tuple(sysctls(facts)),
        namespaces=tuple(node.namespace for node in planner.nodes if _is_whole(node)),
        hosts=hosts,
        own_hosts=tuple(planner.own_hosts(len(hosts))),
        sections=tuple(section for section in sections if section.facts),
        switches=tuple(node.namespace for node in planner.nodes if node.bridge and _is_whole(node)),
        bonds=tuple(dict.fromkeys(fact.namespace for fact in facts if isinstance(fact, Bond | Teql))),
        processes=processes,
        captures=captures,
        machine=machine,
        peers=tuple(planner.peers()),
        crosslinks=tuple(planner.crosslinks()),
    )


def _versions(lab: Lab) -> set[int]:
    """The IP versions of all addresses, those of devices too."""
    return {*lab.versions, *(own.address.version for device in lab.devices for own in device.addresses)}


class _Planner:
    """Makes the facts of one machine, or of all nodes where the lab names none."""

    def __init__(self, lab: Lab, machine: Machine | None) -> None:
        self.lab = lab
        self.machine = machine
        self.nodes = tuple(node for node in lab.nodes if machine is None or node.machine == machine.name)
        self.names = {node.name for node in self.nodes}
        self.sysctls = Settings(lab)
        self.targets = PerNetwork(target)
        self.namespace = {node.name: node.namespace for node in lab.nodes}
        self.engine = {node.name: node.container.engine for node in lab.nodes if node.container}
        self.ports: dict[str, list[Port]] = {name: [] for name in self.namespace}
        for port in (port for link in lab.links if not link.vlan for port in link.ends):
            self.ports[port.node].append(port)
        self.servers = served.servers(lab, machine.name) if machine else {}
        """The nodes with servers for transfers that other machines open, and whether any of them is MPTCP."""
        self.far = {end.id for link in lab.links if link.underlay for end in link.ends}
        """The ends of links between machines."""
        self.interfaces_of: dict[str, list[Interface]] = {name: [] for name in self.namespace}
        for interface in lab.interfaces.values():
            self.interfaces_of[interface.node].append(interface)
        self.tunnels_of: dict[str, list[Tunnel]] = {name: [] for name in self.namespace}
        for link in lab.links:
            for name, end in self._tunnel(link, link.tunnel) if link.tunnel else ():
                self.tunnels_of[name].append(end)

        self.bonds_of: dict[str, list[tuple[Bond, tuple[str, ...]]]] = {name: [] for name in self.namespace}
        """The ends of bonds with the names of their legs."""
        for link in lab.links:
            for name, bond, legs in (
                self._bond(link, link.bond) if link.bond and link.kind is LinkKind.BOND else ()
            ):
                self.bonds_of[name].append((bond, legs))

        self.teqls_of: dict[str, list[tuple[Teql, tuple[str, ...]]]] = {name: [] for name in self.namespace}
        """The ends of teqls with the interfaces below the bridges that are their legs."""
        for link in lab.links:
            for name, teql, ports in (
                self._teql(link, link.bond) if link.bond and link.kind is LinkKind.TEQL else ()
            ):
                self.teqls_of[name].append((teql, ports))

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """The nodes in each namespace: one, or a switch for each of its VLANs."""
        found: dict[str, list[str]] = {}
        for name, namespace in self.namespace.items():
            found.setdefault(namespace, []).append(name)
        return found

    @cached_property
    def trunks(self) -> dict[InterfaceName, tuple[int, ...]]:
        """The ends of trunks, each with its VLANs."""
        return {end.id: link.trunk for link in self.lab.links for end in link.ends if link.trunk}

    @cached_property
    def vlans_of(self) -> dict[str, list[VlanDevice]]:
        """The VLAN devices of each node that has any."""
        found: dict[str, list[VlanDevice]] = {}
        for link in self.lab.links:
            for name, device in self._vlans(link, link.vlan) if link.vlan else ():
                found.setdefault(name, []).append(device)
        return found

    def _vlans(self, link: Link, vlan: Vlan) -> Iterator[tuple[str, VlanDevice]]:
        """The devices of a VLAN at the ends of its trunk that are no switches."""
        for port, parent in zip(link.ends, vlan.carrier, strict=True):
            if port.id in self.lab.interfaces:
                here = self.namespace[port.node]
                yield port.node, VlanDevice(here, port.name, parent.name, vlan.number)

    def namespaces(self) -> Iterator[Fact]:
        return (Namespace(node.namespace) for node in self.nodes if not _attached(node) and _is_whole(node))

    def attached(self) -> Iterator[Fact]:
        """Namespaces of containers that run already, which get a name."""
        for node in self.nodes:
            if node.container and _attached(node):
                yield Attached(node.namespace, node.container.engine.value, _attached(node))

    def hosts(self) -> Iterator[str]:
        """The lines of hosts(5): each node's name, and `c.b` for the interface c of node b."""
        if not any(node.name.lower() == "localhost" for node in self.lab.ip_nodes):
            yield from ("127.0.0.1 localhost", "::1 localhost")
        for node in self.lab.ip_nodes:
            yield from (f"{own} {node.name}" for own in self.lab.meanings.all(node.name))
            for end in self.interfaces_of[node.name]:
                yield from (f"{own.ip} {end.name}.{node.name}" for own in end.addresses)
        for made in self.lab.devices:
            node_name, name = made.interface
            yield from (f"{own.address.ip} {name}.{node_name}" for own in made.addresses)

    def own_hosts(self, lines: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The lines that stand before those `lines` of hosts(5) in one namespace: names that mean another
        address first in there. None at all, where that would be too many files to write."""
        near = self.lab.meanings.nearer()
        own = [(node, near[node.name]) for node in self.nodes if node.name in near]
        if len(own) * lines <= MOST_NAMES:
            for node, found in own:
                yield node.namespace, tuple(f"{address} {name}" for name, address in found)

    def links(self) -> Iterator[Fact]:
        """All interfaces, each made in the namespace that it belongs to."""
        for link in (link for link in self.lab.links if not (link.tunnel or link.bond or link.vlan)):
            if link.underlay:
                yield from self._vxlan(link, link.underlay)
            elif link.left.node in self.names:
                left, right = (End(self.namespace[port.node], port.name) for port in link.ends)
                yield Veth((left, right), link.mtu)
        for node in self.nodes:
            yield from (Dummy(node.namespace, device) for device in _dummies(node))
            if node.bridge and _is_whole(node):
                priority = node.bridge.priority if node.bridge.stp else None
                yield Bridge(node.namespace, node.bridge.name, priority, vlans=bool(node.bridge.vlan))
            yield from (Bridge(node.namespace, leg, None) for leg in self._legs(node))

    def _vxlan(self, link: Link, underlay: Underlay) -> Iterator[Fact]:
        """The end here of a link between machines."""
        assert link.mtu
        for port, (local, remote) in zip(link.ends, (underlay.outer, underlay.outer[::-1]), strict=True):
            if port.node in self.names:
                here = self.namespace[port.node]
                yield Vxlan(here, port.name, link.mtu, underlay.number, local, remote)

    def _crossing(self) -> Iterator[tuple[Link, Underlay, Port, Port]]:
        """The links to other machines, with their ends here and there."""
        for link in self.lab.links:
            for near, far in link.directions if link.underlay else ():
                if near.node in self.names and link.underlay:
                    yield link, link.underlay, near, far

    def peers(self) -> Iterator[Peer]:
        """The machines at the other ends of links, in the order of the lab."""
        largest: dict[Address, int] = {}
        for link, underlay, near, _ in self._crossing():
            far = underlay.outer[1] if near.id == link.left.id else underlay.outer[0]
            size = link.packet + OVERHEAD[LinkKind.VXLAN, far.version]
            largest[far] = max(size, largest.get(far, 0))
        for machine in self.lab.machines:
            if machine.address in largest and machine is not self.machine:
                yield Peer(machine.name, machine.address, largest[machine.address])

    def crosslinks(self) -> Iterator[Crosslink]:
        """The links to other machines that a check here tries: of two ends, the lower by name asks.

        Links of switches are not tried: their ports have no addresses.
        """
        machine = {node.name: node.machine for node in self.lab.nodes}
        for _, _, near, far in self._crossing():
            ends = [self.lab.interfaces.get(end.id) for end in (near, far)]
            if near.id < far.id and ends[0] and ends[1] and ends[1].addresses:
                addresses = tuple(str(own.ip) for own in ends[1].addresses)
                told = f"{near.id} -- {far.id} on {machine[far.node]}"
                yield Crosslink(told, self.namespace[near.node], addresses)

    def vlans(self) -> Iterator[Fact]:
        """The VLAN devices, each made in the namespace of its trunk."""
        return chain.from_iterable(self.vlans_of.get(node.name, ()) for node in self.nodes)

    def tunnels(self) -> Iterator[Fact]:
        """The ends of tunnels, each made in the namespace that its packets leave from."""
        return chain.from_iterable(self.tunnels_of[node.name] for node in self.nodes)

    def _tunnel(self, link: Link, tunnel: CarriedBy) -> Iterator[tuple[str, Tunnel]]:
        assert tunnel.outer and link.mtu
        for port, (local, remote) in zip(link.ends, (tunnel.outer, tunnel.outer[::-1]), strict=True):
            here = self.namespace[port.node]
            yield port.node, Tunnel(here, port.name, link.kind, link.mtu, tunnel.number, local, remote)

    def bonds(self) -> Iterator[Fact]:
        """The ends of bonds, still without legs, as those are shaped before they are up."""
        return (bond for node in self.nodes for bond, _ in self.bonds_of[node.name])

    def _bond(self, link: Link, bond: SentOver) -> Iterator[tuple[str, Bond, tuple[str, ...]]]:
        assert link.mtu
        for place, (near, far) in enumerate(link.directions):
            legs = tuple((leg.right if place else leg.left).name for leg in bond.legs)
            end = self.lab.interfaces[far.id]
            target = (end.address(4) or end.address(6)) if bond.probes else None
            here = self.namespace[near.node]
            yield near.node, Bond(here, near.name, link.mtu, bond.mode, target, legs[0]), legs

    def teqls(self) -> Iterator[Fact]:
        """The ends of teqls, whose legs have no port yet: they have their MTU when the teql comes up."""
        return (teql for node in self.nodes for teql, _ in self.teqls_of[node.name])

    def _teql(self, link: Link, teql: SentOver) -> Iterator[tuple[str, Teql, tuple[str, ...]]]:
        assert link.mtu
        for place, near in enumerate(link.ends):
            ports = tuple((leg.right if place else leg.left).name for leg in teql.legs)
            here = self.namespace[near.node]
            yield near.node, Teql(here, near.name, link.mtu, link.bridges(near)), ports

    def _legs(self, node: Node) -> Iterator[str]:
        """The bridges that are the legs of a node's teqls."""
        return chain.from_iterable(teql.legs for teql, _ in self.teqls_of[node.name])

    def _arrivals(self, node: Node) -> Arrivals:
        return tuple((teql.name, teql.legs) for teql, _ in self.teqls_of[node.name])

    def settings(self) -> Iterator[Fact]:
        for node in self.nodes:
            made = [node.bridge.name] if node.bridge else [*_dummies(node), *self._legs(node)]
            if not _is_whole(node):
                continue
            ports = [port.name for name in self.parts[node.namespace] for port in self.ports[name]]
            ports += (device.name for device in self.vlans_of.get(node.name, ()))
            values = self.sysctls.of(node, (*made, *ports))
            yield from (Sysctl(node.namespace, *setting) for setting in values.items())

    def interfaces(self) -> Iterator[Fact]:
        """Shaping, addresses, and interfaces that are up; `lo` has the mark of the lab."""
        for node in filter(_is_whole, self.nodes):
            ports = [port for name in self.parts[node.namespace] for port in self.ports[name]]
            for port in ports:
                yield from qdiscs(node.namespace, port)
            yield from (Mac(node.namespace, port.name, port.mac) for port in ports if port.mac)
            for bond, _ in self.bonds_of[node.name]:
                yield from (splitter(*bond[:3]),) if bond.mode is Mode.TURNS else ()
            yield from (waiting(teql.namespace, teql.name) for teql, _ in self.teqls_of[node.name])
            yield from () if _attached(node) else (Mark(node.namespace, self.lab.name),)
            yield from self._ports(node, node.bridge.name) if node.bridge else self._addresses(node)

    def _ports(self, switch: Node, bridge: str) -> Iterator[Fact]:
        """A bridge that is up, its ports, and their VLANs."""
        here = switch.namespace
        yield Up(here, bridge)
        for port in (port for name in self.parts[here] for port in self.ports[name]):
            yield BridgePort(here, port.name, bridge, VETH_COST if port.id in self.far else None)
        for name in self.parts[here] if switch.bridge and switch.bridge.vlan else ():
            yield from chain.from_iterable(self._tags(port) for port in self.ports[name])

    def _tags(self, port: Port) -> Iterator[Fact]:
        """The VLANs of a port: all of a trunk, or the one that the switch is for."""
        here = self.namespace[port.node]
        trunk = self.trunks.get(port.id)
        if trunk:
            yield from (PortVlan(here, port.name, number, access=False) for number in trunk)
        else:
            yield PortVlan(here, port.name, number_of(port.node), access=True)

    def _addresses(self, node: Node) -> Iterator[Fact]:
        here = node.namespace
        yield from (OwnAddress(here, own.address, own.device) for own in node.all_addresses)
        yield from (OwnAddress(here, ip_interface(end.local), "lo") for end in self.tunnels_of[node.name])
        yield from (Up(here, device) for device in _dummies(node))
        for bond, legs in self.bonds_of[node.name]:
            told = not (bond.target and bond.mode is Mode.BACKUP)
            yield from (BondLeg(here, leg, bond.name, told) for leg in legs)
        for teql, ports in self.teqls_of[node.name]:
            yield from self._legs_of(teql, ports, self.lab.interfaces[InterfaceName(node.name, teql.name)])
        yield from (Up(here, port.name) for port in self.ports[node.name] if port.id in self.trunks)
        for end in self.interfaces_of[node.name]:
            yield from (OwnAddress(here, address, end.name) for address in end.addresses)
            yield from (Single(here, end.name),) if end.name in node.single else ()
            yield Up(here, end.name)

    def _legs_of(self, teql: Teql, ports: tuple[str, ...], end: Interface) -> Iterator[Fact]:
        """The legs of a teql. Its address of IPv6 is on each too: neighbour discovery asks for it there, and
        other than ARP it answers for no address of another interface."""
        tunnels = {tunnel.name for tunnel in self.tunnels_of[end.node]}
        for leg, port in zip(teql.legs, ports, strict=True):
            cost = VETH_COST if port in tunnels else None
            yield BridgePort(teql.namespace, port, leg, cost)
            own = (address.ip for address in end.addresses if address.version == 6)
            yield from (OwnAddress(teql.namespace, ip_interface(ip), leg) for ip in own)
            yield Up(teql.namespace, leg)

    def routes(self) -> Iterator[Fact]:
        """Routes, and everything else that decides where packets go or which addresses they have."""
        for node in (node for node in self.nodes if not node.bridge):
            here = node.namespace
            yield from self._routing(node)
            yield from (MptcpLimits(here, node.limits),) if node.limits else ()
            yield from (MptcpEndpoint(here, endpoint) for endpoint in node.endpoints)
            out = self.lab.uplink is not None and self.lab.uplink.node == node.name
            yield from (Nft(here),) if node.masquerade or node.inlets or out or node.sprays else ()
            yield from (Nat(here),) if node.masquerade or node.inlets or out else ()
            yield from (Masquerade(here, *one) for one in node.masquerade)
            yield from (Masquerade(here, UPLINK),) if out else ()
            yield from self._inlets(node)
            arrivals = self._arrivals(node)
            if node.sprays:
                yield Marking(here, node.sprays, arrivals)
            yield from (Turns(here, spray, arrivals) for spray in node.sprays)

    def devices(self) -> Iterator[Fact]:
        """What commands make, in written order, when all else of the network is there."""
        for device in self._own_devices():
            node, name = device.interface
            yield Device(self.namespace[node], name, node, device.commands)

    def addresses_of_devices(self) -> Iterator[Fact]:
        """Their addresses, and that they are up, when all are there: one may be on top of another."""
        for device in self._own_devices():
            here, name = self.namespace[device.interface.node], device.interface.name
            yield from (OwnAddress(here, own.address, name) for own in device.addresses)
            yield Up(here, name)

    def _own_devices(self) -> Iterable[Made]:
        return (device for device in self.lab.devices if device.interface.node in self.names)

    def _inlets(self, node: Node) -> Iterator[Fact]:
        """The ports that a node forwards, and the ways back by the interface that packets came in by."""
        here = node.namespace
        yield from (NatIn(here),) if node.inlets else ()
        for protocol, port, address, to, *_ in node.inlets:
            yield PortForward(here, protocol, port, address, to)
        turned = (
            Hairpin(here, name, inlet.address.version, inlet.source)
            for inlet in node.inlets
            for name in inlet.interfaces
        )
        yield from dict.fromkeys(turned)

    def uplinks(self) -> Iterator[Fact]:
        """What joins a node to the machine's own network."""
        uplink = self.lab.uplink
        if uplink and uplink.network and uplink.node in self.names:
            end = f"mpc-{sha256(self.lab.name.encode()).hexdigest()[:8]}"
            yield Uplink(self.namespace[uplink.node], self.lab.name, end, uplink.network, uplink.card)

    def containers(self) -> Iterator[Fact]:
        """The containers, which find all of the network there when they start."""
        for node in self.nodes:
            if node.container and not node.container.attached:
                yield Container(node.namespace, self.lab.name, node.name, node.container)

    def processes(self) -> Iterator[Process]:
        """The processes of the lab; the logs of a node are numbered as parallel links are."""
        count = Counter[str]()
        numbers: dict[Span, int] = {}
        for run in (run for run in self.lab.runs if run.node in self.names):
            number = numbers.setdefault(run.span, len(numbers))
            count[run.node] += 1
            name = _log(run.node, count)
            here, variables = self.namespace[run.node], settings(run.environment)
            ready = self._ready(run.node, run.ready)
            if isinstance(run.command, str):
                yield Process(here, name, run.command, variables, False, ready, number)
            else:
                container, told = self._inside(run.node, here)
                call = inside(self.engine[run.node], container, run.command, (*told, *variables))
                yield Process(here, name, f"exec {shlex.join(call)}", (), True, ready, number)
        yield from self._servers(count, len(numbers))

    def _ready(self, node: str, ready: int | str | Words | None) -> int | Words | None:
        """What tells that a process of a node is ready: a port, or a command of the machine."""
        here = self.namespace[node]
        if isinstance(ready, str):
            return ("ip", "netns", "exec", here, "bash", "-c", "--", ready)
        if isinstance(ready, tuple):
            return inside(self.engine[node], self._inside(node, here)[0], ready, ())
        return ready

    def _servers(self, count: Counter[str], number: int) -> Iterator[Process]:
        """Servers for transfers that other machines open, after `count` processes of each node."""
        for node in (node for node in self.nodes if node.name in self.servers):
            count[node.name] += 1
            anywhere = node.name in served.at_interfaces(self.lab)
            line = served.command(node, mptcp=self.servers[node.name], anywhere=anywhere)
            yield Process(node.namespace, _log(node.name, count), line, (), False, served.PORT, number)

    def captures(self) -> Iterator[Capture]:
        """The captures of interfaces, which begin before these are up."""
        for capture in (one for one in self.lab.captures if one.interface.node in self.names):
            node, interface = capture.interface
            file = f"{self.lab.name}.{node}.{interface}.pcap"
            yield Capture(self.namespace[node], node, interface, capture.snap or 0, file)

    def _inside(self, name: str, namespace: str) -> tuple[str, tuple[str, ...]]:
        """The container of a node, and what a process in it is told if it was started without: its lab."""
        (attached,) = (_attached(node) for node in self.nodes if node.name == name)
        told = (f"MPC_LAB={self.lab.name}", f"MPC_NODE={name}", f"MPC_NETNS={namespace}")
        return (attached, told) if attached else (namespace, ())

    def _routing(self, node: Node) -> Iterator[Fact]:
        shadowed = self._shadowed(node)
        yield from (self._routes(node, shadowed, route) for route in node.routes)
        for table in node.tables:
            yield from (self._routes(node, shadowed, route, table.number) for route in table.routes)
        legs = dict(self._arrivals(node))
        for rule in node.rules:
            for incoming in legs.get(rule.incoming or "", (rule.incoming,)):
                yield PolicyRule(node.namespace, rule._replace(incoming=incoming))

    def _shadowed(self, node: Node) -> set[Gateway]:
        """The gateways of a node that are in no network of their interface, as those of a neighbour's own
        address; and IPv6 ones in a route through a gateway that is longer than the connected network.

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
        found = {one for one in gateways if _is_in(one[0], longer.get(one[1], ()), ends[one[1]])}
        if self.lab.is_numbered:
            return found
        every = chain(node.routes, *(table.routes for table in node.tables))
        hops = {(hop.via, hop.interface) for route in every for hop in route.nexthops}
        return found | {
            one for one in hops if not any(one[0] in own.network for own in ends[one[1]].addresses)
        }

    def _routes(self, node: Node, shadowed: set[Gateway], route: Route, table: int | None = None) -> Routes:
        brief = self.lab.aggregate and not (table or route.explicit or not route.targets[0].prefixlen)
        late = self._late(node) if table else ()
        targets, hops = self.targets(route.targets), tuple(_hops(route, shadowed, late))
        return Routes(node.namespace, targets, route.source, hops, table, brief, route.metric, route.refusal)

    def _late(self, node: Node) -> tuple[str, ...]:
        """The bonds of a node where packets are sent in turn, which are without a carrier until a leg works.

        As routes over links that are down are ignored then, the kernel finds no way to a gateway of IPv6 in a
        table other than the main one.
        """
        return tuple(bond.name for bond, _ in self.bonds_of[node.name]) if self.sysctls.sprays else ()


def _is_whole(node: Node) -> bool:
    """Whether a node is all of what is in its namespace, and no further VLAN of a switch."""
    return node.bridge is None or node.bridge.vlan in (0, UNTAGGED)


def _attached(node: Node) -> str:
    """The name of the container that runs already, whose namespace a node has; or none."""
    return node.container.attached if node.container else ""


def _dummies(node: Node) -> list[str]:
    """The dummy devices that hold addresses of a node."""
    return list(dict.fromkeys(own.device for own in node.all_addresses if own.device != "lo"))


PROBED = 8
"""The looks in a row that find a leg working where ARP asks: longer than a bond takes to find it broken."""


def looks(plan: Plan) -> int:
    """How often in a row all legs of bonds have to be found working before the lab is up."""
    return PROBED if any(isinstance(fact, Bond) and fact.target for fact in plan.facts) else 1


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


def _hops(route: Route, shadowed: set[Gateway], late: Collection[str]) -> Iterator[Hop]:
    """The next hops of a route; interfaces that are `late` have no carrier yet. An IPv6 address that is its
    own gateway would make the kernel refuse it as a gateway of other routes, so it is written without."""
    if route.device:
        yield Hop(None, route.device)
        return
    if len(route.nexthops) == 1 and route.nexthops[0].via.version == 6 and _leads_to_itself(route):
        yield Hop(None, route.nexthops[0].interface)
        return
    weighted = len(route.nexthops) > 1 and any(hop.weight != 1 for hop in route.nexthops)
    for hop in route.nexthops:
        onlink = (hop.via, hop.interface) in shadowed or (hop.via.version == 6 and hop.interface in late)
        yield Hop(hop.via, hop.interface, hop.weight if weighted else None, onlink)
