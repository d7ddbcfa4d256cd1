"""Switches: reachability over them, the spanning tree of a loop, and the shaping of ports."""

import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import kernel
import live
import packets
import pytest

pytestmark = pytest.mark.live

LISTENING = """#!/bin/sh
case "$*" in *bridge_slave) echo "bridge_slave state listening";; *) exec {ip} "$@";; esac
"""
"""A wrapper of ip(8) that never shows a bridge port as forwarding."""

OFFICE = """
pool 10.0.0.0/8
pool fd00:10::/48
host   h[1..4] far
router r
switch s t
link   h1 -- s
link   h2 -- s  rate 2mbit
link   h[3..4] -- t
link   s -- t
link   r -- t
link   far -- r
link   h1:more -- s
"""
"""Two switches and a router; h1 has a second interface on the same LAN."""

LOOP = """
pool 10.0.0.0/8
pool fd00:10::/48
host   a b c
switch s1 s2 s3 s4  stp on
link   s1 -- s2 -- s3 -- s4 -- s1
link   s1 -- s3
link   s1 -- s2
link   a -- s1
link   b -- s2
link   c -- s4
"""


def received(ns: str, dev: str) -> int:
    (link,) = kernel.rows("ip", "-n", ns, "-j", "-s", "link", "show", "dev", dev)
    return int(link["stats64"]["rx"]["packets"])


# --- two switches and a router ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def office() -> Iterator[live.Lab]:
    with live.running(live.lab_of("office", OFFICE)) as lab:
        yield lab


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_every_host_reaches_every_other(office: live.Lab, family: str) -> None:
    """Within about a second of up."""
    for source in ("h1", "h2", "h3", "h4", "far"):
        others = [name for name in ("h1", "h2", "h3", "h4", "r", "far") if name != source]
        options = (family, "-c", "2", "-i", "0.2", "-w", "3")
        found = packets.side_by_side(office.ns(source), others, *options, seconds=10)
        assert {name: echoes.answered > 0 for name, echoes in found.items()} == dict.fromkeys(others, True)


@pytest.mark.parametrize("name", ["s.h2", "t.h4", "t.r"])
def test_interfaces_on_a_lan_have_names(office: live.Lab, name: str) -> None:
    assert live.pings(office.ns("h1"), name)


def test_neighbours_need_no_router(office: live.Lab) -> None:
    """Packets between hosts of one broadcast domain do not pass the router."""
    before = received(office.ns("r"), "far")
    result = live.in_ns(office.ns("h2"), "ping", "-c", "3", "-i", "0.2", "-t", "1", "h4")
    assert result.returncode == 0, result.stdout
    assert received(office.ns("r"), "far") - before < 3


def test_a_switch_has_no_address(office: live.Lab) -> None:
    for switch in "st":
        assert kernel.addresses(office.ns(switch)) == {}
        shown = kernel.read("ip", "-n", office.ns(switch), "-6", "address", "show", "up")
        assert "fe80" not in shown


def test_each_interface_of_a_host_answers_for_itself(office: live.Lab) -> None:
    """h1 is on the LAN twice; packets to either address arrive by its own interface only."""
    for interface in ("s", "more"):
        before = received(office.ns("h1"), interface)
        result = live.in_ns(office.ns("h3"), "ping", "-c", "10", "-i", "0.1", "-w", "5", f"{interface}.h1")
        assert result.returncode == 0
        assert received(office.ns("h1"), interface) - before >= 10


def test_a_port_keeps_its_rate(office: live.Lab) -> None:
    """On a port of the switch, where packets to h2 are shaped."""
    options = ["--udp", "--bitrate", "3M", "--length", "1400"]
    offer = partial(live.iperf, office.ns("h2"), office.ns("h3"), "s.h2", seconds=2, options=options)
    expected = 2e6 * 1400 / 1442
    assert live.most(offer, enough=0.9 * expected, rounds=3) == pytest.approx(expected, rel=0.1)


# --- a loop -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loop() -> Iterator[live.Lab]:
    with live.running(live.lab_of("looped", LOOP)) as lab:
        yield lab


def test_ports_forward_when_up_is_done(loop: live.Lab) -> None:
    """The first packet of each host arrives."""
    for source, others in (("a", "bc"), ("b", "ac"), ("c", "ab")):
        found = packets.side_by_side(loop.ns(source), others, "-c", "1", "-W", "2", seconds=10)
        assert [echoes.answered for echoes in found.values()] == [1, 1]
        assert live.pings(loop.ns(source), others[0], "-6")


@pytest.mark.every_kernel
def test_a_loop_is_left_out_as_the_compiler_says(loop: live.Lab) -> None:
    """So that predictions over links apply to the packets."""
    states = {
        f"{switch}:{port['ifname']}": port["linkinfo"]["info_slave_data"]["state"]
        for switch in ("s1", "s2", "s3", "s4")
        for port in kernel.rows(
            "ip", "-n", loop.ns(switch), "-j", "-d", "link", "show", "type", "bridge_slave"
        )
        if port
    }
    left_out = {port for port, state in states.items() if state == "blocking"}
    assert left_out == {"s3:s2", "s2:s1.2", "s4:s3"}
    assert set(states.values()) == {"forwarding", "blocking"}


@pytest.mark.every_kernel
def test_a_broadcast_arrives_once(loop: live.Lab) -> None:
    """Of a hundred broadcast pings, c gets each once, and none circulates."""
    (address, _) = kernel.addresses(loop.ns("a"))["s1"]
    broadcast = ".".join([*address.split(".")[:3], "255"])
    before = received(loop.ns("c"), "s4")
    live.in_ns(loop.ns("a"), "ping", "-b", "-c", "100", "-i", "0.005", "-W", "0.1", broadcast)
    time.sleep(0.5)
    assert 100 <= received(loop.ns("c"), "s4") - before < 150


# --- MPTCP ------------------------------------------------------------------------------------------


def carried(lab: live.Lab) -> float:
    """Bits a second from a to b, of two paths of 5 Mbit/s each; one alone carries less than 5e6."""
    transfer = partial(live.iperf, lab.ns("b"), lab.ns("a"), "b", mptcp=True, seconds=5)
    return live.most(transfer, enough=7e6)


def test_mptcp_fills_two_switches() -> None:
    text = "host a b\nswitch s t\nlink {a,b} -- {s,t} rate 5mbit\nmptcp a -- b"
    with live.running(live.lab_of("twolans", text)) as lab:
        assert carried(lab) >= 7e6


def test_mptcp_fills_two_interfaces_on_one_lan() -> None:
    text = "host a b\nswitch s\nlink {a,b} -- s rate 5mbit\nlink {a,b} -- s rate 5mbit\nmptcp a -- b"
    with live.running(live.lab_of("onelan", text)) as lab:
        assert carried(lab) >= 7e6


# --- the wait of up ---------------------------------------------------------------------------------


def test_up_does_not_wait_for_ever(tmp_path: Path) -> None:
    """If ports never forward, up reports that and rolls back."""
    lab = live.lab_of("stuck", "host a b\nswitch s\nlink {a,b} -- s")
    listening = LISTENING.format(ip=shutil.which("ip"))
    for tool, text in (("sleep", "#!/bin/sh\n"), ("ip", listening)):
        (tmp_path / tool).write_text(text)
        (tmp_path / tool).chmod(0o755)
    with live.host_unchanged(lab):
        result = lab.up(tmp_path)
    assert result.returncode == 1
    assert "error: the ports of stuck-s do not come to forward" in result.stderr
