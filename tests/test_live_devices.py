"""`device`: interfaces that commands make, from up to down."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import kernel
import live
import machine
import pytest
from faults import PROGRAMS, Shims, moments, thorough
from test_live_faults import ASKING, interrupted, span

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

HOSTS = "host a b\nrouter r\nlink a -- r -- b rate 50mbit\n"
MACVLAN = (
    'device {node}:m0 "ip link add name m0 link r type macvlan mode bridge" address 10.9.{number}.1/24\n'
)
TAP = 'device b:tap0 "ip tuntap add dev tap0 mode tap" address 10.8.0.1/24 address fd09::1/64\n'
TUN = 'device {a:tun0,b:tun0} "ip tuntap add dev tun0 mode tun" "ip link set dev tun0 mtu 1400"\n'
FOLDER = Path("/run/mpc-made.d")
ODD = " ".join(
    ["' \"\\\\ `id` $(id) $HOME !! * ? {a,b} ~ # ; & | < > %s \\\\n END", *map(chr, range(33, 127))]
)


def lab_of(*statements: str, style: Style = Style.BATCH) -> live.Lab:
    return live.lab_of("made", HOSTS + "".join(statements), style)


def checked(*statements: str) -> live.Result:
    script = Compilation("-", f"lab made\n{HOSTS}{''.join(statements)}").script("check")
    return live.run("bash", "-s", stdin=script)


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    if machine.has("guest"):  # which is thrown away
        yield
        return
    with live.host_unchanged(lab_of()):
        yield


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@pytest.mark.parametrize("style", Style)
def test_devices_are_there_from_up_to_down(style: Style) -> None:
    """Of three kinds, with their addresses and names; a check finds all as planned."""
    statements = (MACVLAN.format(node="a", number=1), TAP, TUN)
    with live.running(lab_of(*statements, style=style)):
        links = live.in_ns("made-b", "ip", "-br", "link").stdout
        assert {"tap0", "tun0"} <= set(links.split())
        shown = live.in_ns("made-a", "ip", "-br", "address").stdout
        assert "10.9.1.1/24" in shown
        assert "mtu 1400" in live.in_ns("made-b", "ip", "link", "show", "dev", "tun0").stdout
        assert live.in_ns("made-a", "getent", "hosts", "tap0.b").returncode == 0
        assert live.pings("made-a", "b")
        told = checked(*statements)
        assert told.returncode == 0, told.stdout


def test_what_commands_know_and_where_they_are(tmp_path: Path) -> None:
    """In order, in the namespace of their node, with the lab's names, when there is a way to others."""
    out = tmp_path / "said"
    way = f"ping -c 1 -w 3 b >/dev/null && echo way >>{out}"
    say = f"echo $MPC_LAB $MPC_NODE $MPC_NETNS; ip netns identify; {way}"
    device = f'device {{a:m0,r:m0}} "{say}" "ip link add name m0 type bridge" "ls /proc/$$/fd | wc -l"\n'
    with live.running(lab_of(device)) as lab:
        logs = [(FOLDER / f"{node}:m0.log").read_text().splitlines() for node in "ar"]
        assert [log[:2] for log in logs] == [[f"made {node} made-{node}", f"made-{node}"] for node in "ar"]
        assert [int(log[2]) for log in logs] == [3, 3]
        assert out.read_text() == "way\nway\n"
        assert "the lab is up" in lab.up().stderr
        live.succeed("flock", "-n", "/run/mpc-made", "true")


@pytest.mark.parametrize("style", Style)
def test_a_command_reaches_bash_byte_for_byte(style: Style) -> None:
    """Whatever is in it: quotes, here-documents, what ends them, and what a shell expands."""
    texts = [ODD, "END", "END_", "$(echo END)", "-x", "'", "}", "EOF' || true; touch /tmp/broken-out"]
    lines = [f"printf '%s\\n' {_single(text)} >>$MPC_LAB.said" for text in texts]
    device = f'device a:m0 "ip link add name m0 type bridge" {" ".join(map(quoted, lines))}\n'
    said = Path("made.said")
    try:
        with live.running(lab_of(device, style=style)):
            assert said.read_text().splitlines() == texts
        assert not Path("/tmp/broken-out").exists()
    finally:
        said.unlink(missing_ok=True)


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


FAILING = {
    "echo so it is; exit 3": "so it is",
    "ip link add name m0 type bridge; no-such-program": "no-such-program: command not found",
    "ip link add name other type bridge": "a:m0 is not there when its commands have been run",
    "kill -9 $$": "a:m0 cannot be made",
}


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("command", FAILING)
def test_a_command_that_fails_takes_all_back(command: str, style: Style) -> None:
    """Up says which it was, and the end of what it said."""
    before = kernel.snapshot()
    result = lab_of(TUN, f"device a:m0 {quoted(command)}\n", style=style).up()
    assert result.returncode == 1
    assert FAILING[command] in result.stderr
    if "is not there" not in FAILING[command]:
        assert command in result.stderr
    assert not kernel.differs(before)


def test_what_is_known_before_is_tested_before() -> None:
    """What bash cannot read, programs and types of devices that are not there, all in one message."""
    lines = ('"if true"', '"no-such-program -x"', '"ip link add name m0 type no_such_type"', '"./no/such"')
    result = lab_of(f"device a:m0 {' '.join(lines)}\n").up()
    assert result.returncode == 1
    assert "nothing was changed" in result.stderr
    for lack in (
        "a command line that bash takes, for a:m0",
        "the command no-such-program",
        "the command ./no/such",
        "devices of the type no_such_type",
    ):
        assert f"  {lack}\n" in result.stderr


def test_no_command_is_run_by_the_preflight(tmp_path: Path) -> None:
    lab = lab_of(f'device a:m0 "touch {tmp_path}/made" "ip link add name m0 type bridge"\n')
    script = f"set -- --preflight\n{lab.up_script}"
    assert live.run("bash", "-s", stdin=script).returncode == 0
    assert not list(tmp_path.iterdir())


def test_drift_of_devices() -> None:
    """Gone, down, or without its address; what is the commands' own is none."""
    statements = (MACVLAN.format(node="a", number=1), TAP)
    with live.running(lab_of(*statements)):
        for own in (
            "ip address add 10.9.1.7/24 dev m0",
            "ip route add 10.77.0.0/16 dev m0",
            "ip rule add pref 77 from 10.9.1.1 lookup main",
            "tc qdisc replace dev m0 root pfifo limit 7",
            "tc qdisc add dev r clsact",
            "nft add table inet own",
        ):
            live.succeed("ip", "netns", "exec", "made-a", *own.split())
        told = checked(*statements)
        assert told.returncode == 0, told.stdout
        for change, lack in (
            (("made-a", "ip address del 10.9.1.1/24 dev m0"), "missing: address 10.9.1.1/24 dev m0"),
            (("made-b", "ip link set dev tap0 down"), "missing: interface tap0 up"),
            (("made-b", "ip link del dev tap0"), "missing: interface tap0 up"),
            (("made-a", "ip address add 10.66.0.1/24 dev r"), "unexpected: address 10.66.0.1/24 dev r"),
            (("made-b", "ip route add 10.66.0.0/16 dev r"), "unexpected: route 10.66.0.0/16 dev r"),
        ):
            live.succeed("ip", "netns", "exec", change[0], *change[1].split())
            assert lack in checked(*statements).stdout


def test_a_device_on_a_device_and_a_daemon() -> None:
    """A program that a command leaves behind holds nothing of up, and down ends it."""
    devices = (
        'device a:tap0 "ip tuntap add dev tap0 mode tap" "sleep 86403 &"\n'
        'device a:m1 "ip link add name m1 link tap0 type macvlan"\n'
    )
    with live.running(lab_of(devices)):
        assert checked(devices).returncode == 0
    assert live.run("pgrep", "-fx", "sleep 86403").returncode == 1


def test_a_tap_as_a_port_of_a_switch() -> None:
    text = "host a\nswitch s\nlink a -- s\n"
    device = 'device s:tap0 "ip tuntap add dev tap0 mode tap" "ip link set dev tap0 master s"\n'
    check = Compilation("-", f"lab made\n{text}{device}").script("check")
    with live.running(live.lab_of("made", text + device)):
        assert "master s" in live.in_ns("made-s", "ip", "link", "show", "dev", "tap0").stdout
        told = live.run("bash", "-s", stdin=check)
        assert told.returncode == 0, told.stdout


@pytest.mark.every_kernel("wireguard")
def test_wireguard() -> None:
    """Traffic by the tunnel, encrypted on the link below, over IPv4 and IPv6; check finds nothing."""
    path = live.GOLDEN / "wireguard.topo"
    lab = live.lab_of("wireguard", path)
    check = Compilation(path.name, path.read_bytes()).script("check")
    with live.running(lab):
        for address in ("10.9.0.2", "fd09::2", "wg0.b"):
            assert live.pings("wireguard-a", address)
        told = live.in_ns("wireguard-a", "wg", "show", "wg0", "latest-handshakes").stdout.split()
        assert int(told[1]) > 0
        checked = live.run("bash", "-s", stdin=check)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.every_kernel("dummy")
def test_a_dummy() -> None:
    device = 'device a:d0 "ip link add name d0 type dummy" address 10.9.0.1/24 address fd09::1/64\n'
    with live.running(lab_of(device)):
        told = checked(device)
        assert told.returncode == 0, told.stdout


# --- whatever fails, nothing is left ------------------------------------------------------------------


def test_every_fault_of_up_is_taken_back(tmp_path: Path) -> None:
    lab, before = lab_of(MACVLAN.format(node="a", number=1), TAP), kernel.snapshot()
    shims = Shims(tmp_path, (*PROGRAMS, "bash"))
    assert shims.run(lab.up_script).returncode == 0
    faults = [one for one in shims.faults() if one.program in ("bash", "nsenter") and not one.line]
    faults = faults if thorough() else faults[::3]
    assert lab.down().returncode == 0
    assert faults
    for fault in faults:
        result = shims.run(lab.up_script, fault)
        if result.returncode == 0:
            assert lab.down().returncode == 0
        assert not (left := kernel.differs(before)), f"{fault}: {left}"


@pytest.mark.parametrize("signals", [ASKING, (signal.SIGKILL,)], ids=["asking", "KILL"])
def test_signals_while_devices_are_made(signals: tuple[signal.Signals, ...]) -> None:
    slow = 'device a:m0 "sleep 0.3" "ip link add name m0 type bridge" "sleep 0.3"\n'
    lab, before, chance = lab_of(slow), kernel.snapshot(), random.Random(7)
    whole = span(lab.up_script)
    assert lab.down().returncode == 0
    for _ in range(moments()):
        sign, after, group = chance.choice(signals), chance.uniform(0, whole), chance.random() < 0.5
        status = interrupted(lab.up_script, sign, after, group=group)
        if status == 0 or sign is signal.SIGKILL:
            assert lab.down().returncode == 0
        assert not (left := kernel.differs(before)), f"{sign.name} after {after:.3f} s: {left}"
