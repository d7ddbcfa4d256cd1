"""Tunnels: their paths, addresses, MTU and routes, and predictions for them."""

from ipaddress import ip_interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import Kernel, compiled, interface_of, lab_of, node_of

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.model.links import Link, LinkKind
from compiler.model.networks import Address
from compiler.model.trials import Transfer
from compiler.plan.facts import OwnAddress, Tunnel
from compiler.prediction.predict import Predictor

DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\n"
CHAIN = "host a b\nrouter c d e\nlink a -- c -- d -- e -- b\n"


def tunnels(lab: Lab) -> list[Link]:
    return [link for link in lab.links if link.tunnel]


def outer(link: Link) -> tuple[Address, Address]:
    assert link.tunnel
    assert link.tunnel.outer
    return link.tunnel.outer


def names(lab: Lab) -> list[str]:
    return [f"{link.left.id} {link.right.id}" for link in tunnels(lab)]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("tunnel a -- b via c", ["a:b b:a"]),
        ("tunnel a -- b via {c,d}", ["a:b b:a", "a:b.2 b:a.2"]),
        ("tunnel a:x -- b via c\ntunnel a -- b via d", ["a:x b:a", "a:b b:a.2"]),
        ("link a -- b\ntunnel a -- b via c", ["a:b.2 b:a.2"]),
        ("tunnel a -- b via c\nlink a -- b", ["a:b.2 b:a.2"]),
        ("for i in {c,d} {\n tunnel a -- b via [i]\n}", ["a:b b:a", "a:b.2 b:a.2"]),
        ("tunnel {c,x} -- d via b", ["c:d d:c", "x:d d:x"]),
    ],
)
def test_tunnels_are_numbered_after_links(statement: str, found: list[str]) -> None:
    assert names(lab_of(f"{DIAMOND.replace('host a b', 'router a b x')}link x -- b\n{statement}")) == found


def test_a_used_file_has_tunnels_of_its_own_nodes(tmp_path: Path) -> None:
    (tmp_path / "part.topo").write_text(DIAMOND + "tunnel a -- b via c:a d:b\nlink c -- d\n")
    (tunnel,) = tunnels(Compilation(str(tmp_path / "lab.topo"), 'use "part.topo" as p').lab)
    assert tunnel.tunnel
    assert [str(end) for ends in tunnel.tunnel.links for end in ends] == [
        *("p-a:p-c", "p-c:p-a", "p-c:p-d", "p-d:p-c", "p-d:p-b", "p-b:p-d"),
    ]


@pytest.mark.parametrize(
    ("pool", "kind", "mtu"),
    [
        ("10.0.0.0/8", "vxlan", 1450),
        ("10.0.0.0/8", "gre", 1462),
        ("10.0.0.0/8", "ipip", 1480),
        ("fd00::/48", "vxlan", 1430),
        ("fd00::/48", "gre", 1434),
        ("fd00::/48", "ipip", 1452),
    ],
)
def test_the_mtu_is_what_the_narrowest_link_leaves(pool: str, kind: str, mtu: int) -> None:
    lab = lab_of(f"pool {pool}\n{DIAMOND}tunnel a -- b via c kind {kind}")
    assert [link.mtu for link in tunnels(lab)] == [mtu]
    narrow = f"pool {pool}\nhost a b\nrouter c\nlink a -- c mtu 9000\nlink c -- b mtu 1400\n"
    assert [link.mtu for link in tunnels(lab_of(f"{narrow}tunnel a -- b via c kind {kind}"))] == [mtu - 100]


def test_a_pinned_mtu_is_kept() -> None:
    assert [link.mtu for link in tunnels(lab_of(f"{DIAMOND}tunnel a -- b via c mtu 1300"))] == [1300]


def test_each_end_is_made_where_its_packets_leave() -> None:
    facts = list(compiled(f"{DIAMOND}tunnel a -- b via c kind gre").plan.facts)
    ends = [fact for fact in facts if isinstance(fact, Tunnel)]
    assert [(end.namespace, end.name, end.kind) for end in ends] == [
        ("lab-a", "b", LinkKind.GRE),
        ("lab-b", "a", LinkKind.GRE),
    ]
    assert (ends[0].local, ends[0].remote) == (ends[1].remote, ends[1].local)
    own = {
        (fact.namespace, fact.address)
        for fact in facts
        if isinstance(fact, OwnAddress) and fact.device == "lo"
    }
    assert {(end.namespace, ip_interface(end.local)) for end in ends} <= own


def test_outer_addresses_have_no_names() -> None:
    compilation = compiled(f"{DIAMOND}tunnel a -- b via c")
    (link,) = tunnels(compilation.lab)
    named = [line.split()[0] for line in compilation.plan.hosts]
    assert not {str(address) for address in outer(link)} & set(named)
    assert str(interface_of(compilation.lab, "a:b").address(4)) in named


PATHS = st.lists(st.sampled_from("cdef"), min_size=1, max_size=3, unique=True)


@given(st.lists(PATHS, min_size=1, max_size=5), st.booleans())
def test_what_a_tunnel_sends_keeps_to_its_path(paths: list[list[str]], six: bool) -> None:
    """Independent of the shortest path and of other tunnels."""
    nodes = "abcdef"
    links = "".join(f"link {a} -- {b}\n" for a in nodes for b in nodes if a < b)
    text = f"{'pool fd00::/48' if six else ''}\nrouter {' '.join(nodes)}\n{links}"
    text += "".join(f"tunnel a -- b via {' '.join(path)}\n" for path in paths)
    lab = lab_of(text)
    kernel = Kernel(lab)
    for path, link in zip(paths, tunnels(lab), strict=True):
        left, right = outer(link)
        kernel.own["a"].add(left)
        kernel.own["b"].add(right)
        assert [[hop[0] for hop in way] for way in kernel.ways("a", right)] == [["a", *path]]
        assert [[hop[0] for hop in way] for way in kernel.ways("b", left)] == [["b", *path[::-1]]]


def test_one_more_tunnel_changes_no_other() -> None:
    few, more = (lab_of(f"{DIAMOND}tunnel a -- b via c{rest}") for rest in ("", "\ntunnel a -- b via d"))
    assert tunnels(more)[0].tunnel == tunnels(few)[0].tunnel
    for id, end in few.interfaces.items():
        assert more.interfaces[id].addresses == end.addresses
    for name in "abcd":
        own = ([own.address for own in node_of(lab, name).addresses] for lab in (few, more))
        assert next(own) == next(own)


def test_numbers_differ() -> None:
    text = "".join(f"tunnel a -- b via c cost {cost}\n" for cost in range(1, 60))
    numbers = [link.tunnel.number for link in tunnels(lab_of(DIAMOND + text)) if link.tunnel]
    assert len(set(numbers)) == len(numbers) == 59
    assert all(0 < number < 2**24 for number in numbers)


@pytest.mark.parametrize(("metric", "over"), [("hops", "b"), ("delay", "x"), ("cost", "b")])
def test_a_tunnel_costs_what_its_links_do(metric: str, over: str) -> None:
    """By hops it is one link; by delay it costs the sum of the links that carry it."""
    text = f"routing shortest by {metric}\nhost a b\nrouter c x\nlink a -- c -- b delay 10ms\n"
    text += "link a -- x -- b delay 5ms cost 3\ntunnel a -- b via c\n"
    lab = lab_of(text)
    (target,) = (own.address.network for own in node_of(lab, "b").addresses)
    (route,) = (route for route in node_of(lab, "a").routes if target in route.targets)
    assert {hop.interface for hop in route.nexthops} == {over}


@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        ("vxlan", (1450 - 52) / (1464 + 50)),
        ("gre", (1462 - 52) / (1476 + 38)),
        ("ipip", (1480 - 52) / (1494 + 20)),
    ],
)
def test_a_tunnel_takes_its_header_from_the_rate(kind: str, rate: float) -> None:
    lab = lab_of(f"{DIAMOND}tunnel a -- b via c kind {kind}")
    prediction = Predictor(lab).between("a", "b")
    (trip,) = prediction.trips
    assert trip.out.nodes == ("a", "c", "b")
    assert prediction.goodput(Transfer()).expected == pytest.approx(10**7 * rate, rel=0.002)


def test_a_tunnel_has_the_delay_and_loss_of_its_links() -> None:
    text = "host a b\nrouter c\nlink a -- c -- b delay 10ms loss 10%\ntunnel a -- b via c"
    (trip,) = Predictor(lab_of(text)).between("a", "b").trips
    assert trip.rtt == (40_000, 40_000)
    assert trip.loss == pytest.approx(0.19)


def test_two_tunnels_over_one_link_share_its_rate() -> None:
    lab = lab_of(f"{DIAMOND}tunnel a -- b via c\ntunnel a -- b via c")
    found = Predictor(lab).between("a", "b").goodput(Transfer(flows=8))
    assert found.expected == pytest.approx(10**7 * (1450 - 52) / (1464 + 50), rel=0.002)


def test_an_event_takes_down_a_tunnel_as_a_link() -> None:
    script = compiled(f"{DIAMOND}tunnel a -- b via c\nat 1s down a:b -- b\nat 2s up a:b -- b").script("play")
    assert "link set dev b down" in script
    assert "address replace" in script
