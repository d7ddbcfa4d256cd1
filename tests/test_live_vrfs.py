"""VRFs: customers with one prefix, what routers keep apart, routes from one to another, and checks."""

from collections.abc import Iterator

import kernel
import live
import pytest

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("vrf")]

LAB = """
pool 10.0.0.0/8
pool fd00::/16
host   a1 a2 b1 b2 web
router r s
link   a1 -- r  vrf red address 192.168.1.2/24 192.168.1.1/24
link   b1 -- r  vrf blue address 192.168.1.2/24 192.168.1.1/24
link   r:one -- s:one  vrf red
link   r:two -- s:two  vrf blue
link   a2 -- s  vrf red
link   b2 -- s  vrf blue
link   web -- r
route  s vrf red to web  via r:one
route  r vrf red to web  via web
route  r to a2           via s:one
expect a1 -> a2           reachable
expect a2 -> a1           reachable
expect b1 -> b2           reachable
expect b2 -> b1           reachable
expect {a1,web} -> b2     unreachable
expect {a2,b2} -> r       unreachable  # which means what it has outside of VRFs
expect web -> r           reachable
expect a2 -> r:a1         reachable
expect a2 -> s:b2         unreachable
expect a2 -> web          reachable
expect web -> a2          reachable
expect b2 -> web          unreachable
"""
COMPILED = Compilation("-", f"lab vrfs\n{LAB}")


@pytest.fixture(scope="module")
def lab() -> Iterator[live.Lab]:
    with live.running(live.lab_of("vrfs", LAB)) as lab:
        yield lab


def check() -> live.Result:
    return live.run("bash", "-s", stdin=COMPILED.script("check"), seconds=180)


@pytest.mark.usefixtures("lab")
def test_a_check_finds_it_as_planned() -> None:
    """What is expected, too: who reaches whom, and by routes from one VRF to another."""
    found = check()
    assert found.returncode == 0, found.stdout + found.stderr


def asked(lab: live.Lab, node: str) -> int:
    """How many pings have come to a node."""
    names, values = (
        line.split()
        for line in live.in_ns(lab.ns(node), "cat", "/proc/net/snmp").stdout.splitlines()
        if line.startswith("Icmp:")
    )
    return int(dict(zip(names, values, strict=True))["InEchos"])


def test_each_customer_has_the_prefix_of_the_other(lab: live.Lab) -> None:
    """One address is one node in each VRF."""
    for source, customer, other in (("a2", "a1", "b1"), ("b2", "b1", "a1")):
        before = asked(lab, customer), asked(lab, other)
        assert live.pings(lab.ns(source), "192.168.1.2")
        assert asked(lab, customer) > before[0]
        assert asked(lab, other) == before[1]


def test_an_address_outside_of_vrfs_is_for_nobody_in_them(lab: live.Lab) -> None:
    """Nor is one that a node in a VRF has too: the rule for own addresses comes after that of VRFs."""
    own, before = ("192.168.1.2/32", "dev", "lo"), asked(lab, "a1")
    assert live.in_ns(lab.ns("r"), "ip", "address", "add", *own).returncode == 0
    try:
        assert live.pings(lab.ns("a2"), "192.168.1.2")
        assert asked(lab, "a1") > before
    finally:
        live.in_ns(lab.ns("r"), "ip", "address", "del", *own)


CHANGED = Compilation("-", f"lab changed\n{LAB}")
TABLES = {node.vrf.name: str(node.vrf.table) for node in CHANGED.lab.nodes if node.vrf}
CHANGES = [
    ("r", "ip link set dev one nomaster", "missing: link one mtu 1500 up master red to changed-s"),
    ("r", "ip link set dev a1 master blue", "missing: link a1 mtu 1500 up master red to changed-a1"),
    ("r", "ip -4 rule add pref 0 lookup local", "unexpected: rule pref 0 from all lookup local"),
    ("r", "ip -6 rule del pref 1000", "missing: rule -6 pref 1000 from all lookup [l3mdev-table]"),
    ("r", "ip link add other up type vrf table 99", "unexpected: link other mtu 65575 up noarp"),
    ("s", "ip route flush table {red}", "missing: route unreachable default table {red} metric 4278198272"),
    ("s", "ip -6 route flush table {red}", "missing: route unreachable ::/0 table {red} metric 4278198272"),
    ("s", "ip link del dev blue", "missing: vrf blue table {blue}"),
    ("s", "ip -6 rule del pref 32765", "missing: rule -6 pref 32765 from all lookup local"),
]


def test_a_check_reports_each_that_is_changed() -> None:
    with live.running(live.lab_of("changed", LAB)) as lab:
        for node, change, _ in CHANGES:
            done = live.in_ns(lab.ns(node), "sh", "-c", change.format(**TABLES))
            assert done.returncode == 0, f"{change}: {done.stderr}"
        told = live.run("bash", "-s", stdin=CHANGED.script("check"), seconds=180).stdout
    assert [line for *_, line in CHANGES if line.format(**TABLES) not in told] == []


@pytest.mark.parametrize("style", Style)
def test_up_that_is_killed_leaves_nothing(style: Style) -> None:
    """SIGKILL allows no roll-back: down removes all that there is of it."""
    before, lab = kernel.snapshot(), live.lab_of("killed", LAB, style)
    for seconds in ("0.3", "0.8", "2"):
        live.run("timeout", "-s", "KILL", seconds, "bash", "-s", stdin=lab.up_script)
        down = lab.down()
        assert not lab.footprint(), down.stderr
    assert kernel.snapshot() == before
