"""Circles by explicit routes, compared with a search over all addresses; inferred routes written out."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from textwrap import dedent

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from labs import compiled, lab_of

from compiler.ground.diagnostics import Diagnostics, Severity
from compiler.infer.addressing import assign
from compiler.infer.routing import route
from compiler.model.lab import Lab
from compiler.model.networks import Address, Network
from compiler.model.routes import Nexthop, Route
from compiler.prediction import passed
from compiler.prediction.lookup import Lookup
from compiler.resolve.resolve import resolve

RANGE = range(int(ip_address("11.0.0.0")), int(ip_address("11.0.0.0")) + 16)
"""The addresses in the targets of explicit routes: 11.0.0.0/28."""

NOBODYS = ip_address("198.18.7.7")


@st.composite
def routed(draw: st.DrawFn) -> tuple[str, str]:
    """A lab of a few nodes in a ring with chords, and explicit routes for it."""
    count = draw(st.integers(3, 5))
    names = [f"n{place}" for place in range(count)]
    chords = draw(st.sets(st.sampled_from([(a, b) for a in range(count) for b in range(a)]), max_size=2))
    links = {tuple(sorted((place, (place + 1) % count))) for place in range(count)} | {
        tuple(sorted(chord)) for chord in chords
    }
    kinds = [draw(st.sampled_from(["router", "router", "router", "host"])) for _ in names]
    lines = [f"{kind} {name}" for kind, name in zip(kinds, names, strict=True)]
    lines += ["routing none"] * draw(st.integers(0, 1))
    pinned = draw(st.booleans())
    for place, (left, right) in enumerate(sorted(links)):
        subnet = f" subnet 11.0.0.{4 * place}/30" if pinned and place < 4 else ""
        lines.append(f"link {names[left]} -- {names[right]}{subnet}")
    routes = {}
    for _ in range(draw(st.integers(1, 6))):
        source = draw(st.integers(0, count - 1))
        near = sorted({b if a == source else a for a, b in links if source in (a, b)})
        hops = draw(st.lists(st.sampled_from(near), min_size=1, max_size=2, unique=True))
        length = draw(st.integers(28, 32))
        first = draw(st.integers(0, 15)) >> (32 - length) << (32 - length)
        target = draw(st.sampled_from([f"11.0.0.{first}/{length}"] * 4 + ["default"]))
        routes[source, target] = f"route n{source} to {target} via {', '.join(names[hop] for hop in hops)}"
    return "\n".join(lines) + "\n", "\n".join(routes.values()) + "\n"


class Brute:
    """Follows packets through a lab by every next hop, address by address."""

    def __init__(self, lab: Lab) -> None:
        self.nodes = {node.name: node for node in lab.ip_nodes}
        ends = lab.interfaces.values()
        self.owners = {own.ip: end.node for end in ends for own in end.addresses}
        self.owners |= {own.address.ip: node.name for node in lab.ip_nodes for own in node.addresses}
        self.linked: dict[str, list[Network]] = {node.name: [] for node in lab.ip_nodes}
        for end in ends:
            self.linked[end.node] += [own.network for own in end.addresses]

    def match(self, name: str, address: Address) -> tuple[Network, Route] | None:
        """The route of a node for an address; None if the node is linked with it."""
        if self.owners.get(address) == name:
            return None
        found = [(t, route) for route in self.nodes[name].routes for t in route.targets if address in t]
        target, route = max(found, key=lambda pair: pair[0].prefixlen, default=(None, None))
        least = max((own.prefixlen for own in self.linked[name] if address in own), default=-1)
        return (target, route) if target and route and target.prefixlen > least else None

    def reached(self, source: str, address: Address) -> set[str]:
        """The nodes that a packet reaches, with its source only if it returns."""
        found: set[str] = set()
        queue = [source]
        while queue:
            matched = self.match(queue.pop(), address)
            new = {self.owners[hop.via] for hop in matched[1].nexthops} - found if matched else set()
            found |= new
            queue += [name for name in new if self.nodes[name].forwards]
        return found

    def circles(self, source: str, address: Address, *, home: bool) -> bool:
        """Whether a packet returns to a node that forwards it; with `home`, to its source as well."""
        return any(
            name in self.reached(name, address)
            for name in {source, *self.reached(source, address)}
            if self.nodes[name].forwards or (home and name == source)
        )


def circular(lab: Lab, *, home: bool) -> set[str]:
    """The source and target of each explicit route by which an address goes in a circle."""
    whole, defaults = Brute(lab), Brute(without_defaults(lab))
    inner = [ip_address(number) for number in RANGE]
    own = [own.address.ip for node in lab.ip_nodes for own in node.addresses]
    found: set[str] = set()
    for asked in lab.explicit_routes:
        for address in (*inner, NOBODYS):
            matched = whole.match(asked.source, address)
            if matched and matched[1].explicit:
                brute = whole if matched[0].prefixlen else defaults
                again = brute.match(asked.source, address)
                if again == matched and brute.circles(asked.source, address, home=home):
                    found.add(f"from `{asked.source}` to `{matched[0]}` go")
        for address in own if asked.source in alone(lab) else ():
            matched = whole.match(asked.source, address)
            if matched and matched[1].explicit and whole.circles(asked.source, address, home=home):
                found.add(f"from `{asked.source}` to `{matched[0]}` go")
    return found


def alone(lab: Lab) -> set[str]:
    """The routers that are each other's only neighbours."""
    routers = {node.name for node in lab.ip_nodes if node.forwards}
    near: dict[str, set[str]] = {name: set() for name in routers}
    for link in lab.links:
        left, right = (end.node for end in link.ends)
        if {left, right} <= routers:
            near[left].add(right)
            near[right].add(left)
    return {name for name, others in near.items() if len(others) == 1 and near[min(others)] == {name}}


def without_defaults(lab: Lab) -> Lab:
    """The lab without inferred default routes, and without those between two routers of `alone`."""
    pair = alone(lab)
    nodes = [
        node._replace(
            routes=tuple(
                route
                for route in node.routes
                if route.targets[0].prefixlen or (route.explicit and node.name not in pair)
            ),
        )
        for node in lab.ip_nodes
    ]
    return replace(lab, nodes=tuple(nodes))


def tried(text: str) -> tuple[Lab, Diagnostics]:
    """A lab with its routes, and the diagnostics."""
    compilation = compiled(text)
    diagnostics = compilation.diagnostics
    lab = resolve(compilation.statements, compilation.source, diagnostics)
    lab = assign(lab, diagnostics)
    return lab if diagnostics.failed else route(lab, diagnostics), diagnostics


@settings(max_examples=80)
@given(routed())
def test_every_circle_is_found(lab_and_routes: tuple[str, str]) -> None:
    """If an address goes in a circle, a route is reported; and every reported route leads into one."""
    lab, diagnostics = tried("".join(lab_and_routes))
    assume({found.code for found in diagnostics if found.severity is Severity.ERROR} <= {"MPC502"})
    found = {one.message.removeprefix("packets ").removesuffix(" in a circle") for one in diagnostics}
    assert found <= circular(lab, home=True)
    assert found or not circular(lab, home=False)


CASES = {
    "an address between two longer prefixes": """
        router r[1..4]
        link r1 -- r2 -- r3 -- r4 -- r1
        route r1 to 11.0.0.0/8 via r2  # circle
        route r2 to 11.0.0.0/9 via r1  # circle
        route r2 to 11.0.0.0/24 via r3
        """,
    "an address for documentation that somebody has": """
        router r[1..3]
        link r1 -- r2 -- r3 -- r1
        link r1:x -- r2:x subnet 192.0.2.0/30
        route r1 to default via r2  # circle
        route r2 to default via r1  # circle
        """,
    "a host that one of two routers alone would have to know": """
        routing none
        router r1 r2
        host h address 10.9.9.1
        link h -- r1 -- r2
        route r1 to default via r2  # circle
        route r2 to default via r1  # circle
        """,
    "what is inferred": """
        router r1 r2
        link r1 -- r2
        route r1 to default via r2
        route r2 to default via r1
        """,
}


@pytest.mark.parametrize("case", CASES)
def test_circles(case: str) -> None:
    lines = dedent(CASES[case]).strip().splitlines()
    _, diagnostics = tried("\n".join(lines))
    marked = {line.partition("#")[0].strip() for line in lines if "#" in line}
    assert {found.span.text for found in diagnostics if found.code == "MPC502"} == marked


@st.composite
def inferring(draw: st.DrawFn) -> str:
    """A lab with inferred routes: links, also parallel ones, and a switch, in one family or both."""
    count = draw(st.integers(2, 6))
    pools = draw(st.sampled_from(["", "pool fd00::/32\n", "pool 10.0.0.0/8\npool fd00::/32\n"]))
    kinds = [draw(st.sampled_from(["router", "host"])) for _ in range(count)]
    lines = [f"{kind} n{place}" for place, kind in enumerate(kinds)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] != p[1])
    lines += [f"link n{a} -- n{b}" for a, b in draw(st.lists(pairs, min_size=1, max_size=8))]
    hung = sorted(draw(st.sets(st.integers(0, count - 1), max_size=3)))
    if len(hung) > 1:
        lines += ["switch s", *(f"link n{place} -- s" for place in hung)]
    return pools + "\n".join(lines) + "\n"


def written_out(lab: Lab) -> Iterator[str]:
    """Each inferred route as a statement, except those beside a default route."""
    names = {own.address.ip: node.name for node in lab.ip_nodes for own in node.addresses}
    ends = {own.ip: str(end.id) for end in lab.interfaces.values() for own in end.addresses}
    for node in lab.ip_nodes:
        for route_ in node.routes:
            hops = ", ".join(ends[hop.via] for hop in route_.nexthops)
            for target in route_.targets:
                if target.num_addresses == 1:
                    word = names.get(target.network_address, str(target.network_address))
                    yield f"route {node.name} to {word} via {hops}"
                elif not route_.source:
                    yield f"route {node.name} to {target} via {hops}"


def main_tables(lab: Lab) -> dict[str, set[tuple[Network, frozenset[Nexthop]]]]:
    return {
        node.name: {(target, frozenset(r.nexthops)) for r in node.routes for target in r.targets}
        for node in lab.ip_nodes
    }


@settings(max_examples=40)
@given(inferring())
def test_what_is_inferred_can_be_written_out(text: str) -> None:
    lab = lab_of(text)
    for node in lab.ip_nodes:
        own = "".join(f" address {one.address}" for one in node.addresses)
        text = text.replace(f"{node.role} {node.name}\n", f"{node.role} {node.name}{own}\n")
    again = lab_of("\n".join(["routing none", *dict.fromkeys(written_out(lab))]) + "\n" + text)
    assert main_tables(again) == main_tables(lab)


@settings(max_examples=40)
@given(inferring())
@example("router n0 n1\nhost n2\nlink n2 -- n0 -- n1\n")
def test_a_default_route_by_the_one_interface_of_a_node_is_not_passed_over(text: str) -> None:
    """Inferred routes have the same next hops, though another source address."""
    lab = lab_of(text)
    ends = [(near, far) for link in lab.links for near, far in link.directions]
    alone = [(near, far) for near, far in ends if [one.node for one, _ in ends].count(near.node) == 1]
    others = {node.name for node in lab.ip_nodes if node.forwards} - {near.node for near, _ in alone}
    pinned = [f"route {near.node} to default via {far.id}" for near, far in alone if far.node in others]
    found = compiled("\n".join(pinned) + "\n" + text)
    passed.tell(found.lab, Lookup(found.lab), found.diagnostics)
    assert "MPC756" not in [one.code for one in found.diagnostics]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=8), st.integers(0, 99), st.integers(0, 99))
@example([0, 1], 1, 1)
def test_a_default_route_in_a_tree_is_not_passed_over(parents: list[int], node: int, neighbour: int) -> None:
    """Packets by another link would return from the next hop of the default route, as at a gateway."""
    links = [(child, parent % child) for child, parent in enumerate(parents, 1)]
    node %= len(parents) + 1
    neighbours = [other for link in links if node in link for other in link if other != node]
    text = f"router n[0..{len(parents)}]\n" + "".join(f"link n{one} -- n{other}\n" for one, other in links)
    found = compiled(f"{text}route n{node} to default via n{neighbours[neighbour % len(neighbours)]}")
    passed.tell(found.lab, Lookup(found.lab), found.diagnostics)
    assert "MPC756" not in [one.code for one in found.diagnostics]
