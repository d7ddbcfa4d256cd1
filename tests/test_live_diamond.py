"""The four-line diamond on the kernel: names, both styles, and an unchanged host."""

import subprocess
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import kernel
import live
import pytest

from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

DIAMOND = live.GOLDEN / "diamond.topo"
NODES = "abcd"
# c and d are connected by a and b only, which are hosts and do not forward.
APART = {("c", "d"), ("d", "c")}


@pytest.fixture(scope="module")
def diamond() -> live.Lab:
    return live.lab_of("diamond", DIAMOND)


@pytest.fixture(scope="class")
def up(diamond: live.Lab) -> Iterator[live.Lab]:
    with live.running(diamond):
        yield diamond


class TestUp:
    @pytest.mark.parametrize(("node", "other"), sorted(set(permutations(NODES, 2)) - APART))
    def test_reaches_by_name(self, up: live.Lab, node: str, other: str) -> None:
        assert live.pings(up.ns(node), other)

    @pytest.mark.parametrize(("node", "other"), sorted(APART))
    def test_hosts_do_not_forward(self, up: live.Lab, node: str, other: str) -> None:
        assert live.answers_nobody(up.ns(node), other)

    @pytest.mark.parametrize(("node", "name"), [("a", "c.b"), ("a", "d.b"), ("b", "c.a"), ("b", "d.a")])
    def test_interfaces_of_the_far_host_have_names(self, up: live.Lab, node: str, name: str) -> None:
        assert live.pings(up.ns(node), name)

    @pytest.mark.parametrize("name", ["a.c", "b.c", "a.d", "b.d", "c.a", "d.a"])
    def test_interfaces_have_names(self, up: live.Lab, name: str) -> None:
        assert live.pings(up.ns("a"), name)

    def test_second_up_refuses_and_changes_nothing(self, up: live.Lab) -> None:
        host, inside = kernel.snapshot(), states(up)
        again = up.up()
        assert again.returncode != 0
        assert again.stdout == ""
        assert "diamond" in again.stderr
        kernel.assert_same(host, kernel.snapshot())
        assert states(up) == inside


def states(lab: live.Lab) -> dict[str, kernel.Listing]:
    return {node: kernel.state(lab.ns(node)) for node in NODES}


@pytest.mark.every_kernel
def test_down_leaves_nothing(diamond: live.Lab) -> None:
    with live.host_unchanged(diamond):
        up, down, again = diamond.up(), diamond.down(), diamond.down()
    assert (up.returncode, down.returncode, again.returncode) == (0, 0, 0)
    assert (up.stdout, down.stdout, again.stdout) == ("", "", "")
    assert up.stderr != ""


def test_warns_of_nothing(diamond: live.Lab) -> None:
    """Progress lines contain the lab's name; any other line on stderr is a warning of a tool."""
    with live.host_unchanged(diamond):
        results = diamond.up(), diamond.down()
    for result in results:
        assert [line for line in result.stderr.splitlines() if not line.startswith("diamond: ")] == []


def test_files_run_as_they_are(diamond: live.Lab, tmp_path: Path) -> None:
    """`-o` writes executable files that need no other files."""
    live.succeed(live.MPC, "compile", DIAMOND, "-o", tmp_path)
    with live.host_unchanged(diamond):
        live.succeed(tmp_path / "diamond.up.sh")
        assert live.pings("diamond-a", "b")
        live.succeed(tmp_path / "diamond.down.sh")


def test_both_styles_make_the_same() -> None:
    found = []
    for style in Style:
        with live.running(live.lab_of("diamond", DIAMOND, style)) as lab:
            found.append(states(lab))
    for node in NODES:
        kernel.assert_same(found[0][node], found[1][node])


def test_two_labs_side_by_side(diamond: live.Lab) -> None:
    other = live.lab_of("other", "host a b\nlink a -- b rate 5mbit")
    with live.running(other):
        with live.host_unchanged(diamond), live.running(diamond):
            assert live.pings("diamond-a", "b")
        assert live.pings("other-a", "b")


def test_down_ends_processes(diamond: live.Lab) -> None:
    with live.host_unchanged(diamond), live.running(diamond):
        stubborn = ("bash", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
        argv = live.bounded(60, "ip", "netns", "exec", "diamond-a", *stubborn)
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    assert process.wait(timeout=10) != 0


def test_machine_that_never_had_a_namespace(diamond: live.Lab, tmp_path: Path) -> None:
    """If /run/netns and /etc/netns do not exist, up makes them and down removes them."""
    for name, script in ("up", diamond.up_script), ("down", diamond.down_script):
        (tmp_path / name).write_text(script)
    private = """
        set -e
        mount -t tmpfs tmpfs /run
        mkdir "$0/etc"
        touch "$0/etc/hosts"
        mount --bind "$0/etc" /etc
        listing() { find /run /etc; grep -e ' /run' -e netns /proc/self/mountinfo || true; }
        listing >"$0/before"; bash "$0/up"; ip netns list; bash "$0/down"; listing >"$0/after"
        diff "$0/before" "$0/after"
    """
    shown = live.succeed("unshare", "--mount", "bash", "-c", private, tmp_path, seconds=60)
    assert "diamond-a" in shown
