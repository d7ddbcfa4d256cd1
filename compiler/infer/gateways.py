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
    for node in lab.ip_nodes:
        if lab.is_numbered and node.name not in explicit.every:
            continue
        known = Gateways(node.routes, ends.get(whole_of(node.name), {}), numbered=lab.is_numbered)
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


def _report(
    node: Node, via: Address, other: Route | Interface, explicit: Explicit, diagnostics: Diagnostics
) -> None:
    """Reports a gateway that is refused, at the explicit route that leads elsewhere, or that needs it."""
    asked = [
        (route, one.span)
        for (within, target, _), (route, one) in explicit.every.get(node.name, {}).items()
        if (within is None and via in target) or any(hop.via == via for hop in route.nexthops)
    ]
    asked.sort(key=lambda pair: pair[0] is not other)
    message = f"`{node.name}` has routes to `{via}` by several interfaces, and needs it as a next hop"
    help = "give the node that it routes to an own `address`, or its links addresses, or leave a route out"
    span, *others = [span for _, span in asked] or [node.span]
    notes = [Note("the other one", found) for found in others[:1]]
    diagnostics.error("MPC419", message, span, "the kernel refuses that next hop", help, *notes)
