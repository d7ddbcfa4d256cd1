"""A sweep: a lab with each combination of the values of its params, brought up, measured and taken down.

Each run leaves one file, which is written when the run is over. A sweep that was interrupted and begins again
does what is missing.
"""

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import PIPE, Popen
from types import FrameType
from typing import NamedTuple, Self

from compiler.driver import Compilation
from compiler.ground.diagnostics import visible
from compiler.replace import replace
from compiler.results.measured import NoResultError, read, result, stem

MOST_SAID = 6
"""The last lines of a failed script that are shown."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

OVERHEAD = 4.0
"""Seconds that a run takes beside its transfers, until one was measured."""

Compile = Callable[[Mapping[str, str]], Compilation]
"""Compiles the lab with values of params."""

Say = Callable[[str], None]


class SweepError(Exception):
    """The sweep cannot begin, or its results cannot be written; the message says why."""


class Point(NamedTuple):
    """A lab with values of its params: the hash of its plan, and the seconds that its transfers take."""

    params: Mapping[str, str]
    lab: str
    plan: str
    seconds: float

    @property
    def stem(self) -> str:
        return stem(self.lab, self.params)


class Run(NamedTuple):
    """A point, measured once more."""

    point: Point
    round: int

    def file(self, folder: Path) -> Path:
        return folder / f"{self.point.stem}.{self.round}.json"


class _Outcome(NamedTuple):
    status: int
    told: bytes
    said: str


def point(compilation: Compilation) -> Point:
    """The point of a compilation; raises TopologyError."""
    lab = compilation.lab
    seconds = sum(bench.time * len(bench.transfers) for bench in lab.benches) / 10**6
    return Point(compilation.options.settings, lab.name, compilation.plan.digest, seconds)


def missing(points: list[Point], repeat: int, folder: Path) -> list[Run]:
    """The runs without a whole result, round after round; raises SweepError where a result is another's."""
    runs = [Run(one, number) for number in range(1, repeat + 1) for one in points]
    return [run for run in runs if not _is_done(run, folder)]


def _is_done(run: Run, folder: Path) -> bool:
    path = run.file(folder)
    if not path.exists():
        return False
    try:
        found = read(path)
    except NoResultError:
        return False
    if (found.lab, found.plan) != (run.point.lab, run.point.plan):
        raise SweepError(
            f"{path} is of another lab, or of this one before it was changed: choose another folder"
        )
    return True


def sweep(runs: list[Run], compiled: Compile, folder: Path, say: Say) -> int:
    """Does the runs; returns how many have no result. Raises SweepError where one cannot be written."""
    failed, began, done = 0, time.monotonic(), 0.0
    for number, run in enumerate(runs, 1):
        left = sum(one.point.seconds + OVERHEAD for one in runs[number - 1 :])
        ratio = (time.monotonic() - began) / done if done else 1.0
        named = ", ".join(f"{name}={value}" for name, value in run.point.params.items())
        what = f"{named or run.point.lab}, round {run.round}"
        say(f"run {number} of {len(runs)}: {visible(what)}; {duration(left * ratio)} left")
        failed += not _do(run, compiled(run.point.params), folder, say)
        done += run.point.seconds + OVERHEAD
    return failed


def duration(seconds: float) -> str:
    """A time for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _do(run: Run, compilation: Compilation, folder: Path, say: Say) -> bool:
    """One run; returns whether it has a result, which is in a file then."""
    scripts = {kind: compilation.script(kind) for kind in ("up", "bench", "down")}
    with _Runner() as runner:
        captures = _captures(run, compilation, folder)
        up = runner.bash(scripts["up"], *(captures if compilation.lab.captures else ()))
        if up.status:
            say(f"up ended with {up.status}\n{up.said}")
            return False
        recorded = any(bench.captures for bench in compilation.lab.benches)
        bench = runner.bash(scripts["bench"], "--json", "--repeat", "1", *(captures if recorded else ()))
        down = runner.bash(scripts["down"], heeds=False)
    if bench.status or down.status:
        say(f"bench ended with {bench.status}, and down with {down.status}\n{bench.said}{down.said}")
    try:
        found = result(bench.told, run.file(folder).name)
    except NoResultError as error:
        say(f"there is no result: {error}")
        return False
    if len(found.measurements) != sum(len(one.transfers) for one in compilation.lab.benches):
        return False
    _write(run.file(folder), [bench.told])
    _write(folder / f"{run.point.stem}.topo", [compilation.flat().encode()])
    return True


def _captures(run: Run, compilation: Compilation, folder: Path) -> list[str]:
    """The option of up and bench for a lab with captures: a folder for those of this run.

    What a run that was cut short has left there is taken away.
    """
    if not (compilation.lab.captures or any(bench.captures for bench in compilation.lab.benches)):
        return []
    own = run.file(folder).with_suffix(".captures")
    try:
        own.mkdir(exist_ok=True)
        for file in own.glob("*.pcap"):
            file.unlink()
    except OSError as error:
        raise SweepError(f"cannot write in {visible(str(own))}: {error.strerror}") from error
    return ["--captures", str(own)]


def _write(path: Path, pieces: list[bytes]) -> None:
    try:
        replace(path, pieces, 0o644)
    except OSError as error:
        raise SweepError(f"cannot write {visible(str(path))}: {error.strerror}") from error


def heed_signals() -> None:
    """Has SIGTERM and SIGHUP interrupt as Ctrl-C does."""
    for one in _SIGNALS:
        signal.signal(one, signal.default_int_handler)


class _Runner:
    """Runs the scripts of one lab. A signal that comes meanwhile is passed on to the script that heeds
    signals, and interrupts this process when the last one is over: a lab that came up is taken down first.
    """

    def __init__(self) -> None:
        self._interrupted = False
        self._process: Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._before = {one: signal.signal(one, self._interrupt) for one in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._interrupted:
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._interrupted = True
        if self._process:
            self._process.send_signal(signal.SIGINT)

    def bash(self, script: str, *arguments: str, heeds: bool = True) -> _Outcome:
        """Runs a script apart from this terminal; one that heeds signals not at all after a signal."""
        if heeds and self._interrupted:
            return _Outcome(-signal.SIGINT, b"", "")
        command = ["bash", "-s", "--", *arguments]
        with Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True) as process:
            if heeds:
                self._process = process
                if self._interrupted:  # before its process was known here
                    process.send_signal(signal.SIGINT)
            told, said = process.communicate(script.encode())
            self._process = None
        lines = said.decode(errors="replace").splitlines()[-MOST_SAID:]
        return _Outcome(process.returncode, told, "".join(f"{visible(line)}\n" for line in lines))


def prepare(folder: Path) -> None:
    """Makes the folder, and finds out whether files can be written there; raises SweepError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / ".mpc-sweep"
        replace(trial, [b""], 0o644)
        trial.unlink()
    except OSError as error:
        raise SweepError(f"cannot write in {visible(str(folder))}: {error.strerror}") from error
