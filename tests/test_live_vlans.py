"""VLANs: what switches keep apart and a router joins, tags on trunks, multicast, and checks."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import live
import pytest
from drifts import drifts

from compiler.driver import Compilation

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("vlan")]

LAB = """
pool 10.0.0.0/8
pool fd00::/16
host   a b c d plain
router r
switch s t
link   a -- s  vlan 10
link   b -- t  vlan 10
link   c -- s  vlan 20
link   d -- t  vlan 20
link   plain -- s
link   s -- t  trunk 10,20
link   r:up -- s  trunk 10,20
expect a -> {b,c,d}  reachable
expect a -> plain    unreachable
"""
COMPILED = Compilation("-", f"lab vlans\n{LAB}")

LISTEN = """
import socket, struct
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("", 5007))
group = struct.pack("4sl", socket.inet_aton("239.1.2.3"), 0)
own.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
own.settimeout(6)
try:
    print(own.recv(100).decode())
except TimeoutError:
    print("nothing")
"""
SEND = """
import socket, time
for _ in range(8):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"heard", ("239.1.2.3", 5007))
    time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("vlans", LAB)) as lab:
        yield lab


def check() -> live.Result:
    return live.run("bash", "-s", stdin=COMPILED.script("check"), seconds=120)


@pytest.mark.usefixtures("lab")
def test_a_check_finds_it_as_planned() -> None:
    """What is expected, too: who reaches whom."""
    found = check()
    assert found.returncode == 0, found.stdout


def test_packets_between_vlans_go_through_the_router(lab: live.Lab) -> None:
    """Those within one do not: their time to live is that of their sender."""
    for target, passed in (("b", 0), ("c", 1)):
        live.wait_until(partial(live.pings, lab.ns("a"), target))
        told = live.in_ns(lab.ns("a"), "ping", "-c", "1", target).stdout
        assert f"ttl={64 - passed}" in told


def test_switches_alone_join_nothing(lab: live.Lab) -> None:
    """With an address of the other VLAN's subnet, a reaches nobody there."""
    own, there = (
        live.in_ns(lab.ns(name), "ip", "-4", "-o", "address", "show", "dev", dev).stdout.split()[3]
        for name, dev in (("a", "s"), ("c", "s"))
    )
    assert own != there
    other = there.rsplit(".", 1)[0] + ".250/24"
    live.in_ns(lab.ns("a"), "ip", "address", "add", other, "dev", "s")
    try:
        told = live.in_ns(
            lab.ns("a"), "ping", "-c", "2", "-W", "1", "-I", other.split("/")[0], there.split("/")[0]
        )
        assert told.returncode != 0
    finally:
        live.in_ns(lab.ns("a"), "ip", "address", "del", other, "dev", "s")


def received(lab: live.Lab) -> dict[str, int]:
    """The packets that each interface of the router has received."""
    told = live.in_ns(lab.ns("r"), "cat", "/proc/net/dev").stdout.splitlines()[2:]
    return {line.split(":")[0].strip(): int(line.split(":")[1].split()[1]) for line in told}


def test_trunks_have_tags(lab: live.Lab) -> None:
    """The router tells packets of both VLANs apart by them: requests come in by one, answers by the other."""
    before = received(lab)
    live.wait_until(partial(live.pings, lab.ns("a"), "c"), seconds=30)
    after = received(lab)
    tagged = [after[name] - before[name] for name in ("up.10", "up.20")]
    assert all(tagged)
    assert after["up"] - before["up"] >= sum(tagged)


@pytest.mark.parametrize(("node", "hears"), [("b", True), ("c", False), ("d", False)])
def test_multicast_stays_in_its_vlan(lab: live.Lab, node: str, hears: bool) -> None:
    """It goes out of all ports of that, without a querier; routers send none of it on."""
    argv = live.bounded(20, "ip", "netns", "exec", lab.ns(node), sys.executable, "-c", LISTEN)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as listener:
        live.run("sleep", "1")
        live.in_ns(lab.ns("a"), sys.executable, "-c", SEND)
        told, _ = listener.communicate(timeout=30)
    assert told.strip() == ("heard" if hears else "nothing")


def test_a_check_reports_each_that_is_changed(lab: live.Lab) -> None:
    """Of ports and of VLAN devices: gone, another, and one more."""
    own = [one for one in drifts(COMPILED.plan) if "vlan" in one.change]
    assert own
    found = [
        ("bridge vlan add dev a vid 30", "unexpected: vlan a 30", "bridge vlan del dev a vid 30"),
        ("bridge vlan del dev r vid 20", "missing: vlan r 20", "bridge vlan add dev r vid 20"),
        ("bridge vlan add dev c vid 20", "missing: vlan c 20 PVID Egress Untagged",
         "bridge vlan add dev c vid 20 pvid untagged"),
        ("ip link set dev s type bridge vlan_filtering 0", "missing: bridge s vlan_filtering 1",
         "ip link set dev s type bridge vlan_filtering 1"),
    ]  # fmt: skip
    for change, told, back in found:
        assert live.in_ns(lab.ns("s"), "sh", "-c", change).returncode == 0
        assert told in check().stdout, change
        assert live.in_ns(lab.ns("s"), "sh", "-c", back).returncode == 0
    live.in_ns(lab.ns("r"), "sh", "-c", "ip link del dev up.20")
    assert "missing: tag up.20 of up 802.1Q 20" in check().stdout
