"""A binary trie of the prefixes of one address family, cut into parts that none of the prefixes divides."""

from collections.abc import Iterable
from typing import NamedTuple

from compiler.model.networks import Network


class _Item(NamedTuple):
    """A prefix by its first address and its length, and its place among those that the trie is of."""

    first: int
    length: int
    place: int


class Trie:
    """`leaves` has a leaf's prefixes by their places, the longest first; `branches` has pairs of subtries.

    `longest` has the first of each leaf's prefixes, `nested` the leaves that have others, and `unused` those
    that have none of the first `used` prefixes.

    Subtries are numbered, the leaves first and each branch after what it is of; the last is the root. A
    branch lies as deep as what is in it allows. `extents` has the first address and the length of each.

    Between two branches inside of a prefix there may be many leaves of that prefix alone, one a bit. Two are
    made: to sets that are joined along the way, the third and all others make no difference.
    """

    def __init__(self, prefixes: Iterable[Network], used: int) -> None:
        self.leaves: list[tuple[int, ...]] = []
        self.branches: list[tuple[int, int]] = []
        self._extents: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        items = []
        for place, network in enumerate(prefixes):
            self.bits = network.max_prefixlen
            items.append(_Item(int(network.network_address), network.prefixlen, place))
        if items:
            self._subtrie(0, 0, sorted(items), (), 0)
        count = len(self.leaves)
        self.branches = [
            tuple(part if part >= 0 else count - 1 - part for part in pair)  # type: ignore[misc]
            for pair in self.branches
        ]
        self.extents = self._extents[0] + self._extents[1]
        self.longest = [around[0] for around in self.leaves]
        self.nested = [leaf for leaf, around in enumerate(self.leaves) if len(around) > 1]
        self.unused = [leaf for leaf, around in enumerate(self.leaves) if min(around) >= used]

    def _subtrie(
        self, first: int, length: int, items: list[_Item], around: tuple[int, ...], alone: int
    ) -> int | None:
        """Adds what is in a range of addresses: a leaf as its place, a branch as minus its place and 1.

        `around` are the prefixes that hold all of it; `alone` counts the leaves of those made in a row.
        """
        if items and (not around or alone == 2):
            first, length = _common(items, self.bits)
        if items and items[0][:2] == (first, length):
            around, items, alone = (items[0].place, *around), items[1:], 0
        if not items:
            return self._leaf(first, length, around) if around else None
        half = first + (1 << (self.bits - length - 1))
        parts = [item for item in items if item.first < half], [item for item in items if item.first >= half]
        alone = 0 if all(parts) else alone + 1
        left = self._subtrie(first, length + 1, parts[0], around, alone)
        right = self._subtrie(half, length + 1, parts[1], around, alone)
        assert left is not None
        assert right is not None
        self.branches.append((left, right))
        self._extents[1].append((first, length))
        return -len(self.branches)

    def _leaf(self, first: int, length: int, around: tuple[int, ...]) -> int:
        self.leaves.append(around)
        self._extents[0].append((first, length))
        return len(self.leaves) - 1


def _common(items: list[_Item], bits: int) -> tuple[int, int]:
    """The smallest range that holds all items."""
    differing = (items[0].first ^ items[-1].first).bit_length()
    length = min(bits - differing, *(item.length for item in items))
    return items[0].first >> (bits - length) << (bits - length), length
