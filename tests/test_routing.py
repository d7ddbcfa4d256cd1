"""Routes compared with all simple paths of small labs, and with packets that follow the tables."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import Kernel, LostError, codes, interface_of, lab_of, node_of

from compiler.model.lab import Lab
from compiler.model.links import Link, Port
from compiler.model.networks import Address

NAMES = "abcdef"
METRICS = ("hops", "delay", "rate", "cost")
Cost = tuple[Fraction, int]


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Labs of up to 6 nodes and 9 links, some parallel, each direction with its own delay and rate."""
    count = draw(st.integers(2, 6))
    kinds = draw(st.lists(st.sampled_from(["host", "router", "router"]), min_size=count, max_size=count))
    pairs = draw(st.lists(st.sampled_from(list(combinations(NAMES[:count], 2))), min_size=1, max_size=9))
    metric = draw(st.sampled_from(METRICS))
    lines = [f"routing shortest by {metric}", f"pool {draw(st.sampled_from(['10.0.0.0/8', 'fd00::/48']))}"]
    lines += [f"{kind} {name}" for kind, name in zip(kinds, NAMES, strict=False)]
    for number, (left, right) in enumerate(pairs):
        lines.append(f"link {left}:l{number} -- {right}:r{number} cost {draw(st.integers(1, 3))}")
        for ends in (f"{left}:l{number} -> {right}", f"{right}:r{number} -> {left}"):
            lines.append(f"shape {ends} {draw(st.sampled_from(SHAPES))}")
    return "\n".join(lines)


SHAPES = ("delay 0ms", "delay 1ms", "delay 2ms", "rate 1mbit", "rate 2mbit", "rate 3mbit", "loss 0.1%")


def cost_of(lab: Lab, near: Port, link: Link) -> Cost:
    """A direction's cost, and 1 if that is 0: among equal costs, fewer links without cost are shorter."""
    costs = {
        "hops": Fraction(1),
        "cost": Fraction(link.cost),
        "delay": Fraction(near.shaping.delay or 0),
        "rate": Fraction(1, near.shaping.rate) if near.shaping.rate else Fraction(0),
    }
    cost = costs[str(lab.metric)]
    return cost, int(cost == 0)


def simple_paths(lab: Lab, source: str, target: str) -> Iterator[tuple[Cost, str]]:
    """The cost and the first interface of each simple path over nodes that forward."""
    forwards = {node.name: node.forwards for node in lab.ip_nodes}

    def walk(name: str, seen: tuple[str, ...], cost: Cost, first: str) -> Iterator[tuple[Cost, str]]:
        if name == target:
            yield cost, first
            return
        if seen and not forwards[name]:
            return
        for link in lab.links:
            for near, far in link.directions:
                if near.node == name and far.node not in (*seen, name):
                    more = cost_of(lab, near, link)
                    total = (cost[0] + more[0], cost[1] + more[1])
                    yield from walk(far.node, (*seen, name), total, first or near.name)

    yield from walk(source, (), (Fraction(0), 0), "")


def shortest(lab: Lab, source: str, target: str) -> set[str]:
    """The first interfaces of the shortest paths."""
    found = list(simple_paths(lab, source, target))
    return {first for cost, first in found if cost == min(found)[0]}


def addresses(lab: Lab, name: str) -> list[Address]:
    own = [own.address.ip for own in node_of(lab, name).addresses]
    return own + [a.ip for end in lab.interfaces.values() if end.node == name for a in end.addresses]


@settings(max_examples=150)
@given(labs())
def test_routes_to_nodes_are_all_shortest_paths(text: str) -> None:
    lab = lab_of(text)
    kernel = Kernel(lab)
    for source in lab.ip_nodes:
        for target in lab.ip_nodes:
            if source is not target and (wanted := shortest(lab, source.name, target.name)):
                assert kernel.out(source.name, target.addresses[0].address.ip, None, None) == wanted


@settings(max_examples=150)
@given(labs())
def test_every_reachable_address_is_delivered(text: str) -> None:
    lab = lab_of(text)
    kernel = Kernel(lab)
    for source in lab.ip_nodes:
        for target in lab.ip_nodes:
            if source is target or not any(simple_paths(lab, source.name, target.name)):
                continue
            for address in addresses(lab, target.name):
                ends = [way[-1] for way in kernel.ways(source.name, address)]
                assert ends


@settings(max_examples=60)
@given(labs())
def test_no_node_routes_to_what_it_cannot_reach(text: str) -> None:
    """Except by a default route, which has all targets."""
    lab = lab_of(text)
    for source in lab.ip_nodes:
        unreachable = {
            own.address.network
            for target in lab.ip_nodes
            if source is not target and not any(simple_paths(lab, source.name, target.name))
            for own in target.addresses
        }
        assert not unreachable & {target for route in source.routes for target in route.targets}


def targets(lab: Lab, name: str) -> dict[str, list[str]]:
    """The interfaces of a node's routes, by target."""
    return {
        str(target): [hop.interface for hop in route.nexthops]
        for route in node_of(lab, name).routes
        for target in route.targets
    }


def test_hosts_pass_nothing_on() -> None:
    lab = lab_of("host a b c\nlink a -- b -- c")
    with pytest.raises(LostError):
        list(Kernel(lab).ways("a", node_of(lab, "c").addresses[0].address.ip))
    assert len(targets(lab, "a")) == 2  # b, and the far address of b's other link


def test_one_forwarding_neighbour_is_the_default_route() -> None:
    lab = lab_of("host a h\nrouter c\nlink a -- c -- h\nlink a -- h")
    assert targets(lab, "a")["0.0.0.0/0"] == ["c"]


def test_two_forwarding_neighbours_give_no_default_route() -> None:
    lab = lab_of("host a\nrouter c d\nlink a -- {c,d}")
    assert "0.0.0.0/0" not in targets(lab, "a")


def test_parallel_links_to_the_default_share() -> None:
    lab = lab_of("host a\nrouter c\nlink a -- c\nlink a -- c")
    assert targets(lab, "a") == {target: ["c", "c.2"] for target in ("0.0.0.0/0", "10.192.0.0/10")}


def test_a_segment_is_one_route_where_an_end_forwards() -> None:
    lab = lab_of("host a b\nrouter c d\nlink {a,b} -- {c,d}")
    segment = str(interface_of(lab, "c:b").addresses[0].network)
    assert targets(lab, "a")[segment] == ["c"]


def test_a_segment_of_hosts_is_two_host_routes() -> None:
    lab = lab_of("host x y\nrouter a c d\nlink a -- {c,d}\nlink x -- c\nlink y -- d\nlink x -- y")
    found = targets(lab, "a")
    assert found[f"{interface_of(lab, 'x:y').addresses[0].ip}/32"] == ["c"]
    assert found[f"{interface_of(lab, 'y:x').addresses[0].ip}/32"] == ["d"]


def test_an_explicit_route_stands_over_what_it_holds() -> None:
    text = "host a\nrouter c d\nhost x address 192.0.2.1/32\nlink a -- {c,d}\nlink {c,d} -- x\n"
    assert targets(lab_of(text), "a")["192.0.2.1/32"] == ["c", "d"]
    found = targets(lab_of(text + "route a to 192.0.2.0/24 via d"), "a")
    assert found["192.0.2.0/24"] == ["d"]
    assert found["192.0.2.1/32"] == ["d"]  # the node address, with that of a as the source


def test_an_explicit_default_leaves_all_else() -> None:
    text = "host a\nrouter c d\nhost x\nlink a -- {c,d} -- x\n"
    before, after = (targets(lab_of(text + more), "a") for more in ("", "route a to default via d"))
    assert after == {"0.0.0.0/0": ["d"], **before}


def test_next_hops_have_weights() -> None:
    lab = lab_of("host a b\nrouter c d\nlink {a,b} -- {c,d}\nroute a to b via c weight 2, d")
    (route,) = [route for route in node_of(lab, "a").routes if route.explicit]
    assert [(hop.interface, hop.weight) for hop in route.nexthops] == [("c", 2), ("d", 1)]


def test_a_neighbour_is_all_links_to_it_and_an_interface_is_one() -> None:
    text = "host a b\nrouter c\nlink a -- c\nlink a -- c\nlink c -- b\n"
    address = "route a to b via "
    for hop, wanted in (("c", ["c", "c.2"]), ("c:a.2", ["c.2"])):
        lab = lab_of(text + address + hop)
        (route,) = [route for route in node_of(lab, "a").routes if route.explicit]
        assert [found.interface for found in route.nexthops] == wanted


def test_a_route_to_a_node_is_to_each_of_its_addresses() -> None:
    lab = lab_of(
        "host a\nrouter c\n"
        "host b address 192.0.2.1/32 address 198.51.100.2/24 on dummy0 address fd00::1/128\n"
        "pool 10.0.0.0/8\npool fd01::/48\nlink a -- c -- b\nroute a to b via c"
    )
    explicit = [str(route.targets[0]) for route in node_of(lab, "a").routes if route.explicit]
    assert explicit == ["192.0.2.1/32", "198.51.100.2/32", "fd00::1/128"]


def test_routing_none_leaves_explicit_routes() -> None:
    lab = lab_of("routing none\nhost a b\nrouter c\nlink a -- c -- b\nroute a to b via c")
    assert [len(node.routes) for node in lab.ip_nodes] == [1, 0, 0]


@pytest.mark.parametrize(
    ("routes", "code"),
    [
        ("route a to b via e", "MPC501"),
        ("route a to b via b", "MPC501"),
        ("route a to b via a", "MPC501"),
        ("route c to b via d\nroute d to b via c", "MPC502"),
        ("route c to 203.0.113.0/24 via d\nroute d to 203.0.113.0/24 via c", "MPC502"),
        ("route c to default via d\nroute d to default via c", "MPC502"),
        ("route c to fd00::/64 via d", "MPC503"),
        ("host z address none\nroute a to z via c", "MPC504"),
        ("route a to b via c\nroute a to b via d", "MPC206"),
        ("route a to b via c weight 0", "MPC301"),
        ("route a to b via c weight 257", "MPC301"),
        ("route a to {b,c} via c", "MPC211"),
        ("route a to 10.0.0.1/8 via c", "MPC401"),
        ("route a to b:nothing via c", "MPC205"),
    ],
)
def test_routes_that_cannot_be(routes: str, code: str) -> None:
    lab = "host a b\nrouter c d e\nlink {a,b} -- {c,d}\nlink c -- d\nlink e -- d\n"
    assert code in codes(lab + routes)


def test_equal_ways_past_each_other_are_no_circle() -> None:
    """Between two links of equal cost a packet may go either way, but each hop is nearer to the target."""
    text = "host a b\nrouter c d\nlink {a,b} -- {c,d}\nlink c -- d\n"
    assert codes(text + "route c to b via b, d\nroute a to b via c, d") == []
