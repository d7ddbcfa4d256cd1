"""Syntax errors: what is said of one, and where parsing goes on after it.

The statement is left out, up to the end of its line or of the block that ends there; so one run reports the
errors of every line.
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
    """What is made of a text without its mistakes, which are reported; `folder` is as for `tables.read`."""
    lark = grammars.parser("topo", for_lark("topo", folder))
    recovery = Recovery(source, diagnostics)
    return grammars.parse(lark, source.text, maker, recovery.on_error)


class Recovery:
    """What happens at a syntax error: report it, drop the statement, go on where the next one starts."""

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
        """Forgets the statement that was read last, with its whole blocks, back to where one can start.

        Gives the number of braces that were open in it.
        """
        depth = opened = 0
        while depth > 0 or not stopped.could_start():
            dropped = stopped.drop()
            depth += _DEPTH.get(dropped.text, 0) if dropped else 0
            opened, depth = opened + (depth < 0), max(0, depth)
        return opened

    def _end(self, stopped: Stopped, found: Terminal) -> None:
        """What is wrong at the end of the text: a statement that is cut off, an open block, or both."""
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
        """Moves on to the end of the line, or to the brace that ends the block around the statement.

        Where the line opened a block, a block is opened, so that its lines are read and its end is known.
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
        if opens:  # a block that nothing is made of
            brace = max(start, text.rfind("{", start, end))
            stopped.feed("IF", "if 0", brace)
            stopped.feed("LBRACE", "{", brace)

    def _character(self, stopped: Stopped) -> None:
        char = self.source.text[stopped.place]
        if not HIDING.match(char):  # what does is reported wherever it stands
            self._complain(stopped, Terminal("", char, stopped.place))

    def _complain(self, stopped: Stopped, terminal: Terminal) -> None:
        """Says what is wrong at a place."""
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
"""How many braces each opens to who reads backwards."""

_SIGNS_OF_A_LINE = re.compile(r'"(?:[^"\\\n]|\\["\\])*"|#[^\n]*|\\\r?\n|[{}]|\n')
"""What ends a line or counts in it, and what hides that."""

_OPENING = re.compile(r"[ \t\f]*(?:[{}]|(?:for|if|else|use)\b)")
"""The start of a line whose last brace opens a block, however wrong the line is."""
