"""Results of bench scripts, as data: what `bench.sh --json` tells, in files of a folder.

Texts are made visible when they are read, as they may be anybody's.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from compiler.ground.diagnostics import visible

LARGEST = 256 * 2**20
"""Bytes of a file that is read."""

LONGEST = 180
"""Characters of what a file's name says of params."""

Series = tuple[tuple[float, float], ...]
"""Pairs of seconds and a value."""

Happened = tuple[tuple[float, str], ...]
"""Events that were played meanwhile, in the words of the language, with their seconds."""


class NoResultError(Exception):
    """A file that is no whole result; the message says why."""


class Measurement(NamedTuple):
    """A transfer that was measured once. Rates are bits a second.

    In `reverse`, the target sent to the source. `paths` is what each interface of the sender sent.
    `predicted` is the mean, the least and the most that is predicted, and None where nothing is.
    """

    source: str
    target: str
    transfer: str
    flows: int
    seconds: int
    predicted: tuple[float, float, float] | None
    received: float
    retransmitted: int | None
    over_time: Series
    paths: Mapping[str, Series]
    played: Happened | None = None
    """None where no events were to be played."""
    reverse: bool = False

    @property
    def name(self) -> str:
        flows = "" if self.flows == 1 else f" {self.flows}"
        back = " reverse" if self.reverse else ""
        during = "" if self.played is None else ", during the play"
        return f"{self.source} -> {self.target} using {self.transfer}{flows}{back}{during}"


class Result(NamedTuple):
    """What one bench told, with what it is of. `file` is where it is from."""

    file: str
    lab: str
    plan: str
    params: Mapping[str, str]
    kernel: str
    tools: Mapping[str, str]
    began: str
    measurements: tuple[Measurement, ...]

    @property
    def point(self) -> str:
        """The params as text."""
        return ", ".join(f"{name}={value}" for name, value in self.params.items())


def stem(lab: str, params: Mapping[str, str]) -> str:
    """The name of the files of a lab with params, without what follows the last dot."""
    said = ",".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params.items())
    if len(said) > LONGEST:
        from hashlib import sha256

        said = sha256(said.encode()).hexdigest()
    return f"{lab}.{said}" if said else lab


def read(path: Path) -> Result:
    """The result in a file; raises NoResultError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise NoResultError(f"it cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise NoResultError("it is larger than any result")
    return result(data, str(path))


def result(data: bytes, name: str) -> Result:
    """What a bench told; raises NoResultError, also where it was interrupted on the way."""
    try:
        found = json.loads(data)
        return Result(
            name,
            visible(found["lab"]),
            visible(found["plan"]),
            {visible(name): visible(value) for name, value in dict(found["params"]).items()},
            visible(found["kernel"]),
            {visible(name): visible(value) for name, value in dict(found["tools"]).items()},
            visible(found["began"]),
            tuple(_measurement(one) for one in found["measurements"]),
        )
    except RecursionError:
        raise NoResultError("it is no result of a bench") from None
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        raise NoResultError("it is no whole result of a bench") from None


def _measurement(found: Mapping[str, object]) -> Measurement:
    over = found["over_time"]
    if not isinstance(over, dict):
        raise TypeError
    paths = {visible(name): _series(one) for name, one in dict(over["interfaces"]).items()}
    again, reverse = found["retransmitted"], found.get("reverse", False)
    if not isinstance(reverse, bool):
        raise TypeError
    sender = str(found["target" if reverse else "source"]).partition(":")[0]
    return Measurement(
        visible(str(found["source"])),
        visible(str(found["target"])),
        visible(str(found["transfer"])),
        int(_number(found["flows"])),
        int(_number(found["seconds"])),
        _predicted(found["predicted"], found["likely"]),
        _number(found["received"]),
        None if again is None else int(_number(again)),
        _series(over["received"]),
        {name: one for name, one in paths.items() if name.startswith(f"{sender}:")},
        None if found.get("played") is None else _happened(found["played"]),
        reverse,
    )


def _happened(value: object) -> Happened:
    if not isinstance(value, list):
        raise TypeError
    return tuple((_number(one["seconds"]), visible(str(one["event"]))) for one in value)


def _number(value: object) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**18:
        raise TypeError
    return float(value)


def _predicted(mean: object, likely: object) -> tuple[float, float, float] | None:
    if mean is None:
        return None
    if not isinstance(likely, list):
        raise TypeError
    low, high = likely
    return _number(mean), _number(low), _number(high)


def _series(value: object) -> Series:
    if not isinstance(value, list):
        raise TypeError
    return tuple((_number(time), _number(rate)) for time, rate in value)


def results(paths: list[Path]) -> Iterator[Path]:
    """The files of results that paths name: themselves, and of folders those that end in `.json`."""
    for path in paths:
        if path.is_dir():
            files = (one for one in path.glob("*.json") if not one.name.startswith("."))
            yield from sorted(files, key=lambda one: _natural(one.name))
        else:
            yield path


def _natural(name: str) -> list[tuple[float, str]]:
    """A key that sorts numbers by their value."""
    words = re.findall(r"(\d{1,15}(?:\.\d{1,15})?)|(\D+|\d)", name)
    return [(float(number), "") if number else (-1.0, text) for number, text in words]
