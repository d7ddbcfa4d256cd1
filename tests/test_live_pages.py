"""Live tests of the README and pages of docs/: a reader who types each command sees what the page shows."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import kernel
import live
import pytest
from machines import machines
from playbooks import environment, home

pytestmark = pytest.mark.live

PAGES = ["README", *(f"docs/{page}" for page in "tutorial phone class captures failover sweeps".split())]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SUDO = '#!/bin/sh\nexec "$@"\n'
NUMBER = re.compile(r"\d+(?:\\\.\d+)*")
ANY, ANY_NUMBER, ANY_LINES = re.escape("..."), r"\\d+(?:\\.\\d+)*", r"(?:.*\n)*?"


class Typed(NamedTuple):
    """A command, its further lines with it, and the lines that a page shows below."""

    command: str
    shown: list[str]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """After each page the machine is as before."""
    before = kernel.snapshot()
    yield
    kernel.assert_same(before, kernel.snapshot())


def typed(page: str) -> list[Typed]:
    found: list[Typed] = []
    for block in BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Typed(line[2:], []))
            elif line.startswith("> "):
                found[-1] = found[-1]._replace(command=f"{found[-1].command}\n{line[2:]}")
            else:
                found[-1].shown.append(line)
    return found


def pattern(shown: list[str]) -> str:
    """What matches an output that is as shown: `...` is any text, a number any number, spaces any spaces."""
    return "".join(ANY_LINES if line == "..." else f" *{_line(line)} *\n" for line in shown)


def _line(line: str) -> str:
    return " +".join(NUMBER.sub(ANY_NUMBER, re.escape(word)).replace(ANY, ".*") for word in line.split())


def read_along(name: str, folder: Path, path: str) -> None:
    """Types the commands of a page in a folder, with some folders ahead of all in PATH."""
    page = (live.ROOT / f"{name}.md").read_text()
    for command, shown in typed(page):
        start = f"set -o pipefail; cd {folder}; PATH={path}:$PATH; {command}"
        result = live.run("bash", "-c", f"({start}\n) 2>&1", seconds=90)
        said = result.stdout.replace("\t", " ")
        assert result.returncode == 0, f"{command}\n{said}"
        assert re.fullmatch(pattern(shown), said), f"{command}\n{said}"


@pytest.mark.parametrize("name", PAGES)
def test_what_is_shown_is_seen(name: str, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sudo").write_text(SUDO)
    (tools / "sudo").chmod(stat.S_IRWXU)
    (tools / "mpc").symlink_to(live.MPC)
    folder = tmp_path / "lab"
    folder.mkdir()
    try:
        read_along(name, folder, str(tools))
    finally:
        for lab in folder.glob("*.topo"):
            live.run(live.MPC, "down", lab)


def test_two_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that have no Python, and let a user in who may become root by sudo."""
    folder = tmp_path / "lab"
    folder.mkdir()
    with machines(tmp_path, 2, bare=True) as own, home() as kept:
        for name, value in environment(own, kept).items():
            monkeypatch.setenv(name, value)
        before = [own.state(name) for name in own.running]
        read_along("docs/machines", folder, str(own.configured.tools))
        live.wait_until(lambda: [own.state(name) for name in own.running] == before)


def test_a_page_that_is_wrong_is_found() -> None:
    """The pattern is not so wide that all outputs are as shown."""
    assert re.fullmatch(pattern(["a 1.5 Mbit/s", "...", "end"]), "a 20 Mbit/s\nb\nend\n")
    assert not re.fullmatch(pattern(["a 1.5 Mbit/s", "end"]), "a 20 Mbit/s\nb\nend\n")
    assert not re.fullmatch(pattern(["a"]), "a\nb\n")
    assert not re.fullmatch(pattern(["a 1"]), "a one\n")
