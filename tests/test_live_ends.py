"""Names of nodes without an address of their own, and ends of links: what they mean on a running lab."""

import sys
from pathlib import Path

import live
import pytest

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

TEXTBOOK = live.GOLDEN / "textbook.topo"


def check(text: str | Path) -> live.Result:
    """What the check script of a running lab tells."""
    source = text.read_text() if isinstance(text, Path) else text
    return live.run("bash", "-s", stdin=Compilation("-", source).script("check"), seconds=120)


def resolved(lab: live.Lab, node: str, name: str) -> list[str]:
    """The addresses that a name has in the namespace of a node, in the order of its file."""
    lines = live.in_ns(lab.ns(node), "cat", "/etc/hosts").stdout.splitlines()
    return list(dict.fromkeys(line.split()[0] for line in lines if line.split()[1:] == [name]))


@pytest.mark.every_kernel
@pytest.mark.parametrize("style", Style)
def test_a_name_means_the_address_on_ones_own_segment_first(style: Style) -> None:
    text = f"lab textbook\n{TEXTBOOK.read_text()}"
    lab = live.lab_of("textbook", TEXTBOOK, style)
    with live.running(lab):
        pairs = [("h1", "h2"), ("h1", "r"), ("web", "r"), ("h1", "web"), ("web", "h1"), ("r", "h2")]
        for node, name in pairs:
            assert live.pings(lab.ns(node), name), (node, name)
        assert resolved(lab, "h1", "r") == ["192.168.1.1", "198.51.100.1"]
        assert resolved(lab, "web", "r") == ["198.51.100.1", "192.168.1.1"]
        assert resolved(lab, "h1", "web") == ["198.51.100.80", "198.51.100.81"]
        shown = live.in_ns(lab.ns("h1"), "ip", "-br", "-4", "address", "show", "scope", "global").stdout
        assert "lo" not in shown
        if style is Style.BATCH:
            told = check(text)
            assert "not ok" not in told.stdout, told.stdout + told.stderr
            hosts = Path("/etc/netns", lab.ns("web"), "hosts")
            hosts.write_text(hosts.read_text().replace("198.51.100.1 r\n", "", 1))
            assert "another order of lines in /etc/netns/textbook-web/hosts" in check(text).stdout


UNNUMBERED = """
host   h1 h2
router r1 r2
link   h1 -- r1  address 192.0.2.10/24 192.0.2.1/24 address none 192.0.2.2/24 address none 203.0.113.1/24
link   r1 -- r2  address none
link   r2 -- h2
expect h1 -> {h2,r1,r2}  reachable
expect h2 -> h1          reachable
"""

UNNUMBERED6 = """
pool 10.0.0.0/8
pool fd00::/48
host   h1 h2
router r1 r2 r3
link   h1 -- r1
link   r1 -- r2  address none
link   r1 -- r2  address none
link   r2 -- r3  address none
link   r3 -- h2
route  h1 to fd99::/64 via r1
expect h1 -> {h2,r1,r2,r3}  reachable
expect {h2,r2,r3} -> h1     reachable
at     100ms down r1:r2 -- r2
at     300ms up r1:r2 -- r2
"""

BOX = """
routing none
host   a b box
link   a -- box  address 10.0.0.1/24 none mac 02:00:00:00:00:0a none
link   b -- box  address 10.0.0.2/24 none address 10.1.0.2/24 none mac 02:00:00:00:00:0b none
run    box "ip link add br0 up type bridge; for i in a b; do ip link set dev $i master br0; done" \
  ready "ip link show br0 | grep -q ,UP"
expect a -> b  reachable
"""


@pytest.mark.every_kernel
def test_routes_lead_over_links_without_addresses() -> None:
    with live.running(live.lab_of("unnumbered", UNNUMBERED)) as lab:
        told = check(f"lab unnumbered\n{UNNUMBERED}")
        assert "not ok" not in told.stdout, told.stdout + told.stderr
        assert live.pings(lab.ns("h2"), "192.0.2.2")
        assert live.pings(lab.ns("h2"), "203.0.113.1")


@pytest.mark.every_kernel
@pytest.mark.parametrize("style", Style)
def test_routes_of_ipv6_lead_over_links_that_borrow_addresses(style: Style) -> None:
    """Also when a link was down, with which its borrowed address goes."""
    text = f"lab borrowed\n{UNNUMBERED6}"
    with live.running(live.lab_of("borrowed", UNNUMBERED6, style)) as lab:
        for version in (4, 6):
            assert live.pings(lab.ns("h1"), "h2", f"-{version}")
        played = live.run("bash", "-s", stdin=Compilation("-", text).script("play"), seconds=60)
        assert played.returncode == 0, played.stderr
        told = check(text)
        assert "not ok" not in told.stdout, told.stdout + told.stderr
        assert live.pings(lab.ns("h1"), "h2", "-6")


@pytest.mark.every_kernel
def test_a_box_joins_links_and_mac_addresses_are_as_written() -> None:
    with live.running(live.lab_of("box", BOX)) as lab:
        told = check(f"lab box\n{BOX}")
        assert "\nok 5 - a -> b reachable" in told.stdout, told.stdout + told.stderr
        assert "02:00:00:00:00:0b" in live.in_ns(lab.ns("a"), "ip", "neigh", "show", "10.0.0.2").stdout
        live.succeed("ip", "-n", lab.ns("a"), "link", "set", "box", "address", "02:00:00:00:00:cc")
        assert "unexpected: mac box 02:00:00:00:00:cc" in check(f"lab box\n{BOX}").stdout


SENDER = """
import socket
for _ in range(40):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.53", 9))
"""
"""Sends to the address from 40 ports, one after the other."""


def counted(lab: live.Lab, node: str) -> int:
    """The UDP packets to a port that nobody listens at, which came to a node."""
    lines = live.in_ns(lab.ns(node), "cat", "/proc/net/snmp").stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(names, values, strict=True))["NoPorts"])


@pytest.mark.every_kernel
def test_packets_to_an_address_of_several_nodes_come_to_the_nearest() -> None:
    """Of the one that is as near to both, flows go to either."""
    lines = (live.GOLDEN / "anycast.topo").read_text().replace(" delay 10ms", "").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("expect")) + "\n"
    with live.running(live.lab_of("anycast", text)) as lab:
        told = check(f"lab anycast\n{text}")
        assert "not ok" not in told.stdout, told.stdout + told.stderr
        found, before = {}, [0, 0]
        for name in "abc":
            live.in_ns(lab.ns(name), sys.executable, "-c", SENDER)
            after = [counted(lab, server) for server in ("ns1", "ns2")]
            found[name], before = [now - then for now, then in zip(after, before, strict=True)], after
        assert found["a"] == [40, 0]
        assert found["b"] == [0, 40]
        assert sum(found["c"]) == 40
        assert 0 < found["c"][0] < 40
