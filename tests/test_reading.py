"""The table-driven parser against lark: both accept the same texts, with the same results."""

from pathlib import Path
from random import Random
from typing import Any

import hostile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labs import GOLDEN, TESTS

from compiler import kept
from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source
from compiler.language import formulas, grammars, parse, recovery, tables
from compiler.language.formulas import Formula, FormulaError, formula
from compiler.language.lalr import Reader

LARK = {grammar: grammars.parser(grammar) for grammar in ("topo", "expression")}
READERS = {grammar: Reader(grammars.tables(lark)) for grammar, lark in LARK.items()}
LABS = sorted(path for folder in ("tests", "grammar/std") for path in (TESTS.parent / folder).rglob("*.topo"))


@pytest.mark.parametrize("grammar", LARK)
def test_lexers_read_the_first_of_their_terminals(grammar: str) -> None:
    """The terminals of each lexer are in the order of all, so that the first match is the same."""
    found = READERS[grammar].tables
    order = list(found.terminals)
    assert all(list(lexer.terminals) == sorted(lexer.terminals, key=order.index) for lexer in found.lexers)


class Tree:
    """Makes tuples of all arguments that a maker gets."""

    def token(self, kind: str, text: str, start: int) -> object:
        return kind, text, start

    def rule(self, name: str, start: int, end: int, children: list[Any]) -> object:
        return name, start, end, tuple(children)


def read_by_both(grammar: str, text: str) -> object:
    """The value of a text, asserted to be equal to lark's; None for a text with a syntax error."""
    lark = LARK[grammar]
    wanted = None if grammars.first_mistake(lark, text) else grammars.parse(lark, text, Tree())
    found = READERS[grammar].read(text, Tree())
    assert found == wanted, text
    tokens = None if wanted is None else grammars.tokens(lark, text, Tree())
    assert READERS[grammar].tokens(text, Tree()) == tokens, text
    return found


def test_labs_are_read_as_lark_reads_them() -> None:
    """All labs of the tests and the library, valid ones and ones with errors."""
    found = [read_by_both("topo", path.read_bytes().decode("utf-8", "replace")) for path in LABS]
    assert 0 < found.count(None) < len(found)


def test_damaged_labs_are_read_as_lark_reads_them() -> None:
    found = [read_by_both("topo", hostile.lab(0, number)[1][:5000]) for number in range(400)]
    assert 0 < found.count(None) < len(found)


SIGNS = ["--", "->", "-", "{", "}", ",", "=", ">=", "\n", "\r\n", "\\\n", "\\", "#x", '"', '"a}"', "[", "]"]
SIGNS += ["[1]", "..", ".", " ", "\t", "\f", "0..2", "if", "in", "for", "else", "é", "\0"]
WORDS = sorted(
    {str(terminal.pattern.value) for terminal in LARK["topo"].terminals if terminal.name.isupper()}
)
PIECES = st.sampled_from(SIGNS) | st.sampled_from(WORDS) | st.sampled_from(["a", "b-1", "h[i]", "if1", "inn"])


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=12), st.sampled_from(["", " "]))
def test_whatever_is_read_as_lark_reads_it(pieces: list[str], between: str) -> None:
    """Sequences of terminals and parts of them, so that token boundaries matter."""
    read_by_both("topo", between.join(pieces))


PARTS = (
    '0 1 2.5 n half ( ) , .. . + - * / // % ** == != < <= > >= = and or not order max( abs( "a" " \\\n ! é'
)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PARTS.split(" ")), max_size=9), st.sampled_from(["", " "]))
def test_expressions_are_read_as_lark_reads_them(parts: list[str], between: str) -> None:
    text = between.join(parts)
    read_by_both("expression", text)
    assert outcome(text) == by_lark(text)


def outcome(text: str) -> Formula | tuple[object, ...]:
    """The tree of an expression, or its syntax error."""
    try:
        return formula(text)
    except FormulaError as error:
        return error.message, error.start, error.end, error.help


def by_lark(text: str) -> Formula | tuple[object, ...]:
    try:
        return formulas.by_lark(text, None)
    except FormulaError as error:
        return error.message, error.start, error.end, error.help


GOOD = [Source(path.name, path.read_text()) for path in (*GOLDEN, *(TESTS.parent / "grammar/std").iterdir())]


@pytest.mark.parametrize("source", GOOD, ids=lambda source: source.name)
def test_trees_are_those_of_lark(source: Source) -> None:
    """The trees of `parse`, which does not use lark for valid texts, against those of lark."""
    found = parse.parse(source, diagnostics := Diagnostics())
    assert found == recovery.parse(source, diagnostics, parse.Maker(source), None)
    assert list(diagnostics) == []


def test_what_stands_before_a_mistake_is_as_without_it() -> None:
    chance = Random(0)
    for path in GOLDEN:
        lines = path.read_text().splitlines(keepends=True)
        source = Source("lab.topo", "".join(lines[: chance.randrange(len(lines))]))
        before = parse.parse(source, quiet := Diagnostics())
        damaged = Source("lab.topo", f"{source.text}\nlink a --\n")
        after = parse.parse(damaged, diagnostics := Diagnostics())
        assert diagnostics.failed
        assert quiet.failed or list(map(repr, after)) == list(map(repr, before))


def test_lark_reads_all_where_there_are_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a version of lark whose data structures differ."""
    wanted = [parse.parse(source, Diagnostics()) for source in GOOD[:5]], formula("1 + n")
    monkeypatch.setattr(grammars, "_lexer", lambda lexer: lexer.nothing_of_the_kind)
    tables.reader.cache_clear()
    formula.cache_clear()
    found = [parse.parse(source, Diagnostics()) for source in GOOD[:5]], formula("1 + n")
    assert tables.reader("topo", None) is None
    tables.reader.cache_clear()
    assert found == wanted


def read_with(folder: str, text: str) -> object:
    """The value of an expression, parsed with the tables of a folder."""
    found = tables.read("expression", text, Tree(), folder)
    assert found is not None
    return found


def test_tables_are_kept(tmp_path: Path) -> None:
    """As data; truncated and corrupt files are replaced."""
    first = read_with(str(tmp_path), "1 + n..3")
    (path,) = tmp_path.glob("*.tables")
    whole = path.read_bytes()
    for spoilt in (whole, b"", whole[:1000], b"\xff" * 50, b"i\0\0\0\0"):
        path.write_bytes(spoilt)
        tables.reader.cache_clear()
        assert read_with(str(tmp_path), "1 + n..3") == first
        assert len(path.read_bytes()) == len(whole)
    assert [one.suffix for one in sorted(tmp_path.iterdir())] == [".lark", ".tables"]


def test_what_cannot_be_kept_is_made_each_time(tmp_path: Path) -> None:
    assert read_with(str(tmp_path / "nowhere"), "1 + n") == READERS["expression"].read("1 + n", Tree())
    kept.write(str(tmp_path / "nowhere" / "file"), b"")
    assert list(tmp_path.iterdir()) == []
