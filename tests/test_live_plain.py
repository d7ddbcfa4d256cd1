"""The plain style on the kernel: a check passes after up, and its own down leaves nothing, with any fault."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import kernel
import live
import pytest
import random_labs
from tap import points
from try_labs import try_lab

from compiler.driver import Compilation
from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

TEXT = """
lab plain
pool 10.0.0.0/8
pool fd00:7::/32
host a b
router c d
switch s t stp on
link {a,b} -- {c,d} rate 5mbit
link a -- s -- t -- b
mptcp a -- b
masquerade c
sysctl a net.ipv4.tcp_rmem="4096 131072 6291456"
sysctl {a,b} net.ipv4.conf.default.rp_filter=2
run a "sleep 86401" env X="$(touch /tmp/mpc-plain) 'x'"
run a "trap '' TERM; while :; do sleep 1; done"
run b "echo \\"$X\\" said; exit 3" env X="$HOME"
run c "exit 0"
"""
SMALL = "lab plain\nhost a b\nlink a -- b rate 5mbit\nlink a -- b"
RUNS = Path("/run/mpc-plain.d")


def script(text: str = TEXT) -> str:
    return Compilation("plain.topo", text).up(Style.PLAIN)


def call(*words: str, text: str = TEXT, path: str = "") -> live.Result:
    environment = ["env", f"PATH={path}"] if path else []
    return live.run(*environment, "bash", "-s", *words, stdin=script(text), seconds=60)


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Asserts that nothing remains; the first namespace of a machine leaves files, so one is made before."""
    live.succeed("ip", "netns", "add", "plain-first")
    live.succeed("ip", "netns", "del", "plain-first")
    with live.host_unchanged(live.Lab("plain", "", "", "plain-")):
        yield


def check(text: str) -> dict[str, list[str]]:
    """The test points of a check that fail, with their diagnostics."""
    told = live.run("bash", "-s", stdin=Compilation("plain.topo", text).script("check"), seconds=60)
    return {what: point.said for what, point in points(told).items() if not point.holds}


def test_it_is_as_planned_and_its_own_down_leaves_nothing() -> None:
    """Also processes that ignore SIGTERM. The only failing point is a process that ended with an error."""
    up = call()
    assert (up.returncode, up.stdout, up.stderr) == (0, "", "plain: up\n")
    live.wait_until(lambda: (RUNS / "c.end").exists() and (RUNS / "b.end").exists())
    ended = f"missing: the process b, which has ended with 3; see {RUNS}/b.log"
    assert check(TEXT) == {"the namespace plain-b is as planned": [ended]}
    assert (RUNS / "b.log").read_text() == "$HOME said\n"
    pid = int((RUNS / "a.pid").read_text())
    assert b"X=$(touch /tmp/mpc-plain) 'x'" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    for key, value in {"MPC_LAB": "plain", "MPC_NODE": "a", "MPC_NETNS": "plain-a"}.items():
        assert f"{key}={value}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    inside = live.succeed("ip", "netns", "pids", "plain-a").split()
    assert str(pid) in inside
    down, again = call("down"), call("down")
    assert (down.returncode, down.stderr) == (again.returncode, again.stderr) == (0, "plain: down\n")
    assert not [pid for pid in inside if Path(f"/proc/{pid}/exe").exists()]


def test_both_downs_take_both_ups_down() -> None:
    compilation = Compilation("plain.topo", f'{SMALL}\nrun a "sleep 86401"')
    live.succeed("bash", "-s", stdin=compilation.up(Style.PLAIN), seconds=60)
    live.succeed("bash", "-s", stdin=compilation.down(), seconds=60)
    assert live.Lab("plain", "", "", "plain-").footprint() == []
    live.succeed("bash", "-s", stdin=compilation.up(), seconds=60)
    assert call("down", text=SMALL).returncode == 0
    assert live.Lab("plain", "", "", "plain-").footprint() == []


def test_both_styles_make_the_same() -> None:
    found = []
    for style in Style:
        text = TEXT.partition("run a")[0]
        live.succeed("bash", "-s", stdin=Compilation("plain.topo", text).up(style), seconds=60)
        names = [name for name in kernel.namespaces() if name.startswith("plain-")]
        found.append({name: kernel.state(name) for name in names})
        assert call("down", text=text).returncode == 0
    for name, state in found[0].items():
        kernel.assert_same(state, found[1][name])


def test_a_second_up_changes_nothing() -> None:
    """Each style recognizes the lab of the other by the claim."""
    assert call(text=SMALL).returncode == 0
    before = kernel.snapshot()
    again = call(text=SMALL)
    assert again.returncode == 1
    assert again.stderr.startswith("plain: error: there is /run/mpc-plain already: ")
    batch = live.run("bash", "-s", stdin=Compilation("plain.topo", SMALL).up(), seconds=60)
    assert batch.returncode == 1
    assert "the lab is up since" in batch.stderr
    assert "the same plan" in batch.stderr
    kernel.assert_same(before, kernel.snapshot())
    assert call("down", text=SMALL).returncode == 0


def test_what_somebody_else_made_is_left_alone() -> None:
    """A namespace, and a directory of files: neither up nor down changes them."""
    live.succeed("ip", "netns", "add", "plain-b")
    up, down = call(text=SMALL), call("down", text=SMALL)
    assert up.returncode == 1
    assert up.stderr.startswith("plain: error: there is /run/netns/plain-b already: ")
    assert down.returncode == 0
    assert [name for name in kernel.namespaces() if name.startswith("plain-")] == ["plain-b"]
    live.succeed("ip", "netns", "del", "plain-b")
    hosts = Path("/etc/netns/plain-b/hosts")
    before = [folder for folder in hosts.parents if not folder.exists()]
    hosts.parent.mkdir(parents=True)
    hosts.write_text("10.0.0.1 x\n")
    up, down = call(text=SMALL), call("down", text=SMALL)
    assert up.stderr.startswith("plain: error: there is /etc/netns/plain-b already: ")
    assert down.returncode == 0
    assert hosts.read_text() == "10.0.0.1 x\n"
    hosts.unlink()
    for folder in before:
        folder.rmdir()


def test_files_that_outlived_a_boot_are_taken_away() -> None:
    """Also a hosts file that a program in the lab has written; other files stay and are named."""
    before = Path("/etc/netns").exists()
    assert call(text=SMALL).returncode == 0
    Path("/etc/netns/plain-a/hosts").write_text("127.0.0.1 localhost\n")
    more = Path("/etc/netns/plain-a/more")
    more.touch()
    live.succeed("ip", "netns", "del", "plain-b")
    down = call("down", text=SMALL)
    assert down.returncode == 1
    assert "/etc/netns/plain-a" in down.stderr
    assert [str(path) for path in Path("/etc/netns").glob("plain-*/*")] == [str(more)]
    more.unlink()
    more.parent.rmdir()
    if not before:
        more.parent.parent.rmdir()


FAILS = """#!/bin/bash
count=$(cat "$0.calls" 2>/dev/null || echo 0)
echo "$((count + 1))" >"$0.calls"
if [[ $count == {at} && ! $* =~ \\ (pids|del|show)\\  ]]; then
  echo "made to fail" >&2
  exit 1
fi
exec {command} "$@"
"""


@pytest.mark.parametrize("at", [0, 2, 4, 5, 7, 9, 12])
def test_the_command_that_fails_is_named_and_all_taken_back(at: int, tmp_path: Path) -> None:
    command = live.succeed("which", "ip").strip()
    (tmp_path / "ip").write_text(FAILS.format(at=at, command=command))
    (tmp_path / "ip").chmod(0o755)
    failed = live.run("bash", "-c", f"PATH={tmp_path}:$PATH; . /dev/stdin", stdin=script(SMALL), seconds=60)
    assert failed.returncode == 1
    said = failed.stderr.splitlines()
    assert said[0] == "made to fail"
    assert said[1].startswith("plain: failed: ip ")
    assert said[-1] == "plain: down"


@pytest.mark.parametrize("wait", [0.05, 0.1, 0.15, 0.2, 0.3, 0.4])
def test_a_signal_has_all_taken_back(wait: float, tmp_path: Path) -> None:
    path = tmp_path / "up.sh"
    path.write_text(script(TEXT.partition("run a")[0]))
    process = subprocess.Popen(["bash", path], stderr=subprocess.PIPE, text=True)
    time.sleep(wait)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert said.endswith("plain: down\n")
    assert process.returncode == 1
    assert live.Lab("plain", "", "", "plain-").footprint() == []


def test_names_and_traffic() -> None:
    assert call(text=SMALL).returncode == 0
    assert live.pings("plain-a", "b")
    assert live.pings("plain-a", "a.b")
    assert call("down", text=SMALL).returncode == 0


def test_random_labs() -> None:
    """They come up, a check passes, and their own down or that of the batch style leaves nothing."""
    for number, text, compilation in random_labs.labs(11, 5):
        assert try_lab(compilation, Random(f"11 {number} drifts"), Style.PLAIN) == [], text
