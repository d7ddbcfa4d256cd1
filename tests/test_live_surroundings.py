"""Scripts in unusual environments: they work, or fail with a message and change nothing."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import live
import pytest

pytestmark = pytest.mark.live

LAB = """
host a b
router c
link {a,b} -- c rate 5mbit
sysctl c net.ipv4.conf.a.log_martians=1
"""


@pytest.fixture(scope="module")
def lab() -> live.Lab:
    return live.lab_of("around", LAB)


@pytest.fixture(autouse=True)
def unchanged(lab: live.Lab) -> Iterator[None]:
    with live.host_unchanged(lab):
        yield


@pytest.fixture
def files(lab: live.Lab, tmp_path: Path) -> Path:
    """A folder with the scripts as files."""
    for name, script in ("up", lab.up_script), ("down", lab.down_script):
        (tmp_path / name).write_text(script)
    return tmp_path


STRANGE = {
    "words": "env IFS=an LC_ALL=xx_XX.UTF-8 POSIXLY_CORRECT=1 CDPATH=/ GLOBIGNORE=* TMPDIR=/nowhere",
    "nothing but a path": "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "options of bash": "env SHELLOPTS=noglob:nounset:errexit:posix BASHOPTS=nullglob:failglob:nocasematch",
    "no terminal": "setsid --wait",
    "few files": "prlimit --nofile=24",
}


@pytest.mark.parametrize("enter", STRANGE.values(), ids=STRANGE)
def test_works_all_the_same(files: Path, enter: str) -> None:
    live.succeed(*enter.split(), "bash", files / "up")
    assert live.pings("around-a", "b")
    live.succeed(*enter.split(), "bash", files / "down")


def test_without_a_folder_and_without_streams(files: Path) -> None:
    """In a deleted working directory, with closed standard streams."""
    gone = 'mkdir "$0/gone" && cd "$0/gone" && rmdir "$0/gone" && bash "$0/$1" <&- >&- 2>&-'
    live.succeed("bash", "-c", gone, files, "up")
    assert live.pings("around-a", "b")
    live.succeed("bash", "-c", gone, files, "down")


def test_umask(files: Path) -> None:
    """Files in a namespace are readable for other users."""
    live.succeed("bash", "-c", 'umask 077 && bash "$0"', files / "up")
    assert Path("/etc/netns/around-a/hosts").stat().st_mode & 0o777 == 0o644
    live.succeed("bash", files / "down")


def test_nothing_is_left_where_nothing_was_mounted(files: Path) -> None:
    """mount(8) makes a directory in /run for its notes, unless it is told not to."""
    fresh = 'mount -n -t tmpfs tmpfs /run && bash "$0/up" && bash "$0/down" && ls -A /run'
    assert live.succeed("unshare", "--mount", "bash", "-c", fresh, files) == ""


def test_not_with_sh(files: Path) -> None:
    for name in "up", "down":
        result = live.run("dash", files / name)
        assert result.returncode == 1
        assert result.stderr == "this is a script for bash: run it with bash\n"


def test_a_device_of_the_host_may_have_the_same_name(files: Path) -> None:
    """Interfaces are created in their namespaces, so the host's are neither in the way nor changed."""
    host = """
        ip link add name a type veth peer name c && ip -d link >"$0/before"
        bash "$0/up" && bash "$0/down" && ip -d link | diff "$0/before" -
    """
    live.succeed("unshare", "--net", "bash", "-c", host, files)


# --- no room ----------------------------------------------------------------------------------------

CRAMPED = """
    set -e
    mount -t tmpfs -o size=64k tmpfs /run
    mkdir -p "$0/netns" && mount --bind "$0/netns" "$0/netns"
    mount -t tmpfs -o size=64k,nr_inodes={inodes} tmpfs /etc/netns
    dd if=/dev/zero of=/{full}/filler bs=1k 2>/dev/null || true
    find /run /etc/netns | sort >"$0/before"
    if bash "$0/up" 2>"$0/said"; then echo "up ended with 0"; fi
    rm -r /run/netns 2>/dev/null || true
    find /run /etc/netns | sort >"$0/after"
    diff "$0/before" "$0/after"
    grep -q "No space left on device" "$0/said" || cat "$0/said"
"""


@pytest.fixture
def names_folder() -> Iterator[None]:
    """A directory `/etc/netns` for mounts of scripts; removed if it did not exist."""
    folder = Path("/etc/netns")
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    yield
    if made:
        folder.rmdir()


@pytest.mark.usefixtures("names_folder")
@pytest.mark.parametrize(("inodes", "full"), [(3, "tmp"), (9, "etc/netns"), (9, "run")])
def test_a_disk_that_is_full(files: Path, inodes: int, full: str) -> None:
    """No room for a directory, for hosts files, or for the claim."""
    script = CRAMPED.format(inodes=inodes, full=full).replace("of=/tmp/filler", "of=/dev/null count=1")
    assert live.succeed("unshare", "--mount", "bash", "-c", script, files) == ""


@pytest.mark.usefixtures("names_folder")
def test_no_room_for_namespaces(files: Path) -> None:
    """The user's limit of namespaces is reached, in a user namespace with its own count."""
    script = """
        set -e
        mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /etc/netns
        for most in 2 3 4; do
          echo "$most" >/proc/sys/user/max_net_namespaces
          if bash "$0/up" 2>"$0/said"; then echo "up ended with 0"; fi
          find /run /etc/netns -mindepth 1 ! -path "/run/mount*"
          grep -q -e max_net_namespaces -e "No space left on device" "$0/said" || cat "$0/said"
        done
    """
    enter = ("unshare", "--user", "--map-root-user", "--mount", "--net")
    assert live.succeed(*enter, "bash", "-c", script, files) == ""


# --- processes --------------------------------------------------------------------------------------

HEADLESS = """
import ctypes, os, threading, time
threading.Thread(target=time.sleep, args=[60]).start()
ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)  # exit(2) ends one thread
"""
RESIDENTS = (
    "setsid sleep 60 & echo ready; wait",
    "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done",
    "exec 9<>/dev/udp/127.0.0.1/9; echo ready; read -r _ <&9",
    "echo ready; exec unshare --mount --pid --fork sleep 60",
    "trap '' TERM; exec 9<> <(:); echo ready; while :; do sleep 60 & read -t 0.01 -u 9; done",
    f"echo ready; exec python3 -c '{HEADLESS}'",
)
"""A daemon, a process that ignores signals, one that reads from a socket, one in more namespaces, one that
starts others all the time, one whose first thread has ended."""


def started(ns: str, program: str) -> subprocess.Popen[str]:
    """A program in a namespace, after it has reported that it is ready."""
    argv = live.bounded(60, "ip", "netns", "exec", ns, "bash", "-c", program)
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_end_before_their_namespace(lab: live.Lab) -> None:
    """Processes elsewhere get no signal."""
    with subprocess.Popen(["sleep", "60"]) as outside:
        with live.running(lab):
            inside = [started(lab.ns("a"), program) for program in RESIDENTS]
        assert outside.poll() is None
        outside.kill()
    for process in inside:
        with process:
            assert process.wait(timeout=10) != 0
