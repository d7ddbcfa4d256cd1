"""Quantities in the units of tc(8), read from text and written back.

Everything is exact: rates are whole bits a second, times whole microseconds, sizes whole bytes, probabilities
whole millionths of a percent. Fractions are rounded down; what would round to 0 is an error, as it would have
no effect.

The bounds are those that tc(8) of iproute2 6.1 accepts and the kernel keeps, by measurement
(tests/test_live_bounds.py).
"""

import re
from enum import StrEnum
from typing import NamedTuple

_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?([A-Za-z%]*)")

RATES = {
    "bit": 1,
    "kbit": 10**3,
    "mbit": 10**6,
    "gbit": 10**9,
    "tbit": 10**12,
    "kibit": 2**10,
    "mibit": 2**20,
    "gibit": 2**30,
    "tibit": 2**40,
    "bps": 8,
    "kbps": 8 * 10**3,
    "mbps": 8 * 10**6,
    "gbps": 8 * 10**9,
    "tbps": 8 * 10**12,
    "kibps": 8 * 2**10,
    "mibps": 8 * 2**20,
    "gibps": 8 * 2**30,
    "tibps": 8 * 2**40,
}
"""Bits a second; as in tc(8), `bps` is bytes a second."""

TIMES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
TIMES |= {"nsec": 1, "usec": 10**3, "msec": 10**6, "sec": 10**9}
TIMES |= {"nsecs": 1, "usecs": 10**3, "msecs": 10**6, "secs": 10**9}
"""Nanoseconds. Only whole microseconds are accepted, as tc(8) of iproute2 6.1 reads no less."""

SIZES = {"b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
SIZES |= {"kbit": 2**10 // 8, "mbit": 2**20 // 8, "gbit": 2**30 // 8}
"""Bytes; as in tc(8), k, m and g are powers of 1024 in sizes and of 1000 in rates."""

PERCENT = {"%": 10**6}

SMALLEST = {
    "a rate": "8bit",
    "a time": "1us",
    "a size": "1b",
    "a percentage": "0.000001%",
    "a queue length": "1p or 1b",
}
"""The least value of each quantity that is not 0."""


class UnitError(ValueError):
    """A malformed quantity; the message and the help, where there is one, are for the user."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Distribution(StrEnum):
    """How jitter is distributed, in the words of tc-netem(8); without one, uniformly."""

    NORMAL = "normal"
    PARETO = "pareto"
    PARETONORMAL = "paretonormal"


class Discipline(StrEnum):
    """A queueing discipline that drops before its queue is full, in the words of tc(8)."""

    FQ_CODEL = "fq_codel"
    CAKE = "cake"
    PIE = "pie"
    RED = "red"


class Queue(NamedTuple):
    """The length of a queue: a number of packets or of bytes.

    With a `discipline` that manages it, that is its limit, which nothing should reach; `ecn` is whether it
    marks packets, of connections that understand this, in place of dropping them.
    """

    amount: int
    packets: bool
    discipline: Discipline | None = None
    ecn: bool = False


def rate(word: str) -> int:
    """Bits a second, at least 8 and less than 2^63; whole bytes, as tc(8) and the kernel count."""
    value = _quantity(word, "a rate", "mbit", RATES)
    return _bounded(word, value, 8, 2**63, "8bit", "9223372tbit") // 8 * 8


def _time(word: str, unit: str = "ms") -> int:
    return _quantity(word, "a time", unit, TIMES, step=10**3)


def time(word: str, unit: str = "ms") -> int:
    """Microseconds, less than 2^31 of them; `unit` is suggested for a number without one."""
    return _bounded(word, _time(word, unit), 0, 2**31, "0ms", "2147s")


def delay(word: str) -> int:
    """Microseconds; netem takes a delay from tc(8) of iproute2 6.1 as a number of 64 ns units in 32 bits."""
    return _bounded(word, _time(word), 0, 2**32 * 64 // 1000 + 1, "0ms", "274s")


def jitter(word: str) -> int:
    """Microseconds; netem caps jitter at 2^31 - 1 ns, silently (get_stdev of net/sched/sch_netem.c)."""
    return _bounded(word, _time(word), 0, 2**31 // 1000 + 1, "0ms", "2147ms")


def seconds(word: str) -> int:
    """Microseconds that are whole seconds: at least one, and less than 2^31 of them."""
    if (value := time(word, "s")) % 10**6 or not value:
        raise UnitError(f"`{word}` is out of range: it can be 1s, 2s and so on")
    return value


def time_range(word: str) -> tuple[int, int]:
    """`40ms..44ms` as microseconds, both ends included."""
    low, dots, high = word.partition("..")
    if not dots:
        message = f"`{word}` is not a range of times: write both bounds, like `40ms..44ms`"
        raise UnitError(message, _mended_range(word))
    try:
        bounds = time(low), time(high)
    except UnitError as error:
        raise UnitError(str(error), _mended_range(word)) from None
    if bounds[0] > bounds[1]:
        raise UnitError(f"no time is in `{word}`: write the lower bound first")
    return bounds


def size(word: str) -> int:
    """Bytes, at least 1 and less than 2^32."""
    return _bounded(word, _quantity(word, "a size", "kb", SIZES), 1, 2**32, "1b", "4095mb")


def percent(word: str) -> int:
    """Millionths of a percent, 0 to 100 %."""
    value = _quantity(word, "a percentage", "%", PERCENT)
    return _bounded(word, value, 0, 100 * 10**6 + 1, "0%", "100%")


def queue(word: str) -> Queue:
    """A queue length: `1000p` is packets, `64kb` bytes. Or a discipline, whose limit is inferred."""
    if word in list(Discipline):
        return Queue(0, packets=True, discipline=Discipline(word))
    if re.fullmatch("[A-Za-z_]+", word):
        from compiler.ground.diagnostics import suggest

        kinds = ", ".join(Discipline)
        raise UnitError(
            f"`{word}` is no queue: it has a length, like `100p`, or is one of {kinds}",
            suggest(word, [*Discipline]),
        )
    packets = word.lower().endswith("p")
    value = _quantity(word, "a queue length", "p", {"p": 1, **SIZES})
    return Queue(_bounded(word, value, 1, 2**32, "1p", "4294967295p or 4095mb"), packets)


def distribution(word: str) -> Distribution:
    """The distribution of a jitter, by its name."""
    if word in list(Distribution):
        return Distribution(word)
    from compiler.ground.diagnostics import suggest

    kinds = ", ".join(Distribution)
    raise UnitError(f"`{word}` is no distribution: it is one of {kinds}", suggest(word, [*Distribution]))


def number(word: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`, without a unit."""
    if not re.fullmatch("[0-9]+", word) or len(word) > 18:
        digits = re.fullmatch("([0-9]{1,9})(?:b|bytes?|p)", word)
        raise UnitError(f"`{word}` is not a whole number", f"did you mean `{digits[1]}`?" if digits else "")
    return _bounded(word, int(word), low, high + 1, str(low), str(high))


def _quantity(word: str, what: str, unit: str, units: dict[str, int], step: int = 1) -> int:
    """A quantity in whole steps, rounded down; `units` and `step` are in the same base unit."""
    match = _NUMBER.fullmatch(word)
    if not match or len(word) > 40:
        message = f"`{word}` is not {what}: write a number and a unit, like `10{unit}`"
        raise UnitError(message, _mended(word, unit, units))
    whole, fraction, suffix = match.group(1), match.group(2) or "", match.group(3).lower()
    if suffix not in units:
        known = ", ".join(units)
        said = f"has the unknown unit `{match.group(3)}`" if suffix else "has no unit"
        raise UnitError(f"`{word}` {said}; {what} takes one of {known}", _mended(word, unit, units))
    exact = int(whole + fraction) * units[suffix]
    value = exact // int(step * 10 ** len(fraction))
    if exact and not value:
        raise UnitError(f"`{word}` is less than the smallest step of {what}, which is {SMALLEST[what]}")
    return value


def _mended(word: str, unit: str, units: dict[str, int]) -> str:
    """A help line for a quantity in another notation."""
    from compiler.ground.mends import did_you_mean, quantity

    return did_you_mean(quantity(word, unit, units)) if len(word) <= 40 else ""


def _mended_range(word: str) -> str:
    """A help line for a range of times in another notation."""
    from compiler.ground.mends import did_you_mean, quantity

    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)(?:\.\.|-)([0-9.]+)([A-Za-z]*)", word)
    if not match or len(word) > 40:
        return ""
    unit = match[4] or match[2] or "ms"
    low, high = (
        quantity(number + own, unit, TIMES) for number, own in ((match[1], match[2]), (match[3], match[4]))
    )
    return did_you_mean(f"{low}..{high}") if low and high else ""


def bits_for_bytes(word: str) -> str:
    """The rate in bits that a rate in bytes is often meant for, `100mbit` for `100mbps`; or an empty text."""
    match = _NUMBER.fullmatch(word)
    unit = match[3].lower() if match else ""
    return f"{word[: -len(unit)]}{unit[:-3]}bit" if unit.endswith("bps") and unit in RATES else ""


def _bounded(word: str, value: int, low: int, end: int, least: str, most: str) -> int:
    if low <= value < end:
        return value
    raise UnitError(f"`{word}` is out of range: it can be {least} to {most}")


def format_rate(bits: int) -> str:
    """`5000000` as `5mbit`: in the largest unit that gives a whole number."""
    return _format(bits, {"gbit": 10**9, "mbit": 10**6, "kbit": 10**3, "bit": 1})


def format_time(microseconds: int) -> str:
    """`20000` as `20ms`."""
    return _format(microseconds, {"s": 10**6, "ms": 10**3, "us": 1})


def format_percent(millionths: int) -> str:
    """`500000` as `0.5%`."""
    whole, rest = divmod(millionths, 10**6)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".") + "%"


def format_queue(length: Queue) -> str:
    """`1000p`, or whole bytes: `65536b`; a discipline as it is written."""
    if length.discipline:
        return f"{length.discipline}{' ecn' * length.ecn}"
    return f"{length.amount}{'p' if length.packets else 'b'}"


def _format(value: int, units: dict[str, int]) -> str:
    name, factor = next((n, f) for n, f in units.items() if value % f == 0 and (value or f == 1))
    return f"{value // factor}{name}"
