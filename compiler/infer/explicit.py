"""Explicit routes: those of `route` statements."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.infer.sources import Sources, sent_from
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.networks import DEFAULT, Address, Network
from compiler.model.routes import KERNEL_METRIC, ExplicitHop, ExplicitRoute, Nexthop, Route
from compiler.model.segments import Segment
from compiler.model.vlans import whole_of


class Explicit:
    """The explicit routes of a lab, by node and target."""

    def __init__(self, lab: Lab, sources: dict[int, Sources], diagnostics: Diagnostics) -> None:
        self.sources = sources
        self.diagnostics = diagnostics
        self.meanings = lab.meanings
        self.lent = {version: lab.lent(version) for version in lab.versions}
        self.ends = lab.interfaces
        self.segments: dict[InterfaceName, Segment] = {}
        self.all_segments = lab.segments
        for segment in self.all_segments:
            for end in segment.ends:
                self.segments[end.id] = segment
        begin = {asked.source for asked in lab.explicit_routes}
        known = [(node.name, own.address) for node in lab.nodes for own in node.all_addresses]
        known += [(end.node, address) for end in self.ends.values() for address in end.addresses]
        self.own = {(name, own.ip) for name, own in known if name in begin}
        """The node addresses and interface addresses of the sources of routes, each with its node."""
        self.connected = {(name, own.network) for name, own in known if name in begin}
        """The networks of these addresses, each with its node."""
        self.meant = {
            (asked.source, target)
            for asked in lab.explicit_routes
            if not isinstance(asked.target, str)
            for target in self._targets(asked)
        }
        """The targets of routes that name an interface or a prefix, each with its source."""
        self.leaking: set[tuple[str, str]] = set()
        """The nodes with routes to another VRF of their router, each with an interface there."""
        self.routes: dict[str, dict[Network, tuple[Route, ExplicitRoute]]] = {}
        """The routes of main tables, of those to one target the one that counts first."""
        self.every: dict[str, dict[tuple[Network | None, Network, int], tuple[Route, ExplicitRoute]]] = {}
        """All routes of a node, by the network that packets are from, the target, and the metric."""
        for asked in lab.explicit_routes:
            self._add(asked)

    def _add(self, asked: ExplicitRoute) -> None:
        within = asked.within
        targets = [one for one in self._targets(asked) if within is None or one.version == within.version]
        if not targets and not self._has_bare_hop(asked):
            message = f"`{asked.target}` has no address to route to"
            self.diagnostics.error("MPC504", message, asked.span, "leads to no address")
        table = self.every.setdefault(asked.source, {})
        for target in targets:
            self._check_own(asked, target)
            route = self._route(asked, target)
            first = table.setdefault((within, target, route.metric), (route, asked))[1]
            if first is not asked:
                message = f"the route of `{asked.source}` to `{target}` is set twice"
                note = Note("first set here", first.span)
                help = "give one of them another `metric`" if route.nexthops else ""
                self.diagnostics.error("MPC206", message, asked.span, "set again", help, note)
            if within is None:
                self._rank(asked.source, target, (route, asked))

    def _has_bare_hop(self, asked: ExplicitRoute) -> bool:
        """Whether a next hop has no address at all, where the target has some; reports it."""
        bare = (
            (id, hop)
            for hop in asked.hops
            for id in hop.interfaces
            if isinstance(asked.target, str) and asked.target != "default" and self.meanings.all(asked.target)
            if not any(self._via(id, version) for version in (4, 6))
        )
        for id, hop in bare:
            message = f"`{id}` has no address, so it cannot be a next hop"
            self.diagnostics.error("MPC503", message, hop.span, "no address")
            return True
        return False

    def _route(self, asked: ExplicitRoute, target: Network) -> Route:
        hops = tuple(self._nexthops(asked, target.version))
        if not self.leaks(asked.source, hops):
            hops = sent_from(self._source(asked, target), hops)
        metric = 0 if asked.metric == KERNEL_METRIC[target.version] else asked.metric
        device = asked.device.name if asked.device else ""
        return Route((target,), hops, True, asked.per_packet, metric, device, asked.refusal)

    def _rank(self, node: str, target: Network, one: tuple[Route, ExplicitRoute]) -> None:
        """Notes a route as the one that counts for a target, unless another one does."""
        known = self.routes.setdefault(node, {})
        if target not in known or one[0].priority < known[target][0].priority:
            known[target] = one

    def _check_own(self, asked: ExplicitRoute, target: Network) -> None:
        """Reports a target that is an address of the source itself, or a network that it is connected to."""
        if target.num_addresses == 1 and (asked.source, target.network_address) in self.own:
            message = f"the route of `{asked.source}` leads to `{asked.source}` itself"
            self.diagnostics.error("MPC505", message, asked.span, "its own address")
        elif (asked.source, target) in self.connected:
            message = f"`{asked.source}` is on `{target}` itself, so it needs no route there"
            help = "route a longer prefix or an address in it, or leave this out"
            self.diagnostics.error("MPC508", message, asked.span, "directly connected", help)

    def _source(self, asked: ExplicitRoute, target: Network) -> Address | None:
        """The source address of packets to a target; None for that of the interface.

        An address, or another prefix that contains node addresses only, is routed as it is written.
        """
        sources = self.sources.get(target.version)
        if sources is None or isinstance(asked.target, InterfaceName):
            return None
        named = isinstance(asked.target, str) and asked.target != "default"
        return sources.own.get(asked.source) if named or sources.is_mixed(target) else None

    def _targets(self, asked: ExplicitRoute) -> list[Network]:
        match asked.target:
            case InterfaceName():
                return [ip_network(own.ip) for own in self.ends[asked.target].addresses]
            case "default":
                hops = [id for hop in asked.hops for id in hop.interfaces]
                hops += [asked.device] if asked.device else []
                versions: set[int] = {own.version for id in hops for own in self.ends[id].addresses}
                versions |= {version for version, own in self.lent.items() for id in hops if id in own}
                versions = versions or {own.version for name, own in self.own if name == asked.source}
                return [DEFAULT[version] for version in sorted(versions)]
            case str():
                return [*map(ip_network, self._named(asked, asked.target))]
            case _:
                return [asked.target]

    def _named(self, asked: ExplicitRoute, target: str) -> Iterator[Address]:
        """The addresses that the name of a node means: of those of interfaces, the ones in families of all
        hops that no other route of the source is for."""
        hops = [id for hop in asked.hops for id in hop.interfaces]
        for address in self.meanings.all(target):
            has_family = all(self._via(id, address.version) for id in hops)
            is_left = has_family and (asked.source, ip_network(address)) not in self.meant
            if is_left or address in self.meanings.own[target]:
                yield address

    def _nexthops(self, asked: ExplicitRoute, version: int) -> Iterator[Nexthop]:
        for hop in asked.hops:
            for id in hop.interfaces:
                yield from self._nexthop(asked.source, hop, id, version)

    def _nexthop(self, source: str, hop: ExplicitHop, id: InterfaceName, version: int) -> Iterator[Nexthop]:
        if via := self._via(id, version):
            yield Nexthop(via, self._near(source, self.segments[id]), hop.weight)
        else:
            message = f"`{id}` has no IPv{version} address, so it cannot be a next hop"
            self.diagnostics.error("MPC503", message, hop.span, "no address of that family")

    def _via(self, id: InterfaceName, version: int) -> Address | None:
        """The address by which an interface is a next hop: its own, or the one that is lent to it."""
        return self.ends[id].address(version) or self.lent.get(version, {}).get(id)

    def _near(self, source: str, segment: Segment) -> str:
        """The interface of a node on a segment; or of its router, where that is in another VRF."""
        if own := segment.of(source):
            return own[0].name
        near = next(end for end in segment.ends if whole_of(end.node) == whole_of(source))
        self.leaking.add((source, near.name))
        return near.name

    def leaks(self, node: str, hops: Iterable[Nexthop]) -> bool:
        """Whether next hops of a node are in another VRF of its router, where it has no address of its own to
        send from."""
        return any((node, hop.interface) in self.leaking for hop in hops)

    def has(self, node: str, target: Network) -> bool:
        """Whether a route of a node to a target is in place of an inferred one."""
        return (None, target, 0) in self.every.get(node, {})

    def concerns(self, target: Network) -> bool:
        """Whether some node has a route to a target, or to a prefix around it other than a default one."""
        return any(
            around.prefixlen and around.version == target.version and target.subnet_of(around)  # type: ignore[arg-type]
            for table in self.every.values()
            for _, around, _ in table
        )

    def backs(self, node: str) -> set[Network]:
        """The targets of a node's routes with a metric, beside which inferred ones stand."""
        return {target for within, target, metric in self.every.get(node, {}) if metric and within is None}

    def by_source(self, node: str) -> dict[Network, tuple[Route, ...]]:
        """The routes of a node for packets from some networks, by these."""
        found: dict[Network, tuple[Route, ...]] = {}
        for (within, _, _), (route, _) in self.every.get(node, {}).items():
            if within is not None:
                found[within] = (*found.get(within, ()), route)
        return found

    def place(self, node: str, target: Network) -> Span | None:
        """The place of the explicit route of a node to a target."""
        known = self.routes.get(node, {}).get(target)
        return known[1].span if known else None

    def over(self, node: str, inferred: list[Route]) -> list[Route]:
        """The routes of a node: its explicit routes, and the inferred ones that none of them covers."""
        every = self.every.get(node, {})
        own = [route for (within, _, _), (route, _) in every.items() if within is None]
        left = [_left_of(route, own) for route in inferred] if own else inferred
        return [*own, *(route for route in left if route.targets)]


def _left_of(inferred: Route, own: list[Route]) -> Route:
    """An inferred route, with the targets that no explicit route covers."""
    return inferred._replace(targets=tuple(t for t in inferred.targets if not covered(own, t)))


def covered(routes: Iterable[Route], target: Network) -> bool:
    """Whether an explicit route replaces an inferred one: it has the same target, or one that contains it,
    and no metric by which it stands beside that.

    A default route applies when no other does, so it replaces inferred default routes only.
    """
    return any(
        own.version == target.version and (own.prefixlen or not target.prefixlen) and target.subnet_of(own)  # type: ignore[arg-type]
        for route in routes
        if route.explicit and not route.metric
        for own in route.targets
    )
