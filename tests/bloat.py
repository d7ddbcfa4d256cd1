"""What waits in a queue, and what that costs: the table of docs/queues.md.

Each of `QUEUES` is a row: the round trip from a to b beside TCP connections that fill the queue, and what
these have, measured in a guest, whose clock does not depend on the load of this machine.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from compiler.driver import Compilation
from compiler.prediction.predict import Predictor

MEASURE = Path(__file__).with_name("bloat.sh")

QUEUES = ("queue 1000p", "queue 100p", "", "queue red", "queue pie", "queue fq_codel", "queue cake")
"""What is written of the queue of the bottleneck."""

LAB = """
host   a b
router r
link   a -- r  rate 100mbit delay 10ms
link   r -- b  rate 10mbit delay 10ms {}
"""

FLOWS = (1, 8)

HEAD = (
    "",
    "predicted round trip",
    "beside one flow: median, 95 %",
    "it has",
    "beside 8 flows: median, 95 %",
    "they have",
)


class Row(NamedTuple):
    """Milliseconds of single pings beside so many flows, and Mbit/s that these have together."""

    idle: list[float]
    beside: dict[int, list[float]]
    received: dict[int, float]


def prepare(folder: Path) -> None:
    for number, queue in enumerate(QUEUES):
        name = f"queue{number}"
        own = folder / name
        own.mkdir()
        found = Compilation(f"{name}.topo", LAB.format(queue).encode())
        (own / "up").write_text(found.script("up"))
        (own / "down").write_text(found.script("down"))


def row(folder: Path) -> Row:
    return Row(
        _times(folder / "idle"),
        {flows: _times(folder / f"beside.{flows}") for flows in FLOWS},
        {flows: _received(folder / f"sent.{flows}") for flows in FLOWS},
    )


def _times(file: Path) -> list[float]:
    return [float(time) for time in re.findall(r" time=([0-9.]+) ms", file.read_text())]


def _received(file: Path) -> float:
    found: float = json.loads(file.read_text())["end"]["sum_received"]["bits_per_second"]
    return found / 1e6


def measured(start: Callable[..., str]) -> tuple[str, list[Row]]:
    """The kernel's release, and what is measured of each queue; `start` runs MEASURE."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        start("bash", MEASURE, folder)
        kernel = (folder / "kernel").read_text().strip()
        return kernel, [row(folder / f"queue{number}") for number in range(len(QUEUES))]


def table(start: Callable[..., str]) -> Iterator[str]:
    kernel, rows = measured(start)
    yield f"ms and Mbit/s, Linux {kernel}, emulated; {_spread(rows[0].idle)} ms without load:"
    yield ""
    yield from (f"| {' | '.join(HEAD)} |", "| --- " * len(HEAD) + "|")
    for queue, found in zip(QUEUES, rows, strict=True):
        cells = [f"`{queue}`" if queue else "as inferred", _predicted(queue)]
        for flows in FLOWS:
            cells += [_spread(found.beside[flows]), f"{found.received[flows]:.2f}"]
        yield f"| {' | '.join(cells)} |"


def _predicted(queue: str) -> str:
    """The most milliseconds of a round trip under load, as `mpc paths` tells."""
    lab = Compilation("bloat.topo", LAB.format(queue)).lab
    (trip,) = Predictor(lab).between("a", "b").trips
    assert trip.loaded_rtt
    return f"{trip.loaded_rtt / 1000:.0f}"


def _spread(times: list[float]) -> str:
    return f"{median(times):.0f}, {quantiles(times, n=20)[-1]:.0f}"
