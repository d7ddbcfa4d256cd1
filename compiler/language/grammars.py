"""The grammars in lark: its parsers, and their LALR tables as plain data.

Imported for texts with syntax errors, and to make tables that are not cached yet.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.grammar import Rule as LarkRule
from lark.grammar import Symbol
from lark.lark import PostLex
from lark.lexer import BasicLexer, UnlessCallback
from lark.visitors import Transformer_NonRecursive

from compiler import resources
from compiler.language import lalr
from compiler.language.lalr import SPLICED, TERMINAL, VALUE, Lexer, Maker, Rule, Tables
from compiler.language.stopped import Stopped


class _Words(PostLex):
    """Makes the lexer match whole words everywhere, so that `hosta` is not `host` and `a`."""

    always_accept = ("WORD",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


OPTIONS: dict[str, dict[str, Any]] = {"topo": {"postlex": _Words()}}
"""The options of a grammar besides those that all share."""


@cache
def parser(grammar: str, kept: str | None = None, *, strict: bool = False) -> Lark:
    """lark's parser; `kept` is lark's cache file, which only this user can write."""
    return Lark(
        resources.read(f"grammar/{grammar}.lark"),
        parser="lalr",
        strict=strict,
        maybe_placeholders=True,
        propagate_positions=True,
        cache=kept or False,
        **OPTIONS.get(grammar, {}),
    )


def parse(lark: Lark, text: str, maker: Maker, on_error: Callable[[Stopped], None] | None = None) -> Any:
    """Parses a text to the same value as `lalr.Reader`; `on_error` recovers from syntax errors."""

    def go_on(error: UnexpectedInput) -> bool:
        if on_error:
            on_error(Stopped(error))
        return bool(on_error)

    tree = lark.parse(text, on_error=go_on)
    try:
        return _Making(maker).transform(tree)
    except VisitError as error:  # lark's wrapping of what a maker raises
        raise error.orig_exc from None


def tokens(lark: Lark, text: str, maker: Maker) -> list[lalr.Token]:
    """All tokens of a text without syntax errors, as `lalr.Reader` reads them."""
    session: Any = lark.parse_interactive(text)
    found = [(token.type, str(token), token.start_pos or 0) for token in session.iter_parse()]
    _Making(maker).transform(session.feed_eof())
    return found


def accepted(lark: Lark, text: str) -> dict[str, str]:
    """The terminals that can follow a text, each with its word, or an empty text where it is a pattern.

    Empty if the text has a mistake.
    """
    session: Any = lark.parse_interactive(text)
    try:
        for _ in session.iter_parse():
            pass
    except UnexpectedInput:
        return {}
    words = {one.name: one.pattern.value for one in lark.terminals if one.pattern.type == "str"}
    return {name: words.get(name, "") for name in session.accepts()}


def first_mistake(lark: Lark, text: str) -> tuple[str, int] | None:
    """The first unexpected token and its offset, empty at the end of the text; None without an error."""
    try:
        lark.parse(text)
    except UnexpectedToken as error:
        return str(error.token), error.token.start_pos or 0
    except UnexpectedCharacters as error:
        place: Any = error.pos_in_stream
        return text[place], place
    return None


class _Making(Transformer_NonRecursive[Token, Any]):
    """Makes a value of lark's tree with a `Maker`."""

    def __init__(self, maker: Maker) -> None:
        super().__init__()
        self.maker = maker

    def __default__(self, data: str, children: list[Any], meta: Any) -> object:
        if meta.empty:
            return self.maker.rule(str(data), -1, -1, children)
        return self.maker.rule(str(data), meta.start_pos, meta.end_pos, children)

    def __default_token__(self, token: Token) -> object:
        return self.maker.token(token.type, str(token), token.start_pos or 0)


def tables(lark: Lark) -> Tables:
    """The tables of a parser."""
    frontend: Any = lark.parser
    table = frontend.parser.parser.parse_table
    contextual = getattr(frontend.lexer, "lexer", frontend.lexer)
    rules = {rule: number for number, rule in enumerate(lark.rules)}
    lexers = {id(lexer): lexer for lexer in contextual.lexers.values()}
    numbers = {lexer: number for number, lexer in enumerate(lexers)}
    return Tables(
        table.start_states["start"],
        table.end_states["start"],
        tuple(_actions(table.states[state], rules) for state in range(len(table.states))),
        tuple(map(_rule, rules)),
        {str(one.name): one.pattern.to_regexp() for one in contextual.root_lexer.scanner.terminals},
        frozenset(map(str, contextual.root_lexer.ignore_types)),
        tuple(numbers[id(contextual.lexers[state])] for state in range(len(table.states))),
        tuple(map(_lexer, lexers.values())),
    )


def _actions(row: dict[str, tuple[object, Any]], rules: dict[LarkRule, int]) -> dict[str, int]:
    return {str(name): ~rules[to] if isinstance(to, LarkRule) else to for name, (_, to) in row.items()}


def _rule(rule: LarkRule) -> Rule:
    kept: list[tuple[int, int, int]] = []
    symbols = iter(enumerate(rule.expansion))
    absent = 0
    for is_absent in rule.options.empty_indices or [False] * len(rule.expansion):
        if is_absent:
            absent += 1
            continue
        place, symbol = next(symbols)
        if rule.options.keep_all_tokens or not getattr(symbol, "filter_out", False):
            kept.append((place, _kept(symbol), absent))
            absent = 0
    origin = str(rule.origin.name)
    passes = rule.options.expand1 and not rule.alias
    size, name = len(rule.expansion), str(rule.alias or origin)
    return Rule(origin, name, size, tuple(kept), absent, origin.startswith("_"), passes)


def _kept(symbol: Symbol) -> int:
    if symbol.is_term:
        return TERMINAL
    return SPLICED if symbol.name.startswith("_") else VALUE


def _lexer(lexer: BasicLexer) -> Lexer:
    """The terminals of a lexer in matching order, and the keywords among them."""
    terminals = tuple(str(one.name) for one in lexer.scanner.terminals)
    keywords = {
        str(kind): {str(one.pattern.value): str(one.name) for one in call.scanner.terminals}
        for kind, call in lexer.callback.items()
        if isinstance(call, UnlessCallback)
    }
    return Lexer(terminals, keywords)
