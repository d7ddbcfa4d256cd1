"""Live tests of the commands that have labs on a machine, here and on a host by real ssh."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import kernel
import live
import pytest
import sshd

pytestmark = pytest.mark.live

LAB = """\
lab    habits
host   a b
router c
link   a -- c -- b  rate 5mbit
expect a -> b  reachable
bench  a -> b  using tcp for 1s
at     0.1s  down a -- c
"""
WORDS = ["two words", "it's", '"quoted"', "$HOME", "a\\b", "*", "", "ü;&|<>()#~", "-c"]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """After each test the machine is as before."""
    before = kernel.snapshot()
    yield
    kernel.assert_same(before, kernel.snapshot())


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "habits.topo"
    file.write_text(LAB)
    yield file
    mpc("down", file)


def mpc(*words: str | Path, stdin: str = "") -> live.Result:
    return live.run(live.MPC, *words, stdin=stdin, seconds=60)


def listed() -> list[str]:
    return [
        f"{one['lab']} {one['state']} {one['namespaces']}"
        for one in json.loads(told("list", "--format", "json"))
    ]


def told(*words: str | Path, stdin: str = "") -> str:
    result = mpc(*words, stdin=stdin)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_lab_is_one_command(lab: Path) -> None:
    """Up, list, exec, check, bench, play and down, one after the other as a user does."""
    assert listed() == []
    assert mpc("exec", lab, "a", "true").returncode == 2
    told("up", lab, "--", "--preflight")
    assert listed() == []
    told("up", lab)
    assert listed() == ["habits up 3"]
    again = mpc("up", lab)
    assert (again.returncode, "the lab is up since" in again.stderr) == (1, True)
    assert "1 received" in told("exec", lab, "a", "ping", "-c", "1", "b")
    assert "ok 5 - a -> b reachable" in told("check", "--live", lab)
    assert "a -> b using tcp" in told("bench", lab, "--", "--repeat", "1")
    assert "down a:c -- c:a" in told("play", lab)
    live.succeed("ip", "-n", "habits-a", "link", "set", "c", "down")
    assert mpc("check", "--live", lab).returncode == 1
    told("down", "habits")
    assert listed() == []


def test_words_and_streams_are_the_commands_own(lab: Path) -> None:
    told("up", lab)
    assert told("exec", "habits", "a", "printf", r"%s\n", *WORDS).splitlines() == WORDS
    assert mpc("exec", "habits", "a", "sh", "-c", "exit 7").returncode == 7
    unknown = mpc("exec", "habits", "q", "true")
    assert (unknown.returncode, "the lab has no node `q`" in unknown.stderr) == (2, True)
    assert told("exec", lab, "a", "printf", r"%s\n", *WORDS).splitlines() == WORDS
    assert told("exec", lab, "a", "cat", stdin="a\0b\n") == "a\0b\n"
    assert mpc("exec", lab, "a", "sh", "-c", "kill -TERM $$").returncode != 0
    assert mpc("exec", lab, "a", "sh", "-c", "exit 7").returncode == 7


def test_on_a_host(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by ssh: words arrive as they are, and so does the exit status."""
    with sshd.running(tmp_path) as tools:
        monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        told("up", "--on", "lab", lab)
        assert told("list", "--on", "lab") == told("list")
        assert told("exec", "--on", "lab", "habits", "a", "printf", r"%s\n", *WORDS).splitlines() == WORDS
        assert told("exec", "--on", "lab", lab, "a", "printf", r"%s\n", *WORDS).splitlines() == WORDS
        assert mpc("exec", "--on", "lab", lab, "a", "sh", "-c", "exit 7").returncode == 7
        assert "ok 5 - a -> b reachable" in told("check", "--on", "lab", lab)
        told("down", "--on", "lab", lab)
        assert listed() == []
    assert mpc("list", "--on", "lab").returncode == 2
