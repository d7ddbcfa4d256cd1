"""Queues that are managed: what waits in them beside a TCP connection, marks, checks, and plays."""

import subprocess
from collections.abc import Iterator
from functools import cache

import live
import packets
import pytest
from drifts import drifts

from compiler.driver import Compilation

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("netem"), pytest.mark.every_kernel("aqm")]

KINDS = ("fq_codel", "cake", "pie", "red")
LAB = """
routing none
host a b
link a:long -- b:long  rate 10mbit delay 10ms queue 200p
link a:fq_codel -- b:fq_codel  rate 10mbit delay 10ms queue fq_codel ecn
link a:cake -- b:cake  rate 10mbit delay 10ms queue cake
link a:pie -- b:pie  rate 10mbit delay 10ms queue pie ecn
link a:red -- b:red  rate 10mbit delay 10ms queue red ecn
link a:bare -- b:bare  rate 10mbit queue fq_codel
sysctl {a,b} net.ipv4.tcp_ecn=1
at 100ms shape a -> b:long queue pie
at 200ms shape a -> b:pie queue red
at 300ms shape a -> b:fq_codel queue fq_codel
at 400ms shape a -> b:red delay 20ms
"""
COMPILED = Compilation("-", f"lab queues\n{LAB}")
WAITS = {"fq_codel": 4, "cake": 4, "pie": 30, "red": 60}
"""The most milliseconds that a ping waits beside a connection, at the median: twice what is predicted."""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("queues", LAB)) as lab:
        yield lab


def run(kind: str) -> live.Result:
    return live.run("bash", "-s", stdin=COMPILED.script(kind), seconds=60)


@cache
def beside(lab: live.Lab, link: str) -> float:
    """The median of round trips over a link in milliseconds, beside a TCP connection that fills it."""
    send = ("iperf3", "--client", f"{link}.b", "--time", "9", "--congestion", "cubic")
    with live.listening(lab.ns("b"), ["iperf3", "--server", "--one-off"], 30):
        argv = live.bounded(20, "ip", "netns", "exec", lab.ns("a"), *send)
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as sender:
            live.run("sleep", "3")
            found = packets.side_by_side(lab.ns("a"), [f"{link}.b"], "-i", "0.1", "-c", "50", seconds=20)
            assert sender.wait() == 0
    return found[f"{link}.b"].quantile(0.5)


def marked(lab: live.Lab) -> int:
    """The packets with marks that b has received."""
    told = live.in_ns(lab.ns("b"), "nstat", "-asz", "IpExtInCEPkts").stdout
    return int(told.split()[-2])


@pytest.mark.usefixtures("lab")
def test_a_check_finds_it_as_planned() -> None:
    found = run("check")
    assert found.returncode == 0, found.stdout


def test_a_long_queue_is_full(lab: live.Lab) -> None:
    """200 packets of 1514 bytes take 242 ms."""
    assert beside(lab, "long") > 20 + 120


@pytest.mark.parametrize("kind", KINDS)
def test_a_managed_queue_is_short_and_marks(lab: live.Lab, kind: str) -> None:
    before = marked(lab)
    assert beside(lab, kind) < 20 + WAITS[kind]
    assert marked(lab) > before


@pytest.mark.usefixtures("lab")
def test_a_play_changes_kinds_and_changes_them_back() -> None:
    played = run("play")
    assert played.returncode == 0, played.stderr
    found = run("check")
    assert found.returncode == 0, found.stdout


def test_a_check_reports_each_that_is_changed(lab: live.Lab) -> None:
    """Each queue gone, and another in its place; the last of the fixture's lab is changed for good."""
    told = [drift for drift in drifts(COMPILED.plan) if "tc qdisc del" in drift.change]
    own = [drift for drift in told if "parent" in drift.change and drift.namespace == lab.ns("b")]
    for drift in own:
        live.in_ns(drift.namespace, "sh", "-c", drift.change)
    reported = run("check").stdout
    for kind in KINDS:
        assert f"missing: qdisc {kind} dev {kind} parent 10:1" in reported
