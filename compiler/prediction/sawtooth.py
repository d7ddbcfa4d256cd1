"""The throughput of one TCP sender with losses: its congestion window, round trip by round trip.

The formulas for the window under a loss probability (Mathis et al. 1997; RFC 9438, 5.1) assume losses at
equal distances and no other bound. Here losses are random, packets queue when they arrive faster than the
bottleneck sends, and packets beyond the capacity of its queue are lost too.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import floor, inf, log, sqrt
from random import Random
from typing import NamedTuple

LOSSES, ROUND_TRIPS = 1000, 30_000
"""The number of losses, or of round trips, after which the mean has an error of some 2 percent."""

DELAYED = 0.04
"""Seconds that a receiver delays an acknowledgement if no second packet arrives (TCP_DELACK_MIN)."""

FEWEST = 2
"""The smallest window after a loss, in packets."""

CUBIC = 0.4
"""C of RFC 9438, 4.2: the growth of the window in packets over the cube of the time in seconds."""


class Control(NamedTuple):
    """The fraction of the window kept at a loss, the growth in a round trip, and whether CUBIC adds to it."""

    kept: float
    gained: float
    cubic: bool


RENO = Control(0.5, 1, cubic=False)
CONTROLS = {"reno": RENO, "cubic": Control(0.7, 3 * (1 - 0.7) / (1 + 0.7), cubic=True)}
"""RFC 5681, and RFC 9438, 4.3 and 4.6. Others are treated as CUBIC, which most of them resemble more."""


class Path(NamedTuple):
    """The path of a sender: the probability of loss; the round trip in seconds without queueing; packets a
    second at the bottleneck; packets in flight when its queue is full; the probability that an
    acknowledgement is lost; and the burst of the bottleneck in packets."""

    loss: float
    round_trip: float
    rate: float
    room: float
    back_loss: float = 0.0
    burst: float = 0.0


@lru_cache(maxsize=1024)
def speed(path: Path, name: str) -> float:
    """The mean rate over a long time, in packets a second. The random numbers have a fixed seed."""
    control = CONTROLS.get(name, CONTROLS["cubic"])
    if path.loss == 0 and path.room * control.kept >= path.rate * path.round_trip:
        return path.rate  # the bottleneck is never idle
    lost = _lots(path.loss)
    epoch, left, losses = _Epoch(path, control), next(lost), 0
    sent = time = 0.0
    for _ in range(ROUND_TRIPS):
        window, spent = epoch.window, _spent(path, epoch.window)
        lossless = left > window and window <= path.room
        part = 1.0 if lossless else 1 + min(1.0, left / window)  # a sender knows of a loss a round trip later
        sent, time, left = sent + part * window, time + part * spent, left - window
        epoch.grow(part, spent)
        if lossless:
            continue
        epoch.lose()
        left, losses = next(lost), losses + 1
        if losses == LOSSES:
            break
    return sent / time


def _spent(path: Path, window: int) -> float:
    """The mean time in flight of the packets of a window, in seconds: that of its round trip.

    Every second packet is acknowledged at once. The last of an odd window waits for a packet of the next one.
    """
    idle = path.round_trip - window / path.rate
    return path.round_trip + min(DELAYED, idle) / window if idle > 0 else window / path.rate


def _lots(loss: float) -> Iterator[float]:
    """Random numbers of packets from one loss to the next."""
    random = Random(1)
    while True:
        yield -log(1 - random.random()) / loss if loss else inf


class _Epoch:
    """The window between two losses, in whole packets, as in Linux."""

    def __init__(self, path: Path, control: Control) -> None:
        self.control = control
        self.window = floor(min(path.room, sqrt(1.5 / path.loss) if path.loss else inf))
        self.highest = float(self.window)
        self.lose()

    def lose(self) -> None:
        """RFC 9438, 4.6 and 4.7: fast convergence if the window was smaller than at the last loss."""
        kept, lower = self.control.kept, self.window < self.highest
        self.highest = self.window * (1 + kept) / 2 if lower else self.window
        self.window = max(FEWEST, floor(self.window * kept))
        self.friendly = float(self.window)
        self.origin = max(self.highest, self.window)
        self.turn = ((self.origin - self.window) / CUBIC) ** (1 / 3)
        self.time: float | None = None

    def grow(self, part: float, spent: float) -> None:
        """Grows by `part` round trips: RFC 9438, 4.2 to 4.5. The first one retransmits what was lost."""
        if self.time is None:
            self.time = 0.0
            return
        self.time += part * spent
        self.friendly += part * self.control.gained
        cubic = self.origin + CUBIC * (self.time - self.turn) ** 3 if self.control.cubic else 0
        most = max(self.friendly, min(1.5 * self.window, cubic))
        self.window = max(self.window, floor(most))
