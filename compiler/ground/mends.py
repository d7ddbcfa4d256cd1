"""Suggested fixes for malformed text: quantities, ranges, quotes, arrows. Imported for errors only.

A fix offered as "did you mean `X`?" replaces the marked span, and the error is then gone.
"""

import re
from collections.abc import Collection

from compiler.ground.foreign import UNITS

_QUANTITY = re.compile(r"([0-9]*\.?[0-9]+)\s*([A-Za-z%/\u00b5\u03bc]*)")
_BOUNDS = r"([0-9]+|[A-Za-z][A-Za-z0-9_]*)"
_RANGE = re.compile(rf"\s*\[?\s*{_BOUNDS}\s*(?:\.\.\.+|\.\.=|\.\.|:|-|to|\u2026|\u2013)\s*{_BOUNDS}\s*\]?\s*")
_CALL = re.compile(rf"\s*range\(\s*(?:{_BOUNDS}\s*,\s*)?{_BOUNDS}\s*\)\s*")
_LIST = re.compile(r"\s*[\[(]?\s*(\w+(?:\s*[,;]\s*\w+)+)\s*[\])]?\s*")
_NAMES = re.compile(r"([A-Za-z][A-Za-z0-9_-]*?)([0-9]+)(?:\.\.+|-)(?:([A-Za-z][A-Za-z0-9_-]*?)?)([0-9]+)")


def did_you_mean(text: str, why: str = "") -> str:
    return f"did you mean `{text}`? {why}".rstrip() if text else ""


def quantity(word: str, unit: str, units: Collection[str]) -> str:
    """A quantity in our notation, or an empty text; a bare number gets `unit`; `units` are allowed."""
    match = _QUANTITY.fullmatch(word.replace("_", ""))
    if not match:
        return ""
    number, suffix = match.groups()
    number = f"0{number}" if number.startswith(".") else number
    suffix = suffix.lower().replace("\u00b5", "u").replace("\u03bc", "u")
    if not suffix:
        return number + unit
    if suffix in ("min", "mins", "minute", "minutes") and "s" in units and number.isdigit():
        return f"{60 * int(number)}s"
    if suffix in units:
        return number + suffix
    ours = (our for our, theirs in UNITS.items() if our in units and suffix in theirs.split())
    return next((number + our for our in ours), "")


def range_of(text: str) -> str:
    """The range that another language's notation means, without brackets, or an empty text."""
    if match := _CALL.fullmatch(text):
        low, end = match[1] or "0", match[2]
        return f"{low}..{int(end) - 1}" if end.isdigit() else f"{low}..{end}-1"
    if match := _RANGE.fullmatch(text):
        return f"{match[1]}..{match[2]}"
    return ""


def list_of(text: str) -> str:
    """The list that `[1,2]`, `(1,2)` or `1,2` means, or an empty text."""
    match = _LIST.fullmatch(text)
    return "{" + ",".join(re.split(r"\s*[,;]\s*", match[1])) + "}" if match else ""


def names_of(word: str) -> str:
    """The set that `h1..3`, `h1..h3` or `h1-h3` means, or an empty text."""
    match = _NAMES.fullmatch(word)
    if not match or match[3] not in (None, "", match[1]) or int(match[2]) >= int(match[4]):
        return ""
    return f"{match[1]}[{match[2]}..{match[4]}]"


def formula_of(text: str, *, in_brackets: bool) -> str:
    """The range, or the list of a `for`, that a malformed expression means; or an empty text."""
    return range_of(text) or ("" if in_brackets else list_of(text))


def in_braces(words: Collection[str], before: str) -> str:
    """A replacement for braces that touch a word."""
    if len(words) == 1:
        (word,) = words
        return did_you_mean(f"[{range_of(word) or word}]")
    return f"list whole names: `{{{','.join(before + word for word in words)}}}`"


def name(word: str) -> str:
    """A help line for a word that is not a valid name."""
    if word in ("//", "/"):
        return did_you_mean("#", "A comment begins with it")
    stripped = word.rstrip(":")
    return did_you_mean(names_of(word) or (stripped if stripped != word and stripped.isidentifier() else ""))


def sysctl(key: str) -> str:
    """The dotted key of a sysctl that is written as a path, or without `net.`."""
    dotted = key.removeprefix("/proc/sys/").strip("/")
    dotted = dotted.replace("/", ".") if "." not in dotted else dotted
    dotted = f"net.{dotted}" if dotted.split(".")[0] in ("ipv4", "ipv6", "core", "mptcp") else dotted
    return did_you_mean(dotted if dotted != key and dotted.startswith("net.") else "")


def quoted(text: str) -> str:
    """A text as a string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
