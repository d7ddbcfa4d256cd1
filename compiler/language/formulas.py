"""The text of an expression to its tree, by `grammar/expression.lark`.

Nothing of this is loaded for a lab that computes nothing.
"""

import re
from functools import cache
from typing import Any, NoReturn

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError
from lark.visitors import Transformer_NonRecursive

from compiler import resources
from compiler.ground.diagnostics import suggest
from compiler.language import expressions
from compiler.language.expressions import Expression, ExpressionError, Range

Formula = Expression | Range


class FormulaError(Exception):
    """A text that is no expression: the sentence, where it goes wrong (offsets), and a help line."""

    def __init__(self, message: str, start: int, end: int, help: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, end, help


def parser(tables: str | None = None, *, strict: bool = False) -> Lark:
    """The parser; `tables` is a folder of this user's own where its tables are kept between runs."""
    return Lark(
        resources.read("grammar/expression.lark"),
        parser="lalr",
        strict=strict,
        maybe_placeholders=True,
        cache=resources.tables(tables, "expression"),
    )


_cached_parser = cache(parser)


@cache
def formula(text: str, tables: str | None = None) -> Formula:
    """The expression or the range that a text is; raises FormulaError where it is neither."""
    try:
        found: Formula = _Builder().transform(_cached_parser(tables).parse(text))
    except UnexpectedInput as error:
        _explain(text, error)
    except VisitError as error:
        assert isinstance(error.orig_exc, ExpressionError)
        raise FormulaError(error.orig_exc.args[0], 0, len(text), error.orig_exc.help) from None
    return found


def _explain(text: str, error: UnexpectedInput) -> NoReturn:
    """Says what stands where it cannot, with the mend for what other languages write."""
    if isinstance(error, UnexpectedToken):
        start, found = error.token.start_pos or 0, str(error.token)
    else:
        assert isinstance(error, UnexpectedCharacters)
        place: Any = error.pos_in_stream
        start, found = place, text[place]
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
"""Mends for what stands in the wrong place."""


class _Builder(Transformer_NonRecursive[Token, Any]):
    """Makes the classes of `expressions`."""

    def start(self, children: list[Any]) -> Formula:
        low, high = children
        return low if high is None else Range(low, high)

    def operation(self, children: list[Any]) -> Expression:
        """One operand after its operator, or an operator between two."""
        if len(children) == 2:
            sign, operand = children
            return expressions.operation(str(sign), operand)
        left, sign, right = children
        return expressions.operation(str(sign), left, right)

    def call(self, children: list[Any]) -> Expression:
        name, *operands = children
        if name not in expressions.FUNCTIONS:
            help = suggest(str(name), expressions.FUNCTIONS) or "functions are `min`, `max` and `abs`"
            raise ExpressionError(f"there is no function `{name}`", help)
        return expressions.operation(str(name), *operands)

    def number(self, children: list[Any]) -> Expression:
        return expressions.Number(expressions.number(str(children[0])))

    def text(self, children: list[Any]) -> Expression:
        return expressions.Text(unquoted(str(children[0])))

    def name(self, children: list[Any]) -> Expression:
        return expressions.Name(str(children[0]))


def unquoted(text: str) -> str:
    """The value of a string as it is written, with its quotes."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])
