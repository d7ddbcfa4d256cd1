"""Addresses and networks, and what is kept of many of them."""

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
    """A function of networks that keeps what it has found, for networks that many routes share.

    It is kept by identity, as to hash a network takes longer than most of what is done with it. The networks
    are kept too, so that no other one comes in the place of one that is gone.
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
