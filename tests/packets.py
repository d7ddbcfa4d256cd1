"""Packets over one link: counts of those that arrive, and round trips of pings."""

import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryFile
from typing import NamedTuple, TextIO

import kernel
import live

ANSWER = re.compile(r"icmp_seq=(\d+) .*time=([\d.]+) ms( \(DUP!\))?")
COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) received")

DATA = 1472
"""Bytes in a UDP datagram that fills a frame."""
FRAME = 1514
"""Bytes of that frame, with the headers of UDP, IP and Ethernet."""


@dataclass(frozen=True)
class Echoes:
    """The answers to one ping(8), in order of arrival."""

    sent: int
    answered: int
    extra: int
    """Duplicate answers."""
    sequence: tuple[int, ...]
    times: tuple[float, ...]
    """Round trips of first answers, in milliseconds."""

    @property
    def share(self) -> float:
        return self.answered / self.sent

    def quantile(self, share: float) -> float:
        """The quantile of the round trips at `share`, in milliseconds."""
        return sorted(self.times)[min(int(share * len(self.times)), len(self.times) - 1)]


def read(output: TextIO) -> Echoes:
    """Parses the output of ping(8)."""
    output.seek(0)
    text = output.read()
    counts = COUNTS.search(text)
    assert counts, text
    answers = [(int(number), float(time), bool(twice)) for number, time, twice in ANSWER.findall(text)]
    first = [(number, time) for number, time, twice in answers if not twice]
    return Echoes(
        sent=int(counts[1]),
        answered=int(counts[2]),
        extra=len(answers) - len(first),
        sequence=tuple(number for number, _ in first),
        times=tuple(time for _, time in first),
    )


def side_by_side(ns: str, targets: Iterable[str], *options: str, seconds: float) -> dict[str, Echoes]:
    """Pings several targets in parallel, with a timeout in seconds."""
    with ExitStack() as stack:
        outputs = {target: stack.enter_context(TemporaryFile("w+")) for target in targets}
        processes = [
            subprocess.Popen(
                live.bounded(seconds, "ip", "netns", "exec", ns, "ping", "-n", *options, target),
                stdout=output,
            )
            for target, output in outputs.items()
        ]
        for process in processes:
            process.wait()
        return {target: read(output) for target, output in outputs.items()}


def pinged(lab: live.Lab, names: Iterable[str], *options: str, seconds: float) -> dict[str, Echoes]:
    """Pings b from a over each of some links, in parallel, after neighbour discovery."""
    names = list(names)
    for name in names:
        live.wait_until(partial(live.pings, lab.ns("a"), f"{name}.b"), seconds=30)
    found = side_by_side(lab.ns("a"), [f"{name}.b" for name in names], *options, seconds=seconds)
    return {target.removesuffix(".b"): of for target, of in found.items()}


class Carried(NamedTuple):
    """Full frames that a link carried, and the seconds that sending took."""

    frames: int
    seconds: float


def carried(lab: live.Lab, link: str, target: str, number: int, pause: float = 0) -> Carried:
    """Sends full frames from node a to node b, at once or with pauses in seconds; counts those that arrive.

    The link has the same interface name at both ends. The target is an address that a has a route to and b
    has not, so that b drops the frames without an answer.
    """
    before = _received(lab.ns("b"), link)
    seconds = _send(lab, target, number, pause)
    live.wait_until(lambda: _waiting(lab.ns("a"), link) == 0)
    return Carried((_received(lab.ns("b"), link) - before) // FRAME, seconds)


def passed(lab: live.Lab, link: str, target: str, number: int) -> int:
    """The frames that node b has received when the last is sent, without those that wait in queues."""
    before = _received(lab.ns("b"), link)
    _send(lab, target, number, 0)
    return (_received(lab.ns("b"), link) - before) // FRAME


def _send(lab: live.Lab, target: str, number: int, pause: float) -> float:
    """Sends the frames; returns the seconds that this took."""
    wait = f"; read -rt {pause} -u 4" if pause else ""
    frames = f'for ((i = 0; i < $1; i++)); do printf "%0{DATA}d" 0 >&3{wait}; done'
    timed = f"t=${{EPOCHREALTIME/./}}; {frames}; echo $((${{EPOCHREALTIME/./}} - t))"
    send = f'exec 3>"/dev/udp/$0/9" 4<> <(:); {timed}'
    found = live.in_ns(lab.ns("a"), "bash", "-c", send, target, str(number))
    assert found.returncode == 0, found.stderr
    return int(found.stdout) / 10**6


PIECE = 1042
"""The size in bytes of the frames that a GSO packet is segmented into, ten of them each."""

_PIECES = """
import socket, sys
UDP_SEGMENT = 103  # of linux/udp.h
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
for _ in range(int(sys.argv[2])):
    sender.sendto(bytes(10_000), (sys.argv[1], 9))
"""


def lost_of_pieces(lab: live.Lab, link: str, target: str, pieces: int) -> int:
    """The number of lost packets of ten times `pieces`, sent by node a as GSO packets of ten each."""
    before = _dropped(lab.ns("a"), link)
    assert live.in_ns(lab.ns("a"), sys.executable, "-c", _PIECES, target, str(pieces)).returncode == 0
    live.wait_until(lambda: _waiting(lab.ns("a"), link) == 0)
    return _dropped(lab.ns("a"), link) - before


def carried_of_pieces(lab: live.Lab, link: str, target: str, pieces: int) -> int:
    """The number of arriving packets of ten times `pieces`, sent by node a as GSO packets of ten each."""
    before = _received(lab.ns("b"), link)
    assert live.in_ns(lab.ns("a"), sys.executable, "-c", _PIECES, target, str(pieces)).returncode == 0
    live.wait_until(lambda: _waiting(lab.ns("a"), link) == 0)
    return (_received(lab.ns("b"), link) - before) // PIECE


def _dropped(ns: str, dev: str) -> int:
    rows = kernel.rows("tc", "-n", ns, "-j", "-s", "qdisc", "show", "dev", dev)
    return sum(int(row["drops"]) for row in rows if row["kind"] == "netem")


def _received(ns: str, dev: str) -> int:
    """Bytes received by a device."""
    (link,) = kernel.rows("ip", "-n", ns, "-j", "-s", "link", "show", "dev", dev)
    return int(link["stats64"]["rx"]["bytes"])


def _waiting(ns: str, dev: str) -> int:
    """Packets queued at a device."""
    (qdisc,) = kernel.rows("tc", "-n", ns, "-j", "-s", "qdisc", "show", "dev", dev, "root")
    return int(qdisc["qlen"])
