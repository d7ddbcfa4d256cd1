"""`run`: processes from up to down, in their namespaces, with a log of their output."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import kernel
import live
import pytest
from faults import Shims, moments
from test_live_faults import ASKING, interrupted, span

from compiler.scripts.bash import Style

pytestmark = pytest.mark.live

# Characters that are difficult to quote, and all others of one line.
ODD = " ".join(
    ['\' "\\"\\\\ $HOME `id` $(id) !! * ? {a,b} ~ # ; & | < > %s \\\\n -- -c é', *map(chr, range(33, 127))]
)
WRITTEN = ODD.replace("\\", "\\\\").replace('"', '\\"')

FOLDER = Path("/run/mpc-runs.d")


def lab_of(*statements: str, style: Style = Style.BATCH) -> live.Lab:
    return live.lab_of("runs", "\n".join(["host a b", "link a -- b", *statements]), style)


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    with live.host_unchanged(lab_of()):
        yield


def pid(name: str) -> int:
    return int((FOLDER / f"{name}.pid").read_text())


def with_parent(name: str) -> tuple[int, int]:
    """A process, and its parent that waits for it."""
    return pid(name), int(live.succeed("ps", "-o", "ppid=", str(pid(name))))


def log(name: str) -> str:
    return (FOLDER / f"{name}.log").read_text()


def words(path: str) -> list[str]:
    return Path(path).read_bytes().decode().split("\0")[:-1]


def test_a_process_is_in_its_namespace_from_up_to_down() -> None:
    with live.running(lab_of('run {a,b} "sleep 86401"', 'run a "sleep 86402"')):
        inside = {ns: set(map(int, kernel.lines("ip", "netns", "pids", ns))) for ns in ("runs-a", "runs-b")}
        assert inside == {"runs-a": {*with_parent("a"), *with_parent("a.2")}, "runs-b": {*with_parent("b")}}
        assert words(f"/proc/{pid('a.2')}/cmdline") in (
            ["sleep", "86402"],
            ["bash", "-c", "--", "sleep 86402"],
        )
        assert len(_sleepers()) == 3
    assert not _sleepers()


def test_a_command_arrives_byte_for_byte() -> None:
    """The command line and the environment, as in the kernel's /proc."""
    with live.running(
        lab_of(f'run a "sleep 86401; : {WRITTEN[1:]}" env ODD="{WRITTEN}" EMPTY="" TWO=2', 'run b "-x"')
    ):
        wanted = ["bash", "-c", "--", f"sleep 86401; : {ODD[1:]}"]
        assert words(f"/proc/{pid('a')}/cmdline") == wanted
        assert {f"ODD={ODD}", "EMPTY=", "TWO=2"} <= set(words(f"/proc/{pid('a')}/environ"))
        assert "-x: command not found" in log("b")


def test_what_a_process_has() -> None:
    """The lab's names and a new session; no file, signal mask, limit or lock of up is inherited."""
    files, ignored = "ls /proc/$$/fd | tr '\\\\n' ' '", "grep SigIgn /proc/self/status"
    command = f"getent hosts b; {files}; {ignored}; ulimit -Sn; read || echo end"
    with live.running(lab_of(f'run a "{command}; ps -o sid= $$; echo wrong >&2; sleep 86401"')) as lab:
        live.wait_until(lambda: "wrong" in log("a"))
        said = log("a")
        assert " b\n0 1 2 " in said
        assert f"SigIgn:\t{0:016x}\n{live.succeed('bash', '-c', 'ulimit -Sn')}end\n" in said
        assert said.split()[-2:] == [str(with_parent("a")[1]), "wrong"]
        assert "the lab is up" in lab.up().stderr
        live.succeed("flock", "-n", "/run/mpc-runs", "true")


def test_a_process_knows_its_node() -> None:
    """One command for a set: each process has the names of its node, in environment and command."""
    say = "echo $MPC_LAB $MPC_NODE $MPC_NETNS; getent hosts $MPC_NODE >&2; sleep 86401"
    with live.running(lab_of(f'run {{a,b}} "{say}"', 'run a "exec sleep 86402" env OWN="$MPC_NODE"')):
        live.wait_until(lambda: log("a").count("\n") == 2 and log("b").count("\n") == 2)
        for node in ("a", "b"):
            first, second = log(node).splitlines()
            assert first == f"runs {node} runs-{node}"
            assert second.split()[1] == node
        assert {"MPC_LAB=runs", "MPC_NODE=a", "MPC_NETNS=runs-a", "OWN=$MPC_NODE"} <= set(
            words(f"/proc/{pid('a.2')}/environ")
        )


def test_how_a_process_ends_is_noted() -> None:
    """By any cause, also when all processes of its namespace are terminated."""
    with live.running(lab_of('run a "sleep 0.1; exit 3"', 'run a "sleep 86401"', 'run b "true"')):
        assert not (FOLDER / "a.2.end").exists()
        live.succeed("kill", "-s", "USR1", *map(str, with_parent("a.2")))
        live.wait_until(lambda: (FOLDER / "a.2.end").exists() and (FOLDER / "a.end").exists())
        ends = {path.name: path.read_text() for path in FOLDER.glob("*.end")}
        assert ends == {"a.end": "3\n", "a.2.end": f"{128 + 10}\n", "b.end": "0\n"}
        assert log("a.2") == ""


@pytest.mark.parametrize(
    ("command", "said"), [("exit 3", "ended with 3"), ("no-such", "ended with 127"), ("true", "")]
)
def test_up_says_what_has_ended_with_an_error(command: str, said: str) -> None:
    lab = lab_of(f'run a "{command}"', 'run b "sleep 86401"')
    result = lab.up()
    assert result.returncode == 0
    warnings = [line for line in result.stderr.splitlines() if "warning" in line]
    assert warnings == ([f"runs: warning: what runs as a {said}; see {FOLDER}/a.log"] if said else [])
    assert lab.down().returncode == 0


def test_up_fails_where_a_process_cannot_start(tmp_path: Path) -> None:
    lab = lab_of('run a "sleep 86401"', 'run b "sleep 86401"')
    (tmp_path / "setsid").write_text("#!/bin/sh\necho no session; exit 7\n")
    (tmp_path / "setsid").chmod(0o755)
    result = lab.up(tmp_path)
    assert result.returncode == 1
    assert "error: cannot start what runs as a: no session" in result.stderr


def test_a_folder_of_somebody_else_is_left_alone() -> None:
    lab = lab_of('run a "sleep 86401"')
    FOLDER.mkdir()
    (FOLDER / "own").touch()
    try:
        assert f"the name {FOLDER}: something has it" in lab.up().stderr
        down = lab.down()
        assert down.returncode == 1
        assert f"left {FOLDER} alone" in down.stderr
        assert (FOLDER / "own").exists()
    finally:
        (FOLDER / "own").unlink()
        FOLDER.rmdir()


@pytest.mark.once
def test_faults_of_what_starts_a_process(tmp_path: Path) -> None:
    """Each call on the way to a process fails before it acts: nothing remains."""
    lab, before, shims = lab_of('run a "sleep 86401"'), kernel.snapshot(), Shims(tmp_path)
    assert shims.run(lab.up_script).returncode == 0
    last = {program: call for program, call, _ in shims.calls()}
    assert lab.down().returncode == 0
    faults = [fault for fault in shims.faults() if fault.call == last[fault.program] and not fault.acts]
    faults = [fault for fault in faults if fault.program in ("mkdir", "setsid", "ip")]
    assert len(faults) == 3
    for fault in faults:
        result = shims.run(lab.up_script, fault)
        assert result.returncode == 1, fault
        assert "made to fail" in result.stderr
        assert not (left := kernel.differs(before)), f"{fault}: {left}"


def test_signals_while_processes_start() -> None:
    """Rolled back with all processes, or up with all of them."""
    lab, before, chance = lab_of(*['run a "sleep 86401"'] * 5), kernel.snapshot(), random.Random(4)
    whole = span(lab.up_script)
    live.succeed("bash", "-s", stdin=lab.down_script)
    for _ in range(moments() // 2):
        sign, after, group = chance.choice(ASKING), chance.uniform(whole / 3, whole), chance.random() < 0.5
        if interrupted(lab.up_script, sign, after, group=group) == 0:
            assert len(list(FOLDER.glob("*.pid"))) == 5
            assert lab.down().returncode == 0
        assert not (left := kernel.differs(before)), f"{sign.name} after {after:.3f} s: {left}"
        assert not _sleepers()


def _sleepers() -> list[str]:
    """The processes of the lab in other network namespaces than this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            outside = (folder / "ns/net").samefile("/proc/self/ns/net")
            command = (folder / "cmdline").read_bytes()
            found += [folder.name] if command.startswith(b"sleep\x008640") and not outside else []
        except OSError:
            continue
    return found


SERVER = "python3 -c 'import socket, time; time.sleep(1); socket.create_server((str(), 7000)).accept()'"


@pytest.mark.parametrize("style", Style)
def test_a_later_statement_starts_when_what_is_before_it_is_ready(style: Style) -> None:
    """By its port or by a command in the same namespace; those of one statement start together."""
    lab = lab_of(
        f'run {{a,b}} "{SERVER}" ready 7000',
        'run a "ss -Hltn sport = :7000 && sleep 1 && touch $TMPDIR/made; sleep 86401" '
        f'ready "test -e {FOLDER}/made && ip link show b" env TMPDIR={FOLDER}',
        f'run b "ls {FOLDER}/made; sleep 86402"',
        style=style,
    )
    began = time.monotonic()
    with live.running(lab):
        assert time.monotonic() - began < 20
        assert log("b.2") == f"{FOLDER}/made\n"
        assert ":7000" in log("a.2")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ('"echo my last words; exit 3" ready 80', "what runs as a ended with 3"),
        ('"exit 3" ready "false"', "what runs as a ended with 3"),
    ],
)
def test_what_ends_before_it_is_ready_fails_up(run: str, said: str) -> None:
    up = lab_of(f"run a {run}").up()
    assert up.returncode == 1
    assert said in up.stderr
    assert "my last words" in up.stderr or "80" not in run
    assert not kernel.namespaces()


def test_what_does_not_become_ready_fails_up_in_half_a_minute() -> None:
    began = time.monotonic()
    up = lab_of('run a "echo waiting; sleep 86401" ready "sleep 7; false"').up()
    assert 30 <= time.monotonic() - began < 50
    assert up.returncode == 1
    assert "waiting for a to be ready" in up.stderr
    command = "ip netns exec runs-a bash -c -- 'sleep 7; false'"
    assert f"what runs as a is not ready: {command} does not succeed" in up.stderr
    assert "the last lines of a:\nwaiting\n" in up.stderr
    assert not _sleepers()
