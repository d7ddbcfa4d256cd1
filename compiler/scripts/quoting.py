"""Quoting of words for bash and shellcheck."""

import re
from collections.abc import Iterable
from shlex import quote as _quote

_RESERVED = frozenset(
    "case coproc do done elif else esac fi for function if in select then time until while".split()
)
"""Reserved words of bash(1). They are quoted as arguments too, where shellcheck warns of them (SC1010)."""


def quote(word: str) -> str:
    """A word, quoted if bash needs it."""
    return f"'{word}'" if word in _RESERVED else _quote(word)


def join(words: Iterable[str]) -> str:
    return " ".join(map(quote, words))


def here(call: str, lines: Iterable[str]) -> list[str]:
    """A command with a quoted here-document, in which the shell expands nothing."""
    lines = list(lines)
    end = "END"
    while end in lines:
        end += "_"
    return [f"{call} <<'{end}'", *lines, end]


_WORD = r"(?:[\w@%+=:,./-]|'[^']*'|\"'\")+"
_KEY = r"net\.(?:[\w.*/-]|\{[\w.,/-]+\})+"
_START = rf"(?:[a-z_]+|{_KEY}=(?:{_WORD})?)"
_LITERAL = re.compile(rf" *{_START}(?: +(?:{_WORD}|{_KEY}={_WORD}))*(?: <<'\w+')?(?: \\)?\n", re.ASCII)
_QUOTED = re.compile(r"(?<!<<)'[^']*'|\"'\"")


def without_text(line: str) -> str:
    """A line of a script without the text in quotes, if `join` wrote all its words.

    The shell takes such text literally, but shellcheck warns of what it contains.
    """
    return _QUOTED.sub("x", line) + "\n" * (line.count("\n") - 1) if _LITERAL.fullmatch(line) else line
