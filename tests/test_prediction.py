"""Predictions: the paths of packets, the subflows of a connection, and their rates."""

from fractions import Fraction
from itertools import chain, combinations
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import Kernel, LostError, codes, interface_of, lab_of

from compiler.model.lab import Lab
from compiler.model.links import InterfaceName
from compiler.model.trials import Protocol, Transfer
from compiler.prediction import timeouts
from compiler.prediction.lookup import Lookup
from compiler.prediction.maxflow import of_lab
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.sawtooth import Path, speed
from compiler.prediction.sharing import Demand, share
from compiler.prediction.ways import Fate, Way, ways

DIAMOND = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\n"
FRAME, TCP, MPTCP, UDP = 1514, 1448, 1420, 1472
"""Bytes of a full packet, and of the data in it."""


def between(text: str, source: str = "a", target: str = "b") -> Prediction:
    return Predictor(lab_of(text)).between(source, target)


# --- ways -------------------------------------------------------------------------------------------


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Labs of up to 7 nodes with MPTCP between the first two, and explicit routes."""
    names = "abcdefg"[: draw(st.integers(2, 7))]
    pairs = draw(
        st.lists(st.sampled_from(list(combinations(names, 2))), min_size=1, max_size=12, unique=True)
    )
    kinds = [draw(st.sampled_from(["host", "router", "router", "router"])) for _ in names]
    lines = [f"{kind} {name}" for kind, name in zip(kinds, names, strict=True)]
    lines += [f"link {a} -- {b}" for a, b in pairs]
    return "\n".join([*lines, draw(st.sampled_from(["mptcp a -- b", "mptcp a -> b", ""]))])


def oracle(lab: Lab, way: Way) -> set[tuple[tuple[str, str], ...]]:
    """All paths of a packet with a path's addresses, by the kernel model of the tests."""
    return set(Kernel(lab).ways(way.crossings[0].out.node, way.target, way.source))


@settings(max_examples=150)
@given(labs())
def test_ways_are_those_of_the_tables(text: str) -> None:
    lab = lab_of(text)
    lookup = Lookup(lab)
    for source in lab.ip_nodes:
        for target in lab.ip_nodes:
            found = ways(lookup, source.name, target.addresses[0].address.ip) if source != target else ()
            for way in found:
                if way.delivered:
                    assert way.links in {
                        tuple(InterfaceName(*hop) for hop in hops) for hops in oracle(lab, way)
                    }
                elif way.crossings:
                    with pytest.raises(LostError):
                        oracle(lab, way)
            assert sum(way.share for way in found) == (source != target)


def test_one_hash_chooses_at_all_routers() -> None:
    """Of the four paths through two stages, flows take two; measured in test_live_prediction.py."""
    text = "host a b\nrouter r c d e f s\nlink a -- r -- {c,d} -- {e,f} -- s -- b"
    found = [trip.out.nodes for trip in between(text).trips]
    assert found == [("a", "r", "c", "e", "s", "b"), ("a", "r", "d", "f", "s", "b")]


def test_a_node_that_begins_a_flow_draws_its_own_hash() -> None:
    text = "host a b\nrouter c d e f s\nlink a -- {c,d} -- {e,f} -- s -- b"
    assert len(between(text).trips) == 4


STAGES = "host a b\nrouter r c d e f s\nlink a -- r -- {c,d} -- {e,f} -- s -- b\n"


def stages(*statements: str) -> list[tuple[str, str, str]]:
    """The paths through two stages: the path, its probability, and then its share of flows."""
    found = between("\n".join([STAGES, *statements])).trips
    parts = (f"{trip.out.share / trip.out.chance}" for trip in found)
    return [
        ("".join(trip.out.nodes[2:4]), f"{trip.out.chance}", part)
        for trip, part in zip(found, parts, strict=True)
    ]


POLICY = "net.ipv4.fib_multipath_hash_policy"


def test_a_hash_without_ports_sends_all_flows_one_way() -> None:
    """It is another number than the hash with ports, and the same at all nodes; measured too."""
    assert stages(f"sysctl r {POLICY}=0") == [(way, "1/2", "1/2") for way in ("ce", "cf", "de", "df")]
    assert stages(f"sysctl {{r,c,d}} {POLICY}=0") == [("ce", "1/2", "1"), ("df", "1/2", "1")]
    assert stages(f"sysctl {{r,c,d}} {POLICY}=2") == stages(f"sysctl {{r,c,d}} {POLICY}=0")


def test_custom_fields_say_what_is_hashed() -> None:
    fields = "net.ipv4.fib_multipath_hash_fields"
    assert stages(f"sysctl {{r,c,d}} {POLICY}=3") == [("ce", "1/2", "1"), ("df", "1/2", "1")]
    assert stages(f"sysctl {{r,c,d}} {POLICY}=3 {fields}=0x37") == [("ce", "1", "1/2"), ("df", "1", "1/2")]
    assert len(stages(f"sysctl r {POLICY}=3 {fields}=0x37")) == 2
    assert len(stages(f"sysctl r {fields}=0x36")) == len(stages(f"sysctl r {POLICY}=1")) == 4


def test_flow_labels_are_hashed_where_flows_are_passed_on() -> None:
    """In IPv6, a hash without ports includes the flow label, which sockets draw."""
    text = "pool fd00::/48\n" + STAGES + "sysctl r net.ipv6.fib_multipath_hash_policy=0"
    assert {trip.out.chance for trip in between(text).trips} == {1}
    own = "pool fd00::/48\n" + DIAMOND + "sysctl a net.ipv6.fib_multipath_hash_policy=0"
    assert {trip.out.chance for trip in between(own).trips} == {Fraction(1, 2)}


def test_flows_that_share_a_hash_share_a_way() -> None:
    whole = 10e6 * TCP / FRAME
    found = between(DIAMOND + f"sysctl a {POLICY}=0").goodput(Transfer(Protocol.TCP, 8))
    assert found.expected == found.least == found.most == pytest.approx(whole)
    mixed = between(STAGES.replace("\nlink", "\ndefault link rate 10mbit\nlink") + f"sysctl r {POLICY}=0")
    assert mixed.goodput(Transfer(Protocol.TCP, 2)).most == pytest.approx(whole)


def test_what_a_filter_drops_is_lost() -> None:
    text = DIAMOND + "route a to b via c\nroute b to a via d\nsysctl a net.ipv4.conf.all.rp_filter="
    assert [way.fate for trip in between(text + "1").trips for way in trip.back] == [Fate.FILTERED]
    assert [trip.works for trip in between(text + "2").trips] == [True]


def test_weights_are_shares() -> None:
    text = DIAMOND + "route a to b via c weight 3, d"
    assert [str(trip.out.share) for trip in between(text).trips] == ["3/4", "1/4"]


def test_a_rule_keeps_the_answers_on_the_way() -> None:
    (connection,) = between(DIAMOND + "mptcp a -- b").connections
    found = [trip for one in connection.subflows if not one.initial for trip in one.trips]
    assert [trip.out.nodes[1] for trip in found] == ["c", "d"]
    assert [[way.nodes[1] for way in trip.back] for trip in found] == [["c"], ["d"]]


def test_masquerade_is_undone_on_the_way_back() -> None:
    text = "host a b\nrouter c\nlink a -- c -- b\nmasquerade c out b"
    (trip,) = between(text).trips
    assert trip.out.source == interface_of(lab_of(text), "c:b").addresses[0].ip
    assert [way.nodes for way in trip.back] == [("b", "c", "a")]


@pytest.mark.parametrize(
    ("text", "fate", "at"),
    [
        ("host a b h\nlink a -- h -- b\nroute a to b via h", Fate.NOT_FORWARDED, "h"),
        (
            "host a\nhost b address 10.9.9.1\nrouter c\nrouting none\nlink a -- c -- b\nroute a to b via c",
            Fate.NO_ROUTE,
            "c",
        ),
        ("host a b\nrouter c\nrouting none\nlink a -- c -- b", Fate.NO_ROUTE, "a"),
    ],
)
def test_how_ways_end(text: str, fate: Fate, at: str) -> None:
    (trip,) = between(text).trips
    assert (trip.out.fate, trip.out.at) == (fate, at)
    assert between(text).goodput(Transfer()).most == 0


# --- sharing and bounds -----------------------------------------------------------------------------

LINKS = [InterfaceName("n", name) for name in "uvwxyz"]


@given(
    st.lists(
        st.tuples(st.dictionaries(st.sampled_from(LINKS), st.integers(1, 4), min_size=1), st.integers(1, 50)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.integers(1, 100), min_size=6, max_size=6),
)
def test_shares_are_max_min_fair(flows: list[tuple[dict[InterfaceName, int], int]], rates: list[int]) -> None:
    """Whoever does not have all it can take has a link that is full, and nobody has more on that link.

    A link may have a part of the packets of a flow alone.
    """
    capacity = {link: float(rate) for link, rate in zip(LINKS, rates, strict=True)}
    loads = [tuple((link, parts / 4) for link, parts in sorted(links.items())) for links, _ in flows]
    demands = [Demand(own, float(ceiling)) for own, (_, ceiling) in zip(loads, flows, strict=True)]
    got = [one.rate for one in share(demands, capacity)]
    both = list(zip(demands, got, strict=True))
    carried = {link: sum(rate * dict(one.loads).get(link, 0) for one, rate in both) for link in LINKS}
    highest = {
        link: max((rate for one, rate in both if link in dict(one.loads)), default=0) for link in LINKS
    }
    assert all(carried[link] <= capacity[link] + 1e-6 for link in LINKS)
    for demand, rate in both:
        full = [link for link, _ in demand.loads if carried[link] >= capacity[link] - 1e-6]
        assert rate == demand.ceiling or any(rate >= highest[link] - 1e-6 for link in full)


def test_without_a_rate_nothing_bounds_a_flow() -> None:
    assert share([Demand(((LINKS[0], 1.0),))], {})[0].rate == inf
    assert between("host a b\nlink a -- b").goodput(Transfer()).expected == inf


@settings(max_examples=100)
@given(labs(), st.data())
def test_bound_is_the_least_cut(text: str, data: st.DataObject) -> None:
    rated = "\n".join(
        f"{line} rate {data.draw(st.integers(1, 9))}mbit" if line.startswith("link") else line
        for line in text.splitlines()
    )
    lab = lab_of(rated)
    found = of_lab(Lookup(lab), "a", "b")
    assert found.rate == least_cut(lab)
    assert sum(end.shaping.rate or 0 for link in lab.links for end in link.ends if end.id in found.cut) == (
        found.rate
    )


def least_cut(lab: Lab) -> int:
    """The minimum cut, over every set of forwarding nodes beside a."""
    passing = [node.name for node in lab.ip_nodes if node.forwards and node.name not in "ab"]
    arcs = [(near, far) for link in lab.links for near, far in link.directions]
    usable = {"a", "b", *passing}
    subsets = chain.from_iterable(combinations(passing, n) for n in range(len(passing) + 1))
    return min(
        sum(
            near.shaping.rate or 0
            for near, far in arcs
            if near.node in {"a", *side} and far.node in usable - {"a", *side}
        )
        for side in subsets
    )


# --- transfers --------------------------------------------------------------------------------------


def test_headers_are_those_of_full_packets() -> None:
    found = between(DIAMOND + "mptcp a -- b")
    assert found.goodput(Transfer()).expected == pytest.approx(10e6 * TCP / FRAME)
    assert found.goodput(Transfer(Protocol.MPTCP)).expected == pytest.approx(20e6 * MPTCP / FRAME)
    assert found.goodput(Transfer(Protocol.UDP)).expected == pytest.approx(10e6 * UDP / FRAME)


def test_flows_are_placed_by_hash() -> None:
    """Two flows share one of two paths with probability 1/2."""
    found, whole = between(DIAMOND).goodput(Transfer(Protocol.TCP, 2)), 10e6 * TCP / FRAME
    assert found.expected == pytest.approx(1.5 * whole)
    assert found.least == pytest.approx(whole)
    assert found.most == pytest.approx(2 * whole)


def test_round_trips_add_both_directions() -> None:
    text = (
        "host a b\nrouter c\nlink a -- c delay 10ms\nlink c -- b delay 5ms jitter 1ms\nshape b -> c delay 7ms"
    )
    assert between(text).rtt == (30_000, 34_000)


def subflows(text: str, source: str = "a", target: str = "b") -> list[set[tuple[str, ...]]]:
    """The possible paths of each subflow that carries data."""
    (connection,) = between(text, source, target).connections
    return [{trip.out.nodes for trip in subflow.trips} for subflow in connection.used]


C, D = {("a", "c", "b")}, {("a", "d", "b")}
BOTH = C | D


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("mptcp a -- b", [BOTH, C, D]),
        ("mptcp a -> b", [BOTH, C, D]),
        ("mptcp a -- b subflows 0", [BOTH]),
        ("mptcp a -> b endpoints a:c subflow, a:d subflow backup", [BOTH, C]),
        ("mptcp a -> b endpoints b:c signal, b:d signal", [BOTH, C, D, C, D]),
        ("mptcp a -- b accept 0 endpoints a:c signal, a:d signal, b:c signal", [BOTH]),
        ("mptcp a -- b endpoints a:c signal, a:d signal", [BOTH]),
    ],
)
def test_subflows_are_those_of_the_path_manager(more: str, expected: list[set[tuple[str, ...]]]) -> None:
    """The first has the node address of a, and any of the paths; the others keep to one."""
    assert subflows(DIAMOND + more) == expected


def test_a_shared_link_is_shared() -> None:
    text = "host a b\nrouter c d e\nlink a -- {c,d} -- e rate 10mbit\nlink e -- b rate 15mbit\nmptcp a -> b"
    found = between(text)
    assert found.goodput(Transfer(Protocol.MPTCP)).expected == pytest.approx(15e6 * MPTCP / FRAME)
    assert InterfaceName("e", "b") in found.goodput(Transfer(Protocol.MPTCP)).limits
    assert found.bound == (15e6, (InterfaceName("e", "b"),))


# --- windows under losses ---------------------------------------------------------------------------

FREE = {"rate": inf, "room": inf}
"""A path with no bottleneck."""


@pytest.mark.parametrize("loss", [1e-4, 1e-3])
def test_reno_is_near_its_formula(loss: float) -> None:
    """Mathis et al. 1997, with losses at equal distances: sqrt(3/2) / sqrt(loss) packets."""
    assert speed(Path(loss, 0.05, **FREE), "reno") * 0.05 == pytest.approx((1.5 / loss) ** 0.5, rel=0.1)


@pytest.mark.parametrize(("loss", "round_trip"), [(1e-5, 0.1), (1e-4, 0.2)])
def test_cubic_is_near_its_formula(loss: float, round_trip: float) -> None:
    """RFC 9438, 5.1, with losses at equal distances; random losses give more, as windows grow by a cube."""
    formula = (0.4 * 3.7 / 1.2) ** 0.25 * (round_trip / loss) ** 0.75
    assert 1 < speed(Path(loss, round_trip, **FREE), "cubic") * round_trip / formula < 1.25


def test_the_last_packet_of_a_window_waits_for_its_acknowledgement() -> None:
    """For 40 ms, or until the next window: with a round trip of 40 ms, one of some 12 packets takes two.
    Reno's windows are the same at each round trip."""
    short, long = (speed(Path(0.01, time, **FREE), "reno") * time for time in (0.04, 4.0))
    assert 0.88 < short / long < 0.95


def test_no_window_exceeds_the_bottleneck() -> None:
    """Without losses, it is reached if the queue is long enough, and nearly reached otherwise."""
    assert speed(Path(0, 0.1, 1000, room=143), "cubic") == 1000
    assert 900 < speed(Path(0, 0.1, 1000, room=101), "cubic") < 1000
    assert 990 < speed(Path(1e-5, 0.1, 1000, room=300), "cubic") < 1000
    assert speed(Path(0, 0.1, 1000, room=101), "reno") < 850


@given(st.floats(1e-4, 0.1), st.floats(0.002, 0.3), st.floats(50, 1e5))
def test_more_losses_never_make_it_faster(loss: float, round_trip: float, rate: float) -> None:
    """Within a few percent, as losses are random."""
    room = 2 * rate * round_trip + 4
    few, many = (speed(Path(share, round_trip, rate, room), "cubic") for share in (loss, 2 * loss))
    assert many <= 1.05 * few
    assert few <= rate * 1.001


def test_a_queue_that_is_short_for_the_delay_elsewhere_costs_a_little() -> None:
    """After a loss, the window is 0.7 times 125 ms at the rate, or with the longer queue 260 ms."""
    text = "host a b\nrouter c\nlink a -- c delay 50ms\nlink c -- b rate 10mbit"
    short, long = (between(text + more).goodput(Transfer()).expected for more in ("", " queue 200kb"))
    assert long == pytest.approx(10e6 * TCP / FRAME)
    assert 0.9 * long < short < 0.99 * long


def test_losses_cost_what_was_measured() -> None:
    """20 Mbit/s, 40 ms and 1 %: 3.0 Mbit/s on Linux 6.12."""
    found = between("host a b\nlink a -- b rate 20mbit delay 20ms\nshape a -> b loss 1%")
    assert found.goodput(Transfer()).expected == pytest.approx(3e6, rel=0.1)
    assert between("host a b\nlink a -- b rate 20mbit delay 20ms").goodput(Transfer()).expected > 19e6
    bbr = "sysctl a net.ipv4.tcp_congestion_control=bbr"
    lossy = f"host a b\nlink a -- b rate 20mbit delay 20ms loss 1%\n{bbr}"
    assert between(lossy).goodput(Transfer()).expected > 19e6


HEAVY = [
    # percent of packets and answers lost; Mbit/s of Linux 6.12 in 10 minutes, and of 6.1 (emulated)
    (5, 0, 1.74, 1.81),
    (5, 5, 1.67, 1.71),
    (10, 0, 1.09, 1.11),
    (10, 10, 0.77, 0.80),
    (20, 0, 0.48, 0.50),
]


@pytest.mark.parametrize(("lost", "back", "newer", "older"), HEAVY)
def test_timeouts_cost_what_was_measured(lost: int, back: int, newer: float, older: float) -> None:
    """10 Mbit/s and 20 ms. If acknowledgements are lost too, timeouts follow on timeouts."""
    text = (
        f"host a b\nlink a -- b rate 10mbit delay 10ms\nshape a -> b loss {lost}%\nshape b -> a loss {back}%"
    )
    assert 0.92 * newer < between(text).goodput(Transfer()).expected / 1e6 < 1.08 * older


def test_beyond_some_loss_nothing_is_predicted() -> None:
    """Timeouts of minutes dominate: with 20 % both ways, 0.02 and 0.07 Mbit/s were received."""
    found = between("host a b\nlink a -- b rate 10mbit delay 10ms loss 20%")
    assert not found.goodput(Transfer()).is_known
    assert found.goodput(Transfer(Protocol.UDP)).is_known
    assert between("host a b\nlink a -- b rate 10mbit delay 10ms loss 10%").goodput(Transfer()).is_known


def test_both_models_of_a_window_agree_where_timeouts_are_rare() -> None:
    path = Path(0.02, 0.03, 1000, 60)
    assert timeouts.speed(path, "cubic") == pytest.approx(0.98 * speed(path, "cubic"), rel=0.06)
    assert timeouts.speed(path, "reno") == pytest.approx(0.98 * speed(path, "reno"), rel=0.1)


def test_what_passes_no_full_packet_is_refused() -> None:
    assert "MPC311" in codes("host a b\nlink a -- b rate 10mbit queue 1000b")
