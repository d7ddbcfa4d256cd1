"""Places in a network, all of one size, that are given out by what a thing is and not where it stands.

A thing's place is a hash of its identity; on a collision the next free one is taken. So, things being taken
in order of identity, one more moves another only where both hash to one place.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha256
from ipaddress import ip_network

from compiler.model.networks import Network, bounds

MOST_SLOTS = 2**30
"""Enough in any lab, and it keeps the addresses of a wide IPv6 pool short."""


class Slots:
    """A network in slots of one prefix length; those that `taken` networks touch are not free."""

    def __init__(self, network: Network, length: int, taken: Iterable[Network]) -> None:
        self.network = network
        self.length = length
        self.slots = min(MOST_SLOTS, 1 << (length - network.prefixlen)) if length >= network.prefixlen else 0
        self.onward: dict[int, int] = {}
        """Where to look next, for slots that are not free."""
        self.ranges = sorted(self._taken_ranges(taken))

    def _taken_ranges(self, taken: Iterable[Network]) -> Iterator[tuple[int, int]]:
        """The slots that networks touch, as first and last."""
        (base, end), shift = bounds(self.network), self.network.max_prefixlen - self.length
        for other in taken:
            first, last = bounds(other)
            if other.version == self.network.version and first <= end and base <= last:
                yield (max(base, first) - base) >> shift, (last - base) >> shift

    def take(self, identity: str) -> Network | None:
        """The slot of an identity, or the next free one; None where there is none."""
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
        """The first free slot from one on, past the last where there is none; the next search is shorter."""
        passed = []
        while slot < self.slots and (onward := self.onward.get(slot) or self._past_taken(slot)) != slot:
            passed.append(slot)
            slot = onward
        self.onward |= dict.fromkeys(passed, slot)
        return slot

    def _past_taken(self, slot: int) -> int:
        """The slot after the range of taken ones that a slot is in; itself where it is in none."""
        place = bisect_right(self.ranges, slot, key=lambda taken: taken[0])
        return max(slot, self.ranges[place - 1][1] + 1) if place else slot
