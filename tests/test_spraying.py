"""Per-packet load balancing: the weights of paths, marks, rules and tables, and predictions."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import codes, compiled, lab_of
from labs import node_of as node
from random_labs import labs

from compiler.infer.weights import ENOUGH, MOST_TURNS, interleaved, weights
from compiler.model.lab import Lab
from compiler.model.routes import MAIN
from compiler.model.trials import Protocol, Transfer
from compiler.plan import turns
from compiler.plan.facts import Sysctl
from compiler.prediction.lookup import Lookup
from compiler.prediction.predict import Predictor
from compiler.prediction.ways import Fate, ways

DIAMOND = "host a b\nrouter c d\nlink {a,b} -- c rate 10mbit\nlink {a,b} -- d rate 5mbit\n"
DEEP = "host a b\nrouter e c d f\nlink a -- e rate 40mbit\nlink e -- {c,d} -- f rate 10mbit\nlink f -- b\n"


def tcp(text: str, source: str = "a", target: str = "b") -> float:
    return Predictor(lab_of(text)).between(source, target).goodput(Transfer()).expected / 1e6


# --- weights ----------------------------------------------------------------------------------------


def carried(rates: list[int], found: tuple[int, ...] | list[int]) -> Fraction:
    used = [Fraction(rate, weight) for rate, weight in zip(rates, found, strict=True) if weight]
    return min(used, default=Fraction(0)) * sum(found)


@settings(max_examples=100)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=3))
def test_no_weights_carry_much_more(rates: list[int]) -> None:
    found = weights([*rates])
    assert 1 <= sum(found) <= MOST_TURNS
    others = (one for one in product(range(13), repeat=len(rates)) if any(one))
    assert all(carried(rates, found) >= ENOUGH * carried(rates, one) for one in others)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6))
def test_turns_lie_as_evenly_as_weights_allow(own: list[int]) -> None:
    found = interleaved(own)
    assert Counter(found) == dict(enumerate(own))
    for place, weight in enumerate(own):
        seen = [turn for turn, one in enumerate(found) if one == place]
        gaps = [after - before for before, after in pairwise([*seen, seen[0] + len(found)])]
        assert max(gaps) <= 2 * -(-len(found) // weight)


def test_weights_are_by_rate_or_pinned() -> None:
    text = DIAMOND + "spray a -- b"
    assert [turn.hop.weight for turn in node(lab_of(text), "a").sprays[0].turns] == [2, 1]
    pinned = node(lab_of(text + " weights d:b 3 c 1"), "b").sprays[0]
    assert {turn.hop.interface: turn.hop.weight for turn in pinned.turns} == {"c": 1, "d": 3}


# --- marks ------------------------------------------------------------------------------------------


def consistent(lab: Lab) -> None:
    """Asserts that each mark leads by one rule to a table with the target, and marks sprayed packets only."""
    for one in lab.ip_nodes:
        tables = {table.number: table.routes for table in one.tables}
        marks = {turn.table for spray in one.sprays for turn in spray.turns}
        ruled = {(rule.version, rule.mark) for rule in one.rules if rule.mark and rule.table == rule.mark}
        assert {mark for _, mark in ruled} == marks
        for spray in one.sprays:
            assert len(spray.turns) > 1
            for turn in spray.turns:
                assert (spray.version, turn.table) in ruled
                (route,) = (route for route in tables[turn.table] if spray.target in route.targets)
                assert [(hop.via, hop.interface) for hop in route.nexthops] == [turn.hop[:2]]
            longer = {rule.longer for rule in one.rules if rule.mark == turn.table and rule.table == MAIN}
            assert longer == ({spray.target.prefixlen} if spray.target.num_addresses > 1 else set())


SPRAYED = [
    DIAMOND + "spray a -- b",
    DIAMOND + "pool fd00::/48\npool 10.0.0.0/8\nspray a -> b\nmptcp a -- b",
    DEEP + "route e to b via c, d per-packet\nroute f to a via c, d per-packet",
    DIAMOND + "route a to default via c, d per-packet\nroute a to 192.168.0.0/16 via d, c per-packet",
    "host a b\nrouter e c d\nlink a -- e\nlink e -- {c,d} -- b\nspray a -- b",
    "host a b\nrouter c d\nswitch s\nlink {a,c,d} -- s\nlink {c,d} -- b\nspray a -- b",
]


@pytest.mark.parametrize("text", SPRAYED)
def test_marks_lead_where_packets_are_to_go(text: str) -> None:
    lab = lab_of(text)
    consistent(lab)
    assert any(one.sprays for one in lab.nodes)


def test_sprays_of_random_labs_arrive() -> None:
    """Each sprayed packet arrives, whatever its way: none loops or is lost."""
    met = 0
    for _, text, compilation in labs(13, 250):
        lab = compilation.lab
        consistent(lab)
        lookup = Lookup(lab)
        for pair in lab.sprays:
            ends = [(pair.left, pair.right), *([(pair.right, pair.left)] if pair.both else [])]
            for source, target in ends:
                for spray in node(lab, source).sprays:
                    address = spray.target.network_address
                    if address in lookup.own[target]:
                        met += 1
                        fates = {way.fate for way in ways(lookup, source, address)}
                        assert fates <= {Fate.DELIVERED, Fate.FILTERED, Fate.LOST}, text
    assert met > 20


def test_a_table_is_numbered_by_what_it_is_for() -> None:
    text = DIAMOND + "spray a -- b"
    more = DIAMOND + "host x\nlink x -- c\nroute a to x via c\nspray x -> a\nspray a -- b"
    assert node(lab_of(text), "a").sprays == node(lab_of(more), "a").sprays


def test_routers_spray_where_paths_part() -> None:
    lab = lab_of("host a b\nrouter e c d\nlink a -- e\nlink e -- {c,d} -- b\nspray a -- b")
    (spray,) = node(lab, "e").sprays
    assert (spray.own, spray.passed, spray.incoming) == (False, True, "a")
    assert node(lab, "a").single == ("e",)
    assert node(lab, "b").single == ("c", "d")


def test_who_sends_to_a_router_that_sprays_hands_down_single_packets() -> None:
    lab = lab_of(DEEP + "route e to b via c, d per-packet")
    assert {one.name: one.single for one in lab.nodes if one.single} == {"a": ("e",), "e": ("c", "d")}


def test_what_is_told_to_nft_names_what_it_uses() -> None:
    for text in SPRAYED:
        for one in lab_of(text).ip_nodes:
            lines = [*turns.frame(one.sprays), *(line for spray in one.sprays for line in turns.lines(spray))]
            made = [line[4] for line in lines if line[1] == "chain"]
            assert len(made) == len(set(made))
            led = {line[line.index("goto") + 1] for line in lines if "goto" in line}
            assert {line[4] for line in lines if line[1] == "rule"} | led <= set(made)
            sets = [line[4] for line in lines if line[1] == "set"]
            assert {word[1:] for line in lines for word in line if word[0] == "@" and word[1] == "a"} <= set(
                sets
            )
            assert len(lines) == len(set(lines))


RECOVERY = "net.ipv4.tcp_recovery"


@pytest.mark.parametrize(
    ("more", "off"),
    [
        ("spray a -- b", True),
        ("spray a -- b weights c 1 d 1", False),
        ("spray a -- b\nshape a -> d loss 1%", False),
        ("spray a -- b\nat 1s shape a -> d corrupt 1%", False),
        ("route a to b via c weight 2, d per-packet", True),
        ("route a to b via c weight 2, d", False),
    ],
)
def test_rack_is_off_where_turns_have_weights_and_nothing_is_lost_at_random(more: str, off: bool) -> None:
    facts = compiled(DIAMOND + more).plan.facts
    assert any(isinstance(fact, Sysctl) and fact.key == RECOVERY for fact in facts) == off


# --- prediction -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        (DIAMOND + "spray a -- b", 14.34),
        (DIAMOND + "spray a -- b weights c 1 d 1", 9.56),
        (DIAMOND + "spray a -> b", 14.34),
        (DEEP + "route e to b via c, d per-packet", 19.13),
        (DEEP.replace("rate 40mbit", "rate 15mbit") + "route e to b via c, d per-packet", 14.34),
    ],
)
def test_a_flow_fills_what_its_turns_allow(text: str, rate: float) -> None:
    assert tcp(text) == pytest.approx(rate, abs=0.01)


def test_udp_fills_each_way_by_itself() -> None:
    predictor = Predictor(lab_of(DIAMOND + "spray a -- b weights c 1 d 1"))
    found = predictor.between("a", "b").goodput(Transfer(Protocol.UDP)).expected
    assert found / 1e6 == pytest.approx((15 * 1.25 / 2 + 5) * (1500 - 28) / 1514, abs=0.01)


@pytest.mark.parametrize("text", SPRAYED)
def test_parts_of_ways_make_a_whole(text: str) -> None:
    trips = Predictor(lab_of(text)).between("a", "b").trips
    assert sum(trip.out.share for trip in trips) == 1


def test_a_rate_that_turns_do_not_allow_is_refuted() -> None:
    def text(rate: int, using: str = "") -> str:
        return DIAMOND + f"spray a -- b weights c 1 d 1\nexpect a -> b rate >= {rate}mbit{using}"

    assert set(codes(text(12))) == {"MPC813", "MPC771"}
    assert set(codes(text(9))) == {"MPC771"}
    assert set(codes(text(12, " using udp"))) == {"MPC771"}


SWITCHED = "host a b\nswitch s t\nrouter c d\nlink {a,c} -- s\nlink s -- t -- d\nlink {c,d} -- b\n"


@pytest.mark.parametrize(
    ("link", "told"), [("d -- t", True), ("s -- t", True), ("a -- s", False), ("d -- b", False)]
)
def test_a_next_hop_that_is_gone_behind_switches_is_told(link: str, told: bool) -> None:
    text = f"{SWITCHED}route a to b via c, d per-packet\nat 1s down {link}"
    assert ("MPC775" in codes(text)) == told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (DIAMOND + "spray a -- b\nmptcp a -- b", "MPC776"),
        (DIAMOND + "route a to b via c weight 2, d per-packet\nmptcp b -- a", "MPC776"),
        (DIAMOND + "spray a -- b\nshape a -> d delay 5ms", "MPC777"),
        (DEEP.replace("f -- b", "f -- b rate 10mbit") + "route e to b via c, d per-packet", "MPC778"),
    ],
)
def test_what_works_against_packets_in_turn_is_told(text: str, code: str) -> None:
    compilation = compiled(text)
    compilation.survey()
    assert code in [found.code for found in compilation.diagnostics]
    assert (code in codes(text)) == (code not in ("MPC776", "MPC777"))
