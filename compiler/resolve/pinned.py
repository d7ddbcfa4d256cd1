"""The addresses that `link` statements pin for the ends of links."""

from ipaddress import ip_interface
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.language.sets import Pair, node_of
from compiler.model.links import Pin
from compiler.model.networks import AddressWithPrefix, Network
from compiler.resolve.attributes import LinkAttributes
from compiler.resolve.scope import Scope

Addresses = tuple[AddressWithPrefix, ...]


class Pinned(NamedTuple):
    """The addresses of the left and of the right end of one link, and their networks."""

    left: Addresses = ()
    right: Addresses = ()
    pins: tuple[Pin, ...] = ()


def pinned(read: LinkAttributes, pairs: list[Pair], scope: Scope) -> list[Pinned]:
    """The pinned addresses of one statement, for each of its links."""
    if not read.subnets and not read.addresses:
        return [Pinned()] * len(pairs)
    if any(node_of(word) not in scope.nodes for pair in pairs for word in pair):
        return [Pinned()] * len(pairs)  # an unknown node is reported elsewhere
    columns = [_subnet(subnet, pairs, span, scope) for subnet, span in read.subnets]
    columns += [[_addresses(addresses, pairs, span, scope)] for addresses, span in read.addresses]
    rows = [column for column in columns if len(column) == len(pairs)]
    return [_merged(row) for row in zip(*rows, strict=True)] or [Pinned()] * len(pairs)


def _merged(parts: tuple[Pinned, ...]) -> Pinned:
    """The pinned addresses of all families in one."""
    left, right, pins = (sum(column, ()) for column in zip(*parts, strict=True))
    return Pinned(left, right, pins)


def _subnet(subnet: Network, pairs: list[Pair], span: Span, scope: Scope) -> list[Pinned]:
    """The first two usable addresses of a subnet; for several links, those of a /30 or /126 of it each."""
    if switch := next(
        (name for pair in pairs for name in map(node_of, pair) if name in scope.switches), None
    ):
        message = "a link towards a switch has no subnet of its own: it shares that of its broadcast domain"
        help = f"write `switch {switch} subnet {subnet}`"
        scope.diagnostics.error("MPC410", message, span, f"`{switch}` is a switch", help)
        return []
    count = len(pairs)
    length = subnet.prefixlen if count == 1 else max(subnet.prefixlen, subnet.max_prefixlen - 2)
    size = 1 << (subnet.max_prefixlen - length)
    if count * size > subnet.num_addresses:
        message = f"`{subnet}` is too small for {count} links"
        help = f"each takes a /{length}"
        scope.diagnostics.error("MPC405", message, span, f"holds {subnet.num_addresses // size}", help)
        return []
    first = int(subnet.network_address) + (1 if size > 2 else 0)
    lows = [first + number * size for number in range(count)]
    return [_both(ip_interface((low, length)), ip_interface((low + 1, length)), span) for low in lows]


def _both(left: AddressWithPrefix, right: AddressWithPrefix, span: Span) -> Pinned:
    return Pinned((left,), (right,), (Pin(left.network, span),))


def _addresses(addresses: Addresses, pairs: list[Pair], span: Span, scope: Scope) -> Pinned:
    """The addresses of the ends of one link: of both, or of the one that is not on a switch."""
    if len(pairs) > 1:
        message = f"`address` is for the ends of one link, and this statement makes {len(pairs)}"
        scope.diagnostics.error("MPC408", message, span, "for which one?", "`subnet` goes over several")
        return Pinned()
    ports = [node_of(word) in scope.switches for word in pairs[0]]
    if len(addresses) != ports.count(False):
        _wrong_number(len(addresses), ports.count(True), span, scope)
        return Pinned()
    if not any(ports):
        return _both(addresses[0], addresses[1], span)
    pins = (Pin(addresses[0].network, span),)
    return Pinned((), addresses, pins) if ports[0] else Pinned(addresses, (), pins)


def _wrong_number(count: int, ports: int, span: Span, scope: Scope) -> None:
    """Reports a number of addresses that differs from the number of ends that take one."""
    messages = (
        "a link has two ends, and only one address here",
        "a link towards a switch takes one address, that of its other end",
        "a link between two switches takes no address",
    )
    helps = (
        "write `address LEFT RIGHT`",
        "ports of switches have no addresses: write that of the host or router alone",
        "ports of switches have no addresses: `switch NAME subnet P` sets what hosts get",
    )
    label = "one address" if count == 1 else "two addresses"
    scope.diagnostics.error("MPC411", messages[ports], span, label, helps[ports])
