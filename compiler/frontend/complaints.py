"""What is said of a syntax error: the sentence, the place, and what was meant. Read for errors only."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from compiler.frontend import foreign, mends, units
from compiler.frontend.diagnostics import nearest, suggest
from compiler.frontend.mends import did_you_mean
from compiler.frontend.source import Source

PLANNED = frozenset("container bond teql tunnel machine place".split())
"""Statements of the language that this version does not have yet."""

NOUNS = {
    "lab": "a name",
    "pool": "a prefix, like `10.0.0.0/8`",
    "host": "a node's name",
    "router": "a node's name",
    "switch": "a switch's name",
    "profile": "a profile's name",
    "link": "a node",
    "--": "a node",
    "->": "a node",
    "shape": "a node",
    "route": "a node",
    "to": "a node, an interface, a prefix or `default`",
    "via": "a neighbour or its interface",
    "mptcp": "a node",
    "endpoints": "an interface, like `a:b`",
    "sysctl": "a node",
    "masquerade": "a node",
    "out": "a node",
    "expect": "a node",
    "rtt": "a range of times, like `40ms..44ms`",
    ">=": "a rate, like `9mbit`",
    "bench": "a node",
    "_DURING": "a time, like `10s`",
    "tcp": "a number of flows",
    "udp": "a number of flows",
    "at": "a time, like `10s`",
    "down": "a node",
    "up": "a node",
    "run": "a node",
    "env": "a variable's name",
    "{": "a node",
    "netns": "a name",
    "address": "an address, like `10.9.9.1/32`",
    "subnet": "a prefix, like `10.0.0.0/30`",
    "rate": "a rate, like `10mbit`",
    "delay": "a time, like `20ms`",
    "jitter": "a time, like `20ms`",
    "queue": "a length, like `1000p` or `64kb`",
    "burst": "a size, like `16kb`",
    "=": "a value",
    "param": "a param's name",
    "for": "a variable's name",
    "use": 'a file, like `"rack.topo"` or `std/ring`',
    "as": "a name",
    "with": "a param",
}
"""What a word after a keyword is; a keyword that means two things stands by the name of its terminal."""

STATEMENTS = (
    "lab pool profile default host router switch link shape routing route mptcp sysctl masquerade"
    " expect bench at run param for if use"
).split()

ATTRIBUTES = "rate delay jitter loss duplicate corrupt reorder queue burst mtu cost subnet address".split()

ENDINGS = {"_NL", "$END"}

_SIGNS = {"LBRACE": "{", "RBRACE": "}", "COMMA": ",", "EQUAL": "=", "EITHER": "--", "CLIENT": "->"}
_SIGNS |= {"STRING": '"..."', "OVER": "in", "_AT_LEAST": ">=", "_DURING": "for"}

_HINTS = {
    "[": "brackets close on their line, and hold no others",
    "-": "a link is written `--`, and a name does not end in a hyphen",
    ";": "a newline ends a statement",
    "'": 'a string is written `"..."`',
    "*": "nodes are named one by one, or as a set `{a,b}` or `h[0..3]`; what is computed stands in brackets",
    "+": "what is computed stands in brackets, like `[n + 1]`",
    "\N{PLUS-MINUS SIGN}": "what a delay varies by is an attribute of its own: `delay 10ms jitter 5ms`",
}
"""Mends for characters in the wrong place."""

_MISPLACED = {
    "{": "a block opens on the line of its `for`, `if` or `else`",
    "}": "no block is open here",
}
"""Mends for braces where a statement could start."""

_INSERTED = "EITHER CLIENT COMMA TO VIA IN EQUAL BY USING WITH AS ENV OUT LINK".split()
"""What is easily left out, the first that fits first."""

_COUNTED = {"WEIGHT": "weight", "PORT": "port"}
"""What can be left out before a number."""

_QUANTITIES: dict[str, tuple[str, dict[str, int]]] = {
    "rate": ("mbit", units.RATES),
    ">=": ("mbit", units.RATES),
    **dict.fromkeys(("delay", "jitter"), ("ms", units.TIMES)),
    **dict.fromkeys(("at", "for"), ("s", units.TIMES)),
    **dict.fromkeys(("loss", "duplicate", "corrupt", "reorder"), ("%", units.PERCENT)),
    "queue": ("p", {"p": 1, **units.SIZES}),
    "burst": ("kb", units.SIZES),
}
"""The unit of a bare number, and all units, by the keyword before."""

_CONNECTED = {"link": "--", "mptcp": "--", "shape": "->", "expect": "->", "bench": "->"}
"""What stands between the nodes of a statement."""

_QUOTES = {"'": "'", "`": "`", "\u201c": "\u201d", "\u201d": "\u201d", "\u201e": "\u201c\u201d"}
_QUOTES |= {"\u2018": "\u2019", "\u2019": "\u2019", "\u00ab": "\u00bb", "\u2039": "\u203a"}
"""Quotation marks that are none here, and what closes them."""

_ARROW = re.compile("[-<>=~\u2010-\u2015\u2190-\u21ff\u2212\u27f5-\u27ff\u2794\u279c]+")
"""A sign that is to join two nodes, in ASCII or drawn."""


class Found(NamedTuple):
    """A syntax error: what stands where, and what could.

    `kind` is the name of its terminal, or nothing for a character that begins none. `before` is the terminal and the
    text of the word before, where that is the last that was read. `fits` tells whether a terminal could stand here,
    with another one after it.
    """

    source: Source
    start: int
    text: str
    kind: str
    expected: frozenset[str]
    before: tuple[str, str]
    head: str
    fits: Callable[[str, str], bool]

    @property
    def line_before(self) -> str:
        """The text of the line before this place."""
        text = self.source.text
        return text[text.rfind("\n", 0, self.start) + 1 : self.start]

    @property
    def line_after(self) -> str:
        """The text of the line from this place on, without a comment."""
        end = self.source.text.find("\n", self.start)
        line = self.source.text[self.start : None if end < 0 else end].removesuffix("\r")
        return re.sub(r'^((?:"(?:[^"\\]|\\.)*"|[^"#])*)#.*', r"\1", line).rstrip()

    @property
    def end(self) -> int:
        return self.start if self.kind in ENDINGS else self.start + len(self.text)


class Complaint(NamedTuple):
    """A diagnostic, with the offsets of its place."""

    code: str
    message: str
    start: int
    end: int
    label: str
    help: str


def complaint(found: Found) -> Complaint:
    """What is said of a syntax error."""
    if not found.kind:
        return _of_character(found)
    if "HOST" in found.expected or (found.kind == "RBRACE" and found.expected <= ENDINGS):
        return _unknown_statement(found)
    return next(_special(found), None) or _unexpected(found)


def _special(found: Found) -> Iterator[Complaint]:
    """What is known better than by what could stand there."""
    for known in (_unit_apart, _assigned, _command, _arrow, _unquoted):
        if said := known(found):
            yield said
    if "JITTER" in found.expected and found.kind == "WORD":
        yield _attribute(found)


def _unexpected(found: Found) -> Complaint:
    """What could stand here, and what is near it."""
    shown = "the end of the line" if found.kind in ENDINGS else f"`{found.text}`"
    message = f"expected {_wanted(found.expected, found.before)}, found {shown}"
    return Complaint("MPC102", message, found.start, found.end, "not expected", _help(found))


def _help(found: Found) -> str:
    if found.kind in ENDINGS:
        return _help_at_the_end(found)
    keywords = sorted(_keyword(name) for name in found.expected if name.strip("_").isalpha() and name != "WORD")
    near = nearest(found.text, [word.lstrip("_") for word in keywords])
    if near and near != found.text:
        return did_you_mean(near)
    return _foreign_keyword(found, keywords) or _inserted(found) or _sign_help(found)


def _foreign_keyword(found: Found, keywords: list[str]) -> str:
    """The keyword that others write like this word, of those that could stand here."""
    words = foreign.KEYWORDS
    lowered = found.text.lower()
    for our in keywords:
        if lowered in words.ours.get(our, "").split():
            return did_you_mean("for" if our == "_during" else our, words.why.get(our, ""))
    relevant = {"not": "reachable", "iperf": "tcp", "iperf3": "tcp"}
    return words.help(lowered) if relevant.get(lowered) in keywords else ""


def _inserted(found: Found) -> str:
    """What was left out before a word that could follow it."""
    if found.kind not in ("WORD", "STRING") and not found.text.isalnum():
        return ""
    if "OVER" in found.expected and found.kind == "WORD":
        return did_you_mean(f"in {found.text}")
    if found.text.isdigit():
        for name, word in _COUNTED.items():
            if name in found.expected and found.fits(name, "WORD"):
                return did_you_mean(f"{word} {found.text}")
    for name in _INSERTED:
        if name in found.expected and found.before[1] != _shown(name) and _follows(found, name):
            return did_you_mean(f"{_shown(name)} {found.text}")
    return ""


def _follows(found: Found, name: str) -> bool:
    """Whether the word could stand after a terminal, be it as a keyword or as a word that is none."""
    if found.fits(name, found.text.upper()):
        return True
    return found.text not in NOUNS and found.fits(name, found.kind)


def _sign_help(found: Found) -> str:
    attributes = "JITTER" in found.expected
    if found.text == ",":
        if attributes:
            return "attributes stand apart by spaces"
        return "names stand apart by spaces, or in braces: `{a,b}`; next hops and endpoints by commas"
    if found.text == "{" and attributes and found.head in ("link", "profile", "default", "shape"):
        return "attributes stand on the line of their statement, without braces"
    if found.kind == "STRING" and found.head == "run":
        return 'the node stands first: `run a "COMMAND"`'
    if found.head == "at" and "SHAPE" in found.expected:
        return "an event is `down a -- b`, `up a -- b` or `shape a -> b ATTRIBUTES`"
    return {"{": "only one name can stand here", "-": _HINTS["-"], "elif": "write `else if`"}.get(found.text, "")


def _help_at_the_end(found: Found) -> str:
    if "LBRACE" in found.expected and found.head in ("for", "if", "else"):
        return "what belongs to it stands in braces that open on this line: `{ ... }`"
    if found.before[1] in ("forward", "stp"):
        return f"write `{found.before[1]} on`"
    if "SUBFLOW" in found.expected:
        return "say what each endpoint is for, like `a:b subflow`"
    return ""


def _unknown_statement(found: Found) -> Complaint:
    text = found.text
    message, label, help = f"unknown statement `{text}`", "no statement starts so", ""
    if text in PLANNED:
        message = f"`{text}` is not in this version of mpc yet"
        label = "a statement of the language that is not built"
    elif found.kind != "WORD":
        message = f"expected a statement, found `{text}`"
        help = _MISPLACED.get(text, "a line that goes on in the next one ends in `\\`")
    elif text == "else":
        message, help = "this `else` follows no `if`", "it stands on the line of the `}` before it"
    else:
        help = _meant_statement(found)
    return Complaint("MPC101", message, found.start, found.end, label, help)


def _meant_statement(found: Found) -> str:
    rest = found.line_after[len(found.text) :].lstrip()
    if rest.startswith("=") and found.text.isidentifier():
        return did_you_mean(f"param {found.text}")
    if rest.startswith("--") and found.text.lower() not in ("link", "mptcp"):
        return foreign_or_near(found.text) or did_you_mean(f"link {found.text}")
    return foreign_or_near(found.text)


def foreign_or_near(word: str) -> str:
    """The statement that a word means."""
    return foreign.STATEMENTS.help(word) or suggest(word.rstrip(":"), STATEMENTS)


def _attribute(found: Found) -> Complaint:
    """A word where an attribute could stand; or the word before it, which was taken for a profile."""
    kind, before = found.before
    profiles = set(re.findall(r"(?:^|[{}])[ \t]*profile[ \t]+([\w-]+)", found.source.text, re.MULTILINE))
    taken = kind == "WORD" and found.head in ("link", "default", "shape", "at") and before not in profiles
    start = found.start - len(found.line_before) + found.line_before.rfind(before) if taken else found.start
    if taken and before in ("profile", "using", "template", "like") and found.text not in ATTRIBUTES:
        message = f"a profile stands by its name alone, without `{before}`"
        return Complaint("MPC102", message, start, found.end, "not an attribute", did_you_mean(found.text))
    if taken and (_meant_attribute(before) or not _meant_attribute(found.text)):
        return _unknown_attribute(before, start, found)
    if found.text in profiles:
        message, help = f"the profile `{found.text}` stands after an attribute", "its name stands before all"
        return Complaint("MPC102", message, found.start, found.end, "not an attribute", help)
    return _second_value(found) or _unknown_attribute(found.text, found.start, found)


def _second_value(found: Found) -> Complaint | None:
    """`delay 10ms 5ms`, as tc(8) has it, and two rates."""
    match = re.search(r"\b(delay|rate|loss|jitter) +(\S+) +$", found.line_before)
    if not match or not re.fullmatch(r"[0-9.]+[A-Za-z%]*", found.text):
        return None
    help = {
        "delay": did_you_mean(f"jitter {mends.quantity(found.text, 'ms', units.TIMES)}")
        if mends.quantity(found.text, "ms", units.TIMES)
        else "",
        "rate": "a link has the same rate both ways; `shape a -> b rate 5mbit` sets one way",
    }.get(match[1], "")
    message = f"`{match[1]}` has two values"
    return Complaint("MPC102", message, found.start, found.end, "the second one", help)


def _meant_attribute(word: str) -> str:
    return foreign.LINK_ATTRIBUTES.help(word) or suggest(word.rstrip(":"), ATTRIBUTES)


def _unknown_attribute(word: str, start: int, found: Found) -> Complaint:
    message, end = f"unknown attribute `{word}`", start + len(word)
    help = _meant_attribute(word) or f"attributes are {', '.join(ATTRIBUTES)}"
    our = foreign.LINK_ATTRIBUTES.our(word)
    rest = re.match(r"[ \t]+([0-9.]+)(?![\w%./:])", found.source.text[end : end + 100])
    if our in foreign.MININET and rest:
        help, end = did_you_mean(f"{our} {rest[1]}{foreign.MININET[our]}"), end + rest.end()
    return Complaint("MPC102", message, start, end, "not an attribute", help)


def _unit_apart(found: Found) -> Complaint | None:
    """`100 mbit`, which is one word."""
    match = re.search(r"(\S+)\s+([0-9.]+)[ \t]+$", found.line_before)
    if found.kind != "WORD" or not match or not re.fullmatch(r"[A-Za-z/]+|%", found.text):
        return None
    everything = ("", {**units.RATES, **units.TIMES, **units.SIZES, **units.PERCENT, "p": 1})
    own, known = _QUANTITIES.get(match[1], everything)
    meant = mends.quantity(match[2] + found.text, own, known)
    if not meant:
        return None
    start = found.start - len(found.line_before) + match.start(2)
    message = "a number and its unit are one word"
    return Complaint("MPC102", message, start, found.end, "two words", did_you_mean(meant))


def _assigned(found: Found) -> Complaint | None:
    """`rate=10mbit`, which has a space for the sign."""
    match = re.search(r"([\w-]+)\s*$", found.line_before)
    value = re.match(r"""=\s*["']?([^\s,;"'{}#]+)["']?""", found.line_after)
    if found.text != "=" or not match or not value or "OVER" in found.expected:
        return None
    word = match[1]
    our = word if found.before[0] not in ("WORD", "") else foreign.LINK_ATTRIBUTES.our(word)
    if word in STATEMENTS or not our or ("JITTER" not in found.expected and our != word):
        return None
    text = value[1]
    if our in _QUANTITIES:
        unit, known = _QUANTITIES[our]
        text = mends.quantity(text, foreign.MININET.get(our, unit), known) or text
    start = found.start - len(found.line_before) + match.start(1)
    message = f"`{word}` and its value stand apart by a space"
    return Complaint("MPC102", message, start, found.start + value.end(), "no `=` here", did_you_mean(f"{our} {text}"))


def _command(found: Found) -> Complaint | None:
    """`run a sleep 5`, whose command is to be a string."""
    line = found.line_before + found.line_after
    match = re.search(r"(?:^|\{)\s*run\s+(?:\{[^}]*\}|[^\s\"'{}]+)\s+([^\"\u201c'{}]+?)\s*$", line)
    if found.head != "run" or not match or match.start(1) > len(found.line_before):
        return None
    start = found.start - len(found.line_before) + match.start(1)
    help = did_you_mean(mends.quoted(match[1]))
    message = "a command of several words is a string"
    return Complaint("MPC102", message, start, start + len(match[1]), "several words", help)


def _arrow(found: Found) -> Complaint | None:
    """`<->`, `=>`, a long dash and others where `--` or `->` joins two nodes; `=>` for `>=`."""
    line = found.line_before + found.line_after
    place = len(found.line_before)
    sign = next((m for m in _ARROW.finditer(line) if m.start() <= place < m.end()), None)
    if sign is None or (sign[0] == "=" and "_AT_LEAST" not in found.expected):
        return None
    start = found.start - place + sign.start()
    meant = _joint(found, sign[0], sign.start() < place)
    if not meant or meant == sign[0]:
        return None
    message = f"expected `{meant}`, found `{sign[0]}`"
    why = foreign.KEYWORDS.why.get(meant, "")
    code = "MPC102" if found.kind else "MPC103"
    return Complaint(code, message, start, start + len(sign[0]), "not expected", did_you_mean(meant, why))


def _joint(found: Found, sign: str, begun: bool) -> str:
    """What a sign is to be; `begun` is whether its start was read as a sign already."""
    if "_AT_LEAST" in found.expected:
        return "" if "<" in sign else ">="
    if begun:
        joint = _CONNECTED.get(found.head, "")
        return "->" if found.head == "mptcp" and ">" in sign and "<" not in sign else joint
    either, client = "EITHER" in found.expected, "CLIENT" in found.expected
    if either and client:
        return "->" if re.search("[>\u2192\u21d2\u27f6\u2794\u279c]", sign) and "<" not in sign else "--"
    return "--" if either else "->" if client else ""


def _unquoted(found: Found) -> Complaint | None:
    """A string where a word is to be."""
    if found.kind != "STRING" or "WORD" not in found.expected:
        return None
    inner = found.text[1:-1]
    if not re.fullmatch(r"[\w:/%]+(?:(?:\.\.?|-)[\w:/%]+)*", inner, re.ASCII):
        return None
    message = f"expected {_wanted(found.expected, found.before)}, found a string"
    return Complaint("MPC102", message, found.start, found.end, "in quotes", did_you_mean(inner))


def _of_character(found: Found) -> Complaint:
    char = found.text
    if char == '"':
        help = 'a string ends on its line, and knows `\\"` and `\\\\`'
        return Complaint("MPC104", "this string is not closed", found.start, found.end, "opened here", help)
    for known in (_command, _other_quotes, _at_most, _arrow, _parentheses, _reference, _dots, _micro, _sum):
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
        return _HINTS[char]
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


def _at_most(found: Found) -> Complaint | None:
    """`rtt < 40ms`, and a rate that is to be no more than something."""
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
        return _character(found, end, "write it without parentheses: `for i in 0..3 { ... }`")
    if touches and (meant := mends.range_of(inner)):
        return _character(found, end, did_you_mean(f"[{meant}]"))
    if listed := mends.list_of(inner):
        return _character(found, end, did_you_mean(listed))
    return _character(found, end, did_you_mean(inner) if inner and not touches else "")


def _reference(found: Found) -> Complaint | None:
    """`$n`, `${n}` and `$(n)`, which are brackets here."""
    match = re.match(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))", found.line_after)
    if not match:
        return None
    return _character(found, found.start + match.end(), did_you_mean(f"[{match[1] or match[2] or match[3]}]"))


def _dots(found: Found) -> Complaint | None:
    """`.5%`, and the three dots of a range."""
    if found.text not in (".", "\N{HORIZONTAL ELLIPSIS}"):
        return None
    if match := re.match(r"\.[0-9]+[a-z%]*", found.line_after):
        if not re.search(r"\S$", found.line_before):
            return _character(found, found.start + match.end(), did_you_mean(f"0{match[0]}"))
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
    """Microseconds with their Greek letter."""
    match = re.search(r"[0-9.]+$", found.line_before)
    if found.text not in "\u00b5\u03bc" or not match or not found.line_after[1:].startswith("s"):
        return None
    return _character(found, found.start + 2, did_you_mean(f"{match[0]}us"), found.start - len(match[0]))


def _sum(found: Found) -> Complaint | None:
    """`param n = 4 + 1`, which is computed in brackets."""
    line = found.line_before + found.line_after
    match = re.search(r"\bparam\s+\w+\s*=\s*([^\"\[\]{}]+?)\s*$", line)
    if found.text not in "+*-(" or found.head != "param" or not match:
        return None
    start = found.start - len(found.line_before) + match.start(1)
    return _character(found, start + len(match[1]), did_you_mean(f"[{match[1]}]"), start)


def _wanted(expected: frozenset[str], before: tuple[str, str]) -> str:
    """What could stand there, in the user's words."""
    noun = NOUNS.get(before[0], NOUNS.get(before[1], "a word"))
    words = [noun] if "WORD" in expected else []
    sets = {"LBRACE"} if "WORD" in expected else set()
    words += sorted({f"`{_shown(name)}`" for name in expected - {"WORD", *sets, *ENDINGS}})
    words += ["the end of the line"] if expected & ENDINGS else []
    if len(words) == 1:
        return words[0]
    return "one of " + ", ".join(words[:-1]) + " or " + words[-1]


def _shown(terminal: str) -> str:
    return _SIGNS.get(terminal, terminal.lower())


def _keyword(terminal: str) -> str:
    """The word of a terminal, by which the tables know it."""
    return "_during" if terminal == "_DURING" else _shown(terminal)
