"""Pass: the routes of tunnels' outer packets, at all nodes of their paths.

Each end of a tunnel has an outer address of its own. Routes to it at all nodes of the path keep the tunnel on
the path without rules and marks, and never lead outer packets back into the tunnel.
"""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.infer.slots import hashed_numbers
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, LinkKind, Tunnel
from compiler.model.routes import Nexthop, Route

NUMBERS = 2**24 - 1
"""The number of VXLAN network identifiers, from 1 on."""


def carry(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives tunnels their numbers, and the nodes of their paths the routes to their outer addresses."""
    tunnels = [(link, link.tunnel) for link in lab.links if link.tunnel]
    for link, tunnel in tunnels:
        _check(link, tunnel, lab, diagnostics)
    if diagnostics.failed:
        return lab
    routes: dict[str, list[Route]] = {}
    for _, tunnel in tunnels:
        for node, route in _routes(tunnel, lab):
            routes.setdefault(node, []).append(route)
    numbers = hashed_numbers((link.identity for link, _ in tunnels), 1, NUMBERS)
    return replace(
        lab,
        nodes=tuple(node._replace(routes=(*node.routes, *routes.get(node.name, ()))) for node in lab.nodes),
        links=tuple(_numbered(link, numbers.get(link.identity, 0)) for link in lab.links),
    )


def _numbered(link: Link, number: int) -> Link:
    return link._replace(tunnel=link.tunnel._replace(number=number)) if link.tunnel else link


def _routes(tunnel: Tunnel, lab: Lab) -> Iterator[tuple[str, Route]]:
    """The routes to both outer addresses, each with its node."""
    assert tunnel.outer
    forth = tunnel.links
    back = [(right, left) for left, right in tunnel.links]
    for links, outer in ((forth, tunnel.outer[1]), (back, tunnel.outer[0])):
        for out, into in links:
            via = lab.interfaces[into].address(tunnel.version) or lab.lent(tunnel.version)[into]
            yield out.node, Route((ip_network(outer),), (Nexthop(via, out.name),), explicit=True)


def _check(link: Link, tunnel: Tunnel, lab: Lab, diagnostics: Diagnostics) -> None:
    """Reports nodes that do not forward outer packets unchanged, and IPv6 in an `ipip` tunnel over IPv4."""
    nodes = {node.name: node for node in lab.ip_nodes}
    inner = [into.node for _, into in tunnel.links[:-1]]
    for name in inner:
        if not nodes[name].forwards:
            message = f"`{name}` does not forward, so no tunnel passes it"
            note = Note("declared here", nodes[name].span)
            help = f"declare it as a router, or write `forward on` for `{name}`"
            diagnostics.error("MPC523", message, link.span, f"over `{name}`", help, note)
    known = {id for id, end in lab.interfaces.items() if end.address(tunnel.version)}
    known |= lab.lent(tunnel.version).keys()
    for id in (id for ports in tunnel.links for id in ports if id not in known):
        message = f"`{id}` has no IPv{tunnel.version} address, so no route leads a tunnel over it"
        help = f"leave out the `address none` of `{id}`"
        diagnostics.error("MPC418", message, link.span, f"over `{id}`", help)
    masquerading = {
        InterfaceName(name, one.interface)
        for name in inner
        for one in nodes[name].masquerade
        if one.covers(one.interface, tunnel.version)
    }
    for id in sorted(masquerading & {port for ports in tunnel.links for port in ports}):
        message = f"`{id.node}` masquerades what leaves by `{id.name}`, and so a tunnel's outer address"
        help = "lead the tunnel over another node, or masquerade other interfaces"
        diagnostics.error("MPC523", message, link.span, f"over `{id}`", help)
    if link.kind is LinkKind.IPIP and tunnel.version == 4 and lab.interfaces[link.left.id].address(6):
        message = "an `ipip` tunnel over IPv4 carries no IPv6, and its ends have IPv6 addresses"
        diagnostics.error(
            "MPC525", message, link.span, "for both families", "write `kind vxlan` or `kind gre`"
        )
