"""Helpers of several tests: labs from text, and a model of a kernel that forwards packets by its tables."""

import subprocess
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path

from hypothesis import settings
from shapes import strange_lines

from compiler.driver import Compilation, TopologyError
from compiler.ground.diagnostics import render
from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.routes import Route, Rule
from compiler.model.segments import Interface, segments
from compiler.scripts.bash import Style

# The same examples in every run, without deadlines.
settings.register_profile("mpc", deadline=None, derandomize=True, database=None)
settings.load_profile("mpc")

TESTS = Path(__file__).resolve().parent
GOLDEN = sorted((TESTS / "golden").glob("*.topo"))


def compiled(text: str, name: str = "lab.topo") -> Compilation:
    return Compilation(name, text)


def lab_of(text: str) -> Lab:
    """The lab of a text that has no errors."""
    compilation = compiled(text)
    try:
        return compilation.lab
    except TopologyError:
        raise AssertionError([found.message for found in compilation.diagnostics]) from None


def codes(text: str) -> list[str]:
    """The codes of all errors and warnings of a text."""
    compilation = compiled(text)
    try:
        _ = compilation.plans
    except TopologyError:
        assert compilation.diagnostics.failed
    return [found.code for found in compilation.diagnostics]


def node_of(lab: Lab, name: str) -> Node:
    return next(node for node in lab.ip_nodes if node.name == name)


def interface_of(lab: Lab, name: str) -> Interface:
    """The interface written `node:interface`."""
    return next(end for id, end in lab.interfaces.items() if str(id) == name)


def port_of(lab: Lab, name: str) -> Port:
    """The port written `node:interface`."""
    return next(port for link in lab.links for port in link.ends if str(port.id) == name)


def link_of(lab: Lab, *ends: str) -> Link:
    return next(link for link in lab.links if {str(end.id) for end in link.ends} == set(ends))


Hop = tuple[str, str]
"""A node, and the interface by which a packet leaves it."""


class LostError(Exception):
    """A packet that is dropped, or goes in a circle; the message says where."""


class Kernel:
    """Forwards packets through a lab by its addresses, rules, tables and routes, as Linux does."""

    def __init__(self, lab: Lab) -> None:
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.far: dict[InterfaceName, dict[Address, Interface]] = {}
        """For each interface, the interfaces on its segment, by address."""
        for segment in segments(lab.links, lab.interfaces, [switch.name for switch in lab.switches]):
            by_address = {own.ip: end for end in segment.ends for own in end.addresses}
            self.far |= {end.id: by_address for end in segment.ends}
        self.own: dict[str, set[Address]] = {
            node.name: {own.address.ip for own in node.addresses} for node in lab.ip_nodes
        }
        self.connected: dict[str, list[Route]] = {node.name: [] for node in lab.ip_nodes}
        self.interfaces: dict[tuple[str, Route], str] = {}
        for near in lab.interfaces.values():
            self.own[near.node] |= {own.ip for own in near.addresses}
            for own in near.addresses:
                route = Route((own.network,), ())
                self.connected[near.node].append(route)
                self.interfaces.setdefault((near.node, route), near.name)

    def out(self, name: str, target: Address, source: Address | None, into: str | None) -> set[str]:
        """The interfaces that a node may send a packet out of; none without a route."""
        return {interface for interface, _ in self.hops(name, target, source, into)}

    def hops(
        self, name: str, target: Address, source: Address | None, into: str | None
    ) -> set[tuple[str, Address]]:
        """The interfaces and next-hop addresses that a node may send a packet to."""
        node = self.nodes[name]
        tables = {table.number: table.routes for table in node.tables}
        for rule in sorted(node.rules, key=lambda rule: rule.priority):
            if _selects(rule, target, source, into) and (found := _longest(tables[rule.table], target)):
                return self._nexthops(name, found, target)
        best = _longest((*self.connected[name], *node.routes), target)
        return self._nexthops(name, best, target) if best else set()

    def _nexthops(self, name: str, route: Route, target: Address) -> set[tuple[str, Address]]:
        if not route.nexthops:
            return {(self.interfaces[name, route], target)}
        for hop in route.nexthops:
            assert hop.via in self.far[InterfaceName(name, hop.interface)]
            assert hop.via not in self.own[name]
        return {(hop.interface, hop.via) for hop in route.nexthops}

    def ways(
        self, name: str, target: Address, source: Address | None = None, into: str | None = None
    ) -> Iterator[tuple[Hop, ...]]:
        """All paths of a packet, by any choice of equal next hops; raises LostError at the first loss."""
        yield from self._ways(name, target, source, into, ())

    def _ways(
        self, name: str, target: Address, source: Address | None, into: str | None, way: tuple[Hop, ...]
    ) -> Iterator[tuple[Hop, ...]]:
        if target in self.own[name]:
            yield way
            return
        if name in {hop[0] for hop in way}:
            raise LostError(f"to {target} in a circle: {way} {name}")
        if way and not self.nodes[name].forwards:
            raise LostError(f"to {target} at {name}, which does not forward: {way}")
        found = self.hops(name, target, source, into)
        if not found:
            raise LostError(f"to {target} at {name}, which has no route: {way}")
        for interface, via in sorted(found, key=str):
            far = self.far[InterfaceName(name, interface)].get(via)
            if far is None:
                raise LostError(f"to {target} at {name}, where nobody has {via}: {way}")
            yield from self._ways(far.node, target, source, far.name, (*way, (name, interface)))


def _selects(rule: Rule, target: Address, source: Address | None, into: str | None) -> bool:
    if rule.version != target.version:
        return False
    wanted = (rule.target, rule.source, rule.incoming)
    return all(want is None or want == has for want, has in zip(wanted, (target, source, into), strict=True))


def _longest(routes: tuple[Route, ...] | list[Route], target: Address) -> Route | None:
    fitting = [
        (own.prefixlen, place)
        for place, route in enumerate(routes)
        for own in route.targets
        if own.version == target.version and ip_network(target).subnet_of(own)  # type: ignore[arg-type]
    ]
    return routes[max(fitting)[1]] if fitting else None


def checked(text: str, name: str = "lab.topo") -> str | None:
    """The scripts of a text; None if it has errors, each of which must have a place in the text.

    Anything else is a bug: no input may cause an exception or a line that no lab has.
    """
    compilation = compiled(text, name)
    try:
        kinds = [("up", Style.PLAIN), *((kind, Style.BATCH) for kind in compilation.kinds)]
        pieces = [compilation.pieces(*kind, name) for name in compilation.machines for kind in kinds]
        scripts = ["".join(lines) for lines in pieces]
        compilation.survey()
    except TopologyError:
        scripts = []
    assert (not scripts) == compilation.diagnostics.failed
    for script in scripts:
        assert strange_lines(script) == []
    for found in compilation.diagnostics:
        assert 0 <= found.span.start <= found.span.end <= len(found.span.source.text)
        assert render(found).startswith(f"{found.severity}[{found.code}]: ")
    return "\n".join(scripts) or None


def check_syntax(scripts: Iterable[str]) -> None:
    """Has bash parse scripts: all at once, which is fast, then one by one to find a wrong one."""
    distinct = list(dict.fromkeys(scripts))
    if bash_reads("\n".join(distinct)):
        return
    for script in distinct:
        assert bash_reads(script), script
    raise AssertionError("a script leaves something open that the next one closes")


def bash_reads(script: str) -> bool:
    run = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    return run.returncode == 0 and not run.stderr


def bash_prints(script: str) -> str:
    return subprocess.run(["bash"], input=script, text=True, capture_output=True, check=True).stdout
