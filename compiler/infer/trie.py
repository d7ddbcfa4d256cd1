"""A binary trie of the prefixes of one address family, whose leaves are ranges that no prefix divides."""

from collections.abc import Iterable
from typing import NamedTuple

from compiler.model.networks import Network


class _Item(NamedTuple):
    """A prefix by its first address and its length, and its index among the prefixes of the trie."""

    first: int
    length: int
    place: int


class Trie:
    """The leaves and branches of a trie.

    `leaves` has the indexes of the prefixes around each leaf, the longest first; `branches` has pairs of
    subtries. `longest` has the first of each leaf's prefixes, `nested` the leaves with several, and `unused`
    those with none of the first `used` prefixes.

    Subtries are numbered: leaves first, then each branch after its children; the last is the root. A branch
    lies as deep as its prefixes allow. `extents` has the first address and the length of each.

    Between two branches within a prefix, a trie has one leaf of that prefix for each bit. At most two of them
    are made: further leaves of the same set change no result of ORTC (`aggregation.py`).
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
        """Adds the subtrie of a range of addresses. Leaves are numbered from 0 up, branches from -1 down.

        `around` are the prefixes that contain the range; `alone` counts the leaves made in a row.
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
    """The smallest range that contains all items."""
    differing = (items[0].first ^ items[-1].first).bit_length()
    length = min(bits - differing, *(item.length for item in items))
    return items[0].first >> (bits - length) << (bits - length), length
