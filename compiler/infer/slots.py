"""Equal parts of a network, slots, and numbers that are assigned by a hash of identities.

On a collision the next free one is taken. Things are assigned in order of identity, so that a further thing
changes that of another only if their hashes collide.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha256
from ipaddress import ip_network
from itertools import accumulate

from compiler.model.networks import Network, bounds

MOST_SLOTS = 2**30
"""The most slots: enough for any lab, and it keeps the addresses of a wide IPv6 pool short."""


class Slots:
    """A network in slots of one prefix length; those that overlap `taken` networks are not free."""

    def __init__(self, network: Network, length: int, taken: Iterable[Network]) -> None:
        self.network = network
        self.length = length
        self.slots = min(MOST_SLOTS, 1 << (length - network.prefixlen)) if length >= network.prefixlen else 0
        self.onward: dict[int, int] = {}
        """A later slot to search from, for slots that are not free."""
        self.ranges = list(accumulate(sorted(self._taken_ranges(taken)), _to_the_farther_end))
        """The slots that are not free: a range within an earlier one ends with that."""

    def _taken_ranges(self, taken: Iterable[Network]) -> Iterator[tuple[int, int]]:
        """The slots that networks touch, as first and last."""
        (base, end), shift = bounds(self.network), self.network.max_prefixlen - self.length
        for other in taken:
            first, last = bounds(other)
            if other.version == self.network.version and first <= end and base <= last:
                yield (max(base, first) - base) >> shift, (last - base) >> shift

    def take(self, identity: str) -> Network | None:
        """The slot of an identity, or the next free one; None if none is free."""
        if not self.slots:
            return None
        wanted = int.from_bytes(sha256(identity.encode()).digest()[:8], "big") % self.slots
        slot = self._free(wanted)
        if slot >= self.slots:
            slot = self._free(0)
        if slot >= self.slots:
            return None
        self.onward[slot] = slot + 1
        shift = self.network.max_prefixlen - self.length
        return ip_network((int(self.network.network_address) + (slot << shift), self.length))

    def _free(self, slot: int) -> int:
        """The first free slot from `slot` on, or one past the last; shortens the path for later searches."""
        passed = []
        while slot < self.slots and (onward := self.onward.get(slot) or self._past_taken(slot)) != slot:
            passed.append(slot)
            slot = onward
        self.onward |= dict.fromkeys(passed, slot)
        return slot

    def _past_taken(self, slot: int) -> int:
        """The slot after the range of taken slots that contains a slot; the slot itself if it is in none."""
        place = bisect_right(self.ranges, slot, key=lambda taken: taken[0])
        return max(slot, self.ranges[place - 1][1] + 1) if place else slot


def _to_the_farther_end(before: tuple[int, int], after: tuple[int, int]) -> tuple[int, int]:
    return after[0], max(before[1], after[1])


def hashed_numbers(
    identities: Iterable[str], first: int, count: int, others: Iterable[int] = ()
) -> dict[str, int]:
    """A number for each identity by its hash, of `count` from `first` on, or the next free one.

    `others` are numbers that are not free.
    """
    found: dict[str, int] = {}
    taken = {number - first for number in others}
    for identity in sorted(identities):
        number = int.from_bytes(sha256(identity.encode()).digest()[:4], "big") % count
        while number in taken:
            number = (number + 1) % count
        taken.add(number)
        found[identity] = first + number
    return found
