"""The routes of nodes, and the rules that select their tables, as facts."""

from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_network
from itertools import chain

from compiler.model.networks import Address, Network, PerNetwork
from compiler.model.nodes import Node
from compiler.model.routes import Route
from compiler.model.segments import Interface
from compiler.plan.facts import Fact, Hop, PolicyRule, Routes
from compiler.plan.inventory import Inventory

Gateway = tuple[Address, str]
"""The address of a next hop, and the interface that leads to it."""


class Routing:
    """Makes the routes of the nodes of one machine."""

    def __init__(self, inventory: Inventory) -> None:
        self.has = inventory
        self.lab = inventory.lab
        self.targets = PerNetwork(target)
        self.sprays = any(node.sprays for node in self.lab.nodes)
        """Whether packets are sent in turn, so that routes over links that are down are ignored."""

    def of(self, node: Node) -> Iterator[Fact]:
        """The routes and rules of a node."""
        shadowed = self._shadowed(node)
        yield from (self._routes(node, shadowed, route) for route in node.routes)
        for table in node.tables:
            yield from (self._routes(node, shadowed, route, table.number) for route in table.routes)
        legs = dict(self.has.arrivals(node))
        for rule in node.rules:
            for incoming in legs.get(rule.incoming or "", (rule.incoming,)):
                yield PolicyRule(node.namespace, rule._replace(incoming=incoming))

    def _shadowed(self, node: Node) -> set[Gateway]:
        """The gateways of a node that are in no network of their interface, as those of a neighbour's own
        address; and IPv6 ones in a route through a gateway that is longer than the connected network.

        The kernel looks a gateway up among the routes of its interface, and accepts only one that is on the
        link. `onlink` asserts that it is, but is refused if all routes to it are by other interfaces
        (ip6_route_check_nh of net/ipv6/route.c). In IPv4, the lookup ignores routes through gateways.
        """
        longer: dict[str, set[Network]] = {}
        for route in (route for route in node.routes if route.explicit and route.targets[0].version == 6):
            for hop in () if _leads_to_itself(route) else route.nexthops:
                longer.setdefault(hop.interface, set()).update(route.targets)
        routes = chain(node.routes, *(table.routes for table in node.tables)) if longer else ()
        gateways = {(hop.via, hop.interface) for route in routes for hop in route.nexthops}
        ends = {end.name: end for end in self.has.interfaces_of[node.name]}
        found = {one for one in gateways if _is_in(one[0], longer.get(one[1], ()), ends[one[1]])}
        if self.lab.is_numbered:
            return found
        every = chain(node.routes, *(table.routes for table in node.tables))
        hops = {(hop.via, hop.interface) for route in every for hop in route.nexthops}
        return found | {
            one for one in hops if not any(one[0] in own.network for own in ends[one[1]].addresses)
        }

    def _routes(self, node: Node, shadowed: set[Gateway], route: Route, table: int | None = None) -> Routes:
        brief = self.lab.aggregate and not (table or route.explicit or not route.targets[0].prefixlen)
        late = self._late(node) if table else ()
        targets, hops = self.targets(route.targets), tuple(_hops(route, shadowed, late))
        return Routes(node.namespace, targets, route.source, hops, table, brief, route.metric, route.refusal)

    def _late(self, node: Node) -> tuple[str, ...]:
        """The bonds of a node where packets are sent in turn, which are without a carrier until a leg works.

        As routes over links that are down are ignored then, the kernel finds no way to a gateway of IPv6 in a
        table other than the main one.
        """
        return tuple(bond.name for bond, _ in self.has.bonds_of[node.name]) if self.sprays else ()


def target(network: Network) -> str:
    """A route's target in the syntax of ip-route(8), such that it implies the family."""
    if network.prefixlen == 0:
        return "default" if network.version == 4 else "::/0"
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _leads_to_itself(route: Route) -> bool:
    """Whether the target of a route is its only gateway, so that the route is written without one."""
    return len(route.nexthops) == 1 and route.targets == (ip_network(route.nexthops[0].via),)


def _is_in(via: Address, targets: Iterable[Network], end: Interface) -> bool:
    """Whether a gateway is in a target that is longer than its network on a link."""
    least = max((own.network.prefixlen for own in end.addresses if via in own.network), default=0)
    return any(via in target for target in targets if target.prefixlen > least)


def _hops(route: Route, shadowed: set[Gateway], late: Collection[str]) -> Iterator[Hop]:
    """The next hops of a route; interfaces that are `late` have no carrier yet. An IPv6 address that is its
    own gateway would make the kernel refuse it as a gateway of other routes, so it is written without."""
    if route.device:
        yield Hop(None, route.device)
        return
    if len(route.nexthops) == 1 and route.nexthops[0].via.version == 6 and _leads_to_itself(route):
        yield Hop(None, route.nexthops[0].interface)
        return
    weighted = len(route.nexthops) > 1 and any(hop.weight != 1 for hop in route.nexthops)
    for hop in route.nexthops:
        onlink = (hop.via, hop.interface) in shadowed or (hop.via.version == 6 and hop.interface in late)
        yield Hop(hop.via, hop.interface, hop.weight if weighted else None, onlink)
