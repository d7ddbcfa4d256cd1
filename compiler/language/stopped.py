"""A parse that has met a mistake: what was read, what could stand there, and how it can go on.

What was read is a stack: each entry is a terminal, or what a rule has made of entries. This alone knows how
lark keeps it; `recovery.py` says what is done with it.
"""

from copy import copy
from typing import Any, NamedTuple

from lark import Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from compiler.language.complaints import STATEMENT


class Terminal(NamedTuple):
    """A terminal of a text, and where it starts."""

    kind: str
    text: str
    start: int


class Stopped:
    """A parse at a mistake. Its methods change what was read, and where reading goes on."""

    def __init__(self, error: UnexpectedInput) -> None:
        lark: Any = error.interactive_parser
        self._lark, self._parser = lark, lark.parser_state
        self._reading = lark.lexer_thread.state.line_ctr
        self._token = error.token if isinstance(error, UnexpectedToken) else None
        self._expected = frozenset(error.expected if isinstance(error, UnexpectedToken) else ())

    @property
    def found(self) -> Terminal | None:
        """What stands where it cannot; None for a character that begins no terminal."""
        return _terminal(self._token)

    @property
    def place(self) -> int:
        """The offset at which reading goes on."""
        return int(self._reading.char_pos)

    def expected(self) -> frozenset[str]:
        """The terminals that could stand here."""
        return frozenset(self._lark.accepts()) or self._expected

    @property
    def last(self) -> Terminal | None:
        """The last entry, where it is a terminal."""
        return _terminal(self._parser.value_stack[-1]) if self._parser.value_stack else None

    @property
    def keyword(self) -> str:
        """The first terminal of the statement that is being read; or nothing."""
        place = len(self._parser.value_stack)
        while place and not self._starts_statement(place):
            place -= 1
        return next((str(value) for value in self._parser.value_stack[place:] if _terminal(value)), "")

    def could_follow(self, kind: str, then: str) -> bool:
        """Whether a terminal could stand here, and another one after it."""
        trial = self._lark.copy(deepcopy_values=False)
        trial.parser_state.parse_conf = copy(trial.parser_state.parse_conf)
        trial.parser_state.parse_conf.callbacks = {}  # they would change values that the two share
        try:
            trial.feed_token(Token(kind, kind))
        except UnexpectedInput:
            return False
        return then in trial.accepts()

    def could_start(self) -> bool:
        """Whether a statement could start after the last entry."""
        return self._starts_statement(len(self._parser.value_stack))

    def drop(self) -> Terminal | None:
        """Forgets the last entry; gives it, where it is a terminal."""
        self._parser.state_stack.pop()
        return _terminal(self._parser.value_stack.pop())

    def open_blocks(self) -> list[Terminal]:
        """The braces of the blocks that are open, the outermost first."""
        return [brace for _, brace in self._open_blocks()]

    def drop_blocks(self) -> None:
        """Forgets the outermost block that is open, with all that was read since."""
        place, _ = self._open_blocks()[0]
        del self._parser.value_stack[place:], self._parser.state_stack[place + 1 :]

    def feed(self, kind: str, text: str, start: int) -> None:
        """Has the parser read a terminal that stands nowhere, or where reading does not come by."""
        self._parser.feed_token(Token(kind, text, start, 1, 1, 1, 1, start))

    def feed_found(self) -> None:
        """Has the parser read what stands where it could not, now that it can."""
        self._parser.feed_token(self._token)

    def pass_over(self, text: str) -> None:
        """Moves on behind a text that stands at the place."""
        self._reading.feed(text)

    def _starts_statement(self, place: int) -> bool:
        """Whether a statement could start below an entry."""
        return STATEMENT in self._parser.parse_conf.states[self._parser.state_stack[place]]

    def _open_blocks(self) -> list[tuple[int, Terminal]]:
        """The braces that opened a block, as a statement could follow them, with their places."""
        terminals = enumerate(map(_terminal, self._parser.value_stack))
        return [
            (place, brace)
            for place, brace in terminals
            if brace and brace.kind == "LBRACE" and self._starts_statement(place + 1)
        ]


def _terminal(value: object) -> Terminal | None:
    """What an entry of lark's is, where it is a terminal."""
    return Terminal(value.type, str(value), value.start_pos or 0) if isinstance(value, Token) else None
