"""Labs on this machine's kernel: compile them, bring them up and down, and measure in them.

Every command that is started here is bounded in time, and ends as part of what started it.
"""

import json
import os
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import kernel
import machine

from compiler.driver import Compilation
from compiler.scripts.bash import Style

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
MPC = Path(sysconfig.get_path("scripts"), "mpc")

# What the labs of several tests and of the benchmark have in common; each adds its own lines.
DIAMOND = """
host   a b
router c d
link   {a,b} -- {c,d}  rate 5mbit
"""
THREE = """
host   a b
router c d e
link   {a,b} -- {c,d,e}  rate 5mbit
"""
UNEQUAL = """
host   a b
router c d
link   {a,b} -- c  rate 20mbit
link   {a,b} -- d  rate 10mbit
"""

Result = subprocess.CompletedProcess[str]


def bounded(seconds: float, *argv: str | Path) -> list[str]:
    """A command that is ended, with all that it started, when its time is over."""
    return ["timeout", "--kill-after=20", str(seconds), *map(str, argv)]


def run(*argv: str | Path, stdin: str = "", seconds: float = 30) -> Result:
    """Runs a command. What bash says of a script that is cut off can hold a byte 255, which is no text."""
    command = bounded(seconds, *argv)
    return subprocess.run(command, input=stdin, capture_output=True, text=True, errors="replace", check=False)


def succeed(*argv: str | Path, stdin: str = "", seconds: float = 30) -> str:
    """The output of a command that must succeed."""
    result = run(*argv, stdin=stdin, seconds=seconds)
    command = " ".join(map(str, argv))
    assert result.returncode == 0, (
        f"`{command}` ended with {result.returncode}\n{result.stdout}{result.stderr}"
    )
    return result.stdout


# --- up and down ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lab:
    """A lab's two scripts. They are run as a stream, which is how ssh would hand them over."""

    name: str
    up_script: str
    down_script: str
    prefix: str  # of the names of all its namespaces

    def up(self, path: Path | None = None) -> Result:
        """Runs the up script, with a folder before all others in PATH where one is given."""
        return self._run(self.up_script, path)

    def down(self) -> Result:
        return self._run(self.down_script, None)

    def _run(self, script: str, path: Path | None) -> Result:
        environment = ["env", f"PATH={path}:{os.environ['PATH']}"] if path else []
        return run(*environment, "bash", "-s", stdin=script, seconds=60)

    def ns(self, node: str) -> str:
        return f"{self.name}-{node}"

    def footprint(self) -> list[str]:
        """What there is of this lab on the machine."""
        names = [name for name in kernel.namespaces() if name.startswith(self.prefix)]
        files = [*Path("/etc/netns").glob(f"{self.prefix}*"), *Path("/run").glob(f"mpc-{self.name}*")]
        return names + [str(path) for path in files]

    def clear_away(self) -> None:
        """Removes by force what a failed test left, so that the next test starts from nothing."""
        for left in self.footprint():
            if left.startswith("/"):
                run("rm", "-r", left)
            else:
                run("bash", "-c", 'ip netns pids "$0" | xargs -r kill -9; ip netns del "$0"', left)


def lab_of(name: str, topology: str | Path, style: Style = Style.BATCH, prefix: str = "") -> Lab:
    """Compiles a lab; a text is told its name."""
    if isinstance(topology, Path):
        compilation = Compilation(topology.name, topology.read_bytes())
    else:
        compilation = Compilation("-", f"lab {name}\n{topology}")
    return Lab(name, without_dummy(compilation.up(style)), compilation.down(), prefix or f"{name}-")


def without_dummy(script: str) -> str:
    """A script for this kernel: where it has no dummy device, an ifb stands behind the same names.

    Both are software devices with a carrier of their own that answer nothing; what is sent out
    through either is lost.
    """
    return script if machine.has("dummy") else script.replace("type dummy", "type ifb")


@contextmanager
def running(lab: Lab) -> Iterator[Lab]:
    """A lab that is up inside the block, and down after it, come what may."""
    try:
        result = lab.up()
        assert result.returncode == 0, f"up ended with {result.returncode}\n{result.stderr}"
        yield lab
    finally:
        result = lab.down()
        left = lab.footprint()
        lab.clear_away()
    assert not left, f"down left {left}\n{result.stderr}"


@contextmanager
def host_unchanged(lab: Lab) -> Iterator[None]:
    """Holds what is done with a lab inside the block to leave the host as it was."""
    before = kernel.snapshot()
    try:
        yield
        kernel.assert_same(before, kernel.snapshot())
    finally:
        lab.clear_away()


# --- in a namespace ---------------------------------------------------------------------------------


def in_ns(ns: str, *argv: str, seconds: float = 30) -> Result:
    return run("ip", "netns", "exec", ns, *argv, seconds=seconds)


def pings(ns: str, target: str, *options: str) -> bool:
    """Whether one answer comes within three seconds; the first packets may wait for neighbours."""
    return in_ns(ns, "ping", "-c", "1", "-w", "3", *options, target).returncode == 0


def answers_nobody(ns: str, target: str) -> bool:
    """Whether a name resolves and yet no answer comes from it within a second."""
    resolves = in_ns(ns, "getent", "hosts", target).returncode == 0
    return resolves and in_ns(ns, "ping", "-c", "2", "-i", "0.2", "-W", "1", target).returncode != 0


# --- measuring --------------------------------------------------------------------------------------


def iperf(
    server: str,
    client: str,
    target: str,
    *,
    mptcp: bool = False,
    seconds: int = 5,
    options: Sequence[str] = (),
) -> float:
    """Bits a second as the receiver counted them, for one transfer that the client opens.

    The client sends, or with `-R` in the options the server does; under CUBIC, for which predictions are,
    whatever the host's congestion control is.
    """
    wrapped = ("mptcpize", "run") if mptcp else ()
    with listening(server, [*wrapped, "iperf3", "--server", "--one-off"], seconds + 20):
        argv = [*wrapped, "iperf3", "--client", target, "--time", str(seconds), "--json"]
        argv += ["--congestion", "cubic", *options]
        report = json.loads(in_ns(client, *argv, seconds=seconds + 15).stdout or "{}")
    assert "error" not in report, f"iperf3 from {client} to {target}: {report.get('error')}"
    return float(report["end"]["sum_received"]["bits_per_second"])


def most(measure: Callable[[], float], *, enough: float, rounds: int = 5) -> float:
    """The most that a measurement gives, over as many rounds as it takes to be enough, and at most `rounds`.

    A busy machine makes a rate lower, and never higher.
    """
    found = 0.0
    for _ in range(rounds):
        found = max(found, measure())
        if found >= enough:
            break
    return found


def gain(
    server: str,
    client: str,
    target: str,
    *,
    enough: float,
    seconds: int = 5,
    rounds: int = 5,
    options: Sequence[str] = (),
) -> float:
    """How many times more MPTCP carries than one TCP connection.

    A busy machine takes from either figure, and no path carries more than its rate, so the best of each
    counts, over as many rounds as it takes to be enough, and at most `rounds`.
    """
    tcp = mptcp = 0.0
    for _ in range(rounds):
        tcp = max(tcp, iperf(server, client, target, seconds=seconds, options=options))
        mptcp = max(mptcp, iperf(server, client, target, mptcp=True, seconds=seconds, options=options))
        if mptcp >= enough * tcp:
            break
    return mptcp / tcp


@contextmanager
def listening(ns: str, server: list[str], seconds: float) -> Iterator[None]:
    argv = bounded(seconds, "ip", "netns", "exec", ns, *server)
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: bool(run("ip", "netns", "exec", ns, "ss", "-Hltn", "sport = :5201").stdout))
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.05)
