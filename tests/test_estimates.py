"""Estimates: the outcomes of hashes, bounds of transfers, and predictions for all nodes at once."""

import json
import re
from collections import defaultdict
from itertools import product
from math import inf
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import codes, compiled, lab_of
from test_prediction import labs

from compiler.cli import main
from compiler.model.trials import Protocol, Transfer
from compiler.prediction import quantities, timeouts
from compiler.prediction.export import predictions_as_json
from compiler.prediction.maxflow import of_flows
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.rounds import Rounds
from compiler.prediction.show import show
from compiler.prediction.trips import Trip, capacities

DATA = 1448 / 1514


def between(text: str, source: str = "a", target: str = "b") -> Prediction:
    return Predictor(lab_of(text)).between(source, target)


def parallel(*rates: int, weights: str = "") -> str:
    lines = [
        "host a b",
        *(f"router r{i}\nlink {{a,b}} -- r{i} rate {rate}mbit" for i, rate in enumerate(rates)),
    ]
    return "\n".join([*lines, weights])


# --- placements -------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=4), st.integers(1, 5))
def test_outcomes_are_those_of_all_placements(paths: list[tuple[int, int]], flows: int) -> None:
    """Disjoint paths carry their rates if any flow is on them; each placement has its probability."""
    rates, weights = zip(*paths, strict=True)
    hops = ", ".join(f"r{i} weight {weight}" for i, weight in enumerate(weights))
    found = between(parallel(*rates, weights=f"route a to b via {hops}")).goodput(
        Transfer(Protocol.TCP, flows)
    )
    expected: defaultdict[int, float] = defaultdict(float)
    for placed in product(range(len(paths)), repeat=flows):
        chance = 1.0
        for place in placed:
            chance *= weights[place] / sum(weights)
        expected[sum(rates[place] for place in set(placed))] += chance
    assert {round(rate / 1e6 / DATA): pytest.approx(chance) for rate, chance in found.outcomes} == dict(
        expected
    )


def test_one_flow_has_one_of_two_rates() -> None:
    found = between(parallel(13, 4)).goodput(Transfer())
    assert quantities.estimate(found) == ["12.4 or 3.83 Mbit/s", "each with 1/2"]
    assert found.likely == (found.least, found.most) == pytest.approx((4e6 * DATA, 13e6 * DATA))
    assert found.chance(8e6) == 0.5


def test_twelve_flows_miss_one_of_four_paths_now_and_then() -> None:
    found = between(parallel(5, 5, 5, 5)).goodput(Transfer(Protocol.TCP, 12))
    assert quantities.estimate(found) == ["19.1 or 14.3 Mbit/s", "with 87 %, 12 %"]


def test_a_way_that_loses_all_is_one_that_flows_may_take() -> None:
    found = between(parallel(8, 8) + "shape r0 -> b loss 100%").goodput(Transfer())
    assert quantities.estimate(found) == ["7.65 or 0 Mbit/s", "each with 1/2"]
    back = between(parallel(8, 8) + "route b to a via r0, r1\nshape r0 -> a loss 100%").goodput(Transfer())
    assert quantities.estimate(back) == ["7.65 or 0 Mbit/s", "each with 1/2"]


def test_many_placements_are_drawn() -> None:
    """100 paths and 128 flows; the probability that a path has no flow is 0.99 to the power of 128."""
    found = between(parallel(*[1] * 100)).goodput(Transfer(Protocol.TCP, 128))
    assert found.expected / 1e6 / DATA == pytest.approx(100 * (1 - 0.99**128), rel=0.02)
    low, high = quantities.estimate(found)[1].removeprefix("9 of 10: ").split(" to ")
    assert 62 < float(low) < 66
    assert 73 < float(high) < 76


# --- bounds -----------------------------------------------------------------------------------------


def greedy(trips: list[Trip]) -> float:
    """The total of flows that are added one by one, each with all remaining capacity of its path."""
    left = dict(capacities((one for trip in trips for one in trip.out.crossings), with_bursts=True))
    total = 0.0
    for trip in trips:
        amount = min((left.get(link, inf) for link in trip.out.links), default=0.0)
        total += amount
        for link in left.keys() & set(trip.out.links):
            left[link] -= amount
    return total


@settings(max_examples=60)
@given(labs(), st.integers(1, 3), st.data())
def test_nothing_exceeds_a_bound(text: str, flows: int, data: st.DataObject) -> None:
    """Nor do flows that share unfairly, in any order."""
    rated = "\n".join(
        f"{line} rate {data.draw(st.integers(1, 9))}mbit" if line.startswith("link") else line
        for line in text.splitlines()
    )
    found = between(rated)
    if not found.working:
        return
    bound = of_flows([found.working] * flows)
    for placed in product(found.working, repeat=flows):
        assert greedy(list(placed)) <= bound.rate * (1 + 1e-9)
    most = found.most(Transfer(Protocol.TCP, flows)).rate
    assert found.placed(Transfer(Protocol.TCP, flows)).most <= most * (1 + 1e-9)


def test_a_bound_is_of_as_many_ways_as_there_are_flows() -> None:
    found = between(parallel(10, 5, 1)).working
    rates = [of_flows([found] * flows).rate for flows in (1, 2, 3, 4)]
    bursts = [8 * (one.out.crossings[0].out.shaping.burst or 0) for one in found]
    assert rates == [10e6 + bursts[0], 15e6 + sum(bursts[:2]), 16e6 + sum(bursts), 16e6 + sum(bursts)]


def test_many_ways_refute_nothing_that_they_carry() -> None:
    text = parallel(*[1] * 100) + "expect a -> b rate >= "
    assert codes(text + "66mbit using tcp 128") == ["MPC814"]
    assert codes(text + "102mbit using tcp 128") == ["MPC813"]


def test_a_host_that_forwards_by_sysctl_carries() -> None:
    text = "host a b h\nlink a -- h -- b rate 5mbit\nsysctl h net.ipv4.ip_forward=1"
    assert between(text).bound.rate == 5e6


# --- any lab ----------------------------------------------------------------------------------------

ATTRIBUTES = [
    *("rate 1kbit", "rate 10mbit", "rate 1tbit", "rate 10mbit queue 1p"),
    *(
        "rate 10mbit burst 70000b queue 1p",
        "delay 1us",
        "delay 20ms jitter 30ms",
        "delay 270s",
        "rate 1kbit delay 270s",
    ),
    *("loss 100%", "loss 99.999999%", "loss 50%", "loss 0.000001%", "loss 3%", "corrupt 100%", "corrupt 40%"),
    *(
        "rate 10mbit loss 10%",
        "rate 1kbit loss 12%",
        "rate 1tbit delay 1us loss 4%",
        "mtu 68",
        "mtu 65535",
        "",
    ),
]


@settings(max_examples=60)
@given(labs(), st.data())
def test_whatever_a_lab_says_is_predicted_in_numbers_or_not_at_all(text: str, data: st.DataObject) -> None:
    """JSON has neither NaN nor infinity, a page is 80 columns wide, and a bench has its rows."""
    strange = "\n".join(
        f"{line} {data.draw(st.sampled_from(ATTRIBUTES))}" if line.startswith("link") else line
        for line in text.splitlines()
    )
    transfers = "tcp, tcp 3, mptcp, udp"
    compilation = compiled(f"{strange}\nbench a -> b using {transfers}\nbench b -> a using {transfers}")
    predictor = Predictor(compilation.lab)
    with mock.patch.object(timeouts, "LOSSES", 20), mock.patch.object(timeouts, "PACKETS", 300):
        for ends in (("a", "b"), ("b", "a")):
            families = predictor.families(*ends)
            json.dumps(predictions_as_json(families, 3), allow_nan=False)
            assert all(len(line) <= 80 for line in show(families, 3).splitlines())
            for transfer in (Transfer(), Transfer(Protocol.MPTCP), Transfer(Protocol.UDP)):
                one = families[0].goodput(transfer)
                assert all(rate >= 0 for rate, _ in one.outcomes)
                if one.is_known:
                    assert sum(chance for _, chance in one.outcomes) == pytest.approx(1)
        rows = [line for line in compilation.script("bench").splitlines() if line.startswith("row ")]
    assert len(rows) == 8
    timeouts.speed.cache_clear()


@pytest.mark.parametrize("loss", ["loss 100%", "corrupt 100%", "loss 99.999999%", "loss 50% corrupt 50%"])
def test_a_claim_on_pings_that_are_mostly_lost_is_neither_proved_nor_refuted(loss: str) -> None:
    """A loss of all packets refutes it."""
    text = f"host a b\nlink a -- b {loss}\nexpect a -> b "
    decided = loss == "loss 100%"
    assert codes(text + "reachable") == ["MPC811"] * decided
    assert codes(text + "unreachable") == []
    assert codes(text + "rate >= 1mbit") == ["MPC811"] * decided


# --- all nodes at once ------------------------------------------------------------------------------


@settings(max_examples=100)
@given(labs(), st.data())
def test_what_is_known_of_all_nodes_is_what_each_packet_does(text: str, data: st.DataObject) -> None:
    delays = st.sampled_from(["", "delay 3ms", "delay 5ms jitter 2ms", "loss 100%"])
    lab = lab_of(
        "\n".join(
            f"{line} {data.draw(delays)}" if line.startswith("link") else line for line in text.splitlines()
        )
    )
    predictor = Predictor(lab)
    rounds = Rounds(lab, predictor.lookup)
    for source, target in product(lab.ip_nodes, repeat=2):
        address = target.addresses[0].address.ip
        if source == target:
            continue
        found = predictor.between(source.name, target.name, address).trips
        known = rounds.delays(source.name, target.name, address)
        arrives = bool(found) and all(way.delivered for trip in found for way in (trip.out, *trip.back))
        if rounds.none_arrives(source.name, address):
            assert not any(trip.out.delivered for trip in found)
        if known:
            assert arrives
            assert known.longest_least >= max(trip.rtt[0] for trip in found)
            assert known.shortest_most <= min(trip.rtt[1] for trip in found)
        elif "mptcp" not in text and len(found) == 1:
            assert not arrives


def test_expectations_of_many_pairs() -> None:
    """In a fat tree, all pairs are checked by predictions for all nodes at once."""
    hosts = "t-h[0..3]-[0..1]-[0..1]"
    text = f"use std/fat-tree as t with k=4\nexpect {hosts} -> {hosts} "
    with mock.patch.object(Predictor, "between", side_effect=AssertionError):
        assert codes(text + "reachable") == []
        assert codes(text + "rtt 0ms..10ms") == []
    assert set(codes(text + "rtt 20ms..30ms")) == {"MPC812"}


# --- who opens, and which families ------------------------------------------------------------------

PHONE = "host phone server\nrouter c d\nlink {phone,server} -- {c,d} rate 10mbit\nmptcp phone -> server\n"


@pytest.mark.parametrize("arrow", ["->", "--"])
def test_data_flows_over_the_subflows_of_whoever_may_open(arrow: str) -> None:
    text = PHONE.replace("->", arrow)
    found = between(text, "server", "phone")
    assert found.opener == ("phone" if arrow == "->" else "server")
    assert [len(one.used) for one in found.connections] == [3]
    assert found.goodput(Transfer(Protocol.MPTCP)).expected == pytest.approx(20e6 * 1420 / 1514)
    script = compiled(text + "bench server -> phone using mptcp, tcp\n").script("bench")
    mptcp, tcp = (line.split() for line in script.splitlines() if line.startswith("row server"))
    assert (mptcp[-1] == "-R") == (arrow == "->")
    assert tcp[-1] == "cubic"
    assert codes(text + "expect server -> phone rate >= 18mbit using mptcp") == []


def test_paths_are_those_of_both_families(tmp_path: Path) -> None:
    lab = tmp_path / "lab.topo"
    lab.write_text("pool 10.0.0.0/8\npool fd00::/48\nhost a b\nlink a -- b rate 10mbit\n")
    found = Predictor(lab_of(lab.read_text())).families("a", "b")
    assert [one.address and one.address.version for one in found] == [4, 6]
    shown = CliRunner().invoke(main, ["paths", str(lab), "a", "b"]).stdout
    told = json.loads(CliRunner().invoke(main, ["paths", "--format", "json", str(lab), "a", "b"]).stdout)
    assert all(f"a to b, {one.address}: 1 way" in shown for one in found)
    assert [one["address"] for one in (told, *told["others"])] == [str(one.address) for one in found]


# --- transfers in reverse ---------------------------------------------------------------------------

TWO_RATES = "host a b\nrouter r\nlink a -- r -- b\nshape a -> r rate 5mbit\nshape r -> a rate 20mbit\n"
BACK = [Transfer(protocol, flows, True) for protocol in (Protocol.TCP, Protocol.UDP) for flows in (1, 4)]


@pytest.mark.parametrize(
    "more", ["", "masquerade r out b\n", "link a -- b\nroute a to b via r\nroute b to a via r\n"]
)
@pytest.mark.parametrize("transfer", BACK, ids=str)
def test_data_in_reverse_has_the_rates_of_its_direction(transfer: Transfer, more: str) -> None:
    """Also back through a node that masquerades, to which nobody could open a connection."""
    found = between(TWO_RATES + more)
    assert found.goodput(transfer).expected == pytest.approx(20e6 * DATA, rel=0.02)
    assert list(map(str, found.goodput(transfer).limits)) == ["r:a"]
    assert found.most(transfer).rate == pytest.approx(20e6 * DATA, rel=0.1)
    assert found.goodput(transfer._replace(reverse=False)).expected == pytest.approx(5e6 * DATA, rel=0.02)


def test_mptcp_in_reverse_has_all_ways_back() -> None:
    text = parallel(0, 0).replace(" rate 0mbit", "") + "mptcp a -> b\n"
    text += "".join(
        f"shape r{i} -> a rate {rate}mbit\nshape a -> r{i} rate 1mbit\n" for i, rate in enumerate((5, 9))
    )
    found, there, back = between(text), Transfer(Protocol.MPTCP), Transfer(Protocol.MPTCP, reverse=True)
    assert found.goodput(back).expected == pytest.approx(14e6 * 1420 / 1514, rel=0.01)
    assert found.goodput(there).expected == pytest.approx(2e6 * 1420 / 1514, rel=0.01)
    turned = between(text, "b", "a").goodput(there)
    assert turned.outcomes == found.goodput(back).outcomes


@settings(max_examples=40)
@given(labs())
def test_in_reverse_the_links_allow_what_they_allow_the_other_way(text: str) -> None:
    """Where a node has one address, and no rule or translation has the ways of answers be others."""
    links = re.findall("^link (.) -- (.)$", text, re.MULTILINE)
    rates = (
        f"shape {a} -> {b} rate {i + 1}mbit\nshape {b} -> {a} rate {2 * i + 1}mbit"
        for i, (a, b) in enumerate(links)
    )
    predictor = Predictor(lab_of("\n".join((text, *rates))))
    for transfer in (Transfer(), Transfer(Protocol.TCP, 2)):
        back = predictor.between("a", "b").placed(transfer._replace(reverse=True))
        there = predictor.between("b", "a").placed(transfer)
        assert back.expected == pytest.approx(there.expected, rel=0.05)


def test_a_pair_tells_the_transfers_in_reverse_that_are_asked_for() -> None:
    found = between(
        f"{TWO_RATES}bench a -> b using tcp, tcp 2 reverse\nexpect a -> b rate >= 1mbit using udp reverse"
    )
    assert list(map(str, found.backward)) == ["tcp 2 reverse", "udp reverse"]
    assert "  tcp 2 reverse           19.1 Mbit/s                     r:a\n" in show([found], 1)
    told = json.loads(json.dumps(predictions_as_json([found], 1)))
    assert told["goodput"]["udp reverse"]["links"] == ["r:a"]
    assert between(f"{TWO_RATES}bench a -> b using tcp, tcp 2 reverse", "b", "a").backward == ()


@pytest.mark.parametrize(("rate", "wanted"), [("18mbit", []), ("21mbit", ["MPC813"])])
def test_expectations_in_reverse(rate: str, wanted: list[str]) -> None:
    assert codes(f"{TWO_RATES}expect a -> b rate >= {rate} using tcp reverse") == wanted
