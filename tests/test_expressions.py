"""Expressions: their values, and their errors."""

import operator
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.language.expressions import ExpressionError, Range, Value, evaluate, span_of, written
from compiler.language.formulas import FormulaError, formula
from compiler.language.grammars import parser

NAMES: dict[str, Value] = {"n": 4, "i": 0, "half": Fraction(1, 2), "mode": "fast", "order": 7, "min": 9}


def value(text: str) -> Value:
    found = formula(text)
    assert not isinstance(found, Range)
    return evaluate(found, NAMES)


def refusal(text: str) -> str:
    """The error of an expression."""
    with pytest.raises(ExpressionError) as error:
        value(text)
    return str(error.value.args[0])


def test_no_conflict() -> None:
    parser("expression", strict=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("(i - 1) % n", 3),
        ("-2 ** 2", -4),
        ("2 ** 3 ** 2", 512),
        ("2 ** -1", Fraction(1, 2)),
        ("6 / 3", 2),
        ("1 / 3 + 1 / 6", half := Fraction(1, 2)),
        ("0.1 + 0.2 == 0.3", 1),
        ("half", half),
        ("1 < 2 and 2 < 3", 1),
        ("not 1 == 1 or n >= 4", 1),
        ("not not 5", 1),
        ("i and 1 / i", 0),
        ("n or 1 / i", 1),
        ('mode == "fast"', 1),
        ('mode != "fast"', 0),
        ('"a" < "b"', 1),
        ('mode == 4 or n == "4"', 0),
        ("mode", "fast"),
        ('mode == "fast" and n', 1),
        ("min(3, 1, 2) + max(n, 2) + abs(0 - 2)", 7),
        ("min", 9),
        ("order", 7),
        (r'"a \" b"', 'a " b'),
        ("1 + \\\n 1", 2),
    ],
)
def test_value(text: str, wanted: Value) -> None:
    found = value(text)
    assert found == wanted
    assert isinstance(found, Fraction) == isinstance(wanted, Fraction), "what is whole is an int"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / i", "this divides by zero"),
        ("1 % 0", "this divides by zero"),
        ("0 ** -1", "this divides by zero"),
        ("2 ** 0.5", "an exponent is a whole number, not `0.5`"),
        ("2 ** 10 ** 9", "this number has more than 1024 bits"),
        ("(2 ** 1000) * (2 ** 1000)", "this number has more than 1024 bits"),
        ("(1 / 3) ** 5000", "this number has more than 1024 bits"),
        ("mode + 1", "`fast` is a word, and `+` takes numbers"),
        ("-mode", "`fast` is a word, and `-` takes numbers"),
        ("mode < 1", "a number and a word have no order, so `<` cannot compare them"),
        ("abs(1, 2)", "`abs` takes one number, not 2"),
        ("missing", "missing"),
    ],
)
def test_no_value(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message", "start", "end"),
    [
        ("", "this expression ends too early", 0, 0),
        ("1 +", "this expression ends too early", 3, 3),
        ("1 2", "unexpected `2` in an expression", 2, 3),
        ("a = 1", "unexpected `=` in an expression", 2, 3),
        ("a < b < c", "unexpected `<` in an expression", 6, 7),
        ("0..1..2", "unexpected `..` in an expression", 4, 6),
        ("é", "unexpected `é` in an expression", 0, 1),
        ("a\0", "unexpected `U+0000` in an expression", 1, 2),
        ("sin(1)", "there is no function `sin`", 0, 6),
        ("9" * 301, "a number has at most 300 digits", 0, 301),
        ("not " * 101 + "1", "more than 100 operations stand within each other here", 0, 405),
        ("1+" * 5000 + "1", "more than 100 operations stand within each other here", 0, 10001),
    ],
)
def test_no_expression(text: str, message: str, start: int, end: int) -> None:
    with pytest.raises(FormulaError) as error:
        formula(text)
    found = error.value
    assert (found.message, found.start, found.end) == (message, start, end)


def test_parentheses_are_not_depth() -> None:
    assert value("(" * 5000 + "1" + ")" * 5000) == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0..3", [0, 1, 2, 3]), ("1..n - 1", [1, 2, 3]), ("3..2", []), ("-1..0", [-1, 0]), ("n..n", [4])],
)
def test_range_has_both_ends(text: str, wanted: list[int]) -> None:
    found = formula(text)
    assert isinstance(found, Range)
    assert list(span_of(found, NAMES)) == wanted


@pytest.mark.parametrize("text", ["0..half", "mode..3"])
def test_range_is_of_whole_numbers(text: str) -> None:
    found = formula(text)
    assert isinstance(found, Range)
    with pytest.raises(ExpressionError, match="a range goes over whole numbers"):
        span_of(found, NAMES)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5, "5"),
        (-5, "-5"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(2, 3), "0.666667"),
        (Fraction(-1, 2), "-0.5"),
        (Fraction(1, 10**7), "0"),
        (Fraction(-1, 10**7), "0"),
        (Fraction(5, 10**7), "0"),
        (Fraction(15, 10**7), "0.000002"),
        (Fraction(25, 2), "12.5"),
        (Fraction(10**7 - 1, 10**7) + 9, "10"),
        ("word", "word"),
    ],
)
def test_written(number: Value, text: str) -> None:
    assert written(number) == text


Operator = Callable[[Fraction, Fraction], Fraction | int]
OPERATORS: dict[str, Operator] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
LEAVES = st.integers(0, 9).map(lambda number: (str(number), Fraction(number)))
Tree = tuple[str, Fraction | int | None]


def combined(parts: tuple[Tree, str, Tree]) -> Tree:
    """A parenthesized text and its value; None if it divides by zero."""
    (left, a), sign, (right, b) = parts
    text = f"({left} {sign} {right})"
    if a is None or b is None or (b == 0 and sign in ("/", "//", "%")):
        return text, None
    return text, OPERATORS[sign](Fraction(a), Fraction(b))


@given(
    st.recursive(LEAVES, lambda tree: st.tuples(tree, st.sampled_from(sorted(OPERATORS)), tree).map(combined))
)
def test_arithmetic_is_that_of_fractions(tree: Tree) -> None:
    text, wanted = tree
    if wanted is None:
        assert refusal(text) == "this divides by zero"
    else:
        assert value(text) == wanted
