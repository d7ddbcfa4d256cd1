"""Addresses and networks, and memoized functions of networks."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Generic, TypeVar

Address = IPv4Address | IPv6Address

AddressWithPrefix = IPv4Interface | IPv6Interface

Network = IPv4Network | IPv6Network

Value = TypeVar("Value")

DEFAULT: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
"""The target of default routes."""


class PerNetwork(Generic[Value]):
    """A function of networks with a memo, for networks that many routes share.

    The memo is keyed by identity, as hashing a network takes longer than most uses of the value. The networks
    are kept alive, so that no new object can have the identity of a freed one.
    """

    def __init__(self, function: Callable[[Network], Value]) -> None:
        self.function = function
        self.found: dict[int, Value] = {}
        self.kept: list[Network] = []

    def __call__(self, networks: tuple[Network, ...]) -> tuple[Value, ...]:
        try:
            return tuple(map(self.found.__getitem__, map(id, networks)))
        except KeyError:
            self.kept += networks
            self.found |= {id(network): self.function(network) for network in networks}
        return self(networks)


def bounds(network: Network) -> tuple[int, int]:
    """The first and the last address of a network, as numbers."""
    first = int(network.network_address)
    return first, first | ((1 << (network.max_prefixlen - network.prefixlen)) - 1)


def overlap(one: Network, other: Network) -> bool:
    """Whether two networks have addresses in common."""
    if one.version != other.version:
        return False
    (first, last), (start, end) = bounds(one), bounds(other)
    return first <= end and start <= last
