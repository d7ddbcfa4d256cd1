"""A table-driven LALR(1) parser with a contextual lexer. Texts with syntax errors are left to lark.

`grammars.py` takes the tables from lark. Tokens and the children of rules are the same as lark's; tests
compare the two.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

END = "$END"
"""The terminal at the end of a text."""

VALUE, SPLICED, TERMINAL = range(3)
"""How a rule keeps a symbol: as its value, as its children, spliced in, or as a token's text."""


class Rule(NamedTuple):
    """A production of a symbol, and the rule's name for makers.

    `kept` has the symbols that become children: their indices, how they are kept, and the number of absent
    optional parts before each; `absent` is the number of those after the last. A rule that is a `list` is
    inlined: its children become children of the rule around it. One that `passes` is replaced by its child,
    if it has exactly one.
    """

    symbol: str
    name: str
    size: int
    kept: tuple[tuple[int, int, int], ...]
    absent: int
    is_list: bool
    passes: bool


class Lexer(NamedTuple):
    """A lexer of one or more states: their terminals, and by terminal the keywords that it may match."""

    terminals: Sequence[str]
    keywords: dict[str, dict[str, str]]


class Tables(NamedTuple):
    """The LALR(1) tables of a grammar.

    `actions` has, by state and symbol, the state to shift or go to, or the complement (~) of the index of the
    rule to reduce. `terminals` has their patterns; of several that match, the first counts. `kinds` has the
    index of each state's lexer.
    """

    start: int
    end: int
    actions: Sequence[dict[str, int]]
    rules: Sequence[Rule]
    terminals: dict[str, str]
    ignored: frozenset[str]
    kinds: Sequence[int]
    lexers: Sequence[Lexer]


Token = tuple[str, str, int]
"""A terminal, its text and its start offset."""


class Maker(Protocol):
    """Makes the values of terminals and rules; `start` and `end` are offsets, -1 for an empty rule."""

    def token(self, kind: str, text: str, start: int) -> object:
        """The value of a terminal."""

    def rule(self, name: str, start: int, end: int, children: list[Any]) -> object:
        """The value of a rule, made of the values of its children."""


class Reader:
    """A parser of one grammar; patterns are compiled at their first use."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._patterns: dict[Sequence[str], re.Pattern[str]] = {}

    def read(self, text: str, maker: Maker) -> Any:
        """The value of a text; None if it has a syntax error."""
        states = [self.tables.start]
        return self._value(self._tokens(text, states), states, maker)

    def tokens(self, text: str, maker: Maker) -> list[Token] | None:
        """All tokens of a text, also those that are no children of rules; None if it has a syntax error."""
        states = [self.tables.start]
        found: list[Token] = []
        value = self._value(_noted(self._tokens(text, states), found), states, maker)
        return None if value is None else found[:-1]

    def _value(self, tokens: Iterable[Token], states: list[int], maker: Maker) -> Any:
        """The value of a rule that tokens derive from; `states` is the parser's stack."""
        actions, rules, end = self.tables.actions, self.tables.rules, self.tables.end
        parts: list[_Part] = []
        for kind, word, start in tokens:
            while (action := actions[states[-1]].get(kind)) is not None and action < 0:
                rule = rules[~action]
                made = _reduced(rule, parts[len(parts) - rule.size :], maker)
                if rule.size:
                    del parts[-rule.size :], states[-rule.size :]
                parts.append(made)
                states.append(actions[states[-1]][rule.symbol])
                if kind == END and states[-1] == end:
                    return made[0]
            if action is None:
                return None
            parts.append(((kind, word), start, start + len(word)))
            states.append(action)
        return None

    def _tokens(self, text: str, states: list[int]) -> Iterator[Token]:
        """The tokens of a text, each by the lexer of the then current state; ends where none matches."""
        ignored, kinds, lexers = self.tables.ignored, self.tables.kinds, self.tables.lexers
        any_of_all = self._pattern(tuple(self.tables.terminals))
        place, size = 0, len(text)
        while place < size:
            terminals, keywords = lexers[kinds[states[-1]]]
            found = any_of_all.match(text, place)
            if not found or found.lastgroup not in terminals:
                found = self._pattern(terminals).match(text, place)
                if not found:
                    return
            kind, word = found.lastgroup or "", found[0]
            if kind not in ignored:
                if kind in keywords:
                    kind = keywords[kind].get(word, kind)
                yield kind, word, place
            place = found.end()
        yield END, "", size

    def _pattern(self, terminals: Sequence[str]) -> re.Pattern[str]:
        """The pattern of an alternation of some terminals, in order.

        If the alternation of all terminals matches one of these, it is the first of these as well.
        """
        if terminals not in self._patterns:
            groups = (f"(?P<{name}>{self.tables.terminals[name]})" for name in terminals)
            self._patterns[terminals] = re.compile("|".join(groups))
        return self._patterns[terminals]


def _noted(tokens: Iterable[Token], found: list[Token]) -> Iterator[Token]:
    """The tokens, each added to `found` when it is read."""
    for token in tokens:
        found.append(token)
        yield token


_Part = tuple[Any, int, int]
"""An entry of the parser's stack: a terminal's text, a list or a value, with its start and end."""


def _reduced(rule: Rule, parts: list[_Part], maker: Maker) -> _Part:
    """The value of a rule, with the span from its first part that is not empty to the last."""
    children = _children(rule, parts, maker)
    start = end = -1
    for _, start, _ in parts:
        if start >= 0:
            break
    for _, _, end in reversed(parts):
        if end >= 0:
            break
    if rule.is_list:
        return children, start, end
    if rule.passes and len(children) == 1:
        return children[0], start, end
    return maker.rule(rule.name, start, end, children), start, end


def _children(rule: Rule, parts: list[_Part], maker: Maker) -> list[Any]:
    """The children of a rule; a list that comes first is extended in place, as it has no other use."""
    children: list[Any] = []
    for place, what, absent in rule.kept:
        value, start, _ = parts[place]
        if absent:
            children += [None] * absent
        if what == VALUE:
            children.append(value)
        elif what == TERMINAL:
            kind, text = value
            children.append(maker.token(kind, text, start))
        elif children:
            children += value
        else:
            children = value
    return children + [None] * rule.absent if rule.absent else children
