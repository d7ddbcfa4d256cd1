"""The state of a lark parser at a syntax error, and the operations that recovery needs.

Entries of the parser's stack are terminals or values of rules. Only this module depends on lark's data
structures; `recovery.py` has the strategy.
"""

from copy import copy
from typing import Any, NamedTuple

from lark import Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from compiler.language.complaints import STATEMENT


class Terminal(NamedTuple):
    """A token: its terminal, text and start offset."""

    kind: str
    text: str
    start: int


class Stopped:
    """A parser at a syntax error. Its methods change the stack and the position."""

    def __init__(self, error: UnexpectedInput) -> None:
        lark: Any = error.interactive_parser
        self._lark, self._parser = lark, lark.parser_state
        self._reading = lark.lexer_thread.state.line_ctr
        self._token = error.token if isinstance(error, UnexpectedToken) else None
        self._expected = frozenset(error.expected if isinstance(error, UnexpectedToken) else ())

    @property
    def found(self) -> Terminal | None:
        """The unexpected token; None for a character that begins none."""
        return _terminal(self._token)

    @property
    def place(self) -> int:
        """The offset at which parsing resumes."""
        return int(self._reading.char_pos)

    def expected(self) -> frozenset[str]:
        """The terminals that are accepted here."""
        return frozenset(self._lark.accepts()) or self._expected

    @property
    def last(self) -> Terminal | None:
        """The top of the stack, if it is a terminal."""
        return _terminal(self._parser.value_stack[-1]) if self._parser.value_stack else None

    @property
    def keyword(self) -> str:
        """The first terminal of the current statement, or an empty text."""
        place = len(self._parser.value_stack)
        while place and not self._starts_statement(place):
            place -= 1
        return next((str(value) for value in self._parser.value_stack[place:] if _terminal(value)), "")

    def could_follow(self, kind: str, then: str) -> bool:
        """Whether a terminal is accepted here, and then a second one."""
        trial = self._lark.copy(deepcopy_values=False)
        trial.parser_state.parse_conf = copy(trial.parser_state.parse_conf)
        trial.parser_state.parse_conf.callbacks = {}  # they would change values that both stacks share
        try:
            trial.feed_token(Token(kind, kind))
        except UnexpectedInput:
            return False
        return then in trial.accepts()

    def could_start(self) -> bool:
        """Whether a statement can start after the top of the stack."""
        return self._starts_statement(len(self._parser.value_stack))

    def drop(self) -> Terminal | None:
        """Pops the top of the stack; returns it if it is a terminal."""
        self._parser.state_stack.pop()
        return _terminal(self._parser.value_stack.pop())

    def open_blocks(self) -> list[Terminal]:
        """The braces of the open blocks, outermost first."""
        return [brace for _, brace in self._open_blocks()]

    def drop_blocks(self) -> None:
        """Pops the outermost open block, with everything above it."""
        place, _ = self._open_blocks()[0]
        del self._parser.value_stack[place:], self._parser.state_stack[place + 1 :]

    def feed(self, kind: str, text: str, start: int) -> None:
        """Feeds the parser a token that is not in the text, or is skipped."""
        self._parser.feed_token(Token(kind, text, start, 1, 1, 1, 1, start))

    def feed_found(self) -> None:
        """Feeds the parser the token that was unexpected, once it is accepted."""
        self._parser.feed_token(self._token)

    def pass_over(self, text: str) -> None:
        """Advances past a text at the position."""
        self._reading.feed(text)

    def _starts_statement(self, place: int) -> bool:
        """Whether a statement can start at an index of the stack."""
        return STATEMENT in self._parser.parse_conf.states[self._parser.state_stack[place]]

    def _open_blocks(self) -> list[tuple[int, Terminal]]:
        """The braces that opened a block, with their indices in the stack: a statement can follow them."""
        terminals = enumerate(map(_terminal, self._parser.value_stack))
        return [
            (place, brace)
            for place, brace in terminals
            if brace and brace.kind == "LBRACE" and self._starts_statement(place + 1)
        ]


def _terminal(value: object) -> Terminal | None:
    """The token of a stack entry, None if it is not one."""
    return Terminal(value.type, str(value), value.start_pos or 0) if isinstance(value, Token) else None
