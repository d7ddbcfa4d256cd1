"""Error recovery of the parser, in panic mode.

The statement with the error is dropped up to the end of its line, or to the brace that closes the block
around it, so that one run reports the errors of all lines.
"""

import re
from typing import Any

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span
from compiler.ground.text import HIDING
from compiler.language import grammars
from compiler.language.characters import of_character
from compiler.language.complaints import Found, of_word
from compiler.language.lalr import END, Maker
from compiler.language.stopped import Stopped, Terminal
from compiler.language.tables import for_lark


def parse(source: Source, diagnostics: Diagnostics, maker: Maker, folder: str | None) -> Any:
    """Parses a text with lark; errors are reported and skipped. `folder` is as for `tables.read`."""
    lark = grammars.parser("topo", for_lark("topo", folder))
    recovery = Recovery(source, diagnostics)
    return grammars.parse(lark, source.text, maker, recovery.on_error)


class Recovery:
    """Handles a syntax error: reports it, drops the statement, resumes where the next one starts."""

    def __init__(self, source: Source, diagnostics: Diagnostics) -> None:
        self.source = source
        self.diagnostics = diagnostics

    def on_error(self, stopped: Stopped) -> None:
        found = stopped.found
        if not found:
            self._character(stopped)
            self._skip(stopped, self._drop(stopped))
        elif found.kind == END:
            self._end(stopped, found)
        else:
            self._complain(stopped, found)
            depth = self._drop(stopped)
            if found.kind != "_NL":
                self._skip(stopped, depth - _DEPTH.get(found.text, 0), found)
        start = self.source.text.rfind("\n", 0, max(0, stopped.place - 1)) + 1
        self.diagnostics.excused.update(re.findall(r"\w+(?:-\w+)*", self.source.text[start : stopped.place]))

    def _drop(self, stopped: Stopped) -> int:
        """Pops the statement that was read last, with its closed blocks, off the parser's stack.

        Returns the number of braces that were open in it.
        """
        depth = opened = 0
        while depth > 0 or not stopped.could_start():
            dropped = stopped.drop()
            depth += _DEPTH.get(dropped.text, 0) if dropped else 0
            opened, depth = opened + (depth < 0), max(0, depth)
        return opened

    def _end(self, stopped: Stopped, found: Terminal) -> None:
        """Reports errors at the end of the text: an incomplete statement, an open block, or both."""
        expected = stopped.expected()
        if "RBRACE" not in expected or "COMMA" in expected:
            self._complain(stopped, found)
        if braces := stopped.open_blocks():
            span = Span(self.source, braces[-1].start, braces[-1].start + 1)
            help = "a block ends in a `}` of its own"
            self.diagnostics.error("MPC108", "this block is not closed", span, "opened here", help)
            stopped.drop_blocks()
        self._drop(stopped)

    def _skip(self, stopped: Stopped, depth: int, found: Terminal | None = None) -> None:
        """Skips to the end of the line, or to the brace that closes the block around the statement.

        If the skipped text opens a block, feeds an opening brace, so that the block's lines are parsed.
        """
        text, place, end = self.source.text, stopped.place, len(self.source.text)
        inside = bool(stopped.open_blocks())
        if found and inside and depth < 0:
            stopped.feed_found()
            return
        for sign in _SIGNS_OF_A_LINE.finditer(text, place):
            depth -= _DEPTH.get(sign[0], 0)
            if sign[0] == "\n" or (inside and depth < 0):
                end = sign.start()
                break
        start = text.rfind("\n", 0, place) + 1
        opens = depth > 0 and _OPENING.match(text, start)
        stopped.pass_over(text[place:end])
        if opens:  # the block is of an `if 0`, so it expands to nothing
            brace = max(start, text.rfind("{", start, end))
            stopped.feed("IF", "if 0", brace)
            stopped.feed("LBRACE", "{", brace)

    def _character(self, stopped: Stopped) -> None:
        char = self.source.text[stopped.place]
        if not HIDING.match(char):  # hiding characters are reported everywhere
            self._complain(stopped, Terminal("", char, stopped.place))

    def _complain(self, stopped: Stopped, terminal: Terminal) -> None:
        """Reports an unexpected token."""
        kind, text, start = terminal
        last = stopped.last
        found = Found(
            self.source,
            len(self.source.text) if kind == END else start,
            text,
            kind,
            stopped.expected(),
            (last.kind, last.text) if last else ("", ""),
            stopped.keyword,
            stopped.could_follow,
        )
        said = of_word(found) if kind else of_character(found)
        span = Span(self.source, said.start, said.end)
        self.diagnostics.error(said.code, said.message, span, said.label, said.help)


_DEPTH = {"}": 1, "{": -1}
"""The change of nesting depth at a brace, read backwards."""

_SIGNS_OF_A_LINE = re.compile(r'"(?:[^"\\\n]|\\["\\])*"|#[^\n]*|\\\r?\n|[{}]|\n')
"""Newlines and braces, and what can hide them: strings, comments and continued lines."""

_OPENING = re.compile(r"[ \t\f]*(?:[{}]|(?:for|if|else|use)\b)")
"""The start of a line whose last brace opens a block, whatever errors the line has."""
