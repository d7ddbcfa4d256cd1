"""The parser of expressions, by `grammar/expression.lark`.

Not imported for labs without expressions.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

from compiler.ground.diagnostics import suggest
from compiler.language import expressions
from compiler.language.expressions import Expression, ExpressionError, Range
from compiler.language.tables import for_lark, read

Formula = Expression | Range


class FormulaError(Exception):
    """A syntax error in an expression: a sentence, the offsets of the error, and a help line."""

    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, end, help


@cache
def formula(text: str, folder: str | None = None) -> Formula:
    """Parses an expression or a range; raises FormulaError if the text is neither.

    `folder` is as for `tables.read`.
    """
    try:
        found: Formula | None = read("expression", text, Maker(), folder)
    except ExpressionError:  # a syntax error later in the text takes precedence
        found = None
    return by_lark(text, folder) if found is None else found


def by_lark(text: str, folder: str | None) -> Formula:
    """Parses with lark instead, for a text with an error."""
    from compiler.language import grammars

    lark = grammars.parser("expression", for_lark("expression", folder))
    if mistake := grammars.first_mistake(lark, text):
        _explain(text, *mistake)
    try:
        found: Formula = grammars.parse(lark, text, Maker())
    except ExpressionError as error:
        raise FormulaError(error.args[0], 0, len(text), error.help) from None
    return found


def _explain(text: str, found: str, start: int) -> NoReturn:
    """Raises FormulaError for an unexpected token, with help for the notation of other languages."""
    if not found:
        raise FormulaError("this expression ends too early", len(text), len(text)) from None
    shown = found if found.isprintable() else f"U+{ord(found[0]):04X}"
    message = f"unexpected `{shown}` in an expression"
    if found == '"':
        message = "this string is not closed"
    raise FormulaError(message, start, start + len(found), _HINTS.get(found, "")) from None


_HINTS = {
    "=": "`==` compares",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "^": "a power is written `**`",
    "?": "a choice is a statement: `if ... { ... } else { ... }`",
    "'": 'a string is written `"..."`',
    "..": "a range stands alone: `[0..3]`",
    ",": "a set of nodes stands in braces: `{h1,h3}`",
    ";": "a set of nodes stands in braces: `{h1,h3}`",
    "$": "a param is read by its name alone",
}
"""Help lines for tokens in the wrong place."""


class Maker:
    """Makes the classes of `expressions`."""

    def token(self, kind: str, text: str, start: int) -> str:
        del kind, start
        return text

    def rule(self, name: str, start: int, end: int, children: list[Any]) -> Formula:
        del start, end
        return MADE[name](*children)


def _start(low: Expression, high: Expression | None) -> Formula:
    return low if high is None else Range(low, high)


def _operation(*parts: Any) -> Expression:
    """One operand after its operator, or an operator between two."""
    if len(parts) == 2:
        sign, operand = parts
        return expressions.operation(sign, operand)
    left, sign, right = parts
    return expressions.operation(sign, left, right)


def _call(name: str, *operands: Expression) -> Expression:
    if name not in expressions.FUNCTIONS:
        help = suggest(name, expressions.FUNCTIONS) or "functions are `min`, `max` and `abs`"
        raise ExpressionError(f"there is no function `{name}`", help)
    return expressions.operation(name, *operands)


MADE: dict[str, Callable[..., Formula]] = {
    "start": _start,
    "operation": _operation,
    "call": _call,
    "number": lambda text: expressions.Number(expressions.number(text)),
    "text": lambda text: expressions.Text(unquoted(text)),
    "name": expressions.Name,
}
"""The functions that make a rule's value of its children."""


def unquoted(text: str) -> str:
    """The value of a string literal."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])
