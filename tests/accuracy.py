"""Predictions against measurements, lab by lab.

`labs()` are the labs; `prepare` writes their scripts and one that measures in all of them, which needs no
Python, so that it runs under an emulated kernel too; `rows` reads what it left.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from statistics import mean, median
from typing import Any

from compiler.driver import Compilation
from compiler.ir.trials import Protocol, Transfer
from compiler.prediction.estimate import estimate
from compiler.prediction.predict import Prediction, Predictor

MBIT = 1e6
MEASURE = Path(__file__).with_name("accuracy.sh")


@dataclass(frozen=True)
class Lab:
    """A lab of which the transfers from a to b are measured."""

    name: str
    title: str
    text: str

    def compiled(self) -> Compilation:
        return Compilation("-", f"lab {self.name}\n{self.text}")


def parallel(*links: str, more: str = "mptcp a -- b") -> str:
    """Paths from a to b over a router each, with the attributes of both of its links."""
    lines = ["host a b"]
    for number, attributes in enumerate(links):
        lines += [f"router r{number}", f"link {{a,b}} -- r{number} {attributes}"]
    return "\n".join([*lines, more])


PLAIN = {
    "one5": ("one path of 5", parallel("rate 5mbit")),
    "one20": ("one path of 20", parallel("rate 20mbit")),
    "two5": ("two paths of 5", parallel(*["rate 5mbit"] * 2)),
    "two10": ("two paths of 10", parallel(*["rate 10mbit"] * 2)),
    "two20": ("two paths of 20", parallel(*["rate 20mbit"] * 2)),
    "two10c": ("two paths of 10, `a -> b`", parallel(*["rate 10mbit"] * 2, more="mptcp a -> b")),
    "three5": ("three paths of 5", parallel(*["rate 5mbit"] * 3)),
    "three10": ("three paths of 10", parallel(*["rate 10mbit"] * 3)),
    "four5": ("four paths of 5", parallel(*["rate 5mbit"] * 4)),
    "four10": ("four paths of 10", parallel(*["rate 10mbit"] * 4)),
    "u20x10": ("20 and 10", parallel("rate 20mbit", "rate 10mbit")),
    "u10x5": ("10 and 5", parallel("rate 10mbit", "rate 5mbit")),
    "u20x5": ("20 and 5", parallel("rate 20mbit", "rate 5mbit")),
    "u30x20x10": ("30, 20 and 10", parallel("rate 30mbit", "rate 20mbit", "rate 10mbit")),
    "u12x8x4": ("12, 8, 8 and 4", parallel("rate 12mbit", "rate 8mbit", "rate 8mbit", "rate 4mbit")),
    "mid": (
        "over a router in the middle",
        "host a b\nrouter c d e f g\nlink a -- {c,d} -- e -- {f,g} -- b rate 10mbit\nmptcp a -> b",
    ),
    "ring": (
        "a ring of 6",
        "router a r1 b r3 r4 r5\nlink a -- r1 -- b -- r3 -- r4 -- r5 -- a rate 10mbit\nmptcp a -- b",
    ),
    "share": (
        "10 and 10 over one of 15",
        "host a b\nrouter c d e\nlink a -- {c,d} -- e rate 10mbit\nlink e -- b rate 15mbit\nmptcp a -> b",
    ),
    "six": ("IPv6, two of 10", "pool fd00::/48\n" + parallel(*["rate 10mbit"] * 2)),
    "mtu": ("two of 10, MTU 600", parallel(*["rate 10mbit mtu 600"] * 2)),
    "single": (
        "one interface at a",
        "host a b\nrouter c\nlink a -- c rate 50mbit\n" + "link c -- b rate 10mbit\n" * 2 + "mptcp a -> b",
    ),
}

DELAYED = {
    "d10": ("10, 20 ms", parallel("rate 10mbit delay 10ms")),
    "d20": ("20, 40 ms", parallel("rate 20mbit delay 20ms")),
    "dapart": (
        "a delay of 20 ms, then 10",
        "host a b\nrouter c\nlink a -- c delay 20ms\nlink c -- b rate 10mbit",
    ),
    "dd10": ("two of 10, 20 ms", parallel(*["rate 10mbit delay 5ms"] * 2)),
    "dd10far": ("two of 10, 10 and 40 ms", parallel("rate 10mbit delay 5ms", "rate 10mbit delay 20ms")),
    "dd20x10": ("20 and 10, 20 and 40 ms", parallel("rate 20mbit delay 5ms", "rate 10mbit delay 10ms")),
    "ddd5": (
        "three of 5, 10, 20 and 30 ms",
        parallel("rate 5mbit delay 5ms", "rate 5mbit delay 10ms", "rate 5mbit delay 15ms"),
    ),
    "dddd5": ("four of 5, 20 ms", parallel(*["rate 5mbit delay 5ms"] * 4)),
    "l01": ("20, 40 ms, 0.1 %", "host a b\nlink a -- b rate 20mbit delay 20ms\nshape a -> b loss 0.1%"),
    "l1": ("20, 40 ms, 1 %", "host a b\nlink a -- b rate 20mbit delay 20ms\nshape a -> b loss 1%"),
    "l1short": ("10, 20 ms, 1 %", "host a b\nlink a -- b rate 10mbit delay 10ms\nshape a -> b loss 1%"),
    "dl1": (
        "two of 10, 20 ms, 0.5 %",
        parallel(*["rate 10mbit delay 5ms"] * 2) + "\nshape a -> r0 loss 0.5%\nshape a -> r1 loss 0.5%",
    ),
    "dl1far": (
        "two of 5, 40 ms, 1 %",
        parallel(*["rate 5mbit delay 10ms"] * 2) + "\nshape a -> r0 loss 1%\nshape a -> r1 loss 1%",
    ),
    "dlone": (
        "two of 10, 20 ms, one loses 1 %",
        parallel(*["rate 10mbit delay 5ms"] * 2) + "\nshape a -> r0 loss 1%",
    ),
    "jitter": ("10, 40 ms, jitter 2 ms", parallel("rate 10mbit delay 10ms jitter 1ms")),
}


def labs(which: dict[str, tuple[str, str]]) -> list[Lab]:
    return [Lab(name, title, text) for name, (title, text) in which.items()]


def predicted(lab: Lab) -> Prediction:
    return Predictor(lab.compiled().lab).between("a", "b")


def prepare(folder: Path, found: list[Lab]) -> None:
    """Writes what MEASURE runs: the scripts of each lab, and the addresses that its ways begin at."""
    for lab in found:
        own = folder / lab.name
        own.mkdir(parents=True)
        compilation = lab.compiled()
        (own / "up").write_text(compilation.up())
        (own / "down").write_text(compilation.down())
        sources = dict.fromkeys(str(trip.out.source) for trip in predicted(lab).working)
        (own / "sources").write_text("".join(f"{source}\n" for source in sources))


@dataclass(frozen=True)
class Row:
    """Of one quantity: what was predicted, and the measurements."""

    lab: Lab
    what: str
    predicted: float
    measured: list[float]

    @property
    def ratio(self) -> float:
        return median(self.measured) / self.predicted if self.measured else 0.0


def rows(folder: Path, found: list[Lab]) -> Iterator[Row]:
    """Of each lab: one TCP connection on its first way, MPTCP over all, and a round trip of each way."""
    for lab in found:
        prediction, own = predicted(lab), folder / lab.name
        first = replace(prediction.working[0].out, share=Fraction(1))
        alone = estimate([[replace(prediction.working[0], out=first)]], Protocol.TCP)
        yield Row(lab, "tcp", alone.expected / MBIT, rates(own, "tcp"))
        if len(prediction.connections[0].subflows) > 1:
            mptcp = prediction.goodput(Transfer(Protocol.MPTCP)).expected
            yield Row(lab, "mptcp", mptcp / MBIT, rates(own, "mptcp"))
        for source, trips in groupby(prediction.working, key=lambda trip: trip.out.source):
            middle = mean(sum(trip.rtt) / 2 for trip in trips)
            yield Row(lab, "rtt", middle / 1000, times(own / f"ping.{source}"))


def rates(folder: Path, what: str) -> list[float]:
    reports: list[Any] = [json.loads(path.read_text() or "{}") for path in sorted(folder.glob(f"{what}.*"))]
    return [
        r["end"]["sum_received"]["bits_per_second"] / MBIT
        for r in reports
        if "sum_received" in r.get("end", {})
    ]


def times(path: Path) -> list[float]:
    """Milliseconds of each answer, the fastest first."""
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted(float(line.split("time=")[1].split()[0]) for line in lines if "time=" in line)
