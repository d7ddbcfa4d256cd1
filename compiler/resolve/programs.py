"""What programs are started with: environments, and command lines that are split into words."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from compiler.ground import units
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.resolve.scope import Scope

LONGEST_COMMAND = 65_535
"""The most bytes of a command line with its variables; some kernels take no more than 128 KiB of it."""

BYTES_OF_ONE = 1000
"""Bytes of commands that count as one part (Scope.stands_for), as each node has a copy of its command."""

OWN_VARIABLES = "MPC_"
"""The prefix of the environment variables that mpc sets for each process."""

Text = syntax.Word | syntax.String

Line = TypeVar("Line", bound=str | tuple[str, ...])
"""A command, as what runs it takes it."""

Read = Callable[[Text, Scope], Line | None]
"""Reads a command from its text: `line` or `words`."""

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def environment(assignments: tuple[syntax.Assignment, ...], scope: Scope) -> tuple[tuple[str, str], ...]:
    """The variables that `env` sets; reports names that are set twice or cannot be set."""
    found: dict[str, str] = {}
    places: dict[str, Span] = {}
    for assignment in assignments:
        key = assignment.key.text
        first = places.setdefault(key, assignment.span)
        if first is not assignment.span:
            scope.set_twice(f"the variable `{key}`", assignment.span, first)
        elif not _VARIABLE.fullmatch(key):
            message = f"`{key}` cannot name an environment variable"
            help = "such a name has letters, digits and `_`, and starts with no digit"
            scope.diagnostics.error("MPC804", message, assignment.key.span, "not such a name", help)
        elif key.startswith(OWN_VARIABLES):
            message = f"`{key}` is a name that mpc keeps for what it tells a process itself"
            help = "names that begin with `MPC_` are its own: MPC_LAB, MPC_NODE, MPC_NETNS"
            scope.diagnostics.error("MPC804", message, assignment.key.span, "not to be set", help)
        found[key] = assignment.value.text
    return tuple(found.items())


def first_of_each(
    items: Iterable[syntax.ContainerAttribute], scope: Scope
) -> Iterator[syntax.ContainerAttribute]:
    """Attributes of what is started; reports one that is set twice."""
    places: dict[str, Span] = {}
    for item in items:
        name = item.keyword.text
        first = places.setdefault(name, item.span)
        if first is item.span:
            yield item
        else:
            scope.set_twice(f"`{name}`", item.span, first)


def ready(value: Text, read: Read[Line], scope: Scope) -> int | Line | None:
    """What tells that a program is ready: a TCP port; or a command, where it is no number."""
    if not re.fullmatch(r"[+-]?[0-9.]+", value.text):
        return command(value, read, scope)
    try:
        return units.number(value.text, 1, 65535)
    except units.UnitError as error:
        scope.diagnostics.error("MPC301", str(error), value.span, "value of `ready`", error.help)
        return None


def command(value: Text, read: Read[Line], scope: Scope) -> Line | None:
    """A command without variables of its own; reports a blank or too long one."""
    is_one = is_command(value.text, bytes_of(value.text), value.span, scope)
    return read(value, scope) if is_one else None


def bytes_of(*texts: str) -> int:
    """The bytes that words take as arguments or variables of a program, each with the byte that ends it."""
    return sum(len(text.encode()) + 1 for text in texts)


def is_command(text: str, size: int, span: Span, scope: Scope) -> bool:
    """Whether a command line is not blank, and no longer than a kernel takes with its variables: `size`."""
    if text.strip() and size <= LONGEST_COMMAND:
        return True
    message = f"a command has, with its variables, 1 to {LONGEST_COMMAND} bytes, and is not blank"
    scope.diagnostics.error("MPC803", message, span, "not such a command")
    return False


_PIECE = re.compile(
    r"""(?P<blank>[ \t\n]+)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | \\(?P<escaped>.)
    | (?P<plain>[^ \t\n'"\\]+)""",
    re.VERBOSE | re.DOTALL,
)


def line(value: Text, scope: Scope) -> str:
    """A command line of bash, as it is."""
    del scope
    return value.text


def words(line: Text, scope: Scope) -> tuple[str, ...] | None:
    """The words of a command line, by the quoting of a shell and without its expansions.

    Reports a quote that is not closed, and a backslash at the end.
    """
    found: list[str] = []
    place, begun = 0, False
    while place < len(line.text):
        piece = _PIECE.match(line.text, place)
        if piece is None:
            message = f"the {_opened(line.text[place])} at character {place + 1} is not closed"
            help = "words are split as a shell does it; a quote that stands for itself has a `\\` before it"
            scope.diagnostics.error("MPC903", message, line.span, "cannot be split into words", help)
            return None
        place = piece.end()
        if piece["blank"] is not None:
            begun = False
            continue
        found += [] if begun else [""]
        found[-1] += _unquoted(piece)
        begun = True
    return tuple(found)


def _unquoted(piece: "re.Match[str]") -> str:
    """The text of a piece of a word. In double quotes, a backslash quotes what is special there alone."""
    if piece["double"] is not None:
        return re.sub(r'\\(["\\$`])', r"\1", piece["double"])
    return next(text for text in (piece["single"], piece["escaped"], piece["plain"]) if text is not None)


def _opened(character: str) -> str:
    return {"'": "single quote", '"': "double quote"}.get(character, "backslash")
