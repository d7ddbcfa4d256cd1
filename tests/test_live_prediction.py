"""Predictions compared with the kernel: paths of flows, round trips, rates. `make bench` has more labs."""

import json
from collections.abc import Iterator

import live
import pytest

from compiler.driver import Compilation
from compiler.model.trials import Protocol, Transfer
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.ways import cases

pytestmark = pytest.mark.live

FLOWS = 48
"""So many that a path with half of the flows is missed in one of 2^48 runs."""

STAGES = "host a b\nrouter r c d e f s\nlink a -- r -- {c,d} -- {e,f} -- s -- b\n"


def prediction(text: str) -> Prediction:
    return Predictor(Compilation("-", text).lab).between("a", "b")


@pytest.fixture(scope="module")
def stages() -> Iterator[live.Lab]:
    with live.running(live.lab_of("stages", STAGES)) as lab:
        assert live.pings(lab.ns("a"), "b")
        yield lab


def begin_flows(ns: str, target: str) -> None:
    """Opens connections that nobody accepts: a packet and an answer each."""
    script = f"for ((i = 0; i < {FLOWS}; i++)); do (: </dev/tcp/$0/5999) 2>/dev/null || true; done"
    live.succeed("ip", "netns", "exec", ns, "bash", "-c", script, target, seconds=60)


def sent(lab: live.Lab, link: tuple[str, str]) -> int:
    node, interface = link
    shown = live.in_ns(lab.ns(node), "cat", f"/sys/class/net/{interface}/statistics/tx_packets").stdout
    return int(shown)


@pytest.mark.every_kernel
def test_flows_take_the_ways_that_are_predicted_and_no_others(stages: live.Lab) -> None:
    """All routers have one hash, so half of the paths through two stages are never taken."""
    links = [(near, far) for near in "cd" for far in "ef"]
    before = {link: sent(stages, link) for link in links}
    begin_flows(stages.ns("a"), "b")
    used = {link for link in links if sent(stages, link) - before[link] > FLOWS // 8}
    assert used == {tuple(trip.out.nodes[2:4]) for trip in prediction(STAGES).trips}


@pytest.mark.every_kernel
def test_tcp_takes_all_ways_beside_mptcp() -> None:
    """TCP has the node address as source, which no rule selects: ports decide its path."""
    with live.running(live.lab_of("beside", live.DIAMOND + "mptcp a -- b\n")) as lab:
        assert live.pings(lab.ns("a"), "b")
        before = {name: sent(lab, ("a", name)) for name in "cd"}
        begin_flows(lab.ns("a"), "b")
        assert all(sent(lab, ("a", name)) - before[name] > FLOWS // 8 for name in "cd")


POLICY = "net.ipv{}.fib_multipath_hash_policy={}"
EVERY = pytest.mark.every_kernel
HASHES = [
    pytest.param("layer3", f"sysctl r {POLICY.format(4, 0)}", 2, id="layer3"),
    pytest.param("spot", f"sysctl {{r,c,d}} {POLICY.format(4, 0)}", 1, id="everywhere", marks=EVERY),
    pytest.param("apart", "sysctl r net.ipv4.fib_multipath_hash_fields=0x36", 4, id="apart"),
    pytest.param("labels", f"pool fd00:77::/48\nsysctl r {POLICY.format(6, 0)}", 4, id="labels", marks=EVERY),
]


@pytest.mark.parametrize(("name", "statements", "count"), HASHES)
def test_flows_share_what_is_hashed_without_ports(name: str, statements: str, count: int) -> None:
    """They take a set of paths that is predicted as possible; which one differs from boot to boot."""
    text = f"{STAGES}{statements}\n"
    links = [(near, far) for near in "cd" for far in "ef"]
    with live.running(live.lab_of(name, text)) as lab:
        assert live.pings(lab.ns("a"), "b")
        before = {link: sent(lab, link) for link in links}
        for _ in range(2):
            begin_flows(lab.ns("a"), "b")
        used = {link for link in links if sent(lab, link) - before[link] > FLOWS // 8}
    trips = prediction(text).trips
    together = [{trips[place].out.nodes[2:4] for place, _ in own} for _, own in cases([t.out for t in trips])]
    assert used in together
    assert len(used) == count


@pytest.mark.every_kernel("netem")
def test_round_trips_are_what_links_delay() -> None:
    text = "host a b\nrouter c\nlink a -- c delay 12ms\nlink c -- b delay 20ms\nshape b -> c delay 5ms\n"
    with live.running(live.lab_of("trips", text)) as lab:
        assert live.pings(lab.ns("a"), "b")
        shown = live.in_ns(lab.ns("a"), "ping", "-c", "20", "-i", "0.05", "b").stdout
    fastest = min(float(line.split("time=")[1].split()[0]) for line in shown.splitlines() if "time=" in line)
    assert prediction(text).rtt == (49_000, 49_000)
    assert 49 <= fastest <= 52


LABS = [
    ("alone", "host a b\nrouter c\nlink a -- c rate 8mbit\nlink c -- b rate 20mbit\n", Protocol.TCP),
    ("shared", live.DIAMOND + "router e\nlink b -- e rate 2mbit\nmptcp a -> b\n", Protocol.MPTCP),
    ("steep", live.UNEQUAL.replace("10mbit", "2mbit") + "mptcp a -> b\n", Protocol.MPTCP),
]


@pytest.mark.parametrize(("name", "text", "protocol"), LABS, ids=[lab[0] for lab in LABS])
def test_rates_are_near_and_never_above(name: str, text: str, protocol: Protocol) -> None:
    """Load of the machine lowers rates; 2 % more is allowed for clocks."""
    expected = prediction(text).goodput(Transfer(protocol)).expected
    with live.running(live.lab_of(name, text)) as lab:
        ends = lab.ns("b"), lab.ns("a")

        def measure() -> float:
            mptcp = protocol is Protocol.MPTCP
            return live.iperf(*ends, "b", mptcp=mptcp, seconds=8)

        received = live.most(measure, enough=0.9 * expected)
    assert 0.85 * expected <= received <= 1.02 * expected


PATHS = "host a b\nrouter c d\nlink {a,b} -- c rate 13mbit\nlink {a,b} -- d rate 4mbit\n"


def test_one_flow_has_one_of_the_rates_that_are_predicted() -> None:
    """Never the mean, which is 8.1 Mbit/s."""
    outcomes = prediction(PATHS).goodput(Transfer()).outcomes
    assert [round(rate / 1e6) for rate, _ in outcomes] == [4, 12]
    with live.running(live.lab_of("lots", PATHS)) as lab:
        ends = lab.ns("b"), lab.ns("a")
        received = [live.iperf(*ends, "b", mptcp=False, seconds=2) for _ in range(3)]
    assert all(any(0.6 * rate < one < 1.1 * rate for rate, _ in outcomes) for one in received), received


def test_the_end_that_may_open_lets_the_other_send() -> None:
    """Only the client makes subflows, so a connection opened by the server would have one."""
    lines = ("host a b", "router c d", "link {a,b} -- {c,d} rate 3mbit", "mptcp a -> b")
    text = "\n".join((*lines, "bench b -> a using mptcp for 3s", ""))
    with live.running(live.lab_of("turned", text)):
        script = Compilation("-", f"lab turned\n{text}").script("bench")
        told = live.run("bash", "-s", "--", "--json", "--repeat", "1", stdin=script, seconds=60)
    (row,) = json.loads(told.stdout)["measurements"]
    assert {"b:c", "b:d"} < set(row["interfaces"])
    assert 3e6 < row["received"] < row["predicted"] * 1.05


@pytest.mark.every_kernel("netem")
def test_a_link_that_loses_all_is_one_that_nothing_crosses() -> None:
    """Check tries expectations in both directions, and on a detour."""
    text = (
        "host a b\nrouter c\nlink a -- b\nlink b -- c\nshape a -> b loss 100%\n"
        "expect a -> b unreachable\nexpect b -> a unreachable\nexpect b -> c reachable\n"
    )
    with live.running(live.lab_of("lossy", text)):
        told = live.run(
            "bash", "-s", stdin=Compilation("-", f"lab lossy\n{text}").script("check"), seconds=60
        )
    assert told.returncode == 0, told.stdout
