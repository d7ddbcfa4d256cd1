"""A map from prefixes with longest-prefix lookup, as in a routing table."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from compiler.model.networks import Address, Network

T = TypeVar("T")


class Prefixes(Generic[T]):
    """A map from the prefixes of one address family; of two equal prefixes, the later one counts.

    They are kept by length as numbers, so that a lookup creates no network objects.
    """

    def __init__(self, version: int, entries: Iterable[tuple[Network, T]]) -> None:
        lengths: dict[int, dict[int, T]] = {}
        for prefix, found in entries:
            if prefix.version == version:
                shift = prefix.max_prefixlen - prefix.prefixlen
                lengths.setdefault(shift, {})[int(prefix.network_address) >> shift] = found
        self._lengths = sorted(lengths.items(), key=lambda item: item[0])

    def longest(self, address: Address, longer: int | None = None) -> T | None:
        """The value of the longest matching prefix, if it has more than `longer` bits."""
        number = int(address)
        most = address.max_prefixlen if longer is None else address.max_prefixlen - longer - 1
        for shift, prefixes in self._lengths:
            if shift > most:
                return None
            found = prefixes.get(number >> shift)
            if found is not None:
                return found
        return None
