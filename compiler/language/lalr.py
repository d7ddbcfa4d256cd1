"""Text to what is made of it, by the tables of an LALR(1) parser. A text with a mistake is for lark.

`grammars.py` has lark make the tables. What is read here is read as lark reads it: with a lexer that knows
the parser's state, and with the same children for each rule. Tests hold the two to each other.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

END = "$END"
"""The terminal after the last one of a text."""

VALUE, SPLICED, TERMINAL = range(3)
"""What a rule keeps of a symbol: what was made of it, the children that it has, or its text."""


class Rule(NamedTuple):
    """A production of a symbol, and the name by which makers know it.

    `kept` has the symbols that become children: their places, what is kept of them, and the number of
    optional parts before each that are not there; `absent` is the number of those after the last. A rule that
    is a `list` is no node of its own: its children are those of the rule that it stands in. One that `passes`
    is its only child, where it has one.
    """

    symbol: str
    name: str
    size: int
    kept: tuple[tuple[int, int, int], ...]
    absent: int
    is_list: bool
    passes: bool


class Lexer(NamedTuple):
    """What can be read in some states: the terminals, and the keywords among those of some."""

    terminals: Sequence[str]
    keywords: dict[str, dict[str, str]]


class Tables(NamedTuple):
    """A grammar's tables.

    `actions` has, for each state and symbol, the state to go to, or the complement (~) of the number of the
    rule that ends there. `terminals` has the pattern of each; where several match, the first of them is read.
    `kinds` has the number of each state's lexer.
    """

    start: int
    end: int
    actions: Sequence[dict[str, int]]
    rules: Sequence[Rule]
    terminals: dict[str, str]
    ignored: frozenset[str]
    kinds: Sequence[int]
    lexers: Sequence[Lexer]


class Maker(Protocol):
    """What makes values of what is read. Places are offsets in the text; -1 where a rule is empty."""

    def token(self, kind: str, text: str, start: int) -> object:
        """What a terminal becomes."""

    def rule(self, name: str, start: int, end: int, children: list[Any]) -> object:
        """What a rule becomes, of what its parts have become."""


class Reader:
    """Reads texts by tables; patterns are compiled when they are first needed."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._patterns: dict[Sequence[str], re.Pattern[str]] = {}

    def read(self, text: str, maker: Maker) -> Any:
        """What is made of a text; None where the text has a mistake."""
        actions, rules, end = self.tables.actions, self.tables.rules, self.tables.end
        states = [self.tables.start]
        parts: list[_Part] = []
        for kind, word, start in self._tokens(text, states):
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

    def _tokens(self, text: str, states: list[int]) -> Iterator[tuple[str, str, int]]:
        """The terminals of a text, each read as the state then has it; less where one cannot be read."""
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
        """What matches the first of some terminals.

        Where what matches the first of all finds one of these, it is the first of these too.
        """
        if terminals not in self._patterns:
            groups = (f"(?P<{name}>{self.tables.terminals[name]})" for name in terminals)
            self._patterns[terminals] = re.compile("|".join(groups))
        return self._patterns[terminals]


_Part = tuple[Any, int, int]
"""What is on the parser's stack: a terminal with its text, a list, or what was made; its start and end."""


def _reduced(rule: Rule, parts: list[_Part], maker: Maker) -> _Part:
    """What a rule becomes, with its place: from the first of its parts that has one to the last."""
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
    """What a rule keeps of its parts; a list that comes first is added to, as nobody else has it."""
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
