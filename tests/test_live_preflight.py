"""The preflight: all missing features of a machine are named at once, and nothing is changed."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import live
import machine
import pytest

pytestmark = pytest.mark.live

# A feature of each kind that a lab can need.
LAB = """
pool 10.0.0.0/8
pool fd00::/16
host a address 10.9.9.1/32 on dummy0
host b
router c d
link {a,b} -- {c,d} rate 5mbit
link c -- d
switch s stp on
link {a,b} -- s
mptcp a -- b
masquerade c
tunnel a -- b via d
run a "true"
"""
if machine.has("bond"):
    LAB += "link b:up -- d\nlink b:down -- d\nbond b -- d over b:up b:down\n"
NEED = re.compile(r"^need '([^']+)' (\S+)(.*)$", re.MULTILINE)
TOOL = re.compile(r"^need_tool (\S+) (\S+)$", re.MULTILINE)
SYSCTL = re.compile(r"^need_sysctl (\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def lab() -> live.Lab:
    return live.lab_of("needy", LAB)


@pytest.fixture(autouse=True)
def unchanged(lab: live.Lab) -> Iterator[None]:
    with live.host_unchanged(lab):
        yield


def preflight(lab: live.Lab, *enter: str | Path) -> live.Result:
    return live.run(*enter, "bash", "-s", "--", "--preflight", stdin=lab.up_script)


def lacking(result: live.Result) -> list[str]:
    """The features that a preflight reports as missing."""
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    first, *rest = result.stderr.splitlines()
    assert first == "needy: error: nothing was changed, as this machine lacks:"
    assert all(line.startswith("  ") for line in rest)
    return [line.strip() for line in rest]


def without(folder: Path, tool: str, arguments: str) -> tuple[str, str]:
    """An environment in which a tool fails when called with these arguments."""
    real = live.succeed("bash", "-c", f"type -P {tool}").strip()
    (folder / tool).write_text(
        f'#!/bin/bash\n[[ "$*" != {shlex.quote(arguments)} ]] || exit 1\nexec {real} "$@"\n'
    )
    (folder / tool).chmod(0o755)
    return "env", f"PATH={folder}:{os.environ['PATH']}"


def test_a_machine_that_has_all(lab: live.Lab) -> None:
    result = preflight(lab)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert result.stderr == "needy: this machine has all that the lab needs\n"


def test_there_is_no_other_option(lab: live.Lab) -> None:
    for words in (["--preflight", "x"], ["x"], [""]):
        result = live.run("bash", "-s", "--", *words, stdin=lab.up_script)
        assert result.returncode == 2
        assert "usage: up.sh [--preflight]" in result.stderr


def test_every_feature_is_named_when_it_is_missing(lab: live.Lab, tmp_path: Path) -> None:
    """Each alone, so that none hides another. (IPv6 is detected by a file, which no command replaces.)"""
    needs = [found for found in NEED.findall(lab.up_script) if found[1] != "test"]
    assert len(needs) == 11
    for feature, tool, arguments in needs:
        words = " ".join(shlex.split(arguments))
        assert lacking(preflight(lab, *without(tmp_path, tool, words))) == [feature]
        (tmp_path / tool).unlink()


def test_all_is_named_in_one_go(lab: live.Lab, tmp_path: Path) -> None:
    """Nothing works except the tools that the tests themselves need, and no sysctl can be set."""
    for tool in ("bash", "env", "cat", "unshare"):
        (tmp_path / tool).symlink_to(live.succeed("bash", "-c", f"type -P {tool}").strip())
    fixed = 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && PATH=$0 "$@"'
    found = lacking(preflight(lab, "unshare", "--mount", "bash", "-c", fixed, tmp_path))
    tools = [
        f"the command {tool} (package {package})"
        for tool, package in TOOL.findall(lab.up_script)
        if tool != "unshare"
    ]
    assert {tool for tool, _ in TOOL.findall(lab.up_script)} >= {
        "ip",
        "tc",
        "nft",
        "nsenter",
        "flock",
        "setsid",
    }
    settings = SYSCTL.findall(lab.up_script)
    assert len(settings) >= 9
    assert set(found) >= {*tools, *(f"the sysctl {key}, to be set" for key in settings)}


@pytest.mark.parametrize("right", ["net_admin", "sys_admin"])
def test_root_without_rights(lab: live.Lab, right: str) -> None:
    """As in a container: only the right is named, as nothing else can be tested without it."""
    (line,) = lacking(preflight(lab, "setpriv", f"--bounding-set=-{right}", f"--inh-caps=-{right}"))
    assert f"CAP_{right.upper()}" in line


@pytest.mark.parametrize("folder", ["/run", "/etc"])
def test_a_disk_that_is_read_only(lab: live.Lab, folder: str) -> None:
    fixed = f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && "$@"'
    (line,) = lacking(preflight(lab, "unshare", "--mount", "bash", "-c", fixed, "x"))
    assert re.fullmatch(rf"a folder {folder}(/netns)? that can be written", line)
