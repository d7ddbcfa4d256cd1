"""Syntax errors: what is said of one, and where parsing goes on after it.

The statement is left out, up to the end of its line or of the block that ends there; so one run reports the
errors of every line.
"""

import re
from copy import copy
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span
from compiler.ground.text import HIDING


class Recovery:
    """What happens at a syntax error: report it, drop the statement, go on where the next one starts."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def on_error(self, error: UnexpectedInput) -> bool:
        parser, lexer = error.interactive_parser.parser_state, error.interactive_parser.lexer_thread.state
        assert lexer
        if not isinstance(error, UnexpectedToken):
            self._character(lexer.line_ctr.char_pos, error.interactive_parser)
            self._skip(parser, lexer.line_ctr, None, self._drop(parser))
        elif error.token.type == "$END":
            self._end(error.token, set(error.accepts), error.interactive_parser)
        else:
            self._unexpected(error.token, set(error.accepts or error.expected), error.interactive_parser)
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

    def _end(self, token: Token, expected: set[str], interactive: Any) -> None:
        """What is wrong at the end of the text: a statement that is cut off, an open block, or both."""
        parser = interactive.parser_state
        if "RBRACE" not in expected or "COMMA" in expected:
            self._unexpected(token, expected, interactive)
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

    def _character(self, offset: int, interactive: Any) -> None:
        char = self.source.text[offset]
        if not HIDING.match(char):  # what does is reported wherever it stands
            self._complain(char, "", offset, interactive.accepts(), interactive)

    def _unexpected(self, token: Token, expected: set[str], interactive: Any) -> None:
        self._complain(str(token), token.type, span_of(self.source, token).start, expected, interactive)

    def _complain(self, text: str, kind: str, start: int, expected: set[str], interactive: Any) -> None:
        """Says what is wrong at a place; what knows that is loaded where something is."""
        from compiler.language.characters import of_character
        from compiler.language.complaints import Found, of_word

        stack = interactive.parser_state.value_stack
        before = stack[-1] if stack and isinstance(stack[-1], Token) else None
        found = Found(
            self.source,
            start,
            text,
            kind,
            frozenset(expected),
            (before.type, str(before)) if before else ("", ""),
            _head(interactive.parser_state),
            lambda name, following: _fits(interactive, name, following),
        )
        said = of_word(found) if kind else of_character(found)
        span = Span(self.source, said.start, said.end)
        self.diagnostics.error(said.code, said.message, span, said.label, said.help)


def _head(parser: Any) -> str:
    """The keyword of the statement that is being read, or nothing."""
    states, place = parser.parse_conf.states, len(parser.value_stack)
    while place and "HOST" not in states[parser.state_stack[place]]:
        place -= 1
    return next((str(value) for value in parser.value_stack[place:] if isinstance(value, Token)), "")


def _fits(interactive: Any, name: str, following: str) -> bool:
    """Whether a terminal could stand here, and another one after it."""
    trial = interactive.copy(deepcopy_values=False)
    trial.parser_state.parse_conf = copy(trial.parser_state.parse_conf)
    trial.parser_state.parse_conf.callbacks = {}  # they would change values that the two share
    try:
        trial.feed_token(Token(name, name))
    except UnexpectedInput:
        return False
    return following in trial.accepts()


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
