"""The throughput of one TCP sender with so many losses that it often waits for a timer.

A simulation of Linux's sender, packet by packet, with random losses of packets and acknowledgements. Losses
are detected by selective acknowledgements (RFC 2018) with RACK and tail loss probes (RFC 8985), or else by a
timeout (RFC 6298), which is undone if it was spurious (RFC 5682, RFC 2883). Names in parentheses are
functions of the kernel; all constants are the kernel's.
"""

from enum import Enum, auto
from functools import lru_cache
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf
from random import Random

from compiler.prediction.acknowledging import Answer, Receiver, Segment
from compiler.prediction.sawtooth import DELAYED, Path
from compiler.prediction.window import Window

HEAVY, NOTABLE = 0.02, 0.005
"""The probability of loss from which on windows are so small that timers matter; and that of packets from
which on they matter if acknowledgements are lost with probability HEAVY."""

LOSSES, PACKETS = 2000, 20_000
"""The number of losses, and of packets, after which the mean has an error of some 3 percent."""

RTO_MIN, RTO_MAX, RTO_FIRST = 0.2, 120.0, 1.0
"""Seconds: the least margin of a timeout over a round trip (TCP_RTO_MIN), the longest, and the first."""

PROBE_MIN, RACK_MIN = 0.002, 0.008
"""Seconds beyond two round trips after which a probe is sent, and beyond the reordering window at which
RACK's timer fires (TCP_TIMEOUT_MIN_US, TCP_TIMEOUT_MIN)."""

TICK, WHEEL, COARSER = 0.004, 63, 8
"""Seconds of a jiffy (CONFIG_HZ of 250). Timers over WHEEL jiffies ahead have a tick COARSER times as long,
and so on for each level of the timer wheel."""

REORDERED = 3
"""Later packets that have to arrive before one counts as lost (net.ipv4.tcp_reordering)."""


def is_heavy(path: Path) -> bool:
    """Whether timers matter beside the window."""
    return path.loss >= HEAVY or (path.loss >= NOTABLE and path.back_loss >= HEAVY)


@lru_cache(maxsize=256)
def speed(path: Path, name: str) -> float:
    """The mean rate of arriving packets a second, over a long time. The random numbers have a fixed seed."""
    return _Sender(path, name).run()


class _State(Enum):
    """The kernel's enum tcp_ca_state. OPEN includes its Disorder."""

    OPEN = auto()
    RECOVERY = auto()
    LOSS = auto()


class _Line:
    """The path between both ends: the bottleneck with its queue, and the propagation delay."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.random = Random(1)
        self.serial = 1 / path.rate
        self.time = max(0.0, path.round_trip - (0 if path.burst else 2 * self.serial)) / 2
        under_way = path.rate * path.round_trip if path.room < inf else 0.0
        self.queue = max(1.0, path.room - under_way) * self.serial if path.room < inf else inf
        self.free = 0.0
        self.sent = self.lost = 0

    def carry(self, now: float) -> float | None:
        """When a packet that is sent now arrives; None if it is lost."""
        self.sent += 1
        if self.free - now <= self.queue:
            self.free = max(self.free, now - self.path.burst * self.serial) + self.serial
            if self.random.random() >= self.path.loss:
                return max(now, self.free) + self.time
        self.lost += 1
        return None

    def answer(self, now: float) -> float | None:
        """When an acknowledgement that is sent now arrives; None if it is lost."""
        return now + self.time if self.random.random() >= self.path.back_loss else None


class _Estimator:
    """The estimate of round trips, and the timeout (tcp_rtt_estimator, tcp_set_rto)."""

    def __init__(self) -> None:
        self.smooth = self.deviation = 0.0
        self.margin = self.most = RTO_MIN
        self.fastest = inf
        self.backoff = 0

    def take(self, time: float, *, is_next_round: bool) -> None:
        error = time - self.smooth
        self.fastest, self.backoff = min(self.fastest, time), 0
        if not self.smooth:
            self.smooth, self.deviation = time, time / 2
        else:
            more = abs(error) - self.deviation
            self.deviation += more / (32 if error < 0 < more else 4)
            self.smooth += error / 8
        self.most = max(self.most, 4 * self.deviation)
        self.margin = max(self.margin, self.most)
        if is_next_round:
            self.margin -= (self.margin - self.most) / 4
            self.most = RTO_MIN

    @property
    def timeout(self) -> float:
        once = self.smooth + self.margin if self.smooth else RTO_FIRST
        return min(RTO_MAX, once * 2.0 ** min(self.backoff, 16))


class _Sender:
    """One sender that always has data, and its receiver."""

    def __init__(self, path: Path, name: str) -> None:
        self.now = 0.0
        self.line, self.receiver = _Line(path), Receiver()
        self.window, self.times = Window(name), _Estimator()
        self.segments: dict[int, Segment] = {}
        self.next = self.done = self.round = 0
        self.state, self.high = _State.OPEN, 0
        self.deadline, self.is_probe, self.probed = inf, False, -1
        self.overtaken_at, self.kept_back = inf, inf
        self.newest, self.round_trip = (0.0, -1), 0.0
        self.delivered = self.out = self.before = 0
        self.undo: tuple[int, int] | None = None
        self.copies, self.doubted = 0, False
        self.arrivals: list[tuple[float, int, tuple[int, float] | Answer]] = []
        self.numbers = count()

    # --- time

    def run(self) -> float:
        self._fill()
        while self.line.lost < LOSSES and self.line.sent < PACKETS:
            timer = min(self.deadline, self.overtaken_at, self.kept_back)
            if self.arrivals and self.arrivals[0][0] <= timer:
                self.now, _, what = heappop(self.arrivals)
                self._come(what)
            else:
                self.now = timer
                self._expire()
        return self.done / self.now

    def _come(self, what: tuple[int, float] | Answer) -> None:
        if isinstance(what, Answer):
            self._acknowledged(what)
        elif answer := self.receiver.take(*what, self.now):
            self._answer(answer)
        else:
            self.kept_back = self._tick(DELAYED)

    def _answer(self, answer: Answer) -> None:
        self.kept_back = inf
        self._arrive(self.line.answer(self.now), answer)

    def _arrive(self, time: float | None, what: tuple[int, float] | Answer) -> None:
        if time is not None:
            heappush(self.arrivals, (time, next(self.numbers), what))

    def _tick(self, after: float) -> float:
        """When a timer fires: at a tick of the timer wheel, whose ticks are longer for later timers."""
        ticks, apart = ceil(after / TICK - 1e-9), 1
        while ticks >= WHEEL * apart:
            apart *= COARSER
        return (int(self.now / TICK + 1e-9) + ticks + apart) // apart * apart * TICK

    def _expire(self) -> None:
        if self.now == self.kept_back:
            self._answer(self.receiver.answer())
        elif self.now == self.overtaken_at:
            self._overtaken()
        elif self.is_probe:
            self._probe()
        else:
            self._time_out()

    # --- transmission

    @property
    def in_flight(self) -> int:
        return sum(one.in_flight for one in self.segments.values())

    @property
    def head(self) -> int:
        """The first packet that is not acknowledged."""
        return next(iter(self.segments), self.next)

    @property
    def sacked(self) -> int:
        return sum(one.sacked for one in self.segments.values())

    def _send(self, number: int, segment: Segment) -> None:
        segment.sent = self.now
        self.out += 1
        self._arrive(self.line.carry(self.now), (number, self.now))

    def _fill(self, *, with_lost: bool = True) -> None:
        """Sends what the window allows, retransmissions first (tcp_xmit_recovery)."""
        room = self.window.size - self.in_flight
        if with_lost and self.state is not _State.OPEN and room > 0:
            lost = [number for number, one in self.segments.items() if one.lost and not one.again][:room]
            for number in lost:
                self._send_again(number)
            room -= len(lost)
        for _ in range(room):
            self._send_new()
        if room > 0:
            self._arm_probe(self.segments[self.head].sent + self.times.timeout - self.now)

    def _send_again(self, number: int) -> None:
        one = self.segments[number]
        one.again = one.copied = True
        self.copies += 1
        self._send(number, one)
        if number == self.head:
            self._arm_timeout()

    def _send_new(self) -> None:
        idle = not self.segments
        one = self.segments[self.next] = Segment(self.now)
        self._send(self.next, one)
        self.next += 1
        if idle or self.is_probe:
            self._arm_timeout()

    # --- timers

    def _arm_timeout(self) -> None:
        self.deadline = self._tick(self.times.timeout) if self.segments else inf
        self.is_probe = False

    def _arm(self) -> None:
        """Restarts the timer (tcp_set_xmit_timer)."""
        if not self._arm_probe(self.times.timeout):
            self._arm_timeout()

    def _arm_probe(self, most: float) -> bool:
        """Starts the timer of a tail loss probe, unless the state forbids it (tcp_schedule_loss_probe)."""
        if not (self.segments and self.times.smooth) or self.state is not _State.OPEN or self.sacked:
            return False
        after = 2 * self.times.smooth + (RTO_MIN if len(self.segments) == 1 else PROBE_MIN)
        self.deadline, self.is_probe = self._tick(min(after, most) if most > 0 else after), True
        return True

    def _probe(self) -> None:
        """Sends one packet beyond the window, for its acknowledgement (tcp_send_loss_probe)."""
        self.is_probe = False
        if self.probed < 0:
            self._send_new()
            self.probed = self.next
        self._arm_timeout()

    def _time_out(self) -> None:
        """Marks all packets as lost except recent retransmissions (tcp_enter_loss)."""
        head, again = self.head, self.state is _State.LOSS and self.times.backoff > 0
        if self.state is _State.OPEN or head >= self.high or not (again or self.state is _State.RECOVERY):
            self._cut()
            self.copies = sum(one.again for one in self.segments.values())
        self.window.forget()
        recently = self.now - self.round_trip - self._patience
        for number, one in self.segments.items():
            if not one.sacked and (number == head or one.sent <= recently):
                one.lost, one.again = True, False
        self.doubted = not again
        self.state, self.high, self.probed = _State.LOSS, self.next, -1
        self.window.size = self.in_flight + 1
        self._send_again(head)
        self.times.backoff += 1
        self._arm_timeout()

    def _cut(self) -> None:
        self.undo, self.copies = (self.window.size, self.window.threshold), 0
        self.window.cut()

    # --- acknowledgements

    def _acknowledged(self, answer: Answer) -> None:
        done = [number for number in self.segments if number < answer.lacks]
        new = {n: self.segments[n] for n in (*done, *answer.above) if n in self.segments}
        new = {number: one for number, one in new.items() if not one.sacked}
        self._measure(answer, done, new)
        for number, one in new.items():
            self._seen(number, one)
            one.sacked, one.lost, one.again = True, False, False
        originals = sum(not one.copied and number < self.high for number, one in new.items())
        for number in done:
            del self.segments[number]
        self.done += len(done)
        self.copies -= answer.twice and self.copies > 0
        self.probed = -1 if answer.lacks >= self.probed else self.probed
        self._react(len(new), originals, advanced=bool(done))

    def _measure(self, answer: Answer, done: list[int], new: dict[int, Segment]) -> None:
        """Measures a round trip: of a packet sent once, or by the echoed timestamp (tcp_ack_update_rtt)."""
        once = {number: one.sent for number, one in new.items() if not one.copied}
        acked = [sent for number, sent in once.items() if number < answer.lacks]
        sacked = [sent for number, sent in once.items() if number >= answer.lacks]
        if acked and not any(self.segments[number].copied for number in done):
            sent = acked[0]
        elif sacked:
            sent = min(sacked)
        elif done:
            sent = answer.sent
        else:
            return
        is_next_round = answer.lacks > self.round
        self.times.take(self.now - sent, is_next_round=is_next_round)
        if is_next_round:
            self.round = self.next

    def _seen(self, number: int, one: Segment) -> None:
        """Keeps the latest send time of delivered packets, unless it is ambiguous (tcp_rack_advance)."""
        taken = self.now - one.sent
        if (one.sent, number) > self.newest and not (one.copied and taken < self.times.fastest):
            self.newest, self.round_trip = (one.sent, number), taken

    @property
    def _patience(self) -> float:
        """The reordering window (tcp_rack_reo_wnd)."""
        if self.state is not _State.OPEN or self.sacked >= REORDERED:
            return 0.0
        return min(self.times.fastest / 4, self.times.smooth)

    def _mark(self) -> int:
        """Marks overtaken packets as lost; returns their number (tcp_rack_detect_loss)."""
        found, wait, patience = 0, 0.0, self._patience
        for number, one in self.segments.items():
            if one.sacked or (one.lost and not one.again) or (one.sent, number) >= self.newest:
                continue
            left = one.sent + self.round_trip + patience - self.now
            if left <= 1e-9:
                one.lost, one.again = True, False
                found += 1
            else:
                wait = max(wait, left)
        self.overtaken_at = self._tick(wait + RACK_MIN) if wait else inf
        return found

    def _overtaken(self) -> None:
        """The timer of RACK's reordering window fires (tcp_rack_reo_timeout)."""
        lost = self._mark()
        if lost and self.state is _State.OPEN:
            self._recover()
            self._reduce(1, more=False)
        if lost:
            self._fill()

    def _react(self, newly: int, originals: int, *, advanced: bool) -> None:
        """Changes the state by an acknowledgement (tcp_fastretrans_alert, and what tcp_ack does after it)."""
        with_lost = self.state is not _State.LOSS or not self._asks(newly, originals, advanced=advanced)
        if self.state is not _State.OPEN and self.head >= self.high:
            self._recovered()
        lost = self._mark()
        if lost and self.state is _State.OPEN:
            self._recover()
        if advanced and not self.overtaken_at < inf:
            self._arm()
        if self.state is _State.RECOVERY:
            self._reduce(newly, more=advanced and not lost)
        elif advanced:
            self.window.grow(newly, self.now, self.times.fastest)
        self._fill(with_lost=with_lost)

    def _asks(self, newly: int, originals: int, *, advanced: bool) -> bool:
        """Whether new data is sent to detect a spurious timeout; undoes one that acknowledgements of original
        packets show (tcp_process_loss)."""
        if not self.doubted:
            return False
        if originals and self.undo:
            for one in self.segments.values():
                one.lost = one.again = False
            self._take_back()
            self.state, self.doubted = _State.OPEN, False
        elif self.next > self.high:
            self.doubted = not newly or advanced
        elif advanced and self.head < self.high:
            self.high = self.next
            return True
        return False

    def _recover(self) -> None:
        self._cut()
        self.before, self.delivered, self.out = self.undo[0] if self.undo else 0, 0, 0
        self.state, self.high, self.probed = _State.RECOVERY, self.next, -1

    def _recovered(self) -> None:
        """Leaves recovery (tcp_try_undo_recovery, tcp_end_cwnd_reduction)."""
        if self.undo and not self.copies:
            self._take_back()
        elif self.state is _State.RECOVERY:
            self.window.size = self.window.threshold
        self.state, self.undo = _State.OPEN, None

    def _take_back(self) -> None:
        size, threshold = self.undo or (0, 0)
        self.window.size = max(self.window.size, size)
        self.window.threshold = max(self.window.threshold, threshold)
        self.undo = None

    def _reduce(self, newly: int, *, more: bool) -> None:
        """Proportional rate reduction (RFC 6937, tcp_cwnd_reduction)."""
        if not newly:
            return
        self.delivered += newly
        flight, threshold = self.in_flight, self.window.threshold
        if flight > threshold:
            room = -(-threshold * self.delivered // self.before) - self.out
        else:
            room = min(threshold - flight, max(self.delivered - self.out, newly) + more)
        self.window.size = flight + max(room, 0 if self.out else 1)
