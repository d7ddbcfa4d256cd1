"""The routes of nodes, and the rules that select their tables, as facts."""

from collections.abc import Collection, Iterator
from itertools import chain

from compiler.model.gateways import Gateways, gateways_of, leads_to_itself
from compiler.model.networks import DEFAULT, Address, Network, PerNetwork
from compiler.model.nodes import Node
from compiler.model.routes import Refusal, Route
from compiler.model.segments import Interface
from compiler.plan.facts import Fact, Hop, PolicyRule, Routes
from compiler.plan.inventory import Inventory

LAST_OF_VRF = 4278198272
"""The metric of the last route of a VRF, that of vrf.rst of the kernel: all others count before it."""

Gateway = tuple[Address, str]
"""The address of a next hop, and the interface that leads to it."""


class Routing:
    """Makes the routes of the nodes of one machine."""

    def __init__(self, inventory: Inventory, *, sprays: bool) -> None:
        self.has = inventory
        self.lab = inventory.lab
        self.targets = PerNetwork(target)
        self.sprays = sprays
        """Whether packets are sent in turn, so that routes over links that are down are ignored."""

    def of(self, node: Node) -> Iterator[Fact]:
        """The routes and rules of a node."""
        own = node.vrf.table if node.vrf else None
        if own:
            yield from self._without_way_out(node.namespace, own)
        names = self.has.parts[node.namespace]
        ends = {end.name: end for name in names for end in self.has.interfaces_of[name]}
        known = Gateways(node.routes, ends, numbered=self.lab.is_numbered)
        asserted = self._asserted(node, known, ends)
        yield from (self._routes(node, asserted, route, own) for route in known.in_order(node.routes))
        for table in node.tables:
            yield from (self._routes(node, asserted, route, table.number) for route in table.routes)
        legs = dict(self.has.arrivals(node))
        for rule in node.rules:
            for incoming in legs.get(rule.incoming or "", (rule.incoming,)):
                yield PolicyRule(node.namespace, rule._replace(incoming=incoming))

    def _without_way_out(self, here: str, table: int) -> Iterator[Fact]:
        """The last routes of a VRF, without which its packets would be looked up in the main table too."""
        targets = (target(DEFAULT[version]) for version in self.lab.versions)
        refusal = Refusal.UNREACHABLE
        yield from (Routes(here, (one,), None, (), table, False, LAST_OF_VRF, refusal) for one in targets)

    def _asserted(self, node: Node, known: Gateways, ends: dict[str, Interface]) -> set[Gateway]:
        """The gateways of a node that are asserted to be on the link: those in no network of their interface,
        as a neighbour's own address, and IPv6 ones that the kernel would take for further away."""
        every = {*gateways_of(chain(node.routes, *(table.routes for table in node.tables)))}
        found = {one for one in every if known.needs_assertion(*one)} if known.routes else set()
        if self.lab.is_numbered:
            return found
        return found | {
            one for one in every if not any(one[0] in own.network for own in ends[one[1]].addresses)
        }

    def _routes(self, node: Node, asserted: set[Gateway], route: Route, table: int | None = None) -> Routes:
        brief = self.lab.aggregate and not (table or route.explicit or not route.targets[0].prefixlen)
        late = self._late(node) if table else ()
        targets, hops = self.targets(route.targets), tuple(_hops(route, asserted, late))
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


def _hops(route: Route, asserted: set[Gateway], late: Collection[str]) -> Iterator[Hop]:
    """The next hops of a route; interfaces that are `late` have no carrier yet. An IPv6 address that is its
    own gateway would make the kernel refuse it as a gateway of other routes, so it is written without."""
    if route.device:
        yield Hop(None, route.device)
        return
    if len(route.nexthops) == 1 and route.nexthops[0].via.version == 6 and leads_to_itself(route):
        yield Hop(None, route.nexthops[0].interface)
        return
    weighted = len(route.nexthops) > 1 and any(hop.weight != 1 for hop in route.nexthops)
    for hop in route.nexthops:
        onlink = (hop.via, hop.interface) in asserted or (hop.via.version == 6 and hop.interface in late)
        yield Hop(hop.via, hop.interface, hop.weight if weighted else None, onlink)
