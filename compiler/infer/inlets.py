"""Pass: the addresses that forwarded ports lead to, and the interfaces towards these.

A target is meant by its own address, as its name is, or else by that of an interface: in each family that
both nodes have. So a server that is bound to no address answers from the one that it was asked at. It does so
to the own addresses of others: what is turned back to where it came from has that of the node that forwards.
"""

from collections.abc import Iterator
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.infer.forwarding import Forwarding
from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.model.nodes import Inlet, Node, PortForward


def forward(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives nodes their inlets, and reports ports that are forwarded nowhere."""
    forwarding = Forwarding(lab)
    nodes = {node.name: node for node in lab.ip_nodes}
    found: dict[str, list[Inlet]] = {}
    for asked in lab.port_forwards:
        _check(asked, nodes[asked.node], diagnostics)
        inlets = list(_inlets(asked, lab, forwarding))
        found.setdefault(asked.node, []).extend(inlets)
        if not inlets:
            message = f"`{asked.node}` has no route to `{asked.target}`"
            help = (
                f"write `route {asked.node} to {asked.target} via NODE`, or forward to a node that it reaches"
            )
            diagnostics.error("MPC427", message, asked.span, "forwarded nowhere", help)
    return replace(
        lab,
        nodes=tuple(node._replace(inlets=tuple(found.get(node.name, ()))) for node in lab.nodes),
    )


def _check(asked: PortForward, node: Node, diagnostics: Diagnostics) -> None:
    if not node.forwards:
        message = f"`{node.name}` does not forward packets, and so no port"
        help = f"declare it as a router, or write `forward on` for `{node.name}`"
        note = Note("declared here", node.span)
        diagnostics.error("MPC427", message, asked.span, "not passed on", help, note)


def _inlets(asked: PortForward, lab: Lab, forwarding: Forwarding) -> Iterator[Inlet]:
    nodes = {node.name: node for node in lab.ip_nodes}
    for version in lab.versions:
        own = _own(nodes[asked.target], version)
        for address in (*own, *_of_interfaces(asked, lab, version)):
            hops = forwarding.nexthops(asked.node, address)
            if hops:
                interfaces = tuple(dict.fromkeys(hop.interface for hop in hops))
                source = next(iter(_own(nodes[asked.node], version)), None) if address in own else None
                yield Inlet(asked.protocol, asked.port, address, asked.to, interfaces, source)
                break


def _own(node: Node, version: int) -> list[Address]:
    return [own.address.ip for own in node.addresses if own.address.version == version]


def _of_interfaces(asked: PortForward, lab: Lab, version: int) -> Iterator[Address]:
    """The addresses of the target's interfaces in a family, those on a segment of the node first."""
    near = (own for own in lab.segments if {asked.node, asked.target} <= own.nodes)
    ends = [end for segment in near for end in segment.of(asked.target)]
    ends += (end for end in lab.interfaces.values() if end.node == asked.target)
    yield from (own.ip for end in ends for own in end.addresses if own.version == version)
