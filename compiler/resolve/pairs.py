"""`mptcp` statements: pairs of nodes, with pinned endpoints and limits."""

from collections.abc import Collection

from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import pairs
from compiler.model.links import InterfaceName
from compiler.model.multipath import MPTCP_MOST, EndpointPin, Pair
from compiler.resolve.scope import Scope


class Pairs:
    """Collects the pairs of `mptcp` statements."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: dict[frozenset[str], Pair] = {}

    def add(self, statement: syntax.Mptcp) -> None:
        self.scope.stands_for(len(statement.left.words) * len(statement.right.words), statement.span)
        words = pairs(statement.left, statement.right)
        ends = [tuple(self.scope.addressed(word, "be an end of MPTCP") for word in pair) for pair in words]
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
                elif (value := self.scope.number(option.value, name, 0, MPTCP_MOST)) is not None:
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
        interface = self.scope.addressed_interface(endpoint.interface, "be an endpoint")
        flags = tuple(dict.fromkeys(flag.name.text for flag in endpoint.flags if not flag.value))
        ports = [flag.value for flag in endpoint.flags if flag.value]
        port = self.scope.number(ports[0], "port", 1, 65535) if ports else None
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
