"""MPTCP carries more than one path, as counted by the receiver; TCP and MPTCP are compared in one run."""

import sys

import kernel
import live
import pytest

pytestmark = pytest.mark.live


def gain(lab: live.Lab, server: str, client: str, *options: str, enough: float, seconds: int = 8) -> float:
    """The ratio of MPTCP's throughput to that of one TCP connection, between nodes by name."""
    return live.gain(lab.ns(server), lab.ns(client), server, enough=enough, seconds=seconds, options=options)


def test_either_side_opens() -> None:
    with live.running(live.lab_of("either", live.DIAMOND + "mptcp a -- b")) as lab:
        assert gain(lab, "b", "a", enough=1.7) >= 1.7
        assert gain(lab, "a", "b", enough=1.7) >= 1.7


def test_client_opens() -> None:
    """The data of a connection that a opens may flow in both directions."""
    with live.running(live.lab_of("client", live.DIAMOND + "mptcp a -> b")) as lab:
        assert gain(lab, "b", "a", enough=1.7) >= 1.7
        assert gain(lab, "b", "a", "--reverse", enough=1.7) >= 1.7


def test_three_equal_paths() -> None:
    with live.running(live.lab_of("three", live.THREE + "mptcp a -- b")) as lab:
        assert gain(lab, "b", "a", enough=2.4, seconds=12) >= 2.4


def test_unequal_paths_carry_more_than_the_faster() -> None:
    """The interfaces of b have names, so one TCP connection can be sent over each path."""
    with live.running(live.lab_of("unequal", live.UNEQUAL + "mptcp a -- b")) as lab:
        ends = lab.ns("b"), lab.ns("a")
        alone = [live.iperf(*ends, name) for name in ("c.b", "d.b")]
        assert live.iperf(*ends, "b", mptcp=True) > max(alone)


@pytest.mark.every_kernel("netem")
def test_paths_of_different_delay() -> None:
    """Delays of 10 and 40 ms one way: the receiver waits for the slower path, and yet both are used."""
    topology = """
        host a b
        router c d
        link {a,b} -- c  rate 5mbit delay 5ms
        link {a,b} -- d  rate 5mbit delay 20ms
        mptcp a -- b
    """
    with live.running(live.lab_of("delays", topology)) as lab:
        assert gain(lab, "b", "a", enough=1.5) >= 1.5


OPEN = """
import socket, sys, time

target, sources = sys.argv[1], sys.argv[2:]
for source in sources:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP) as opened:
        opened.bind((source, 0))
        opened.connect((target, 5201))
        opened.send(b"x")
        time.sleep(0.5)
"""
"""Opens a connection from each source, and sends no more data while its subflows join."""

ACCEPT = """
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP)
server.bind(("", 5201))
server.listen()
kept = []
while True:
    kept.append(server.accept())
"""
"""Accepts all connections at any time; iperf3 listens anew after each."""


@pytest.mark.every_kernel("netem")
def test_all_subflows_join_whichever_path_is_the_first() -> None:
    """Three paths of 20, 40 and 60 ms. Linux 6.1 refuses subflows while data is out of order."""
    links = (f"router r{way}\nlink {{a,b}} -- r{way} rate 5mbit delay {5 * way}ms\n" for way in (1, 2, 3))
    with live.running(live.lab_of("joins", f"host a b\n{''.join(links)}mptcp a -> b")) as lab:
        addresses = kernel.lines("ip", "-n", lab.ns("a"), "-br", "address", "show", "scope", "global")
        sources = [line.split()[2].partition("/")[0] for line in addresses if line.startswith("r")]
        assert len(sources) == 3
        with live.listening(lab.ns("b"), [sys.executable, "-c", ACCEPT], 30):
            opened = live.in_ns(lab.ns("a"), sys.executable, "-c", OPEN, "b", *sources)
        assert opened.returncode == 0, opened.stderr
        counted = live.in_ns(lab.ns("b"), "nstat", "-asz", "MPTcpExtMPJoinAckRx").stdout.split()
        assert int(counted[counted.index("MPTcpExtMPJoinAckRx") + 1]) == 6


def test_without_mptcp_there_is_no_gain() -> None:
    """The same diamond without the `mptcp` line, so the gain is due to that line."""
    with live.running(live.lab_of("plain", live.DIAMOND)) as lab:
        assert gain(lab, "b", "a", enough=0) < 1.3


# Labs in which the kernel's own routes put all subflows on one path: a name, the topology, and the
# nodes that serve and open.
STEERED = [
    (
        "ring6",
        "router r0 r1 r2 r3 r4 r5\nlink r0 -- r1 -- r2 -- r3 -- r4 -- r5 -- r0\nmptcp r0 -- r1",
        ("r1", "r0"),
    ),
    (
        "middle",
        "host a b\nrouter c d e f g\nlink a -- {c,d} -- e -- {f,g} -- b\nmptcp a -- b",
        ("b", "a"),
    ),
    (
        "single",
        "host a b\nrouter c\nlink a -- c rate 50mbit\nlink c -- b\nlink c -- b\nmptcp a -> b",
        ("b", "a"),
    ),
]


@pytest.mark.parametrize(("name", "topology", "ends"), STEERED, ids=[case[0] for case in STEERED])
def test_subflows_keep_to_their_paths(name: str, topology: str, ends: tuple[str, str]) -> None:
    """On a detour, over a router in the middle, and from an end with one interface; in both directions."""
    with live.running(live.lab_of(name, f"default link rate 5mbit\n{topology}")) as lab:
        assert gain(lab, *ends, enough=1.5) >= 1.5
        assert gain(lab, *ends, "--reverse", enough=1.5) >= 1.5
