"""The one layout of a lab: its tokens with other spaces between them, in columns.

Tokens are the parser's own, and a comment is what stands between two of them. Line breaks and continued lines
stay where they are. A statement has three cells: its keyword, what it is about, and the rest. Neighbouring
lines are aligned: their keywords, the subjects of equal statements, and the comments behind them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from compiler.language import tables
from compiler.language.lalr import Token

LONGEST_KEYWORD = 7
"""The columns that keywords are padded to at most; a longer one stands out."""

WIDEST_GAP = 24
"""The most columns of padding; a line that needs more begins a new run of aligned lines."""

DEEPEST = 40
"""The depth of blocks up to which lines are indented, so that the layout is not much larger than the text."""

INDENT = "  "

_BREAK = re.compile(r"[ \t]*\\\r?\n[ \t]*")
"""A continued line, in a formula."""

_DECLARATIONS = frozenset({"host", "router", "switch", "container"})

_WITHOUT_SUBJECT = frozenset({"lab", "pool", "routing", "default", "use"})
"""Statements with two cells."""

_JOINERS = frozenset({"EITHER", "CLIENT", "COMMA", "TO"})
"""The terminals inside of a subject, as in `link a -- b` and `route a to b`."""


class _Rules:
    """A maker that notes where rules are."""

    def __init__(self) -> None:
        self.braces: set[int] = set()
        """The offsets of the braces of blocks; all others are of sets."""
        self.assignments: set[int] = set()
        self.node_attributes: set[int] = set()

    def token(self, kind: str, text: str, start: int) -> object:
        """Nothing: `tables.tokens` has all tokens."""

    def rule(self, name: str, start: int, end: int, children: list[object]) -> object:
        del children
        if name == "block":
            self.braces |= {start, end - 1}
        elif name in ("assignment", "variable"):
            self.assignments.add(start)
        elif name in ("node_attribute", "place", "container_attribute"):
            self.node_attributes.add(start)
        return ()


class _Piece(NamedTuple):
    """A token of a line; one with continued lines inside, as formulas can have, is several pieces.

    `broken`: the line is continued before it. `block`: it is a brace of a block. `tight`: it is the sign of
    an assignment, without spaces around it. `attribute`: it begins an attribute of a node.
    """

    kind: str
    text: str
    broken: bool = False
    block: bool = False
    tight: bool = False
    attribute: bool = False


class _Line(NamedTuple):
    """A line with its continued lines; `depth` is that of its indentation, `blank` a blank line before it."""

    pieces: Sequence[_Piece]
    comment: str
    depth: int
    blank: bool


def formatted(text: str, folder: str | None = None) -> str:
    """The layout of a text without syntax errors; all its line ends are as the first of the text.

    `folder` is as for `tables.read`.
    """
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    text = text.replace("\r\n", "\n")
    rules = _Rules()
    tokens = tables.tokens("topo", text, rules, folder)
    lines = _laid_out(_lines(text, tokens, rules))
    return "".join(f"{line}\n" for line in lines).replace("\n", ending)


def difference(name: str, old: str, new: str) -> Iterator[str]:
    """The lines of a unified diff of two texts of a file, as diff(1) prints them."""
    from difflib import unified_diff

    texts = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for line in unified_diff(*texts, name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str, tokens: Iterable[Token], rules: _Rules) -> Iterator[_Line]:
    """The lines of a text, without blank ones."""
    depth, blank, fresh = 0, False, True
    for pieces, comment, line_end in _divided(text, tokens, rules):
        if pieces or comment:
            braces = [piece.text for piece in pieces if piece.block]
            closes = bool(pieces) and pieces[0].block and pieces[0].text == "}"
            yield _Line(pieces, comment, depth - closes, blank and not fresh and not closes)
            depth += braces.count("{") - braces.count("}")
            blank, fresh = False, bool(pieces) and pieces[-1].block and pieces[-1].text == "{"
        blank = blank or line_end.count("\n") > 1


def _divided(
    text: str, tokens: Iterable[Token], rules: _Rules
) -> Iterator[tuple[Sequence[_Piece], str, str]]:
    """The pieces of each line, its comment, and its line end, with those of the blank lines behind it."""
    pieces: list[_Piece] = []
    before = end = 0
    broken = False
    for kind, word, start in (*tokens, ("_NL", "", len(text))):
        gap = text[end:start]
        end = start + len(word)
        if kind == "_NL":
            _, sign, comment = gap.partition("#")
            yield pieces, (sign + comment).rstrip(), word
            pieces, broken = [], False
            continue
        broken = bool(pieces) and (broken or "\\" in gap)
        if kind in ("IF", "OVER"):
            parts, broken = _formula(kind, word, broken)
            pieces += parts
        else:
            tight = kind == "EQUAL" and before in rules.assignments
            block, attribute = start in rules.braces, start in rules.node_attributes
            pieces.append(_Piece(kind, word, broken, block, tight, attribute))
            broken = False
        before = start


def _formula(kind: str, word: str, broken: bool) -> tuple[list[_Piece], bool]:
    """The pieces of a keyword and its formula, and whether the line is continued behind them."""
    first, *others = (part.strip(" \t") for part in _BREAK.split(word[2:]))
    pieces = [_Piece(kind, f"{word[:2]} {first}".rstrip(), broken)]
    pieces += [_Piece(kind, part, broken=True) for part in others if part]
    return pieces, bool(others) and not others[-1]


def _laid_out(lines: Iterable[_Line]) -> Iterator[str]:
    """The lines as text; those of one depth without a blank line or a comment between are aligned."""
    run: list[_Line] = []
    for line in lines:
        if run and (line.blank or line.depth != run[0].depth or not line.pieces):
            yield from _aligned(run)
            run = []
        if line.blank:
            yield ""
        if line.pieces:
            run.append(line)
        else:
            yield _indented(line) + line.comment
    yield from _aligned(run)


def _indented(line: _Line) -> str:
    return INDENT * min(line.depth, DEEPEST)


def _aligned(lines: Sequence[_Line]) -> Iterator[str]:
    """Lines in columns, with their comments."""
    rows = [_cells(line.pieces) for line in lines]
    texts = []
    for line, row, keyword, subject in zip(lines, rows, _keywords(rows), _subjects(rows), strict=True):
        cells = [row[0].ljust(keyword), *row[1:]]
        if len(row) > 2:
            cells[1] = row[1].ljust(subject) + " " * (row[0] != "param")
        indent = _indented(line)
        texts.append((indent + " ".join(cells)).replace("\n", f" \\\n{indent}{INDENT}"))
    ends = [len(text) - text.rfind("\n") - 1 for text in texts]
    widths = iter(_widths([("#", end) for end, line in zip(ends, lines, strict=True) if line.comment]))
    for text, end, line in zip(texts, ends, lines, strict=True):
        yield f"{text}{' ' * (next(widths) - end)}{INDENT}{line.comment}" if line.comment else text


def _keywords(rows: Sequence[Sequence[str]]) -> list[int]:
    """The width of the first column in each row; a long keyword widens no other."""
    lengths = [len(row[0]) if len(row[0]) <= LONGEST_KEYWORD else 0 for row in rows]
    return _widths([("", lengths[i]) if len(row) > 1 else None for i, row in enumerate(rows)])


def _subjects(rows: Sequence[Sequence[str]]) -> list[int]:
    """The width of the second column in each row: that of the neighbours with the same keyword."""
    return _widths([(row[0], len(row[1])) if len(row) > 2 else None for row in rows])


def _widths(column: Sequence[tuple[str, int] | None]) -> list[int]:
    """The width of each cell of a column, given as a key and a length: that of the widest cell of its run.

    A run ends where a row has no such cell or one of another key, and where padding would pass WIDEST_GAP.
    """
    found: list[int] = []
    run, least, most = "", 0, 0
    start = 0
    for place, cell in enumerate(column):
        key, length = cell or ("", 0)
        low, high = min(least, length), max(most, length)
        if cell is None or place == start or key != run or high - low > WIDEST_GAP:
            found += [most] * (place - start)
            start, run, low, high = place, key, length, length
        if cell is None:
            found.append(0)
            start = place + 1
        least, most = low, high
    return found + [most] * (len(column) - start)


def _cells(pieces: Sequence[_Piece]) -> list[str]:
    """The cells of a line: keyword, subject, rest; one cell if it has a block, and none after a line break.

    A line break inside of a cell is a `\\n`.
    """
    cells, depth = [pieces[0].text], 0
    whole = any(piece.block for piece in pieces)
    for before, piece in pairwise(pieces):
        if piece.broken:
            cells[-1] += "\n" + piece.text
            whole = True
        elif not (whole or depth) and _opens(len(cells), pieces[0].text, before, piece):
            cells.append(piece.text)
        else:
            cells[-1] += _space(before, piece, depth > 0) + piece.text
        if not piece.block:
            depth += (piece.kind == "LBRACE") - (piece.kind == "RBRACE")
    return cells


def _opens(cells: int, keyword: str, before: _Piece, piece: _Piece) -> bool:
    """Whether a piece opens a new cell after so many."""
    if cells == 1:
        return before.text != "default"
    if cells > 2 or keyword in _WITHOUT_SUBJECT:
        return False
    if keyword == "param":
        return piece.kind == "EQUAL"
    if keyword in _DECLARATIONS:
        return piece.attribute
    return not {before.kind, piece.kind} & _JOINERS


def _space(before: _Piece, piece: _Piece, in_set: bool) -> str:
    """What stands between two pieces of a cell. Numbers in a list, as of VLANs, stand close to each other."""
    if before.block or piece.block:
        return " "
    if before.kind == "COMMA" and piece.text[:1].isdigit():
        return ""
    if before.tight or piece.tight or piece.kind == "COMMA":
        return ""
    return "" if in_set and (before.kind in ("LBRACE", "COMMA") or piece.kind == "RBRACE") else " "
