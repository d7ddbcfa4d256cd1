"""Aggregated tables compared with the original ones, address by address, and with the fewest routes."""

from functools import cache
from ipaddress import ip_address, ip_network
from math import gcd, inf

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from labs import codes, compiled, lab_of, node_of

from compiler.driver import TopologyError
from compiler.model.lab import Lab
from compiler.model.networks import Address, Network
from compiler.model.nodes import Node
from compiler.model.routes import Route
from compiler.resources import names

WORDS = {
    "fat-tree": "k=4",
    "dragonfly": "a=2 h=2 p=1",
    "torus": "x=4 y=3",
    "grid": "x=4 y=3",
    "hypercube": "d=3",
    "tree": "width=2 depth=3",
    "leaf-spine": "spines=3 leaves=4 hosts=2",
}
SPACE = ip_network("10.0.0.0/22")
Table = dict[Network, object]
OWN, NO_ROUTE = "own", "no route"


def connected(lab: Lab, node: Node) -> Table:
    """The connected networks of a node, and its own addresses, which come first."""
    found: Table = {own.address.network: own.device for own in node.addresses}
    found |= {ip_network(own.address.ip): OWN for own in node.addresses}
    for end in lab.interfaces.values():
        if end.node == node.name:
            found |= {own.network: end.name for own in end.addresses}
            found |= {ip_network(own.ip): OWN for own in end.addresses}
    return found


def ways(route: Route) -> object:
    """Next hops without order, and with weights as ratios."""
    common = gcd(*(hop.weight for hop in route.nexthops))
    return frozenset((hop.via, hop.interface, hop.weight // common, hop.source) for hop in route.nexthops)


def table(lab: Lab, node: Node) -> Table:
    """A node's main table and connected networks. No two routes have one target, and none that of a link."""
    targets = [target for route in node.routes for target in route.targets]
    assert len(set(targets)) == len(targets)
    inferred = {target for route in node.routes for target in route.targets if not route.explicit}
    assert not inferred & connected(lab, node).keys()
    found = {target: ways(route) for route in node.routes for target in route.targets}
    return connected(lab, node) | found


def way(table: Table, address: Address) -> object:
    """The next hops of the longest prefix."""
    around = [network for network in table if network.version == address.version and address in network]
    return table[max(around, key=lambda network: network.prefixlen)] if around else NO_ROUTE


WHOLE = 32
"""The size of prefixes that are compared at every address; of larger ones, a sample is compared."""


def addresses(lab: Lab) -> set[Address]:
    """The addresses of the lab: of nodes, of segments, and in targets of explicit routes."""
    found = {own.address.ip for node in lab.ip_nodes for own in node.addresses}
    ends = lab.interfaces.values()
    own = [one for end in ends for one in end.addresses]
    found |= {one.ip for one in own}
    for network in {one.network for one in own}:
        found |= sampled(network, {one.ip for one in own if one.network == network})
    for node in lab.ip_nodes:
        for route in node.routes if not lab.aggregate else ():
            if route.explicit and route.targets[0].prefixlen:
                found |= {route.targets[0][0], route.targets[0][-1]}
    return found


def sampled(network: Network, used: set[Address]) -> set[Address]:
    """All of a small prefix; of a large one its ends, used addresses, their neighbours, and some between."""
    size = network.num_addresses
    if size <= WHOLE:
        return {network[place] for place in range(size)}
    places = {
        0,
        1,
        size - 2,
        size - 1,
        *(size * part // 8 + step for part in range(1, 8) for step in (-1, 0)),
    }
    for address in used:
        place = int(address) - int(network.network_address)
        places |= {place - 1, place, place + 1}
        places |= {place ^ (1 << bit) for bit in range(size.bit_length() - 1)}
    return {network[place] for place in places if 0 <= place < size}


def check_same(text: str) -> tuple[Lab, Lab]:
    """Asserts that aggregated tables forward as the original ones; returns both labs."""
    whole, aggregated = (lab_of(f"routing shortest{word}\n{text}") for word in ("", " aggregate"))
    wanted = addresses(whole)
    for before, after in zip(whole.ip_nodes, aggregated.ip_nodes, strict=True):
        tables = table(whole, before), table(aggregated, after)
        for address in wanted:
            assert way(tables[0], address) == way(tables[1], address), (before.name, address)
        explicit = ({route for route in node.routes if route.explicit} for node in (before, after))
        assert next(explicit) == next(explicit)
        assert defaults(before) == defaults(after)
        assert (before.tables, before.rules) == (after.tables, after.rules)
        assert count(after) <= count(before)
    return whole, aggregated


def defaults(node: Node) -> set[Route]:
    return {route for route in node.routes if not route.targets[0].prefixlen}


def count(node: Node) -> int:
    return sum(len(route.targets) for route in node.routes)


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Labs with adjacent addresses, some dual-stack, with switches and explicit routes."""
    size = draw(st.integers(3, 9))
    nodes = "abcdefghi"[:size]
    places = draw(st.permutations(range(64)))
    lines = [*draw(st.sampled_from([[], ["pool 10.0.0.0/8", "pool fd00::/48"]]))]
    for place, name in zip(places, nodes, strict=False):
        kind = draw(st.sampled_from(["host", "router", "router"]))
        more = draw(st.sampled_from(MORE)).format(place, 4 * place + 1)
        lines.append(f"{kind} {name} address 10.0.0.{place}{more}")
    pairs = [(draw(st.sampled_from(nodes[:i])), nodes[i]) for i in range(1, size)]
    pairs += draw(st.lists(st.sampled_from([(a, b) for a in nodes for b in nodes if a < b]), max_size=6))
    for place, (a, b) in zip(places, pairs, strict=False):
        lines.append(f"link {a} -- {b} subnet 10.0.1.{4 * place}/30")
    for place in range(draw(st.integers(0, 2))):
        ends = draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=5, unique=True))
        subnet = draw(st.sampled_from(LANS)).format(16 * place, 32 + 8 * place, 128 * place)
        lines.append(f"switch {'xy'[place]}{subnet}")
        lines.append(f"link {{{','.join(ends)}}} -- {'xy'[place]}")
    for target in draw(st.lists(st.sampled_from(TARGETS), max_size=2)):
        source, *hops = draw(st.permutations(nodes))
        lines.append(f"route {source} to {target} via {hops[0]} weight 2, {hops[1]} weight 2")
        lines[-1] = draw(st.sampled_from([lines[-1], f"route {source} to {target} via {hops[0]}"]))
    return "\n".join(lines)


MORE = ("", "", " address 192.0.2.{0}", " address 10.0.2.{1}/30 on dummy0", " address fd01::{0}")
LANS = (" subnet 10.0.3.{0}/28", " subnet 10.0.3.{1}/29", " subnet 10.0.2.{2}/25", "")
TARGETS = ("default", "10.0.0.0/27", "10.0.0.5", "10.0.1.16/30", "192.0.2.0/28", "203.0.113.0/24", "c")


def is_lab(text: str) -> bool:
    try:
        return compiled(text).lab is not None
    except TopologyError:
        return False


@settings(max_examples=80)
@given(labs())
def test_tables_say_the_same(text: str) -> None:
    assume(is_lab(text))
    check_same(text)


@settings(max_examples=40)
@given(labs())
def test_tables_are_the_smallest(text: str) -> None:
    text = "\n".join(line for line in text.splitlines() if "192" not in line and "203" not in line)
    text = text.replace("switch x\n", "switch x subnet 10.0.3.128/29\n")
    text = text.replace("switch y\n", "switch y subnet 10.0.3.136/29\n")
    assume(is_lab(text))
    whole, aggregated = check_same(text)
    used = {address for address in addresses(whole) if address in SPACE}
    used |= {address for address in SPACE if any(address in prefix for prefix in beside(whole))}
    for before, after in zip(whole.ip_nodes, aggregated.ip_nodes, strict=True):
        written = [r for r in after.routes if not r.explicit and r.targets[0].prefixlen]
        found = sum(len(route.targets) for route in written if route.targets[0].version == 4)
        assert found == fewest(whole, before, used), before.name


def beside(lab: Lab) -> set[Network]:
    """The prefixes of routes for node addresses beside default routes; all their addresses are routed."""
    routes = [route for node in lab.ip_nodes for route in node.routes if not route.explicit]
    targets = {target for route in routes for target in route.targets if target.prefixlen}
    ends = {own.network for end in lab.interfaces.values() for own in end.addresses}
    return {target for target in targets - ends if target.num_addresses > 1 and target.version == 4}


def fewest(lab: Lab, node: Node, used: set[Address]) -> float:
    """The least number of routes beside explicit ones and a default route, by exhaustive search."""
    own, routes = connected(lab, node), [route for route in node.routes if route.targets[0].version == 4]
    fixed = own | {t: "explicit" for r in routes if r.explicit for t in r.targets if t.prefixlen}
    everything = fixed | {t: ways(r) for r in routes for t in r.targets if t not in fixed}
    default = next((r for r in routes if not r.targets[0].prefixlen), None)
    top = ways(default) if default else NO_ROUTE
    choices = {ways(route) for route in routes}

    def wanted(address: Address) -> object:
        """The required next hops for an address; None if any will do."""
        found = way(everything, address)
        if found == "explicit" or any(address in network for network in own if network.version == 4):
            return None
        return found if address in used or (default and default.explicit) else None

    wants = [wanted(address) for address in SPACE]

    @cache
    def cost(first: int, size: int, inherited: object) -> float:
        wanted_here = {want for want in wants[first : first + size] if want is not None}
        if wanted_here <= {inherited}:
            return 0
        if size == 1:
            return inf if NO_ROUTE in wanted_here else 1
        halves = [(first, size // 2), (first + size // 2, size // 2)]
        passed = sum(cost(*half, inherited) for half in halves)
        return min(passed, *(1 + sum(cost(*half, choice) for half in halves) for choice in choices), inf)

    return cost(0, SPACE.num_addresses, top)


@pytest.mark.parametrize("name", names("grammar/std", ".topo"))
def test_standard_topologies(name: str) -> None:
    """With inferred addresses; there is little to merge, as the topologies pin none."""
    whole, aggregated = check_same(f"use std/{name} as x with {WORDS.get(name, 'n=6')}")
    before, after = (sum(map(count, lab.ip_nodes)) for lab in (whole, aggregated))
    assert after < before or name in ("star", "mesh", "line", "ring")


def test_both_families() -> None:
    text = "pool 10.0.0.0/8\npool fd00::/48\n" + "router r[0..5]\nfor i in 0..5 { link r[i] -- r[(i+1) % 6] }"
    _, aggregated = check_same(text)
    assert {route.targets[0].version for route in aggregated.ip_nodes[0].routes} == {4, 6}


SWITCHES = """
switch s subnet 10.0.1.0/29
switch island subnet 10.0.1.8/29
switch t subnet 10.0.1.16/29
router r q x
host a b c d e
link s -- {r,q,a,b}
link island -- {c,d}
link t -- {r,q}
link x -- {r,e}
"""


def test_switches() -> None:
    """No prefix covers a subnet without routes, though the ends written first have no address."""
    check_same(SWITCHES)


def test_mptcp_stands() -> None:
    check_same("host a b\nrouter c d e f\nlink a -- {c,d} -- e -- f -- b\nlink e -- b\nmptcp a -- b")


def test_two_hosts_become_one_prefix() -> None:
    text = """
        router r s t
        host x address 10.9.0.2
        host y address 10.9.0.3
        link r -- s subnet 10.9.1.0/30
        link r -- t subnet 10.9.1.4/30
        link s -- x subnet 10.9.1.8/30
        link t -- y subnet 10.9.1.12/30
        link s -- t subnet 10.9.1.16/30
        link {s,t} -- y
    """
    whole, aggregated = check_same(text)
    assert count(node_of(aggregated, "r")) < count(node_of(whole, "r"))


def test_what_goes_by_the_default_route_may_be_written_again() -> None:
    """All of 10.9.0.0/29 except one address is x's, so the route of that address is written."""
    own = " ".join(f"address 10.9.0.{place}" for place in (0, 2, 3, 4, 5, 6, 7))
    text = f"router r s\nhost x {own}\nhost y address 10.9.0.1\nlink s -- r -- x\nlink s -- y"
    _, aggregated = check_same(text)
    assert count(node_of(aggregated, "r")) == 4  # of which one is for y, and one for all of x


def test_what_has_no_route_has_none() -> None:
    """h is behind a host, and its address lies between two that are not."""
    text = """
        router r s t
        host x address 10.9.0.1
        host h address 10.9.0.2
        host y address 10.9.0.3
        link r -- {s,t} -- x -- h
        link s -- y
    """
    _, aggregated = check_same(text)
    assert way(table(aggregated, node_of(aggregated, "r")), ip_address("10.9.0.2")) == NO_ROUTE


def test_an_explicit_default_route_keeps_what_nobody_has() -> None:
    text = "use std/torus as t with x=4 y=4\nrouter gw\nlink gw -- {t-r0-0,t-r1-1}\n"
    _, aggregated = check_same(text + "route t-r0-0 to default via gw")
    tables = table(aggregated, node_of(aggregated, "t-r0-0"))
    for unused in ("8.8.8.8", "10.3.3.200", "10.200.0.1"):
        assert way(tables, ip_address(unused)) == way(tables, ip_address("203.0.113.1"))


def test_aggregate_goes_with_each_metric() -> None:
    for metric in ("hops", "delay", "rate", "cost"):
        assert codes(f"routing shortest by {metric} aggregate\nuse std/ring") == []
    assert codes("routing none aggregate\nuse std/ring") == ["MPC102"]
