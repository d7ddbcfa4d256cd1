"""A check of next hops that the kernel refuses beside other routes of their node, in IPv6."""

from collections.abc import Iterator

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.infer.explicit import Explicit
from compiler.model.gateways import Gateways, gateways_of
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.routes import Route
from compiler.model.segments import Interface
from compiler.model.vlans import whole_of


def check(lab: Lab, explicit: Explicit, diagnostics: Diagnostics) -> None:
    """Reports the first next hop of each node that is refused."""
    pairs = [(pair.left, pair.right) for pair in lab.pairs]
    pairs += [(pair.left, pair.right) for pair in lab.sprays]
    in_turns = {name for pair in pairs for name in pair}
    ends: dict[str, dict[str, Interface]] = {}
    for end in lab.interfaces.values():
        ends.setdefault(whole_of(end.node), {})[end.name] = end
    for node in (node for node in lab.ip_nodes if node.name in explicit.every):
        known = Gateways(node.routes, ends.get(whole_of(node.name), {}))
        if not known.routes:
            continue
        used = [*_used(node)]
        if node.name in in_turns:
            used += _neighbours(lab, node)
        for via, interface in used:
            if other := known.refused(via, interface):
                _report(node, via, other, explicit, diagnostics)
                break


def _used(node: Node) -> Iterator[tuple[Address, str]]:
    """The gateways of all routes of a node."""
    yield from gateways_of(node.routes)
    for table in node.tables:
        yield from gateways_of(table.routes)


def _neighbours(lab: Lab, node: Node) -> Iterator[tuple[Address, str]]:
    """The gateways that routes of MPTCP and of sprays may have: all neighbours."""
    for segment in lab.segments:
        for own in segment.of(node.name):
            for end in segment.ends:
                if end.node != node.name and (via := end.address(6)):
                    yield via, own.name


def _report(node: Node, via: Address, other: Route, explicit: Explicit, diagnostics: Diagnostics) -> None:
    target = next(target for target in other.targets if via in target)
    table = explicit.every[node.name]
    span = table[None, target, other.metric][1].span
    message = f"`{node.name}` has routes to `{via}` by several interfaces, and needs it as a next hop"
    beside = next(
        asked.span
        for (within, one, _), (route, asked) in table.items()
        if within is None and via in one and route is not other and route.nexthops
    )
    help = "give the node that it routes to an own `address`, or leave one of these routes out"
    note = Note("the other one", beside)
    diagnostics.error("MPC419", message, span, "the kernel refuses that next hop beside this", help, note)
