"""Live tests of bonds: as planned, filled by one connection, left where a path breaks, and drift."""

import time

import live
import pytest

from compiler.driver import Compilation

pytestmark = pytest.mark.live

LINKS = "host a b\nlink a -- b rate 10mbit\nlink a -- b rate 10mbit\n"
TUNNELS = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\ntunnel a -- b via {c,d}\n"
KINDS = [
    pytest.param(LINKS, marks=pytest.mark.every_kernel("bond")),
    pytest.param(TUNNELS, marks=pytest.mark.every_kernel("bond", "vxlan")),
]


def check(name: str, text: str) -> live.Result:
    return live.run("bash", "-s", stdin=Compilation("-", f"lab {name}\n{text}").script("check"), seconds=60)


@pytest.mark.parametrize("text", KINDS)
def test_one_connection_fills_all_legs(text: str) -> None:
    """Of links, and of tunnels, whose headers take their part; full packets get through."""
    text = f"{text}bond a -- b\nexpect a -> b reachable"
    lab = Compilation("-", f"lab filled\n{text}").lab
    mtu, expected = (1450, 18.47e6) if "tunnel" in text else (1500, 19.13e6)
    assert {link.mtu for link in lab.links if link.bond} == {mtu}
    with live.running(live.lab_of("filled", text)) as running:
        result = check("filled", text)
        assert result.returncode == 0, result.stdout
        assert live.pings(running.ns("a"), "bond-a.b", "-M", "do", "-s", str(mtu - 28))
        ends = running.ns("b"), running.ns("a"), "b"
        rate = live.most(lambda: live.iperf(*ends), enough=0.97 * expected)
    assert rate == pytest.approx(expected, rel=0.05)


@pytest.mark.every_kernel("bond", "vxlan")
@pytest.mark.parametrize("pool", ["10.0.0.0/8", "fd00::/48"])
def test_a_path_that_breaks_is_left(pool: str) -> None:
    """The far link of one path, of which the sender sees nothing."""
    text = f"pool {pool}\n{TUNNELS}bond a -- b"
    with live.running(live.lab_of("broken", text)) as lab:
        assert check("broken", text).returncode == 0
        live.succeed("ip", "-n", lab.ns("c"), "link", "set", "dev", "b", "down")
        wait_for(lab, "DOWN")
        assert live.pings(lab.ns("a"), "b", "-c", "20", "-i", "0.05")
        told = check("broken", text)
        assert "missing: leg b UP" in told.stdout


@pytest.mark.every_kernel("bond", "vxlan")
@pytest.mark.parametrize("mode", ["active-backup", "balance-xor", "broadcast"])
def test_each_mode_comes_up_over_tunnels(mode: str) -> None:
    """Beside a leg that is a link; where that breaks, another one is taken."""
    text = f"{TUNNELS}link a -- b\nbond a -- b mode {mode}\nexpect a -> b reachable"
    with live.running(live.lab_of("over", text)) as lab:
        assert check("over", text).returncode == 0
        live.succeed("ip", "-n", lab.ns("a"), "link", "set", "dev", "b", "down")
        time.sleep(2)
        assert live.pings(lab.ns("a"), "b", "-c", "10", "-i", "0.1")


@pytest.mark.every_kernel("bond", "vxlan")
def test_active_backup_leaves_a_tunnel_whose_path_breaks() -> None:
    text = f"{TUNNELS}bond a -- b mode active-backup"
    with live.running(live.lab_of("backup", text)) as lab:
        live.succeed("ip", "-n", lab.ns("c"), "link", "set", "dev", "b", "down")
        time.sleep(2)
        assert live.pings(lab.ns("a"), "b", "-c", "10", "-i", "0.1")


@pytest.mark.every_kernel("bond", "vxlan")
def test_packets_take_turns_on_a_bond_that_is_late() -> None:
    """Of tunnels and IPv6: it has no carrier yet when its routes are made."""
    text = f"pool fd00::/48\n{TUNNELS}bond a -- b\nspray a -- b\nexpect a -> b reachable"
    with live.running(live.lab_of("late", text)):
        result = check("late", text)
    assert result.returncode == 0, result.stdout


def wait_for(lab: live.Lab, state: str) -> None:
    """Waits until a leg has a state, and ten seconds at most."""
    for _ in range(100):
        if f"mii_status {state}" in live.succeed("ip", "-n", lab.ns("a"), "-d", "link", "show", "dev", "b"):
            return
        time.sleep(0.1)
    raise AssertionError(state)


@pytest.mark.every_kernel("bond")
@pytest.mark.parametrize("mode", ["active-backup", "balance-xor", "broadcast", "802.3ad"])
def test_each_mode_is_as_planned(mode: str) -> None:
    text = f"{LINKS}bond a -- b mode {mode}\nexpect a -> b reachable"
    with live.running(live.lab_of("mode", text)):
        result = check("mode", text)
    assert result.returncode == 0, result.stdout


@pytest.mark.every_kernel("bond")
def test_check_tells_what_became_of_a_bond() -> None:
    text = f"{LINKS}bond a -- b"
    with live.running(live.lab_of("drift", text)) as lab:
        for change, told in (
            ("type bond xmit_hash_policy layer2+3", "missing: bond bond-b mode balance-rr miimon 100"),
            ("type bond miimon 200", "unexpected: bond bond-b mode balance-rr miimon 200"),
            ("mtu 1400", "missing: link b mtu 1500 up master bond-b"),
        ):
            live.succeed("ip", "-n", lab.ns("a"), "link", "set", "dev", "bond-b", *change.split())
            assert told in check("drift", text).stdout
        live.succeed("ip", "-n", lab.ns("a"), "link", "set", "dev", "b.2", "nomaster")
        assert "missing: leg b.2 UP" in check("drift", text).stdout
