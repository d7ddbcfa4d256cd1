"""Attributes that were parsed as names of a declaration. Imported only for lists that look like it."""

import re
from collections.abc import Callable, Collection

from compiler.ground import foreign
from compiler.ground.diagnostics import Diagnostics, nearest
from compiler.ground.names import is_name
from compiler.language import syntax

_SWITCHED = ("forward", "stp")
"""The attributes with a value of on or off."""

_CODE = "MPC115"


class Misnamed:
    """Finds attributes among the names of one declaration; `linked` returns the names that links use."""

    def __init__(
        self,
        statement: syntax.Declaration,
        allowed: Collection[str],
        linked: Callable[[], Collection[str]],
        diagnostics: Diagnostics,
    ) -> None:
        self.statement = statement
        self.allowed = allowed
        self.linked = linked
        self.diagnostics = diagnostics

    def value(self, index: int) -> set[int]:
        """Reports the word before an invalid name, if it is an attribute and not a name.

        Returns the indexes of the words that are not names.
        """
        if not (before := self._before(index)):
            return self._bare_address(index)
        help = self._help(before)
        if not help and (index < 2 or is_name(self.statement.names[index].text) or before in self.linked()):
            return set()
        self._report(index, help)
        return {index - 1, index}

    def names(self) -> None:
        """Reports an attribute and a value that are both valid names, if no link uses either."""
        for index in range(2, len(self.statement.names)):
            before, value = self._before(index), self.statement.names[index].text
            if not before or before in self.linked() or value in self.linked():
                continue
            help, our = self._help(before), self._our(before)
            if help and (our not in _SWITCHED or _is_switch(value)):
                sign = "" if help.endswith("?") else "."
                braces = f"{sign} Nodes of these names stand in braces: `{{{before},{value}}}`"
                self._report(index, help + braces)

    def _before(self, index: int) -> str:
        """The word before another one, without braces; an empty text before the first name."""
        if index < 2:
            return ""
        first, second = self.statement.names[index - 1 : index + 1]
        between = first.span.source.text[first.span.end : second.span.start]
        plain = re.fullmatch(r"(?:[ \t]|\\\r?\n)+", between) and "[" not in first.span.text
        return first.text if plain and "{" not in first.span.text else ""

    def _our(self, word: str) -> str:
        return foreign.NODE_ATTRIBUTES.our(word) or nearest(word.rstrip(":"), self.allowed)

    def _help(self, word: str) -> str:
        """A help line for a word that is, or resembles, an attribute; an empty text for any other word."""
        if (our := self._our(word)) in self.allowed:
            return f"did you mean `{our}`?"
        advice = "" if our else foreign.NODE_ATTRIBUTES.help(word)
        return advice or (self._listed() if our else "")

    def _listed(self) -> str:
        named = ", ".join(f"`{name}`" for name in self.allowed)
        return f"a `{self.statement.kind.text}` takes {named}"

    def _report(self, index: int, help: str) -> None:
        word, value = self.statement.names[index - 1 : index + 1]
        message = f"a `{self.statement.kind.text}` has no attribute `{word.text}`"
        others = f"{self._listed()}; nodes of these names stand in braces: `{{{word.text},{value.text}}}`"
        self.diagnostics.error(_CODE, message, word.span, "taken for a node's name", help or others)
        self.diagnostics.excused.update((word.text, value.text))

    def _bare_address(self, index: int) -> set[int]:
        """Reports an address among the names that lacks the keyword `address`."""
        word = self.statement.names[index]
        form = r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:/[0-9]+)?"
        if index == 0 or not re.fullmatch(form, word.text) or "address" not in self.allowed:
            return set()
        message, help = (
            f"the address `{word.text}` stands among names",
            f"did you mean `address {word.text}`?",
        )
        self.diagnostics.error(_CODE, message, word.span, "taken for a node's name", help)
        return {index}


def _is_switch(word: str) -> bool:
    return word in foreign.YES_AND_NO or any(word in words.split() for words in foreign.YES_AND_NO.values())
