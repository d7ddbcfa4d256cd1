"""The congestion window of a sender, acknowledgement by acknowledgement, as in the kernel.

It is in whole packets with the kernel's remainders, which matter for windows of a few packets (tcp_cong.c,
tcp_cubic.c). Names in parentheses are functions of the kernel.
"""

from math import inf

from compiler.prediction.sawtooth import CONTROLS, CUBIC, FEWEST

INITIAL, UNBOUND = 10, 2**30
"""The first window in packets, and a slow start threshold that is never reached."""

UPDATES = 0.028
"""Seconds for which CUBIC keeps its result if the window has not changed (HZ / 32)."""

FASTEST, STEADY = 2, 20
"""Acknowledged packets for which a window grows by one: the fewest, and the most before the first loss."""


class Window:
    """A window of `size` packets; below `threshold` it grows by slow start."""

    def __init__(self, name: str) -> None:
        self.control = CONTROLS.get(name, CONTROLS["cubic"])
        self.size, self.threshold = INITIAL, UNBOUND
        self.credit = 0
        self.most = self.origin = 0
        self.turn = 0.0
        self.began: float | None = None
        self.friendly = self.counted = self.every = 0
        self.seen, self.seen_at = 0, -inf

    def cut(self) -> None:
        """Reduces the threshold after a loss (bictcp_recalc_ssthresh)."""
        kept = self.control.kept
        self.began, self.credit = None, 0
        self.most = int(self.size * (1 + kept) / 2) if self.size < self.most else self.size
        self.threshold = max(FEWEST, int(self.size * kept))

    def forget(self) -> None:
        """Resets the state of CUBIC after a timeout (bictcp_reset)."""
        self.most, self.began, self.every = 0, None, 0
        self.seen, self.seen_at = 0, -inf

    def grow(self, acked: int, now: float, fastest: float) -> None:
        """Grows by acknowledged packets; `fastest` is the least round trip in seconds (tcp_cong_avoid_ai)."""
        if self.size < self.threshold:
            more = min(acked, self.threshold - self.size)
            self.size += more
            acked -= more
        if not acked:
            return
        if self.control.cubic:
            self._update(acked, now, fastest)
        every = self.every if self.control.cubic else self.size
        if self.credit >= every:
            self.credit, self.size = 0, self.size + 1
        self.credit += acked
        self.size += self.credit // every
        self.credit %= every

    def _update(self, acked: int, now: float, fastest: float) -> None:
        """Updates the number of acknowledged packets for which the window grows by one (bictcp_update)."""
        self.counted += acked
        if self.seen == self.size and now - self.seen_at <= UPDATES:
            return
        self.seen, self.seen_at = self.size, now
        if self.began is None:
            self.began, self.friendly, self.counted = now, self.size, acked
            self.origin = max(self.most, self.size)
            self.turn = ((self.origin - self.size) / CUBIC) ** (1 / 3)
        target = self.origin + int(CUBIC * (now - self.began + fastest - self.turn) ** 3)
        every = self.size // (target - self.size) if target > self.size else 100 * self.size
        every = every if self.most else min(every, STEADY)
        self.every = max(FASTEST, min(every, self._as_friendly()))

    def _as_friendly(self) -> int:
        """That number for the window of Reno, below which CUBIC must not fall."""
        step = max(1, int(self.size / self.control.gained))
        more, self.counted = divmod(self.counted - 1, step) if self.counted else (0, 0)
        self.friendly += more
        self.counted += 1
        return self.size // (self.friendly - self.size) if self.friendly > self.size else UNBOUND
