"""Evaluation of `[ ... ]`: expression trees, and their values, which are exact numbers or words.

The classes are the rules of `grammar/expression.lark`, their fields the children of the rule.
"""

import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

Value = int | Fraction | str
"""A number, an `int` if it is whole, or a word."""

MOST_BITS = 1024
"""The bound of a numerator and of a denominator, in bits, so that no result takes long to compute."""

SMALL = 2**30
"""Whole numbers below this need no exact check of their bits."""

DEEPEST = 100
"""The greatest depth of an expression tree, in operations."""

DIGITS = 6
"""Decimal places of a number within a word."""

_NUMBER = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?", re.ASCII)


class ExpressionError(Exception):
    """An expression that has no value; the arguments are a sentence for the user, and a help line."""

    @property
    def help(self) -> str:
        return str(self.args[1]) if len(self.args) > 1 else ""


class UnknownNameError(ExpressionError):
    """An undefined name; the argument is the name."""


class Number(NamedTuple):
    value: int | Fraction


class Text(NamedTuple):
    value: str


class Name(NamedTuple):
    name: str


class Operation(NamedTuple):
    """An operator or a function with its operands; `depth` is the depth of the tree in operations."""

    operator: str
    operands: tuple["Expression", ...]
    depth: int


Expression = Number | Text | Name | Operation


class Range(NamedTuple):
    """`low..high`, inclusive."""

    low: Expression
    high: Expression


def evaluate(expression: Expression, names: Mapping[str, Value]) -> Value:
    """The value of an expression; raises ExpressionError where it has none."""
    if isinstance(expression, Name):
        try:
            return names[expression.name]
        except KeyError:
            raise UnknownNameError(expression.name) from None
    if not isinstance(expression, Operation):
        return expression.value
    name, operands, _ = expression
    if name in _OF_WHOLE and len(operands) == 2:
        left, right = evaluate(operands[0], names), evaluate(operands[1], names)
        if type(left) is int and type(right) is int:
            return _bounded_number(_OF_WHOLE[name](left, right))
        return _bounded(_apply(name, [left, right]))
    if name in ("and", "or"):
        if _is_true(evaluate(operands[0], names)) == (name == "or"):
            return int(name == "or")
        return int(_is_true(evaluate(operands[1], names)))
    return _bounded(_apply(name, [evaluate(operand, names) for operand in operands]))


def operation(name: str, *operands: Expression) -> Operation:
    """An operation, unless it would be too deep to evaluate."""
    depth = 1 + max(operand.depth if isinstance(operand, Operation) else 0 for operand in operands)
    if depth > DEEPEST:
        raise ExpressionError(f"more than {DEEPEST} operations stand within each other here")
    return Operation(name, operands, depth)


def span_of(bounds: Range, names: Mapping[str, Value]) -> range:
    """The whole numbers of a range, empty if it ends before it starts."""
    low, high = evaluate(bounds.low, names), evaluate(bounds.high, names)
    for end in (low, high):
        if not isinstance(end, int):
            raise ExpressionError(f"a range goes over whole numbers, not to or from `{written(end)}`")
    assert isinstance(low, int)
    assert isinstance(high, int)
    return range(low, high + 1)


def holds(expression: Expression, names: Mapping[str, Value]) -> bool:
    """Whether a condition is true, that is, not 0."""
    return _is_true(evaluate(expression, names))


def number(text: str) -> int | Fraction:
    """The number that a decimal literal denotes."""
    if not _NUMBER.fullmatch(text):
        raise ExpressionError("a number has at most 300 digits")
    return _bounded_number(Fraction(text) if "." in text else int(text))


def value_of(text: str) -> Value:
    """The value of a plain word: a number if it is a literal of one."""
    return number(text) if _NUMBER.fullmatch(text) else text


def written(value: Value) -> str:
    """A value as it is written into a word; numbers get at most DIGITS decimal places, ties go to even."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    digits = f"{abs(round(value * 10**DIGITS)):0{DIGITS + 1}d}"
    sign = "-" if value < 0 and digits.strip("0") else ""
    return (f"{sign}{digits[:-DIGITS]}.{digits[-DIGITS:]}").rstrip("0").rstrip(".")


def _is_true(value: Value) -> bool:
    return value != 0


def _whole(value: int | Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _bounded(value: Value) -> Value:
    return value if isinstance(value, str) else _bounded_number(value)


def _bounded_number(value: int | Fraction) -> int | Fraction:
    if type(value) is int and -SMALL < value < SMALL:
        return value
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise ExpressionError(f"this number has more than {MOST_BITS} bits")
    return _whole(value)


Numbers = list[int | Fraction]

_COMPARISONS: dict[str, Callable[[Any, Any], object]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FUNCTIONS: dict[str, Callable[[Numbers], int | Fraction]] = {
    "min": min,
    "max": max,
    "abs": lambda numbers: max(_only(numbers), -_only(numbers)),
    "+": lambda numbers: numbers[0] + numbers[1],
    "-": lambda numbers: numbers[0] - numbers[1] if len(numbers) > 1 else -numbers[0],
    "*": lambda numbers: numbers[0] * numbers[1],
    "/": lambda numbers: Fraction(numbers[0]) / _not_zero(numbers[1]),
    "//": lambda numbers: numbers[0] // _not_zero(numbers[1]),
    "%": lambda numbers: numbers[0] % _not_zero(numbers[1]),
    "**": lambda numbers: _power(*numbers),
}
FUNCTIONS = ("min", "max", "abs")

_OF_WHOLE: dict[str, Callable[[Any, Any], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
"""The most frequent operations of two whole numbers, as a fast path."""


def _apply(name: str, values: list[Value]) -> Value:
    numbers: Numbers = [value for value in values if not isinstance(value, str)]
    if name in _COMPARISONS:
        if len(numbers) == 1 and name not in ("==", "!="):
            raise ExpressionError(f"a number and a word have no order, so `{name}` cannot compare them")
        return int(bool(_COMPARISONS[name](*values)))
    if name == "not":
        return int(not _is_true(values[0]))
    if len(numbers) < len(values):
        word = next(value for value in values if isinstance(value, str))
        raise ExpressionError(f"`{word}` is a word, and `{name}` takes numbers")
    return _FUNCTIONS[name](numbers)


def _only(numbers: Numbers) -> int | Fraction:
    if len(numbers) > 1:
        raise ExpressionError(f"`abs` takes one number, not {len(numbers)}")
    return numbers[0]


def _not_zero(value: int | Fraction) -> int | Fraction:
    if value == 0:
        raise ExpressionError("this divides by zero")
    return value


def _power(base: int | Fraction, exponent: int | Fraction) -> int | Fraction:
    """A power with a whole exponent; the size is estimated first."""
    if not isinstance(exponent, int):
        raise ExpressionError(f"an exponent is a whole number, not `{written(exponent)}`")
    if exponent < 0:
        base, exponent = 1 / Fraction(_not_zero(base)), -exponent
    bits = max(abs(base.numerator), base.denominator).bit_length() - 1
    if bits * exponent > MOST_BITS:
        raise ExpressionError(f"this number has more than {MOST_BITS} bits")
    return base**exponent
