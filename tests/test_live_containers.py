"""Containers of podman and docker: started when the network is there, checked, and gone without a trace."""

import dataclasses
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import engine
import kernel
import live
import pytest
import tap
from faults import Shims, thorough
from test_live_faults import ASKING, interrupted, span
from test_live_run import ODD, WRITTEN

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

# A program that tells what it finds at its start. As process 1 of its namespace, sleep ends by SIGKILL alone.
TELLS = "ip -o address; ip route get 10.7.0.2; cat /etc/hosts /etc/resolv.conf; exec sleep 9999"
QUICK = "--stop-signal KILL"

PAIR = f"""
lab boxes
container a b image "{engine.IMAGE}" command "sleep 9999" options "{QUICK}" ready "true"
link a -- b
"""
"""A lab of podman; `by` has that of another engine."""

# A store and its replica over two paths, with a client.
STORES = f"""
lab stores
container one two image "{engine.IMAGE}" command "redis-server --save '' --protected-mode no" ready 6379
host client
router p q
link {{one,two}} -- {{p,q}} rate 50mbit
link client -- p
run two inside "redis-cli replicaof one 6379"
at 1s down one -- p
"""


@pytest.fixture(scope="module", autouse=True, params=["podman", "docker"])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    with engine.private(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_left(box: engine.Engine) -> Iterator[None]:
    """After each test the machine is as before, and the engine has nothing."""
    with engine.nothing_left(box):
        yield


def by(box: engine.Engine, text: str) -> str:
    """A lab with its containers by an engine."""
    return text.replace(' image "', f' engine {box.name} image "')


def lab_of(text: str) -> live.Lab:
    return live.lab_of(text.split()[1], text.split("\n", 2)[2])


def drifts(text: str) -> list[str]:
    """What a check of a lab finds wrong."""
    result = live.run("bash", "-s", stdin=Compilation("-", text).script("check"), seconds=60)
    return [line for point in tap.points(result).values() if not point.holds for line in point.said]


def test_the_network_is_there_before_the_program(box: engine.Engine) -> None:
    """Addresses, routes, names; the words, the variables and the options, byte for byte."""
    text = f"""
lab starts
container a image "{engine.IMAGE}" command "sh -c '{TELLS}'" address 10.7.0.1/32 \\
  options "{QUICK}" env ODD="{WRITTEN}"
container b image "{engine.IMAGE}" command "{SAYS} 1 '' '{WORDS}'" address 10.7.0.2/32 options "{QUICK}"
link a:x -- b address 10.8.0.1/30 10.8.0.2/30
"""
    with live.running(lab_of(by(box, text))):
        told = box.logs("starts-a")
        for part in ("10.7.0.1/32", "10.8.0.1/30", "via 10.8.0.2 dev x", "10.7.0.2 b\n", "no name server"):
            assert part in told
        assert box.logs("starts-b") == f"b []\nb [{WORDS}]\n"
        variables = box.call("exec", "starts-a", "env").splitlines()
        assert {f"ODD={ODD}", "MPC_LAB=starts", "MPC_NODE=a", "MPC_NETNS=starts-a"} <= set(variables)
        assert drifts(by(box, text)) == []


SAYS = r"""sh -c 'shift; for word; do echo \"$(hostname) [$word]\"; done; exec sleep 9999' sh"""
WORDS = "$HOME `id` * ? {a,b} ~ # ; & | < > %s !! é"


def test_a_restart_keeps_the_network_and_a_drift_is_told(box: engine.Engine) -> None:
    text = by(box, PAIR)
    with live.running(lab_of(text)):
        box.call("restart", "--time", "0", "boxes-a")
        assert drifts(text) == []
        assert "127.0.0.1 localhost" in box.call("exec", "boxes-a", "cat", "/etc/hosts")
        box.call("kill", "boxes-a")
        live.wait_until(lambda: "Exited" in box.call("ps", "-a", "--format", "{{.Status}}"))
        box.call("rm", "--force", "boxes-b")
        killed = "missing: the container boxes-a, which has ended with 137 (SIGKILL)"
        assert drifts(text) == [killed, "missing: the container boxes-b"]


def test_the_plain_style_has_a_line_that_can_be_pasted(box: engine.Engine) -> None:
    """One that starts a container again which is gone, among those that start what it needs."""
    text = by(box, PAIR)
    plain = Compilation("-", text).up(Style.PLAIN)
    lab = dataclasses.replace(lab_of(text), up_script=plain)
    (line,) = (line for line in plain.splitlines() if line.startswith(box.name) and "--name boxes-a " in line)
    with live.running(lab):
        assert drifts(text) == []
        box.call("rm", "--force", "boxes-a")
        live.succeed("bash", "-c", line)
        assert drifts(text) == []
        live.succeed("bash", "-s", "down", stdin=plain, seconds=60)
        assert box.containers() == []


def test_replicas_over_two_paths(box: engine.Engine) -> None:
    """`ready` and `run inside`; what one store is told, the other has, also where a link has failed."""
    one, two = (["ip", "netns", "exec", "stores-client", "redis-cli", "-h", name] for name in ("one", "two"))
    with live.running(lab_of(by(box, STORES))):
        live.succeed(*one, "set", "k", "copied")
        live.wait_until(lambda: live.succeed(*two, "get", "k").strip() == "copied", 20)
        # That was in what the other copied; only this shows that it is sent what the one is told.
        live.succeed(*one, "set", "k", "sent")
        live.wait_until(lambda: live.succeed(*two, "get", "k").strip() == "sent", 20)
        live.succeed("ip", "-n", "stores-one", "link", "set", "dev", "p", "down")
        box.call("exec", "stores-one", "redis-cli", "set", "k", "after")
        live.wait_until(lambda: "after" in box.call("exec", "stores-two", "redis-cli", "get", "k"), 40)


def test_preflight_names_what_is_missing_and_spares_strangers(box: engine.Engine) -> None:
    text = PAIR.replace(f'a b image "{engine.IMAGE}"', f'a image "{engine.IMAGE}"').replace(
        "link", 'container b image "localhost/none:1"\nlink', 1
    )
    lab = lab_of(by(box, text))
    box.call("create", "--name", "boxes-a", engine.IMAGE, "true")
    try:
        result = lab.up()
        assert result.returncode == 1
        assert "the name boxes-a: a container has it" in result.stderr
        assert f"the image localhost/none:1 ({box.name} pull localhost/none:1)" in result.stderr
        assert lab.down().returncode == 0
        assert box.containers() == ["boxes-a"]
    finally:
        box.call("rm", "boxes-a")


@pytest.mark.parametrize(
    ("command", "more", "said"),
    [
        ("sh -c 'echo my last words; exit 3'", "", "the container boxes-a has ended with 3"),
        ("no-such-program", "", "no-such-program"),
        ("sh -c 'echo my last words; exit 3'", "ready 80", "the container boxes-a has ended with 3"),
    ],
)
def test_a_program_that_fails_takes_up_back(box: engine.Engine, command: str, more: str, said: str) -> None:
    text = PAIR.replace("sleep 9999", command).replace('ready "true"', more)
    result = lab_of(by(box, text)).up()
    assert result.returncode == 1
    assert said in result.stderr
    assert command == "no-such-program" or "my last words" in result.stderr


@pytest.mark.parametrize("signals", [ASKING, (signal.SIGKILL,)], ids=["asking", "KILL"])
def test_signals_at_any_moment(box: engine.Engine, signals: tuple[signal.Signals, ...]) -> None:
    """Up takes back what it has made, or down takes it away; no container, and nothing of one, is left."""
    lab, before, chance = lab_of(by(box, PAIR)), kernel.snapshot(), random.Random(4)
    whole = span(lab.up_script)
    assert lab.down().returncode == 0
    for _ in range(100 if thorough() else 4):
        sign, after, group = chance.choice(signals), chance.uniform(0.2, 1) * whole, chance.random() < 0.5
        status = interrupted(lab.up_script, sign, after, group=group)
        if status <= 0:
            down = lab.down()
            assert down.returncode == 0, down.stderr
        left = kernel.differs(before) or " ".join(box.containers())
        assert not left, f"{sign.name} after {after:.3f} s, status {status}: {left}"


@pytest.mark.once
def test_every_fault_of_the_engine(box: engine.Engine, tmp_path: Path) -> None:
    """Each call of an engine fails, before it acts or after: up takes all back, or asks again and has all;
    down says so or does it."""
    text = by(box, PAIR)
    lab, shims, before = lab_of(text), Shims(tmp_path, (box.name,)), kernel.snapshot()
    assert shims.run(lab.up_script).returncode == 0
    ups = [fault for fault in shims.faults() if fault.program == box.name]
    assert shims.run(lab.down_script).returncode == 0
    downs = [fault for fault in shims.faults() if fault.program == box.name]
    failed = 0
    for fault in ups:
        result = shims.run(lab.up_script, fault)
        assert result.returncode == 1 or drifts(text) == [], f"{fault}: up ended with 0"
        failed += result.returncode
        if result.returncode == 0:
            assert lab.down().returncode == 0
        left = kernel.differs(before) or " ".join(box.containers())
        assert not left, f"{fault}: {left}\n{result.stderr}"
    assert failed >= len(ups) / 2
    for fault in downs:
        assert lab.up().returncode == 0
        result = shims.run(lab.down_script, fault)
        left = kernel.differs(before) or " ".join(box.containers())
        assert result.returncode == 1 or not left, f"{fault}: down ended with 0, and left {left}"
        again = lab.down()
        left = kernel.differs(before) or " ".join(box.containers())
        assert again.returncode == 0, again.stderr
        assert not left, f"{fault}: {left}"


# How an engine can be found: a program in its place, and what is said of it.
BROKEN = {
    "echo out of order >&2; exit 125": "out of order",
    "trap '' TERM; while :; do sleep 1; done": "has not ended in 2 seconds",
}


def hurried(script: str, folder: Path) -> live.Result:
    """Runs a script that gives engines some seconds for each call, with a folder before those of PATH."""
    for usual, less in (("PATIENCE=60\n", "PATIENCE=2\n"), ("5 * $#", "0"), ("-rd '' -t 5 ", "-rd '' -t 1 ")):
        script = script.replace(usual, less)
    return live.run("env", f"PATH={folder}:{os.environ['PATH']}", "bash", "-s", stdin=script, seconds=200)


def missing_answers(box: engine.Engine, result: live.Result) -> bool:
    said = {line for point in tap.points(result).values() for line in point.said}
    return said >= {f"missing: an answer of {box.name} about the container boxes-{node}" for node in "ab"}


@pytest.mark.once
@pytest.mark.parametrize(("does", "told"), BROKEN.items(), ids=["fails", "hangs"])
def test_an_engine_that_does_not_answer(box: engine.Engine, tmp_path: Path, does: str, told: str) -> None:
    """Up changes nothing, a check tells of it, down says what to do and keeps the claim."""
    shim = tmp_path / box.name
    shim.write_text(f"#!/bin/bash\n[[ $1 != context ]] || exit 1\n{does}\n")
    shim.chmod(0o755)
    lab, before = lab_of(by(box, PAIR)), kernel.snapshot()
    result = hurried(lab.up_script, tmp_path)
    assert result.returncode == 1
    assert f"{box.name} does not answer: " in result.stderr
    assert told in result.stderr
    assert f"  {box.name} that answers\n" in result.stderr
    kernel.assert_same(before, kernel.snapshot())
    with live.running(lab):
        result = hurried(Compilation("-", by(box, PAIR)).script("check"), tmp_path)
        assert result.returncode == 1
        assert missing_answers(box, result) == ("sleep" in does)
        result = hurried(lab.down_script, tmp_path)
        assert result.returncode == 1
        assert f"{box.name} does not answer: " in result.stderr
        assert told in result.stderr
        assert f"containers of {box.name} may be left: run the down script when it" in result.stderr
        assert (f"waiting for {box.name} ps" in result.stderr) == ("sleep" in does)
        assert Path("/run/mpc-boxes").exists()
    assert box.containers() == []


@pytest.mark.once
def test_each_call_of_the_engine_hangs(box: engine.Engine, tmp_path: Path) -> None:
    """From each call on: up takes back what it can, and a later down does the rest."""
    lab, before = lab_of(by(box, PAIR)), kernel.snapshot()
    real = shutil.which(box.name)
    shim = tmp_path / box.name
    shim.write_text(f"""#!/bin/bash
exec 9>>{tmp_path}/calls; flock 9; echo >&9; mapfile -t calls <{tmp_path}/calls; flock -u 9
((${{#calls[@]}} < $(<{tmp_path}/first))) || exec sleep 9999
exec {real} "$@"
""")
    shim.chmod(0o755)

    def hangs(script: str, first: int) -> tuple[live.Result, bool]:
        """Runs it, and tells whether it came so far."""
        (tmp_path / "calls").write_text("")
        (tmp_path / "first").write_text(str(first))
        result = hurried(script, tmp_path)
        return result, len((tmp_path / "calls").read_text()) >= first

    for script in (lab.up_script, lab.down_script):
        reached, first = True, 1
        while reached:
            if script is lab.down_script:
                assert lab.up().returncode == 0
            result, reached = hangs(script, first)
            assert result.returncode == (1 if reached else 0), f"from call {first} on: {result.stderr}"
            told = f"{box.name} does not answer: ", f"{box.name} that answers\n"
            assert not reached or any(one in result.stderr for one in told)
            down = lab.down()
            assert down.returncode == 0, f"from call {first} on: {down.stderr}"
            left = kernel.differs(before) or " ".join(box.containers())
            assert not left, f"from call {first} on: {left}"
            first += 1 if thorough() else 4
