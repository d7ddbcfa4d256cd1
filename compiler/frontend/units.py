"""Quantities in the units of tc(8), and how they are written back.

Everything is exact: a rate is whole bits a second, a time whole microseconds, a size whole bytes, a
probability whole millionths of a percent. What does not come out whole is rounded down.
"""

import re
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

TIMES = {"us": 1, "ms": 10**3, "s": 10**6}
TIMES |= {"usec": 1, "msec": 10**3, "sec": 10**6}
TIMES |= {"usecs": 1, "msecs": 10**3, "secs": 10**6}
"""Microseconds; tc(8) of iproute2 6.1 takes no finer unit."""

SIZES = {"b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
SIZES |= {"kbit": 2**10 // 8, "mbit": 2**20 // 8, "gbit": 2**30 // 8}
"""Bytes; as in tc(8), k, m and g are powers of 1024 in sizes and of 1000 in rates."""

PERCENT = {"%": 10**6}


class UnitError(ValueError):
    """A word that is no such quantity; the message is for the user, and so is the help where there is one."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class Queue(NamedTuple):
    """The length of a queue: a number of packets or of bytes."""

    amount: int
    packets: bool


def rate(word: str) -> int:
    """Bits a second: below 1 kbit a token bucket cannot be told its burst, and links end at 1 Tbit."""
    return _bounded(word, _quantity(word, "a rate", "mbit", RATES), 10**3, 10**12 + 1, "1kbit", "1tbit")


def time(word: str, unit: str = "ms") -> int:
    """Microseconds, less than 2^31 of them; `unit` is the likeliest of a number without one."""
    return _bounded(word, _quantity(word, "a time", unit, TIMES), 0, 2**31, "0ms", "2147s")


def seconds(word: str) -> int:
    """Microseconds that are whole seconds, at least one, less than 2^31 of them."""
    if (value := time(word, "s")) % TIMES["s"] or not value:
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
    """Bytes, at least 1 and under 2^31."""
    return _bounded(word, _quantity(word, "a size", "kb", SIZES), 1, 2**31, "1b", "2047mb")


def percent(word: str) -> int:
    """Millionths of a percent, 0 to 100 %."""
    value = _quantity(word, "a percentage", "%", PERCENT)
    return _bounded(word, value, 0, 100 * 10**6 + 1, "0%", "100%")


def queue(word: str) -> Queue:
    """`1000p` is packets, `64kb` bytes."""
    packets = word.lower().endswith("p")
    value = _quantity(word, "a queue length", "p", {"p": 1, **SIZES})
    return Queue(_bounded(word, value, 1, 2**31, "1p", "2147483647p or 2047mb"), packets)


def number(word: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`, without a unit."""
    if not re.fullmatch("[0-9]+", word) or len(word) > 18:
        digits = re.fullmatch("([0-9]{1,9})(?:b|bytes?|p)", word)
        raise UnitError(f"`{word}` is not a whole number", f"did you mean `{digits[1]}`?" if digits else "")
    return _bounded(word, int(word), low, high + 1, str(low), str(high))


def _quantity(word: str, what: str, unit: str, units: dict[str, int]) -> int:
    match = _NUMBER.fullmatch(word)
    if not match or len(word) > 40:
        message = f"`{word}` is not {what}: write a number and a unit, like `10{unit}`"
        raise UnitError(message, _mended(word, unit, units))
    whole, fraction, suffix = match.group(1), match.group(2) or "", match.group(3).lower()
    if suffix not in units:
        known = ", ".join(units)
        said = f"has the unknown unit `{match.group(3)}`" if suffix else "has no unit"
        raise UnitError(f"`{word}` {said}; {what} takes one of {known}", _mended(word, unit, units))
    return int(whole + fraction) * units[suffix] // int(10 ** len(fraction))


def _mended(word: str, unit: str, units: dict[str, int]) -> str:
    """What was meant by a quantity in another form."""
    from compiler.frontend.mends import did_you_mean, quantity

    return did_you_mean(quantity(word, unit, units)) if len(word) <= 40 else ""


def _mended_range(word: str) -> str:
    """What was meant by a range of times in another form."""
    from compiler.frontend.mends import did_you_mean, quantity

    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)(?:\.\.|-)([0-9.]+)([A-Za-z]*)", word)
    if not match or len(word) > 40:
        return ""
    unit = match[4] or match[2] or "ms"
    low, high = (
        quantity(number + own, unit, TIMES) for number, own in ((match[1], match[2]), (match[3], match[4]))
    )
    return did_you_mean(f"{low}..{high}") if low and high else ""


def bits_for_bytes(word: str) -> str:
    """The rate in bits that is often meant by one in bytes, `100mbit` by `100mbps`; or nothing."""
    match = _NUMBER.fullmatch(word)
    unit = match[3].lower() if match else ""
    return f"{word[: -len(unit)]}{unit[:-3]}bit" if unit.endswith("bps") and unit in RATES else ""


def _bounded(word: str, value: int, low: int, end: int, least: str, most: str) -> int:
    if low <= value < end:
        return value
    raise UnitError(f"`{word}` is out of range: it can be {least} to {most}")


def format_rate(bits: int) -> str:
    """`5000000` as `5mbit`: the largest unit that leaves a whole number."""
    return _format(bits, {"gbit": 10**9, "mbit": 10**6, "kbit": 10**3, "bit": 1})


def format_time(microseconds: int) -> str:
    """`20000` as `20ms`."""
    return _format(microseconds, {"s": 10**6, "ms": 10**3, "us": 1})


def format_percent(millionths: int) -> str:
    """`500000` as `0.5%`."""
    whole, rest = divmod(millionths, 10**6)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".") + "%"


def format_queue(length: Queue) -> str:
    """`1000p`, or a whole number of bytes: `65536b`."""
    return f"{length.amount}{'p' if length.packets else 'b'}"


def _format(value: int, units: dict[str, int]) -> str:
    name, factor = next((n, f) for n, f in units.items() if value % f == 0 and (value or f == 1))
    return f"{value // factor}{name}"
