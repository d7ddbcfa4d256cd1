"""Routers with VRFs, as a router for each: what a lab says, and what packets meet.

In a lab, `link a -- r vrf red` puts the interface `r:a` into the VRF red of r. Packets that come in by it
meet a router `r.red` of its own, with all interfaces of that VRF, and the routes of its table. What is in no
VRF is at r itself. No other node is called so, as names have no points. A route of one to a next hop of
another has packets pass from one to the other: it leaks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from compiler.model import vlans
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.nodes import Node, Vrf
from compiler.model.routes import ExplicitRoute

if TYPE_CHECKING:
    from compiler.model.trials import End


def of_router(router: str, vrf: str) -> str:
    """The name of a router for a VRF of it."""
    return f"{router}.{vrf}" if vrf else router


def part(lab: Lab, vrfs: Mapping[str, Mapping[str, Vrf]]) -> Lab:
    """The lab as packets meet it: with a router for each VRF, by router and name."""
    moved = {
        end.id: InterfaceName(of_router(end.node, end.vrf), end.name)
        for link in lab.links
        for end in link.ends
        if end.vrf and end.id in lab.interfaces
    }
    nodes = (one for node in lab.nodes for one in (node, *_parts(node, vrfs.get(node.name, {}))))
    found = _renamed(replace(lab, nodes=tuple(nodes)), lambda id: moved.get(id, id))
    routes = (route._replace(source=of_router(route.source, route.vrf)) for route in found.explicit_routes)
    return replace(found, explicit_routes=tuple(routes))


def _parts(node: Node, vrfs: Mapping[str, Vrf]) -> Iterator[Node]:
    """The VRFs of a router, none of which has an address of its own."""
    bare = node._replace(inferred_address=False, addresses=(), anycast=(), masquerade=())
    return (bare._replace(name=of_router(node.name, vrf.name), vrf=vrf) for vrf in vrfs.values())


def whole(lab: Lab) -> Lab:
    """The lab as its devices are, to be shown: with neither routers for VRFs nor switches for VLANs."""
    if lab.has_vrfs:
        nodes = tuple(node for node in lab.nodes if not node.vrf)
        lab = _renamed(replace(lab, nodes=nodes), vlans.home)
        routes = (route._replace(source=vlans.whole_of(route.source)) for route in lab.explicit_routes)
        lab = replace(lab, explicit_routes=tuple(routes))
    return vlans.whole(lab)


def _renamed(lab: Lab, name: vlans.Rename) -> Lab:
    """The lab with other names for interfaces of routers."""
    ends = (end._replace(id=name(end.id)) for end in lab.interfaces.values())
    return replace(
        lab,
        links=tuple(vlans.renamed_link(link, name) for link in lab.links),
        interfaces={end.id: end for end in ends},
        events=tuple(vlans.renamed_event(event, name) for event in lab.events),
        explicit_routes=tuple(_route(route, name) for route in lab.explicit_routes),
        expectations=tuple(one._replace(target=_end(one.target, name)) for one in lab.expectations),
    )


def _route(route: ExplicitRoute, name: vlans.Rename) -> ExplicitRoute:
    hops = tuple(hop._replace(interfaces=tuple(map(name, hop.interfaces))) for hop in route.hops)
    target = name(route.target) if isinstance(route.target, InterfaceName) else route.target
    device = name(route.device) if route.device else None
    return route._replace(hops=hops, target=target, device=device)


def _end(end: "End", name: vlans.Rename) -> "End":
    if not end.interface:
        return end
    id = name(InterfaceName(end.node, end.interface))
    return end._replace(node=id.node, interface=id.name)
