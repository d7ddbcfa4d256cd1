"""The parser tables: made from a grammar once, then cached as plain data between runs."""

import marshal
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from compiler import kept, resources
from compiler.language.lalr import Lexer, Maker, Reader, Rule, Tables, Token

MADE_BY = ("compiler/language/grammars.py", "compiler/language/lalr.py")
"""The sources that determine the content of the tables."""


def read(grammar: str, text: str, maker: Maker, folder: str | None) -> Any:
    """The value of a text; None if it has a syntax error or there are no tables: lark then parses it.

    Tables are cached in `folder`, which only this user can write.
    """
    found = reader(grammar, folder)
    return found.read(text, maker) if found else None


def tokens(grammar: str, text: str, maker: Maker, folder: str | None) -> list[Token]:
    """All tokens of a text without syntax errors; `maker` has its rules, and `folder` is as for `read`."""
    if (own := reader(grammar, folder)) and (found := own.tokens(text, maker)) is not None:
        return found
    from compiler.language import grammars

    return grammars.tokens(grammars.parser(grammar, for_lark(grammar, folder)), text, maker)


@cache
def reader(grammar: str, folder: str | None) -> Reader | None:
    """The parser of a grammar; None if there are no tables."""
    if not folder:
        return _made(grammar, None)
    path = Path(folder, f"{grammar}-{_key(grammar)}.tables")
    try:
        return Reader(_loaded(path.read_bytes()))
    except (OSError, EOFError, ValueError, TypeError):  # missing or not a table
        found = _made(grammar, folder)
    if found:
        kept.write(str(path), _dumped(found.tables))
        kept.forget(folder, f"{grammar}-*")
    return found


def for_lark(grammar: str, folder: str | None) -> str | None:
    """The cache file of lark's own parser."""
    return f"{folder}/{grammar}-{_key(grammar)}.lark" if folder else None


def _made(grammar: str, folder: str | None) -> Reader | None:
    from compiler.language import grammars

    try:
        return Reader(grammars.tables(grammars.parser(grammar, for_lark(grammar, folder))))
    except (AttributeError, KeyError, TypeError):  # a lark with other data structures
        return None


@cache
def _key(grammar: str) -> str:
    """The cache key of tables: the grammar, and the versions of lark and of Python."""
    lark = PathFinder.find_spec("lark")
    files = [resources.read(path) for path in (f"grammar/{grammar}.lark", *MADE_BY)]
    files += [Path(lark.origin).read_text("utf-8") if lark and lark.origin else ""]  # it has the version
    files += [sys.implementation.cache_tag]
    return sha256("\0".join(files).encode()).hexdigest()[:32]


def _dumped(tables: Tables) -> bytes:
    parts: Any = tables._replace(rules=_plain(tables.rules), lexers=_plain(tables.lexers))
    return marshal.dumps(tuple(parts))


def _plain(parts: Sequence[NamedTuple]) -> Any:
    return tuple(map(tuple, parts))


def _loaded(data: bytes) -> Tables:
    found = Tables(*marshal.loads(data))
    rules, lexers = (Rule(*rule) for rule in found.rules), (Lexer(*lexer) for lexer in found.lexers)
    return found._replace(rules=tuple(rules), lexers=tuple(lexers))
