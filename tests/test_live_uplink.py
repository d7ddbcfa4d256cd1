"""Uplinks: the one thing of a lab on the machine's own network, beside a namespace that plays the upstream.

These tests change the network that they run in, so they run apart (`tests/apart`), where it is nobody's.
"""

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import kernel
import live
import pytest
from faults import Fault, Shims, moments
from tap import points
from test_live_faults import interrupted, span

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("world")]

NAME = "test-uplink"
LAB = f"""
lab {NAME}
host   pc web
router home isp
switch lan  private subnet 192.168.1.0/24
link   {{pc,home}} -- lan
link   home -- isp -- web
masquerade home  out isp
uplink isp
"""
CARD, SERVER = "card0", "192.0.2.53"
FORWARDING = Path(f"/proc/sys/net/ipv4/conf/{CARD}/forwarding")
STYLES = pytest.mark.parametrize("style", list(Style))


@pytest.fixture
def world() -> Iterator[str]:
    """A namespace that this one has its default route to."""
    if live.run("ip", "route", "show", "default").stdout:
        pytest.skip("this network has a default route of its own: run this by tests/apart")
    live.succeed("ip", "netns", "add", "world")
    rows = [
        f"link add name {CARD} type veth peer name {CARD} netns world",
        f"address add 203.0.113.2/24 dev {CARD}",
        f"link set dev {CARD} up",
    ]
    live.succeed("ip", "-batch", "-", stdin="\n".join(rows))
    inside = [
        f"address add 203.0.113.1/24 dev {CARD}",
        f"address add {SERVER}/32 dev lo",
        f"link set dev {CARD} up",
        "link set dev lo up",
        "route add 198.18.0.0/15 via 203.0.113.2",
        "route add 10.0.0.0/8 via 203.0.113.2",
    ]
    live.succeed("ip", "-n", "world", "-batch", "-", stdin="\n".join(inside))
    live.succeed("ip", "route", "add", "default", "via", "203.0.113.1")
    try:
        yield "world"
    finally:
        live.succeed("ip", "netns", "del", "world")
        live.run("ip", "link", "del", "dev", CARD)
        live.wait_until(lambda: CARD not in live.run("ip", "-br", "link").stdout)


def lab_of(text: str = LAB, style: Style = Style.BATCH, name: str = NAME) -> live.Lab:
    compilation = Compilation("-", text)
    return live.Lab(name, compilation.up(style), compilation.down(), f"{name}-")


def holds(text: str = LAB) -> list[str]:
    found = points(live.run("bash", "-s", stdin=Compilation("-", text).script("check"), seconds=60))
    return [f"{what}: {point.said}" for what, point in found.items() if not point.holds]


@STYLES
@pytest.mark.every_kernel
def test_all_nodes_get_out_and_nobody_in(world: str, style: Style) -> None:
    everywhere = Path("/proc/sys/net/ipv4/ip_forward")
    before = everywhere.read_text()
    lab = lab_of(style=style)
    with live.host_unchanged(lab), live.running(lab):
        assert holds() == []
        for node in ("isp", "home", "pc", "web"):
            assert live.pings(lab.ns(node), SERVER), node
        own = live.run("ip", "-n", lab.ns("isp"), "-4", "-br", "address", "show", "dev", "uplink").stdout
        inner = own.split()[2].split("/")[0]
        seen = live.in_ns(lab.ns("isp"), "ping", "-c1", "-W1", inner)
        assert seen.returncode == 0
        assert not live.pings(world, inner)
        assert FORWARDING.read_text() == "1\n"
        assert everywhere.read_text() == before


@STYLES
def test_names_are_asked_of_servers_beyond_the_loopback(style: Style) -> None:
    """Of those that systemd-resolved asks, where it is the machine's own."""
    etc, told = Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")
    before = etc.read_text()
    told.parent.mkdir(parents=True)
    try:
        for own, theirs, wanted in (
            (f"nameserver {SERVER}\n", "nameserver 192.0.2.54\n", f"nameserver {SERVER}"),
            (
                "nameserver 127.0.0.53\noptions edns0\n",
                f"nameserver {SERVER}\nnameserver ::1\n",
                f"nameserver {SERVER}",
            ),
            ("nameserver 127.0.0.53\n", "", "# This machine has no name server that a lab could ask."),
        ):
            etc.write_text(own)
            told.write_text(theirs)
            lab = lab_of(style=style)
            with live.running(lab):
                seen = live.in_ns(lab.ns("pc"), "cat", "/etc/resolv.conf").stdout
                assert seen == f"# mpc:{NAME}\n{wanted}\n"
                assert holds() == []
    finally:
        etc.write_text(before)
        told.unlink()
        told.parent.rmdir()


@STYLES
def test_a_card_that_forwards_goes_on_with_it(style: Style) -> None:
    FORWARDING.write_text("1\n")
    lab = lab_of(style=style)
    with live.host_unchanged(lab), live.running(lab):
        assert live.pings(lab.ns("pc"), SERVER)
    assert FORWARDING.read_text() == "1\n"


def test_the_last_of_two_labs_gives_forwarding_back() -> None:
    one, other = lab_of(), lab_of(LAB.replace(NAME, "test-second"), name="test-second")
    before = kernel.snapshot()
    for first, second in ((one, other), (other, one)):
        assert one.up().returncode == other.up().returncode == 0
        assert first.down().returncode == 0
        assert live.pings(second.ns("pc"), SERVER)
        assert FORWARDING.read_text() == "1\n"
        assert second.down().returncode == 0
        kernel.assert_same(before, kernel.snapshot())


def test_where_the_machine_came_to_forward_it_goes_on_with_it() -> None:
    whole = Path("/proc/sys/net/ipv4/ip_forward")
    lab = lab_of()
    try:
        with live.running(lab):
            whole.write_text("1\n")
        assert FORWARDING.read_text() == "1\n"
    finally:
        whole.write_text("0\n")


def test_what_stands_in_the_way_is_named_before() -> None:
    lab = lab_of(LAB.replace("uplink isp", "uplink isp to card0"))
    before = kernel.snapshot()
    end = next(line.split()[2] for line in lab.up_script.splitlines() if line.startswith("raise_uplink "))
    network = next(line.split()[5] for line in lab.up_script.splitlines() if line.startswith("raise_uplink "))
    cases = {
        ("ip link add name {0} type veth peer name x", "ip link del dev {0}"): f"the interface name {end}",
        (
            "nft add table ip mpc-test-uplink",
            "nft delete table ip mpc-test-uplink",
        ): "a table of nftables has it",
        ("ip route add 198.18.0.0/15 dev card0", "ip route del 198.18.0.0/15"): f"the network {network}",
    }
    for (make, remove), said in cases.items():
        live.succeed(*make.format(end).split())
        result = lab.up()
        live.succeed(*remove.format(end).split())
        assert result.returncode == 1
        assert said in result.stderr
        assert "nothing was changed" in result.stderr
        kernel.assert_same(before, kernel.snapshot())
    assert "an interface none0 of" in lab_of(LAB.replace("uplink isp", "uplink isp to none0")).up().stderr
    live.succeed("ip", "route", "del", "default")
    assert "a default route of this machine" in lab_of().up().stderr
    live.succeed("ip", "route", "add", "default", "via", "203.0.113.1")


@pytest.mark.usefixtures("world")
def test_an_uplink_has_the_settings_of_default() -> None:
    """It is made after these are set, and so after those of all interfaces."""
    text = LAB + "host far\nlink far -- isp\nlink far -- isp\nmptcp far -- isp\n"
    text += "sysctl isp net.ipv4.conf.default.rp_filter=2\n"
    with live.running(lab_of(text)):
        assert holds(text) == []


SMALL = f"lab {NAME}\nhost a\nrouter c\nlink a -- c\nuplink c\n"


def test_faults_of_up_and_down(tmp_path: Path) -> None:
    """Up takes back what it made, and a second down what the first left; `test_live_faults` has all else."""
    lab, shims, before = lab_of(SMALL), Shims(tmp_path), kernel.snapshot()
    assert shims.run(lab.up_script).returncode == 0
    of_up = _of_the_network(shims)
    assert shims.run(lab.down_script).returncode == 0
    of_down = _of_the_network(shims)
    assert {"ip", "nft", "flock"} <= {fault.program for fault in of_down}
    found: list[str] = []
    for fault in of_up:
        result = shims.run(lab.up_script, fault)
        if result.returncode == 0:
            assert lab.down().returncode == 0
        found += _said(fault, result, kernel.differs(before), lab)
    for fault in of_down:
        assert lab.up().returncode == 0
        shims.run(lab.down_script, fault)
        result = lab.down()
        found += [f"{fault}: {result.stderr}"] * bool(result.returncode)
        found += _said(fault, result, kernel.differs(before), lab)
    assert not found, "\n".join(found)


def _of_the_network(shims: Shims) -> list[Fault]:
    """The faults of calls that have to do with the machine's own network, which come last."""
    faults = list(shims.faults())
    last = [fault for fault in faults if fault.program in ("ip", "nsenter")]
    return [fault for fault in faults if fault.program in ("nft", "flock")] + last[-6:]


def _said(fault: Fault, result: live.Result, left: str, lab: live.Lab) -> list[str]:
    if left:
        lab.down()
    return [f"{fault}: {left}\n{result.stderr}"] if left else []


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_signals(sign: signal.Signals) -> None:
    lab, before, chance = lab_of(SMALL), kernel.snapshot(), random.Random(4)
    whole = span(lab.up_script)
    assert lab.down().returncode == 0
    for script in (lab.up_script, lab.down_script):
        for _ in range(moments() // 2):
            if script == lab.down_script:
                assert lab.up().returncode == 0
            after = chance.uniform(0, whole)
            interrupted(script, sign, after, group=chance.random() < 0.5)
            if script == lab.down_script or sign == signal.SIGKILL or lab.footprint():
                down = lab.down()
                assert down.returncode == 0, down.stderr
            time.sleep(0.05)
            assert not (left := kernel.differs(before)), f"{sign.name} after {after:.3f} s: {left}"
