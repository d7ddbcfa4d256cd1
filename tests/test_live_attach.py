"""Containers that run already: they get links and addresses, and are as they were when the lab is down."""

import dataclasses
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import engine
import kernel
import live
import pytest
from faults import Shims, thorough
from test_live_containers import by, drifts, lab_of
from test_live_faults import ASKING, interrupted, span

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

# Each fact that a namespace can have, in that of a container.
LAB = """
lab ours
pool 10.0.0.0/8
pool fd00::/16
container a attach "mine" engine {}
host b
router c d
link {{a,b}} -- {{c,d}} rate 20mbit
tunnel a -- b via c
mptcp a -- b
masquerade a out c
sysctl a net.ipv4.conf.c.log_martians=1 net.ipv4.tcp_congestion_control=reno
device a:tap0 "ip tuntap add dev tap0 mode tap" address 10.66.0.1/24
run a "sleep 9999"
run a inside "sleep 8888"
"""


@pytest.fixture(scope="module", autouse=True, params=["podman", "docker"])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    with engine.private(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


def pid(box: engine.Engine, name: str) -> str:
    return box.call("container", "inspect", "--format", "{{.State.Pid}}", name).strip()


@pytest.fixture
def mine(box: engine.Engine) -> Iterator[str]:
    """The namespace of a container that runs a server, under a name of this test's."""
    argv = [
        "run",
        "--detach",
        "--name",
        "mine",
        "--network",
        "none",
        engine.IMAGE,
        "redis-server",
        "--save",
        "",
    ]
    box.call(*argv, "--protected-mode", "no")
    process = pid(box, "mine")
    live.succeed("ip", "netns", "attach", "probe", process)
    for line in (
        "link add own type veth peer name far",
        "link set own up",
        "address add 192.0.2.9/24 dev own",
    ):
        live.succeed("ip", "-n", "probe", *line.split())
    live.succeed("ip", "-n", "probe", *"mptcp limits set subflows 1 add_addr_accepted 2".split())
    try:
        yield "probe"
        assert pid(box, "mine") == process
    finally:
        live.succeed("ip", "netns", "del", "probe")
        box.call("rm", "--force", "--volumes", "mine")


def whole(ns: str) -> kernel.Listing:
    """All that a namespace has, with its sysctls and the processes in it."""
    every = live.run(
        "ip", "netns", "exec", ns, "grep", "-rsH", "", "/proc/sys/net/ipv4", "/proc/sys/net/ipv6"
    )
    inside = {"processes": live.succeed("ip", "netns", "pids", ns).split()}
    return kernel.state(ns) | {"all sysctls": sorted(every.stdout.splitlines())} | inside


@contextmanager
def unchanged(ns: str) -> Iterator[None]:
    before, host = whole(ns), kernel.snapshot()
    yield
    kernel.assert_same(before, whole(ns))
    kernel.assert_same(host, kernel.snapshot())


def test_it_has_the_network_and_is_as_before(box: engine.Engine, mine: str) -> None:
    """By both styles; the lab's processes end, and its own goes on."""
    text = LAB.format(box.name)
    lab = lab_of(text)
    plain = dataclasses.replace(lab, up_script=Compilation("-", text).up(Style.PLAIN))
    for one in (lab, plain):
        with unchanged(mine), live.running(one):
            assert drifts(text) == []
            client = ["ip", "netns", "exec", "ours-b", "redis-cli", "-h", "a"]
            assert live.succeed(*client, "ping").strip() == "PONG"
            assert "sleep 8888" in box.call("exec", "mine", "ps")
            live.succeed("ip", "-n", "ours-a", "link", "del", "c")
            assert "missing: link c mtu 1500 up to ours-c" in drifts(text)
    with unchanged(mine):
        assert plain.up().returncode == 0
        # What an engine is still about to start is not known to a down of the plain style.
        live.wait_until(lambda: "sleep 8888" in box.call("exec", "mine", "ps"))
        live.succeed("bash", "-s", "down", stdin=plain.up_script, seconds=60)


def test_what_is_not_to_be_attached(box: engine.Engine, mine: str) -> None:
    """Up says why, and changes nothing."""
    text = LAB.format(box.name)
    # (For the first such container, docker mounts the namespace of this machine in its own folder.)
    box.call("run", "--rm", "--network", "host", engine.IMAGE, "true")
    with unchanged(mine):
        other = lab_of(text.replace("lab ours", "lab theirs"))
        with live.running(lab_of(text)):
            assert "a container mine that is in no lab: it is in the lab ours" in other.up().stderr
        assert "a container none of" in lab_of(text.replace('"mine"', '"none"')).up().stderr
        renamed = (
            text.replace("router c d", "router own d").replace("{c,d}", "{own,d}").replace("via c", "via own")
        )
        result = lab_of(renamed.replace("out c", "out own").replace("conf.c.", "conf.own.")).up()
        assert "the interface name own in the container mine: it has one" in result.stderr
        box.call("run", "--detach", "--name", "open", "--network", "host", engine.IMAGE, "sleep", "9999")
        result = lab_of(text.replace('"mine"', '"open"')).up()
        assert "a network of its own for the container open: it has that of this machine" in result.stderr
        box.call("kill", "open")
        live.wait_until(lambda: pid(box, "open") == "0")
        assert (
            "a container open that runs: it does not" in lab_of(text.replace('"mine"', '"open"')).up().stderr
        )
        box.call("rm", "--force", "open")
        box.call(
            "run", "--detach", "--name", "beside", "--network", "container:mine", engine.IMAGE, "sleep", "9"
        )
        also = f'container x attach "beside" engine {box.name}\nlink x -- e\n'
        result = lab_of(text.replace("host b", "host b e") + also).up()
        assert "a network of its own for the container beside: it has that of mine" in result.stderr
        box.call("rm", "--force", "beside")


def test_one_of_a_lab_is_not_attached(box: engine.Engine) -> None:
    text = f'lab first\ncontainer a b image "{engine.IMAGE}" command "sleep 9999"\nlink a -- b'
    with live.running(lab_of(by(box, "\n" + text))):
        result = lab_of(LAB.format(box.name).replace('"mine"', '"first-a"')).up()
        assert "a container first-a that is in no lab: it is in the lab first" in result.stderr


def test_only_attached_ones(box: engine.Engine, mine: str) -> None:
    """A link from one to another, which goes with either of its ends."""
    box.call("run", "--detach", "--name", "other", "--network", "none", engine.IMAGE, "sleep", "9999")
    text = f"""
lab ours
container a attach "mine" engine {box.name}
container b attach "other" engine {box.name}
link a -- b
"""
    lab = lab_of(text)
    plain = dataclasses.replace(lab, up_script=Compilation("-", text).up(Style.PLAIN))
    for one in (lab, plain):
        with unchanged(mine), live.running(one):
            assert drifts(text) == []
            live.succeed("ip", "netns", "exec", "ours-b", "redis-cli", "-h", "a", "ping")
    box.call("rm", "--force", "other")


@pytest.mark.parametrize("signals", [ASKING, (signal.SIGKILL,)], ids=["asking", "KILL"])
def test_signals_at_any_moment(box: engine.Engine, mine: str, signals: tuple[signal.Signals, ...]) -> None:
    """Up takes back what it has added, or down does; what runs goes on."""
    lab, chance = lab_of(LAB.format(box.name)), random.Random(6)
    took = span(lab.up_script)
    assert lab.down().returncode == 0
    before, host = whole(mine), kernel.snapshot()
    for _ in range(100 if thorough() else 6):
        sign, after, group = chance.choice(signals), chance.uniform(0.1, 1) * took, chance.random() < 0.5
        status = interrupted(lab.up_script, sign, after, group=group)
        if status <= 0:
            down = lab.down()
            assert down.returncode == 0, down.stderr
        assert not kernel.differs(host), f"{sign.name} after {after:.3f} s, status {status}"
        kernel.assert_same(before, whole(mine))


def test_what_cannot_be_taken_back_stays_for_the_next_down(
    box: engine.Engine, mine: str, tmp_path: Path
) -> None:
    """Where a tool fails, down says so, and keeps the name and the notes; the next has all as it was."""
    lab, shims = lab_of(LAB.format(box.name)), Shims(tmp_path, ("nsenter",))
    with unchanged(mine):
        assert lab.up().returncode == 0
        assert shims.run(lab.down_script).returncode == 0
        faults = [fault for fault in shims.faults() if fault.program == "nsenter" and not fault.acts]
        for fault in faults if thorough() else faults[:: len(faults) // 6]:
            assert lab.up().returncode == 0
            result = shims.run(lab.down_script, fault)
            assert result.returncode == 1 or not lab.footprint(), f"{fault}: {result.stderr}"
            assert lab.down().returncode == 0
            assert not lab.footprint(), str(fault)
