"""Any fault at any time: the machine is as it was before, or down restores it."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kernel
import live
import machine
import pytest
from faults import PROGRAMS, Fault, Shims, moments, sample

pytestmark = [pytest.mark.live, pytest.mark.once]

# Every statement with an effect on scripts, on as few nodes as possible.
LAB = """
pool 10.0.0.0/8
pool fd00::/16
profile thin rate 5mbit
default link mtu 1400
host a address 10.9.9.9/32 on dummy0
host b anycast 192.0.2.53
router c address none anycast 192.0.2.53
switch s
link {a,b} -- c thin
link b -- s
link c -- s
link a -- b rate 10mbit mac none 02:00:00:00:00:01
shape a -> b rate 1mbit
route a to 10.77.0.0/16 via b weight 2, c
mptcp a -- b
sysctl c net.ipv4.conf.a.log_martians=1 net.ipv4.tcp_congestion_control=reno
masquerade c out s
tunnel a -- b via c
"""
if machine.has("bond"):
    LAB += "link b:up -- c\nlink b:down -- c\nbond b -- c over b:up b:down\n"
TOLERATED = {"modprobe", "nproc"}
"""Programs whose failure up tolerates."""


@pytest.fixture(scope="module")
def lab() -> live.Lab:
    return live.lab_of("faulty", LAB)


@pytest.fixture(scope="module")
def before(lab: live.Lab) -> Iterator[kernel.Listing]:
    """The host before the tests; the lab of a failed test is removed at the end."""
    yield kernel.snapshot()
    lab.clear_away()


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Shims:
    return Shims(tmp_path_factory.mktemp("shims"))


def hold_all(lab: live.Lab, faults: list[Fault], problem: Callable[[Fault], str]) -> None:
    """Reports all faults with a problem at once, and removes the lab after each."""
    found = []
    for fault in faults:
        if what := problem(fault):
            found.append(f"{fault}: {what}")
            lab.clear_away()
    assert not found, f"{len(found)} of {len(faults)} faults:\n" + "\n".join(found)


def test_every_fault_of_up(lab: live.Lab, before: kernel.Listing, shims: Shims) -> None:
    """Up fails with a message, and leaves nothing behind."""
    assert shims.run(lab.up_script).returncode == 0
    faults = list(shims.faults())
    assert {"ip", "tc", "sh", "nft", "nsenter", "unshare", "flock", "mkdir"} <= {f.program for f in faults}
    assert lab.down().returncode == 0

    def problem(fault: Fault) -> str:
        result = shims.run(lab.up_script, fault)
        if fault.program in TOLERATED:
            return "" if result.returncode == lab.down().returncode == 0 else "up did not go on"
        preflight = "nothing was changed, as this machine lacks" in result.stderr
        if result.returncode == 0 and not shims.reached(fault):  # with fewer waits than in the first run
            return "" if lab.down().returncode == 0 else "down failed"
        if result.returncode == 0:
            return "up ended with 0"
        if not preflight and "made to fail" not in result.stderr:
            return f"the message is missing: {result.stderr}"
        if not preflight and "failed: " not in result.stderr and "error: " not in result.stderr:
            return f"the command is missing: {result.stderr}"
        return kernel.differs(before)

    hold_all(lab, sample(faults), problem)


def test_every_fault_of_down(lab: live.Lab, before: kernel.Listing, shims: Shims) -> None:
    """Down succeeds; or it fails with a message, and succeeds when run again."""
    assert lab.up().returncode == 0
    assert shims.run(lab.down_script).returncode == 0
    faults = [fault for fault in shims.faults() if fault.program not in TOLERATED]
    assert {"ip", "rm", "rmdir", "stat", "flock"} <= {fault.program for fault in faults}

    def problem(fault: Fault) -> str:
        assert lab.up().returncode == 0
        result = shims.run(lab.down_script, fault)
        if result.returncode == 0 and (left := kernel.differs(before)):
            return f"down ended with 0, and left: {left}"
        again = lab.down()
        return again.stderr if again.returncode else kernel.differs(before)

    hold_all(lab, sample(faults), problem)


def test_every_program_is_known(lab: live.Lab, shims: Shims) -> None:
    """PATH has only the shims here, so a program without one would be reported as missing."""
    for script in (lab.up_script, lab.down_script):
        result = shims.run(script)
        assert result.returncode == 0, result.stderr
        assert "not found" not in result.stderr
        assert {program for program, _, _ in shims.calls()} <= set(PROGRAMS)


# --- signals ----------------------------------------------------------------------------------------


def interrupted(script: str, sign: signal.Signals, after: float, *, group: bool) -> int:
    """The exit status of a script that gets a signal after some seconds, alone or with its process group."""
    argv = ["bash", "-s"]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdin
        process.stdin.write(script.encode())
        process.stdin.close()
        time.sleep(after)
        if process.poll() is None:
            (os.killpg if group else os.kill)(process.pid, sign)
        return process.wait(timeout=60)


def span(script: str) -> float:
    """The duration of a script in seconds."""
    start = time.perf_counter()
    live.succeed("bash", "-s", stdin=script, seconds=60)
    return time.perf_counter() - start


ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_signals_to_up(lab: live.Lab, before: kernel.Listing) -> None:
    """Up is rolled back, unless it ended before the signal."""
    chance, whole = random.Random(1), span(lab.up_script)
    live.succeed("bash", "-s", stdin=lab.down_script)
    for _ in range(moments()):
        sign, after, group = chance.choice(ASKING), chance.uniform(0, whole), chance.random() < 0.5
        status = interrupted(lab.up_script, sign, after, group=group)
        if status == 0:
            assert lab.down().returncode == 0
        assert not (left := kernel.differs(before)), (
            f"{sign.name} after {after:.3f} s, status {status}: {left}"
        )


@pytest.mark.parametrize("signals", [ASKING, (signal.SIGKILL,)], ids=["asking", "KILL"])
def test_signals_to_down(lab: live.Lab, before: kernel.Listing, signals: tuple[signal.Signals, ...]) -> None:
    """Down succeeds when run again."""
    chance = random.Random(2)
    assert lab.up().returncode == 0
    whole = span(lab.down_script)
    for _ in range(moments()):
        assert lab.up().returncode == 0
        sign, after, group = chance.choice(signals), chance.uniform(0, whole), chance.random() < 0.5
        interrupted(lab.down_script, sign, after, group=group)
        down = lab.down()
        assert down.returncode == 0, down.stderr
        assert not (left := kernel.differs(before)), f"{sign.name} after {after:.3f} s: {left}"


def test_up_is_killed(lab: live.Lab, before: kernel.Listing) -> None:
    """SIGKILL allows no roll-back: down removes the lab, though children of up may still run."""
    chance, whole = random.Random(3), span(lab.up_script)
    live.succeed("bash", "-s", stdin=lab.down_script)
    for _ in range(moments()):
        after, group = chance.uniform(0, whole), chance.random() < 0.5
        interrupted(lab.up_script, signal.SIGKILL, after, group=group)
        down = lab.down()
        assert down.returncode == 0, down.stderr
        assert not (left := kernel.differs(before)), f"KILL after {after:.3f} s: {left}"


# --- two at once ------------------------------------------------------------------------------------


def started(script: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        ["bash", "-s"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin
    process.stdin.write(script)
    process.stdin.close()
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    assert process.stderr
    with process:
        said = process.stderr.read()
        return process.wait(timeout=60), said


def test_of_two_ups_one_wins(lab: live.Lab, before: kernel.Listing) -> None:
    for _ in range(5):
        results = sorted(ended(process) for process in [started(lab.up_script) for _ in range(3)])
        assert [status for status, _ in results] == [0, 1, 1]
        assert all("error: " in said and "taking away" not in said for _, said in results[1:])
        assert live.pings(lab.ns("a"), "b")
        assert lab.down().returncode == 0
        assert not kernel.differs(before)


def test_down_waits_for_up(lab: live.Lab, before: kernel.Listing, tmp_path: Path) -> None:
    """A down that runs beside an up removes everything that the up makes."""
    up = started(lab.up_script)
    claim = Path("/run/mpc-faulty")
    while not claim.exists() and up.poll() is None:
        time.sleep(0.01)
    down = lab.down()
    assert ended(up)[0] == 0
    assert down.returncode == 0, down.stderr
    assert not kernel.differs(before)
    assert not list(tmp_path.iterdir())
