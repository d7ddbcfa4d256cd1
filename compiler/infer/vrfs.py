"""Passes: routers with VRFs, each VRF as a router of its own; and rules, which would join them."""

import re
from collections.abc import Iterator
from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.infer.slots import hashed_numbers
from compiler.model.lab import Lab
from compiler.model.links import Link, Port
from compiler.model.nodes import Node, Vrf
from compiler.model.routes import ExplicitHop, ExplicitRoute
from compiler.model.trials import Throughput
from compiler.model.vlans import whole_of
from compiler.model.vrfs import part

FIRST_TABLE, TABLES = 1_000, 9_000
"""The range of hashed numbers of the tables of VRFs, clear of the kernel's own and of all others. With more
names of VRFs it is wider: the others are of rules, which are at no router with VRFs."""

OF_DEVICE = re.compile(r"net\.ipv4\.conf\.([^.]+)\.(?:rp_filter|forwarding)")
"""The sysctls of interfaces that the kernel reads of the device of a VRF, for what comes in by its ports."""


def split(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Checks VRFs, and has each of them a router of its own; a lab without any stays as it is."""
    vrfs = _vrfs(lab)
    for node in lab.nodes:
        if node.name in vrfs:
            _check_names(lab, node, vrfs[node.name], diagnostics)
            _check_node(lab, node, next(iter(vrfs[node.name].values())), diagnostics)
    for link in lab.links:
        _check_link(lab, link, diagnostics)
    _check_trials(lab, diagnostics)
    if diagnostics.failed:
        return lab
    parted = part(lab, vrfs)
    parted = replace(parted, explicit_routes=tuple(_chosen(parted)))
    _check_alone(parted, diagnostics)
    return parted


def _in_vrfs(lab: Lab) -> Iterator[Port]:
    return (end for link in lab.links for end in link.ends if end.vrf)


def _vrfs(lab: Lab) -> dict[str, dict[str, Vrf]]:
    """The VRFs of each router, by name. The number of a table is that of all VRFs of the name in the lab."""
    names = {end.vrf for end in _in_vrfs(lab)}
    tables = hashed_numbers(names, FIRST_TABLE, max(TABLES, len(names)))
    found: dict[str, dict[str, Vrf]] = {}
    for end in _in_vrfs(lab):
        found.setdefault(end.node, {}).setdefault(end.vrf, Vrf(end.vrf, tables[end.vrf], end.span))
    return found


def _check_names(lab: Lab, node: Node, vrfs: dict[str, Vrf], diagnostics: Diagnostics) -> None:
    """Reports a VRF whose device would have the name of another interface of its router."""
    ports = [(end.name, end.span) for link in lab.links for end in link.ends if end.node == node.name]
    ports += [(end.name, end.span) for end in lab.interfaces.values() if end.node == node.name]
    ports += [(own.device, own.span) for own in node.all_addresses]
    ports += [(made.interface.name, made.span) for made in lab.devices if made.interface.node == node.name]
    taken = {name.lower(): span for name, span in reversed(ports)}
    for vrf in vrfs.values():
        if place := taken.get(vrf.name.lower()):
            message = f"`{node.name}` has an interface and a VRF that are named `{vrf.name}`"
            help = f"name one of them otherwise, like the VRF `{vrf.name[:11]}-vrf`"
            diagnostics.error("MPC563", message, vrf.span, "in that VRF", help, Note("the interface", place))


def _check_node(lab: Lab, node: Node, vrf: Vrf, diagnostics: Diagnostics) -> None:
    """Reports what is in the whole namespace of a router, and so would be in all of its VRFs."""
    for what, place in _of_namespace(lab, node):
        message = f"`{node.name}` has VRFs, and {what} is not for one of them alone"
        help = "let another router do that, beside this one"
        diagnostics.error("MPC565", message, place, "of all of its VRFs", help, Note("in a VRF", vrf.span))
    inside = {end.name for end in _in_vrfs(lab) if end.node == node.name}
    for (key, _), place in zip(node.sysctls, node.sysctl_places, strict=True):
        match = OF_DEVICE.fullmatch(key)
        if match and match[1].replace("/", ".") in inside:
            message = f"the kernel does not read `{key}`, as the interface is in a VRF"
            help = (
                f"it reads that of the VRF: write `{key.replace(f'.{match[1]}.', '.all.')}` for all of them"
            )
            diagnostics.error("MPC565", message, place, "in a VRF", help, Note("in a VRF", vrf.span))


def _of_namespace(lab: Lab, node: Node) -> Iterator[tuple[str, Span]]:
    """What a node has that knows no VRFs, and where that is written."""
    if node.masquerade:
        yield "`masquerade`", node.span
    yield from (("`forward`", one.span) for one in lab.port_forwards if one.node == node.name)
    if lab.uplink and lab.uplink.node == node.name:
        yield "`uplink`", lab.uplink.span
    for statement, pairs in (("mptcp", lab.pairs), ("spray", lab.sprays)):
        yield from ((f"`{statement}`", one.span) for one in pairs if node.name in (one.left, one.right))
    for route in lab.explicit_routes:
        if route.source == node.name and route.within:
            yield "a route `from` a prefix", route.span
    if lab.failover:
        yield "`routing shortest failover`", node.span


def _check_link(lab: Lab, link: Link, diagnostics: Diagnostics) -> None:
    """Reports an interface in a VRF that a bond or a tunnel sends by."""
    carrying = {id for one in lab.links if one.tunnel for ends in one.tunnel.links for id in ends}
    for end in link.ends:
        is_leg = link.leg and not link.trunk
        if end.vrf and (is_leg or end.id in carrying):
            what = "a leg of another link" if is_leg else "what a tunnel goes over"
            message = f"`{end.id}` is in a VRF, and {what}"
            help = "leave its `vrf` out, or let it carry nothing else"
            diagnostics.error("MPC564", message, end.span, f"in the VRF `{end.vrf}`", help)


def _check_trials(lab: Lab, diagnostics: Diagnostics) -> None:
    """Reports what is tried from an interface in a VRF, or by programs that would have to be in it."""
    inside = {str(end.id): end.vrf for end in _in_vrfs(lab)}
    tried = [(end, one.span) for one in lab.benches for end in (one.source, one.target)]
    for one in lab.expectations:
        ends = (one.source, one.target) if isinstance(one.claim, Throughput) else (one.source,)
        tried += ((end, one.span) for end in ends)
    for end, span in tried:
        if vrf := inside.get(str(end)):
            message = f"no program of `{end.node}` is in the VRF `{vrf}`, as this would take"
            help = f"let a host in the VRF try it; `expect HOST -> {end} reachable` asks the kernel alone"
            diagnostics.error("MPC566", message, span, f"`{end}` is in that VRF", help)


def _chosen(lab: Lab) -> Iterator[ExplicitRoute]:
    """The routes: of the interfaces of a neighbour, each takes those on links of its own VRF, if any are."""
    own = {end.id: segment.nodes for segment in lab.segments for end in segment.ends}

    def chosen(source: str, hop: ExplicitHop) -> ExplicitHop:
        near = tuple(id for id in hop.interfaces if source in own[id])
        return hop._replace(interfaces=near) if near else hop

    for route in lab.explicit_routes:
        yield route._replace(hops=tuple(chosen(route.source, hop) for hop in route.hops))


def _check_alone(lab: Lab, diagnostics: Diagnostics) -> None:
    """Warns of a VRF with one interface, that no packet leaves by a route to another VRF."""
    own: dict[str, list[str]] = {}
    for end in lab.interfaces.values():
        own.setdefault(end.node, []).append(end.name)
    leaking = {route.source for route in lab.explicit_routes}
    for node in lab.nodes:
        if node.vrf and len(own[node.name]) == 1 and node.name not in leaking:
            router, name = whole_of(node.name), node.vrf.name
            message = f"`{router}:{own[node.name][0]}` is alone in the VRF `{name}`, so nothing passes it"
            help = f"write `vrf {name}` on another link of `{router}`, or `route {router} vrf {name} to ...`"
            diagnostics.warning("MPC762", message, node.vrf.span, "no way out", help)


def separate(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Reports rules at a router with VRFs: those of its namespace come before the routes of all VRFs."""
    inside = {node.namespace: node.vrf for node in lab.nodes if node.vrf}
    for node in lab.ip_nodes:
        vrf = inside.get(node.namespace)
        if vrf and (node.rules or node.sprays):
            message = (
                f"paths of `mptcp`, `spray` or `per-packet` need rules at `{node.name}`,"
                " which count for all of its VRFs"
            )
            help = f"let them go over other routers, or leave the VRFs of `{whole_of(node.name)}` out"
            diagnostics.error("MPC567", message, vrf.span, "has a VRF", help)
    return lab
