"""Pass: broadcast domains and their spanning trees.

Linux's spanning tree elects the bridge with the lowest priority as the root, then prefers paths over few
ports, then the neighbour with the lowest priority, and of its ports the first. With priorities in order of
name, the tree is known here: the first switch is the root, and each other one is joined to it by one link.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics, Note, enumerated
from compiler.model.lab import Lab
from compiler.model.nodes import Node
from compiler.model.segments import Segment
from compiler.model.vlans import UNTAGGED

MOST_PORTS = 1023
"""The most ports of a bridge: BR_MAX_PORTS of net/bridge/br_private.h, less the reserved port number 0."""

HIGHEST_PRIORITY = 2**16 - 1


def bridge(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks broadcast domains, ranks their switches, and marks the links that spanning trees block."""
    if not lab.switches:
        return lab
    priorities: dict[str, int] = {}
    spare: set[int] = set()
    switches = {switch.name: switch for switch in lab.switches}
    for segment in lab.segments:
        if segment.switches:
            own = {name: switches[name] for name in segment.switches}
            domain = _Domain(lab, segment, own, diagnostics)
            domain.check()
            priorities |= domain.priorities
            spare |= domain.spare()
    return replace(
        lab,
        nodes=tuple(_ranked(node, priorities.get(node.name, 0)) for node in lab.nodes),
        links=tuple(link._replace(spare=place in spare) for place, link in enumerate(lab.links)),
    )


def _ranked(node: Node, priority: int) -> Node:
    return node._replace(bridge=node.bridge._replace(priority=priority)) if node.bridge else node


class _Domain:
    """One broadcast domain: its switches in order of name, and the indexes of the links between them."""

    def __init__(
        self, lab: Lab, segment: Segment, switches: dict[str, Node], diagnostics: Diagnostics
    ) -> None:
        self.lab = lab
        self.segment = segment
        self.switches = switches
        self.diagnostics = diagnostics
        self.adjacent: dict[str, list[tuple[str, int]]] = {name: [] for name in segment.switches}
        self.inner: list[int] = []
        for place in segment.links:
            left, right = (end.node for end in lab.links[place].ends)
            if left in switches and right in switches:
                self.inner.append(place)
                self.adjacent[left].append((right, place))
                self.adjacent[right].append((left, place))
        self.bridges = {name: node.bridge for name, node in switches.items() if node.bridge}
        trees = [name for name, bridge in self.bridges.items() if bridge.stp]
        self.priorities = {name: min(rank, HIGHEST_PRIORITY) for rank, name in enumerate(trees)}

    def check(self) -> None:
        self._check_ends()
        self._check_ports()
        self._check_mtu()
        self._check_loops()

    def _check_ends(self) -> None:
        name = self.segment.identity
        vlan = self.bridges[name].vlan
        if vlan == UNTAGGED and not self.segment.nodes:
            return  # all that hangs on it is in other VLANs
        if len(self.segment.nodes) < 2 and vlan:
            switch = name.partition(".")[0]
            message = f"VLAN {vlan} of the switch `{switch}` connects no two nodes"
            help = f"write `link NODE -- {switch} vlan {vlan}`"
            self.diagnostics.warning("MPC715", message, self.switches[name].span, "has no effect", help)
        elif len(self.segment.nodes) < 2:
            message = f"the switch `{name}` connects no two nodes"
            help = f"write `link {{A,B}} -- {name}`"
            self.diagnostics.warning("MPC715", message, self.switches[name].span, "has no effect", help)

    def _check_ports(self) -> None:
        links = (self.lab.links[place] for place in self.segment.links)
        ports = Counter(end.node for link in links for end in link.ends)
        for name, switch in self.switches.items():
            if ports[name] > MOST_PORTS:
                message = f"the switch `{name}` has {ports[name]} ports, and the kernel takes {MOST_PORTS}"
                help = "link some of what hangs on it with another switch, and that with this one"
                self.diagnostics.error("MPC413", message, switch.span, "too many links", help)

    def _check_mtu(self) -> None:
        links = [self.lab.links[place] for place in self.segment.links]
        mtus = [link.packet for link in links]
        for link, mtu in zip(links, mtus, strict=True):
            if mtu != mtus[0]:
                message = f"links of one broadcast domain have an MTU of {mtus[0]} and one of {mtu}"
                help = "a switch drops what is too long for the link that it leaves by, and says so to nobody"
                note = Note(f"an MTU of {mtus[0]}", links[0].span)
                self.diagnostics.warning("MPC716", message, link.span, f"an MTU of {mtu}", help, note)
                return

    def _check_loops(self) -> None:
        """Reports each link that closes a loop in which a switch takes no part in a spanning tree."""
        above = self._walk()
        for place in self.inner:
            left, right = (end.node for end in self.lab.links[place].ends)
            if place in (above[left][1], above[right][1]):
                continue
            loop = _loop(left, right, above)
            if without := [name for name in loop if not self.bridges[name].stp]:
                message = f"{enumerated(loop)} are switches in a loop, in which packets go round for ever"
                help = f"write `stp on` for {enumerated(sorted(without))}, or leave a link out"
                self.diagnostics.error("MPC507", message, self.lab.links[place].span, "closes a loop", help)
                return

    def _walk(self) -> dict[str, tuple[str, int]]:
        """For each switch, its parent in the spanning tree and the link to it; the root is its own parent."""
        root = next(iter(self.priorities), self.segment.identity)
        depths = {root: 0}
        queue = deque([root])
        while queue:
            name = queue.popleft()
            for other, _ in self.adjacent[name]:
                if other not in depths:
                    depths[other] = depths[name] + 1
                    queue.append(other)
        return {
            name: min(
                ((other, place) for other, place in self.adjacent[name] if depths[other] == depth - 1),
                key=lambda way: (self.priorities.get(way[0], 0), way[1]),
                default=(name, -1),
            )
            for name, depth in depths.items()
        }

    def spare(self) -> set[int]:
        """The links that the spanning tree blocks."""
        if len(self.inner) < len(self.switches):
            return set()
        return set(self.inner) - {place for _, place in self._walk().values()}


def _loop(left: str, right: str, above: dict[str, tuple[str, int]]) -> list[str]:
    """The switches of the loop that a link between two switches closes in a tree."""
    lefts, rights = list(_upward(left, above)), list(_upward(right, above))
    while len(lefts) > 1 and len(rights) > 1 and lefts[-2] == rights[-2]:
        del lefts[-1], rights[-1]
    return [*lefts, *reversed(rights[:-1])]


def _upward(name: str, above: dict[str, tuple[str, int]]) -> Iterator[str]:
    """A switch and its ancestors, up to the root."""
    yield name
    while above[name][0] != name:
        name = above[name][0]
        yield name
