"""Live tests of teqls: filled by one connection, told of by checks, and given back whatever happens."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import kernel
import live
import pytest
from faults import Shims, thorough
from test_live_faults import interrupted, span

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = [pytest.mark.live, pytest.mark.every_kernel("teql")]

LINKS = "host a b\nlink a -- b rate 10mbit\nlink a -- b rate 10mbit\nteql a -- b\n"
TUNNELS = "host a b\nrouter c d\nlink {a,b} -- {c,d} rate 10mbit\ntunnel a -- b via {c,d}\nteql a -- b\n"
ROUTERS = "host a b\nrouter c d\nlink a -- c\nlink d -- b\nlink c -- d\nlink c -- d\nteql c -- d\n"
MODULE = Path("/sys/module/sch_teql")


@pytest.fixture(autouse=True)
def unloaded() -> Iterator[None]:
    """The module is not there, before each test and after it."""
    live.run("modprobe", "-r", "sch_teql")
    yield
    live.run("modprobe", "-r", "sch_teql")
    assert not MODULE.exists()


def check(name: str, text: str) -> live.Result:
    return live.run("bash", "-s", stdin=Compilation("-", f"lab {name}\n{text}").script("check"), seconds=60)


def devices() -> set[str]:
    return {link["ifname"] for link in kernel.rows("ip", "-j", "link")} - {"lo"}


@pytest.mark.parametrize("pool", ["10.0.0.0/8", "fd00::/48"])
@pytest.mark.parametrize("text", [LINKS, TUNNELS])
def test_one_connection_fills_all_legs(text: str, pool: str) -> None:
    text = f"pool {pool}\n{text}expect a -> b reachable"
    lab = Compilation("-", f"lab filled\n{text}").lab
    (mtu,) = {link.packet for link in lab.links if link.bond}
    header = 72 if ":" in pool else 52
    expected = 20e6 * (mtu - header) / 1514
    with live.running(live.lab_of("filled", text)) as running:
        result = check("filled", text)
        assert result.returncode == 0, result.stdout
        assert live.pings(running.ns("a"), "b", "-M", "do", "-s", str(mtu - header + 24))
        ends = running.ns("b"), running.ns("a"), "b"
        rate = live.most(lambda: live.iperf(*ends), enough=0.97 * expected)
    assert rate == pytest.approx(expected, rel=0.05)
    assert not devices()


def test_hosts_behind_routers_reach_each_other_by_both_families() -> None:
    """Also where nodes have two interfaces on one broadcast domain, and rules ask how packets come in."""
    text = f"pool 10.0.0.0/8\npool fd00::/48\n{ROUTERS}"
    text += "switch s\nlink a -- s\nlink c -- s\nlink c -- s\nspray a -- b\nmptcp a -- b\n"
    text += "expect {a,b,c,d} -> {a,b,c,d} reachable"
    with live.running(live.lab_of("routed", text)):
        result = check("routed", text)
    assert result.returncode == 0, result.stdout


def test_a_leg_that_is_down_is_left_and_taken_again() -> None:
    with live.running(live.lab_of("left", LINKS)) as lab:
        a = lab.ns("a")
        assert live.pings(a, "b")
        live.succeed("ip", "-n", a, "link", "set", "dev", "b", "down")
        live.wait_until(lambda: loses_nothing(a))
        assert all(loses_nothing(a) for _ in range(5))
        live.succeed("ip", "-n", a, "link", "set", "dev", "b", "up")
        live.wait_until(lambda: check("left", LINKS).returncode == 0)
        assert min(both(lab)) >= 4  # of ten; ARP asks by either


def loses_nothing(ns: str) -> bool:
    """Whether ten of ten requests are answered."""
    told = live.in_ns(ns, "ping", "-nqc", "10", "-i", "0.02", "-W", "1", "b").stdout
    return " 0% packet loss" in told


def sent(lab: live.Lab, leg: str) -> int:
    """How many packets a leg has sent."""
    (link,) = kernel.rows("ip", "-n", lab.ns("a"), "-j", "-s", "link", "show", "dev", leg)
    return int(link["stats64"]["tx"]["packets"])


def both(lab: live.Lab) -> list[int]:
    """How many of ten requests each leg sends."""
    assert live.pings(lab.ns("a"), "b")
    before = [sent(lab, leg) for leg in ("b", "b.2")]
    live.in_ns(lab.ns("a"), "ping", "-nqc", "10", "-i", "0.01", "b")
    return [sent(lab, leg) - then for leg, then in zip(("b", "b.2"), before, strict=True)]


def test_check_tells_what_became_of_a_teql() -> None:
    with live.running(live.lab_of("drift", LINKS)) as lab:
        here = lab.ns("a")
        for change, told in (
            ("link set dev teql-b mtu 1400", "missing: link teql-b mtu 1500 up noarp void"),
            ("link set dev teql-b down", "unexpected: link teql-b mtu 1400 down noarp void"),
            ("link set dev b nomaster", "missing: link b mtu 1500 up master q.b"),
            ("link del dev q.b.2", "missing: link q.b.2 mtu 1500 up"),
        ):
            live.succeed("ip", "-n", here, *change.split())
            assert told in check("drift", LINKS).stdout
        assert "missing: qdisc teql0 dev q.b.2 root" in check("drift", LINKS).stdout
        live.succeed("tc", "-n", here, "qdisc", "del", "dev", "q.b", "root")
        live.succeed("tc", "-n", here, "qdisc", "del", "dev", "teql-b", "root")
        told_last = check("drift", LINKS).stdout
        assert "missing: qdisc teql0 dev q.b root" in told_last
        assert "missing: qdisc pfifo dev teql-b root limit 1000p" in told_last


@pytest.mark.parametrize("style", Style)
def test_devices_are_given_back_and_the_module_unloaded_if_up_loaded_it(style: Style) -> None:
    lab = live.lab_of("given", LINKS, style)
    with live.running(lab):
        assert MODULE.exists()
        assert not devices()
    assert not MODULE.exists()
    live.succeed("modprobe", "sch_teql", "max_equalizers=3")
    with live.running(lab):
        assert len(devices()) == 1
    assert devices() == {"teql0", "teql1", "teql2"}
    live.succeed("ip", "link", "set", "dev", "teql1", "name", "mine")
    with live.running(lab):
        assert devices() == {"mine"}
    assert devices() == {"teql0", "mine", "teql2"}


def test_the_plain_style_gives_back_too() -> None:
    script = Compilation("-", f"lab plain\n{LINKS}").up(Style.PLAIN)
    live.succeed("bash", "-s", stdin=script, seconds=60)
    assert check("plain", LINKS).returncode == 0
    live.succeed("bash", "-s", "down", stdin=script, seconds=60)
    assert not MODULE.exists()
    live.succeed("modprobe", "sch_teql", "max_equalizers=1")
    result = live.run("bash", "-s", stdin=script, seconds=60)
    assert result.returncode == 1
    assert "there is no free teql device" in result.stderr
    assert devices() == {"teql0"}


def test_too_few_devices_are_told_before_anything_is_changed() -> None:
    lab = live.lab_of("few", LINKS)
    live.succeed("modprobe", "sch_teql", "max_equalizers=2")
    live.succeed("ip", "link", "add", "name", "x", "type", "bridge")
    live.succeed("tc", "qdisc", "add", "dev", "x", "root", "teql1")
    try:
        with live.host_unchanged(lab):
            result = lab.up()
        assert result.returncode == 1
        assert "2 free teql devices (module sch_teql" in result.stderr
        assert "there are 1 here" in result.stderr
    finally:
        live.succeed("ip", "link", "del", "dev", "x")
    live.succeed("modprobe", "-r", "sch_teql")
    inner = f"exec unshare --net bash -s <<'SCRIPT'\n{lab.up_script}SCRIPT\n"
    with live.host_unchanged(lab):
        result = live.run("bash", "-s", stdin=inner)
    assert "there are 0 here" in result.stderr
    with live.host_unchanged(lab):
        assert live.run("bash", "-s", "--", "--preflight", stdin=lab.up_script).returncode == 0


def test_labs_share_devices_and_the_last_unloads_the_module() -> None:
    """A second lab has what an up that was killed has not come to take, and then the module too."""
    first, second = (live.lab_of(name, LINKS) for name in ("first", "second"))
    with live.running(first):
        assert "2 free teql devices" in second.up().stderr
        assert not second.footprint()
    claim = Path("/run/mpc-first")
    claim.write_text("source -\nplan 0\nsince now\nnamespace first-a\nmodule sch_teql\n")
    live.succeed("modprobe", "sch_teql", "max_equalizers=2")
    with live.running(second):
        assert first.down().returncode == 0
        assert not claim.exists()
        assert check("second", LINKS).returncode == 0
    assert not MODULE.exists()


def test_what_is_deleted_by_hand_is_found_under_its_last_name() -> None:
    live.succeed("modprobe", "sch_teql", "max_equalizers=2")
    lab = live.lab_of("deleted", LINKS)
    assert lab.up().returncode == 0
    for node in "ab":
        live.succeed("ip", "netns", "del", lab.ns(node))
    live.wait_until(lambda: {"teql-a", "teql-b"} <= devices())
    assert lab.down().returncode == 0
    assert devices() == {"teql0", "teql1"}


@pytest.mark.once
def test_up_and_down_are_killed() -> None:
    """Whatever is left then, a down takes it away, with the module."""
    lab, chance = live.lab_of("killed", LINKS), random.Random(5)
    before = kernel.snapshot()
    whole = span(lab.up_script), span(lab.down_script)
    for turn in range(100 if thorough() else 10):
        script = lab.down_script if turn % 2 else lab.up_script
        assert script is lab.up_script or lab.up().returncode == 0
        after, group = chance.uniform(0, whole[turn % 2]), chance.random() < 0.5
        interrupted(script, signal.SIGKILL, after, group=group)
        down = lab.down()
        assert down.returncode == 0, down.stderr
        assert not MODULE.exists(), f"turn {turn}: KILL after {after:.3f} s"
        kernel.assert_same(before, kernel.snapshot())


@pytest.mark.once
def test_faults(tmp_path: Path) -> None:
    """Calls that load or unload the module fail, before they have acted and after (MPC_FAULTS: all)."""
    lab, shims = live.lab_of("faulty", LINKS), Shims(tmp_path)
    before = kernel.snapshot()
    assert shims.run(lab.up_script).returncode == 0
    ups = [fault for fault in shims.faults() if fault.program in TRIED]
    assert shims.run(lab.down_script).returncode == 0
    downs = [fault for fault in shims.faults() if fault.program in TRIED]
    for fault in ups:
        result = shims.run(lab.up_script, fault)
        down = None if result.returncode == 1 else lab.down()  # or it took too long, and was killed
        assert down is None or down.returncode == 0, f"{fault}: {down}"
        assert not MODULE.exists(), f"{fault} of up"
        kernel.assert_same(before, kernel.snapshot())
    for fault in downs:
        assert lab.up().returncode == 0
        shims.run(lab.down_script, fault)
        down = lab.down()
        assert down.returncode == 0, f"{fault}: {down.stderr}"
        assert not MODULE.exists(), f"{fault} of down"
        kernel.assert_same(before, kernel.snapshot())


TRIED = ("modprobe", "flock", "ip", "tc", "rm", "nsenter") if thorough() else ("modprobe",)
