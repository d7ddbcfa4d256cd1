"""The commands that have labs on a machine: what they start, and what they refuse."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from compiler.cli import HABITS, main

DIAMOND = str(Path(__file__).parent / "golden" / "diamond.topo")
CUSTOMERS = str(Path(__file__).parent / "golden" / "customers.topo")
AS_A_USER = """
import os, sys
os.geteuid = lambda: 1000
from compiler.cli import main
main(sys.argv[1:])
"""


def started(tmp_path: Path, *words: str, programs: str = "sudo ssh") -> tuple[int, str, str]:
    """What a command of a user who is not root ends with, starts (a word a line), and says."""
    for name in programs.split():
        (tmp_path / name).write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\nhead -n 2\nexit 5\n')
        (tmp_path / name).chmod(0o755)
    result = subprocess.run(
        [sys.executable, "-c", AS_A_USER, *words],
        env={"PATH": f"{tmp_path}:/nowhere" if not programs else f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize("kind", ["up", "down"])
def test_a_script_is_the_input_of_bash_as_root(kind: str, tmp_path: Path) -> None:
    words = [kind, DIAMOND, *(["--preflight"] if kind == "up" else [])]
    status, said, _ = started(tmp_path, *words)
    shown = "sudo -- bash -s --".split() + words[3:]
    assert (status, said.splitlines()[: len(shown)]) == (5, shown)
    assert said.splitlines()[-2] == "#!/usr/bin/env bash"


def test_a_lab_goes_by_its_name_beside_a_folder_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "diamond").mkdir()
    monkeypatch.chdir(tmp_path)
    status, told, said = started(tmp_path, "down", "diamond")
    assert (status, told.splitlines()[:3], said) == (5, ["sudo", "--", "bash"], "")


def test_on_a_host_words_are_quoted_once_for_each_shell(tmp_path: Path) -> None:
    status, said, _ = started(tmp_path, "exec", "--on", "me@there", DIAMOND, "a", "echo", "a b", "$x")
    as_root = """sh -c 'test "$(id -u)" = 0 || exec sudo -- "$@"; exec "$@"' sh"""
    command = f"{as_root} ip netns exec diamond-a echo 'a b' '$x'"
    assert (status, said.splitlines()) == (5, ["ssh", "--", "me@there", command])


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    status, said, errors = started(tmp_path, "up", DIAMOND, programs="")
    assert (status, said) == (2, "")
    assert "mpc: this needs root, and the command sudo is missing" in errors


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["up", "no.topo"], "does not exist"),
        (["down", "no.topo"], "cannot read no.topo"),
        (["down", "../x"], "cannot read ../x"),
        (["exec", DIAMOND, "q", "true"], "no node `q`"),
        (["exec", CUSTOMERS, "pe1.red", "true"], "no node `pe1.red`"),
        (["exec", "--inside", DIAMOND, "a", "true"], "`a` is no container"),
        (["exec", DIAMOND, "a", "true"], "bring the lab up first"),
        (["exec", "no.topo", "a"], "cannot read no.topo"),
        (["exec", "../x", "a"], "cannot read ../x"),
        (["exec", "nowhere", "a"], "no lab nowhere is up: `mpc list` shows those that are"),
        (["exec", "--inside", "nowhere", "a"], "need the file of the lab"),
        (["exec", "-D", "x=1", "nowhere", "a"], "need the file of the lab"),
        (["bench", DIAMOND], "has no `bench`"),
        (["check", "--live", DIAMOND, DIAMOND], "one LAB at a time"),
        (["check", "--live", "--strict", DIAMOND], "do not go together"),
    ],
)
def test_what_cannot_be_done_is_told(words: list[str], told: str) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert told in result.output


OVER = """\
param x = 1
machine m ssh "192.0.2.1"
host a b
place {a,b} on m
link a -- b
bench a -> b using tcp
"""


@pytest.mark.parametrize(
    "words", ["up", "down", "bench", "check --live", "exec", "sweep -D x=1 -o out"], ids=lambda words: words
)
def test_a_lab_over_machines_is_refused(words: str, tmp_path: Path) -> None:
    file = tmp_path / "over.topo"
    file.write_text(OVER)
    command, *options = words.split()
    more = ["a", "true"] if command == "exec" else []
    result = CliRunner().invoke(main, [command, str(file), *options, *more])
    assert (result.exit_code, "--here has all nodes on one machine" in result.output) == (2, True)


def test_a_broken_lab_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "broken.topo"
    file.write_text("host a a\n")
    for words in (
        ["up", str(file)],
        ["down", str(file)],
        ["exec", str(file), "a"],
        ["check", "--live", str(file)],
    ):
        result = CliRunner().invoke(main, words)
        assert (result.exit_code, "nothing is run" in result.output) == (1, True)


@pytest.mark.parametrize("name", HABITS)
def test_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"mpc {name}" in result.output
