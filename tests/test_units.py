"""Quantities: their values, their errors, and that writing them back loses nothing."""

import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from bounds import BOUNDS
from hypothesis import given
from hypothesis import strategies as st

from compiler.ground import units
from compiler.ground.units import Queue, UnitError


@pytest.mark.parametrize(
    ("read", "word", "value"),
    [
        (units.rate, "5mbit", 5_000_000),
        (units.rate, "1.5gbit", 1_500_000_000),
        (units.rate, "1kbit", 1000),
        (units.rate, "8bit", 8),
        (units.rate, "12bit", 8),
        (units.rate, "2tbit", 2 * 10**12),
        (units.rate, "9223372036854775807bit", 2**63 - 8),
        (units.time, "5000ns", 5),
        (units.time, "1999nsec", 1),
        (units.delay, "274877906us", 274_877_906),
        (units.jitter, "2147483usecs", 2_147_483),
        (units.time, "2147483647us", 2**31 - 1),
        (units.rate, "1kibit", 1024),
        (units.rate, "1mbps", 8_000_000),
        (units.rate, "5Mbit", 5_000_000),
        (units.rate, "5MBIT", 5_000_000),
        (units.time, "20MS", 20_000),
        (units.queue, "64KB", units.Queue(65_536, packets=False)),
        (units.queue, "10P", units.Queue(10, packets=True)),
        (units.rate, "2kibps", 16_384),
        (units.time, "20ms", 20_000),
        (units.time, "0.5ms", 500),
        (units.time, "0s", 0),
        (units.time, "3msecs", 3000),
        (units.size, "1kb", 1024),
        (units.size, "1500b", 1500),
        (units.size, "8kbit", 1024),
        (units.percent, "100%", 100_000_000),
        (units.percent, "0.000001%", 1),
        (units.queue, "1000p", Queue(1000, packets=True)),
        (units.queue, "64kb", Queue(65_536, packets=False)),
    ],
)
def test_reads(read: Callable[[str], object], word: str, value: object) -> None:
    assert read(word) == value


@pytest.mark.parametrize(
    ("read", "word", "said"),
    [
        (units.rate, "5", "has no unit; a rate takes one of bit, kbit, mbit"),
        (units.rate, "5mbyte", "unknown unit `mbyte`"),
        (units.rate, "5Mibbit", "unknown unit `Mibbit`"),
        (units.rate, "7bit", "out of range: it can be 8bit to 9223372tbit"),
        (units.rate, "0bit", "out of range"),
        (units.rate, "0.9bit", "less than the smallest step of a rate, which is 8bit"),
        (units.rate, "9223372036854775808bit", "out of range"),
        (units.time, "999ns", "less than the smallest step of a time, which is 1us"),
        (units.delay, "0.9us", "less than the smallest step"),
        (units.delay, "274877907us", "out of range: it can be 0ms to 274s"),
        (units.jitter, "2147484us", "out of range: it can be 0ms to 2147ms"),
        (units.percent, "0.0000001%", "less than the smallest step of a percentage"),
        (units.queue, "0.5p", "less than the smallest step of a queue length"),
        (units.size, "0.4b", "less than the smallest step of a size"),
        (units.rate, "mbit", "is not a rate"),
        (units.rate, "1.mbit", "is not a rate"),
        (units.rate, "-1mbit", "is not a rate"),
        (units.rate, "1e3mbit", "is not a rate"),
        (units.rate, "٣mbit", "is not a rate"),
        (units.rate, "9" * 5000 + "bit", "is not a rate"),
        (units.time, "20", "has no unit; a time takes one of ns, us, ms, s"),
        (units.time, "3000s", "out of range"),
        (units.size, "0b", "out of range"),
        (units.size, "100p", "unknown unit `p`"),
        (units.percent, "5", "has no unit; a percentage takes one of %"),
        (units.percent, "100.5%", "out of range"),
        (units.queue, "0p", "out of range"),
        (units.queue, "10", "has no unit; a queue length takes one of p, b"),
    ],
)
def test_refuses(read: Callable[[str], object], word: str, said: str) -> None:
    with pytest.raises(UnitError, match=said.replace("%", ".")):
        read(word)


@pytest.mark.parametrize("word", ["", "x", "1.5", "-1", "٣", "9" * 19, "0", "11"])
def test_numbers_are_whole_and_bounded(word: str) -> None:
    with pytest.raises(UnitError):
        units.number(word, 1, 10)


def test_numbers() -> None:
    assert [units.number(word, 1, 10) for word in ("1", "010", "10")] == [1, 10, 10]


@given(st.integers(8, 2**63 - 1).map(lambda bits: bits // 8 * 8))
def test_rates_come_back(bits: int) -> None:
    assert units.rate(units.format_rate(bits)) == bits


@given(st.integers(0, 2**31 - 1))
def test_times_come_back(microseconds: int) -> None:
    assert units.time(units.format_time(microseconds)) == microseconds


@given(st.integers(0, 100 * 10**6))
def test_percentages_come_back(millionths: int) -> None:
    assert units.percent(units.format_percent(millionths)) == millionths


@given(st.builds(Queue, st.integers(1, 2**31 - 1), st.booleans(), st.none(), st.just(value=False)))
def test_queues_come_back(length: Queue) -> None:
    assert units.queue(units.format_queue(length)) == length


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (units.rate, units.time, units.size, units.percent, units.queue):
        with suppress(UnitError):
            assert read(text) is not None


KINDS: dict[str, tuple[Callable[[str], object], set[str]]] = {
    "rate": (units.rate, set(units.RATES)),
    "time": (units.time, set(units.TIMES)),
    "delay": (units.delay, set(units.TIMES)),
    "jitter": (units.jitter, set(units.TIMES)),
    "size": (units.size, set(units.SIZES)),
    "queue length": (units.queue, set(units.SIZES) | {"p"}),
    "share": (units.percent, set(units.PERCENT)),
}


def test_the_reference_names_every_quantity() -> None:
    assert BOUNDS.keys() == KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_the_reference_tells_units_and_bounds(name: str) -> None:
    """Exactly the documented values are accepted."""
    (read, known), told = KINDS[name], BOUNDS[name]
    assert told.units == known
    (low, least), (high, most), (step, unit) = map(split, (told.least, told.most, told.step))
    assert read(f"{low}{least}") is not None
    assert read(f"{high}{most}") is not None
    assert read(f"{step * 3 / 2}{unit}") == read(told.step)
    beyond = [f"{high + (1 if name == 'rate' else step)}{most}", f"{step / 2}{unit}"]
    for word in (*beyond, *([f"{low - 1}{least}"] if low else [])):
        with pytest.raises(UnitError):
            read(word)


def split(word: str) -> tuple[Decimal, str]:
    """The number and the unit of a quantity."""
    found = re.fullmatch(r"([\d.]+)(\D+)", word)
    assert found
    return Decimal(found[1]), found[2]


@pytest.mark.parametrize("unit", units.TIMES)
def test_units_of_time_are_as_large_as_their_names(unit: str) -> None:
    """Each is a multiple of the next smaller one, as in tc(8)."""
    nanoseconds = {"n": 1, "u": 10**3, "m": 10**6, "s": 10**9}[unit[0]]
    assert units.time(f"2000{unit}") == 2 * nanoseconds
