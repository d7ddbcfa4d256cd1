"""Diagnostics for unexpected tokens, with suggested fixes.

Imported for errors only; `characters.py` has those for characters that begin no token.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from compiler.ground import foreign, mends, units
from compiler.ground.diagnostics import nearest, suggest
from compiler.ground.mends import did_you_mean
from compiler.ground.source import Source
from compiler.language.syntax import LINK_ATTRIBUTES

NOUNS = {
    "lab": "a name",
    "pool": "a prefix, like `10.0.0.0/8`",
    "host": "a node's name",
    "router": "a node's name",
    "switch": "a switch's name",
    "container": "a node's name",
    "image": 'an image, like `"localhost/redis:7"`',
    "mptcpize": "`on` or `off`",
    "attach": "the name of a container that runs",
    "command": "a command in quotes",
    "options": 'options of `podman run` or `docker run`, like `"--memory 1g"`',
    "ready": "a port, or a command in quotes",
    "engine": "`podman` or `docker`",
    "inside": "a command in quotes",
    "profile": "a profile's name",
    "link": "a node",
    "--": "a node",
    "->": "a node",
    "tunnel": "a node",
    "kind": "`vxlan`, `gre` or `ipip`",
    "bond": "a node",
    "teql": "a node",
    "over": "an interface, like `a:b`",
    "mode": "the mode of a bond, like `balance-rr`",
    "shape": "a node",
    "route": "a node",
    "to": "a node, an interface, a prefix or `default`",
    "via": "a neighbour or its interface",
    "spray": "a node",
    "weights": "a node or an interface that a path goes over",
    "mptcp": "a node",
    "endpoints": "an interface, like `a:b`",
    "sysctl": "a node",
    "masquerade": "a node",
    "out": "a node",
    "forward": "a node",
    **dict.fromkeys(("forward tcp", "forward udp"), "a port, like `8080`"),
    "uplink": "a node",
    "uplink to": "an interface of this machine, like `eth0`",
    "forward to": "a node and a port, like `web:80`",
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
    "capture": "an interface, like `a:b`",
    "device": "an interface, like `a:wg0`",
    "snap": "a number of bytes, like `128`",
    "machine": "a name",
    "ssh": 'a host in quotes, like `"root@192.0.2.1"`',
    "place": "a node",
    "env": "a variable's name",
    "{": "a node",
    "netns": "a name",
    "address": "an address, like `10.9.9.1/32`",
    "anycast": "an address, like `192.0.2.53`",
    "subnet": "a prefix, like `10.0.0.0/30`",
    "rate": "a rate, like `10mbit`",
    "delay": "a time, like `20ms`",
    "jitter": "a time, like `20ms`",
    "distribution": "`normal`, `pareto` or `paretonormal`",
    "slot": "a time, like `10ms`",
    "overhead": "a number of bytes, like `24`",
    "queue": "a length, like `1000p` or `64kb`, or a discipline, like `fq_codel`",
    "burst": "a size, like `16kb`",
    "=": "a value",
    "param": "a param's name",
    "for": "a variable's name",
    "use": 'a file, like `"rack.topo"` or `std/ring`',
    "as": "a name",
    "with": "a param",
    **dict.fromkeys(("loss", "duplicate", "corrupt", "reorder"), "a share, like `1%`"),
    "mtu": "a number of bytes, like `1500`",
    "vni": "a number, like `5001`",
    "mac": "a MAC address, like `02:00:00:00:00:01`",
    "vrf": "the name of a VRF",
    "dev": "an interface, like `a:b`",
    "from": "a prefix, like `10.1.0.0/16`",
    **dict.fromkeys(("vlan", "trunk"), "a number, like `10`"),
    **dict.fromkeys(("cost", "metric", "weight", "port", "subflows", "accept"), "a number"),
}
"""What the word after a keyword is; a keyword with two meanings is under the name of its terminal."""

STATEMENTS = (
    "lab pool profile default host router switch container link tunnel bond teql shape routing route"
    " spray mptcp sysctl masquerade forward uplink expect bench at run capture device machine place param for"
    " if use"
).split()

STATEMENT = "HOST"
"""A terminal that is expected where a statement can start, and nowhere else."""

ENDINGS = {"_NL", "$END"}

_SIGNS = {"LBRACE": "{", "RBRACE": "}", "COMMA": ",", "EQUAL": "=", "EITHER": "--", "CLIENT": "->"}
_SIGNS |= {
    "STRING": '"..."',
    "OVER": "in",
    "_AT_LEAST": ">=",
    "_DURING": "for",
    "_ACROSS": "over",
    "PER_PACKET": "per-packet",
}

_MISPLACED = {
    "{": "a block opens on the line of its `for`, `if` or `else`",
    "}": "no block is open here",
}
"""Help lines for braces where a statement could start."""

_INSERTED = "EITHER CLIENT _AT_LEAST COMMA TO VIA IN EQUAL SHORTEST BY USING WITH ENV AS OUT LINK".split()
"""Terminals that are easily left out; the first one that fits is suggested."""

_COUNTED = {"WEIGHT": "weight", "PORT": "port"}
"""Keywords that are easily left out before a number."""

_QUANTITIES: dict[str, tuple[str, dict[str, int]]] = {
    "rate": ("mbit", units.RATES),
    ">=": ("mbit", units.RATES),
    **dict.fromkeys(("delay", "jitter", "slot"), ("ms", units.TIMES)),
    **dict.fromkeys(("at", "for"), ("s", units.TIMES)),
    **dict.fromkeys(("loss", "duplicate", "corrupt", "reorder"), ("%", units.PERCENT)),
    "queue": ("p", {"p": 1, **units.SIZES}),
    "burst": ("kb", units.SIZES),
}
"""By the keyword before a quantity: the unit to suggest for a bare number, and all units."""

CONNECTED = {
    "link": "--",
    "tunnel": "--",
    "bond": "--",
    "teql": "--",
    "mptcp": "--",
    "spray": "--",
    "shape": "->",
    "expect": "->",
    "bench": "->",
}
"""The arrow between the nodes of a statement."""

_ARROW = re.compile("[-<>=~\u2010-\u2015\u2190-\u21ff\u2212\u27f5-\u27ff\u2794\u279c]+")
"""An arrow or a dash between two nodes, of ASCII or other characters."""


LOOKED_AT = 500
"""The characters of a line that are searched for a fix on either side of an error: a pattern that ends there
takes time quadratic in the length of the word before it."""


class Found(NamedTuple):
    """A syntax error: the unexpected token, its offset, and the terminals expected instead.

    `kind` is the token's terminal, empty for a character that begins none. `before` is the terminal and the
    text of the token before, if the parser has not reduced it; `head` is the keyword of the statement.
    `fits` tells whether a terminal could stand here, followed by a second one.
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
        """The text of the line before the error, at most the last LOOKED_AT characters."""
        text, least = self.source.text, max(0, self.start - LOOKED_AT)
        return text[max(least, text.rfind("\n", least, self.start) + 1) : self.start]

    @property
    def line_after(self) -> str:
        """The text of the line from the error on without its comment, at most LOOKED_AT characters."""
        most = self.start + LOOKED_AT
        end = self.source.text.find("\n", self.start, most)
        line = self.source.text[self.start : most if end < 0 else end].removesuffix("\r")
        return re.sub(r'^((?:"(?:[^"\\]|\\.)*"|[^"#])*)#.*', r"\1", line).rstrip()

    @property
    def end(self) -> int:
        return self.start if self.kind in ENDINGS else self.start + len(self.text)


class Complaint(NamedTuple):
    """A diagnostic with the offsets of its span."""

    code: str
    message: str
    start: int
    end: int
    label: str
    help: str


def of_word(found: Found) -> Complaint:
    """The diagnostic for an unexpected token."""
    if STATEMENT in found.expected or (found.kind == "RBRACE" and found.expected <= ENDINGS):
        return _unknown_statement(found)
    return next(_special(found), None) or _unexpected(found)


def _special(found: Found) -> Iterator[Complaint]:
    """The diagnostics of known mistakes, which say more than a list of the expected terminals."""
    for known in _KNOWN:
        if said := known(found):
            yield said
    if "JITTER" in found.expected and found.kind == "WORD":
        yield _attribute(found)


def _unexpected(found: Found) -> Complaint:
    """The diagnostic that lists the expected terminals."""
    shown = "the end of the line" if found.kind in ENDINGS else f"`{found.text}`"
    known = f"{found.head} {found.before[1]}"
    before = ("", known) if known in NOUNS else found.before
    message = f"expected {_wanted(found.expected, before)}, found {shown}"
    return Complaint("MPC102", message, found.start, found.end, "not expected", _help(found))


def _help(found: Found) -> str:
    if found.kind in ENDINGS:
        return _help_at_the_end(found)
    keywords = sorted(
        _keyword(name)
        for name in found.expected
        if (name.strip("_").isalnum() or name == "PER_PACKET") and name != "WORD"
    )
    if found.text in ("elif", "elseif", "elsif", "elsf") and "ELSE" in found.expected:
        return did_you_mean("else if")
    if found.head == "default" and found.text in ("gateway", "gw", "via", "route"):
        return "a default route is written `route NODE to default via ROUTER`"
    near = nearest(found.text, [word.lstrip("_") for word in keywords])
    if near and near != found.text:
        return did_you_mean(near)
    return _foreign_keyword(found, keywords) or _inserted(found) or _sign_help(found)


def _foreign_keyword(found: Found, keywords: list[str]) -> str:
    """The expected keyword that this word is a synonym of, or an empty text."""
    words = foreign.KEYWORDS
    lowered = found.text.lower()
    for our in keywords:
        if lowered in words.ours.get(our, "").split():
            return did_you_mean("for" if our == "_during" else our, words.why.get(our, ""))
    relevant = {"not": "reachable", "iperf": "tcp", "iperf3": "tcp"}
    return words.help(lowered) if relevant.get(lowered) in keywords else ""


def _inserted(found: Found) -> str:
    """Help for a word that lacks a keyword or a sign before it, or an empty text."""
    if found.kind not in ("WORD", "STRING") and not found.text.isalnum():
        return ""
    if "OVER" in found.expected and found.kind == "WORD":
        return did_you_mean(f"in {found.text}")
    if found.text.isdigit():
        for name, word in _COUNTED.items():
            if name in found.expected and found.fits(name, "WORD"):
                return did_you_mean(f"{word} {found.text}")
    rest = found.line_after[len(found.text) :].lstrip()
    for name in _INSERTED:
        sense = {"WITH": rest[:1] == "=", "ENV": rest[:1] == "=", "EITHER": rest[:2] != "--"}.get(name, True)
        twice = found.line_before.rstrip().endswith(_shown(name))
        if sense and not twice and name in found.expected and _follows(found, name):
            return did_you_mean(f"{_shown(name)} {found.text}")
    return ""


def _follows(found: Found, name: str) -> bool:
    """Whether the word could follow a terminal, as a keyword or as a plain word."""
    if found.fits(name, found.text.upper()):
        return True
    return found.text not in NOUNS and found.fits(name, found.kind)


def _sign_help(found: Found) -> str:
    """Help by the unexpected sign or string, or else by the statement."""
    attributes = "JITTER" in found.expected
    if found.text == ",":
        return _comma_help(found)
    if attributes and found.text == "=":
        return "attributes follow by a space, without a sign"
    if found.text == "{" and attributes and found.head in ("link", "profile", "default", "shape"):
        return "attributes stand on the line of their statement, without braces"
    if found.kind == "STRING" and found.head == "run":
        return 'the node stands first: `run a "COMMAND"`'
    if found.text.isdigit() and "TCP" in found.expected:
        return f"the number follows: `tcp {found.text}`"
    if found.text.isdigit() and found.before[1] == "reverse":
        return f"the number stands before it: `tcp {found.text} reverse`"
    if found.text == "reverse" and found.head in ("bench", "expect"):
        return "it follows a transfer, once: `using tcp reverse`"
    return _statement_help(found) or ("only one name can stand here" if found.text == "{" else "")


def _statement_help(found: Found) -> str:
    last = found.line_before.split()[-1:]
    match found.head, found.text:
        case "lab", _:
            return "a name is one word"
        case "route", "via":
            return "a route is written `route SOURCE to TARGET via HOP`"
        case "sysctl", "=":
            return "the node stands first: `sysctl NODE KEY=VALUE`"
        case "masquerade", _ if last == ["out"]:
            return "the node that masquerades stands before `out`"
        case "at", _ if "SHAPE" in found.expected:
            return "an event is `down a -- b`, `up a -- b` or `shape a -> b ATTRIBUTES`"
        case "at", _ if found.expected == {"EITHER"}:
            return "a link is named by its nodes: `down a -- b`"
        case _:
            return ""


def _comma_help(found: Found) -> str:
    if {"EITHER", "CLIENT"} >= found.expected and not re.search("--|->", found.line_after):
        return did_you_mean(f" {CONNECTED.get(found.head, '--')}")
    if "JITTER" in found.expected:
        return "attributes stand apart by spaces"
    if found.head in ("use", "sysctl") or '"' in found.line_before:
        return "values stand apart by spaces"
    if found.head in ("host", "router", "switch", "container"):
        return "names stand apart by spaces, or in braces: `{a,b}`"
    return "several nodes stand in braces: `{a,b}`; only next hops and endpoints stand apart by commas alone"


def _help_at_the_end(found: Found) -> str:
    if "LBRACE" in found.expected and re.match("(?:for|if|else)\\b", found.head):
        return "what belongs to it stands in braces that open on this line: `{ ... }`"
    if found.before[1] in ("forward", "stp"):
        return f"write `{found.before[1]} on`"
    if found.head == "bench" and "USING" in found.expected:
        return "say what is measured, like `using tcp`"
    if "SUBFLOW" in found.expected:
        return "say what each endpoint is for, like `a:b subflow`"
    return ""


def _unknown_statement(found: Found) -> Complaint:
    text = found.text
    message, label, help = f"unknown statement `{text}`", "no statement starts so", ""
    if found.kind != "WORD":
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
    if rest.startswith("--") and found.text.lower() not in ("link", "mptcp", "spray"):
        return foreign_or_near(found.text) or did_you_mean(f"link {found.text}")
    return foreign_or_near(found.text)


def foreign_or_near(word: str) -> str:
    """A help line with the statement that a word is a synonym or a misspelling of."""
    return foreign.STATEMENTS.help(word) or suggest(word.rstrip(":"), STATEMENTS)


def _attribute(found: Found) -> Complaint:
    """An unknown attribute; or the word before it, if that was taken for a profile."""
    kind, before = found.before
    profiles = set(re.findall(r"(?:^|[{}])[ \t]*profile[ \t]+([\w-]+)", found.source.text, re.MULTILINE))
    taken = kind == "WORD" and before not in profiles and _is_profile(found, before)
    start = found.start - len(found.line_before) + found.line_before.rfind(before) if taken else found.start
    if taken and before in ("profile", "using", "template", "like") and found.text not in LINK_ATTRIBUTES:
        message = f"a profile stands by its name alone, without `{before}`"
        return Complaint("MPC102", message, start, found.end, "not an attribute", did_you_mean(found.text))
    if taken and (_meant_attribute(before) or not _meant_attribute(found.text)):
        return _unknown_attribute(before, start, found)
    if found.text in profiles:
        message, help = f"the profile `{found.text}` stands after an attribute", "its name stands before all"
        return Complaint("MPC102", message, found.start, found.end, "not an attribute", help)
    return _second_value(found) or _unknown_attribute(found.text, found.start, found)


def _is_profile(found: Found, word: str) -> bool:
    """Whether the word before is parsed as a profile, not as the value of an attribute."""
    attributes = "|".join(LINK_ATTRIBUTES)
    value = re.search(
        rf"\b(?:(?:{attributes})\s+\S+|(?:vrf|mac|address|slot)\s+\S+\s+\S+)\s+$", found.line_before
    )
    named = re.fullmatch(r"[A-Za-z][\w-]*[:,]?", word)
    here = word in found.line_before and found.head in ("link", "default", "shape", "at")
    return here and bool(named) and not value


def _second_value(found: Found) -> Complaint | None:
    """`delay 10ms 5ms` as in tc(8), and two values of other attributes."""
    match = re.search(r"\b(delay|rate|loss|jitter) +(\S+) +$", found.line_before)
    if not match or not re.fullmatch(r"[0-9.]+[A-Za-z%]*", found.text):
        return None
    help = {
        "delay": did_you_mean(f"jitter {mends.quantity(found.text, 'ms', units.TIMES)}")
        if mends.quantity(found.text, "ms", units.TIMES)
        else "",
        "jitter": "a correlation of delays has no effect (measured), so there is none",
        "rate": "a link has the same rate both ways; `shape a -> b rate 5mbit` sets one way",
    }.get(match[1], "")
    message, end = f"`{match[1]}` has two values", found.end
    if match[1] == "delay" and (correlation := re.match(r"\s+[0-9.]+%", found.source.text[end : end + 40])):
        end += correlation.end()
    return Complaint("MPC102", message, found.start, end, "the second one", help)


def _meant_attribute(word: str) -> str:
    return foreign.LINK_ATTRIBUTES.help(word) or suggest(word.rstrip(":"), LINK_ATTRIBUTES)


OVER_LINKS = {
    "tunnel": ("kind", "mtu", "cost", "subnet", "address"),
    "bond": ("over", "mode", "mtu", "cost", "subnet", "address"),
    "teql": ("over", "mtu", "cost", "subnet", "address"),
}
"""The attributes of what sends over links; other attributes are those of the links."""


def _unknown_attribute(word: str, start: int, found: Found) -> Complaint:
    message, end = f"unknown attribute `{word}`", start + len(word)
    known = OVER_LINKS.get(found.head, LINK_ATTRIBUTES)
    help = _meant_attribute(word) or suggest(word, known) or f"attributes are {', '.join(known)}"
    if word == "over" and word in known:
        help = "it stands before all attributes, behind the nodes"
    if found.head == "profile" and found.before[1] in LINK_ATTRIBUTES:
        help = f"the profile's name stands first: `profile NAME {found.before[1]} {word}`"
    our = foreign.LINK_ATTRIBUTES.our(word)
    rest = re.match(r"[ \t]+([0-9.]+)(?![\w%./:])", found.source.text[end : end + 100])
    if our in foreign.MININET and rest:
        help, end = did_you_mean(f"{our} {rest[1]}{foreign.MININET[our]}"), end + rest.end()
    return Complaint("MPC102", message, start, end, "not an attribute", help)


def _unit_apart(found: Found) -> Complaint | None:
    """`100 mbit` for `100mbit`."""
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


def _decimal_comma(found: Found) -> Complaint | None:
    """`1,5mbit` for `1.5mbit`."""
    head, tail = re.search(r"[0-9]+$", found.line_before), re.match(r",[0-9]+[a-z%]+", found.line_after)
    if not head or not tail or "JITTER" not in found.expected:
        return None
    start, meant = found.start - len(head[0]), f"{head[0]}.{tail[0][1:]}"
    message = "a decimal comma is written as a point"
    return Complaint(
        "MPC102", message, start, found.start + len(tail[0]), "no comma here", did_you_mean(meant)
    )


def _hyphen(found: Found) -> Complaint | None:
    """`a-b` for `a -- b`, if it is the only node."""
    match = re.search(r"(\w[\w:]*)-(\w[\w:]*)\s*$", found.line_before)
    if not match or not {"EITHER", "CLIENT"} & found.expected or found.text in ("--", "->"):
        return None
    joint = "--" if "EITHER" in found.expected else "->"
    start, word = found.start - len(found.line_before) + match.start(), match[0].rstrip()
    message = f"expected `{joint}` between two nodes, found one name"
    help = did_you_mean(f"{match[1]} {joint} {match[2]}")
    return Complaint("MPC102", message, start, start + len(word), "one name", help)


def _equals(found: Found) -> Complaint | None:
    """`:=` and `==` for `=`, where a param is set."""
    start = found.start
    if found.text == ":" and found.line_after.startswith(":=") and "EQUAL" in found.expected:
        end = start + 2
    elif found.text == "=" and found.before[1] == "=" and found.line_before.endswith("="):
        start, end = start - 1, start + 1
    else:
        return None
    sign = found.source.text[start:end]
    return Complaint("MPC102", f"expected `=`, found `{sign}`", start, end, "not expected", did_you_mean("="))


def _taken(found: Found) -> Complaint | None:
    """A foreign keyword before this word that was taken for a value: `using tcp duration 10s`."""
    kind, word = found.before
    place = found.line_before.rfind(word)
    keywords = [_keyword(name) for name in found.expected]
    if kind != "WORD" or place < 0 or "JITTER" in found.expected or "_during" not in keywords:
        return None
    if foreign.KEYWORDS.our(word) != "_during":
        return None
    start = found.start - len(found.line_before) + place
    message = f"expected `for`, found `{word}`"
    return Complaint("MPC102", message, start, start + len(word), "not expected", did_you_mean("for"))


def _several_values(found: Found) -> Complaint | None:
    """`tcp_rmem=4096 131072 6291456`, a value that needs quotes."""
    line = found.line_before + found.line_after
    match = re.search(r"=\s*([0-9]+(?:\s+[0-9]+)+)\s*$", line)
    if found.head != "sysctl" or not match:
        return None
    start = found.start - len(found.line_before) + match.start(1)
    help = did_you_mean(mends.quoted(match[1]))
    message = "a value of several words is a string"
    return Complaint("MPC102", message, start, start + len(match[1]), "several words", help)


def _assigned(found: Found) -> Complaint | None:
    """`rate=10mbit` for `rate 10mbit`."""
    match = re.search(r"([\w-]+)\s*$", found.line_before)
    value = re.match(r"""=\s*["']?([^\s,;"'{}#]+)["']?""", found.line_after)
    if found.text != "=" or not match or not value or {"OVER", "_AT_LEAST"} & found.expected:
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
    return Complaint(
        "MPC102", message, start, found.start + value.end(), "no `=` here", did_you_mean(f"{our} {text}")
    )


def command(found: Found) -> Complaint | None:
    """`run a sleep 5`, a command that needs quotes."""
    line = found.line_before + found.line_after
    match = re.search(r"(?:^|\{)\s*run\s+(?:\{[^}]*\}|[^\s\"'{}]+)\s+([^\"\u201c'{}]+?)\s*$", line)
    if found.head != "run" or not match or match.start(1) > len(found.line_before):
        return None
    start = found.start - len(found.line_before) + match.start(1)
    help = did_you_mean(mends.quoted(match[1]))
    message = "a command of several words is a string"
    return Complaint("MPC102", message, start, start + len(match[1]), "several words", help)


def arrow(found: Found) -> Complaint | None:
    """`<->`, `=>`, a long dash and the like for `--` or `->`; `=>` for `>=`."""
    line = found.line_before + found.line_after
    place = len(found.line_before)
    sign = next((m for m in _ARROW.finditer(line) if m.start() <= place < m.end()), None)
    if sign is None or "EQUAL" in found.expected:
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
    """The arrow to write for a sign; `begun` is whether its first characters were read as an arrow."""
    if "_AT_LEAST" in found.expected:
        return "" if "<" in sign else ">="
    if begun:
        joint = CONNECTED.get(found.head, "")
        return "->" if found.head in ("mptcp", "spray") and ">" in sign and "<" not in sign else joint
    either, client = "EITHER" in found.expected, "CLIENT" in found.expected
    if either and client:
        return "->" if re.search("[>\u2192\u21d2\u27f6\u2794\u279c]", sign) and "<" not in sign else "--"
    return "--" if either else "->" if client else ""


def _unquoted(found: Found) -> Complaint | None:
    """A string in place of a word."""
    if found.kind != "STRING" or "WORD" not in found.expected:
        return None
    inner = found.text[1:-1]
    if not re.fullmatch(r"[\w:/%]+(?:(?:\.\.?|-)[\w:/%]+)*", inner, re.ASCII):
        return None
    message = f"expected {_wanted(found.expected, found.before)}, found a string"
    return Complaint("MPC102", message, found.start, found.end, "in quotes", did_you_mean(inner))


_KNOWN = (
    _unit_apart,
    arrow,
    _equals,
    _assigned,
    command,
    _several_values,
    _decimal_comma,
    _hyphen,
    _taken,
    _unquoted,
)


def _wanted(expected: frozenset[str], before: tuple[str, str]) -> str:
    """The expected terminals, in the user's words."""
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
    """The keyword or sign of a terminal, as in the tables above."""
    return "_during" if terminal == "_DURING" else _shown(terminal)
