"""Makes the plan of each machine of a lab.

The order of facts is the kernel's: links; then settings, some of which are those of interfaces; shaping
before an interface is up, as later each change of a queueing discipline waits for all processors; both ends
of every link up before the first route; then the rest.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from ipaddress import ip_interface
from itertools import chain

from compiler.model.devices import Device as Made
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Mode, Port
from compiler.model.machines import Machine
from compiler.model.nodes import UPLINK, Node
from compiler.model.segments import Interface
from compiler.model.vlans import number_of, whole_of
from compiler.plan import served
from compiler.plan.crossing import Crossing
from compiler.plan.facts import (
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
    LocalRule,
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
    PortForward,
    PortVlan,
    Single,
    Sysctl,
    Teql,
    Turns,
    Up,
    Uplink,
    Veth,
    Vrf,
    VrfPort,
)
from compiler.plan.inventory import Inventory, attached, dummies, is_whole
from compiler.plan.needs import needs, sysctls, tools
from compiler.plan.plan import ADDRESSES, ATTACHED, CONTAINERS, DEVICES, HERE, UPLINKS, Plan, Section
from compiler.plan.routing import Routing
from compiler.plan.running import Running
from compiler.plan.settings import Settings
from compiler.plan.traffic import qdiscs, splitter, waiting

VETH_COST = 2
"""The cost of a bridge's port that is a veth interface, by its speed of 10 Gbit/s. A tunnel has no speed,
and so another cost (port_cost of net/bridge/br_if.c)."""


MOST_NAMES = 500_000
"""The most lines of hosts(5) in all files of namespaces that have a file of their own."""


def plans(lab: Lab) -> dict[str, Plan]:
    """The plan of each machine of a lab after all passes."""
    if not lab.machines:
        return {HERE: _plan(lab, None)}
    return {machine.name: _plan(lab, machine) for machine in lab.machines}


def _plan(lab: Lab, machine: Machine | None) -> Plan:
    inventory = Inventory(lab, machine)
    planner = _Planner(inventory)
    servers = served.servers(lab, machine.name) if machine else {}
    running = Running(inventory, servers)
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
    processes, captures = tuple(running.processes()), tuple(running.captures())
    called = tools(facts, [process.ready for process in processes], captures=bool(captures))
    hosts = tuple(planner.hosts())
    return Plan(
        lab=lab.name,
        source=lab.source,
        tools=(*called, *served.programs(servers.values())),
        needs=tuple(needs(facts, _versions(lab))),
        sysctls=tuple(sysctls(facts)),
        namespaces=tuple(node.namespace for node in inventory.nodes if is_whole(node)),
        hosts=hosts,
        own_hosts=tuple(planner.own_hosts(len(hosts))),
        sections=tuple(section for section in sections if section.facts),
        switches=tuple(node.namespace for node in inventory.nodes if node.bridge and is_whole(node)),
        bonds=tuple(dict.fromkeys(fact.namespace for fact in facts if isinstance(fact, Bond | Teql))),
        processes=processes,
        captures=captures,
        machine=machine,
        peers=tuple(planner.crossing.peers()),
        crosslinks=tuple(planner.crossing.crosslinks()),
    )


def _versions(lab: Lab) -> set[int]:
    """The IP versions of all addresses, those of devices too."""
    return {*lab.versions, *(own.address.version for device in lab.devices for own in device.addresses)}


class _Planner:
    """Makes the facts of one machine, or of all nodes where the lab names none."""

    def __init__(self, inventory: Inventory) -> None:
        self.has = inventory
        self.lab = inventory.lab
        self.sysctls = Settings(inventory.lab)
        self.routing = Routing(inventory, sprays=self.sysctls.sprays)
        self.borrowed = inventory.lab.lent(6)
        """The ends of links without addresses, each with one of IPv6 of its node: neighbour discovery answers
        for no address of another interface."""
        self.crossing = Crossing(inventory)

    def namespaces(self) -> Iterator[Fact]:
        return (Namespace(node.namespace) for node in self.has.nodes if not attached(node) and is_whole(node))

    def attached(self) -> Iterator[Fact]:
        """Namespaces of containers that run already, which get a name."""
        for node in self.has.nodes:
            if node.container and attached(node):
                yield Attached(node.namespace, node.container.engine.value, attached(node))

    def hosts(self) -> Iterator[str]:
        """The lines of hosts(5): each node's name, and `c.b` for the interface c of node b."""
        if not any(node.name.lower() == "localhost" for node in self.lab.ip_nodes):
            yield from ("127.0.0.1 localhost", "::1 localhost")
        for node in self.lab.ip_nodes:
            name = whole_of(node.name)
            yield from (f"{own} {name}" for own in (() if node.vrf else self.lab.meanings.all(name)))
            for end in self.has.interfaces_of[node.name]:
                yield from (f"{own.ip} {end.name}.{name}" for own in end.addresses)
        for made in self.lab.devices:
            node_name, name = made.interface
            yield from (f"{own.address.ip} {name}.{node_name}" for own in made.addresses)

    def own_hosts(self, lines: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The lines that stand before those `lines` of hosts(5) in one namespace: names that mean another
        address first in there. None at all, where that would be too many files to write."""
        near = self.lab.meanings.nearer()
        own = [(node, near[node.name]) for node in self.has.nodes if node.name in near]
        if len(own) * lines <= MOST_NAMES:
            for node, found in own:
                yield node.namespace, tuple(f"{address} {name}" for name, address in found)

    def links(self) -> Iterator[Fact]:
        """All interfaces, each made in the namespace that it belongs to."""
        for link in (link for link in self.lab.links if not (link.tunnel or link.bond or link.vlan)):
            if link.underlay:
                yield from self.crossing.vxlans(link, link.underlay)
            elif link.left.node in self.has.names:
                left, right = (End(self.has.namespace[port.node], port.name) for port in link.ends)
                yield Veth((left, right), link.mtu)
        for node in self.has.nodes:
            yield from (Dummy(node.namespace, device) for device in dummies(node))
            yield from (Vrf(node.namespace, *node.vrf[:2]),) if node.vrf else ()
            if node.bridge and is_whole(node):
                priority = node.bridge.priority if node.bridge.stp else None
                yield Bridge(node.namespace, node.bridge.name, priority, vlans=bool(node.bridge.vlan))
            yield from (Bridge(node.namespace, leg, None) for leg in self.has.legs(node))

    def vlans(self) -> Iterator[Fact]:
        """The VLAN devices, each made in the namespace of its trunk."""
        return chain.from_iterable(self.has.vlans_of.get(node.name, ()) for node in self.has.nodes)

    def tunnels(self) -> Iterator[Fact]:
        """The ends of tunnels, each made in the namespace that its packets leave from."""
        return chain.from_iterable(self.has.tunnels_of[node.name] for node in self.has.nodes)

    def bonds(self) -> Iterator[Fact]:
        """The ends of bonds, still without legs, as those are shaped before they are up."""
        return (bond for node in self.has.nodes for bond, _ in self.has.bonds_of[node.name])

    def teqls(self) -> Iterator[Fact]:
        """The ends of teqls, whose legs have no port yet: they have their MTU when the teql comes up."""
        return (teql for node in self.has.nodes for teql, _ in self.has.teqls_of[node.name])

    def settings(self) -> Iterator[Fact]:
        for node in self.has.nodes:
            made = [node.bridge.name] if node.bridge else [*dummies(node), *self.has.legs(node)]
            if not is_whole(node):
                continue
            parts = self.has.parts[node.namespace]
            ports = [port.name for name in parts for port in self.has.ports[name]]
            ports += self.has.devices_in(node.namespace)
            values = self.sysctls.of(node, (*made, *ports))
            yield from (Sysctl(node.namespace, *setting) for setting in values.items())

    def interfaces(self) -> Iterator[Fact]:
        """Shaping, addresses, and interfaces that are up; `lo` has the mark of the lab."""
        for node in filter(is_whole, self.has.nodes):
            ports = [port for name in self.has.parts[node.namespace] for port in self.has.ports[name]]
            for port in ports:
                yield from qdiscs(node.namespace, port)
            yield from (Mac(node.namespace, port.name, port.mac) for port in ports if port.mac)
            for bond, _ in self.has.bonds_of[node.name]:
                yield from (splitter(*bond[:3]),) if bond.mode is Mode.TURNS else ()
            yield from (waiting(teql.namespace, teql.name) for teql, _ in self.has.teqls_of[node.name])
            yield from () if attached(node) else (Mark(node.namespace, self.lab.name),)
            yield from self._ports(node, node.bridge.name) if node.bridge else self._addresses(node)
            yield from self._vrfs(node.namespace)

    def _vrfs(self, here: str) -> Iterator[Fact]:
        """The VRFs in a namespace, whose ports join before they have addresses, as IPv6 ones would go."""
        parts = self.has.vrfs_of.get(here, ())
        yield from (LocalRule(here, version) for version in self.lab.versions if parts)
        for part in parts:
            yield from self._addresses(part)

    def _ports(self, switch: Node, bridge: str) -> Iterator[Fact]:
        """A bridge that is up, its ports, and their VLANs."""
        here = switch.namespace
        yield Up(here, bridge)
        for port in (port for name in self.has.parts[here] for port in self.has.ports[name]):
            yield BridgePort(here, port.name, bridge, VETH_COST if port.id in self.has.far else None)
        for name in self.has.parts[here] if switch.bridge and switch.bridge.vlan else ():
            yield from chain.from_iterable(self._tags(port) for port in self.has.ports[name])

    def _tags(self, port: Port) -> Iterator[Fact]:
        """The VLANs of a port: all of a trunk, or the one that the switch is for."""
        here = self.has.namespace[port.node]
        trunk = self.has.trunks.get(port.id)
        if trunk:
            yield from (PortVlan(here, port.name, number, access=False) for number in trunk)
        else:
            yield PortVlan(here, port.name, number_of(port.node), access=True)

    def _addresses(self, node: Node) -> Iterator[Fact]:
        here = node.namespace
        yield from (Up(here, node.vrf.name),) if node.vrf else ()
        yield from (OwnAddress(here, own.address, own.device) for own in node.all_addresses)
        yield from (OwnAddress(here, ip_interface(end.local), "lo") for end in self.has.tunnels_of[node.name])
        yield from (Up(here, device) for device in dummies(node))
        for bond, legs in self.has.bonds_of[node.name]:
            told = not (bond.target and bond.mode is Mode.BACKUP)
            yield from (BondLeg(here, leg, bond.name, told) for leg in legs)
        for teql, ports in self.has.teqls_of[node.name]:
            yield from self._legs_of(teql, ports, self.lab.interfaces[InterfaceName(node.name, teql.name)])
        yield from (Up(here, port.name) for port in self.has.ports[node.name] if port.id in self.has.trunks)
        for end in self.has.interfaces_of[node.name]:
            yield from (VrfPort(here, end.name, node.vrf.name),) if node.vrf else ()
            yield from (OwnAddress(here, address, end.name) for address in end.addresses)
            if borrowed := self.borrowed.get(end.id):
                yield OwnAddress(here, ip_interface(borrowed), end.name)
            yield from (Single(here, end.name),) if end.name in node.single else ()
            yield Up(here, end.name)

    def _legs_of(self, teql: Teql, ports: tuple[str, ...], end: Interface) -> Iterator[Fact]:
        """The legs of a teql. Its address of IPv6 is on each too: neighbour discovery asks for it there, and
        other than ARP it answers for no address of another interface."""
        tunnels = {tunnel.name for tunnel in self.has.tunnels_of[end.node]}
        for leg, port in zip(teql.legs, ports, strict=True):
            cost = VETH_COST if port in tunnels else None
            yield BridgePort(teql.namespace, port, leg, cost)
            own = (address.ip for address in end.addresses if address.version == 6)
            yield from (OwnAddress(teql.namespace, ip_interface(ip), leg) for ip in own)
            yield Up(teql.namespace, leg)

    def routes(self) -> Iterator[Fact]:
        """Routes, and everything else that decides where packets go or which addresses they have."""
        for node in (node for node in self.has.nodes if not node.bridge):
            here = node.namespace
            yield from self.routing.of(node)
            yield from (MptcpLimits(here, node.limits),) if node.limits else ()
            yield from (MptcpEndpoint(here, endpoint) for endpoint in node.endpoints)
            out = self.lab.uplink is not None and self.lab.uplink.node == node.name
            yield from (Nft(here),) if node.masquerade or node.inlets or out or node.sprays else ()
            yield from (Nat(here),) if node.masquerade or node.inlets or out else ()
            yield from (Masquerade(here, *one) for one in node.masquerade)
            yield from (Masquerade(here, UPLINK),) if out else ()
            yield from self._inlets(node)
            arrivals = self.has.arrivals(node)
            if node.sprays:
                yield Marking(here, node.sprays, arrivals)
            yield from (Turns(here, spray, arrivals) for spray in node.sprays)

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
        if uplink and uplink.network and uplink.node in self.has.names:
            end = f"mpc-{sha256(self.lab.name.encode()).hexdigest()[:8]}"
            yield Uplink(self.has.namespace[uplink.node], self.lab.name, end, uplink.network, uplink.card)

    def devices(self) -> Iterator[Fact]:
        """What commands make, in written order, when all else of the network is there."""
        for device in self._own_devices():
            node, name = device.interface
            yield Device(self.has.namespace[node], name, node, device.commands)

    def addresses_of_devices(self) -> Iterator[Fact]:
        """Their addresses, and that they are up, when all are there: one may be on top of another."""
        for device in self._own_devices():
            here, name = self.has.namespace[device.interface.node], device.interface.name
            yield from (OwnAddress(here, own.address, name) for own in device.addresses)
            yield Up(here, name)

    def _own_devices(self) -> Iterable[Made]:
        return (device for device in self.lab.devices if device.interface.node in self.has.names)

    def containers(self) -> Iterator[Fact]:
        """The containers, which find all of the network there when they start."""
        for node in self.has.nodes:
            if node.container and not node.container.attached:
                yield Container(node.namespace, self.lab.name, node.name, node.container)
