"""Down removes everything with the lab's mark, whatever its own list is; up reports whose lab is up."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import kernel
import live
import pytest

pytestmark = pytest.mark.live

NETNS = Path("/etc/netns")
ABC = 'host a b c\nlink a -- b -- c\nrun c "sleep 86401"\n'
AB = "host a b\nlink a -- b\n"


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Asserts for each test that it leaves the host unchanged."""
    with live.host_unchanged(live.lab_of("edited", AB)):
        yield


@pytest.fixture
def folders() -> Iterator[None]:
    """Another lab that is up, so that the directories of all labs exist."""
    with live.running(live.lab_of("keeper", AB)):
        yield


def edited(text: str) -> live.Lab:
    return live.lab_of("edited", text)


def up(lab: live.Lab) -> None:
    result = lab.up()
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (AB, "edited-c"),
        ("host a b c\nlink a -- b -- c\n", ""),
        ("host a b c netns other\nlink a -- b -- c\n".replace("a b c", "a b\nhost c"), "edited-c"),
        ("host x y\nlink x -- y\n", "edited-a edited-b edited-c"),
        ("", ""),
    ],
)
def test_the_down_of_an_edited_lab(text: str, gone: str) -> None:
    """Everything is removed, with its processes; namespaces that the script does not list are reported, but
    for a script that lists none, which is that of a name alone (`mpc down NAME`)."""
    up(edited(ABC))
    live.succeed("ip", "netns", "exec", "edited-c", "sh", "-c", "echo 127.0.0.1 own >/etc/hosts")
    result = edited(text).down()
    assert result.returncode == 0, result.stderr
    told = re.findall("does not name, of the up (.*), from standard input, another plan: (.*)", result.stderr)
    assert {name for _, names in told for name in names.split()} == set(gone.split())
    assert not edited(ABC).footprint()
    assert not live.run("pgrep", "-f", "[s]leep 86401").stdout


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("lost", ["/run/mpc-edited", "/etc/netns/edited-c", "/etc/netns/edited-c/hosts", ""])
def test_what_a_mark_tells_alone(lost: str) -> None:
    """Without the claim, or without the files of a namespace."""
    up(edited(ABC.replace("run", "# run")))
    live.run("rm", "-r", lost)
    assert edited(AB).down().returncode == 0
    assert not edited(ABC).footprint()


@pytest.mark.usefixtures("folders")
def test_files_without_their_namespaces() -> None:
    """The state after a reboot: files with the mark are removed, whatever their names; others stay."""
    for ns in "edited-a", "edited-x", "edited-y":
        (NETNS / ns).mkdir()
        (NETNS / ns / "hosts").write_text("# mpc:edited\n127.0.0.1 localhost\n")
        (NETNS / ns / "resolv.conf").write_text("# mpc:edited\n")
    own = NETNS / "edited-y/own"
    own.write_text("# mpc:edited2\n")
    try:
        down = edited(AB).down()
        assert down.returncode == 1
        assert [*NETNS.glob("edited*"), *NETNS.glob("edited*/*")] == [NETNS / "edited-y", own]
        assert "left /etc/netns/edited-y alone" in down.stderr
    finally:
        shutil.rmtree(NETNS / "edited-y")


def noted_entries(folder: Path) -> Path:
    """The log of an nsenter(1) in this directory, with the file of each namespace that it enters."""
    log, shim = folder / "entered", folder / "nsenter"
    shim.write_text(f'#!/bin/sh\necho "$1" >>{log}\nexec {shutil.which("nsenter")} "$@"\n')
    shim.chmod(0o755)
    return log


def test_what_is_not_marked_stays(tmp_path: Path) -> None:
    """Labs with the same name prefix, which down does not enter, other namespaces, and stale entries."""
    log = noted_entries(tmp_path)
    others = [live.lab_of(name, AB.replace("a", "zz")) for name in ("edite", "edited2")]
    broken = [Path("/run/netns/edited-broken"), Path("/run/netns/no name")]
    for other in others:
        up(other)
    try:
        live.succeed("ip", "netns", "add", "edited-own")
        live.succeed("ip", "-n", "edited-own", "link", "set", "lo", "alias", "mpc:edited-own")
        for path in broken:
            path.touch()
        up(edited(ABC))
        before = [name for name in kernel.namespaces() if name not in ("edited-a", "edited-b", "edited-c")]
        search = f"PATH={tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"
        result = live.run("env", search, "bash", "-s", stdin=edited(AB).down_script)
        assert result.returncode == 0, result.stderr
        assert kernel.namespaces() == before
        assert all(path.exists() for path in broken)
        assert "edited-own" in log.read_text()
        assert "edited-c" not in log.read_text()  # up has noted by what it is known
        assert "zz" not in log.read_text()
        assert all(live.pings(other.ns("zz"), "b") for other in others)
    finally:
        for path in broken:
            path.unlink()
        live.run("ip", "netns", "del", "edited-own")
        for other in others:
            other.down()


@pytest.mark.usefixtures("folders")
def test_a_refused_up_says_whose_lab_is_up() -> None:
    with live.running(edited(AB)) as lab:
        told = r"the lab is up since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+, from standard input, (.*) plan: run"
        assert re.findall(told, lab.up().stderr) == ["the same"]
        assert re.findall(told, edited(ABC).up().stderr) == ["another"]
        clash = live.lab_of("clash", AB.replace("host a", "host a netns edited-a\nhost")).up().stderr
        assert "name edited-a: a namespace has it, of the lab edited, up since " in clash
        assert "folder /etc/netns/edited-a has it, of the lab edited" in clash
        Path("/run/mpc-edited").unlink()
        assert "a namespace has it, of this lab: run its down script first" in lab.up().stderr


def test_down_does_not_end_itself() -> None:
    with live.running(edited(AB)) as lab:
        result = live.run("ip", "netns", "exec", "edited-a", "bash", "-s", stdin=lab.down_script)
        assert result.returncode == 1
        assert "error: this runs in the namespace edited-a" in result.stderr
        assert live.pings("edited-a", "b")


def test_down_says_what_it_waits_for() -> None:
    lab = edited('host a\nrun a "trap : TERM; while :; do sleep 0.1; done"')
    up(lab)
    down = lab.down()
    assert down.returncode == 0
    assert re.search(r"edited: waiting for processes that have got SIGTERM: \d+ \(bash\)", down.stderr)


def test_a_lab_without_nodes() -> None:
    lab = edited("pool 10.0.0.0/8")
    result = lab.up()
    assert (result.returncode, result.stderr) == (0, "edited: up\n")
    assert (lab.down().returncode, lab.down().stderr) == (0, "edited: down\n")


def test_the_last_of_two_labs_takes_the_folders_away() -> None:
    """The host is as before; the first lab that came up goes down first."""
    other = live.lab_of("edited2", AB)
    up(edited(AB))
    up(other)
    assert edited(AB).down().returncode == 0
    assert "made /etc/netns" in Path("/run/mpc-edited2").read_text()
    assert other.down().returncode == 0


UNREADABLE = {
    "address add 10": "addresz add 10",
    "qdisc add": "qdisc adx",
    "netns add edited-b": "netns adx edited-b",
    "link add name b": "linc add name b",
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_a_row_that_a_tool_cannot_read_is_named(row: str) -> None:
    """ip(8) does not print its line number."""
    lab = edited(AB.replace("-- b", "-- b rate 5mbit"))
    head, mark, body = lab.up_script.partition("\nbuild() {\n")
    result = replace(lab, up_script=head + mark + body.replace(row, UNREADABLE[row], 1)).up()
    assert result.returncode == 1
    assert re.search(rf"failed: .*-batch - {UNREADABLE[row]}", result.stderr), result.stderr
