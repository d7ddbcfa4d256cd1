"""Text to syntax tree. `recovery.py` and `formulas.py` beside it know lark, and nobody else does.

A statement that does not parse is reported and left out; `recovery.py` says how.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, v_args
from lark.exceptions import VisitError
from lark.lark import PostLex
from lark.visitors import Transformer_NonRecursive

from compiler import resources
from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span
from compiler.ground.text import check
from compiler.language import syntax
from compiler.language.recovery import Recovery, span_of

_BLANK = " \t\f\r\n\\"
"""What stands around a formula: blanks and continued lines. Else a `\\` stands in strings only."""


class _Words(PostLex):
    """Makes the lexer match whole words everywhere, so that `hosta` is not `host` and `a`."""

    always_accept = ("WORD",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def parser(tables: str | None = None, *, strict: bool = False) -> Lark:
    """The parser; `tables` is a folder of this user's own where its tables are kept between runs."""
    return Lark(
        resources.read("grammar/topo.lark"),
        parser="lalr",
        strict=strict,
        maybe_placeholders=True,
        propagate_positions=True,
        postlex=_Words(),
        cache=resources.tables(tables, "topo"),
    )


_cached_parser = cache(parser)


def parse(source: Source, diagnostics: Diagnostics, tables: str | None = None) -> tuple[syntax.Node, ...]:
    """What a source says, in written order; what does not parse is reported and left out."""
    check(source, diagnostics)
    recovery = Recovery(source, diagnostics)
    tree = _cached_parser(tables).parse(source.text, on_error=recovery.on_error)
    try:
        statements: tuple[syntax.Node, ...] = _Builder(source, diagnostics).transform(tree)
    except VisitError as error:  # lark's wrapping of what a callback raises
        raise error.orig_exc from None
    return statements


CLASSES: dict[str, Callable[..., object]] = {
    "assignment": syntax.Assignment,
    "at": syntax.At,
    "attribute": syntax.Attribute,
    "bench": syntax.Bench,
    "branch": syntax.Branch,
    "declaration": syntax.Declaration,
    "default_link": syntax.DefaultLink,
    "endpoint": syntax.Endpoint,
    "expect": syntax.Expect,
    "flag": syntax.Flag,
    "hop": syntax.Hop,
    "lab": syntax.Lab,
    "limit": syntax.Limit,
    "link": syntax.Link,
    "loop": syntax.Loop,
    "masquerade": syntax.Masquerade,
    "mptcp": syntax.Mptcp,
    "node_attribute": syntax.NodeAttribute,
    "param": syntax.Param,
    "pool": syntax.Pool,
    "profile": syntax.Profile,
    "reachability": syntax.Reachability,
    "round_trip": syntax.RoundTrip,
    "route": syntax.Route,
    "routing": syntax.Routing,
    "run": syntax.Run,
    "shape": syntax.Shape,
    "switching": syntax.Switching,
    "sysctl": syntax.Sysctl,
    "throughput": syntax.Throughput,
    "transfer": syntax.Transfer,
}
"""What rules become, with their span before all else; `_Builder` has methods for others."""

TUPLES = "start block node_attributes chain items hops options endpoints flags assignments transfers".split()
"""The rules that become tuples of what they consist of."""


LONGEST_HEAD = 500
"""Characters of a word before braces that are told."""


class _Builder(Transformer_NonRecursive[Token, Any]):
    """Makes what each rule becomes."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        super().__init__()
        self.source = source
        self.diagnostics = diagnostics

    def __default__(self, data: str, children: list[Any], meta: Any) -> object:
        if data in TUPLES:
            return tuple(children)
        return CLASSES[data](Span(self.source, meta.start_pos, meta.end_pos), *children)

    def __default_token__(self, token: Token) -> syntax.Word:
        return syntax.Word(span_of(self.source, token), str(token))

    def STRING(self, token: Token) -> syntax.String:
        return syntax.String(span_of(self.source, token), re.sub(r"\\(.)", r"\1", token[1:-1]))

    def IF(self, token: Token) -> syntax.Formula:
        """What follows the keyword; a place where nothing does."""
        text = str(token)[2:].strip(_BLANK)
        span = span_of(self.source, token)
        start = len(token) - len(token[2:].lstrip(_BLANK)) if text else 2
        return syntax.Formula(span.part(start, start + len(text)), text)

    OVER = IF

    @v_args(meta=True)
    def listing(self, meta: Any, words: list[syntax.Word | syntax.String]) -> syntax.Listing:
        return syntax.Listing(Span(self.source, meta.start_pos, meta.end_pos), tuple(words))

    @v_args(meta=True)
    def choice(self, meta: Any, children: list[Any]) -> syntax.Choice:
        *branches, otherwise = children
        span = Span(self.source, meta.start_pos, meta.end_pos)
        return syntax.Choice(span, tuple(branches), otherwise or ())

    @v_args(meta=True)
    def use(self, meta: Any, children: list[Any]) -> syntax.Use:
        file, name, values = children
        return syntax.Use(Span(self.source, meta.start_pos, meta.end_pos), file, name, values or ())

    def attributes(self, children: list[Any]) -> syntax.Attributes:
        return syntax.Attributes(*children)

    @v_args(meta=True)
    def nodes(self, meta: Any, words: list[syntax.Word]) -> syntax.Nodes:
        found = syntax.Nodes(Span(self.source, meta.start_pos, meta.end_pos), tuple(words))
        if found.span.text.startswith("{"):
            self._check_apart(found)
        return found

    ends = where = braced = nodes

    def names(self, children: list[Any]) -> tuple[syntax.Word, ...]:
        parts = [c.words if isinstance(c, syntax.Nodes) else (c,) for c in children]
        return tuple(word for part in parts for word in part)

    def _check_apart(self, nodes: syntax.Nodes) -> None:
        """Reports a word that touches braces, as bash would expand it and this language does not."""
        text, braces = self.source.text, nodes.span
        if re.match(r"[\w\]]", text[braces.start - 1 : braces.start]) or re.match(
            r"[\w\[]", text[braces.end : braces.end + 1]
        ):
            from compiler.ground.mends import in_braces

            before = re.search(r"\w*$", text[max(0, braces.start - LONGEST_HEAD) : braces.start])
            head, words = before[0] if before else "", [word.text for word in nodes.words]
            help = in_braces(words, head)
            self.diagnostics.excused.update(head + word for word in words)
            message = "braces do not expand inside a word"
            self.diagnostics.error("MPC106", message, braces, "touches a word", help)
            self.diagnostics.excused.update(word.text for word in nodes.words)
