"""Syntax errors: what is said of one, and where parsing goes on after it.

The statement is left out, up to the end of its line or of the block that ends there; so one run reports the
errors of every line.
"""

import re
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from compiler.frontend.diagnostics import Diagnostics, suggest
from compiler.frontend.source import Source, Span
from compiler.frontend.text import HIDING

PLANNED = frozenset("container bond teql tunnel machine place".split())
"""Statements of the language that this version does not have yet."""

_NOUNS = {
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

_ENDINGS = {"_NL", "$END"}


class Recovery:
    """What happens at a syntax error: report it, drop the statement, go on where the next one starts."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def on_error(self, error: UnexpectedInput) -> bool:
        parser, lexer = error.interactive_parser.parser_state, error.interactive_parser.lexer_thread.state
        assert lexer
        if not isinstance(error, UnexpectedToken):
            self._character(lexer.line_ctr.char_pos)
            self._skip(parser, lexer.line_ctr, None, self._drop(parser))
        elif error.token.type == "$END":
            self._end(error.token, set(error.accepts), parser)
        else:
            self._unexpected(error.token, set(error.accepts or error.expected), parser.value_stack)
            depth = self._drop(parser)
            if error.token.type != "_NL":
                self._skip(parser, lexer.line_ctr, error.token, depth)
        start = self.source.text.rfind("\n", 0, max(0, lexer.line_ctr.char_pos - 1)) + 1
        self.diagnostics.excused.update(
            re.findall(r"\w+(?:-\w+)*", self.source.text[start : lexer.line_ctr.char_pos])
        )
        return True

    def _drop(self, parser: Any) -> int:
        """Forgets the statement that was read last, with its whole blocks, back to where one can start.

        Gives the number of braces that were open in it.
        """
        depth = opened = 0
        while depth > 0 or "HOST" not in parser.parse_conf.states[parser.state_stack[-1]]:
            parser.state_stack.pop()
            value = parser.value_stack.pop()
            depth += _DEPTH.get(value, 0) if isinstance(value, Token) else 0
            opened, depth = opened + (depth < 0), max(0, depth)
        return opened

    def _end(self, token: Token, expected: set[str], parser: Any) -> None:
        """What is wrong at the end of the text: a statement that is cut off, an open block, or both."""
        if "RBRACE" not in expected or "COMMA" in expected:
            self._unexpected(token, expected, parser.value_stack)
        if braces := _open_blocks(parser):
            place, help = braces[-1], "a block ends in a `}` of its own"
            span = span_of(self.source, parser.value_stack[place])
            self.diagnostics.error("MPC108", "this block is not closed", span, "opened here", help)
            del parser.value_stack[braces[0] :], parser.state_stack[braces[0] + 1 :]
        self._drop(parser)

    def _skip(self, parser: Any, counter: Any, token: Token | None, depth: int) -> None:
        """Moves on to the end of the line, or to the brace that ends the block around the statement.

        Where the line opened a block, a block is opened, so that its lines are read and its end is known.
        """
        inside = bool(_open_blocks(parser))
        depth -= _DEPTH.get(token, 0) if token else 0
        if inside and depth < 0:
            parser.feed_token(token)
            return
        end = len(self.source.text)
        for sign in _SIGNS_OF_A_LINE.finditer(self.source.text, counter.char_pos):
            depth -= _DEPTH.get(sign[0], 0)
            if sign[0] == "\n" or (inside and depth < 0):
                end = sign.start()
                break
        start = self.source.text.rfind("\n", 0, counter.char_pos) + 1
        opens = depth > 0 and _OPENING.match(self.source.text, start)
        counter.feed(self.source.text[counter.char_pos : end])
        if opens:
            _open_block(parser, max(start, self.source.text.rfind("{", start, end)))

    def _character(self, offset: int) -> None:
        char = self.source.text[offset]
        if HIDING.match(char):
            return  # it is reported wherever it stands
        span = Span(self.source, offset, offset + 1)
        if char == '"':
            help = 'a string ends on its line, and knows `\\"` and `\\\\`'
            self.diagnostics.error("MPC104", "this string is not closed", span, "opened here", help)
            return
        shown = f"`{char}`" if char.isascii() else f"`{char}` (U+{ord(char):04X})"
        help = _HINTS.get(char, "" if char.isascii() else "names are letters, digits and `_` of ASCII")
        self.diagnostics.error("MPC103", f"unexpected character {shown}", span, "has no meaning here", help)

    def _unexpected(self, token: Token, expected: set[str], stack: list[Any]) -> None:
        before = stack[-1] if stack and isinstance(stack[-1], Token) else None
        if "HOST" in expected or (token.type == "RBRACE" and expected <= _ENDINGS):
            self._unknown_statement(token)
        elif "RATE" in expected and token.type == "WORD":
            self._unknown_attribute(token, before)
        else:
            found = "the end of the line" if token.type in _ENDINGS else f"`{token}`"
            keywords = [name.lower() for name in expected if name.isalpha() and name != "WORD"]
            help = suggest(str(token), keywords) or _HINTS.get(str(token), "")
            message = f"expected {_wanted(expected, before)}, found {found}"
            self.diagnostics.error("MPC102", message, span_of(self.source, token), "not expected", help)

    def _unknown_statement(self, token: Token) -> None:
        label, help = "no statement starts so", suggest(str(token), _STATEMENTS)
        message = f"unknown statement `{token}`"
        if token in PLANNED:
            message = f"`{token}` is not in this version of mpc yet"
            label, help = "a statement of the language that is not built", ""
        elif token.type != "WORD":
            message = f"expected a statement, found `{token}`"
            help = _MISPLACED.get(str(token), "a line that goes on in the next one ends in `\\`")
        elif token == "else":
            message, help = "this `else` follows no `if`", "it stands on the line of the `}` before it"
        self.diagnostics.error("MPC101", message, span_of(self.source, token), label, help)

    def _unknown_attribute(self, token: Token, before: Token | None) -> None:
        """A word where an attribute could stand; or the word before it, which was taken for a profile."""
        if before is not None and before.type == "WORD" and (help := suggest(str(before), _ATTRIBUTES)):
            token = before
        else:
            help = suggest(str(token), _ATTRIBUTES) or f"attributes are {', '.join(_ATTRIBUTES)}"
        message = f"unknown attribute `{token}`"
        self.diagnostics.error("MPC102", message, span_of(self.source, token), "not an attribute", help)


_DEPTH = {"}": 1, "{": -1}
"""How many braces each opens to who reads backwards."""

_SIGNS_OF_A_LINE = re.compile(r'"(?:[^"\\\n]|\\["\\])*"|#[^\n]*|\\\r?\n|[{}]|\n')
"""What ends a line or counts in it, and what hides that."""

_OPENING = re.compile(r"[ \t\f]*(?:[{}]|(?:for|if|else|use)\b)")
"""The start of a line whose last brace opens a block, however wrong the line is."""


def _open_blocks(parser: Any) -> list[int]:
    """The places on the stack of the braces that opened a block, as a statement can follow them."""
    states = parser.parse_conf.states
    return [
        place
        for place, (value, state) in enumerate(zip(parser.value_stack, parser.state_stack[1:], strict=True))
        if isinstance(value, Token) and value.type == "LBRACE" and "HOST" in states[state]
    ]


def _open_block(parser: Any, place: int) -> None:
    """Feeds a parser the head of a block that nothing is made of."""
    for kind, text in (("IF", "if 0"), ("LBRACE", "{")):
        parser.feed_token(Token(kind, text, place, 1, 1, 1, 1, place))


def span_of(source: Source, token: Token) -> Span:
    """The place of a token; an empty one for what ends a statement."""
    if token.type == "$END":
        return Span(source, len(source.text), len(source.text))
    start = token.start_pos or 0
    return Span(source, start, start if token.type == "_NL" else start + len(token))


_HINTS = {
    ",": "names stand apart by spaces, or in braces: `{a,b}`; next hops and endpoints by commas",
    "{": "only one name can stand here",
    "[": "brackets close on their line, and hold no others",
    "-": "a link is written `--`, and a name does not end in a hyphen",
    ";": "a newline ends a statement",
    "'": 'a string is written `"..."`',
}
"""Mends for signs in the wrong place."""

_MISPLACED = {
    "{": "a block opens on the line of its `for`, `if` or `else`",
    "}": "no block is open here",
}
"""Mends for braces where a statement could start."""

_ATTRIBUTES = "rate delay jitter loss duplicate corrupt reorder queue burst mtu cost subnet address".split()

_STATEMENTS = (
    "lab pool profile default host router switch link shape routing route mptcp sysctl masquerade"
    " expect bench at run param for if use"
).split()


def _wanted(expected: set[str], before: Token | None) -> str:
    """What could stand there, in the user's words."""
    noun = _NOUNS.get(before.type if before else "", _NOUNS.get(str(before), "a word"))
    words = [noun] if "WORD" in expected else []
    sets = {"LBRACE"} if "WORD" in expected else set()
    words += sorted({f"`{_shown(name)}`" for name in expected - {"WORD", *sets, *_ENDINGS}})
    words += ["the end of the line"] if expected & _ENDINGS else []
    if len(words) == 1:
        return words[0]
    return "one of " + ", ".join(words[:-1]) + " or " + words[-1]


_SIGNS = {"LBRACE": "{", "RBRACE": "}", "COMMA": ",", "EQUAL": "=", "EITHER": "--", "CLIENT": "->"}
_SIGNS |= {"STRING": '"..."', "OVER": "in", "_AT_LEAST": ">=", "_DURING": "for"}


def _shown(terminal: str) -> str:
    return _SIGNS.get(terminal, terminal.lower())
