"""Sets of nodes of which none reaches any of another set, from a matrix of pairs."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from compiler.ground.diagnostics import enumerated
from compiler.model.lab import Lab
from compiler.prediction.inbound import Bits

MOST_NAMES = 6


class Apart(NamedTuple):
    """No node of `left` reaches one of `right`, nor the other way round if `mutual`.

    Where `right` is empty, no node of `left` reaches another one of it.
    """

    left: Bits
    right: Bits
    mutual: bool


class Groups:
    """The groups of a matrix: for each node, by index, the set of nodes that it does not reach.

    `both` and `one_way` have the pairs that are in no group yet.
    """

    def __init__(self, lab: Lab, everybody: int, rows: Sequence[Bits], *, symmetric: bool) -> None:
        self.lab = lab
        self.everybody = everybody
        self.both, self.one_way = _split(rows, symmetric=symmetric)

    def mutual(self) -> Iterator[Apart]:
        for left, right in chain(_scattered(self.both), _groups(self.both, mutual=True)):
            yield Apart(left, right, mutual=True)

    def directed(self) -> Iterator[Apart]:
        for left, right in _groups(self.one_way, mutual=False):
            yield Apart(left, right, mutual=False)

    def example(self, apart: Apart) -> tuple[str, str]:
        """Two nodes of a group, of which the first does not reach the second."""
        first, second = self._names(apart.left), self._names(apart.right or apart.left)
        return first[0], second[0] if apart.right else first[1]

    def sentence(self, apart: Apart) -> str:
        """Who does not reach whom."""
        first, second = self._names(apart.left), self._names(apart.right or apart.left)
        if not apart.right:
            return f"{enumerated(first, MOST_NAMES)} do not reach each other"
        if len(first) == 1 and len(second) > 1 and len(second) == self.everybody - 1:
            return f"{enumerated(first, MOST_NAMES)} reaches no other node"
        if apart.mutual and len(first) == len(second) == 1:
            return f"`{first[0]}` and `{second[0]}` do not reach each other"
        verb, too = "does" if len(first) == 1 else "do", ", nor the other way round" if apart.mutual else ""
        return f"{enumerated(first, MOST_NAMES)} {verb} not reach {enumerated(second, MOST_NAMES)}{too}"

    def between(self, apart: Apart) -> str:
        """The two sides of a group, or its one."""
        first, second = self._names(apart.left), self._names(apart.right)
        if not second:
            return f"between {enumerated(first, MOST_NAMES)}"
        sides = enumerated(first, MOST_NAMES), enumerated(second, MOST_NAMES)
        if len(first) == len(second) == 1:
            return f"between {sides[0]} and {sides[1]}"
        return f"between {sides[0]} on one side and {sides[1]} on the other"

    def _names(self, bits: Bits) -> list[str]:
        return [self.lab.ip_nodes[place].name for place in places(bits)]


def _split(rows: Sequence[Bits], *, symmetric: bool) -> tuple[list[Bits], list[Bits]]:
    """For each node, the nodes in which unreachability is mutual, and those in which it is one-way."""
    if symmetric:
        return list(rows), [0] * len(rows)
    columns = [0] * len(rows)
    for place, row in enumerate(rows):
        for other in places(row):
            columns[other] |= 1 << place
    both = [row & column for row, column in zip(rows, columns, strict=True)]
    return both, [row & ~shared for row, shared in zip(rows, both, strict=True)]


def _scattered(rows: list[Bits]) -> Iterator[tuple[Bits, Bits]]:
    """Sets of nodes that reach none of each other, and the same others; removes their pairs from rows."""
    closed: dict[Bits, Bits] = {}
    for place, row in enumerate(rows):
        closed[row | 1 << place] = closed.get(row | 1 << place, 0) | 1 << place
    for members in [members for members in closed.values() if members.bit_count() > 1]:
        for place in places(members):
            rows[place] &= ~members
        yield members, 0


def _groups(rows: list[Bits], *, mutual: bool) -> Iterator[tuple[Bits, Bits]]:
    """Pairs of sets, no node of one reaching any of the other; greedy, removes their pairs from rows."""
    for first in range(len(rows)):
        while others := rows[first]:
            members = 0
            for place, row in enumerate(rows):
                if row & others == others:
                    members |= 1 << place
                    rows[place] &= ~others
            for place in places(others) if mutual else ():
                rows[place] &= ~members
            swapped = mutual and others.bit_count() < members.bit_count()
            yield (others, members) if swapped else (members, others)


def places(bits: Bits) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
