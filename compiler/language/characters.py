"""Diagnostics for unexpected characters, with suggested fixes. Imported for errors only."""

import re
import unicodedata

from compiler.ground import mends
from compiler.ground.mends import did_you_mean
from compiler.language.complaints import CONNECTED, Complaint, Found, arrow, command

_HINTS = {
    "[": "brackets close on their line, and hold no others",
    "-": "a link is written `--`, and a name does not end in a hyphen",
    ";": "a newline ends a statement",
    "'": 'a string is written `"..."`',
    "*": "nodes are named one by one, or as a set `{a,b}` or `h[0..3]`; what is computed stands in brackets",
    "+": "what is computed stands in brackets, like `[n + 1]`",
    "\N{PLUS-MINUS SIGN}": "what a delay varies by is an attribute of its own: `delay 10ms jitter 5ms`",
}
"""Help lines for characters in the wrong place."""

_QUOTES = {"'": "'", "`": "`", "\u201c": "\u201d", "\u201d": "\u201d", "\u201e": "\u201c\u201d"}
_QUOTES |= {"\u2018": "\u2019", "\u2019": "\u2019", "\u00ab": "\u00bb", "\u2039": "\u203a"}
"""The closing marks of each quotation mark that this language does not have."""


def of_character(found: Found) -> Complaint:
    char = found.text
    if char == '"':
        help = 'a string ends on its line, and knows `\\"` and `\\\\`'
        return Complaint("MPC104", "this string is not closed", found.start, found.end, "opened here", help)
    for known in (
        command,
        _other_quotes,
        _at_most,
        arrow,
        _parentheses,
        _reference,
        _dots,
        _micro,
        _sum,
        _back,
    ):
        if said := known(found):
            return said
    return _character(found, found.end, _hint(found))


def _character(found: Found, end: int, help: str, start: int | None = None) -> Complaint:
    char = found.text
    shown = f"`{char}`" if char.isascii() else f"`{char}` (U+{ord(char):04X})"
    first = found.start if start is None else start
    return Complaint("MPC103", f"unexpected character {shown}", first, end, "has no meaning here", help)


def _hint(found: Found) -> str:
    char = found.text
    if char in _HINTS:
        if char == "-" and re.match(r"-\.?[0-9]", found.line_after):
            return "quantities have no sign"
        if char == "-" and found.head in ("sysctl", "run", "route"):
            return "statements have no options"
        return _HINTS[char]
    if char == "&" and found.head == "run":
        return "commands run beside each other by themselves"
    if char.isascii():
        return ""
    plain = unicodedata.normalize("NFKC", char)
    if unicodedata.category(char) in ("Zs", "Cf"):
        return "this is a space of another kind, or nothing that is seen: write a plain space, or take it out"
    if len(plain) == 1 and plain.isascii():
        return did_you_mean(plain)
    return "names are letters, digits and `_` of ASCII"


def _other_quotes(found: Found) -> Complaint | None:
    closing = _QUOTES.get(found.text)
    if closing is None:
        return None
    match = re.match(f"(.[^{re.escape(closing)}]*)([{re.escape(closing)}])", found.line_after)
    help = _HINTS["'"]
    if not match:
        return _character(found, found.end, help)
    inner = match[1][1:]
    if "STRING" not in found.expected and re.fullmatch(r"[\w:/%.-]+", inner, re.ASCII):
        return _character(found, found.start + match.end(), did_you_mean(inner))
    return _character(found, found.start + match.end(), did_you_mean(mends.quoted(inner)))


def _back(found: Found) -> Complaint | None:
    """`using tcp -R`, as iperf3 has it."""
    option = re.match(r"-R\b", found.line_after)
    if not option or "REVERSE" not in found.expected:
        return None
    return _character(found, found.start + option.end(), did_you_mean("reverse"))


def _at_most(found: Found) -> Complaint | None:
    """`rtt < 40ms`, and an upper bound of a rate."""
    if found.text not in "<>" or found.head != "expect":
        return None
    if found.before[1] == "rtt" and (match := re.match(r"<=?\s*([0-9.]+[a-z]+)", found.line_after)):
        return _character(found, found.start + match.end(), did_you_mean(f"0ms..{match[1]}"))
    if "_AT_LEAST" in found.expected and found.text == "<":
        return _character(found, found.end, "what is expected of a rate is a least: `rate >= 9mbit`")
    return None


def _parentheses(found: Found) -> Complaint | None:
    match = re.match(r"\(([^()]*)\)", found.line_after)
    if not match:
        return None
    inner, end = match[1].strip(), found.start + match.end()
    touches = re.search(r"[\w\]]$", found.line_before)
    if found.head in ("for", "if"):
        loop = "a loop is written `for i in 0..2 { ... }`"
        return _character(found, end, loop if ";" in inner else did_you_mean(inner))
    if touches and (meant := mends.range_of(inner)):
        return _character(found, end, did_you_mean(f"[{meant}]"))
    if listed := mends.list_of(inner):
        names, joint = listed[1:-1].split(","), CONNECTED.get(found.head, "")
        alone = len(names) == 2 and "--" not in found.line_after and "->" not in found.line_after
        return _character(found, end, did_you_mean(f" {joint} ".join(names) if joint and alone else listed))
    return _character(found, end, did_you_mean(inner) if inner and not touches else "")


def _reference(found: Found) -> Complaint | None:
    """`$n`, `${n}` and `$(n)` for `[n]`."""
    match = re.match(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))", found.line_after)
    if not match:
        return None
    return _character(found, found.start + match.end(), did_you_mean(f"[{match[1] or match[2] or match[3]}]"))


def _dots(found: Found) -> Complaint | None:
    """`.5%` for `0.5%`, and three dots or spaces in a range or between nodes."""
    if found.text not in (".", "\N{HORIZONTAL ELLIPSIS}"):
        return None
    match = re.match(r"\.[0-9]+[a-z%]*", found.line_after)
    if match and not re.search(r"\S$", found.line_before):
        return _character(found, found.start + match.end(), did_you_mean(f"0{match[0]}"))
    line, place = found.line_before + found.line_after, len(found.line_before)
    spaced = next(
        (m for m in re.finditer(r"(\d+[a-z]*)\s*\.{2,}\s*(\d+[a-z]+)", line) if m.start() <= place < m.end()),
        None,
    )
    if spaced:
        start, end = found.start - place + spaced.start(), found.start - place + spaced.end()
        return _character(found, end, did_you_mean(f"{spaced[1]}..{spaced[2]}"), start)
    if (dots := re.match("\\.+|\u2026", found.line_after)) and {"EITHER", "CLIENT"} & found.expected:
        joint = "--" if "EITHER" in found.expected else "->"
        if not re.search(r"\S$", found.line_before):
            return _character(found, found.start + dots.end(), did_you_mean(joint))
    head = re.search(r"\S*$", found.line_before)
    tail = re.match(r"\S*", found.line_after)
    assert head
    assert tail
    word = re.sub("\\.{3,}|\u2026", "..", head[0] + tail[0])
    if word == head[0] + tail[0] or not re.fullmatch(r"[\w:/%]+\.\.[\w:/%]+", word):
        return None
    start, end = found.start - len(head[0]), found.start + len(tail[0])
    return _character(found, end, did_you_mean(mends.names_of(word) or word), start)


def _micro(found: Found) -> Complaint | None:
    """Microseconds written with a mu."""
    match = re.search(r"[0-9.]+$", found.line_before)
    if found.text not in "\u00b5\u03bc" or not match or not found.line_after[1:].startswith("s"):
        return None
    return _character(found, found.start + 2, did_you_mean(f"{match[0]}us"), found.start - len(match[0]))


def _sum(found: Found) -> Complaint | None:
    """`param n = 4 + 1` for `param n = [4 + 1]`."""
    line = found.line_before + found.line_after
    match = re.search(r"\bparam\s+\w+\s*=\s*([^\"\[\]{}]+?)\s*$", line)
    if found.text not in "+*-(" or found.head != "param" or not match:
        return None
    start = found.start - len(found.line_before) + match.start(1)
    return _character(found, start + len(match[1]), did_you_mean(f"[{match[1]}]"), start)
