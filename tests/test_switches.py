"""Switches: addresses of broadcast domains, spanning trees, and routes and paths over them."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import Kernel, codes, compiled, interface_of, lab_of, node_of

from compiler.infer.graph import Graph
from compiler.infer.paths import Path, disjoint_paths, paths
from compiler.model.lab import Lab
from compiler.model.links import Link, Port
from compiler.model.nodes import Node

LAN = "host h[1..24]\nrouter r\nswitch s\nlink h[1..24] -- s rate 100mbit\nlink r -- s\n"

# --- addresses --------------------------------------------------------------------------------------


def own_of(lab: Lab, end: str) -> list[str]:
    return [str(own) for own in interface_of(lab, end).addresses]


def networks(lab: Lab) -> set[str]:
    return {str(own.network) for end in lab.interfaces.values() for own in end.addresses}


def test_a_broadcast_domain_is_one_subnet_of_its_part_of_the_pool() -> None:
    lab = lab_of("pool 10.0.0.0/8\npool fd00::/48\n" + LAN + "switch t\nlink s -- t\nhost x\nlink t -- x")
    four, six = sorted(networks(lab))
    assert four.endswith(".0/24")
    assert 128 <= int(four.split(".")[1]) < 192
    assert six.startswith("fd00:0:0:")
    assert six.endswith("::/64")
    assert 0x8000 <= int(six.split(":")[3], 16) < 0xC000


def test_ports_of_switches_have_no_address_and_no_name() -> None:
    compilation = compiled(LAN)
    ports = [end for link in compilation.lab.links for end in link.ends if end.node == "s"]
    assert len(ports) == 25
    assert not any(id.node == "s" for id in compilation.lab.interfaces)
    assert not any(line.split()[1].endswith(".s") for line in compilation.plan.hosts)
    assert not any(line.split()[1] == "s" for line in compilation.plan.hosts)


def test_another_host_moves_no_address() -> None:
    """Unless the hashes collide, which these do not."""
    before, after = lab_of(LAN), lab_of("host zz\nlink zz -- s\n" + LAN)
    for number in range(1, 25):
        assert own_of(before, f"h{number}:s") == own_of(after, f"h{number}:s")


def test_the_first_switch_by_name_gives_a_domain_its_subnet() -> None:
    text = "host a b\nswitch m {}\nlink a -- m -- {} -- b"
    assert networks(lab_of(text.format("n", "n"))) == networks(lab_of("host a b\nswitch m\nlink {a,b} -- m"))
    assert networks(lab_of(text.format("c", "c"))) != networks(lab_of(text.format("n", "n")))


def test_pins() -> None:
    lab = lab_of(
        "host a b c\nswitch s t subnet 10.5.0.0/16\nlink s -- u\nswitch u\nlink a -- u address 10.5.7.7/16\n"
        "link {b,c} -- s\nlink t -- a".replace("switch s t subnet", "switch t\nswitch s subnet")
    )
    assert own_of(lab, "a:u") == ["10.5.7.7/16"]
    assert all(own.startswith("10.5.") for end in ("b:s", "c:s") for own in own_of(lab, end))
    assert not own_of(lab, "a:t")[0].startswith("10.5.")


def test_an_address_alone_makes_the_subnet_of_its_family() -> None:
    lab = lab_of("host a b\nswitch s\nlink a -- s address 192.0.2.9/28 address fd01::9/64\nlink b -- s")
    assert own_of(lab, "a:s") == ["192.0.2.9/28", "fd01::9/64"]
    (own,) = own_of(lab, "b:s")
    assert own.startswith("192.0.2.")
    assert own.endswith("/28")


def test_a_switch_gives_all_ends_addresses_of_a_family_without_a_pool() -> None:
    lab = lab_of("host a b\nswitch s subnet fd01::/64\nlink {a,b} -- s")
    assert [len(own_of(lab, end)) for end in ("a:s", "b:s")] == [2, 2]


@pytest.mark.parametrize(("prefix", "hosts"), [("10.9.0.0/29", 6), ("10.9.0.0/31", 2), ("fd09::/125", 7)])
def test_a_subnet_can_be_used_up_whole(prefix: str, hosts: int) -> None:
    text = "pool 10.0.0.0/8\npool fd00::/48\n"
    text += f"host h[1..{hosts}]\nswitch s subnet {prefix}\nlink h[1..{hosts}] -- s"
    lab = lab_of(text)
    used = [own for n in range(1, hosts + 1) for own in own_of(lab, f"h{n}:s") if own.startswith(prefix[:4])]
    assert len(set(used)) == hosts
    assert codes(text + "\nhost x\nlink x -- s") == ["MPC405"]


# --- trees ------------------------------------------------------------------------------------------


def spare(lab: Lab) -> set[str]:
    return {link.identity for link in lab.links if link.spare}


def test_a_tree_leaves_out_what_closes_loops() -> None:
    ring = "host a b\nswitch s[1..4] stp on\nlink s1 -- s2 -- s3 -- s4 -- s1\nlink s2 -- s1\n"
    lab = lab_of(ring + "link a -- s1\nlink b -- s3")
    assert spare(lab) == {"s3:s4 s4:s3", "s1:s2.2 s2:s1.2"}
    assert [node.bridge.priority for node in lab.switches if node.bridge] == [0, 1, 2, 3]


def test_a_tree_of_switches_needs_no_agreement() -> None:
    lab = lab_of("host a b\nswitch s[1..3]\nlink a -- s1 -- s2 -- b\nlink s2 -- s3")
    assert not spare(lab)


def test_a_loop_needs_all_its_switches() -> None:
    text = "host a b\nswitch s[2..3] stp on\nlink s1 -- s2 -- s3 -- s1\nlink a -- s1\nlink b -- s2\n"
    assert codes(text + "switch s1") == ["MPC507"]
    assert codes(text + "switch s1 stp on") == []
    assert codes(text + "switch s1 stp on\nswitch s4\nlink s4 -- s1") == []


@st.composite
def meshes(draw: st.DrawFn) -> str:
    """Up to 7 switches with up to 12 links between them."""
    count = draw(st.integers(2, 7))
    pairs = draw(st.lists(st.sampled_from(list(combinations(range(count), 2))), min_size=1, max_size=12))
    lines = [f"host a b\nswitch s[0..{count - 1}] stp on\nlink a -- s0\nlink b -- s{count - 1}"]
    return "\n".join([*lines, *(f"link s{left} -- s{right}" for left, right in pairs)])


@settings(max_examples=100)
@given(meshes())
def test_what_is_not_spare_is_a_tree_with_the_shortest_ways_to_the_root(text: str) -> None:
    lab = lab_of(text)
    inner = [link for link in lab.links if all(end.node.startswith("s") for end in link.ends)]
    whole, tree = (depths(lab.switches, links) for links in (inner, [k for k in inner if not k.spare]))
    assert whole == tree
    assert sum(not link.spare for link in inner) == len(lab.switches) - len(set(roots(lab.switches, inner)))


def depths(switches: tuple[Node, ...], links: list[Link]) -> dict[str, int]:
    """The distance in links of each switch from the root of its domain, the first by name."""
    found: dict[str, int] = {}
    for root in sorted(set(roots(switches, links))):
        found[root] = 0
        for depth in range(len(switches)):
            for left, right in {(a.node, b.node) for link in links for a, b in link.directions}:
                if found.get(left) == depth:
                    found.setdefault(right, depth + 1)
    return found


def roots(switches: tuple[Node, ...], links: list[Link]) -> list[str]:
    root = {switch.name: switch.name for switch in switches}
    for _ in switches:
        for link in links:
            least = min(root[end.node] for end in link.ends)
            root |= {end.node: least for end in link.ends}
    return list(root.values())


# --- routes -----------------------------------------------------------------------------------------

NAMES = "abcdef"
METRICS = ("hops", "delay", "rate", "cost")
SHAPES = ("delay 0ms", "delay 1ms", "delay 2ms", "rate 1mbit", "rate 2mbit", "loss 0.1%")
Cost = tuple[Fraction, int]


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Up to 5 nodes and 4 switches in a tree, with up to 8 links from nodes to either."""
    count, switches = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    kinds = draw(st.lists(st.sampled_from(["host", "router"]), min_size=count, max_size=count))
    lines = [f"routing shortest by {draw(st.sampled_from(METRICS))}"]
    lines += [f"{kind} {name}" for kind, name in zip(kinds, NAMES, strict=False)]
    lines += [f"switch s[1..{switches}]"]
    vertices = [*NAMES[:count], *(f"s{number}" for number in range(1, switches + 1))]
    pairs = [
        (f"s{draw(st.integers(1, n - 1))}", f"s{n}") for n in range(2, switches + 1) if draw(st.booleans())
    ]
    pairs += draw(
        st.lists(
            st.tuples(st.sampled_from(NAMES[:count]), st.sampled_from(vertices)).filter(
                lambda p: p[0] != p[1]
            ),
            min_size=1,
            max_size=8,
            unique=True,
        )
    )
    for number, (left, right) in enumerate(pairs):
        lines.append(f"link {left}:l{number} -- {right}:r{number} cost {draw(st.integers(1, 2))}")
        for ends in (f"{left}:l{number} -> {right}", f"{right}:r{number} -> {left}"):
            lines.append(f"shape {ends} {draw(st.sampled_from(SHAPES))}")
    return "\n".join(lines)


def cost_of(lab: Lab, near: Port, link: Link) -> Cost:
    """A direction's cost, and 1 if that is 0; leaving a switch is no hop."""
    leaves_switch = near.node.startswith("s")
    costs = {
        "hops": Fraction(not leaves_switch),
        "cost": Fraction(link.cost),
        "delay": Fraction(near.shaping.delay or 0),
        "rate": Fraction(1, near.shaping.rate) if near.shaping.rate else Fraction(0),
    }
    cost = costs[str(lab.metric)]
    return cost, int(cost == 0 and str(lab.metric) != "hops")


def simple_paths(lab: Lab, source: str, target: str) -> Iterator[tuple[Cost, tuple[str, str]]]:
    """The cost, the first interface and the next address of each simple path over nodes that forward."""
    forwards = {node.name: node.forwards for node in lab.ip_nodes}

    def walk(
        name: str, seen: tuple[str, ...], cost: Cost, first: str, via: str
    ) -> Iterator[tuple[Cost, tuple[str, str]]]:
        if name == target:
            yield cost, (first, via)
            return
        if seen and not forwards.get(name, True):
            return
        for link in lab.links:
            for near, far in link.directions:
                if near.node == name and far.node not in (*seen, name):
                    more = cost_of(lab, near, link)
                    address = via or (
                        str(lab.interfaces[far.id].addresses[0].ip) if far.id in lab.interfaces else ""
                    )
                    total = (cost[0] + more[0], cost[1] + more[1])
                    yield from walk(far.node, (*seen, name), total, first or near.name, address)

    yield from walk(source, (), (Fraction(0), 0), "", "")


@settings(max_examples=200)
@given(labs())
def test_routes_over_switches_are_all_shortest_paths(text: str) -> None:
    lab = lab_of(text)
    kernel = Kernel(lab)
    for source in lab.ip_nodes:
        for target in lab.ip_nodes:
            found = list(simple_paths(lab, source.name, target.name)) if source is not target else []
            if found:
                wanted = {hop for cost, hop in found if cost == min(found)[0]}
                hops = kernel.hops(source.name, target.addresses[0].address.ip, None, None)
                assert {(interface, str(via)) for interface, via in hops} == wanted


@settings(max_examples=200)
@given(labs())
def test_every_reachable_address_is_delivered_over_switches(text: str) -> None:
    lab = lab_of(text)
    kernel = Kernel(lab)
    ends = lab.interfaces.values()
    for source in lab.ip_nodes:
        for target in lab.ip_nodes:
            if source is target or not any(simple_paths(lab, source.name, target.name)):
                continue
            own = [own.address.ip for own in target.addresses]
            for address in own + [a.ip for end in ends if end.node == target.name for a in end.addresses]:
                assert [way[-1] for way in kernel.ways(source.name, address)]


def targets(lab: Lab, name: str) -> dict[str, list[tuple[str, str]]]:
    return {
        str(target): [(hop.interface, str(hop.via)) for hop in route.nexthops]
        for route in node_of(lab, name).routes
        for target in route.targets
    }


def test_the_only_router_of_a_lan_is_the_default_route() -> None:
    lab = lab_of(LAN)
    found = targets(lab, "h1")
    assert found["0.0.0.0/0"] == [("s", own_of(lab, "r:s")[0].partition("/")[0])]
    assert len(found) == 25  # and one for each neighbour, and one for node addresses behind r


def test_a_hop_over_switches_is_one_hop() -> None:
    lab = lab_of("host a b\nrouter r\nswitch s t\nlink a -- s -- t -- b\nlink a -- r -- b\nlink a -- b")
    own = str(node_of(lab, "b").addresses[0].address)
    assert [interface for interface, _ in targets(lab, "a")[own]] == ["s", "b"]


def test_a_metric_sums_what_a_hop_leaves_by() -> None:
    text = "routing shortest by delay\nhost a b\nswitch s\nlink a -- s delay 2ms\nlink s -- b delay 3ms\n"
    direct = "link a -- b delay {}ms"
    for delay, wanted in ((4, ["b"]), (5, ["b", "s"]), (6, ["s"])):
        lab = lab_of(text + direct.format(delay))
        own = str(node_of(lab, "b").addresses[0].address)
        assert sorted(interface for interface, _ in targets(lab, "a")[own]) == wanted


def test_an_explicit_route_goes_by_a_neighbour_over_switches() -> None:
    text = "host a b\nrouter r q\nswitch s t\nlink a -- s -- t\nlink {r,q} -- t\nlink {r,q} -- b\n"
    lab = lab_of(text + "route a to b via r weight 2, q:t\nroute a to q:b via r")
    r, q = (own_of(lab, end)[0].partition("/")[0] for end in ("r:t", "q:t"))
    (route,) = [route for route in node_of(lab, "a").routes if len(route.nexthops) == 2 and route.explicit]
    assert [(hop.interface, str(hop.via), hop.weight) for hop in route.nexthops] == [("s", r, 2), ("s", q, 1)]
    assert targets(lab, "a")[own_of(lab, "q:b")[0].replace("/30", "/32")] == [("s", r)]


def test_explicit_routes_over_a_switch_can_be_a_circle() -> None:
    text = "host a b\nrouter r q\nswitch s\nlink {a,r,q} -- s\nlink r -- b\n"
    assert codes(text + "route q to b via r") == []
    assert codes(text + "route q to b via r\nroute r to b via q") == ["MPC502", "MPC502"]


# --- MPTCP ------------------------------------------------------------------------------------------


def find(text: str) -> list[Path]:
    lab = lab_of(text)
    return paths(Graph(lab, 4), "a", "b", 8)


def test_two_switches_are_two_paths() -> None:
    text = "host a b\nswitch s t\nlink {a,b} -- {s,t}\nmptcp a -- b"
    found = find(text)
    assert [path.first.interface for path in found] == ["s", "t"]
    assert [len(path.hops) for path in found] == [1, 1]
    assert codes(text) == []


def test_links_within_a_broadcast_domain_are_shared() -> None:
    text = (
        "host a b\nswitch s t\nlink a -- s\nlink a -- s\nlink b -- t\nlink b -- t\nlink s -- t rate 1mbit\n"
    )
    lab = lab_of(text)
    assert len(disjoint_paths(Graph(lab, 4), "a", "b", 8)) == 1
    assert "MPC705" in codes(text + "mptcp a -- b")


def test_a_spare_link_carries_nothing() -> None:
    text = "host a b\nswitch s t stp on\n" + 2 * "link a -- s\nlink b -- t\nlink s -- t\n"
    assert len(disjoint_paths(Graph(lab_of(text), 4), "a", "b", 8)) == 1


def test_each_subflow_keeps_to_its_switch() -> None:
    """Also behind a router that has the far LANs on two interfaces."""
    text = "host a b\nrouter r\nswitch s t u v\nlink r -- {s,t,u,v}\n"
    text += "link a -- {s,t}\nlink b -- {u,v}\nmptcp a -- b"
    lab = lab_of(text)
    kernel = Kernel(lab)
    for near, far in (("s", "u"), ("t", "v")):
        source, target = (interface_of(lab, end).addresses[0].ip for end in (f"a:{near}", f"b:{far}"))
        for way in kernel.ways("a", target, source):
            assert way[0] == ("a", near)
            assert len(way) == 2


def test_two_interfaces_on_one_lan_answer_for_themselves() -> None:
    script = compiled("host a b\nswitch s\nlink a -- s\nlink a -- s\nlink b -- s").up()
    assert script.count("net.ipv4.conf.all.arp_ignore=1\n") == 1
    assert "all.arp_ignore" not in compiled(LAN).up()
