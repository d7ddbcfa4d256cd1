"""A fuzzer: compiles hostile labs, each of which must give scripts of known lines, or errors.

`./dev fuzz [COUNT | SECONDSs] [SEED]` runs it, by default for a million labs. A lab depends on the seed and
its number only, so a failure can be reproduced. Distinct failures are printed at the end; then the exit
status is 1.
"""

import gc
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from itertools import count

import hostile
import recorder
from labs import checked, compiled

from compiler.lint import lint

REPORT = 10_000
"""Labs between two lines of progress."""

BOUND = 60
"""Seconds after which a compilation counts as hanging; most take some milliseconds."""

RUN = 2_000
"""Of RUN labs with scripts, those of one are run with recorders as tools, if possible."""

LINT = 200
"""Of LINT labs with scripts, those of one are checked by shellcheck."""


def numbers(bound: str) -> Iterator[int]:
    """0, 1, 2 and so on: a given count, or for a time like `90s`."""
    if not bound.endswith("s"):
        yield from range(int(bound))
        return
    end = time.monotonic() + float(bound[:-1])
    for number in count():
        if time.monotonic() > end:
            return
        yield number


def give_up(*_: object) -> None:
    raise TimeoutError


class Fuzzer:
    """Compiles labs, and counts the outcomes."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.failures: dict[str, str] = {}
        self.runs = recorder.possible()
        self.start = time.monotonic()

    def run(self, bound: str) -> None:
        for number in numbers(bound):
            self._try(number)
            if self.counts.total() % REPORT == 0:
                gc.collect()
                self.report()
        self.report()

    def _try(self, number: int) -> None:
        name, text = hostile.lab(self.seed, number)
        signal.alarm(BOUND)
        try:
            outcome = self._outcome(name, text)
        except Exception as error:  # noqa: BLE001 - any exception is a finding
            outcome = "failures"
            where = traceback.format_tb(error.__traceback__)[-1]
            found = f"seed {self.seed} number {number}: {error!r:.500}\n{where}{name!r}\n{text[:2000]!r}"
            self.failures.setdefault(f"{type(error)} {where}", found)
        self.counts[outcome] += 1

    def _outcome(self, name: str, text: str) -> str:
        if checked(text, name) is None:
            return "refused"
        if self.runs and self.counts["scripts"] % RUN == 0:
            assert recorder.strange(recorder.record(compiled(text, name))) == []
        if self.counts["scripts"] % LINT == 0:
            compilation = compiled(text, name)
            for kind in compilation.kinds:
                lint(compilation.pieces(kind))
        return "scripts"

    def report(self) -> None:
        rate = self.counts.total() / (time.monotonic() - self.start)
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.counts.items()))
        print(f"fuzz: {self.counts.total()} labs at {rate:.0f} a second: {said}", file=sys.stderr, flush=True)


def main(bound: str = "1000000", seed: str = "1") -> int:
    signal.signal(signal.SIGALRM, give_up)
    gc.disable()  # a compilation leaves few reference cycles behind
    fuzzer = Fuzzer(int(seed))
    fuzzer.run(bound)
    for found in fuzzer.failures.values():
        print(found, file=sys.stderr)
    return bool(fuzzer.failures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
