"""Live tests of one lab over several machines by Ansible: its playbooks, and what is left where one fails."""

import json
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote

import kernel
import live
import pytest
from machines import Machines, machines
from playbooks import Playbooks, playbooks

pytestmark = pytest.mark.live

DIAMOND = """\
lab    wide
host   a b
router c d
link   {a,b} -- {c,d}  rate 5mbit
mptcp  a -- b
expect a -> b reachable
bench  a -> c  using tcp for 1s
run    b "mptcpize run iperf3 -s"
at     1s  down a -- d
at     2s  up a -- d
"""
BARE = """\
machine m1 ssh "lab@m1:2222" address 198.51.100.1
machine m2 ssh "lab@m2:2222" address 198.51.100.2
place {a,c} on m1
place {b,d} on m2
"""
"""Reached by sudo of a user, over a network that is not that of the data."""
SIX = """\
machine m1 ssh "m1" address 2001:db8::1
machine m2 ssh "m2" address 2001:db8::2
place {a,c} on m1
place {b,d} on m2
"""
"""Where ssh knows the user and the port."""
LARGE = "host h[1..150]\nlink d -- h[1..150]\nplace h[1..150] on m2\n"
"""What an up takes some time for."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    before = kernel.snapshot()
    with machines(tmp_path_factory.mktemp("machines"), 2, bare=True) as found:
        for name in found.running:
            assert found.ssh(name, "python3 -c 1").returncode
            assert found.ssh(name, "id -u").stdout == "1999\n"
            inhabit(found, name)
        yield found
    kernel.assert_same(before, kernel.snapshot())


def inhabit(own: Machines, name: str) -> None:
    """Has a machine what is not a lab's."""
    assert own.ssh(name, "sudo -n ip netns add foreign").returncode == 0


def boot(own: Machines, name: str) -> None:
    own.switch_on(name)
    inhabit(own, name)


def states(own: Machines) -> dict[str, list[str]]:
    return {name: list(own.state(name)) for name in own.running}


def is_as(own: Machines, before: dict[str, list[str]]) -> None:
    """Waits until machines are as before; the kernel takes links away a moment after their namespaces."""
    end = [before[name] for name in own.running]
    live.wait_until(lambda: list(states(own).values()) == end)


@contextmanager
def compiled(own: Machines, text: str, folder: Path) -> Iterator[Playbooks]:
    """A lab on machines that are as before when a test has ended, also where it has failed."""
    before = states(own)
    with playbooks(own, text, folder) as found:
        try:
            yield found
            is_as(own, before)
        finally:
            for name in own.addresses.keys() - own.running.keys():
                boot(own, name)
            if states(own) != before:
                found.run("down")


@pytest.fixture
def lab(bare: Machines, tmp_path: Path) -> Iterator[Playbooks]:
    """A diamond over two machines, in a folder whose name has what shells read."""
    with compiled(bare, DIAMOND + BARE, tmp_path / "a lab's") as found:
        yield found


@pytest.fixture
def slow(bare: Machines, tmp_path: Path) -> Iterator[Playbooks]:
    """One whose up on m2 takes longer."""
    with compiled(bare, DIAMOND + BARE + LARGE, tmp_path / "slow") as found:
        yield found


def received(own: Machines, *wrap: str) -> float:
    """Mbit/s that b receives from a."""
    client = ["ip", "netns", "exec", "wide-a", *wrap, "iperf3", "-c", "b", "-O", "1", "-t", "6", "-J"]
    report = json.loads(own.ssh("m1", "sudo", "-n", *client).stdout)
    return float(report["end"]["sum_received"]["bits_per_second"]) / 10**6


def points(text: str) -> list[str]:
    """The test points of a stream of TAP that are the machines'."""
    return [line for line in text.splitlines() if line.startswith(("ok ", "not ok "))]


# --- what playbooks do ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "root"), [(BARE, ()), (SIX, ("-b",))], ids=["a data network", "IPv6 between machines"]
)
def test_a_lab_from_up_to_down(places: str, root: tuple[str, ...], bare: Machines, tmp_path: Path) -> None:
    """Python is missing on the machines, and a user becomes root by sudo."""
    before = states(bare)
    with compiled(bare, DIAMOND + places, tmp_path / "lab") as lab:
        lab.succeed("up", "--check", *root)
        assert states(bare) == before
        assert "changed=1" in lab.succeed("up", *root)
        lab.succeed("check", "-e", "tap=all.tap", *root)
        stream = (lab.folder / "all.tap").read_text()
        assert points(stream) == ["ok 1 - wide.m1", "ok 2 - wide.m2"]
        assert "    ok 5 - a -> b reachable\n" in stream
        assert live.most(lambda: received(bare), enough=4.3) == pytest.approx(4.6, abs=0.4)
        assert 7 < live.most(lambda: received(bare, "mptcpize", "run"), enough=7) < 10
        lab.succeed("down", *root)
        lab.succeed("down", *root)


def test_what_is_measured_is_told_or_written(lab: Playbooks) -> None:
    lab.succeed("up")
    told = lab.succeed("bench", "-e", "repeat=2")
    assert "a -> c using tcp, the last time:" in told
    assert "nothing is measured on this machine" not in told
    lab.succeed("bench", "-e", "results=of/both", "-e", "repeat=2")
    (result,) = (lab.folder / "of" / "both").iterdir()
    assert result.name == "wide.m1.json"
    assert [one["round"] for one in json.loads(result.read_text())["measurements"]] == [1, 2]
    assert "a -> c" in live.succeed(live.MPC, "report", result)
    wrong = lab.run("bench", "-e", "repeat=none;id")
    assert wrong.returncode == 2
    assert "--repeat takes a number" in wrong.stdout
    lab.succeed("down")


WATCH = "timeout 60 ip -ts -o monitor link dev {link} | grep --line-buffered -m 1 'state DOWN'"
"""Tells when a link goes down: `[2026-11-29T11:05:31.123456] ...`."""


def test_all_machines_play_together(lab: Playbooks, bare: Machines) -> None:
    """Changes happen on all machines at one time, by a clock that here is the same."""
    lab.succeed("up")
    watches = [
        bare.start(name, f"sudo -n ip netns exec wide-{node} sh -c {quote(WATCH.format(link=link))}")
        for name, node, link in (("m1", "a", "d"), ("m2", "d", "a"))
    ]
    late = lab.run("play", "-e", "ahead=0")
    assert late.returncode == 2
    assert "the time to begin is past by" in late.stdout
    told = lab.succeed("play", "-e", "seconds=2", "-e", "ahead=4")
    assert told.count("down a:d -- d:a") == 2
    ends = [process.communicate(timeout=70)[0] for process in watches]
    times = [datetime.fromisoformat(said.partition("]")[0].strip("[")) for said in ends]
    assert abs(times[0] - times[1]) < timedelta(seconds=0.5)
    lab.succeed("check")
    lab.succeed("down")
    refused = lab.run("play")
    assert refused.returncode == 2
    assert "the lab is not up" in refused.stdout


# --- what is left where one fails -------------------------------------------------------------------


def test_what_one_machine_lacks(lab: Playbooks, bare: Machines) -> None:
    """Nothing is changed anywhere."""
    bare.ssh("m2", "sudo -n ip link set dev eth1 mtu 1400")
    before = states(bare)
    for options in ([], ["--check"]):
        result = lab.run("up", *options)
        assert result.returncode == 2
        assert "room for packets of 1500 bytes to m1: eth1 takes 1400" in result.stdout
        assert "nothing was changed on any machine" in result.stdout
        assert states(bare) == before
    bare.ssh("m2", "sudo -n ip link set dev eth1 mtu 1500")


def test_an_up_that_fails_on_one_machine(lab: Playbooks, bare: Machines) -> None:
    """What no preflight can know: that machine takes back what it made, and this run what the other made."""
    script = (lab.folder / "out" / "wide.m2.up.sh").read_text()
    number = re.findall(r"name c .* type vxlan id (\d+) ", script)[0]
    other = f"link add name other type vxlan id {number} local 198.51.100.2 remote 198.51.100.1 dstport 14789"
    bare.ssh("m2", f"sudo -n ip {other}; sudo -n ip link set dev other up")
    before = states(bare)
    result = lab.run("up")
    assert result.returncode == 2
    assert "a link of another lab has the same VNI on this machine" in result.stdout
    assert "up failed on wide.m2" in result.stdout
    is_as(bare, before)
    bare.ssh("m2", "sudo -n ip link delete dev other")


def test_a_machine_that_is_not_reached(lab: Playbooks, bare: Machines) -> None:
    """Nothing is changed on the other, which is taken down where it was up."""
    bare.switch_off("m2")
    before = states(bare)
    for kind, told in (("up", "nothing was changed on any machine"), ("play", "this machine is not reached")):
        result = lab.run(kind)
        assert result.returncode == 2
        assert told in result.stdout
    assert states(bare) == before
    boot(bare, "m2")
    lab.succeed("up")
    bare.switch_off("m2")
    result = lab.run("check", "-e", "tap=all.tap")
    assert result.returncode == 2
    stream = (lab.folder / "all.tap").read_text()
    assert points(stream) == ["not ok 1 - wide.m1", "not ok 2 - wide.m2"]
    assert "Failed to connect to the host via ssh" in stream.partition("not ok 2")[2]
    rest = lab.run("bench", "-e", "repeat=1")
    assert rest.returncode == 4
    assert "a -> c using tcp" in rest.stdout
    assert lab.run("down").returncode == 4
    is_as(bare, before)
    boot(bare, "m2")
    lab.succeed("down")


def is_at_work(own: Machines, name: str) -> bool:
    """Whether an up has begun on a machine, and has not ended."""
    claim = Path(f"/proc/{own.running[name].pid}/root/run/mpc-wide")
    return claim.exists() and "\nup\n" not in claim.read_text()


def test_a_machine_loses_power_during_up(slow: Playbooks, bare: Machines) -> None:
    """The other is taken down."""
    before = states(bare)
    process = slow.start("up")
    live.wait_until(lambda: is_at_work(bare, "m2"), 120)
    bare.switch_off("m2")
    told = process.communicate(timeout=120)[0]
    assert process.returncode == 2, told
    assert "up failed on wide.m2" in told
    is_as(bare, before)
    boot(bare, "m2")
    is_as(bare, before)


def test_a_machine_is_cut_off_during_up(slow: Playbooks, bare: Machines) -> None:
    """The other is taken down, when ssh has waited for 15 s; this one has its part until down."""
    before = states(bare)
    process = slow.start("up")
    live.wait_until(lambda: is_at_work(bare, "m2"), 120)
    live.succeed("ip", "link", "set", "dev", "m2-lan", "down")
    told = process.communicate(timeout=120)[0]
    live.succeed("ip", "link", "set", "dev", "m2-lan", "up")
    assert process.returncode == 2, told
    assert "up failed on wide.m2" in told
    live.wait_until(lambda: bare.state("m1") == before["m1"])
    assert "wide-b" in " ".join(bare.state("m2"))
    slow.succeed("down")
    is_as(bare, before)


def test_an_interrupt_during_up(slow: Playbooks, bare: Machines) -> None:
    """The machine at work takes back what it made; the other keeps what it has until down."""
    before = states(bare)
    process = slow.start("up")
    live.wait_until(lambda: is_at_work(bare, "m2"), 120)
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 99, told
    live.wait_until(lambda: bare.state("m2") == before["m2"], 30)
    slow.succeed("down")
    is_as(bare, before)


def test_where_a_lab_is_up(lab: Playbooks, bare: Machines) -> None:
    """An up changes nothing there, on all machines or on one. A check finds what is not as up made it."""
    lab.succeed("up")
    full = states(bare)
    result = lab.run("up")
    assert result.returncode == 2
    assert "the lab is up since" in result.stdout
    assert states(bare) == full
    lab.succeed("check")
    bare.ssh("m2", "sudo -n ip -n wide-d link set dev b mtu 1400")
    drift = lab.run("check", "-e", "tap=all.tap")
    assert drift.returncode == 2
    assert "missing: link b mtu 1500 up" in drift.stdout
    assert "wide.m2 is not as planned" in drift.stdout
    stream = (lab.folder / "all.tap").read_text()
    assert points(stream) == ["ok 1 - wide.m1", "not ok 2 - wide.m2"]
    assert "    not ok 3 - the namespace wide-d is as planned\n" in stream
    lab.succeed("down", "--limit", "wide.m2")
    live.wait_until(lambda: "wide-b" not in " ".join(bare.state("m2")))
    half = states(bare)
    assert lab.run("up").returncode == 2
    assert states(bare) == half
    lab.succeed("down")


def test_two_ups_at_once(lab: Playbooks, bare: Machines) -> None:
    """One of both wins, or none, and there is no half of a lab."""
    before = states(bare)
    with ThreadPoolExecutor(2) as pool:
        codes = sorted(one.returncode for one in pool.map(lambda _: lab.run("up"), range(2)))
    assert codes in ([0, 2], [2, 2])
    if codes == [0, 2]:
        lab.succeed("check")
    else:
        is_as(bare, before)
    lab.succeed("down")
