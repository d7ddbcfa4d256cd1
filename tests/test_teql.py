"""Teqls: their legs, names, bridges and MTU, what is planned for them, and predictions."""

from pathlib import Path

import pytest
from labs import codes, compiled, interface_of, lab_of, node_of

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.model.links import Link, LinkKind
from compiler.model.trials import Protocol, Transfer
from compiler.plan.facts import Bridge, BridgePort, OwnAddress, PolicyRule, Qdisc, Sysctl, Teql, Up
from compiler.prediction.lookup import Lookup
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.ways import ways

TWO = "host a b\nlink a -- b rate 10mbit\nlink a -- b rate 10mbit\n"
DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\n"
LABS = [TWO + "teql a -- b", DIAMOND + "tunnel a -- b via {c,d}\nteql a -- b"]


def teqls(lab: Lab) -> list[Link]:
    return [link for link in lab.links if link.kind is LinkKind.TEQL]


def between(text: str) -> Prediction:
    return Predictor(lab_of(text)).between("a", "b")


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("teql a -- b", ["a:b b:a", "a:b.2 b:a.2"]),
        ("teql b -- a", ["b:a a:b", "b:a.2 a:b.2"]),
        ("link a -- b\nteql a -- b over a:b.3 b:a", ["a:b.3 b:a.3", "a:b b:a"]),
        ("link a -- b\nlink a -- b\nbond a -- b over a:b a:b.2\nteql a -- b over {a:b.3,a:b.4}", None),
    ],
)
def test_legs_are_all_links_or_those_that_are_named(statement: str, found: list[str] | None) -> None:
    (link,) = teqls(lab_of(TWO + statement))
    legs = [f"{leg.left} {leg.right}" for leg in link.bond.legs] if link.bond else []
    assert legs == (found or ["a:b.3 b:a.3", "a:b.4 b:a.4"])


def test_a_used_file_has_teqls_of_its_own_nodes(tmp_path: Path) -> None:
    text = TWO + "teql a -- b over a:b a:b.2\nroute a to 10.77.0.0/16 via b:teql-a"
    (tmp_path / "part.topo").write_text(text)
    lab = Compilation(str(tmp_path / "lab.topo"), 'use "part.topo" as p').lab
    (link,) = teqls(lab)
    assert [str(end.id) for end in link.ends] == ["p-a:teql-p-b", "p-b:teql-p-a"]


@pytest.mark.parametrize("text", LABS)
def test_each_leg_is_a_bridge_of_one_port(text: str) -> None:
    """With the address of IPv6 on it, as neighbour discovery asks for that there, and none of IPv4."""
    compilation = compiled(f"pool 10.0.0.0/8\npool fd00::/48\n{text}")
    facts = list(compilation.plan.facts)
    ends = [fact for fact in facts if isinstance(fact, Teql)]
    assert [(end.name, end.legs) for end in ends] == [
        ("teql-b", ("q.b", "q.b.2")),
        ("teql-a", ("q.a", "q.a.2")),
    ]
    assert compilation.plan.teqls == 2
    legs = {(end.namespace, leg) for end in ends for leg in end.legs}
    assert {(one.namespace, one.name) for one in facts if isinstance(one, Bridge)} == legs
    ports = {(one.namespace, one.bridge): one.name for one in facts if isinstance(one, BridgePort)}
    assert ports == {(here, leg): leg.removeprefix("q.") for here, leg in legs}
    own = {(f"lab-{end.node}", end.name) for link in compilation.lab.links if link.leg for end in link.ends}
    assert not {(one.namespace, one.name) for one in facts if isinstance(one, Up)} & own
    on_legs = [one.address for one in facts if isinstance(one, OwnAddress) and one.device.startswith("q.")]
    of_teqls = [interface_of(compilation.lab, name).address(6) for name in ("a:teql-b", "b:teql-a")]
    assert [str(address.ip) for address in on_legs] == [str(ip) for ip in of_teqls for _ in (1, 2)]
    queues = [fact for fact in facts if isinstance(fact, Qdisc) and fact.device.startswith(("teql", "q."))]
    assert {(queue.device, queue.kind) for queue in queues} == {("teql-a", "pfifo"), ("teql-b", "pfifo")}


def test_legs_have_their_ports_before_a_teql_comes_up() -> None:
    """As it has their MTU then, and does not come up without any."""
    facts = list(compiled(TWO + "teql a -- b mtu 1300").plan.facts)
    ups = {fact: place for place, fact in enumerate(facts) if isinstance(fact, Up)}
    for place, fact in enumerate(facts):
        if isinstance(fact, BridgePort):
            peer = "b" if fact.namespace.endswith("-a") else "a"
            assert place < ups[Up(fact.namespace, f"teql-{peer}")]
    assert {fact.mtu for fact in facts if isinstance(fact, Teql)} == {1300}


def test_long_names_of_bridges_are_shortened() -> None:
    far = "datacenter-north"
    lab = lab_of(f"host a {far}\nlink a -- {far}\nlink a:wan-of-site-001 -- {far}\nteql a -- {far}")
    (link,) = teqls(lab)
    names = [*link.bridges(link.left), *link.bridges(link.right)]
    assert len(set(link.bridges(link.left))) == 2
    assert all(name.startswith("q.") and len(name) <= 15 for name in names)


@pytest.mark.parametrize(
    ("text", "mtu"),
    [
        (TWO, 1500),
        ("host a b\nlink a -- b mtu 9000\nlink a -- b mtu 1400\n", 1400),
        (DIAMOND + "tunnel a -- b via c\ntunnel a -- b via d kind gre\n", 1450),
    ],
)
def test_all_legs_have_the_mtu_of_the_narrowest(text: str, mtu: int) -> None:
    lab = lab_of(text + "teql a -- b")
    assert {link.packet for link in lab.links if link.leg or link.bond} == {mtu}


CLIENT = """
host client server
router wifi lte core
link client -- {wifi,lte}
link {wifi,lte} -- core
link {wifi,lte} -- core
teql {wifi,lte} -- core
link core -- server
mptcp client -> server
"""
SPRAY = """
host a b
router c d
link a -- c
link a -- c
teql a -- c
link a -- d
link {c,d} -- b
spray a -- b
"""


def test_what_comes_in_is_known_by_the_legs() -> None:
    """In ip-rule(8) and nft(8), as it comes in by bridges: each has a rule."""
    rules = [fact.rule for fact in compiled(CLIENT).plan.facts if isinstance(fact, PolicyRule)]
    asked = {rule.incoming for rule in rules if rule.incoming}
    assert asked == {"q.core", "q.core.2"}
    script = compiled(SPRAY).up()
    assert script.count('iifname "q.c" ') == script.count('iifname "q.c.2" ') == 1
    assert 'iifname "teql' not in script


def test_answers_of_arp_are_by_interface_where_a_teql_ends() -> None:
    """As its legs answer for its address, which is on none of them."""
    text = f"{TWO}teql a -- b\nswitch s\nhost c\nlink a -- s\nlink a -- s\nlink c -- s\nlink c -- s"
    keys = {(fact.namespace, fact.key) for fact in compiled(text).plan.facts if isinstance(fact, Sysctl)}
    ignore = {key for key in keys if key[1].endswith("arp_ignore")}
    assert ignore == {
        ("lab-a", "net.ipv4.conf.s.arp_ignore"),
        ("lab-a", "net.ipv4.conf.s/2.arp_ignore"),
        ("lab-c", "net.ipv4.conf.all.arp_ignore"),
    }


@pytest.mark.parametrize("key", ["all.rp_filter=2", "default.arp_ignore=1", "all.arp_filter=1"])
def test_settings_by_which_nothing_gets_through_are_refused(key: str) -> None:
    assert "MPC530" in codes(f"{TWO}teql a -- b\nsysctl a net.ipv4.conf.{key}")
    assert "MPC530" not in codes(f"{TWO}teql a -- b\nsysctl a net.ipv4.conf.{key.partition('=')[0]}=0")
    assert "MPC530" not in codes(f"{TWO}bond a -- b\nsysctl a net.ipv4.conf.{key}")


def test_a_teql_carries_what_was_measured() -> None:
    """On Linux 6.1: 19.1 Mbit/s over links and 18.5 over tunnels."""
    assert between(LABS[0]).goodput(Transfer()).expected == pytest.approx(19.13e6, rel=0.01)
    assert between(LABS[1]).goodput(Transfer()).expected == pytest.approx(18.47e6, rel=0.01)
    assert between(LABS[0]).goodput(Transfer(Protocol.UDP)).expected == pytest.approx(19.4e6, rel=0.05)


def test_a_leg_that_is_down_is_left_out() -> None:
    lab = lab_of(f"{TWO}teql a -- b")
    down = {id for link in lab.links[:1] for id in (link.left.id, link.right.id)}
    (target,) = (own.address.ip for own in node_of(lab, "b").addresses)
    found = ways(Lookup(lab, down), "a", target)
    assert [[crossing.out.name for crossing in way.crossings] for way in found] == [["b.2"]]


def test_an_event_takes_down_a_teql_or_one_leg() -> None:
    text = f"{TWO}teql a -- b\nat 1s down a -- b\nat 2s up a -- b\nat 3s down a:b -- b"
    script = compiled(text).script("play")
    assert "link set dev teql-b down" in script
    assert "link set dev b down" in script
    assert "link set dev b.2 down" not in script


@pytest.mark.parametrize(("left", "right"), [(LABS[0], LABS[0].replace("teql", "bond")), tuple(LABS)])
def test_plans_of_different_links_differ(left: str, right: str) -> None:
    assert compiled(left).plan.digest != compiled(right).plan.digest
