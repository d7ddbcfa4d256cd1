"""Statements about nodes and links that exist: routes, MPTCP pairs, sysctls, NAT."""

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_network

from compiler.frontend import syntax, units
from compiler.frontend.attributes import bad_network, read_network
from compiler.frontend.expand import pairs, unique
from compiler.frontend.names import is_network_sysctl
from compiler.frontend.scope import Scope
from compiler.frontend.source import Span
from compiler.ir.lab import EndpointPin, ExplicitHop, ExplicitRoute, InterfaceName, Network, Pair

MPTCP_MAXIMUM = 8
"""Of endpoints, subflows and accepted addresses: MPTCP_PM_ADDR_MAX of net/mptcp/pm_kernel.c."""


def routes(statement: syntax.Route, scope: Scope) -> Iterator[ExplicitRoute]:
    """An explicit route for each source of a `route` statement."""
    sources = scope.known_nodes(statement.sources)
    word = scope.one(statement.target, "the target of a route")
    target = _target(word, scope) if word else None
    for source in sources:
        hops = [_hop(source, hop, scope) for hop in statement.hops]
        known = tuple(hop for hop in hops if hop)
        _check_hops(known, scope)
        if target == source or (isinstance(target, InterfaceName) and target.node == source):
            message = f"the route of `{source}` leads to `{source}` itself"
            scope.diagnostics.error("MPC505", message, statement.target.span, "its own address")
        elif target is not None and len(known) == len(hops):
            yield ExplicitRoute(source, target, known, statement.span)


def _check_hops(hops: tuple[ExplicitHop, ...], scope: Scope) -> None:
    """Reports an interface that two next hops of one route name."""
    places: dict[InterfaceName, Span] = {}
    for hop in hops:
        for interface in hop.interfaces:
            if interface in places:
                scope.set_twice(f"the next hop `{interface}`", hop.span, places[interface])
            places[interface] = hop.span


def _target(word: syntax.Word, scope: Scope) -> str | InterfaceName | Network | None:
    """A node, an interface, a prefix, or the word `default`."""
    if word.text == "default" or word.text in scope.nodes:
        return word.text
    if network := read_network(word) or _host_route(word.text):
        return network
    if "/" in word.text:
        bad_network(word, "10.0.0.0/8", scope.diagnostics)
        return None
    return scope.interface(word) if ":" in word.text else scope.node(word)


def _host_route(text: str) -> Network | None:
    try:
        return None if "%" in text else ip_network(text)
    except ValueError:
        return None


def _hop(source: str, hop: syntax.Hop, scope: Scope) -> ExplicitHop | None:
    weight = _number(hop.weight, "weight", 1, 256, scope) if hop.weight else 1
    node, colon, _ = hop.to.text.partition(":")
    if (scope.interface(hop.to) if colon else scope.node(hop.to)) is None:
        return None
    links = scope.between.get(frozenset((source, node)), []) if node != source else []
    ends = [end.id for index in links for end in scope.links[index].ends if end.node == node]
    ends = [end for end in ends if not colon or str(end) == hop.to.text]
    if not ends and source not in scope.incomplete:
        near = sorted({name for pair in scope.between if source in pair for name in pair - {source}})
        names = ", ".join(f"`{name}`" for name in near)
        help = f"`{source}` has links to {names}" if near else f"`{source}` has no link"
        message = f"`{hop.to.text}` is no neighbour of `{source}`"
        scope.diagnostics.error("MPC501", message, hop.to.span, "no link goes there", help)
    return ExplicitHop(tuple(ends), weight or 1, hop.span) if ends else None


def _number(word: syntax.Word, what: str, low: int, high: int, scope: Scope) -> int | None:
    try:
        return units.number(word.text, low, high)
    except units.UnitError as error:
        scope.diagnostics.error("MPC301", str(error), word.span, f"value of `{what}`")
        return None


class Pairs:
    """Collects the pairs of `mptcp` statements."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[frozenset[str], Pair] = {}

    def add(self, statement: syntax.Mptcp) -> None:
        ends = [(self.scope.node(a), self.scope.node(b)) for a, b in pairs(statement.left, statement.right)]
        pins, limits = self._options(statement, {end for pair in ends for end in pair})
        for left, right in ends:
            if left is None or right is None:
                continue
            client = left if statement.arrow.text == "->" else None
            own = tuple(pin for pin in pins if pin.interface.node in (left, right))
            subflows, accept = limits.get("subflows"), limits.get("accept")
            self._add(Pair(left, right, client, own, subflows, accept, statement.span))

    def _add(self, pair: Pair) -> None:
        key = frozenset((pair.left, pair.right))
        if len(key) == 1:
            message = f"`{pair.left}` cannot be an MPTCP pair with itself"
            self.scope.diagnostics.error("MPC605", message, pair.span, "both ends are one node")
        elif key in self.found:
            what = f"the MPTCP pair of `{pair.left}` and `{pair.right}`"
            self.scope.set_twice(what, pair.span, self.found[key].span)
        else:
            self.found[key] = pair

    def _options(
        self, statement: syntax.Mptcp, nodes: Collection[str | None]
    ) -> tuple[list[EndpointPin], dict[str, int]]:
        pins: dict[tuple[InterfaceName, int | None], EndpointPin] = {}
        limits: dict[str, int] = {}
        places: dict[str, Span] = {}
        for option in statement.options:
            if isinstance(option, syntax.Limit):
                name = option.keyword.text
                if name in places:
                    self.scope.set_twice(f"`{name}`", option.span, places[name])
                elif (value := _number(option.value, name, 0, MPTCP_MAXIMUM, self.scope)) is not None:
                    limits[name] = value
                places[name] = option.span
                continue
            for endpoint in option:
                if pin := self._pin(endpoint, nodes):
                    first = pins.setdefault((pin.interface, pin.port), pin)
                    if first is not pin:
                        self.scope.set_twice(f"the endpoint `{pin.interface}`", pin.span, first.span)
        return list(pins.values()), limits

    def _pin(self, endpoint: syntax.Endpoint, nodes: Collection[str | None]) -> EndpointPin | None:
        interface = self.scope.interface(endpoint.interface)
        flags = tuple(dict.fromkeys(flag.name.text for flag in endpoint.flags if not flag.value))
        ports = [flag.value for flag in endpoint.flags if flag.value]
        port = _number(ports[0], "port", 1, 65535, self.scope) if ports else None
        if len(ports) > 1:
            self.scope.set_twice("`port`", ports[1].span, ports[0].span)
        if refusal := _refusal(flags, bool(ports)):
            help = "see `mpc explain MPC602` for the flags that go together"
            self.scope.diagnostics.error("MPC602", refusal, endpoint.span, "no kernel takes this", help)
        if interface is not None and interface.node not in nodes:
            message = f"`{interface}` is not on a node of this pair"
            self.scope.diagnostics.error("MPC601", message, endpoint.interface.span, "another node's")
            return None
        return EndpointPin(interface, flags, port, endpoint.span) if interface else None


def _refusal(flags: tuple[str, ...], port: bool) -> str:
    """Why the kernel refuses a set of flags: mptcp_pm_nl_add_addr_doit of net/mptcp/pm_kernel.c."""
    if "signal" in flags and "fullmesh" in flags:
        return "an endpoint cannot be both `signal` and `fullmesh`"
    if port and ("signal" not in flags or "subflow" in flags):
        return "`port` goes with `signal` alone"
    return ""


class Sysctls:
    """Collects the sysctls that `sysctl` statements set, by node."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.values: dict[str, dict[str, str]] = {}
        self.places: dict[tuple[str, str], Span] = {}

    def add(self, statement: syntax.Sysctl) -> None:
        nodes = self.scope.known_nodes(statement.nodes)
        for assignment in statement.assignments:
            if self._well_formed(assignment):
                for node in nodes:
                    self._set(node, assignment)

    def _set(self, node: str, assignment: syntax.Assignment) -> None:
        key = assignment.key.text
        first = self.places.setdefault((node, key), assignment.span)
        if first is not assignment.span:
            self.scope.set_twice(f"`{key}` of `{node}`", assignment.span, first)
        self.values.setdefault(node, {})[key] = assignment.value.text

    def _well_formed(self, assignment: syntax.Assignment) -> bool:
        key, value = assignment.key, assignment.value
        if not is_network_sysctl(key.text):
            message = f"`{key.text}` is not a network sysctl"
            help = "only what is below `net.` belongs to a namespace, written with dots: `net.ipv4.tcp_rmem`"
            self.scope.diagnostics.error("MPC304", message, key.span, "not a namespace's own", help)
            return False
        if not re.fullmatch("[ -~]{1,255}", value.text):
            message = "the value of a sysctl is 1 to 255 printable ASCII characters"
            self.scope.diagnostics.error("MPC305", message, value.span, "not such a value")
            return False
        return True


class Masquerades:
    """Collects the interfaces that `masquerade` statements name, by node; None stands for all of them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[str, set[str | None]] = {}

    def add(self, statement: syntax.Masquerade) -> None:
        for word in unique(statement.nodes):
            if (node := self.scope.node(word)) is None:
                continue
            interfaces = self._out(word, statement) if statement.out else {None}
            self.found.setdefault(node, set()).update(interfaces)

    def _out(self, word: syntax.Word, statement: syntax.Masquerade) -> set[str | None]:
        assert statement.out is not None
        found: set[str | None] = set()
        for out in unique(statement.out):
            links = self.scope.links_between(word, out)
            found |= {self.scope.links[index].ends[not forward].name for index, forward in links}
        if not found and not self.scope.diagnostics.failed:
            message = f"no link goes from `{word.text}` to `{statement.out.span.text}`"
            self.scope.diagnostics.warning("MPC711", message, statement.span, "masquerades nothing")
        return found
