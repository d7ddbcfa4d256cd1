"""What the nodes of a machine have: namespaces, ports, interfaces, ends of tunnels, bonds and VLANs."""

from collections.abc import Iterator
from functools import cached_property
from itertools import chain

from compiler.model.lab import Lab
from compiler.model.links import Bond as SentOver
from compiler.model.links import InterfaceName, Link, LinkKind, Port, Vlan
from compiler.model.links import Tunnel as CarriedBy
from compiler.model.machines import Machine
from compiler.model.nodes import Node
from compiler.model.segments import Interface
from compiler.model.vlans import UNTAGGED
from compiler.plan.facts import Arrivals, Bond, Teql, Tunnel, VlanDevice


class Inventory:
    """The nodes of one machine, or all of them where the lab names none, and what each has."""

    def __init__(self, lab: Lab, machine: Machine | None) -> None:
        self.lab = lab
        self.machine = machine
        self.nodes = tuple(node for node in lab.nodes if machine is None or node.machine == machine.name)
        self.names = {node.name for node in self.nodes}
        self.namespace = {node.name: node.namespace for node in lab.nodes}
        self.engine = {node.name: node.container.engine for node in lab.nodes if node.container}
        self.ports: dict[str, list[Port]] = {name: [] for name in self.namespace}
        for port in (port for link in lab.links if not link.vlan for port in link.ends):
            self.ports[port.node].append(port)
        self.far = {end.id for link in lab.links if link.underlay for end in link.ends}
        """The ends of links between machines."""
        self.interfaces_of: dict[str, list[Interface]] = {name: [] for name in self.namespace}
        for interface in lab.interfaces.values():
            self.interfaces_of[interface.node].append(interface)
        self.tunnels_of: dict[str, list[Tunnel]] = {name: [] for name in self.namespace}
        self.bonds_of: dict[str, list[tuple[Bond, tuple[str, ...]]]] = {name: [] for name in self.namespace}
        """The ends of bonds with the names of their legs."""
        self.teqls_of: dict[str, list[tuple[Teql, tuple[str, ...]]]] = {name: [] for name in self.namespace}
        """The ends of teqls with the interfaces below the bridges that are their legs."""
        for link in lab.links:
            for name, end in self._tunnel(link, link.tunnel) if link.tunnel else ():
                self.tunnels_of[name].append(end)
            if link.bond and link.kind is LinkKind.BOND:
                for name, bond, legs in self._bond(link, link.bond):
                    self.bonds_of[name].append((bond, legs))
            elif link.bond and link.kind is LinkKind.TEQL:
                for name, teql, ports in self._teql(link, link.bond):
                    self.teqls_of[name].append((teql, ports))

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """The nodes in each namespace: one, or a switch for each of its VLANs, or a router for each VRF."""
        found: dict[str, list[str]] = {}
        for name, namespace in self.namespace.items():
            found.setdefault(namespace, []).append(name)
        return found

    @cached_property
    def vrfs_of(self) -> dict[str, list[Node]]:
        """The VRFs in each namespace that has any."""
        found: dict[str, list[Node]] = {}
        for node in (node for node in self.nodes if node.vrf):
            found.setdefault(node.namespace, []).append(node)
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

    def devices_in(self, namespace: str) -> Iterator[str]:
        """The devices of VLANs and VRFs in a namespace."""
        for name in self.parts[namespace]:
            yield from (device.name for device in self.vlans_of.get(name, ()))
        yield from (node.vrf.name for node in self.vrfs_of.get(namespace, ()) if node.vrf)

    def _vlans(self, link: Link, vlan: Vlan) -> Iterator[tuple[str, VlanDevice]]:
        """The devices of a VLAN at the ends of its trunk that are no switches."""
        for port, parent in zip(link.ends, vlan.carrier, strict=True):
            if port.id in self.lab.interfaces:
                here = self.namespace[port.node]
                yield port.node, VlanDevice(here, port.name, parent.name, vlan.number)

    def _tunnel(self, link: Link, tunnel: CarriedBy) -> Iterator[tuple[str, Tunnel]]:
        assert tunnel.outer and link.mtu
        for port, (local, remote) in zip(link.ends, (tunnel.outer, tunnel.outer[::-1]), strict=True):
            here = self.namespace[port.node]
            yield port.node, Tunnel(here, port.name, link.kind, link.mtu, tunnel.number, local, remote)

    def _bond(self, link: Link, bond: SentOver) -> Iterator[tuple[str, Bond, tuple[str, ...]]]:
        assert link.mtu
        for place, (near, far) in enumerate(link.directions):
            legs = tuple((leg.right if place else leg.left).name for leg in bond.legs)
            end = self.lab.interfaces[far.id]
            target = (end.address(4) or end.address(6)) if bond.probes else None
            here = self.namespace[near.node]
            yield near.node, Bond(here, near.name, link.mtu, bond.mode, target, legs[0]), legs

    def _teql(self, link: Link, teql: SentOver) -> Iterator[tuple[str, Teql, tuple[str, ...]]]:
        assert link.mtu
        for place, near in enumerate(link.ends):
            ports = tuple((leg.right if place else leg.left).name for leg in teql.legs)
            here = self.namespace[near.node]
            yield near.node, Teql(here, near.name, link.mtu, link.bridges(near)), ports

    def legs(self, node: Node) -> Iterator[str]:
        """The bridges that are the legs of a node's teqls."""
        return chain.from_iterable(teql.legs for teql, _ in self.teqls_of[node.name])

    def arrivals(self, node: Node) -> Arrivals:
        return tuple((teql.name, teql.legs) for teql, _ in self.teqls_of[node.name])


def is_whole(node: Node) -> bool:
    """Whether a node is all of what is in its namespace, and no VLAN of a switch or VRF of a router."""
    return node.vrf is None and (node.bridge is None or node.bridge.vlan in (0, UNTAGGED))


def attached(node: Node) -> str:
    """The name of the container that runs already, whose namespace a node has; or none."""
    return node.container.attached if node.container else ""


def dummies(node: Node) -> list[str]:
    """The dummy devices that hold addresses of a node."""
    return list(dict.fromkeys(own.device for own in node.all_addresses if own.device != "lo"))
