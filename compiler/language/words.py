"""Computed words like `h[i]`, `10.0.[i].1/24` and `s[0..1]-[0..1]`, and the values of words."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import product
from math import prod
from typing import NamedTuple, TypeVar

from compiler.ground.diagnostics import Diagnostics, suggest
from compiler.ground.names import is_word
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.expressions import (
    Expression,
    ExpressionError,
    Number,
    Range,
    UnknownNameError,
    Value,
    evaluate,
    holds,
    span_of,
    value_of,
    written,
)
from compiler.language.formulas import Formula, FormulaError, formula

Result = TypeVar("Result")

_DIFFERENCE = re.compile(r"\s*([0-9]+)\s*-\s*(\w+)\s*", re.ASCII)
"""A difference that looks like a range in other tools: a number minus a number or a name."""

_LISTED_RANGE = re.compile(r"[0-9]+\.\.[0-9]+", re.ASCII)
"""A range that lacks its brackets."""

_BRACKETS = re.compile(r"\[([^\[\]\n]*)\]")


LONGEST = 65_535
"""The greatest length of a computed text in characters, ample for a command of `run`."""

TEXT_OF_ONE = 100
"""The characters of computed text that cost as much as one word."""


class Names(dict[str, Value]):
    """The params and variables of a scope; others are looked up in the scopes around it."""

    def __init__(self, around: "Names | None" = None) -> None:
        super().__init__()
        self.around = around

    def __missing__(self, name: str) -> Value:
        if self.around is None:
            raise KeyError(name)
        return self.around[name]

    def all(self) -> set[str]:
        """All names in scope."""
        return {*self, *(self.around.all() if self.around else ())}


class CannotComputeError(Exception):
    """A word or a formula has no value; this has been reported."""


class _Part(NamedTuple):
    """A bracket of a word with its offsets, and the text before it.

    `is_difference` is whether it looks like a range in other tools.
    """

    before: str
    start: int
    end: int
    inside: str
    is_difference: bool


class Words:
    """Computes words and formulas, and reports those that have no value.

    `spend` is called with the number of words before they are made. `tables` is the folder of `tables.read`.
    """

    def __init__(
        self, diagnostics: Diagnostics, spend: Callable[[int, Span], None], tables: str | None
    ) -> None:
        self.diagnostics = diagnostics
        self.spend = spend
        self.tables = tables
        self._single_formulas: dict[str, Expression] = {}
        """Formulas of a single value, by text."""
        self.excused: set[str] = set()
        """Params whose value could not be computed; that they are unknown is not reported again."""

    def word(self, word: syntax.Word, names: Names) -> str:
        """The word that a word computes to, where only one is allowed."""
        return self._well_formed(self.text(word, names), word.span)

    def text(self, word: syntax.Word, names: Names) -> str:
        """The text that a word computes to, which need not be a valid word."""
        if (quick := self._quick(word.text, names)) is not None:
            return self._joined(quick, word.span)
        parts, tail = _split(word.text)
        pieces = []
        for part in parts:
            inner = word.span.part(part.start + 1, part.end - 1)
            value = self._single(self._parse(part.inside, inner), inner, names)
            pieces += [part.before, written(value)]
        return self._joined([*pieces, tail], word.span)

    def _quick(self, text: str, names: Names) -> list[str] | None:
        """The pieces of a word whose brackets are all known single-valued formulas; else None."""
        parts, tail = _split(text)
        pieces = []
        try:
            for before, _, _, inside, _ in parts:
                pieces += [before, written(evaluate(self._single_formulas[inside], names))]
        except (KeyError, ExpressionError):
            return None
        return [*pieces, tail]

    def nodes(self, word: syntax.Word, names: Names) -> list[str]:
        """The words that a word expands to, where several are allowed; the rightmost range varies fastest."""
        if not _has_difference(word.text) and (quick := self._quick(word.text, names)):
            return [self._well_formed(self._joined(quick, word.span), word.span)]
        parts, tail = _split(word.text)
        choices = [self._choices(part, word.span, names) for part in parts]
        if any(isinstance(values, range) for values in choices):
            self.spend(prod(_count(values) for values in choices), word.span)
        befores = [part.before for part in parts]
        return [
            self._well_formed(self._joined([*_between(befores, values), tail], word.span), word.span)
            for values in product(*choices)
        ]

    def _joined(self, pieces: list[str], span: Span) -> str:
        """The concatenation of pieces; reports one that is longer than LONGEST."""
        size = sum(map(len, pieces))
        if size > LONGEST:
            message = f"this computes to {size} characters, and a text has {LONGEST} at most"
            self.diagnostics.error("MPC308", message, span, "too long")
            raise CannotComputeError
        if size >= TEXT_OF_ONE:
            self.spend(size // TEXT_OF_ONE, span)
        return "".join(pieces)

    def value(self, word: syntax.Word | syntax.String, names: Names) -> Value:
        """The value of a word for a param; a word that is one bracket keeps its exact value."""
        if isinstance(word, syntax.String):
            return self._joined([word.text], word.span)
        if match := _BRACKETS.fullmatch(word.text):
            inner = word.span.part(1, len(word.text) - 1)
            return self._single(self._parse(match[1], inner), inner, names)
        return self._plain(self.text(word, names), word.span)

    def values(self, word: syntax.Word | syntax.String, names: Names) -> list[Value]:
        """The values of an item of a list, several if it has ranges."""
        if isinstance(word, syntax.Word) and ".." in word.text and "[" in word.text:
            return [self._plain(text, word.span) for text in self.nodes(word, names)]
        if isinstance(word, syntax.Word) and _LISTED_RANGE.fullmatch(word.text):
            help = f"did you mean `[{word.text}]`?"
            message = "a range in a list stands in brackets"
            self.diagnostics.error("MPC116", message, word.span, "no brackets", help)
            raise CannotComputeError
        return [self.value(word, names)]

    def _plain(self, text: str, span: Span) -> Value:
        return self._computed(lambda: value_of(text), span, Names())

    def turns(self, formula: syntax.Formula, names: Names) -> range:
        """The numbers of a range without brackets."""
        found = self._parse(formula.text, formula.span)
        if isinstance(found, Range):
            return self._range(found, formula.span, names)
        from compiler.ground.mends import formula_of

        meant = formula_of(formula.text, in_brackets=False)
        help = f"did you mean `{meant}`?" if meant else "a loop goes over a range `0..3` or a list `{a,b}`"
        self.diagnostics.error("MPC105", "expected a range, like `0..3`", formula.span, "no range", help)
        raise CannotComputeError

    def holds(self, formula: syntax.Formula, names: Names) -> bool:
        """Whether a condition is true."""
        found = self._only(self._parse(formula.text, formula.span), formula.span)
        return self._computed(lambda: holds(found, names), formula.span, names)

    def _parse(self, text: str, span: Span) -> Formula:
        try:
            return formula(text, self.tables)
        except FormulaError as error:
            from compiler.ground.mends import formula_of

            place, help = span.part(error.start, error.end) if text else span, error.help
            if meant := formula_of(text, in_brackets=span.source.text[span.start - 1] == "["):
                place, help = span, f"did you mean `{meant}`?"
            self.diagnostics.error("MPC105", error.message, place, "not an expression", help)
            raise CannotComputeError from None

    def _choices(self, part: _Part, word: Span, names: Names) -> "range | tuple[Value]":
        """The values of a bracket."""
        span = word.part(part.start + 1, part.end - 1)
        found = self._parse(part.inside, span)
        if isinstance(found, Range):
            return self._range(found, span, names)
        value = self._single(found, span, names)
        if part.is_difference:
            self._check_difference(span, value)
        return (value,)

    def _check_difference(self, span: Span, value: Value) -> None:
        """Reports `h[1-3]`, which is `h-2`: a negative difference that looks like a range."""
        match = _DIFFERENCE.fullmatch(span.text)
        if match and not isinstance(value, str) and value < 0:
            message = f"this is the difference {match[0].strip()}, which is {written(value)}"
            help = f"did you mean `{match[1]}..{match[2]}`?"
            self.diagnostics.error("MPC116", message, span, "not a range", help)
            raise CannotComputeError

    def _range(self, found: Range, span: Span, names: Names) -> range:
        values = self._computed(lambda: span_of(found, names), span, names)
        if not values and isinstance(found.low, Number) and isinstance(found.high, Number):
            message, help = "this range is empty", f"did you mean `{found.high.value}..{found.low.value}`?"
            self.diagnostics.warning("MPC761", message, span, "ends before it starts", help)
        return values

    def _single(self, found: Formula, span: Span, names: Names) -> Value:
        only = self._only(found, span)
        value = self._computed(lambda: evaluate(only, names), span, names)
        self._single_formulas[span.text] = only
        return value

    def _only(self, found: Formula, span: Span) -> Expression:
        if not isinstance(found, Range):
            return found
        help = "ranges make sets of nodes, and what a `for` goes over"
        self.diagnostics.error("MPC109", "a range stands where one value is", span, "several values", help)
        raise CannotComputeError

    def _computed(self, compute: Callable[[], Result], span: Span, names: Names) -> Result:
        """The result of a function; if it fails, reports why and raises CannotComputeError."""
        try:
            return compute()
        except UnknownNameError as error:
            name = str(error.args[0])
            if name in self.excused:
                raise CannotComputeError from None
            message = f"unknown param or variable `{name}`"
            other = f'write `"{name}"` for a word, and `param` above its use'
            self.diagnostics.error(
                "MPC214",
                message,
                span,
                "nothing has this name here",
                lambda: suggest(name, names.all()) or other,
            )
        except ExpressionError as error:
            self.diagnostics.error("MPC308", str(error.args[0]), span, "cannot be computed", error.help)
        raise CannotComputeError

    def _well_formed(self, text: str, span: Span) -> str:
        if is_word(text):
            return text
        message = f"this computes to `{text}`, which is not a word" if text else "this computes to nothing"
        help = "words are letters, digits, `_`, `:`, `/`, `%`, and single `.` and `-` between them"
        self.diagnostics.error("MPC308", message, span, "not a word", help)
        raise CannotComputeError


@cache
def _split(text: str) -> tuple[tuple[_Part, ...], str]:
    """The brackets of a word, each with the text before it, and the text after the last."""
    parts, end = [], 0
    for match in _BRACKETS.finditer(text):
        before, inside = text[end : match.start()], match[1]
        is_difference = _DIFFERENCE.fullmatch(inside) is not None
        parts.append(_Part(before, match.start(), match.end(), inside, is_difference))
        end = match.end()
    return tuple(parts), text[end:]


@cache
def _has_difference(text: str) -> bool:
    """Whether a bracket of a word looks like a range in other tools."""
    return any(part.is_difference for part in _split(text)[0])


def _between(befores: list[str], values: Iterable[Value]) -> Iterator[str]:
    """The texts before a word's brackets alternating with the brackets' values."""
    for before, value in zip(befores, values, strict=True):
        yield from (before, written(value))


def _count(values: "range | tuple[Value]") -> int:
    """The number of values; `len` fails beyond `sys.maxsize`."""
    return max(0, values.stop - values.start) if isinstance(values, range) else 1
