"""Words that bash and shellcheck take for nothing but words."""

import re
from collections.abc import Iterable
from shlex import quote as _quote

_RESERVED = frozenset(
    "case coproc do done elif else esac fi for function if in select then time until while".split()
)
"""Words of bash(1)'s grammar. As arguments they are plain words, but a reader has to look twice (SC1010)."""


def quote(word: str) -> str:
    """A word as bash reads it back."""
    return f"'{word}'" if word in _RESERVED else _quote(word)


def join(words: Iterable[str]) -> str:
    return " ".join(map(quote, words))


def here(call: str, lines: Iterable[str]) -> list[str]:
    """A call with lines on its input, in which a shell reads nothing, whatever they are."""
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
    """A line of a script without what stands in quotes, where all its words are what `join` writes.

    A shell takes such words for themselves, whatever they say. shellcheck has opinions on what they say.
    """
    return _QUOTED.sub("x", line) + "\n" * (line.count("\n") - 1) if _LITERAL.fullmatch(line) else line
