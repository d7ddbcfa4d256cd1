"""The tables that texts are read by: made from a grammar once, and kept as plain data between runs."""

import marshal
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from compiler import kept, resources
from compiler.language.lalr import Lexer, Maker, Reader, Rule, Tables

MADE_BY = ("compiler/language/grammars.py", "compiler/language/lalr.py")
"""The files that say what is in tables."""


def read(grammar: str, text: str, maker: Maker, folder: str | None) -> Any:
    """What is made of a text; None for one that is for lark, as it has a mistake or there are no tables.

    Tables are kept in `folder`, which only this user can write.
    """
    found = reader(grammar, folder)
    return found.read(text, maker) if found else None


@cache
def reader(grammar: str, folder: str | None) -> Reader | None:
    """What reads texts of a grammar; None where its tables are not to be had."""
    if not folder:
        return _made(grammar, None)
    path = Path(folder, f"{grammar}-{_key(grammar)}.tables")
    try:
        return Reader(_loaded(path.read_bytes()))
    except (OSError, EOFError, ValueError, TypeError):  # there is none, or what is there is none
        found = _made(grammar, folder)
    if found:
        kept.write(str(path), _dumped(found.tables))
        kept.forget(folder, f"{grammar}-*")
    return found


def for_lark(grammar: str, folder: str | None) -> str | None:
    """The file in which lark keeps its own parser."""
    return f"{folder}/{grammar}-{_key(grammar)}.lark" if folder else None


def _made(grammar: str, folder: str | None) -> Reader | None:
    from compiler.language import grammars

    try:
        return Reader(grammars.tables(grammars.parser(grammar, for_lark(grammar, folder))))
    except (AttributeError, KeyError, TypeError):  # of a lark that keeps them in another way
        return None


@cache
def _key(grammar: str) -> str:
    """What tells tables from others: the grammar, the lark and the Python that they come from."""
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
