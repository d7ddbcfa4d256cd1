"""What is inferred for a lab, as texts by what they are of: addresses, and settings of links and nodes."""

from collections import Counter
from collections.abc import Iterator

from compiler.compare.names import Names, addresses, sides
from compiler.ground.units import format_queue
from compiler.model.lab import Lab
from compiler.model.links import Link
from compiler.model.nodes import Node
from compiler.model.routes import Spray
from compiler.model.vrfs import whole

Texts = dict[str, str]


def addresses_of(lab: Lab, names: Names) -> Texts:
    """The addresses of each node and each interface, pinned ones too; of a tunnel's end the outer one."""
    found = {
        node.name: addresses([own.address for own in node.addresses]) for node in lab.nodes if node.addresses
    }
    found |= {names.end(end.id): addresses(end.addresses) for end in lab.interfaces.values()}
    for link in lab.links:
        if link.tunnel and link.tunnel.outer:
            for port, address in zip(link.ends, link.tunnel.outer, strict=True):
                found[f"{names.end(port.id)}, outside"] = str(address)
    return found


def settings_of(lab: Lab, names: Names) -> Texts:
    """Queues, bursts and spare links, sprays, and what MPTCP has at each node."""
    found: Texts = {}
    for link in whole(lab).links:
        found |= _of_link(link, names)
    for node in lab.nodes:
        found |= _of_node(node, names)
    return found


def _of_link(link: Link, names: Names) -> Iterator[tuple[str, str]]:
    left, right = sides(link)
    for near in (left, right):
        shaping, where = near.shaping, f"{names.end(near.id)}"
        if shaping.queue and not shaping.place("queue"):
            yield f"queue of {where}", format_queue(shaping.queue)
        if shaping.burst and not shaping.place("burst"):
            yield f"burst of {where}", f"{shaping.burst}b"
    if link.spare:
        yield f"spanning tree at {names.end(left.id)} -- {names.end(right.id)}", "blocked"


def _of_node(node: Node, names: Names) -> Iterator[tuple[str, str]]:
    if node.endpoints:
        told = sorted(
            " ".join([names.device(node.name, one.interface), *one.flags]) for one in node.endpoints
        )
        yield f"mptcp endpoints of {node.name}", ", ".join(told)
    if node.limits:
        yield f"mptcp limits of {node.name}", f"subflows {node.limits.subflows} accept {node.limits.accept}"
    if node.backlog is not None:
        yield f"mptcp backlog of {node.name}", f"{node.backlog}b"
    for spray in node.sprays:
        incoming = f" from {names.device(node.name, spray.incoming)}" if spray.incoming else ""
        yield f"turns of {node.name} to {names.network(spray.target)}{incoming}", _turns(spray, node, names)


def _turns(spray: Spray, node: Node, names: Names) -> str:
    """How many of a turn's packets go by each next hop."""
    counts = Counter(names.device(node.name, turn.hop.interface) for turn in spray.turns)
    return ", ".join(f"{interface} {count}" for interface, count in sorted(counts.items()))
