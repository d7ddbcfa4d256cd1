"""Labs on this machine's kernel: compiles them, brings them up and down, and measures in them.

Every command started here has a timeout, and ends with the process that started it.
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
from typing import Any

import kernel
import machine

from compiler.driver import Compilation
from compiler.scripts.bash import Style

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
MPC = Path(sysconfig.get_path("scripts"), "mpc")

# The common part of the labs of several tests and of the benchmark; each adds its own lines.
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
    """A command that is killed after a time, with all its children."""
    return ["timeout", "--kill-after=20", str(seconds), *map(str, argv)]


def run(*argv: str | Path, stdin: str = "", seconds: float = 30) -> Result:
    """Runs a command. Messages of bash on a truncated script can contain a byte 255, which is not UTF-8."""
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
    """A lab's two scripts. They are run from standard input, as over ssh."""

    name: str
    up_script: str
    down_script: str
    prefix: str  # of the names of all its namespaces

    def up(self, path: Path | None = None) -> Result:
        """Runs the up script, with a directory at the front of PATH if one is given."""
        return self._run(self.up_script, path)

    def down(self) -> Result:
        return self._run(self.down_script, None)

    def _run(self, script: str, path: Path | None) -> Result:
        environment = ["env", f"PATH={path}:{os.environ['PATH']}"] if path else []
        return run(*environment, "bash", "-s", stdin=script, seconds=60)

    def ns(self, node: str) -> str:
        return f"{self.name}-{node}"

    def footprint(self) -> list[str]:
        """Everything of this lab on the machine."""
        names = [name for name in kernel.namespaces() if name.startswith(self.prefix)]
        files = [*Path("/etc/netns").glob(f"{self.prefix}*"), *Path("/run").glob(f"mpc-{self.name}*")]
        return names + [str(path) for path in files]

    def clear_away(self) -> None:
        """Forcibly removes what a failed test has left behind, for the next test."""
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
    """A script for this kernel: without dummy devices, an ifb takes their place and name.

    Both are software devices with a carrier that answer nothing; packets sent to either are lost.
    """
    return script if machine.has("dummy") else script.replace("type dummy", "type ifb")


@contextmanager
def running(lab: Lab) -> Iterator[Lab]:
    """A lab that is up inside the block, and down after it in any case."""
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
    """Asserts that the block leaves the host unchanged."""
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
    """Whether an answer comes within three seconds; the first packets may wait for neighbour discovery."""
    return in_ns(ns, "ping", "-c", "1", "-w", "3", *options, target).returncode == 0


def answers_nobody(ns: str, target: str) -> bool:
    """Whether a name resolves, but no answer comes from it within a second."""
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
    """Bits a second at the receiver, for one transfer that the client opens.

    The client sends, or with `-R` in the options the server does; under CUBIC, which predictions assume,
    whatever the host's congestion control is.
    """
    wrapped = ("mptcpize", "run") if mptcp else ()
    argv = [*wrapped, "iperf3", "--client", target, "--time", str(seconds), "--json"]
    argv += ["--congestion", "cubic", *options]
    report: dict[str, Any] = {}
    for _ in range(2):  # iperf3 loses its control connection now and then
        with listening(server, [*wrapped, "iperf3", "--server", "--one-off"], seconds + 20):
            report = json.loads(in_ns(client, *argv, seconds=seconds + 15).stdout or "{}")
        if "control socket" not in report.get("error", ""):
            break
    assert "error" not in report, f"iperf3 from {client} to {target}: {report.get('error')}"
    return float(report["end"]["sum_received"]["bits_per_second"])


def most(measure: Callable[[], float], *, enough: float, rounds: int = 5) -> float:
    """The maximum of a measurement, over as many rounds as it takes to reach `enough`, and at most `rounds`.

    Load of the machine can only lower a rate.
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
    """The ratio of the throughput of MPTCP to that of one TCP connection.

    Load of the machine lowers either figure, and no path carries more than its rate, so the maximum of each
    counts, over as many rounds as it takes to reach `enough`, and at most `rounds`.
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
