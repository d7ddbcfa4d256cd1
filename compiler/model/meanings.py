"""What the names of nodes mean: their own addresses, or where a node has none, those of its interfaces."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from compiler.model.links import InterfaceName
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.segments import Interface, Segment

if TYPE_CHECKING:
    from compiler.model.trials import End


class Meanings:
    """The addresses that the names of a lab's nodes mean, each first that is to be taken first.

    In a family in which a node has no own address, but the source pins one of an interface, and in all where
    it has no own address at all, its name means the addresses of its interfaces: first those on a segment of
    the node that asks, then those that the source pins, and then all others; each in the order of links.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        interfaces: Mapping[InterfaceName, Interface],
        segments: Collection[Segment],
    ) -> None:
        self.interfaces = interfaces
        nodes = tuple(nodes)
        self.vrfs = {node.name for node in nodes if node.vrf}
        """VRFs of routers, which have no names of their own in hosts(5)."""
        self.own = {node.name: tuple(own.address.ip for own in node.addresses) for node in nodes}
        ends: dict[str, list[Interface]] = {name: [] for name in self.own}
        for end in interfaces.values():
            ends[end.node].append(end)
        self.ends = {name: sorted(own, key=lambda end: not end.pinned) for name, own in ends.items()}
        self.around = {segment.identity: segment.nodes for segment in segments}
        """The nodes on each segment."""
        self.segment = {end.id: segment.identity for segment in segments for end in segment.ends}
        self.on = {name: {self.segment.get(end.id) for end in own} - {None} for name, own in ends.items()}
        """The segments that each node is on."""

    def all(self, node: str, asker: str | None = None) -> tuple[Address, ...]:
        """All addresses that the name of a node means."""
        ends = self.ends[node]
        if asker and len(ends) > 1:
            ends = sorted(ends, key=lambda end: self.segment.get(end.id) not in self.on[asker])
        return (*self.own[node], *dict.fromkeys(self._of_links(node, ends)))

    def nearer(self) -> dict[str, list[tuple[str, Address]]]:
        """For each node, the addresses near it that come first there alone, each with its name."""
        found: dict[str, list[tuple[str, Address]]] = {}
        for name, ends in ((name, ends) for name, ends in self.ends.items() if name not in self.vrfs):
            every = self._of_links(name, ends) if len(ends) > 1 else ()
            near: dict[str, list[Interface]] = {}
            for end in ends if every else ():
                for asker in self.around.get(self.segment.get(end.id, ""), ()):
                    near.setdefault(asker, []).append(end)
            for asker in sorted(near.keys() - {name} - self.vrfs):
                first = self._of_links(name, near[asker])
                if first != every[: len(first)]:
                    found.setdefault(asker, []).extend((name, address) for address in first)
        return found

    def tried(self, node: str, asker: str, interface: str = "") -> tuple[Address, ...]:
        """The addresses that stand for a node: its own ones, and in each family without the first that its
        name means to another; or those of one of its interfaces."""
        if interface:
            return _of((self.interfaces[InterfaceName(node, interface)],))
        own = self.own[node]
        others = self.all(node, asker)[len(own) :]
        firsts = {address.version: address for address in reversed(others)}
        return (*own, *(firsts[version] for version in sorted(firsts)))

    def between(self, source: "End", target: "End") -> tuple[Address, ...]:
        """The addresses that stand for a target; with a source that is an interface, of its families."""
        own = (target.address,) if target.address else ()
        found = own or self.tried(target.node, source.node, target.interface)
        if not source.interface:
            return found
        versions = {own.version for own in self.tried(source.node, source.node, source.interface)}
        return tuple(address for address in found if address.version in versions)

    def _of_links(self, node: str, ends: Iterable[Interface]) -> tuple[Address, ...]:
        """The addresses of some interfaces of a node that its name means."""
        own = self.own[node]
        if not own:
            return _of(ends)
        pinned = {version for end in self.ends[node] for version in end.pinned}
        pinned -= {address.version for address in own}
        return tuple(address for address in _of(ends) if address.version in pinned) if pinned else ()


def _of(ends: Iterable[Interface]) -> tuple[Address, ...]:
    return tuple(own.ip for end in ends for own in end.addresses)
