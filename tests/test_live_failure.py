"""Failures half-way: the host is restored, and everything that the lab did not make is unchanged."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import kernel
import live
import pytest

pytestmark = [pytest.mark.live, pytest.mark.once]

# A wrapper of a tool: forwards its calls, but takes the action first at the given one. Only calls with
# `-batch` count: they change something, and a failure of one must end the script. They run in parallel, so
# counting takes a lock.
SHIM = """#!/usr/bin/env bash
if [[ " $* " == *" -batch "* ]]; then
  exec 9>>"$0.calls"
  flock 9
  echo call >&9
  count=$(wc -l <"$0.calls")
  exec 9>&-
  if ((count == {call})); then {action}; fi
fi
exec {tool} "$@"
"""
CALLS = [("ip", 1), ("ip", 2), ("ip", 4), ("tc", 1), ("tc", 3)]


@pytest.fixture(scope="module")
def diamond() -> live.Lab:
    return live.lab_of("diamond", live.GOLDEN / "diamond.topo")


@pytest.fixture
def unchanged(diamond: live.Lab) -> Iterator[None]:
    """Asserts that a test leaves the host unchanged."""
    with live.host_unchanged(diamond):
        yield


def shim(folder: Path, tool: str, call: int, action: str) -> Path:
    """A directory for PATH in which a tool does something at one of its calls."""
    real = live.succeed("bash", "-c", f"type -P {tool}").strip()
    path = folder / tool
    path.write_text(SHIM.format(call=call, action=action, tool=real))
    path.chmod(0o755)
    return folder


def fired(folder: Path, tool: str, call: int) -> bool:
    calls = folder / f"{tool}.calls"
    return calls.exists() and len(calls.read_text().splitlines()) >= call


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("tool", "call"), CALLS)
def test_failing_up_rolls_back(diamond: live.Lab, tmp_path: Path, tool: str, call: int) -> None:
    result = diamond.up(shim(tmp_path, tool, call, "echo 'made to fail' >&2; exit 1"))
    assert fired(tmp_path, tool, call)
    assert result.returncode != 0
    assert result.stdout == ""
    assert "made to fail" in result.stderr


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("signal", ["INT", "TERM", "HUP"])
def test_interrupted_up_rolls_back(diamond: live.Lab, tmp_path: Path, signal: str) -> None:
    """The whole process group gets the signal, as from Ctrl-C or a closed terminal; timeout(1), its parent,
    sends a second one, which must not stop the roll-back."""
    result = diamond.up(shim(tmp_path, "ip", 3, f"kill -{signal} 0; sleep 1"))
    assert fired(tmp_path, "ip", 3)
    assert result.returncode != 0


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("tool", "call"), CALLS)
def test_down_after_a_killed_up(diamond: live.Lab, tmp_path: Path, tool: str, call: int) -> None:
    """SIGKILL allows no roll-back, so down has to remove everything."""
    result = diamond.up(shim(tmp_path, tool, call, "kill -KILL 0"))
    assert fired(tmp_path, tool, call)
    assert result.returncode != 0
    down = diamond.down()
    assert down.returncode == 0, down.stderr


@contextmanager
def foreign_namespace(name: str) -> Iterator[None]:
    """A namespace of another program; the first one on a machine makes /run/netns too."""
    first = not Path("/run/netns").exists()
    live.succeed("ip", "netns", "add", name)
    try:
        yield
    finally:
        live.succeed("ip", "netns", "del", name)
        if first:
            live.succeed("bash", "-c", "umount /run/netns && rmdir /run/netns")


@pytest.mark.usefixtures("unchanged")
def test_foreign_namespace_is_left_alone(diamond: live.Lab) -> None:
    """It has one of the lab's names: up refuses and names it, down reports that it stays."""
    with foreign_namespace("diamond-c"):
        with_it = kernel.snapshot()
        up, after_up = diamond.up(), kernel.snapshot()
        down, after_down = diamond.down(), kernel.snapshot()
    assert up.returncode != 0
    assert "diamond-c" in up.stderr
    assert "diamond-c" in down.stderr
    kernel.assert_same(with_it, after_up)
    kernel.assert_same(with_it, after_down)


@pytest.mark.usefixtures("unchanged")
def test_a_namespace_that_somebody_makes_meanwhile_is_left_alone() -> None:
    """It is made after the preflight, and before up makes the lab's."""
    lab = live.lab_of("late", "host a b\nlink a -- b")
    late = replace(lab, up_script=lab.up_script.replace("\nremember\n", "\nremember\nip netns add late-b\n"))
    result = late.up()
    assert result.returncode == 1
    assert "left the namespace late-b alone" in result.stderr
    assert "late-b" in kernel.namespaces()
    assert "late-a" not in kernel.namespaces()
    live.succeed("ip", "netns", "del", "late-b")
    lab.down()


@pytest.mark.usefixtures("unchanged")
def test_foreign_files_are_left_alone(diamond: live.Lab) -> None:
    """Files for a namespace of another program stay, whether up refuses or continues."""
    folder = Path("/etc/netns/diamond-a")
    made = [path for path in (folder, folder.parent) if not path.exists()]
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    try:
        before = kernel.snapshot()
        diamond.up()
        diamond.down()
        kernel.assert_same(before, kernel.snapshot())
    finally:
        (folder / "resolv.conf").unlink()
        for path in made:
            path.rmdir()


@pytest.mark.usefixtures("unchanged")
def test_stream_cut_in_the_middle_does_nothing(diamond: live.Lab) -> None:
    before, script = kernel.snapshot(), diamond.up_script
    last_line = len(script.splitlines(keepends=True)[-1])
    for cut in [*(len(script) * part // 12 for part in range(1, 12)), len(script) - last_line]:
        replace(diamond, up_script=script[:cut]).up()
        kernel.assert_same(before, kernel.snapshot())


@pytest.mark.usefixtures("unchanged")
def test_missing_tools_are_said_at_once(diamond: live.Lab, tmp_path: Path) -> None:
    """One message names all missing tools, before the first change."""
    for tool in ("bash", "env", "id", "cat"):
        (tmp_path / tool).symlink_to(live.succeed("bash", "-c", f"type -P {tool}").strip())
    result = live.run("env", f"PATH={tmp_path}", "bash", "-s", stdin=diamond.up_script)
    assert result.returncode != 0
    assert "ip" in result.stderr.split()
    assert "tc" in result.stderr.split()


@pytest.mark.usefixtures("unchanged")
def test_refuses_without_root(diamond: live.Lab) -> None:
    result = live.run("setpriv", "--reuid=65534", "--clear-groups", "bash", "-s", stdin=diamond.up_script)
    assert result.returncode != 0
    assert "root" in result.stderr
