"""What a receiver acknowledges, and what a sender keeps of its packets until that comes."""

from dataclasses import dataclass, field

LATE = 0.2
"""Seconds between two packets after which the sender seems to have begun anew (TCP_RTO_MIN)."""

QUICK = 16
"""Packets that are acknowledged at once after one that came late, or twice (TCP_MAX_QUICKACKS)."""


@dataclass(slots=True)
class Segment:
    """A packet that is not acknowledged yet: when it was sent last, and what is thought of it."""

    sent: float
    sacked: bool = False
    lost: bool = False
    again: bool = False
    """It was lost, and is under way again."""
    copied: bool = False
    """It was sent more than once, at any time."""

    @property
    def in_flight(self) -> int:
        return (not self.sacked and not self.lost) + self.again


@dataclass(frozen=True, slots=True)
class Answer:
    """An acknowledgement: the first packet that is lacking, those that came above it, when that was sent
    whose time it echoes (RFC 7323), and whether it answers one that came `twice` (RFC 2883)."""

    lacks: int
    above: frozenset[int]
    sent: float
    twice: bool = False


@dataclass(slots=True)
class Receiver:
    """Answers every second packet, and at once what is out of order, comes twice, or late."""

    lacks: int = 0
    above: set[int] = field(default_factory=set)
    waiting: int = 0
    answered: int = 0
    """What was lacking when it answered last."""
    echo: float = 0.0
    quick: int = QUICK
    last: float = 0.0

    def take(self, number: int, sent: float, now: float) -> Answer | None:
        """The answer that goes out at once; None where it is kept back."""
        twice, had_gap = number < self.lacks or number in self.above, bool(self.above)
        if self.answered - 1 <= number <= self.answered:
            self.echo = sent  # what is older does not count (tcp_sequence), what is newer not yet
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
