"""Predictions compared with measurements, lab by lab.

`prepare` writes the scripts of labs. MEASURE, a shell script that needs no Python and so runs under an
emulated kernel too, measures in one of them. `rows` reads its output.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import groupby
from math import sqrt
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, NamedTuple

from accuracy_labs import Lab

from compiler.model.links import Port
from compiler.model.networks import Address
from compiler.model.trials import Protocol, Transfer
from compiler.prediction.estimate import Estimate, estimate
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.trips import Trip

MBIT = 1e6
MEASURE = Path(__file__).with_name("accuracy.sh")


def predicted(lab: Lab, late: float = 0.0) -> Prediction:
    """The prediction from a to b on a machine that delays all packets of a by `late` milliseconds."""
    ir = lab.compiled().lab
    links = [one._replace(left=_delayed(one.left, late), right=_delayed(one.right, late)) for one in ir.links]
    return Predictor(replace(ir, links=tuple(links))).between("a", "b")


def _delayed(end: Port, late: float) -> Port:
    if end.node != "a" or not late:
        return end
    return end._replace(shaping=end.shaping._replace(delay=(end.shaping.delay or 0) + round(1000 * late)))


def prepare(folder: Path, found: list[Lab]) -> None:
    """Writes the input of MEASURE: the scripts of each lab, the duration of a transfer, the list of
    transfers, and the source addresses of the lab's paths."""
    for lab in found:
        own = folder / lab.name
        own.mkdir(parents=True)
        compilation = lab.compiled()
        (own / "up").write_text(compilation.up())
        (own / "down").write_text(compilation.down())
        (own / "seconds").write_text(f"{lab.seconds}\n")
        prediction = predicted(lab)
        (own / "transfers").write_text(
            "".join(f"{one.name} {one.words}\n" for one in transfers(lab, prediction))
        )
        pinged = () if lab.plain else prediction.working
        sources = dict.fromkeys(str(begin(prediction, trip)) for trip in pinged)
        (own / "sources").write_text("".join(f"{source}\n" for source in sources))


def begin(prediction: Prediction, trip: Trip) -> Address:
    """The address of the first interface of a path: sockets bound to it take that path."""
    address = prediction.lab.interfaces[trip.out.crossings[0].out.id].address(trip.out.target.version)
    assert address
    return address


def bound(trip: Trip) -> Trip:
    """The round trip of packets from that address, with answers to it."""
    first = trip.out.crossings[0].out.id
    return replace(trip, back=tuple(way for way in trip.back if way.crossings[-1].into.id == first))


class Measured(NamedTuple):
    """A transfer: its source address unless the kernel chooses it, congestion control, and rate of UDP."""

    name: str
    protocol: Protocol
    source: Address | None = None
    control: str = "cubic"
    offered: str = "-"
    omitted: int = 0
    """Seconds of the beginning that are not counted, as predictions are of what follows slow start."""

    @property
    def words(self) -> str:
        return f"{self.protocol} {self.source or '-'} {self.control} {self.offered} {self.omitted}"


CONTROLS = ("cubic", "reno", "bbr")

SLOW_START = 2

MOST_OFFERED = 40e6
"""More than the paths of plain labs carry, and as much as a guest sends."""


def offered(prediction: Prediction) -> str:
    """The rate of UDP that predictions assume: 5/4 of the source's links; at most MOST_OFFERED."""
    first = {trip.out.crossings[0].link: trip.out.crossings[0].rate or 0 for trip in prediction.working}
    return f"{min(5 / 4 * sum(first.values()), MOST_OFFERED):.0f}"


def transfers(lab: Lab, prediction: Prediction) -> list[Measured]:
    """Of plain labs, TCP by several congestion controls, and UDP.

    Of others, one TCP connection on the first path, and MPTCP; if delays differ, MPTCP from each path too.
    """
    if lab.plain:
        tcp = [
            Measured(f"tcp-{control}", Protocol.TCP, None, control, omitted=SLOW_START)
            for control in CONTROLS
        ]
        return [*tcp, Measured("udp", Protocol.UDP, offered=offered(prediction))]
    ways = prediction.working
    found = [Measured("tcp", Protocol.TCP, begin(prediction, ways[0]))]
    if len(prediction.connections[0].subflows) < 2:
        return found
    found.append(Measured("mptcp", Protocol.MPTCP))
    if len({trip.rtt for trip in ways}) > 1:
        firsts = {begin(prediction, trip): trip.out.crossings[0].out.name for trip in ways}
        found += [Measured(f"mptcp-{name}", Protocol.MPTCP, source) for source, name in firsts.items()]
    return found


@dataclass(frozen=True)
class Row:
    """A quantity: the predicted range, and the measured value, with its standard error if it is random."""

    lab: Lab
    what: str
    predicted: tuple[float, float]
    measured: float
    error: float = 0.0

    @property
    def middle(self) -> float:
        return mean(self.predicted)

    @property
    def fits(self) -> bool:
        """Whether it is within 10 % for rates (5 % in plain labs but for BBR), and 1 ms or 2 % for times."""
        least, most = self.predicted
        near = 0.05 if self.lab.plain and self.what != "tcp-bbr" else 0.1
        slack = max(1.0, 0.02 * self.middle) if self.what == "rtt" else near * self.middle
        return least - slack <= self.measured <= most + slack

    def __str__(self) -> str:
        unit = "ms" if self.what == "rtt" else "Mbit/s"
        ratio = f"{self.measured / self.middle:.2f}" if self.middle else ""
        sign = "" if self.fits else " **outside**"
        error = f" ± {self.error:.2f}" if self.error else ""
        measured = f"{self.measured:.2f}{error} {unit}"
        return f"| {self.lab.title} | {self.what} | {self.middle:.2f} | {measured} | {ratio}{sign} |"


def rows(folder: Path, found: list[Lab]) -> Iterator[Row]:
    """The rows of each lab: one TCP connection on its first path, MPTCP over all, a round trip on each path.

    The round trip in the lab `base`, which has no delay, is the machine's, and the same in all labs.
    """
    base = min((min(times(path), default=0.0) for path in folder.glob("base/ping.*")), default=0.0)
    for lab in found:
        prediction, own = predicted(lab, base), folder / lab.name
        if lab.plain:
            for one in transfers(lab, prediction):
                yield _rate(lab, one.name, prediction.goodput(Transfer(one.protocol)), own)
            continue
        first = replace(prediction.working[0].out, share=Fraction(1))
        alone = estimate([(replace(prediction.working[0], out=first),)], 1, Protocol.TCP)
        for one in transfers(lab, prediction):
            tcp = one.protocol is Protocol.TCP
            yield _rate(lab, one.name, alone if tcp else prediction.goodput(Transfer(one.protocol)), own)
        for source, group in groupby(prediction.working, key=partial(begin, prediction)):
            both = [time / 1000 for trip in group for time in bound(trip).rtt]
            yield Row(lab, "rtt", (min(both), max(both)), min(times(own / f"ping.{source}"), default=0.0))


def _rate(lab: Lab, what: str, predicted: Estimate, folder: Path) -> Row:
    rate, measured = predicted.expected / MBIT, rates(folder, what) or [0.0]
    if "loss" not in lab.text:
        return Row(lab, what, (rate, rate), median(measured))
    parts = batches(folder, what)
    error = stdev(parts) / sqrt(len(parts)) if len(parts) > 1 else 0.0
    return Row(lab, what, (rate, rate), mean(measured), error)


def table(found: Iterable[Row]) -> Iterator[str]:
    """The lines of a table, and one with counts."""
    yield "| lab | | predicted | measured | ratio |\n| --- | --- | --- | --- | --- |"
    seen = list(found)
    yield from map(str, seen)
    fitting = sum(row.fits for row in seen)
    bounds = "10 % (rates; 5 % in turn, but for BBR), and 1 ms or 2 % (round trips)"
    yield f"\n{fitting} of {len(seen)} within {bounds}"


def reports(folder: Path, what: str) -> list[Any]:
    """The reports of iperf3 on the transfers that were completed."""
    found = [json.loads(path.read_text() or "{}") for path in sorted(folder.glob(f"{what}.*"))]
    return [report for report in found if "sum_received" in report.get("end", {})]


def rates(folder: Path, what: str) -> list[float]:
    return [r["end"]["sum_received"]["bits_per_second"] / MBIT for r in reports(folder, what)]


def batches(folder: Path, what: str) -> list[float]:
    """The bytes sent in each ten seconds, which is long enough for them to be nearly independent."""
    return [
        mean(second["sum"]["bits_per_second"] / MBIT for second in report["intervals"][first : first + 10])
        for report in reports(folder, what)
        for first in range(0, len(report["intervals"]), 10)
    ]


def times(path: Path) -> list[float]:
    """The round trips of all answers in milliseconds, sorted."""
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted(float(line.split("time=")[1].split()[0]) for line in lines if "time=" in line)
