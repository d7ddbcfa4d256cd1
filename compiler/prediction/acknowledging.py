"""Acknowledgements of a TCP receiver, and the segments that a sender keeps until they are acknowledged."""

from dataclasses import dataclass, field

LATE = 0.2
"""Seconds between two packets after which a receiver takes the sender for restarted (TCP_RTO_MIN)."""

QUICK = 16
"""Packets that are acknowledged at once after such a gap, or after a duplicate (TCP_MAX_QUICKACKS)."""


@dataclass(slots=True)
class Segment:
    """A segment that is not acknowledged yet, as the sender keeps it: `sent` is when it was last sent."""

    sent: float
    sacked: bool = False
    lost: bool = False
    again: bool = False
    """It was lost, and its retransmission is in flight."""
    copied: bool = False
    """It was retransmitted at any time."""

    @property
    def in_flight(self) -> int:
        return (not self.sacked and not self.lost) + self.again


@dataclass(frozen=True, slots=True)
class Answer:
    """An acknowledgement.

    `lacks` is the first missing packet, `above` are those received beyond it (RFC 2018). `sent` is the echoed
    timestamp (RFC 7323), and `twice` whether it reports a duplicate (RFC 2883).
    """

    lacks: int
    above: frozenset[int]
    sent: float
    twice: bool = False


@dataclass(slots=True)
class Receiver:
    """Acknowledges every second packet, and at once if one is out of order, a duplicate, or after a gap."""

    lacks: int = 0
    above: set[int] = field(default_factory=set)
    waiting: int = 0
    answered: int = 0
    """The first missing packet in the last acknowledgement."""
    echo: float = 0.0
    quick: int = QUICK
    last: float = 0.0

    def take(self, number: int, sent: float, now: float) -> Answer | None:
        """The acknowledgement that is sent at once; None if it is delayed."""
        twice, had_gap = number < self.lacks or number in self.above, bool(self.above)
        if self.answered - 1 <= number <= self.answered:
            self.echo = sent  # an older packet does not set the echo (tcp_sequence), and a later one not yet
        if twice or now - self.last > LATE:
            self.quick = QUICK
        self.last = now
        self._keep(number)
        self.waiting += 1
        if twice or had_gap or self.above or self.quick or self.waiting > 1:
            self.quick = max(0, self.quick - 1)
            return self.answer(twice=twice)
        return None

    def _keep(self, number: int) -> None:
        if number >= self.lacks:
            self.above.add(number)
        while self.lacks in self.above:
            self.above.remove(self.lacks)
            self.lacks += 1

    def answer(self, *, twice: bool = False) -> Answer:
        self.waiting, self.answered = 0, self.lacks
        return Answer(self.lacks, frozenset(self.above), self.echo, twice)
