"""Bonds: their legs, names, addresses and MTU, what is planned for them, and predictions."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs import compiled, interface_of, lab_of, node_of

from compiler.driver import Compilation, TopologyError
from compiler.model.lab import Lab
from compiler.model.links import Link
from compiler.model.trials import Protocol, Transfer
from compiler.plan.facts import Bond, BondLeg, OwnAddress, Qdisc, Routes, Up
from compiler.prediction.lookup import Lookup
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.ways import ways

TWO = "host a b\nlink a -- b rate 10mbit\nlink a -- b rate 10mbit\n"
DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\n"
MODES = ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad"]
LABS = [TWO + "bond a -- b", DIAMOND + "tunnel a -- b via {c,d}\nbond a -- b"]


def bonds(lab: Lab) -> list[Link]:
    return [link for link in lab.links if link.bond]


def legs(lab: Lab) -> list[str]:
    return [f"{leg.left} {leg.right}" for link in bonds(lab) for leg in (link.bond.legs if link.bond else ())]


def between(text: str) -> Prediction:
    return Predictor(lab_of(text)).between("a", "b")


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("bond a -- b", ["a:b b:a", "a:b.2 b:a.2"]),
        ("bond b -- a", ["b:a a:b", "b:a.2 a:b.2"]),
        ("link a -- b\nbond a -- b over a:b.3 b:a", ["a:b.3 b:a.3", "a:b b:a"]),
        ("link a -- b\nbond a -- b over a:b a:b.2", ["a:b b:a", "a:b.2 b:a.2"]),
        (
            "router c\nlink a -- c -- b\ntunnel a -- b via c\nbond a -- b over {a:b,a:b.3}",
            ["a:b b:a", "a:b.3 b:a.3"],
        ),
        ("for i in 1..1 {\n bond a -- b\n}", ["a:b b:a", "a:b.2 b:a.2"]),
    ],
)
def test_legs_are_all_links_or_those_that_are_named(statement: str, found: list[str]) -> None:
    assert legs(lab_of(TWO + statement)) == found


def test_a_set_has_a_bond_for_each_pair() -> None:
    lab = lab_of("host a b c\nlink {a,b} -- c\nlink {a,b} -- c\nbond {a,b} -- c mode active-backup")
    assert [f"{link.left.id} {link.right.id}" for link in bonds(lab)] == [
        "a:bond-c c:bond-a",
        "b:bond-c c:bond-b",
    ]


def test_several_bonds_of_a_pair_are_numbered() -> None:
    text = TWO + "link a -- b\nlink a -- b\nbond a -- b over a:b a:b.2\nbond a -- b over a:b.3 a:b.4"
    assert [str(link.left.id) for link in bonds(lab_of(text))] == ["a:bond-b", "a:bond-b.2"]


def test_a_used_file_has_bonds_of_its_own_nodes(tmp_path: Path) -> None:
    text = TWO + "bond a -- b over a:b a:b.2\nroute a to 10.77.0.0/16 via b:bond-a"
    (tmp_path / "part.topo").write_text(text)
    lab = Compilation(str(tmp_path / "lab.topo"), 'use "part.topo" as p').lab
    assert legs(lab) == ["p-a:p-b p-b:p-a", "p-a:p-b.2 p-b:p-a.2"]
    assert [str(link.left.id) for link in bonds(lab)] == ["p-a:bond-p-b"]


@pytest.mark.parametrize("text", LABS)
def test_a_bond_has_the_addresses_and_its_legs_have_none(text: str) -> None:
    compilation = compiled(text)
    lab = compilation.lab
    own = {id for link in lab.links if link.leg for id in (link.left.id, link.right.id)}
    assert len(own) == 4
    assert not own & lab.interfaces.keys()
    assert interface_of(lab, "a:bond-b").address(4)
    facts = list(compilation.plan.facts)
    of_legs = {(f"lab-{id.node}", id.name) for id in own}
    assert not {(one.namespace, one.device) for one in facts if isinstance(one, OwnAddress)} & of_legs
    assert not {(one.namespace, one.name) for one in facts if isinstance(one, Up)} & of_legs
    assert {(one.namespace, one.name) for one in facts if isinstance(one, BondLeg)} == of_legs
    assert not any(f" {id.name}.{id.node}" in line for id in own for line in compilation.plan.hosts)
    (target,) = (own.address.network for own in node_of(lab, "b").addresses)
    (route,) = (route for route in node_of(lab, "a").routes if target in route.targets)
    assert {hop.interface for hop in route.nexthops} == {"bond-b"}


@pytest.mark.parametrize(
    ("text", "mtu"),
    [
        (TWO, 1500),
        ("host a b\nlink a -- b mtu 9000\nlink a -- b mtu 1400\n", 1400),
        (DIAMOND + "tunnel a -- b via c\ntunnel a -- b via d kind gre\n", 1450),
    ],
)
def test_all_legs_have_the_mtu_of_the_narrowest(text: str, mtu: int) -> None:
    lab = lab_of(text + "bond a -- b")
    assert [link.mtu for link in bonds(lab)] == [mtu]
    assert {link.packet for link in lab.links if link.leg} == {mtu}
    lab = lab_of(text + "bond a -- b mtu 1300")
    assert {link.packet for link in lab.links if link.leg or link.bond} == {1300}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("text", LABS)
def test_arp_asks_over_tunnels_and_carriers_tell_of_links(text: str, mode: str) -> None:
    plan = compiled(f"{text} mode {mode}").plan
    ends = [fact for fact in plan.facts if isinstance(fact, Bond)]
    asks = "tunnel" in text and mode != "802.3ad"
    assert [(end.mode, end.target is not None) for end in ends] == [(mode, asks)] * 2
    splits = {fact.device for fact in plan.facts if isinstance(fact, Qdisc)} & {"bond-a", "bond-b"}
    assert splits == ({"bond-a", "bond-b"} if mode == "balance-rr" else set())
    monitor = "arp_ip_target" if asks else "miimon 100"
    assert compiled(f"{text} mode {mode}").up().count(monitor) == 2


@pytest.mark.parametrize(("mode", "told"), [("active-backup", False), ("balance-rr", True)])
def test_active_backup_tells_of_the_tunnel_in_use_alone(mode: str, told: bool) -> None:
    """It asks over no other, and takes those for broken; a check then expects nothing of them."""
    made = compiled(f"{LABS[1]} mode {mode}")
    assert {fact.told for fact in made.plan.facts if isinstance(fact, BondLeg)} == {told}
    assert ("leg b UP" in made.script("check")) == told
    assert "leg b UP" in compiled(f"{LABS[0]} mode {mode}").script("check")


def test_gateways_over_a_bond_without_a_carrier_are_taken() -> None:
    """Where routes over links that are down are ignored, a gateway of IPv6 in a table is not looked for."""
    text = f"pool 10.0.0.0/8\npool fd00::/48\n{LABS[1]}"
    tabled = [
        (":" in str(hop.via), hop.interface, hop.onlink)
        for fact in compiled(f"{text}\nspray a -- b").plan.facts
        if isinstance(fact, Routes) and fact.table
        for hop in fact.hops
    ]
    assert {onlink for six, name, onlink in tabled if six and name.startswith("bond-")} == {True}
    assert {onlink for six, name, onlink in tabled if not (six and name.startswith("bond-"))} == {False}
    assert "onlink" not in compiled(text).up()


def test_ipv6_asks_by_neighbour_discovery() -> None:
    plan = compiled(f"pool fd00::/48\n{LABS[1]}").plan
    lab = lab_of(f"pool fd00::/48\n{LABS[1]}")
    targets = {fact.target for fact in plan.facts if isinstance(fact, Bond)}
    assert targets == {interface_of(lab, name).address(6) for name in ("a:bond-b", "b:bond-a")}


def test_legs_are_shaped_before_they_are_up() -> None:
    """Each change of a queueing discipline of an interface that is up waits for all processors."""
    facts = list(compiled(LABS[0]).plan.facts)
    at = {leg: place for place, leg in enumerate(facts) if isinstance(leg, BondLeg)}
    for place, fact in enumerate(facts):
        if isinstance(fact, Qdisc):
            assert all(place < there for leg, there in at.items() if leg.namespace == fact.namespace)


@pytest.mark.parametrize(
    ("metric", "over"), [("hops", "b b.2"), ("rate", "b b.2"), ("delay", "b b.2"), ("cost", "c")]
)
def test_a_bond_costs_what_its_legs_do_side_by_side(metric: str, over: str) -> None:
    """By rate it is as fast as all, by delay as slow as the slowest, and a link by hops and by cost."""
    text = f"routing shortest by {metric}\n{TWO}router c\nlink a -- c -- b rate 30mbit delay 1ms\n"
    trips = between(f"{text}bond a -- b cost 3").trips
    assert [trip.out.crossings[0].out.name for trip in trips] == over.split()


@given(st.lists(st.integers(5, 40), min_size=2, max_size=4))
def test_one_connection_has_what_the_slowest_leg_carries_times_their_number(rates: list[int]) -> None:
    links = "".join(f"link a -- b rate {rate}mbit\n" for rate in rates)
    prediction = between(f"host a b\n{links}bond a -- b")
    frames = len(rates) * min(rates) * 1e6
    assert prediction.goodput(Transfer()).expected == pytest.approx(frames * 1448 / 1514, rel=0.01)
    assert sum(trip.out.turns for trip in prediction.trips) == 1


def test_a_bond_of_tunnels_carries_what_was_measured() -> None:
    """18.47 Mbit/s on Linux 6.12, 18.4 on 6.1; over links 19.1."""
    assert between(LABS[1]).goodput(Transfer()).expected == pytest.approx(18.47e6, rel=0.01)
    assert between(LABS[0]).goodput(Transfer()).expected == pytest.approx(19.13e6, rel=0.01)


@pytest.mark.parametrize("mode", MODES[1:])
def test_other_modes_send_a_flow_over_one_leg(mode: str) -> None:
    prediction = between(f"{TWO}bond a -- b mode {mode}")
    assert prediction.goodput(Transfer()).expected == pytest.approx(9.56e6, rel=0.01)
    several = prediction.goodput(Transfer(flows=32)).expected
    both = mode in ("balance-xor", "802.3ad")
    assert several == pytest.approx(19.13e6 if both else 9.56e6, rel=0.02)


def test_udp_has_the_sum_of_what_legs_carry() -> None:
    text = "host a b\nlink a -- b rate 10mbit\nlink a -- b rate 5mbit\nbond a -- b"
    found = between(text).goodput(Transfer(Protocol.UDP)).expected
    assert found == pytest.approx((9.375 + 5) * 1e6 * 1472 / 1514, rel=0.05)


@pytest.mark.parametrize(
    ("mode", "left"), [("balance-rr", "b.2"), ("active-backup", "b.2"), ("balance-xor", "b.2")]
)
def test_a_leg_that_is_down_is_left_out(mode: str, left: str) -> None:
    lab = lab_of(f"{TWO}bond a -- b mode {mode}")
    down = {id for link in lab.links[:1] for id in (link.left.id, link.right.id)}
    (target,) = (own.address.ip for own in node_of(lab, "b").addresses)
    found = ways(Lookup(lab, down), "a", target)
    assert [[crossing.out.name for crossing in way.crossings] for way in found] == [[left]]


def test_an_event_takes_down_a_bond_or_one_leg() -> None:
    script = compiled(f"{TWO}bond a -- b\nat 1s down a -- b\nat 2s up a -- b\nat 3s down a:b -- b").script(
        "play"
    )
    assert "link set dev bond-b down" in script
    assert "link set dev b down" in script
    assert "link set dev b.2 down" not in script


@pytest.mark.parametrize("name", ["bond0", "teql1", "gre0", "tunl0", "sit0", "gretap0"])
def test_names_that_modules_bring_are_refused(name: str) -> None:
    compilation = compiled(f"host a b\nlink a:{name} -- b")
    with pytest.raises(TopologyError):
        _ = compilation.lab
    assert [one.code for one in compilation.diagnostics] == ["MPC207"]
