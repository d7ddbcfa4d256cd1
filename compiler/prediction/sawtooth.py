"""How fast one TCP sender is that loses packets: its congestion window, round trip by round trip.

The formulas for a window under a probability of loss (Mathis et al. 1997; RFC 9438, 5.1) have losses at
equal distances, and nothing else that bounds it. Here lots decide which packet is lost, packets wait where
they come faster than the bottleneck sends, and what its queue has no room for is lost too.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import floor, inf, log, sqrt
from random import Random
from typing import NamedTuple

LOSSES, ROUND_TRIPS = 1000, 30_000
"""After so many of either, the average is good to some 2 percent."""

DELAYED = 0.04
"""Seconds that a receiver keeps an acknowledgement back where no second packet comes (TCP_DELACK_MIN)."""

FEWEST = 2
"""Packets in the window after a loss, at least."""

CUBIC = 0.4
"""C of RFC 9438, 4.2: packets that the window gains in a second, by the cube of the time."""


class Control(NamedTuple):
    """What a window keeps at a loss, and what it gains in a round trip; whether it grows by CUBIC as well."""

    kept: float
    gained: float
    cubic: bool


RENO = Control(0.5, 1, cubic=False)
CONTROLS = {"reno": RENO, "cubic": Control(0.7, 3 * (1 - 0.7) / (1 + 0.7), cubic=True)}
"""Of RFC 5681, and of RFC 9438, 4.3 and 4.6. Others are taken for CUBIC, which most are nearer to."""


class Path(NamedTuple):
    """What a sender has before it: how likely a packet is lost; the seconds of a round trip where nothing
    waits; packets a second at the bottleneck; how many are under way when its queue is full; how likely an
    acknowledgement is lost; and how many packets pass the bottleneck at once."""

    loss: float
    round_trip: float
    rate: float
    room: float
    back_loss: float = 0.0
    burst: float = 0.0


@lru_cache(maxsize=1024)
def speed(path: Path, name: str) -> float:
    """Packets a second, on average over a long time. What is drawn is the same each time."""
    control = CONTROLS.get(name, CONTROLS["cubic"])
    if path.loss == 0 and path.room * control.kept >= path.rate * path.round_trip:
        return path.rate  # the bottleneck never waits for packets
    lost = _lots(path.loss)
    epoch, left, losses = _Epoch(path, control), next(lost), 0
    sent = time = 0.0
    for _ in range(ROUND_TRIPS):
        window, spent = epoch.window, _spent(path, epoch.window)
        lossless = left > window and window <= path.room
        part = 1.0 if lossless else 1 + min(1.0, left / window)  # a loss is known a round trip later
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
    """Seconds of a round trip of a window, by which each of its packets is under way on average.

    Every second packet is acknowledged at once. The last of a window is alone, and waits for the next window.
    """
    idle = path.round_trip - window / path.rate
    return path.round_trip + min(DELAYED, idle) / window if idle > 0 else window / path.rate


def _lots(loss: float) -> Iterator[float]:
    """How many packets are sent until one is lost, again and again."""
    random = Random(1)
    while True:
        yield -log(1 - random.random()) / loss if loss else inf


class _Epoch:
    """A window between two losses, in whole packets, as Linux counts it."""

    def __init__(self, path: Path, control: Control) -> None:
        self.control = control
        self.window = floor(min(path.room, sqrt(1.5 / path.loss) if path.loss else inf))
        self.highest = float(self.window)
        self.lose()

    def lose(self) -> None:
        """RFC 9438, 4.6 and 4.7: where it was lower than at the last loss, it leaves room to others."""
        kept, lower = self.control.kept, self.window < self.highest
        self.highest = self.window * (1 + kept) / 2 if lower else self.window
        self.window = max(FEWEST, floor(self.window * kept))
        self.friendly = float(self.window)
        self.origin = max(self.highest, self.window)
        self.turn = ((self.origin - self.window) / CUBIC) ** (1 / 3)
        self.time: float | None = None

    def grow(self, part: float, spent: float) -> None:
        """By so many round trips: RFC 9438, 4.2 to 4.5. In the first, what was lost is sent again instead."""
        if self.time is None:
            self.time = 0.0
            return
        self.time += part * spent
        self.friendly += part * self.control.gained
        cubic = self.origin + CUBIC * (self.time - self.turn) ** 3 if self.control.cubic else 0
        most = max(self.friendly, min(1.5 * self.window, cubic))
        self.window = max(self.window, floor(most))
