"""What a lab has on one machine it has over several: containers, masquerade, both families, captures."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import engine
import kernel
import live
import pytest
from machines import Machines, machines
from test_live_places import TWO, drifts, live_text, scripts, statuses, succeed

pytestmark = pytest.mark.live

STORED = "export CONTAINERS_STORAGE_CONF=/run/box/storage.conf CONTAINERS_CONF=/run/box/engine.conf\n"
"""Has podman keep all that it has in /run/box, which each machine has for itself."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    before = kernel.snapshot()
    with machines(tmp_path_factory.mktemp("machines"), 2) as found:
        yield found
    kernel.assert_same(before, kernel.snapshot())


@pytest.fixture
def alone(two: Machines) -> Iterator[Machines]:
    before = {name: two.state(name) for name in two.running}
    yield two
    assert {name: two.state(name) for name in two.running} == before


@pytest.fixture
def boxes(two: Machines, tmp_path: Path) -> Machines:
    """Machines with an image."""
    image = tmp_path / "image.tar"
    engine.write_image(image)
    for name in two.running:
        files = {"storage": engine.STORE, "engine": engine.ENGINE}
        for file, text in files.items():
            told = f"mkdir -p /run/box; cat >/run/box/{file}.conf"
            live_text(two.ssh(name, told, stdin=text.format("/run/box")))
        live_text(two.ssh(name, f"{STORED.strip()}; podman import {image} {engine.IMAGE}"))
    return two


CONTAINERS = f"""\
lab       wide
container a image "{engine.IMAGE}" command "redis-server --save '' --protected-mode no" ready 6379
container b image "{engine.IMAGE}" command "redis-server --save '' --protected-mode no" ready "redis-cli ping"
router    c d
link      {{a,b}} -- {{c,d}}  rate 20mbit
run       b inside "redis-cli replicaof a 6379"
expect    a -> b  reachable
"""


@pytest.mark.usefixtures("boxes")
def test_containers(alone: Machines) -> None:
    """One on each machine, which find each other by their names over the links between machines."""
    text = CONTAINERS + TWO
    succeed(alone.everywhere({name: STORED + one for name, one in scripts(text, "up").items()}))
    try:
        checks = {name: STORED + one for name, one in scripts(text, "check").items()}
        assert drifts(alone.everywhere(checks)) == []
        asked = "podman exec wide-b redis-cli -h a set told by-b && podman exec wide-b redis-cli wait 0 100"
        live_text(alone.ssh("m2", f"{STORED.strip()}; {asked}"))
        live.wait_until(
            lambda: (
                "by-b" in alone.ssh("m2", f"{STORED.strip()}; podman exec wide-b redis-cli get told").stdout
            )
        )
    finally:
        downs = {name: STORED + one for name, one in scripts(text, "down").items()}
        succeed(alone.everywhere(downs))
    for name in alone.running:
        assert live_text(alone.ssh(name, f"{STORED.strip()}; podman ps --all --quiet")) == ""


MASQUERADE = """\
lab    wide
host   a b
router c d
link   a -- c -- d -- b  rate 20mbit
masquerade c out d
run    b "while true; do echo hello | nc -l -p 7 -q 0; done"
expect a -> b  reachable
"""


def test_masquerade(alone: Machines) -> None:
    """What leaves c for the other machine has the address of the link between the machines."""
    text = MASQUERADE + TWO
    succeed(alone.everywhere(scripts(text, "up")))
    try:
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
        own = live_text(alone.ssh("m1", "ip -n wide-c -br address show dev d")).split()[2].partition("/")[0]
        seen = alone.start("m2", "ip netns exec wide-b timeout 9 tcpdump -n -l -c 1 -i d 'icmp[0] == 8'")
        live.wait_until(lambda: live_text(alone.ssh("m2", "ip netns pids wide-b")).count("\n") >= 3)
        live_text(alone.ssh("m1", "ip netns exec wide-a ping -c 5 -i 0.3 b"))
        assert f"IP {own} > " in seen.communicate(timeout=20)[0]
    finally:
        succeed(alone.everywhere(scripts(text, "down")))


DUAL = """\
lab    wide
pool   10.0.0.0/8
pool   fd00:7::/32
host   a b e
router c d
switch s
link   {a,b} -- {c,d}  rate 20mbit delay 0ms
link   {b,e,c} -- s
mptcp  a -- b
expect a -> {b,e}  reachable
expect e -> a  reachable
"""


def test_both_families(alone: Machines) -> None:
    """Over links and a switch between machines; each address of a node answers, of either family."""
    text = DUAL.replace(" delay 0ms", "") + TWO.replace("{a,c}", "{a,c,s}").replace("{b,d}", "{b,d,e}")
    succeed(alone.everywhere(scripts(text, "up")))
    try:
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
        hosts = live_text(alone.ssh("m1", "cat /etc/netns/wide-a/hosts")).splitlines()
        both = [line.split()[0] for line in hosts if line.endswith((" b", " e"))]
        assert [":" in address for address in both].count(True) == 2
        for address in both:
            live_text(alone.ssh("m1", f"ip netns exec wide-a ping -c 2 -w 4 {address}"))
    finally:
        succeed(alone.everywhere(scripts(text, "down")))


BESIDE = """\
lab     wide
host    a b
router  c d
link    a -- c -- d -- b  rate 20mbit
device  {a:m0,b:m0} "ip link add name m0 type bridge"
device  c:tap0 "ip tuntap add dev tap0 mode tap" address 10.66.0.1/24
capture {a:c,b:d}
expect  a -> b  reachable
"""


def test_captures_and_devices(alone: Machines) -> None:
    """Each on the machine of its node, and names of devices on both."""
    text = BESIDE + TWO
    folder = "--captures", "/run/lock"
    succeed(alone.everywhere(scripts(text, "up"), *folder))
    try:
        assert drifts(alone.everywhere(scripts(text, "check"))) == []
        assert "10.66.0.1" in live_text(alone.ssh("m2", "ip netns exec wide-b getent hosts tap0.c"))
        live_text(alone.ssh("m1", "ip netns exec wide-a ping -c 3 -i 0.2 b"))
    finally:
        succeed(alone.everywhere(scripts(text, "down")))
    for name, file in (("m1", "wide.a.c.pcap"), ("m2", "wide.b.d.pcap")):
        assert live_text(alone.ssh(name, "ls /run/lock/*.pcap")) == f"/run/lock/{file}\n"
        shown = live_text(
            alone.ssh(name, f"tcpdump -n -r /run/lock/{file} 'icmp[0] == 8'; rm /run/lock/{file}")
        )
        assert shown.count("\n") >= 3
    assert statuses(alone.everywhere(scripts(text, "down"))) == {"m1": 0, "m2": 0}


# --- what goes wrong ----------------------------------------------------------------------------------

SLOW = """\
lab    wide
host   a b
router c d
link   {a,b} -- {c,d}  rate 20mbit
run    a "sleep 9999" ready "sleep 1"
expect a -> b  reachable
"""


def test_an_ssh_that_is_killed_ends_no_script(alone: Machines) -> None:
    """Without a terminal nothing tells a script of that: it is whole on that machine, or taken back."""
    up, down = scripts(SLOW + TWO, "up"), scripts(SLOW + TWO, "down")
    command = ["ssh", "m1", "bash", "-s"]
    with subprocess.Popen(command, env=alone.environment, stdin=subprocess.PIPE, text=True) as client:
        assert client.stdin
        client.stdin.write(up["m1"])
        client.stdin.close()
        live.wait_until(lambda: "/run/mpc-wide.d" in alone.ssh("m1", "ls -d /run/mpc-*").stdout)
        client.kill()
    live.wait_until(lambda: alone.ssh("m1", "tail -n 1 /run/mpc-wide").stdout == "up\n")
    assert statuses(alone.everywhere(up)) == {"m1": 1, "m2": 0}
    assert drifts(alone.everywhere(scripts(SLOW + TWO, "check"))) == []
    succeed(alone.everywhere(down))


def test_scripts_of_another_machine(alone: Machines) -> None:
    """Up changes nothing, check says where it is not, and down takes away what the lab has there."""
    up, check, down = (scripts(SLOW + TWO, kind) for kind in ("up", "check", "down"))
    wrong = alone.everywhere({"m1": up["m2"]})["m1"]
    assert wrong.returncode == 1
    assert "nothing was changed" in wrong.stderr
    assert "192.0.2.2" in wrong.stderr
    succeed(alone.everywhere(up))
    assert "the lab is up since" in alone.everywhere({"m1": up["m2"]})["m1"].stderr
    wrong = alone.everywhere({"m1": check["m2"]})["m1"]
    assert wrong.returncode == 1
    assert "this is not m2, as it does not have the address 192.0.2.2" in wrong.stderr
    assert "this is not" not in alone.everywhere({"m2": check["m2"]})["m2"].stderr
    wrong = alone.everywhere({"m1": down["m2"]})["m1"]
    assert wrong.returncode == 0
    assert "takes away what this script does not name" in wrong.stderr
    succeed(alone.everywhere({"m1": up["m1"]}))
    live.wait_until(lambda: drifts(alone.everywhere(check)) == [])
    succeed(alone.everywhere(down))


def test_a_machine_that_is_off(alone: Machines) -> None:
    """The checks of others name the links to it, in bounded time; their downs take away what they have."""
    up, check, down = (scripts(SLOW + TWO, kind) for kind in ("up", "check", "down"))
    succeed(alone.everywhere(up))
    alone.switch_off("m2")
    began = time.monotonic()
    found = drifts(alone.everywhere({"m1": check["m1"]}))
    assert "the link a:d -- d:a on m2 carries packets" in found
    assert not any("as planned" in line for line in found)
    assert time.monotonic() - began < 20
    succeed(alone.everywhere({"m1": down["m1"]}))
    alone.switch_on("m2")
    succeed(alone.everywhere(down))


def test_a_machine_without_room(alone: Machines) -> None:
    """Up takes all back there and says why; the other machine has its part, which its down takes away."""
    up, down = scripts(SLOW + TWO, "up"), scripts(SLOW + TWO, "down")
    live_text(alone.ssh("m1", "mount -o remount,size=64k /run && dd if=/dev/zero of=/run/fill bs=1k || true"))
    try:
        results = alone.everywhere(up)
        assert statuses(results) == {"m1": 1, "m2": 0}
        assert "No space left on device" in results["m1"].stderr
        assert not [line for line in alone.state("m1") if "wide" in line]
    finally:
        live_text(alone.ssh("m1", "rm /run/fill && mount -o remount,size=100m /run"))
        succeed(alone.everywhere(down))
