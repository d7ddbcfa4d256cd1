"""What a picture says of links and of nodes, as short texts."""

from collections.abc import Iterator, Mapping

from compiler.ground.units import format_percent, format_queue, format_rate, format_time
from compiler.model.lab import Lab
from compiler.model.links import DEFAULT_MTU, InterfaceName, Link, LinkKind, Port, Shaping
from compiler.model.nodes import Node
from compiler.model.segments import Interface
from compiler.model.vlans import device

IMPAIRMENTS = ("loss", "duplicate", "corrupt", "reorder")


def of_shaping(shaping: Shaping) -> str:
    """`5mbit 20ms ±2ms loss 1%`; empty if nothing is shaped."""
    said = [format_rate(shaping.rate)] if shaping.rate else []
    said += [format_time(shaping.delay)] if shaping.delay else []
    said += [f"±{format_time(shaping.jitter)}"] if shaping.jitter else []
    amounts = {name: getattr(shaping, name) for name in IMPAIRMENTS}
    said += [f"{name} {format_percent(amount)}" for name, amount in amounts.items() if amount]
    said += [format_queue(shaping.queue)] if shaping.queue and shaping.queue.discipline else []
    return " ".join(said)


def label(link: Link) -> str:
    """The kind of a tunnel, the shaping, on a line for each direction if they differ, the MTU of a link that
    has one of its own, and whether it is private."""
    lines = [] if link.kind is LinkKind.VETH else [link.kind.value]
    lines += [f"vlan {link.access}"] if link.access else []
    lines += [f"trunk {','.join(map(str, link.trunk))}"] if link.trunk else []
    there, back = of_shaping(link.left.shaping), of_shaping(link.right.shaping)
    if there == back:
        lines += [there] if there else []
    else:
        lines += [f"from {one.node}: {said or 'not shaped'}" for one, said in _directions(link, there, back)]
    is_usual = link.tunnel or (link.bond and link.mtu == DEFAULT_MTU)  # of these it is always there
    lines += [f"mtu {link.mtu}"] if link.mtu and not is_usual else []
    lines += [f"vrf {name}" for name in dict.fromkeys(end.vrf for end in link.ends) if name]
    lines += ["private"] if link.private else []
    return "\n".join(lines)


def _directions(link: Link, there: str, back: str) -> tuple[tuple[Port, str], tuple[Port, str]]:
    return (link.left, there), (link.right, back)


def marks(node: Node) -> tuple[str, ...]:
    """What a node does with packets beside forwarding them."""
    found = {"mptcp": node.endpoints, "sprays": node.sprays, "nat": node.masquerade or node.inlets}
    return tuple(mark for mark, has in found.items() if has)


def of_node(node: Node) -> list[str]:
    """The role and the namespace of a node, and the addresses that belong to no interface of a link."""
    roles = [node.role.value, *marks(node)]
    return [
        f"{', '.join(roles)}; namespace {node.namespace}",
        *(str(own.address) for own in node.all_addresses),
    ]


def ports(lab: Lab) -> dict[str, list[str]]:
    """A line for each port of each node: its name, addresses and shaping, and what it is linked with."""
    found: dict[str, list[str]] = {node.name: [] for node in lab.nodes}
    for link in lab.links:
        for near, far in link.directions:
            found[near.node].append(f"{_port(near, lab.interfaces)} to {far.id}")
    return found


def of_link(link: Link, interfaces: Mapping[InterfaceName, Interface]) -> list[str]:
    """The interfaces of a link, each with its addresses and its shaping, and what is special about it."""
    return [f"{link.left.id} -- {link.right.id}", *_link(link, interfaces)]


def _link(link: Link, interfaces: Mapping[InterfaceName, Interface]) -> Iterator[str]:
    for end in link.ends:
        if end.id in interfaces or of_shaping(end.shaping):
            yield f"{end.node}: {_port(end, interfaces)}"
    yield from (f"{end.node}: vrf {end.vrf}" for end in link.ends if end.vrf)
    yield from _vlans(link, interfaces)
    if link.tunnel:
        names = [link.tunnel.links[0][0].node, *(far.node for _, far in link.tunnel.links)]
        yield f"{link.kind.value} tunnel over {' '.join(names)}"
    if link.spare:
        yield "spare: the spanning tree blocks it"
    if link.mtu:
        yield f"mtu {link.mtu}"
    if link.private:
        yield "private"


def _vlans(link: Link, interfaces: Mapping[InterfaceName, Interface]) -> Iterator[str]:
    """The VLANs of a link, and the addresses that its ends have in them."""
    if link.access:
        yield f"vlan {link.access}"
    for number in link.trunk:
        found = (interfaces.get(device(end.id, number)) for end in link.ends)
        told = [f"{end.node} {' '.join(map(str, end.addresses))}" for end in found if end]
        yield ": ".join([f"vlan {number}", *told])


def _port(port: Port, interfaces: Mapping[InterfaceName, Interface]) -> str:
    addresses = interfaces[port.id].addresses if port.id in interfaces else ()
    return " ".join(filter(None, [port.name, *map(str, addresses), of_shaping(port.shaping)]))
