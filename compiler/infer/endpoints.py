"""MPTCP endpoints and limits of nodes, as in ip-mptcp(8), over all pairs."""

from dataclasses import replace

from compiler.ground.diagnostics import Diagnostics, Note
from compiler.ground.source import Span
from compiler.infer.paths import Side
from compiler.model.lab import Lab
from compiler.model.multipath import MPTCP_MOST, Endpoint, EndpointPin, Limits, Pair
from compiler.model.networks import Address
from compiler.model.nodes import Node

Key = tuple[str, Address, int | None]
"""An endpoint's interface, address and port."""


class Endpoints:
    """Collects endpoints and limits, pair by pair; a node in several pairs gets the union."""

    def __init__(self, lab: Lab, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.addresses = {id: [own.ip for own in end.addresses] for id, end in lab.interfaces.items()}
        self.found: dict[str, dict[Key, tuple[str, ...]]] = {node.name: {} for node in lab.nodes}
        self.pinned: dict[str, dict[Key, EndpointPin]] = {}
        self.limits: dict[tuple[str, str], int] = {}
        self.limit_pins: dict[tuple[str, str], tuple[int, Span]] = {}
        for pair in lab.pairs:
            for pin in pair.pins:
                self._pin(pin)

    def _pin(self, pin: EndpointPin) -> None:
        own = self.pinned.setdefault(pin.interface.node, {})
        for address in self.addresses[pin.interface]:
            first = own.setdefault((pin.interface.name, address, pin.port), pin)
            if first.flags != pin.flags:
                self._differs(f"the endpoint `{pin.interface}`", pin.span, first.span)
        if len(own) > MPTCP_MOST:
            message = f"`{pin.interface.node}` has {len(own)} endpoints, and the kernel takes {MPTCP_MOST}"
            self.diagnostics.error("MPC603", message, pin.span, "one too many")
            self.diagnostics.hold_back("MPC713")

    def _differs(self, what: str, span: Span, first: Span) -> None:
        note = Note("first set here", first)
        self.diagnostics.error("MPC604", f"{what} is set differently by two pairs", span, "differs", "", note)

    def infer(self, side: Side) -> None:
        """Adds the endpoints of an end for the paths of one address family."""
        flags = flags_of(side)
        for path in side.paths:
            key = (path.first.interface, path.first.own, None)
            known = self.found[side.node].get(key, ())
            if flags:
                self.found[side.node][key] = tuple(dict.fromkeys((*known, *flags)))

    def of(self, node: str) -> dict[Key, tuple[str, ...]]:
        """A node's endpoints: the pinned ones if there are any, else the inferred ones."""
        if node in self.pinned:
            return {key: pin.flags for key, pin in self.pinned[node].items()}
        return self.found[node]

    def limit(self, pair: Pair) -> None:
        """Sets the limits of both ends of a pair: pinned ones, or as many as its endpoints can use."""
        ends = {name: self.of(name) for name in (pair.left, pair.right)}
        subflows = _subflows([(key[1].version, flags) for own in ends.values() for key, flags in own.items()])
        for name, peer in ((pair.left, pair.right), (pair.right, pair.left)):
            announced = sum("signal" in flags for flags in ends[peer].values())
            for kind, pinned, needed in (
                ("subflows", pair.subflows, subflows),
                ("accept", pair.accept, min(MPTCP_MOST, announced)),
            ):
                if pinned is not None:
                    self._pin_limit(name, kind, pinned, pair)
                known = self.limits.get((name, kind), 0)
                self.limits[name, kind] = max(known, needed)

    def _pin_limit(self, node: str, kind: str, value: int, pair: Pair) -> None:
        first, span = self.limit_pins.setdefault((node, kind), (value, pair.span))
        if first != value:
            self._differs(f"`{kind}` of `{node}`", pair.span, span)

    def apply(self, lab: Lab) -> Lab:
        """The lab with all endpoints and limits."""
        return replace(lab, nodes=tuple(map(self._connected, lab.nodes)))

    def _connected(self, node: Node) -> Node:
        endpoints = [
            Endpoint(address, interface, flags, port)
            for (interface, address, port), flags in self.of(node.name).items()
        ]
        subflows, accept = (self._limit(node.name, kind) for kind in ("subflows", "accept"))
        limits = Limits(subflows, accept) if endpoints or subflows or accept else None
        return node._replace(endpoints=tuple(endpoints), limits=limits)

    def _limit(self, node: str, kind: str) -> int:
        return self.limit_pins.get((node, kind), (self.limits.get((node, kind), 0),))[0]


def flags_of(side: Side) -> tuple[str, ...]:
    """The flags of an end's endpoints; empty if it needs no endpoint."""
    if side.ways_out < 2:
        return ()
    return (*("subflow",) * side.opens, *("signal",) * (side.listens and side.ways_in == 1))


def _subflows(endpoints: list[tuple[int, tuple[str, ...]]]) -> int:
    """The most subflows of a connection besides the initial one, failed attempts included.

    The initial one uses a node's own address. Each `subflow` endpoint can open one more, and each `signal`
    endpoint can be joined by one. An end counts the subflows that it accepts as well as those that it opens.
    """
    if any("fullmesh" in flags for _, flags in endpoints):
        return MPTCP_MOST
    needed = [0]
    for version in (4, 6):
        own = [flags for family, flags in endpoints if family == version]
        needed.append(sum(name in flags for flags in own for name in ("subflow", "signal")))
    return min(MPTCP_MOST, max(needed))
