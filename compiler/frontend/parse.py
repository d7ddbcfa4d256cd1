"""Text to syntax tree. The only module that knows lark.

A statement that does not parse is reported and left out, up to the end of its line; so one run reports
the errors of every line.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError
from lark.lark import PostLex

from compiler import resources
from compiler.frontend import syntax
from compiler.frontend.diagnostics import Diagnostics, suggest
from compiler.frontend.source import Source, Span
from compiler.frontend.text import HIDING, check

PLANNED = frozenset(
    "param switch container bond teql tunnel expect bench machine place at run for if else use".split()
)
"""Statements of the language that this version does not have yet."""

_NOUNS = {
    "lab": "a name",
    "pool": "a prefix, like `10.0.0.0/8`",
    "host": "a node's name",
    "router": "a node's name",
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
}
"""What a word after a keyword is."""

_ENDINGS = {"_NL", "$END"}


class _Words(PostLex):
    """Makes the lexer match whole words everywhere, so that `hosta` is not `host` and `a`."""

    always_accept = ("WORD",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def parser(tables: str | None = None, *, strict: bool = False) -> Lark:
    """The parser; `tables` is a file of this user's own where its tables are kept between runs."""
    return Lark(
        resources.read("grammar/topo.lark"),
        parser="lalr",
        strict=strict,
        maybe_placeholders=True,
        propagate_positions=True,
        postlex=_Words(),
        cache=tables or False,
    )


_cached_parser = cache(parser)


def parse(
    source: Source, diagnostics: Diagnostics, tables: str | None = None
) -> tuple[syntax.Statement, ...]:
    """The statements of a source, in written order; what does not parse is reported and left out."""
    check(source, diagnostics)
    recovery = _Recovery(source, diagnostics)
    tree = _cached_parser(tables).parse(source.text, on_error=recovery.on_error)
    try:
        statements: tuple[syntax.Statement, ...] = _Builder(source, diagnostics).transform(tree)
    except VisitError as error:  # lark's wrapping of what a callback raises
        raise error.orig_exc from None
    return statements


class _Recovery:
    """What happens at a syntax error: report it, drop the statement, go on at the next line."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def on_error(self, error: UnexpectedInput) -> bool:
        parser, lexer = error.interactive_parser.parser_state, error.interactive_parser.lexer_thread.state
        assert lexer
        if isinstance(error, UnexpectedToken):
            self._unexpected(error.token, set(error.accepts or error.expected), parser.value_stack)
        else:
            self._character(lexer.line_ctr.char_pos)
        while "HOST" not in parser.parse_conf.states[parser.state_stack[-1]]:
            parser.state_stack.pop()
            parser.value_stack.pop()
        if not (isinstance(error, UnexpectedToken) and error.token.type in _ENDINGS):
            self._skip_line(lexer.line_ctr)
        start = self.source.text.rfind("\n", 0, max(0, lexer.line_ctr.char_pos - 1)) + 1
        self.diagnostics.excused.update(
            re.findall(r"\w+(?:-\w+)*", self.source.text[start : lexer.line_ctr.char_pos])
        )
        return True

    def _skip_line(self, counter: Any) -> None:
        """Moves the lexer to the end of the line, past line ends that a backslash continues."""
        text, start = self.source.text, counter.char_pos
        end = text.find("\n", start)
        while end > start and text[max(start, end - 2) : end].removesuffix("\r").endswith("\\"):
            end = text.find("\n", end + 1)
        counter.feed(text[start : end if end >= 0 else None])

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
        if "HOST" in expected:
            self._unknown_statement(token)
        elif "RATE" in expected and token.type == "WORD":
            self._unknown_attribute(token, before)
        else:
            found = "the end of the line" if token.type in _ENDINGS else f"`{token}`"
            keywords = [name.lower() for name in expected if name.isalpha() and name != "WORD"]
            help = suggest(str(token), keywords) or _HINTS.get(str(token), "")
            message = f"expected {_wanted(expected, before)}, found {found}"
            self.diagnostics.error("MPC102", message, _span(self.source, token), "not expected", help)

    def _unknown_statement(self, token: Token) -> None:
        label, help = "no statement starts so", suggest(str(token), _STATEMENTS)
        message = f"unknown statement `{token}`"
        if token in PLANNED:
            message = f"`{token}` is not in this version of mpc yet"
            label, help = "a statement of the language that is not built", ""
        elif token.type != "WORD":
            message = f"expected a statement, found `{token}`"
            help = "a line that goes on in the next one ends in `\\`"
        self.diagnostics.error("MPC101", message, _span(self.source, token), label, help)

    def _unknown_attribute(self, token: Token, before: Token | None) -> None:
        """A word where an attribute could stand; or the word before it, which was taken for a profile."""
        if before is not None and before.type == "WORD" and (help := suggest(str(before), _ATTRIBUTES)):
            token = before
        else:
            help = suggest(str(token), _ATTRIBUTES) or f"attributes are {', '.join(_ATTRIBUTES)}"
        message = f"unknown attribute `{token}`"
        self.diagnostics.error("MPC102", message, _span(self.source, token), "not an attribute", help)


def _span(source: Source, token: Token) -> Span:
    """The place of a token; an empty one for what ends a statement."""
    if token.type == "$END":
        return Span(source, len(source.text), len(source.text))
    start = token.start_pos or 0
    return Span(source, start, start if token.type == "_NL" else start + len(token))


_HINTS = {
    ",": "names stand apart by spaces, or in braces: `{a,b}`; next hops and endpoints by commas",
    "{": "only one name can stand here",
    "-": "a link is written `--`, and a name does not end in a hyphen",
    ";": "a newline ends a statement",
    "'": 'a string is written `"..."`',
}
"""Mends for signs in the wrong place."""

_ATTRIBUTES = "rate delay jitter loss duplicate corrupt reorder queue burst mtu cost subnet address".split()

_STATEMENTS = "lab pool profile default host router link shape routing route mptcp sysctl masquerade".split()


def _wanted(expected: set[str], before: Token | None) -> str:
    """What could stand there, in the user's words."""
    words = [_NOUNS.get(str(before), "a word")] if "WORD" in expected else []
    words += sorted(f"`{_shown(name)}`" for name in expected - {"WORD", "LBRACE", *_ENDINGS})
    words += ["the end of the line"] if expected & _ENDINGS else []
    if len(words) == 1:
        return words[0]
    return "one of " + ", ".join(words[:-1]) + " or " + words[-1]


_SIGNS = {"LBRACE": "{", "RBRACE": "}", "COMMA": ",", "EQUAL": "=", "EITHER": "--", "CLIENT": "->"}


def _shown(terminal: str) -> str:
    return _SIGNS.get(terminal) or ('"..."' if terminal == "STRING" else terminal.lower())


class _Builder(Transformer[Token, Any]):
    """Makes each rule's class of `syntax`; a rule without one becomes a tuple."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        super().__init__()
        self.source = source
        self.diagnostics = diagnostics

    def __default__(self, data: str, children: list[Any], meta: Any) -> object:
        kind = getattr(syntax, data.title().replace("_", ""), None)
        if kind is None:
            return tuple(children)
        return kind(Span(self.source, meta.start_pos, meta.end_pos), *children)

    def __default_token__(self, token: Token) -> syntax.Word:
        return syntax.Word(_span(self.source, token), str(token))

    def WORD(self, token: Token) -> syntax.Word:
        word = self.__default_token__(token)
        if "[" in word.text:
            help = "it is part of the language, but this version of mpc does not have it yet"
            span = word.span.part(word.text.index("["))
            self.diagnostics.error("MPC105", "words cannot be computed yet", span, "computed part", help)
            self.diagnostics.excused.add(word.text)
        return word

    def STRING(self, token: Token) -> syntax.String:
        return syntax.String(_span(self.source, token), re.sub(r"\\(.)", r"\1", token[1:-1]))

    def attributes(self, children: list[Any]) -> syntax.Attributes:
        return syntax.Attributes(*children)

    @v_args(meta=True)
    def nodes(self, meta: Any, words: list[syntax.Word]) -> syntax.Nodes:
        found = syntax.Nodes(Span(self.source, meta.start_pos, meta.end_pos), tuple(words))
        if found.span.text.startswith("{"):
            self._check_apart(found)
        return found

    ends = braced = nodes

    def names(self, children: list[Any]) -> tuple[syntax.Word, ...]:
        parts = [c.words if isinstance(c, syntax.Nodes) else (c,) for c in children]
        return tuple(word for part in parts for word in part)

    def _check_apart(self, nodes: syntax.Nodes) -> None:
        """Reports a word that touches braces, as bash would expand it and this language does not."""
        text, braces = self.source.text, nodes.span
        if re.match(r"[\w\]]", text[braces.start - 1 : braces.start]) or re.match(
            r"[\w\[]", text[braces.end : braces.end + 1]
        ):
            help = "list whole names: `{h1,h2}`"
            message = "braces do not expand inside a word"
            self.diagnostics.error("MPC106", message, braces, "touches a word", help)
            self.diagnostics.excused.update(word.text for word in nodes.words)
