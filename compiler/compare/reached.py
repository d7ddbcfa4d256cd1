"""Which pairs of nodes lost or gained reachability, among the nodes of both labs."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.prediction.groups import Groups, places
from compiler.prediction.inbound import Bits
from compiler.prediction.predict import Predictor
from compiler.prediction.reach import Reach

MOST_SETS = 200
"""The most pairs of sets of one kind; pairs of nodes beyond are counted."""


class Sets(NamedTuple):
    """All pairs of a node in `sources` and another one in `targets`; of `mutual` ones, both directions."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    mutual: bool


class Reachable(NamedTuple):
    """The pairs of one family that lost or gained reachability: their number, and as pairs of sets.

    `looked_up` are the nodes whose pairs are known in both labs, of all that both have.
    """

    version: int
    lost_pairs: int
    lost: tuple[Sets, ...]
    gained_pairs: int
    gained: tuple[Sets, ...]
    looked_up: tuple[int, int]


def reachability(old: Predictor, new: Predictor) -> Iterator[Reachable]:
    """What differs in each family of either lab."""
    here = {node.name for node in old.lab.ip_nodes}
    common = [node.name for node in new.lab.ip_nodes if node.name in here]
    for version in sorted({*old.lab.versions, *new.lab.versions}):
        before, after = _Rows(old, version, common), _Rows(new, version, common)
        known = before.known & after.known
        symmetric = not (before.looked_up or after.looked_up)
        rows = [
            [(row & ~other & known) if known >> place & 1 else 0 for place, (row, other) in enumerate(both)]
            for both in (
                list(zip(before.rows, after.rows, strict=True)),
                list(zip(after.rows, before.rows, strict=True)),
            )
        ]
        counts = [sum(row.bit_count() for row in own) for own in rows]
        lost, gained = (tuple(_sets(own, new.lab, common, symmetric=symmetric)) for own in rows)
        looked_up = known.bit_count(), len(common)
        if lost or gained or looked_up[0] < looked_up[1]:
            yield Reachable(version, counts[0], lost, counts[1], gained, looked_up)


class _Rows:
    """For each of some nodes, the set of those that it reaches in a family, itself left out.

    `known` are the nodes for which that is known, and `looked_up` whether packets were followed for that.
    """

    def __init__(self, predictor: Predictor, version: int, names: Sequence[str]) -> None:
        lab = predictor.lab
        self.rows = [0] * len(names)
        self.known = (1 << len(names)) - 1
        self.looked_up = False
        if version not in lab.versions:
            return
        reach = Reach(lab, predictor.lookup, version)
        self._moved = _Moved(lab, names)
        members = sum(1 << reach.places[name] for name in reach.members)
        for place, name in enumerate(names):
            own = reach.places[name]
            if members >> own & 1:
                self.rows[place] = self._moved(members & ~reach.unreached[own]) & ~(1 << place)
        self.looked_up = bool(reach.examined)
        if lab.metric is None:
            left_out = set(reach.members) - set(reach.examined)
            self.known &= ~sum(1 << place for place, name in enumerate(names) if name in left_out)


class _Moved:
    """Sets by index in a lab as sets by index in a list of names; few sets are distinct."""

    def __init__(self, lab: Lab, names: Sequence[str]) -> None:
        at = {name: 1 << place for place, name in enumerate(names)}
        self.bits = [at.get(node.name, 0) for node in lab.ip_nodes]
        self.alike = [node.name for node in lab.ip_nodes] == list(names)
        self.found: dict[Bits, Bits] = {}

    def __call__(self, bits: Bits) -> Bits:
        if self.alike:
            return bits
        if bits not in self.found:
            moved = 0
            for place in places(bits):
                moved |= self.bits[place]
            self.found[bits] = moved
        return self.found[bits]


def _sets(rows: list[Bits], lab: Lab, names: Sequence[str], *, symmetric: bool) -> Iterator[Sets]:
    """The pairs as few pairs of sets, mutual ones first; at most MOST_SETS."""
    found = Groups(lab, len(names), rows, symmetric=symmetric)
    for one in islice(chain(found.mutual(), found.directed()), MOST_SETS):
        yield Sets(_names(one.left, names), _names(one.right or one.left, names), one.mutual)


def _names(bits: Bits, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(names[place] for place in places(bits))
