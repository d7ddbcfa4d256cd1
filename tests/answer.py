"""What b receives from a over several paths, by each way to use them: the table of docs/multipath.md.

Each of `WAYS` is a row, measured over each set of paths (`RATES`, `DELAYS`) in a guest, whose clock does not
depend on the load of this machine, or here.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import live
import machine
from accuracy_labs import parallel

from compiler.driver import Compilation

MEASURE = Path(__file__).with_name("answer.sh")
AGENT = live.ROOT / "docs" / "mpi" / "agent"
PROGRAM = live.ROOT / "docs" / "mpi" / "goodput.c"

RATES = ((10, 10), (10, 5), (10, 10, 10))
"""The rates of paths in Mbit/s, the fastest first."""

DELAYS = {"no delay": "", "20 ms": " delay 5ms"}
"""The round trip of each path, and what both of its links have for that."""

IPERF = 'ip netns exec "$LAB-a" iperf3 --time 8 --congestion cubic --json --client'
MPTCP = IPERF.replace("iperf3", "mptcpize run iperf3", 1)
MPI = (
    f"{AGENT} a mpirun --allow-run-as-root --mca plm_rsh_agent {AGENT} --mca pml ob1"
    " --mca mpi_yield_when_idle 1 -H a,b -np 2 --map-by node"
)


class Way(NamedTuple):
    """A row: its title, the statements of its labs, and the command that sends from a to b.

    In both, `{paths}` is the set of routers between them, and `{bandwidths}` tells Open MPI the rates.
    """

    title: str
    statements: str
    command: str
    rounds: int = 1
    """Transfers: more than one where hashes, or the load of this machine, decide what is received."""
    here: bool = False
    """Not in a guest: ranks of Open MPI are busy while they wait, and a guest has one processor."""


WAYS = (
    Way("TCP over one route", "", f"{IPERF} r0.b"),
    Way("ECMP, one flow", "", f"{IPERF} b", rounds=4),
    Way("ECMP, 8 flows", "", f"{IPERF} b --parallel 8", rounds=2),
    Way("`mptcp`", "mptcp a -- b", f"{MPTCP} b"),
    Way("`spray`", "spray a -- b", f"{IPERF} b"),
    Way("a `tunnel` over each path, 8 flows", "tunnel a -- b via {paths}", f"{IPERF} b --parallel 8"),
    Way("a `tunnel` over each path, `mptcp`", "tunnel a -- b via {paths}\nmptcp a -- b", f"{MPTCP} b"),
    Way("a `bond` of a `tunnel` over each path", "tunnel a -- b via {paths}\nbond a -- b", f"{IPERF} b"),
    Way("a `teql` of a `tunnel` over each path", "tunnel a -- b via {paths}\nteql a -- b", f"{IPERF} b"),
    Way("Open MPI", "", f"{MPI} ../goodput", rounds=3, here=True),
    Way("Open MPI, told the rates", "", f"{MPI} {{bandwidths}} ../goodput", rounds=3, here=True),
)


class Paths(NamedTuple):
    rates: tuple[int, ...]
    delay: str

    @property
    def title(self) -> str:
        return f"{' + '.join(map(str, self.rates))}, {self.delay}"

    def words(self, text: str) -> str:
        """A text of a way with these paths in it."""
        told = (f"--mca btl_tcp_bandwidth_r{number} {rate}" for number, rate in enumerate(self.rates))
        middles = ",".join(f"r{number}" for number in range(len(self.rates)))
        return text.format(paths=f"{{{middles}}}", bandwidths=" ".join(told))

    def lab(self, way: Way) -> str:
        links = (f"rate {rate}mbit{DELAYS[self.delay]}" for rate in self.rates)
        return parallel(*links, more=self.words(way.statements))


Start = Callable[..., str]
"""What runs MEASURE: its arguments are `bash`, the script and a folder."""


def table(guest: Start, here: Start) -> Iterator[str]:
    """The lines of the table. What is measured here is the best of its transfers, as load lowers them."""
    found = [Paths(rates, delay) for delay, rates in product(DELAYS, RATES)]
    with TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folders = [Path(name, str(number)) for number in range(len(found))]
        for folder, paths in zip(folders, found, strict=True):
            prepare(folder, paths)
        list(pool.map(lambda folder: guest("bash", MEASURE, folder / "guest"), folders))
        for folder in folders:
            here("bash", MEASURE, folder / "here")
        yield kernels(folders[0])
        yield from rows(found, folders)


def kernels(folder: Path) -> str:
    guest, here = ((folder / where / "kernel").read_text().strip() for where in ("guest", "here"))
    return f"Mbit/s, as part of TCP over one route, and of that over all; Linux {guest}, Open MPI on {here}\n"


def rows(found: list[Paths], folders: list[Path]) -> Iterator[str]:
    columns = [column(folder, paths) for folder, paths in zip(folders, found, strict=True)]
    yield "| | " + " | ".join(paths.title for paths in found) + " |"
    yield "| --- " * (len(found) + 1) + "|"
    for way, *cells in zip(WAYS, *columns, strict=True):
        yield f"| {way.title} | {' | '.join(cells)} |"


def prepare(folder: Path, paths: Paths) -> None:
    """Writes the input of MEASURE: for a guest, and for this machine, as far as it has what is needed."""
    for where in ("guest", "here"):
        (folder / where).mkdir(parents=True)
    if shutil.which("mpicc"):
        live.succeed("mpicc", "-O2", "-o", folder / "here" / "goodput", PROGRAM)
    able = shutil.which("mpicc") and (not DELAYS[paths.delay] or machine.has("netem"))
    for number, way in enumerate(WAYS):
        if able or not way.here:
            write(place(folder, number), paths, way)


def place(folder: Path, number: int) -> Path:
    return folder / ("here" if WAYS[number].here else "guest") / f"way{number}"


def write(own: Path, paths: Paths, way: Way) -> None:
    own.mkdir()
    compilation = Compilation("-", f"lab {own.name}\n{paths.lab(way)}")
    (own / "up").write_text(compilation.up())
    (own / "down").write_text(compilation.down())
    (own / "transfer").write_text(paths.words(way.command) + "\n")
    (own / "rounds").write_text(f"{way.rounds}\n")


def column(folder: Path, paths: Paths) -> list[str]:
    """The cell of each way."""
    found = [received(place(folder, number)) for number in range(len(WAYS))]
    one = median(found[0] or [0.0])
    whole = one * sum(paths.rates) / paths.rates[0]
    return [cell(way, rates, one, whole) for way, rates in zip(WAYS, found, strict=True)]


def cell(way: Way, rates: list[float], one: float, whole: float) -> str:
    """The median and its ratios; or where transfers differ, as hashes decide, the least and the most."""
    if not rates or not one:
        return "-"
    least, most = min(rates), max(rates)
    if most > 1.05 * least and not way.here:
        return (
            f"{least:.2f} to {most:.2f} ({least / one:.2f} to {most / one:.2f}, {median(rates) / whole:.2f})"
        )
    middle = most if way.here else median(rates)
    return f"{middle:.2f} ({middle / one:.2f}, {middle / whole:.2f})"


def received(folder: Path) -> list[float]:
    """Mbit/s at the receiver, of each transfer that was completed."""
    told = [path.read_text() for path in sorted(folder.glob("told.*"))]
    return [rate for rate in map(rate_of, told) if rate]


def rate_of(told: str) -> float | None:
    """The rate in what iperf3 or goodput.c has printed."""
    if told.startswith("{"):
        end = json.loads(told)["end"]
        return float(end["sum_received"]["bits_per_second"]) / 1e6 if "sum_received" in end else None
    found = re.search(r"([\d.]+) Mbit/s", told)
    return float(found[1]) if found else None
