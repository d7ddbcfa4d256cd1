"""The addresses that `link` statements pin for the ends of links."""

from ipaddress import ip_interface
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.language.sets import Pair, node_of
from compiler.model.links import Pin
from compiler.model.networks import AddressWithPrefix, Network
from compiler.resolve.attributes import Ends, LinkAttributes
from compiler.resolve.scope import Scope

Addresses = tuple[AddressWithPrefix, ...]


class Pinned(NamedTuple):
    """The addresses of the left and of the right end of one link, and their networks.

    `written` are the families in which it is `address` that pins them. `bare` are the ends (0 and 1) that are
    to have none, and `macs` the MAC addresses of some ends.
    """

    left: Addresses = ()
    right: Addresses = ()
    pins: tuple[Pin, ...] = ()
    written: tuple[int, ...] = ()
    bare: tuple[int, ...] = ()
    macs: tuple[tuple[int, str], ...] = ()

    @property
    def ends(self) -> tuple[Addresses, Addresses]:
        return self.left, self.right


def pinned(read: LinkAttributes, pairs: list[Pair], scope: Scope) -> list[Pinned]:
    """The pinned addresses of one statement, for each of its links."""
    if not (read.subnets or read.addresses or read.macs):
        return [Pinned()] * len(pairs)
    if any(node_of(word) not in scope.nodes for pair in pairs for word in pair):
        return [Pinned()] * len(pairs)  # an unknown node is reported elsewhere
    columns = [_subnet(subnet, pairs, span, scope) for subnet, span in read.subnets]
    columns += [_addresses(addresses, pairs, span, scope) for addresses, span in read.addresses]
    columns += [macs_of(macs, pairs, span, scope) for macs, span in read.macs]
    rows = [column for column in columns if len(column) == len(pairs)]
    return [_merged(row) for row in zip(*rows, strict=True)] or [Pinned()] * len(pairs)


def _merged(parts: tuple[Pinned, ...]) -> Pinned:
    """The pinned addresses of all families in one."""
    found = Pinned(*(sum(column, ()) for column in zip(*parts, strict=True)))
    return found._replace(bare=tuple(end for end in (0, 1) if end in found.bare and not found.ends[end]))


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


def _addresses(addresses: Ends, pairs: list[Pair], span: Span, scope: Scope) -> list[Pinned]:
    """The addresses of the ends of one link: of both, or of the one that is not on a switch; or of none."""
    if addresses == (None,):
        return [Pinned(bare=hosts_of(pair, scope)) for pair in pairs]
    if len(pairs) > 1:
        message = f"`address` is for the ends of one link, and this statement makes {len(pairs)}"
        scope.diagnostics.error("MPC408", message, span, "for which one?", "`subnet` goes over several")
        return []
    hosts = hosts_of(pairs[0], scope)
    if len(addresses) != len(hosts):
        _wrong_number(len(addresses), 2 - len(hosts), span, scope)
        return []
    own = dict(zip(hosts, addresses, strict=True))
    given = {place: (address,) for place, address in own.items() if address}
    first = next((address for address in addresses if address), None)
    return [
        Pinned(
            given.get(0, ()),
            given.get(1, ()),
            (Pin(first.network, span),) if first else (),
            (first.version,) if first else (),
            tuple(place for place, address in own.items() if address is None),
        )
    ]


def hosts_of(pair: Pair, scope: Scope) -> tuple[int, ...]:
    """The ends of a link that are on no switch."""
    return tuple(place for place, word in enumerate(pair) if node_of(word) not in scope.switches)


def macs_of(macs: tuple[str | None, ...], pairs: list[Pair], span: Span, scope: Scope) -> list[Pinned]:
    """The MAC addresses of the ends of one link, which stand as its addresses do."""
    if len(pairs) > 1:
        message = f"`mac` is for the ends of one link, and this statement makes {len(pairs)}"
        scope.diagnostics.error("MPC408", message, span, "for which one?", "write a statement for each")
        return []
    hosts = hosts_of(pairs[0], scope)
    if len(macs) != len(hosts):
        takes = ("no end takes", "one end takes", "both ends take")[len(hosts)]
        message = f"of this link, {takes} a MAC address: write {len(hosts)} and not {len(macs)}"
        help = "write `mac LEFT RIGHT`, or towards a switch that of the other end; `none` is the kernel's own"
        scope.diagnostics.error("MPC411", message, span, "another number", help)
        return []
    return [Pinned(macs=tuple((place, mac) for place, mac in zip(hosts, macs, strict=True) if mac))]


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
